/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading nvidia-mig-parted's configuration file with libyaml.
 *
 * The format is YAML 1.1 (JSON is a part of it): words like `on` are booleans, also as labels; of
 * equal keys the last counts; only the first document is read; unknown fields are errors.
 *
 * A file may be hostile. Its events are looked through first, because libyaml's time grows with the
 * square of nesting and of anchors. Then the document is loaded as a graph, so that anchors cost
 * nothing however often they are used, and walked to the format's own depth only, with a limit on
 * all that is taken from it together. Must not know GPUs.
 */
#include "config/config.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "core/profile_name.h"
#include "shared/buf.h"
#include "shared/file.h"
#include "shared/nearest.h"
#include "shared/number.h"
#include "shared/text.h"

#define ITEMS_MAX	65536	/* of one list: labels, entries, indices, filters */
#define ALL_ITEMS_MAX	1000000 /* of all lists: an alias repeats one cheaply */
#define PROFILES_MAX	256	/* of one 'mig-devices' */
#define DEPTH_MAX	32	/* the format needs 6 */
#define ANCHORS_MAX	1000
#define SHOWN_BYTES_MAX 64 /* of a text from the file in a message */

struct reader {
	const char *source;
	const char *bytes;
	size_t len;
	yaml_document_t document;
	size_t items; /* taken so far */
	struct mig_buf shown;
	struct mig_error **err;
};

static struct mig_position position_of(const yaml_node_t *node)
{
	return (struct mig_position){.line = (unsigned int)node->start_mark.line + 1,
				     .column = (unsigned int)node->start_mark.column + 1};
}

#define fail_at(r, node, ...) \
	mig_config_error((r)->err, (r)->source, position_of(node), __VA_ARGS__)

static int out_of_memory(struct reader *r)
{
	return mig_error_set(r->err, MIG_ERROR_NO_MEMORY, "out of memory");
}

