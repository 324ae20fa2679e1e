/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The present layout as a configuration; see export.h.
 */
#include "config/export.h"

#include <stdlib.h>
#include <string.h>

#define SOURCE_NAME "the present layout"

static int out_of_memory(struct mig_error **err)
{
	return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
}

static int refuse_lost(const struct mig_snapshot *snapshot, struct mig_error **err)
{
	for (unsigned int i = 0; i < snapshot->gpu_count; i++) {
		if (snapshot->gpus[i].is_lost)
			return mig_error_lost(&snapshot->gpus[i], err);
	}
	return 0;
}

/* A configuration with one label; *label is the configuration's. NULL: out of memory, with *err. */
static struct mig_config *new_config(const char *name, struct mig_config_label **label,
				     struct mig_error **err)
{
	struct mig_config *config = mig_config_new(SOURCE_NAME);

	if (config != NULL)
		*label = mig_config_add_label(config, name);
	if (config == NULL || *label == NULL) {
		mig_config_free(config);
		out_of_memory(err);
		return NULL;
	}
	return config;
}

static int add_index(struct mig_config_entry *entry, unsigned int index, struct mig_error **err)
{
	struct mig_config_gpu *gpu = mig_config_add_gpu(entry, NULL);

	if (gpu == NULL)
		return out_of_memory(err);
	gpu->kind = MIG_CONFIG_GPU_INDEX;
	gpu->index = index;
	return 0;
}

/* ---- nvidia-mig-parted ------------------------------------------------------------------------ */

static int count_device(struct mig_config_entry *entry, const char *name, struct mig_error **err)
{
	struct mig_config_device *device = NULL;

	for (size_t i = 0; i < entry->device_count; i++) {
		if (strcmp(entry->devices[i].profile, name) == 0)
			device = &entry->devices[i];
	}
	if (device == NULL)
		device = mig_config_add_device(entry, name);
	if (device == NULL)
		return out_of_memory(err);
	device->count++;
	return 0;
}

/* What is on one GPU. */
static int describe_gpu(const struct mig_gpu *gpu, struct mig_config_entry *entry,
			struct mig_error **err)
{
	entry->mig_enabled = gpu->is_mig_capable && gpu->mig_current;
	for (unsigned int i = 0; entry->mig_enabled && i < gpu->gi_count; i++) {
		const struct mig_gpu_instance *gi = &gpu->gi[i];
		const struct mig_gi_profile *profile = &gpu->facts->gi[gi->gi_row];

		if (gi->ci_count == 0) {
			mig_error_set(
				err, MIG_ERROR_REFUSED,
				"GPU %u has a GPU instance without compute instances (%s@%u), "
				"which nvidia-mig-parted's format cannot name",
				gpu->index, profile->name, gi->start);
			return mig_error_hint(err, "export it as migctl/v1");
		}
		for (unsigned int c = 0; c < gi->ci_count; c++) {
			char name[MIG_PROFILE_NAME_SIZE];

			mig_facts_device_name(profile, gi->ci[c].ci_row, name, sizeof(name));
			if (count_device(entry, name, err) < 0)
				return -1;
		}
	}
	return 0;
}

static unsigned int count_of(const struct mig_config_entry *entry, const char *profile)
{
	for (size_t i = 0; i < entry->device_count; i++) {
		if (strcmp(entry->devices[i].profile, profile) == 0)
			return entry->devices[i].count;
	}
	return 0;
}

static bool looks_like(const struct mig_config_entry *a, const struct mig_config_entry *b)
{
	if (a->mig_enabled != b->mig_enabled || a->device_count != b->device_count)
		return false;
	for (size_t i = 0; i < a->device_count; i++) {
		if (count_of(b, a->devices[i].profile) != a->devices[i].count)
			return false;
	}
	return true;
}

/* Puts the GPU of the label's last entry to an earlier one that looks like it. */
static int join_last(struct mig_config_label *label, unsigned int index, struct mig_error **err)
{
	struct mig_config_entry *last = &label->entries[label->entry_count - 1];

	for (size_t i = 0; i + 1 < label->entry_count; i++) {
		if (!looks_like(&label->entries[i], last))
			continue;
		for (size_t d = 0; d < last->device_count; d++)
			free(last->devices[d].profile);
		free(last->devices);
		label->entry_count--;
		return add_index(&label->entries[i], index, err);
	}
	return add_index(last, index, err);
}

static bool has_filter(const struct mig_config_entry *entry, uint32_t device_id)
{
	for (size_t i = 0; i < entry->filter_count; i++) {
		if (entry->filters[i].device_id == device_id)
			return true;
	}
	return false;
}

static int compare_filters(const void *a, const void *b)
{
	const struct mig_config_filter *x = a;
	const struct mig_config_filter *y = b;

	return (x->device_id > y->device_id) - (x->device_id < y->device_id);
}

/* The PCI ids of the entry's GPUs, as filters; and 'all' where it has all GPUs with these. */
static int add_filters(const struct mig_snapshot *snapshot, struct mig_config_entry *entry,
		       struct mig_error **err)
{
	size_t with_these = 0;

