/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compute instances inside a GPU instance: profiles, placements, capacity, creation, queries,
 * destruction. Indexes, ids and `*count` as in gpu_instances.c.
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

static nvmlReturn_t find_profile(nvmlGpuInstance_t handle, unsigned int index,
				 unsigned int engine_profile, const void *out,
				 struct mig_abi_instance *gi,
				 const struct mig_table_ci_profile **profile)
{
	nvmlReturn_t code = mig_abi_find_gi(handle, gi);
	int row;

	if (code != NVML_SUCCESS)
		return code;
	if (!out || index >= mig_abi_rules()->ci_profile_count ||
	    engine_profile >= NVML_COMPUTE_INSTANCE_ENGINE_PROFILE_COUNT)
		return NVML_ERROR_INVALID_ARGUMENT;
	row = mig_sim_ci_row_by_index(gi->gi_profile, index);
	if (row < 0)
		return NVML_ERROR_NOT_SUPPORTED;
	*profile = &gi->gi_profile->ci[row];
	return NVML_SUCCESS;
}

/* Engines other than multiprocessors are shared by all compute instances of the GPU instance. */
static void fill_v2(const struct mig_table_gi_profile *gi,
		    const struct mig_table_ci_profile *profile,
		    nvmlComputeInstanceProfileInfo_v2_t *info)
{
	char name[sizeof(PROFILE_NAME_PREFIX) + MIG_TABLE_PROFILE_NAME_SIZE];

	info->id = profile->id;
	info->sliceCount = profile->slice_count;
	info->instanceCount = profile->instances_total;
	info->multiprocessorCount = mig_abi_known(profile->sm);
	info->sharedCopyEngineCount = mig_abi_known(gi->ce);
	info->sharedDecoderCount = mig_abi_known(gi->dec);
	info->sharedEncoderCount = mig_abi_known(gi->enc);
	info->sharedJpegCount = mig_abi_known(gi->jpeg);
	info->sharedOfaCount = mig_abi_known(gi->ofa);
	mig_text_format(name, sizeof(name), PROFILE_NAME_PREFIX "%s", profile->name);
	mig_abi_fill_text(info->name, sizeof(info->name), name);
}

static bool has_graphics(const struct mig_table_gi_profile *gi)
{
	switch (gi->profile_index) {
	case NVML_GPU_INSTANCE_PROFILE_1_SLICE_GFX:
	case NVML_GPU_INSTANCE_PROFILE_2_SLICE_GFX:
	case NVML_GPU_INSTANCE_PROFILE_3_SLICE_GFX:
	case NVML_GPU_INSTANCE_PROFILE_4_SLICE_GFX:
		return true;
	default:
		return false;
	}
}

static void fill_v3(const struct mig_table_gi_profile *gi,
		    const struct mig_table_ci_profile *profile,
		    nvmlComputeInstanceProfileInfo_v3_t *info)
{
	nvmlComputeInstanceProfileInfo_v2_t v2;

	/* Version 3 is version 2 and one member more. */
	fill_v2(gi, profile, &v2);
	v2.version = info->version;
	memcpy(info, &v2, sizeof(v2));
	info->capabilities = has_graphics(gi) ? NVML_COMPUTE_INSTANCE_PROFILE_CAPS_GFX : 0;
}
_Static_assert(offsetof(nvmlComputeInstanceProfileInfo_v3_t, capabilities) ==
		       sizeof(nvmlComputeInstanceProfileInfo_v2_t),
	       "version 3 begins with version 2");

MIG_EXPORT nvmlReturn_t nvmlGpuInstanceGetComputeInstanceProfileInfo(
	nvmlGpuInstance_t gpuInstance, unsigned int profile, unsigned int engProfile,
	nvmlComputeInstanceProfileInfo_t *info)
{
	const struct mig_table_ci_profile *row;
	nvmlComputeInstanceProfileInfo_v2_t v2;
	struct mig_abi_instance gi;
	nvmlReturn_t code = find_profile(gpuInstance, profile, engProfile, info, &gi, &row);

	if (code != NVML_SUCCESS)
		return code;
	fill_v2(gi.gi_profile, row, &v2);
	info->id = v2.id;
	info->sliceCount = v2.sliceCount;
	info->instanceCount = v2.instanceCount;
	info->multiprocessorCount = v2.multiprocessorCount;
	info->sharedCopyEngineCount = v2.sharedCopyEngineCount;
	info->sharedDecoderCount = v2.sharedDecoderCount;
	info->sharedEncoderCount = v2.sharedEncoderCount;
	info->sharedJpegCount = v2.sharedJpegCount;
	info->sharedOfaCount = v2.sharedOfaCount;
	return NVML_SUCCESS;
}

