/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GPU instances: profiles, placements, capacity, creation, queries, destruction.
 *
 * A profile index (NVML_GPU_INSTANCE_PROFILE_…) is for looping and means the same on every chip; a
 * profile id is the chip's own number and is what creation and queries take. `*count` is output
 * only: clients pass it uninitialised.
 */
#include <string.h>

#include "nvml/symbols.h"
#include "shared/text.h"
#include "sim/abi/branch.h"
#include "sim/abi/lookup.h"
#include "sim/abi/time.h"
#include "sim/engine/holders.h"
#include "sim/process/holder.h"

#define PROFILE_NAME_PREFIX "MIG "

/* ---- profiles --------------------------------------------------------------------------------- */

/* What every question about a GPU's profiles checks first: the model, and MIG mode where the
 * driver's branch wants it on. */
static nvmlReturn_t check_answers(const struct mig_abi_gpu *gpu)
{
	if (!gpu->facts.model->is_mig_capable)
		return NVML_ERROR_NOT_SUPPORTED;
	if (!mig_abi_rules()->answers_with_mig_off && !mig_abi_is_mig_on(gpu))
		return NVML_ERROR_NOT_SUPPORTED;
	return NVML_SUCCESS;
}

/* The row of a profile index: NOT_SUPPORTED where this GPU has a hole, INVALID_ARGUMENT where the
 * branch's list ends. */
static nvmlReturn_t find_profile(nvmlDevice_t device, unsigned int index, const void *out,
				 const struct mig_table_gi_profile **profile)
{
	struct mig_abi_gpu gpu;
	nvmlReturn_t code = mig_abi_find_gpu(device, &gpu);
	int row;

	if (code != NVML_SUCCESS)
		return code;
	if (!out || index >= mig_abi_rules()->gi_profile_count)
		return NVML_ERROR_INVALID_ARGUMENT;
	code = check_answers(&gpu);
	if (code != NVML_SUCCESS)
		return code;
	row = mig_sim_gi_row_by_index(gpu.facts.model, index);
	if (row < 0)
		return NVML_ERROR_NOT_SUPPORTED;
	*profile = &gpu.facts.model->gi[row];
	return NVML_SUCCESS;
}

static bool is_p2p(const struct mig_table_gi_profile *profile)
{
	return profile->p2p != MIG_TABLE_UNKNOWN_U8 && profile->p2p != 0;
}

static unsigned int known_u8(uint8_t value)
{
	return value == MIG_TABLE_UNKNOWN_U8 ? 0 : value;
}

static unsigned int capabilities(const struct mig_table_gi_profile *profile)
{
	unsigned int bits = is_p2p(profile) ? NVML_GPU_INSTANCE_PROFILE_CAPS_P2P : 0;

	switch (profile->profile_index) {
	case NVML_GPU_INSTANCE_PROFILE_1_SLICE_GFX:
	case NVML_GPU_INSTANCE_PROFILE_2_SLICE_GFX:
	case NVML_GPU_INSTANCE_PROFILE_3_SLICE_GFX:
	case NVML_GPU_INSTANCE_PROFILE_4_SLICE_GFX:
		return bits | NVML_GPU_INSTANCE_PROFILE_CAPS_GFX;
	default:
		return bits;
	}
}

static void fill_v2(const struct mig_table_gi_profile *profile,
		    nvmlGpuInstanceProfileInfo_v2_t *info)
{
	char name[sizeof(PROFILE_NAME_PREFIX) + MIG_TABLE_PROFILE_NAME_SIZE];

	info->id = profile->id;
	info->isP2pSupported = is_p2p(profile);
	info->sliceCount = profile->slice_count;
	info->instanceCount = known_u8(profile->instances_total);
	info->multiprocessorCount = mig_abi_known(profile->sm);
	info->copyEngineCount = mig_abi_known(profile->ce);
	info->decoderCount = mig_abi_known(profile->dec);
	info->encoderCount = mig_abi_known(profile->enc);
	info->jpegCount = mig_abi_known(profile->jpeg);
	info->ofaCount = mig_abi_known(profile->ofa);
	info->memorySizeMB = mig_abi_known(profile->memory_mib);
	mig_text_format(name, sizeof(name), PROFILE_NAME_PREFIX "%s", profile->name);
	mig_abi_fill_text(info->name, sizeof(info->name), name);
}

