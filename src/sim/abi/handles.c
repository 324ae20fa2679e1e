/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handles: addresses inside one static array that is never read or written.
 *
 * The position in the array says what a handle means, so a handle stays the same through Shutdown
 * and Init, an instance that is made again at the same place has the same handle again, and any
 * other pointer is told apart by arithmetic alone.
 */
#include "sim/abi/abi.h"

enum {
	HANDLE_STRIDE = 16,
	CIS_PER_GPU = MIG_SIM_GIS_MAX * MIG_SIM_CIS_MAX,

	FIRST_GPU = 0,
	FIRST_GI = FIRST_GPU + MIG_SIM_GPUS_MAX,
	FIRST_CI = FIRST_GI + MIG_SIM_GPUS_MAX * MIG_SIM_GIS_MAX,
	FIRST_MIG_DEVICE = FIRST_CI + MIG_SIM_GPUS_MAX * CIS_PER_GPU,
	HANDLE_COUNT = FIRST_MIG_DEVICE + MIG_SIM_GPUS_MAX * CIS_PER_GPU,
};

/* Takes address space only: no page of it is ever touched. */
static char handle_space[HANDLE_COUNT * HANDLE_STRIDE] __attribute__((aligned(HANDLE_STRIDE)));

static void *handle_at(unsigned int position)
{
	return handle_space + (size_t)position * HANDLE_STRIDE;
}

static struct mig_handle_ref instance_ref(enum mig_handle_kind kind, unsigned int position)
{
	struct mig_handle_ref ref = {
		.kind = kind,
		.gpu_index = position / CIS_PER_GPU,
		.gi_id = position % CIS_PER_GPU / MIG_SIM_CIS_MAX,
		.ci_id = position % MIG_SIM_CIS_MAX,
	};

	return ref;
}

struct mig_handle_ref mig_handle_decode(const void *handle)
{
	/* Below the array the difference wraps round to something huge. */
	uintptr_t offset = (uintptr_t)handle - (uintptr_t)handle_space;
	struct mig_handle_ref none = {.kind = MIG_HANDLE_NONE};
	unsigned int position;

	if (offset >= sizeof(handle_space) || offset % HANDLE_STRIDE != 0)
		return none;
	position = (unsigned int)(offset / HANDLE_STRIDE);
	if (position < FIRST_GI) {
		struct mig_handle_ref gpu = {.kind = MIG_HANDLE_GPU, .gpu_index = position};

		return gpu;
	}
	if (position < FIRST_CI) {
		struct mig_handle_ref gi = {
			.kind = MIG_HANDLE_GI,
			.gpu_index = (position - FIRST_GI) / MIG_SIM_GIS_MAX,
			.gi_id = (position - FIRST_GI) % MIG_SIM_GIS_MAX,
		};

		return gi;
	}
	if (position < FIRST_MIG_DEVICE)
		return instance_ref(MIG_HANDLE_CI, position - FIRST_CI);
	return instance_ref(MIG_HANDLE_MIG_DEVICE, position - FIRST_MIG_DEVICE);
}

nvmlDevice_t mig_handle_gpu(unsigned int gpu_index)
{
	return handle_at(FIRST_GPU + gpu_index);
}

nvmlDevice_t mig_handle_device(unsigned int gpu_index, unsigned int gi_id, unsigned int ci_id)
{
	return handle_at(FIRST_MIG_DEVICE + gpu_index * CIS_PER_GPU + gi_id * MIG_SIM_CIS_MAX +
			 ci_id);
}

nvmlGpuInstance_t mig_handle_gi(unsigned int gpu_index, unsigned int gi_id)
{
	return handle_at(FIRST_GI + gpu_index * MIG_SIM_GIS_MAX + gi_id);
}

nvmlComputeInstance_t mig_handle_ci(unsigned int gpu_index, unsigned int gi_id, unsigned int ci_id)
{
	return handle_at(FIRST_CI + gpu_index * CIS_PER_GPU + gi_id * MIG_SIM_CIS_MAX + ci_id);
}