MIG_EXPORT nvmlReturn_t nvmlGpuInstanceGetComputeInstanceProfileInfoV(
	nvmlGpuInstance_t gpuInstance, unsigned int profile, unsigned int engProfile,
	nvmlComputeInstanceProfileInfo_v2_t *info)
{
	const struct mig_table_ci_profile *row;
	struct mig_abi_instance gi;
	unsigned int version;
	nvmlReturn_t code = find_profile(gpuInstance, profile, engProfile, info, &gi, &row);

	if (code != NVML_SUCCESS && code != NVML_ERROR_NOT_SUPPORTED)
		return code;
	/* A bad version is the caller's mistake and is said before what the instance lacks. */
	version = info->version;
	if (version != MIG_NVML_STRUCT_VERSION(nvmlComputeInstanceProfileInfo_v2_t, 2) &&
	    (version != MIG_NVML_STRUCT_VERSION(nvmlComputeInstanceProfileInfo_v3_t, 3) ||
	     mig_abi_rules()->profile_info_version < 3))
		return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
	if (code != NVML_SUCCESS)
		return code;
	if (version == MIG_NVML_STRUCT_VERSION(nvmlComputeInstanceProfileInfo_v3_t, 3))
		fill_v3(gi.gi_profile, row, (nvmlComputeInstanceProfileInfo_v3_t *)info);
	else
		fill_v2(gi.gi_profile, row, info);
	return NVML_SUCCESS;
}

/* ---- placements and capacity ------------------------------------------------------------------ */

/* The row of a profile id; NVML's words for one that this GPU instance has not. */
static nvmlReturn_t find_profile_by_id(const struct mig_abi_instance *gi, unsigned int profile_id,
				       unsigned int *row)
{
	for (unsigned int i = 0; i < gi->gi_profile->ci_profile_count; i++) {
		if (gi->gi_profile->ci[i].id == profile_id) {
			*row = i;
			return NVML_SUCCESS;
		}
	}
	return profile_id < NVML_COMPUTE_INSTANCE_PROFILE_COUNT ? NVML_ERROR_NOT_SUPPORTED
								: NVML_ERROR_INVALID_ARGUMENT;
}

/* A GPU instance in which a privileged caller asks for a profile. */
static nvmlReturn_t find_for_query(nvmlGpuInstance_t handle, unsigned int profile_id,
				   const void *out, struct mig_abi_instance *gi, unsigned int *row)
{
	nvmlReturn_t code = mig_abi_find_gi(handle, gi);

	if (code != NVML_SUCCESS)
		return code;
	if (!out)
		return NVML_ERROR_INVALID_ARGUMENT;
	if (!mig_abi_is_admin(gi->gpu.store))
		return NVML_ERROR_NO_PERMISSION;
	return find_profile_by_id(gi, profile_id, row);
}

MIG_EXPORT nvmlReturn_t nvmlGpuInstanceGetComputeInstancePossiblePlacements(
	nvmlGpuInstance_t gpuInstance, unsigned int profileId,
	nvmlComputeInstancePlacement_t *placements, unsigned int *count)
{
	const struct mig_table_ci_profile *profile;
	struct mig_abi_instance gi;
	unsigned int row;
	nvmlReturn_t code = find_for_query(gpuInstance, profileId, count, &gi, &row);

	if (code != NVML_SUCCESS)
		return code;
	profile = &gi.gi_profile->ci[row];
	for (unsigned int i = 0; placements && i < profile->start_count; i++) {
		placements[i].start = profile->starts[i];
		placements[i].size = profile->placement_size;
	}
	*count = profile->start_count;
	return NVML_SUCCESS;
}

