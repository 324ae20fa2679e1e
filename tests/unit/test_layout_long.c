/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layout search against all layouts, every pair of what test_layout.c compares a part of: so
 * only on request.
 */
#include "tests/harness/test.h"
#include "tests/unit/brute_layout.h"

MIG_TEST(layout_long_a100_with_everything)
{
	brute_compare_all(fake_a100, fake_a100_count, true, 1);
}

MIG_TEST(layout_long_a100_with_all_compute_instances)
{
	brute_compare_all(fake_a100, 5, false, 211);
}

MIG_TEST(layout_long_a100_around_placed_instances)
{
	brute_compare_all_placed(fake_a100, 5, true, 1);
}

MIG_TEST(layout_long_a30_around_placed_instances)
{
	brute_compare_all_placed(fake_a30, fake_a30_count, false, 7);
}
