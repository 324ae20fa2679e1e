/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unit tests of the number parser.
 */
#include <errno.h>
#include <stdint.h>

#include "shared/number.h"
#include "tests/harness/test.h"

#define UNTOUCHED 0xabcdefU

static const char *const not_numbers[] = {
	"",    " ",
	"-1",  "+1",
	" 1",  "1 ",
	"1\n", "0x10",
	"1e3", "1.0",
	"1,0", "a",
	"12a", "-",
	"--",  "\xd9\xa1" /* Arabic-Indic 1 */,
	"inf", "99999999999999999999x",
};

MIG_TEST(number_u64_accepts)
{
	static const struct {
		const char *text;
		uint64_t value;
	} cases[] = {
		{"0", 0},
		{"7", 7},
		{"007", 7},
		{"0000000000000000000000000000012", 12},
		{"18446744073709551615", UINT64_MAX},
		{"18446744073709551614", UINT64_MAX - 1},
	};

	for (size_t i = 0; i < MIG_ARRAY_SIZE(cases); i++) {
		uint64_t value = UNTOUCHED;

		errno = 0;
		MIG_ASSERT_INT_EQ(mig_parse_u64(cases[i].text, 0, UINT64_MAX, &value), 0);
		MIG_ASSERT_UINT_EQ(value, cases[i].value);
		MIG_ASSERT_INT_EQ(errno, 0);
	}
}

MIG_TEST(number_u64_rejects_what_is_not_a_number)
{
	for (size_t i = 0; i < MIG_ARRAY_SIZE(not_numbers); i++) {
		uint64_t value = UNTOUCHED;
		uint32_t value_32 = UNTOUCHED;

		errno = 0;
		MIG_ASSERT_MSG(mig_parse_u64(not_numbers[i], 0, UINT64_MAX, &value) == -1,
			       "\"%s\" was taken", not_numbers[i]);
		MIG_ASSERT_INT_EQ(errno, EINVAL);
		MIG_ASSERT_UINT_EQ(value, UNTOUCHED);
		errno = 0;
		MIG_ASSERT_INT_EQ(mig_parse_u32(not_numbers[i], 0, UINT32_MAX, &value_32), -1);
		MIG_ASSERT_INT_EQ(errno, EINVAL);
		MIG_ASSERT_UINT_EQ(value_32, UNTOUCHED);
	}
}

MIG_TEST(number_null_is_not_a_number)
{
	uint64_t value;

	MIG_ASSERT_INT_EQ(mig_parse_u64(NULL, 0, 1, &value), -1);
	MIG_ASSERT_INT_EQ(errno, EINVAL);
	MIG_ASSERT_INT_EQ(mig_parse_hex_u64(NULL, 1, &value), -1);
	MIG_ASSERT_INT_EQ(errno, EINVAL);
}

MIG_TEST(number_range)
{
	static const struct {
		const char *text;
		uint64_t min, max;
		int ret;
	} cases[] = {
		{"5", 5, 5, 0},
		{"4", 5, 9, -1},
		{"10", 5, 9, -1},
		{"5", 6, 4, -1},
		{"18446744073709551616", 0, UINT64_MAX, -1},  /* 2^64 */
		{"18446744073709551625", 0, UINT64_MAX, -1},  /* 2^64 + 9: the addition */
		{"99999999999999999999", 0, UINT64_MAX, -1},  /* the multiplication */
		{"184467440737095516160", 0, UINT64_MAX, -1}, /* 2^64 * 10 wraps to 0 */
	};

	for (size_t i = 0; i < MIG_ARRAY_SIZE(cases); i++) {
		uint64_t value = UNTOUCHED;

		errno = 0;
		MIG_ASSERT_INT_EQ(mig_parse_u64(cases[i].text, cases[i].min, cases[i].max, &value),
				  cases[i].ret);
		MIG_ASSERT_INT_EQ(errno, cases[i].ret ? ERANGE : 0);
		MIG_ASSERT_UINT_EQ(value, cases[i].ret ? UNTOUCHED : cases[i].min);
	}
}

MIG_TEST(number_u32_range)
{
	uint32_t value = UNTOUCHED;

	MIG_ASSERT_INT_EQ(mig_parse_u32("4294967295", 0, UINT32_MAX, &value), 0);
	MIG_ASSERT_UINT_EQ(value, UINT32_MAX);
	errno = 0;
	value = UNTOUCHED;
	MIG_ASSERT_INT_EQ(mig_parse_u32("4294967296", 0, UINT32_MAX, &value), -1);
	MIG_ASSERT_INT_EQ(errno, ERANGE);
	MIG_ASSERT_UINT_EQ(value, UNTOUCHED);
}

MIG_TEST(number_of_given_length_reads_no_further)
{
	static const char text[3] = {'1', '2', '3'};
	uint64_t value;

	MIG_ASSERT_INT_EQ(mig_parse_u64_n(text, 3, 0, UINT64_MAX, &value), 0);
	MIG_ASSERT_UINT_EQ(value, 123);
	MIG_ASSERT_INT_EQ(mig_parse_u64_n(text, 2, 0, UINT64_MAX, &value), 0);
	MIG_ASSERT_UINT_EQ(value, 12);
	MIG_ASSERT_INT_EQ(mig_parse_u64_n(text, 0, 0, UINT64_MAX, &value), -1);
	MIG_ASSERT_INT_EQ(errno, EINVAL);
	/* A NUL inside is not the end. */
	MIG_ASSERT_INT_EQ(mig_parse_u64_n("1\0", 2, 0, UINT64_MAX, &value), -1);
	MIG_ASSERT_INT_EQ(errno, EINVAL);
}

MIG_TEST(number_hex)
{
	static const struct {
		const char *text;
		uint64_t max;
		int errnum;
		uint64_t value;
	} cases[] = {
		{"0", UINT64_MAX, 0, 0},
		{"dEaDbEeF", UINT64_MAX, 0, 0xdeadbeef},
		{"ffffffffffffffff", UINT64_MAX, 0, UINT64_MAX},
		{"0000000000000000000ff", 0xff, 0, 0xff},
		{"100", 0xff, ERANGE, UNTOUCHED},
		{"10000000000000000", UINT64_MAX, ERANGE, UNTOUCHED},
		{"", UINT64_MAX, EINVAL, UNTOUCHED},
		{"0x1", UINT64_MAX, EINVAL, UNTOUCHED},
		{"fg", UINT64_MAX, EINVAL, UNTOUCHED},
		{"-1", UINT64_MAX, EINVAL, UNTOUCHED},
	};

	for (size_t i = 0; i < MIG_ARRAY_SIZE(cases); i++) {
		uint64_t value = UNTOUCHED;

		errno = 0;
		MIG_ASSERT_INT_EQ(mig_parse_hex_u64(cases[i].text, cases[i].max, &value),
				  cases[i].errnum ? -1 : 0);
		MIG_ASSERT_INT_EQ(errno, cases[i].errnum);
		MIG_ASSERT_UINT_EQ(value, cases[i].value);
	}
}
