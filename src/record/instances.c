/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The GPU and compute instances of one GPU, and what they tell about it.
 *
 * Which half of a GPU's memory comes first shows in no list of NVML: only in the ids of instances,
 * which are positions in a binary tree over the memory (0 the whole, 1 and 2 the halves, 3 to 6 the
 * quarters, 7 to 14 the eighths). So the layout is known of a GPU that has an instance smaller than
 * itself. The rule is written down here a second time and not taken from the simulator, which it is
 * to check.
 */
#include <string.h>

#include "record/parts.h"
#include "shared/text.h"

#define LIST_MAX 32 /* more instances of one profile than any GPU has */

/* ---- reading ---------------------------------------------------------------------------------- */

static int read_ci(struct recorder *r, struct recorded_gpu *gpu, struct recorded_gi *gi,
		   unsigned int ci_row, nvmlComputeInstance_t handle, struct mig_error **err)
{
	nvmlComputeInstanceInfo_t info = {0};
	struct mig_sim_ci *ci;
	nvmlReturn_t code;

	code = r->driver->nvmlComputeInstanceGetInfo_v2(r->driver, handle, &info);
	if (code == NVML_SUCCESS && (info.id >= MIG_SIM_CIS_MAX || gi->ci[info.id].in_use ||
				     info.placement.start > UINT8_MAX))
		code = NVML_ERROR_UNKNOWN;
	if (code != NVML_SUCCESS)
		return mig_record_note_gpu(r, gpu, "gpu_instances[].compute_instances[]", code,
					   "left out", err);
	ci = &gi->ci[info.id];
	ci->in_use = 1;
	ci->profile = (uint8_t)ci_row;
	ci->start = (uint8_t)info.placement.start;
	return 0;
}

static int read_cis(struct recorder *r, struct recorded_gpu *gpu, struct recorded_gi *gi,
		    nvmlGpuInstance_t handle, struct mig_error **err)
{
	const struct mig_table_gi_profile *profile = &gpu->model.table.gi[gi->row];
	nvmlComputeInstance_t list[LIST_MAX];

	for (unsigned int row = 0; row < profile->ci_profile_count; row++) {
		unsigned int count = 0;
		nvmlReturn_t code = r->driver->nvmlGpuInstanceGetComputeInstances(
			r->driver, handle, profile->ci[row].id, list, &count);

		if (code != NVML_SUCCESS) {
			if (mig_record_note_gpu(r, gpu, "gpu_instances[].compute_instances", code,
						"none", err))
				return -1;
			return 0;
		}
		for (unsigned int i = 0; i < count && i < LIST_MAX; i++) {
			if (read_ci(r, gpu, gi, row, list[i], err))
				return -1;
		}
	}
	return 0;
}

static int read_gi(struct recorder *r, struct recorded_gpu *gpu, unsigned int row,
		   nvmlGpuInstance_t handle, struct mig_error **err)
{
	nvmlGpuInstanceInfo_t info = {0};
	struct recorded_gi *gi;
	nvmlReturn_t code;

	code = r->driver->nvmlGpuInstanceGetInfo(r->driver, handle, &info);
	if (code == NVML_SUCCESS && gpu->gi_count == MIG_SIM_GIS_MAX)
		code = NVML_ERROR_UNKNOWN;
	if (code != NVML_SUCCESS)
		return mig_record_note_gpu(r, gpu, "gpu_instances[]", code, "left out", err);
	gi = &gpu->gi[gpu->gi_count++];
	gi->row = row;
	gi->id = info.id;
	gi->start = info.placement.start;
	gi->size = info.placement.size;
	if (mig_record_ci_profiles(r, gpu, row, handle, err))
		return -1;
	return read_cis(r, gpu, gi, handle, err);
}

static int read_gis(struct recorder *r, struct recorded_gpu *gpu, struct mig_error **err)
{
	const struct mig_gpu_table *model = &gpu->model.table;
	nvmlGpuInstance_t list[LIST_MAX];

	for (unsigned int row = 0; row < model->gi_profile_count; row++) {
		unsigned int count = 0;
		nvmlReturn_t code = r->driver->nvmlDeviceGetGpuInstances(
			r->driver, gpu->handle, model->gi[row].id, list, &count);

		if (code != NVML_SUCCESS)
			return mig_record_note_gpu(r, gpu, "gpu_instances", code, "none", err);
		for (unsigned int i = 0; i < count && i < LIST_MAX; i++) {
			if (read_gi(r, gpu, row, list[i], err))
				return -1;
		}
	}
	return 0;
}

/* ---- layout ----------------------------------------------------------------------------------- */

