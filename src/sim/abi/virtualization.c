/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a GPU is given to a virtual machine: no simulated GPU is. A simulated node is the machine
 * that its GPUs are in, without vGPU software; NVIDIA's DRA driver asks before it changes a layout.
 */
#include "nvml/symbols.h"
#include "sim/abi/lookup.h"

MIG_EXPORT nvmlReturn_t nvmlDeviceGetVirtualizationMode(nvmlDevice_t device,
							nvmlGpuVirtualizationMode_t *pVirtualMode)
{
	struct mig_abi_gpu gpu;
	nvmlReturn_t code = mig_abi_find_gpu(device, &gpu);

	if (code != NVML_SUCCESS)
		return code;
	if (!pVirtualMode)
		return NVML_ERROR_INVALID_ARGUMENT;
	*pVirtualMode = NVML_GPU_VIRTUALIZATION_MODE_NONE;
	return NVML_SUCCESS;
}
