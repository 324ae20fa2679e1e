/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unit tests of the JSON writer. The source under test is included to reach the function that
 * undoes the locale's decimal point: a locale with another one need not be installed.
 */
#include <math.h>
#include <string.h>

#include "shared/json_writer.c"
#include "tests/harness/test.h"

MIG_TEST(json_document_with_everything)
{
	_cleanup_buf_ struct mig_buf buf = MIG_BUF_INIT(10000);
	struct mig_json json;

	mig_json_init(&json, &buf);
	mig_json_object_begin(&json);
	mig_json_member_string(&json, "schema", "migctl.status/1");
	mig_json_member_uint(&json, "max", UINT64_MAX);
	mig_json_member_bool(&json, "yes", true);
	mig_json_key(&json, "min");
	mig_json_int(&json, INT64_MIN);
	mig_json_key(&json, "list");
	mig_json_array_begin(&json);
	mig_json_uint(&json, 0);
	mig_json_object_begin(&json);
	mig_json_object_end(&json);
	mig_json_object_begin(&json);
	mig_json_member_bool(&json, "no", false);
	mig_json_object_end(&json);
	mig_json_null(&json);
	mig_json_array_end(&json);
	mig_json_key(&json, "empty");
	mig_json_array_begin(&json);
	mig_json_array_end(&json);
	mig_json_member_string(&json, "nothing", NULL);
	mig_json_object_end(&json);
	MIG_ASSERT_INT_EQ(mig_json_finish(&json), 0);
	MIG_ASSERT_STR_EQ(mig_buf_text(&buf), "{\n"
					      "  \"schema\": \"migctl.status/1\",\n"
					      "  \"max\": 18446744073709551615,\n"
					      "  \"yes\": true,\n"
					      "  \"min\": -9223372036854775808,\n"
					      "  \"list\": [\n"
					      "    0,\n"
					      "    {},\n"
					      "    {\n"
					      "      \"no\": false\n"
					      "    },\n"
					      "    null\n"
					      "  ],\n"
					      "  \"empty\": [],\n"
					      "  \"nothing\": null\n"
					      "}\n");
}

