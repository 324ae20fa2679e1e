/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transaction; see transaction.h.
 *
 * The journal decides: a transaction has succeeded when its end is durable, not before. If that
 * cannot be written the change is rolled back like any other that failed, because the next command
 * would roll it back anyway.
 */
#include "core/transaction.h"

#include <stdlib.h>
#include <string.h>

#include "core/after.h"
#include "core/history.h"
#include "core/lock.h"
#include "shared/clock.h"

#define WAIT_STEP_MS 250 /* between looks while somebody is waited for */
#define REASON_MAX   (64 * 1024)
#define REMEMBERED   16 /* newest transactions that UUIDs are looked up in */

struct run {
	const struct mig_context *ctx;
	const struct mig_transaction_request *request;
	struct mig_transaction *out;
	struct mig_lock *lock;
	struct mig_journal *journal;
	bool *is_begun; /* plan->op_count */
	uint64_t deadline_ns;
	bool has_started_hooks;
	struct mig_buf waits_for; /* what was told last */
};

static const struct mig_transaction_observer *observer_of(const struct run *run)
{
	static const struct mig_transaction_observer nobody = {0};

	return run->request->observer != NULL ? run->request->observer : &nobody;
}

static void tell(void *cookie, const char *line)
{
	const struct run *run = cookie;
	const struct mig_transaction_observer *observer = observer_of(run);

	if (observer->told != NULL)
		observer->told(observer->cookie, line);
}

/* ---- looking and planning ----------------------------------------------------------------------- */

static int look(const struct mig_context *ctx, const struct mig_transaction_request *request,
		unsigned int flags, struct mig_snapshot **snapshot, struct mig_plan **plan,
		struct mig_error **err)
{
	_cleanup_target_ struct mig_target *target = NULL;
	_cleanup_snapshot_ struct mig_snapshot *read = NULL;
	_cleanup_plan_ struct mig_plan *made = NULL;

	mig_plan_free(MIG_TAKE_PTR(*plan));
	mig_snapshot_free(MIG_TAKE_PTR(*snapshot));
	/* A lost GPU is in the way of a wish that means it, and of no other. */
	if (mig_snapshot_read(ctx, flags | MIG_SNAPSHOT_LOST, &read, err) < 0 ||
	    request->want(request->cookie, read, &target, err) < 0)
		return -1;
	if (mig_plan_make(read, target, &made, err) < 0) {
		if (request->explain != NULL)
			request->explain(request->cookie, err);
		return -1;
	}
	*snapshot = MIG_TAKE_PTR(read);
	*plan = MIG_TAKE_PTR(made);
	return 0;
}

/* Holders decide what is kept only where something has to go or is kept for their sake. */
static bool is_changing(const struct mig_plan *plan)
{
	bool is_blocked = false;

	for (unsigned int i = 0; i < plan->gpu_count; i++)
		is_blocked = is_blocked || plan->gpus[i].is_blocked;
	return plan->op_count > 0 || is_blocked;
}

int mig_transaction_plan(const struct mig_context *ctx,
			 const struct mig_transaction_request *request,
			 struct mig_snapshot **snapshot, struct mig_plan **plan,
			 struct mig_error **err)
{
	/* Who holds what, and UUIDs, cost as many calls as all the rest and matter only to a plan
	 * that changes something. */
	if (look(ctx, request, request->snapshot_flags, snapshot, plan, err) < 0)
		return -1;
	if (!is_changing(*plan))
		return 0;
	return look(ctx, request, MIG_SNAPSHOT_UUIDS | MIG_SNAPSHOT_HOLDERS, snapshot, plan, err);
}

/* ---- waiting ------------------------------------------------------------------------------------ */

