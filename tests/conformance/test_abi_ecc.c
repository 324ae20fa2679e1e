/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ECC through the library: the mode, the counters of GPUs and MIG devices, and what resets them.
 * Errors are put into the node's state directly.
 */
#include <stdlib.h>

#include "sim/engine/engine.h"
#include "tests/conformance/node_fixture.h"

#define A100 "a100-sxm4-40gb"
#define T4   "t4-16gb"

#define CORRECTED   NVML_MEMORY_ERROR_TYPE_CORRECTED
#define UNCORRECTED NVML_MEMORY_ERROR_TYPE_UNCORRECTED
#define VOLATILE    NVML_VOLATILE_ECC
#define AGGREGATE   NVML_AGGREGATE_ECC
#define DRAM	    NVML_MEMORY_LOCATION_DRAM
#define SRAM	    NVML_MEMORY_LOCATION_SRAM

/* 3 corrected; 4 uncorrected, of them 1 in the SRAM of GPU instance 7. */
static bool put_errors(void *cookie, const struct mig_sim_store *store, struct mig_sim_state *state)
{
	struct mig_sim_gpu_state *gpu = &state->gpus[0];

	(void)cookie;
	(void)store;
	gpu->ecc_volatile_corrected = gpu->ecc_aggregate_corrected = 3;
	gpu->ecc_volatile_uncorrected = gpu->ecc_aggregate_uncorrected = 4;
	gpu->ecc_volatile_sram = gpu->ecc_aggregate_sram = 1;
	gpu->gi[7].ecc_uncorrected = 1;
	return true;
}

static bool reset(void *cookie, const struct mig_sim_store *store, struct mig_sim_state *state)
{
	const struct mig_sim_gpu gpu = {
		.node = store->node,
		.desc = &store->node->gpus[0],
		.model = &store->models[store->node->gpus[0].model],
	};

	(void)cookie;
	MIG_ASSERT_INT_EQ(mig_sim_gpu_reset(&gpu, &state->gpus[0]), NVML_SUCCESS);
	return true;
}

static void change(mig_sim_change_fn function)
{
	struct mig_sim_store store;

	MIG_ASSERT_INT_EQ(mig_sim_store_open(&store, mig_test_path("node")), MIG_SIM_OK);
	MIG_ASSERT_INT_EQ(mig_sim_store_update(&store, function, NULL), MIG_SIM_OK);
	mig_sim_store_close(&store);
}

static unsigned long long total(nvmlMemoryErrorType_t error, nvmlEccCounterType_t counter)
{
	unsigned long long count = 77;

	ASSERT_OK(nvmlDeviceGetTotalEccErrors(fixture_gpu(0), error, counter, &count));
	return count;
}

static unsigned long long at(nvmlDevice_t device, nvmlMemoryErrorType_t error,
			     nvmlEccCounterType_t counter, nvmlMemoryLocation_t location)
{
	unsigned long long count = 77;

	ASSERT_OK(nvmlDeviceGetMemoryErrorCounter(device, error, counter, location, &count));
	return count;
}

