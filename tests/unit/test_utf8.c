/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unit tests of UTF-8 recognition: every code point, and every two bytes.
 */
#include <stdbool.h>
#include <stdio.h>

#include "shared/utf8.h"
#include "tests/harness/test.h"

/* Encodes by the bit pattern of the length given, also where that is not allowed. */
static void encode(uint32_t code_point, size_t len, char bytes[4])
{
	static const uint8_t marks[5] = {0, 0, 0xc0, 0xe0, 0xf0};

	if (len == 1) {
		bytes[0] = (char)code_point;
		return;
	}
	for (size_t i = len - 1; i > 0; i--) {
		bytes[i] = (char)(0x80 | (code_point & 0x3f));
		code_point >>= 6;
	}
	bytes[0] = (char)(marks[len] | code_point);
}

static size_t shortest_length(uint32_t code_point)
{
	if (code_point < 0x80)
		return 1;
	if (code_point < 0x800)
		return 2;
	return code_point < 0x10000 ? 3 : 4;
}

MIG_TEST(utf8_every_code_point_in_every_length)
{
	static const uint32_t ends[5] = {0, 0x80, 0x800, 0x10000, 0x200000};

	for (size_t len = 1; len <= 4; len++) {
		for (uint32_t code_point = 0; code_point < ends[len]; code_point++) {
			bool is_surrogate = code_point >= 0xd800 && code_point <= 0xdfff;
			bool is_valid = len == shortest_length(code_point) && !is_surrogate &&
					code_point <= 0x10ffff;
			char bytes[4];

			encode(code_point, len, bytes);
			MIG_ASSERT_MSG(mig_utf8_length(bytes, len) == (is_valid ? len : 0),
				       "U+%04X in %zu bytes", code_point, len);
			/* Cut short it is nothing; more bytes behind it don't matter. */
			MIG_ASSERT_UINT_EQ(mig_utf8_length(bytes, len - 1), 0);
			MIG_ASSERT_UINT_EQ(mig_utf8_length(bytes, sizeof(bytes)),
					   is_valid ? len : 0);
		}
	}
}

MIG_TEST(utf8_every_two_bytes)
{
	for (unsigned int first = 0; first < 256; first++) {
		for (unsigned int second = 0; second < 256; second++) {
			char bytes[2] = {(char)first, (char)second};
			bool is_pair = first >= 0xc2 && first <= 0xdf && (second & 0xc0) == 0x80;
			size_t want = first < 0x80 ? 1 : is_pair ? 2 : 0;

			MIG_ASSERT_MSG(mig_utf8_length(bytes, 2) == want, "%02x %02x", first,
				       second);
		}
	}
}

MIG_TEST(utf8_later_bytes_must_be_continuations)
{
	static const char *const broken[] = {
		"\xe2\x82\x41",	    "\xe2\x82\xc0",	"\xf0\x9f\x41\x80",
		"\xf0\x9f\x98\x41", "\xf0\x9f\x98\xc0",
	};

	MIG_ASSERT_UINT_EQ(mig_utf8_length("\xe2\x82\xac", 3), 3);
	MIG_ASSERT_UINT_EQ(mig_utf8_length("\xf0\x9f\x98\x80", 4), 4);
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
		MIG_ASSERT_UINT_EQ(mig_utf8_length(broken[i], i < 2 ? 3 : 4), 0);
}
