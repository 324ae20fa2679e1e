/* SPDX-License-Identifier: Apache-2.0 */
/*
 * migctl apply: bring the node to a layout that a configuration file declares.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/session.h"
#include "config/select.h"
#include "core/apply.h"
#include "shared/hostroot.h"
#include "shared/json_writer.h"
#include "shared/text.h"

#define OUTPUT_MAX (16 * 1024 * 1024)

const struct mig_option mig_cmd_apply_options[] = {
	{"config-file", 'f', "FILE",
	 "configuration file; - for standard input "
	 "(default: /etc/migctl/config.yaml)"},
	{"selected-config", 'c', "LABEL", "the label to apply (may be left out if there is one)"},
	{"dry-run", 'n', NULL,
	 "show what would change and change nothing; exit status 3 if anything"},
	{"json", 0, NULL, "print JSON (schema migctl.apply/1)"},
	{NULL, 0, NULL, NULL},
};

/* One run of the command. */
struct run {
	const struct mig_invocation *inv;
	struct mig_session session;
	struct mig_snapshot *snapshot;
	struct mig_plan *plan;
	struct mig_op_result *results; /* plan->op_count */
	bool is_json;
	bool is_dry_run;
};

static void run_clear(struct run *run)
{
	free(run->results);
	mig_plan_free(run->plan);
	mig_snapshot_free(run->snapshot);
	mig_session_close(&run->session);
}

/* ---- text ------------------------------------------------------------------------------------- */

static bool is_change(const struct mig_plan_gpu *pg)
{
	return pg->op_count > 0;
}

/* Between the parts of a GPU's line. */
static void put_comma(struct mig_buf *out)
{
	if (out->len > 0)
		mig_buf_puts(out, ", ");
}

/* "create 2: 3g.20gb@4 1g.5gb@0" */
static void print_placements(const struct mig_plan *plan, const struct mig_plan_gpu *pg,
			     enum mig_op_kind kind, const char *verb, unsigned int count,
			     struct mig_buf *out)
{
	if (count == 0)
		return;
	put_comma(out);
	mig_buf_printf(out, "%s %u:", verb, count);
	for (unsigned int i = pg->first_op; i < pg->first_op + pg->op_count; i++) {
		if (plan->ops[i].kind == kind)
			mig_buf_printf(out, " %s@%u", plan->ops[i].gi_profile_name,
				       plan->ops[i].gi_start);
	}
}

static bool has_op(const struct mig_plan *plan, const struct mig_plan_gpu *pg,
		   enum mig_op_kind kind)
{
	for (unsigned int i = pg->first_op; i < pg->first_op + pg->op_count; i++) {
		if (plan->ops[i].kind == kind)
			return true;
	}
	return false;
}

static void describe_plan_gpu(const struct run *run, const struct mig_plan_gpu *pg,
			      struct mig_buf *out)
{
	const struct mig_gpu *gpu = &run->snapshot->gpus[pg->gpu_index];

	if (!pg->mode_changes && has_op(run->plan, pg, MIG_OP_MODE_SET))
		mig_buf_puts(out, "take back the pending MIG mode change");
	if (pg->mode_changes) {
		mig_buf_printf(out, "turn MIG %s", gpu->mig_current ? "off" : "on");
	} else if (pg->kept_gi > 0) {
		put_comma(out);
		mig_buf_printf(out, "keep %u instance%s", pg->kept_gi, pg->kept_gi == 1 ? "" : "s");
	}
	print_placements(run->plan, pg, MIG_OP_GI_DESTROY, "destroy", pg->destroyed_gi, out);
	print_placements(run->plan, pg, MIG_OP_GI_CREATE, "create", pg->created_gi, out);
	/* Compute instances are worth a word where their GPU instance stays. */
	if (pg->destroyed_gi == 0 && pg->destroyed_ci > 0) {
		put_comma(out);
		mig_buf_printf(out, "destroy %u compute instance%s", pg->destroyed_ci,
			       pg->destroyed_ci == 1 ? "" : "s");
	}
	if (pg->created_gi == 0 && pg->created_ci > 0) {
		put_comma(out);
		mig_buf_printf(out, "create %u compute instance%s", pg->created_ci,
			       pg->created_ci == 1 ? "" : "s");
	}
}

