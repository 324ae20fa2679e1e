/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts where NVML gives none; see facts_table.h.
 */
#include "core/facts_table.h"

#include <string.h>

#include "shared/text.h"

_Static_assert(MIG_TABLE_UNKNOWN == MIG_COUNT_UNKNOWN, "a count that is not known");

/* ---- compute instance profiles ---------------------------------------------------------------- */

static void ci_from_table(struct mig_gi_profile *gi, const struct mig_table_gi_profile *row)
{
	gi->ci_source = MIG_CI_FROM_TABLE;
	gi->ci_count = 0;
	for (unsigned int i = 0; i < row->ci_profile_count; i++) {
		const struct mig_table_ci_profile *from = &row->ci[i];
		struct mig_ci_profile *to = &gi->ci[gi->ci_count++];

		mig_text_copy(to->name, sizeof(to->name), from->name);
		to->index = from->profile_index;
		to->id = from->id;
		to->slice_count = from->slice_count;
		to->instance_max = from->instances_total;
		to->sm_count = from->sm; /* unknown is the same number in both */
		to->size = from->placement_size;
		to->start_count = from->start_count;
		for (unsigned int s = 0; s < from->start_count; s++)
			to->starts[s] = from->starts[s];
	}
}

/* Widths for which NVML has constants, and which constant. */
static const struct {
	unsigned int slices, index;
} ci_widths[] = {
	{1, NVML_COMPUTE_INSTANCE_PROFILE_1_SLICE}, {2, NVML_COMPUTE_INSTANCE_PROFILE_2_SLICE},
	{3, NVML_COMPUTE_INSTANCE_PROFILE_3_SLICE}, {4, NVML_COMPUTE_INSTANCE_PROFILE_4_SLICE},
	{6, NVML_COMPUTE_INSTANCE_PROFILE_6_SLICE}, {7, NVML_COMPUTE_INSTANCE_PROFILE_7_SLICE},
	{8, NVML_COMPUTE_INSTANCE_PROFILE_8_SLICE},
};

/* A model without a table: every width that divides into the GPU instance, side by side. NVML has
 * the last word before anything is created from it. */
static void ci_from_rule(struct mig_gi_profile *gi)
{
	gi->ci_source = MIG_CI_FROM_RULE;
	gi->ci_count = 0;
	for (size_t i = 0; i < MIG_ARRAY_SIZE(ci_widths); i++) {
		unsigned int width = ci_widths[i].slices;
		struct mig_ci_profile *ci = &gi->ci[gi->ci_count];

		if (width != gi->slice_count && width * 2 > gi->slice_count + 1)
			continue;
		ci->index = ci_widths[i].index;
		if (gi->index == NVML_GPU_INSTANCE_PROFILE_1_SLICE_REV2)
			ci->index = NVML_COMPUTE_INSTANCE_PROFILE_1_SLICE_REV1;
		ci->id = ci->index;
		ci->slice_count = width;
		ci->sm_count = width == gi->slice_count ? gi->sm_count : MIG_COUNT_UNKNOWN;
		ci->size = width;
		ci->instance_max = gi->slice_count / width;
		ci->start_count = ci->instance_max;
		for (unsigned int s = 0; s < ci->start_count; s++)
			ci->starts[s] = s * width;
		if (width == gi->slice_count)
			mig_text_copy(ci->name, sizeof(ci->name), gi->name);
		else
			mig_text_format(ci->name, sizeof(ci->name), "%uc.%s", width, gi->name);
		gi->ci_count++;
	}
}

void mig_facts_ci_without_nvml(struct mig_gi_profile *gi, const struct mig_table_gi_profile *row)
{
	if (row != NULL && row->id == gi->id && row->ci_profile_count > 0)
		ci_from_table(gi, row);
	else
		ci_from_rule(gi);
}

/* ---- GPU instance profiles -------------------------------------------------------------------- */

void mig_facts_count(struct mig_facts *facts)
{
	const struct mig_gi_profile *gi = &facts->gi[facts->gi_count++];

	facts->slices = MIG_MAX(facts->slices, gi->slice_count);
	for (unsigned int i = 0; i < gi->start_count; i++)
		facts->units = MIG_MAX(facts->units, gi->starts[i] + gi->size);
}

static void gi_from_table(struct mig_gi_profile *gi, const struct mig_table_gi_profile *row)
{
	memset(gi, 0, sizeof(*gi));
	gi->index = row->profile_index;
	gi->id = row->id;
	gi->slice_count = row->slice_count;
	gi->instance_max = row->instances_total;
	gi->sm_count = row->sm;
	gi->memory_mib = row->memory_mib;
	gi->engines = (struct mig_engines){row->ce, row->dec, row->enc, row->jpeg, row->ofa};
	gi->is_media_extension = mig_facts_is_media_extension(gi->index);
	gi->size = row->placement_size;
	gi->start_count = row->start_count;
	for (unsigned int i = 0; i < row->start_count; i++)
		gi->starts[i] = row->starts[i];
	mig_text_copy(gi->name, sizeof(gi->name), row->name);
	if (mig_profile_name_parse(gi->name, &gi->parsed) < 0)
		memset(&gi->parsed, 0, sizeof(gi->parsed));
	mig_facts_ci_without_nvml(gi, row);
}

void mig_facts_from_table(const struct mig_driver *driver, const struct mig_gpu_table *table,
			  struct mig_facts *facts)
{
	if (!table->is_usable)
		return;
	facts->source = MIG_FACTS_FROM_TABLE;
	for (unsigned int row = 0; row < table->gi_profile_count; row++) {
		struct mig_gi_profile *gi = &facts->gi[facts->gi_count];

		if (table->gi[row].profile_index >= facts->gi_index_end)
			continue;
		gi_from_table(gi, &table->gi[row]);
		gi->name_is_computed =
			!mig_driver_has(driver, MIG_NVML_SYM_nvmlDeviceGetGpuInstanceProfileInfoV);
		mig_facts_count(facts);
	}
}
