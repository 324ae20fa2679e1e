/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding rows in the GPU tables and naming what is in them. The rows themselves are in
 * gpu_tables.c, which is generated. Links libc only and keeps no state, so everything here may be
 * called from any thread.
 */
#include "data/tables/gpu_table.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

/* How far the driver's branch and ECC may move the memory of the whole GPU, in percent. */
#define MEMORY_TOLERANCE_PERCENT 2

struct arch_row {
	const char *name;
	uint32_t nvml;
};

static const struct arch_row arch_rows[MIG_ARCH_COUNT] = {
	[MIG_ARCH_UNKNOWN] = {"unknown", UINT32_MAX},
	[MIG_ARCH_TURING] = {"turing", 6},
	[MIG_ARCH_AMPERE] = {"ampere", 7},
	[MIG_ARCH_ADA] = {"ada", 8},
	[MIG_ARCH_HOPPER] = {"hopper", 9},
	[MIG_ARCH_BLACKWELL] = {"blackwell", 10},
};

static const char *const gpu_field_names[MIG_GPU_FIELD_COUNT] = {
	[MIG_GPU_FIELD_MEMORY_TOTAL_MIB] = "memory_total_mib",
	[MIG_GPU_FIELD_MEMORY_RESERVED_MIB] = "memory_reserved_mib",
	[MIG_GPU_FIELD_BAR1_TOTAL_MIB] = "bar1_total_mib",
	[MIG_GPU_FIELD_SM_TOTAL] = "sm_total",
	[MIG_GPU_FIELD_SM_MIG_VISIBLE] = "sm_mig_visible",
};

static const char *const gi_field_names[MIG_GI_FIELD_COUNT] = {
	[MIG_GI_FIELD_NAME] = "name",
	[MIG_GI_FIELD_ID] = "id",
	[MIG_GI_FIELD_MEMORY_MIB] = "memory_mib",
	[MIG_GI_FIELD_P2P] = "p2p",
	[MIG_GI_FIELD_SM] = "sm",
	[MIG_GI_FIELD_CE] = "ce",
	[MIG_GI_FIELD_DEC] = "dec",
	[MIG_GI_FIELD_ENC] = "enc",
	[MIG_GI_FIELD_JPEG] = "jpeg",
	[MIG_GI_FIELD_OFA] = "ofa",
	[MIG_GI_FIELD_STARTS] = "placement_starts",
	[MIG_GI_FIELD_PLACEMENT_SIZE] = "placement_size",
	[MIG_GI_FIELD_INSTANCES_TOTAL] = "instances_total",
};

static const char *const ci_field_names[MIG_CI_FIELD_COUNT] = {
	[MIG_CI_FIELD_NAME] = "name",
	[MIG_CI_FIELD_ID] = "id",
	[MIG_CI_FIELD_INSTANCES_TOTAL] = "instances_total",
	[MIG_CI_FIELD_SM] = "sm",
	[MIG_CI_FIELD_STARTS] = "placement_starts",
	[MIG_CI_FIELD_PLACEMENT_SIZE] = "placement_size",
};

const struct mig_gpu_table *mig_gpu_table_find(const char *key)
{
	if (!key)
		return NULL;
	for (unsigned int i = 0; i < mig_gpu_table_count; i++) {
		if (strcasecmp(mig_gpu_tables[i].key, key) == 0)
			return &mig_gpu_tables[i];
	}
	return NULL;
}

static bool has_device_id(const struct mig_gpu_table *table, uint32_t device_id)
{
	for (unsigned int i = 0; i < table->pci_device_id_count; i++) {
		if (table->pci_device_ids[i] == device_id)
			return true;
	}
	return false;
}

const struct mig_gpu_table *mig_gpu_table_find_pci(uint32_t device_id, uint32_t memory_mib)
{
	const struct mig_gpu_table *best = NULL;
	uint64_t best_distance = 0;

	for (unsigned int i = 0; i < mig_gpu_table_count; i++) {
		const struct mig_gpu_table *table = &mig_gpu_tables[i];
		const uint64_t known = table->memory_total_mib;
		uint64_t distance;

		if (known == MIG_TABLE_UNKNOWN || !has_device_id(table, device_id))
			continue;
		distance = memory_mib > known ? memory_mib - known : known - memory_mib;
		if (distance * 100 > known * MEMORY_TOLERANCE_PERCENT)
			continue;
		if (!best || distance < best_distance) {
			best = table;
			best_distance = distance;
		}
	}
	return best;
}

const struct mig_table_gi_profile *mig_gpu_table_gi_by_index(const struct mig_gpu_table *table,
							     unsigned int profile_index)
{
	for (unsigned int i = 0; i < table->gi_profile_count; i++) {
		if (table->gi[i].profile_index == profile_index)
			return &table->gi[i];
	}
	return NULL;
}

const struct mig_table_gi_profile *mig_gpu_table_gi_by_id(const struct mig_gpu_table *table,
							  uint32_t id)
{
	if (id == MIG_TABLE_UNKNOWN)
		return NULL;
	for (unsigned int i = 0; i < table->gi_profile_count; i++) {
		if (table->gi[i].id == id)
			return &table->gi[i];
	}
	return NULL;
}

const struct mig_table_ci_profile *mig_table_ci_by_index(const struct mig_table_gi_profile *gi,
							 unsigned int profile_index)
{
	for (unsigned int i = 0; i < gi->ci_profile_count; i++) {
		if (gi->ci[i].profile_index == profile_index)
			return &gi->ci[i];
	}
	return NULL;
}

const char *mig_table_arch_name(unsigned int arch)
{
	return arch_rows[arch < MIG_ARCH_COUNT ? arch : MIG_ARCH_UNKNOWN].name;
}

uint32_t mig_table_arch_nvml(unsigned int arch)
{
	return arch_rows[arch < MIG_ARCH_COUNT ? arch : MIG_ARCH_UNKNOWN].nvml;
}

const char *mig_table_gpu_field_name(unsigned int field)
{
	return field < MIG_GPU_FIELD_COUNT ? gpu_field_names[field] : NULL;
}

const char *mig_table_gi_field_name(unsigned int field)
{
	return field < MIG_GI_FIELD_COUNT ? gi_field_names[field] : NULL;
}

const char *mig_table_ci_field_name(unsigned int field)
{
	return field < MIG_CI_FIELD_COUNT ? ci_field_names[field] : NULL;
}

const struct mig_table_rule *mig_table_rule_get(unsigned int number)
{
	return &mig_table_rules[number < mig_table_rule_count ? number : 0];
}

unsigned int mig_table_rule_find(const char *id)
{
	for (unsigned int i = 1; i < mig_table_rule_count; i++) {
		if (strcmp(mig_table_rules[i].id, id) == 0)
			return i;
	}
	return 0;
}
