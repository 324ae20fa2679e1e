/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What still fits; see fits.h.
 */
#include "core/fits.h"

#include <limits.h>

#include "core/space.h"

unsigned int mig_fits_count_within(const struct mig_gpu *gpu, unsigned int gi_row,
				   unsigned int start, unsigned int end)
{
	const struct mig_gi_profile *profile = &gpu->facts->gi[gi_row];
	struct mig_space space;
	struct mig_space_state state;
	unsigned int count = 0;

	mig_facts_gi_space(gpu->facts, &space);
	mig_gpu_space_state(gpu, &space, &state);
	for (unsigned int i = 0; i < profile->start_count; i++) {
		unsigned int at = profile->starts[i];

		if (at < start || at + profile->size > end ||
		    !mig_space_fits(&space, &state, gi_row, at))
			continue;
		mig_space_add(&space, &state, gi_row, at);
		count++;
	}
	return count;
}

unsigned int mig_fits_count(const struct mig_gpu *gpu, unsigned int gi_row)
{
	return mig_fits_count_within(gpu, gi_row, 0, UINT_MAX);
}
