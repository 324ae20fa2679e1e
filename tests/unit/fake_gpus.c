/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GPUs of the fake driver: their profiles as NVML lists them, written down for the tests alone.
 */
#include "tests/unit/fake_driver.h"

#define STARTS(...)                                                                  \
	.start_count = sizeof((unsigned int[]){__VA_ARGS__}) / sizeof(unsigned int), \
	.starts = {__VA_ARGS__}
#define CI(ci_index, ci_slices, ci_max, ci_size, ...)                                          \
	{                                                                                      \
		.index = (ci_index), .id = (ci_index), .slices = (ci_slices), .max = (ci_max), \
		.size = (ci_size), STARTS(__VA_ARGS__),                                        \
	}
/* Compute instances of GPU instances with 1, 2, 3, 4 and 7 slices. */
#define CI_1 .ci_count = 1, .ci = {CI(0, 1, 1, 1, 0)}
#define CI_2 .ci_count = 2, .ci = {CI(0, 1, 2, 1, 0, 1), CI(1, 2, 1, 2, 0)}
#define CI_3 .ci_count = 3, .ci = {CI(0, 1, 3, 1, 0, 1, 2), CI(1, 2, 1, 2, 0), CI(2, 3, 1, 3, 0)}
#define CI_4 \
	.ci_count = 3, .ci = {CI(0, 1, 4, 1, 0, 1, 2, 3), CI(1, 2, 2, 2, 0, 2), CI(3, 4, 1, 4, 0)}
#define CI_7                                                                                \
	.ci_count = 5, .ci = {CI(0, 1, 7, 1, 0, 1, 2, 3, 4, 5, 6), CI(1, 2, 3, 2, 0, 2, 4), \
			      CI(2, 3, 2, 3, 0, 4), CI(3, 4, 1, 4, 0), CI(4, 7, 1, 7, 0)}
#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* clang-format off */
/* NVML index, id, name, slices, instances, MiB, placement size, starts, compute instances */
const struct fake_gi_profile fake_a100[] = {
	{0, 19, "MIG 1g.5gb", 1, 7, 4864, 1, STARTS(0, 1, 2, 3, 4, 5, 6), CI_1},
	{1, 14, "MIG 2g.10gb", 2, 3, 9984, 2, STARTS(0, 2, 4), CI_2},
	{2, 9, "MIG 3g.20gb", 3, 2, 20096, 4, STARTS(0, 4), CI_3},
	{3, 5, "MIG 4g.20gb", 4, 1, 20096, 4, STARTS(0), CI_4},
	{4, 0, "MIG 7g.40gb", 7, 1, 40320, 8, STARTS(0), CI_7},
	{7, 20, "MIG 1g.5gb+me", 1, 1, 4864, 1, STARTS(0, 1, 2, 3, 4, 5, 6), CI_1},
	{9, 15, "MIG 1g.10gb", 1, 4, 9984, 2, STARTS(0, 2, 4, 6),
	 .ci_count = 1, .ci = {CI(7, 1, 1, 1, 0)}},
};
const unsigned int fake_a100_count = COUNT(fake_a100);

const struct fake_gi_profile fake_a100_swapped[] = {
	{0, 19, "MIG 1g.5gb", 1, 7, 4864, 1, STARTS(0, 1, 2, 4, 5, 6, 7), CI_1},
	{1, 14, "MIG 2g.10gb", 2, 3, 9984, 2, STARTS(0, 4, 6), CI_2},
	{2, 9, "MIG 3g.20gb", 3, 2, 20096, 4, STARTS(0, 4), CI_3},
	{3, 5, "MIG 4g.20gb", 4, 1, 20096, 4, STARTS(4), CI_4},
	{4, 0, "MIG 7g.40gb", 7, 1, 40320, 8, STARTS(0), CI_7},
};
const unsigned int fake_a100_swapped_count = COUNT(fake_a100_swapped);

const struct fake_gi_profile fake_a30[] = {
	{0, 14, "MIG 1g.6gb", 1, 4, 5952, 1, STARTS(0, 1, 2, 3), CI_1},
	{1, 5, "MIG 2g.12gb", 2, 2, 12032, 2, STARTS(0, 2), CI_2},
	{3, 0, "MIG 4g.24gb", 4, 1, 24192, 4, STARTS(0), CI_4},
	{7, 21, "MIG 1g.6gb+me", 1, 1, 5952, 1, STARTS(0, 1, 2, 3), CI_1},
	{8, 6, "MIG 2g.12gb+me", 2, 1, 12032, 2, STARTS(0, 2), CI_2},
};
const unsigned int fake_a30_count = COUNT(fake_a30);

const struct fake_gi_profile fake_rtx6000[] = {
	{0, 14, "MIG 1g.24gb", 1, 4, 24192, 3, STARTS(0, 3, 6, 9), CI_1},
	{1, 5, "MIG 2g.48gb", 2, 2, 48512, 6, STARTS(0, 6), CI_2},
	{3, 0, "MIG 4g.96gb", 4, 1, 97280, 12, STARTS(0), CI_4},
	{13, 67, "MIG 1g.24gb-me", 1, 4, 24192, 3, STARTS(0, 3, 6, 9), CI_1},
	{14, 69, "MIG 2g.48gb-me", 2, 2, 48512, 6, STARTS(0, 6), CI_2},
	{15, 68, "MIG 1g.24gb+me.all", 1, 1, 24192, 3, STARTS(0, 3, 6, 9), CI_1},
	{16, 70, "MIG 2g.48gb+me.all", 2, 1, 48512, 6, STARTS(0, 6), CI_2},
};
const unsigned int fake_rtx6000_count = COUNT(fake_rtx6000);
/* clang-format on */
