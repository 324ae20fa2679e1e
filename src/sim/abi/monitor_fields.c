/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same constants by field number, and counters that never count.
 */
#include "nvml/symbols.h"
#include "sim/abi/branch.h"
#include "sim/abi/monitor.h"

typedef nvmlReturn_t (*number_fn)(nvmlDevice_t device, unsigned int *out);

/* Fields that a function of NVML gives, too. */
static const struct {
	unsigned int field;
	number_fn get;
} numbers[] = {
	{NVML_FI_DEV_PCIE_REPLAY_COUNTER, nvmlDeviceGetPcieReplayCounter},
	{NVML_FI_DEV_PCIE_REPLAY_ROLLOVER_COUNTER, nvmlDeviceGetPcieReplayCounter},
	{NVML_FI_DEV_POWER_INSTANT, nvmlDeviceGetPowerUsage},
	{NVML_FI_DEV_POWER_DEFAULT_LIMIT, nvmlDeviceGetPowerManagementDefaultLimit},
	{NVML_FI_DEV_POWER_CURRENT_LIMIT, nvmlDeviceGetEnforcedPowerLimit},
	{NVML_FI_DEV_POWER_REQUESTED_LIMIT, nvmlDeviceGetPowerManagementLimit},
};

/* What is counted and never happens, in ranges of field numbers. */
static const struct {
	unsigned int first;
	unsigned int last;
	bool is_nvlink;
} counters[] = {
	{NVML_FI_DEV_NVLINK_CRC_FLIT_ERROR_COUNT_L0, NVML_FI_DEV_NVLINK_BANDWIDTH_C1_TOTAL, true},
	{NVML_FI_DEV_PERF_POLICY_POWER, NVML_FI_DEV_PERF_POLICY_TOTAL_BASE_CLOCKS, false},
	{NVML_FI_DEV_NVLINK_CRC_FLIT_ERROR_COUNT_L6, NVML_FI_DEV_NVLINK_BANDWIDTH_C1_L11, true},
	{NVML_FI_DEV_NVLINK_THROUGHPUT_DATA_TX, NVML_FI_DEV_NVLINK_THROUGHPUT_RAW_RX, true},
	{NVML_FI_DEV_NVLINK_ECC_DATA_ERROR_COUNT_L0, NVML_FI_DEV_NVLINK_ERROR_DL_CRC, true},
	{NVML_FI_DEV_PCIE_L0_TO_RECOVERY_COUNTER, NVML_FI_DEV_PCIE_L0_TO_RECOVERY_COUNTER, false},
	{NVML_FI_DEV_PCIE_COUNT_CORRECTABLE_ERRORS, NVML_FI_DEV_PCIE_COUNT_LANE_ERROR, false},
};

static nvmlReturn_t give_number(nvmlFieldValue_t *out, nvmlReturn_t code, unsigned int value)
{
	if (code != NVML_SUCCESS)
		return code;
	out->valueType = NVML_VALUE_TYPE_UNSIGNED_INT;
	out->value.ullVal = value;
	return NVML_SUCCESS;
}

static nvmlReturn_t give_count(nvmlFieldValue_t *out, nvmlReturn_t code, unsigned long long value)
{
	if (code != NVML_SUCCESS)
		return code;
	out->valueType = NVML_VALUE_TYPE_UNSIGNED_LONG_LONG;
	out->value.ullVal = value;
	return NVML_SUCCESS;
}

/* Degrees below a limit at which something happens, as GPUs since Hopper count them. */
static nvmlReturn_t give_margin(const struct mig_monitor *monitor, uint32_t limit,
				nvmlFieldValue_t *out)
{
	if (monitor->gpu.facts.model->arch < MIG_ARCH_HOPPER || limit == MIG_TABLE_UNKNOWN ||
	    monitor->row->gpu_max_c == MIG_TABLE_UNKNOWN)
		return NVML_ERROR_NOT_SUPPORTED;
	out->valueType = NVML_VALUE_TYPE_SIGNED_INT;
	out->value.ullVal = 0;
	out->value.siVal = (int)monitor->row->gpu_max_c - (int)limit;
	return NVML_SUCCESS;
}

