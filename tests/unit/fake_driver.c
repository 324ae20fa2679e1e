/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver in memory; see fake_driver.h. Instances obey the published rules: a placement of the
 * profile, no two on one unit, slices within the GPU's, an instance number per profile, one media
 * extension per GPU.
 */
#include "tests/unit/fake_driver.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness/test.h"

/* Every function of the table has all of its parameters, whether it looks at them or not. */
#pragma GCC diagnostic ignored "-Wunused-parameter"

/* ---- answers ---------------------------------------------------------------------------------- */

static struct fake_driver *fake_of(const struct mig_driver *driver)
{
	return driver->cookie;
}

/* Counts a call; the scripted code or SUCCESS. */
static nvmlReturn_t enter(const struct mig_driver *driver, enum mig_nvml_symbol symbol)
{
	struct fake_driver *fake = fake_of(driver);
	const struct fake_script *script = &fake->script[symbol];

	fake->calls[symbol]++;
	return script->nth == fake->calls[symbol] ? script->code : NVML_SUCCESS;
}

#define ENTER(symbol)                                                         \
	do {                                                                  \
		nvmlReturn_t scripted = enter(driver, MIG_NVML_SYM_##symbol); \
		if (scripted != NVML_SUCCESS)                                 \
			return scripted;                                      \
	} while (0)

/* The same for a changing call, which is also written down. */
__attribute__((format(printf, 2, 3))) static nvmlReturn_t
enter_change(const struct mig_driver *driver, const char *fmt, ...)
{
	struct fake_driver *fake = fake_of(driver);
	va_list args;

	MIG_ASSERT(fake->change_count < FAKE_CHANGE_LOG);
	va_start(args, fmt);
	vsnprintf(fake->changes[fake->change_count], sizeof(fake->changes[0]), fmt, args);
	va_end(args);
	fake->change_count++;
	if (fake->change_script.nth == fake->change_count)
		return fake->change_script.code;
	if (fake->before_change != NULL)
		fake->before_change(fake, fake->change_count);
	return NVML_SUCCESS;
}

static struct fake_gpu *gpu_of(nvmlDevice_t device)
{
	struct fake_gpu *gpu = (struct fake_gpu *)device;

	MIG_ASSERT_MSG(gpu != NULL && gpu->kind == FAKE_KIND_GPU, "not a handle of a GPU");
	return gpu;
}

static struct fake_gi *gi_of(nvmlGpuInstance_t handle)
{
	struct fake_gi *gi = (struct fake_gi *)handle;

	MIG_ASSERT_MSG(gi != NULL && gi->kind == FAKE_KIND_GI, "not a handle of a GPU instance");
	return gi;
}

static struct fake_ci *ci_of(nvmlComputeInstance_t handle)
{
	struct fake_ci *ci = (struct fake_ci *)handle;

	MIG_ASSERT_MSG(ci != NULL && ci->kind == FAKE_KIND_CI,
		       "not a handle of a compute instance");
	return ci;
}

#define GPU(device)                            \
	struct fake_gpu *gpu = gpu_of(device); \
	if (gpu->is_lost)                      \
	return NVML_ERROR_GPU_IS_LOST

#define MISSING_CALL(symbol, need, branch, effect, older, params, args)       \
	static nvmlReturn_t missing_##symbol(const struct mig_driver *driver, \
					     MIG_NVML_UNWRAP params)          \
	{                                                                     \
		fake_of(driver)->calls[MIG_NVML_SYM_##symbol]++;              \
		return NVML_ERROR_FUNCTION_NOT_FOUND;                         \
	}
#define MISSING_PLAIN(symbol, need, branch, effect)                           \
	static nvmlReturn_t missing_##symbol(const struct mig_driver *driver) \
	{                                                                     \
		return NVML_SUCCESS;                                          \
	}
#define MISSING_TEXT(symbol, need, branch, effect, params, args)             \
	static const char *missing_##symbol(const struct mig_driver *driver, \
					    MIG_NVML_UNWRAP params)          \
	{                                                                    \
		return "Scripted";                                           \
	}
MIG_NVML_SYMBOLS(MISSING_CALL, MISSING_PLAIN, MISSING_TEXT)

/* ---- the system and GPUs ---------------------------------------------------------------------- */

static void put_text(char *to, unsigned int length, const char *text)
{
	MIG_ASSERT(length > strlen(text));
	snprintf(to, length, "%s", text);
}

static nvmlReturn_t get_driver_version(const struct mig_driver *driver, char *version,
				       unsigned int length)
{
	ENTER(nvmlSystemGetDriverVersion);
	put_text(version, length, "550.00.fake");
	return NVML_SUCCESS;
}

static nvmlReturn_t get_count(const struct mig_driver *driver, unsigned int *count)
{
	ENTER(nvmlDeviceGetCount_v2);
	*count = fake_of(driver)->gpu_count;
	return NVML_SUCCESS;
}

static nvmlReturn_t init(const struct mig_driver *driver, unsigned int flags)
{
	(void)flags;
	ENTER(nvmlInitWithFlags);
	fake_of(driver)->is_shut_down = false;
	return NVML_SUCCESS;
}

static nvmlReturn_t shut_down(const struct mig_driver *driver)
{
	ENTER(nvmlShutdown);
	fake_of(driver)->is_shut_down = true;
	return NVML_SUCCESS;
}