	for (size_t i = 0; i < entry->gpu_count; i++) {
		uint32_t id = snapshot->gpus[entry->gpus[i].index].pci_device_id;
		struct mig_config_filter *filter;

		if (has_filter(entry, id))
			continue;
		filter = mig_config_add_filter(entry);
		if (filter == NULL)
			return out_of_memory(err);
		filter->device_id = id;
	}
	qsort(entry->filters, entry->filter_count, sizeof(*entry->filters), compare_filters);
	for (unsigned int i = 0; i < snapshot->gpu_count; i++)
		with_these += has_filter(entry, snapshot->gpus[i].pci_device_id);
	if (with_these == entry->gpu_count) {
		entry->all_gpus = true;
		entry->gpu_count = 0;
	}
	entry->filter_is_list = entry->filter_count > 1;
	return 0;
}

int mig_config_export_parted(const struct mig_snapshot *snapshot, const char *label_name,
			     struct mig_config **out, struct mig_error **err)
{
	_cleanup_config_ struct mig_config *config = NULL;
	struct mig_config_label *label = NULL;
	bool is_one_kind = true;

	if (snapshot->gpu_count == 0)
		return mig_error_no_gpu(err);
	if (refuse_lost(snapshot, err) < 0)
		return -1;
	config = new_config(label_name, &label, err);
	if (config == NULL)
		return -1;
	for (unsigned int i = 0; i < snapshot->gpu_count; i++) {
		struct mig_config_entry *entry = mig_config_add_entry(label);

		if (entry == NULL)
			return out_of_memory(err);
		if (describe_gpu(&snapshot->gpus[i], entry, err) < 0 ||
		    join_last(label, i, err) < 0)
			return -1;
		is_one_kind = is_one_kind &&
			      snapshot->gpus[i].pci_device_id == snapshot->gpus[0].pci_device_id;
	}
	for (size_t i = 0; i < label->entry_count; i++) {
		if (add_filters(snapshot, &label->entries[i], err) < 0)
			return -1;
		if (is_one_kind || label->entry_count == 1)
			label->entries[i].filter_count = 0;
	}
	*out = MIG_TAKE_PTR(config);
	return 0;
}

/* ---- migctl/v1 -------------------------------------------------------------------------------- */

/* One compute instance that fills its GPU instance: what an ordinary MIG device is. */
static bool is_ordinary(const struct mig_gi_profile *profile, const struct mig_gpu_instance *gi)
{
	return gi->ci_count == 1 &&
	       profile->ci[gi->ci[0].ci_row].slice_count == profile->slice_count;
}

static int add_instance(struct mig_config_entry *entry, const struct mig_gi_profile *profile,
			const struct mig_gpu_instance *gi, struct mig_error **err)
{
	struct mig_config_instance *instance = mig_config_add_instance(entry, profile->name);

	if (instance == NULL)
		return out_of_memory(err);
	instance->start = gi->start;
	for (unsigned int c = 0; c < gi->ci_count; c++) {
		struct mig_config_compute *compute;
		char name[MIG_PROFILE_NAME_SIZE];

		mig_facts_device_name(profile, gi->ci[c].ci_row, name, sizeof(name));
		compute = mig_config_add_compute(instance, name);
		if (compute == NULL)
			return out_of_memory(err);
		compute->start = gi->ci[c].start;
	}
	return 0;
}

static int compare_starts(const void *a, const void *b)
{
	const struct mig_gpu_instance *const *x = a;
	const struct mig_gpu_instance *const *y = b;

	return ((*x)->start > (*y)->start) - ((*x)->start < (*y)->start);
}

static int add_exact(struct mig_config_label *label, const struct mig_gpu *gpu,
		     struct mig_error **err)
{
	const struct mig_gpu_instance *instances[MIG_GPU_INSTANCES_MAX];
	struct mig_config_entry *entry = mig_config_add_entry(label);
	struct mig_config_gpu *name;

	if (entry == NULL)
		return out_of_memory(err);
	name = mig_config_add_gpu(entry, gpu->uuid);
	if (name == NULL)
		return out_of_memory(err);
	name->kind = MIG_CONFIG_GPU_UUID;
	entry->mig_enabled = gpu->mig_current;
	for (unsigned int i = 0; i < gpu->gi_count; i++)
		instances[i] = &gpu->gi[i];
	qsort(instances, gpu->gi_count, sizeof(instances[0]), compare_starts);
	for (unsigned int i = 0; entry->mig_enabled && i < gpu->gi_count; i++) {
		const struct mig_gi_profile *profile = &gpu->facts->gi[instances[i]->gi_row];
		struct mig_config_device *device;

		if (!is_ordinary(profile, instances[i])) {
			if (add_instance(entry, profile, instances[i], err) < 0)
				return -1;
			continue;
		}
		device = mig_config_add_device(entry, profile->name);
		if (device == NULL)
			return out_of_memory(err);
		device->count = 1;
		device->start = instances[i]->start;
	}
	return 0;
}

int mig_config_export_v1(const struct mig_snapshot *snapshot, const char *label_name,
			 struct mig_config **out, struct mig_error **err)
{
	_cleanup_config_ struct mig_config *config = NULL;
	struct mig_config_label *label = NULL;

	if (refuse_lost(snapshot, err) < 0)
		return -1;
	config = new_config(label_name, &label, err);
	if (config == NULL)
		return -1;
	config->names_gpus_once = true;
	for (unsigned int i = 0; i < snapshot->gpu_count; i++) {
		if (snapshot->gpus[i].is_mig_capable &&
		    add_exact(label, &snapshot->gpus[i], err) < 0)
			return -1;
	}
	if (label->entry_count == 0)
		return mig_error_set(err, MIG_ERROR_NO_DRIVER, "no GPU of this node has MIG");
	*out = MIG_TAKE_PTR(config);
	return 0;
}
