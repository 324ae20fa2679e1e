/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mig -cgi and -cci: makes what a list of profiles says, on each GPU or in each GPU instance, up to
 * the first failure; what was made stays.
 *
 * An element is PROFILE[:START]. PROFILE is an id or a name; a START that is no number, or -1, is
 * as good as none. Texts show the element as it was written.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/buf.h"
#include "shared/file.h"
#include "shared/macros.h"
#include "smi/mig.h"
#include "smi/name.h"
#include "smi/numbers.h"
#include "smi/placements.h"
#include "smi/texts.h"
#include "smi/words.h"

#define DEFAULT_PROFILE "default"
#define NO_START	0xffffffffU

struct wish {
	char *copy; /* owned: the profile */
	unsigned int start;
	bool is_valid; /* false: it begins with ':' */
};

static void wish_clear(struct wish *wish)
{
	free(wish->copy);
}

static int read_wish(const char *element, struct wish *wish)
{
	char *colon;
	const char *end;

	*wish = (struct wish){.copy = strdup(element), .start = NO_START};
	if (wish->copy == NULL)
		return -1;
	colon = strchr(wish->copy, ':');
	wish->is_valid = colon != wish->copy;
	if (colon == NULL)
		return 0;
	*colon = '\0';
	wish->start = mig_smi_scan_unsigned(colon + 1, &end);
	if (end == colon + 1)
		wish->start = NO_START;
	return 0;
}

static bool is_profile(const char *word, unsigned int id, const char *name)
{
	const char *end;
	unsigned int number = mig_smi_scan_unsigned(word, &end);

	if (end != word && *end == '\0')
		return number == id;
	return mig_smi_name_is(name, word);
}

static void invalid_syntax(const struct mig_smi_mig_gpu *gpu, const char *element)
{
	printf("Unable to create a GPU instace on GPU %2u using profile %s: invalid placement "
	       "syntax\n",
	       gpu->index, element);
}

/* ---- compute instances ------------------------------------------------------------------------ */

static nvmlReturn_t cannot_create_ci(const struct mig_smi *smi, const struct mig_smi_gi *gi,
				     const char *element, nvmlReturn_t code)
{
	printf("Unable to create a compute instance on GPU %2u GPU instance ID %2u using profile "
	       "%s: %s\n",
	       gi->gpu->index, gi->info.id, element, mig_smi_text(smi, code));
	return code;
}

/* The index of the profile that is wanted; MIG_SMI_CI_PROFILES if there is none. */
static unsigned int find_ci_profile(const struct mig_smi_gi *gi, const char *word,
				    unsigned int largest)
{
	if (strcmp(word, DEFAULT_PROFILE) == 0)
		return largest;
	for (unsigned int i = 0; i < MIG_SMI_CI_PROFILES; i++) {
		const nvmlComputeInstanceProfileInfo_v2_t *info = &gi->ci_profiles[i].info;

		if (gi->ci_profiles[i].code == NVML_SUCCESS &&
		    is_profile(word, info->id, info->name))
			return i;
	}
	return MIG_SMI_CI_PROFILES;
}

static nvmlReturn_t make_ci(const struct mig_smi *smi, const struct mig_smi_gi *gi,
			    const char *element, unsigned int id, unsigned int start,
			    nvmlComputeInstance_t *made)
{
	const struct mig_driver *driver = smi->driver;
	struct mig_smi_placements placements;
	const nvmlGpuInstancePlacement_t *placement;
	nvmlComputeInstancePlacement_t wanted;
	nvmlReturn_t code;

	if (start == NO_START) {
		code = driver->nvmlGpuInstanceCreateComputeInstance(driver, gi->handle, id, made);
	} else {
		code = mig_smi_ci_placements(smi, gi->handle, id, &placements);
		if (code != NVML_SUCCESS)
			return code;
		placement = mig_smi_placement_at(&placements, start);
		if (placement == NULL)
			return cannot_create_ci(smi, gi, element, NVML_ERROR_INVALID_ARGUMENT);
		wanted = (nvmlComputeInstancePlacement_t){placement->start, placement->size};
		code = driver->nvmlGpuInstanceCreateComputeInstanceWithPlacement(driver, gi->handle,
										 id, &wanted, made);
	}
	return code == NVML_SUCCESS ? code : cannot_create_ci(smi, gi, element, code);
}

