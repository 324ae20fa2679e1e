/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading what a GPU can do; see facts.h.
 */
#include "core/facts.h"

#include <string.h>

#include "core/facts_table.h"
#include "nvml/profile.h"
#include "shared/nearest.h"
#include "shared/text.h"

/* NVML answers NOT_SUPPORTED for an index that this GPU has not, INVALID_ARGUMENT beyond the last
 * one that this driver knows. */
enum index_answer { INDEX_OK, INDEX_HOLE, INDEX_END, INDEX_ERROR };

static enum index_answer judge_index(nvmlReturn_t code)
{
	switch (code) {
	case NVML_SUCCESS:
		return INDEX_OK;
	case NVML_ERROR_NOT_SUPPORTED:
		return INDEX_HOLE;
	case NVML_ERROR_INVALID_ARGUMENT:
		return INDEX_END;
	default:
		return INDEX_ERROR;
	}
}

static const char *without_prefix(const char *name)
{
	return strncmp(name, "MIG ", 4) == 0 ? name + 4 : name;
}

/* ---- GPU instance profiles -------------------------------------------------------------------- */

bool mig_facts_is_media_extension(unsigned int index)
{
	return index == NVML_GPU_INSTANCE_PROFILE_1_SLICE_REV1 ||
	       index == NVML_GPU_INSTANCE_PROFILE_2_SLICE_REV1 ||
	       index == NVML_GPU_INSTANCE_PROFILE_1_SLICE_ALL_ME ||
	       index == NVML_GPU_INSTANCE_PROFILE_2_SLICE_ALL_ME;
}

static const struct mig_table_gi_profile *table_row(const struct mig_gpu_table *table,
						    unsigned int index)
{
	return table == NULL ? NULL : mig_gpu_table_gi_by_index(table, index);
}

/* The g of a profile's name: it says the constant and not the slices of this chip. */
static unsigned int name_slices(const struct mig_gi_profile *gi)
{
	static const unsigned int by_index[] = {
		[NVML_GPU_INSTANCE_PROFILE_1_SLICE] = 1, [NVML_GPU_INSTANCE_PROFILE_2_SLICE] = 2,
		[NVML_GPU_INSTANCE_PROFILE_3_SLICE] = 3, [NVML_GPU_INSTANCE_PROFILE_4_SLICE] = 4,
		[NVML_GPU_INSTANCE_PROFILE_7_SLICE] = 7, [NVML_GPU_INSTANCE_PROFILE_8_SLICE] = 8,
		[NVML_GPU_INSTANCE_PROFILE_6_SLICE] = 6,
	};

	return gi->index < MIG_ARRAY_SIZE(by_index) ? by_index[gi->index] : gi->slice_count;
}

/* As NVIDIA's tools do: from the eighths of the GPU's memory that the profile needs. */
void mig_facts_compute_name(struct mig_gi_profile *gi, const struct mig_gpu_table *table,
			    uint64_t memory_mib)
{
	const struct mig_table_gi_profile *row = table_row(table, gi->index);
	uint64_t gb = (gi->memory_mib + 512) / 1024;

	gi->name_is_computed = true;
	if (row != NULL) {
		mig_text_copy(gi->name, sizeof(gi->name), row->name);
		return;
	}
	if (memory_mib > 0 && gi->memory_mib <= memory_mib) {
		uint64_t eighths = (gi->memory_mib * 8 + memory_mib - 1) / memory_mib;

		gb = (eighths * memory_mib + 4 * 1024) / (8 * 1024);
	}
	mig_text_format(gi->name, sizeof(gi->name), "%ug.%llugb%s", name_slices(gi),
			(unsigned long long)gb,
			mig_facts_is_media_extension(gi->index) ? "+me" : "");
}

static nvmlReturn_t query_profile(const struct mig_driver *driver, nvmlDevice_t device,
				  unsigned int index, struct mig_gi_profile *gi)
{
	nvmlGpuInstanceProfileInfo_v2_t info;
	nvmlReturn_t code = mig_nvml_gi_profile(driver, device, index, &info);

	memset(gi, 0, sizeof(*gi));
	gi->index = index;
	gi->is_media_extension = mig_facts_is_media_extension(index);
	mig_text_copy(gi->name, sizeof(gi->name), without_prefix(info.name));
	gi->id = info.id;
	gi->slice_count = info.sliceCount;
	gi->instance_max = info.instanceCount;
	gi->sm_count = info.multiprocessorCount;
	gi->memory_mib = info.memorySizeMB;
	gi->engines = (struct mig_engines){info.copyEngineCount, info.decoderCount,
					   info.encoderCount, info.jpegCount, info.ofaCount};
	return code;
}