static nvmlReturn_t get_handle(const struct mig_driver *driver, unsigned int index,
			       nvmlDevice_t *device)
{
	ENTER(nvmlDeviceGetHandleByIndex_v2);
	if (index >= FAKE_GPUS || fake_of(driver)->gpus[index].kind != FAKE_KIND_GPU)
		return NVML_ERROR_INVALID_ARGUMENT;
	if (fake_of(driver)->gpus[index].is_lost)
		return NVML_ERROR_GPU_IS_LOST;
	*device = (nvmlDevice_t)&fake_of(driver)->gpus[index];
	return NVML_SUCCESS;
}

static nvmlReturn_t get_uuid(const struct mig_driver *driver, nvmlDevice_t device, char *uuid,
			     unsigned int length)
{
	const struct fake_ci *ci = (const struct fake_ci *)device;

	ENTER(nvmlDeviceGetUUID);
	if (ci->kind == FAKE_KIND_CI) {
		put_text(uuid, length, ci->uuid);
		return NVML_SUCCESS;
	}
	GPU(device);
	put_text(uuid, length, gpu->uuid);
	return NVML_SUCCESS;
}

static nvmlReturn_t get_name(const struct mig_driver *driver, nvmlDevice_t device, char *name,
			     unsigned int length)
{
	ENTER(nvmlDeviceGetName);
	GPU(device);
	put_text(name, length, gpu->name);
	return NVML_SUCCESS;
}

static nvmlReturn_t get_pci(const struct mig_driver *driver, nvmlDevice_t device,
			    nvmlPciInfo_t *pci)
{
	ENTER(nvmlDeviceGetPciInfo_v3);
	GPU(device);
	memset(pci, 0, sizeof(*pci));
	put_text(pci->busId, sizeof(pci->busId), gpu->bus_id);
	pci->pciDeviceId = gpu->pci_device_id;
	pci->pciSubSystemId = gpu->pci_subsystem_id;
	return NVML_SUCCESS;
}

static nvmlReturn_t get_memory(const struct mig_driver *driver, nvmlDevice_t device,
			       nvmlMemory_t *memory)
{
	ENTER(nvmlDeviceGetMemoryInfo);
	GPU(device);
	memset(memory, 0, sizeof(*memory));
	memory->total = gpu->memory_mib * 1024 * 1024;
	return NVML_SUCCESS;
}

static nvmlReturn_t get_minor(const struct mig_driver *driver, nvmlDevice_t device,
			      unsigned int *minor)
{
	ENTER(nvmlDeviceGetMinorNumber);
	GPU(device);
	*minor = gpu->index;
	return NVML_SUCCESS;
}

/* ---- MIG mode --------------------------------------------------------------------------------- */

static nvmlReturn_t get_mode(const struct mig_driver *driver, nvmlDevice_t device,
			     unsigned int *current, unsigned int *pending)
{
	ENTER(nvmlDeviceGetMigMode);
	GPU(device);
	if (!gpu->has_mig)
		return NVML_ERROR_NOT_SUPPORTED;
	*current = gpu->current;
	*pending = gpu->pending;
	return NVML_SUCCESS;
}

static bool has_instances(const struct fake_gpu *gpu)
{
	for (unsigned int i = 0; i < FAKE_GI; i++) {
		if (gpu->gi[i].used)
			return true;
	}
	return false;
}

static nvmlReturn_t set_mode(const struct mig_driver *driver, nvmlDevice_t device,
			     unsigned int mode, nvmlReturn_t *activation)
{
	nvmlReturn_t code;

	ENTER(nvmlDeviceSetMigMode);
	GPU(device);
	code = enter_change(driver, "mode %u %s", gpu->index, mode ? "on" : "off");
	if (code != NVML_SUCCESS)
		return code;
	if (has_instances(gpu))
		return NVML_ERROR_IN_USE;
	gpu->pending = mode;
	*activation = NVML_SUCCESS;
	if (gpu->mode_change == FAKE_MODE_IMMEDIATE)
		gpu->current = mode;
	else if (gpu->mode_change == FAKE_MODE_IN_USE)
		*activation = NVML_ERROR_IN_USE;
	return NVML_SUCCESS;
}

/* ---- profiles --------------------------------------------------------------------------------- */

static const struct fake_gi_profile *profile_by_index(const struct fake_gpu *gpu,
						      unsigned int index)
{
	for (unsigned int i = 0; i < gpu->profile_count; i++) {
		if (gpu->profiles[i].index == index)
			return &gpu->profiles[i];
	}
	return NULL;
}

static const struct fake_gi_profile *profile_by_id(const struct fake_gpu *gpu, unsigned int id)
{
	for (unsigned int i = 0; i < gpu->profile_count; i++) {
		if (gpu->profiles[i].id == id)
			return &gpu->profiles[i];
	}
	return NULL;
}

static nvmlReturn_t find_profile(const struct fake_gpu *gpu, unsigned int index,
				 const struct fake_gi_profile **profile)
{
	if (index >= NVML_GPU_INSTANCE_PROFILE_COUNT)
		return NVML_ERROR_INVALID_ARGUMENT;
	if (!gpu->has_mig || (!gpu->current && !gpu->off_has_profiles))
		return NVML_ERROR_NOT_SUPPORTED;
	*profile = profile_by_index(gpu, index);
	return *profile == NULL ? NVML_ERROR_NOT_SUPPORTED : NVML_SUCCESS;
}

