/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What still fits; see room.h.
 */
#include "core/room.h"

#include <limits.h>

#include "core/space.h"

/* While a mode change to off is pending the driver's answer to a creation is not relied on: what is
 * made would be gone with the reset. */
static bool takes_instances(const struct mig_gpu *gpu)
{
	return gpu->mig_current && gpu->mig_pending;
}

/* More of one kind by taking the lowest free start each time: all starts of a profile have one size,
 * so this is the most. Only places within [begin, end). */
static unsigned int count_fits(const struct mig_space *space, struct mig_space_state state,
			       unsigned int kind, unsigned int size, unsigned int begin,
			       unsigned int end)
{
	const struct mig_space_kind *k = &space->kinds[kind];
	unsigned int count = 0;

	for (unsigned int i = 0; i < k->start_count; i++) {
		if (k->starts[i] < begin || k->starts[i] + size > end ||
		    !mig_space_fits(space, &state, kind, k->starts[i]))
			continue;
		mig_space_add(space, &state, kind, k->starts[i]);
		count++;
	}
	return count;
}

enum mig_place_state mig_gi_place_state(const struct mig_gpu *gpu, unsigned int gi_row,
					unsigned int start)
{
	unsigned int size = gpu->facts->gi[gi_row].size;
	struct mig_space space;
	struct mig_space_state state;

	for (unsigned int i = 0; i < gpu->gi_count; i++) {
		const struct mig_gpu_instance *gi = &gpu->gi[i];

		if (gi->gi_row == gi_row && gi->start == start)
			return MIG_PLACE_USED;
	}
	for (unsigned int i = 0; i < gpu->gi_count; i++) {
		const struct mig_gpu_instance *gi = &gpu->gi[i];

		if (gi->start < start + size && start < gi->start + gi->size)
			return MIG_PLACE_COVERED;
	}
	if (!takes_instances(gpu))
		return MIG_PLACE_NO_ROOM;
	mig_facts_gi_space(gpu->facts, &space);
	mig_gpu_space_state(gpu, &space, &state);
	return mig_space_fits(&space, &state, gi_row, start) ? MIG_PLACE_FREE : MIG_PLACE_NO_ROOM;
}

unsigned int mig_gi_exist(const struct mig_gpu *gpu, unsigned int gi_row)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < gpu->gi_count; i++)
		count += gpu->gi[i].gi_row == gi_row;
	return count;
}

unsigned int mig_gi_fits_within(const struct mig_gpu *gpu, unsigned int gi_row, unsigned int begin,
				unsigned int end)
{
	struct mig_space space;
	struct mig_space_state state;

	if (!takes_instances(gpu))
		return 0;
	mig_facts_gi_space(gpu->facts, &space);
	mig_gpu_space_state(gpu, &space, &state);
	return count_fits(&space, state, gi_row, gpu->facts->gi[gi_row].size, begin, end);
}

unsigned int mig_gi_fits(const struct mig_gpu *gpu, unsigned int gi_row)
{
	return mig_gi_fits_within(gpu, gi_row, 0, UINT_MAX);
}

static void ci_state(const struct mig_gpu *gpu, const struct mig_gpu_instance *gi,
		     struct mig_space *space, struct mig_space_state *state)
{
	mig_facts_ci_space(&gpu->facts->gi[gi->gi_row], space);
	*state = (struct mig_space_state){0};
	for (unsigned int i = 0; i < gi->ci_count; i++)
		mig_space_add(space, state, gi->ci[i].ci_row, gi->ci[i].start);
}

bool mig_ci_place_is_free(const struct mig_gpu *gpu, const struct mig_gpu_instance *gi,
			  unsigned int ci_row, unsigned int start)
{
	struct mig_space space;
	struct mig_space_state state;

	if (!takes_instances(gpu))
		return false;
	ci_state(gpu, gi, &space, &state);
	return mig_space_fits(&space, &state, ci_row, start);
}

unsigned int mig_ci_exist(const struct mig_gpu_instance *gi, unsigned int ci_row)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < gi->ci_count; i++)
		count += gi->ci[i].ci_row == ci_row;
	return count;
}

unsigned int mig_ci_fits(const struct mig_gpu *gpu, const struct mig_gpu_instance *gi,
			 unsigned int ci_row)
{
	struct mig_space space;
	struct mig_space_state state;

	if (!takes_instances(gpu))
		return 0;
	ci_state(gpu, gi, &space, &state);
	return count_fits(&space, state, ci_row, 0, 0, UINT_MAX);
}
