/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of instances: look-ups of profile rows, each answer of create and destroy, and that a
 * refusal changes nothing. What fits where is for the model check (tests/model).
 */
#include "tests/unit/test_engine.h"

static void refuse_gi(struct engine_gpu *e, unsigned int profile_id, uint32_t start, uint32_t size,
		      nvmlReturn_t answer)
{
	struct mig_sim_gpu_state before = e->state;
	unsigned int gi_id = 999;

	MIG_ASSERT_INT_EQ(mig_sim_gi_create(&e->gpu, &e->state, profile_id, start, size, &gi_id),
			  answer);
	MIG_ASSERT_UINT_EQ(gi_id, 999);
	MIG_ASSERT_MEM_EQ(&e->state, &before, sizeof(before));
}

static void refuse_ci(struct engine_gpu *e, unsigned int gi, unsigned int profile_id,
		      uint32_t start, uint32_t size, nvmlReturn_t answer)
{
	struct mig_sim_gpu_state before = e->state;
	unsigned int ci_id = 999;

	MIG_ASSERT_INT_EQ(
		mig_sim_ci_create(&e->gpu, &e->state, gi, profile_id, start, size, &ci_id), answer);
	MIG_ASSERT_UINT_EQ(ci_id, 999);
	MIG_ASSERT_MEM_EQ(&e->state, &before, sizeof(before));
}

MIG_TEST(rows)
{
	const struct mig_gpu_table *a100 = mig_gpu_table_find("a100-sxm4-40gb");
	const struct mig_gpu_table *a30 = mig_gpu_table_find("a30-24gb");
	int row = mig_sim_gi_row_by_index(a100, NVML_GPU_INSTANCE_PROFILE_3_SLICE);

	MIG_ASSERT(row >= 0);
	MIG_ASSERT_STR_EQ(a100->gi[row].name, "3g.20gb");
	MIG_ASSERT_INT_EQ(mig_sim_gi_row_by_id(a100, 9), row);
	/* 14 is 2g on A100 and 1g on A30. */
	MIG_ASSERT_STR_EQ(a100->gi[mig_sim_gi_row_by_id(a100, 14)].name, "2g.10gb");
	MIG_ASSERT_STR_EQ(a30->gi[mig_sim_gi_row_by_id(a30, 14)].name, "1g.6gb");
	MIG_ASSERT_INT_EQ(mig_sim_gi_row_by_index(a100, NVML_GPU_INSTANCE_PROFILE_8_SLICE), -1);
	MIG_ASSERT_INT_EQ(mig_sim_gi_row_by_index(a100, UINT32_MAX), -1);
	MIG_ASSERT_INT_EQ(mig_sim_gi_row_by_id(a100, 99), -1);
	MIG_ASSERT_INT_EQ(mig_sim_ci_row_by_index(&a100->gi[row], 2) >= 0, 1);
	MIG_ASSERT_INT_EQ(mig_sim_ci_row_by_index(&a100->gi[row], 3), -1);
	MIG_ASSERT_INT_EQ(mig_sim_ci_row_by_index(&a100->gi[row], UINT32_MAX), -1);
}

/* A profile whose id nobody knows can't be asked for by "unknown". */
MIG_TEST(an_unknown_id_is_no_id)
{
	struct mig_gpu_table model = *mig_gpu_table_find("a100-sxm4-40gb");

	model.gi[0].id = MIG_TABLE_UNKNOWN;
	MIG_ASSERT_INT_EQ(mig_sim_gi_row_by_id(&model, MIG_TABLE_UNKNOWN), -1);
}

