/* SPDX-License-Identifier: Apache-2.0 */
/*
 * History; see history.h.
 */
#include "core/history.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/text.h"

void mig_history_clear(struct mig_history *history)
{
	for (unsigned int i = 0; i < history->count; i++)
		mig_journal_entry_free(history->entries[i]);
	free(history->entries);
	free(history->damaged);
	*history = (struct mig_history){0};
}

static void note_damage(struct mig_history *history, const struct mig_error *why)
{
	if (history->damaged == NULL)
		history->damaged = strdup(mig_error_message(why));
	history->damaged_count++;
}

int mig_history_read(const struct mig_context *ctx, unsigned int limit, struct mig_history *out,
		     struct mig_error **err)
{
	_cleanup_free_ unsigned int *numbers = NULL;
	size_t count = 0, first;

	*out = (struct mig_history){0};
	if (mig_journal_list(ctx, &numbers, &count, err) < 0)
		return -1;
	first = limit > 0 && count > limit ? count - limit : 0;
	out->entries = calloc(count - first + 1, sizeof(struct mig_journal_entry *));
	if (out->entries == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	for (size_t i = first; i < count; i++) {
		_cleanup_error_ struct mig_error *why = NULL;

		if (mig_journal_read(ctx, numbers[i], &out->entries[out->count], &why) == 0) {
			out->count++;
			continue;
		}
		/* Gone meanwhile: the oldest are removed as new ones come. */
		if (mig_error_errno(why) != ENOENT)
			note_damage(out, why);
	}
	return 0;
}

/* What a person asked for; not an undo, nor what a boot brought back. */
static bool is_asked_for(enum mig_change_kind kind)
{
	return kind != MIG_CHANGE_UNDO && kind != MIG_CHANGE_BOOT;
}

static bool is_undone(const struct mig_history *history, unsigned int number)
{
	for (unsigned int i = 0; i < history->count; i++) {
		if (history->entries[i]->undoes == number &&
		    history->entries[i]->end == MIG_JOURNAL_DONE)
			return true;
	}
	return false;
}

const struct mig_journal_entry *mig_history_undoable(const struct mig_history *history)
{
	for (unsigned int i = history->count; i-- > 0;) {
		const struct mig_journal_entry *entry = history->entries[i];

		if ((entry->end == MIG_JOURNAL_DONE || entry->end == MIG_JOURNAL_PENDING) &&
		    is_asked_for(entry->kind) && !is_undone(history, entry->number))
			return entry;
	}
	return NULL;
}

const struct mig_journal_entry *mig_history_newest_done(const struct mig_history *history)
{
	for (unsigned int i = history->count; i-- > 0;) {
		if (history->entries[i]->end == MIG_JOURNAL_DONE)
			return history->entries[i];
	}
	return NULL;
}

const struct mig_journal_entry *mig_history_waiting(const struct mig_history *history)
{
	for (unsigned int i = history->count; i-- > 0;) {
		const struct mig_journal_entry *entry = history->entries[i];

		if (entry->end == MIG_JOURNAL_DONE)
			return NULL;
		if (entry->end == MIG_JOURNAL_PENDING)
			return entry;
	}
	return NULL;
}

/* ---- UUIDs --------------------------------------------------------------------------------------- */

/* The UUID that this place of the GPU had in a layout; NULL if there was none. */
static const char *uuid_in(const struct mig_saved_layout *layout, const struct mig_op *op)
{
	const struct mig_saved_gpu *gpu = mig_saved_layout_gpu(layout, op->gpu_uuid);

	for (unsigned int g = 0; gpu != NULL && g < gpu->gi_count; g++) {
		const struct mig_saved_gi *gi = &gpu->gi[g];

		if (gi->start != op->gi_start || gi->size != op->gi_size)
			continue;
		for (unsigned int c = 0; c < gi->ci_count; c++) {
			if (gi->ci[c].start == op->ci_start && gi->ci[c].size == op->ci_size &&
			    gi->ci[c].uuid[0] != '\0')
				return gi->ci[c].uuid;
		}
	}
	return NULL;
}

void mig_history_expect_uuids(const struct mig_history *history, struct mig_plan *plan)
{
	for (unsigned int i = 0; i < plan->op_count; i++) {
		struct mig_op *op = &plan->ops[i];
		const char *uuid = NULL;

		if (op->kind != MIG_OP_CI_CREATE || op->expected_uuid[0] != '\0')
			continue;
		for (unsigned int e = history->count; uuid == NULL && e-- > 0;) {
			uuid = uuid_in(&history->entries[e]->after, op);
			if (uuid == NULL)
				uuid = uuid_in(&history->entries[e]->before, op);
		}
		if (uuid != NULL)
			mig_text_copy(op->expected_uuid, sizeof(op->expected_uuid), uuid);
	}
}

/* ---- durations ---------------------------------------------------------------------------------- */

struct mean {
	uint64_t ns;
	unsigned int count;
};

static void take_entry(const struct mig_journal_entry *entry, const char *model,
		       enum mig_op_kind kind, struct mean *mean)
{
	for (int phase = 0; phase < MIG_JOURNAL_PHASE_COUNT; phase++) {
		const struct mig_plan *plan = &entry->phase[phase].plan;

		for (unsigned int i = 0; i < plan->op_count; i++) {
			const struct mig_op_result *result = &entry->phase[phase].results[i];
			const struct mig_saved_gpu *gpu =
				mig_saved_layout_gpu(&entry->before, plan->ops[i].gpu_uuid);

			if (plan->ops[i].kind != kind || result->outcome != MIG_OP_DONE ||
			    gpu == NULL || strcmp(gpu->model, model) != 0)
				continue;
			mean->ns += result->duration_ns;
			mean->count++;
		}
	}
}

/* The mean duration of one kind of operation on one kind of GPU. */
static bool duration_of(const struct mig_history *history, const char *model, enum mig_op_kind kind,
			uint64_t *ns)
{
	struct mean mean = {0};

	for (unsigned int i = 0; i < history->count; i++)
		take_entry(history->entries[i], model, kind, &mean);
	if (mean.count == 0)
		return false;
	*ns = mean.ns / mean.count;
	return true;
}

void mig_history_estimate(const struct mig_history *history, const struct mig_snapshot *snapshot,
			  const struct mig_plan *plan, struct mig_estimate *out)
{
	*out = (struct mig_estimate){.is_known = true};
	for (unsigned int g = 0; g < plan->gpu_count; g++) {
		const struct mig_plan_gpu *pg = &plan->gpus[g];
		unsigned int of_kind[MIG_OP_KIND_COUNT] = {0};
		uint64_t sum = 0;

		for (unsigned int i = pg->first_op; i < pg->first_op + pg->op_count; i++)
			of_kind[plan->ops[i].kind]++;
		for (unsigned int kind = 0; kind < MIG_OP_KIND_COUNT; kind++) {
			uint64_t ns = 0;

			if (of_kind[kind] == 0)
				continue;
			if (!duration_of(history, snapshot->gpus[pg->gpu_index].name,
					 (enum mig_op_kind)kind, &ns))
				out->is_known = false;
			sum += ns * of_kind[kind];
		}
		out->ns = MIG_MAX(out->ns, sum);
	}
	if (!out->is_known)
		out->ns = 0;
}

/* ---- targets ------------------------------------------------------------------------------------ */

/* What of the saved GPUs goes into a target. */
struct wanted {
	const struct mig_saved_layout *layout;
	const struct mig_saved_layout *but; /* GPUs that stay as they are; NULL: none */
	bool leaves_out;		    /* what is not there any more */
};

static int want(const struct wanted *w, const struct mig_snapshot *snapshot,
		struct mig_target **out, struct mig_error **err)
{
	_cleanup_target_ struct mig_target *target = mig_target_new(snapshot, err);

