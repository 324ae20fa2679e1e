/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Executing a plan; see apply.h.
 *
 * One worker per GPU carries out that GPU's operations in order. Work comes in rounds: a round ends
 * when each worker is done, has failed, or waits for its mode change to come into force; then the
 * GPUs that wait are reset together, with NVML shut down and no worker running, and the next round
 * goes on with them.
 */
#include "core/apply.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "core/holders.h"
#include "core/in_the_way.h"
#include "core/reset.h"
#include "shared/text.h"

struct run;

struct worker {
	struct run *run;
	const struct mig_plan_gpu *pg;
	struct mig_gpu *gpu;	/* NULL: not on this node */
	unsigned int position;	/* in the snapshot */
	unsigned int next, end; /* operations */
	bool is_changed;
	bool is_waiting; /* for its mode change */
	bool has_thread;
	pthread_t thread;
	struct mig_error *err;
};

struct run {
	const struct mig_context *ctx;
	struct mig_snapshot *snapshot;
	const struct mig_plan *plan;
	unsigned int flags;
	const struct mig_apply_observer *observer;
	struct mig_op_result *results;
	unsigned int worker_count;
	struct worker *workers;
	pthread_mutex_t lock; /* stop, and calls of the observer */
	bool stop;
};

/* ---- holders ----------------------------------------------------------------------------------- */

/* Refuses, before the first change, a plan that would destroy what somebody holds. */
static int check_holders(const struct mig_snapshot *snapshot, const struct mig_plan *plan,
			 struct mig_error **err)
{
	_cleanup_free_ struct mig_in_the_way *list = NULL;
	unsigned int count = 0;

	if (mig_in_the_way_find(snapshot, plan, &list, &count, err) < 0)
		return -1;
	return count > 0 ? mig_in_the_way_error(list, count, err) : 0;
}

/* ---- one GPU ------------------------------------------------------------------------------------ */

static bool may_go_on(struct worker *w)
{
	bool stop;

	pthread_mutex_lock(&w->run->lock);
	if (mig_context_is_interrupted(w->run->ctx))
		w->run->stop = true;
	stop = w->run->stop;
	pthread_mutex_unlock(&w->run->lock);
	return !stop;
}

static int tell_before(struct worker *w, unsigned int op_number)
{
	const struct mig_apply_observer *observer = w->run->observer;
	int rc = 0;

	if (observer == NULL || observer->before == NULL)
		return 0;
	pthread_mutex_lock(&w->run->lock);
	/* Somebody else may have failed while this one waited for its turn. */
	if (w->run->stop)
		rc = 1;
	else
		rc = observer->before(observer->cookie, w->run->plan, op_number, &w->err);
	pthread_mutex_unlock(&w->run->lock);
	return rc;
}

static void tell_after(struct worker *w, unsigned int op_number, bool has_failed)
{
	const struct mig_apply_observer *observer = w->run->observer;

	pthread_mutex_lock(&w->run->lock);
	if (has_failed && (w->run->flags & MIG_APPLY_KEEP_GOING) == 0)
		w->run->stop = true;
	if (observer != NULL && observer->after != NULL)
		observer->after(observer->cookie, w->run->plan, op_number,
				&w->run->results[op_number]);
	pthread_mutex_unlock(&w->run->lock);
}

static void fail_without_op(struct worker *w)
{
	pthread_mutex_lock(&w->run->lock);
	w->run->stop = w->run->stop || (w->run->flags & MIG_APPLY_KEEP_GOING) == 0;
	pthread_mutex_unlock(&w->run->lock);
}

static void *work(void *argument)
{
	struct worker *w = argument;
	struct run *run = w->run;

	while (w->next < w->end && w->err == NULL && !w->is_waiting && may_go_on(w)) {
		unsigned int number = w->next;
		struct mig_op_result *result = &run->results[number];
		uint64_t begin;
		int rc = tell_before(w, number);

		if (rc < 0)
			fail_without_op(w);
		if (rc != 0)
			break;
		begin = mig_context_now_ns(run->ctx);
		rc = mig_operation_execute(run->ctx, w->gpu, run->plan, number, result,
					   &w->is_changed, &w->err);
		result->duration_ns = mig_context_now_ns(run->ctx) - begin;
		if (rc == 0)
			w->next++;
		w->is_waiting = result->outcome == MIG_OP_PENDING;
		tell_after(w, number, rc < 0);
	}
	return NULL;
}

