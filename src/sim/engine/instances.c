/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of GPU and compute instances: create, destroy, and profile rows by NVML's numbers.
 *
 * What fits is placement.c's matter and which id a place has is tree.c's; here are the order of the
 * checks, the answers, and the only writes to gi[] and ci[]. Nothing is written before every check
 * has passed. Must not know processes that hold an instance: the caller asks for those.
 */
#include "sim/engine/engine.h"

#include <string.h>

int mig_sim_gi_row_by_index(const struct mig_gpu_table *model, unsigned int profile_index)
{
	for (unsigned int row = 0; row < model->gi_profile_count; row++) {
		if (model->gi[row].profile_index == profile_index)
			return (int)row;
	}
	return -1;
}

int mig_sim_gi_row_by_id(const struct mig_gpu_table *model, unsigned int profile_id)
{
	for (unsigned int row = 0; row < model->gi_profile_count; row++) {
		/* A profile whose id nobody has written down can't be asked for. */
		if (model->gi[row].id != MIG_TABLE_UNKNOWN && model->gi[row].id == profile_id)
			return (int)row;
	}
	return -1;
}

int mig_sim_ci_row_by_index(const struct mig_table_gi_profile *gi, unsigned int profile_index)
{
	for (unsigned int row = 0; row < gi->ci_profile_count; row++) {
		if (gi->ci[row].profile_index == profile_index)
			return (int)row;
	}
	return -1;
}

static int ci_row_by_id(const struct mig_table_gi_profile *gi, unsigned int profile_id)
{
	for (unsigned int row = 0; row < gi->ci_profile_count; row++) {
		if (gi->ci[row].id == profile_id)
			return (int)row;
	}
	return -1;
}

static bool is_listed(const uint8_t *starts, unsigned int count, uint32_t start)
{
	for (unsigned int i = 0; i < count; i++) {
		if (starts[i] == start)
			return true;
	}
	return false;
}

nvmlReturn_t mig_sim_gi_create(const struct mig_sim_gpu *gpu, struct mig_sim_gpu_state *state,
			       unsigned int profile_id, uint32_t start, uint32_t size,
			       unsigned int *gi_id)
{
	const struct mig_table_gi_profile *profile;
	struct mig_sim_gi *gi;
	int row, id;

	if (!state->mig_current)
		return NVML_ERROR_NOT_SUPPORTED;
	row = mig_sim_gi_row_by_id(gpu->model, profile_id);
	if (row < 0)
		return NVML_ERROR_INVALID_ARGUMENT;
	profile = &gpu->model->gi[row];
	if (start == MIG_SIM_ANY_START) {
		int chosen = mig_sim_gi_choose(gpu, state, (unsigned int)row);

		if (chosen < 0)
			return NVML_ERROR_INSUFFICIENT_RESOURCES;
		start = (uint32_t)chosen;
	} else {
		if (size != profile->placement_size ||
		    !is_listed(profile->starts, profile->start_count, start))
			return NVML_ERROR_INVALID_ARGUMENT;
		if (!mig_sim_gi_fits(gpu, state, (unsigned int)row, start))
			return NVML_ERROR_INSUFFICIENT_RESOURCES;
	}
	id = mig_sim_tree_id(gpu, start, profile->placement_size);
	if (id < 0 || state->gi[id].in_use)
		return NVML_ERROR_UNKNOWN; /* only with a damaged state: a place that fits is free */
	gi = &state->gi[id];
	memset(gi, 0, sizeof(*gi));
	gi->in_use = 1;
	gi->profile = (uint8_t)row;
	gi->start = (uint8_t)start;
	gi->size = profile->placement_size;
	*gi_id = (unsigned int)id;
	return NVML_SUCCESS;
}

nvmlReturn_t mig_sim_gi_destroy(const struct mig_sim_gpu *gpu, struct mig_sim_gpu_state *state,
				unsigned int gi_id)
{
	(void)gpu;
	if (gi_id >= MIG_SIM_GIS_MAX || !state->gi[gi_id].in_use)
		return NVML_ERROR_NOT_FOUND;
	for (unsigned int id = 0; id < MIG_SIM_CIS_MAX; id++) {
		if (state->gi[gi_id].ci[id].in_use)
			return NVML_ERROR_IN_USE;
	}
	memset(&state->gi[gi_id], 0, sizeof(state->gi[gi_id]));
	return NVML_SUCCESS;
}