MIG_TEST(gpu_instance_refusals)
{
	struct engine_gpu e;

	engine_gpu_init(&e, "a100-sxm4-40gb");
	refuse_gi(&e, 99, MIG_SIM_ANY_START, 0, NVML_ERROR_INVALID_ARGUMENT);
	refuse_gi(&e, 9, 2, 4, NVML_ERROR_INVALID_ARGUMENT);  /* not in the list */
	refuse_gi(&e, 9, 0, 3, NVML_ERROR_INVALID_ARGUMENT);  /* slices are not a size */
	refuse_gi(&e, 19, 7, 1, NVML_ERROR_INVALID_ARGUMENT); /* unit 7 has no compute slice */
	MIG_ASSERT_UINT_EQ(engine_make_gi(&e, 9, 0, 4), 1);
	refuse_gi(&e, 9, 0, 4, NVML_ERROR_INSUFFICIENT_RESOURCES);
	refuse_gi(&e, 19, 3, 1, NVML_ERROR_INSUFFICIENT_RESOURCES);
	refuse_gi(&e, 0, MIG_SIM_ANY_START, 0, NVML_ERROR_INSUFFICIENT_RESOURCES);
	/* An argument is looked at before the room. */
	refuse_gi(&e, 9, 1, 4, NVML_ERROR_INVALID_ARGUMENT);
	/* Without a start the size is not looked at. */
	MIG_ASSERT_UINT_EQ(engine_make_gi(&e, 9, MIG_SIM_ANY_START, 77), 2);
}

MIG_TEST(mig_off_or_not_there)
{
	struct engine_gpu e;

	engine_gpu_init(&e, "a100-sxm4-40gb");
	e.state.mig_current = 0;
	refuse_gi(&e, 9, 0, 4, NVML_ERROR_NOT_SUPPORTED);
	refuse_gi(&e, 99, 0, 4, NVML_ERROR_NOT_SUPPORTED);
	engine_gpu_init(&e, "l40s-48gb");
	refuse_gi(&e, 9, MIG_SIM_ANY_START, 0, NVML_ERROR_NOT_SUPPORTED);
}

MIG_TEST(gpu_instance_is_written_whole)
{
	struct engine_gpu e;
	const struct mig_sim_gi *gi;

	engine_gpu_init(&e, "a100-sxm4-40gb");
	memset(&e.state.gi[2], 0xee, sizeof(e.state.gi[2]));
	e.state.gi[2].in_use = 0;
	MIG_ASSERT_UINT_EQ(engine_make_gi(&e, 9, 4, 4), 2);
	gi = &e.state.gi[2];
	MIG_ASSERT_UINT_EQ(gi->in_use, 1);
	MIG_ASSERT_STR_EQ(e.gpu.model->gi[gi->profile].name, "3g.20gb");
	MIG_ASSERT_UINT_EQ(gi->start, 4);
	MIG_ASSERT_UINT_EQ(gi->size, 4);
	MIG_ASSERT_UINT_EQ(mig_sim_device_count(&e.state), 0);
}

MIG_TEST(gpu_instance_destroy)
{
	struct engine_gpu e;
	struct mig_sim_gpu_state empty;

	engine_gpu_init(&e, "a100-sxm4-40gb");
	empty = e.state;
	MIG_ASSERT_INT_EQ(mig_sim_gi_destroy(&e.gpu, &e.state, 1), NVML_ERROR_NOT_FOUND);
	MIG_ASSERT_INT_EQ(mig_sim_gi_destroy(&e.gpu, &e.state, 15), NVML_ERROR_NOT_FOUND);
	MIG_ASSERT_INT_EQ(mig_sim_gi_destroy(&e.gpu, &e.state, UINT32_MAX), NVML_ERROR_NOT_FOUND);
	engine_make_ci(&e, engine_make_gi(&e, 9, 0, 4), 2);
	MIG_ASSERT_INT_EQ(mig_sim_gi_destroy(&e.gpu, &e.state, 1), NVML_ERROR_IN_USE);
	MIG_ASSERT_UINT_EQ(e.state.gi[1].in_use, 1);
	MIG_ASSERT_INT_EQ(mig_sim_ci_destroy(&e.gpu, &e.state, 1, 0), NVML_SUCCESS);
	MIG_ASSERT_INT_EQ(mig_sim_gi_destroy(&e.gpu, &e.state, 1), NVML_SUCCESS);
	MIG_ASSERT_MEM_EQ(&e.state, &empty, sizeof(empty));
	MIG_ASSERT_INT_EQ(mig_sim_gi_destroy(&e.gpu, &e.state, 1), NVML_ERROR_NOT_FOUND);
}

