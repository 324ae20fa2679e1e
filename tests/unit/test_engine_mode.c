/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MIG mode: what each architecture and each setting of the node makes of a change, what takes a
 * pending change back, and the refusals.
 */
#include "tests/unit/test_engine.h"

#define UNTOUCHED NVML_ERROR_TIMEOUT

static void make(struct engine_gpu *e, const char *key, enum mig_sim_mode_change change,
		 unsigned int mode)
{
	engine_gpu_init(e, key);
	e->desc.mode_change = (uint8_t)change;
	e->desc.initial_mig_mode = (uint8_t)mode;
	mig_sim_gpu_init(&e->gpu, &e->state);
}

static bool is_held; /* by a process, for the calls that follow */

static void set(struct engine_gpu *e, unsigned int mode, nvmlReturn_t answer,
		nvmlReturn_t activation, unsigned int current, unsigned int pending)
{
	nvmlReturn_t got = UNTOUCHED;

	MIG_ASSERT_INT_EQ(mig_sim_mode_set(&e->gpu, &e->state, mode, is_held, &got), answer);
	MIG_ASSERT_INT_EQ(got, activation);
	MIG_ASSERT_UINT_EQ(e->state.mig_current, current);
	MIG_ASSERT_UINT_EQ(e->state.mig_pending, pending);
}

MIG_TEST(ampere_immediate)
{
	struct engine_gpu e;

	make(&e, "a100-sxm4-40gb", MIG_SIM_MODE_CHANGE_IMMEDIATE, 0);
	set(&e, 1, NVML_SUCCESS, NVML_SUCCESS, 1, 1);
	set(&e, 1, NVML_SUCCESS, NVML_SUCCESS, 1, 1);
	set(&e, 0, NVML_SUCCESS, NVML_SUCCESS, 0, 0);
}

MIG_TEST(ampere_reset_required)
{
	struct engine_gpu e;

	make(&e, "a100-sxm4-40gb", MIG_SIM_MODE_CHANGE_RESET_REQUIRED, 0);
	set(&e, 1, NVML_SUCCESS, NVML_ERROR_RESET_REQUIRED, 0, 1);
	set(&e, 1, NVML_SUCCESS, NVML_ERROR_RESET_REQUIRED, 0, 1);
	set(&e, 0, NVML_SUCCESS, NVML_SUCCESS, 0, 0); /* taken back */
	make(&e, "a100-sxm4-40gb", MIG_SIM_MODE_CHANGE_RESET_REQUIRED, 1);
	set(&e, 0, NVML_SUCCESS, NVML_ERROR_RESET_REQUIRED, 1, 0);
	set(&e, 1, NVML_SUCCESS, NVML_SUCCESS, 1, 1);
}

MIG_TEST(ampere_in_use)
{
	struct engine_gpu e;

	make(&e, "a30-24gb", MIG_SIM_MODE_CHANGE_IN_USE, 0);
	set(&e, 1, NVML_SUCCESS, NVML_ERROR_IN_USE, 0, 1);
	set(&e, 0, NVML_SUCCESS, NVML_SUCCESS, 0, 0);
}

/* Hopper and later need no reset, whatever the node says. */
MIG_TEST(hopper_changes_at_once)
{
	struct engine_gpu e;

	make(&e, "h100-sxm5-80gb", MIG_SIM_MODE_CHANGE_RESET_REQUIRED, 0);
	set(&e, 1, NVML_SUCCESS, NVML_SUCCESS, 1, 1);
	make(&e, "rtx-pro-6000-server-96gb", MIG_SIM_MODE_CHANGE_IN_USE, 1);
	set(&e, 0, NVML_SUCCESS, NVML_SUCCESS, 0, 0);
}

MIG_TEST(instances_keep_the_mode_on)
{
	static const char *const keys[] = {"a100-sxm4-40gb", "h100-sxm5-80gb"};

	for (unsigned int i = 0; i < 2; i++) {
		struct mig_sim_gpu_state before;
		struct engine_gpu e;

		make(&e, keys[i], MIG_SIM_MODE_CHANGE_IMMEDIATE, 1);
		engine_make_gi(&e, 9, 4, 4);
		before = e.state;
		set(&e, 0, NVML_ERROR_IN_USE, UNTOUCHED, 1, 1);
		MIG_ASSERT_MEM_EQ(&e.state, &before, sizeof(before));
		MIG_ASSERT_INT_EQ(mig_sim_gi_destroy(&e.gpu, &e.state, 2), NVML_SUCCESS);
		set(&e, 0, NVML_SUCCESS, NVML_SUCCESS, 0, 0);
	}
}

