/* SPDX-License-Identifier: Apache-2.0 */
/*
 * migctl apply: brings the node to a declared layout.
 */
#include "cli/change.h"
#include "cli/commands.h"
#include "cli/wish.h"

const struct mig_option mig_cmd_apply_options[] = {
	MIG_WISH_OPTIONS,
	MIG_CHANGE_OPTIONS,
	{NULL, 0, NULL, NULL},
};

static int apply(const struct mig_invocation *inv, struct mig_wish *wish, struct mig_error **err)
{
	_cleanup_session_ struct mig_session session = {0};
	struct mig_change change = {.inv = inv, .schema = "migctl.apply/1"};

	/* The wish first: what is wrong with it does not need a driver to be said. */
	if (mig_wish_read(inv, wish, err) < 0 || mig_session_open(&session, err) < 0)
		return -1;
	change.request.kind = MIG_CHANGE_APPLY;
	change.request.command = wish->command;
	change.request.want = mig_wish_want;
	change.request.explain = mig_wish_explain;
	change.request.cookie = wish;
	change.config_file = mig_option_value(inv, "config-file");
	change.config_label = wish->label != NULL ? wish->label->name : NULL;
	return mig_change_run(&change, &session, err);
}

int mig_cmd_apply_run(const struct mig_invocation *inv, struct mig_error **err)
{
	struct mig_wish wish = {0};
	int rc = apply(inv, &wish, err);

	mig_wish_clear(&wish);
	return rc;
}