static nvmlReturn_t get_profile(const struct mig_driver *driver, nvmlDevice_t device,
				unsigned int index, nvmlGpuInstanceProfileInfo_t *info)
{
	const struct fake_gi_profile *profile = NULL;
	nvmlReturn_t code;

	ENTER(nvmlDeviceGetGpuInstanceProfileInfo);
	GPU(device);
	code = find_profile(gpu, index, &profile);
	if (code != NVML_SUCCESS)
		return code;
	info->id = profile->id;
	info->sliceCount = profile->slices;
	info->instanceCount = profile->max;
	info->multiprocessorCount = profile->slices * 14;
	info->memorySizeMB = profile->memory_mib;
	return NVML_SUCCESS;
}

static nvmlReturn_t get_profile_v(const struct mig_driver *driver, nvmlDevice_t device,
				  unsigned int index, nvmlGpuInstanceProfileInfo_v2_t *info)
{
	const struct fake_gi_profile *profile = NULL;
	nvmlReturn_t code;

	ENTER(nvmlDeviceGetGpuInstanceProfileInfoV);
	GPU(device);
	if (info->version != MIG_NVML_STRUCT_VERSION(nvmlGpuInstanceProfileInfo_v2_t, 2))
		return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
	code = find_profile(gpu, index, &profile);
	if (code != NVML_SUCCESS)
		return code;
	info->id = profile->id;
	info->sliceCount = profile->slices;
	info->instanceCount = profile->max;
	info->multiprocessorCount = profile->slices * 14;
	info->memorySizeMB = profile->memory_mib;
	put_text(info->name, sizeof(info->name), profile->name);
	return NVML_SUCCESS;
}

static nvmlReturn_t get_placements(const struct mig_driver *driver, nvmlDevice_t device,
				   unsigned int profile_id, nvmlGpuInstancePlacement_t *placements,
				   unsigned int *count)
{
	const struct fake_gi_profile *profile;

	ENTER(nvmlDeviceGetGpuInstancePossiblePlacements_v2);
	GPU(device);
	if (!gpu->has_mig || (!gpu->current && !gpu->off_has_profiles))
		return NVML_ERROR_NOT_SUPPORTED;
	profile = profile_by_id(gpu, profile_id);
	if (profile == NULL)
		return NVML_ERROR_INVALID_ARGUMENT;
	if (placements != NULL && *count < profile->start_count) {
		*count = profile->start_count;
		return NVML_ERROR_INSUFFICIENT_SIZE;
	}
	*count = profile->start_count;
	/* From the highest down: nobody may count on an order. */
	for (unsigned int i = 0; placements != NULL && i < profile->start_count; i++) {
		placements[i].start = profile->starts[profile->start_count - 1 - i];
		placements[i].size = profile->size;
	}
	return NVML_SUCCESS;
}

/* ---- GPU instances ---------------------------------------------------------------------------- */

static bool overlaps(unsigned int a, unsigned int a_size, unsigned int b, unsigned int b_size)
{
	return a < b + b_size && b < a + a_size;
}

static bool is_media_extension(const struct fake_gi_profile *profile)
{
	return strstr(profile->name, "+me") != NULL;
}

static bool gi_fits(const struct fake_gpu *gpu, const struct fake_gi_profile *profile,
		    unsigned int start)
{
	unsigned int slices = 0, same = 0, all_slices = 0;
	bool is_placement = false;

	for (unsigned int i = 0; i < profile->start_count; i++)
		is_placement = is_placement || profile->starts[i] == start;
	for (unsigned int i = 0; i < gpu->profile_count; i++) {
		if (gpu->profiles[i].slices > all_slices)
			all_slices = gpu->profiles[i].slices;
	}
	for (unsigned int i = 0; i < FAKE_GI; i++) {
		const struct fake_gi *gi = &gpu->gi[i];

		if (!gi->used)
			continue;
		if (overlaps(start, profile->size, gi->start, gi->profile->size) ||
		    (is_media_extension(profile) && is_media_extension(gi->profile)))
			return false;
		slices += gi->profile->slices;
		same += gi->profile == profile;
	}
	return is_placement && slices + profile->slices <= all_slices && same < profile->max;
}

static struct fake_gi *make_gi(struct fake_gpu *gpu, const struct fake_gi_profile *profile,
			       unsigned int start)
{
	for (unsigned int i = 0; i < FAKE_GI; i++) {
		struct fake_gi *gi = &gpu->gi[i];

		if (gi->used)
			continue;
		memset(gi, 0, sizeof(*gi));
		gi->kind = FAKE_KIND_GI;
		gi->used = true;
		gi->gpu = gpu;
		gi->profile = profile;
		gi->start = start;
		gi->id = gpu->driver->next_id++;
		return gi;
	}
	MIG_FAIL("the fake has no room for another GPU instance");
}