MIG_EXPORT nvmlReturn_t nvmlGpuInstanceGetComputeInstanceRemainingCapacity(
	nvmlGpuInstance_t gpuInstance, unsigned int profileId, unsigned int *count)
{
	struct mig_abi_instance gi;
	unsigned int row;
	nvmlReturn_t code = find_for_query(gpuInstance, profileId, count, &gi, &row);

	if (code == NVML_SUCCESS)
		*count = mig_sim_ci_remaining(&gi.gpu.facts, &gi.state, gi.gi_id, row);
	return code;
}

/* ---- creation and destruction ----------------------------------------------------------------- */

struct ci_change {
	unsigned int gi_id;
	unsigned int profile_id;
	uint32_t start;
	uint32_t size;
	unsigned int ci_id;
};

/* NOT_FOUND from the engine: somebody else was quicker, and the handle is stale now. */
static nvmlReturn_t stale(nvmlReturn_t code)
{
	return code == NVML_ERROR_NOT_FOUND ? NVML_ERROR_INVALID_ARGUMENT : code;
}

static nvmlReturn_t apply_create(void *cookie, const struct mig_abi_gpu *gpu,
				 struct mig_sim_gpu_state *state, const struct mig_sim_state *node)
{
	struct ci_change *change = cookie;

	(void)node;
	return stale(mig_sim_ci_create(&gpu->facts, state, change->gi_id, change->profile_id,
				       change->start, change->size, &change->ci_id));
}

static nvmlReturn_t create(nvmlGpuInstance_t handle, struct ci_change *change,
			   nvmlComputeInstance_t *computeInstance)
{
	struct mig_abi_instance gi;
	nvmlReturn_t code = mig_abi_find_gi(handle, &gi);

	if (code != NVML_SUCCESS)
		return code;
	if (!computeInstance)
		return NVML_ERROR_INVALID_ARGUMENT;
	if (!mig_abi_is_admin(gi.gpu.store))
		return NVML_ERROR_NO_PERMISSION;
	change->gi_id = gi.gi_id;
	code = mig_abi_change_timed(&gi.gpu, MIG_SIM_OPERATION_CREATE, apply_create, change);
	if (code == NVML_SUCCESS)
		*computeInstance = mig_handle_ci(gi.gpu.gpu_index, gi.gi_id, change->ci_id);
	return code;
}

MIG_EXPORT nvmlReturn_t nvmlGpuInstanceCreateComputeInstance(nvmlGpuInstance_t gpuInstance,
							     unsigned int profileId,
							     nvmlComputeInstance_t *computeInstance)
{
	struct ci_change change = {.profile_id = profileId, .start = MIG_SIM_ANY_START};

	return create(gpuInstance, &change, computeInstance);
}

MIG_EXPORT nvmlReturn_t nvmlGpuInstanceCreateComputeInstanceWithPlacement(
	nvmlGpuInstance_t gpuInstance, unsigned int profileId,
	const nvmlComputeInstancePlacement_t *placement, nvmlComputeInstance_t *computeInstance)
{
	struct ci_change change = {.profile_id = profileId};

	if (!mig_abi_store())
		return NVML_ERROR_UNINITIALIZED;
	/* The engine's "anywhere" is no placement that a caller may ask for. */
	if (!placement || placement->start == MIG_SIM_ANY_START)
		return NVML_ERROR_INVALID_ARGUMENT;
	change.start = placement->start;
	change.size = placement->size;
	return create(gpuInstance, &change, computeInstance);
}

static nvmlReturn_t apply_destroy(void *cookie, const struct mig_abi_gpu *gpu,
				  struct mig_sim_gpu_state *state, const struct mig_sim_state *node)
{
	const struct ci_change *change = cookie;
	nvmlReturn_t code = mig_sim_ci_destroy(&gpu->facts, state, change->gi_id, change->ci_id);

	if (code == NVML_SUCCESS &&
	    mig_sim_is_held(node->holders,
			    mig_sim_place_ci(gpu->gpu_index, change->gi_id, change->ci_id),
			    MIG_SIM_REACH_EXACT, mig_sim_holder_is_alive))
		return NVML_ERROR_IN_USE;
	return stale(code);
}

