/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Monitoring constants: every simulated model has values that can be true together, lists end where
 * they say, MIG takes away what it takes away on real GPUs, and MIG devices are refused.
 */
#include <string.h>
#include <unistd.h>

#include "data/tables/monitor_table.h"
#include "tests/conformance/node_fixture.h"

#define A100 "a100-sxm4-40gb"

enum {
	CLOCKS_MAX = 512,
};

/* ---- all models ------------------------------------------------------------------------------- */

static void check_clocks(nvmlDevice_t gpu, const char *key)
{
	for (int type = NVML_CLOCK_GRAPHICS; type <= NVML_CLOCK_VIDEO; type++) {
		unsigned int now = 0, highest = 0;
		nvmlReturn_t code = nvmlDeviceGetClockInfo(gpu, (nvmlClockType_t)type, &now);

		ASSERT_CODE(nvmlDeviceGetMaxClockInfo(gpu, (nvmlClockType_t)type, &highest), code);
		if (code == NVML_SUCCESS)
			MIG_ASSERT_MSG(now > 0 && now <= highest, "%s: clock %d: %u of %u MHz", key,
				       type, now, highest);
	}
}

static void check_power(nvmlDevice_t gpu, const char *key)
{
	unsigned int now = 0, limit = 0, lowest = 0, highest = 0;

	if (nvmlDeviceGetPowerUsage(gpu, &now) != NVML_SUCCESS ||
	    nvmlDeviceGetEnforcedPowerLimit(gpu, &limit) != NVML_SUCCESS)
		return;
	ASSERT_OK(nvmlDeviceGetPowerManagementLimitConstraints(gpu, &lowest, &highest));
	MIG_ASSERT_MSG(now >= 1000 && now <= limit && lowest <= limit && limit <= highest,
		       "%s: %u mW of %u mW, %u to %u mW", key, now, limit, lowest, highest);
}

static void check_temperatures(nvmlDevice_t gpu, const char *key)
{
	unsigned int now = 0, highest = 0, slowdown = 0, shutdown = 0;

	ASSERT_OK(nvmlDeviceGetTemperature(gpu, NVML_TEMPERATURE_GPU, &now));
	ASSERT_OK(nvmlDeviceGetTemperatureThreshold(gpu, NVML_TEMPERATURE_THRESHOLD_GPU_MAX,
						    &highest));
	ASSERT_OK(nvmlDeviceGetTemperatureThreshold(gpu, NVML_TEMPERATURE_THRESHOLD_SLOWDOWN,
						    &slowdown));
	ASSERT_OK(nvmlDeviceGetTemperatureThreshold(gpu, NVML_TEMPERATURE_THRESHOLD_SHUTDOWN,
						    &shutdown));
	MIG_ASSERT_MSG(now > 15 && now < highest && highest <= slowdown && slowdown < shutdown &&
			       shutdown < 120,
		       "%s: %u of %u, %u, %u degrees", key, now, highest, slowdown, shutdown);
}

MIG_TEST(every_model_has_values_that_can_be_true)
{
	unsigned int checked = 0;

	for (unsigned int i = 0; i < mig_gpu_table_count; i++) {
		const char *key = mig_gpu_tables[i].key;
		nvmlDevice_t gpu;

		MIG_ASSERT_STR_EQ(mig_monitor_row_find(key, MIG_ARCH_UNKNOWN)->key, key);
		if (!mig_gpu_tables[i].is_usable)
			continue;
		fixture_node(key, key, NULL);
		ASSERT_OK(nvmlInit_v2());
		gpu = fixture_gpu(0);
		check_clocks(gpu, key);
		check_power(gpu, key);
		check_temperatures(gpu, key);
		ASSERT_OK(nvmlShutdown());
		checked++;
	}
	MIG_ASSERT(checked > 15);
}