static void fill_v3(const struct mig_table_gi_profile *profile,
		    nvmlGpuInstanceProfileInfo_v3_t *info)
{
	nvmlGpuInstanceProfileInfo_v2_t v2;

	fill_v2(profile, &v2);
	info->id = v2.id;
	info->sliceCount = v2.sliceCount;
	info->instanceCount = v2.instanceCount;
	info->multiprocessorCount = v2.multiprocessorCount;
	info->copyEngineCount = v2.copyEngineCount;
	info->decoderCount = v2.decoderCount;
	info->encoderCount = v2.encoderCount;
	info->jpegCount = v2.jpegCount;
	info->ofaCount = v2.ofaCount;
	info->memorySizeMB = v2.memorySizeMB;
	memcpy(info->name, v2.name, sizeof(info->name));
	info->capabilities = capabilities(profile);
}

/* Writes the version that the caller asked for, one that is known; the version word is the first
 * member of all. */
static void fill_versioned(const struct mig_table_gi_profile *profile, void *info)
{
	unsigned int version;

	memcpy(&version, info, sizeof(version));
	if (version == MIG_NVML_STRUCT_VERSION(nvmlGpuInstanceProfileInfo_v3_t, 3))
		fill_v3(profile, info);
	else
		fill_v2(profile, info);
}

