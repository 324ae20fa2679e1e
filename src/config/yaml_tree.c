/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documents with libyaml; see yaml_tree.h.
 */
#include "config/yaml_tree.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "shared/nearest.h"
#include "shared/number.h"
#include "shared/text.h"

#define ALL_ITEMS_MAX	1000000 /* of all lists: an alias repeats one cheaply */
#define DEPTH_MAX	32	/* the formats need 9 */
#define MERGE_DEPTH_MAX 8	/* of mappings that merge mappings that merge */
#define ANCHORS_MAX	1000
#define SHOWN_BYTES_MAX 64 /* of a text from the file in a message */

struct mig_yaml_merged {
	struct mig_yaml_merged *next;
	size_t count, allocated;
	yaml_node_pair_t *pairs;
};

struct mig_position mig_yaml_position(const yaml_node_t *node)
{
	return (struct mig_position){.line = (unsigned int)node->start_mark.line + 1,
				     .column = (unsigned int)node->start_mark.column + 1};
}

int mig_yaml_error(struct mig_yaml *yaml, const yaml_node_t *node, const char *fmt, ...)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(8192);
	va_list args;

	va_start(args, fmt);
	mig_buf_vprintf(&text, fmt, args);
	va_end(args);
	return mig_position_error(yaml->err, yaml->source, mig_yaml_position(node), "%s",
				  mig_buf_text(&text));
}

int mig_yaml_out_of_memory(struct mig_yaml *yaml)
{
	return mig_error_set(yaml->err, MIG_ERROR_NO_MEMORY, "out of memory");
}

