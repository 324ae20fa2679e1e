/* SPDX-License-Identifier: Apache-2.0
 *
 * The GPU tables against three things that the generator does not make: numbers written down here
 * by hand from captures, the JSON files read again by another parser, and the rules as C computes
 * them (gpu_complete.c). Also the lookups.
 */
#include "tests/harness/test.h"

#include <dirent.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/tables/gpu_table.h"

#define PATH_SIZE 1024

static const struct mig_gpu_table *model(const char *key)
{
	const struct mig_gpu_table *table = mig_gpu_table_find(key);

	MIG_ASSERT_MSG(table != NULL, "no model %s", key);
	return table;
}

static const struct mig_table_gi_profile *profile(const char *key, const char *name)
{
	const struct mig_gpu_table *table = model(key);

	for (unsigned int i = 0; i < table->gi_profile_count; i++) {
		if (strcmp(table->gi[i].name, name) == 0)
			return &table->gi[i];
	}
	MIG_FAIL("%s has no profile %s", key, name);
}

static const struct mig_table_ci_profile *ci_profile(const char *key, const char *gi_name,
						     const char *name)
{
	const struct mig_table_gi_profile *gi = profile(key, gi_name);

	for (unsigned int i = 0; i < gi->ci_profile_count; i++) {
		if (strcmp(gi->ci[i].name, name) == 0)
			return &gi->ci[i];
	}
	MIG_FAIL("%s %s has no compute instance profile %s", key, gi_name, name);
}

/* ------------------------------------------------------- numbers written by hand */

MIG_TEST(these_models_are_usable)
{
	static const char *const usable[] = {
		"a30-24gb",
		"a100-sxm4-40gb",
		"a100-sxm4-80gb",
		"a100-pcie-80gb",
		"a800-pcie-80gb",
		"h100-sxm5-80gb",
		"h100-pcie-80gb",
		"h100-nvl-94gb",
		"gh200-96gb",
		"h200-sxm5-141gb",
		"rtx-pro-6000-server-96gb",
		"rtx-pro-6000-workstation-96gb",
		"rtx-pro-6000-maxq-96gb",
	};
	unsigned int with_mig = 0;
	unsigned int without_mig = 0;

	for (size_t i = 0; i < sizeof(usable) / sizeof(usable[0]); i++) {
		MIG_ASSERT_MSG(model(usable[i])->is_usable, "%s is not usable", usable[i]);
		MIG_ASSERT_MSG(model(usable[i])->is_mig_capable, "%s without MIG", usable[i]);
	}
	for (unsigned int i = 0; i < mig_gpu_table_count; i++) {
		if (mig_gpu_tables[i].is_usable && mig_gpu_tables[i].is_mig_capable)
			with_mig++;
		else if (mig_gpu_tables[i].is_usable)
			without_mig++;
	}
	MIG_ASSERT_UINT_EQ(with_mig, sizeof(usable) / sizeof(usable[0]));
	MIG_ASSERT_UINT_EQ(without_mig, 3);
	MIG_ASSERT_UINT_EQ(mig_gpu_table_count, 38);
	MIG_ASSERT(!model("b200-180gb")->is_usable);
	MIG_ASSERT(!model("a100-pcie-40gb")->is_usable);
	MIG_ASSERT(!model("dgx-spark-gb10")->is_usable);
}

struct gpu_row {
	const char *key;
	const char *name;
	uint32_t device_id, total, reserved, bar1, subsystem;
	unsigned int arch, cc_major, cc_minor, units, instances;
};