/* One line for neighbours with the same change: "GPU 0-7: …". */
static void print_plan_gpus(const struct run *run, struct mig_buf *out)
{
	_cleanup_buf_ struct mig_buf line = MIG_BUF_INIT(OUTPUT_MAX);
	_cleanup_buf_ struct mig_buf next = MIG_BUF_INIT(OUTPUT_MAX);
	_cleanup_buf_ struct mig_buf whole = MIG_BUF_INIT(OUTPUT_MAX);
	const struct mig_plan *plan = run->plan;
	unsigned int i = 0;

	while (i < plan->gpu_count) {
		unsigned int first = plan->gpus[i].gpu_index;
		unsigned int last = first;

		if (!is_change(&plan->gpus[i])) {
			i++;
			continue;
		}
		mig_buf_reset(&line);
		describe_plan_gpu(run, &plan->gpus[i], &line);
		while (++i < plan->gpu_count && is_change(&plan->gpus[i])) {
			mig_buf_reset(&next);
			describe_plan_gpu(run, &plan->gpus[i], &next);
			if (plan->gpus[i].gpu_index != last + 1 ||
			    strcmp(mig_buf_text(&line), mig_buf_text(&next)) != 0)
				break;
			last++;
		}
		mig_buf_reset(&whole);
		mig_buf_printf(&whole, "GPU %u", first);
		if (last > first)
			mig_buf_printf(&whole, "-%u", last);
		mig_buf_printf(&whole, ": %s", mig_buf_text(&line));
		mig_output_wrap(out, mig_buf_text(&whole), 2, 6);
	}
}

static void print_plan(const struct run *run, struct mig_buf *out)
{
	unsigned int changes = 0;

	for (unsigned int i = 0; i < run->plan->gpu_count; i++)
		changes += is_change(&run->plan->gpus[i]);
	if (changes == 0) {
		mig_buf_printf(out, "Nothing had to change: %u GPU%s %s as wanted.\n",
			       run->plan->gpu_count, run->plan->gpu_count == 1 ? "" : "s",
			       run->plan->gpu_count == 1 ? "is" : "are");
		return;
	}
	mig_buf_printf(out, "Plan: %u of %u GPU%s change%s, %u operation%s\n", changes,
		       run->snapshot->gpu_count, run->snapshot->gpu_count == 1 ? "" : "s",
		       changes == 1 ? "s" : "", run->plan->op_count,
		       run->plan->op_count == 1 ? "" : "s");
	print_plan_gpus(run, out);
}

static void print_created(const struct run *run, struct mig_buf *out)
{
	bool is_any = false;

	for (unsigned int i = 0; i < run->plan->op_count; i++) {
		const struct mig_op *op = &run->plan->ops[i];
		char place[32];

		if (op->kind != MIG_OP_CI_CREATE || run->results[i].outcome != MIG_OP_DONE)
			continue;
		if (!is_any)
			mig_buf_puts(out, "New MIG devices:\n");
		is_any = true;
		mig_text_format(place, sizeof(place), "%u:%u", op->gi_start, op->gi_size);
		mig_buf_printf(out, "  GPU %-2u  %-4s  %-14s  %s\n", op->gpu_index, place,
			       op->ci_profile_name, run->results[i].uuid);
	}
	mig_buf_printf(out, "Done: %u operation%s.\n", run->plan->op_count,
		       run->plan->op_count == 1 ? "" : "s");
}

static const char *const outcome_words[MIG_OP_OUTCOME_COUNT] = {
	[MIG_OP_NOT_STARTED] = "not done",
	[MIG_OP_DONE] = "done",
	[MIG_OP_PENDING] = "pending",
	[MIG_OP_FAILED] = "failed",
};

/* After a failure: each operation with what became of it. */
static void print_outcomes(const struct run *run, struct mig_buf *out)
{
	for (unsigned int i = 0; i < run->plan->op_count; i++) {
		mig_buf_printf(out, "  %-8s  ", outcome_words[run->results[i].outcome]);
		mig_op_describe(&run->plan->ops[i], out);
		mig_buf_putc(out, '\n');
	}
}

/* ---- JSON ------------------------------------------------------------------------------------- */

static const char *const kind_words[MIG_OP_KIND_COUNT] = {
	[MIG_OP_CI_DESTROY] = "destroy-compute-instance",
	[MIG_OP_GI_DESTROY] = "destroy-gpu-instance",
	[MIG_OP_MODE_SET] = "set-mig-mode",
	[MIG_OP_GI_CREATE] = "create-gpu-instance",
	[MIG_OP_CI_CREATE] = "create-compute-instance",
};

static bool is_of_ci(const struct mig_op *op)
{
	return op->kind == MIG_OP_CI_CREATE || op->kind == MIG_OP_CI_DESTROY;
}

