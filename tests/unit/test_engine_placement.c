/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What fits: the cases that the model check (tests/model) does not have, because no table has them
 * or because they are worth a name.
 */
#include "tests/unit/test_engine.h"

static uint32_t remaining(const struct engine_gpu *e, unsigned int profile_id)
{
	int row = mig_sim_gi_row_by_id(e->gpu.model, profile_id);

	MIG_ASSERT(row >= 0);
	return mig_sim_gi_remaining(&e->gpu, &e->state, (unsigned int)row);
}

MIG_TEST(one_media_extension_per_gpu_over_all_profiles)
{
	struct engine_gpu e;
	unsigned int gi_id = 999;

	engine_gpu_init(&e, "a30-24gb");
	MIG_ASSERT_UINT_EQ(remaining(&e, 21), 1);
	MIG_ASSERT_UINT_EQ(remaining(&e, 6), 1);
	engine_make_gi(&e, 21, 0, 1); /* 1g.6gb+me */
	MIG_ASSERT_UINT_EQ(remaining(&e, 21), 0);
	MIG_ASSERT_UINT_EQ(remaining(&e, 6), 0);
	MIG_ASSERT_UINT_EQ(remaining(&e, 5), 1);
	MIG_ASSERT_INT_EQ(mig_sim_gi_create(&e.gpu, &e.state, 6, 2, 2, &gi_id),
			  NVML_ERROR_INSUFFICIENT_RESOURCES);
	MIG_ASSERT_UINT_EQ(gi_id, 999);
}

/* +me.all counts as a media extension as well; -me and +gfx do not. */
MIG_TEST(media_extensions_of_rtx_pro_6000)
{
	struct engine_gpu e;

	engine_gpu_init(&e, "rtx-pro-6000-server-96gb");
	engine_make_gi(&e, 65, 0, 3); /* 1g.24gb+me.all */
	MIG_ASSERT_UINT_EQ(remaining(&e, 21), 0);
	MIG_ASSERT_UINT_EQ(remaining(&e, 64), 0);
	MIG_ASSERT_UINT_EQ(remaining(&e, 47), 3);
	MIG_ASSERT_UINT_EQ(remaining(&e, 67), 3);
	MIG_ASSERT_UINT_EQ(remaining(&e, 66), 1);
}

/* A GPU whose places hold more than its compute slices allow, which no known one does. */
MIG_TEST(compute_slices_limit_as_well)
{
	struct mig_gpu_table model = *mig_gpu_table_find("a30-24gb");
	struct engine_gpu e;
	unsigned int gi_id = 999;

	engine_gpu_init(&e, "a30-24gb");
	e.gpu.model = &model;
	/* 2g takes three slices now, of four: two of them fit by place, not by slices. */
	model.gi[mig_sim_gi_row_by_index(&model, 1)].slice_count = 3;
	MIG_ASSERT_UINT_EQ(remaining(&e, 5), 1);
	engine_make_gi(&e, 5, 0, 2);
	MIG_ASSERT_UINT_EQ(remaining(&e, 5), 0);
	MIG_ASSERT_UINT_EQ(remaining(&e, 14), 1);
	MIG_ASSERT_INT_EQ(mig_sim_gi_create(&e.gpu, &e.state, 5, 2, 2, &gi_id),
			  NVML_ERROR_INSUFFICIENT_RESOURCES);
	MIG_ASSERT_INT_EQ(mig_sim_gi_create(&e.gpu, &e.state, 5, MIG_SIM_ANY_START, 0, &gi_id),
			  NVML_ERROR_INSUFFICIENT_RESOURCES);
}

MIG_TEST(an_unknown_total_does_not_limit)
{
	struct mig_gpu_table model = *mig_gpu_table_find("a100-sxm4-40gb");
	struct engine_gpu e;

	engine_gpu_init(&e, "a100-sxm4-40gb");
	e.gpu.model = &model;
	model.gi[mig_sim_gi_row_by_index(&model, 0)].instances_total = MIG_TABLE_UNKNOWN_U8;
	MIG_ASSERT_UINT_EQ(remaining(&e, 19), 7);
}

/* 5, 3, 4 are captured; that 6 comes last is the exception to the rule. Inferred for swapped. */
MIG_TEST(double_memory_1g_takes_id_6_last)
{
	static const unsigned int want[] = {5, 3, 4, 6};
	struct engine_gpu e;

	engine_gpu_init(&e, "gh200-96gb");
	for (unsigned int i = 0; i < 4; i++)
		MIG_ASSERT_UINT_EQ(engine_make_gi(&e, 15, MIG_SIM_ANY_START, 0), want[i]);
}

/*
 * Places freed by deletions are chosen by the same rule (believed: captures only create). With 11
 * left, 12 costs one place only, and 13 would break another quarter.
 */
MIG_TEST(choice_after_a_deletion)
{
	struct engine_gpu e;

	engine_gpu_init(&e, "a100-sxm4-40gb");
	MIG_ASSERT_UINT_EQ(engine_make_gi(&e, 19, MIG_SIM_ANY_START, 0), 13);
	MIG_ASSERT_UINT_EQ(engine_make_gi(&e, 19, MIG_SIM_ANY_START, 0), 11);
	MIG_ASSERT_INT_EQ(mig_sim_gi_destroy(&e.gpu, &e.state, 13), NVML_SUCCESS);
	MIG_ASSERT_UINT_EQ(engine_make_gi(&e, 19, MIG_SIM_ANY_START, 0), 12);
}

