/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries of migctl's own configuration file (`version: migctl/v1`): GPUs by index, UUID or PCI
 * address; devices wherever they fit or at a place; instances in every detail; totals over several
 * GPUs. Must not know GPUs.
 */
#include "config/device_text.h"
#include "config/entry_parts.h"

#include <string.h>

#include "config/gpu_name.h"

enum field {
	FIELD_GPUS,
	FIELD_FILTER,
	FIELD_MIG,
	FIELD_DEVICES,
	FIELD_INSTANCES,
	FIELD_TOTALS,
	FIELD_KEEP,
	FIELD_COUNT
};

static const char *const fields[FIELD_COUNT] = {
	[FIELD_GPUS] = "gpus",	      [FIELD_FILTER] = "filter",       [FIELD_MIG] = "mig",
	[FIELD_DEVICES] = "devices",  [FIELD_INSTANCES] = "instances", [FIELD_TOTALS] = "totals",
	[FIELD_KEEP] = "keep-in-use",
};

/* ---- gpus ------------------------------------------------------------------------------------- */

static int read_gpu(struct mig_yaml *yaml, const yaml_node_t *node, struct mig_config_entry *entry)
{
	const char *text = mig_yaml_text(node);
	enum mig_config_gpu_kind kind = MIG_CONFIG_GPU_INDEX;
	struct mig_config_gpu *gpu;

	/* 10:00.0 looks like a number in base 60, which YAML 1.1 has, and is an address here. */
	if (text != NULL)
		kind = mig_gpu_name_kind(text);
	if (kind == MIG_CONFIG_GPU_INDEX) {
		if (text != NULL && text[0] >= '0' && text[0] <= '9' && !strpbrk(text, ":."))
			return mig_entry_read_index(yaml, node, entry);
		mig_yaml_error(yaml, node, "'%s' names no GPU",
			       text != NULL ? mig_yaml_shown(yaml, text) : "");
		return mig_error_hint(
			yaml->err, "a GPU is an index as in 0, a UUID as in GPU-2c05f3a1-..., or "
				   "a PCI address as in 0000:10:00.0; 'all' stands alone");
	}
	gpu = mig_config_add_gpu(entry, text);
	if (gpu == NULL)
		return mig_yaml_out_of_memory(yaml);
	gpu->kind = kind;
	gpu->at = mig_yaml_position(node);
	return 0;
}

static int read_gpus(struct mig_yaml *yaml, const yaml_node_t *node, struct mig_config_entry *entry)
{
	const char *text = mig_yaml_text(node);

	entry->gpus_at = mig_yaml_position(node);
	if (text != NULL && strcmp(text, "all") == 0) {
		entry->all_gpus = true;
		return 0;
	}
	if (node->type == YAML_SCALAR_NODE && !mig_yaml_is_null(node))
		return read_gpu(yaml, node, entry);
	if (node->type != YAML_SEQUENCE_NODE || mig_yaml_item_count(node) > MIG_YAML_ITEMS_MAX)
		return mig_yaml_error(yaml, node, "'gpus' is 'all', a GPU, or a list of GPUs");
	if (mig_yaml_take(yaml, node, mig_yaml_item_count(node)) < 0)
		return -1;
	for (size_t i = 0; i < mig_yaml_item_count(node); i++) {
		if (read_gpu(yaml, mig_yaml_item(yaml, node, i), entry) < 0)
			return -1;
	}
	return 0;
}

/* ---- devices ---------------------------------------------------------------------------------- */

/* A text as PROFILE[@START][*COUNT]. */
static int read_device_text(struct mig_yaml *yaml, const yaml_node_t *node,
			    struct mig_device_text *device)
{
	const char *text = mig_yaml_text(node);
	const char *problem;
	size_t offset;

	if (text != NULL &&
	    mig_device_text_parse(text, strlen(text), device, &problem, &offset) == 0)
		return 0;
	if (text == NULL)
		return mig_yaml_error(yaml, node, "a device is a text as in 3g.20gb@4 or 1g.5gb*2");
	mig_yaml_error(yaml, node, "'%s': %s", mig_yaml_shown(yaml, text), problem);
	return offset == 0 ? mig_error_hint(yaml->err, MIG_DEVICE_TEXT_HINT) : -1;
}

static int read_device_list(struct mig_yaml *yaml, const yaml_node_t *node,
			    struct mig_config_entry *entry)
{
	uint64_t sum = 0;