static nvmlReturn_t create_ci(const struct mig_smi *smi, struct mig_smi_gi *gi, const char *element)
{
	_cleanup_(wish_clear) struct wish wish = {NULL};
	const nvmlComputeInstanceProfileInfo_v2_t *profile;
	nvmlComputeInstanceInfo_t info;
	nvmlComputeInstance_t made;
	unsigned int largest, at;
	nvmlReturn_t code;

	if (read_wish(element, &wish) < 0)
		return NVML_ERROR_MEMORY;
	if (!wish.is_valid) {
		invalid_syntax(gi->gpu, element);
		return NVML_ERROR_INVALID_ARGUMENT;
	}
	code = mig_smi_ci_profiles(smi, gi, &largest);
	if (code != NVML_SUCCESS)
		return cannot_create_ci(smi, gi, element, code);
	at = find_ci_profile(gi, wish.copy, largest);
	if (at == MIG_SMI_CI_PROFILES)
		return cannot_create_ci(smi, gi, element, NVML_ERROR_INVALID_ARGUMENT);
	profile = &gi->ci_profiles[at].info;
	code = make_ci(smi, gi, element, profile->id, wish.start, &made);
	if (code != NVML_SUCCESS)
		return code;
	code = smi->driver->nvmlComputeInstanceGetInfo_v2(smi->driver, made, &info);
	if (code != NVML_SUCCESS) {
		printf("Unable to query a compute instance on GPU %2u GPU instance ID %2u: %s\n",
		       gi->gpu->index, gi->info.id, mig_smi_text(smi, code));
		return code;
	}
	printf("Successfully created compute instance ID %2u on GPU %2u GPU instance ID %2u using "
	       "profile %s (ID %2u)\n",
	       info.id, gi->gpu->index, gi->info.id, profile->name, profile->id);
	return NVML_SUCCESS;
}

static nvmlReturn_t create_cis_in(const struct mig_smi *smi, struct mig_smi_gi *gi,
				  const char *profiles)
{
	_cleanup_free_ char *copy = strdup(profiles);
	char *rest = copy;
	char *element;
	nvmlReturn_t code = mig_smi_gpu_index(smi, gi->gpu);

	if (copy == NULL)
		return NVML_ERROR_MEMORY;
	while (code == NVML_SUCCESS && (element = mig_smi_next_entry(&rest)) != NULL)
		code = create_ci(smi, gi, element);
	return code;
}

int mig_smi_create_cis(struct mig_smi_mig *mig, struct mig_smi_gi_list *gis, const char *profiles)
{
	for (size_t i = 0; i < gis->count; i++) {
		nvmlReturn_t code = create_cis_in(mig->smi, &gis->rows[i], profiles);

		if (code == NVML_SUCCESS)
			continue;
		printf("Failed to create compute instances: %s\n", mig_smi_text(mig->smi, code));
		return mig_smi_status(code);
	}
	return MIG_SMI_OK;
}

/* ---- GPU instances ---------------------------------------------------------------------------- */

static nvmlReturn_t cannot_create_gi(const struct mig_smi *smi, const struct mig_smi_mig_gpu *gpu,
				     const char *element, nvmlReturn_t code)
{
	printf("Unable to create a GPU instance on GPU %2u using profile %s: %s\n", gpu->index,
	       element, mig_smi_text(smi, code));
	return code;
}

static nvmlReturn_t find_gi_profile(const struct mig_smi *smi, struct mig_smi_mig_gpu *gpu,
				    const char *word, const nvmlGpuInstanceProfileInfo_v2_t **found)
{
	for (unsigned int i = 0; i < MIG_SMI_GI_PROFILES; i++) {
		const nvmlGpuInstanceProfileInfo_v2_t *info = &gpu->profiles[i].info;
		nvmlReturn_t code = mig_smi_gi_profile_at(smi, gpu, i);

		if (code == NVML_ERROR_NOT_SUPPORTED)
			continue;
		if (code != NVML_SUCCESS)
			return code;
		if (!is_profile(word, info->id, info->name))
			continue;
		*found = info;
		return NVML_SUCCESS;
	}
	return NVML_ERROR_INVALID_ARGUMENT;
}