static bool has_work(const struct worker *w)
{
	return w->next < w->end && w->err == NULL && !w->is_waiting;
}

static void do_round(struct run *run)
{
	unsigned int busy = 0;

	for (unsigned int i = 0; i < run->worker_count; i++)
		busy += has_work(&run->workers[i]);
	for (unsigned int i = 0; i < run->worker_count; i++) {
		struct worker *w = &run->workers[i];

		if (!has_work(w))
			continue;
		/* Where no thread is to be had the work is done here. */
		w->has_thread = busy > 1 && !run->ctx->is_serial &&
				pthread_create(&w->thread, NULL, work, w) == 0;
		if (!w->has_thread)
			work(w);
	}
	for (unsigned int i = 0; i < run->worker_count; i++) {
		if (run->workers[i].has_thread)
			pthread_join(run->workers[i].thread, NULL);
		run->workers[i].has_thread = false;
	}
}

/* ---- resets ------------------------------------------------------------------------------------- */

/* The pending mode change of a worker: its operation before the next one. */
static unsigned int pending_op(const struct worker *w)
{
	return w->next - 1;
}

/* After a reset: whether the mode is in force now, and the facts that were planned with hold. */
static int check_mode(struct run *run, struct worker *w, struct mig_error **err)
{
	const struct mig_driver *driver = run->ctx->driver;
	unsigned int number = pending_op(w);
	const struct mig_op *op = &run->plan->ops[number];
	struct mig_op_result *result = &run->results[number];
	unsigned int current = 0, pending = 0;
	nvmlReturn_t code;

	code = driver->nvmlDeviceGetMigMode(driver, w->gpu->handle, &current, &pending);
	if (code != NVML_SUCCESS)
		return mig_driver_error(err, driver, code,
					"GPU %u: MIG mode cannot be read after the reset",
					w->gpu->index);
	if (current != (op->mode_after ? NVML_DEVICE_MIG_ENABLE : NVML_DEVICE_MIG_DISABLE))
		return mig_error_set(err, MIG_ERROR_FAILED,
				     "GPU %u: MIG mode %s is still pending after a reset",
				     w->gpu->index, op->mode_after ? "on" : "off");
	result->outcome = MIG_OP_DONE;
	result->nvml_code = MIG_NVML_CODE_NONE;
	w->is_waiting = false;
	if (op->mode_after && w->gpu->facts->source == MIG_FACTS_FROM_TABLE)
		return mig_operation_verify_facts(run->ctx, w->gpu, run->plan, number, result, err);
	return 0;
}

static int reset_and_check(struct run *run, const unsigned int *positions, unsigned int count,
			   struct mig_error **err)
{
	uint64_t begin = mig_context_now_ns(run->ctx);

	if (run->observer != NULL && run->observer->before_reset != NULL &&
	    run->observer->before_reset(run->observer->cookie, positions, count, err) < 0)
		return -1;
	if (mig_reset_gpus(run->ctx, run->snapshot, positions, count, err) < 0)
		return -1;
	for (unsigned int i = 0; i < run->worker_count; i++) {
		struct worker *w = &run->workers[i];

		if (!w->is_waiting)
			continue;
		run->results[pending_op(w)].duration_ns += mig_context_now_ns(run->ctx) - begin;
		tell_after(w, pending_op(w), check_mode(run, w, &w->err) < 0);
	}
	return 0;
}

static void describe_gpus(const struct run *run, const unsigned int *positions, unsigned int count,
			  struct mig_buf *text)
{
	mig_buf_puts(text, count == 1 ? "GPU " : "GPUs ");
	for (unsigned int i = 0; i < count; i++)
		mig_buf_printf(text, "%s%u", i > 0 ? "," : "",
			       run->snapshot->gpus[positions[i]].index);
}

