/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is wanted: for each GPU nothing (leave it alone), MIG off, or MIG on with so many devices of
 * each profile, wherever they lie, and GPU instances at exact places; or, over several GPUs, so many
 * devices in all. Profiles are rows of the GPU's facts, so a target is made against a snapshot and
 * every unknown name was refused before one exists. Must not know where the wish came from.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>

#include "core/model.h"

#define MIG_TARGET_DEVICES_MAX 64 /* kinds of devices per GPU */
#define MIG_START_ANY	       UINT_MAX

/* `count` MIG devices: compute instances of gi[gi_row].ci[ci_row]. */
struct mig_wanted_device {
	unsigned int gi_row;
	unsigned int ci_row;
	unsigned int count;
};

/* A compute instance of a placed GPU instance. */
struct mig_placed_ci {
	unsigned int ci_row;
	unsigned int start; /* compute slices; MIG_START_ANY: where it does least harm */
};

/* A GPU instance that must lie at this place, with exactly these compute instances (none: 0). */
struct mig_placed_gi {
	unsigned int gi_row;
	unsigned int start; /* placement units */
	unsigned int ci_count;
	struct mig_placed_ci ci[MIG_COMPUTE_INSTANCES_MAX];
};

struct mig_gpu_target {
	bool is_named; /* false: the GPU stays as it is */
	bool mig_mode;
	/* Held instances stay and count toward the target; a GPU that cannot reach it with them is
	 * left as it is (mig_plan_gpu.is_blocked). Where totals are spread: all GPUs that share them
	 * are left as they are. */
	bool keeps_in_use;
	/* The MIG mode, also a change of it that waits for a reset, stays as it is. */
	bool keeps_mode;
	/* One of the GPUs over which the node's totals are spread: the planner decides mig_mode and
	 * fills in devices. It may not have devices or placed of its own. */
	bool shares_totals;
	unsigned int device_count; /* merged: each (gi_row, ci_row) once, counts > 0 */
	struct mig_wanted_device devices[MIG_TARGET_DEVICES_MAX];
	unsigned int placed_count; /* beside the devices */
	struct mig_placed_gi placed[MIG_GPU_INSTANCES_MAX];
};

/* So many devices over all GPUs with shares_totals. By name: their profiles may differ in row. */
struct mig_wanted_total {
	char profile[MIG_PROFILE_NAME_SIZE];
	unsigned int count;
};

/* By position in the snapshot's gpus[]. */
struct mig_target {
	unsigned int gpu_count;
	struct mig_gpu_target *gpus;
	unsigned int total_count;
	struct mig_wanted_total totals[MIG_TARGET_DEVICES_MAX];
};

/* An empty target for the snapshot's GPUs. NULL: out of memory, with *err. */
struct mig_target *mig_target_new(const struct mig_snapshot *snapshot, struct mig_error **err);
void mig_target_free(struct mig_target *target);

/* Adds to what is wanted of one GPU (merging equal rows; a count of 0 adds nothing). */
int mig_target_add(struct mig_gpu_target *target, unsigned int gi_row, unsigned int ci_row,
		   unsigned int count, struct mig_error **err) MIG_MUST_CHECK;

/*
 * Adds a GPU instance at an exact place, without compute instances; *placed, if not NULL, is where
 * mig_target_place_ci adds them (valid until the target goes). Whether it can lie there is found out
 * by the planner. REFUSED: there are more than a GPU can have.
 */
int mig_target_place(struct mig_gpu_target *target, unsigned int gi_row, unsigned int start,
		     struct mig_placed_gi **placed, struct mig_error **err) MIG_MUST_CHECK;
int mig_target_place_ci(struct mig_placed_gi *placed, unsigned int ci_row, unsigned int start,
			struct mig_error **err) MIG_MUST_CHECK;

/* Adds to the node's totals. Names that mean the same (1c.1g.5gb, 1g.5gb) are one; the first one's
 * spelling stays. REFUSED: too many; the name is not looked up in any facts. */
int mig_target_add_total(struct mig_target *target, const char *profile, unsigned int count,
			 struct mig_error **err) MIG_MUST_CHECK;

/*
 * Makes `target` what the GPU has now: named, the current MIG mode, everything on it placed. A
 * layout made from it keeps all; what is then taken out or added is what changes.
 */
void mig_gpu_target_from_gpu(const struct mig_gpu *gpu, struct mig_gpu_target *target);

/* Whether both want the same: order means nothing, placed instances and all options count. */
bool mig_gpu_target_equals(const struct mig_gpu_target *a, const struct mig_gpu_target *b);

static inline void mig_cleanup_target(struct mig_target **target)
{
	mig_target_free(*target);
}
#define _cleanup_target_ _cleanup_(mig_cleanup_target)