static int compare_starts(const void *a, const void *b)
{
	unsigned int x = *(const unsigned int *)a;
	unsigned int y = *(const unsigned int *)b;

	return (x > y) - (x < y);
}

/* Whether `size` units from `start` on lie within `units`; without overflow. */
static bool is_within(unsigned int start, unsigned int size, unsigned int units)
{
	return size > 0 && size <= units && start <= units - size;
}

/* What nothing can be: a driver that says it is broken, and nothing is worked out from it. */
static int check_profile(const char *name, unsigned int slices, unsigned int instances,
			 unsigned int instances_limit, struct mig_error **err)
{
	if (slices == 0 || slices > MIG_FACTS_SLICES_MAX)
		return mig_error_set(err, MIG_ERROR_DRIVER, "profile '%s' says %u slices", name,
				     slices);
	if (instances > instances_limit)
		return mig_error_set(err, MIG_ERROR_DRIVER,
				     "profile '%s' says %u instances, more than %u", name,
				     instances, instances_limit);
	return 0;
}

/* A profile's placements, of GPU or of compute instances, before and after they are checked. */
struct place {
	unsigned int start, size;
};

struct places {
	struct place list[MIG_FACTS_STARTS_MAX];
	unsigned int starts[MIG_FACTS_STARTS_MAX]; /* ascending */
	unsigned int size;
};

/* Checks `count` placements and takes them apart. */
static int check_places(const char *name, struct places *places, unsigned int count,
			unsigned int units, struct mig_error **err)
{
	if (count > MIG_FACTS_STARTS_MAX)
		return mig_error_set(
			err, MIG_ERROR_DRIVER,
			"profile '%s' has %u placements, more than the %d known of any", name,
			count, MIG_FACTS_STARTS_MAX);
	for (unsigned int i = 0; i < count; i++) {
		const struct place *place = &places->list[i];

		if (!is_within(place->start, place->size, units))
			return mig_error_set(err, MIG_ERROR_DRIVER,
					     "placement %u:%u of '%s' lies outside of %u places",
					     place->start, place->size, name, units);
		places->size = place->size;
		places->starts[i] = place->start;
	}
	qsort(places->starts, count, sizeof(places->starts[0]), compare_starts);
	return 0;
}

/* Room for more placements than any GPU has by far: NVML does not say whether it heeds how long a
 * list is, and asking first how many there are is a call more for each profile. */
#define PLACEMENTS_ROOM 1024

static int query_placements(const struct mig_driver *driver, nvmlDevice_t device,
			    struct mig_gi_profile *gi, struct mig_error **err)
{
	nvmlGpuInstancePlacement_t list[PLACEMENTS_ROOM];
	struct places places = {.size = 0};
	unsigned int count = PLACEMENTS_ROOM;
	nvmlReturn_t code;

	/* A list that takes all there can be saves the question how many there are. */
	code = driver->nvmlDeviceGetGpuInstancePossiblePlacements_v2(driver, device, gi->id, list,
								     &count);
	if (code == NVML_ERROR_INSUFFICIENT_SIZE && count > PLACEMENTS_ROOM)
		code = NVML_SUCCESS; /* refused below, with the number */
	if (code != NVML_SUCCESS)
		return mig_driver_error(err, driver, code, "cannot read the placements of '%s'",
					gi->name);
	for (unsigned int i = 0; i < MIG_MIN(count, MIG_FACTS_STARTS_MAX); i++)
		places.list[i] = (struct place){list[i].start, list[i].size};
	if (check_places(gi->name, &places, count, MIG_FACTS_UNITS_MAX, err) < 0)
		return -1;
	gi->size = places.size;
	gi->start_count = count;
	memcpy(gi->starts, places.starts, sizeof(gi->starts));
	return 0;
}

int mig_facts_has_placements(const struct mig_driver *driver, nvmlDevice_t device,
			     const struct mig_facts *facts, struct mig_error **err)
{
	nvmlGpuInstancePlacement_t list[PLACEMENTS_ROOM];
	const struct mig_gi_profile *gi = &facts->gi[0];
	unsigned int count = PLACEMENTS_ROOM;
	nvmlReturn_t code;

	if (facts->gi_count == 0)
		return 1;
	for (unsigned int i = 1; i < facts->gi_count; i++) {
		if (facts->gi[i].start_count > gi->start_count)
			gi = &facts->gi[i];
	}
	code = driver->nvmlDeviceGetGpuInstancePossiblePlacements_v2(driver, device, gi->id, list,
								     &count);
	if (code == NVML_ERROR_NOT_SUPPORTED)
		return 0; /* MIG is off on that GPU, and this driver does not say then */
	if (code != NVML_SUCCESS)
		return mig_driver_error(err, driver, code, "cannot read the placements of '%s'",
					gi->name);
	if (count != gi->start_count)
		return 0;
	for (unsigned int i = 0; i < count; i++) {
		bool is_known = false;

		for (unsigned int s = 0; s < gi->start_count; s++)
			is_known = is_known || gi->starts[s] == list[i].start;
		if (!is_known || list[i].size != gi->size)
			return 0;
	}
	return 1;
}