	if (target == NULL)
		return -1;
	for (unsigned int i = 0; i < w->layout->gpu_count; i++) {
		const struct mig_saved_gpu *saved = &w->layout->gpus[i];
		const struct mig_gpu *gpu = mig_snapshot_gpu(snapshot, saved->uuid);
		const struct mig_gpu *lost = mig_snapshot_lost_gpu(snapshot, saved->index);
		struct mig_gpu_target *wish = gpu != NULL ? &target->gpus[gpu - snapshot->gpus]
							  : NULL;
		_cleanup_error_ struct mig_error *why = NULL;

		if (w->but != NULL && mig_saved_layout_gpu(w->but, saved->uuid) != NULL)
			continue;
		/* A GPU without MIG is as it was by nature. */
		if (gpu != NULL && !saved->mig_mode && !gpu->is_mig_capable)
			continue;
		if (gpu == NULL && lost != NULL)
			mig_error_lost(lost, &why);
		else if (gpu == NULL)
			mig_error_set(&why, MIG_ERROR_REFUSED, "GPU %u (%s) is not there any more",
				      saved->index, saved->uuid);
		else if (mig_saved_gpu_target(saved, gpu, wish, &why) == 0)
			continue;
		if (wish != NULL)
			wish->is_named = false;
		if (w->leaves_out)
			continue;
		mig_error_move(err, &why);
		return -1;
	}
	*out = MIG_TAKE_PTR(target);
	return 0;
}

int mig_history_want(void *cookie, const struct mig_snapshot *snapshot, struct mig_target **target,
		     struct mig_error **err)
{
	const struct wanted w = {.layout = cookie};

	return want(&w, snapshot, target, err);
}

int mig_history_want_present(void *cookie, const struct mig_snapshot *snapshot,
			     struct mig_target **target, struct mig_error **err)
{
	const struct mig_history *history = cookie;
	const struct mig_journal_entry *done = mig_history_newest_done(history);
	const struct mig_journal_entry *waiting = mig_history_waiting(history);
	const struct mig_saved_layout nothing = {0};
	const struct wanted w = {.layout = done != NULL ? &done->after : &nothing,
				 .but = waiting != NULL ? &waiting->before : NULL,
				 .leaves_out = true};

	return want(&w, snapshot, target, err);
}
