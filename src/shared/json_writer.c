/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON writer; the contract is in the header.
 *
 * Level 0 is the document itself, which holds exactly one value; has_members[] and in_object[] are
 * indexed by level. After the first misuse nothing more is written.
 */
#include "shared/json_writer.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/utf8.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* Enough for "%.17g" and a decimal point of several bytes. */
#define DOUBLE_TEXT_SIZE 48

void mig_json_init(struct mig_json *json, struct mig_buf *out)
{
	*json = (struct mig_json){.out = out};
}

static void new_line(struct mig_json *json)
{
	mig_buf_putc(json->out, '\n');
	for (unsigned int i = 0; i < json->depth; i++)
		mig_buf_puts(json->out, "  ");
}

/* Comma and indentation before a key in an object or a value in an array. */
static void begin_member(struct mig_json *json)
{
	if (json->has_members[json->depth])
		mig_buf_putc(json->out, ',');
	json->has_members[json->depth] = true;
	new_line(json);
}

/* To be called before each value; false: no value may stand here. */
static bool begin_value(struct mig_json *json)
{
	if (json->failed)
		return false;
	if (json->depth == 0) {
		/* A second document. */
		json->failed = json->has_members[0];
		json->has_members[0] = true;
	} else if (json->in_object[json->depth]) {
		json->failed = !json->key_pending;
		json->key_pending = false;
	} else {
		begin_member(json);
	}
	return !json->failed;
}

static void begin_container(struct mig_json *json, bool is_object)
{
	if (!begin_value(json))
		return;
	if (json->depth == MIG_JSON_DEPTH_MAX) {
		json->failed = true;
		return;
	}
	mig_buf_putc(json->out, is_object ? '{' : '[');
	json->depth++;
	json->in_object[json->depth] = is_object;
	json->has_members[json->depth] = false;
}

static void end_container(struct mig_json *json, bool is_object)
{
	bool was_empty;

	if (json->failed)
		return;
	if (json->depth == 0 || json->in_object[json->depth] != is_object || json->key_pending) {
		json->failed = true;
		return;
	}
	was_empty = !json->has_members[json->depth];
	json->depth--;
	if (!was_empty)
		new_line(json);
	mig_buf_putc(json->out, is_object ? '}' : ']');
}

void mig_json_object_begin(struct mig_json *json)
{
	begin_container(json, true);
}

void mig_json_object_end(struct mig_json *json)
{
	end_container(json, true);
}

void mig_json_array_begin(struct mig_json *json)
{
	begin_container(json, false);
}

void mig_json_array_end(struct mig_json *json)
{
	end_container(json, false);
}

/* Writes one ASCII character as it stands in a string. */
static void write_ascii(struct mig_buf *out, char c)
{
	static const char short_escapes[128] = {
		['"'] = '"',  ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f',
		['\n'] = 'n', ['\r'] = 'r',  ['\t'] = 't',
	};
	unsigned char index = (unsigned char)c;

	if (short_escapes[index])
		mig_buf_printf(out, "\\%c", short_escapes[index]);
	else if (index < 0x20)
		mig_buf_printf(out, "\\u%04x", index);
	else
		mig_buf_putc(out, c);
}

static void write_string(struct mig_buf *out, const char *text)
{
	size_t left = strlen(text);

	mig_buf_putc(out, '"');
	while (left > 0) {
		size_t len = mig_utf8_length(text, left);

		if (len == 0) {
			mig_buf_puts(out, REPLACEMENT);
			len = 1;
		} else if (len == 1) {
			write_ascii(out, *text);
		} else {
			mig_buf_add(out, text, len);
		}
		text += len;
		left -= len;
	}
	mig_buf_putc(out, '"');
}

void mig_json_key(struct mig_json *json, const char *key)
{
	if (json->failed)
		return;
	if (!key || json->depth == 0 || !json->in_object[json->depth] || json->key_pending) {
		json->failed = true;
		return;
	}
	begin_member(json);
	write_string(json->out, key);
	mig_buf_puts(json->out, ": ");
	json->key_pending = true;
}

void mig_json_string(struct mig_json *json, const char *value)
{
	if (!begin_value(json))
		return;
	if (value)
		write_string(json->out, value);
	else
		mig_buf_puts(json->out, "null");
}

void mig_json_uint(struct mig_json *json, uint64_t value)
{
	if (begin_value(json))
		mig_buf_printf(json->out, "%" PRIu64, value);
}

void mig_json_int(struct mig_json *json, int64_t value)
{
	if (begin_value(json))
		mig_buf_printf(json->out, "%" PRId64, value);
}

/* Whatever the locale writes as decimal point (one or more bytes) becomes '.'. */
static void use_json_decimal_point(char *text)
{
	const char *from = text;
	char *to = text;

	while (*from != '\0') {
		size_t plain = strspn(from, "0123456789+-e");

		memmove(to, from, plain);
		from += plain;
		to += plain;
		if (*from != '\0') {
			*to++ = '.';
			from += strcspn(from, "0123456789+-e");
		}
	}
	*to = '\0';
}

void mig_json_double(struct mig_json *json, double value)
{
	char text[DOUBLE_TEXT_SIZE];

	if (!isfinite(value)) {
		mig_json_null(json);
		return;
	}
	if (!begin_value(json))
		return;
	/* 15 digits hold every decimal that somebody wrote so; 17 hold every double. */
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	use_json_decimal_point(text);
	mig_buf_puts(json->out, text);
}

void mig_json_bool(struct mig_json *json, bool value)
{
	if (begin_value(json))
		mig_buf_puts(json->out, value ? "true" : "false");
}

void mig_json_null(struct mig_json *json)
{
	if (begin_value(json))
		mig_buf_puts(json->out, "null");
}

void mig_json_member_string(struct mig_json *json, const char *key, const char *value)
{
	mig_json_key(json, key);
	mig_json_string(json, value);
}

void mig_json_member_uint(struct mig_json *json, const char *key, uint64_t value)
{
	mig_json_key(json, key);
	mig_json_uint(json, value);
}

void mig_json_member_bool(struct mig_json *json, const char *key, bool value)
{
	mig_json_key(json, key);
	mig_json_bool(json, value);
}

int mig_json_finish(struct mig_json *json)
{
	/* No value at all is no document either. */
	if (json->depth != 0 || !json->has_members[0])
		json->failed = true;
	if (!json->failed)
		mig_buf_putc(json->out, '\n');
	if (mig_buf_failed(json->out))
		json->failed = true;
	return json->failed ? -1 : 0;
}