int mig_facts_read(const struct mig_driver *driver, nvmlDevice_t device,
		   const struct mig_gpu_table *table, uint64_t memory_mib, struct mig_facts *facts,
		   struct mig_error **err)
{
	unsigned int index;

	memset(facts, 0, sizeof(*facts));
	for (index = 0; index < MIG_FACTS_GI_INDEX_END; index++) {
		struct mig_gi_profile *gi = &facts->gi[facts->gi_count];
		const struct mig_table_gi_profile *row;
		nvmlReturn_t code = query_profile(driver, device, index, gi);
		enum index_answer answer = judge_index(code);

		if (answer == INDEX_END)
			break;
		if (answer == INDEX_HOLE)
			continue;
		if (answer == INDEX_ERROR)
			return mig_driver_error(err, driver, code,
						"cannot read GPU instance profile %u", index);
		if (gi->name[0] == '\0')
			mig_facts_compute_name(gi, table, memory_mib);
		/* A name of a form that we do not know is still a profile, matched by its id. */
		if (mig_profile_name_parse(gi->name, &gi->parsed) < 0)
			memset(&gi->parsed, 0, sizeof(gi->parsed));
		if (check_profile(gi->name, gi->slice_count, gi->instance_max,
				  MIG_FACTS_GI_INSTANCES_MAX, err) < 0 ||
		    query_placements(driver, device, gi, err) < 0)
			return -1;
		row = table_row(table, index);
		mig_facts_ci_without_nvml(gi, row);
		mig_facts_count(facts);
	}
	facts->gi_index_end = index;
	return 0;
}

/* ---- compute instance profiles of a living GPU instance ----------------------------------------- */

static nvmlReturn_t query_ci_profile(const struct mig_driver *driver, nvmlGpuInstance_t instance,
				     unsigned int index, const struct mig_gi_profile *gi,
				     struct mig_ci_profile *ci)
{
	nvmlComputeInstanceProfileInfo_v2_t info;
	nvmlReturn_t code = mig_nvml_ci_profile(driver, instance, index, &info);

	memset(ci, 0, sizeof(*ci));
	ci->index = index;
	ci->id = info.id;
	ci->slice_count = info.sliceCount;
	ci->instance_max = info.instanceCount;
	ci->sm_count = info.multiprocessorCount;
	if (mig_driver_has(driver, MIG_NVML_SYM_nvmlGpuInstanceGetComputeInstanceProfileInfoV))
		mig_text_copy(ci->name, sizeof(ci->name), without_prefix(info.name));
	else if (ci->slice_count == gi->slice_count)
		mig_text_copy(ci->name, sizeof(ci->name), gi->name);
	else
		mig_text_format(ci->name, sizeof(ci->name), "%uc.%s", ci->slice_count, gi->name);
	return code;
}

/* NVML has CI placements from 535 on; before, side by side is all there is. */
static int query_ci_placements(const struct mig_driver *driver, nvmlGpuInstance_t instance,
			       struct mig_ci_profile *ci, struct mig_error **err)
{
	nvmlComputeInstancePlacement_t list[PLACEMENTS_ROOM];
	struct places places = {.size = 0};
	unsigned int count = PLACEMENTS_ROOM;
	nvmlReturn_t code;

	if (!mig_driver_has(driver,
			    MIG_NVML_SYM_nvmlGpuInstanceGetComputeInstancePossiblePlacements)) {
		ci->size = ci->slice_count;
		ci->start_count = MIG_MIN(ci->instance_max, MIG_FACTS_STARTS_MAX);
		for (unsigned int i = 0; i < ci->start_count; i++)
			ci->starts[i] = i * ci->size;
		return 0;
	}
	code = driver->nvmlGpuInstanceGetComputeInstancePossiblePlacements(driver, instance, ci->id,
									   list, &count);
	if (code == NVML_ERROR_INSUFFICIENT_SIZE && count > PLACEMENTS_ROOM)
		code = NVML_SUCCESS; /* refused below, with the number */
	if (code != NVML_SUCCESS)
		return mig_driver_error(err, driver, code, "cannot read the placements of '%s'",
					ci->name);
	for (unsigned int i = 0; i < MIG_MIN(count, MIG_FACTS_STARTS_MAX); i++)
		places.list[i] = (struct place){list[i].start, list[i].size};
	if (check_places(ci->name, &places, count, MIG_FACTS_SLICES_MAX, err) < 0)
		return -1;
	ci->size = places.size;
	ci->start_count = count;
	memcpy(ci->starts, places.starts, sizeof(ci->starts));
	return 0;
}