	if (mig_yaml_item_count(node) > MIG_YAML_ITEMS_MAX)
		return mig_yaml_error(yaml, node, "too many devices");
	if (mig_yaml_take(yaml, node, mig_yaml_item_count(node)) < 0)
		return -1;
	for (size_t i = 0; i < mig_yaml_item_count(node); i++) {
		const yaml_node_t *item = mig_yaml_item(yaml, node, i);
		struct mig_config_device *device;
		struct mig_device_text text = {0};

		if (read_device_text(yaml, item, &text) < 0)
			return -1;
		device = mig_config_add_device(entry, text.profile);
		if (device == NULL)
			return mig_yaml_out_of_memory(yaml);
		device->at = mig_yaml_position(item);
		device->count = text.count;
		sum += text.count;
		if (text.has_start)
			device->start = text.start;
	}
	if (mig_yaml_item_count(node) > 0 && sum == 0)
		return mig_yaml_error(yaml, node, "all numbers in 'devices' are 0");
	return 0;
}

static int read_devices(struct mig_yaml *yaml, const yaml_node_t *node,
			struct mig_config_entry *entry)
{
	if (node->type == YAML_SEQUENCE_NODE)
		return read_device_list(yaml, node, entry);
	if (node->type != YAML_MAPPING_NODE)
		return mig_yaml_error(yaml, node,
				      "'devices' is a mapping of profiles to numbers or a list of "
				      "devices ([] for none)");
	return mig_entry_read_counts(yaml, fields[FIELD_DEVICES], node, true, MIG_ENTRY_DEVICES,
				     entry);
}

/* ---- instances -------------------------------------------------------------------------------- */

enum instance_field { INSTANCE_PROFILE, INSTANCE_START, INSTANCE_COMPUTE, INSTANCE_COUNT };

static const char *const instance_fields[INSTANCE_COUNT] = {
	[INSTANCE_PROFILE] = "profile",
	[INSTANCE_START] = "start",
	[INSTANCE_COMPUTE] = "compute",
};

static int add_compute(struct mig_yaml *yaml, struct mig_config_instance *instance,
		       const char *profile, unsigned int start, const yaml_node_t *node)
{
	struct mig_config_compute *compute = mig_config_add_compute(instance, profile);

	if (compute == NULL)
		return mig_yaml_out_of_memory(yaml);
	compute->at = mig_yaml_position(node);
	compute->start = start;
	return 0;
}

static int read_compute(struct mig_yaml *yaml, const yaml_node_t *list,
			struct mig_config_instance *instance)
{
	if (list->type != YAML_SEQUENCE_NODE || mig_yaml_item_count(list) > MIG_YAML_ITEMS_MAX)
		return mig_yaml_error(yaml, list,
				      "'compute' is a list of compute instances ([] for none)");
	if (mig_yaml_take(yaml, list, mig_yaml_item_count(list)) < 0)
		return -1;
	for (size_t i = 0; i < mig_yaml_item_count(list); i++) {
		const yaml_node_t *item = mig_yaml_item(yaml, list, i);
		struct mig_device_text text = {0};

		if (read_device_text(yaml, item, &text) < 0)
			return -1;
		if (text.has_count)
			return mig_yaml_error(yaml, item,
					      "each compute instance is an item of its "
					      "own here");
		if (add_compute(yaml, instance, text.profile,
				text.has_start ? text.start : MIG_CONFIG_START_ANY, item) < 0)
			return -1;
	}
	return 0;
}

static int read_instance(struct mig_yaml *yaml, const yaml_node_t *node,
			 struct mig_config_entry *entry)
{
	const yaml_node_t *values[INSTANCE_COUNT];
	struct mig_config_instance *instance;
	const char *profile;

	if (node->type != YAML_MAPPING_NODE)
		return mig_yaml_error(yaml, node,
				      "an instance is a mapping with 'profile' and 'start'");
	if (mig_yaml_fields(yaml, node, instance_fields, INSTANCE_COUNT, values) < 0)
		return -1;
	for (int i = INSTANCE_PROFILE; i <= INSTANCE_START; i++) {
		if (values[i] == NULL)
			return mig_yaml_error(yaml, node, "missing field '%s'", instance_fields[i]);
	}
	profile = mig_yaml_text(values[INSTANCE_PROFILE]);
	if (profile == NULL || !mig_device_text_is_profile(profile)) {
		mig_yaml_error(yaml, values[INSTANCE_PROFILE], "'%s' is not a profile name",
			       profile != NULL ? mig_yaml_shown(yaml, profile) : "");
		return mig_error_hint(yaml->err, MIG_DEVICE_TEXT_HINT);
	}
	instance = mig_config_add_instance(entry, profile);
	if (instance == NULL)
		return mig_yaml_out_of_memory(yaml);
	instance->at = mig_yaml_position(values[INSTANCE_PROFILE]);
	if (mig_yaml_count(yaml, values[INSTANCE_START], "the start", &instance->start) < 0)
		return -1;
	if (values[INSTANCE_COMPUTE] != NULL)
		return read_compute(yaml, values[INSTANCE_COMPUTE], instance);
	return add_compute(yaml, instance, profile, MIG_CONFIG_START_ANY, values[INSTANCE_PROFILE]);
}

