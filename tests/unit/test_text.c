/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unit tests of fixed-size copies and of escaping for a terminal.
 */
#include <string.h>

#include "shared/macros.h"
#include "shared/text.h"
#include "tests/harness/test.h"

MIG_TEST(text_copy_says_when_it_cuts)
{
	char to[5] = "####";

	MIG_ASSERT(mig_text_copy(to, sizeof(to), "abcd"));
	MIG_ASSERT_STR_EQ(to, "abcd");
	MIG_ASSERT(!mig_text_copy(to, sizeof(to), "vwxyz"));
	MIG_ASSERT_STR_EQ(to, "vwxy");
	MIG_ASSERT(mig_text_copy(to, sizeof(to), ""));
	MIG_ASSERT_STR_EQ(to, "");
	MIG_ASSERT(mig_text_copy(to, 1, ""));
	to[0] = '#';
	MIG_ASSERT(!mig_text_copy(to, 0, ""));
	MIG_ASSERT_INT_EQ(to[0], '#');
}

MIG_TEST(text_copy_writes_no_further)
{
	char to[8];

	memset(to, '#', sizeof(to));
	MIG_ASSERT(!mig_text_copy(to, 4, "abcdefgh"));
	MIG_ASSERT_MEM_EQ(to, "abc\0####", 8);
	MIG_ASSERT(mig_text_copy(to, 8, "x"));
	MIG_ASSERT_MEM_EQ(to, "x\0c\0####", 8);
}

MIG_TEST(text_format_says_when_it_cuts)
{
	char to[5];

	MIG_ASSERT(mig_text_format(to, sizeof(to), "%d-%s", 1, "ab"));
	MIG_ASSERT_STR_EQ(to, "1-ab");
	MIG_ASSERT(!mig_text_format(to, sizeof(to), "%d-%s", 1, "abc"));
	MIG_ASSERT_STR_EQ(to, "1-ab");
	MIG_ASSERT(!mig_text_format(to, 0, "%d", 1));
	MIG_ASSERT_STR_EQ(to, "1-ab");
}

MIG_TEST(text_escape_terminal)
{
	static const struct {
		const char *text, *escaped;
	} cases[] = {
		{"", ""},
		{"python3 train.py", "python3 train.py"},
		{"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80",
		 "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"},
		{"a\\b", "a\\\\b"},
		{"\\x1b", "\\\\x1b"},
		{"\x1b[31mred", "\\x1b[31mred"},
		{"a\tb\nc\rd\x7f", "a\\x09b\\x0ac\\x0dd\\x7f"},
		{"\x01\x1f ", "\\x01\\x1f "},
		{"\xc2\x9b"
		 "31m\xc2\x80\xc2\xa0",
		 "\\xc2\\x9b31m\\xc2\\x80\xc2\xa0"}, /* C1, then U+00A0 which is none */
		{"\xff\xfe", "\\xff\\xfe"},
		{"\xc3", "\\xc3"},
		{"\xed\xa0\x80", "\\xed\\xa0\\x80"}, /* a surrogate */
		{"\xc0\xaf", "\\xc0\\xaf"},	     /* overlong */
		{"\xe2\x82z", "\\xe2\\x82z"},
	};

	for (size_t i = 0; i < MIG_ARRAY_SIZE(cases); i++) {
		_cleanup_buf_ struct mig_buf buf = MIG_BUF_INIT(1000);

		MIG_ASSERT_INT_EQ(mig_text_escape_terminal(&buf, cases[i].text), 0);
		MIG_ASSERT_STR_EQ(mig_buf_text(&buf), cases[i].escaped);
	}
}

MIG_TEST(text_escape_terminal_says_when_the_buffer_is_full)
{
	_cleanup_buf_ struct mig_buf buf = MIG_BUF_INIT(6);

	MIG_ASSERT_INT_EQ(mig_text_escape_terminal(&buf, "ab\x1b"), 0);
	MIG_ASSERT_STR_EQ(mig_buf_text(&buf), "ab\\x1b");
	MIG_ASSERT_INT_EQ(mig_text_escape_terminal(&buf, "c"), -1);
	MIG_ASSERT(mig_buf_failed(&buf));
}

MIG_TEST(text_escape_message_leaves_what_is_escaped)
{
	_cleanup_buf_ struct mig_buf buf = MIG_BUF_INIT(100);

	MIG_ASSERT_INT_EQ(mig_text_escape_message(&buf, "a\\x1b \x1b[31m\xc2\x9b\n\xff \xc3\xbc"),
			  0);
	MIG_ASSERT_STR_EQ(mig_buf_text(&buf), "a\\x1b \\x1b[31m\\xc2\\x9b\\x0a\\xff \xc3\xbc");
}
