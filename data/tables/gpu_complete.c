/* SPDX-License-Identifier: Apache-2.0
 *
 * The rules of data/rules.json for a model that comes from a node description instead of from
 * data/gpus: the same derivation as scripts/gen-gpu-tables.py makes for the generated rows. A test
 * takes the derived values out of each generated row and compares what this file puts back.
 */
#include "data/tables/gpu_table.h"

#include <stdbool.h>

/* The GPUs whose full-width compute instance is counted in memory units have this many of them. */
#define UNITS_OF_7_SLICE_GPUS 8
/* One part in this many of the memory is taken as reserved when nothing better is known. */
#define RESERVED_SHARE	      64

#define GI_PROFILE_1_SLICE 0

/* Nothing known and nothing decided: a rule may fill the field in. */
static bool is_open(uint32_t value, uint8_t rule)
{
	return value == MIG_TABLE_UNKNOWN && rule == 0;
}

static uint8_t rule_number(const char *id)
{
	return (uint8_t)mig_table_rule_find(id);
}

static uint32_t next_power_of_two(uint32_t value)
{
	uint32_t power = 1;

	while (power < value && power <= UINT32_MAX / 2)
		power *= 2;
	return power;
}

static bool is_gi_known(const struct mig_table_gi_profile *gi)
{
	return gi->id != MIG_TABLE_UNKNOWN && gi->memory_mib != MIG_TABLE_UNKNOWN &&
	       gi->sm != MIG_TABLE_UNKNOWN && gi->start_count != 0 && gi->placement_size != 0 &&
	       gi->instances_total != MIG_TABLE_UNKNOWN_U8;
}

static bool is_known(const struct mig_gpu_table *table)
{
	if (table->memory_total_mib == MIG_TABLE_UNKNOWN)
		return false;
	if (!table->is_mig_capable)
		return true;
	if (table->gi_profile_count == 0 || table->memory_slices == 0)
		return false;
	for (unsigned int i = 0; i < table->gi_profile_count; i++) {
		if (!is_gi_known(&table->gi[i]))
			return false;
	}
	return true;
}

/* BAR1 is a power of two that holds the frame buffer: so on every captured MIG-capable board. */
static void fill_bar1(struct mig_gpu_table *table)
{
	uint8_t *const rule = &table->rule[MIG_GPU_FIELD_BAR1_TOTAL_MIB];

	if (!table->is_mig_capable || !is_open(table->bar1_total_mib, *rule))
		return;
	table->bar1_total_mib = next_power_of_two(table->memory_total_mib);
	*rule = rule_number("bar1-power-of-two");
}

/*
 * Only the rule by share: the data files name the chip of a model and a table does not, so "the
 * same chip and memory" can't be asked here.
 */
static void fill_reserved(struct mig_gpu_table *table)
{
	uint8_t *const rule = &table->rule[MIG_GPU_FIELD_MEMORY_RESERVED_MIB];

	if (!table->is_mig_capable || !is_open(table->memory_reserved_mib, *rule))
		return;
	table->memory_reserved_mib = table->memory_total_mib / RESERVED_SHARE;
	*rule = rule_number("reserved-share");
}

static void fill_ci_sm(const struct mig_gpu_table *table, const struct mig_table_gi_profile *gi,
		       struct mig_table_ci_profile *ci)
{
	const struct mig_table_gi_profile *one =
		mig_gpu_table_gi_by_index(table, GI_PROFILE_1_SLICE);
	uint32_t sm;

	if (!is_open(ci->sm, ci->rule[MIG_CI_FIELD_SM]))
		return;
	if (ci->slice_count == gi->slice_count) {
		ci->sm = gi->sm;
		ci->rule[MIG_CI_FIELD_SM] = rule_number("ci-sm-full");
		return;
	}
	if (!one)
		return;
	sm = one->sm * ci->slice_count;
	ci->sm = sm < gi->sm ? sm : gi->sm;
	ci->rule[MIG_CI_FIELD_SM] = rule_number("ci-sm-slices");
}

static void fill_ci_starts(const struct mig_table_gi_profile *gi, struct mig_table_ci_profile *ci)
{
	const uint32_t step = next_power_of_two(ci->slice_count);

	if (ci->start_count != 0 || ci->rule[MIG_CI_FIELD_STARTS] != 0)
		return;
	if (ci->slice_count == gi->slice_count) {
		ci->starts[0] = 0;
		ci->start_count = 1;
	} else {
		for (uint32_t start = 0; start + ci->slice_count <= gi->slice_count &&
					 ci->start_count < MIG_TABLE_STARTS_MAX;
		     start += step)
			ci->starts[ci->start_count++] = (uint8_t)start;
	}
	ci->rule[MIG_CI_FIELD_STARTS] = rule_number("ci-starts-aligned");
}

static void fill_ci_size(const struct mig_gpu_table *table, const struct mig_table_gi_profile *gi,
			 struct mig_table_ci_profile *ci)
{
	const bool in_units = ci->slice_count == gi->slice_count &&
			      table->arch >= MIG_ARCH_HOPPER &&
			      table->memory_slices == UNITS_OF_7_SLICE_GPUS;

	if (ci->placement_size != 0 || ci->rule[MIG_CI_FIELD_PLACEMENT_SIZE] != 0)
		return;
	ci->placement_size = in_units ? gi->placement_size : ci->slice_count;
	ci->rule[MIG_CI_FIELD_PLACEMENT_SIZE] =
		rule_number(in_units ? "ci-size-units" : "ci-size-slices");
}

static void fill_ci(const struct mig_gpu_table *table, const struct mig_table_gi_profile *gi,
		    struct mig_table_ci_profile *ci)
{
	if (ci->slice_count == 0 || ci->slice_count > gi->slice_count)
		return;
	if (ci->instances_total == 0 && ci->rule[MIG_CI_FIELD_INSTANCES_TOTAL] == 0) {
		ci->instances_total = gi->slice_count / ci->slice_count;
		ci->rule[MIG_CI_FIELD_INSTANCES_TOTAL] = rule_number("ci-count-floor");
	}
	fill_ci_sm(table, gi, ci);
	fill_ci_starts(gi, ci);
	fill_ci_size(table, gi, ci);
}

void mig_gpu_table_complete(struct mig_gpu_table *table)
{
	table->is_usable = is_known(table);
	if (!table->is_usable)
		return;
	fill_bar1(table);
	fill_reserved(table);
	for (unsigned int i = 0; i < table->gi_profile_count; i++) {
		struct mig_table_gi_profile *gi = &table->gi[i];

		for (unsigned int k = 0; k < gi->ci_profile_count; k++)
			fill_ci(table, gi, &gi->ci[k]);
	}
}
