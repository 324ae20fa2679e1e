/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A GPU reset and a reboot, per architecture: what becomes of the mode, the instances and the
 * counters, and what a reset refuses.
 */
#include "shared/macros.h"
#include "tests/unit/test_engine.h"

#define SMALLEST_CI 0

/* A GPU with an instance, errors counted and a reservation. */
static void make(struct engine_gpu *e, const char *key, unsigned int mode)
{
	engine_gpu_init(e, key);
	e->desc.initial_mig_mode = (uint8_t)mode;
	e->desc.mode_change = MIG_SIM_MODE_CHANGE_RESET_REQUIRED;
	mig_sim_gpu_init(&e->gpu, &e->state);
	e->state.ecc_volatile_corrected = 1;
	e->state.ecc_volatile_uncorrected = 2;
	e->state.ecc_aggregate_corrected = 3;
	e->state.ecc_aggregate_uncorrected = 4;
	e->state.ecc_pending = 0;
	e->state.busy_until_ns = 5;
	if (mode)
		engine_make_ci(e, engine_make_gi(e, e->gpu.model->gi[0].id, MIG_SIM_ANY_START, 0),
			       SMALLEST_CI);
}

static void assert_begun_anew(const struct engine_gpu *e)
{
	for (unsigned int i = 0; i < MIG_SIM_GIS_MAX; i++)
		MIG_ASSERT_UINT_EQ(e->state.gi[i].in_use, 0);
	MIG_ASSERT_UINT_EQ(mig_sim_device_count(&e->state), 0);
	MIG_ASSERT_UINT_EQ(e->state.ecc_volatile_corrected, 0);
	MIG_ASSERT_UINT_EQ(e->state.ecc_volatile_uncorrected, 0);
	MIG_ASSERT_UINT_EQ(e->state.ecc_aggregate_corrected, 3);
	MIG_ASSERT_UINT_EQ(e->state.ecc_aggregate_uncorrected, 4);
	MIG_ASSERT_UINT_EQ(e->state.ecc_current, 0); /* as was pending */
}

MIG_TEST(reset_empties_and_keeps_the_mode)
{
	static const char *const keys[] = {"a100-sxm4-40gb", "a30-24gb", "h100-sxm5-80gb"};

	for (size_t i = 0; i < MIG_ARRAY_SIZE(keys); i++) {
		struct engine_gpu e;

		make(&e, keys[i], i != 1);
		MIG_ASSERT_INT_EQ(mig_sim_gpu_reset(&e.gpu, &e.state), NVML_SUCCESS);
		assert_begun_anew(&e);
		MIG_ASSERT_UINT_EQ(e.state.mig_current, i != 1);
		MIG_ASSERT_UINT_EQ(e.state.mig_pending, i != 1);
		MIG_ASSERT_UINT_EQ(e.state.resets, 1);
		/* What others have reserved behind it stands. */
		MIG_ASSERT_UINT_EQ(e.state.busy_until_ns, 5);
	}
}

MIG_TEST(reset_brings_a_pending_mode_into_force)
{
	nvmlReturn_t activation = NVML_SUCCESS;
	struct engine_gpu e;

	make(&e, "a100-sxm4-40gb", 0);
	MIG_ASSERT_INT_EQ(mig_sim_mode_set(&e.gpu, &e.state, 1, false, &activation), NVML_SUCCESS);
	MIG_ASSERT_INT_EQ(activation, NVML_ERROR_RESET_REQUIRED);
	MIG_ASSERT_UINT_EQ(e.state.mig_current, 0);
	MIG_ASSERT_INT_EQ(mig_sim_gpu_reset(&e.gpu, &e.state), NVML_SUCCESS);
	MIG_ASSERT_UINT_EQ(e.state.mig_current, 1);
	MIG_ASSERT_INT_EQ(mig_sim_mode_set(&e.gpu, &e.state, 0, false, &activation), NVML_SUCCESS);
	MIG_ASSERT_INT_EQ(mig_sim_gpu_reset(&e.gpu, &e.state), NVML_SUCCESS);
	MIG_ASSERT_UINT_EQ(e.state.mig_current, 0);
	MIG_ASSERT_UINT_EQ(e.state.resets, 2);
}

