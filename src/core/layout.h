/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layout search: of all ways to put the wanted devices on one GPU, around the GPU instances that
 * have a place already, the one that does the least harm to what is there. Exact for one GPU of any
 * geometry.
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
 * any way (the message says which devices), or a placed GPU instance cannot lie where it has to (the
 * message says why, the hint where it can); NO_MEMORY. Takes the devices and placed GPU instances of
 * the target and nothing else of it.
 */
int mig_layout_find(const struct mig_gpu *gpu, const struct mig_gpu_target *target,
		    struct mig_layout *layout, struct mig_error **err) MIG_MUST_CHECK;

/* A set of devices that fits one GPU: how many of each, by position in the target's devices[], and
 * what its least harmful layout costs. */
struct mig_layout_set {
	uint8_t counts[MIG_TARGET_DEVICES_MAX];
	unsigned int held_destroyed, gi_destroyed, ci_destroyed, gi_count, room;
};

struct mig_layout_sets {
	unsigned int count;
	struct mig_layout_set *sets; /* sets[0] is the empty one */
	size_t allocated;
};

/*
 * All sets of devices that fit the GPU, none of them with more of a device than `most` has. The
 * placed GPU instances of `most` are not looked at. Returns 0, or -1 with *err (NO_MEMORY; REFUSED
 * when a GPU has more layouts than can be looked through). Free `sets->sets`.
 */
int mig_layout_sets_find(const struct mig_gpu *gpu, const struct mig_gpu_target *most,
			 struct mig_layout_sets *sets, struct mig_error **err) MIG_MUST_CHECK;
