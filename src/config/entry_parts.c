/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What entries of both formats have in common; see entry_parts.h.
 */
#include "config/entry_parts.h"

#include <string.h>

#include "config/device_text.h"
#include "shared/number.h"

#define PROFILES_MAX 256 /* of one mapping */

/* ---- device-filter ---------------------------------------------------------------------------- */

static int parse_id(const char *text, size_t len, uint32_t *id)
{
	char digits[16];
	uint64_t value;

	if (len > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		if (len - 2 > 8)
			return -1;
		memcpy(digits, text + 2, len - 2);
		digits[len - 2] = '\0';
		if (mig_parse_hex_u64(digits, UINT32_MAX, &value) < 0)
			return -1;
	} else if (mig_parse_u64_n(text, len, 0, UINT32_MAX, &value) < 0) {
		return -1;
	}
	*id = (uint32_t)value;
	return 0;
}

static int read_filter(struct mig_yaml *yaml, const char *field, const yaml_node_t *node,
		       struct mig_config_filter *filter)
{
	const char *text = mig_yaml_text(node);
	size_t len;

	if (text == NULL)
		text = "";
	len = strcspn(text, ":");
	filter->has_subsystem = text[len] == ':';
	if (len == 0 || parse_id(text, len, &filter->device_id) < 0 ||
	    (filter->has_subsystem &&
	     parse_id(text + len + 1, strlen(text + len + 1), &filter->subsystem_id) < 0)) {
		mig_yaml_error(yaml, node, "malformed %s '%s'", field, mig_yaml_shown(yaml, text));
		return mig_error_hint(yaml->err,
				      "it is 0xDDDDVVVV, the PCI device and vendor id "
				      "(0x20B010DE), or 0xDDDDVVVV:0xSSSSVVVV with the subsystem");
	}
	return 0;
}

int mig_entry_read_filters(struct mig_yaml *yaml, const char *field, const yaml_node_t *node,
			   struct mig_config_entry *entry)
{
	size_t count = node->type == YAML_SEQUENCE_NODE ? mig_yaml_item_count(node) : 1;

	if (node->type == YAML_MAPPING_NODE || count > MIG_YAML_ITEMS_MAX)
		return mig_yaml_error(yaml, node, "'%s' is text or a list of texts", field);
	if (mig_yaml_take(yaml, node, count) < 0)
		return -1;
	entry->filter_is_list = node->type == YAML_SEQUENCE_NODE;
	for (size_t i = 0; i < count; i++) {
		struct mig_config_filter *filter = mig_config_add_filter(entry);

		if (filter == NULL)
			return mig_yaml_out_of_memory(yaml);
		if (read_filter(yaml, field,
				entry->filter_is_list ? mig_yaml_item(yaml, node, i) : node,
				filter) < 0)
			return -1;
	}
	return 0;
}

/* ---- GPUs and devices ------------------------------------------------------------------------- */

int mig_entry_read_index(struct mig_yaml *yaml, const yaml_node_t *node,
			 struct mig_config_entry *entry)
{
	struct mig_config_gpu *gpu = mig_config_add_gpu(entry, NULL);

	if (gpu == NULL)
		return mig_yaml_out_of_memory(yaml);
	gpu->kind = MIG_CONFIG_GPU_INDEX;
	gpu->at = mig_yaml_position(node);
	return mig_yaml_count(yaml, node, "a GPU index", &gpu->index);
}

/* The device with this text as its key, or a new one. */
static struct mig_config_device *device_for(struct mig_config_entry *entry, enum mig_entry_list to,
					    const struct mig_device_text *text)
{
	struct mig_config_device *devices = to == MIG_ENTRY_DEVICES ? entry->devices
								    : entry->totals;
	size_t count = to == MIG_ENTRY_DEVICES ? entry->device_count : entry->total_count;
	unsigned int start = text->has_start ? text->start : MIG_CONFIG_START_ANY;

	for (size_t i = 0; i < count; i++) {
		if (devices[i].start == start && strcmp(devices[i].profile, text->profile) == 0)
			return &devices[i];
	}
	return to == MIG_ENTRY_DEVICES ? mig_config_add_device(entry, text->profile)
				       : mig_config_add_total(entry, text->profile);
}

static int read_device(struct mig_yaml *yaml, const yaml_node_pair_t *pair, bool may_place,
		       enum mig_entry_list to, struct mig_config_entry *entry)
{
	const yaml_node_t *key = mig_yaml_node(yaml, pair->key);
	const char *text = mig_yaml_key(key);
	struct mig_config_device *device;
	struct mig_device_text parsed;
	const char *problem;
	size_t offset;

	if (text == NULL ||
	    mig_device_text_parse(text, strlen(text), &parsed, &problem, &offset) < 0 ||
	    parsed.has_count || (parsed.has_start && !may_place)) {
		mig_yaml_error(yaml, key, "'%s' is not a profile name%s",
			       text != NULL ? mig_yaml_shown(yaml, text) : "",
			       may_place ? " or PROFILE@START" : "");
		return mig_error_hint(yaml->err, MIG_DEVICE_TEXT_HINT);
	}
	device = device_for(entry, to, &parsed);
	if (device == NULL)
		return mig_yaml_out_of_memory(yaml);
	device->at = mig_yaml_position(key);
	if (parsed.has_start)
		device->start = parsed.start;
	return mig_yaml_count(yaml, mig_yaml_node(yaml, pair->value), "the number of devices",
			      &device->count);
}

