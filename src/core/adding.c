/* SPDX-License-Identifier: Apache-2.0 */
/*
 * New instances beside the old; see adding.h.
 */
#include "core/adding.h"

#include <stdlib.h>
#include <string.h>

#include "core/adding_item.h"
#include "core/adding_spread.h"
#include "core/layout.h"
#include "core/room.h"
#include "shared/buf.h"
#include "shared/text.h"

int mig_adding_check_mode(const struct mig_gpu *gpu, struct mig_error **err)
{
	if (!gpu->is_mig_capable)
		return mig_error_set(err, MIG_ERROR_REFUSED, "GPU %u (%s) has no MIG", gpu->index,
				     gpu->name);
	if (!gpu->mig_current) {
		mig_error_set(err, MIG_ERROR_REFUSED, "MIG mode of GPU %u is off%s", gpu->index,
			      gpu->mig_pending ? ", and on after a reset" : "");
		return mig_error_hint(err, "turn it on first: migctl mode on -i %u", gpu->index);
	}
	if (gpu->mig_pending)
		return 0;
	mig_error_set(err, MIG_ERROR_REFUSED,
		      "MIG mode of GPU %u will be off after a reset, and new instances gone",
		      gpu->index);
	return mig_error_hint(err, "to keep it on: migctl mode on -i %u", gpu->index);
}

/* ---- one GPU ----------------------------------------------------------------------------------- */

/* The same wish on the GPU without what is there. */
static bool would_fit_empty(const struct mig_gpu *gpu, const struct mig_gpu_target *target)
{
	_cleanup_free_ struct mig_gpu *empty = malloc(sizeof(*empty));
	_cleanup_free_ struct mig_gpu_target *wish = malloc(sizeof(*wish));
	struct mig_layout layout;

	if (empty == NULL || wish == NULL)
		return false;
	*empty = *gpu;
	empty->gi_count = 0;
	*wish = *target;
	wish->placed_count -= gpu->gi_count;
	memmove(wish->placed, wish->placed + gpu->gi_count,
		wish->placed_count * sizeof(wish->placed[0]));
	return mig_layout_find(empty, wish, &layout, NULL) == 0;
}

/* When room is what lacks: what there is of it. */
static void hint_room(const struct mig_gpu *gpu, const struct mig_gpu_target *target,
		      struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf room = MIG_BUF_INIT(4096);

	if (gpu->gi_count == 0 || !would_fit_empty(gpu, target))
		return;
	for (unsigned int i = 0; i < gpu->facts->gi_count; i++) {
		unsigned int count = mig_gi_fits(gpu, i);

		if (count > 0)
			mig_buf_printf(&room, "%s%u x %s", room.len > 0 ? ", " : "", count,
				       gpu->facts->gi[i].name);
	}
	if (room.len == 0)
		mig_error_hint(err, "GPU %u is full; migctl destroy makes room", gpu->index);
	else
		mig_error_hint(err,
			       "beside what is there fit on GPU %u, each alone: %s; migctl destroy "
			       "makes room, migctl apply may rearrange",
			       gpu->index, mig_buf_text(&room));
}

/* A new compute instance may have room in a GPU instance that is there, though a new one has not. */
static void hint_ci_room(const struct mig_gpu *gpu, const struct mig_additions *additions,
			 struct mig_error **err)
{
	for (unsigned int i = 0; i < additions->count; i++) {
		unsigned int gi_row, ci_row;

		if (mig_addition_resolve(gpu, &additions->items[i], &gi_row, &ci_row, NULL) < 0)
			continue;
		for (unsigned int g = 0; g < gpu->gi_count; g++) {
			const struct mig_gpu_instance *gi = &gpu->gi[g];

			if (gi->gi_row != gi_row || mig_ci_fits(gpu, gi, ci_row) == 0 ||
			    err == NULL || *err == NULL)
				continue;
			mig_error_hint(
				err,
				"%s%sin GPU instance %u of GPU %u is room for one: migctl "
				"create -g %u:%u %s",
				mig_error_hint_text(*err) != NULL ? mig_error_hint_text(*err) : "",
				mig_error_hint_text(*err) != NULL ? "; " : "", gi->id, gpu->index,
				gpu->index, gi->id, gpu->facts->gi[gi_row].ci[ci_row].name);
			return;
		}
	}
}

