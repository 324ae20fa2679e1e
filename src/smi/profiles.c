/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profiles and instances; see profiles.h.
 */
#include "smi/profiles.h"

#include <stdlib.h>
#include <string.h>

#include "nvml/profile.h"
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

/* The first version of the call refuses an index that this driver does not know. */
static nvmlReturn_t code_of_v1(nvmlReturn_t code)
{
	return code == NVML_ERROR_INVALID_ARGUMENT ? NVML_ERROR_NOT_SUPPORTED : code;
}

/* A driver without names: the name follows from the rest. */
static void name_gi_profile(unsigned int index, nvmlGpuInstanceProfileInfo_v2_t *info)
{
	mig_text_format(info->name, sizeof(info->name), MIG_SMI_PROFILE_PREFIX "%ug.%llugb%s",
			info->sliceCount, (info->memorySizeMB + GIB_MIB - 1) / GIB_MIB,
			index == NVML_GPU_INSTANCE_PROFILE_1_SLICE_REV1 ? "+me" : "");
}

nvmlReturn_t mig_smi_gi_profile_at(const struct mig_smi *smi, struct mig_smi_mig_gpu *gpu,
				   unsigned int index)
{
	struct mig_smi_gi_profile *profile = &gpu->profiles[index];
	nvmlReturn_t code;

	if (profile->code != MIG_SMI_NOT_ASKED)
		return (nvmlReturn_t)profile->code;
	code = mig_nvml_gi_profile(smi->driver, gpu->device, index, &profile->info);
	if (!mig_driver_has(smi->driver, MIG_NVML_SYM_nvmlDeviceGetGpuInstanceProfileInfoV)) {
		name_gi_profile(index, &profile->info);
		code = code_of_v1(code);
	}
	profile->code = (int)code;
	return code;
}

static void name_ci_profile(const struct mig_smi_gi *gi, nvmlComputeInstanceProfileInfo_v2_t *info)
{
	const char *name = gi->profile->name + strlen(MIG_SMI_PROFILE_PREFIX);

	if (info->sliceCount == gi->profile->sliceCount)
		mig_text_format(info->name, sizeof(info->name), MIG_SMI_PROFILE_PREFIX "%s", name);
	else
		mig_text_format(info->name, sizeof(info->name), MIG_SMI_PROFILE_PREFIX "%uc.%s",
				info->sliceCount, name);
}

nvmlReturn_t mig_smi_ci_profile_at(const struct mig_smi *smi, struct mig_smi_gi *gi,
				   unsigned int index)
{
	struct mig_smi_ci_profile *profile = &gi->ci_profiles[index];
	nvmlReturn_t code;

	if (profile->code != MIG_SMI_NOT_ASKED)
		return (nvmlReturn_t)profile->code;
	code = mig_nvml_ci_profile(smi->driver, gi->handle, index, &profile->info);
	if (!mig_driver_has(smi->driver,
			    MIG_NVML_SYM_nvmlGpuInstanceGetComputeInstanceProfileInfoV)) {
		name_ci_profile(gi, &profile->info);
		code = code_of_v1(code);
	}
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
