/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profiles and instances; see profiles.h.
 */
#include "smi/profiles.h"

#include <stdlib.h>
#include <string.h>

#include "shared/buf.h"
#include "shared/macros.h"
#include "shared/text.h"

#define GIB_MIB 1024U

nvmlReturn_t mig_smi_gpu_index(const struct mig_smi *smi, struct mig_smi_mig_gpu *gpu)
{
	if (gpu->index_code == MIG_SMI_NOT_ASKED)
		gpu->index_code =
			(int)smi->driver->nvmlDeviceGetIndex(smi->driver, gpu->device, &gpu->index);
	return (nvmlReturn_t)gpu->index_code;
}

/* ---- profiles --------------------------------------------------------------------------------- */

/* A driver without names: the first version of the call, and the name that follows from it. */
static nvmlReturn_t ask_gi_profile_v1(const struct mig_smi *smi, nvmlDevice_t device,
				      unsigned int index, nvmlGpuInstanceProfileInfo_v2_t *info)
{
	const struct mig_driver *driver = smi->driver;
	nvmlGpuInstanceProfileInfo_t v1 = {0};
	nvmlReturn_t code;

	code = driver->nvmlDeviceGetGpuInstanceProfileInfo(driver, device, index, &v1);
	if (code == NVML_ERROR_INVALID_ARGUMENT)
		return NVML_ERROR_NOT_SUPPORTED; /* an index that this driver does not know */
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
	mig_text_format(info->name, sizeof(info->name), MIG_SMI_PROFILE_PREFIX "%ug.%llugb%s",
			v1.sliceCount, (v1.memorySizeMB + GIB_MIB - 1) / GIB_MIB,
			index == NVML_GPU_INSTANCE_PROFILE_1_SLICE_REV1 ? "+me" : "");
	return code;
}

nvmlReturn_t mig_smi_gi_profile_at(const struct mig_smi *smi, struct mig_smi_mig_gpu *gpu,
				   unsigned int index)
{
	const struct mig_driver *driver = smi->driver;
	struct mig_smi_gi_profile *profile = &gpu->profiles[index];
	nvmlReturn_t code;

	if (profile->code != MIG_SMI_NOT_ASKED)
		return (nvmlReturn_t)profile->code;
	profile->info = (nvmlGpuInstanceProfileInfo_v2_t){
		.version = MIG_NVML_STRUCT_VERSION(nvmlGpuInstanceProfileInfo_v2_t, 2)};
	if (mig_driver_has(driver, MIG_NVML_SYM_nvmlDeviceGetGpuInstanceProfileInfoV))
		code = driver->nvmlDeviceGetGpuInstanceProfileInfoV(driver, gpu->device, index,
								    &profile->info);
	else
		code = ask_gi_profile_v1(smi, gpu->device, index, &profile->info);
	profile->code = (int)code;
	return code;
}

static nvmlReturn_t ask_ci_profile_v1(const struct mig_smi *smi, const struct mig_smi_gi *gi,
				      unsigned int index, nvmlComputeInstanceProfileInfo_v2_t *info)
{
	const struct mig_driver *driver = smi->driver;
	const char *name = gi->profile->name + strlen(MIG_SMI_PROFILE_PREFIX);
	nvmlComputeInstanceProfileInfo_t v1 = {0};
	nvmlReturn_t code;

	code = driver->nvmlGpuInstanceGetComputeInstanceProfileInfo(
		driver, gi->handle, index, NVML_COMPUTE_INSTANCE_ENGINE_PROFILE_SHARED, &v1);
	if (code == NVML_ERROR_INVALID_ARGUMENT)
		return NVML_ERROR_NOT_SUPPORTED;
	info->id = v1.id;
	info->sliceCount = v1.sliceCount;
	info->instanceCount = v1.instanceCount;
	info->multiprocessorCount = v1.multiprocessorCount;
	info->sharedCopyEngineCount = v1.sharedCopyEngineCount;
	info->sharedDecoderCount = v1.sharedDecoderCount;
	info->sharedEncoderCount = v1.sharedEncoderCount;
	info->sharedJpegCount = v1.sharedJpegCount;
	info->sharedOfaCount = v1.sharedOfaCount;
	if (v1.sliceCount == gi->profile->sliceCount)
		mig_text_format(info->name, sizeof(info->name), MIG_SMI_PROFILE_PREFIX "%s", name);
	else
		mig_text_format(info->name, sizeof(info->name), MIG_SMI_PROFILE_PREFIX "%uc.%s",
				v1.sliceCount, name);
	return code;
}

nvmlReturn_t mig_smi_ci_profile_at(const struct mig_smi *smi, struct mig_smi_gi *gi,
				   unsigned int index)
{
	const struct mig_driver *driver = smi->driver;
	struct mig_smi_ci_profile *profile = &gi->ci_profiles[index];
	nvmlReturn_t code;

	if (profile->code != MIG_SMI_NOT_ASKED)
		return (nvmlReturn_t)profile->code;
	profile->info = (nvmlComputeInstanceProfileInfo_v2_t){
		.version = MIG_NVML_STRUCT_VERSION(nvmlComputeInstanceProfileInfo_v2_t, 2)};
	if (mig_driver_has(driver, MIG_NVML_SYM_nvmlGpuInstanceGetComputeInstanceProfileInfoV))
		code = driver->nvmlGpuInstanceGetComputeInstanceProfileInfoV(
			driver, gi->handle, index, NVML_COMPUTE_INSTANCE_ENGINE_PROFILE_SHARED,
			&profile->info);
	else
		code = ask_ci_profile_v1(smi, gi, index, &profile->info);
	profile->code = (int)code;
	return code;
}