static void json_profile(struct mig_json *json, const char *key, const char *name, unsigned int id,
			 unsigned int start, unsigned int size)
{
	char id_text[16];

	mig_text_format(id_text, sizeof(id_text), "%u", id);
	mig_json_key(json, key);
	mig_json_object_begin(json);
	mig_json_member_string(json, "profile", name);
	mig_json_member_string(json, "profile_id", id_text);
	mig_json_member_uint(json, "placement_start", start);
	mig_json_member_uint(json, "placement_size", size);
	mig_json_object_end(json);
}

static void json_op(struct mig_json *json, const struct mig_op *op,
		    const struct mig_op_result *result)
{
	mig_json_object_begin(json);
	mig_json_member_string(json, "kind", kind_words[op->kind]);
	mig_json_member_string(json, "gpu_uuid", op->gpu_uuid);
	mig_json_member_uint(json, "gpu_index", op->gpu_index);
	if (op->kind == MIG_OP_MODE_SET) {
		mig_json_member_bool(json, "mig_mode_before", op->mode_before);
		mig_json_member_bool(json, "mig_mode_pending_before", op->mode_pending_before);
		mig_json_member_bool(json, "mig_mode_after", op->mode_after);
	} else {
		json_profile(json, "gpu_instance", op->gi_profile_name, op->gi_profile_id,
			     op->gi_start, op->gi_size);
	}
	if (is_of_ci(op)) {
		json_profile(json, "compute_instance", op->ci_profile_name, op->ci_profile_id,
			     op->ci_start, op->ci_size);
		mig_json_member_string(json, "expected_uuid",
				       op->expected_uuid[0] != '\0' ? op->expected_uuid : NULL);
	}
	mig_json_member_string(json, "outcome", outcome_words[result->outcome]);
	if (op->kind == MIG_OP_CI_CREATE)
		mig_json_member_string(json, "uuid", result->uuid[0] != '\0' ? result->uuid : NULL);
	mig_json_object_end(json);
}

static void json_run(const struct run *run, const struct mig_error *failure, struct mig_buf *out)
{
	struct mig_json json;

	mig_json_init(&json, out);
	mig_json_object_begin(&json);
	mig_json_member_string(&json, "schema", "migctl.apply/1");
	mig_json_member_bool(&json, "dry_run", run->is_dry_run);
	mig_json_member_string(&json, "changed",
			       failure != NULL ? mig_changed_word(mig_error_changed(failure))
			       : run->is_dry_run || run->plan->op_count == 0 ? "none"
									     : "all");
	mig_json_key(&json, "gpus");
	mig_json_array_begin(&json);
	for (unsigned int i = 0; i < run->plan->gpu_count; i++) {
		const struct mig_plan_gpu *pg = &run->plan->gpus[i];

		mig_json_object_begin(&json);
		mig_json_member_string(&json, "gpu_uuid", pg->gpu_uuid);
		mig_json_member_bool(&json, "mig_mode_changes", pg->mode_changes);
		mig_json_member_uint(&json, "kept_gpu_instances", pg->kept_gi);
		mig_json_member_uint(&json, "destroyed_gpu_instances", pg->destroyed_gi);
		mig_json_member_uint(&json, "created_gpu_instances", pg->created_gi);
		mig_json_object_end(&json);
	}
	mig_json_array_end(&json);
	mig_json_key(&json, "operations");
	mig_json_array_begin(&json);
	for (unsigned int i = 0; i < run->plan->op_count; i++)
		json_op(&json, &run->plan->ops[i], &run->results[i]);
	mig_json_array_end(&json);
	mig_json_object_end(&json);
	if (mig_json_finish(&json) < 0)
		mig_buf_reset(out);
}

/* ---- the command ------------------------------------------------------------------------------ */

