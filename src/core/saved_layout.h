/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A layout that outlives the process: for each of some GPUs the MIG mode and every instance with
 * its exact place. Written into the journal before and after a change, and brought back by undo and
 * boot. GPUs are keyed by UUID, profiles by NVML's index. Must not know files.
 */
#pragma once

#include <stdbool.h>

#include "core/model.h"
#include "core/saved_line.h"
#include "core/target.h"

struct mig_saved_ci {
	unsigned int profile_index; /* NVML_COMPUTE_INSTANCE_PROFILE_* */
	unsigned int slice_count;
	unsigned int start, size;
	char uuid[MIG_UUID_SIZE]; /* "" if not known */
};

struct mig_saved_gi {
	unsigned int profile_index; /* NVML_GPU_INSTANCE_PROFILE_* */
	unsigned int profile_id;
	char profile_name[MIG_PROFILE_NAME_SIZE];
	unsigned int start, size;
	unsigned int ci_count;
	struct mig_saved_ci *ci; /* owned */
};

struct mig_saved_gpu {
	char uuid[MIG_UUID_SIZE];
	char model[MIG_GPU_NAME_SIZE];
	unsigned int index; /* for messages */
	bool mig_mode;
	bool mig_pending;
	unsigned int gi_count;
	struct mig_saved_gi *gi; /* owned */
};

struct mig_saved_layout {
	unsigned int gpu_count;
	struct mig_saved_gpu *gpus;
};

void mig_saved_layout_clear(struct mig_saved_layout *layout);

/* Copies what a snapshot says of the GPU behind the layout's others. */
int mig_saved_layout_add(struct mig_saved_layout *layout, const struct mig_gpu *gpu,
			 struct mig_error **err) MIG_MUST_CHECK;

/* The same for a GPU of another saved layout. */
int mig_saved_layout_add_saved(struct mig_saved_layout *layout, const struct mig_saved_gpu *gpu,
			       struct mig_error **err) MIG_MUST_CHECK;

/* The GPU with this UUID; NULL if there is none. Owned by layout. */
const struct mig_saved_gpu *mig_saved_layout_gpu(const struct mig_saved_layout *layout,
						 const char *uuid);

/* Appends the layout's lines; each says `which` ("before") it is. */
void mig_saved_layout_write(const struct mig_saved_layout *layout, const char *which,
			    struct mig_buf *out);

/*
 * Takes a line that mig_saved_layout_write made. Returns 1 if it was one of "gpu", "gi" and "ci", 0
 * if not, -1 with *err (CORRUPT, NO_MEMORY).
 */
int mig_saved_layout_take(struct mig_saved_layout *layout, const struct mig_line *line,
			  struct mig_error **err) MIG_MUST_CHECK;

/* Whether the GPU has exactly this layout now: mode, instances and places; UUIDs do not count. */
bool mig_saved_gpu_equals(const struct mig_saved_gpu *saved, const struct mig_gpu *gpu);

/* The same where compute instances may lie anywhere in their GPU instance: drivers before 535 choose
 * their places. */
bool mig_saved_gpu_equals_but_places(const struct mig_saved_gpu *saved, const struct mig_gpu *gpu);

/*
 * What is wanted so that `gpu` gets this layout. Returns 0, or -1 with *err (REFUSED: the GPU has no
 * such profile or has no MIG).
 */
int mig_saved_gpu_target(const struct mig_saved_gpu *saved, const struct mig_gpu *gpu,
			 struct mig_gpu_target *target, struct mig_error **err) MIG_MUST_CHECK;

/* Appends "3g.20gb@4 1g.5gb@0" in words for people; "MIG off", "no instances". */
void mig_saved_gpu_describe(const struct mig_saved_gpu *saved, struct mig_buf *out);