/* What is in force counts: with the mode on and "off" pending, instances can be made. */
MIG_TEST(the_current_mode_counts)
{
	struct engine_gpu e;
	unsigned int gi_id = 999;

	make(&e, "a100-sxm4-40gb", MIG_SIM_MODE_CHANGE_RESET_REQUIRED, 1);
	set(&e, 0, NVML_SUCCESS, NVML_ERROR_RESET_REQUIRED, 1, 0);
	engine_make_gi(&e, 19, 0, 1);
	make(&e, "a100-sxm4-40gb", MIG_SIM_MODE_CHANGE_RESET_REQUIRED, 0);
	set(&e, 1, NVML_SUCCESS, NVML_ERROR_RESET_REQUIRED, 0, 1);
	MIG_ASSERT_INT_EQ(mig_sim_gi_create(&e.gpu, &e.state, 19, 0, 1, &gi_id),
			  NVML_ERROR_NOT_SUPPORTED);
	MIG_ASSERT_UINT_EQ(gi_id, 999);
}

MIG_TEST(refusals)
{
	struct engine_gpu e;

	make(&e, "t4-16gb", MIG_SIM_MODE_CHANGE_IMMEDIATE, 1);
	set(&e, 1, NVML_ERROR_NOT_SUPPORTED, UNTOUCHED, 0, 0);
	set(&e, 0, NVML_ERROR_NOT_SUPPORTED, UNTOUCHED, 0, 0);
	make(&e, "a100-sxm4-40gb", MIG_SIM_MODE_CHANGE_IMMEDIATE, 1);
	set(&e, 2, NVML_ERROR_INVALID_ARGUMENT, UNTOUCHED, 1, 1);
	set(&e, UINT32_MAX, NVML_ERROR_INVALID_ARGUMENT, UNTOUCHED, 1, 1);
}

MIG_TEST(a_new_gpu)
{
	static const struct mig_sim_gpu_state fresh = {.ecc_current = 1, .ecc_pending = 1};
	struct engine_gpu e;

	make(&e, "a100-sxm4-40gb", MIG_SIM_MODE_CHANGE_IMMEDIATE, 0);
	MIG_ASSERT_MEM_EQ(&e.state, &fresh, sizeof(fresh));
	e.desc.initial_mig_mode = 1;
	e.desc.initial_persistence = 1;
	memset(&e.state, 0xff, sizeof(e.state));
	mig_sim_gpu_init(&e.gpu, &e.state);
	MIG_ASSERT_UINT_EQ(e.state.mig_current, 1);
	MIG_ASSERT_UINT_EQ(e.state.mig_pending, 1);
	MIG_ASSERT_UINT_EQ(e.state.persistence, 1);
	MIG_ASSERT_UINT_EQ(mig_sim_device_count(&e.state), 0);
}

MIG_TEST(a_held_gpu_keeps_its_mode)
{
	static const char *const models[] = {"a100-sxm4-40gb", "h100-sxm5-80gb"};

	for (size_t i = 0; i < 2; i++) {
		struct engine_gpu e;

		make(&e, models[i], MIG_SIM_MODE_CHANGE_IMMEDIATE, 0);
		is_held = true;
		set(&e, 1, NVML_SUCCESS, NVML_ERROR_IN_USE, 0, 1);
		set(&e, 0, NVML_SUCCESS, NVML_SUCCESS, 0, 0);
		set(&e, 1, NVML_SUCCESS, NVML_ERROR_IN_USE, 0, 1);
		is_held = false;
		set(&e, 1, NVML_SUCCESS, NVML_SUCCESS, 1, 1);
		is_held = true;
		set(&e, 1, NVML_SUCCESS, NVML_SUCCESS, 1, 1);
		set(&e, 0, NVML_SUCCESS, NVML_ERROR_IN_USE, 1, 0);
		engine_make_gi(&e, 9, 0, 4);
		set(&e, 0, NVML_ERROR_IN_USE, UNTOUCHED, 1, 0);
		is_held = false;
	}
}

MIG_TEST(a_setting_counts_more_than_a_holder)
{
	struct engine_gpu e;

	make(&e, "a100-sxm4-40gb", MIG_SIM_MODE_CHANGE_RESET_REQUIRED, 0);
	is_held = true;
	set(&e, 1, NVML_SUCCESS, NVML_ERROR_RESET_REQUIRED, 0, 1);
}
