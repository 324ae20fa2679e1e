/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mig -lgi and -lci: instances in the order of profile indices. Nothing is printed before all have
 * been read. "Not found" is said of an empty list and of a call that answers so alike.
 */
#include <stdio.h>

#include "smi/mig.h"
#include "smi/name.h"
#include "smi/texts.h"

#define GI_ID_WIDTH 12
#define GI_WIDTH    "+-------------------------------------------------------+\n"
#define CI_WIDTH    "+--------------------------------------------------------------------+\n"

static int list_failed(const struct mig_smi *smi, const char *what, nvmlReturn_t code)
{
	if (code == NVML_ERROR_NOT_FOUND)
		printf("No %s found: %s\n", what, mig_smi_text(smi, code));
	else
		printf("Failed to display %s: %s\n", what, mig_smi_text(smi, code));
	return mig_smi_status(code);
}

static nvmlReturn_t print_gis(const struct mig_smi *smi, const struct mig_smi_gi_list *list)
{
	if (list->count == 0)
		return NVML_ERROR_NOT_FOUND;
	printf(GI_WIDTH "| GPU instances:                                        |\n"
			"| GPU   Name             Profile  Instance   Placement  |\n"
			"|                          ID       ID       Start:Size |\n"
			"|=======================================================|\n");
	for (size_t i = 0; i < list->count; i++) {
		const struct mig_smi_gi *gi = &list->rows[i];
		nvmlReturn_t code = mig_smi_gpu_index(smi, gi->gpu);

		if (code != NVML_SUCCESS)
			return code;
		printf("|  %2u  ", gi->gpu->index);
		mig_smi_print_name(gi->profile->name, MIG_SMI_GI_NAME_WIDTH);
		printf("%*s", GI_ID_WIDTH - printf("   %2u", gi->info.profileId), "");
		printf("%2u         %2u:%-6u|\n" GI_WIDTH, gi->info.id, gi->info.placement.start,
		       gi->info.placement.size);
	}
	return NVML_SUCCESS;
}

int mig_smi_list_gis(struct mig_smi_mig *mig)
{
	struct mig_smi_gi_list list = {.count = 0};
	nvmlReturn_t code = NVML_SUCCESS;

	for (unsigned int i = 0; code == NVML_SUCCESS && i < mig->gpu_count; i++)
		code = mig_smi_gis_of(mig->smi, &mig->gpus[i], &list);
	if (code == NVML_SUCCESS)
		code = print_gis(mig->smi, &list);
	mig_smi_gi_list_clear(&list);
	return code == NVML_SUCCESS ? MIG_SMI_OK : list_failed(mig->smi, "GPU instances", code);
}

static nvmlReturn_t print_cis(const struct mig_smi *smi, const struct mig_smi_ci_list *list)
{
	if (list->count == 0)
		return NVML_ERROR_NOT_FOUND;
	printf(CI_WIDTH "| Compute instances:                                      "
			"           |\n"
			"| GPU     GPU       Name             Profile   Instance   "
			"Placement  |\n"
			"|       Instance                       ID        ID       "
			"Start:Size |\n"
			"|         ID                                              "
			"           |\n"
			"|========================================================="
			"===========|\n");
	for (size_t i = 0; i < list->count; i++) {
		const struct mig_smi_ci *ci = &list->rows[i];
		nvmlReturn_t code = mig_smi_gpu_index(smi, ci->gi->gpu);

		if (code != NVML_SUCCESS)
			return code;
		printf("|  %2u     %2u       ", ci->gi->gpu->index, ci->gi->info.id);
		mig_smi_print_name(ci->profile->name, MIG_SMI_CI_NAME_WIDTH);
		printf("  %2u        %2u         %2u:%-6u|\n" CI_WIDTH, ci->info.profileId,
		       ci->info.id, ci->info.placement.start, ci->info.placement.size);
	}
	return NVML_SUCCESS;
}

int mig_smi_list_cis(struct mig_smi_mig *mig, struct mig_smi_gi_list *gis)
{
	struct mig_smi_ci_list list = {.count = 0};
	nvmlReturn_t code = NVML_SUCCESS;

	for (size_t i = 0; code == NVML_SUCCESS && i < gis->count; i++)
		code = mig_smi_cis_of(mig->smi, &gis->rows[i], &list);
	if (code == NVML_SUCCESS)
		code = print_cis(mig->smi, &list);
	mig_smi_ci_list_clear(&list);
	return code == NVML_SUCCESS ? MIG_SMI_OK : list_failed(mig->smi, "compute instances", code);
}
