/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Properties of a GPU that are neither identity, memory nor MIG: what kind of GPU it is, and the
 * modes that a simulated one has. The values that are the same for every simulated GPU (no display, an idle P0) are listed in docs/simulated-functions.md.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "nvml/symbols.h"
#include "sim/abi/branch.h"
#include "sim/abi/ecc.h"
#include "sim/abi/monitor.h"

/* ---- what kind of GPU: a MIG device answers for its GPU --------------------------------------- */

/* By the product name; anything else is plain NVIDIA. */
static const struct {
	const char *prefix;
	nvmlBrandType_t brand;
} brands[] = {
	{"Tesla ", NVML_BRAND_TESLA},
	{"NVIDIA RTX ", NVML_BRAND_NVIDIA_RTX},
};

MIG_EXPORT nvmlReturn_t nvmlDeviceGetBrand(nvmlDevice_t device, nvmlBrandType_t *type)
{
	struct mig_abi_gpu gpu;
	nvmlReturn_t code = mig_abi_find_parent(device, &gpu);

	if (code != NVML_SUCCESS)
		return code;
	if (!type)
		return NVML_ERROR_INVALID_ARGUMENT;
	*type = NVML_BRAND_NVIDIA;
	for (unsigned int i = 0; i < MIG_ARRAY_SIZE(brands); i++) {
		const char *prefix = brands[i].prefix;

		if (strncmp(gpu.facts.model->name, prefix, strlen(prefix)) == 0)
			*type = brands[i].brand;
	}
	return NVML_SUCCESS;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetArchitecture(nvmlDevice_t device,
						  nvmlDeviceArchitecture_t *arch)
{
	static const nvmlDeviceArchitecture_t numbers[MIG_ARCH_COUNT] = {
		[MIG_ARCH_UNKNOWN] = NVML_DEVICE_ARCH_UNKNOWN,
		[MIG_ARCH_TURING] = NVML_DEVICE_ARCH_TURING,
		[MIG_ARCH_AMPERE] = NVML_DEVICE_ARCH_AMPERE,
		[MIG_ARCH_ADA] = NVML_DEVICE_ARCH_ADA,
		[MIG_ARCH_HOPPER] = NVML_DEVICE_ARCH_HOPPER,
		[MIG_ARCH_BLACKWELL] = NVML_DEVICE_ARCH_BLACKWELL,
	};
	struct mig_abi_gpu gpu;
	nvmlReturn_t code = mig_abi_find_parent(device, &gpu);

	if (code != NVML_SUCCESS)
		return code;
	if (!arch)
		return NVML_ERROR_INVALID_ARGUMENT;
	*arch = gpu.facts.model->arch < MIG_ARCH_COUNT ? numbers[gpu.facts.model->arch]
						       : NVML_DEVICE_ARCH_UNKNOWN;
	return NVML_SUCCESS;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetCudaComputeCapability(nvmlDevice_t device, int *major,
							   int *minor)
{
	struct mig_abi_gpu gpu;
	nvmlReturn_t code = mig_abi_find_parent(device, &gpu);

	if (code != NVML_SUCCESS)
		return code;
	if (!major || !minor)
		return NVML_ERROR_INVALID_ARGUMENT;
	if (gpu.facts.model->cc_major == MIG_TABLE_UNKNOWN_U8 ||
	    gpu.facts.model->cc_minor == MIG_TABLE_UNKNOWN_U8)
		return NVML_ERROR_NOT_SUPPORTED;
	*major = gpu.facts.model->cc_major;
	*minor = gpu.facts.model->cc_minor;
	return NVML_SUCCESS;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetNumaNodeId(nvmlDevice_t device, unsigned int *node)
{
	struct mig_abi_gpu gpu;
	nvmlReturn_t code = mig_abi_find_parent(device, &gpu);

	if (code != NVML_SUCCESS)
		return code;
	if (!node)
		return NVML_ERROR_INVALID_ARGUMENT;
	if (gpu.facts.desc->numa_node < 0)
		return NVML_ERROR_NOT_SUPPORTED;
	*node = (unsigned int)gpu.facts.desc->numa_node;
	return NVML_SUCCESS;
}

/* ---- persistence mode ------------------------------------------------------------------------- */

MIG_EXPORT nvmlReturn_t nvmlDeviceGetPersistenceMode(nvmlDevice_t device, nvmlEnableState_t *mode)
{
	struct mig_abi_device d;
	nvmlReturn_t code = mig_abi_find_device(device, &d);

	if (code != NVML_SUCCESS)
		return code;
	if (!mode)
		return NVML_ERROR_INVALID_ARGUMENT;
	*mode = d.state.persistence ? NVML_FEATURE_ENABLED : NVML_FEATURE_DISABLED;
	return NVML_SUCCESS;
}

static nvmlReturn_t set_persistence(void *cookie, const struct mig_abi_gpu *gpu,
				    struct mig_sim_gpu_state *state,
				    const struct mig_sim_state *node)
{
	const nvmlEnableState_t *mode = cookie;
	(void)gpu;
	(void)node;
	state->persistence = *mode == NVML_FEATURE_ENABLED;
	return NVML_SUCCESS;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceSetPersistenceMode(nvmlDevice_t device, nvmlEnableState_t mode)
{
	struct mig_abi_gpu gpu;
	nvmlReturn_t code = mig_abi_find_gpu(device, &gpu);

	if (code != NVML_SUCCESS)
		return code;
	if (mode != NVML_FEATURE_DISABLED && mode != NVML_FEATURE_ENABLED)
		return NVML_ERROR_INVALID_ARGUMENT;
	if (!mig_abi_is_admin(gpu.store))
		return NVML_ERROR_NO_PERMISSION;
	return mig_abi_change(&gpu, set_persistence, &mode);
}

/* ---- what every simulated GPU has ------------------------------------------------------------- */

static nvmlReturn_t get_disabled(nvmlDevice_t device, nvmlEnableState_t *out)
{
	struct mig_abi_gpu gpu;
	nvmlReturn_t code = mig_abi_find_gpu(device, &gpu);

	if (code != NVML_SUCCESS)
		return code;
	if (!out)
		return NVML_ERROR_INVALID_ARGUMENT;
	*out = NVML_FEATURE_DISABLED;
	return NVML_SUCCESS;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetDisplayMode(nvmlDevice_t device, nvmlEnableState_t *display)
{
	return get_disabled(device, display);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetDisplayActive(nvmlDevice_t device, nvmlEnableState_t *isActive)
{
	return get_disabled(device, isActive);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetComputeMode(nvmlDevice_t device, nvmlComputeMode_t *mode)
{
	struct mig_abi_gpu gpu;
	nvmlReturn_t code = mig_abi_find_parent(device, &gpu);

	if (code != NVML_SUCCESS)
		return code;
	if (!mode)
		return NVML_ERROR_INVALID_ARGUMENT;
	*mode = NVML_COMPUTEMODE_DEFAULT;
	return NVML_SUCCESS;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetPerformanceState(nvmlDevice_t device, nvmlPstates_t *pState)
{
	struct mig_abi_gpu gpu;
	nvmlReturn_t code = mig_abi_find_gpu(device, &gpu);

	if (code != NVML_SUCCESS)
		return code;
	if (!pState)
		return NVML_ERROR_INVALID_ARGUMENT;
	*pState = NVML_PSTATE_0;
	return NVML_SUCCESS;
}

/* Not there while MIG is on, for the GPU as for its MIG devices. */
MIG_EXPORT nvmlReturn_t nvmlDeviceGetUtilizationRates(nvmlDevice_t device,
						      nvmlUtilization_t *utilization)
{
	struct mig_abi_device d;
	nvmlReturn_t code = mig_abi_find_device(device, &d);

	if (code != NVML_SUCCESS)
		return code;
	if (!utilization)
		return NVML_ERROR_INVALID_ARGUMENT;
	if (d.state.mig_current)
		return NVML_ERROR_NOT_SUPPORTED;
	memset(utilization, 0, sizeof(*utilization));
	return NVML_SUCCESS;
}

/* ---- field values ----------------------------------------------------------------------------- */

static nvmlReturn_t read_field(const struct mig_abi_gpu *gpu, unsigned int field,
			       unsigned long long *value)
{
	switch (field) {
	case NVML_FI_DEV_IS_RESETLESS_MIG_SUPPORTED:
		if (mig_abi_branch.number < MIG_SIM_BRANCH_535)
			return NVML_ERROR_NOT_SUPPORTED;
		*value = gpu->facts.model->is_mig_capable && !gpu->facts.model->mode_needs_reset;
		return NVML_SUCCESS;
	case NVML_FI_DEV_IS_MIG_MODE_INDEPENDENT_MIG_QUERY_CAPABLE:
		if (!mig_abi_rules()->answers_with_mig_off)
			return NVML_ERROR_NOT_SUPPORTED;
		*value = gpu->facts.model->is_mig_capable;
		return NVML_SUCCESS;
	default:
		return mig_abi_ecc_field(gpu, field, value);
	}
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetFieldValues(nvmlDevice_t device, int valuesCount,
						 nvmlFieldValue_t *values)
{
	int saved_errno = errno;
	struct timespec now = {0};
	struct mig_abi_gpu gpu;
	nvmlReturn_t code = mig_abi_find_gpu(device, &gpu);

	if (code != NVML_SUCCESS)
		return code;
	if (!values || valuesCount <= 0)
		return NVML_ERROR_INVALID_ARGUMENT;
	clock_gettime(CLOCK_REALTIME, &now);
	errno = saved_errno;
	for (int i = 0; i < valuesCount; i++) {
		unsigned long long value = 0;

		values[i].timestamp = (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000;
		values[i].latencyUsec = 0;
		values[i].nvmlReturn = read_field(&gpu, values[i].fieldId, &value);
		if (values[i].nvmlReturn == NVML_SUCCESS) {
			values[i].valueType = NVML_VALUE_TYPE_UNSIGNED_INT;
			values[i].value.ullVal = value;
		} else if (values[i].nvmlReturn == NVML_ERROR_NOT_SUPPORTED) {
			values[i].nvmlReturn = mig_monitor_field(device, values[i].fieldId,
								 values[i].scopeId, &values[i]);
		}
	}
	return NVML_SUCCESS;
}
