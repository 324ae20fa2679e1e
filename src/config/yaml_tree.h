/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A YAML document as a tree that a reader of some format walks, with errors at their places.
 *
 * YAML 1.1 as nvidia-mig-parted reads it (JSON is a part of it): words like `on` are booleans, also
 * as keys; of equal keys the last counts; only the first document is read; `<<` merges.
 *
 * A file may be hostile. Its events are looked through first, because libyaml's time grows with the
 * square of nesting and of anchors. Then the document is loaded as a graph, so that anchors cost
 * nothing however often they are used; there is a limit on all that is taken from it together.
 * Must not know what the documents are about.
 */
#pragma once

#include <yaml.h>

#include "config/position.h"
#include "shared/buf.h"

#define MIG_YAML_FILE_MAX  (16 * 1024 * 1024) /* bytes */
#define MIG_YAML_ITEMS_MAX 65536	      /* of one list or mapping */

struct mig_yaml_merged; /* pairs that exist in no mapping of the file */

struct mig_yaml {
	const char *source;
	const char *bytes;
	size_t len;
	bool is_loaded;
	/* A key given twice in one mapping is an error, and not of the last one. */
	bool refuses_duplicates;
	yaml_document_t document;
	size_t items; /* taken so far */
	struct mig_yaml_merged *merged;
	struct mig_buf shown;
	struct mig_error **err;
};

/* Pairs of a mapping, those that it merges in first. */
struct mig_yaml_pairs {
	size_t count;
	size_t merged_count;
	const yaml_node_pair_t *list;
};

/*
 * Loads the first document. `source` names it in messages; it, the bytes and err are used until
 * mig_yaml_clear, which must be called whether this succeeds or not. Returns 0, or -1 with *err.
 */
int mig_yaml_load(struct mig_yaml *yaml, const char *source, const void *bytes, size_t len,
		  struct mig_error **err) MIG_MUST_CHECK;
void mig_yaml_clear(struct mig_yaml *yaml);
#define _cleanup_yaml_ _cleanup_(mig_yaml_clear)

const yaml_node_t *mig_yaml_root(struct mig_yaml *yaml); /* NULL: the file is empty */

struct mig_position mig_yaml_position(const yaml_node_t *node);

/* Sets a CONFIG error at the node. Returns -1. */
int mig_yaml_error(struct mig_yaml *yaml, const yaml_node_t *node, const char *fmt, ...)
	MIG_PRINTF(3, 4);
int mig_yaml_out_of_memory(struct mig_yaml *yaml);

/* A text of the file for a message: without control characters, and not longer than a line. Valid
 * until the next call. */
const char *mig_yaml_shown(struct mig_yaml *yaml, const char *text);

/* ---- scalars ---- */

/* The text of a scalar; NULL if it is none or has a zero byte in it. */
const char *mig_yaml_text(const yaml_node_t *node);
/* 1 true, 0 false, -1 neither; a text in quotation marks is neither. */
int mig_yaml_boolean(const yaml_node_t *node);
bool mig_yaml_is_null(const yaml_node_t *node);
bool mig_yaml_is_number(const yaml_node_t *node); /* in YAML's eyes: 0x1f, 1_000, 1e3 */
/* The text of a key: a boolean is written out, as by nvidia-mig-parted. NULL: no text, or null. */
const char *mig_yaml_key(const yaml_node_t *node);
/* A number from 0 to INT32_MAX, in plain decimal digits; `what` begins the message. */
int mig_yaml_count(struct mig_yaml *yaml, const yaml_node_t *node, const char *what,
		   unsigned int *count) MIG_MUST_CHECK;

/* ---- lists and mappings ---- */

size_t mig_yaml_item_count(const yaml_node_t *list);
const yaml_node_t *mig_yaml_item(struct mig_yaml *yaml, const yaml_node_t *list, size_t number);
const yaml_node_t *mig_yaml_node(struct mig_yaml *yaml, int id); /* of a pair */

/* Counts what a list or mapping adds to all that is taken. */
int mig_yaml_take(struct mig_yaml *yaml, const yaml_node_t *node, size_t count) MIG_MUST_CHECK;

/* The pairs of a mapping with what `<<` merges into it. Owned by yaml. */
int mig_yaml_pairs(struct mig_yaml *yaml, const yaml_node_t *map,
		   struct mig_yaml_pairs *pairs) MIG_MUST_CHECK;

/*
 * Looks the known fields of a mapping up: values[n] is that of names[n], or NULL. The last of equal
 * ones counts. An unknown one is an error that names the nearest.
 */
int mig_yaml_fields(struct mig_yaml *yaml, const yaml_node_t *map, const char *const *names,
		    size_t name_count, const yaml_node_t **values) MIG_MUST_CHECK;

/* Sets the error of an unknown field, with the nearest of the names. Returns -1. */
int mig_yaml_unknown_field(struct mig_yaml *yaml, const yaml_node_t *key, const char *const *names,
			   size_t name_count);
