/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory, attributes, events, process lists, field values and the export table of the library.
 */
#include <string.h>

#include "tests/conformance/node_fixture.h"

#define A100 "a100-sxm4-40gb"
#define MIB  (1024ULL * 1024ULL)

static nvmlDevice_t one_mig_device(void)
{
	nvmlDevice_t gpu = fixture_gpu(0), device = NULL;

	fixture_mig_on(gpu);
	fixture_ci(fixture_gi(gpu, 9, 4, 4), 1);
	ASSERT_OK(nvmlDeviceGetMigDeviceHandleByIndex(gpu, 0, &device));
	return device;
}

MIG_TEST(memory_adds_up)
{
	nvmlMemory_v2_t v2 = {.version = 0x2000028};
	nvmlMemory_t v1;
	nvmlBAR1Memory_t bar1;
	nvmlDevice_t gpu, device;

	fixture_start(A100, NULL);
	gpu = fixture_gpu(0);
	ASSERT_OK(nvmlDeviceGetMemoryInfo(gpu, &v1));
	ASSERT_OK(nvmlDeviceGetMemoryInfo_v2(gpu, &v2));
	MIG_ASSERT_UINT_EQ(v1.total, 40960 * MIB);
	MIG_ASSERT_UINT_EQ(v1.used + v1.free, v1.total);
	MIG_ASSERT_UINT_EQ(v2.total, v1.total);
	MIG_ASSERT_UINT_EQ(v2.used + v2.free + v2.reserved, v2.total);
	MIG_ASSERT_UINT_EQ(v2.reserved, v1.used);
	MIG_ASSERT(v2.reserved > 0);
	ASSERT_OK(nvmlDeviceGetBAR1MemoryInfo(gpu, &bar1));
	MIG_ASSERT_UINT_EQ(bar1.bar1Total, 65536 * MIB);
	MIG_ASSERT_UINT_EQ(bar1.bar1Used + bar1.bar1Free, bar1.bar1Total);
	device = one_mig_device();
	ASSERT_OK(nvmlDeviceGetMemoryInfo(device, &v1));
	ASSERT_OK(nvmlDeviceGetMemoryInfo_v2(device, &v2));
	MIG_ASSERT_UINT_EQ(v1.total, 20096 * MIB);
	MIG_ASSERT_UINT_EQ(v2.total, 20096 * MIB);
	MIG_ASSERT_UINT_EQ(v2.used + v2.free + v2.reserved, v2.total);
	ASSERT_OK(nvmlDeviceGetBAR1MemoryInfo(device, &bar1));
	MIG_ASSERT_UINT_EQ(bar1.bar1Total, 32767 * MIB);
	memset(&v2, 0, sizeof(v2));
	ASSERT_CODE(nvmlDeviceGetMemoryInfo_v2(gpu, &v2), NVML_ERROR_ARGUMENT_VERSION_MISMATCH);
	MIG_ASSERT_UINT_EQ(v2.total, 0);
	ASSERT_CODE(nvmlDeviceGetMemoryInfo(gpu, NULL), NVML_ERROR_INVALID_ARGUMENT);
}

MIG_TEST(attributes_of_mig_devices)
{
	struct {
		nvmlDeviceAttributes_v1_t attributes;
		unsigned char guard[16];
	} v1;
	nvmlDeviceAttributes_t v2;
	nvmlDevice_t device;

	fixture_start(A100, NULL);
	ASSERT_CODE(nvmlDeviceGetAttributes_v2(fixture_gpu(0), &v2), NVML_ERROR_NOT_SUPPORTED);
	device = one_mig_device();
	ASSERT_OK(nvmlDeviceGetAttributes_v2(device, &v2));
	MIG_ASSERT_UINT_EQ(v2.multiprocessorCount, 28);
	MIG_ASSERT_UINT_EQ(v2.sharedCopyEngineCount, 3);
	MIG_ASSERT_UINT_EQ(v2.sharedDecoderCount, 2);
	MIG_ASSERT_UINT_EQ(v2.gpuInstanceSliceCount, 3);
	MIG_ASSERT_UINT_EQ(v2.computeInstanceSliceCount, 2);
	MIG_ASSERT_UINT_EQ(v2.memorySizeMB, 20096);
	memset(&v1, 0xa5, sizeof(v1));
	ASSERT_OK(nvmlDeviceGetAttributes(device, &v1.attributes));
	MIG_ASSERT_MEM_EQ(&v1.attributes, &v2, sizeof(v1.attributes));
	MIG_ASSERT_UINT_EQ(v1.guard[0], 0xa5);
}

