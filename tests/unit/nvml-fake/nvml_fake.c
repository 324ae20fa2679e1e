/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small NVML libraries that test_nvml_loader loads. One source, four libraries:
 *
 *   (nothing)    the newest names of everything it has
 *   FAKE_OLD     as an old driver: process lists by an older name, no …ProfileInfoV
 *   FAKE_BROKEN  lacks two required functions
 *   FAKE_SIM     also says that it is the simulated driver, serving $FAKE_NODE
 *
 * It has only a few of NVML's functions; fake_calls() says how often any was called.
 */
#include <stdlib.h>
#include <string.h>

#include "nvml/sim_identity.h"
#include "nvml/symbols.h"

#define EXPORT __attribute__((visibility("default")))

static _Atomic unsigned int calls;

EXPORT unsigned int fake_calls(void);
EXPORT unsigned int fake_calls(void)
{
	return calls;
}

static nvmlReturn_t text(char *out, unsigned int length, const char *value)
{
	calls++;
	if (strlen(value) >= length)
		return NVML_ERROR_INSUFFICIENT_SIZE;
	memcpy(out, value, strlen(value) + 1);
	return NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlInitWithFlags(unsigned int flags)
{
	calls++;
	return flags == 0 ? NVML_SUCCESS : NVML_ERROR_INVALID_ARGUMENT;
}

#ifndef FAKE_BROKEN
EXPORT nvmlReturn_t nvmlShutdown(void)
{
	calls++;
	return NVML_ERROR_UNINITIALIZED;
}

EXPORT const char *nvmlErrorString(nvmlReturn_t result)
{
	calls++;
	return (int)result == 4711 ? "a text of the driver" : "Unknown Error";
}
#endif

EXPORT nvmlReturn_t nvmlSystemGetDriverVersion(char *version, unsigned int length)
{
	return text(version, length, "999.1");
}

EXPORT nvmlReturn_t nvmlDeviceGetCount_v2(unsigned int *deviceCount)
{
	calls++;
	*deviceCount = 3;
	return NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetHandleByIndex_v2(unsigned int index, nvmlDevice_t *device)
{
	calls++;
	*device = (nvmlDevice_t)(uintptr_t)(0x1000 + index);
	return NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetName(nvmlDevice_t device, char *name, unsigned int length)
{
	return text(name, length, device == (nvmlDevice_t)(uintptr_t)0x1001 ? "one" : "other");
}

EXPORT nvmlReturn_t nvmlDeviceGetUUID(nvmlDevice_t device, char *uuid, unsigned int length)
{
	(void)device;
	return text(uuid, length, "GPU-0");
}

EXPORT nvmlReturn_t nvmlDeviceCreateGpuInstanceWithPlacement(
	nvmlDevice_t device, unsigned int profileId, const nvmlGpuInstancePlacement_t *placement,
	nvmlGpuInstance_t *gpuInstance)
{
	calls++;
	*gpuInstance = (nvmlGpuInstance_t)((uintptr_t)device + profileId + placement->start * 16 +
					   placement->size * 256);
	return NVML_ERROR_INSUFFICIENT_RESOURCES;
}

static nvmlReturn_t processes(unsigned int *count, nvmlProcessInfo_t *infos, unsigned int pid)
{
	calls++;
	*count = 1;
	infos[0] = (nvmlProcessInfo_t){.pid = pid, .gpuInstanceId = 9, .computeInstanceId = 0};
	return NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetComputeRunningProcesses_v2(nvmlDevice_t device,
							    unsigned int *infoCount,
							    nvmlProcessInfo_v2_t *infos)
{
	(void)device;
	return processes(infoCount, infos, 2);
}

#ifndef FAKE_OLD
EXPORT nvmlReturn_t nvmlDeviceGetComputeRunningProcesses_v3(nvmlDevice_t device,
							    unsigned int *infoCount,
							    nvmlProcessInfo_t *infos)
{
	(void)device;
	return processes(infoCount, infos, 3);
}

EXPORT nvmlReturn_t nvmlDeviceGetGpuInstanceProfileInfoV(nvmlDevice_t device, unsigned int profile,
							 nvmlGpuInstanceProfileInfo_v2_t *info)
{
	(void)device;
	calls++;
	info->id = 100 + profile;
	return NVML_SUCCESS;
}
#endif

#ifdef FAKE_SIM
static const char *version(void)
{
	return "0.0";
}

static const char *node_path(void)
{
	return getenv("FAKE_NODE");
}

static const char *failure_text(void)
{
	return "";
}

static struct mig_sim_identity identity = {
	.size = sizeof(identity),
	.abi_version = MIG_SIM_IDENTITY_ABI,
	.version = version,
	.node_path = node_path,
	.failure_text = failure_text,
};

EXPORT nvmlReturn_t nvmlInternalGetExportTable(const void **table, const unsigned char *uuid)
{
	static const unsigned char ours[MIG_SIM_IDENTITY_UUID_SIZE] = MIG_SIM_IDENTITY_UUID_BYTES;

	calls++;
	if (memcmp(uuid, ours, sizeof(ours)) != 0)
		return NVML_ERROR_NOT_FOUND;
	if (getenv("FAKE_IDENTITY_ABI") != NULL)
		identity.abi_version = MIG_SIM_IDENTITY_ABI + 1;
	*table = &identity;
	return NVML_SUCCESS;
}
#endif
