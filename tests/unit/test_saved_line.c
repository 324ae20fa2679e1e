/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of core's own files: what is written is read, and what is damaged or cut short is noticed.
 */
#include "core/saved_line.h"

#include <string.h>

#include "tests/harness/test.h"

static void put_sample(struct mig_buf *out)
{
	struct mig_line_writer w;

	mig_line_begin(&w, out, "begin");
	mig_line_uint(&w, "n", 12);
	mig_line_text(&w, "command", "apply -c \"a b\" 100%\n\x7f \xc3\xa9=x");
	mig_line_text(&w, "empty", "");
	mig_line_end(&w);
}

MIG_TEST(what_is_written_is_read)
{
	_cleanup_buf_ struct mig_buf out = MIG_BUF_INIT(4096);
	struct mig_line line;
	size_t used = 0;
	uint64_t n = 0;

	put_sample(&out);
	MIG_ASSERT_INT_EQ(mig_line_read(mig_buf_text(&out), out.len, &line, &used), MIG_LINE_WHOLE);
	MIG_ASSERT_UINT_EQ(used, out.len);
	MIG_ASSERT_STR_EQ(line.word, "begin");
	MIG_ASSERT_STR_EQ(mig_line_value(&line, "command"),
			  "apply -c \"a b\" 100%\n\x7f \xc3\xa9=x");
	MIG_ASSERT_STR_EQ(mig_line_value(&line, "empty"), "");
	MIG_ASSERT_STR_EQ(mig_line_value(&line, "other"), NULL);
	MIG_ASSERT_INT_EQ(mig_line_number(&line, "n", 12, &n), 0);
	MIG_ASSERT_UINT_EQ(n, 12);
	MIG_ASSERT_INT_EQ(mig_line_number(&line, "n", 11, &n), -1);
	MIG_ASSERT_INT_EQ(mig_line_number(&line, "command", UINT64_MAX, &n), -1);
}

/* Every cut of a line is torn or the end, never a line and never damage that stops a recovery. */
MIG_TEST(a_line_that_is_cut_short_is_torn)
{
	_cleanup_buf_ struct mig_buf out = MIG_BUF_INIT(4096);
	struct mig_line line;
	size_t used = 0;

	put_sample(&out);
	MIG_ASSERT_INT_EQ(mig_line_read(mig_buf_text(&out), 0, &line, &used), MIG_LINE_END);
	for (size_t len = 1; len < out.len; len++)
		MIG_ASSERT_INT_EQ(mig_line_read(mig_buf_text(&out), len, &line, &used),
				  MIG_LINE_TORN);
}

/* As a file system leaves it that wrote the end of a line and not its beginning. */
MIG_TEST(a_line_with_a_hole_is_torn)
{
	_cleanup_buf_ struct mig_buf out = MIG_BUF_INIT(4096);
	struct mig_line line;
	size_t used = 0;

	put_sample(&out);
	for (size_t at = 1; at + 1 < out.len; at++) {
		char byte = out.data[at];

		out.data[at] = '\0';
		MIG_ASSERT_INT_EQ(mig_line_read(mig_buf_text(&out), out.len, &line, &used),
				  MIG_LINE_TORN);
		out.data[at] = byte;
	}
	out.data[0] = '\0';
	MIG_ASSERT_INT_EQ(mig_line_read(out.data, out.len, &line, &used), MIG_LINE_END);
}

MIG_TEST(every_flipped_bit_is_noticed)
{
	_cleanup_buf_ struct mig_buf out = MIG_BUF_INIT(4096);
	struct mig_line line;
	size_t used = 0;

	put_sample(&out);
	for (size_t at = 0; at < out.len; at++) {
		for (int bit = 0; bit < 8; bit++) {
			out.data[at] ^= (char)(1 << bit);
			MIG_ASSERT(mig_line_read(out.data, out.len, &line, &used) !=
				   MIG_LINE_WHOLE);
			out.data[at] ^= (char)(1 << bit);
		}
	}
}

MIG_TEST(a_line_that_nobody_could_read_is_not_written)
{
	_cleanup_buf_ struct mig_buf out = MIG_BUF_INIT(2 * MIG_LINE_MAX);
	char text[MIG_LINE_MAX];
	struct mig_line_writer w;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	mig_line_begin(&w, &out, "begin");
	mig_line_text(&w, "text", text);
	mig_line_end(&w);
	MIG_ASSERT(mig_buf_failed(&out));
}