static int try_gpu(const struct mig_gpu *gpu, const struct mig_additions *additions,
		   struct mig_gpu_target *out, struct mig_error **err)
{
	_cleanup_free_ struct mig_layout *layout = calloc(1, sizeof(*layout));

	if (layout == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	mig_addition_begin(gpu, out);
	for (unsigned int i = 0; i < additions->count; i++) {
		const struct mig_addition *item = &additions->items[i];
		unsigned int gi_row, ci_row;

		if (mig_addition_resolve(gpu, item, &gi_row, &ci_row, err) < 0 ||
		    mig_addition_add(out, gi_row, ci_row, item->start, item->count, err) < 0)
			return -1;
	}
	if (mig_layout_find(gpu, out, layout, err) < 0) {
		hint_room(gpu, out, err);
		hint_ci_room(gpu, additions, err);
		return mig_error_wrap(err, "GPU %u", gpu->index);
	}
	return mig_addition_fix(gpu, layout, additions->has_ci, out, err);
}

/* ---- several GPUs ------------------------------------------------------------------------------ */

/* What none of the GPUs can ever have is not a question of room. */
static int check_possible(const struct mig_snapshot *snapshot,
			  const struct mig_additions *additions, const bool *is_candidate,
			  struct mig_error **err)
{
	for (unsigned int n = 0; n < additions->count; n++) {
		_cleanup_error_ struct mig_error *first = NULL;
		bool is_possible = false;

		for (unsigned int i = 0; !is_possible && i < snapshot->gpu_count; i++) {
			_cleanup_error_ struct mig_error *why = NULL;

			if (!is_candidate[i])
				continue;
			is_possible = mig_addition_check_alone(&snapshot->gpus[i],
							       &additions->items[n], &why) == 0;
			if (!is_possible && first == NULL)
				mig_error_move(&first, &why);
		}
		if (!is_possible && first != NULL) {
			mig_error_move(err, &first);
			return -1;
		}
	}
	return 0;
}

/* GPUs of which it is known what they can have, whatever their mode. */
static bool has_facts(const struct mig_gpu *gpu)
{
	return gpu->is_mig_capable && gpu->facts != NULL && gpu->facts->gi_count > 0;
}

/* Adds to the hint of "no room" the GPUs that would take instances if only MIG mode were on, and those
 * of which nobody knows. */
static int hint_off(const struct mig_snapshot *snapshot, struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf off = MIG_BUF_INIT(4096), lost = MIG_BUF_INIT(4096);
	_cleanup_buf_ struct mig_buf hint = MIG_BUF_INIT(64 * 1024);

	for (unsigned int i = 0; i < snapshot->gpu_count; i++) {
		const struct mig_gpu *gpu = &snapshot->gpus[i];

		if (!gpu->is_lost && gpu->is_mig_capable && !gpu->mig_current)
			mig_buf_printf(&off, "%s%u", off.len > 0 ? "," : "", gpu->index);
		if (gpu->is_lost)
			mig_buf_printf(&lost, "%s%u", lost.len > 0 ? "," : "", gpu->index);
	}
	if ((off.len == 0 && lost.len == 0) || err == NULL || *err == NULL)
		return -1;
	if (mig_error_hint_text(*err) != NULL)
		mig_buf_puts(&hint, mig_error_hint_text(*err));
	if (off.len > 0)
		mig_buf_printf(&hint,
			       "%sMIG mode of GPU %s is off, to use it, too: migctl mode on -i %s",
			       hint.len > 0 ? "; " : "", mig_buf_text(&off), mig_buf_text(&off));
	if (lost.len > 0)
		mig_buf_printf(&hint, "%sGPU %s is lost (fallen off the bus)",
			       hint.len > 0 ? "; " : "", mig_buf_text(&lost));
	return mig_error_hint(err, "%s", mig_buf_text(&hint));
}

static int on_any(const struct mig_snapshot *snapshot, const struct mig_additions *additions,
		  struct mig_target *target, struct mig_error **err)
{
	_cleanup_free_ bool *is_candidate = calloc((size_t)snapshot->gpu_count + 1, sizeof(bool));
	_cleanup_error_ struct mig_error *mode_error = NULL;
	_cleanup_error_ struct mig_error *fit_error = NULL;
	unsigned int count = 0;
	bool is_capable = false;

