/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turning a plan round: the operations that lead back from whatever a transaction has reached.
 */
#pragma once

#include "core/plan.h"
#include "core/saved_layout.h"

/*
 * The plan that takes back those operations of `plan` that were begun (is_begun[i]; all of them if
 * NULL), as far as the snapshot shows that they are in effect: what was created and is there goes,
 * what was destroyed and is not there comes, in reverse order per GPU (compute instances of one GPU
 * instance that come back: in the order of their ids). So it may be asked again at
 * any point, also half way back. GPUs that are lost or gone have no operations in it. What lies in a
 * GPU instance that goes, goes with it; what else others have made meanwhile is not touched.
 *
 * `before` (may be NULL) is the layout at the beginning: a driver that chooses the places of compute
 * instances itself may have put one elsewhere than planned, and it is known by not having been there
 * before. Returns 0, or -1 with *err (NO_MEMORY).
 */
int mig_plan_invert(const struct mig_plan *plan, const bool *is_begun,
		    const struct mig_saved_layout *before, const struct mig_snapshot *now,
		    struct mig_plan **out, struct mig_error **err) MIG_MUST_CHECK;
