/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mig -dgi and -dci: destroys in the order of the listing, up to the first failure.
 */
#include <stdio.h>

#include "smi/mig.h"
#include "smi/texts.h"

static nvmlReturn_t destroy_gi(const struct mig_smi *smi, struct mig_smi_gi *gi)
{
	nvmlReturn_t code = mig_smi_gpu_index(smi, gi->gpu);

	if (code != NVML_SUCCESS)
		return code;
	code = smi->driver->nvmlGpuInstanceDestroy(smi->driver, gi->handle);
	if (code == NVML_SUCCESS)
		printf("Successfully destroyed GPU instance ID %2u from GPU %2u\n", gi->info.id,
		       gi->gpu->index);
	else
		printf("Unable to destroy GPU instance ID %2u from GPU %2u: %s\n", gi->info.id,
		       gi->gpu->index, mig_smi_text(smi, code));
	return code;
}

int mig_smi_destroy_gis(struct mig_smi_mig *mig, struct mig_smi_gi_list *gis)
{
	for (size_t i = 0; i < gis->count; i++) {
		nvmlReturn_t code = destroy_gi(mig->smi, &gis->rows[i]);

		if (code != NVML_SUCCESS) {
			printf("Failed to destroy GPU instances: %s\n",
			       mig_smi_text(mig->smi, code));
			return mig_smi_status(code);
		}
	}
	return MIG_SMI_OK;
}

static nvmlReturn_t destroy_ci(const struct mig_smi *smi, struct mig_smi_ci *ci)
{
	const struct mig_smi_gi *gi = ci->gi;
	nvmlReturn_t code = mig_smi_gpu_index(smi, gi->gpu);

	if (code != NVML_SUCCESS)
		return code;
	code = smi->driver->nvmlComputeInstanceDestroy(smi->driver, ci->handle);
	if (code == NVML_SUCCESS)
		printf("Successfully destroyed compute instance ID %2u from GPU %2u GPU instance "
		       "ID %2u\n",
		       ci->info.id, gi->gpu->index, gi->info.id);
	else
		printf("Unable to destroy compute instance ID %2u from GPU %2u GPU instance ID "
		       "%2u: %s\n",
		       ci->info.id, gi->gpu->index, gi->info.id, mig_smi_text(smi, code));
	return code;
}

int mig_smi_destroy_cis(struct mig_smi_mig *mig, struct mig_smi_ci_list *cis)
{
	for (size_t i = 0; i < cis->count; i++) {
		nvmlReturn_t code = destroy_ci(mig->smi, &cis->rows[i]);

		if (code != NVML_SUCCESS) {
			printf("Failed to destroy compute instances: %s\n",
			       mig_smi_text(mig->smi, code));
			return mig_smi_status(code);
		}
	}
	return MIG_SMI_OK;
}
