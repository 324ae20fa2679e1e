/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changing commands; see change.h.
 */
#include "cli/change.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/duration.h"
#include "cli/look.h"
#include "cli/note.h"
#include "cli/output.h"
#include "cli/plan_json.h"
#include "cli/plan_text.h"
#include "cli/self.h"
#include "cli/signals.h"
#include "cli/terminal.h"
#include "config/hooks.h"
#include "core/history.h"
#include "core/reset.h"
#include "shared/file.h"
#include "shared/hostroot.h"
#include "shared/json_writer.h"
#include "shared/text.h"

#define OUTPUT_MAX     (16 * 1024 * 1024)
#define HISTORY_LIMIT  32 /* newest journals that durations are taken from */
#define PROGRESS_WIDTH 78

struct run {
	struct mig_change *change;
	struct mig_session *session;
	struct mig_transaction transaction;
	struct mig_hooks *hooks;
	char *hook_envs[4];
	struct mig_estimate estimate;
	struct mig_picture_style style;
	bool is_json;
	bool is_dry_run;
	bool has_terminal;
	bool is_plan_shown;
	unsigned int begun, ended; /* operations, for progress */
	unsigned int *ended_of;	   /* per entry of the plan */
};

static void run_clear(struct run *run)
{
	mig_transaction_clear(&run->transaction);
	mig_hooks_free(run->hooks);
	for (size_t i = 0; i < MIG_ARRAY_SIZE(run->hook_envs); i++)
		free(run->hook_envs[i]);
	free(run->ended_of);
}

static void flush(struct mig_buf *out, FILE *stream)
{
	fputs(mig_buf_text(out), stream);
	fflush(stream);
	mig_buf_reset(out);
}

static void clear_progress(const struct run *run)
{
	if (run->has_terminal)
		fputs("\r\033[K", stderr);
}

/* ---- the result --------------------------------------------------------------------------------- */

static struct mig_plan_view view_of(const struct run *run)
{
	return (struct mig_plan_view){.snapshot = run->transaction.snapshot,
				      .plan = run->transaction.plan,
				      .style = &run->style,
				      .estimate = &run->estimate};
}

/* GPU instances that were made empty: their ids, with which compute instances are made. */
static void print_empty(const struct mig_transaction *t, struct mig_buf *out)
{
	for (unsigned int i = 0; i < t->plan->op_count; i++) {
		const struct mig_op *op = &t->plan->ops[i];
		bool is_empty = op->kind == MIG_OP_GI_CREATE;

		for (unsigned int n = 0; n < t->after->gpu_count; n++) {
			const struct mig_gpu *gpu = &t->after->gpus[n];

			for (unsigned int g = 0; is_empty && g < gpu->gi_count; g++) {
				if (strcmp(gpu->uuid, op->gpu_uuid) != 0 ||
				    gpu->gi[g].start != op->gi_start || gpu->gi[g].ci_count > 0)
					continue;
				mig_buf_printf(
					out,
					"New GPU instance %u of GPU %u: %s at %u:%u, without "
					"a compute instance; migctl create -g %u:%u makes "
					"one\n",
					gpu->gi[g].id, gpu->index, op->gi_profile_name,
					op->gi_start, op->gi_size, gpu->index, gpu->gi[g].id);
			}
		}
	}
}

/* On a simulated node a program needs to be brought there, and there is a stand-in for one. */
static void print_call(const struct run *run, const char *uuid, struct mig_buf *out)
{
	const char *node = mig_self_node();

	mig_buf_printf(out, "  CUDA_VISIBLE_DEVICES=%s ", uuid);
	if (node != NULL)
		mig_buf_printf(out, "migctl sim exec %s -- ", node);
	mig_buf_puts(out, "COMMAND\n");
	if (run->session->sim_identity == NULL)
		return;
	mig_output_wrap(out, "or, as a stand-in for a program on this simulated node:", 0, 2,
			run->style.width);
	mig_buf_puts(out, "  migctl sim hold ");
	if (node != NULL)
		mig_buf_printf(out, "-n %s ", node);
	mig_buf_printf(out, "%s\n", uuid);
}

static void print_use(const struct run *run, struct mig_buf *out)
{
	const struct mig_transaction *t = &run->transaction;
	unsigned int count = 0;
	const char *first = NULL;

	for (unsigned int i = 0; i < t->plan->op_count; i++) {
		if (t->plan->ops[i].kind != MIG_OP_CI_CREATE || t->results[i].uuid[0] == '\0')
			continue;
		if (count++ == 0)
			first = t->results[i].uuid;
	}
	if (first != NULL) {
		mig_buf_printf(out, "To use %s:\n", count == 1 ? "it" : "one of them");
		print_call(run, first, out);
	}
	print_empty(t, out);
}

