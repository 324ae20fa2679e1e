/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MIG through the library: mode, profiles, placements, capacity, and the life of instances, with
 * the codes of each refusal. What is placed where is the engine's matter and tested there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/abi/sim_env.h"
#include "sim/engine/engine.h"
#include "tests/conformance/node_fixture.h"

#define A100 "a100-sxm4-40gb"

/* Profile ids of the A100. */
enum {
	ID_1G = 19,
	ID_1G_ME = 20,
	ID_2G = 14,
	ID_3G = 9,
	ID_4G = 5,
	ID_7G = 0,
};

static void assert_mode(nvmlDevice_t gpu, unsigned int want_current, unsigned int want_pending)
{
	unsigned int current = 9, pending = 9;

	ASSERT_OK(nvmlDeviceGetMigMode(gpu, &current, &pending));
	MIG_ASSERT_UINT_EQ(current, want_current);
	MIG_ASSERT_UINT_EQ(pending, want_pending);
}

/* ---- mode ------------------------------------------------------------------------------------- */

MIG_TEST(mode_goes_on_and_off)
{
	nvmlReturn_t activation = NVML_ERROR_UNKNOWN;
	nvmlDevice_t gpu;

	fixture_start(A100, NULL);
	gpu = fixture_gpu(0);
	assert_mode(gpu, 0, 0);
	fixture_mig_on(gpu);
	assert_mode(gpu, 1, 1);
	ASSERT_OK(nvmlDeviceSetMigMode(gpu, 1, &activation));
	MIG_ASSERT_INT_EQ(activation, NVML_SUCCESS);
	ASSERT_OK(nvmlDeviceSetMigMode(gpu, 0, &activation));
	assert_mode(gpu, 0, 0);
}

MIG_TEST(mode_can_stay_pending)
{
	nvmlReturn_t activation = NVML_SUCCESS;
	nvmlDevice_t gpu;

	fixture_start(A100, &(struct make_node_options){
				    .mode_change = MIG_SIM_MODE_CHANGE_RESET_REQUIRED});
	gpu = fixture_gpu(0);
	ASSERT_OK(nvmlDeviceSetMigMode(gpu, 1, &activation));
	MIG_ASSERT_INT_EQ(activation, NVML_ERROR_RESET_REQUIRED);
	assert_mode(gpu, 0, 1);
}

