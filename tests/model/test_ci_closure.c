/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compute instances, all of them: inside a GPU instance of each profile of each usable model every
 * set of compute instances is reached by creating and destroying, and every question, operation and
 * id is that of the plain model (brute.c). A state includes the ids, except in GPU instances of 7
 * slices: those have 204,651 such states, and test_ci_closure_long.c is for them.
 */
#include "sim/engine/engine.h"
#include "tests/harness/test.h"
#include "tests/model/ci_walk.h"

#define BIG_SLICES 5 /* with ids up to this many compute slices */

static bool is_big(const struct mig_table_gi_profile *profile)
{
	return profile->slice_count > BIG_SLICES;
}

MIG_TEST(every_profile_of_every_usable_model)
{
	unsigned int walked = 0;

	for (unsigned int i = 0; i < mig_gpu_table_count; i++) {
		const struct mig_gpu_table *model = &mig_gpu_tables[i];

		if (!model->is_usable || !model->is_mig_capable)
			continue;
		for (unsigned int row = 0; row < model->gi_profile_count; row++) {
			MIG_ASSERT_MSG(model->gi[row].ci_profile_count > 0,
				       "%s %s has no compute instance profile", model->key,
				       model->gi[row].name);
			MIG_ASSERT(ci_walk(model, row, !is_big(&model->gi[row])) > 1);
			walked++;
		}
	}
	MIG_ASSERT_MSG(walked >= 50, "only %u profiles were walked", walked);
}

/* By paper: 3 slices of 1c, a 2c at 0, a full one: {}, 3 + 3 + 1 sets of 1c, 2c, 2c + 1c at 2, 3c. */
MIG_TEST(a100_3g_has_eleven_sets)
{
	const struct mig_gpu_table *model = mig_gpu_table_find("a100-sxm4-40gb");

	MIG_ASSERT_UINT_EQ(ci_walk(model, (unsigned int)mig_sim_gi_row_by_index(model, 2), false),
			   11);
}