static nvmlReturn_t create_gi(const struct mig_driver *driver, nvmlDevice_t device,
			      unsigned int profile_id, const nvmlGpuInstancePlacement_t *placement,
			      nvmlGpuInstance_t *instance)
{
	const struct fake_gi_profile *profile;
	nvmlReturn_t code;

	ENTER(nvmlDeviceCreateGpuInstanceWithPlacement);
	GPU(device);
	profile = profile_by_id(gpu, profile_id);
	code = enter_change(driver, "create-gi %u %s@%u", gpu->index,
			    profile != NULL ? profile->name + 4 : "?", placement->start);
	if (code != NVML_SUCCESS)
		return code;
	if (!gpu->current)
		return NVML_ERROR_NOT_SUPPORTED;
	if (profile == NULL || placement->size != profile->size)
		return NVML_ERROR_INVALID_ARGUMENT;
	if (!gi_fits(gpu, profile, placement->start))
		return NVML_ERROR_INSUFFICIENT_RESOURCES;
	*instance = (nvmlGpuInstance_t)make_gi(gpu, profile, placement->start);
	return NVML_SUCCESS;
}

static nvmlReturn_t destroy_gi(const struct mig_driver *driver, nvmlGpuInstance_t instance)
{
	struct fake_gi *gi = gi_of(instance);
	nvmlReturn_t code;

	ENTER(nvmlGpuInstanceDestroy);
	code = enter_change(driver, "destroy-gi %u %s@%u", gi->gpu->index, gi->profile->name + 4,
			    gi->start);
	if (code != NVML_SUCCESS)
		return code;
	if (!gi->used)
		return NVML_ERROR_NOT_FOUND;
	for (unsigned int i = 0; i < FAKE_CI; i++) {
		if (gi->ci[i].used)
			return NVML_ERROR_IN_USE;
	}
	gi->used = false;
	return NVML_SUCCESS;
}

static nvmlReturn_t list_gi(const struct mig_driver *driver, nvmlDevice_t device,
			    unsigned int profile_id, nvmlGpuInstance_t *list, unsigned int *count)
{
	ENTER(nvmlDeviceGetGpuInstances);
	GPU(device);
	if (profile_by_id(gpu, profile_id) == NULL)
		return NVML_ERROR_INVALID_ARGUMENT;
	*count = 0;
	for (unsigned int i = 0; i < FAKE_GI; i++) {
		if (gpu->gi[i].used && gpu->gi[i].profile->id == profile_id)
			list[(*count)++] = (nvmlGpuInstance_t)&gpu->gi[i];
	}
	return NVML_SUCCESS;
}

static nvmlReturn_t gi_info(const struct mig_driver *driver, nvmlGpuInstance_t instance,
			    nvmlGpuInstanceInfo_t *info)
{
	struct fake_gi *gi = gi_of(instance);

	ENTER(nvmlGpuInstanceGetInfo);
	if (!gi->used)
		return NVML_ERROR_NOT_FOUND;
	info->device = (nvmlDevice_t)gi->gpu;
	info->id = gi->id;
	info->profileId = gi->profile->id;
	info->placement.start = gi->start;
	info->placement.size = gi->profile->size;
	return NVML_SUCCESS;
}

/* ---- compute instances ------------------------------------------------------------------------ */

static const struct fake_ci_profile *ci_profile_by_index(const struct fake_gi *gi,
							 unsigned int index)
{
	for (unsigned int i = 0; i < gi->profile->ci_count; i++) {
		if (gi->profile->ci[i].index == index)
			return &gi->profile->ci[i];
	}
	return NULL;
}

static const struct fake_ci_profile *ci_profile_by_id(const struct fake_gi *gi, unsigned int id)
{
	for (unsigned int i = 0; i < gi->profile->ci_count; i++) {
		if (gi->profile->ci[i].id == id)
			return &gi->profile->ci[i];
	}
	return NULL;
}

static nvmlReturn_t find_ci_profile(const struct fake_gi *gi, unsigned int index,
				    const struct fake_ci_profile **profile)
{
	if (!gi->used)
		return NVML_ERROR_NOT_FOUND;
	if (index >= NVML_COMPUTE_INSTANCE_PROFILE_COUNT)
		return NVML_ERROR_INVALID_ARGUMENT;
	*profile = ci_profile_by_index(gi, index);
	return *profile == NULL ? NVML_ERROR_NOT_SUPPORTED : NVML_SUCCESS;
}

static nvmlReturn_t get_ci_profile(const struct mig_driver *driver, nvmlGpuInstance_t instance,
				   unsigned int index, unsigned int engine,
				   nvmlComputeInstanceProfileInfo_t *info)
{
	const struct fake_ci_profile *profile = NULL;
	nvmlReturn_t code;

	ENTER(nvmlGpuInstanceGetComputeInstanceProfileInfo);
	code = find_ci_profile(gi_of(instance), index, &profile);
	if (code != NVML_SUCCESS)
		return code;
	info->id = profile->id;
	info->sliceCount = profile->slices;
	info->instanceCount = profile->max;
	return NVML_SUCCESS;
}

static nvmlReturn_t get_ci_profile_v(const struct mig_driver *driver, nvmlGpuInstance_t instance,
				     unsigned int index, unsigned int engine,
				     nvmlComputeInstanceProfileInfo_v2_t *info)
{
	const struct fake_gi *gi = gi_of(instance);
	const struct fake_ci_profile *profile = NULL;
	nvmlReturn_t code;

	ENTER(nvmlGpuInstanceGetComputeInstanceProfileInfoV);
	if (info->version != MIG_NVML_STRUCT_VERSION(nvmlComputeInstanceProfileInfo_v2_t, 2))
		return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
	code = find_ci_profile(gi, index, &profile);
	if (code != NVML_SUCCESS)
		return code;
	info->id = profile->id;
	info->sliceCount = profile->slices;
	info->instanceCount = profile->max;
	if (profile->slices == gi->profile->slices)
		snprintf(info->name, sizeof(info->name), "%s", gi->profile->name);
	else
		snprintf(info->name, sizeof(info->name), "MIG %uc.%s", profile->slices,
			 gi->profile->name + 4);
	return NVML_SUCCESS;
}

