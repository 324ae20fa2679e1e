/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transaction under torture: the share of it that every test run takes. docs/torture.md says
 * what the cases are; test_torture_long.c runs all of them.
 */
#include "tests/harness/test.h"
#include "tests/torture/cases.h"
#include "tests/torture/transitions.h"

/* Sanitizers make a case ten times as long. */
#define SHARE (MIG_TEST_HAS_SANITIZER ? EXTENT_EACH_ONCE : EXTENT_SHARE)
#define SEEDS (MIG_TEST_HAS_SANITIZER ? 50 : 200)

MIG_TEST(torture_small_transition)
{
	cases_run(0, 1, SHARE, NULL);
}

MIG_TEST(torture_compute_instances)
{
	cases_run(1, 1, EXTENT_EACH_ONCE, NULL);
}

MIG_TEST(torture_mode_change)
{
	cases_run(2, 1, EXTENT_EACH_ONCE, NULL);
}

MIG_TEST(torture_mode_change_with_a_reset)
{
	cases_run(8, 1, EXTENT_EACH_ONCE, NULL);
}

MIG_TEST(torture_seeds)
{
	cases_run_seeds(0, SEEDS, NULL);
}