/* Captured on A100: 0:1, 1:1. */
MIG_TEST(compute_instances_ascend_on_ampere)
{
	struct engine_gpu e;
	unsigned int gi_id;

	engine_gpu_init(&e, "a100-sxm4-40gb");
	gi_id = engine_make_gi(&e, 9, 4, 4);
	for (unsigned int i = 0; i < 3; i++) {
		MIG_ASSERT_UINT_EQ(engine_make_ci(&e, gi_id, 0), i);
		MIG_ASSERT_UINT_EQ(e.state.gi[gi_id].ci[i].start, i);
	}
}

/* Captured on H100: a lone 1c.3g.40gb at 2:1, which leaves 0:2 for a 2c. */
MIG_TEST(compute_instances_keep_room_on_hopper)
{
	struct engine_gpu e;
	unsigned int gi_id;

	engine_gpu_init(&e, "h100-sxm5-80gb");
	gi_id = engine_make_gi(&e, 9, 0, 4);
	MIG_ASSERT_UINT_EQ(engine_make_ci(&e, gi_id, 0), 0);
	MIG_ASSERT_UINT_EQ(e.state.gi[gi_id].ci[0].start, 2);
	MIG_ASSERT_UINT_EQ(e.state.gi[gi_id].ci[0].size, 1);
	MIG_ASSERT_UINT_EQ(engine_make_ci(&e, gi_id, 1), 1);
	MIG_ASSERT_UINT_EQ(e.state.gi[gi_id].ci[1].start, 0);
	MIG_ASSERT_UINT_EQ(e.state.gi[gi_id].ci[1].size, 2);
}

/* Captured: the full compute instance of a 3g is 0:3 on A100 and 0:4 on H100. */
MIG_TEST(full_compute_instance_of_a_3g)
{
	struct engine_gpu a100, h100;

	engine_gpu_init(&a100, "a100-sxm4-40gb");
	engine_gpu_init(&h100, "h100-sxm5-80gb");
	engine_make_ci(&a100, engine_make_gi(&a100, 9, 4, 4), 2);
	engine_make_ci(&h100, engine_make_gi(&h100, 9, 4, 4), 2);
	MIG_ASSERT_UINT_EQ(a100.state.gi[2].ci[0].size, 3);
	MIG_ASSERT_UINT_EQ(h100.state.gi[2].ci[0].size, 4);
	MIG_ASSERT_UINT_EQ(mig_sim_ci_remaining(&h100.gpu, &h100.state, 2, 0), 0);
}

/* A GPU instance with more places than compute slices, which no known one has. */
MIG_TEST(compute_slices_of_a_gpu_instance_limit_as_well)
{
	struct mig_gpu_table model = *mig_gpu_table_find("a100-sxm4-40gb");
	struct engine_gpu e;
	unsigned int ci_id = 999;

	engine_gpu_init(&e, "a100-sxm4-40gb");
	e.gpu.model = &model;
	model.gi[mig_sim_gi_row_by_id(&model, 9)].slice_count = 2;
	MIG_ASSERT_UINT_EQ(engine_make_gi(&e, 9, 4, 4), 2);
	MIG_ASSERT_UINT_EQ(mig_sim_ci_remaining(&e.gpu, &e.state, 2, 0), 2);
	engine_make_ci(&e, 2, 0);
	engine_make_ci(&e, 2, 0);
	MIG_ASSERT_UINT_EQ(mig_sim_ci_remaining(&e.gpu, &e.state, 2, 0), 0);
	MIG_ASSERT(!mig_sim_ci_fits(&e.gpu, &e.state, 2, 0, 2));
	MIG_ASSERT_INT_EQ(mig_sim_ci_create(&e.gpu, &e.state, 2, 0, 2, 1, &ci_id),
			  NVML_ERROR_INSUFFICIENT_RESOURCES);
}

MIG_TEST(rows_and_ids_out_of_range)
{
	struct engine_gpu e;
	unsigned int gi_id, rows, ci_rows;

	engine_gpu_init(&e, "a100-sxm4-40gb");
	rows = e.gpu.model->gi_profile_count;
	gi_id = engine_make_gi(&e, 9, 4, 4);
	ci_rows = e.gpu.model->gi[e.state.gi[gi_id].profile].ci_profile_count;
	MIG_ASSERT(!mig_sim_gi_fits(&e.gpu, &e.state, rows, 0));
	MIG_ASSERT(!mig_sim_gi_fits(&e.gpu, &e.state, 0, UINT32_MAX));
	MIG_ASSERT_UINT_EQ(mig_sim_gi_remaining(&e.gpu, &e.state, rows), 0);
	MIG_ASSERT_INT_EQ(mig_sim_gi_choose(&e.gpu, &e.state, rows), -1);
	for (unsigned int id = 0; id < 20; id++) {
		unsigned int row = id == gi_id ? ci_rows : 0;

		MIG_ASSERT(!mig_sim_ci_fits(&e.gpu, &e.state, id, row, 0));
		MIG_ASSERT_UINT_EQ(mig_sim_ci_remaining(&e.gpu, &e.state, id, row), 0);
		MIG_ASSERT_INT_EQ(mig_sim_ci_choose(&e.gpu, &e.state, id, row), -1);
	}
}
