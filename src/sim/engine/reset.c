/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a GPU reset and a reboot of the node do to a GPU's state.
 *
 * The MIG mode is an Ampere GPU's own (InfoROM) and survives a reboot; on Hopper and later it is the
 * driver's and is lost with it (data/mig.json, architectures). Instances survive neither. That a
 * reset leaves the mode of a Hopper GPU as it is set is inferred: the driver stays loaded.
 */
#include "sim/engine/engine.h"

#include <string.h>

/* What a GPU has not kept when it starts anew, however that came about. */
static void start_anew(struct mig_sim_gpu_state *state)
{
	memset(state->gi, 0, sizeof(state->gi));
	state->ecc_current = state->ecc_pending;
	state->ecc_volatile_corrected = 0;
	state->ecc_volatile_uncorrected = 0;
	state->ecc_volatile_sram = 0;
}

nvmlReturn_t mig_sim_gpu_reset(const struct mig_sim_gpu *gpu, struct mig_sim_gpu_state *state)
{
	(void)gpu;
	if (state->is_lost)
		return NVML_ERROR_GPU_IS_LOST;
	if (state->persistence)
		return NVML_ERROR_IN_USE;
	start_anew(state);
	state->mig_current = state->mig_pending;
	state->resets++;
	return NVML_SUCCESS;
}

void mig_sim_gpu_reboot(const struct mig_sim_gpu *gpu, struct mig_sim_gpu_state *state)
{
	start_anew(state);
	state->busy_until_ns = 0;
	if (!gpu->model->mode_survives_reboot)
		state->mig_pending = 0;
	state->mig_current = state->mig_pending;
	state->is_lost = 0;
	state->persistence = gpu->desc->initial_persistence != 0;
}
