/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The published instances of tests/data/totals, as core sees them: a snapshot, read from the fake
 * driver, and a target.
 */
#pragma once

#include "core/plan.h"

#define TOTALS_CASES 60

struct totals_case {
	struct mig_snapshot *snapshot;
	struct mig_target *target;
	unsigned int instance_count, busy_count;
};

/* Reads instance `first` and the `count` - 1 after it (after the last comes the first): the GPUs of
 * all of them, and the sum of their totals. Ends the test on whatever is wrong. */
void totals_case_read(unsigned int first, unsigned int count, struct totals_case *made);
void totals_case_clear(struct totals_case *made);
