/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The profiles of one GPU as NVML lists them, into the rows of a GPU table.
 *
 * GPU instance profiles can be asked for by index, with MIG mode off only from driver 550 on.
 * Compute instance profiles can be asked for a living GPU instance alone. A profile that says what
 * no node description can hold is left out and noted. The rows keep to the order of the indices.
 */
#include <stdlib.h>
#include <string.h>

#include "core/facts_table.h"
#include "nvml/profile.h"
#include "record/parts.h"
#include "shared/text.h"

#define SLICES_MAX     8
#define GI_ID_MAX      255
#define UNITS_MAX      128
#define PLACEMENTS_MAX 32 /* more than any profile has */
#define NAME_PREFIX    "MIG "

/* ---- what a description can hold -------------------------------------------------------------- */

static bool is_whole_gi(const struct mig_table_gi_profile *gi, unsigned int slices,
			unsigned int instances)
{
	return gi->id <= GI_ID_MAX && slices >= 1 && slices <= SLICES_MAX && instances >= 1 &&
	       instances <= MIG_SIM_GIS_MAX && gi->name[0] != '\0';
}

static int compare_bytes(const void *a, const void *b)
{
	return *(const uint8_t *)a - *(const uint8_t *)b;
}

/* Takes placements of one size; false for what no table can hold. */
static bool take_starts(const unsigned int *at, const unsigned int *size, unsigned int count,
			uint8_t *starts, uint8_t *start_count, uint8_t *placement_size)
{
	if (count == 0 || count > MIG_TABLE_STARTS_MAX)
		return false;
	for (unsigned int i = 0; i < count; i++) {
		if (size[i] != size[0] || size[i] == 0 || size[i] > UNITS_MAX ||
		    at[i] > UNITS_MAX - size[i])
			return false;
		starts[i] = (uint8_t)at[i];
	}
	qsort(starts, count, 1, compare_bytes);
	*start_count = (uint8_t)count;
	*placement_size = (uint8_t)size[0];
	return true;
}

static const char *without_prefix(const char *name)
{
	size_t len = strlen(NAME_PREFIX);

	return strncmp(name, NAME_PREFIX, len) == 0 ? name + len : name;
}

/* ---- GPU instance profiles -------------------------------------------------------------------- */

/* Driver 470 has no names; core makes them as NVIDIA's tools do. */
static void compute_gi_name(const struct recorded_gpu *gpu, struct mig_table_gi_profile *gi,
			    unsigned int slices)
{
	const struct mig_gpu_table *model = &gpu->model.table;
	struct mig_gi_profile named = {
		.index = gi->profile_index,
		.slice_count = slices,
		.memory_mib = gi->memory_mib,
	};

	mig_facts_compute_name(
		&named, gpu->model.known,
		model->memory_total_mib == MIG_TABLE_UNKNOWN ? 0 : model->memory_total_mib);
	mig_text_copy(gi->name, sizeof(gi->name), named.name);
	gi->rule[MIG_GI_FIELD_NAME] = (uint8_t)mig_table_rule_find(RECORD_RULE_STATED);
}

/* Fills a row; false if the description has no room for what it says. */
static bool take_gi(const struct recorded_gpu *gpu, unsigned int index,
		    const nvmlGpuInstanceProfileInfo_v2_t *info, struct mig_table_gi_profile *gi)
{
	memset(gi, 0, sizeof(*gi));
	gi->profile_index = (uint8_t)index;
	gi->is_media_extension = mig_facts_is_media_extension(index);
	gi->id = info->id;
	gi->memory_mib = info->memorySizeMB < MIG_TABLE_UNKNOWN ? (uint32_t)info->memorySizeMB
								: MIG_TABLE_UNKNOWN;
	gi->memory_idle_mib = MIG_TABLE_UNKNOWN;
	gi->sm = info->multiprocessorCount;
	gi->ce = info->copyEngineCount;
	gi->dec = info->decoderCount;
	gi->enc = info->encoderCount;
	gi->jpeg = info->jpegCount;
	gi->ofa = info->ofaCount;
	gi->p2p = info->isP2pSupported != 0;
	mig_text_copy(gi->name, sizeof(gi->name), without_prefix(info->name));
	if (gi->name[0] == '\0')
		compute_gi_name(gpu, gi, info->sliceCount);
	if (!is_whole_gi(gi, info->sliceCount, info->instanceCount))
		return false;
	gi->slice_count = (uint8_t)info->sliceCount;
	gi->instances_total = (uint8_t)info->instanceCount;
	return true;
}

/* The placements of a row. What refuses them is remembered for model.c. */
static void read_placements(const struct recorder *r, struct recorded_gpu *gpu,
			    struct mig_table_gi_profile *gi)
{
	const struct mig_driver *driver = r->driver;
	nvmlGpuInstancePlacement_t list[PLACEMENTS_MAX];
	unsigned int starts[PLACEMENTS_MAX];
	unsigned int sizes[PLACEMENTS_MAX];
	unsigned int count = 0;
	nvmlReturn_t code;

