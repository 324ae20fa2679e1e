/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MIG mode, and MIG devices as handles: their numbers under a GPU and the way back.
 */
#include "nvml/symbols.h"
#include "sim/abi/lookup.h"
#include "sim/abi/time.h"
#include "sim/abi/visible.h"
#include "sim/engine/holders.h"
#include "sim/process/holder.h"

/* ---- mode ------------------------------------------------------------------------------------- */

/* The most called function of monitoring clients: no lock, no system call, two bytes read. */
MIG_EXPORT nvmlReturn_t nvmlDeviceGetMigMode(nvmlDevice_t device, unsigned int *currentMode,
					     unsigned int *pendingMode)
{
	const struct mig_sim_state *view;
	struct mig_abi_gpu gpu;
	uint64_t begun;
	uint8_t current, pending;
	nvmlReturn_t code = mig_abi_find_gpu(device, &gpu);

	if (code != NVML_SUCCESS)
		return code;
	if (!currentMode || !pendingMode)
		return NVML_ERROR_INVALID_ARGUMENT;
	if (!gpu.facts.model->is_mig_capable)
		return NVML_ERROR_NOT_SUPPORTED;
	do {
		begun = mig_sim_read_begin(gpu.store, &view);
		current = mig_sim_load_u8(&view->gpus[gpu.gpu_index].mig_current);
		pending = mig_sim_load_u8(&view->gpus[gpu.gpu_index].mig_pending);
	} while (mig_sim_read_retry(gpu.store, begun));
	*currentMode = current ? NVML_DEVICE_MIG_ENABLE : NVML_DEVICE_MIG_DISABLE;
	*pendingMode = pending ? NVML_DEVICE_MIG_ENABLE : NVML_DEVICE_MIG_DISABLE;
	return NVML_SUCCESS;
}

struct mode_change {
	unsigned int mode;
	nvmlReturn_t activation;
};

static nvmlReturn_t change_mode(void *cookie, const struct mig_abi_gpu *gpu,
				struct mig_sim_gpu_state *state, const struct mig_sim_state *node)
{
	struct mode_change *change = cookie;
	bool is_held = mig_sim_is_held(node->holders, mig_sim_place_gpu(gpu->gpu_index),
				       MIG_SIM_REACH_WITHIN, mig_sim_holder_is_alive);

	return mig_sim_mode_set(&gpu->facts, state, change->mode, is_held, &change->activation);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceSetMigMode(nvmlDevice_t device, unsigned int mode,
					     nvmlReturn_t *activationStatus)
{
	struct mode_change change = {.mode = mode, .activation = NVML_SUCCESS};
	struct mig_abi_gpu gpu;
	nvmlReturn_t code = mig_abi_find_gpu(device, &gpu);

	if (code != NVML_SUCCESS)
		return code;
	if (!activationStatus ||
	    (mode != NVML_DEVICE_MIG_DISABLE && mode != NVML_DEVICE_MIG_ENABLE))
		return NVML_ERROR_INVALID_ARGUMENT;
	if (!gpu.facts.model->is_mig_capable)
		return NVML_ERROR_NOT_SUPPORTED;
	if (!mig_abi_is_admin(gpu.store))
		return NVML_ERROR_NO_PERMISSION;
	code = mig_abi_change_timed(&gpu, MIG_SIM_OPERATION_MODE_CHANGE, change_mode, &change);
	if (code == NVML_SUCCESS)
		*activationStatus = change.activation;
	return code;
}

/* ---- MIG devices ------------------------------------------------------------------------------ */

/* The most MIG devices that a GPU of this model can have: one per compute slice. */
static unsigned int max_mig_devices(const struct mig_gpu_table *model)
{
	unsigned int most = model->max_gpu_instances;

	for (unsigned int row = 0; row < model->gi_profile_count; row++)
		most = MIG_MAX(most, (unsigned int)model->gi[row].slice_count);
	return most;
}

/* How many there can be, not how many there are; 0, without an error, when MIG is off. */
MIG_EXPORT nvmlReturn_t nvmlDeviceGetMaxMigDeviceCount(nvmlDevice_t device, unsigned int *count)
{
	struct mig_abi_gpu gpu;
	nvmlReturn_t code = mig_abi_find_gpu(device, &gpu);

	if (code != NVML_SUCCESS)
		return code;
	if (!count)
		return NVML_ERROR_INVALID_ARGUMENT;
	*count = 0;
	if (gpu.facts.model->is_mig_capable && mig_abi_is_mig_on(&gpu))
		*count = max_mig_devices(gpu.facts.model);
	return NVML_SUCCESS;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetMigDeviceHandleByIndex(nvmlDevice_t device, unsigned int index,
							    nvmlDevice_t *migDevice)
{
	struct mig_abi_device d;
	unsigned int gi_id, ci_id;
	nvmlReturn_t code = mig_abi_find_device(device, &d);

	if (code != NVML_SUCCESS)
		return code;
	if (!migDevice || d.is_mig)
		return NVML_ERROR_INVALID_ARGUMENT;
	if (!d.gpu.facts.model->is_mig_capable)
		return NVML_ERROR_NOT_SUPPORTED;
	if (index >= max_mig_devices(d.gpu.facts.model))
		return NVML_ERROR_INVALID_ARGUMENT;
	if (!d.state.mig_current || !mig_abi_visible_at(&d.gpu, &d.state, index, &gi_id, &ci_id))
		return NVML_ERROR_NOT_FOUND;
	*migDevice = mig_handle_device(d.gpu.gpu_index, gi_id, ci_id);
	return NVML_SUCCESS;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceIsMigDeviceHandle(nvmlDevice_t device, unsigned int *isMigDevice)
{
	struct mig_abi_device d;
	nvmlReturn_t code = mig_abi_find_device(device, &d);

	if (code != NVML_SUCCESS)
		return code;
	if (!isMigDevice)
		return NVML_ERROR_INVALID_ARGUMENT;
	*isMigDevice = d.is_mig;
	return NVML_SUCCESS;
}

/* A MIG device handle; a GPU's is NOT_SUPPORTED. */
static nvmlReturn_t find_mig_device(nvmlDevice_t device, const void *out, struct mig_abi_device *d)
{
	nvmlReturn_t code = mig_abi_find_device(device, d);

	if (code != NVML_SUCCESS)
		return code;
	if (!out)
		return NVML_ERROR_INVALID_ARGUMENT;
	return d->is_mig ? NVML_SUCCESS : NVML_ERROR_NOT_SUPPORTED;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetGpuInstanceId(nvmlDevice_t device, unsigned int *id)
{
	struct mig_abi_device d;
	nvmlReturn_t code = find_mig_device(device, id, &d);

	if (code == NVML_SUCCESS)
		*id = d.gi_id;
	return code;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetComputeInstanceId(nvmlDevice_t device, unsigned int *id)
{
	struct mig_abi_device d;
	nvmlReturn_t code = find_mig_device(device, id, &d);

	if (code == NVML_SUCCESS)
		*id = d.ci_id;
	return code;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetDeviceHandleFromMigDeviceHandle(nvmlDevice_t migDevice,
								     nvmlDevice_t *device)
{
	struct mig_abi_device d;
	nvmlReturn_t code = find_mig_device(migDevice, device, &d);

	if (code == NVML_SUCCESS)
		*device = mig_handle_gpu(d.gpu.gpu_index);
	return code;
}