/* The error of a reset that failed becomes that of the first GPU that waits for it. */
static void take_reset_error(struct run *run, const unsigned int *positions, unsigned int count,
			     struct mig_error **why)
{
	_cleanup_buf_ struct mig_buf gpus = MIG_BUF_INIT(8192);

	describe_gpus(run, positions, count, &gpus);
	mig_error_wrap(why, "%s: MIG mode change is pending", mig_buf_text(&gpus));
	if (mig_error_errno(*why) == ENOENT)
		mig_error_hint(why,
			       "name the program that resets GPUs in %s, or leave the change "
			       "pending for a reboot (--skip-reset)",
			       MIG_RESET_PROGRAM_ENV);
	else
		mig_error_hint(why,
			       "end what uses %s (nvidia-smi shows it; nvidia-persistenced, "
			       "nvidia_drm and "
			       "monitoring count, too), then run the same command again",
			       count == 1 ? "this GPU" : "these GPUs");
	for (unsigned int i = 0; i < run->worker_count; i++) {
		if (!run->workers[i].is_waiting)
			continue;
		mig_error_move(&run->workers[i].err, why);
		return;
	}
}

/* Resets the GPUs that wait for it. Returns whether there is more to do. */
static bool do_resets(struct run *run)
{
	_cleanup_free_ unsigned int *positions =
		calloc((size_t)run->worker_count + 1, sizeof(*positions));
	_cleanup_error_ struct mig_error *why = NULL;
	unsigned int count = 0;

	if (positions == NULL)
		run->stop = true;
	for (unsigned int i = 0; positions != NULL && i < run->worker_count; i++) {
		if (run->workers[i].is_waiting)
			positions[count++] = run->workers[i].position;
	}
	if (count == 0 || run->ctx->reset_port == NULL || run->stop)
		return false;
	if (reset_and_check(run, positions, count, &why) == 0)
		return true;
	run->stop = run->stop || (run->flags & MIG_APPLY_KEEP_GOING) == 0;
	take_reset_error(run, positions, count, &why);
	return false;
}

/* ---- the whole plan ----------------------------------------------------------------------------- */

/* After everything else was done: the mode changes that are not in force, if there are any. */
static int report_pending(const struct mig_context *ctx, struct mig_snapshot *snapshot,
			  const struct mig_plan *plan, const struct mig_op_result *results,
			  struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf gpus = MIG_BUF_INIT(8192);
	_cleanup_buf_ struct mig_buf who = MIG_BUF_INIT(4096), used = MIG_BUF_INIT(8192);
	const struct mig_op *first = NULL;
	const struct mig_gpu *gpu;
	const char *again = "";
	unsigned int count = 0, in_use_count = 0;
	bool is_one;

	for (unsigned int i = 0; i < plan->op_count; i++) {
		if (results[i].outcome != MIG_OP_PENDING && results[i].outcome != MIG_OP_DONE)
			again = ", then run the same command again";
		if (results[i].outcome != MIG_OP_PENDING)
			continue;
		mig_buf_printf(&gpus, "%s%u", first != NULL ? "," : "", plan->ops[i].gpu_index);
		first = first != NULL ? first : &plan->ops[i];
		count++;
		if (results[i].nvml_code != NVML_ERROR_IN_USE)
			continue;
		in_use_count++;
		mig_buf_printf(&used, "%s%u", used.len > 0 ? "," : "", plan->ops[i].gpu_index);
		gpu = mig_snapshot_gpu(snapshot, plan->ops[i].gpu_uuid);
		if (gpu != NULL)
			mig_holders_of_gpu(ctx, gpu, &who);
	}
	if (first == NULL)
		return 0;
	is_one = strchr(mig_buf_text(&gpus), ',') == NULL;
	mig_error_set(err, MIG_ERROR_FAILED, "GPU%s %s: MIG mode %s is pending: %s",
		      is_one ? "" : "s", mig_buf_text(&gpus),
		      is_one ? first->mode_after ? "on" : "off" : "change",
		      in_use_count < count ? is_one ? "the GPU has to be reset first"
						    : "they have to be reset first"
		      : is_one		   ? "clients use the GPU, so it could not be reset"
					   : "clients use them, so they could not be reset");
	if (in_use_count > 0 && in_use_count < count)
		mig_error_append(err, "; clients use GPU %s", mig_buf_text(&used));
	if (who.len > 0)
		return mig_error_hint(err, "end %s, then run the same command again",
				      mig_buf_text(&who));
	return mig_error_hint(err, "reset the GPU (%s %s) or reboot%s%s%s%s",
			      ctx->reset_command != NULL ? ctx->reset_command
							 : "nvidia-smi --gpu-reset -i",
			      mig_buf_text(&gpus), ctx->reboot_command != NULL ? " (" : "",
			      ctx->reboot_command != NULL ? ctx->reboot_command : "",
			      ctx->reboot_command != NULL ? ")" : "", again);
}

