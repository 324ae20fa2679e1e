/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk over all compute instances of a GPU instance, for the short and the long test.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "data/tables/gpu_table.h"

/*
 * Checks everything inside a GPU instance of profile row `gi_row` on an otherwise empty GPU; a
 * difference fails the test. Ids depend on history: with_ids, a state is (profile, start, id) of each
 * instance; without, one state of each set of (profile, start) is looked at. Returns the number of
 * states.
 */
size_t ci_walk(const struct mig_gpu_table *model, unsigned int gi_row, bool with_ids);