static void print_created(const struct run *run, struct mig_buf *out)
{
	const struct mig_transaction *t = &run->transaction;
	bool is_any = false;

	for (unsigned int i = 0; i < t->plan->op_count; i++) {
		const struct mig_op *op = &t->plan->ops[i];
		char place[32];

		if (op->kind != MIG_OP_CI_CREATE || t->results[i].outcome != MIG_OP_DONE)
			continue;
		if (!is_any)
			mig_buf_puts(out, "New MIG devices:\n");
		is_any = true;
		mig_text_format(place, sizeof(place), "%u:%u", op->gi_start, op->gi_size);
		mig_buf_printf(out, "  GPU %-2u  %-4s  ", op->gpu_index, place);
		mig_plan_print_device(&run->style, op->ci_profile_name, t->results[i].uuid, out);
	}
	if (run->change->tells_use && t->after != NULL)
		print_use(run, out);
	mig_buf_printf(out, "Done: %u operation%s.\n", t->plan->op_count,
		       t->plan->op_count == 1 ? "" : "s");
}

static void print_plan(struct run *run, const struct mig_plan_view *view)
{
	_cleanup_buf_ struct mig_buf out = MIG_BUF_INIT(OUTPUT_MAX);

	mig_plan_print(view, &out);
	if (run->change->costs != NULL)
		run->change->costs(run->change->request.cookie, view, &out);
	mig_self_fputs(mig_buf_text(&out), stdout);
	fflush(stdout);
	run->is_plan_shown = true;
}

static void json_result(const struct run *run, const struct mig_error *failure, struct mig_buf *out)
{
	const struct mig_transaction *t = &run->transaction;
	struct mig_plan_view view = view_of(run);
	struct mig_json json;

	mig_json_init(&json, out);
	mig_json_object_begin(&json);
	mig_json_member_string(&json, "schema", run->change->schema);
	mig_json_member_bool(&json, "dry_run", run->is_dry_run);
	mig_json_member_string(&json, "changed",
			       failure != NULL ? mig_changed_word(mig_error_changed(failure))
			       : run->is_dry_run || t->plan->op_count == 0 ? "none"
									   : "all");
	mig_json_key(&json, "transaction");
	if (t->number > 0)
		mig_json_uint(&json, t->number);
	else
		mig_json_null(&json);
	mig_json_key(&json, "recovered");
	if (t->recovery.was_needed)
		mig_json_uint(&json, t->recovery.number);
	else
		mig_json_null(&json);
	mig_plan_json_members(&json, &view, t->results);
	if (run->change->costs_json != NULL)
		run->change->costs_json(run->change->request.cookie, &view, &json);
	if (t->rollback.plan != NULL)
		mig_plan_json_operations(&json, "rollback", t->rollback.plan, t->rollback.results);
	mig_note_json(&json);
	mig_json_object_end(&json);
	if (mig_json_finish(&json) < 0)
		mig_buf_reset(out);
}

/* Exit status 5: what is held here kept some GPUs from what was wanted. */
static int blocked_error(const struct run *run, struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf gpus = MIG_BUF_INIT(4096);
	const struct mig_plan *plan = run->transaction.plan;

	for (unsigned int i = 0; i < plan->gpu_count; i++) {
		if (plan->gpus[i].is_blocked)
			mig_buf_printf(
				&gpus, "%s%u", gpus.len > 0 ? "," : "",
				run->transaction.snapshot->gpus[plan->gpus[i].gpu_index].index);
	}
	mig_error_set(
		err, MIG_ERROR_IN_USE,
		"GPU %s: what is in use there cannot stay in the wanted layout, so it was left "
		"as it is",
		mig_buf_text(&gpus));
	return mig_error_hint(err, "run it again when they are free");
}

/* ---- what is told meanwhile ---------------------------------------------------------------------- */

/* With --json the document has it as `recovered`. */
static void recovered(MIG_UNUSED void *cookie, const struct mig_recovery *recovery)
{
	if (recovery->was_rebooted)
		mig_note_person("transaction %u was left unfinished; the machine was started anew "
				"since, so there is nothing to roll back",
				recovery->number);
	else if (recovery->left != NULL)
		mig_note("transaction %u was left unfinished; what it had done is taken back, and "
			 "this is not as it was before it: %s",
			 recovery->number, recovery->left);
	else
		mig_note_person("transaction %u was left unfinished and was rolled back first (%u "
				"operation%s)",
				recovery->number, recovery->op_count,
				recovery->op_count == 1 ? "" : "s");
}