MIG_TEST(whole_gpus_are_as_captured)
{
	static const struct gpu_row rows[] = {
		{"a100-sxm4-40gb", "NVIDIA A100-SXM4-40GB", 0x20B0, 40960, 620, 65536, 0x134F10DE,
		 MIG_ARCH_AMPERE, 8, 0, 8, 7},
		{"h100-sxm5-80gb", "NVIDIA H100 80GB HBM3", 0x2330, 81559, 469, 131072, 0x16C110DE,
		 MIG_ARCH_HOPPER, 9, 0, 8, 7},
		{"h200-sxm5-141gb", "NVIDIA H200", 0x2335, 143771, 700, 262144, 0x18BE10DE,
		 MIG_ARCH_HOPPER, 9, 0, 8, 7},
		{"gh200-96gb", "NVIDIA GH200 480GB", 0x2342, 97871, 1103, MIG_TABLE_UNKNOWN,
		 0x180910DE, MIG_ARCH_HOPPER, 9, 0, 8, 7},
		{"a30-24gb", "NVIDIA A30", 0x20B7, 24576, 384, 32768, MIG_TABLE_UNKNOWN,
		 MIG_ARCH_AMPERE, 8, 0, 4, 4},
		{"rtx-pro-6000-server-96gb", "NVIDIA RTX PRO 6000 Blackwell Server Edition", 0x2BB5,
		 97887, 2288, 131072, MIG_TABLE_UNKNOWN, MIG_ARCH_BLACKWELL, 12, 0, 12, 4},
		{"t4-16gb", "Tesla T4", 0x1EB8, 15360, 393, 256, 0x12A210DE, MIG_ARCH_TURING, 7, 5,
		 0, 0},
		{"a10g-24gb", "NVIDIA A10G", 0x2237, 23028, 304, 32768, 0x152F10DE, MIG_ARCH_AMPERE,
		 8, 6, 0, 0},
		{"l40s-48gb", "NVIDIA L40S", 0x26B9, 46068, 1104, MIG_TABLE_UNKNOWN,
		 MIG_TABLE_UNKNOWN, MIG_ARCH_ADA, 8, 9, 0, 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct mig_gpu_table *table = model(rows[i].key);

		MIG_ASSERT_STR_EQ(table->key, rows[i].key);
		MIG_ASSERT_STR_EQ(table->name, rows[i].name);
		MIG_ASSERT_UINT_EQ(table->pci_vendor_id, 0x10DE);
		MIG_ASSERT_UINT_EQ(table->pci_device_id, rows[i].device_id);
		MIG_ASSERT_UINT_EQ(table->pci_device_ids[0], rows[i].device_id);
		MIG_ASSERT_UINT_EQ(table->pci_subsystem_id, rows[i].subsystem);
		MIG_ASSERT_UINT_EQ(table->memory_total_mib, rows[i].total);
		MIG_ASSERT_UINT_EQ(table->memory_reserved_mib, rows[i].reserved);
		MIG_ASSERT_UINT_EQ(table->bar1_total_mib, rows[i].bar1);
		MIG_ASSERT_UINT_EQ(table->arch, rows[i].arch);
		MIG_ASSERT_UINT_EQ(table->cc_major, rows[i].cc_major);
		MIG_ASSERT_UINT_EQ(table->cc_minor, rows[i].cc_minor);
		MIG_ASSERT_UINT_EQ(table->memory_slices, rows[i].units);
		MIG_ASSERT_UINT_EQ(table->max_gpu_instances, rows[i].instances);
	}
}

struct gi_row {
	const char *key, *name;
	unsigned int index, id, slices, instances, memory, sm, ce, dec, enc, jpeg, ofa;
	unsigned int start_count, last_start, size, is_media;
};

MIG_TEST(gpu_instance_profiles_are_as_captured)
{
	static const struct gi_row rows[] = {
		{"a100-sxm4-40gb", "1g.5gb", 0, 19, 1, 7, 4864, 14, 1, 0, 0, 0, 0, 7, 6, 1, 0},
		{"a100-sxm4-40gb", "1g.5gb+me", 7, 20, 1, 1, 4864, 14, 1, 1, 0, 1, 1, 7, 6, 1, 1},
		{"a100-sxm4-40gb", "1g.10gb", 9, 15, 1, 4, 9984, 14, 1, 1, 0, 0, 0, 4, 6, 2, 0},
		{"a100-sxm4-40gb", "3g.20gb", 2, 9, 3, 2, 20096, 42, 3, 2, 0, 0, 0, 2, 4, 4, 0},
		{"a100-sxm4-40gb", "7g.40gb", 4, 0, 7, 1, 40320, 98, 7, 5, 0, 1, 1, 1, 0, 8, 0},
		{"a30-24gb", "2g.12gb+me", 8, 6, 2, 1, 11968, 28, 2, 2, 0, 1, 1, 2, 2, 2, 1},
		{"a30-24gb", "4g.24gb", 3, 0, 4, 1, 24000, 56, 4, 4, 0, 1, 1, 1, 0, 4, 0},
		{"h100-sxm5-80gb", "3g.40gb", 2, 9, 3, 2, 40448, 60, 3, 3, 0, 3, 0, 2, 4, 4, 0},
		{"h100-pcie-80gb", "7g.80gb", 4, 0, 7, 1, 80896, 114, 8, 7, 0, 7, 1, 1, 0, 8, 0},
		{"rtx-pro-6000-server-96gb", "2g.48gb-me", 14, 66, 2, 2, 48512, 94, 2, 0, 0, 0, 0,
		 2, 6, 6, 0},
		{"rtx-pro-6000-server-96gb", "1g.24gb+me.all", 15, 65, 1, 1, 24192, 46, 1, 4, 4, 4,
		 1, 4, 9, 3, 1},
		{"rtx-pro-6000-server-96gb", "1g.24gb+gfx", 10, 47, 1, 4, 24192, 46, 1, 1, 1, 1, 0,
		 4, 9, 3, 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct mig_table_gi_profile *gi = profile(rows[i].key, rows[i].name);

		MIG_ASSERT_UINT_EQ(gi->profile_index, rows[i].index);
		MIG_ASSERT_UINT_EQ(gi->id, rows[i].id);
		MIG_ASSERT_UINT_EQ(gi->slice_count, rows[i].slices);
		MIG_ASSERT_UINT_EQ(gi->instances_total, rows[i].instances);
		MIG_ASSERT_UINT_EQ(gi->memory_mib, rows[i].memory);
		MIG_ASSERT_UINT_EQ(gi->sm, rows[i].sm);
		MIG_ASSERT_UINT_EQ(gi->ce, rows[i].ce);
		MIG_ASSERT_UINT_EQ(gi->dec, rows[i].dec);
		MIG_ASSERT_UINT_EQ(gi->enc, rows[i].enc);
		MIG_ASSERT_UINT_EQ(gi->jpeg, rows[i].jpeg);
		MIG_ASSERT_UINT_EQ(gi->ofa, rows[i].ofa);
		MIG_ASSERT_UINT_EQ(gi->p2p, 0);
		MIG_ASSERT_UINT_EQ(gi->start_count, rows[i].start_count);
		MIG_ASSERT_UINT_EQ(gi->starts[0], 0);
		MIG_ASSERT_UINT_EQ(gi->starts[gi->start_count - 1], rows[i].last_start);
		MIG_ASSERT_UINT_EQ(gi->placement_size, rows[i].size);
		MIG_ASSERT_UINT_EQ(gi->is_media_extension, rows[i].is_media);
		MIG_ASSERT(mig_gpu_table_gi_by_id(model(rows[i].key), rows[i].id) == gi);
		MIG_ASSERT(mig_gpu_table_gi_by_index(model(rows[i].key), rows[i].index) == gi);
	}
}

struct ci_row {
	const char *key, *gi, *name;
	unsigned int id, is_default, instances, sm, start_count, last_start, size;
	const char *sm_rule, *size_rule;
};

MIG_TEST(compute_instance_profiles_name_their_rules)
{
	static const struct ci_row rows[] = {
		{"a100-sxm4-40gb", "3g.20gb", "1c.3g.20gb", 0, 0, 3, 14, 3, 2, 1, "", ""},
		{"a100-sxm4-40gb", "3g.20gb", "3g.20gb", 2, 1, 1, 42, 1, 0, 3, "", ""},
		{"a100-sxm4-40gb", "7g.40gb", "7g.40gb", 4, 1, 1, 98, 1, 0, 7, "",
		 "ci-size-slices"},
		{"a100-sxm4-40gb", "1g.10gb", "1g.10gb", 7, 1, 1, 14, 1, 0, 1, "",
		 "ci-size-slices"},
		{"h100-sxm5-80gb", "3g.40gb", "1c.3g.40gb", 0, 0, 3, 16, 3, 2, 1, "", ""},
		{"h100-sxm5-80gb", "3g.40gb", "2c.3g.40gb", 1, 0, 1, 32, 1, 0, 2, "ci-sm-slices",
		 "ci-size-slices"},
		{"h100-sxm5-80gb", "3g.40gb", "3g.40gb", 2, 1, 1, 60, 1, 0, 4, "", ""},
		{"h100-sxm5-80gb", "7g.80gb", "7g.80gb", 4, 1, 1, 132, 1, 0, 8, "",
		 "ci-size-units"},
		{"h100-sxm5-80gb", "7g.80gb", "3c.7g.80gb", 2, 0, 2, 48, 2, 4, 3, "ci-sm-slices",
		 "ci-size-slices"},
		{"h100-pcie-80gb", "2g.20gb", "1c.2g.20gb", 0, 0, 2, 14, 2, 1, 1, "ci-sm-slices",
		 "ci-size-slices"},
		{"h100-sxm5-80gb", "1g.20gb", "1g.20gb", 7, 1, 1, 26, 1, 0, 2, "", ""},
		{"rtx-pro-6000-server-96gb", "2g.48gb", "2g.48gb", 1, 1, 1, 94, 1, 0, 2, "",
		 "ci-size-slices"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct ci_row *row = &rows[i];
		const struct mig_table_ci_profile *ci = ci_profile(row->key, row->gi, row->name);

		MIG_ASSERT_UINT_EQ(ci->id, row->id);
		MIG_ASSERT_UINT_EQ(ci->profile_index, row->id);
		MIG_ASSERT_UINT_EQ(ci->is_default, row->is_default);
		MIG_ASSERT_UINT_EQ(ci->instances_total, row->instances);
		MIG_ASSERT_UINT_EQ(ci->sm, row->sm);
		MIG_ASSERT_UINT_EQ(ci->start_count, row->start_count);
		MIG_ASSERT_UINT_EQ(ci->starts[ci->start_count - 1], row->last_start);
		MIG_ASSERT_UINT_EQ(ci->placement_size, row->size);
		MIG_ASSERT_STR_EQ(mig_table_rule_get(ci->rule[MIG_CI_FIELD_SM])->id, row->sm_rule);
		MIG_ASSERT_STR_EQ(mig_table_rule_get(ci->rule[MIG_CI_FIELD_PLACEMENT_SIZE])->id,
				  row->size_rule);
		MIG_ASSERT(mig_table_ci_by_index(profile(row->key, row->gi), row->id) == ci);
	}
}

MIG_TEST(derived_fields_of_a_gpu_name_their_rules)
{
	MIG_ASSERT_STR_EQ(
		mig_table_rule_get(model("a30-24gb")->rule[MIG_GPU_FIELD_BAR1_TOTAL_MIB])->id,
		"bar1-power-of-two");
	MIG_ASSERT_STR_EQ(
		mig_table_rule_get(model("a30-24gb")->rule[MIG_GPU_FIELD_MEMORY_RESERVED_MIB])->id,
		"reserved-share");
	MIG_ASSERT_STR_EQ(
		mig_table_rule_get(model("h100-pcie-80gb")->rule[MIG_GPU_FIELD_MEMORY_RESERVED_MIB])
			->id,
		"reserved-same-memory");
	MIG_ASSERT_UINT_EQ(model("h100-pcie-80gb")->memory_reserved_mib, 469);
	MIG_ASSERT_STR_EQ(
		mig_table_rule_get(model("gh200-96gb")->rule[MIG_GPU_FIELD_BAR1_TOTAL_MIB])->id,
		"not-available");
	MIG_ASSERT_UINT_EQ(model("a100-sxm4-40gb")->rule[MIG_GPU_FIELD_BAR1_TOTAL_MIB], 0);
	MIG_ASSERT_STR_EQ(
		mig_table_rule_get(
			profile("a100-pcie-80gb", "1g.20gb")->rule[MIG_GI_FIELD_MEMORY_MIB])
			->id,
		"stated-inferred");
	MIG_ASSERT_STR_EQ(
		mig_table_rule_get(profile("a800-pcie-80gb", "7g.80gb")->rule[MIG_GI_FIELD_SM])->id,
		"profiles-copied");
}

MIG_TEST(mode_change_follows_the_architecture)
{
	MIG_ASSERT(model("a100-sxm4-40gb")->mode_needs_reset);
	MIG_ASSERT(model("a100-sxm4-40gb")->mode_survives_reboot);
	MIG_ASSERT(!model("h100-sxm5-80gb")->mode_needs_reset);
	MIG_ASSERT(!model("h100-sxm5-80gb")->mode_survives_reboot);
	MIG_ASSERT(!model("rtx-pro-6000-server-96gb")->mode_needs_reset);
}

/* ----------------------------------------------------------------------- lookups */

MIG_TEST(find_ignores_case_and_knows_what_it_lacks)
{
	MIG_ASSERT(mig_gpu_table_find("A100-SXM4-40GB") == model("a100-sxm4-40gb"));
	MIG_ASSERT(mig_gpu_table_find("a100-sxm4-40g") == NULL);
	MIG_ASSERT(mig_gpu_table_find("a100-sxm4-40gbx") == NULL);
	MIG_ASSERT(mig_gpu_table_find("") == NULL);
	MIG_ASSERT(mig_gpu_table_find(NULL) == NULL);
}

MIG_TEST(find_pci_takes_memory_within_two_percent)
{
	const struct mig_gpu_table *h100 = model("h100-sxm5-80gb");

	MIG_ASSERT(mig_gpu_table_find_pci(0x2330, 81559) == h100);
	MIG_ASSERT(mig_gpu_table_find_pci(0x2330, 81559 - 1631) == h100);
	MIG_ASSERT(mig_gpu_table_find_pci(0x2330, 81559 + 1631) == h100);
	MIG_ASSERT(mig_gpu_table_find_pci(0x2330, 81559 - 1632) == NULL);
	MIG_ASSERT(mig_gpu_table_find_pci(0x2330, 81559 + 1632) == NULL);
	MIG_ASSERT(mig_gpu_table_find_pci(0x2330, 0) == NULL);
	MIG_ASSERT(mig_gpu_table_find_pci(0x2330, UINT32_MAX) == NULL);
	MIG_ASSERT(mig_gpu_table_find_pci(0x20B0, 40960) == model("a100-sxm4-40gb"));
	MIG_ASSERT(mig_gpu_table_find_pci(0x20B0, 81920) == NULL);
	MIG_ASSERT(mig_gpu_table_find_pci(0x0000, 40960) == NULL);
	MIG_ASSERT(mig_gpu_table_find_pci(0x2941, 183359) == NULL);
}

MIG_TEST(unknown_profiles_and_numbers_have_an_answer)
{
	const struct mig_gpu_table *a100 = model("a100-sxm4-40gb");

	MIG_ASSERT(mig_gpu_table_gi_by_index(a100, 5) == NULL);
	MIG_ASSERT(mig_gpu_table_gi_by_index(a100, 1000) == NULL);
	MIG_ASSERT(mig_gpu_table_gi_by_id(a100, 21) == NULL);
	MIG_ASSERT(mig_gpu_table_gi_by_id(model("rtx-pro-5000-48gb"), MIG_TABLE_UNKNOWN) == NULL);
	MIG_ASSERT(mig_table_ci_by_index(&a100->gi[0], 4) == NULL);
	MIG_ASSERT_STR_EQ(mig_table_arch_name(MIG_ARCH_HOPPER), "hopper");
	MIG_ASSERT_STR_EQ(mig_table_arch_name(MIG_ARCH_COUNT), "unknown");
	MIG_ASSERT_UINT_EQ(mig_table_arch_nvml(MIG_ARCH_AMPERE), 7);
	MIG_ASSERT_UINT_EQ(mig_table_arch_nvml(99), UINT32_MAX);
	MIG_ASSERT_STR_EQ(mig_table_gpu_field_name(MIG_GPU_FIELD_SM_TOTAL), "sm_total");
	MIG_ASSERT_STR_EQ(mig_table_gi_field_name(MIG_GI_FIELD_STARTS), "placement_starts");
	MIG_ASSERT_STR_EQ(mig_table_ci_field_name(MIG_CI_FIELD_SM), "sm");
	MIG_ASSERT(mig_table_gpu_field_name(MIG_GPU_FIELD_COUNT) == NULL);
	MIG_ASSERT(mig_table_gi_field_name(MIG_GI_FIELD_COUNT) == NULL);
	MIG_ASSERT(mig_table_ci_field_name(MIG_CI_FIELD_COUNT) == NULL);
	MIG_ASSERT_STR_EQ(mig_table_rule_get(0)->id, "");
	MIG_ASSERT_STR_EQ(mig_table_rule_get(255)->id, "");
	MIG_ASSERT_UINT_EQ(mig_table_rule_find("no-such-rule"), 0);
	MIG_ASSERT_STR_EQ(mig_table_rule_get(mig_table_rule_find("ci-sm-full"))->field, "ci.sm");
}

/* --------------------------------------------------- the JSON files, read once more */

static uint32_t number(const json_t *row, const char *key)
{
	const json_t *value = json_object_get(row, key);

	return json_is_integer(value) ? (uint32_t)json_integer_value(value) : MIG_TABLE_UNKNOWN;
}

static const char *text(const json_t *row, const char *key)
{
	const char *value = json_string_value(json_object_get(row, key));

	return value ? value : "";
}

/* A known value must be in the table; an unknown one may have been derived. */
static void compare_number(const char *key, const json_t *row, const char *field, uint32_t got,
			   uint8_t rule)
{
	const uint32_t want = number(row, field);

	if (want == MIG_TABLE_UNKNOWN)
		MIG_ASSERT_MSG(got == MIG_TABLE_UNKNOWN || got == 0 ||
				       got == MIG_TABLE_UNKNOWN_U8 || rule != 0,
			       "%s %s: %s is %u out of nothing", key, text(row, "name"), field,
			       got);
	else
		MIG_ASSERT_MSG(got == want, "%s %s: %s is %u, the file says %u", key,
			       text(row, "name"), field, got, want);
}

static void compare_starts(const char *key, const json_t *row, const uint8_t *starts,
			   unsigned int count, uint8_t rule)
{
	const json_t *want = json_object_get(row, "placement_starts");

	if (!json_is_array(want)) {
		MIG_ASSERT_MSG(count == 0 || rule != 0, "%s %s: starts out of nothing", key,
			       text(row, "name"));
		return;
	}
	MIG_ASSERT_UINT_EQ(count, json_array_size(want));
	for (unsigned int i = 0; i < count; i++)
		MIG_ASSERT_INT_EQ(starts[i], json_integer_value(json_array_get(want, i)));
}

static void compare_ci(const char *key, const json_t *row, const struct mig_table_gi_profile *gi)
{
	const struct mig_table_ci_profile *ci = mig_table_ci_by_index(gi, number(row, "id"));

	MIG_ASSERT_MSG(ci != NULL, "%s %s: no compute instance profile %s", key, gi->name,
		       text(row, "name"));
	MIG_ASSERT_STR_EQ(ci->name, text(row, "name"));
	MIG_ASSERT_INT_EQ(ci->is_default, json_is_true(json_object_get(row, "default")));
	compare_number(key, row, "slice_count", ci->slice_count, 0);
	compare_number(key, row, "instances_total", ci->instances_total,
		       ci->rule[MIG_CI_FIELD_INSTANCES_TOTAL]);
	compare_number(key, row, "sm", ci->sm, ci->rule[MIG_CI_FIELD_SM]);
	compare_number(key, row, "placement_size", ci->placement_size,
		       ci->rule[MIG_CI_FIELD_PLACEMENT_SIZE]);
	compare_starts(key, row, ci->starts, ci->start_count, ci->rule[MIG_CI_FIELD_STARTS]);
}

static void compare_gi(const char *key, const json_t *row, const struct mig_gpu_table *table)
{
	const struct mig_table_gi_profile *gi =
		mig_gpu_table_gi_by_index(table, number(row, "nvml_profile_index"));
	const json_t *profiles = json_object_get(row, "ci_profiles");
	size_t index;
	json_t *ci;

	MIG_ASSERT_MSG(gi != NULL, "%s: no profile %s", key, text(row, "name"));
	MIG_ASSERT_STR_EQ(gi->name, text(row, "name"));
	compare_number(key, row, "id", gi->id, gi->rule[MIG_GI_FIELD_ID]);
	compare_number(key, row, "memory_mib", gi->memory_mib, gi->rule[MIG_GI_FIELD_MEMORY_MIB]);
	compare_number(key, row, "memory_idle_mib", gi->memory_idle_mib, 0);
	compare_number(key, row, "sm", gi->sm, gi->rule[MIG_GI_FIELD_SM]);
	compare_number(key, row, "ce", gi->ce, gi->rule[MIG_GI_FIELD_CE]);
	compare_number(key, row, "dec", gi->dec, gi->rule[MIG_GI_FIELD_DEC]);
	compare_number(key, row, "enc", gi->enc, gi->rule[MIG_GI_FIELD_ENC]);
	compare_number(key, row, "jpeg", gi->jpeg, gi->rule[MIG_GI_FIELD_JPEG]);
	compare_number(key, row, "ofa", gi->ofa, gi->rule[MIG_GI_FIELD_OFA]);
	compare_number(key, row, "p2p", gi->p2p, gi->rule[MIG_GI_FIELD_P2P]);
	compare_number(key, row, "slice_count", gi->slice_count, 0);
	compare_number(key, row, "instances_total", gi->instances_total, 0);
	compare_number(key, row, "placement_size", gi->placement_size, 0);
	compare_starts(key, row, gi->starts, gi->start_count, 0);
	MIG_ASSERT_UINT_EQ(gi->ci_profile_count, json_array_size(profiles));
	json_array_foreach(profiles, index, ci) compare_ci(key, ci, gi);
}

static void compare_model(const json_t *row)
{
	const char *key = text(row, "key");
	const struct mig_gpu_table *table = model(key);
	const json_t *profiles = json_object_get(row, "gi_profiles");
	const json_t *ids = json_object_get(row, "pci_device_ids");
	size_t index;
	json_t *item;

	MIG_ASSERT_UINT_EQ(table->pci_device_id_count, json_array_size(ids));
	json_array_foreach(ids, index, item) MIG_ASSERT_UINT_EQ(
		table->pci_device_ids[index], strtoul(json_string_value(item), NULL, 16));
	compare_number(key, row, "memory_total_mib", table->memory_total_mib, 0);
	compare_number(key, row, "memory_reserved_mib", table->memory_reserved_mib,
		       table->rule[MIG_GPU_FIELD_MEMORY_RESERVED_MIB]);
	compare_number(key, row, "memory_idle_mib", table->memory_idle_mib, 0);
	compare_number(key, row, "bar1_total_mib", table->bar1_total_mib,
		       table->rule[MIG_GPU_FIELD_BAR1_TOTAL_MIB]);
	compare_number(key, row, "sm_total", table->sm_total, 0);
	compare_number(key, row, "sm_mig_visible", table->sm_mig_visible, 0);
	compare_number(key, row, "memory_slices", table->memory_slices, 0);
	compare_number(key, row, "max_mig_gpu_instances", table->max_gpu_instances, 0);
	MIG_ASSERT_INT_EQ(table->is_mig_capable, json_is_true(json_object_get(row, "mig_capable")));
	MIG_ASSERT_UINT_EQ(table->gi_profile_count, json_array_size(profiles));
	json_array_foreach(profiles, index, item) compare_gi(key, item, table);
}

static bool ends_with(const char *name, const char *end)
{
	const size_t size = strlen(name);

	return size >= strlen(end) && strcmp(name + size - strlen(end), end) == 0;
}

MIG_TEST(every_value_of_every_file_is_in_the_tables)
{
	char folder[PATH_SIZE];
	unsigned int files = 0;
	struct dirent *entry;
	DIR *dir;

	snprintf(folder, sizeof(folder), "%s/data/gpus", mig_test_source_root());
	dir = opendir(folder);
	MIG_ASSERT(dir != NULL);
	while ((entry = readdir(dir)) != NULL) {
		char path[PATH_SIZE + sizeof(entry->d_name)];
		json_t *row;

		if (!ends_with(entry->d_name, ".json"))
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		row = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
		MIG_ASSERT_MSG(row != NULL, "can't read %s", path);
		compare_model(row);
		json_decref(row);
		files++;
	}
	closedir(dir);
	MIG_ASSERT_UINT_EQ(files, mig_gpu_table_count);
}

/* ----------------------------------------------------------- order, and the rules in C */

MIG_TEST(rows_and_profiles_ascend)
{
	for (unsigned int i = 0; i < mig_gpu_table_count; i++) {
		const struct mig_gpu_table *table = &mig_gpu_tables[i];

		if (i > 0)
			MIG_ASSERT(strcmp(mig_gpu_tables[i - 1].key, table->key) < 0);
		for (unsigned int k = 1; k < table->gi_profile_count; k++)
			MIG_ASSERT(table->gi[k - 1].profile_index < table->gi[k].profile_index);
		for (unsigned int k = 0; k < table->gi_profile_count; k++) {
			for (unsigned int c = 1; c < table->gi[k].ci_profile_count; c++)
				MIG_ASSERT(table->gi[k].ci[c - 1].profile_index <
					   table->gi[k].ci[c].profile_index);
		}
	}
}

/* True for a rule that mig_gpu_table_complete applies. */
static bool is_computed(uint8_t rule)
{
	const char *id = mig_table_rule_get(rule)->id;

	return strncmp(id, "ci-", 3) == 0 || strcmp(id, "bar1-power-of-two") == 0 ||
	       strcmp(id, "reserved-share") == 0;
}

static unsigned int take_out_ci(struct mig_table_ci_profile *ci)
{
	unsigned int taken = 0;

	for (unsigned int field = 0; field < MIG_CI_FIELD_COUNT; field++) {
		if (!is_computed(ci->rule[field]))
			continue;
		ci->rule[field] = 0;
		taken++;
		if (field == MIG_CI_FIELD_INSTANCES_TOTAL) {
			ci->instances_total = 0;
		} else if (field == MIG_CI_FIELD_SM) {
			ci->sm = MIG_TABLE_UNKNOWN;
		} else if (field == MIG_CI_FIELD_PLACEMENT_SIZE) {
			ci->placement_size = 0;
		} else if (field == MIG_CI_FIELD_STARTS) {
			ci->start_count = 0;
			memset(ci->starts, 0, sizeof(ci->starts));
		}
	}
	return taken;
}

/* Takes out of @table what a rule derived; returns how many values that were. */
static unsigned int take_out(struct mig_gpu_table *table)
{
	unsigned int taken = 0;

	for (unsigned int field = 0; field < MIG_GPU_FIELD_COUNT; field++) {
		if (!is_computed(table->rule[field]))
			continue;
		table->rule[field] = 0;
		taken++;
		if (field == MIG_GPU_FIELD_BAR1_TOTAL_MIB)
			table->bar1_total_mib = MIG_TABLE_UNKNOWN;
		else if (field == MIG_GPU_FIELD_MEMORY_RESERVED_MIB)
			table->memory_reserved_mib = MIG_TABLE_UNKNOWN;
	}
	for (unsigned int i = 0; i < table->gi_profile_count; i++) {
		for (unsigned int k = 0; k < table->gi[i].ci_profile_count; k++)
			taken += take_out_ci(&table->gi[i].ci[k]);
	}
	return taken;
}

MIG_TEST(completing_a_row_gives_what_the_generator_gave)
{
	unsigned int taken = 0;

	for (unsigned int i = 0; i < mig_gpu_table_count; i++) {
		struct mig_gpu_table table = mig_gpu_tables[i];

		taken += take_out(&table);
		table.is_usable = !table.is_usable;
		mig_gpu_table_complete(&table);
		MIG_ASSERT_MSG(memcmp(&table, &mig_gpu_tables[i], sizeof(table)) == 0,
			       "%s completes to something else", table.key);
	}
	MIG_ASSERT_MSG(taken > 100, "only %u values were derived at all", taken);
}

MIG_TEST(completing_leaves_known_and_unavailable_values)
{
	struct mig_gpu_table table = *model("gh200-96gb");

	mig_gpu_table_complete(&table);
	MIG_ASSERT_UINT_EQ(table.bar1_total_mib, MIG_TABLE_UNKNOWN);
	table.rule[MIG_GPU_FIELD_BAR1_TOTAL_MIB] = 0;
	table.gi[0].ci[0].sm = 99;
	mig_gpu_table_complete(&table);
	MIG_ASSERT_UINT_EQ(table.bar1_total_mib, 131072);
	MIG_ASSERT_UINT_EQ(table.gi[0].ci[0].sm, 99);
	table.gi[1].memory_mib = MIG_TABLE_UNKNOWN;
	mig_gpu_table_complete(&table);
	MIG_ASSERT(!table.is_usable);
}