/* Whether there is time to wait, and then waits a little. The reason is told when it changes. */
static bool may_wait(struct run *run, const char *reason)
{
	if (mig_context_is_interrupted(run->ctx) ||
	    (run->deadline_ns != UINT64_MAX && mig_context_now_ns(run->ctx) >= run->deadline_ns))
		return false;
	if (strcmp(mig_buf_text(&run->waits_for), reason) != 0) {
		mig_buf_reset(&run->waits_for);
		mig_buf_puts(&run->waits_for, reason);
		tell(run, reason);
	}
	mig_context_sleep_ms(run->ctx, WAIT_STEP_MS);
	return !mig_context_is_interrupted(run->ctx);
}

static int interrupted(struct mig_error **err)
{
	return mig_error_set(err, MIG_ERROR_INTERRUPTED, "interrupted; nothing was changed");
}

static int take_lock(struct run *run, struct mig_error **err)
{
	for (;;) {
		_cleanup_error_ struct mig_error *why = NULL;
		_cleanup_buf_ struct mig_buf reason = MIG_BUF_INIT(REASON_MAX);

		if (mig_lock_take(run->ctx, run->request->command, &run->lock, &why) == 0)
			return 0;
		mig_buf_printf(&reason, "waiting: %s", mig_error_message(why));
		if (run->request->wait_ms > 0 && mig_error_code(why) == MIG_ERROR_IN_USE &&
		    may_wait(run, mig_buf_text(&reason)))
			continue;
		if (mig_context_is_interrupted(run->ctx))
			return interrupted(err);
		mig_error_move(err, &why);
		return -1;
	}
}

/* What a dead process left is rolled back each time the lock is taken: somebody may have died while
 * this one waited. */
static int take_lock_and_recover(struct run *run, struct mig_error **err)
{
	const struct mig_transaction_observer *observer = observer_of(run);
	struct mig_recovery recovery;
	int rc;

	if (take_lock(run, err) < 0)
		return -1;
	rc = mig_recover(run->ctx, &recovery, err);
	if (rc == 0 && recovery.was_needed) {
		mig_recovery_clear(&run->out->recovery);
		run->out->recovery = recovery;
		if (observer->recovered != NULL)
			observer->recovered(observer->cookie, &recovery);
	} else {
		mig_recovery_clear(&recovery);
	}
	return rc;
}

static void describe_waiting(const struct mig_in_the_way *list, unsigned int count,
			     struct mig_buf *reason)
{
	mig_buf_puts(reason, "waiting: ");
	for (unsigned int i = 0; i < count; i++) {
		mig_buf_puts(reason, i > 0 ? "; " : "");
		mig_in_the_way_describe(&list[i], reason);
	}
}

/*
 * Deals with those in the way. Returns 0 when there are none, 1 when it is worth to look again, -1
 * with *err. Others may change the node while somebody is waited for.
 */
static int clear_the_way(struct run *run, struct mig_error **err)
{
	_cleanup_free_ struct mig_in_the_way *list = NULL;
	_cleanup_buf_ struct mig_buf reason = MIG_BUF_INIT(REASON_MAX);
	struct mig_evict_options options = {
		.grace_ms = run->request->evict_grace_ms, .tell = tell, .cookie = run};
	unsigned int count = 0;

	if (mig_in_the_way_find(run->out->snapshot, run->out->plan, &list, &count, err) < 0)
		return -1;
	if (count == 0)
		return 0;
	if (run->request->wait_ms > 0) {
		describe_waiting(list, count, &reason);
		mig_lock_release(MIG_TAKE_PTR(run->lock));
		if (may_wait(run, mig_buf_text(&reason)))
			return take_lock_and_recover(run, err) < 0 ? -1 : 1;
		if (mig_context_is_interrupted(run->ctx))
			return interrupted(err);
		if (take_lock_and_recover(run, err) < 0)
			return -1;
	}
	if (run->request->evicts)
		return mig_evict(run->ctx, list, count, &options, err) < 0 ? -1 : 1;
	return mig_in_the_way_error(list, count, err);
}

/* ---- hooks -------------------------------------------------------------------------------------- */