static nvmlReturn_t get_ci_placements(const struct mig_driver *driver, nvmlGpuInstance_t instance,
				      unsigned int profile_id,
				      nvmlComputeInstancePlacement_t *placements,
				      unsigned int *count)
{
	const struct fake_ci_profile *profile;

	ENTER(nvmlGpuInstanceGetComputeInstancePossiblePlacements);
	profile = ci_profile_by_id(gi_of(instance), profile_id);
	if (profile == NULL)
		return NVML_ERROR_INVALID_ARGUMENT;
	if (placements != NULL && *count < profile->start_count) {
		*count = profile->start_count;
		return NVML_ERROR_INSUFFICIENT_SIZE;
	}
	*count = profile->start_count;
	for (unsigned int i = 0; placements != NULL && i < profile->start_count; i++) {
		placements[i].start = profile->starts[i];
		placements[i].size = profile->size;
	}
	return NVML_SUCCESS;
}

static struct fake_ci *make_ci(struct fake_gi *gi, const struct fake_ci_profile *profile,
			       unsigned int start)
{
	unsigned int id = 0;

	for (unsigned int i = 0; i < FAKE_CI; i++) {
		struct fake_ci *ci = &gi->ci[i];

		if (ci->used)
			continue;
		memset(ci, 0, sizeof(*ci));
		ci->kind = FAKE_KIND_CI;
		ci->used = true;
		ci->gi = gi;
		ci->profile = profile;
		ci->start = start;
		/* The lowest free id, as drivers do. */
		for (unsigned int c = 0; c < FAKE_CI; c++) {
			if (&gi->ci[c] != ci && gi->ci[c].used && gi->ci[c].id == id) {
				id++;
				c = UINT32_MAX;
			}
		}
		ci->id = id;
		snprintf(ci->uuid, sizeof(ci->uuid), "MIG-fake-%u-%s-%u-%uc-%u", gi->gpu->index,
			 gi->profile->name + 4, gi->start, profile->slices, start);
		return ci;
	}
	MIG_FAIL("the fake has no room for another compute instance");
}

static bool ci_fits(const struct fake_gi *gi, const struct fake_ci_profile *profile,
		    unsigned int start)
{
	unsigned int same = 0;
	bool is_placement = false;

	for (unsigned int i = 0; i < profile->start_count; i++)
		is_placement = is_placement || profile->starts[i] == start;
	for (unsigned int i = 0; i < FAKE_CI; i++) {
		const struct fake_ci *ci = &gi->ci[i];

		if (!ci->used)
			continue;
		if (overlaps(start, profile->size, ci->start, ci->profile->size))
			return false;
		same += ci->profile == profile;
	}
	return is_placement && same < profile->max;
}

static nvmlReturn_t create_ci(const struct mig_driver *driver, nvmlGpuInstance_t instance,
			      unsigned int profile_id,
			      const nvmlComputeInstancePlacement_t *placement,
			      nvmlComputeInstance_t *created)
{
	struct fake_gi *gi = gi_of(instance);
	const struct fake_ci_profile *profile = ci_profile_by_id(gi, profile_id);
	nvmlReturn_t code;

	ENTER(nvmlGpuInstanceCreateComputeInstanceWithPlacement);
	code = enter_change(driver, "create-ci %u %s@%u %uc@%u", gi->gpu->index,
			    gi->profile->name + 4, gi->start, profile != NULL ? profile->slices : 0,
			    placement->start);
	if (code != NVML_SUCCESS)
		return code;
	if (!gi->used)
		return NVML_ERROR_NOT_FOUND;
	if (profile == NULL || placement->size != profile->size)
		return NVML_ERROR_INVALID_ARGUMENT;
	if (!ci_fits(gi, profile, placement->start))
		return NVML_ERROR_INSUFFICIENT_RESOURCES;
	*created = (nvmlComputeInstance_t)make_ci(gi, profile, placement->start);
	return NVML_SUCCESS;
}

/* Without a placement: the first that is free. */
static nvmlReturn_t create_ci_anywhere(const struct mig_driver *driver, nvmlGpuInstance_t instance,
				       unsigned int profile_id, nvmlComputeInstance_t *created)
{
	struct fake_gi *gi = gi_of(instance);
	const struct fake_ci_profile *profile = ci_profile_by_id(gi, profile_id);
	nvmlReturn_t code;

	ENTER(nvmlGpuInstanceCreateComputeInstance);
	code = enter_change(driver, "create-ci %u %s@%u %uc", gi->gpu->index, gi->profile->name + 4,
			    gi->start, profile != NULL ? profile->slices : 0);
	if (code != NVML_SUCCESS)
		return code;
	if (profile == NULL)
		return NVML_ERROR_INVALID_ARGUMENT;
	for (unsigned int i = 0; i < profile->start_count; i++) {
		if (ci_fits(gi, profile, profile->starts[i])) {
			*created = (nvmlComputeInstance_t)make_ci(gi, profile, profile->starts[i]);
			return NVML_SUCCESS;
		}
	}
	return NVML_ERROR_INSUFFICIENT_RESOURCES;
}