MIG_TEST(a_model_without_a_row_has_its_architectures)
{
	const struct mig_monitor_row *row = mig_monitor_row_find("my-own", MIG_ARCH_HOPPER);

	MIG_ASSERT_STR_EQ(row->key, "");
	MIG_ASSERT_UINT_EQ(row->power_limit_w, 700);
	row = mig_monitor_row_find("my-own", MIG_ARCH_COUNT + 7);
	MIG_ASSERT_UINT_EQ(row->power_limit_w, MIG_TABLE_UNKNOWN);
	MIG_ASSERT_UINT_EQ(row->nvlink_count, 0);
	MIG_ASSERT_UINT_EQ(row->memory_clock_count, 0);
}

/* ---- lists ------------------------------------------------------------------------------------ */

MIG_TEST(supported_clocks_descend_and_fit)
{
	unsigned int memory[4] = {0}, clocks[CLOCKS_MAX], count = 0, all;
	nvmlDevice_t gpu;

	fixture_start("t4-16gb", NULL);
	gpu = fixture_gpu(0);
	ASSERT_CODE(nvmlDeviceGetSupportedMemoryClocks(gpu, &count, NULL),
		    NVML_ERROR_INSUFFICIENT_SIZE);
	MIG_ASSERT_UINT_EQ(count, 2);
	ASSERT_OK(nvmlDeviceGetSupportedMemoryClocks(gpu, &count, memory));
	MIG_ASSERT(memory[0] > memory[1] && memory[2] == 0);
	count = 3;
	ASSERT_CODE(nvmlDeviceGetSupportedGraphicsClocks(gpu, memory[0], &count, clocks),
		    NVML_ERROR_INSUFFICIENT_SIZE);
	all = count;
	MIG_ASSERT(all > 3 && all < CLOCKS_MAX);
	clocks[all] = 77;
	ASSERT_OK(nvmlDeviceGetSupportedGraphicsClocks(gpu, memory[0], &count, clocks));
	MIG_ASSERT_UINT_EQ(count, all);
	MIG_ASSERT_UINT_EQ(clocks[all], 77);
	MIG_ASSERT_UINT_EQ(clocks[0], 1590);
	for (unsigned int i = 1; i < all; i++)
		MIG_ASSERT_UINT_EQ(clocks[i - 1] - clocks[i], 15);
	ASSERT_CODE(nvmlDeviceGetSupportedGraphicsClocks(gpu, 1, &count, clocks),
		    NVML_ERROR_NOT_FOUND);
	ASSERT_CODE(nvmlDeviceGetClockInfo(gpu, (nvmlClockType_t)4, &count),
		    NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_CODE(nvmlDeviceGetClockInfo(gpu, NVML_CLOCK_MEM, NULL), NVML_ERROR_INVALID_ARGUMENT);
}

MIG_TEST(fans_are_there_where_the_card_has_some)
{
	unsigned int speed = 77, fans = 77;

	fixture_start(A100 ",rtx-pro-6000-workstation-96gb", NULL);
	ASSERT_OK(nvmlDeviceGetNumFans(fixture_gpu(0), &fans));
	MIG_ASSERT_UINT_EQ(fans, 0);
	ASSERT_CODE(nvmlDeviceGetFanSpeed(fixture_gpu(0), &speed), NVML_ERROR_NOT_SUPPORTED);
	MIG_ASSERT_UINT_EQ(speed, 77);
	ASSERT_OK(nvmlDeviceGetNumFans(fixture_gpu(1), &fans));
	MIG_ASSERT_UINT_EQ(fans, 2);
	ASSERT_OK(nvmlDeviceGetFanSpeed_v2(fixture_gpu(1), 1, &speed));
	MIG_ASSERT_UINT_EQ(speed, 30);
	ASSERT_CODE(nvmlDeviceGetFanSpeed_v2(fixture_gpu(1), 2, &speed),
		    NVML_ERROR_INVALID_ARGUMENT);
}

/* ---- MIG -------------------------------------------------------------------------------------- */

MIG_TEST(mig_takes_the_utilisation_away)
{
	unsigned int busy = 77, period = 0, power = 0;
	nvmlFBCStats_t capture;
	nvmlDevice_t gpu;

	fixture_start(A100, NULL);
	gpu = fixture_gpu(0);
	ASSERT_OK(nvmlDeviceGetEncoderUtilization(gpu, &busy, &period));
	MIG_ASSERT_UINT_EQ(busy, 0);
	ASSERT_OK(nvmlDeviceGetFBCStats(gpu, &capture));
	fixture_mig_on(gpu);
	ASSERT_CODE(nvmlDeviceGetEncoderUtilization(gpu, &busy, &period), NVML_ERROR_NOT_SUPPORTED);
	ASSERT_CODE(nvmlDeviceGetDecoderUtilization(gpu, &busy, &period), NVML_ERROR_NOT_SUPPORTED);
	ASSERT_CODE(nvmlDeviceGetJpgUtilization(gpu, &busy, &period), NVML_ERROR_NOT_SUPPORTED);
	ASSERT_CODE(nvmlDeviceGetOfaUtilization(gpu, &busy, &period), NVML_ERROR_NOT_SUPPORTED);
	ASSERT_CODE(nvmlDeviceGetEncoderStats(gpu, &busy, &busy, &busy), NVML_ERROR_NOT_SUPPORTED);
	ASSERT_CODE(nvmlDeviceGetFBCStats(gpu, &capture), NVML_ERROR_NOT_SUPPORTED);
	ASSERT_OK(nvmlDeviceGetPowerUsage(gpu, &power));
	MIG_ASSERT_UINT_EQ(power, 52000);
}

MIG_TEST(mig_devices_have_none_of_it)
{
	unsigned long long reasons, energy;
	unsigned int value = 77;
	char text[64];
	nvmlDevice_t gpu, device = NULL;

	fixture_start(A100, NULL);
	gpu = fixture_gpu(0);
	fixture_mig_on(gpu);
	fixture_ci(fixture_gi(gpu, 9, 4, 4), 2);
	ASSERT_OK(nvmlDeviceGetMigDeviceHandleByIndex(gpu, 0, &device));
	ASSERT_CODE(nvmlDeviceGetTemperature(device, NVML_TEMPERATURE_GPU, &value),
		    NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_CODE(nvmlDeviceGetPowerUsage(device, &value), NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_CODE(nvmlDeviceGetClockInfo(device, NVML_CLOCK_SM, &value),
		    NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_CODE(nvmlDeviceGetFanSpeed(device, &value), NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_CODE(nvmlDeviceGetCurrPcieLinkWidth(device, &value), NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_CODE(nvmlDeviceGetSerial(device, text, sizeof(text)), NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_CODE(nvmlDeviceGetCurrentClocksEventReasons(device, &reasons),
		    NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_CODE(nvmlDeviceGetTotalEnergyConsumption(device, &energy),
		    NVML_ERROR_INVALID_ARGUMENT);
	MIG_ASSERT_UINT_EQ(value, 77);
}

/* ---- boards, links, topology ------------------------------------------------------------------ */

MIG_TEST(serial_numbers_lead_back)
{
	char first[NVML_DEVICE_SERIAL_BUFFER_SIZE], second[NVML_DEVICE_SERIAL_BUFFER_SIZE];
	nvmlDevice_t found = NULL;

	fixture_start("2x" A100, NULL);
	ASSERT_OK(nvmlDeviceGetSerial(fixture_gpu(0), first, sizeof(first)));
	ASSERT_OK(nvmlDeviceGetSerial(fixture_gpu(1), second, sizeof(second)));
	MIG_ASSERT_UINT_EQ(strlen(first), 13);
	MIG_ASSERT(strcmp(first, second) != 0);
	ASSERT_OK(nvmlDeviceGetHandleBySerial(second, &found));
	MIG_ASSERT(found == fixture_gpu(1));
	ASSERT_CODE(nvmlDeviceGetHandleBySerial("1", &found), NVML_ERROR_NOT_FOUND);
	ASSERT_CODE(nvmlDeviceGetSerial(fixture_gpu(0), first, 13), NVML_ERROR_INSUFFICIENT_SIZE);
}

MIG_TEST(links_need_a_second_gpu_with_switches)
{
	nvmlEnableState_t active = 7;
	unsigned int version = 0;
	nvmlPciInfo_t pci;

	fixture_start("2x" A100 ",a100-pcie-40gb,t4-16gb", NULL);
	ASSERT_OK(nvmlDeviceGetNvLinkState(fixture_gpu(0), 11, &active));
	MIG_ASSERT_INT_EQ(active, NVML_FEATURE_ENABLED);
	ASSERT_OK(nvmlDeviceGetNvLinkVersion(fixture_gpu(0), 0, &version));
	MIG_ASSERT_UINT_EQ(version, 3);
	ASSERT_OK(nvmlDeviceGetNvLinkRemotePciInfo_v2(fixture_gpu(0), 0, &pci));
	MIG_ASSERT(pci.busId[0] != '\0');
	ASSERT_CODE(nvmlDeviceGetNvLinkState(fixture_gpu(0), 12, &active),
		    NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_OK(nvmlDeviceGetNvLinkState(fixture_gpu(2), 0, &active));
	MIG_ASSERT_INT_EQ(active, NVML_FEATURE_DISABLED);
	ASSERT_CODE(nvmlDeviceGetNvLinkRemotePciInfo_v2(fixture_gpu(2), 0, &pci),
		    NVML_ERROR_NOT_SUPPORTED);
	ASSERT_CODE(nvmlDeviceGetNvLinkState(fixture_gpu(3), 0, &active), NVML_ERROR_NOT_SUPPORTED);
}

MIG_TEST(fabric_info_fits_its_version)
{
	nvmlGpuFabricInfoV_t info;
	nvmlC2cModeInfo_v1_t c2c = {.isC2cEnabled = 7};

	fixture_start(A100 ",gh200-96gb", NULL);
	memset(&info, 0xa5, sizeof(info));
	info.version = MIG_NVML_STRUCT_VERSION(nvmlGpuFabricInfo_v2_t, 2);
	ASSERT_OK(nvmlDeviceGetGpuFabricInfoV(fixture_gpu(0), &info));
	MIG_ASSERT_UINT_EQ(info.state, NVML_GPU_FABRIC_STATE_NOT_SUPPORTED);
	MIG_ASSERT_UINT_EQ(info.healthSummary, 0xa5);
	info.version = MIG_NVML_STRUCT_VERSION(nvmlGpuFabricInfo_v3_t, 3);
	ASSERT_OK(nvmlDeviceGetGpuFabricInfoV(fixture_gpu(0), &info));
	MIG_ASSERT_UINT_EQ(info.healthSummary, 0);
	info.version++;
	ASSERT_CODE(nvmlDeviceGetGpuFabricInfoV(fixture_gpu(0), &info),
		    NVML_ERROR_ARGUMENT_VERSION_MISMATCH);
	ASSERT_OK(nvmlDeviceGetC2cModeInfoV(fixture_gpu(0), &c2c));
	MIG_ASSERT_UINT_EQ(c2c.isC2cEnabled, 0);
	ASSERT_OK(nvmlDeviceGetC2cModeInfoV(fixture_gpu(1), &c2c));
	MIG_ASSERT_UINT_EQ(c2c.isC2cEnabled, 1);
}

MIG_TEST(topology_of_gpus_and_processors)
{
	struct make_node_options on_numa_0 = {.numa_node_plus_one = 1};
	unsigned long cpus[16] = {0}, nodes[1] = {0};
	nvmlGpuTopologyLevel_t level = 7;
	unsigned int count = 0, bits = 0;
	nvmlDevice_t near[4] = {NULL};
	nvmlGpuP2PStatus_t status = 7;

	fixture_start("3x" A100, &on_numa_0);
	ASSERT_OK(nvmlDeviceGetTopologyCommonAncestor(fixture_gpu(0), fixture_gpu(1), &level));
	MIG_ASSERT_INT_EQ(level, NVML_TOPOLOGY_NODE);
	ASSERT_OK(
		nvmlDeviceGetTopologyNearestGpus(fixture_gpu(1), NVML_TOPOLOGY_NODE, &count, NULL));
	MIG_ASSERT_UINT_EQ(count, 2);
	count = 1;
	ASSERT_OK(
		nvmlDeviceGetTopologyNearestGpus(fixture_gpu(1), NVML_TOPOLOGY_NODE, &count, near));
	MIG_ASSERT(count == 1 && near[0] == fixture_gpu(0) && !near[1]);
	ASSERT_OK(nvmlDeviceGetP2PStatus(fixture_gpu(0), fixture_gpu(1), NVML_P2P_CAPS_INDEX_NVLINK,
					 &status));
	MIG_ASSERT_INT_EQ(status, NVML_P2P_STATUS_OK);
	fixture_mig_on(fixture_gpu(1));
	ASSERT_OK(nvmlDeviceGetP2PStatus(fixture_gpu(0), fixture_gpu(1), NVML_P2P_CAPS_INDEX_READ,
					 &status));
	MIG_ASSERT_INT_EQ(status, NVML_P2P_STATUS_GPU_NOT_SUPPORTED);
	ASSERT_OK(nvmlDeviceGetCpuAffinity(fixture_gpu(0), MIG_ARRAY_SIZE(cpus), cpus));
	for (unsigned int i = 0; i < MIG_ARRAY_SIZE(cpus); i++)
		bits += (unsigned int)__builtin_popcountl(cpus[i]);
	MIG_ASSERT_INT_EQ((long)bits, sysconf(_SC_NPROCESSORS_ONLN));
	ASSERT_OK(nvmlDeviceGetMemoryAffinity(fixture_gpu(0), 1, nodes, NVML_AFFINITY_SCOPE_NODE));
	MIG_ASSERT_UINT_EQ(nodes[0], 1);
	ASSERT_CODE(nvmlDeviceGetCpuAffinity(fixture_gpu(0), 0, cpus), NVML_ERROR_INVALID_ARGUMENT);
}

/* ---- fields ----------------------------------------------------------------------------------- */

MIG_TEST(fields_say_the_same)
{
	nvmlFieldValue_t values[] = {
		{.fieldId = NVML_FI_DEV_MEMORY_TEMP},
		{.fieldId = NVML_FI_DEV_POWER_INSTANT},
		{.fieldId = NVML_FI_DEV_POWER_INSTANT, .scopeId = 1},
		{.fieldId = NVML_FI_DEV_NVLINK_LINK_COUNT},
		{.fieldId = NVML_FI_DEV_NVLINK_GET_STATE, .scopeId = 17},
		{.fieldId = NVML_FI_DEV_TOTAL_ENERGY_CONSUMPTION},
		{.fieldId = NVML_FI_DEV_TEMPERATURE_SHUTDOWN_TLIMIT},
		{.fieldId = NVML_FI_DEV_ECC_CURRENT},
	};
	unsigned long long energy = 0;

	fixture_start("2xh100-sxm5-80gb", NULL);
	ASSERT_OK(nvmlDeviceGetFieldValues(fixture_gpu(0), MIG_ARRAY_SIZE(values), values));
	MIG_ASSERT_UINT_EQ(values[0].value.uiVal, 38);
	MIG_ASSERT_UINT_EQ(values[1].value.uiVal, 70000);
	ASSERT_CODE(values[2].nvmlReturn, NVML_ERROR_NOT_SUPPORTED);
	MIG_ASSERT_UINT_EQ(values[3].value.uiVal, 18);
	MIG_ASSERT_UINT_EQ(values[4].value.uiVal, 1);
	MIG_ASSERT_INT_EQ(values[5].valueType, NVML_VALUE_TYPE_UNSIGNED_LONG_LONG);
	ASSERT_OK(nvmlDeviceGetTotalEnergyConsumption(fixture_gpu(0), &energy));
	MIG_ASSERT(values[5].value.ullVal > 0 && values[5].value.ullVal <= energy);
	MIG_ASSERT_INT_EQ(values[6].valueType, NVML_VALUE_TYPE_SIGNED_INT);
	MIG_ASSERT_INT_EQ(values[6].value.siVal, -5);
	ASSERT_OK(values[7].nvmlReturn);
	MIG_ASSERT(values[1].timestamp > 0);
}