static int read_instances(struct mig_yaml *yaml, const yaml_node_t *node,
			  struct mig_config_entry *entry)
{
	if (node->type != YAML_SEQUENCE_NODE || mig_yaml_item_count(node) > MIG_YAML_ITEMS_MAX)
		return mig_yaml_error(yaml, node, "'instances' is a list of GPU instances");
	if (mig_yaml_take(yaml, node, mig_yaml_item_count(node)) < 0)
		return -1;
	for (size_t i = 0; i < mig_yaml_item_count(node); i++) {
		if (read_instance(yaml, mig_yaml_item(yaml, node, i), entry) < 0)
			return -1;
	}
	return 0;
}

/* ---- the entry -------------------------------------------------------------------------------- */

static int read_totals(struct mig_yaml *yaml, const yaml_node_t *node,
		       struct mig_config_entry *entry)
{
	entry->has_totals = true;
	entry->totals_at = mig_yaml_position(node);
	return mig_entry_read_counts(yaml, fields[FIELD_TOTALS], node, false, MIG_ENTRY_TOTALS,
				     entry);
}

static int read_boolean(struct mig_yaml *yaml, const yaml_node_t *node, enum field field, bool *to)
{
	int value = mig_yaml_boolean(node);

	if (value < 0)
		return mig_yaml_error(yaml, node, "'%s' is %s", fields[field],
				      field == FIELD_MIG ? "on or off" : "true or false");
	*to = value;
	return 0;
}

/* What is wanted: exactly one of "off", devices and instances, totals. */
static int check_wish(struct mig_yaml *yaml, const yaml_node_t *node,
		      const yaml_node_t *const *values, const struct mig_config_entry *entry)
{
	const yaml_node_t *wish = values[FIELD_DEVICES] != NULL ? values[FIELD_DEVICES]
								: values[FIELD_INSTANCES];

	if (wish != NULL && values[FIELD_TOTALS] != NULL)
		return mig_yaml_error(yaml, values[FIELD_TOTALS],
				      "'totals' stands instead of 'devices' and 'instances'");
	if (wish == NULL)
		wish = values[FIELD_TOTALS];
	if (!entry->mig_enabled && wish != NULL)
		return mig_yaml_error(yaml, wish, "'mig' is off, and so there are no devices");
	if (wish == NULL && values[FIELD_MIG] == NULL) {
		mig_yaml_error(yaml, node, "an entry says nothing of its GPUs");
		return mig_error_hint(yaml->err, "it needs one of 'mig: off', 'devices', "
						 "'instances' and 'totals'");
	}
	if (entry->mig_enabled && wish == NULL)
		return mig_yaml_error(yaml, node, "missing field 'devices' ([] for none)");
	return 0;
}

int mig_entry_read_v1(struct mig_yaml *yaml, const yaml_node_t *node,
		      struct mig_config_entry *entry)
{
	typedef int reader(struct mig_yaml *, const yaml_node_t *, struct mig_config_entry *);
	static reader *const readers[FIELD_COUNT] = {
		[FIELD_GPUS] = read_gpus,
		[FIELD_DEVICES] = read_devices,
		[FIELD_INSTANCES] = read_instances,
		[FIELD_TOTALS] = read_totals,
	};
	const yaml_node_t *values[FIELD_COUNT];

	if (node->type != YAML_MAPPING_NODE)
		return mig_yaml_error(yaml, node, "an entry is a mapping with 'gpus'");
	if (mig_yaml_fields(yaml, node, fields, FIELD_COUNT, values) < 0)
		return -1;
	if (values[FIELD_GPUS] == NULL)
		return mig_yaml_error(yaml, node, "missing field 'gpus'");
	entry->mig_enabled = true;
	if (values[FIELD_MIG] != NULL &&
	    read_boolean(yaml, values[FIELD_MIG], FIELD_MIG, &entry->mig_enabled) < 0)
		return -1;
	if (values[FIELD_KEEP] != NULL &&
	    read_boolean(yaml, values[FIELD_KEEP], FIELD_KEEP, &entry->keeps_in_use) < 0)
		return -1;
	if (check_wish(yaml, node, values, entry) < 0)
		return -1;
	if (values[FIELD_FILTER] != NULL &&
	    mig_entry_read_filters(yaml, fields[FIELD_FILTER], values[FIELD_FILTER], entry) < 0)
		return -1;
	for (int i = 0; i < FIELD_COUNT; i++) {
		if (readers[i] != NULL && values[i] != NULL &&
		    readers[i](yaml, values[i], entry) < 0)
			return -1;
	}
	return 0;
}