static int read_config(const struct run *run, struct mig_config **config, struct mig_error **err)
{
	const char *file = mig_option_value(run->inv, "config-file");
	_cleanup_free_ char *host_root = NULL;
	_cleanup_free_ char *path = NULL;

	if (file != NULL)
		return mig_config_read(file, config, err);
	if (mig_host_root_from_env(&host_root, err) < 0)
		return -1;
	path = mig_host_path(host_root, MIG_HOST_CONFIG_FILE);
	if (path == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	if (mig_config_read(path, config, err) < 0)
		return mig_error_hint(err, "name the configuration with -f FILE");
	return 0;
}

/* Reads the node with `flags` and plans; replaces what an earlier look had made. */
static int look_and_plan(struct run *run, const struct mig_config *config,
			 const struct mig_config_label *label, unsigned int flags,
			 struct mig_error **err)
{
	_cleanup_target_ struct mig_target *target = NULL;

	mig_plan_free(MIG_TAKE_PTR(run->plan));
	mig_snapshot_free(MIG_TAKE_PTR(run->snapshot));
	if (mig_snapshot_read(&run->session.ctx, flags, &run->snapshot, err) < 0)
		return mig_session_explain(&run->session, err);
	if (mig_config_select(config, label, run->snapshot, &target, err) < 0)
		return -1;
	if (mig_plan_make(run->snapshot, target, &run->plan, err) == 0)
		return 0;
	/* Which set is impossible the plan says; where it is written only we know. */
	if (err != NULL && mig_error_code(*err) == MIG_ERROR_REFUSED)
		mig_error_wrap(err, "%s:%u:%u: label '%s'", config->source, label->at.line,
			       label->at.column, label->name);
	return -1;
}

static int make_plan(struct run *run, struct mig_error **err)
{
	_cleanup_config_ struct mig_config *config = NULL;
	const struct mig_config_label *label;

	/* The file first: what is wrong with it does not need a driver to be said. */
	if (read_config(run, &config, err) < 0)
		return -1;
	label = mig_config_find(config, mig_option_value(run->inv, "selected-config"), err);
	if (label == NULL || mig_session_open(&run->session, err) < 0)
		return -1;
	/* Who holds what, and UUIDs, cost as many calls as all the rest and matter only to a plan
	 * that changes something. */
	if (look_and_plan(run, config, label, 0, err) < 0)
		return -1;
	if (run->plan->op_count > 0 &&
	    look_and_plan(run, config, label, MIG_SNAPSHOT_UUIDS | MIG_SNAPSHOT_HOLDERS, err) < 0)
		return -1;
	run->results = calloc((size_t)run->plan->op_count + 1, sizeof(*run->results));
	if (run->results == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	return 0;
}

static void flush(struct mig_buf *out, FILE *stream)
{
	fputs(mig_buf_text(out), stream);
	fflush(stream);
	mig_buf_reset(out);
}

/* On a terminal one line that changes; a realistic operation takes a good part of a second. */
static void show_progress(MIG_UNUSED void *cookie, const struct mig_plan *plan,
			  unsigned int op_number, MIG_UNUSED const struct mig_op_result *result)
{
	bool is_last = op_number + 1 == plan->op_count;

	if (is_last)
		fputs("\r\033[K", stderr);
	else
		fprintf(stderr, "\r%u of %u operations, GPU %u\033[K", op_number + 1,
			plan->op_count, plan->ops[op_number + 1].gpu_index);
}

static int execute(struct run *run, struct mig_buf *out, struct mig_error **err)
{
	bool has_terminal = isatty(STDERR_FILENO) != 0;
	struct mig_error *failure = NULL;
	int rc = mig_apply_execute(&run->session.ctx, run->snapshot, run->plan, run->results,
				   has_terminal ? show_progress : NULL, NULL, &failure);

	if (has_terminal)
		fputs("\r\033[K", stderr);
	if (rc < 0)
		mig_session_explain(&run->session, &failure);
	if (run->is_json) {
		json_run(run, failure, out);
		flush(out, stdout);
	} else if (rc == 0) {
		print_created(run, out);
		flush(out, stdout);
	} else if (mig_error_changed(failure) == MIG_CHANGED_PARTIAL) {
		print_outcomes(run, out);
		flush(out, stderr);
	}
	if (rc < 0)
		mig_error_move(err, &failure);
	return rc;
}

static int apply(struct run *run, struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf out = MIG_BUF_INIT(OUTPUT_MAX);

	if (make_plan(run, err) < 0)
		return -1;
	if (!run->is_json) {
		print_plan(run, &out);
		flush(&out, stdout);
	}
	if (run->plan->op_count > 0 && !run->is_dry_run) {
		/* Who cannot be told would take the failure for "nothing changed". */
		if (mig_output_check(err) < 0)
			return -1;
		return execute(run, &out, err) < 0 ? -1 : MIG_EXIT_OK;
	}
	if (run->is_json) {
		json_run(run, NULL, &out);
		flush(&out, stdout);
	}
	return run->plan->op_count > 0 ? MIG_EXIT_DIFFERS : MIG_EXIT_OK;
}

int mig_cmd_apply_run(const struct mig_invocation *inv, struct mig_error **err)
{
	struct run run = {.inv = inv,
			  .is_json = mig_option_given(inv, "json"),
			  .is_dry_run = mig_option_given(inv, "dry-run")};
	int rc = apply(&run, err);

	run_clear(&run);
	return rc;
}