MIG_TEST(persistence_mode_is_kept)
{
	nvmlEnableState_t mode = 7;
	nvmlDevice_t gpu;

	fixture_start(A100, NULL);
	gpu = fixture_gpu(0);
	ASSERT_OK(nvmlDeviceGetPersistenceMode(gpu, &mode));
	MIG_ASSERT_INT_EQ(mode, NVML_FEATURE_DISABLED);
	ASSERT_OK(nvmlDeviceSetPersistenceMode(gpu, NVML_FEATURE_ENABLED));
	ASSERT_OK(nvmlShutdown());
	ASSERT_OK(nvmlInit_v2());
	ASSERT_OK(nvmlDeviceGetPersistenceMode(gpu, &mode));
	MIG_ASSERT_INT_EQ(mode, NVML_FEATURE_ENABLED);
	ASSERT_CODE(nvmlDeviceSetPersistenceMode(gpu, (nvmlEnableState_t)2),
		    NVML_ERROR_INVALID_ARGUMENT);
}

MIG_TEST(what_the_default_table_of_nvidia_smi_asks)
{
	nvmlEnableState_t current = 7, pending = 7;
	unsigned long long errors = 77;
	nvmlUtilization_t utilization;
	nvmlComputeMode_t compute = 7;
	nvmlPstates_t pstate = 7;
	nvmlDevice_t gpu, device;

	fixture_start(A100, NULL);
	gpu = fixture_gpu(0);
	ASSERT_OK(nvmlDeviceGetDisplayActive(gpu, &current));
	MIG_ASSERT_INT_EQ(current, NVML_FEATURE_DISABLED);
	ASSERT_OK(nvmlDeviceGetEccMode(gpu, &current, &pending));
	MIG_ASSERT_INT_EQ(current, NVML_FEATURE_ENABLED);
	MIG_ASSERT_INT_EQ(pending, NVML_FEATURE_ENABLED);
	ASSERT_OK(nvmlDeviceGetTotalEccErrors(gpu, NVML_MEMORY_ERROR_TYPE_UNCORRECTED,
					      NVML_VOLATILE_ECC, &errors));
	MIG_ASSERT_UINT_EQ(errors, 0);
	ASSERT_OK(nvmlDeviceGetPerformanceState(gpu, &pstate));
	MIG_ASSERT_INT_EQ(pstate, NVML_PSTATE_0);
	ASSERT_OK(nvmlDeviceGetComputeMode(gpu, &compute));
	MIG_ASSERT_INT_EQ(compute, NVML_COMPUTEMODE_DEFAULT);
	ASSERT_OK(nvmlDeviceGetUtilizationRates(gpu, &utilization));
	device = one_mig_device();
	ASSERT_CODE(nvmlDeviceGetUtilizationRates(gpu, &utilization), NVML_ERROR_NOT_SUPPORTED);
	errors = 77;
	ASSERT_OK(nvmlDeviceGetMemoryErrorCounter(device, NVML_MEMORY_ERROR_TYPE_UNCORRECTED,
						  NVML_VOLATILE_ECC, NVML_MEMORY_LOCATION_SRAM,
						  &errors));
	MIG_ASSERT_UINT_EQ(errors, 0);
	ASSERT_CODE(nvmlDeviceGetMemoryErrorCounter(device, NVML_MEMORY_ERROR_TYPE_CORRECTED,
						    NVML_VOLATILE_ECC, NVML_MEMORY_LOCATION_SRAM,
						    &errors),
		    NVML_ERROR_NOT_SUPPORTED);
	ASSERT_CODE(nvmlDeviceGetMemoryErrorCounter(gpu, 9, 0, 0, &errors),
		    NVML_ERROR_INVALID_ARGUMENT);
}

