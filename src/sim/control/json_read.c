/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checked values out of a JSON document; the contract is in the header. Texts of the document that
 * reach a message are escaped for a terminal.
 */
#include "sim/control/json_read.h"

#include <string.h>

#include "shared/buf.h"
#include "shared/nearest.h"
#include "shared/text.h"
#include "sim/control/description.h"

#define SHOWN_MAX      1024
#define NAME_MAX_SHOWN 4096 /* more than any name in a description may have */

void mig_json_where(char out[MIG_JSON_WHERE_SIZE], const char *where, const char *key)
{
	mig_text_format(out, MIG_JSON_WHERE_SIZE, "%s%s%s", where, *where ? "." : "", key);
}

void mig_json_where_item(char out[MIG_JSON_WHERE_SIZE], const char *where, const char *key,
			 size_t index)
{
	mig_text_format(out, MIG_JSON_WHERE_SIZE, "%s%s%s[%zu]", where, *where ? "." : "", key,
			index);
}

int mig_json_complain(struct mig_error **err, const char *where, const char *key, const char *text)
{
	return mig_error_set(err, MIG_ERROR_CONFIG, "%s%s%s: %s", where, *where ? "." : "", key,
			     text);
}

int mig_json_check_object(const char *where, json_t *value, const char *const *keys, size_t count,
			  struct mig_error **err)
{
	const char *key;
	json_t *member;

	if (!json_is_object(value))
		return mig_error_set(err, MIG_ERROR_CONFIG, "%s: must be an object",
				     *where ? where : "the document");
	json_object_foreach(value, key, member)
	{
		_cleanup_buf_ struct mig_buf shown = MIG_BUF_INIT(SHOWN_MAX);

		if (mig_sim_word_find(keys, count, key) >= 0)
			continue;
		mig_text_escape_terminal(&shown, key);
		mig_error_set(err, MIG_ERROR_CONFIG, "%s%sunknown key '%s'", where,
			      *where ? ": " : "", mig_buf_text(&shown));
		mig_sim_hint_words(err, key, keys, count);
		/* The format grows by keys only, and this reader does not know those to come. */
		if (err)
			mig_error_hint(err,
				       "%s; a file of a newer migctl can have keys that this one "
				       "(" MIG_VERSION ") does not know",
				       mig_error_hint_text(*err));
		return -1;
	}
	return 0;
}

int mig_json_read_uint(const char *where, const char *key, json_t *value, uint64_t min,
		       uint64_t max, uint64_t *out, struct mig_error **err)
{
	json_int_t number = json_is_integer(value) ? json_integer_value(value) : -1;

	if (number < 0 || (uint64_t)number < min || (uint64_t)number > max) {
		char got[32] = "";
		char text[128];

		if (json_is_integer(value))
			mig_text_format(got, sizeof(got), ", not %lld",
					(long long)json_integer_value(value));
		mig_text_format(text, sizeof(text), "must be a whole number from %llu to %llu%s",
				(unsigned long long)min, (unsigned long long)max, got);
		return mig_json_complain(err, where, key, text);
	}
	*out = (uint64_t)number;
	return 0;
}

int mig_json_read_text(const char *where, const char *key, json_t *value, const char **out,
		       struct mig_error **err)
{
	if (!json_is_string(value))
		return mig_json_complain(err, where, key, "must be a string");
	if (json_string_length(value) == 0)
		return mig_json_complain(err, where, key, "must not be empty");
	*out = json_string_value(value);
	return 0;
}

int mig_json_read_name(const char *where, const char *key, json_t *value, const char **out,
		       struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf shown = MIG_BUF_INIT(NAME_MAX_SHOWN);
	const char *text;

	if (mig_json_read_text(where, key, value, &text, err))
		return -1;
	/* Too long for the buffer is too long for every name. */
	if (mig_text_escape_message(&shown, text))
		return mig_json_complain(err, where, key, "is too long");
	if (strcmp(mig_buf_text(&shown), text) != 0)
		return mig_json_complain(err, where, key, "has control characters");
	*out = text;
	return 0;
}

int mig_json_read_bool(const char *where, const char *key, json_t *value, uint8_t *out,
		       struct mig_error **err)
{
	if (!json_is_boolean(value))
		return mig_json_complain(err, where, key, "must be true or false");
	*out = json_is_true(value);
	return 0;
}

int mig_json_read_word(const char *where, const char *key, json_t *value, const char *const *words,
		       size_t count, uint8_t *out, struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf shown = MIG_BUF_INIT(SHOWN_MAX);
	const char *text;
	int found;

	if (mig_json_read_text(where, key, value, &text, err))
		return -1;
	found = mig_sim_word_find(words, count, text);
	if (found < 0) {
		mig_text_escape_terminal(&shown, text);
		mig_error_set(err, MIG_ERROR_CONFIG, "%s%s%s: unknown value '%s'", where,
			      *where ? "." : "", key, mig_buf_text(&shown));
		return mig_sim_hint_words(err, text, words, count);
	}
	*out = (uint8_t)found;
	return 0;
}

int mig_json_check_array(const char *where, const char *key, json_t *value, size_t max,
			 struct mig_error **err)
{
	char text[96];

	if (!json_is_array(value))
		return mig_json_complain(err, where, key, "must be an array");
	if (json_array_size(value) <= max)
		return 0;
	mig_text_format(text, sizeof(text), "has %zu entries, at most %zu are possible",
			json_array_size(value), max);
	return mig_json_complain(err, where, key, text);
}
