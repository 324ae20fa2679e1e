/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request spread over several GPUs, each device to one that it can have in a way that all find a
 * place. For core/adding.c alone.
 */
#pragma once

#include "core/adding.h"

/*
 * Spreads GPU instances over the GPUs for which `is_candidate` is true, by position; each item is
 * known to one of them. Names those it uses in the target. Returns 0, or -1 with *err (REFUSED).
 */
int mig_adding_spread(const struct mig_snapshot *snapshot, const struct mig_additions *additions,
		      const bool *is_candidate, struct mig_target *target, struct mig_error **err);