MIG_TEST(compute_instance_refusals)
{
	struct engine_gpu e;

	engine_gpu_init(&e, "a100-sxm4-40gb");
	refuse_ci(&e, 1, 0, MIG_SIM_ANY_START, 0, NVML_ERROR_NOT_FOUND);
	refuse_ci(&e, UINT32_MAX, 0, MIG_SIM_ANY_START, 0, NVML_ERROR_NOT_FOUND);
	MIG_ASSERT_UINT_EQ(engine_make_gi(&e, 9, 0, 4), 1);
	refuse_ci(&e, 1, 3, MIG_SIM_ANY_START, 0, NVML_ERROR_NOT_SUPPORTED); /* 4c in 3g */
	refuse_ci(&e, 1, 8, MIG_SIM_ANY_START, 0, NVML_ERROR_NOT_SUPPORTED);
	refuse_ci(&e, 1, 9, MIG_SIM_ANY_START, 0, NVML_ERROR_INVALID_ARGUMENT);
	refuse_ci(&e, 1, UINT32_MAX, MIG_SIM_ANY_START, 0, NVML_ERROR_INVALID_ARGUMENT);
	refuse_ci(&e, 1, 0, 3, 1, NVML_ERROR_INVALID_ARGUMENT);
	refuse_ci(&e, 1, 0, 0, 2, NVML_ERROR_INVALID_ARGUMENT);
	MIG_ASSERT_UINT_EQ(engine_make_ci(&e, 1, 2), 0);
	refuse_ci(&e, 1, 0, 0, 1, NVML_ERROR_INSUFFICIENT_RESOURCES);
	refuse_ci(&e, 1, 0, MIG_SIM_ANY_START, 0, NVML_ERROR_INSUFFICIENT_RESOURCES);
}

MIG_TEST(compute_instance_ids_are_the_smallest_free)
{
	struct engine_gpu e;

	engine_gpu_init(&e, "a100-sxm4-40gb");
	MIG_ASSERT_UINT_EQ(engine_make_gi(&e, 0, 0, 8), 0);
	for (unsigned int i = 0; i < 7; i++)
		MIG_ASSERT_UINT_EQ(engine_make_ci(&e, 0, 0), i);
	MIG_ASSERT_INT_EQ(mig_sim_ci_destroy(&e.gpu, &e.state, 0, 5), NVML_SUCCESS);
	MIG_ASSERT_INT_EQ(mig_sim_ci_destroy(&e.gpu, &e.state, 0, 2), NVML_SUCCESS);
	MIG_ASSERT_INT_EQ(mig_sim_ci_destroy(&e.gpu, &e.state, 0, 2), NVML_ERROR_NOT_FOUND);
	MIG_ASSERT_INT_EQ(mig_sim_ci_destroy(&e.gpu, &e.state, 0, 8), NVML_ERROR_NOT_FOUND);
	MIG_ASSERT_INT_EQ(mig_sim_ci_destroy(&e.gpu, &e.state, 3, 0), NVML_ERROR_NOT_FOUND);
	MIG_ASSERT_INT_EQ(mig_sim_ci_destroy(&e.gpu, &e.state, 15, 0), NVML_ERROR_NOT_FOUND);
	MIG_ASSERT_UINT_EQ(engine_make_ci(&e, 0, 0), 2);
	MIG_ASSERT_UINT_EQ(e.state.gi[0].ci[2].start, 2);
	MIG_ASSERT_UINT_EQ(engine_make_ci(&e, 0, 0), 5);
}