static nvmlReturn_t make_gi(const struct mig_smi *smi, const struct mig_smi_mig_gpu *gpu,
			    const char *element, unsigned int id, unsigned int start,
			    nvmlGpuInstance_t *made)
{
	const struct mig_driver *driver = smi->driver;
	struct mig_smi_placements placements;
	const nvmlGpuInstancePlacement_t *placement;
	nvmlReturn_t code;

	if (start == NO_START) {
		code = driver->nvmlDeviceCreateGpuInstance(driver, gpu->device, id, made);
	} else {
		code = mig_smi_gi_placements(smi, gpu->device, id, &placements);
		if (code != NVML_SUCCESS)
			return code;
		placement = mig_smi_placement_at(&placements, start);
		if (placement == NULL)
			return cannot_create_gi(smi, gpu, element, NVML_ERROR_INVALID_ARGUMENT);
		code = driver->nvmlDeviceCreateGpuInstanceWithPlacement(driver, gpu->device, id,
									placement, made);
	}
	return code == NVML_SUCCESS ? code : cannot_create_gi(smi, gpu, element, code);
}

/* -C: the default compute instance. The original looks the new instance up in a listing. */
static nvmlReturn_t create_default_ci(const struct mig_smi *smi, struct mig_smi_mig_gpu *gpu,
				      unsigned int gi_id)
{
	struct mig_smi_gi_list gis = {.count = 0};
	nvmlReturn_t code = mig_smi_gis_of(smi, gpu, &gis);
	size_t at = 0;

	while (at < gis.count && gis.rows[at].info.id != gi_id)
		at++;
	if (code == NVML_SUCCESS && at == gis.count)
		code = NVML_ERROR_NOT_FOUND;
	if (code != NVML_SUCCESS)
		printf("Unable to create a default compute instance on GPU %2u GPU instance ID "
		       "%2u: %s\n",
		       gpu->index, gi_id, mig_smi_text(smi, code));
	else
		code = create_ci(smi, &gis.rows[at], DEFAULT_PROFILE);
	mig_smi_gi_list_clear(&gis);
	return code;
}

static nvmlReturn_t create_gi(const struct mig_smi_mig *mig, struct mig_smi_mig_gpu *gpu,
			      const char *element)
{
	_cleanup_(wish_clear) struct wish wish = {NULL};
	const struct mig_smi *smi = mig->smi;
	const nvmlGpuInstanceProfileInfo_v2_t *profile;
	nvmlGpuInstanceInfo_t info;
	nvmlGpuInstance_t made;
	nvmlReturn_t code;

	if (read_wish(element, &wish) < 0)
		return NVML_ERROR_MEMORY;
	if (!wish.is_valid) {
		invalid_syntax(gpu, element);
		return NVML_ERROR_INVALID_ARGUMENT;
	}
	code = find_gi_profile(smi, gpu, wish.copy, &profile);
	if (code != NVML_SUCCESS)
		return cannot_create_gi(smi, gpu, element, code);
	code = make_gi(smi, gpu, element, profile->id, wish.start, &made);
	if (code != NVML_SUCCESS)
		return code;
	code = smi->driver->nvmlGpuInstanceGetInfo(smi->driver, made, &info);
	if (code != NVML_SUCCESS) {
		printf("Unable to query a GPU instance on GPU %2u: %s\n", gpu->index,
		       mig_smi_text(smi, code));
		return code;
	}
	printf("Successfully created GPU instance ID %2u on GPU %2u using profile %s (ID %2u)\n",
	       info.id, gpu->index, profile->name, profile->id);
	return mig->wants_default_ci ? create_default_ci(smi, gpu, info.id) : NVML_SUCCESS;
}

static nvmlReturn_t create_gis_on(const struct mig_smi_mig *mig, struct mig_smi_mig_gpu *gpu,
				  const char *profiles)
{
	_cleanup_free_ char *copy = strdup(profiles);
	char *rest = copy;
	char *element;
	nvmlReturn_t code = mig_smi_gpu_index(mig->smi, gpu);

	if (copy == NULL)
		return NVML_ERROR_MEMORY;
	while (code == NVML_SUCCESS && (element = mig_smi_next_entry(&rest)) != NULL)
		code = create_gi(mig, gpu, element);
	return code;
}

int mig_smi_create_gis(struct mig_smi_mig *mig, const char *profiles)
{
	for (unsigned int i = 0; i < mig->gpu_count; i++) {
		nvmlReturn_t code = create_gis_on(mig, &mig->gpus[i], profiles);

		if (code == NVML_SUCCESS)
			continue;
		printf("Failed to create GPU instances: %s\n", mig_smi_text(mig->smi, code));
		return mig_smi_status(code);
	}
	return MIG_SMI_OK;
}