int mig_entry_read_counts(struct mig_yaml *yaml, const char *field, const yaml_node_t *node,
			  bool may_place, enum mig_entry_list to, struct mig_config_entry *entry)
{
	struct mig_yaml_pairs pairs;
	uint64_t total = 0;

	if (node->type != YAML_MAPPING_NODE)
		return mig_yaml_error(yaml, node, "'%s' is a mapping of profiles to numbers",
				      field);
	if (mig_yaml_pairs(yaml, node, &pairs) < 0)
		return -1;
	if (pairs.count > PROFILES_MAX)
		return mig_yaml_error(yaml, node, "more than %d profiles in '%s'", PROFILES_MAX,
				      field);
	if (mig_yaml_take(yaml, node, pairs.count) < 0)
		return -1;
	for (size_t i = 0; i < pairs.count; i++) {
		if (read_device(yaml, &pairs.list[i], may_place, to, entry) < 0)
			return -1;
	}
	for (size_t i = 0; to == MIG_ENTRY_DEVICES && i < entry->device_count; i++)
		total += entry->devices[i].count;
	for (size_t i = 0; to == MIG_ENTRY_TOTALS && i < entry->total_count; i++)
		total += entry->totals[i].count;
	if (pairs.count > 0 && total == 0)
		return mig_yaml_error(yaml, node, "all numbers in '%s' are 0", field);
	return 0;
}

/* ---- labels ----------------------------------------------------------------------------------- */

/* Numbers that YAML would write in another way than they stand there: as a label nobody would find
 * them again. */
static bool is_odd_number(const yaml_node_t *node)
{
	const char *text = mig_yaml_text(node);
	size_t digits;

	if (!mig_yaml_is_number(node))
		return false;
	digits = strspn(text + (*text == '-'), "0123456789");
	return text[(*text == '-') + digits] != '\0' || (digits > 1 && text[*text == '-'] == '0');
}

static int read_label(struct mig_yaml *yaml, const yaml_node_pair_t *pair,
		      mig_entry_reader *read_entry, struct mig_config *config)
{
	const yaml_node_t *key = mig_yaml_node(yaml, pair->key);
	const yaml_node_t *list = mig_yaml_node(yaml, pair->value);
	const char *text = mig_yaml_key(key);
	struct mig_config_label *label;

	if (text == NULL)
		return mig_yaml_error(yaml, key, "a label is expected here");
	if (is_odd_number(key)) {
		mig_yaml_error(yaml, key, "label '%s' is a number to YAML",
			       mig_yaml_shown(yaml, text));
		return mig_error_hint(yaml->err, "put it in quotation marks");
	}
	label = mig_config_add_label(config, text);
	if (label == NULL)
		return mig_yaml_out_of_memory(yaml);
	label->at = mig_yaml_position(key);
	if (list->type != YAML_SEQUENCE_NODE || mig_yaml_item_count(list) == 0 ||
	    mig_yaml_item_count(list) > MIG_YAML_ITEMS_MAX)
		return mig_yaml_error(yaml, list,
				      "label '%s' is not a list with at least one entry",
				      mig_yaml_shown(yaml, text));
	if (mig_yaml_take(yaml, list, mig_yaml_item_count(list)) < 0)
		return -1;
	for (size_t i = 0; i < mig_yaml_item_count(list); i++) {
		const yaml_node_t *item = mig_yaml_item(yaml, list, i);
		struct mig_config_entry *entry = mig_config_add_entry(label);

		if (entry == NULL)
			return mig_yaml_out_of_memory(yaml);
		entry->at = mig_yaml_position(item);
		if (read_entry(yaml, item, entry) < 0)
			return -1;
	}
	return 0;
}

int mig_entry_read_labels(struct mig_yaml *yaml, const char *field, const yaml_node_t *node,
			  mig_entry_reader *read_entry, struct mig_config *config)
{
	struct mig_yaml_pairs pairs;

	if (node->type != YAML_MAPPING_NODE)
		return mig_yaml_error(yaml, node, "'%s' is not a mapping with at least one label",
				      field);
	if (mig_yaml_pairs(yaml, node, &pairs) < 0)
		return -1;
	if (pairs.count == 0)
		return mig_yaml_error(yaml, node, "'%s' is not a mapping with at least one label",
				      field);
	if (pairs.count > MIG_YAML_ITEMS_MAX)
		return mig_yaml_error(yaml, node, "more than %d labels", MIG_YAML_ITEMS_MAX);
	for (size_t i = 0; i < pairs.count; i++) {
		if (read_label(yaml, &pairs.list[i], read_entry, config) < 0)
			return -1;
	}
	return 0;
}