static int run_hooks(struct run *run, enum mig_hook_point point, struct mig_error **err)
{
	/* What puts in order what the others have stopped is not to be ended early. */
	const struct mig_context *ctx = point != MIG_HOOK_APPLY_EXIT ? run->ctx : NULL;

	if (run->request->hooks == NULL)
		return 0;
	return mig_hooks_run(run->request->hooks, ctx, point, run->request->hook_envs, err);
}

static int run_start_hooks(struct run *run, struct mig_error **err)
{
	if (run->request->hooks == NULL || run->has_started_hooks)
		return 0;
	if (run_hooks(run, MIG_HOOK_APPLY_START, err) < 0)
		return -1;
	run->has_started_hooks = true;
	return 0;
}

/* At the end in any case. After an earlier failure this one is a warning. */
static int run_exit_hooks(struct run *run, bool has_failed, struct mig_error **err)
{
	_cleanup_error_ struct mig_error *why = NULL;

	if (!run->has_started_hooks || run_hooks(run, MIG_HOOK_APPLY_EXIT, &why) == 0)
		return 0;
	if (has_failed) {
		mig_log(run->ctx->log, MIG_LOG_WARNING, "%s", mig_error_message(why));
		return 0;
	}
	mig_error_move(err, &why);
	if (err == NULL || run->out->end != MIG_JOURNAL_DONE)
		return -1;
	/* "Failed, nothing changed" would be a lie. */
	mig_error_set_changed(*err, MIG_CHANGED_PARTIAL);
	return mig_error_wrap(err, "the change was made, but what follows it failed");
}

static bool changes_modes(const struct mig_plan *plan)
{
	for (unsigned int i = 0; i < plan->op_count; i++) {
		if (plan->ops[i].kind == MIG_OP_MODE_SET)
			return true;
	}
	return false;
}

static bool changes_instances(const struct mig_plan *plan)
{
	for (unsigned int i = 0; i < plan->op_count; i++) {
		if (plan->ops[i].kind != MIG_OP_MODE_SET)
			return true;
	}
	return false;
}

static int run_pre_hooks(struct run *run, struct mig_error **err)
{
	if (changes_modes(run->out->plan) && run_hooks(run, MIG_HOOK_PRE_APPLY_MODE, err) < 0)
		return -1;
	if (changes_instances(run->out->plan) && run_hooks(run, MIG_HOOK_PRE_APPLY_CONFIG, err) < 0)
		return -1;
	return 0;
}

/* ---- the change --------------------------------------------------------------------------------- */

static int before_op(void *cookie, const struct mig_plan *plan, unsigned int op_number,
		     struct mig_error **err)
{
	struct run *run = cookie;
	const struct mig_transaction_observer *observer = observer_of(run);

	if (mig_journal_intent(run->journal, MIG_JOURNAL_FORWARD, op_number, err) < 0)
		return -1;
	run->is_begun[op_number] = true;
	if (observer->progress != NULL)
		observer->progress(observer->cookie, plan, op_number, NULL);
	return 0;
}

static void after_op(void *cookie, const struct mig_plan *plan, unsigned int op_number,
		     const struct mig_op_result *result)
{
	struct run *run = cookie;
	const struct mig_transaction_observer *observer = observer_of(run);

	mig_journal_outcome(run->journal, MIG_JOURNAL_FORWARD, op_number, result);
	if (observer->progress != NULL)
		observer->progress(observer->cookie, plan, op_number, result);
}

static int before_reset(void *cookie, const unsigned int *positions, unsigned int count,
			MIG_UNUSED struct mig_error **err)
{
	struct run *run = cookie;
	_cleanup_buf_ struct mig_buf line = MIG_BUF_INIT(REASON_MAX);

	mig_buf_puts(&line, count == 1 ? "resetting GPU " : "resetting GPUs ");
	for (unsigned int i = 0; i < count; i++)
		mig_buf_printf(&line, "%s%u", i > 0 ? "," : "",
			       run->out->snapshot->gpus[positions[i]].index);
	tell(run, mig_buf_text(&line));
	return 0;
}

/* Whether all that is missing is a reset that this context cannot do: that is no failure to be
 * rolled back, a reboot completes it. */