nvmlReturn_t mig_smi_ci_profiles(const struct mig_smi *smi, struct mig_smi_gi *gi,
				 unsigned int *largest)
{
	unsigned int most = 0;

	for (unsigned int i = 0; i < MIG_SMI_CI_PROFILES; i++) {
		nvmlReturn_t code = mig_smi_ci_profile_at(smi, gi, i);

		if (code == NVML_ERROR_NOT_SUPPORTED)
			continue;
		if (code != NVML_SUCCESS)
			return code;
		if (gi->ci_profiles[i].info.sliceCount <= most)
			continue;
		most = gi->ci_profiles[i].info.sliceCount;
		*largest = i;
	}
	return most == 0 ? NVML_ERROR_NOT_SUPPORTED : NVML_SUCCESS;
}

/* ---- instances -------------------------------------------------------------------------------- */

static nvmlReturn_t add_gi(const struct mig_smi *smi, struct mig_smi_mig_gpu *gpu,
			   const nvmlGpuInstanceProfileInfo_v2_t *profile, nvmlGpuInstance_t handle,
			   struct mig_smi_gi_list *list)
{
	struct mig_smi_gi gi = {.gpu = gpu, .handle = handle, .profile = profile};
	nvmlReturn_t code = smi->driver->nvmlGpuInstanceGetInfo(smi->driver, handle, &gi.info);

	if (code != NVML_SUCCESS)
		return code;
	for (unsigned int i = 0; i < MIG_SMI_CI_PROFILES; i++)
		gi.ci_profiles[i].code = MIG_SMI_NOT_ASKED;
	if (mig_array_reserve(&list->rows, &list->allocated, list->count + 1, sizeof(gi)) < 0)
		return NVML_ERROR_MEMORY;
	list->rows[list->count++] = gi;
	return NVML_SUCCESS;
}

nvmlReturn_t mig_smi_gis_of(const struct mig_smi *smi, struct mig_smi_mig_gpu *gpu,
			    struct mig_smi_gi_list *list)
{
	for (unsigned int i = 0; i < MIG_SMI_GI_PROFILES; i++) {
		const nvmlGpuInstanceProfileInfo_v2_t *profile = &gpu->profiles[i].info;
		nvmlReturn_t code = mig_smi_gi_profile_at(smi, gpu, i);
		_cleanup_free_ nvmlGpuInstance_t *handles = NULL;
		unsigned int count;

		if (code == NVML_ERROR_NOT_SUPPORTED)
			continue;
		if (code != NVML_SUCCESS)
			return code;
		handles = calloc((size_t)profile->instanceCount + 1, sizeof(*handles));
		if (handles == NULL)
			return NVML_ERROR_MEMORY;
		count = profile->instanceCount;
		code = smi->driver->nvmlDeviceGetGpuInstances(smi->driver, gpu->device, profile->id,
							      handles, &count);
		for (unsigned int h = 0; code == NVML_SUCCESS && h < count; h++)
			code = add_gi(smi, gpu, profile, handles[h], list);
		if (code != NVML_SUCCESS)
			return code;
	}
	return NVML_SUCCESS;
}

void mig_smi_gi_list_clear(struct mig_smi_gi_list *list)
{
	free(list->rows);
	memset(list, 0, sizeof(*list));
}

static nvmlReturn_t add_ci(const struct mig_smi *smi, struct mig_smi_gi *gi,
			   const nvmlComputeInstanceProfileInfo_v2_t *profile,
			   nvmlComputeInstance_t handle, struct mig_smi_ci_list *list)
{
	struct mig_smi_ci ci = {.gi = gi, .handle = handle, .profile = profile};
	nvmlReturn_t code =
		smi->driver->nvmlComputeInstanceGetInfo_v2(smi->driver, handle, &ci.info);

	if (code != NVML_SUCCESS)
		return code;
	if (mig_array_reserve(&list->rows, &list->allocated, list->count + 1, sizeof(ci)) < 0)
		return NVML_ERROR_MEMORY;
	list->rows[list->count++] = ci;
	return NVML_SUCCESS;
}

nvmlReturn_t mig_smi_cis_of(const struct mig_smi *smi, struct mig_smi_gi *gi,
			    struct mig_smi_ci_list *list)
{
	for (unsigned int i = 0; i < MIG_SMI_CI_PROFILES; i++) {
		const nvmlComputeInstanceProfileInfo_v2_t *profile = &gi->ci_profiles[i].info;
		nvmlReturn_t code = mig_smi_ci_profile_at(smi, gi, i);
		_cleanup_free_ nvmlComputeInstance_t *handles = NULL;
		unsigned int count;

		if (code == NVML_ERROR_NOT_SUPPORTED)
			continue;
		if (code != NVML_SUCCESS)
			return code;
		handles = calloc((size_t)profile->instanceCount + 1, sizeof(*handles));
		if (handles == NULL)
			return NVML_ERROR_MEMORY;
		count = profile->instanceCount;
		code = smi->driver->nvmlGpuInstanceGetComputeInstances(
			smi->driver, gi->handle, profile->id, handles, &count);
		for (unsigned int h = 0; code == NVML_SUCCESS && h < count; h++)
			code = add_ci(smi, gi, profile, handles[h], list);
		if (code != NVML_SUCCESS)
			return code;
	}
	return NVML_SUCCESS;
}

void mig_smi_ci_list_clear(struct mig_smi_ci_list *list)
{
	free(list->rows);
	memset(list, 0, sizeof(*list));
}

bool mig_smi_ids_have(const struct mig_smi_ids *ids, unsigned int id)
{
	for (size_t i = 0; i < ids->count; i++) {
		if (ids->ids[i] == id)
			return true;
	}
	return !ids->is_given;
}
