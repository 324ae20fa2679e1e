/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading checked values out of a parsed JSON document. Every error names the place by its path in
 * the document ("gpus[3].uuid") and says what is wanted there. Knows nothing of nodes or GPUs.
 *
 * `where` is the path of the object ("" for the document), `key` the member.
 */
#pragma once

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/error.h"

/* Room for a path in a document; a longer one is cut. */
#define MIG_JSON_WHERE_SIZE 192

/* "where.key", "key" if where is empty. */
void mig_json_where(char out[MIG_JSON_WHERE_SIZE], const char *where, const char *key);
/* "where.key[index]" */
void mig_json_where_item(char out[MIG_JSON_WHERE_SIZE], const char *where, const char *key,
			 size_t index);

/* Sets "WHERE.KEY: TEXT"; returns -1. */
int mig_json_complain(struct mig_error **err, const char *where, const char *key, const char *text);

/* The value is an object and has no keys but these; an unknown one is named with the nearest. */
int mig_json_check_object(const char *where, json_t *value, const char *const *keys, size_t count,
			  struct mig_error **err) MIG_MUST_CHECK;

/* Each returns 0, or -1 with *err; *out is set on success only. Strings belong to the document. */
int mig_json_read_uint(const char *where, const char *key, json_t *value, uint64_t min,
		       uint64_t max, uint64_t *out, struct mig_error **err) MIG_MUST_CHECK;
int mig_json_read_text(const char *where, const char *key, json_t *value, const char **out,
		       struct mig_error **err) MIG_MUST_CHECK;
/* A text that is printed as it stands: without control characters. */
int mig_json_read_name(const char *where, const char *key, json_t *value, const char **out,
		       struct mig_error **err) MIG_MUST_CHECK;
int mig_json_read_bool(const char *where, const char *key, json_t *value, uint8_t *out,
		       struct mig_error **err) MIG_MUST_CHECK;
/* The position among `words`; an unknown word is named with the nearest. */
int mig_json_read_word(const char *where, const char *key, json_t *value, const char *const *words,
		       size_t count, uint8_t *out, struct mig_error **err) MIG_MUST_CHECK;
/* An array of at most `max` members. */
int mig_json_check_array(const char *where, const char *key, json_t *value, size_t max,
			 struct mig_error **err) MIG_MUST_CHECK;
