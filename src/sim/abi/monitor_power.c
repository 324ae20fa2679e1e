/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Power, temperatures and fans: those of a GPU that idles.
 */
#include <stddef.h>

#include "nvml/symbols.h"
#include "shared/clock.h"
#include "sim/abi/monitor.h"

#define MILLIWATTS 1000

/* ---- power, in milliwatts --------------------------------------------------------------------- */

MIG_EXPORT nvmlReturn_t nvmlDeviceGetPowerUsage(nvmlDevice_t device, unsigned int *power)
{
	return mig_monitor_number(device, offsetof(struct mig_monitor_row, power_idle_w),
				  MILLIWATTS, power);
}

static nvmlReturn_t get_limit(nvmlDevice_t device, unsigned int *limit)
{
	return mig_monitor_number(device, offsetof(struct mig_monitor_row, power_limit_w),
				  MILLIWATTS, limit);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetPowerManagementLimit(nvmlDevice_t device, unsigned int *limit)
{
	return get_limit(device, limit);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetPowerManagementDefaultLimit(nvmlDevice_t device,
								 unsigned int *defaultLimit)
{
	return get_limit(device, defaultLimit);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetEnforcedPowerLimit(nvmlDevice_t device, unsigned int *limit)
{
	return get_limit(device, limit);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetPowerManagementLimitConstraints(nvmlDevice_t device,
								     unsigned int *minLimit,
								     unsigned int *maxLimit)
{
	struct mig_monitor monitor;
	nvmlReturn_t code = mig_monitor_find(device, minLimit, &monitor);

	if (code != NVML_SUCCESS)
		return code;
	if (!maxLimit)
		return NVML_ERROR_INVALID_ARGUMENT;
	if (monitor.row->power_min_w == MIG_TABLE_UNKNOWN ||
	    monitor.row->power_max_w == MIG_TABLE_UNKNOWN)
		return NVML_ERROR_NOT_SUPPORTED;
	*minLimit = monitor.row->power_min_w * MILLIWATTS;
	*maxLimit = monitor.row->power_max_w * MILLIWATTS;
	return NVML_SUCCESS;
}

/* On where there is a limit. */
MIG_EXPORT nvmlReturn_t nvmlDeviceGetPowerManagementMode(nvmlDevice_t device,
							 nvmlEnableState_t *mode)
{
	struct mig_monitor monitor;
	nvmlReturn_t code = mig_monitor_find(device, mode, &monitor);

	if (code != NVML_SUCCESS)
		return code;
	if (monitor.row->power_limit_w == MIG_TABLE_UNKNOWN)
		return NVML_ERROR_NOT_SUPPORTED;
	*mode = NVML_FEATURE_ENABLED;
	return NVML_SUCCESS;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetPowerSource(nvmlDevice_t device,
						 nvmlPowerSource_t *powerSource)
{
	struct mig_monitor monitor;
	nvmlReturn_t code = mig_monitor_find(device, powerSource, &monitor);

	if (code == NVML_SUCCESS)
		*powerSource = NVML_POWER_SOURCE_AC;
	return code;
}

/* Millijoules since the machine was started: watts times milliseconds. */
MIG_EXPORT nvmlReturn_t nvmlDeviceGetTotalEnergyConsumption(nvmlDevice_t device,
							    unsigned long long *energy)
{
	struct mig_monitor monitor;
	nvmlReturn_t code = mig_monitor_find(device, energy, &monitor);

	if (code != NVML_SUCCESS)
		return code;
	if (monitor.row->power_idle_w == MIG_TABLE_UNKNOWN)
		return NVML_ERROR_NOT_SUPPORTED;
	*energy = monitor.row->power_idle_w * (mig_clock_now_ns() / MIG_CLOCK_NS_PER_MS);
	return NVML_SUCCESS;
}

/* ---- temperatures, in degrees Celsius --------------------------------------------------------- */

MIG_EXPORT nvmlReturn_t nvmlDeviceGetTemperature(nvmlDevice_t device,
						 nvmlTemperatureSensors_t sensorType,
						 unsigned int *temp)
{
	struct mig_monitor monitor;
	nvmlReturn_t code = mig_monitor_find(device, temp, &monitor);

	if (code != NVML_SUCCESS)
		return code;
	if (sensorType != NVML_TEMPERATURE_GPU)
		return NVML_ERROR_INVALID_ARGUMENT;
	return mig_monitor_give(monitor.row->gpu_idle_c, 1, temp);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetTemperatureV(nvmlDevice_t device,
						  nvmlTemperature_t *temperature)
{
	struct mig_monitor monitor;
	nvmlReturn_t code = mig_monitor_find(device, temperature, &monitor);

	if (code != NVML_SUCCESS)
		return code;
	if (temperature->version != MIG_NVML_STRUCT_VERSION(nvmlTemperature_v1_t, 1))
		return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
	if (temperature->sensorType != NVML_TEMPERATURE_GPU)
		return NVML_ERROR_INVALID_ARGUMENT;
	if (monitor.row->gpu_idle_c == MIG_TABLE_UNKNOWN)
		return NVML_ERROR_NOT_SUPPORTED;
	temperature->temperature = (int)monitor.row->gpu_idle_c;
	return NVML_SUCCESS;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetTemperatureThreshold(nvmlDevice_t device,
							  nvmlTemperatureThresholds_t thresholdType,
							  unsigned int *temp)
{
	struct mig_monitor monitor;
	nvmlReturn_t code = mig_monitor_find(device, temp, &monitor);

	if (code != NVML_SUCCESS)
		return code;
	switch ((unsigned int)thresholdType) {
	case NVML_TEMPERATURE_THRESHOLD_SHUTDOWN:
		return mig_monitor_give(monitor.row->shutdown_c, 1, temp);
	case NVML_TEMPERATURE_THRESHOLD_SLOWDOWN:
		return mig_monitor_give(monitor.row->slowdown_c, 1, temp);
	case NVML_TEMPERATURE_THRESHOLD_MEM_MAX:
		return mig_monitor_give(monitor.row->memory_max_c, 1, temp);
	case NVML_TEMPERATURE_THRESHOLD_GPU_MAX:
		return mig_monitor_give(monitor.row->gpu_max_c, 1, temp);
	case NVML_TEMPERATURE_THRESHOLD_ACOUSTIC_MIN:
	case NVML_TEMPERATURE_THRESHOLD_ACOUSTIC_CURR:
	case NVML_TEMPERATURE_THRESHOLD_ACOUSTIC_MAX:
		return NVML_ERROR_NOT_SUPPORTED;
	default:
		return NVML_ERROR_INVALID_ARGUMENT;
	}
}

/* ---- fans: cards for servers have none -------------------------------------------------------- */

MIG_EXPORT nvmlReturn_t nvmlDeviceGetNumFans(nvmlDevice_t device, unsigned int *numFans)
{
	return mig_monitor_number(device, offsetof(struct mig_monitor_row, fan_count), 1, numFans);
}

static nvmlReturn_t get_fan_speed(nvmlDevice_t device, unsigned int fan, unsigned int *speed)
{
	struct mig_monitor monitor;
	nvmlReturn_t code = mig_monitor_find(device, speed, &monitor);

	if (code != NVML_SUCCESS)
		return code;
	if (monitor.row->fan_count == 0)
		return NVML_ERROR_NOT_SUPPORTED;
	if (fan >= monitor.row->fan_count)
		return NVML_ERROR_INVALID_ARGUMENT;
	return mig_monitor_give(monitor.row->fan_idle_percent, 1, speed);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetFanSpeed(nvmlDevice_t device, unsigned int *speed)
{
	return get_fan_speed(device, 0, speed);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetFanSpeed_v2(nvmlDevice_t device, unsigned int fan,
						 unsigned int *speed)
{
	return get_fan_speed(device, fan, speed);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetTargetFanSpeed(nvmlDevice_t device, unsigned int fan,
						    unsigned int *targetSpeed)
{
	return get_fan_speed(device, fan, targetSpeed);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetMinMaxFanSpeed(nvmlDevice_t device, unsigned int *minSpeed,
						    unsigned int *maxSpeed)
{
	nvmlReturn_t code = get_fan_speed(device, 0, minSpeed);

	if (code != NVML_SUCCESS)
		return code;
	if (!maxSpeed)
		return NVML_ERROR_INVALID_ARGUMENT;
	*maxSpeed = 100;
	return NVML_SUCCESS;
}