MIG_TEST(json_strings)
{
	static const struct {
		const char *text, *json;
	} cases[] = {
		{"", "\"\"\n"},
		{"a\"b\\c/d", "\"a\\\"b\\\\c/d\"\n"},
		{"\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\"\n"},
		{"\x01\x1f\x7f", "\"\\u0001\\u001f\x7f\"\n"},
		{"\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80",
		 "\"\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80\"\n"},
		/* Each byte that is not UTF-8 becomes one U+FFFD. */
		{"a\xff"
		 "b",
		 "\"a\xef\xbf\xbd"
		 "b\"\n"},
		{"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"\n"}, /* U+D800 */
		{"\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\"\n"},			/* overlong */
		{"\xe2\x82", "\"\xef\xbf\xbd\xef\xbf\xbd\"\n"},			/* cut */
		{"\xe2\x82\"", "\"\xef\xbf\xbd\xef\xbf\xbd\\\"\"\n"},
		{"\xf4\x90\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"\n"},
	};

	for (size_t i = 0; i < MIG_ARRAY_SIZE(cases); i++) {
		_cleanup_buf_ struct mig_buf buf = MIG_BUF_INIT(100);
		struct mig_json json;

		mig_json_init(&json, &buf);
		mig_json_string(&json, cases[i].text);
		MIG_ASSERT_INT_EQ(mig_json_finish(&json), 0);
		MIG_ASSERT_STR_EQ(mig_buf_text(&buf), cases[i].json);
	}
}

MIG_TEST(json_keys_are_escaped)
{
	_cleanup_buf_ struct mig_buf buf = MIG_BUF_INIT(100);
	struct mig_json json;

	mig_json_init(&json, &buf);
	mig_json_object_begin(&json);
	mig_json_member_uint(&json, "a\"\n\xff", 1);
	mig_json_object_end(&json);
	MIG_ASSERT_INT_EQ(mig_json_finish(&json), 0);
	MIG_ASSERT_STR_EQ(mig_buf_text(&buf), "{\n  \"a\\\"\\n\xef\xbf\xbd\": 1\n}\n");
}

MIG_TEST(json_doubles)
{
	static const struct {
		double value;
		const char *json;
	} cases[] = {
		{0.0, "0\n"},
		{-0.0, "-0\n"},
		{1.5, "1.5\n"},
		{0.1, "0.1\n"},
		{1.0 / 3.0, "0.3333333333333333\n"},
		{0.1 + 0.2, "0.30000000000000004\n"},
		{1e300, "1e+300\n"},
		{-2.5e-7, "-2.5e-07\n"},
		{NAN, "null\n"},
		{INFINITY, "null\n"},
		{-INFINITY, "null\n"},
	};

	for (size_t i = 0; i < MIG_ARRAY_SIZE(cases); i++) {
		_cleanup_buf_ struct mig_buf buf = MIG_BUF_INIT(100);
		struct mig_json json;

		mig_json_init(&json, &buf);
		mig_json_double(&json, cases[i].value);
		MIG_ASSERT_INT_EQ(mig_json_finish(&json), 0);
		MIG_ASSERT_STR_EQ(mig_buf_text(&buf), cases[i].json);
	}
}

MIG_TEST(json_decimal_point_of_any_locale)
{
	static const struct {
		const char *printed, *json;
	} cases[] = {
		{"-12,5e-07", "-12.5e-07"},
		{"1.5", "1.5"},
		{"1\xd9\xab"
		 "5",
		 "1.5"}, /* U+066B */
		{"1e+300", "1e+300"},
		{"17", "17"},
	};

	for (size_t i = 0; i < MIG_ARRAY_SIZE(cases); i++) {
		char text[32];

		snprintf(text, sizeof(text), "%s", cases[i].printed);
		use_json_decimal_point(text);
		MIG_ASSERT_STR_EQ(text, cases[i].json);
	}
}

static void write_nothing(struct mig_json *json)
{
	(void)json;
}

static void write_two_documents(struct mig_json *json)
{
	mig_json_uint(json, 1);
	mig_json_uint(json, 2);
}

static void write_value_without_key(struct mig_json *json)
{
	mig_json_object_begin(json);
	mig_json_uint(json, 1);
	mig_json_object_end(json);
}

static void write_object_without_key(struct mig_json *json)
{
	mig_json_object_begin(json);
	mig_json_object_begin(json);
	mig_json_object_end(json);
	mig_json_object_end(json);
}

static void write_key_without_value(struct mig_json *json)
{
	mig_json_object_begin(json);
	mig_json_key(json, "a");
	mig_json_object_end(json);
}

static void write_two_keys(struct mig_json *json)
{
	mig_json_object_begin(json);
	mig_json_key(json, "a");
	mig_json_member_uint(json, "b", 1);
	mig_json_object_end(json);
}

static void write_key_in_array(struct mig_json *json)
{
	mig_json_array_begin(json);
	mig_json_member_uint(json, "a", 1);
	mig_json_array_end(json);
}

static void write_key_at_top(struct mig_json *json)
{
	mig_json_member_uint(json, "a", 1);
}

static void write_null_key(struct mig_json *json)
{
	mig_json_object_begin(json);
	mig_json_member_uint(json, NULL, 1);
	mig_json_object_end(json);
}

static void write_without_end(struct mig_json *json)
{
	mig_json_array_begin(json);
}

static void write_wrong_end(struct mig_json *json)
{
	mig_json_array_begin(json);
	mig_json_object_end(json);
}

static void write_end_too_many(struct mig_json *json)
{
	mig_json_array_begin(json);
	mig_json_array_end(json);
	mig_json_array_end(json);
}

MIG_TEST(json_misuse_fails)
{
	static void (*const cases[])(struct mig_json * json) = {
		write_nothing,		 write_two_documents,
		write_value_without_key, write_object_without_key,
		write_key_without_value, write_two_keys,
		write_key_in_array,	 write_key_at_top,
		write_null_key,		 write_without_end,
		write_wrong_end,	 write_end_too_many,
	};

	for (size_t i = 0; i < MIG_ARRAY_SIZE(cases); i++) {
		_cleanup_buf_ struct mig_buf buf = MIG_BUF_INIT(1000);
		struct mig_json json;

		mig_json_init(&json, &buf);
		cases[i](&json);
		MIG_ASSERT_MSG(mig_json_finish(&json) == -1, "case %zu", i);
		/* It stays failed. */
		MIG_ASSERT_INT_EQ(mig_json_finish(&json), -1);
	}
}

static int write_nested(unsigned int depth, struct mig_buf *buf)
{
	struct mig_json json;

	mig_json_init(&json, buf);
	for (unsigned int i = 0; i < depth; i++)
		mig_json_array_begin(&json);
	for (unsigned int i = 0; i < depth; i++)
		mig_json_array_end(&json);
	return mig_json_finish(&json);
}

MIG_TEST(json_depth_is_limited)
{
	_cleanup_buf_ struct mig_buf buf = MIG_BUF_INIT(100000);

	MIG_ASSERT_INT_EQ(write_nested(MIG_JSON_DEPTH_MAX, &buf), 0);
	MIG_ASSERT_INT_EQ(write_nested(MIG_JSON_DEPTH_MAX + 1, &buf), -1);
	MIG_ASSERT_INT_EQ(write_nested(10 * MIG_JSON_DEPTH_MAX, &buf), -1);
	MIG_ASSERT(!mig_buf_failed(&buf));
}

MIG_TEST(json_full_buffer_fails)
{
	_cleanup_buf_ struct mig_buf buf = MIG_BUF_INIT(8);
	struct mig_json json;

	mig_json_init(&json, &buf);
	mig_json_string(&json, "1234567");
	MIG_ASSERT_INT_EQ(mig_json_finish(&json), -1);

	/* The newline counts too. */
	mig_buf_reset(&buf);
	mig_json_init(&json, &buf);
	mig_json_string(&json, "123456");
	MIG_ASSERT_INT_EQ(mig_json_finish(&json), -1);

	mig_buf_reset(&buf);
	mig_json_init(&json, &buf);
	mig_json_string(&json, "12345");
	MIG_ASSERT_INT_EQ(mig_json_finish(&json), 0);
	MIG_ASSERT_STR_EQ(mig_buf_text(&buf), "\"12345\"\n");
}
