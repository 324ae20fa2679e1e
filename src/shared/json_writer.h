/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A streaming JSON writer into a struct mig_buf (bounded by that buffer's maximum).
 *
 * Commas, nesting and escaping are the writer's; the caller gives keys and values in order.
 * Bytes that are not UTF-8 are replaced by U+FFFD, so that the result is always valid JSON.
 * Misuse (a value without key in an object, unbalanced ends) makes mig_json_finish fail.
 * Indented by two spaces per level.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shared/buf.h"

#define MIG_JSON_DEPTH_MAX 32

struct mig_json {
	struct mig_buf *out;
	unsigned int depth;
	bool in_object[MIG_JSON_DEPTH_MAX + 1];
	bool has_members[MIG_JSON_DEPTH_MAX + 1];
	bool key_pending;
	bool failed;
};

void mig_json_init(struct mig_json *json, struct mig_buf *out);
void mig_json_object_begin(struct mig_json *json);
void mig_json_object_end(struct mig_json *json);
void mig_json_array_begin(struct mig_json *json);
void mig_json_array_end(struct mig_json *json);
void mig_json_key(struct mig_json *json, const char *key);
void mig_json_string(struct mig_json *json, const char *value); /* NULL writes null */
void mig_json_uint(struct mig_json *json, uint64_t value);
void mig_json_int(struct mig_json *json, int64_t value);
void mig_json_double(struct mig_json *json, double value); /* not finite writes null */
void mig_json_bool(struct mig_json *json, bool value);
void mig_json_null(struct mig_json *json);

/* Key and value in one. */
void mig_json_member_string(struct mig_json *json, const char *key, const char *value);
void mig_json_member_uint(struct mig_json *json, const char *key, uint64_t value);
void mig_json_member_bool(struct mig_json *json, const char *key, bool value);

/* Ends the document with a newline. Returns 0, or -1 if anything went wrong (also the buffer). */
int mig_json_finish(struct mig_json *json) MIG_MUST_CHECK;