	code = driver->nvmlDeviceGetGpuInstancePossiblePlacements_v2(driver, gpu->handle, gi->id,
								     NULL, &count);
	if (code == NVML_SUCCESS && count > PLACEMENTS_MAX)
		code = NVML_ERROR_UNKNOWN;
	if (code == NVML_SUCCESS)
		code = driver->nvmlDeviceGetGpuInstancePossiblePlacements_v2(driver, gpu->handle,
									     gi->id, list, &count);
	for (unsigned int i = 0; code == NVML_SUCCESS && i < count && i < PLACEMENTS_MAX; i++) {
		starts[i] = list[i].start;
		sizes[i] = list[i].size;
	}
	if (code == NVML_SUCCESS &&
	    take_starts(starts, sizes, count, gi->starts, &gi->start_count, &gi->placement_size))
		return;
	gpu->model.lacks_places = true;
	if (gpu->model.profiles_code == NVML_SUCCESS)
		gpu->model.profiles_code = code == NVML_SUCCESS ? NVML_ERROR_UNKNOWN : code;
}

/* How the capacity of profiles is answered while MIG mode is off: any GPU shows it for the node. */
static void see_off_capacity(struct recorder *r, const struct recorded_gpu *gpu, unsigned int id)
{
	struct mig_sim_node_desc *node = &r->out->description->node;
	unsigned int count = 0;
	nvmlReturn_t code;

	if (gpu->is_mig_on ||
	    (r->has_off_capacity && node->off_capacity != MIG_SIM_OFF_CAPACITY_ZERO))
		return;
	code = r->driver->nvmlDeviceGetGpuInstanceRemainingCapacity(r->driver, gpu->handle, id,
								    &count);
	if (code != NVML_SUCCESS && code != NVML_ERROR_NOT_SUPPORTED)
		return;
	r->has_off_capacity = true;
	if (code == NVML_ERROR_NOT_SUPPORTED)
		node->off_capacity = MIG_SIM_OFF_CAPACITY_NOT_SUPPORTED;
	else if (count > 0)
		node->off_capacity = MIG_SIM_OFF_CAPACITY_REAL;
}

static int note_left_out(struct recorder *r, const struct recorded_gpu *gpu, unsigned int index,
			 const char *why, struct mig_error **err)
{
	char what[96];

	mig_text_format(what, sizeof(what), "gpus[%u].model: GPU instance profile %u", gpu->index,
			index);
	return mig_record_note(r, what, why, "left out", err);
}

/* What follows the last index that a description has a word for. */
static int note_newer(struct recorder *r, struct recorded_gpu *gpu, struct mig_error **err)
{
	nvmlGpuInstanceProfileInfo_v2_t info;

	if (mig_nvml_gi_profile(r->driver, gpu->handle, MIG_TABLE_GI_PROFILES_MAX, &info) !=
	    NVML_SUCCESS)
		return 0;
	return note_left_out(r, gpu, MIG_TABLE_GI_PROFILES_MAX,
			     "it is newer than this version of migctl", err);
}

int mig_record_profiles(struct recorder *r, struct recorded_gpu *gpu, struct mig_error **err)
{
	struct mig_gpu_table *model = &gpu->model.table;
	nvmlGpuInstanceProfileInfo_v2_t info;

	if (!model->is_mig_capable)
		return 0;
	for (unsigned int index = 0; index < MIG_TABLE_GI_PROFILES_MAX; index++) {
		struct mig_table_gi_profile *gi = &model->gi[model->gi_profile_count];
		nvmlReturn_t code = mig_nvml_gi_profile(r->driver, gpu->handle, index, &info);

		if (code == NVML_ERROR_INVALID_ARGUMENT)
			return 0;
		if (code != NVML_SUCCESS) {
			/* NOT_SUPPORTED is a hole in the list, or all there is with MIG off. */
			if (gpu->model.profiles_code == NVML_SUCCESS)
				gpu->model.profiles_code = code;
			continue;
		}
		if (!take_gi(gpu, index, &info, gi)) {
			if (note_left_out(r, gpu, index, "NVML says what cannot be", err))
				return -1;
			continue;
		}
		if (!gpu->model.has_profiles)
			gpu->model.profiles_code = NVML_SUCCESS;
		gpu->model.has_profiles = true;
		read_placements(r, gpu, gi);
		see_off_capacity(r, gpu, gi->id);
		model->gi_profile_count++;
	}
	return note_newer(r, gpu, err);
}

/* ---- compute instance profiles ---------------------------------------------------------------- */

