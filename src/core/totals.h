/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node's totals: "so many of each device over these GPUs", and which GPU gets which of them.
 *
 * Exact up to MIG_TOTALS_EXACT_GPUS GPUs, also of different models: no other way destroys fewer held
 * compute instances, then fewer GPU instances, then fewer compute instances, then changes fewer MIG
 * modes. Of equals: fewest GPU instances, most room, most on the lowest GPUs (this last step within
 * a budget). More GPUs are searched for so many steps, and the bounds say how good the answer is.
 * Whether is_optimal is set says which it was.
 * The same input gives the same answer on every node. Pure: snapshot and target in, targets out.
 */
#pragma once

#include <stdbool.h>

#include "core/model.h"
#include "core/target.h"

#define MIG_TOTALS_EXACT_GPUS 8

struct mig_totals {
	bool is_optimal; /* nothing does less harm */
	bool is_blocked; /* not without destroying what a GPU with keeps_in_use has in use */
	unsigned int held_destroyed_bound; /* see core/plan.h */
	unsigned int gi_destroyed_bound;
};

/* Whether any GPU shares totals, or there are some. */
bool mig_totals_are_wanted(const struct mig_target *target);

/*
 * Fills `gpus` (one per GPU of the snapshot): copies of target->gpus, those that share the totals
 * with the devices each gets, named, and with MIG on, or, where there are none, in the mode that the
 * GPU is in. A GPU without MIG gets nothing. Returns 0, or -1 with *err: REFUSED when the totals do
 * not fit (the message says what is left over), when no GPU shares them, when one that does has
 * devices of its own; NO_MEMORY.
 */
int mig_totals_spread(const struct mig_snapshot *snapshot, const struct mig_target *target,
		      struct mig_gpu_target *gpus, struct mig_totals *totals,
		      struct mig_error **err) MIG_MUST_CHECK;