MIG_TEST(mode_refusals)
{
	nvmlReturn_t activation = NVML_ERROR_TIMEOUT;
	unsigned int mode = 77;
	nvmlDevice_t gpu, t4;

	fixture_start(A100 ",t4-16gb", NULL);
	gpu = fixture_gpu(0);
	t4 = fixture_gpu(1);
	ASSERT_CODE(nvmlDeviceGetMigMode(t4, &mode, &mode), NVML_ERROR_NOT_SUPPORTED);
	ASSERT_CODE(nvmlDeviceGetMigMode(t4, NULL, &mode), NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_CODE(nvmlDeviceGetMigMode(gpu, &mode, NULL), NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_CODE(nvmlDeviceSetMigMode(t4, 1, &activation), NVML_ERROR_NOT_SUPPORTED);
	ASSERT_CODE(nvmlDeviceSetMigMode(gpu, 2, &activation), NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_CODE(nvmlDeviceSetMigMode(gpu, 1, NULL), NVML_ERROR_INVALID_ARGUMENT);
	fixture_mig_on(gpu);
	fixture_gi(gpu, ID_1G, 0, 1);
	ASSERT_CODE(nvmlDeviceSetMigMode(gpu, 0, &activation), NVML_ERROR_IN_USE);
	MIG_ASSERT_INT_EQ(activation, NVML_ERROR_TIMEOUT);
	MIG_ASSERT_UINT_EQ(mode, 77);
	assert_mode(gpu, 1, 1);
}

/* ---- profiles --------------------------------------------------------------------------------- */

MIG_TEST(profile_info_in_all_versions)
{
	nvmlGpuInstanceProfileInfo_t v1;
	nvmlGpuInstanceProfileInfo_v2_t v2 = {.version = 0x2000098};
	nvmlGpuInstanceProfileInfo_v3_t v3 = {.version = 0x3000098};
	nvmlDevice_t gpu;

	fixture_start(A100, NULL);
	gpu = fixture_gpu(0);
	/* 550 answers with MIG off, too. */
	ASSERT_OK(nvmlDeviceGetGpuInstanceProfileInfo(gpu, NVML_GPU_INSTANCE_PROFILE_3_SLICE, &v1));
	ASSERT_OK(
		nvmlDeviceGetGpuInstanceProfileInfoV(gpu, NVML_GPU_INSTANCE_PROFILE_3_SLICE, &v2));
	ASSERT_OK(nvmlDeviceGetGpuInstanceProfileInfoV(gpu, NVML_GPU_INSTANCE_PROFILE_3_SLICE,
						       (nvmlGpuInstanceProfileInfo_v2_t *)&v3));
	MIG_ASSERT_UINT_EQ(v1.id, ID_3G);
	MIG_ASSERT_UINT_EQ(v1.sliceCount, 3);
	MIG_ASSERT_UINT_EQ(v1.instanceCount, 2);
	MIG_ASSERT_UINT_EQ(v1.multiprocessorCount, 42);
	MIG_ASSERT_UINT_EQ(v1.copyEngineCount, 3);
	MIG_ASSERT_UINT_EQ(v1.decoderCount, 2);
	MIG_ASSERT_UINT_EQ(v1.memorySizeMB, 20096);
	MIG_ASSERT_MEM_EQ(&v2.id, &v1.id, 10 * sizeof(unsigned int));
	MIG_ASSERT_UINT_EQ(v2.memorySizeMB, 20096);
	MIG_ASSERT_STR_EQ(v2.name, "MIG 3g.20gb");
	MIG_ASSERT_UINT_EQ(v2.version, 0x2000098);
	MIG_ASSERT_UINT_EQ(v3.version, 0x3000098);
	MIG_ASSERT_UINT_EQ(v3.id, ID_3G);
	MIG_ASSERT_UINT_EQ(v3.sliceCount, 3);
	MIG_ASSERT_UINT_EQ(v3.ofaCount, v1.ofaCount);
	MIG_ASSERT_UINT_EQ(v3.memorySizeMB, 20096);
	MIG_ASSERT_STR_EQ(v3.name, "MIG 3g.20gb");
	MIG_ASSERT_UINT_EQ(v3.capabilities, 0);
}

MIG_TEST(profile_loop_has_holes_and_an_end)
{
	nvmlGpuInstanceProfileInfo_v2_t info = {.version = 0x2000098};
	unsigned int found = 0;
	nvmlDevice_t gpu, t4;

	fixture_start(A100 ",t4-16gb", NULL);
	gpu = fixture_gpu(0);
	t4 = fixture_gpu(1);
	for (unsigned int i = 0; i < 10; i++) {
		nvmlReturn_t code = nvmlDeviceGetGpuInstanceProfileInfoV(gpu, i, &info);

		MIG_ASSERT(code == NVML_SUCCESS || code == NVML_ERROR_NOT_SUPPORTED);
		found += code == NVML_SUCCESS;
	}
	MIG_ASSERT_UINT_EQ(found, 7);
	ASSERT_CODE(nvmlDeviceGetGpuInstanceProfileInfoV(gpu, 8, &info), NVML_ERROR_NOT_SUPPORTED);
	ASSERT_CODE(nvmlDeviceGetGpuInstanceProfileInfoV(gpu, 10, &info),
		    NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_CODE(nvmlDeviceGetGpuInstanceProfileInfoV(gpu, 0, NULL),
		    NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_CODE(nvmlDeviceGetGpuInstanceProfileInfoV(t4, 0, &info), NVML_ERROR_NOT_SUPPORTED);
	ASSERT_CODE(nvmlDeviceGetGpuInstanceProfileInfoV(t4, 99, &info),
		    NVML_ERROR_INVALID_ARGUMENT);
	info.version = 0;
	ASSERT_CODE(nvmlDeviceGetGpuInstanceProfileInfoV(gpu, 0, &info),
		    NVML_ERROR_ARGUMENT_VERSION_MISMATCH);
	info.version = 0x1000030;
	ASSERT_CODE(nvmlDeviceGetGpuInstanceProfileInfoV(gpu, 8, &info),
		    NVML_ERROR_ARGUMENT_VERSION_MISMATCH);
	MIG_ASSERT_UINT_EQ(info.version, 0x1000030);
}

static nvmlReturn_t remaining(nvmlDevice_t gpu, unsigned int id, unsigned int *count)
{
	*count = 77;
	return nvmlDeviceGetGpuInstanceRemainingCapacity(gpu, id, count);
}

MIG_TEST(placements_and_capacity)
{
	nvmlGpuInstancePlacement_t places[9];
	unsigned int count = 909931929;
	nvmlDevice_t gpu;

	fixture_start(A100, NULL);
	gpu = fixture_gpu(0);
	ASSERT_OK(nvmlDeviceGetGpuInstancePossiblePlacements_v2(gpu, ID_1G, NULL, &count));
	MIG_ASSERT_UINT_EQ(count, 7);
	memset(places, 0xa5, sizeof(places));
	count = 0;
	ASSERT_OK(nvmlDeviceGetGpuInstancePossiblePlacements(gpu, ID_3G, places, &count));
	MIG_ASSERT_UINT_EQ(count, 2);
	MIG_ASSERT_UINT_EQ(places[0].start, 0);
	MIG_ASSERT_UINT_EQ(places[1].start, 4);
	MIG_ASSERT_UINT_EQ(places[1].size, 4);
	MIG_ASSERT_UINT_EQ(places[2].start, 0xa5a5a5a5);
	ASSERT_CODE(nvmlDeviceGetGpuInstancePossiblePlacements_v2(gpu, 99, NULL, &count),
		    NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_CODE(nvmlDeviceGetGpuInstancePossiblePlacements_v2(gpu, ID_1G, places, NULL),
		    NVML_ERROR_INVALID_ARGUMENT);
	/* MIG off: the node's setting, zero by default. */
	ASSERT_OK(remaining(gpu, ID_1G, &count));
	MIG_ASSERT_UINT_EQ(count, 0);
	fixture_mig_on(gpu);
	ASSERT_OK(remaining(gpu, ID_1G, &count));
	MIG_ASSERT_UINT_EQ(count, 7);
	fixture_gi(gpu, ID_4G, 0, 4);
	ASSERT_OK(remaining(gpu, ID_1G, &count));
	MIG_ASSERT_UINT_EQ(count, 3);
	ASSERT_OK(remaining(gpu, ID_7G, &count));
	MIG_ASSERT_UINT_EQ(count, 0);
	ASSERT_CODE(remaining(gpu, 1234, &count), NVML_ERROR_INVALID_ARGUMENT);
	/* Placements do not depend on what is there. */
	ASSERT_OK(nvmlDeviceGetGpuInstancePossiblePlacements_v2(gpu, ID_1G, NULL, &count));
	MIG_ASSERT_UINT_EQ(count, 7);
}

MIG_TEST(capacity_with_mig_off_is_a_setting)
{
	unsigned int count;

	fixture_start(A100, &(struct make_node_options){.off_capacity = MIG_SIM_OFF_CAPACITY_REAL});
	ASSERT_OK(remaining(fixture_gpu(0), ID_1G, &count));
	MIG_ASSERT_UINT_EQ(count, 7);
	ASSERT_OK(nvmlShutdown());
	fixture_node("second", A100,
		     &(struct make_node_options){.off_capacity =
							 MIG_SIM_OFF_CAPACITY_NOT_SUPPORTED});
	ASSERT_OK(nvmlInit_v2());
	ASSERT_CODE(remaining(fixture_gpu(0), ID_1G, &count), NVML_ERROR_NOT_SUPPORTED);
	MIG_ASSERT_UINT_EQ(count, 77);
}

/* ---- GPU instances ---------------------------------------------------------------------------- */

MIG_TEST(gpu_instance_life)
{
	nvmlGpuInstance_t gi = NULL, again = NULL, list[7];
	nvmlGpuInstanceInfo_t info;
	unsigned int count = 2938244736;
	nvmlDevice_t gpu;

	fixture_start(A100, NULL);
	gpu = fixture_gpu(0);
	fixture_mig_on(gpu);
	gi = fixture_gi(gpu, ID_3G, 4, 4);
	ASSERT_OK(nvmlGpuInstanceGetInfo(gi, &info));
	MIG_ASSERT(info.device == gpu);
	MIG_ASSERT_UINT_EQ(info.id, 2);
	MIG_ASSERT_UINT_EQ(info.profileId, ID_3G);
	MIG_ASSERT_UINT_EQ(info.placement.start, 4);
	MIG_ASSERT_UINT_EQ(info.placement.size, 4);
	ASSERT_OK(nvmlDeviceGetGpuInstanceById(gpu, 2, &again));
	MIG_ASSERT(again == gi);
	ASSERT_CODE(nvmlDeviceGetGpuInstanceById(gpu, 1, &again), NVML_ERROR_NOT_FOUND);
	ASSERT_CODE(nvmlDeviceGetGpuInstanceById(gpu, 15, &again), NVML_ERROR_NOT_FOUND);
	/* The count comes in uninitialised and means nothing. */
	memset(list, 0xa5, sizeof(list));
	ASSERT_OK(nvmlDeviceGetGpuInstances(gpu, ID_3G, list, &count));
	MIG_ASSERT_UINT_EQ(count, 1);
	MIG_ASSERT(list[0] == gi);
	MIG_ASSERT_UINT_EQ((uintptr_t)list[1], 0xa5a5a5a5a5a5a5a5);
	ASSERT_OK(nvmlDeviceGetGpuInstances(gpu, ID_1G, list, &count));
	MIG_ASSERT_UINT_EQ(count, 0);
	ASSERT_CODE(nvmlDeviceGetGpuInstances(gpu, 99, list, &count), NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_OK(nvmlGpuInstanceDestroy(gi));
	/* The handle is stale now. */
	ASSERT_CODE(nvmlGpuInstanceDestroy(gi), NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_CODE(nvmlGpuInstanceGetInfo(gi, &info), NVML_ERROR_INVALID_ARGUMENT);
	/* Made again at the same place it is the same handle. */
	MIG_ASSERT(fixture_gi(gpu, ID_3G, 4, 4) == gi);
}

MIG_TEST(gpu_instance_refusals)
{
	nvmlGpuInstancePlacement_t placement = {.start = 2, .size = 4};
	nvmlGpuInstance_t gi = NULL;
	nvmlDevice_t gpu, t4;

	fixture_start(A100 ",t4-16gb", NULL);
	gpu = fixture_gpu(0);
	t4 = fixture_gpu(1);
	ASSERT_CODE(nvmlDeviceCreateGpuInstance(gpu, ID_1G, &gi), NVML_ERROR_NOT_SUPPORTED);
	ASSERT_CODE(nvmlDeviceCreateGpuInstance(t4, ID_1G, &gi), NVML_ERROR_NOT_SUPPORTED);
	ASSERT_CODE(nvmlDeviceGetGpuInstanceById(gpu, 0, &gi), NVML_ERROR_NOT_SUPPORTED);
	fixture_mig_on(gpu);
	ASSERT_CODE(nvmlDeviceCreateGpuInstance(gpu, 99, &gi), NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_CODE(nvmlDeviceCreateGpuInstance(gpu, ID_1G, NULL), NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_CODE(nvmlDeviceCreateGpuInstanceWithPlacement(gpu, ID_3G, &placement, &gi),
		    NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_CODE(nvmlDeviceCreateGpuInstanceWithPlacement(gpu, ID_3G, NULL, &gi),
		    NVML_ERROR_INVALID_ARGUMENT);
	/* The engine's word for "anywhere" is no placement. */
	placement.start = MIG_SIM_ANY_START;
	ASSERT_CODE(nvmlDeviceCreateGpuInstanceWithPlacement(gpu, ID_3G, &placement, &gi),
		    NVML_ERROR_INVALID_ARGUMENT);
	placement.start = 0;
	placement.size = 3;
	ASSERT_CODE(nvmlDeviceCreateGpuInstanceWithPlacement(gpu, ID_3G, &placement, &gi),
		    NVML_ERROR_INVALID_ARGUMENT);
	placement.size = 4;
	fixture_gi(gpu, ID_1G, 3, 1);
	ASSERT_CODE(nvmlDeviceCreateGpuInstanceWithPlacement(gpu, ID_3G, &placement, &gi),
		    NVML_ERROR_INSUFFICIENT_RESOURCES);
	ASSERT_CODE(nvmlDeviceCreateGpuInstance(gpu, ID_7G, &gi),
		    NVML_ERROR_INSUFFICIENT_RESOURCES);
	fixture_gi(gpu, ID_1G_ME, 4, 1);
	ASSERT_CODE(nvmlDeviceCreateGpuInstance(gpu, ID_1G_ME, &gi),
		    NVML_ERROR_INSUFFICIENT_RESOURCES);
	MIG_ASSERT(gi == NULL);
}

/* Handles of one kind are not those of another. */
MIG_TEST(handles_have_kinds)
{
	nvmlGpuInstanceInfo_t gi_info;
	nvmlComputeInstanceInfo_t ci_info;
	nvmlComputeInstance_t ci;
	nvmlGpuInstance_t gi;
	nvmlDevice_t gpu, device = NULL;
	unsigned int value;

	fixture_start(A100, NULL);
	gpu = fixture_gpu(0);
	fixture_mig_on(gpu);
	gi = fixture_gi(gpu, ID_1G, 0, 1);
	ci = fixture_ci(gi, 0);
	ASSERT_OK(nvmlDeviceGetMigDeviceHandleByIndex(gpu, 0, &device));
	ASSERT_CODE(nvmlGpuInstanceGetInfo((nvmlGpuInstance_t)(void *)gpu, &gi_info),
		    NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_CODE(nvmlGpuInstanceGetInfo((nvmlGpuInstance_t)(void *)ci, &gi_info),
		    NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_CODE(nvmlComputeInstanceGetInfo_v2((nvmlComputeInstance_t)(void *)gi, &ci_info),
		    NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_CODE(nvmlComputeInstanceGetInfo_v2((nvmlComputeInstance_t)(void *)device, &ci_info),
		    NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_CODE(nvmlDeviceGetIndex((nvmlDevice_t)(void *)gi, &value),
		    NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_CODE(nvmlDeviceGetMigMode(device, &value, &value), NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_CODE(nvmlDeviceGetMigDeviceHandleByIndex(device, 0, &device),
		    NVML_ERROR_INVALID_ARGUMENT);
}

/* ---- compute instances ------------------------------------------------------------------------ */

MIG_TEST(compute_instance_profiles)
{
	nvmlComputeInstanceProfileInfo_t v1;
	nvmlComputeInstanceProfileInfo_v2_t v2 = {.version = 0x2000088};
	nvmlComputeInstanceProfileInfo_v3_t v3 = {.version = 0x300008c};
	nvmlComputeInstancePlacement_t places[4];
	nvmlGpuInstance_t gi;
	unsigned int count = 77;

	fixture_start(A100, NULL);
	fixture_mig_on(fixture_gpu(0));
	gi = fixture_gi(fixture_gpu(0), ID_3G, 0, 4);
	ASSERT_OK(nvmlGpuInstanceGetComputeInstanceProfileInfo(gi, 1, 0, &v1));
	ASSERT_OK(nvmlGpuInstanceGetComputeInstanceProfileInfoV(gi, 1, 0, &v2));
	ASSERT_OK(nvmlGpuInstanceGetComputeInstanceProfileInfoV(
		gi, 1, 0, (nvmlComputeInstanceProfileInfo_v2_t *)&v3));
	MIG_ASSERT_UINT_EQ(v1.id, 1);
	MIG_ASSERT_UINT_EQ(v1.sliceCount, 2);
	MIG_ASSERT_UINT_EQ(v1.multiprocessorCount, 28);
	MIG_ASSERT_UINT_EQ(v1.sharedCopyEngineCount, 3);
	MIG_ASSERT_UINT_EQ(v1.sharedDecoderCount, 2);
	MIG_ASSERT_MEM_EQ(&v2.id, &v1.id, sizeof(v1));
	MIG_ASSERT_STR_EQ(v2.name, "MIG 2c.3g.20gb");
	MIG_ASSERT_MEM_EQ(&v3.id, &v1.id, sizeof(v1));
	MIG_ASSERT_STR_EQ(v3.name, "MIG 2c.3g.20gb");
	MIG_ASSERT_UINT_EQ(v3.version, 0x300008c);
	MIG_ASSERT_UINT_EQ(v3.capabilities, 0);
	ASSERT_CODE(nvmlGpuInstanceGetComputeInstanceProfileInfoV(gi, 3, 0, &v2),
		    NVML_ERROR_NOT_SUPPORTED);
	ASSERT_CODE(nvmlGpuInstanceGetComputeInstanceProfileInfoV(gi, 8, 0, &v2),
		    NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_CODE(nvmlGpuInstanceGetComputeInstanceProfileInfoV(gi, 0, 1, &v2),
		    NVML_ERROR_INVALID_ARGUMENT);
	v2.version = 0x1000024;
	ASSERT_CODE(nvmlGpuInstanceGetComputeInstanceProfileInfoV(gi, 0, 0, &v2),
		    NVML_ERROR_ARGUMENT_VERSION_MISMATCH);
	ASSERT_OK(nvmlGpuInstanceGetComputeInstancePossiblePlacements(gi, 0, NULL, &count));
	MIG_ASSERT_UINT_EQ(count, 3);
	ASSERT_OK(nvmlGpuInstanceGetComputeInstancePossiblePlacements(gi, 0, places, &count));
	MIG_ASSERT_UINT_EQ(places[2].start, 2);
	MIG_ASSERT_UINT_EQ(places[2].size, 1);
	ASSERT_CODE(nvmlGpuInstanceGetComputeInstancePossiblePlacements(gi, 3, NULL, &count),
		    NVML_ERROR_NOT_SUPPORTED);
	ASSERT_CODE(nvmlGpuInstanceGetComputeInstancePossiblePlacements(gi, 99, NULL, &count),
		    NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_OK(nvmlGpuInstanceGetComputeInstanceRemainingCapacity(gi, 0, &count));
	MIG_ASSERT_UINT_EQ(count, 3);
}

MIG_TEST(compute_instance_life)
{
	nvmlComputeInstancePlacement_t placement = {.start = 2, .size = 1};
	nvmlComputeInstance_t first, second = NULL, again = NULL, list[3];
	struct {
		nvmlComputeInstanceInfo_v1_t info;
		unsigned char guard[8];
	} v1;
	nvmlComputeInstanceInfo_t info;
	nvmlGpuInstance_t gi;
	unsigned int count = 909931929;

	fixture_start(A100, NULL);
	fixture_mig_on(fixture_gpu(0));
	gi = fixture_gi(fixture_gpu(0), ID_3G, 0, 4);
	ASSERT_OK(nvmlGpuInstanceCreateComputeInstanceWithPlacement(gi, 0, &placement, &first));
	ASSERT_OK(nvmlGpuInstanceCreateComputeInstance(gi, 1, &second));
	ASSERT_OK(nvmlComputeInstanceGetInfo_v2(first, &info));
	MIG_ASSERT(info.device == fixture_gpu(0));
	MIG_ASSERT(info.gpuInstance == gi);
	MIG_ASSERT_UINT_EQ(info.id, 0);
	MIG_ASSERT_UINT_EQ(info.profileId, 0);
	MIG_ASSERT_UINT_EQ(info.placement.start, 2);
	MIG_ASSERT_UINT_EQ(info.placement.size, 1);
	memset(&v1, 0xa5, sizeof(v1));
	ASSERT_OK(nvmlComputeInstanceGetInfo(second, &v1.info));
	MIG_ASSERT_UINT_EQ(v1.info.id, 1);
	MIG_ASSERT_UINT_EQ(v1.info.profileId, 1);
	MIG_ASSERT_UINT_EQ(v1.guard[0], 0xa5);
	ASSERT_OK(nvmlGpuInstanceGetComputeInstances(gi, 1, list, &count));
	MIG_ASSERT_UINT_EQ(count, 1);
	MIG_ASSERT(list[0] == second);
	ASSERT_OK(nvmlGpuInstanceGetComputeInstanceById(gi, 1, &again));
	MIG_ASSERT(again == second);
	ASSERT_CODE(nvmlGpuInstanceGetComputeInstanceById(gi, 2, &again), NVML_ERROR_NOT_FOUND);
	ASSERT_CODE(nvmlGpuInstanceCreateComputeInstance(gi, 2, &again),
		    NVML_ERROR_INSUFFICIENT_RESOURCES);
	ASSERT_CODE(nvmlGpuInstanceCreateComputeInstance(gi, 3, &again), NVML_ERROR_NOT_SUPPORTED);
	ASSERT_CODE(nvmlGpuInstanceCreateComputeInstance(gi, 77, &again),
		    NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_CODE(nvmlGpuInstanceDestroy(gi), NVML_ERROR_IN_USE);
	ASSERT_OK(nvmlComputeInstanceDestroy(first));
	ASSERT_CODE(nvmlComputeInstanceDestroy(first), NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_OK(nvmlComputeInstanceDestroy(second));
	ASSERT_OK(nvmlGpuInstanceDestroy(gi));
	ASSERT_CODE(nvmlGpuInstanceCreateComputeInstance(gi, 0, &again),
		    NVML_ERROR_INVALID_ARGUMENT);
}

/* ---- MIG devices ------------------------------------------------------------------------------ */

MIG_TEST(mig_devices_are_numbered_without_gaps)
{
	nvmlDevice_t gpu, first = NULL, second = NULL, parent = NULL, none;
	nvmlComputeInstance_t ci;
	unsigned int value = 77;

	fixture_start(A100, NULL);
	gpu = fixture_gpu(0);
	ASSERT_OK(nvmlDeviceGetMaxMigDeviceCount(gpu, &value));
	MIG_ASSERT_UINT_EQ(value, 0);
	ASSERT_CODE(nvmlDeviceGetMigDeviceHandleByIndex(gpu, 0, &none), NVML_ERROR_NOT_FOUND);
	fixture_mig_on(gpu);
	ASSERT_OK(nvmlDeviceGetMaxMigDeviceCount(gpu, &value));
	MIG_ASSERT_UINT_EQ(value, 7);
	ci = fixture_ci(fixture_gi(gpu, ID_1G, 0, 1), 0); /* GI 7 */
	fixture_ci(fixture_gi(gpu, ID_1G, 6, 1), 0);	  /* GI 13 */
	ASSERT_OK(nvmlDeviceGetMigDeviceHandleByIndex(gpu, 0, &first));
	ASSERT_OK(nvmlDeviceGetMigDeviceHandleByIndex(gpu, 1, &second));
	ASSERT_CODE(nvmlDeviceGetMigDeviceHandleByIndex(gpu, 2, &none), NVML_ERROR_NOT_FOUND);
	ASSERT_CODE(nvmlDeviceGetMigDeviceHandleByIndex(gpu, 6, &none), NVML_ERROR_NOT_FOUND);
	ASSERT_CODE(nvmlDeviceGetMigDeviceHandleByIndex(gpu, 7, &none),
		    NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_OK(nvmlDeviceGetGpuInstanceId(second, &value));
	MIG_ASSERT_UINT_EQ(value, 13);
	ASSERT_OK(nvmlDeviceGetComputeInstanceId(second, &value));
	MIG_ASSERT_UINT_EQ(value, 0);
	ASSERT_OK(nvmlDeviceIsMigDeviceHandle(second, &value));
	MIG_ASSERT_UINT_EQ(value, 1);
	ASSERT_OK(nvmlDeviceIsMigDeviceHandle(gpu, &value));
	MIG_ASSERT_UINT_EQ(value, 0);
	ASSERT_OK(nvmlDeviceGetDeviceHandleFromMigDeviceHandle(second, &parent));
	MIG_ASSERT(parent == gpu);
	ASSERT_CODE(nvmlDeviceGetDeviceHandleFromMigDeviceHandle(gpu, &parent),
		    NVML_ERROR_NOT_SUPPORTED);
	ASSERT_CODE(nvmlDeviceGetGpuInstanceId(gpu, &value), NVML_ERROR_NOT_SUPPORTED);
	/* The first one goes: the second moves up, and keeps its handle. */
	ASSERT_OK(nvmlComputeInstanceDestroy(ci));
	ASSERT_CODE(nvmlDeviceGetIndex(first, &value), NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_OK(nvmlDeviceGetIndex(second, &value));
	MIG_ASSERT_UINT_EQ(value, 0);
	ASSERT_OK(nvmlDeviceGetMigDeviceHandleByIndex(gpu, 0, &none));
	MIG_ASSERT(none == second);
}

MIG_TEST(a30_has_four)
{
	unsigned int value = 77;
	nvmlDevice_t none;

	fixture_start("a30-24gb,t4-16gb", &(struct make_node_options){.initial_mig_mode = 1});
	ASSERT_OK(nvmlDeviceGetMaxMigDeviceCount(fixture_gpu(0), &value));
	MIG_ASSERT_UINT_EQ(value, 4);
	ASSERT_OK(nvmlDeviceGetMaxMigDeviceCount(fixture_gpu(1), &value));
	MIG_ASSERT_UINT_EQ(value, 0);
	ASSERT_CODE(nvmlDeviceGetMigDeviceHandleByIndex(fixture_gpu(1), 0, &none),
		    NVML_ERROR_NOT_SUPPORTED);
}

MIG_TEST(uuids_come_back_with_their_place)
{
	char first[96], second[96];
	nvmlComputeInstance_t ci;
	nvmlGpuInstance_t gi;
	nvmlDevice_t gpu, device;

	fixture_start(A100, NULL);
	gpu = fixture_gpu(0);
	fixture_mig_on(gpu);
	gi = fixture_gi(gpu, ID_2G, 2, 2);
	ci = fixture_ci(gi, 1);
	ASSERT_OK(nvmlDeviceGetMigDeviceHandleByIndex(gpu, 0, &device));
	ASSERT_OK(nvmlDeviceGetUUID(device, first, sizeof(first)));
	ASSERT_OK(nvmlComputeInstanceDestroy(ci));
	ASSERT_OK(nvmlGpuInstanceDestroy(gi));
	ASSERT_CODE(nvmlDeviceGetHandleByUUID(first, &device), NVML_ERROR_NOT_FOUND);
	fixture_ci(fixture_gi(gpu, ID_2G, 2, 2), 1);
	ASSERT_OK(nvmlDeviceGetHandleByUUID(first, &device));
	fixture_ci(fixture_gi(gpu, ID_2G, 4, 2), 1);
	ASSERT_OK(nvmlDeviceGetMigDeviceHandleByIndex(gpu, 1, &device));
	ASSERT_OK(nvmlDeviceGetUUID(device, second, sizeof(second)));
	MIG_ASSERT(strcmp(first, second) != 0);
}

/* ---- other processes, other people ------------------------------------------------------------ */

MIG_TEST(what_another_process_does_is_seen_at_once)
{
	nvmlDevice_t gpu, device = NULL;
	int status;
	pid_t child;

	fixture_start(A100, NULL);
	gpu = fixture_gpu(0);
	ASSERT_OK(nvmlShutdown());
	child = fork();
	MIG_ASSERT(child >= 0);
	if (child == 0) {
		ASSERT_OK(nvmlInit_v2());
		fixture_mig_on(gpu);
		fixture_ci(fixture_gi(gpu, ID_7G, 0, 8), 4);
		_exit(0);
	}
	ASSERT_OK(nvmlInit_v2());
	MIG_ASSERT(waitpid(child, &status, 0) == child);
	MIG_ASSERT_INT_EQ(status, 0);
	assert_mode(gpu, 1, 1);
	ASSERT_OK(nvmlDeviceGetMigDeviceHandleByIndex(gpu, 0, &device));
}

/* The order of complaints: arguments, support, permission, state. */
MIG_TEST(without_privilege)
{
	nvmlGpuInstanceProfileInfo_v2_t info = {.version = 0x2000098};
	nvmlGpuInstance_t gi, list[7], made;
	nvmlComputeInstance_t ci, ci_made;
	nvmlReturn_t activation;
	nvmlMemory_t memory;
	nvmlDevice_t gpu, t4, device;
	unsigned int count = 0;

	fixture_start(A100 ",t4-16gb", NULL);
	gpu = fixture_gpu(0);
	t4 = fixture_gpu(1);
	fixture_mig_on(gpu);
	gi = fixture_gi(gpu, ID_1G, 0, 1);
	ci = fixture_ci(gi, 0);
	ASSERT_OK(nvmlShutdown());
	setenv(MIG_SIM_ENV_UNPRIVILEGED, "1", 1);
	ASSERT_OK(nvmlInit_v2());
	ASSERT_CODE(nvmlDeviceSetMigMode(gpu, 0, &activation), NVML_ERROR_NO_PERMISSION);
	ASSERT_CODE(nvmlDeviceSetMigMode(gpu, 5, &activation), NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_CODE(nvmlDeviceSetMigMode(t4, 1, &activation), NVML_ERROR_NOT_SUPPORTED);
	ASSERT_CODE(nvmlDeviceCreateGpuInstance(gpu, ID_1G, &made), NVML_ERROR_NO_PERMISSION);
	ASSERT_CODE(nvmlDeviceCreateGpuInstance(t4, ID_1G, &made), NVML_ERROR_NOT_SUPPORTED);
	ASSERT_CODE(nvmlGpuInstanceDestroy(gi), NVML_ERROR_NO_PERMISSION);
	ASSERT_CODE(nvmlGpuInstanceCreateComputeInstance(gi, 0, &ci_made),
		    NVML_ERROR_NO_PERMISSION);
	ASSERT_CODE(nvmlComputeInstanceDestroy(ci), NVML_ERROR_NO_PERMISSION);
	ASSERT_CODE(nvmlDeviceGetGpuInstances(gpu, ID_1G, list, &count), NVML_ERROR_NO_PERMISSION);
	ASSERT_CODE(nvmlDeviceGetGpuInstanceById(gpu, 7, &made), NVML_ERROR_NO_PERMISSION);
	ASSERT_CODE(nvmlDeviceGetGpuInstanceRemainingCapacity(gpu, ID_1G, &count),
		    NVML_ERROR_NO_PERMISSION);
	ASSERT_CODE(nvmlDeviceGetGpuInstancePossiblePlacements_v2(gpu, ID_1G, NULL, &count),
		    NVML_ERROR_NO_PERMISSION);
	ASSERT_CODE(nvmlGpuInstanceGetComputeInstances(gi, 0, &ci_made, &count),
		    NVML_ERROR_NO_PERMISSION);
	ASSERT_CODE(nvmlDeviceSetPersistenceMode(gpu, NVML_FEATURE_ENABLED),
		    NVML_ERROR_NO_PERMISSION);
	ASSERT_CODE(nvmlDeviceGetMemoryInfo(gpu, &memory), NVML_ERROR_NO_PERMISSION);
	ASSERT_CODE(nvmlDeviceGetComputeRunningProcesses_v3(gpu, &count, NULL),
		    NVML_ERROR_NO_PERMISSION);
	/* What anybody may ask. */
	ASSERT_OK(nvmlDeviceGetGpuInstanceProfileInfoV(gpu, 0, &info));
	ASSERT_OK(nvmlDeviceGetMigDeviceHandleByIndex(gpu, 0, &device));
	ASSERT_OK(nvmlDeviceGetMemoryInfo(device, &memory));
	ASSERT_OK(nvmlDeviceGetMemoryInfo(t4, &memory));
	assert_mode(gpu, 1, 1);
}

/* The owner of the node is its administrator; somebody else is not. */
MIG_TEST(the_owner_is_administrator)
{
	nvmlReturn_t activation;
	nvmlDevice_t gpu;

	if (geteuid() != 0)
		MIG_SKIP("becoming another user needs root");
	fixture_start(A100, &(struct make_node_options){.owner_uid = 4711});
	gpu = fixture_gpu(0);
	MIG_ASSERT_INT_EQ(seteuid(4712), 0);
	ASSERT_CODE(nvmlDeviceSetMigMode(gpu, 1, &activation), NVML_ERROR_NO_PERMISSION);
	MIG_ASSERT_INT_EQ(seteuid(0), 0);
	MIG_ASSERT_INT_EQ(seteuid(4711), 0);
	/* Past the check for privilege: what fails now is writing a file of root's. */
	ASSERT_CODE(nvmlDeviceSetMigMode(gpu, 7, &activation), NVML_ERROR_INVALID_ARGUMENT);
	MIG_ASSERT_INT_EQ(seteuid(0), 0);
	ASSERT_OK(nvmlDeviceSetMigMode(gpu, 1, &activation));
}
