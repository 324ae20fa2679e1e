/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of `profiles` and `placements`: each profile of each chosen GPU; for people, neighbouring
 * GPUs that are alike in everything that such a row says are one row ("0-7").
 */
#pragma once

#include "cli/gpu_choice.h"

struct mig_profile_row {
	const struct mig_gpu *gpu; /* the first, of several */
	char gpus[32];		   /* "0", "0-7" */
	unsigned int gi_row;
	int ci_row; /* -1: the GPU instance profile */
};

struct mig_profile_rows {
	size_t count, allocated;
	struct mig_profile_row *rows;
};

/* Makes them, with the compute instance profiles behind each profile if asked for. Lost GPUs and
 * those without MIG have none. Returns 0, or -1 with *err (NO_MEMORY). */
int mig_profile_rows_make(const struct mig_snapshot *snapshot, const struct mig_gpu_choice *choice,
			  bool has_ci, bool is_grouped, struct mig_profile_rows *rows,
			  struct mig_error **err) MIG_MUST_CHECK;
void mig_profile_rows_clear(struct mig_profile_rows *rows);
#define _cleanup_profile_rows_ _cleanup_(mig_profile_rows_clear)

/* Says on standard error on which of the chosen GPUs nothing fits because MIG mode is off. */
void mig_profile_rows_say_off(const struct mig_snapshot *snapshot,
			      const struct mig_gpu_choice *choice);
