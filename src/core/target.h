/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is wanted: for each GPU nothing (leave it alone), MIG off, or MIG on with so many devices of
 * each profile. Profiles are rows of the GPU's facts, so a target is made against a snapshot and
 * every unknown name was refused before one exists. Must not know where the wish came from.
 */
#pragma once

#include <stdbool.h>

#include "core/model.h"

#define MIG_TARGET_DEVICES_MAX 64 /* kinds of devices per GPU */

/* `count` MIG devices: compute instances of gi[gi_row].ci[ci_row]. */
struct mig_wanted_device {
	unsigned int gi_row;
	unsigned int ci_row;
	unsigned int count;
};

struct mig_gpu_target {
	bool is_named; /* false: the GPU stays as it is */
	bool mig_mode;
	unsigned int device_count; /* merged: each (gi_row, ci_row) once, counts > 0 */
	struct mig_wanted_device devices[MIG_TARGET_DEVICES_MAX];
};

/* By position in the snapshot's gpus[]. */
struct mig_target {
	unsigned int gpu_count;
	struct mig_gpu_target *gpus;
};

/* An empty target for the snapshot's GPUs. NULL: out of memory, with *err. */
struct mig_target *mig_target_new(const struct mig_snapshot *snapshot, struct mig_error **err);
void mig_target_free(struct mig_target *target);

/* Adds to what is wanted of one GPU (merging equal rows; a count of 0 adds nothing). */
int mig_target_add(struct mig_gpu_target *target, unsigned int gi_row, unsigned int ci_row,
		   unsigned int count, struct mig_error **err) MIG_MUST_CHECK;

/* Whether both want the same. */
bool mig_gpu_target_equals(const struct mig_gpu_target *a, const struct mig_gpu_target *b);

static inline void mig_cleanup_target(struct mig_target **target)
{
	mig_target_free(*target);
}
#define _cleanup_target_ _cleanup_(mig_cleanup_target)