static nvmlReturn_t destroy_ci(const struct mig_driver *driver, nvmlComputeInstance_t instance)
{
	struct fake_ci *ci = ci_of(instance);
	nvmlReturn_t code;

	ENTER(nvmlComputeInstanceDestroy);
	code = enter_change(driver, "destroy-ci %u %s@%u %uc@%u", ci->gi->gpu->index,
			    ci->gi->profile->name + 4, ci->gi->start, ci->profile->slices,
			    ci->start);
	if (code != NVML_SUCCESS)
		return code;
	if (!ci->used)
		return NVML_ERROR_NOT_FOUND;
	ci->used = false;
	return NVML_SUCCESS;
}

static nvmlReturn_t list_ci(const struct mig_driver *driver, nvmlGpuInstance_t instance,
			    unsigned int profile_id, nvmlComputeInstance_t *list,
			    unsigned int *count)
{
	struct fake_gi *gi = gi_of(instance);

	ENTER(nvmlGpuInstanceGetComputeInstances);
	*count = 0;
	for (unsigned int i = 0; i < FAKE_CI; i++) {
		if (gi->ci[i].used && gi->ci[i].profile->id == profile_id)
			list[(*count)++] = (nvmlComputeInstance_t)&gi->ci[i];
	}
	return NVML_SUCCESS;
}

static nvmlReturn_t ci_info(const struct mig_driver *driver, nvmlComputeInstance_t instance,
			    nvmlComputeInstanceInfo_t *info)
{
	struct fake_ci *ci = ci_of(instance);

	ENTER(nvmlComputeInstanceGetInfo_v2);
	if (!ci->used)
		return NVML_ERROR_NOT_FOUND;
	info->device = (nvmlDevice_t)ci->gi->gpu;
	info->gpuInstance = (nvmlGpuInstance_t)ci->gi;
	info->id = ci->id;
	info->profileId = ci->profile->id;
	info->placement.start = ci->start;
	info->placement.size = ci->profile->size;
	return NVML_SUCCESS;
}

/* ---- MIG devices ------------------------------------------------------------------------------ */

static nvmlReturn_t get_max_devices(const struct mig_driver *driver, nvmlDevice_t device,
				    unsigned int *count)
{
	ENTER(nvmlDeviceGetMaxMigDeviceCount);
	GPU(device);
	*count = gpu->max_devices_said != 0 ? gpu->max_devices_said : 8;
	return NVML_SUCCESS;
}

static nvmlReturn_t get_mig_device(const struct mig_driver *driver, nvmlDevice_t device,
				   unsigned int index, nvmlDevice_t *mig)
{
	unsigned int at = 0;

	ENTER(nvmlDeviceGetMigDeviceHandleByIndex);
	GPU(device);
	for (unsigned int i = 0; i < FAKE_GI; i++) {
		for (unsigned int c = 0; gpu->gi[i].used && c < FAKE_CI; c++) {
			if (!gpu->gi[i].ci[c].used)
				continue;
			if ((int)at == gpu->index_hole)
				at++;
			if (at++ == index) {
				*mig = (nvmlDevice_t)&gpu->gi[i].ci[c];
				return NVML_SUCCESS;
			}
		}
	}
	return NVML_ERROR_NOT_FOUND;
}

static nvmlReturn_t get_gi_id(const struct mig_driver *driver, nvmlDevice_t device,
			      unsigned int *id)
{
	ENTER(nvmlDeviceGetGpuInstanceId);
	*id = ci_of((nvmlComputeInstance_t)device)->gi->id;
	return NVML_SUCCESS;
}

static nvmlReturn_t get_ci_id(const struct mig_driver *driver, nvmlDevice_t device,
			      unsigned int *id)
{
	ENTER(nvmlDeviceGetComputeInstanceId);
	*id = ci_of((nvmlComputeInstance_t)device)->id;
	return NVML_SUCCESS;
}

static nvmlReturn_t get_processes(const struct mig_driver *driver, nvmlDevice_t device,
				  unsigned int *count, nvmlProcessInfo_t *infos)
{
	unsigned int room = *count;

	ENTER(nvmlDeviceGetComputeRunningProcesses_v3);
	GPU(device);
	*count = gpu->process_count;
	if (room < gpu->process_count) {
		for (unsigned int i = 0; i < gpu->processes_grow; i++) {
			gpu->processes[gpu->process_count] = gpu->processes[0];
			gpu->processes[gpu->process_count].pid += gpu->process_count;
			gpu->process_count++;
		}
		gpu->processes_grow /= 2;
		return NVML_ERROR_INSUFFICIENT_SIZE;
	}
	for (unsigned int i = 0; i < gpu->process_count; i++)
		infos[i] = gpu->processes[i];
	if (gpu->process_count_said != 0)
		*count = gpu->process_count_said;
	return NVML_SUCCESS;
}

static nvmlReturn_t get_graphics(const struct mig_driver *driver, nvmlDevice_t device,
				 unsigned int *count, nvmlProcessInfo_t *infos)
{
	ENTER(nvmlDeviceGetGraphicsRunningProcesses_v3);
	*count = 0;
	return NVML_SUCCESS;
}

