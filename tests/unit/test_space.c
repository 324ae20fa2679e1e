/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The geometry of placement: units, capacity, numbers, exclusion. That it makes the right layouts
 * is shown by test_layout.c.
 */
#include "core/space.h"

#include "tests/harness/test.h"

MIG_TEST(space_takes_64_units)
{
	struct mig_space space = {.capacity = 2, .kind_count = 2};
	struct mig_space_state state = {0};

	space.kinds[0] = (struct mig_space_kind){
		.size = 64, .slices = 2, .max = 1, .start_count = 1, .starts = {0}};
	space.kinds[1] = (struct mig_space_kind){
		.size = 1, .slices = 1, .max = 2, .start_count = 2, .starts = {0, 63}};
	MIG_ASSERT_UINT_EQ(mig_space_room(&space, &state), 3);
	mig_space_add(&space, &state, 1, 63);
	MIG_ASSERT(!mig_space_fits(&space, &state, 0, 0));
	MIG_ASSERT(!mig_space_fits(&space, &state, 1, 63));
	MIG_ASSERT(mig_space_fits(&space, &state, 1, 0));
	mig_space_remove(&space, &state, 1, 63);
	mig_space_add(&space, &state, 0, 0);
	MIG_ASSERT_UINT_EQ(mig_space_room(&space, &state), 0);
	mig_space_remove(&space, &state, 0, 0);
	MIG_ASSERT_UINT_EQ(mig_space_room(&space, &state), 3);
	MIG_ASSERT_UINT_EQ(state.used, 0);
}

MIG_TEST(space_obeys_capacity_number_and_exclusion)
{
	struct mig_space space = {.capacity = 3, .kind_count = 3};
	struct mig_space_state state = {0};

	for (unsigned int k = 0; k < 3; k++)
		space.kinds[k] = (struct mig_space_kind){.size = 1,
							 .slices = 1,
							 .max = 2,
							 .exclusive = k > 0,
							 .start_count = 4,
							 .starts = {0, 1, 2, 3}};
	mig_space_add(&space, &state, 1, 0);
	MIG_ASSERT(!mig_space_fits(&space, &state, 2, 1)); /* over all exclusive kinds */
	MIG_ASSERT(mig_space_fits(&space, &state, 0, 1));
	mig_space_add(&space, &state, 0, 1);
	mig_space_add(&space, &state, 0, 2);
	MIG_ASSERT(!mig_space_fits(&space, &state, 0, 3)); /* two of a kind, three slices */
	mig_space_remove(&space, &state, 1, 0);
	MIG_ASSERT(!mig_space_fits(&space, &state, 0, 3));
	MIG_ASSERT(mig_space_fits(&space, &state, 2, 3));
}
