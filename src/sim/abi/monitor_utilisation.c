/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How busy the engines are: not at all, and with MIG on NVML does not say. Accounting is off.
 */
#include "nvml/symbols.h"
#include "sim/abi/monitor.h"

#define SAMPLING_PERIOD_US 1000000 /* what is averaged over */

static nvmlReturn_t get_engine(nvmlDevice_t device, unsigned int *utilization,
			       unsigned int *samplingPeriodUs)
{
	struct mig_monitor monitor;
	nvmlReturn_t code = mig_monitor_find(device, utilization, &monitor);

	if (code != NVML_SUCCESS)
		return code;
	if (!samplingPeriodUs)
		return NVML_ERROR_INVALID_ARGUMENT;
	if (mig_abi_is_mig_on(&monitor.gpu))
		return NVML_ERROR_NOT_SUPPORTED;
	*utilization = 0;
	*samplingPeriodUs = SAMPLING_PERIOD_US;
	return NVML_SUCCESS;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetEncoderUtilization(nvmlDevice_t device,
							unsigned int *utilization,
							unsigned int *samplingPeriodUs)
{
	return get_engine(device, utilization, samplingPeriodUs);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetDecoderUtilization(nvmlDevice_t device,
							unsigned int *utilization,
							unsigned int *samplingPeriodUs)
{
	return get_engine(device, utilization, samplingPeriodUs);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetJpgUtilization(nvmlDevice_t device, unsigned int *utilization,
						    unsigned int *samplingPeriodUs)
{
	return get_engine(device, utilization, samplingPeriodUs);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetOfaUtilization(nvmlDevice_t device, unsigned int *utilization,
						    unsigned int *samplingPeriodUs)
{
	return get_engine(device, utilization, samplingPeriodUs);
}

/* ---- sessions of encoders and frame buffer capture: none -------------------------------------- */

MIG_EXPORT nvmlReturn_t nvmlDeviceGetEncoderStats(nvmlDevice_t device, unsigned int *sessionCount,
						  unsigned int *averageFps,
						  unsigned int *averageLatency)
{
	struct mig_monitor monitor;
	nvmlReturn_t code = mig_monitor_find(device, sessionCount, &monitor);

	if (code != NVML_SUCCESS)
		return code;
	if (!averageFps || !averageLatency)
		return NVML_ERROR_INVALID_ARGUMENT;
	if (mig_abi_is_mig_on(&monitor.gpu))
		return NVML_ERROR_NOT_SUPPORTED;
	*sessionCount = 0;
	*averageFps = 0;
	*averageLatency = 0;
	return NVML_SUCCESS;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetFBCStats(nvmlDevice_t device, nvmlFBCStats_t *fbcStats)
{
	struct mig_monitor monitor;
	nvmlReturn_t code = mig_monitor_find(device, fbcStats, &monitor);

	if (code != NVML_SUCCESS)
		return code;
	if (mig_abi_is_mig_on(&monitor.gpu))
		return NVML_ERROR_NOT_SUPPORTED;
	*fbcStats = (nvmlFBCStats_t){0};
	return NVML_SUCCESS;
}

/* ---- accounting ------------------------------------------------------------------------------- */

#define ACCOUNTING_BUFFER_SIZE 4000 /* processes */

MIG_EXPORT nvmlReturn_t nvmlDeviceGetAccountingMode(nvmlDevice_t device, nvmlEnableState_t *mode)
{
	struct mig_monitor monitor;
	nvmlReturn_t code = mig_monitor_find(device, mode, &monitor);

	if (code == NVML_SUCCESS)
		*mode = NVML_FEATURE_DISABLED;
	return code;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetAccountingBufferSize(nvmlDevice_t device,
							  unsigned int *bufferSize)
{
	struct mig_monitor monitor;
	nvmlReturn_t code = mig_monitor_find(device, bufferSize, &monitor);

	if (code == NVML_SUCCESS)
		*bufferSize = ACCOUNTING_BUFFER_SIZE;
	return code;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetAccountingPids(nvmlDevice_t device, unsigned int *count,
						    unsigned int *pids)
{
	struct mig_monitor monitor;
	nvmlReturn_t code = mig_monitor_find(device, count, &monitor);

	(void)pids;
	if (code == NVML_SUCCESS)
		*count = 0;
	return code;
}
