/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transaction under torture, whole: three small transitions exhaustively, each call of all
 * others, and seeded cases. docs/torture.md has the counts.
 */
#include "tests/harness/test.h"
#include "tests/torture/cases.h"
#include "tests/torture/transitions.h"

MIG_TEST(torture_exhaustively_instances)
{
	cases_run(0, 1, EXTENT_EXHAUSTIVE, "A30");
}

MIG_TEST(torture_exhaustively_compute_instances)
{
	cases_run(1, 1, EXTENT_EXHAUSTIVE, "A100");
}

MIG_TEST(torture_exhaustively_mode)
{
	cases_run(2, 1, EXTENT_EXHAUSTIVE, "H100");
}

MIG_TEST(torture_each_event_of_all_others)
{
	cases_run(SMALL_COUNT, transition_count - SMALL_COUNT, EXTENT_EACH_ONCE, "47 others");
}

MIG_TEST(torture_all_seeds)
{
	cases_run_seeds(0, 2000, "seeded");
}