static bool is_known_version(const nvmlGpuInstanceProfileInfo_v2_t *info)
{
	return info->version == MIG_NVML_STRUCT_VERSION(nvmlGpuInstanceProfileInfo_v2_t, 2) ||
	       (info->version == MIG_NVML_STRUCT_VERSION(nvmlGpuInstanceProfileInfo_v3_t, 3) &&
		mig_abi_rules()->profile_info_version >= 3);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetGpuInstanceProfileInfo(nvmlDevice_t device,
							    unsigned int profile,
							    nvmlGpuInstanceProfileInfo_t *info)
{
	const struct mig_table_gi_profile *row;
	nvmlGpuInstanceProfileInfo_v2_t v2;
	nvmlReturn_t code = find_profile(device, profile, info, &row);

	if (code != NVML_SUCCESS)
		return code;
	fill_v2(row, &v2);
	info->id = v2.id;
	info->isP2pSupported = v2.isP2pSupported;
	info->sliceCount = v2.sliceCount;
	info->instanceCount = v2.instanceCount;
	info->multiprocessorCount = v2.multiprocessorCount;
	info->copyEngineCount = v2.copyEngineCount;
	info->decoderCount = v2.decoderCount;
	info->encoderCount = v2.encoderCount;
	info->jpegCount = v2.jpegCount;
	info->ofaCount = v2.ofaCount;
	info->memorySizeMB = v2.memorySizeMB;
	return NVML_SUCCESS;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetGpuInstanceProfileInfoV(nvmlDevice_t device,
							     unsigned int profile,
							     nvmlGpuInstanceProfileInfo_v2_t *info)
{
	const struct mig_table_gi_profile *row;
	nvmlReturn_t code = find_profile(device, profile, info, &row);

	/* A bad version is the caller's mistake and is said before what the GPU lacks. */
	if (code != NVML_SUCCESS && code != NVML_ERROR_NOT_SUPPORTED)
		return code;
	if (!is_known_version(info))
		return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
	if (code == NVML_SUCCESS)
		fill_versioned(row, info);
	return code;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetGpuInstanceProfileInfoByIdV(
	nvmlDevice_t device, unsigned int profileId, nvmlGpuInstanceProfileInfo_v2_t *info)
{
	struct mig_abi_gpu gpu;
	unsigned int row;
	nvmlReturn_t code = mig_abi_find_gpu(device, &gpu);

	if (code != NVML_SUCCESS)
		return code;
	if (!info)
		return NVML_ERROR_INVALID_ARGUMENT;
	if (!is_known_version(info))
		return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
	code = check_answers(&gpu);
	if (code == NVML_SUCCESS)
		code = mig_abi_find_gi_row(&gpu, profileId, &row);
	if (code == NVML_SUCCESS)
		fill_versioned(&gpu.facts.model->gi[row], info);
	return code;
}

/* ---- placements and capacity ------------------------------------------------------------------ */

/* A NULL array asks for the count. Nothing may be in the way of a placement: all are listed. */
static nvmlReturn_t get_placements(nvmlDevice_t device, unsigned int profile_id,
				   nvmlGpuInstancePlacement_t *placements, unsigned int *count)
{
	const struct mig_table_gi_profile *profile;
	struct mig_abi_gpu gpu;
	unsigned int row;
	nvmlReturn_t code = mig_abi_find_gpu(device, &gpu);

	if (code != NVML_SUCCESS)
		return code;
	if (!count)
		return NVML_ERROR_INVALID_ARGUMENT;
	code = check_answers(&gpu);
	if (code == NVML_SUCCESS && !mig_abi_is_admin(gpu.store))
		code = NVML_ERROR_NO_PERMISSION;
	if (code == NVML_SUCCESS)
		code = mig_abi_find_gi_row(&gpu, profile_id, &row);
	if (code != NVML_SUCCESS)
		return code;
	profile = &gpu.facts.model->gi[row];
	for (unsigned int i = 0; placements && i < profile->start_count; i++) {
		placements[i].start = profile->starts[i];
		placements[i].size = profile->placement_size;
	}
	*count = profile->start_count;
	return NVML_SUCCESS;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetGpuInstancePossiblePlacements(
	nvmlDevice_t device, unsigned int profileId, nvmlGpuInstancePlacement_t *placements,
	unsigned int *count)
{
	return get_placements(device, profileId, placements, count);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetGpuInstancePossiblePlacements_v2(
	nvmlDevice_t device, unsigned int profileId, nvmlGpuInstancePlacement_t *placements,
	unsigned int *count)
{
	return get_placements(device, profileId, placements, count);
}

/* What is answered while MIG is off is a setting of the node (believed: zero). */
static nvmlReturn_t capacity_with_mig_off(const struct mig_abi_device *d, unsigned int row,
					  unsigned int *count)
{
	switch (d->gpu.facts.node->off_capacity) {
	case MIG_SIM_OFF_CAPACITY_NOT_SUPPORTED:
		return NVML_ERROR_NOT_SUPPORTED;
	case MIG_SIM_OFF_CAPACITY_REAL:
		*count = mig_sim_gi_remaining(&d->gpu.facts, &d->state, row);
		return NVML_SUCCESS;
	default:
		*count = 0;
		return NVML_SUCCESS;
	}
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetGpuInstanceRemainingCapacity(nvmlDevice_t device,
								  unsigned int profileId,
								  unsigned int *count)
{
	struct mig_abi_device d;
	unsigned int row;
	nvmlReturn_t code = mig_abi_find_device(device, &d);

	if (code != NVML_SUCCESS)
		return code;
	if (!count || d.is_mig)
		return NVML_ERROR_INVALID_ARGUMENT;
	code = check_answers(&d.gpu);
	if (code == NVML_SUCCESS && !mig_abi_is_admin(d.gpu.store))
		code = NVML_ERROR_NO_PERMISSION;
	if (code == NVML_SUCCESS)
		code = mig_abi_find_gi_row(&d.gpu, profileId, &row);
	if (code != NVML_SUCCESS)
		return code;
	if (!d.state.mig_current)
		return capacity_with_mig_off(&d, row, count);
	*count = mig_sim_gi_remaining(&d.gpu.facts, &d.state, row);
	return NVML_SUCCESS;
}

/* ---- creation and destruction ----------------------------------------------------------------- */

struct gi_change {
	unsigned int profile_id;
	uint32_t start;
	uint32_t size;
	unsigned int gi_id;
};

static nvmlReturn_t apply_create(void *cookie, const struct mig_abi_gpu *gpu,
				 struct mig_sim_gpu_state *state, const struct mig_sim_state *node)
{
	struct gi_change *change = cookie;
	unsigned int row;
	nvmlReturn_t code;

	/* The engine knows all profiles of the GPU, this driver branch perhaps not. */
	if (state->mig_current &&
	    mig_abi_find_gi_row(gpu, change->profile_id, &row) != NVML_SUCCESS)
		return NVML_ERROR_INVALID_ARGUMENT;
	code = mig_sim_gi_create(&gpu->facts, state, change->profile_id, change->start,
				 change->size, &change->gi_id);
	/* Clients of other instances are not in the way, one of the whole GPU is. */
	if (code == NVML_SUCCESS &&
	    mig_sim_is_held(node->holders, mig_sim_place_gpu(gpu->gpu_index), MIG_SIM_REACH_EXACT,
			    mig_sim_holder_is_alive))
		return NVML_ERROR_IN_USE;
	return code;
}

static nvmlReturn_t create(nvmlDevice_t device, struct gi_change *change,
			   nvmlGpuInstance_t *gpuInstance)
{
	struct mig_abi_gpu gpu;
	nvmlReturn_t code = mig_abi_find_gpu(device, &gpu);

	if (code != NVML_SUCCESS)
		return code;
	if (!gpuInstance)
		return NVML_ERROR_INVALID_ARGUMENT;
	if (!gpu.facts.model->is_mig_capable)
		return NVML_ERROR_NOT_SUPPORTED;
	if (!mig_abi_is_admin(gpu.store))
		return NVML_ERROR_NO_PERMISSION;
	code = mig_abi_change_timed(&gpu, MIG_SIM_OPERATION_CREATE, apply_create, change);
	if (code == NVML_SUCCESS)
		*gpuInstance = mig_handle_gi(gpu.gpu_index, change->gi_id);
	return code;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceCreateGpuInstance(nvmlDevice_t device, unsigned int profileId,
						    nvmlGpuInstance_t *gpuInstance)
{
	struct gi_change change = {.profile_id = profileId, .start = MIG_SIM_ANY_START};

	return create(device, &change, gpuInstance);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceCreateGpuInstanceWithPlacement(
	nvmlDevice_t device, unsigned int profileId, const nvmlGpuInstancePlacement_t *placement,
	nvmlGpuInstance_t *gpuInstance)
{
	struct gi_change change = {.profile_id = profileId};

	if (!mig_abi_store())
		return NVML_ERROR_UNINITIALIZED;
	/* The engine's "anywhere" is no placement that a caller may ask for. */
	if (!placement || placement->start == MIG_SIM_ANY_START)
		return NVML_ERROR_INVALID_ARGUMENT;
	change.start = placement->start;
	change.size = placement->size;
	return create(device, &change, gpuInstance);
}

static nvmlReturn_t apply_destroy(void *cookie, const struct mig_abi_gpu *gpu,
				  struct mig_sim_gpu_state *state, const struct mig_sim_state *node)
{
	const unsigned int *gi_id = cookie;
	nvmlReturn_t code = mig_sim_gi_destroy(&gpu->facts, state, *gi_id);

	if (code == NVML_SUCCESS &&
	    mig_sim_is_held(node->holders, mig_sim_place_gi(gpu->gpu_index, *gi_id),
			    MIG_SIM_REACH_WITHIN, mig_sim_holder_is_alive))
		return NVML_ERROR_IN_USE;
	/* Somebody else was quicker: the handle is stale now. */
	return code == NVML_ERROR_NOT_FOUND ? NVML_ERROR_INVALID_ARGUMENT : code;
}

MIG_EXPORT nvmlReturn_t nvmlGpuInstanceDestroy(nvmlGpuInstance_t gpuInstance)
{
	struct mig_abi_instance gi;
	nvmlReturn_t code = mig_abi_find_gi(gpuInstance, &gi);

	if (code != NVML_SUCCESS)
		return code;
	if (!mig_abi_is_admin(gi.gpu.store))
		return NVML_ERROR_NO_PERMISSION;
	return mig_abi_change_timed(&gi.gpu, MIG_SIM_OPERATION_DESTROY, apply_destroy, &gi.gi_id);
}

/* ---- queries ---------------------------------------------------------------------------------- */

/* A GPU whose instances may be asked for: MIG on, the caller privileged. */
static nvmlReturn_t check_partitioned(const struct mig_abi_device *d)
{
	if (!d->gpu.facts.model->is_mig_capable || !d->state.mig_current)
		return NVML_ERROR_NOT_SUPPORTED;
	return mig_abi_is_admin(d->gpu.store) ? NVML_SUCCESS : NVML_ERROR_NO_PERMISSION;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetGpuInstances(nvmlDevice_t device, unsigned int profileId,
						  nvmlGpuInstance_t *gpuInstances,
						  unsigned int *count)
{
	struct mig_abi_device d;
	unsigned int row, most, found = 0;
	nvmlReturn_t code = mig_abi_find_device(device, &d);

	if (code != NVML_SUCCESS)
		return code;
	if (!gpuInstances || !count || d.is_mig)
		return NVML_ERROR_INVALID_ARGUMENT;
	code = check_partitioned(&d);
	if (code == NVML_SUCCESS)
		code = mig_abi_find_gi_row(&d.gpu, profileId, &row);
	if (code != NVML_SUCCESS)
		return code;
	/* The caller's array has room for as many as the profile says there can be. */
	most = known_u8(d.gpu.facts.model->gi[row].instances_total);
	for (unsigned int gi_id = 0; gi_id < MIG_SIM_GIS_MAX && found < most; gi_id++) {
		if (d.state.gi[gi_id].in_use && d.state.gi[gi_id].profile == row)
			gpuInstances[found++] = mig_handle_gi(d.gpu.gpu_index, gi_id);
	}
	*count = found;
	return NVML_SUCCESS;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetGpuInstanceById(nvmlDevice_t device, unsigned int id,
						     nvmlGpuInstance_t *gpuInstance)
{
	struct mig_abi_device d;
	nvmlReturn_t code = mig_abi_find_device(device, &d);

	if (code != NVML_SUCCESS)
		return code;
	if (!gpuInstance || d.is_mig)
		return NVML_ERROR_INVALID_ARGUMENT;
	code = check_partitioned(&d);
	if (code != NVML_SUCCESS)
		return code;
	if (id >= MIG_SIM_GIS_MAX || !d.state.gi[id].in_use)
		return NVML_ERROR_NOT_FOUND;
	*gpuInstance = mig_handle_gi(d.gpu.gpu_index, id);
	return NVML_SUCCESS;
}

MIG_EXPORT nvmlReturn_t nvmlGpuInstanceGetInfo(nvmlGpuInstance_t gpuInstance,
					       nvmlGpuInstanceInfo_t *info)
{
	struct mig_abi_instance gi;
	nvmlReturn_t code = mig_abi_find_gi(gpuInstance, &gi);

	if (code != NVML_SUCCESS)
		return code;
	if (!info)
		return NVML_ERROR_INVALID_ARGUMENT;
	info->device = mig_handle_gpu(gi.gpu.gpu_index);
	info->id = gi.gi_id;
	info->profileId = gi.gi_profile->id;
	info->placement.start = gi.state.gi[gi.gi_id].start;
	info->placement.size = gi.state.gi[gi.gi_id].size;
	return NVML_SUCCESS;
}