static bool only_waits_for_reset(const struct run *run)
{
	bool is_pending = false;

	for (unsigned int i = 0; i < run->out->plan->op_count; i++) {
		if (run->out->results[i].outcome == MIG_OP_FAILED)
			return false;
		is_pending = is_pending || run->out->results[i].outcome == MIG_OP_PENDING;
	}
	return is_pending && run->ctx->reset_port == NULL && !mig_context_is_interrupted(run->ctx);
}

/* After a failure: back to the layout before, and the error says what came of it. */
static int roll_back(struct run *run, struct mig_error **why, struct mig_error **err)
{
	const struct mig_transaction_observer *observer = observer_of(run);
	struct mig_saved_layout before = {0};
	_cleanup_error_ struct mig_error *left = NULL;
	const struct mig_plan *plan = run->out->plan;
	int rc = 0;

	if (observer->rolling_back != NULL)
		observer->rolling_back(observer->cookie, *why);
	for (unsigned int i = 0; i < plan->gpu_count && rc == 0; i++) {
		if (plan->gpus[i].op_count > 0)
			rc = mig_saved_layout_add(
				&before, &run->out->snapshot->gpus[plan->gpus[i].gpu_index], &left);
	}
	if (rc == 0)
		rc = mig_rollback_run(run->ctx, run->journal, plan, run->is_begun, &before,
				      &run->out->rollback, &left);
	mig_saved_layout_clear(&before);
	if (rc < 0) {
		run->out->end = MIG_JOURNAL_UNFINISHED;
		mig_error_append(why, "; it could not be rolled back: %s", mig_error_message(left));
		mig_error_set_changed(*why, MIG_CHANGED_PARTIAL);
		mig_error_hint(why,
			       "the next changing command goes on rolling back; to see what is "
			       "there: migctl status");
		mig_error_move(err, why);
		return -1;
	}
	run->out->end = MIG_JOURNAL_ROLLED_BACK;
	if (mig_error_changed(*why) != MIG_CHANGED_NONE || run->out->rollback.plan->op_count > 0) {
		mig_error_append(why, "; rolled back, the layout is as it was before");
		mig_error_set_changed(*why, MIG_CHANGED_ROLLED_BACK);
	}
	if (mig_journal_finish(run->journal, MIG_JOURNAL_ROLLED_BACK, mig_error_message(*why),
			       run->out->rollback.after, &left) < 0)
		mig_log(run->ctx->log, MIG_LOG_WARNING, "all is as before, but %s",
			mig_error_message(left));
	mig_error_move(err, why);
	return -1;
}

static bool is_as_planned(const struct run *run, const struct mig_saved_gpu *planned,
			  const struct mig_gpu *now)
{
	if (mig_driver_has(run->ctx->driver,
			   MIG_NVML_SYM_nvmlGpuInstanceCreateComputeInstanceWithPlacement))
		return mig_saved_gpu_equals(planned, now);
	return mig_saved_gpu_equals_but_places(planned, now);
}

/* Whether GPU `pg` is now as its plan says it has to be. */
static int check_gpu(struct run *run, const struct mig_plan_gpu *pg, struct mig_gpu *wanted,
		     struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf has = MIG_BUF_INIT(REASON_MAX);
	const struct mig_gpu *now = &run->out->after->gpus[pg->gpu_index];
	struct mig_saved_layout layouts = {0};
	int rc;

	mig_plan_gpu_after(&run->out->snapshot->gpus[pg->gpu_index], run->out->plan, pg, wanted);
	rc = mig_saved_layout_add(&layouts, wanted, err);
	if (rc == 0 && !is_as_planned(run, &layouts.gpus[0], now)) {
		rc = mig_error_set(
			err, MIG_ERROR_FAILED,
			"GPU %u: the driver said yes to everything, and the layout is not "
			"the planned one",
			now->index);
		if (!now->is_lost && mig_saved_layout_add(&layouts, now, NULL) == 0)
			mig_saved_gpu_describe(&layouts.gpus[1], &has);
		mig_error_append(err, ": %s", has.len > 0 ? mig_buf_text(&has) : "it is lost");
	}
	mig_saved_layout_clear(&layouts);
	return rc;
}