static nvmlReturn_t power_field(nvmlDevice_t device, const struct mig_monitor *monitor,
				unsigned int field, nvmlFieldValue_t *out)
{
	const struct mig_gpu_table *model = monitor->gpu.facts.model;
	unsigned int lowest = 0, highest = 0, now = 0;
	nvmlReturn_t code;

	if (field == NVML_FI_DEV_POWER_AVERAGE) {
		/* Not on chips before Ampere, nor on GA100, which has 64 cores in an SM. */
		if (model->arch < MIG_ARCH_AMPERE ||
		    (model->arch == MIG_ARCH_AMPERE && monitor->row->cores_per_sm == 64))
			return NVML_ERROR_NOT_SUPPORTED;
		code = nvmlDeviceGetPowerUsage(device, &now);
		return give_number(out, code, now);
	}
	code = nvmlDeviceGetPowerManagementLimitConstraints(device, &lowest, &highest);
	return give_number(out, code, field == NVML_FI_DEV_POWER_MIN_LIMIT ? lowest : highest);
}

/* ---- NVLink ----------------------------------------------------------------------------------- */

static nvmlReturn_t give_speed(nvmlDevice_t device, const struct mig_monitor *monitor,
			       unsigned int link, nvmlFieldValue_t *out)
{
	nvmlEnableState_t state = NVML_FEATURE_DISABLED;
	nvmlReturn_t code = nvmlDeviceGetNvLinkState(device, link, &state);

	return give_number(out, code, state ? monitor->row->nvlink_mbps : 0);
}

static nvmlReturn_t link_field(nvmlDevice_t device, const struct mig_monitor *monitor,
			       unsigned int field, unsigned int link, nvmlFieldValue_t *out)
{
	nvmlEnableState_t state = NVML_FEATURE_DISABLED;
	unsigned int version = 0;
	nvmlReturn_t code;

	if (field >= NVML_FI_DEV_NVLINK_SPEED_MBPS_L0 && field <= NVML_FI_DEV_NVLINK_SPEED_MBPS_L5)
		return give_speed(device, monitor, field - NVML_FI_DEV_NVLINK_SPEED_MBPS_L0, out);
	if (field >= NVML_FI_DEV_NVLINK_SPEED_MBPS_L6 && field <= NVML_FI_DEV_NVLINK_SPEED_MBPS_L11)
		return give_speed(device, monitor, field - NVML_FI_DEV_NVLINK_SPEED_MBPS_L6 + 6,
				  out);
	switch (field) {
	case NVML_FI_DEV_NVLINK_SPEED_MBPS_COMMON:
		return give_speed(device, monitor, 0, out);
	case NVML_FI_DEV_NVLINK_GET_SPEED:
		return give_speed(device, monitor, link, out);
	case NVML_FI_DEV_NVLINK_LINK_COUNT:
		return give_number(out, NVML_SUCCESS, monitor->row->nvlink_count);
	case NVML_FI_DEV_NVSWITCH_CONNECTED_LINK_COUNT:
		return give_number(out, NVML_SUCCESS,
				   mig_monitor_is_linked(monitor) ? monitor->row->nvlink_count : 0);
	case NVML_FI_DEV_NVLINK_GET_STATE:
		code = nvmlDeviceGetNvLinkState(device, link, &state);
		return give_number(out, code, state);
	case NVML_FI_DEV_NVLINK_GET_VERSION:
		code = nvmlDeviceGetNvLinkVersion(device, link, &version);
		return give_number(out, code, version);
	default:
		return NVML_ERROR_NOT_SUPPORTED;
	}
}

/* ---- all -------------------------------------------------------------------------------------- */

