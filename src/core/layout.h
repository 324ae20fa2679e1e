/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layout search: of all ways to put the wanted devices on one GPU, the one that does the least
 * harm to what is there. Exact for one GPU of any geometry.
 *
 * Order of harm: (1) fewest held compute instances destroyed, (2) fewest GPU instances destroyed,
 * (3) fewest compute instances destroyed, (4) fewest GPU instances, (5) most (profile, placement)
 * pairs that stay possible; ties: the highest starts, largest profile first. The same input gives
 * the same layout on every node. Pure: facts, current instances and target in, layout out.
 */
#pragma once

#include "core/model.h"
#include "core/target.h"

struct mig_layout_ci {
	unsigned int ci_row;
	unsigned int start;
	int kept_id; /* id of the compute instance that stays here, or -1: to be created */
};

struct mig_layout_gi {
	unsigned int gi_row;
	unsigned int start;
	int kept_id; /* id of the GPU instance that stays here, or -1: to be created */
	unsigned int ci_count;
	struct mig_layout_ci ci[MIG_COMPUTE_INSTANCES_MAX];
};

struct mig_layout {
	unsigned int gi_count;
	struct mig_layout_gi gi[MIG_GPU_INSTANCES_MAX];
	unsigned int held_destroyed;
	unsigned int gi_destroyed;
	unsigned int ci_destroyed; /* all of them, also inside destroyed GPU instances */
	unsigned int room;	   /* pairs that stay possible */
};

/*
 * Finds the layout. Returns 0, or -1 with *err: code REFUSED when the set does not fit the GPU in
 * any way (the message says which devices), NO_MEMORY.
 */
int mig_layout_find(const struct mig_gpu *gpu, const struct mig_gpu_target *target,
		    struct mig_layout *layout, struct mig_error **err) MIG_MUST_CHECK;
