/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mig -lgip, -lgipp, -lcip, -lcipp: what can be made, and where.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/macros.h"
#include "smi/mig.h"
#include "smi/name.h"
#include "smi/placements.h"
#include "smi/texts.h"

#define GI_WIDTH "+-----------------------------------------------------------------------------+\n"
#define CI_WIDTH                                                                                   \
	"+--------------------------------------------------------------------------------------+" \
	"\n"
#define GIB_MIB 1024.0

static int failed(const struct mig_smi *smi, const char *what, nvmlReturn_t code)
{
	if (code == NVML_SUCCESS)
		return MIG_SMI_OK;
	printf("Failed to display %s: %s\n", what, mig_smi_text(smi, code));
	return mig_smi_status(code);
}

/* ---- GPU instance profiles -------------------------------------------------------------------- */

/* The smaller one first: by slices, then by memory. */
static bool is_smaller(const nvmlGpuInstanceProfileInfo_v2_t *a,
		       const nvmlGpuInstanceProfileInfo_v2_t *b)
{
	if (a->sliceCount != b->sliceCount)
		return a->sliceCount < b->sliceCount;
	return a->memorySizeMB < b->memorySizeMB;
}

struct order {
	const nvmlGpuInstanceProfileInfo_v2_t *rows[MIG_SMI_GI_PROFILES];
	unsigned int count;
};

/* All profiles of a GPU, sorted; equal ones in the order of their indices. */
static nvmlReturn_t sort_profiles(const struct mig_smi *smi, struct mig_smi_mig_gpu *gpu,
				  struct order *order)
{
	order->count = 0;
	for (unsigned int i = 0; i < MIG_SMI_GI_PROFILES; i++) {
		nvmlReturn_t code = mig_smi_gi_profile_at(smi, gpu, i);
		unsigned int at;

		if (code == NVML_ERROR_NOT_SUPPORTED)
			continue;
		if (code != NVML_SUCCESS)
			return code;
		for (at = order->count++; at > 0; at--) {
			if (!is_smaller(&gpu->profiles[i].info, order->rows[at - 1]))
				break;
			order->rows[at] = order->rows[at - 1];
		}
		order->rows[at] = &gpu->profiles[i].info;
	}
	return NVML_SUCCESS;
}

static nvmlReturn_t print_gi_profile(const struct mig_smi *smi, const struct mig_smi_mig_gpu *gpu,
				     const nvmlGpuInstanceProfileInfo_v2_t *info)
{
	unsigned int left;
	nvmlReturn_t code = smi->driver->nvmlDeviceGetGpuInstanceRemainingCapacity(
		smi->driver, gpu->device, info->id, &left);
	int id_width;

	if (code != NVML_SUCCESS)
		return code;
	printf("|  %2u  ", gpu->index);
	mig_smi_print_name(info->name, MIG_SMI_GI_NAME_WIDTH);
	id_width = printf(" %2u", info->id);
	printf("%*s", 7 - id_width, "");
	printf("%2u/%-9u%-11.2f%-3s    %-3u%5u%6u   |\n", left, info->instanceCount,
	       (double)info->memorySizeMB / GIB_MIB, info->isP2pSupported ? "Yes" : "No",
	       info->multiprocessorCount, info->decoderCount, info->encoderCount);
	printf("|%62u%6u%6u   |\n" GI_WIDTH, info->copyEngineCount, info->jpegCount,
	       info->ofaCount);
	return NVML_SUCCESS;
}

static nvmlReturn_t print_gi_profiles(const struct mig_smi *smi, struct mig_smi_mig_gpu *gpu)
{
	struct order order;
	nvmlReturn_t code = mig_smi_gpu_index(smi, gpu);

	if (code == NVML_SUCCESS)
		code = sort_profiles(smi, gpu, &order);
	for (unsigned int i = 0; code == NVML_SUCCESS && i < order.count; i++)
		code = print_gi_profile(smi, gpu, order.rows[i]);
	return code;
}

int mig_smi_list_gi_profiles(struct mig_smi_mig *mig)
{
	nvmlReturn_t code = NVML_SUCCESS;

	printf(GI_WIDTH
	       "| GPU instance profiles:                                                      |\n"
	       "| GPU   Name             ID    Instances   Memory     P2P    SM    DEC   ENC  |\n"
	       "|                              Free/Total   GiB              CE    JPEG  OFA  |\n"
	       "|=============================================================================|\n");
	for (unsigned int i = 0; code == NVML_SUCCESS && i < mig->gpu_count; i++)
		code = print_gi_profiles(mig->smi, &mig->gpus[i]);
	return failed(mig->smi, "GPU instance profiles", code);
}

/* ---- placements ------------------------------------------------------------------------------- */

static void print_placements(const struct mig_smi_placements *placements)
{
	printf(placements->count == 1 ? "Placement : {" : "Placements: {");
	for (unsigned int i = 0; i < placements->count; i++)
		printf("%s%u", i > 0 ? "," : "", placements->rows[i].start);
	printf("}:%u\n", placements->count > 0 ? placements->rows[0].size : 0);
}

