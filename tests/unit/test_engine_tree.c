/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tree ids: positions on trees of 8, 4 and 12 units, in both layouts, and what is no position.
 */
#include "tests/unit/test_engine.h"

static int id(const char *key, enum mig_sim_layout layout, uint32_t start, uint32_t size)
{
	struct engine_gpu e;

	engine_gpu_init(&e, key);
	e.desc.layout = (uint8_t)layout;
	return mig_sim_tree_id(&e.gpu, start, size);
}

static int a100(uint32_t start, uint32_t size)
{
	return id("a100-sxm4-40gb", MIG_SIM_LAYOUT_NORMAL, start, size);
}

static int swapped(uint32_t start, uint32_t size)
{
	return id("a100-sxm4-40gb", MIG_SIM_LAYOUT_SWAPPED, start, size);
}

MIG_TEST(eight_units)
{
	MIG_ASSERT_INT_EQ(a100(0, 8), 0);
	MIG_ASSERT_INT_EQ(a100(0, 4), 1);
	MIG_ASSERT_INT_EQ(a100(4, 4), 2);
	for (uint32_t start = 0; start < 8; start += 2)
		MIG_ASSERT_INT_EQ(a100(start, 2), 3 + start / 2);
	for (uint32_t start = 0; start < 8; start++)
		MIG_ASSERT_INT_EQ(a100(start, 1), 7 + start);
}

/* GPU 1 of the machine in NVIDIA/DCGM issue 138: 3g = 1 at 4:4, 2g = 5 at 0:2. */
MIG_TEST(eight_units_swapped)
{
	MIG_ASSERT_INT_EQ(swapped(0, 8), 0);
	MIG_ASSERT_INT_EQ(swapped(4, 4), 1);
	MIG_ASSERT_INT_EQ(swapped(0, 4), 2);
	MIG_ASSERT_INT_EQ(swapped(0, 2), 5);
	MIG_ASSERT_INT_EQ(swapped(6, 2), 4);
	for (uint32_t start = 0; start < 8; start++)
		MIG_ASSERT_INT_EQ(swapped(start, 1), 7 + (start ^ 4));
}

MIG_TEST(four_units)
{
	MIG_ASSERT_INT_EQ(id("a30-24gb", MIG_SIM_LAYOUT_NORMAL, 0, 4), 0);
	MIG_ASSERT_INT_EQ(id("a30-24gb", MIG_SIM_LAYOUT_NORMAL, 2, 2), 2);
	MIG_ASSERT_INT_EQ(id("a30-24gb", MIG_SIM_LAYOUT_NORMAL, 3, 1), 6);
	MIG_ASSERT_INT_EQ(id("a30-24gb", MIG_SIM_LAYOUT_SWAPPED, 3, 1), 4);
}

MIG_TEST(twelve_units)
{
	const char *key = "rtx-pro-6000-server-96gb";

	MIG_ASSERT_INT_EQ(id(key, MIG_SIM_LAYOUT_NORMAL, 0, 12), 0);
	MIG_ASSERT_INT_EQ(id(key, MIG_SIM_LAYOUT_NORMAL, 6, 6), 2);
	MIG_ASSERT_INT_EQ(id(key, MIG_SIM_LAYOUT_NORMAL, 9, 3), 6);
	MIG_ASSERT_INT_EQ(id(key, MIG_SIM_LAYOUT_SWAPPED, 9, 3), 4);
	/* Twelfths and sixths are no positions: 12 halves evenly only twice. */
	MIG_ASSERT_INT_EQ(id(key, MIG_SIM_LAYOUT_NORMAL, 0, 1), -1);
	MIG_ASSERT_INT_EQ(id(key, MIG_SIM_LAYOUT_NORMAL, 0, 2), -1);
	MIG_ASSERT_INT_EQ(id(key, MIG_SIM_LAYOUT_NORMAL, 0, 4), -1);
}

MIG_TEST(no_position)
{
	MIG_ASSERT_INT_EQ(a100(0, 0), -1);
	MIG_ASSERT_INT_EQ(a100(0, 3), -1);
	MIG_ASSERT_INT_EQ(a100(1, 2), -1);
	MIG_ASSERT_INT_EQ(a100(2, 4), -1);
	MIG_ASSERT_INT_EQ(a100(8, 1), -1);
	MIG_ASSERT_INT_EQ(a100(8, 8), -1);
	MIG_ASSERT_INT_EQ(a100(0, 16), -1);
	MIG_ASSERT_INT_EQ(a100(UINT32_MAX - 7, 8), -1);
	MIG_ASSERT_INT_EQ(a100(UINT32_MAX - 7, 4), -1);
}

/* A tree of sixteenths has more positions than a state has room for. */
MIG_TEST(no_id_beyond_the_eighths)
{
	struct mig_gpu_table model = *mig_gpu_table_find("a100-sxm4-40gb");
	struct engine_gpu e;

	engine_gpu_init(&e, "a100-sxm4-40gb");
	e.gpu.model = &model;
	model.memory_slices = 16;
	MIG_ASSERT_INT_EQ(mig_sim_tree_id(&e.gpu, 14, 2), 14);
	MIG_ASSERT_INT_EQ(mig_sim_tree_id(&e.gpu, 0, 1), -1);
	model.memory_slices = 0;
	MIG_ASSERT_INT_EQ(mig_sim_tree_id(&e.gpu, 0, 1), -1);
}