static nvmlReturn_t get_mps(const struct mig_driver *driver, nvmlDevice_t device,
			    unsigned int *count, nvmlProcessInfo_t *infos)
{
	ENTER(nvmlDeviceGetMPSComputeRunningProcesses_v3);
	return NVML_ERROR_NOT_SUPPORTED;
}

/* ---- setting up ------------------------------------------------------------------------------- */

#define SET_MISSING(symbol, ...)                \
	fake->driver.symbol = missing_##symbol; \
	fake->driver.has[MIG_NVML_SYM_##symbol] = false;

#define HAS(symbol, function)                                   \
	do {                                                    \
		fake->driver.symbol = function;                 \
		fake->driver.has[MIG_NVML_SYM_##symbol] = true; \
	} while (0)

static void set_functions(struct fake_driver *fake)
{
	MIG_NVML_SYMBOLS(SET_MISSING, SET_MISSING, SET_MISSING)
	HAS(nvmlSystemGetDriverVersion, get_driver_version);
	HAS(nvmlInitWithFlags, init);
	HAS(nvmlShutdown, shut_down);
	HAS(nvmlDeviceGetCount_v2, get_count);
	HAS(nvmlDeviceGetHandleByIndex_v2, get_handle);
	HAS(nvmlDeviceGetUUID, get_uuid);
	HAS(nvmlDeviceGetName, get_name);
	HAS(nvmlDeviceGetPciInfo_v3, get_pci);
	HAS(nvmlDeviceGetMemoryInfo, get_memory);
	HAS(nvmlDeviceGetMinorNumber, get_minor);
	HAS(nvmlDeviceGetMigMode, get_mode);
	HAS(nvmlDeviceSetMigMode, set_mode);
	HAS(nvmlDeviceGetGpuInstanceProfileInfo, get_profile);
	HAS(nvmlDeviceGetGpuInstanceProfileInfoV, get_profile_v);
	HAS(nvmlDeviceGetGpuInstancePossiblePlacements_v2, get_placements);
	HAS(nvmlDeviceCreateGpuInstanceWithPlacement, create_gi);
	HAS(nvmlGpuInstanceDestroy, destroy_gi);
	HAS(nvmlDeviceGetGpuInstances, list_gi);
	HAS(nvmlGpuInstanceGetInfo, gi_info);
	HAS(nvmlGpuInstanceGetComputeInstanceProfileInfo, get_ci_profile);
	HAS(nvmlGpuInstanceGetComputeInstanceProfileInfoV, get_ci_profile_v);
	HAS(nvmlGpuInstanceGetComputeInstancePossiblePlacements, get_ci_placements);
	HAS(nvmlGpuInstanceCreateComputeInstance, create_ci_anywhere);
	HAS(nvmlGpuInstanceCreateComputeInstanceWithPlacement, create_ci);
	HAS(nvmlComputeInstanceDestroy, destroy_ci);
	HAS(nvmlGpuInstanceGetComputeInstances, list_ci);
	HAS(nvmlComputeInstanceGetInfo_v2, ci_info);
	HAS(nvmlDeviceGetMaxMigDeviceCount, get_max_devices);
	HAS(nvmlDeviceGetMigDeviceHandleByIndex, get_mig_device);
	HAS(nvmlDeviceGetGpuInstanceId, get_gi_id);
	HAS(nvmlDeviceGetComputeInstanceId, get_ci_id);
	HAS(nvmlDeviceGetComputeRunningProcesses_v3, get_processes);
	HAS(nvmlDeviceGetGraphicsRunningProcesses_v3, get_graphics);
	HAS(nvmlDeviceGetMPSComputeRunningProcesses_v3, get_mps);
}

struct fake_driver *fake_new(void)
{
	struct fake_driver *fake = calloc(1, sizeof(*fake));

	MIG_ASSERT(fake != NULL);
	fake->driver.name = "fake";
	fake->driver.cookie = fake;
	fake->next_id = 1;
	set_functions(fake);
	return fake;
}

void fake_free(struct fake_driver *fake)
{
	free(fake);
}

struct fake_gpu *fake_add_gpu(struct fake_driver *fake, const char *name,
			      const struct fake_gi_profile *profiles, unsigned int profile_count)
{
	struct fake_gpu *gpu = &fake->gpus[fake->gpu_count];

	MIG_ASSERT(fake->gpu_count < FAKE_GPUS);
	memset(gpu, 0, sizeof(*gpu));
	gpu->kind = FAKE_KIND_GPU;
	gpu->driver = fake;
	gpu->index = fake->gpu_count++;
	snprintf(gpu->uuid, sizeof(gpu->uuid), "GPU-fake-%u", gpu->index);
	snprintf(gpu->name, sizeof(gpu->name), "%s", name);
	snprintf(gpu->bus_id, sizeof(gpu->bus_id), "00000000:%02X:00.0", 0x10 + gpu->index);
	gpu->pci_device_id = 0x123410de; /* no GPU of the tables */
	gpu->pci_subsystem_id = 0x567810de;
	gpu->memory_mib = 40960;
	gpu->has_mig = profiles != NULL;
	gpu->current = gpu->pending = gpu->has_mig;
	gpu->off_has_profiles = true;
	gpu->profiles = profiles;
	gpu->profile_count = profile_count;
	gpu->index_hole = -1;
	return gpu;
}

struct fake_gpu *fake_add_a100(struct fake_driver *fake)
{
	struct fake_gpu *gpu =
		fake_add_gpu(fake, "NVIDIA A100-SXM4-40GB", fake_a100, fake_a100_count);

	gpu->pci_device_id = 0x20b010de;
	gpu->pci_subsystem_id = 0x134f10de;
	return gpu;
}

struct fake_gpu *fake_add_a30(struct fake_driver *fake)
{
	struct fake_gpu *gpu = fake_add_gpu(fake, "NVIDIA A30", fake_a30, fake_a30_count);

	gpu->pci_device_id = 0x20b710de;
	gpu->pci_subsystem_id = 0x153210de;
	gpu->memory_mib = 24576;
	return gpu;
}

struct fake_gi *fake_put_gi(struct fake_gpu *gpu, const char *name, unsigned int start)
{
	for (unsigned int i = 0; i < gpu->profile_count; i++) {
		const struct fake_gi_profile *profile = &gpu->profiles[i];

		if (strcmp(profile->name + 4, name) != 0)
			continue;
		MIG_ASSERT_MSG(gi_fits(gpu, profile, start), "%s at %u does not fit", name, start);
		return make_gi(gpu, profile, start);
	}
	MIG_FAIL("no profile '%s'", name);
}

struct fake_ci *fake_put_ci(struct fake_gi *gi, unsigned int slices, unsigned int start)
{
	for (unsigned int i = 0; i < gi->profile->ci_count; i++) {
		const struct fake_ci_profile *profile = &gi->profile->ci[i];

		if (profile->slices != slices)
			continue;
		MIG_ASSERT_MSG(ci_fits(gi, profile, start), "%uc at %u does not fit", slices,
			       start);
		return make_ci(gi, profile, start);
	}
	MIG_FAIL("no compute instance profile of %u slices", slices);
}

struct fake_gi *fake_put(struct fake_gpu *gpu, const char *name, unsigned int start)
{
	struct fake_gi *gi = fake_put_gi(gpu, name, start);

	fake_put_ci(gi, gi->profile->slices, 0);
	return gi;
}

void fake_put_process(const struct fake_ci *ci, unsigned int pid)
{
	struct fake_gpu *gpu = ci->gi->gpu;

	MIG_ASSERT(gpu->process_count < FAKE_PROCESSES);
	gpu->processes[gpu->process_count++] = (nvmlProcessInfo_t){
		.pid = pid,
		.usedGpuMemory = 3ULL << 20,
		.gpuInstanceId = ci->gi->id,
		.computeInstanceId = ci->id,
	};
}

#define REMOVE_ROW(symbol, ...)                         \
	case MIG_NVML_SYM_##symbol:                     \
		fake->driver.symbol = missing_##symbol; \
		break;

void fake_remove_symbol(struct fake_driver *fake, enum mig_nvml_symbol symbol)
{
	switch (symbol) {
		MIG_NVML_SYMBOLS(REMOVE_ROW, REMOVE_ROW, REMOVE_ROW)
	case MIG_NVML_SYM_COUNT:
		break;
	}
	fake->driver.has[symbol] = false;
}

void fake_make_470(struct fake_driver *fake)
{
	fake_remove_symbol(fake, MIG_NVML_SYM_nvmlDeviceGetGpuInstanceProfileInfoV);
	fake_remove_symbol(fake, MIG_NVML_SYM_nvmlGpuInstanceGetComputeInstanceProfileInfoV);
	fake_remove_symbol(fake, MIG_NVML_SYM_nvmlGpuInstanceGetComputeInstancePossiblePlacements);
	fake_remove_symbol(fake, MIG_NVML_SYM_nvmlGpuInstanceCreateComputeInstanceWithPlacement);
	for (unsigned int i = 0; i < fake->gpu_count; i++)
		fake->gpus[i].off_has_profiles = false;
}

static unsigned int describe_cis(const struct fake_gi *gi, char *text, size_t size)
{
	unsigned int used = 0;

	for (unsigned int slice = 0; slice < 8; slice++) {
		for (unsigned int c = 0; c < FAKE_CI; c++) {
			const struct fake_ci *ci = &gi->ci[c];

			if (ci->used && ci->start == slice)
				used += (unsigned int)snprintf(text + used, size - used, "%s%uc@%u",
							       used > 0 ? " " : "",
							       ci->profile->slices, slice);
		}
	}
	return used;
}

const char *fake_layout(const struct fake_gpu *gpu)
{
	static char text[1024];
	unsigned int used = 0;

	text[0] = '\0';
	for (unsigned int unit = 0; unit < 16; unit++) {
		for (unsigned int i = 0; i < FAKE_GI; i++) {
			const struct fake_gi *gi = &gpu->gi[i];

			if (!gi->used || gi->start != unit)
				continue;
			used += (unsigned int)snprintf(text + used, sizeof(text) - used, "%s%s@%u[",
						       used > 0 ? " " : "", gi->profile->name + 4,
						       unit);
			used += describe_cis(gi, text + used, sizeof(text) - used);
			used += (unsigned int)snprintf(text + used, sizeof(text) - used, "]");
		}
	}
	return text;
}
