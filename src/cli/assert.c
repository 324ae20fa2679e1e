/* SPDX-License-Identifier: Apache-2.0 */
/*
 * migctl assert: whether the node is as wanted.
 */
#include <stdio.h>

#include "cli/commands.h"
#include "cli/look.h"
#include "cli/note.h"
#include "cli/output.h"
#include "core/plan.h"
#include "shared/json_writer.h"

#define OUTPUT_MAX (16 * 1024 * 1024)

const struct mig_option mig_cmd_assert_options[] = {
	MIG_WISH_OPTIONS,
	{"mode-only", 'm', NULL, "compare the MIG modes alone, not the instances"},
	{"json", 0, NULL, "print JSON (schema migctl.assert/1)"},
	{NULL, 0, NULL, NULL},
};

/* Whether GPU `pg` is not as wanted. */
static bool differs(const struct mig_plan *plan, const struct mig_plan_gpu *pg, bool mode_only)
{
	if (!mode_only)
		return pg->op_count > 0 || pg->is_blocked;
	for (unsigned int i = pg->first_op; i < pg->first_op + pg->op_count; i++) {
		if (plan->ops[i].kind == MIG_OP_MODE_SET)
			return true;
	}
	return pg->is_blocked && pg->mode_changes;
}

static int print_json(const struct mig_look *look, bool mode_only, unsigned int count,
		      struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf out = MIG_BUF_INIT(OUTPUT_MAX);
	struct mig_json json;

	mig_json_init(&json, &out);
	mig_json_object_begin(&json);
	mig_json_member_string(&json, "schema", "migctl.assert/1");
	mig_json_member_bool(&json, "as_wanted", count == 0);
	mig_json_key(&json, "gpus");
	mig_json_array_begin(&json);
	for (unsigned int i = 0; i < look->plan->gpu_count; i++) {
		const struct mig_plan_gpu *pg = &look->plan->gpus[i];

		mig_json_object_begin(&json);
		mig_json_member_string(&json, "gpu_uuid", pg->gpu_uuid);
		mig_json_member_uint(&json, "gpu_index", look->snapshot->gpus[pg->gpu_index].index);
		mig_json_member_bool(&json, "as_wanted", !differs(look->plan, pg, mode_only));
		mig_json_object_end(&json);
	}
	mig_json_array_end(&json);
	mig_note_json(&json);
	mig_json_object_end(&json);
	return mig_output_json(&json, &out, err);
}

static int judge(const struct mig_invocation *inv, const struct mig_look *look,
		 struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf gpus = MIG_BUF_INIT(4096), words = MIG_BUF_INIT(1024 * 1024);
	bool mode_only = mig_option_given(inv, "mode-only");
	unsigned int count = 0;

	for (unsigned int i = 0; i < look->plan->gpu_count; i++) {
		const struct mig_plan_gpu *pg = &look->plan->gpus[i];

		if (!differs(look->plan, pg, mode_only))
			continue;
		mig_buf_printf(&gpus, "%s%u", count++ > 0 ? "," : "",
			       look->snapshot->gpus[pg->gpu_index].index);
	}
	if (mig_option_given(inv, "json")) {
		if (print_json(look, mode_only, count, err) < 0)
			return -1;
		return count > 0 ? MIG_EXIT_DIFFERS : MIG_EXIT_OK;
	}
	if (count == 0) {
		printf("As wanted: %u GPU%s.\n", look->plan->gpu_count,
		       look->plan->gpu_count == 1 ? "" : "s");
		return MIG_EXIT_OK;
	}
	mig_wish_words(inv, &words);
	mig_error_set(err, MIG_ERROR_DIFFERS, "not as wanted: GPU %s", mig_buf_text(&gpus));
	return mig_error_hint(err, "migctl plan%s shows what differs, migctl apply%s mends it",
			      mig_buf_text(&words), mig_buf_text(&words));
}

int mig_cmd_assert_run(const struct mig_invocation *inv, struct mig_error **err)
{
	struct mig_look look;
	int rc = mig_look_run(inv, &look, err);

	if (rc == 0)
		rc = judge(inv, &look, err);
	mig_look_clear(&look);
	return rc;
}