/* Without NVML's: the built-in model's, else "1c.3g.20gb", or the GPU instance's own. */
static void compute_ci_name(const struct recorded_gpu *gpu, const struct mig_table_gi_profile *gi,
			    struct mig_table_ci_profile *ci)
{
	const struct mig_table_gi_profile *known =
		gpu->model.known ? mig_gpu_table_gi_by_index(gpu->model.known, gi->profile_index)
				 : NULL;
	const struct mig_table_ci_profile *row =
		known ? mig_table_ci_by_index(known, ci->profile_index) : NULL;

	ci->rule[MIG_CI_FIELD_NAME] = (uint8_t)mig_table_rule_find(RECORD_RULE_STATED);
	if (row)
		mig_text_copy(ci->name, sizeof(ci->name), row->name);
	else if (ci->is_default)
		mig_text_copy(ci->name, sizeof(ci->name), gi->name);
	else
		mig_text_format(ci->name, sizeof(ci->name), "%uc.%s", ci->slice_count, gi->name);
}

static bool take_ci(const struct recorded_gpu *gpu, const struct mig_table_gi_profile *gi,
		    unsigned int index, const nvmlComputeInstanceProfileInfo_v2_t *info,
		    struct mig_table_ci_profile *ci)
{
	memset(ci, 0, sizeof(*ci));
	if (info->id >= MIG_TABLE_CI_PROFILES_MAX || info->sliceCount < 1 ||
	    info->sliceCount > gi->slice_count || info->instanceCount < 1 ||
	    info->instanceCount > MIG_SIM_CIS_MAX)
		return false;
	ci->profile_index = (uint8_t)index;
	ci->id = (uint8_t)info->id;
	ci->slice_count = (uint8_t)info->sliceCount;
	ci->is_default = ci->slice_count == gi->slice_count;
	ci->instances_total = (uint8_t)info->instanceCount;
	ci->sm = info->multiprocessorCount > 0 ? info->multiprocessorCount : MIG_TABLE_UNKNOWN;
	mig_text_copy(ci->name, sizeof(ci->name), without_prefix(info->name));
	if (ci->name[0] == '\0')
		compute_ci_name(gpu, gi, ci);
	return true;
}

/* Left open where NVML does not say (before 535): a rule gives them when the node is made. */
static void read_ci_placements(const struct recorder *r, nvmlGpuInstance_t instance,
			       struct mig_table_ci_profile *ci)
{
	const struct mig_driver *driver = r->driver;
	nvmlComputeInstancePlacement_t list[PLACEMENTS_MAX];
	unsigned int starts[PLACEMENTS_MAX];
	unsigned int sizes[PLACEMENTS_MAX];
	unsigned int count = 0;
	nvmlReturn_t code;

	code = driver->nvmlGpuInstanceGetComputeInstancePossiblePlacements(driver, instance, ci->id,
									   NULL, &count);
	if (code == NVML_SUCCESS && count <= PLACEMENTS_MAX)
		code = driver->nvmlGpuInstanceGetComputeInstancePossiblePlacements(
			driver, instance, ci->id, list, &count);
	if (code != NVML_SUCCESS || count > PLACEMENTS_MAX)
		return;
	for (unsigned int i = 0; i < count; i++) {
		starts[i] = list[i].start;
		sizes[i] = list[i].size;
	}
	if (!take_starts(starts, sizes, count, ci->starts, &ci->start_count, &ci->placement_size))
		ci->start_count = 0;
}

int mig_record_ci_profiles(struct recorder *r, struct recorded_gpu *gpu, unsigned int row,
			   nvmlGpuInstance_t instance, struct mig_error **err)
{
	struct mig_table_gi_profile *gi = &gpu->model.table.gi[row];
	nvmlComputeInstanceProfileInfo_v2_t info;
	char member[96];

	if (gpu->model.has_ci[row])
		return 0;
	for (unsigned int index = 0; index < MIG_TABLE_CI_PROFILES_MAX; index++) {
		struct mig_table_ci_profile *ci = &gi->ci[gi->ci_profile_count];
		nvmlReturn_t code = mig_nvml_ci_profile(r->driver, instance, index, &info);

		if (code == NVML_ERROR_INVALID_ARGUMENT)
			break;
		if (code == NVML_ERROR_NOT_SUPPORTED)
			continue;
		if (code == NVML_SUCCESS && !take_ci(gpu, gi, index, &info, ci))
			code = NVML_ERROR_UNKNOWN;
		if (code != NVML_SUCCESS) {
			mig_text_format(member, sizeof(member),
					"model: compute instance profile %u of %s", index,
					gi->name);
			if (mig_record_note_gpu(r, gpu, member, code, "left out", err))
				return -1;
			continue;
		}
		read_ci_placements(r, instance, ci);
		gi->ci_profile_count++;
	}
	gpu->model.has_ci[row] = gi->ci_profile_count > 0;
	return 0;
}
