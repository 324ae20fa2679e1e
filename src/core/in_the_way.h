/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is in the way of a plan: the holders of what it destroys, and of the GPUs whose mode it
 * changes. Says who it is; must not know what is done about it.
 */
#pragma once

#include "core/plan.h"
#include "shared/buf.h"

struct mig_in_the_way {
	const struct mig_gpu *gpu;
	const struct mig_op *op; /* that cannot be done */
	const struct mig_holder *holder;
};

/*
 * All of them, in the plan's order; *list is newly allocated and points into snapshot and plan. The
 * snapshot must have been read with holders. Returns 0, or -1 with *err (NO_MEMORY).
 */
int mig_in_the_way_find(const struct mig_snapshot *snapshot, const struct mig_plan *plan,
			struct mig_in_the_way **list, unsigned int *count,
			struct mig_error **err) MIG_MUST_CHECK;

/* Appends "1g.5gb at 3:1 of GPU 0 is held by process 12 (python of ann)". */
void mig_in_the_way_describe(const struct mig_in_the_way *item, struct mig_buf *out);

/* Sets the error IN_USE that names them all, with what can be done. Returns -1. */
int mig_in_the_way_error(const struct mig_in_the_way *list, unsigned int count,
			 struct mig_error **err);
