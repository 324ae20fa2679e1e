/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a GPU will look like after a plan: for pictures and for saying what stays.
 */
#pragma once

#include "core/plan.h"

/*
 * `gpu` of the plan's snapshot as it is when all of `pg`'s operations are done. New instances have
 * no handle, no UUID and the id MIG_ID_NEW; holders and facts are borrowed from `gpu`.
 */
#define MIG_ID_NEW UINT_MAX
void mig_plan_gpu_after(const struct mig_gpu *gpu, const struct mig_plan *plan,
			const struct mig_plan_gpu *pg, struct mig_gpu *after);