static int compare_ci(const void *a, const void *b)
{
	const struct mig_ci_profile *x = a;
	const struct mig_ci_profile *y = b;

	return (x->slice_count > y->slice_count) - (x->slice_count < y->slice_count);
}

int mig_facts_read_ci(const struct mig_driver *driver, nvmlGpuInstance_t instance,
		      struct mig_gi_profile *gi, struct mig_error **err)
{
	struct mig_ci_profile found[MIG_FACTS_CI_PROFILES_MAX];
	unsigned int count = 0;

	for (unsigned int index = 0; index < MIG_FACTS_CI_INDEX_END; index++) {
		nvmlReturn_t code = query_ci_profile(driver, instance, index, gi, &found[count]);
		enum index_answer answer = judge_index(code);

		if (answer == INDEX_END)
			break;
		if (answer == INDEX_HOLE)
			continue;
		if (answer == INDEX_ERROR)
			return mig_driver_error(err, driver, code,
						"cannot read compute instance profile %u of '%s'",
						index, gi->name);
		if (check_profile(found[count].name, found[count].slice_count,
				  found[count].instance_max, MIG_FACTS_CI_INSTANCES_MAX, err) < 0 ||
		    query_ci_placements(driver, instance, &found[count], err) < 0)
			return -1;
		count++;
	}
	qsort(found, count, sizeof(found[0]), compare_ci);
	memcpy(gi->ci, found, count * sizeof(found[0]));
	gi->ci_count = count;
	gi->ci_source = MIG_CI_FROM_NVML;
	return 0;
}

/* ---- look-ups --------------------------------------------------------------------------------- */

int mig_facts_gi_by_id(const struct mig_facts *facts, unsigned int id)
{
	for (unsigned int i = 0; i < facts->gi_count; i++) {
		if (facts->gi[i].id == id)
			return (int)i;
	}
	return -1;
}

int mig_facts_gi_by_name(const struct mig_facts *facts, const struct mig_profile_name *name)
{
	for (unsigned int i = 0; i < facts->gi_count; i++) {
		if (facts->gi[i].parsed.gpu_slices > 0 &&
		    mig_profile_name_same_gi(&facts->gi[i].parsed, name))
			return (int)i;
	}
	return -1;
}

bool mig_facts_has_profile(const struct mig_facts *facts, const struct mig_gi_profile *gi,
			   unsigned int start)
{
	for (unsigned int i = 0; i < facts->gi_count; i++) {
		const struct mig_gi_profile *there = &facts->gi[i];

		if (there->index != gi->index)
			continue;
		if (there->id != gi->id || there->slice_count != gi->slice_count ||
		    there->instance_max != gi->instance_max || there->size != gi->size)
			return false;
		if (!there->name_is_computed && strcmp(there->name, gi->name) != 0)
			return false;
		for (unsigned int s = 0; s < there->start_count; s++) {
			if (there->starts[s] == start)
				return true;
		}
	}
	return false;
}

int mig_facts_ci_by_slices(const struct mig_gi_profile *gi, unsigned int slice_count)
{
	for (unsigned int i = 0; i < gi->ci_count; i++) {
		if (gi->ci[i].slice_count == slice_count)
			return (int)i;
	}
	return -1;
}

void mig_facts_device_name(const struct mig_gi_profile *gi, unsigned int ci_row, char *text,
			   size_t size)
{
	if (gi->ci[ci_row].slice_count == gi->slice_count)
		mig_text_copy(text, size, gi->name);
	else
		mig_text_format(text, size, "%uc.%s", gi->ci[ci_row].slice_count, gi->name);
}

int mig_facts_find(const struct mig_facts *facts, const char *name, unsigned int *gi_row,
		   unsigned int *ci_row)
{
	struct mig_profile_name parsed;
	int gi, ci;

	if (mig_profile_name_parse(name, &parsed) < 0)
		return -1;
	gi = mig_facts_gi_by_name(facts, &parsed);
	if (gi < 0)
		return -1;
	ci = mig_facts_ci_by_slices(&facts->gi[gi], parsed.compute_slices);
	if (ci < 0)
		return -1;
	*gi_row = (unsigned int)gi;
	*ci_row = (unsigned int)ci;
	return 0;
}

const char *mig_facts_nearest(const struct mig_facts *facts, const char *name)
{
	const char *names[MIG_FACTS_GI_PROFILES_MAX];
	int nearest;

	for (unsigned int i = 0; i < facts->gi_count; i++)
		names[i] = facts->gi[i].name;
	nearest = mig_nearest_close(name, names, facts->gi_count);
	return nearest < 0 ? NULL : names[nearest];
}