/* The layout after, read anew: what is recorded is what is there. */
static int check_result(struct run *run, struct mig_error **err)
{
	const struct mig_plan *plan = run->out->plan;
	_cleanup_free_ struct mig_gpu *wanted = malloc(sizeof(*wanted));

	if (wanted == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	if (mig_snapshot_read(run->ctx, MIG_SNAPSHOT_UUIDS | MIG_SNAPSHOT_LOST, &run->out->after,
			      err) < 0)
		return mig_error_wrap(err, "cannot check the new layout");
	if (run->out->after->gpu_count != run->out->snapshot->gpu_count)
		return mig_error_set(err, MIG_ERROR_FAILED,
				     "cannot check the new layout: the node had %u GPUs and has %u",
				     run->out->snapshot->gpu_count, run->out->after->gpu_count);
	for (unsigned int i = 0; i < plan->gpu_count; i++) {
		if (plan->gpus[i].op_count > 0 && check_gpu(run, &plan->gpus[i], wanted, err) < 0)
			return -1;
	}
	return 0;
}

static int finish(struct run *run, struct mig_error **err)
{
	if (check_result(run, err) < 0 ||
	    mig_journal_finish(run->journal, MIG_JOURNAL_DONE, NULL, run->out->after, err) < 0)
		return -1;
	run->out->end = MIG_JOURNAL_DONE;
	return 0;
}

/* Everything was done but for a reset: noted, and told as the error that it is. */
static int finish_pending(struct run *run, struct mig_error **why, struct mig_error **err)
{
	_cleanup_error_ struct mig_error *left = NULL;

	run->out->end = MIG_JOURNAL_PENDING;
	if (mig_journal_finish(run->journal, MIG_JOURNAL_PENDING, mig_error_message(*why), NULL,
			       &left) < 0)
		mig_log(run->ctx->log, MIG_LOG_WARNING, "%s", mig_error_message(left));
	mig_error_move(err, why);
	return -1;
}

static void run_after_changes(struct run *run)
{
	const struct mig_after_change *const *action = run->ctx->after_changes;

	for (; action != NULL && *action != NULL; action++) {
		_cleanup_error_ struct mig_error *why = NULL;

		if ((*action)->run(run->ctx, run->out->after, &why) == 0)
			continue;
		run->out->is_failed_after = true;
		mig_log(run->ctx->log, MIG_LOG_WARNING, "the change was made, but %s failed: %s",
			(*action)->name, mig_error_message(why));
	}
}

static int change(struct run *run, struct mig_error **err)
{
	const struct mig_apply_observer observer = {.cookie = run,
						    .before = before_op,
						    .after = after_op,
						    .before_reset = before_reset};
	struct mig_transaction *out = run->out;
	_cleanup_error_ struct mig_error *why = NULL;

	if (mig_journal_create(run->ctx, run->request->kind, run->request->undoes,
			       run->request->command, out->snapshot, out->plan, &run->journal,
			       err) < 0)
		return -1;
	out->number = mig_journal_number(run->journal);
	if (mig_apply_execute(run->ctx, out->snapshot, out->plan, 0, &observer, out->results,
			      &why) < 0) {
		if (only_waits_for_reset(run))
			return finish_pending(run, &why, err);
		return roll_back(run, &why, err);
	}
	if (finish(run, &why) < 0) {
		mig_error_set_changed(why, MIG_CHANGED_PARTIAL);
		return roll_back(run, &why, err);
	}
	run_after_changes(run);
	return 0;
}

/* ---- from the first look to the last ------------------------------------------------------------- */

static int make_room(struct run *run, struct mig_error **err)
{
	size_t count = (size_t)run->out->plan->op_count + 1;

	free(run->out->results);
	free(run->is_begun);
	run->out->results = calloc(count, sizeof(*run->out->results));
	run->is_begun = calloc(count, sizeof(*run->is_begun));
	if (run->out->results == NULL || run->is_begun == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	return 0;
}

static void count_blocked(struct mig_transaction *out)
{
	out->blocked_gpus = 0;
	for (unsigned int i = 0; i < out->plan->gpu_count; i++)
		out->blocked_gpus += out->plan->gpus[i].is_blocked;
}

static int show(struct run *run, struct mig_error **err)
{
	const struct mig_transaction_observer *observer = observer_of(run);

	count_blocked(run->out);
	if (observer->planned == NULL)
		return 0;
	return observer->planned(observer->cookie, run->out->snapshot, run->out->plan, err);
}

/* UUIDs that new instances had before, in the same places. Nobody minds if history cannot be read. */
static void expect_uuids(struct run *run)
{
	struct mig_history history;

	if (run->out->plan->op_count == 0)
		return;
	if (mig_history_read(run->ctx, REMEMBERED, &history, NULL) == 0)
		mig_history_expect_uuids(&history, run->out->plan);
	mig_history_clear(&history);
}

/* With the lock: looks until nobody is in the way, then changes. */
static int work(struct run *run, struct mig_error **err)
{
	struct mig_transaction *out = run->out;
	int way;

	/* What is impossible is refused before a hook has stopped anything. */
	if (run->request->hooks != NULL &&
	    look(run->ctx, run->request, run->request->snapshot_flags, &out->snapshot, &out->plan,
		 err) < 0)
		return -1;
	if (run_start_hooks(run, err) < 0)
		return -1;
	do {
		if (mig_transaction_plan(run->ctx, run->request, &out->snapshot, &out->plan, err) <
		    0)
			return -1;
		way = clear_the_way(run, err);
	} while (way == 1);
	if (way < 0) {
		count_blocked(out);
		return -1;
	}
	expect_uuids(run);
	if (make_room(run, err) < 0 || show(run, err) < 0)
		return -1;
	/* An undo is noted also when all is as it was before: the next one goes further back. */
	if (out->plan->op_count == 0 && (run->request->undoes == 0 || out->blocked_gpus > 0))
		return 0;
	if (mig_context_is_interrupted(run->ctx))
		return interrupted(err);
	if (run_pre_hooks(run, err) < 0)
		return -1;
	return change(run, err);
}

static int with_lock(struct run *run, struct mig_error **err)
{
	int rc = work(run, err);

	return run_exit_hooks(run, rc < 0, err) < 0 ? -1 : rc;
}

int mig_transaction_run(const struct mig_context *ctx,
			const struct mig_transaction_request *request, struct mig_transaction *out,
			struct mig_error **err)
{
	struct run run = {.ctx = ctx, .request = request, .out = out};
	int rc;

	*out = (struct mig_transaction){0};
	mig_buf_init(&run.waits_for, REASON_MAX);
	run.deadline_ns = UINT64_MAX;
	if (request->wait_ms != MIG_WAIT_FOR_EVER &&
	    request->wait_ms < UINT64_MAX / MIG_CLOCK_NS_PER_MS / 2)
		run.deadline_ns = mig_context_now_ns(ctx) + request->wait_ms * MIG_CLOCK_NS_PER_MS;
	rc = take_lock_and_recover(&run, err);
	if (rc == 0)
		rc = with_lock(&run, err);
	mig_journal_close(run.journal);
	mig_lock_release(run.lock);
	mig_buf_clear(&run.waits_for);
	free(run.is_begun);
	return rc;
}

void mig_transaction_clear(struct mig_transaction *transaction)
{
	mig_plan_free(transaction->plan);
	free(transaction->results);
	mig_snapshot_free(transaction->snapshot);
	mig_snapshot_free(transaction->after);
	mig_rollback_clear(&transaction->rollback);
	mig_recovery_clear(&transaction->recovery);
	*transaction = (struct mig_transaction){0};
}
