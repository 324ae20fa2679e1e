/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What NVML says about the driver as a whole: versions, error texts, counts.
 */
#include "nvml/symbols.h"
#include "sim/abi/branch.h"
#include "sim/abi/lookup.h"

/*
 * The fixed words of NVIDIA's libraries. Codes up to 27 were read from the 535 library by calling
 * it; 28 and 29 from the 550 one; 470 knows a code only where `from_branch` says so.
 */
static const struct {
	nvmlReturn_t code;
	unsigned int from_branch;
	const char *text;
} error_texts[] = {
	{NVML_SUCCESS, 470, "Success"},
	{NVML_ERROR_UNINITIALIZED, 470, "Uninitialized"},
	{NVML_ERROR_INVALID_ARGUMENT, 470, "Invalid Argument"},
	{NVML_ERROR_NOT_SUPPORTED, 470, "Not Supported"},
	{NVML_ERROR_NO_PERMISSION, 470, "Insufficient Permissions"},
	{NVML_ERROR_ALREADY_INITIALIZED, 470, "Already Initialized"},
	{NVML_ERROR_NOT_FOUND, 470, "Not Found"},
	{NVML_ERROR_INSUFFICIENT_SIZE, 470, "Insufficient Size"},
	{NVML_ERROR_INSUFFICIENT_POWER, 470, "Insufficient External Power"},
	{NVML_ERROR_DRIVER_NOT_LOADED, 470, "Driver Not Loaded"},
	{NVML_ERROR_TIMEOUT, 470, "Timeout"},
	{NVML_ERROR_IRQ_ISSUE, 470, "Interrupt Request Issue"},
	{NVML_ERROR_LIBRARY_NOT_FOUND, 470, "NVML Shared Library Not Found"},
	{NVML_ERROR_FUNCTION_NOT_FOUND, 470, "Function Not Found"},
	{NVML_ERROR_CORRUPTED_INFOROM, 470, "Corrupted infoROM"},
	{NVML_ERROR_GPU_IS_LOST, 470, "GPU is lost"},
	{NVML_ERROR_RESET_REQUIRED, 470, "GPU requires reset"},
	{NVML_ERROR_OPERATING_SYSTEM, 470, "GPU access blocked by the operating system"},
	{NVML_ERROR_LIB_RM_VERSION_MISMATCH, 470, "Driver/library version mismatch"},
	{NVML_ERROR_IN_USE, 470, "In use by another client"},
	{NVML_ERROR_MEMORY, 470, "Insufficient Memory"},
	{NVML_ERROR_NO_DATA, 535, "No data"},
	{NVML_ERROR_VGPU_ECC_NOT_SUPPORTED, 535, "vGPU ECC not supported"},
	{NVML_ERROR_INSUFFICIENT_RESOURCES, 470, "Insufficient Resources"},
	{NVML_ERROR_FREQ_NOT_SUPPORTED, 470, "Invalid Frequency"},
	{NVML_ERROR_ARGUMENT_VERSION_MISMATCH, 535, "Argument version mismatch"},
	{NVML_ERROR_DEPRECATED, 535, "Requested functionality has been deprecated"},
	{NVML_ERROR_NOT_READY, 535, "System is not in ready state"},
	{NVML_ERROR_GPU_NOT_FOUND, 550, "No supported GPUs were found"},
	{NVML_ERROR_INVALID_STATE, 550,
	 "Resource not in correct state to perform requested operation"},
};

MIG_EXPORT const char *nvmlErrorString(nvmlReturn_t result)
{
	for (unsigned int i = 0; i < MIG_ARRAY_SIZE(error_texts); i++) {
		if (error_texts[i].code == result &&
		    error_texts[i].from_branch <= mig_abi_branch.number)
			return error_texts[i].text;
	}
	return "Unknown Error";
}

/* 535 and newer know their own version before Init, too. */
MIG_EXPORT nvmlReturn_t nvmlSystemGetNVMLVersion(char *version, unsigned int length)
{
	const struct mig_sim_store *store = mig_abi_store();

	if (!store && !mig_abi_rules()->knows_version_before_init)
		return NVML_ERROR_UNINITIALIZED;
	return mig_abi_put_text(version, length,
				store ? store->node->nvml_version : mig_abi_branch.nvml_version);
}

MIG_EXPORT nvmlReturn_t nvmlSystemGetDriverVersion(char *version, unsigned int length)
{
	const struct mig_sim_store *store = mig_abi_store();

	if (!store)
		return NVML_ERROR_UNINITIALIZED;
	return mig_abi_put_text(version, length, store->node->driver_version);
}

static nvmlReturn_t get_cuda_version(int *version)
{
	const struct mig_sim_store *store = mig_abi_store();

	if (!store)
		return NVML_ERROR_UNINITIALIZED;
	if (!version)
		return NVML_ERROR_INVALID_ARGUMENT;
	*version = (int)store->node->cuda_version;
	return NVML_SUCCESS;
}

MIG_EXPORT nvmlReturn_t nvmlSystemGetCudaDriverVersion(int *cudaDriverVersion)
{
	return get_cuda_version(cudaDriverVersion);
}

MIG_EXPORT nvmlReturn_t nvmlSystemGetCudaDriverVersion_v2(int *cudaDriverVersion)
{
	return get_cuda_version(cudaDriverVersion);
}

static nvmlReturn_t get_gpu_count(unsigned int *count)
{
	const struct mig_sim_store *store = mig_abi_store();

	if (!store)
		return NVML_ERROR_UNINITIALIZED;
	if (!count)
		return NVML_ERROR_INVALID_ARGUMENT;
	*count = store->node->gpu_count;
	return NVML_SUCCESS;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetCount(unsigned int *deviceCount)
{
	return get_gpu_count(deviceCount);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetCount_v2(unsigned int *deviceCount)
{
	return get_gpu_count(deviceCount);
}

/* S-class systems of several GPUs in one unit; there are none. */
MIG_EXPORT nvmlReturn_t nvmlUnitGetCount(unsigned int *unitCount)
{
	if (!mig_abi_store())
		return NVML_ERROR_UNINITIALIZED;
	if (!unitCount)
		return NVML_ERROR_INVALID_ARGUMENT;
	*unitCount = 0;
	return NVML_SUCCESS;
}