MIG_TEST(reset_is_refused_and_changes_nothing)
{
	struct mig_sim_gpu_state before;
	struct engine_gpu e;

	make(&e, "a100-sxm4-40gb", 1);
	e.state.persistence = 1;
	before = e.state;
	MIG_ASSERT_INT_EQ(mig_sim_gpu_reset(&e.gpu, &e.state), NVML_ERROR_IN_USE);
	MIG_ASSERT(memcmp(&before, &e.state, sizeof(before)) == 0);
	e.state.is_lost = 1; /* counts more: nobody can talk to it */
	before = e.state;
	MIG_ASSERT_INT_EQ(mig_sim_gpu_reset(&e.gpu, &e.state), NVML_ERROR_GPU_IS_LOST);
	MIG_ASSERT(memcmp(&before, &e.state, sizeof(before)) == 0);
}

/* Ampere keeps the mode in its own memory, later ones leave it to the driver (gpu-data: MIG mode). */
MIG_TEST(reboot_keeps_the_mode_on_ampere_only)
{
	static const struct {
		const char *key;
		unsigned int mode_after;
	} cases[] = {
		{"a100-sxm4-40gb", 1},
		{"a30-24gb", 1},
		{"h100-sxm5-80gb", 0},
	};

	for (size_t i = 0; i < MIG_ARRAY_SIZE(cases); i++) {
		struct engine_gpu e;

		make(&e, cases[i].key, 1);
		mig_sim_gpu_reboot(&e.gpu, &e.state);
		assert_begun_anew(&e);
		MIG_ASSERT_UINT_EQ(e.state.mig_current, cases[i].mode_after);
		MIG_ASSERT_UINT_EQ(e.state.mig_pending, cases[i].mode_after);
		MIG_ASSERT_UINT_EQ(e.state.busy_until_ns, 0);
		MIG_ASSERT_UINT_EQ(e.state.resets, 0);
	}
}

MIG_TEST(reboot_brings_a_pending_mode_into_force)
{
	nvmlReturn_t activation;
	struct engine_gpu e;

	make(&e, "a100-sxm4-40gb", 0);
	MIG_ASSERT_INT_EQ(mig_sim_mode_set(&e.gpu, &e.state, 1, false, &activation), NVML_SUCCESS);
	mig_sim_gpu_reboot(&e.gpu, &e.state);
	MIG_ASSERT_UINT_EQ(e.state.mig_current, 1);
}

MIG_TEST(reboot_mends_what_a_reset_cannot)
{
	struct engine_gpu e;

	make(&e, "a100-sxm4-40gb", 1);
	e.state.is_lost = 1;
	e.state.persistence = 1;
	mig_sim_gpu_reboot(&e.gpu, &e.state);
	MIG_ASSERT_UINT_EQ(e.state.is_lost, 0);
	MIG_ASSERT_UINT_EQ(e.state.persistence, 0);
	e.desc.initial_persistence = 1;
	mig_sim_gpu_reboot(&e.gpu, &e.state);
	MIG_ASSERT_UINT_EQ(e.state.persistence, 1);
}

MIG_TEST(gpus_without_mig)
{
	struct engine_gpu e;

	engine_gpu_init(&e, "t4-16gb");
	MIG_ASSERT_INT_EQ(mig_sim_gpu_reset(&e.gpu, &e.state), NVML_SUCCESS);
	mig_sim_gpu_reboot(&e.gpu, &e.state);
	MIG_ASSERT_UINT_EQ(e.state.mig_current, 0);
	MIG_ASSERT_UINT_EQ(e.state.resets, 1);
}
