/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thing that is asked for, on one GPU; see adding_item.h.
 */
#include "core/adding_item.h"

#include <stdlib.h>

#include "core/layout.h"

static int unknown(const struct mig_gpu *gpu, const struct mig_addition *item,
		   struct mig_error **err)
{
	const char *nearest = NULL;

	if (item->has_id)
		mig_error_set(err, MIG_ERROR_REFUSED, "GPU %u (%s) has no profile with the id %u",
			      gpu->index, gpu->name, item->id);
	else
		mig_error_set(err, MIG_ERROR_REFUSED, "GPU %u (%s) has no profile '%s'", gpu->index,
			      gpu->name, item->profile);
	if (!item->has_id)
		nearest = mig_facts_nearest(gpu->facts, item->profile);
	if (nearest != NULL)
		return mig_error_hint(err,
				      "did you mean '%s'? migctl profiles -i %u lists them all",
				      nearest, gpu->index);
	if (item->has_id)
		return mig_error_hint(
			err,
			"a number is the id of a profile: migctl profiles -i %u lists "
			"them; how many is said by *COUNT, on which GPU by -i",
			gpu->index);
	return mig_error_hint(err, "migctl profiles -i %u lists them", gpu->index);
}

int mig_addition_resolve(const struct mig_gpu *gpu, const struct mig_addition *item,
			 unsigned int *gi_row, unsigned int *ci_row, struct mig_error **err)
{
	int row, filling;

	if (!item->has_id) {
		if (mig_facts_find(gpu->facts, item->profile, gi_row, ci_row) < 0)
			return unknown(gpu, item, err);
		return 0;
	}
	row = mig_facts_gi_by_id(gpu->facts, item->id);
	if (row < 0)
		return unknown(gpu, item, err);
	filling = mig_facts_ci_by_slices(&gpu->facts->gi[row], gpu->facts->gi[row].slice_count);
	if (filling < 0)
		return unknown(gpu, item, err);
	*gi_row = (unsigned int)row;
	*ci_row = (unsigned int)filling;
	return 0;
}

int mig_addition_add(struct mig_gpu_target *target, unsigned int gi_row, unsigned int ci_row,
		     unsigned int start, unsigned int count, struct mig_error **err)
{
	struct mig_placed_gi *placed;

	if (start == MIG_START_ANY)
		return mig_target_add(target, gi_row, ci_row, count, err);
	if (mig_target_place(target, gi_row, start, &placed, err) < 0)
		return -1;
	/* Several compute instances share the GPU instance that lies there. */
	for (unsigned int i = 0; i < count; i++) {
		if (mig_target_place_ci(placed, ci_row, MIG_START_ANY, err) < 0)
			return -1;
	}
	return 0;
}

void mig_addition_begin(const struct mig_gpu *gpu, struct mig_gpu_target *target)
{
	mig_gpu_target_from_gpu(gpu, target);
	target->keeps_mode = true;
}

int mig_addition_fix(const struct mig_gpu *gpu, const struct mig_layout *layout, bool has_ci,
		     struct mig_gpu_target *target, struct mig_error **err)
{
	mig_addition_begin(gpu, target);
	target->placed_count = 0;
	for (unsigned int i = 0; i < layout->gi_count; i++) {
		const struct mig_layout_gi *gi = &layout->gi[i];
		struct mig_placed_gi *placed;

		if (mig_target_place(target, gi->gi_row, gi->start, &placed, err) < 0)
			return -1;
		if (gi->kept_id < 0 && !has_ci)
			continue;
		for (unsigned int c = 0; c < gi->ci_count; c++) {
			if (mig_target_place_ci(placed, gi->ci[c].ci_row, gi->ci[c].start, err) < 0)
				return -1;
		}
	}
	return 0;
}

unsigned int mig_addition_unit(const struct mig_addition *item)
{
	return item->start != MIG_START_ANY ? item->count : 1;
}

int mig_addition_check_alone(const struct mig_gpu *gpu, const struct mig_addition *item,
			     struct mig_error **err)
{
	_cleanup_free_ struct mig_gpu *empty = malloc(sizeof(*empty));
	_cleanup_free_ struct mig_gpu_target *wish = malloc(sizeof(*wish));
	struct mig_layout layout;
	unsigned int gi_row, ci_row;

	if (empty == NULL || wish == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	if (mig_addition_resolve(gpu, item, &gi_row, &ci_row, err) < 0)
		return -1;
	*empty = *gpu;
	empty->gi_count = 0;
	mig_addition_begin(empty, wish);
	if (mig_addition_add(wish, gi_row, ci_row, item->start, mig_addition_unit(item), err) < 0 ||
	    mig_layout_find(empty, wish, &layout, err) < 0)
		return mig_error_wrap(err, "GPU %u", gpu->index);
	return 0;
}