MIG_TEST(errors_are_counted_by_kind_and_place)
{
	nvmlEccErrorCounts_t detailed;
	nvmlDevice_t gpu, device;

	fixture_start(A100, NULL);
	gpu = fixture_gpu(0);
	fixture_mig_on(gpu);
	fixture_ci(fixture_gi(gpu, 19, 4, 1), 0); /* tree position 11 */
	fixture_ci(fixture_gi(gpu, 19, 0, 1), 0); /* 7 */
	change(put_errors);
	MIG_ASSERT_UINT_EQ(total(CORRECTED, VOLATILE), 3);
	MIG_ASSERT_UINT_EQ(total(UNCORRECTED, AGGREGATE), 4);
	MIG_ASSERT_UINT_EQ(at(gpu, CORRECTED, VOLATILE, DRAM), 3);
	MIG_ASSERT_UINT_EQ(at(gpu, CORRECTED, VOLATILE, SRAM), 0);
	MIG_ASSERT_UINT_EQ(at(gpu, UNCORRECTED, VOLATILE, DRAM), 3);
	MIG_ASSERT_UINT_EQ(at(gpu, UNCORRECTED, AGGREGATE, SRAM), 1);
	ASSERT_OK(nvmlDeviceGetDetailedEccErrors(gpu, UNCORRECTED, VOLATILE, &detailed));
	MIG_ASSERT_UINT_EQ(detailed.deviceMemory, 3);
	MIG_ASSERT_UINT_EQ(detailed.l2Cache, 0);
	ASSERT_OK(nvmlDeviceGetMigDeviceHandleByIndex(gpu, 0, &device));
	MIG_ASSERT_UINT_EQ(at(device, UNCORRECTED, VOLATILE, SRAM), 1);
	ASSERT_OK(nvmlDeviceGetMigDeviceHandleByIndex(gpu, 1, &device));
	MIG_ASSERT_UINT_EQ(at(device, UNCORRECTED, VOLATILE, SRAM), 0);
	ASSERT_CODE(nvmlDeviceGetDetailedEccErrors(gpu, 2, VOLATILE, &detailed),
		    NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_CODE(nvmlDeviceGetDetailedEccErrors(gpu, CORRECTED, VOLATILE, NULL),
		    NVML_ERROR_INVALID_ARGUMENT);
}

MIG_TEST(counters_are_cleared_by_kind)
{
	nvmlDevice_t gpu, device;

	fixture_start(A100, NULL);
	gpu = fixture_gpu(0);
	fixture_mig_on(gpu);
	fixture_ci(fixture_gi(gpu, 19, 0, 1), 0);
	change(put_errors);
	ASSERT_OK(nvmlDeviceClearEccErrorCounts(gpu, VOLATILE));
	MIG_ASSERT_UINT_EQ(total(CORRECTED, VOLATILE), 0);
	MIG_ASSERT_UINT_EQ(total(UNCORRECTED, VOLATILE), 0);
	MIG_ASSERT_UINT_EQ(total(CORRECTED, AGGREGATE), 3);
	ASSERT_OK(nvmlDeviceGetMigDeviceHandleByIndex(gpu, 0, &device));
	MIG_ASSERT_UINT_EQ(at(device, UNCORRECTED, VOLATILE, SRAM), 0);
	ASSERT_OK(nvmlDeviceClearEccErrorCounts(gpu, AGGREGATE));
	MIG_ASSERT_UINT_EQ(total(UNCORRECTED, AGGREGATE), 0);
	MIG_ASSERT_UINT_EQ(at(gpu, UNCORRECTED, AGGREGATE, SRAM), 0);
	ASSERT_CODE(nvmlDeviceClearEccErrorCounts(gpu, 2), NVML_ERROR_INVALID_ARGUMENT);
}

MIG_TEST(a_reset_clears_what_is_volatile)
{
	fixture_start(A100, NULL);
	change(put_errors);
	change(reset);
	MIG_ASSERT_UINT_EQ(total(UNCORRECTED, VOLATILE), 0);
	MIG_ASSERT_UINT_EQ(at(fixture_gpu(0), UNCORRECTED, VOLATILE, SRAM), 0);
	MIG_ASSERT_UINT_EQ(at(fixture_gpu(0), UNCORRECTED, VOLATILE, DRAM), 0);
	MIG_ASSERT_UINT_EQ(total(UNCORRECTED, AGGREGATE), 4);
}

MIG_TEST(the_mode_changes_with_a_reset)
{
	nvmlEnableState_t current, pending;
	unsigned long long count;
	nvmlDevice_t gpu;

	fixture_start(A100, NULL);
	gpu = fixture_gpu(0);
	ASSERT_OK(nvmlDeviceGetDefaultEccMode(gpu, &current));
	MIG_ASSERT_INT_EQ(current, NVML_FEATURE_ENABLED);
	ASSERT_CODE(nvmlDeviceSetEccMode(gpu, (nvmlEnableState_t)2), NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_OK(nvmlDeviceSetEccMode(gpu, NVML_FEATURE_DISABLED));
	ASSERT_OK(nvmlDeviceGetEccMode(gpu, &current, &pending));
	MIG_ASSERT_INT_EQ(current, NVML_FEATURE_ENABLED);
	MIG_ASSERT_INT_EQ(pending, NVML_FEATURE_DISABLED);
	MIG_ASSERT_UINT_EQ(total(CORRECTED, VOLATILE), 0);
	change(reset);
	ASSERT_OK(nvmlDeviceGetEccMode(gpu, &current, &pending));
	MIG_ASSERT_INT_EQ(current, NVML_FEATURE_DISABLED);
	ASSERT_CODE(nvmlDeviceGetTotalEccErrors(gpu, CORRECTED, VOLATILE, &count),
		    NVML_ERROR_NOT_SUPPORTED);
	ASSERT_CODE(nvmlDeviceClearEccErrorCounts(gpu, VOLATILE), NVML_ERROR_NOT_SUPPORTED);
	ASSERT_CODE(nvmlDeviceGetMemoryErrorCounter(gpu, CORRECTED, VOLATILE, DRAM, &count),
		    NVML_ERROR_NOT_SUPPORTED);
}

MIG_TEST(only_the_administrator_changes_it)
{
	fixture_node("node", A100, NULL);
	MIG_ASSERT_INT_EQ(setenv("MIGSIM_UNPRIVILEGED", "1", 1), 0);
	ASSERT_OK(nvmlInit_v2());
	ASSERT_CODE(nvmlDeviceSetEccMode(fixture_gpu(0), NVML_FEATURE_DISABLED),
		    NVML_ERROR_NO_PERMISSION);
	ASSERT_CODE(nvmlDeviceClearEccErrorCounts(fixture_gpu(0), VOLATILE),
		    NVML_ERROR_NO_PERMISSION);
}

/* Since Ampere bad memory is remapped by rows; before, pages are retired. */
MIG_TEST(no_memory_is_out_of_use)
{
	unsigned int corrected = 7, uncorrected = 7, is_pending = 7, has_failed = 7, count = 7;
	nvmlEnableState_t pending = 7;
	nvmlDevice_t ampere, turing;

	fixture_start(A100 "," T4, NULL);
	ampere = fixture_gpu(0);
	turing = fixture_gpu(1);
	ASSERT_OK(nvmlDeviceGetRemappedRows(ampere, &corrected, &uncorrected, &is_pending,
					    &has_failed));
	MIG_ASSERT_UINT_EQ(corrected + uncorrected + is_pending + has_failed, 0);
	ASSERT_CODE(nvmlDeviceGetRemappedRows(turing, &corrected, &uncorrected, &is_pending,
					      &has_failed),
		    NVML_ERROR_NOT_SUPPORTED);
	ASSERT_CODE(nvmlDeviceGetRetiredPages(ampere, 0, &count, NULL), NVML_ERROR_NOT_SUPPORTED);
	ASSERT_OK(nvmlDeviceGetRetiredPages(turing, 1, &count, NULL));
	MIG_ASSERT_UINT_EQ(count, 0);
	ASSERT_OK(nvmlDeviceGetRetiredPages_v2(turing, 0, &count, NULL, NULL));
	ASSERT_CODE(nvmlDeviceGetRetiredPages_v2(turing, 2, &count, NULL, NULL),
		    NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_OK(nvmlDeviceGetRetiredPagesPendingStatus(turing, &pending));
	MIG_ASSERT_INT_EQ(pending, NVML_FEATURE_DISABLED);
	ASSERT_CODE(nvmlDeviceGetRetiredPagesPendingStatus(turing, NULL),
		    NVML_ERROR_INVALID_ARGUMENT);
}

MIG_TEST(field_values_say_the_same)
{
	nvmlFieldValue_t values[] = {
		{.fieldId = NVML_FI_DEV_ECC_SBE_VOL_TOTAL},
		{.fieldId = NVML_FI_DEV_ECC_DBE_AGG_TOTAL},
		{.fieldId = NVML_FI_DEV_ECC_PENDING},
		{.fieldId = NVML_FI_DEV_REMAPPED_UNC},
		{.fieldId = NVML_FI_DEV_RETIRED_SBE},
	};

	fixture_start(A100, NULL);
	change(put_errors);
	ASSERT_OK(nvmlDeviceSetEccMode(fixture_gpu(0), NVML_FEATURE_DISABLED));
	ASSERT_OK(nvmlDeviceGetFieldValues(fixture_gpu(0), 5, values));
	for (unsigned int i = 0; i < 4; i++)
		ASSERT_OK(values[i].nvmlReturn);
	MIG_ASSERT_UINT_EQ(values[0].value.ullVal, 3);
	MIG_ASSERT_UINT_EQ(values[1].value.ullVal, 4);
	MIG_ASSERT_UINT_EQ(values[2].value.uiVal, NVML_FEATURE_DISABLED);
	MIG_ASSERT_UINT_EQ(values[3].value.uiVal, 0);
	ASSERT_CODE(values[4].nvmlReturn, NVML_ERROR_NOT_SUPPORTED);
}