const char *mig_yaml_shown(struct mig_yaml *yaml, const char *text)
{
	char part[SHOWN_BYTES_MAX + 1];
	size_t len = MIG_MIN(strlen(text), (size_t)SHOWN_BYTES_MAX);

	/* Not in the middle of a character. */
	while (text[len] != '\0' && len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--;
	memcpy(part, text, len);
	part[len] = '\0';
	mig_buf_reset(&yaml->shown);
	mig_text_escape_terminal(&yaml->shown, part);
	if (text[len] != '\0')
		mig_buf_puts(&yaml->shown, "...");
	return mig_buf_text(&yaml->shown);
}

/* ---- scalars ---------------------------------------------------------------------------------- */

static bool is_plain(const yaml_node_t *node)
{
	return node->type == YAML_SCALAR_NODE && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

const char *mig_yaml_text(const yaml_node_t *node)
{
	const char *text = (const char *)node->data.scalar.value;

	if (node->type != YAML_SCALAR_NODE || strlen(text) != node->data.scalar.length)
		return NULL;
	return text;
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

int mig_yaml_boolean(const yaml_node_t *node)
{
	static const char *const words[][2] = {
		{"n", "y"},
		{"no", "yes"},
		{"false", "true"},
		{"off", "on"},
	};
	const char *text = is_plain(node) ? mig_yaml_text(node) : NULL;

	if (text == NULL)
		return -1;
	for (size_t i = 0; i < MIG_ARRAY_SIZE(words); i++) {
		if (is_word(text, words[i][0]))
			return 0;
		if (is_word(text, words[i][1]))
			return 1;
	}
	return -1;
}

bool mig_yaml_is_null(const yaml_node_t *node)
{
	const char *text = is_plain(node) ? mig_yaml_text(node) : NULL;

	return text != NULL && (text[0] == '\0' || strcmp(text, "~") == 0 || is_word(text, "null"));
}

bool mig_yaml_is_number(const yaml_node_t *node)
{
	static const char digits[] = "0123456789_";
	const char *text = is_plain(node) ? mig_yaml_text(node) : NULL;
	size_t whole, fraction = 0;

	if (text == NULL)
		return false;
	text += *text == '+' || *text == '-';
	if (text[0] == '0' && text[1] != '\0' && strchr("xXoObB", text[1]) != NULL)
		return text[2] != '\0' &&
		       text[2 + strspn(text + 2, "0123456789abcdefABCDEF_")] == '\0';
	if (strcmp(text, ".inf") == 0 || strcmp(text, ".nan") == 0)
		return true;
	whole = *text == '_' ? 0 : strspn(text, digits);
	text += whole;
	if (*text == '.') {
		fraction = strspn(text + 1, digits);
		text += fraction + 1;
	}
	if (whole + fraction == 0)
		return false;
	if (*text == 'e' || *text == 'E') {
		text++;
		text += *text == '+' || *text == '-';
		if (*text == '\0')
			return false;
		text += strspn(text, digits);
	}
	return *text == '\0';
}

const char *mig_yaml_key(const yaml_node_t *node)
{
	int boolean = mig_yaml_boolean(node);

	if (boolean >= 0)
		return boolean ? "true" : "false";
	return mig_yaml_is_null(node) ? NULL : mig_yaml_text(node);
}

int mig_yaml_count(struct mig_yaml *yaml, const yaml_node_t *node, const char *what,
		   unsigned int *count)
{
	const char *text = is_plain(node) ? mig_yaml_text(node) : NULL;
	uint32_t value;

	/* 010 is eight in YAML 1.1 and ten to a person: neither is meant for sure. */
	if (text != NULL && text[0] == '0' && text[1] != '\0')
		return mig_yaml_error(yaml, node, "%s must not begin with 0", what);
	if (text == NULL || mig_parse_u32(text, 0, INT32_MAX, &value) < 0)
		return mig_yaml_error(yaml, node, "%s is not a number from 0 to %d", what,
				      INT32_MAX);
	*count = value;
	return 0;
}

/* ---- lists and mappings ----------------------------------------------------------------------- */

const yaml_node_t *mig_yaml_node(struct mig_yaml *yaml, int id)
{
	return yaml_document_get_node(&yaml->document, id);
}

size_t mig_yaml_item_count(const yaml_node_t *list)
{
	return (size_t)(list->data.sequence.items.top - list->data.sequence.items.start);
}

const yaml_node_t *mig_yaml_item(struct mig_yaml *yaml, const yaml_node_t *list, size_t number)
{
	return mig_yaml_node(yaml, list->data.sequence.items.start[number]);
}

int mig_yaml_take(struct mig_yaml *yaml, const yaml_node_t *node, size_t count)
{
	yaml->items += count;
	if (yaml->items > ALL_ITEMS_MAX)
		return mig_yaml_error(yaml, node, "more than %d items in all", ALL_ITEMS_MAX);
	return 0;
}

static size_t own_pair_count(const yaml_node_t *map)
{
	return (size_t)(map->data.mapping.pairs.top - map->data.mapping.pairs.start);
}

static bool is_merge(struct mig_yaml *yaml, const yaml_node_pair_t *pair)
{
	const yaml_node_t *key = mig_yaml_node(yaml, pair->key);

	return is_plain(key) && strcmp((const char *)key->data.scalar.value, "<<") == 0;
}

/* How many pairs at the beginning merge; one further back is an error, because readers of YAML do
 * not agree on what it overrides. */
static int count_merges(struct mig_yaml *yaml, const yaml_node_t *map, size_t *count)
{
	const yaml_node_pair_t *pairs = map->data.mapping.pairs.start;

	*count = 0;
	while (*count < own_pair_count(map) && is_merge(yaml, &pairs[*count]))
		(*count)++;
	for (size_t i = *count; i < own_pair_count(map); i++) {
		if (is_merge(yaml, &pairs[i]))
			return mig_yaml_error(yaml, mig_yaml_node(yaml, pairs[i].key),
					      "'<<' must come first in its mapping");
	}
	return 0;
}

static int add_pairs(struct mig_yaml *yaml, struct mig_yaml_merged *to, const yaml_node_t *map,
		     unsigned int depth);

/* What one `<<` merges: a mapping, or a list of them, of which the first counts most. */
static int add_merged(struct mig_yaml *yaml, struct mig_yaml_merged *to, const yaml_node_t *value,
		      unsigned int depth)
{
	if (value->type == YAML_MAPPING_NODE)
		return add_pairs(yaml, to, value, depth + 1);
	if (value->type != YAML_SEQUENCE_NODE)
		return mig_yaml_error(yaml, value, "'<<' merges a mapping or a list of mappings");
	for (size_t i = mig_yaml_item_count(value); i-- > 0;) {
		const yaml_node_t *item = mig_yaml_item(yaml, value, i);

		if (item->type != YAML_MAPPING_NODE)
			return mig_yaml_error(yaml, item,
					      "'<<' merges a mapping or a list of mappings");
		if (add_pairs(yaml, to, item, depth + 1) < 0)
			return -1;
	}
	return 0;
}

static int add_pairs(struct mig_yaml *yaml, struct mig_yaml_merged *to, const yaml_node_t *map,
		     unsigned int depth)
{
	const yaml_node_pair_t *pairs = map->data.mapping.pairs.start;
	size_t own = own_pair_count(map);
	size_t merges;

	if (depth > MERGE_DEPTH_MAX)
		return mig_yaml_error(yaml, map, "more than %d levels of '<<'", MERGE_DEPTH_MAX);
	if (mig_yaml_take(yaml, map, own + 1) < 0 || count_merges(yaml, map, &merges) < 0)
		return -1;
	for (size_t i = 0; i < merges; i++) {
		if (add_merged(yaml, to, mig_yaml_node(yaml, pairs[i].value), depth) < 0)
			return -1;
	}
	if (mig_array_reserve(&to->pairs, &to->allocated, to->count + own - merges + 1,
			      sizeof(*to->pairs)))
		return mig_yaml_out_of_memory(yaml);
	memcpy(to->pairs + to->count, pairs + merges, (own - merges) * sizeof(*pairs));
	to->count += own - merges;
	return 0;
}

struct seen_key {
	const char *text;
	const yaml_node_t *node;
	size_t number;
};

static int compare_keys(const void *a, const void *b)
{
	const struct seen_key *x = a;
	const struct seen_key *y = b;
	int order = strcmp(x->text, y->text);

	return order != 0 ? order : (x->number > y->number) - (x->number < y->number);
}

/* Of the keys that are there twice the first second one is shown. */
static int refuse_duplicates(struct mig_yaml *yaml, const struct mig_yaml_pairs *pairs)
{
	_cleanup_free_ struct seen_key *keys = calloc(pairs->count + 1, sizeof(*keys));
	const struct seen_key *twice = NULL;
	size_t count = 0;

	if (keys == NULL)
		return mig_yaml_out_of_memory(yaml);
	for (size_t i = pairs->merged_count; i < pairs->count; i++) {
		const yaml_node_t *node = mig_yaml_node(yaml, pairs->list[i].key);
		const char *text = mig_yaml_key(node);

		if (text != NULL)
			keys[count++] = (struct seen_key){text, node, i};
	}
	qsort(keys, count, sizeof(*keys), compare_keys);
	for (size_t i = 1; i < count; i++) {
		if (strcmp(keys[i - 1].text, keys[i].text) == 0 &&
		    (twice == NULL || keys[i].number < twice->number))
			twice = &keys[i];
	}
	if (twice == NULL)
		return 0;
	return mig_yaml_error(yaml, twice->node, "'%s' is there twice",
			      mig_yaml_shown(yaml, twice->text));
}

int mig_yaml_pairs(struct mig_yaml *yaml, const yaml_node_t *map, struct mig_yaml_pairs *pairs)
{
	struct mig_yaml_merged *merged;
	size_t merges;

	if (count_merges(yaml, map, &merges) < 0)
		return -1;
	*pairs = (struct mig_yaml_pairs){.count = own_pair_count(map),
					 .list = map->data.mapping.pairs.start};
	if (merges > 0) {
		merged = calloc(1, sizeof(*merged));
		if (merged == NULL)
			return mig_yaml_out_of_memory(yaml);
		merged->next = yaml->merged;
		yaml->merged = merged;
		if (add_pairs(yaml, merged, map, 0) < 0)
			return -1;
		pairs->merged_count = merged->count - (pairs->count - merges);
		pairs->count = merged->count;
		pairs->list = merged->pairs;
	}
	return yaml->refuses_duplicates ? refuse_duplicates(yaml, pairs) : 0;
}

int mig_yaml_unknown_field(struct mig_yaml *yaml, const yaml_node_t *key, const char *const *names,
			   size_t name_count)
{
	const char *text = mig_yaml_key(key);
	int nearest = mig_nearest(text, names, name_count);

	mig_yaml_error(yaml, key, "unknown field '%s'", mig_yaml_shown(yaml, text));
	return nearest < 0 ? -1 : mig_error_hint(yaml->err, "did you mean '%s'?", names[nearest]);
}

int mig_yaml_fields(struct mig_yaml *yaml, const yaml_node_t *map, const char *const *names,
		    size_t name_count, const yaml_node_t **values)
{
	struct mig_yaml_pairs pairs;

	memset(values, 0, name_count * sizeof(*values));
	if (mig_yaml_pairs(yaml, map, &pairs) < 0)
		return -1;
	for (size_t i = 0; i < pairs.count; i++) {
		const yaml_node_t *key = mig_yaml_node(yaml, pairs.list[i].key);
		const char *text = mig_yaml_key(key);
		size_t n = 0;

		if (text == NULL)
			return mig_yaml_error(yaml, key, "a field name is expected here");
		while (n < name_count && strcmp(names[n], text) != 0)
			n++;
		if (n == name_count)
			return mig_yaml_unknown_field(yaml, key, names, name_count);
		values[n] = mig_yaml_node(yaml, pairs.list[i].value);
	}
	return 0;
}

/* ---- the document ----------------------------------------------------------------------------- */

/* Where a byte of the file is. */
static struct mig_position position_of_byte(const struct mig_yaml *yaml, size_t offset)
{
	struct mig_position at = {1, 1};

	for (size_t i = 0; i < offset && i < yaml->len; i++) {
		if (yaml->bytes[i] == '\n') {
			at.line++;
			at.column = 1;
		} else if (((unsigned char)yaml->bytes[i] & 0xc0) != 0x80) {
			at.column++;
		}
	}
	return at;
}

static int yaml_failed(struct mig_yaml *yaml, const yaml_parser_t *parser)
{
	struct mig_position at = {(unsigned int)parser->problem_mark.line + 1,
				  (unsigned int)parser->problem_mark.column + 1};

	if (parser->error == YAML_MEMORY_ERROR)
		return mig_yaml_out_of_memory(yaml);
	/* Of bytes that are no text only the offset is told. */
	if (parser->error == YAML_READER_ERROR)
		at = position_of_byte(yaml, parser->problem_offset);
	mig_position_error(yaml->err, yaml->source, at, "%s%s%s",
			   parser->context != NULL ? parser->context : "",
			   parser->context != NULL ? ": " : "",
			   parser->problem != NULL ? parser->problem : "not YAML");
	/* The library's words name what its parser missed, not what one does about it. */
	if (parser->error == YAML_SCANNER_ERROR || parser->error == YAML_PARSER_ERROR)
		return mig_error_hint(yaml->err, "check indentation (spaces, no tabs), quotes and "
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
static int check_events(struct mig_yaml *yaml, yaml_parser_t *parser)
{
	unsigned int depth = 0, anchors = 0;
	bool is_end = false;

	while (!is_end) {
		struct mig_position at;
		yaml_event_t event;

		if (!yaml_parser_parse(parser, &event))
			return yaml_failed(yaml, parser);
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
			return mig_position_error(yaml->err, yaml->source, at,
						  "nested deeper than %d levels", DEPTH_MAX);
		if (anchors > ANCHORS_MAX)
			return mig_position_error(yaml->err, yaml->source, at,
						  "more than %d anchors", ANCHORS_MAX);
	}
	return 0;
}

static int check_limits(struct mig_yaml *yaml)
{
	yaml_parser_t parser;
	int rc;

	if (!yaml_parser_initialize(&parser))
		return mig_yaml_out_of_memory(yaml);
	yaml_parser_set_input_string(&parser, (const unsigned char *)yaml->bytes, yaml->len);
	rc = check_events(yaml, &parser);
	yaml_parser_delete(&parser);
	return rc;
}

const yaml_node_t *mig_yaml_root(struct mig_yaml *yaml)
{
	return yaml_document_get_root_node(&yaml->document);
}

int mig_yaml_load(struct mig_yaml *yaml, const char *source, const void *bytes, size_t len,
		  struct mig_error **err)
{
	yaml_parser_t parser;
	int rc = 0;

	*yaml = (struct mig_yaml){.source = source,
				  .bytes = bytes,
				  .len = len,
				  .shown = MIG_BUF_INIT(8 * SHOWN_BYTES_MAX),
				  .err = err};
	if (check_limits(yaml) < 0)
		return -1;
	if (!yaml_parser_initialize(&parser))
		return mig_yaml_out_of_memory(yaml);
	yaml_parser_set_input_string(&parser, bytes, len);
	if (yaml_parser_load(&parser, &yaml->document))
		yaml->is_loaded = true;
	else
		rc = yaml_failed(yaml, &parser);
	yaml_parser_delete(&parser);
	return rc;
}

void mig_yaml_clear(struct mig_yaml *yaml)
{
	while (yaml->merged != NULL) {
		struct mig_yaml_merged *merged = yaml->merged;

		yaml->merged = merged->next;
		free(merged->pairs);
		free(merged);
	}
	if (yaml->is_loaded)
		yaml_document_delete(&yaml->document);
	yaml->is_loaded = false;
	mig_buf_clear(&yaml->shown);
}
