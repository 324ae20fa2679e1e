/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of processes on a device, in all their versions. Nothing runs on a simulated GPU yet, so
 * every list is empty; what counts here is who may ask, and for what.
 */
#include "nvml/symbols.h"
#include "sim/abi/lookup.h"
#include "sim/abi/process.h"

/* With MIG on the list of the whole GPU shows other people's instances. */
nvmlReturn_t mig_abi_check_process_access(nvmlDevice_t device)
{
	struct mig_abi_device d;
	nvmlReturn_t code = mig_abi_find_device(device, &d);

	if (code != NVML_SUCCESS)
		return code;
	if (!d.is_mig && d.state.mig_current && !mig_abi_is_admin(d.gpu.store))
		return NVML_ERROR_NO_PERMISSION;
	return NVML_SUCCESS;
}

/* `*count` is how many the array holds on entry; with 0 the array may be NULL. */
static nvmlReturn_t list(nvmlDevice_t device, unsigned int *count, const void *infos)
{
	struct mig_abi_device d;
	nvmlReturn_t code = mig_abi_find_device(device, &d);

	if (code != NVML_SUCCESS)
		return code;
	if (!count || (*count > 0 && !infos))
		return NVML_ERROR_INVALID_ARGUMENT;
	code = mig_abi_check_process_access(device);
	if (code == NVML_SUCCESS)
		*count = 0;
	return code;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetComputeRunningProcesses(nvmlDevice_t device,
							     unsigned int *infoCount,
							     nvmlProcessInfo_v1_t *infos)
{
	return list(device, infoCount, infos);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetComputeRunningProcesses_v2(nvmlDevice_t device,
								unsigned int *infoCount,
								nvmlProcessInfo_v2_t *infos)
{
	return list(device, infoCount, infos);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetComputeRunningProcesses_v3(nvmlDevice_t device,
								unsigned int *infoCount,
								nvmlProcessInfo_t *infos)
{
	return list(device, infoCount, infos);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetGraphicsRunningProcesses(nvmlDevice_t device,
							      unsigned int *infoCount,
							      nvmlProcessInfo_v1_t *infos)
{
	return list(device, infoCount, infos);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetGraphicsRunningProcesses_v2(nvmlDevice_t device,
								 unsigned int *infoCount,
								 nvmlProcessInfo_v2_t *infos)
{
	return list(device, infoCount, infos);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetGraphicsRunningProcesses_v3(nvmlDevice_t device,
								 unsigned int *infoCount,
								 nvmlProcessInfo_t *infos)
{
	return list(device, infoCount, infos);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetMPSComputeRunningProcesses(nvmlDevice_t device,
								unsigned int *infoCount,
								nvmlProcessInfo_v1_t *infos)
{
	return list(device, infoCount, infos);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetMPSComputeRunningProcesses_v2(nvmlDevice_t device,
								   unsigned int *infoCount,
								   nvmlProcessInfo_v2_t *infos)
{
	return list(device, infoCount, infos);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetMPSComputeRunningProcesses_v3(nvmlDevice_t device,
								   unsigned int *infoCount,
								   nvmlProcessInfo_t *infos)
{
	return list(device, infoCount, infos);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetRunningProcessDetailList(nvmlDevice_t device,
							      nvmlProcessDetailList_t *plist)
{
	struct mig_abi_device d;
	nvmlReturn_t code = mig_abi_find_device(device, &d);

	if (code != NVML_SUCCESS)
		return code;
	if (!plist)
		return NVML_ERROR_INVALID_ARGUMENT;
	if (plist->version != MIG_NVML_STRUCT_VERSION(nvmlProcessDetailList_v1_t, 1))
		return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
	if (plist->mode > NVML_PROCESS_MODE_MPS)
		return NVML_ERROR_INVALID_ARGUMENT;
	code = mig_abi_check_process_access(device);
	if (code == NVML_SUCCESS)
		plist->numProcArrayEntries = 0;
	return code;
}
