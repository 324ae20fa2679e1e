/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compute instances inside one GPU instance: of all ways to put the wanted ones there, the one that
 * keeps the most of what is there. The inner half of the layout search (core/layout.h).
 *
 * Pure: facts and one GPU instance in, places out. Knows nothing of the GPU around it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/layout.h"

struct mig_ci_layout {
	bool is_known;	  /* solved; for callers that solve on demand */
	bool is_possible; /* else nothing below is set */
	unsigned int held_kept;
	unsigned int kept;
	unsigned int room;  /* (profile, start) pairs that stay possible */
	unsigned int count; /* compute instances */
	struct mig_layout_ci ci[MIG_COMPUTE_INSTANCES_MAX];
};

/*
 * counts[i] compute instances of profile->ci[i], anywhere. `existing`: the GPU instance that is
 * there, or NULL for one that is made for them. Order: most held kept, most kept, most room;
 * then the highest starts, widest first.
 */
void mig_ci_layout_solve(const struct mig_gi_profile *profile, const uint8_t *counts,
			 const struct mig_gpu_instance *existing, struct mig_ci_layout *result);

/* The compute instances of `placed`: those with a start exactly there, the others around them. */
void mig_ci_layout_solve_placed(const struct mig_gi_profile *profile,
				const struct mig_placed_gi *placed,
				const struct mig_gpu_instance *existing,
				struct mig_ci_layout *result);
