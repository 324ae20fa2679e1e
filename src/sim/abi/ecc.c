/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ECC: the mode, and the errors that were injected (migctl sim fault add ecc=…).
 *
 * Errors are counted for the whole GPU, those in the SRAM of a GPU instance there as well. Where an
 * error was is known as DRAM or SRAM, as GPUs since Turing tell it; the finer places are always 0.
 * Inferred, for want of recordings: every model has ECC, no row is ever remapped and no page
 * retired, and GPUs with row remapping (since Ampere) know no retired pages.
 */
#include "sim/abi/ecc.h"

#include <string.h>

#include "nvml/symbols.h"

/* ---- mode ------------------------------------------------------------------------------------- */

MIG_EXPORT nvmlReturn_t nvmlDeviceGetEccMode(nvmlDevice_t device, nvmlEnableState_t *current,
					     nvmlEnableState_t *pending)
{
	struct mig_abi_device d;
	struct mig_abi_gpu gpu;
	nvmlReturn_t code = mig_abi_find_gpu(device, &gpu);

	if (code == NVML_SUCCESS)
		code = mig_abi_find_device(device, &d);
	if (code != NVML_SUCCESS)
		return code;
	if (!current || !pending)
		return NVML_ERROR_INVALID_ARGUMENT;
	*current = d.state.ecc_current ? NVML_FEATURE_ENABLED : NVML_FEATURE_DISABLED;
	*pending = d.state.ecc_pending ? NVML_FEATURE_ENABLED : NVML_FEATURE_DISABLED;
	return NVML_SUCCESS;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetDefaultEccMode(nvmlDevice_t device,
						    nvmlEnableState_t *defaultMode)
{
	struct mig_abi_gpu gpu;
	nvmlReturn_t code = mig_abi_find_gpu(device, &gpu);

	if (code != NVML_SUCCESS)
		return code;
	if (!defaultMode)
		return NVML_ERROR_INVALID_ARGUMENT;
	*defaultMode = NVML_FEATURE_ENABLED;
	return NVML_SUCCESS;
}

static nvmlReturn_t set_pending(void *cookie, const struct mig_abi_gpu *gpu,
				struct mig_sim_gpu_state *state, const struct mig_sim_state *node)
{
	const nvmlEnableState_t *mode = cookie;

	(void)gpu;
	(void)node;
	state->ecc_pending = *mode == NVML_FEATURE_ENABLED;
	return NVML_SUCCESS;
}

/* In force after the next reset. */
MIG_EXPORT nvmlReturn_t nvmlDeviceSetEccMode(nvmlDevice_t device, nvmlEnableState_t ecc)
{
	struct mig_abi_gpu gpu;
	nvmlReturn_t code = mig_abi_find_gpu(device, &gpu);

	if (code != NVML_SUCCESS)
		return code;
	if (ecc != NVML_FEATURE_DISABLED && ecc != NVML_FEATURE_ENABLED)
		return NVML_ERROR_INVALID_ARGUMENT;
	if (!mig_abi_is_admin(gpu.store))
		return NVML_ERROR_NO_PERMISSION;
	return mig_abi_change(&gpu, set_pending, &ecc);
}

/* ---- counters --------------------------------------------------------------------------------- */

/* The errors of one kind, by where they were. */
struct errors {
	unsigned long long dram;
	unsigned long long sram;
};

static bool is_counter(nvmlMemoryErrorType_t error, nvmlEccCounterType_t counter)
{
	return (unsigned int)error <= NVML_MEMORY_ERROR_TYPE_UNCORRECTED &&
	       (unsigned int)counter <= NVML_AGGREGATE_ECC;
}

static struct errors errors_of(const struct mig_sim_gpu_state *state, nvmlMemoryErrorType_t error,
			       nvmlEccCounterType_t counter)
{
	bool is_volatile = counter == NVML_VOLATILE_ECC;
	struct errors errors = {.dram = 0};

	if (error == NVML_MEMORY_ERROR_TYPE_CORRECTED) {
		errors.dram = is_volatile ? state->ecc_volatile_corrected
					  : state->ecc_aggregate_corrected;
		return errors;
	}
	errors.sram = is_volatile ? state->ecc_volatile_sram : state->ecc_aggregate_sram;
	errors.dram =
		(is_volatile ? state->ecc_volatile_uncorrected : state->ecc_aggregate_uncorrected) -
		errors.sram;
	return errors;
}

/* A GPU's errors of one kind. */
static nvmlReturn_t read_errors(nvmlDevice_t device, nvmlMemoryErrorType_t error,
				nvmlEccCounterType_t counter, const void *out,
				struct errors *errors)
{
	struct mig_abi_device d;
	nvmlReturn_t code = mig_abi_find_device(device, &d);

	if (code != NVML_SUCCESS)
		return code;
	if (d.is_mig || !out || !is_counter(error, counter))
		return NVML_ERROR_INVALID_ARGUMENT;
	if (!d.state.ecc_current)
		return NVML_ERROR_NOT_SUPPORTED;
	*errors = errors_of(&d.state, error, counter);
	return NVML_SUCCESS;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetTotalEccErrors(nvmlDevice_t device,
						    nvmlMemoryErrorType_t errorType,
						    nvmlEccCounterType_t counterType,
						    unsigned long long *eccCounts)
{
	struct errors errors;
	nvmlReturn_t code = read_errors(device, errorType, counterType, eccCounts, &errors);

	if (code == NVML_SUCCESS)
		*eccCounts = errors.dram + errors.sram;
	return code;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetDetailedEccErrors(nvmlDevice_t device,
						       nvmlMemoryErrorType_t errorType,
						       nvmlEccCounterType_t counterType,
						       nvmlEccErrorCounts_t *eccCounts)
{
	struct errors errors;
	nvmlReturn_t code = read_errors(device, errorType, counterType, eccCounts, &errors);

	if (code != NVML_SUCCESS)
		return code;
	memset(eccCounts, 0, sizeof(*eccCounts));
	eccCounts->deviceMemory = errors.dram;
	return NVML_SUCCESS;
}

/* For a MIG device there is only the volatile count of what could not be corrected, DRAM left out. */
MIG_EXPORT nvmlReturn_t nvmlDeviceGetMemoryErrorCounter(nvmlDevice_t device,
							nvmlMemoryErrorType_t errorType,
							nvmlEccCounterType_t counterType,
							nvmlMemoryLocation_t locationType,
							unsigned long long *count)
{
	struct mig_abi_device d;
	struct errors errors;
	nvmlReturn_t code = mig_abi_find_device(device, &d);

	if (code != NVML_SUCCESS)
		return code;
	if (!count || !is_counter(errorType, counterType) ||
	    (unsigned int)locationType > NVML_MEMORY_LOCATION_SRAM)
		return NVML_ERROR_INVALID_ARGUMENT;
	if (!d.state.ecc_current || (d.is_mig && (errorType != NVML_MEMORY_ERROR_TYPE_UNCORRECTED ||
						  counterType != NVML_VOLATILE_ECC ||
						  locationType == NVML_MEMORY_LOCATION_DRAM)))
		return NVML_ERROR_NOT_SUPPORTED;
	errors = errors_of(&d.state, errorType, counterType);
	if (d.is_mig)
		errors.sram = d.state.gi[d.gi_id].ecc_uncorrected;
	*count = 0;
	if (locationType == NVML_MEMORY_LOCATION_SRAM)
		*count = errors.sram;
	else if (locationType == NVML_MEMORY_LOCATION_DRAM)
		*count = errors.dram;
	return NVML_SUCCESS;
}

static nvmlReturn_t clear_counts(void *cookie, const struct mig_abi_gpu *gpu,
				 struct mig_sim_gpu_state *state, const struct mig_sim_state *node)
{
	const nvmlEccCounterType_t *counter = cookie;

	(void)gpu;
	(void)node;
	if (!state->ecc_current)
		return NVML_ERROR_NOT_SUPPORTED;
	if (*counter == NVML_AGGREGATE_ECC) {
		state->ecc_aggregate_corrected = 0;
		state->ecc_aggregate_uncorrected = 0;
		state->ecc_aggregate_sram = 0;
		return NVML_SUCCESS;
	}
	state->ecc_volatile_corrected = 0;
	state->ecc_volatile_uncorrected = 0;
	state->ecc_volatile_sram = 0;
	for (unsigned int gi = 0; gi < MIG_SIM_GIS_MAX; gi++)
		state->gi[gi].ecc_uncorrected = 0;
	return NVML_SUCCESS;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceClearEccErrorCounts(nvmlDevice_t device,
						      nvmlEccCounterType_t counterType)
{
	struct mig_abi_gpu gpu;
	nvmlReturn_t code = mig_abi_find_gpu(device, &gpu);

	if (code != NVML_SUCCESS)
		return code;
	if (!is_counter(NVML_MEMORY_ERROR_TYPE_CORRECTED, counterType))
		return NVML_ERROR_INVALID_ARGUMENT;
	if (!mig_abi_is_admin(gpu.store))
		return NVML_ERROR_NO_PERMISSION;
	return mig_abi_change(&gpu, clear_counts, &counterType);
}

/* ---- retired pages and remapped rows ----------------------------------------------------------- */

/* How bad memory is taken out of use: by rows since Ampere, by pages before. */
static bool remaps_rows(const struct mig_abi_gpu *gpu)
{
	return gpu->facts.model->arch != MIG_ARCH_UNKNOWN &&
	       gpu->facts.model->arch != MIG_ARCH_TURING;
}

static nvmlReturn_t no_retired_pages(nvmlDevice_t device, nvmlPageRetirementCause_t cause,
				     unsigned int *count)
{
	struct mig_abi_gpu gpu;
	nvmlReturn_t code = mig_abi_find_gpu(device, &gpu);

	if (code != NVML_SUCCESS)
		return code;
	if (!count || (unsigned int)cause > NVML_PAGE_RETIREMENT_CAUSE_DOUBLE_BIT_ECC_ERROR)
		return NVML_ERROR_INVALID_ARGUMENT;
	if (remaps_rows(&gpu))
		return NVML_ERROR_NOT_SUPPORTED;
	*count = 0;
	return NVML_SUCCESS;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetRetiredPages(nvmlDevice_t device,
						  nvmlPageRetirementCause_t cause,
						  unsigned int *pageCount,
						  unsigned long long *addresses)
{
	(void)addresses;
	return no_retired_pages(device, cause, pageCount);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetRetiredPages_v2(nvmlDevice_t device,
						     nvmlPageRetirementCause_t cause,
						     unsigned int *pageCount,
						     unsigned long long *addresses,
						     unsigned long long *timestamps)
{
	(void)addresses;
	(void)timestamps;
	return no_retired_pages(device, cause, pageCount);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetRetiredPagesPendingStatus(nvmlDevice_t device,
							       nvmlEnableState_t *isPending)
{
	unsigned int count;
	nvmlReturn_t code = no_retired_pages(
		device, NVML_PAGE_RETIREMENT_CAUSE_DOUBLE_BIT_ECC_ERROR, isPending ? &count : NULL);

	if (code == NVML_SUCCESS)
		*isPending = NVML_FEATURE_DISABLED;
	return code;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetRemappedRows(nvmlDevice_t device, unsigned int *corrRows,
						  unsigned int *uncRows, unsigned int *isPending,
						  unsigned int *failureOccurred)
{
	struct mig_abi_gpu gpu;
	nvmlReturn_t code = mig_abi_find_gpu(device, &gpu);

	if (code != NVML_SUCCESS)
		return code;
	if (!corrRows || !uncRows || !isPending || !failureOccurred)
		return NVML_ERROR_INVALID_ARGUMENT;
	if (!remaps_rows(&gpu))
		return NVML_ERROR_NOT_SUPPORTED;
	*corrRows = 0;
	*uncRows = 0;
	*isPending = 0;
	*failureOccurred = 0;
	return NVML_SUCCESS;
}

/* ---- field values ------------------------------------------------------------------------------ */

/* Totals, by field. */
static const struct {
	unsigned int field;
	nvmlMemoryErrorType_t error;
	nvmlEccCounterType_t counter;
} total_fields[] = {
	{NVML_FI_DEV_ECC_SBE_VOL_TOTAL, NVML_MEMORY_ERROR_TYPE_CORRECTED, NVML_VOLATILE_ECC},
	{NVML_FI_DEV_ECC_DBE_VOL_TOTAL, NVML_MEMORY_ERROR_TYPE_UNCORRECTED, NVML_VOLATILE_ECC},
	{NVML_FI_DEV_ECC_SBE_AGG_TOTAL, NVML_MEMORY_ERROR_TYPE_CORRECTED, NVML_AGGREGATE_ECC},
	{NVML_FI_DEV_ECC_DBE_AGG_TOTAL, NVML_MEMORY_ERROR_TYPE_UNCORRECTED, NVML_AGGREGATE_ECC},
};

static nvmlReturn_t read_total(const struct mig_sim_gpu_state *state, unsigned int field,
			       unsigned long long *value)
{
	for (unsigned int i = 0; i < MIG_ARRAY_SIZE(total_fields); i++) {
		struct errors errors;

		if (total_fields[i].field != field)
			continue;
		if (!state->ecc_current)
			return NVML_ERROR_NOT_SUPPORTED;
		errors = errors_of(state, total_fields[i].error, total_fields[i].counter);
		*value = errors.dram + errors.sram;
		return NVML_SUCCESS;
	}
	return NVML_ERROR_NOT_SUPPORTED;
}

nvmlReturn_t mig_abi_ecc_field(const struct mig_abi_gpu *gpu, unsigned int field,
			       unsigned long long *value)
{
	struct mig_sim_gpu_state state;

	switch (field) {
	case NVML_FI_DEV_REMAPPED_COR:
	case NVML_FI_DEV_REMAPPED_UNC:
	case NVML_FI_DEV_REMAPPED_PENDING:
	case NVML_FI_DEV_REMAPPED_FAILURE:
		*value = 0;
		return remaps_rows(gpu) ? NVML_SUCCESS : NVML_ERROR_NOT_SUPPORTED;
	case NVML_FI_DEV_RETIRED_SBE:
	case NVML_FI_DEV_RETIRED_DBE:
	case NVML_FI_DEV_RETIRED_PENDING:
		*value = 0;
		return remaps_rows(gpu) ? NVML_ERROR_NOT_SUPPORTED : NVML_SUCCESS;
	default:
		break;
	}
	mig_sim_store_read_gpu(gpu->store, gpu->gpu_index, &state);
	switch (field) {
	case NVML_FI_DEV_ECC_CURRENT:
		*value = state.ecc_current ? NVML_FEATURE_ENABLED : NVML_FEATURE_DISABLED;
		return NVML_SUCCESS;
	case NVML_FI_DEV_ECC_PENDING:
		*value = state.ecc_pending ? NVML_FEATURE_ENABLED : NVML_FEATURE_DISABLED;
		return NVML_SUCCESS;
	default:
		return read_total(&state, field, value);
	}
}
