/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thing that is asked for, on one GPU: what it means there, and how it becomes part of a target.
 * For core/adding*.c alone.
 */
#pragma once

#include "core/adding.h"
#include "core/layout.h"

/* The profiles that the item means on this GPU, as rows of its facts. Returns 0, or -1 with *err
 * (REFUSED, with the nearest name). */
int mig_addition_resolve(const struct mig_gpu *gpu, const struct mig_addition *item,
			 unsigned int *gi_row, unsigned int *ci_row, struct mig_error **err);

/* Makes the target what is there, at its places. */
void mig_addition_begin(const struct mig_gpu *gpu, struct mig_gpu_target *target);

/* Adds `count` devices, wherever they fit or, in one GPU instance, at `start`. */
int mig_addition_add(struct mig_gpu_target *target, unsigned int gi_row, unsigned int ci_row,
		     unsigned int start, unsigned int count, struct mig_error **err);

/* Makes the target everything of the layout at its place; of what is new only the GPU instances
 * unless `has_ci`. */
int mig_addition_fix(const struct mig_gpu *gpu, const struct mig_layout *layout, bool has_ci,
		     struct mig_gpu_target *target, struct mig_error **err);

/* What goes to a GPU as one: 1, or with a place all of them, which share the GPU instance there. */
unsigned int mig_addition_unit(const struct mig_addition *item);

/* Whether the GPU could have it if it were empty. Returns 0, or -1 with *err (REFUSED) that says why
 * it never can: then room is not the question. */
int mig_addition_check_alone(const struct mig_gpu *gpu, const struct mig_addition *item,
			     struct mig_error **err);