MIG_TEST(field_values_answer_one_by_one)
{
	nvmlFieldValue_t values[3] = {
		{.fieldId = NVML_FI_DEV_IS_RESETLESS_MIG_SUPPORTED},
		{.fieldId = 31337},
		{.fieldId = NVML_FI_DEV_IS_MIG_MODE_INDEPENDENT_MIG_QUERY_CAPABLE},
	};

	fixture_start("a100-sxm4-40gb,h100-sxm5-80gb", NULL);
	ASSERT_OK(nvmlDeviceGetFieldValues(fixture_gpu(0), 3, values));
	ASSERT_OK(values[0].nvmlReturn);
	MIG_ASSERT_UINT_EQ(values[0].value.uiVal, 0);
	ASSERT_CODE(values[1].nvmlReturn, NVML_ERROR_NOT_SUPPORTED);
	ASSERT_OK(values[2].nvmlReturn);
	MIG_ASSERT_UINT_EQ(values[2].value.uiVal, 1);
	ASSERT_OK(nvmlDeviceGetFieldValues(fixture_gpu(1), 1, values));
	MIG_ASSERT_UINT_EQ(values[0].value.uiVal, 1);
	ASSERT_CODE(nvmlDeviceGetFieldValues(fixture_gpu(0), 0, values),
		    NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_CODE(nvmlDeviceGetFieldValues(fixture_gpu(0), 1, NULL), NVML_ERROR_INVALID_ARGUMENT);
}

/* ---- processes -------------------------------------------------------------------------------- */

MIG_TEST(process_lists_are_empty)
{
	nvmlProcessDetailList_t list = {.version = 0x1000018, .numProcArrayEntries = 5};
	nvmlProcessInfo_t infos[2];
	unsigned int count = 2;
	nvmlDevice_t gpu;

	fixture_start(A100, NULL);
	gpu = fixture_gpu(0);
	memset(infos, 0xa5, sizeof(infos));
	ASSERT_OK(nvmlDeviceGetComputeRunningProcesses_v3(gpu, &count, infos));
	MIG_ASSERT_UINT_EQ(count, 0);
	MIG_ASSERT_UINT_EQ(infos[0].pid, 0xa5a5a5a5);
	ASSERT_OK(nvmlDeviceGetGraphicsRunningProcesses_v2(gpu, &count, NULL));
	ASSERT_OK(nvmlDeviceGetMPSComputeRunningProcesses(gpu, &count, NULL));
	count = 1;
	ASSERT_CODE(nvmlDeviceGetComputeRunningProcesses(gpu, &count, NULL),
		    NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_CODE(nvmlDeviceGetComputeRunningProcesses_v2(gpu, NULL, infos),
		    NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_OK(nvmlDeviceGetRunningProcessDetailList(gpu, &list));
	MIG_ASSERT_UINT_EQ(list.numProcArrayEntries, 0);
	list.mode = 3;
	ASSERT_CODE(nvmlDeviceGetRunningProcessDetailList(gpu, &list), NVML_ERROR_INVALID_ARGUMENT);
	list.version = 1;
	ASSERT_CODE(nvmlDeviceGetRunningProcessDetailList(gpu, &list),
		    NVML_ERROR_ARGUMENT_VERSION_MISMATCH);
}

/* ---- events ----------------------------------------------------------------------------------- */

MIG_TEST(event_sets)
{
	unsigned long long types = 0;
	nvmlEventSet_t set = NULL, other = NULL;
	nvmlEventData_t data;
	nvmlDevice_t gpu;

	fixture_start(A100 ",t4-16gb", NULL);
	gpu = fixture_gpu(0);
	ASSERT_OK(nvmlEventSetCreate(&set));
	ASSERT_OK(nvmlEventSetCreate(&other));
	MIG_ASSERT(set != other);
	ASSERT_OK(nvmlDeviceGetSupportedEventTypes(gpu, &types));
	MIG_ASSERT((types & nvmlEventTypeXidCriticalError) != 0);
	MIG_ASSERT((types & nvmlEventMigConfigChange) != 0);
	ASSERT_OK(nvmlDeviceRegisterEvents(gpu, types, set));
	ASSERT_CODE(nvmlDeviceRegisterEvents(gpu, types | nvmlEventTypePState, set),
		    NVML_ERROR_NOT_SUPPORTED);
	ASSERT_CODE(nvmlDeviceRegisterEvents(fixture_gpu(1), types, set), NVML_ERROR_NOT_SUPPORTED);
	ASSERT_CODE(nvmlDeviceRegisterEvents(gpu, types, NULL), NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_CODE(nvmlEventSetWait_v2(set, &data, 0), NVML_ERROR_TIMEOUT);
	ASSERT_CODE(nvmlEventSetWait(set, &data, 1), NVML_ERROR_TIMEOUT);
	ASSERT_CODE(nvmlEventSetWait_v2(set, NULL, 0), NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_OK(nvmlEventSetFree(set));
	ASSERT_CODE(nvmlEventSetFree(set), NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_CODE(nvmlEventSetWait_v2(set, &data, 0), NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_CODE(nvmlEventSetFree((nvmlEventSet_t)(void *)gpu), NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_CODE(nvmlEventSetFree((nvmlEventSet_t)(void *)((char *)other + 1)),
		    NVML_ERROR_INVALID_ARGUMENT);
	/* Shutdown frees what was not freed. */
	ASSERT_OK(nvmlShutdown());
	ASSERT_OK(nvmlInit_v2());
	ASSERT_CODE(nvmlEventSetFree(other), NVML_ERROR_INVALID_ARGUMENT);
}

MIG_TEST(event_sets_run_out_and_come_back)
{
	static nvmlEventSet_t sets[1025];
	unsigned int made = 0;

	fixture_start(A100, NULL);
	while (made < 1025 && nvmlEventSetCreate(&sets[made]) == NVML_SUCCESS)
		made++;
	MIG_ASSERT_UINT_EQ(made, 1024);
	ASSERT_CODE(nvmlEventSetCreate(&sets[1024]), NVML_ERROR_MEMORY);
	ASSERT_OK(nvmlEventSetFree(sets[500]));
	ASSERT_OK(nvmlEventSetCreate(&sets[500]));
}

/* ---- the export table ------------------------------------------------------------------------- */

static const unsigned char table_uuid[16] = {0xc4, 0xfe, 0x3e, 0x6c, 0xc9, 0x8f, 0x6c, 0x4e,
					     0xa3, 0x27, 0xee, 0x69, 0x6e, 0x12, 0xf7, 0xc4};

MIG_TEST(export_table_has_its_known_slots)
{
	union {
		uint64_t size;
		nvmlReturn_t (*parse)(const char *, unsigned int *, unsigned int *, unsigned int *,
				      unsigned int *);
		nvmlReturn_t (*address)(unsigned int, unsigned int *, unsigned int *,
					unsigned int *);
		nvmlReturn_t (*bus_id)(unsigned int, char *, unsigned int);
		nvmlReturn_t (*list)(nvmlDevice_t, unsigned int *, void *);
		nvmlReturn_t (*trace)(const char *, ...);
		nvmlReturn_t (*other)(void *, void *, void *);
	} const *slots;
	unsigned int domain = 9, bus = 9, device = 9, function = 9, count = 5;
	const void *table = NULL;
	char text[0x22];

	fixture_start(A100 ",a30-24gb", NULL);
	ASSERT_OK(nvmlInternalGetExportTable(&table, table_uuid));
	slots = table;
	MIG_ASSERT(slots[0].size > 8 * 249);
	for (uint64_t slot = 1; slot < slots[0].size / 8; slot++) {
		if (slot != 12 && slot != 26 && slot != 72 && slot != 75 && slot != 81 &&
		    (slot < 213 || slot > 215))
			ASSERT_CODE(slots[slot].other(NULL, NULL, NULL), NVML_ERROR_NOT_SUPPORTED);
	}
	ASSERT_OK(slots[12].parse("0:30:0.1", &domain, &bus, &device, &function));
	MIG_ASSERT_UINT_EQ(domain, 0);
	MIG_ASSERT_UINT_EQ(bus, 0x30);
	MIG_ASSERT_UINT_EQ(device, 0);
	MIG_ASSERT_UINT_EQ(function, 1);
	MIG_ASSERT(slots[12].parse("0:zz:0.0", &domain, &bus, &device, &function) != NVML_SUCCESS);
	ASSERT_OK(slots[75].address(1, &domain, &bus, &device));
	MIG_ASSERT_UINT_EQ(bus, 0x30);
	MIG_ASSERT(slots[75].address(2, &domain, &bus, &device) != NVML_SUCCESS);
	ASSERT_OK(slots[81].bus_id(0, text, sizeof(text)));
	MIG_ASSERT_STR_EQ(text, "00000000:10:00.0");
	ASSERT_CODE(slots[81].bus_id(0, text, 16), NVML_ERROR_INSUFFICIENT_SIZE);
	slots[26].trace("nvidia-smi %s: %s\n", "stdout", "line");
	ASSERT_OK(slots[213].list(fixture_gpu(0), &count, NULL));
	MIG_ASSERT_UINT_EQ(count, 0);
	ASSERT_CODE(slots[215].list(NULL, &count, NULL), NVML_ERROR_INVALID_ARGUMENT);
}

MIG_TEST(export_table_can_be_empty)
{
	static const unsigned char unknown[16] = {1, 2, 3};
	const void *table = NULL;

	fixture_start(A100, &(struct make_node_options){.export_table = MIG_SIM_EXPORT_TABLE_NONE});
	ASSERT_OK(nvmlInternalGetExportTable(&table, table_uuid));
	MIG_ASSERT_UINT_EQ(*(const uint64_t *)table, 0);
	table = NULL;
	MIG_ASSERT(nvmlInternalGetExportTable(&table, unknown) != NVML_SUCCESS);
	MIG_ASSERT(table == NULL);
	ASSERT_CODE(nvmlInternalGetExportTable(NULL, table_uuid), NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_CODE(nvmlInternalGetExportTable(&table, NULL), NVML_ERROR_INVALID_ARGUMENT);
}
