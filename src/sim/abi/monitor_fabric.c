/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The NVLink fabric, the link to a CPU in the same package, and how addresses are shared with it.
 *
 * No fabric is simulated: its state is "not supported", which is an answer, not an error. Chips with
 * a C2C link are those that are soldered beside a Grace CPU.
 */
#include <string.h>

#include "nvml/symbols.h"
#include "sim/abi/monitor.h"

/* The beginning is the same in all versions. */
static nvmlReturn_t get_fabric_v2(nvmlDevice_t device, nvmlGpuFabricInfo_v2_t *info)
{
	struct mig_monitor monitor;
	nvmlReturn_t code = mig_monitor_find(device, info, &monitor);

	if (code != NVML_SUCCESS)
		return code;
	memset(info->clusterUuid, 0, sizeof(info->clusterUuid));
	info->status = NVML_SUCCESS;
	info->cliqueId = 0;
	info->state = NVML_GPU_FABRIC_STATE_NOT_SUPPORTED;
	info->healthMask = 0;
	return NVML_SUCCESS;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetGpuFabricInfo(nvmlDevice_t device,
						   nvmlGpuFabricInfo_t *gpuFabricInfo)
{
	struct mig_monitor monitor;
	nvmlReturn_t code = mig_monitor_find(device, gpuFabricInfo, &monitor);

	if (code != NVML_SUCCESS)
		return code;
	memset(gpuFabricInfo, 0, sizeof(*gpuFabricInfo));
	gpuFabricInfo->status = NVML_SUCCESS;
	gpuFabricInfo->state = NVML_GPU_FABRIC_STATE_NOT_SUPPORTED;
	return NVML_SUCCESS;
}

/* Version 2, and what version 3 has beyond it. */
MIG_EXPORT nvmlReturn_t nvmlDeviceGetGpuFabricInfoV(nvmlDevice_t device,
						    nvmlGpuFabricInfoV_t *gpuFabricInfo)
{
	struct mig_monitor monitor;
	nvmlReturn_t code = mig_monitor_find(device, gpuFabricInfo, &monitor);
	bool is_third;

	if (code != NVML_SUCCESS)
		return code;
	is_third = gpuFabricInfo->version == MIG_NVML_STRUCT_VERSION(nvmlGpuFabricInfo_v3_t, 3);
	if (!is_third &&
	    gpuFabricInfo->version != MIG_NVML_STRUCT_VERSION(nvmlGpuFabricInfo_v2_t, 2))
		return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
	if (is_third)
		gpuFabricInfo->healthSummary = 0;
	return get_fabric_v2(device, (nvmlGpuFabricInfo_v2_t *)gpuFabricInfo);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetC2cModeInfoV(nvmlDevice_t device,
						  nvmlC2cModeInfo_v1_t *c2cModeInfo)
{
	struct mig_monitor monitor;
	nvmlReturn_t code = mig_monitor_find(device, c2cModeInfo, &monitor);
	const char *key;

	if (code != NVML_SUCCESS)
		return code;
	key = monitor.gpu.facts.model->key;
	c2cModeInfo->isC2cEnabled = strncmp(key, "gh", 2) == 0 || strncmp(key, "gb", 2) == 0;
	return NVML_SUCCESS;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetAddressingMode(nvmlDevice_t device,
						    nvmlDeviceAddressingMode_t *mode)
{
	struct mig_monitor monitor;
	nvmlReturn_t code = mig_monitor_find(device, mode, &monitor);

	if (code != NVML_SUCCESS)
		return code;
	if (mode->version != MIG_NVML_STRUCT_VERSION(nvmlDeviceAddressingMode_v1_t, 1))
		return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
	mode->value = NVML_DEVICE_ADDRESSING_MODE_NONE;
	return NVML_SUCCESS;
}