	if (is_candidate == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	for (unsigned int i = 0; i < snapshot->gpu_count; i++) {
		_cleanup_error_ struct mig_error *why = NULL;

		if (mig_adding_check_mode(&snapshot->gpus[i], &why) < 0) {
			/* The first one that can be helped is named. */
			if (mode_error == NULL || (snapshot->gpus[i].is_mig_capable && !is_capable))
				mig_error_move(&mode_error, &why);
			is_capable = is_capable || snapshot->gpus[i].is_mig_capable;
			continue;
		}
		if (try_gpu(&snapshot->gpus[i], additions, &target->gpus[i], &why) == 0)
			return 0;
		memset(&target->gpus[i], 0, sizeof(target->gpus[i]));
		if (fit_error == NULL)
			mig_error_move(&fit_error, &why);
		is_candidate[i] = true;
		count++;
	}
	/* With none in MIG mode: before somebody turns it on for nothing. */
	for (unsigned int i = 0; count == 0 && i < snapshot->gpu_count; i++)
		is_candidate[i] = has_facts(&snapshot->gpus[i]);
	if (count != 1 && check_possible(snapshot, additions, is_candidate, err) < 0)
		return -1;
	if (count > 1 && mig_adding_spread(snapshot, additions, is_candidate, target, err) == 0)
		return 0;
	if (count > 1)
		return hint_off(snapshot, err);
	mig_error_move(err, count == 1 ? &fit_error : &mode_error);
	return count == 1 ? hint_off(snapshot, err) : -1;
}

static int on_one(const struct mig_gpu *gpu, const struct mig_additions *additions,
		  struct mig_gpu_target *target, struct mig_error **err)
{
	for (unsigned int i = 0; has_facts(gpu) && i < additions->count; i++) {
		if (mig_addition_check_alone(gpu, &additions->items[i], err) < 0)
			return -1;
	}
	if (mig_adding_check_mode(gpu, err) < 0)
		return -1;
	return try_gpu(gpu, additions, target, err);
}

int mig_adding_gi(const struct mig_snapshot *snapshot, const struct mig_additions *additions,
		  int position, struct mig_target **out, struct mig_error **err)
{
	_cleanup_target_ struct mig_target *target = mig_target_new(snapshot, err);

	if (target == NULL)
		return -1;
	if (snapshot->gpu_count == 0)
		return mig_error_no_gpu(err);
	if (position < 0) {
		if (on_any(snapshot, additions, target, err) < 0)
			return -1;
	} else if (on_one(&snapshot->gpus[position], additions, &target->gpus[position], err) < 0) {
		return -1;
	}
	*out = MIG_TAKE_PTR(target);
	return 0;
}

/* ---- compute instances ------------------------------------------------------------------------- */

static int refuse_ci(const struct mig_gpu *gpu, const struct mig_gpu_instance *gi,
		     const struct mig_addition *item, struct mig_error **err)
{
	const struct mig_gi_profile *profile = &gpu->facts->gi[gi->gi_row];
	_cleanup_buf_ struct mig_buf can = MIG_BUF_INIT(4096);

	for (unsigned int i = 0; i < profile->ci_count; i++)
		mig_buf_printf(&can, "%s%uc.%s (%u)", i > 0 ? ", " : "", profile->ci[i].slice_count,
			       profile->name, profile->ci[i].id);
	mig_error_set(err, MIG_ERROR_REFUSED,
		      "'%s' is no compute instance of GPU instance %u of GPU %u, which is a %s",
		      item->word, gi->id, gpu->index, profile->name);
	return mig_error_hint(err, "in it can lie, with their ids: %s", mig_buf_text(&can));
}

static int resolve_ci(const struct mig_gpu *gpu, const struct mig_gpu_instance *gi,
		      const struct mig_addition *item, unsigned int *ci_row, struct mig_error **err)
{
	const struct mig_gi_profile *profile = &gpu->facts->gi[gi->gi_row];
	unsigned int gi_row;

	if (!item->has_id && mig_facts_find(gpu->facts, item->profile, &gi_row, ci_row) == 0 &&
	    gi_row == gi->gi_row)
		return 0;
	for (unsigned int i = 0; i < profile->ci_count; i++) {
		char name[16];

		mig_text_format(name, sizeof(name), "%uc", profile->ci[i].slice_count);
		if (item->has_id ? profile->ci[i].id != item->id : strcmp(name, item->profile) != 0)
			continue;
		*ci_row = i;
		return 0;
	}
	return refuse_ci(gpu, gi, item, err);
}

static int add_ci_items(const struct mig_gpu *gpu, const struct mig_gpu_instance *gi,
			const struct mig_additions *additions, struct mig_placed_gi *placed,
			struct mig_error **err)
{
	const struct mig_gi_profile *profile = &gpu->facts->gi[gi->gi_row];
	int filling = mig_facts_ci_by_slices(profile, profile->slice_count);