static nvmlReturn_t print_gi_placements(const struct mig_smi *smi, struct mig_smi_mig_gpu *gpu)
{
	struct mig_smi_placements placements;
	struct order order;
	nvmlReturn_t code = mig_smi_gpu_index(smi, gpu);

	if (code == NVML_SUCCESS)
		code = sort_profiles(smi, gpu, &order);
	for (unsigned int i = 0; code == NVML_SUCCESS && i < order.count; i++) {
		code = mig_smi_gi_placements(smi, gpu->device, order.rows[i]->id, &placements);
		if (code != NVML_SUCCESS)
			break;
		printf("GPU %2u Profile ID %2u ", gpu->index, order.rows[i]->id);
		print_placements(&placements);
	}
	return code;
}

int mig_smi_list_gi_placements(struct mig_smi_mig *mig)
{
	nvmlReturn_t code = NVML_SUCCESS;

	for (unsigned int i = 0; code == NVML_SUCCESS && i < mig->gpu_count; i++)
		code = print_gi_placements(mig->smi, &mig->gpus[i]);
	return failed(mig->smi, "GPU instance placements", code);
}

static nvmlReturn_t print_ci_placements(const struct mig_smi *smi, struct mig_smi_gi *gi)
{
	nvmlReturn_t code = mig_smi_gpu_index(smi, gi->gpu);

	for (unsigned int i = 0; code == NVML_SUCCESS && i < MIG_SMI_CI_PROFILES; i++) {
		struct mig_smi_placements placements;
		const nvmlComputeInstanceProfileInfo_v2_t *info = &gi->ci_profiles[i].info;

		code = mig_smi_ci_profile_at(smi, gi, i);
		if (code == NVML_ERROR_NOT_SUPPORTED) {
			code = NVML_SUCCESS;
			continue;
		}
		if (code == NVML_SUCCESS)
			code = mig_smi_ci_placements(smi, gi->handle, info->id, &placements);
		if (code != NVML_SUCCESS)
			break;
		printf("GPU %2u GI %2u Profile ID %2u ", gi->gpu->index, gi->info.id, info->id);
		print_placements(&placements);
	}
	return code;
}

int mig_smi_list_ci_placements(struct mig_smi_mig *mig, struct mig_smi_gi_list *gis)
{
	nvmlReturn_t code = NVML_SUCCESS;

	for (size_t i = 0; code == NVML_SUCCESS && i < gis->count; i++)
		code = print_ci_placements(mig->smi, &gis->rows[i]);
	return failed(mig->smi, "compute instance placements", code);
}

/* ---- compute instance profiles ---------------------------------------------------------------- */

static nvmlReturn_t print_ci_profile(const struct mig_smi *smi, const struct mig_smi_gi *gi,
				     unsigned int at, bool is_default)
{
	const nvmlComputeInstanceProfileInfo_v2_t *info = &gi->ci_profiles[at].info;
	unsigned int left;
	nvmlReturn_t code = smi->driver->nvmlGpuInstanceGetComputeInstanceRemainingCapacity(
		smi->driver, gi->handle, info->id, &left);

	if (code != NVML_SUCCESS)
		return code;
	printf("|  %2u     %2u       ", gi->gpu->index, gi->info.id);
	mig_smi_print_name(info->name, MIG_SMI_CI_NAME_WIDTH);
	printf("  %2u%s    %2u/%-12u%-3u%8u%6u%6u   |\n", info->id, is_default ? "*" : " ", left,
	       info->instanceCount, info->multiprocessorCount, info->sharedDecoderCount,
	       info->sharedEncoderCount, info->sharedOfaCount);
	printf("|%71u%6u%9s|\n" CI_WIDTH, info->sharedCopyEngineCount, info->sharedJpegCount, "");
	return NVML_SUCCESS;
}

static nvmlReturn_t print_ci_profiles(const struct mig_smi *smi, struct mig_smi_gi *gi)
{
	unsigned int largest = 0;
	nvmlReturn_t code = mig_smi_gpu_index(smi, gi->gpu);

	if (code == NVML_SUCCESS)
		code = mig_smi_ci_profiles(smi, gi, &largest);
	for (unsigned int i = 0; code == NVML_SUCCESS && i < MIG_SMI_CI_PROFILES; i++) {
		if (gi->ci_profiles[i].code == NVML_SUCCESS)
			code = print_ci_profile(smi, gi, i, i == largest);
	}
	return code;
}

int mig_smi_list_ci_profiles(struct mig_smi_mig *mig, struct mig_smi_gi_list *gis)
{
	nvmlReturn_t code = NVML_SUCCESS;

	printf(CI_WIDTH "| Compute instance profiles:                                              "
			"             |\n"
			"| GPU     GPU       Name             Profile  Instances   Exclusive       "
			"Shared       |\n"
			"|       Instance                       ID     Free/Total     SM       DEC "
			"  ENC   OFA  |\n"
			"|         ID                                                          CE  "
			"  JPEG       |\n"
			"|========================================================================="
			"=============|\n");
	for (size_t i = 0; code == NVML_SUCCESS && i < gis->count; i++)
		code = print_ci_profiles(mig->smi, &gis->rows[i]);
	return failed(mig->smi, "compute instance profiles", code);
}
