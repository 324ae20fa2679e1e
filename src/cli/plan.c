/* SPDX-License-Identifier: Apache-2.0 */
/*
 * migctl plan: what would change, as text, pictures or JSON.
 */
#include <stdio.h>

#include "cli/commands.h"
#include "cli/look.h"
#include "cli/note.h"
#include "cli/output.h"
#include "cli/plan_json.h"

#define OUTPUT_MAX    (16 * 1024 * 1024)
#define HISTORY_LIMIT 32

const struct mig_option mig_cmd_plan_options[] = {
	MIG_WISH_OPTIONS,
	{"json", 0, NULL, "print JSON (schema migctl.plan/1)"},
	{NULL, 0, NULL, NULL},
};

static void estimate(const struct mig_look *look, struct mig_estimate *out)
{
	struct mig_history history;

	*out = (struct mig_estimate){0};
	if (look->plan->op_count == 0)
		return;
	if (mig_history_read(&look->session.ctx, HISTORY_LIMIT, &history, NULL) == 0)
		mig_history_estimate(&history, look->snapshot, look->plan, out);
	mig_history_clear(&history);
}

static int print_json(const struct mig_look *look, const struct mig_plan_view *view,
		      struct mig_buf *out, struct mig_error **err)
{
	struct mig_json json;

	mig_json_init(&json, out);
	mig_json_object_begin(&json);
	mig_json_member_string(&json, "schema", "migctl.plan/1");
	mig_json_member_bool(&json, "differs", mig_look_differs(look));
	mig_plan_json_members(&json, view, NULL);
	mig_note_json(&json);
	mig_json_object_end(&json);
	return mig_output_json(&json, out, err);
}

static int print(const struct mig_invocation *inv, const struct mig_look *look,
		 struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf out = MIG_BUF_INIT(OUTPUT_MAX);
	struct mig_picture_style style;
	struct mig_estimate how_long;
	struct mig_plan_view view = {.snapshot = look->snapshot,
				     .plan = look->plan,
				     .style = &style,
				     .estimate = &how_long};

	mig_picture_style_of_stdout(&style);
	estimate(look, &how_long);
	if (mig_option_given(inv, "json")) {
		if (print_json(look, &view, &out, err) < 0)
			return -1;
	} else {
		mig_plan_print(&view, &out);
		fputs(mig_buf_text(&out), stdout);
	}
	return mig_look_differs(look) ? MIG_EXIT_DIFFERS : MIG_EXIT_OK;
}

int mig_cmd_plan_run(const struct mig_invocation *inv, struct mig_error **err)
{
	struct mig_look look;
	int rc = mig_look_run(inv, &look, err);

	if (rc == 0)
		rc = print(inv, &look, err);
	mig_look_clear(&look);
	return rc;
}
