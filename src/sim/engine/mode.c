/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MIG mode: what a new GPU has, and what setting the mode does.
 *
 * Ampere needs a GPU reset to change the mode, and what comes of that is a setting of the node;
 * Hopper and later change at once. The reset itself is not here. Must not know where a state is
 * stored nor who may change it.
 */
#include "sim/engine/engine.h"

#include <string.h>

static bool has_instances(const struct mig_sim_gpu_state *state)
{
	for (unsigned int id = 0; id < MIG_SIM_GIS_MAX; id++) {
		if (state->gi[id].in_use)
			return true;
	}
	return false;
}

void mig_sim_gpu_init(const struct mig_sim_gpu *gpu, struct mig_sim_gpu_state *state)
{
	memset(state, 0, sizeof(*state));
	state->mig_current = gpu->model->is_mig_capable && gpu->desc->initial_mig_mode;
	state->mig_pending = state->mig_current;
	state->persistence = gpu->desc->initial_persistence != 0;
	state->ecc_current = 1; /* as delivered: MIG's GPUs have ECC on */
	state->ecc_pending = 1;
}

nvmlReturn_t mig_sim_mode_set(const struct mig_sim_gpu *gpu, struct mig_sim_gpu_state *state,
			      unsigned int mode, bool is_held, nvmlReturn_t *activation)
{
	nvmlReturn_t status = NVML_SUCCESS;

	if (!gpu->model->is_mig_capable)
		return NVML_ERROR_NOT_SUPPORTED;
	if (mode != NVML_DEVICE_MIG_DISABLE && mode != NVML_DEVICE_MIG_ENABLE)
		return NVML_ERROR_INVALID_ARGUMENT;
	if (mode == NVML_DEVICE_MIG_DISABLE && has_instances(state))
		return NVML_ERROR_IN_USE;

	/* Wanting the mode in force takes back a change that was left pending. */
	if (mode != state->mig_current && gpu->model->mode_needs_reset) {
		if (gpu->desc->mode_change == MIG_SIM_MODE_CHANGE_RESET_REQUIRED)
			status = NVML_ERROR_RESET_REQUIRED;
		else if (gpu->desc->mode_change == MIG_SIM_MODE_CHANGE_IN_USE)
			status = NVML_ERROR_IN_USE;
	}
	if (mode != state->mig_current && is_held && status == NVML_SUCCESS)
		status = NVML_ERROR_IN_USE;
	state->mig_pending = (uint8_t)mode;
	if (status == NVML_SUCCESS)
		state->mig_current = (uint8_t)mode;
	*activation = status;
	return NVML_SUCCESS;
}