/* A text of the file for a message: without control characters, and not longer than a line. */
static const char *shown(struct reader *r, const char *text)
{
	char part[SHOWN_BYTES_MAX + 1];
	size_t len = MIG_MIN(strlen(text), (size_t)SHOWN_BYTES_MAX);

	/* Not in the middle of a character. */
	while (text[len] != '\0' && len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--;
	memcpy(part, text, len);
	part[len] = '\0';
	mig_buf_reset(&r->shown);
	mig_text_escape_terminal(&r->shown, part);
	if (text[len] != '\0')
		mig_buf_puts(&r->shown, "...");
	return mig_buf_text(&r->shown);
}

/* Counts what a list adds to the whole. */
static int take_items(struct reader *r, const yaml_node_t *node, size_t count)
{
	r->items += count;
	if (r->items > ALL_ITEMS_MAX)
		return fail_at(r, node, "more than %d items in all", ALL_ITEMS_MAX);
	return 0;
}

/* ---- scalars ---------------------------------------------------------------------------------- */

static const char *scalar_text(const yaml_node_t *node)
{
	return (const char *)node->data.scalar.value;
}

static bool is_plain(const yaml_node_t *node)
{
	return node->type == YAML_SCALAR_NODE && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

/* A scalar of text without embedded zero bytes. */
static bool is_text(const yaml_node_t *node)
{
	return node->type == YAML_SCALAR_NODE &&
	       strlen(scalar_text(node)) == node->data.scalar.length;
}

/* YAML 1.1 knows a word in lower case, in capitals, and with a capital in front. */
static bool is_word(const char *text, const char *word)
{
	char title[8];

	if (strcmp(text, word) == 0)
		return true;
	mig_text_copy(title, sizeof(title), word);
	title[0] = (char)(title[0] - 'a' + 'A');
	if (strcmp(text, title) == 0)
		return true;
	for (size_t i = 1; title[i] != '\0'; i++)
		title[i] = (char)(title[i] - 'a' + 'A');
	return strcmp(text, title) == 0;
}

/* YAML 1.1: 1 true, 0 false, -1 neither. */
static int boolean_of(const yaml_node_t *node)
{
	static const char *const words[][2] = {
		{"n", "y"},
		{"no", "yes"},
		{"false", "true"},
		{"off", "on"},
	};

	if (!is_plain(node) || !is_text(node))
		return -1;
	for (size_t i = 0; i < MIG_ARRAY_SIZE(words); i++) {
		if (is_word(scalar_text(node), words[i][0]))
			return 0;
		if (is_word(scalar_text(node), words[i][1]))
			return 1;
	}
	return -1;
}

/* The text of a key: a YAML 1.1 boolean is written out, as the format's original does. */
static const char *key_text(const yaml_node_t *node)
{
	int boolean = boolean_of(node);

	if (boolean >= 0)
		return boolean ? "true" : "false";
	return is_text(node) ? scalar_text(node) : NULL;
}

static int read_count(struct reader *r, const yaml_node_t *node, const char *what,
		      unsigned int *count)
{
	uint32_t value;

	/* 010 is eight in YAML 1.1 and ten to a person: neither is meant for sure. */
	if (is_plain(node) && is_text(node) && scalar_text(node)[0] == '0' &&
	    node->data.scalar.length > 1)
		return fail_at(r, node, "%s must not begin with 0", what);
	if (!is_plain(node) || !is_text(node) ||
	    mig_parse_u32(scalar_text(node), 0, INT32_MAX, &value) < 0)
		return fail_at(r, node, "%s is not a number from 0 to %d", what, INT32_MAX);
	*count = value;
	return 0;
}

/* ---- mappings --------------------------------------------------------------------------------- */

static yaml_node_t *node_at(struct reader *r, int index)
{
	return yaml_document_get_node(&r->document, index);
}

static size_t pair_count(const yaml_node_t *map)
{
	return (size_t)(map->data.mapping.pairs.top - map->data.mapping.pairs.start);
}

static size_t item_count(const yaml_node_t *list)
{
	return (size_t)(list->data.sequence.items.top - list->data.sequence.items.start);
}

/* Looks the known fields of a mapping up; the last of equal ones counts, others are errors. */
static int read_fields(struct reader *r, const yaml_node_t *map, const char *const *names,
		       size_t name_count, yaml_node_t **values)
{
	memset(values, 0, name_count * sizeof(*values));
	for (size_t i = 0; i < pair_count(map); i++) {
		const yaml_node_pair_t *pair = &map->data.mapping.pairs.start[i];
		const yaml_node_t *key = node_at(r, pair->key);
		const char *text = key_text(key);
		size_t n = 0;
		int nearest;

		if (text == NULL)
			return fail_at(r, key, "a field name is expected here");
		while (n < name_count && strcmp(names[n], text) != 0)
			n++;
		if (n < name_count) {
			values[n] = node_at(r, pair->value);
			continue;
		}
		nearest = mig_nearest(text, names, name_count);
		fail_at(r, key, "unknown field '%s'", shown(r, text));
		return nearest < 0 ? -1
				   : mig_error_hint(r->err, "did you mean '%s'?", names[nearest]);
	}
	return 0;
}

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

static int read_filter(struct reader *r, const yaml_node_t *node, struct mig_config_filter *filter)
{
	const char *text = is_text(node) ? scalar_text(node) : "";
	size_t len = strcspn(text, ":");

	filter->has_subsystem = text[len] == ':';
	if (len == 0 || parse_id(text, len, &filter->device_id) < 0 ||
	    (filter->has_subsystem &&
	     parse_id(text + len + 1, strlen(text + len + 1), &filter->subsystem_id) < 0)) {
		fail_at(r, node, "malformed device-filter '%s'", shown(r, text));
		return mig_error_hint(
			r->err, "it is 0xDDDDVVVV, the PCI device and vendor id (0x20B010DE), "
				"or 0xDDDDVVVV:0xSSSSVVVV with the subsystem");
	}
	return 0;
}

static int read_filters(struct reader *r, const yaml_node_t *node, struct mig_config_entry *entry)
{
	size_t count = node->type == YAML_SEQUENCE_NODE ? item_count(node) : 1;

	if (node->type == YAML_MAPPING_NODE || count > ITEMS_MAX)
		return fail_at(r, node, "'device-filter' is text or a list of texts");
	if (take_items(r, node, count) < 0)
		return -1;
	entry->filters = calloc(count + 1, sizeof(*entry->filters));
	if (entry->filters == NULL)
		return out_of_memory(r);
	for (size_t i = 0; i < count; i++) {
		const yaml_node_t *item = node->type == YAML_SEQUENCE_NODE
						  ? node_at(r, node->data.sequence.items.start[i])
						  : node;

		if (read_filter(r, item, &entry->filters[i]) < 0)
			return -1;
		entry->filter_count++;
	}
	return 0;
}

/* ---- devices and mig-devices ------------------------------------------------------------------ */

static int read_devices(struct reader *r, const yaml_node_t *node, struct mig_config_entry *entry)
{
	entry->devices_at = position_of(node);
	if (is_text(node) && strcmp(scalar_text(node), "all") == 0) {
		entry->all_gpus = true;
		return 0;
	}
	if (node->type != YAML_SEQUENCE_NODE || item_count(node) > ITEMS_MAX)
		return fail_at(r, node, "'devices' is 'all' or a list of GPU indices");
	if (take_items(r, node, item_count(node)) < 0)
		return -1;
	entry->indices = calloc(item_count(node) + 1, sizeof(*entry->indices));
	if (entry->indices == NULL)
		return out_of_memory(r);
	for (size_t i = 0; i < item_count(node); i++) {
		const yaml_node_t *item = node_at(r, node->data.sequence.items.start[i]);

		if (read_count(r, item, "a GPU index", &entry->indices[i]) < 0)
			return -1;
		entry->index_count++;
	}
	return 0;
}

static int read_mig_device(struct reader *r, const yaml_node_pair_t *pair,
			   struct mig_config_device *device)
{
	const yaml_node_t *key = node_at(r, pair->key);
	const char *text = key_text(key);
	struct mig_profile_name name;

	if (text == NULL || mig_profile_name_parse(text, &name) < 0) {
		fail_at(r, key, "'%s' is not a profile name", text != NULL ? shown(r, text) : "");
		return mig_error_hint(r->err,
				      "a profile name is like 1g.5gb, 1c.3g.20gb or 1g.5gb+me");
	}
	device->at = position_of(key);
	device->profile = strdup(text);
	if (device->profile == NULL)
		return out_of_memory(r);
	return read_count(r, node_at(r, pair->value), "the number of devices", &device->count);
}

static int read_mig_devices(struct reader *r, const yaml_node_t *node,
			    struct mig_config_entry *entry)
{
	uint64_t total = 0;

	if (node->type != YAML_MAPPING_NODE)
		return fail_at(r, node, "'mig-devices' is a mapping of profiles to numbers");
	if (pair_count(node) > PROFILES_MAX)
		return fail_at(r, node, "more than %d profiles in 'mig-devices'", PROFILES_MAX);
	if (take_items(r, node, pair_count(node)) < 0)
		return -1;
	entry->devices = calloc(pair_count(node) + 1, sizeof(*entry->devices));
	if (entry->devices == NULL)
		return out_of_memory(r);
	for (size_t i = 0; i < pair_count(node); i++) {
		struct mig_config_device device = {0};
		size_t at = 0;

		if (read_mig_device(r, &node->data.mapping.pairs.start[i], &device) < 0) {
			free(device.profile);
			return -1;
		}
		while (at < entry->device_count &&
		       strcmp(entry->devices[at].profile, device.profile) != 0)
			at++;
		free(entry->devices[at].profile);
		entry->devices[at] = device;
		if (at == entry->device_count)
			entry->device_count++;
	}
	for (size_t i = 0; i < entry->device_count; i++)
		total += entry->devices[i].count;
	if (entry->device_count > 0 && total == 0)
		return fail_at(r, node, "all numbers in 'mig-devices' are 0");
	return 0;
}

/* ---- entries, labels, the document ------------------------------------------------------------ */

enum entry_field { ENTRY_FILTER, ENTRY_DEVICES, ENTRY_ENABLED, ENTRY_MIG_DEVICES, ENTRY_COUNT };

static const char *const entry_fields[ENTRY_COUNT] = {
	[ENTRY_FILTER] = "device-filter",
	[ENTRY_DEVICES] = "devices",
	[ENTRY_ENABLED] = "mig-enabled",
	[ENTRY_MIG_DEVICES] = "mig-devices",
};

static int read_entry(struct reader *r, const yaml_node_t *node, struct mig_config_entry *entry)
{
	yaml_node_t *fields[ENTRY_COUNT];
	int enabled;

	entry->at = position_of(node);
	if (node->type != YAML_MAPPING_NODE)
		return fail_at(r, node, "an entry is a mapping with 'devices' and 'mig-enabled'");
	if (read_fields(r, node, entry_fields, ENTRY_COUNT, fields) < 0)
		return -1;
	if (fields[ENTRY_DEVICES] == NULL || fields[ENTRY_ENABLED] == NULL)
		return fail_at(r, node, "missing field '%s'",
			       entry_fields[fields[ENTRY_DEVICES] == NULL ? ENTRY_DEVICES
									  : ENTRY_ENABLED]);
	enabled = boolean_of(fields[ENTRY_ENABLED]);
	if (enabled < 0)
		return fail_at(r, fields[ENTRY_ENABLED], "'mig-enabled' is true or false");
	entry->mig_enabled = enabled;
	if (entry->mig_enabled && fields[ENTRY_MIG_DEVICES] == NULL)
		return fail_at(r, node, "missing field 'mig-devices' ({} for none)");
	if (fields[ENTRY_FILTER] != NULL && read_filters(r, fields[ENTRY_FILTER], entry) < 0)
		return -1;
	if (read_devices(r, fields[ENTRY_DEVICES], entry) < 0)
		return -1;
	if (fields[ENTRY_MIG_DEVICES] != NULL &&
	    read_mig_devices(r, fields[ENTRY_MIG_DEVICES], entry) < 0)
		return -1;
	if (!entry->mig_enabled && entry->device_count > 0)
		return fail_at(r, fields[ENTRY_MIG_DEVICES],
			       "'mig-devices' has devices although 'mig-enabled' is false");
	return 0;
}

static int read_label(struct reader *r, const yaml_node_pair_t *pair,
		      struct mig_config_label *label)
{
	const yaml_node_t *key = node_at(r, pair->key);
	const yaml_node_t *list = node_at(r, pair->value);
	const char *text = key_text(key);

	label->at = position_of(key);
	if (text == NULL)
		return fail_at(r, key, "a label is expected here");
	label->name = strdup(text);
	if (label->name == NULL)
		return out_of_memory(r);
	if (list->type != YAML_SEQUENCE_NODE || item_count(list) == 0 ||
	    item_count(list) > ITEMS_MAX)
		return fail_at(r, list, "label '%s' is not a list with at least one entry",
			       shown(r, text));
	if (take_items(r, list, item_count(list)) < 0)
		return -1;
	label->entries = calloc(item_count(list), sizeof(*label->entries));
	if (label->entries == NULL)
		return out_of_memory(r);
	for (size_t i = 0; i < item_count(list); i++) {
		label->entry_count++;
		if (read_entry(r, node_at(r, list->data.sequence.items.start[i]),
			       &label->entries[i]) < 0)
			return -1;
	}
	return 0;
}

enum top_field { TOP_VERSION, TOP_CONFIGS, TOP_COUNT };

static const char *const top_fields[TOP_COUNT] = {
	[TOP_VERSION] = "version",
	[TOP_CONFIGS] = "mig-configs",
};

static int read_document(struct reader *r, struct mig_config *config)
{
	const struct mig_position start = {1, 1};
	yaml_node_t *root = yaml_document_get_root_node(&r->document);
	yaml_node_t *fields[TOP_COUNT];

	if (root == NULL)
		return mig_config_error(r->err, r->source, start, "the file is empty");
	if (root->type != YAML_MAPPING_NODE)
		return fail_at(r, root, "a mapping with 'version' and 'mig-configs' is expected");
	if (read_fields(r, root, top_fields, TOP_COUNT, fields) < 0)
		return -1;
	if (fields[TOP_VERSION] == NULL)
		return fail_at(r, root, "missing field 'version'");
	if (!is_text(fields[TOP_VERSION]) || strcmp(scalar_text(fields[TOP_VERSION]), "v1") != 0)
		return fail_at(r, fields[TOP_VERSION], "unknown version, only 'v1' is known");
	if (fields[TOP_CONFIGS] == NULL)
		return fail_at(r, root, "missing field 'mig-configs'");
	if (fields[TOP_CONFIGS]->type != YAML_MAPPING_NODE ||
	    pair_count(fields[TOP_CONFIGS]) == 0 || pair_count(fields[TOP_CONFIGS]) > ITEMS_MAX)
		return fail_at(r, fields[TOP_CONFIGS],
			       "'mig-configs' is not a mapping with at least one label");
	config->labels = calloc(pair_count(fields[TOP_CONFIGS]), sizeof(*config->labels));
	if (config->labels == NULL)
		return out_of_memory(r);
	for (size_t i = 0; i < pair_count(fields[TOP_CONFIGS]); i++) {
		config->label_count++;
		if (read_label(r, &fields[TOP_CONFIGS]->data.mapping.pairs.start[i],
			       &config->labels[i]) < 0)
			return -1;
	}
	return 0;
}

/* Where a byte of the file is. */
static struct mig_position position_of_byte(const struct reader *r, size_t offset)
{
	struct mig_position at = {1, 1};

	for (size_t i = 0; i < offset && i < r->len; i++) {
		if (r->bytes[i] == '\n') {
			at.line++;
			at.column = 1;
		} else if (((unsigned char)r->bytes[i] & 0xc0) != 0x80) {
			at.column++;
		}
	}
	return at;
}

static int yaml_failed(struct reader *r, const yaml_parser_t *parser)
{
	struct mig_position at = {(unsigned int)parser->problem_mark.line + 1,
				  (unsigned int)parser->problem_mark.column + 1};

	if (parser->error == YAML_MEMORY_ERROR)
		return out_of_memory(r);
	/* Of bytes that are no text only the offset is told. */
	if (parser->error == YAML_READER_ERROR)
		at = position_of_byte(r, parser->problem_offset);
	mig_config_error(r->err, r->source, at, "%s%s%s",
			 parser->context != NULL ? parser->context : "",
			 parser->context != NULL ? ": " : "",
			 parser->problem != NULL ? parser->problem : "not YAML");
	/* The library's words name what its parser missed, not what one does about it. */
	if (parser->error == YAML_SCANNER_ERROR || parser->error == YAML_PARSER_ERROR)
		return mig_error_hint(r->err, "check indentation (spaces, no tabs), quotes and "
					      "brackets here and above");
	return -1;
}

static const yaml_char_t *anchor_of(const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return event->data.scalar.anchor;
	case YAML_SEQUENCE_START_EVENT:
		return event->data.sequence_start.anchor;
	case YAML_MAPPING_START_EVENT:
		return event->data.mapping_start.anchor;
	default:
		return NULL;
	}
}

/* Reads the first document's events against the limits; nothing is kept. */
static int check_events(struct reader *r, yaml_parser_t *parser)
{
	unsigned int depth = 0, anchors = 0;
	bool is_end = false;

	while (!is_end) {
		struct mig_position at;
		yaml_event_t event;

		if (!yaml_parser_parse(parser, &event))
			return yaml_failed(r, parser);
		at.line = (unsigned int)event.start_mark.line + 1;
		at.column = (unsigned int)event.start_mark.column + 1;
		anchors += anchor_of(&event) != NULL;
		depth += event.type == YAML_SEQUENCE_START_EVENT ||
			 event.type == YAML_MAPPING_START_EVENT;
		depth -= event.type == YAML_SEQUENCE_END_EVENT ||
			 event.type == YAML_MAPPING_END_EVENT;
		is_end = event.type == YAML_DOCUMENT_END_EVENT ||
			 event.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
		if (depth > DEPTH_MAX)
			return mig_config_error(r->err, r->source, at,
						"nested deeper than %d levels", DEPTH_MAX);
		if (anchors > ANCHORS_MAX)
			return mig_config_error(r->err, r->source, at, "more than %d anchors",
						ANCHORS_MAX);
	}
	return 0;
}

static int check_limits(struct reader *r)
{
	yaml_parser_t parser;
	int rc;

	if (!yaml_parser_initialize(&parser))
		return out_of_memory(r);
	yaml_parser_set_input_string(&parser, (const unsigned char *)r->bytes, r->len);
	rc = check_events(r, &parser);
	yaml_parser_delete(&parser);
	return rc;
}

static int read_yaml(struct reader *r, struct mig_config *config)
{
	yaml_parser_t parser;
	int rc;

	if (!yaml_parser_initialize(&parser))
		return out_of_memory(r);
	yaml_parser_set_input_string(&parser, (const unsigned char *)r->bytes, r->len);
	if (!yaml_parser_load(&parser, &r->document)) {
		rc = yaml_failed(r, &parser);
	} else {
		rc = read_document(r, config);
		yaml_document_delete(&r->document);
	}
	yaml_parser_delete(&parser);
	return rc;
}

int mig_config_parse(const char *source, const void *bytes, size_t len, struct mig_config **out,
		     struct mig_error **err)
{
	struct reader r = {.source = source,
			   .bytes = bytes,
			   .len = len,
			   .shown = MIG_BUF_INIT(8 * SHOWN_BYTES_MAX),
			   .err = err};
	_cleanup_config_ struct mig_config *config = calloc(1, sizeof(*config));
	int rc = -1;

	if (config != NULL)
		config->source = strdup(source);
	if (config == NULL || config->source == NULL)
		return out_of_memory(&r);
	if (check_limits(&r) == 0)
		rc = read_yaml(&r, config);
	mig_buf_clear(&r.shown);
	if (rc == 0)
		*out = MIG_TAKE_PTR(config);
	return rc;
}

int mig_config_read(const char *path, struct mig_config **out, struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(MIG_CONFIG_FILE_MAX);

	if (mig_file_read(path, &text, err) < 0)
		return -1;
	return mig_config_parse(strcmp(path, "-") == 0 ? "standard input" : path,
				mig_buf_text(&text), text.len, out, err);
}
