/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries of nvidia-mig-parted's configuration file (`version: v1`). What its original ignores
 * silently (malformed filters, negative indices) is an error here. Must not know GPUs.
 */
#include "config/entry_parts.h"

#include <string.h>

enum field { FIELD_FILTER, FIELD_DEVICES, FIELD_ENABLED, FIELD_MIG_DEVICES, FIELD_COUNT };

static const char *const fields[FIELD_COUNT] = {
	[FIELD_FILTER] = "device-filter",
	[FIELD_DEVICES] = "devices",
	[FIELD_ENABLED] = "mig-enabled",
	[FIELD_MIG_DEVICES] = "mig-devices",
};

static int read_devices(struct mig_yaml *yaml, const yaml_node_t *node,
			struct mig_config_entry *entry)
{
	const char *text = mig_yaml_text(node);

	entry->gpus_at = mig_yaml_position(node);
	if (text != NULL && strcmp(text, "all") == 0) {
		entry->all_gpus = true;
		return 0;
	}
	if (node->type != YAML_SEQUENCE_NODE || mig_yaml_item_count(node) > MIG_YAML_ITEMS_MAX)
		return mig_yaml_error(yaml, node, "'devices' is 'all' or a list of GPU indices");
	if (mig_yaml_take(yaml, node, mig_yaml_item_count(node)) < 0)
		return -1;
	for (size_t i = 0; i < mig_yaml_item_count(node); i++) {
		if (mig_entry_read_index(yaml, mig_yaml_item(yaml, node, i), entry) < 0)
			return -1;
	}
	return 0;
}

static int read_mig_devices(struct mig_yaml *yaml, const yaml_node_t *node,
			    struct mig_config_entry *entry)
{
	/* Nothing, where there is nothing to say. */
	if (!entry->mig_enabled && mig_yaml_is_null(node))
		return 0;
	if (mig_entry_read_counts(yaml, fields[FIELD_MIG_DEVICES], node, false, MIG_ENTRY_DEVICES,
				  entry) < 0)
		return -1;
	if (!entry->mig_enabled && entry->device_count > 0)
		return mig_yaml_error(yaml, node,
				      "'mig-devices' has devices although 'mig-enabled' is false");
	return 0;
}

int mig_entry_read_parted(struct mig_yaml *yaml, const yaml_node_t *node,
			  struct mig_config_entry *entry)
{
	const yaml_node_t *values[FIELD_COUNT];
	int enabled;

	if (node->type != YAML_MAPPING_NODE)
		return mig_yaml_error(yaml, node,
				      "an entry is a mapping with 'devices' and 'mig-enabled'");
	if (mig_yaml_fields(yaml, node, fields, FIELD_COUNT, values) < 0)
		return -1;
	if (values[FIELD_DEVICES] == NULL || values[FIELD_ENABLED] == NULL)
		return mig_yaml_error(
			yaml, node, "missing field '%s'",
			fields[values[FIELD_DEVICES] == NULL ? FIELD_DEVICES : FIELD_ENABLED]);
	enabled = mig_yaml_boolean(values[FIELD_ENABLED]);
	if (enabled < 0)
		return mig_yaml_error(yaml, values[FIELD_ENABLED],
				      "'mig-enabled' is true or false");
	entry->mig_enabled = enabled;
	if (entry->mig_enabled && values[FIELD_MIG_DEVICES] == NULL)
		return mig_yaml_error(yaml, node, "missing field 'mig-devices' ({} for none)");
	if (values[FIELD_FILTER] != NULL &&
	    mig_entry_read_filters(yaml, fields[FIELD_FILTER], values[FIELD_FILTER], entry) < 0)
		return -1;
	if (read_devices(yaml, values[FIELD_DEVICES], entry) < 0)
		return -1;
	return values[FIELD_MIG_DEVICES] == NULL
		       ? 0
		       : read_mig_devices(yaml, values[FIELD_MIG_DEVICES], entry);
}
