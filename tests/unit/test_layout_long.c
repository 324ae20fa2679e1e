/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layout search against all layouts of the A100, every pair: minutes, so only on request.
 */
#include <string.h>

#include "tests/harness/test.h"
#include "tests/unit/brute_layout.h"

MIG_TEST(layout_long_a100_with_double_memory_all_pairs)
{
	struct fake_gi_profile profiles[6];

	memcpy(profiles, fake_a100, 5 * sizeof(fake_a100[0]));
	profiles[5] = fake_a100[6];
	brute_compare_all(profiles, 6, true, 1);
}

MIG_TEST(layout_long_a100_with_everything)
{
	brute_compare_all(fake_a100, fake_a100_count, true, 17);
}

MIG_TEST(layout_long_a30_media_extensions_with_compute_instances)
{
	brute_compare_all(fake_a30, fake_a30_count, false, 3);
}

MIG_TEST(layout_long_a100_compute_instances)
{
	brute_compare_all(fake_a100 + 1, 3, false, 7);
}
