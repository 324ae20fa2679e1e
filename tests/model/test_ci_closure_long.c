/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As test_ci_closure.c, for the largest GPU instance with the ids of its compute instances in the
 * state: on Ampere, where starts ascend, and on Hopper, where the choice keeps the most possible.
 */
#include "sim/engine/engine.h"
#include "tests/harness/test.h"
#include "tests/model/ci_walk.h"

static void check(const char *key)
{
	const struct mig_gpu_table *model = mig_gpu_table_find(key);
	int row;

	MIG_ASSERT_MSG(model, "no model %s", key);
	row = mig_sim_gi_row_by_index(model, NVML_GPU_INSTANCE_PROFILE_7_SLICE);
	MIG_ASSERT(row >= 0);
	MIG_ASSERT_UINT_EQ(ci_walk(model, (unsigned int)row, true), 204651);
}

MIG_TEST(a100_7g_with_ids)
{
	check("a100-sxm4-40gb");
}

MIG_TEST(h100_7g_with_ids)
{
	check("h100-sxm5-80gb");
}