static void estimate(struct run *run, const struct mig_snapshot *snapshot,
		     const struct mig_plan *plan)
{
	struct mig_history history;

	run->estimate = (struct mig_estimate){0};
	if (plan->op_count == 0)
		return;
	if (mig_history_read(&run->session->ctx, HISTORY_LIMIT, &history, NULL) == 0)
		mig_history_estimate(&history, snapshot, plan, &run->estimate);
	mig_history_clear(&history);
}

static int planned(void *cookie, const struct mig_snapshot *snapshot, const struct mig_plan *plan,
		   struct mig_error **err)
{
	struct run *run = cookie;
	struct mig_plan_view view = {.snapshot = snapshot,
				     .plan = plan,
				     .style = &run->style,
				     .estimate = &run->estimate};

	estimate(run, snapshot, plan);
	free(run->ended_of);
	run->ended_of = calloc((size_t)plan->gpu_count + 1, sizeof(*run->ended_of));
	if (run->ended_of == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	if (!run->is_json)
		print_plan(run, &view);
	/* Who cannot be told would take a failure for "nothing changed". */
	return mig_output_check(err);
}

static void told(void *cookie, const char *line)
{
	const struct run *run = cookie;

	clear_progress(run);
	mig_note_person("%s", line);
}

/* "12/40  GPU 0:2/5 1:1/5" on one line that changes; eight GPUs fit into 80 columns. */
static void progress(void *cookie, const struct mig_plan *plan, unsigned int op_number,
		     const struct mig_op_result *result)
{
	_cleanup_buf_ struct mig_buf line = MIG_BUF_INIT(OUTPUT_MAX);
	struct run *run = cookie;

	for (unsigned int i = 0; result != NULL && i < plan->gpu_count; i++) {
		if (op_number >= plan->gpus[i].first_op &&
		    op_number < plan->gpus[i].first_op + plan->gpus[i].op_count)
			run->ended_of[i]++;
	}
	run->ended += result != NULL;
	if (!run->has_terminal)
		return;
	mig_buf_printf(&line, "%u/%u  GPU", run->ended, plan->op_count);
	for (unsigned int i = 0; i < plan->gpu_count; i++) {
		if (plan->gpus[i].op_count > 0)
			mig_buf_printf(
				&line, " %u:%u/%u",
				run->transaction.snapshot->gpus[plan->gpus[i].gpu_index].index,
				run->ended_of[i], plan->gpus[i].op_count);
	}
	fprintf(stderr, "\r%.*s\033[K", PROGRESS_WIDTH, mig_buf_text(&line));
}

static void rolling_back(void *cookie, const struct mig_error *why)
{
	const struct run *run = cookie;
	_cleanup_buf_ struct mig_buf line = MIG_BUF_INIT(OUTPUT_MAX);

	clear_progress(run);
	mig_buf_printf(&line, "rolling back: %s", mig_error_message(why));
	mig_note_person("%s", mig_buf_text(&line));
}

/* ---- options ------------------------------------------------------------------------------------ */

static int take_durations(struct run *run, struct mig_error **err)
{
	const struct mig_invocation *inv = run->change->inv;
	struct mig_transaction_request *request = &run->change->request;
	const char *wait = mig_option_value(inv, "wait");
	const char *evict = mig_option_value(inv, "evict");

	request->evicts = mig_option_given(inv, "evict");
	request->evict_grace_ms = MIG_EVICT_GRACE_MS;
	if (mig_option_given(inv, "wait"))
		request->wait_ms = MIG_WAIT_FOR_EVER;
	if (wait != NULL && mig_duration_parse("wait", wait, &request->wait_ms, err) < 0)
		return -1;
	if (evict != NULL && mig_duration_parse("evict", evict, &request->evict_grace_ms, err) < 0)
		return -1;
	if (request->evicts && request->wait_ms == MIG_WAIT_FOR_EVER) {
		mig_error_set(err, MIG_ERROR_USAGE,
			      "--evict is never reached behind a --wait without an end");
		return mig_error_hint(err, "give --wait=TIME, after which they are ended");
	}
	return 0;
}

/* nvidia-mig-parted's hooks know the change by these variables. */
static int make_hook_envs(struct run *run, const char *hooks_file, struct mig_error **err)
{
	const struct {
		const char *name, *value;
	} rows[] = {{"MIG_PARTED_CONFIG_FILE", run->change->config_file},
		    {"MIG_PARTED_SELECTED_CONFIG", run->change->config_label},
		    {"MIG_PARTED_HOOKS_FILE", hooks_file}};
	size_t count = 0;

	for (size_t i = 0; i < MIG_ARRAY_SIZE(rows); i++) {
		if (rows[i].value == NULL)
			continue;
		run->hook_envs[count] = mig_asprintf("%s=%s", rows[i].name, rows[i].value);
		if (run->hook_envs[count++] == NULL)
			return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	}
	run->change->request.hook_envs = (const char *const *)run->hook_envs;
	return 0;
}

/* The file that is named, or the default one if it is there. */
static int read_hooks(struct run *run, struct mig_error **err)
{
	const char *named = mig_option_value(run->change->inv, "hooks-file");
	_cleanup_free_ char *path = NULL;
	_cleanup_error_ struct mig_error *why = NULL;

	path = named != NULL ? strdup(named)
			     : mig_host_path(run->session->ctx.host_root, MIG_HOST_HOOKS_FILE);
	if (path == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	if (mig_hooks_read_logged(path, run->session->ctx.log, &run->hooks, &why) < 0) {
		if (named == NULL && mig_error_errno(why) == ENOENT)
			return 0;
		mig_error_move(err, &why);
		return -1;
	}
	run->change->request.hooks = run->hooks;
	return make_hook_envs(run, path, err);
}

/* ---- carrying it out ---------------------------------------------------------------------------- */

static int show_only(struct run *run, struct mig_error **err)
{
	struct mig_transaction *t = &run->transaction;
	_cleanup_buf_ struct mig_buf out = MIG_BUF_INIT(OUTPUT_MAX);

	t->results = calloc((size_t)t->plan->op_count + 1, sizeof(*t->results));
	if (t->results == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	if (run->is_json) {
		estimate(run, t->snapshot, t->plan);
		json_result(run, NULL, &out);
		flush(&out, stdout);
	} else if (planned(run, t->snapshot, t->plan, err) < 0) {
		return -1;
	}
	for (unsigned int i = 0; i < t->plan->gpu_count; i++) {
		if (t->plan->gpus[i].is_blocked)
			return MIG_EXIT_IN_USE;
	}
	return t->plan->op_count > 0 ? MIG_EXIT_DIFFERS : MIG_EXIT_OK;
}

static bool is_nothing_to_do(const struct run *run)
{
	const struct mig_plan *plan = run->transaction.plan;

	for (unsigned int i = 0; i < plan->gpu_count; i++) {
		if (plan->gpus[i].op_count > 0 || plan->gpus[i].is_blocked)
			return false;
	}
	return run->hooks == NULL && run->change->request.undoes == 0;
}

static void print_result(struct run *run, const struct mig_error *failure)
{
	_cleanup_buf_ struct mig_buf out = MIG_BUF_INIT(OUTPUT_MAX);
	const struct mig_transaction *t = &run->transaction;

	/* What it would have cost, beside who is in the way of it. */
	if (failure != NULL && t->plan != NULL && !run->is_plan_shown && !run->is_json &&
	    run->change->costs != NULL) {
		const struct mig_plan_view view = view_of(run);

		print_plan(run, &view);
	}
	if (t->plan == NULL || t->results == NULL)
		return;
	if (run->is_json) {
		json_result(run, failure, &out);
		flush(&out, stdout);
	} else if (failure == NULL && t->plan->op_count > 0) {
		print_created(run, &out);
		mig_self_fputs(mig_buf_text(&out), stdout);
		fflush(stdout);
	} else if (failure != NULL && mig_error_changed(failure) == MIG_CHANGED_PARTIAL) {
		mig_plan_print_outcomes("What was done:", t->plan, t->results, mig_terminal_limit(),
					&out);
		mig_plan_print_outcomes("What was taken back:", t->rollback.plan,
					t->rollback.results, mig_terminal_limit(), &out);
		flush(&out, stderr);
	}
}

static int carry_out(struct run *run, struct mig_error **err)
{
	const struct mig_transaction_observer observer = {.cookie = run,
							  .recovered = recovered,
							  .planned = planned,
							  .told = told,
							  .progress = progress,
							  .rolling_back = rolling_back};
	struct mig_error *failure = NULL;
	int rc;

	mig_transaction_clear(&run->transaction);
	run->change->request.observer = &observer;
	mig_signals_catch(&run->session->ctx);
	rc = mig_transaction_run(&run->session->ctx, &run->change->request, &run->transaction,
				 &failure);
	run->change->request.observer = NULL;
	clear_progress(run);
	if (rc < 0)
		mig_session_explain(run->session, &failure);
	print_result(run, failure);
	if (rc < 0) {
		mig_error_move(err, &failure);
		return -1;
	}
	/* A status that says "nothing was changed" would be untrue now. */
	if (run->transaction.number > 0 && mig_output_check(NULL) < 0) {
		mig_error_set(err, MIG_ERROR_IO,
			      "the change was made, but not all could be said of it: cannot write "
			      "to standard output");
		if (err != NULL)
			mig_error_set_changed(*err, MIG_CHANGED_PARTIAL);
		return -1;
	}
	return run->transaction.blocked_gpus > 0 ? blocked_error(run, err) : MIG_EXIT_OK;
}

/* Going back comes first then, and must not wait for a look that a half-made layout or a lost GPU
 * makes fail. Also when a damaged journal leaves it open: then that is the error. */
static bool may_be_unfinished(const struct run *run)
{
	_cleanup_journal_entry_ struct mig_journal_entry *entry = NULL;

	return mig_journal_unfinished(&run->session->ctx, &entry, NULL) < 0 || entry != NULL;
}

static int change_node(struct run *run, struct mig_error **err)
{
	struct mig_transaction *t = &run->transaction;

	if (take_durations(run, err) < 0 || read_hooks(run, err) < 0)
		return -1;
	if (mig_option_given(run->change->inv, "skip-reset"))
		run->session->ctx.reset_port = NULL;
	if (run->is_dry_run)
		mig_look_warn_unfinished(run->session);
	else if (may_be_unfinished(run))
		return carry_out(run, err);
	if (mig_transaction_plan(&run->session->ctx, &run->change->request, &t->snapshot, &t->plan,
				 err) < 0) {
		/* Of the first thing that the driver shows to root only. */
		if (err != NULL && mig_error_code(*err) == MIG_ERROR_NO_PERMISSION &&
		    mig_error_nvml(*err) != MIG_NVML_CODE_NONE)
			mig_error_wrap(err, "this user may not change instances or modes");
		return mig_session_explain(run->session, err);
	}
	if (run->is_dry_run || is_nothing_to_do(run))
		return show_only(run, err);
	return carry_out(run, err);
}

static int want_nothing(MIG_UNUSED void *cookie, const struct mig_snapshot *snapshot,
			struct mig_target **target, struct mig_error **err)
{
	*target = mig_target_new(snapshot, err);
	return *target != NULL ? 0 : -1;
}

int mig_change_recover(const struct mig_invocation *inv, struct mig_session *session,
		       const char *command, struct mig_error **err)
{
	struct run run = {.is_json = mig_option_given(inv, "json")};
	const struct mig_transaction_observer observer = {.cookie = &run, .recovered = recovered};
	const struct mig_transaction_request request = {.kind = MIG_CHANGE_APPLY,
							.command = command,
							.want = want_nothing,
							.observer = &observer};
	_cleanup_journal_entry_ struct mig_journal_entry *entry = NULL;
	struct mig_transaction transaction;
	int rc;

	if (mig_journal_unfinished(&session->ctx, &entry, err) < 0)
		return -1;
	if (entry == NULL)
		return 0;
	mig_signals_catch(&session->ctx);
	rc = mig_transaction_run(&session->ctx, &request, &transaction, err);
	mig_transaction_clear(&transaction);
	return rc < 0 ? mig_session_explain(session, err) : 0;
}

int mig_change_run(struct mig_change *change, struct mig_session *session, struct mig_error **err)
{
	struct run run = {.change = change,
			  .session = session,
			  .is_json = mig_option_given(change->inv, "json"),
			  .is_dry_run = mig_option_given(change->inv, "dry-run"),
			  .has_terminal = isatty(STDERR_FILENO) != 0};
	int rc;

	mig_picture_style_of_stdout(&run.style);
	rc = change_node(&run, err);
	run_clear(&run);
	return rc;
}

int mig_change_print_nothing(struct mig_change *change, struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf out = MIG_BUF_INIT(OUTPUT_MAX);
	struct mig_snapshot snapshot = {0};
	struct mig_plan plan = {.is_optimal = true};
	struct run run = {.change = change,
			  .is_dry_run = mig_option_given(change->inv, "dry-run"),
			  .transaction = {.snapshot = &snapshot, .plan = &plan}};

	json_result(&run, NULL, &out);
	flush(&out, stdout);
	return mig_output_check(err) < 0 ? -1 : MIG_EXIT_OK;
}