static nvmlReturn_t counter_field(const struct mig_monitor *monitor, unsigned int field,
				  nvmlFieldValue_t *out)
{
	for (unsigned int i = 0; i < MIG_ARRAY_SIZE(counters); i++) {
		if (field < counters[i].first || field > counters[i].last)
			continue;
		if (counters[i].is_nvlink ? !mig_monitor_is_linked(monitor)
					  : monitor->row->pcie_width == MIG_TABLE_UNKNOWN)
			return NVML_ERROR_NOT_SUPPORTED;
		return give_count(out, NVML_SUCCESS, 0);
	}
	return NVML_ERROR_NOT_SUPPORTED;
}

static nvmlReturn_t single_field(nvmlDevice_t device, const struct mig_monitor *monitor,
				 unsigned int field, nvmlFieldValue_t *out)
{
	const struct mig_monitor_row *row = monitor->row;
	unsigned long long energy = 0;
	unsigned int value = 0;
	nvmlReturn_t code;

	switch (field) {
	case NVML_FI_DEV_MEMORY_TEMP:
		code = mig_monitor_give(row->memory_idle_c, 1, &value);
		return give_number(out, code, value);
	case NVML_FI_DEV_TOTAL_ENERGY_CONSUMPTION:
	case NVML_FI_DEV_ENERGY:
		code = nvmlDeviceGetTotalEnergyConsumption(device, &energy);
		return give_count(out, code, energy);
	case NVML_FI_DEV_POWER_AVERAGE:
	case NVML_FI_DEV_POWER_MIN_LIMIT:
	case NVML_FI_DEV_POWER_MAX_LIMIT:
		return power_field(device, monitor, field, out);
	case NVML_FI_DEV_TEMPERATURE_SHUTDOWN_TLIMIT:
		return give_margin(monitor, row->shutdown_c, out);
	case NVML_FI_DEV_TEMPERATURE_SLOWDOWN_TLIMIT:
		return give_margin(monitor, row->slowdown_c, out);
	case NVML_FI_DEV_TEMPERATURE_MEM_MAX_TLIMIT:
		return give_margin(monitor, row->memory_max_c, out);
	case NVML_FI_DEV_TEMPERATURE_GPU_MAX_TLIMIT:
		return give_margin(monitor, row->gpu_max_c, out);
	default:
		return NVML_ERROR_NOT_SUPPORTED;
	}
}

/* The header of 470 ends before these. */
#define FIRST_FIELD_OF_535 NVML_FI_DEV_NVLINK_ERROR_DL_REPLAY

nvmlReturn_t mig_monitor_field(nvmlDevice_t device, unsigned int field, unsigned int link,
			       nvmlFieldValue_t *out)
{
	struct mig_monitor monitor;
	nvmlReturn_t code = mig_monitor_find(device, out, &monitor);
	unsigned int value = 0;

	if (code != NVML_SUCCESS)
		return code;
	if (field >= FIRST_FIELD_OF_535 && mig_abi_branch.number < MIG_SIM_BRANCH_535)
		return NVML_ERROR_NOT_SUPPORTED;
	/* Power is that of the GPU, which is scope 0; of its memory and its module nothing is known. */
	if (field >= NVML_FI_DEV_POWER_AVERAGE && field <= NVML_FI_DEV_POWER_REQUESTED_LIMIT &&
	    link != 0)
		return NVML_ERROR_NOT_SUPPORTED;
	for (unsigned int i = 0; i < MIG_ARRAY_SIZE(numbers); i++) {
		if (numbers[i].field == field) {
			code = numbers[i].get(device, &value);
			return give_number(out, code, value);
		}
	}
	code = single_field(device, &monitor, field, out);
	if (code == NVML_ERROR_NOT_SUPPORTED)
		code = link_field(device, &monitor, field, link, out);
	if (code == NVML_ERROR_NOT_SUPPORTED)
		code = counter_field(&monitor, field, out);
	return code;
}