static unsigned int units_of(const struct mig_gpu_table *model)
{
	unsigned int units = 0;

	for (unsigned int row = 0; row < model->gi_profile_count; row++) {
		const struct mig_table_gi_profile *gi = &model->gi[row];

		for (unsigned int i = 0; i < gi->start_count; i++)
			units = MIG_MAX(units, (unsigned int)gi->starts[i] + gi->placement_size);
	}
	return units;
}

/* The id of a place in a layout, or -1 if it is none in the tree. */
static int tree_id(unsigned int units, unsigned int start, unsigned int size, uint8_t layout)
{
	unsigned int parts, unit, id;

	if (size == 0 || size > units || units % size || start > units - size || start % size)
		return -1;
	parts = units / size;
	if (parts & (parts - 1))
		return -1;
	unit = layout == MIG_SIM_LAYOUT_SWAPPED ? (start + units / 2) % units : start;
	id = parts - 1 + unit / size;
	return id < MIG_SIM_GIS_MAX ? (int)id : -1;
}

static bool explains_ids(const struct recorded_gpu *gpu, unsigned int units, uint8_t layout)
{
	for (unsigned int i = 0; i < gpu->gi_count; i++) {
		const struct recorded_gi *gi = &gpu->gi[i];

		if (tree_id(units, gi->start, gi->size, layout) != (int)gi->id)
			return false;
	}
	return true;
}

static int find_layout(struct recorder *r, struct recorded_gpu *gpu, struct mig_error **err)
{
	const unsigned int units = units_of(&gpu->model.table);
	const bool normal = explains_ids(gpu, units, MIG_SIM_LAYOUT_NORMAL);
	const bool swapped = explains_ids(gpu, units, MIG_SIM_LAYOUT_SWAPPED);
	const char *why;
	char what[64];

	gpu->desc.layout = swapped && !normal ? MIG_SIM_LAYOUT_SWAPPED : MIG_SIM_LAYOUT_NORMAL;
	if (!gpu->model.table.is_mig_capable || normal != swapped)
		return 0;
	if (!normal)
		why = "the ids of its GPU instances are no tree positions";
	else
		why = "only the id of a GPU instance smaller than the GPU shows it";
	mig_text_format(what, sizeof(what), "gpus[%u].layout", gpu->index);
	return mig_record_note(r, what, why, "normal", err);
}

int mig_record_instances(struct recorder *r, struct recorded_gpu *gpu, struct mig_error **err)
{
	struct mig_gpu_table *model = &gpu->model.table;
	unsigned int most = 0;
	nvmlReturn_t code;

	if (gpu->is_mig_on) {
		code = r->driver->nvmlDeviceGetMaxMigDeviceCount(r->driver, gpu->handle, &most);
		if (code == NVML_SUCCESS && most >= 1 && most <= MIG_SIM_GIS_MAX) {
			model->max_gpu_instances = (uint8_t)most;
			gpu->model.has_max_devices = true;
		}
		if (read_gis(r, gpu, err))
			return -1;
	}
	return find_layout(r, gpu, err);
}

/* ---- as the description has them -------------------------------------------------------------- */

static int place_gi(struct recorder *r, const struct recorded_gpu *gpu,
		    const struct recorded_gi *from, struct mig_sim_initial *initial,
		    struct mig_error **err)
{
	const struct recorded_model *model = &r->models[gpu->desc.model];
	const struct mig_table_gi_profile *profile = &model->table.gi[from->row];
	const int id =
		tree_id(model->table.memory_slices, from->start, from->size, gpu->desc.layout);
	struct mig_sim_gi *gi;
	char what[96];

	if (id < 0 || initial->gi[id].in_use || from->size != profile->placement_size) {
		mig_text_format(what, sizeof(what), "gpus[%u].gpu_instances: %s at %u:%u",
				gpu->index, profile->name, from->start, from->size);
		return mig_record_note(r, what, "it is no place in a tree over the memory",
				       "left out", err);
	}
	gi = &initial->gi[id];
	gi->in_use = 1;
	gi->profile = (uint8_t)from->row;
	gi->start = (uint8_t)from->start;
	gi->size = (uint8_t)from->size;
	memcpy(gi->ci, from->ci, sizeof(gi->ci));
	return 0;
}

int mig_record_place(struct recorder *r, const struct recorded_gpu *gpu,
		     struct mig_sim_initial *initial, struct mig_error **err)
{
	for (unsigned int i = 0; i < gpu->gi_count; i++) {
		if (place_gi(r, gpu, &gpu->gi[i], initial, err))
			return -1;
	}
	return 0;
}