MIG_EXPORT nvmlReturn_t nvmlComputeInstanceDestroy(nvmlComputeInstance_t computeInstance)
{
	struct ci_change change = {0};
	struct mig_abi_instance ci;
	nvmlReturn_t code = mig_abi_find_ci(computeInstance, &ci);

	if (code != NVML_SUCCESS)
		return code;
	if (!mig_abi_is_admin(ci.gpu.store))
		return NVML_ERROR_NO_PERMISSION;
	change.gi_id = ci.gi_id;
	change.ci_id = ci.ci_id;
	return mig_abi_change_timed(&ci.gpu, MIG_SIM_OPERATION_DESTROY, apply_destroy, &change);
}

/* ---- queries ---------------------------------------------------------------------------------- */

MIG_EXPORT nvmlReturn_t nvmlGpuInstanceGetComputeInstances(nvmlGpuInstance_t gpuInstance,
							   unsigned int profileId,
							   nvmlComputeInstance_t *computeInstances,
							   unsigned int *count)
{
	struct mig_abi_instance gi;
	unsigned int row, most, found = 0;
	nvmlReturn_t code =
		find_for_query(gpuInstance, profileId, computeInstances ? count : NULL, &gi, &row);

	if (code != NVML_SUCCESS)
		return code;
	/* The caller's array has room for as many as the profile says there can be. */
	most = gi.gi_profile->ci[row].instances_total;
	for (unsigned int ci_id = 0; ci_id < MIG_SIM_CIS_MAX && found < most; ci_id++) {
		const struct mig_sim_ci *ci = &gi.state.gi[gi.gi_id].ci[ci_id];

		if (ci->in_use && ci->profile == row)
			computeInstances[found++] =
				mig_handle_ci(gi.gpu.gpu_index, gi.gi_id, ci_id);
	}
	*count = found;
	return NVML_SUCCESS;
}

MIG_EXPORT nvmlReturn_t nvmlGpuInstanceGetComputeInstanceById(
	nvmlGpuInstance_t gpuInstance, unsigned int id, nvmlComputeInstance_t *computeInstance)
{
	struct mig_abi_instance gi;
	nvmlReturn_t code = mig_abi_find_gi(gpuInstance, &gi);

	if (code != NVML_SUCCESS)
		return code;
	if (!computeInstance)
		return NVML_ERROR_INVALID_ARGUMENT;
	if (!mig_abi_is_admin(gi.gpu.store))
		return NVML_ERROR_NO_PERMISSION;
	if (id >= MIG_SIM_CIS_MAX || !gi.state.gi[gi.gi_id].ci[id].in_use)
		return NVML_ERROR_NOT_FOUND;
	*computeInstance = mig_handle_ci(gi.gpu.gpu_index, gi.gi_id, id);
	return NVML_SUCCESS;
}

static nvmlReturn_t get_info(nvmlComputeInstance_t handle, const void *out,
			     nvmlComputeInstanceInfo_t *info)
{
	struct mig_abi_instance ci;
	const struct mig_sim_ci *state;
	nvmlReturn_t code = mig_abi_find_ci(handle, &ci);

	if (code != NVML_SUCCESS)
		return code;
	if (!out)
		return NVML_ERROR_INVALID_ARGUMENT;
	state = &ci.state.gi[ci.gi_id].ci[ci.ci_id];
	info->device = mig_handle_gpu(ci.gpu.gpu_index);
	info->gpuInstance = mig_handle_gi(ci.gpu.gpu_index, ci.gi_id);
	info->id = ci.ci_id;
	info->profileId = ci.ci_profile->id;
	info->placement.start = state->start;
	info->placement.size = state->size;
	return NVML_SUCCESS;
}

MIG_EXPORT nvmlReturn_t nvmlComputeInstanceGetInfo_v2(nvmlComputeInstance_t computeInstance,
						      nvmlComputeInstanceInfo_t *info)
{
	nvmlComputeInstanceInfo_t now;
	nvmlReturn_t code = get_info(computeInstance, info, &now);

	if (code == NVML_SUCCESS)
		*info = now;
	return code;
}

/* The first version ends before the placement. */
MIG_EXPORT nvmlReturn_t nvmlComputeInstanceGetInfo(nvmlComputeInstance_t computeInstance,
						   nvmlComputeInstanceInfo_v1_t *info)
{
	nvmlComputeInstanceInfo_t now;
	nvmlReturn_t code = get_info(computeInstance, info, &now);

	if (code == NVML_SUCCESS)
		memcpy(info, &now, sizeof(*info));
	return code;
}