/* The start for a new compute instance of the row, or why there is none. */
static nvmlReturn_t ci_start(const struct mig_sim_gpu *gpu, const struct mig_sim_gpu_state *state,
			     unsigned int gi_id, unsigned int row, uint32_t size, uint32_t *start)
{
	const struct mig_table_ci_profile *profile =
		&gpu->model->gi[state->gi[gi_id].profile].ci[row];

	if (*start == MIG_SIM_ANY_START) {
		int chosen = mig_sim_ci_choose(gpu, state, gi_id, row);

		if (chosen < 0)
			return NVML_ERROR_INSUFFICIENT_RESOURCES;
		*start = (uint32_t)chosen;
		return NVML_SUCCESS;
	}
	if (size != profile->placement_size ||
	    !is_listed(profile->starts, profile->start_count, *start))
		return NVML_ERROR_INVALID_ARGUMENT;
	if (!mig_sim_ci_fits(gpu, state, gi_id, row, *start))
		return NVML_ERROR_INSUFFICIENT_RESOURCES;
	return NVML_SUCCESS;
}

nvmlReturn_t mig_sim_ci_create(const struct mig_sim_gpu *gpu, struct mig_sim_gpu_state *state,
			       unsigned int gi_id, unsigned int profile_id, uint32_t start,
			       uint32_t size, unsigned int *ci_id)
{
	const struct mig_table_gi_profile *gi_profile;
	struct mig_sim_gi *gi;
	unsigned int id = 0;
	nvmlReturn_t answer;
	int row;

	if (gi_id >= MIG_SIM_GIS_MAX || !state->gi[gi_id].in_use)
		return NVML_ERROR_NOT_FOUND;
	gi = &state->gi[gi_id];
	if (gi->profile >= gpu->model->gi_profile_count)
		return NVML_ERROR_UNKNOWN; /* only with a damaged state */
	gi_profile = &gpu->model->gi[gi->profile];
	row = ci_row_by_id(gi_profile, profile_id);
	if (row < 0)
		return profile_id < NVML_COMPUTE_INSTANCE_PROFILE_COUNT
			       ? NVML_ERROR_NOT_SUPPORTED
			       : NVML_ERROR_INVALID_ARGUMENT;
	answer = ci_start(gpu, state, gi_id, (unsigned int)row, size, &start);
	if (answer != NVML_SUCCESS)
		return answer;
	while (id < MIG_SIM_CIS_MAX && gi->ci[id].in_use)
		id++;
	if (id == MIG_SIM_CIS_MAX)
		return NVML_ERROR_INSUFFICIENT_RESOURCES;
	memset(&gi->ci[id], 0, sizeof(gi->ci[id]));
	gi->ci[id].in_use = 1;
	gi->ci[id].profile = (uint8_t)row;
	gi->ci[id].start = (uint8_t)start;
	gi->ci[id].size = gi_profile->ci[row].placement_size;
	*ci_id = id;
	return NVML_SUCCESS;
}

nvmlReturn_t mig_sim_ci_destroy(const struct mig_sim_gpu *gpu, struct mig_sim_gpu_state *state,
				unsigned int gi_id, unsigned int ci_id)
{
	struct mig_sim_gi *gi;

	(void)gpu;
	if (gi_id >= MIG_SIM_GIS_MAX || !state->gi[gi_id].in_use)
		return NVML_ERROR_NOT_FOUND;
	gi = &state->gi[gi_id];
	if (ci_id >= MIG_SIM_CIS_MAX || !gi->ci[ci_id].in_use)
		return NVML_ERROR_NOT_FOUND;
	memset(&gi->ci[ci_id], 0, sizeof(gi->ci[ci_id]));
	return NVML_SUCCESS;
}
