/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What still fits on a GPU in MIG mode, beside what is there.
 */
#pragma once

#include "core/model.h"

/* How many more GPU instances of the profile gpu->facts->gi[gi_row], and of no other, fit now. */
unsigned int mig_fits_count(const struct mig_gpu *gpu, unsigned int gi_row);

/* The same within the placement units from `start` on up to `end`, which is not included. */
unsigned int mig_fits_count_within(const struct mig_gpu *gpu, unsigned int gi_row,
				   unsigned int start, unsigned int end);