	if (additions->count == 0 && filling >= 0)
		return mig_target_place_ci(placed, (unsigned int)filling, MIG_START_ANY, err);
	for (unsigned int i = 0; i < additions->count; i++) {
		const struct mig_addition *item = &additions->items[i];
		unsigned int ci_row;

		if (resolve_ci(gpu, gi, item, &ci_row, err) < 0)
			return -1;
		for (unsigned int n = 0; n < item->count; n++) {
			if (mig_target_place_ci(placed, ci_row, item->start, err) < 0)
				return -1;
		}
	}
	return 0;
}

/* Which of them overlap is a question only where there are slices enough. */
static int check_ci_room(const struct mig_gpu *gpu, const struct mig_gpu_instance *gi,
			 const struct mig_placed_gi *placed, struct mig_error **err)
{
	const struct mig_gi_profile *profile = &gpu->facts->gi[gi->gi_row];
	unsigned int used = 0, wanted = 0;

	for (unsigned int i = 0; i < gi->ci_count; i++)
		used += gi->ci[i].size;
	for (unsigned int i = gi->ci_count; i < placed->ci_count; i++)
		wanted += profile->ci[placed->ci[i].ci_row].slice_count;
	if (used + wanted <= profile->slice_count)
		return 0;
	if (used >= profile->slice_count)
		mig_error_set(err, MIG_ERROR_REFUSED, "GPU instance %u of GPU %u (%s) is full",
			      gi->id, gpu->index, profile->name);
	else
		mig_error_set(
			err, MIG_ERROR_REFUSED,
			"%u compute slices do not fit in GPU instance %u of GPU %u (%s), which "
			"has %u of %u left",
			wanted, gi->id, gpu->index, profile->name, profile->slice_count - used,
			profile->slice_count);
	if (gi->ci_count > 0)
		mig_error_hint(err,
			       "migctl destroy GPU:GI:CI makes room; migctl list -i %u shows "
			       "what is there",
			       gpu->index);
	return -1;
}

int mig_adding_ci(const struct mig_snapshot *snapshot, const struct mig_additions *additions,
		  unsigned int position, unsigned int gi, struct mig_target **out,
		  struct mig_error **err)
{
	_cleanup_target_ struct mig_target *target = mig_target_new(snapshot, err);
	const struct mig_gpu *gpu = &snapshot->gpus[position];
	struct mig_placed_gi *placed;

	if (target == NULL || mig_adding_check_mode(gpu, err) < 0)
		return -1;
	mig_addition_begin(gpu, &target->gpus[position]);
	placed = &target->gpus[position].placed[gi];
	if (add_ci_items(gpu, &gpu->gi[gi], additions, placed, err) < 0 ||
	    check_ci_room(gpu, &gpu->gi[gi], placed, err) < 0)
		return -1;
	*out = MIG_TAKE_PTR(target);
	return 0;
}
