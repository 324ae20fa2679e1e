/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profiles in one form; see profile.h.
 */
#include "nvml/profile.h"

nvmlReturn_t mig_nvml_gi_profile(const struct mig_driver *driver, nvmlDevice_t device,
				 unsigned int index, nvmlGpuInstanceProfileInfo_v2_t *info)
{
	nvmlGpuInstanceProfileInfo_t v1 = {0};
	nvmlReturn_t code;

	*info = (nvmlGpuInstanceProfileInfo_v2_t){
		.version = MIG_NVML_STRUCT_VERSION(nvmlGpuInstanceProfileInfo_v2_t, 2)};
	if (mig_driver_has(driver, MIG_NVML_SYM_nvmlDeviceGetGpuInstanceProfileInfoV))
		return driver->nvmlDeviceGetGpuInstanceProfileInfoV(driver, device, index, info);
	code = driver->nvmlDeviceGetGpuInstanceProfileInfo(driver, device, index, &v1);
	info->id = v1.id;
	info->isP2pSupported = v1.isP2pSupported;
	info->sliceCount = v1.sliceCount;
	info->instanceCount = v1.instanceCount;
	info->multiprocessorCount = v1.multiprocessorCount;
	info->copyEngineCount = v1.copyEngineCount;
	info->decoderCount = v1.decoderCount;
	info->encoderCount = v1.encoderCount;
	info->jpegCount = v1.jpegCount;
	info->ofaCount = v1.ofaCount;
	info->memorySizeMB = v1.memorySizeMB;
	return code;
}

nvmlReturn_t mig_nvml_ci_profile(const struct mig_driver *driver, nvmlGpuInstance_t instance,
				 unsigned int index, nvmlComputeInstanceProfileInfo_v2_t *info)
{
	const unsigned int shared = NVML_COMPUTE_INSTANCE_ENGINE_PROFILE_SHARED;
	nvmlComputeInstanceProfileInfo_t v1 = {0};
	nvmlReturn_t code;

	*info = (nvmlComputeInstanceProfileInfo_v2_t){
		.version = MIG_NVML_STRUCT_VERSION(nvmlComputeInstanceProfileInfo_v2_t, 2)};
	if (mig_driver_has(driver, MIG_NVML_SYM_nvmlGpuInstanceGetComputeInstanceProfileInfoV))
		return driver->nvmlGpuInstanceGetComputeInstanceProfileInfoV(driver, instance,
									     index, shared, info);
	code = driver->nvmlGpuInstanceGetComputeInstanceProfileInfo(driver, instance, index, shared,
								    &v1);
	info->id = v1.id;
	info->sliceCount = v1.sliceCount;
	info->instanceCount = v1.instanceCount;
	info->multiprocessorCount = v1.multiprocessorCount;
	info->sharedCopyEngineCount = v1.sharedCopyEngineCount;
	info->sharedDecoderCount = v1.sharedDecoderCount;
	info->sharedEncoderCount = v1.sharedEncoderCount;
	info->sharedJpegCount = v1.sharedJpegCount;
	info->sharedOfaCount = v1.sharedOfaCount;
	return code;
}