static int set_workers(struct run *run, struct mig_error **err)
{
	run->workers = calloc((size_t)run->plan->gpu_count + 1, sizeof(*run->workers));
	if (run->workers == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	for (unsigned int i = 0; i < run->plan->gpu_count; i++) {
		const struct mig_plan_gpu *pg = &run->plan->gpus[i];
		struct worker *w = &run->workers[run->worker_count];

		if (pg->op_count == 0)
			continue;
		run->worker_count++;
		w->run = run;
		w->pg = pg;
		w->gpu = mig_snapshot_gpu(run->snapshot, pg->gpu_uuid);
		if (w->gpu != NULL)
			w->position = (unsigned int)(w->gpu - run->snapshot->gpus);
		w->next = pg->first_op;
		w->end = pg->first_op + pg->op_count;
	}
	return 0;
}

/* One error of many: the first GPU's, with what the others say behind it. */
static int collect_errors(struct run *run, struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf others = MIG_BUF_INIT(16384);
	struct worker *first = NULL;

	for (unsigned int i = 0; i < run->worker_count; i++) {
		struct worker *w = &run->workers[i];

		if (w->err == NULL)
			continue;
		if (first == NULL) {
			first = w;
			continue;
		}
		mig_buf_printf(&others, "; %s", mig_error_message(w->err));
	}
	if (first == NULL)
		return 0;
	mig_error_append(&first->err, "%s", mig_buf_text(&others));
	mig_error_move(err, &first->err);
	return -1;
}

static int run_all(struct run *run, struct mig_error **err)
{
	if (set_workers(run, err) < 0)
		return -1;
	do
		do_round(run);
	while (do_resets(run));
	if (collect_errors(run, err) < 0)
		return -1;
	if (run->stop)
		return mig_error_set(err, MIG_ERROR_INTERRUPTED, "interrupted");
	return report_pending(run->ctx, run->snapshot, run->plan, run->results, err);
}

int mig_apply_execute(const struct mig_context *ctx, struct mig_snapshot *snapshot,
		      const struct mig_plan *plan, unsigned int flags,
		      const struct mig_apply_observer *observer, struct mig_op_result *results,
		      struct mig_error **err)
{
	struct run run = {.ctx = ctx,
			  .snapshot = snapshot,
			  .plan = plan,
			  .flags = flags,
			  .observer = observer,
			  .results = results};
	bool is_changed = false;
	int rc;

	for (unsigned int i = 0; i < plan->op_count; i++) {
		memset(&results[i], 0, sizeof(results[i]));
		results[i].nvml_code = MIG_NVML_CODE_NONE;
	}
	if ((flags & MIG_APPLY_CHECK_HOLDERS) != 0 && check_holders(snapshot, plan, err) < 0)
		return -1;
	pthread_mutex_init(&run.lock, NULL);
	rc = run_all(&run, err);
	pthread_mutex_destroy(&run.lock);
	for (unsigned int i = 0; i < run.worker_count; i++) {
		is_changed = is_changed || run.workers[i].is_changed;
		mig_error_free(run.workers[i].err);
	}
	free(run.workers);
	if (rc < 0 && err != NULL && is_changed)
		mig_error_set_changed(*err, MIG_CHANGED_PARTIAL);
	return rc;
}
