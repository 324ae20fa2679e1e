/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PCI Express link: at full width and speed, with nothing on it and nothing replayed.
 */
#include <stddef.h>

#include "nvml/symbols.h"
#include "sim/abi/monitor.h"

static nvmlReturn_t get_generation(nvmlDevice_t device, unsigned int *generation)
{
	return mig_monitor_number(device, offsetof(struct mig_monitor_row, pcie_generation), 1,
				  generation);
}

static nvmlReturn_t get_width(nvmlDevice_t device, unsigned int *width)
{
	return mig_monitor_number(device, offsetof(struct mig_monitor_row, pcie_width), 1, width);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetMaxPcieLinkGeneration(nvmlDevice_t device,
							   unsigned int *maxLinkGen)
{
	return get_generation(device, maxLinkGen);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetGpuMaxPcieLinkGeneration(nvmlDevice_t device,
							      unsigned int *maxLinkGenDevice)
{
	return get_generation(device, maxLinkGenDevice);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetCurrPcieLinkGeneration(nvmlDevice_t device,
							    unsigned int *currLinkGen)
{
	return get_generation(device, currLinkGen);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetMaxPcieLinkWidth(nvmlDevice_t device,
						      unsigned int *maxLinkWidth)
{
	return get_width(device, maxLinkWidth);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetCurrPcieLinkWidth(nvmlDevice_t device,
						       unsigned int *currLinkWidth)
{
	return get_width(device, currLinkWidth);
}

/* NVML numbers the speeds as PCI Express does its generations. */
MIG_EXPORT nvmlReturn_t nvmlDeviceGetPcieLinkMaxSpeed(nvmlDevice_t device, unsigned int *maxSpeed)
{
	return get_generation(device, maxSpeed);
}

/* Megabits a second on one lane. */
MIG_EXPORT nvmlReturn_t nvmlDeviceGetPcieSpeed(nvmlDevice_t device, unsigned int *pcieSpeed)
{
	static const unsigned int speeds[] = {0, 2500, 5000, 8000, 16000, 32000, 64000};
	unsigned int generation = 0;
	nvmlReturn_t code = get_generation(device, pcieSpeed ? &generation : NULL);

	if (code != NVML_SUCCESS)
		return code;
	if (generation >= MIG_ARRAY_SIZE(speeds))
		return NVML_ERROR_NOT_SUPPORTED;
	*pcieSpeed = speeds[generation];
	return NVML_SUCCESS;
}

static nvmlReturn_t get_nothing(nvmlDevice_t device, unsigned int *value)
{
	unsigned int generation;
	nvmlReturn_t code = get_generation(device, value ? &generation : NULL);

	if (code == NVML_SUCCESS)
		*value = 0;
	return code;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetPcieReplayCounter(nvmlDevice_t device, unsigned int *value)
{
	return get_nothing(device, value);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetPcieThroughput(nvmlDevice_t device,
						    nvmlPcieUtilCounter_t counter,
						    unsigned int *value)
{
	struct mig_monitor monitor;
	nvmlReturn_t code = mig_monitor_find(device, value, &monitor);

	if (code != NVML_SUCCESS)
		return code;
	if ((unsigned int)counter > NVML_PCIE_UTIL_RX_BYTES)
		return NVML_ERROR_INVALID_ARGUMENT;
	return get_nothing(device, value);
}
