/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Placements; see placements.h. The number is asked first, as the original does: what a driver
 * makes of a number that comes in is not the same everywhere.
 */
#include "smi/placements.h"

#include "shared/macros.h"

nvmlReturn_t mig_smi_gi_placements(const struct mig_smi *smi, nvmlDevice_t gpu, unsigned int id,
				   struct mig_smi_placements *placements)
{
	const struct mig_driver *driver = smi->driver;
	nvmlReturn_t code;

	placements->count = 0;
	code = driver->nvmlDeviceGetGpuInstancePossiblePlacements_v2(driver, gpu, id, NULL,
								     &placements->count);
	if (code == NVML_SUCCESS && placements->count > MIG_SMI_PLACEMENTS_MAX)
		return NVML_ERROR_INSUFFICIENT_SIZE;
	if (code == NVML_SUCCESS)
		code = driver->nvmlDeviceGetGpuInstancePossiblePlacements_v2(
			driver, gpu, id, placements->rows, &placements->count);
	return code;
}

nvmlReturn_t mig_smi_ci_placements(const struct mig_smi *smi, nvmlGpuInstance_t gi, unsigned int id,
				   struct mig_smi_placements *placements)
{
	const struct mig_driver *driver = smi->driver;
	nvmlComputeInstancePlacement_t rows[MIG_SMI_PLACEMENTS_MAX];
	nvmlReturn_t code;

	placements->count = 0;
	code = driver->nvmlGpuInstanceGetComputeInstancePossiblePlacements(driver, gi, id, NULL,
									   &placements->count);
	if (code == NVML_SUCCESS && placements->count > MIG_SMI_PLACEMENTS_MAX)
		return NVML_ERROR_INSUFFICIENT_SIZE;
	if (code == NVML_SUCCESS)
		code = driver->nvmlGpuInstanceGetComputeInstancePossiblePlacements(
			driver, gi, id, rows, &placements->count);
	for (unsigned int i = 0; code == NVML_SUCCESS && i < placements->count; i++)
		placements->rows[i] = (nvmlGpuInstancePlacement_t){rows[i].start, rows[i].size};
	return code;
}

const nvmlGpuInstancePlacement_t *mig_smi_placement_at(const struct mig_smi_placements *placements,
						       unsigned int start)
{
	for (unsigned int i = 0; i < placements->count; i++) {
		if (placements->rows[i].start == start)
			return &placements->rows[i];
	}
	return NULL;
}
