/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a handle to the monitoring constants of its GPU; see monitor.h.
 */
#include "sim/abi/monitor.h"

#include <string.h>

nvmlReturn_t mig_monitor_find(nvmlDevice_t device, const void *out, struct mig_monitor *monitor)
{
	nvmlReturn_t code = mig_abi_find_gpu(device, &monitor->gpu);

	if (code != NVML_SUCCESS)
		return code;
	if (!out)
		return NVML_ERROR_INVALID_ARGUMENT;
	monitor->row =
		mig_monitor_row_find(monitor->gpu.facts.model->key, monitor->gpu.facts.model->arch);
	return NVML_SUCCESS;
}

nvmlReturn_t mig_monitor_give(uint32_t value, unsigned int factor, unsigned int *out)
{
	if (value == MIG_TABLE_UNKNOWN)
		return NVML_ERROR_NOT_SUPPORTED;
	*out = value * factor;
	return NVML_SUCCESS;
}

nvmlReturn_t mig_monitor_number(nvmlDevice_t device, size_t offset, unsigned int factor,
				unsigned int *out)
{
	struct mig_monitor monitor;
	nvmlReturn_t code = mig_monitor_find(device, out, &monitor);
	uint32_t value;

	if (code != NVML_SUCCESS)
		return code;
	memcpy(&value, (const char *)monitor.row + offset, sizeof(value));
	return mig_monitor_give(value, factor, out);
}
