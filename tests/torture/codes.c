/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table; see codes.h. From what NVIDIA documents for each function, and what real drivers were
 * seen to answer. A function without a row of its own gives what any function of a GPU can give.
 *
 * Not in it is what is no failure but an answer: NOT_SUPPORTED of a profile (this GPU has no such
 * profile) and of the MIG mode (this GPU has no MIG), NOT_FOUND and INVALID_ARGUMENT of a MIG
 * device index (there is none). A driver that gives these wrongly states another fact.
 */
#include "tests/torture/codes.h"

#include <stdint.h>

#define BIT(word) (UINT64_C(1) << (NVML_ERROR_##word & 63))

#define LIBRARY	 (BIT(UNINITIALIZED) | BIT(UNKNOWN))
#define DEVICE	 (LIBRARY | BIT(INVALID_ARGUMENT) | BIT(GPU_IS_LOST))
#define INSTANCE (DEVICE | BIT(NO_PERMISSION) | BIT(NOT_SUPPORTED) | BIT(NOT_FOUND))
#define CHANGE                                                                        \
	(INSTANCE | BIT(IN_USE) | BIT(INSUFFICIENT_RESOURCES) | BIT(RESET_REQUIRED) | \
	 BIT(TIMEOUT) | BIT(MEMORY))

static const struct {
	enum mig_nvml_symbol symbol;
	uint64_t codes;
} rows[] = {
	{MIG_NVML_SYM_nvmlInitWithFlags, LIBRARY | BIT(DRIVER_NOT_LOADED) | BIT(NO_PERMISSION)},
	{MIG_NVML_SYM_nvmlShutdown, LIBRARY},
	{MIG_NVML_SYM_nvmlSystemGetDriverVersion,
	 LIBRARY | BIT(INVALID_ARGUMENT) | BIT(INSUFFICIENT_SIZE)},
	{MIG_NVML_SYM_nvmlDeviceGetCount_v2, LIBRARY | BIT(INVALID_ARGUMENT)},
	{MIG_NVML_SYM_nvmlDeviceGetHandleByIndex_v2,
	 DEVICE | BIT(NO_PERMISSION) | BIT(INSUFFICIENT_POWER) | BIT(IRQ_ISSUE)},
	{MIG_NVML_SYM_nvmlDeviceGetHandleByUUID,
	 DEVICE | BIT(NOT_FOUND) | BIT(INSUFFICIENT_POWER) | BIT(IRQ_ISSUE)},
	{MIG_NVML_SYM_nvmlDeviceGetName, DEVICE | BIT(INSUFFICIENT_SIZE)},
	{MIG_NVML_SYM_nvmlDeviceGetUUID, DEVICE | BIT(INSUFFICIENT_SIZE) | BIT(NOT_SUPPORTED)},
	{MIG_NVML_SYM_nvmlDeviceGetMemoryInfo, DEVICE | BIT(NO_PERMISSION)},
	{MIG_NVML_SYM_nvmlDeviceGetMemoryInfo_v2, DEVICE | BIT(NO_PERMISSION)},
	{MIG_NVML_SYM_nvmlDeviceGetMigMode, DEVICE | BIT(TIMEOUT)},
	{MIG_NVML_SYM_nvmlDeviceSetMigMode, CHANGE & ~BIT(NOT_FOUND)},
	{MIG_NVML_SYM_nvmlDeviceGetMaxMigDeviceCount, DEVICE},
	{MIG_NVML_SYM_nvmlDeviceGetMigDeviceHandleByIndex,
	 LIBRARY | BIT(GPU_IS_LOST) | BIT(NOT_SUPPORTED)},
	{MIG_NVML_SYM_nvmlDeviceGetGpuInstanceProfileInfo, DEVICE},
	{MIG_NVML_SYM_nvmlDeviceGetGpuInstanceProfileInfoV, DEVICE},
	{MIG_NVML_SYM_nvmlDeviceGetGpuInstanceProfileInfoByIdV, DEVICE},
	{MIG_NVML_SYM_nvmlGpuInstanceGetComputeInstanceProfileInfo, DEVICE},
	{MIG_NVML_SYM_nvmlGpuInstanceGetComputeInstanceProfileInfoV, DEVICE},
	{MIG_NVML_SYM_nvmlDeviceGetGpuInstances, INSTANCE | BIT(INSUFFICIENT_SIZE)},
	{MIG_NVML_SYM_nvmlGpuInstanceGetComputeInstances, INSTANCE | BIT(INSUFFICIENT_SIZE)},
	{MIG_NVML_SYM_nvmlDeviceCreateGpuInstance, CHANGE},
	{MIG_NVML_SYM_nvmlDeviceCreateGpuInstanceWithPlacement, CHANGE},
	{MIG_NVML_SYM_nvmlGpuInstanceDestroy, CHANGE},
	{MIG_NVML_SYM_nvmlGpuInstanceCreateComputeInstance, CHANGE},
	{MIG_NVML_SYM_nvmlGpuInstanceCreateComputeInstanceWithPlacement, CHANGE},
	{MIG_NVML_SYM_nvmlComputeInstanceDestroy, CHANGE},
};

unsigned int fault_codes(enum mig_nvml_symbol symbol, nvmlReturn_t codes[CODES_MAX])
{
	uint64_t mask = INSTANCE | BIT(INSUFFICIENT_SIZE);
	unsigned int count = 0;

	for (size_t i = 0; i < MIG_ARRAY_SIZE(rows); i++) {
		if (rows[i].symbol == symbol)
			mask = rows[i].codes;
	}
	for (unsigned int bit = 0; bit < 64 && count < CODES_MAX; bit++) {
		if ((mask & (UINT64_C(1) << bit)) == 0)
			continue;
		/* UNKNOWN is 999; no other code is above 63. */
		codes[count++] = bit == (NVML_ERROR_UNKNOWN & 63) ? NVML_ERROR_UNKNOWN
								  : (nvmlReturn_t)bit;
	}
	return count;
}
