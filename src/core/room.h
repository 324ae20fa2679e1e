/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What still fits: of one profile alone, beside everything that is there. Instances never move.
 * Nothing fits where MIG mode is off, or will be after a reset: create makes nothing there.
 * Pure: a GPU of a snapshot in, numbers out.
 */
#pragma once

#include <stdbool.h>

#include "core/model.h"

/* What a placement of a profile is now. */
enum mig_place_state {
	MIG_PLACE_FREE,	   /* an instance can be made here */
	MIG_PLACE_USED,	   /* an instance of this profile lies here */
	MIG_PLACE_COVERED, /* others lie on it, in whole or in part */
	/* Nothing lies here, but the GPU takes no more: its slices are used up, as many as there can
	 * be of this profile (or of media extensions) are there, or MIG mode is not there to stay. */
	MIG_PLACE_NO_ROOM,
	MIG_PLACE_STATE_COUNT,
};

enum mig_place_state mig_gi_place_state(const struct mig_gpu *gpu, unsigned int gi_row,
					unsigned int start);

/* How many of one profile there are, and how many more would fit if nothing else were made. */
unsigned int mig_gi_exist(const struct mig_gpu *gpu, unsigned int gi_row);
unsigned int mig_gi_fits(const struct mig_gpu *gpu, unsigned int gi_row);
/* The latter in a part of the GPU only: memory units from `begin` up to before `end`. */
unsigned int mig_gi_fits_within(const struct mig_gpu *gpu, unsigned int gi_row, unsigned int begin,
				unsigned int end);

/* The same of a compute instance profile in one GPU instance. */
bool mig_ci_place_is_free(const struct mig_gpu *gpu, const struct mig_gpu_instance *gi,
			  unsigned int ci_row, unsigned int start);
unsigned int mig_ci_exist(const struct mig_gpu_instance *gi, unsigned int ci_row);
unsigned int mig_ci_fits(const struct mig_gpu *gpu, const struct mig_gpu_instance *gi,
			 unsigned int ci_row);
