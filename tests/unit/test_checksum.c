/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unit tests of CRC-64/XZ.
 */
#include <string.h>

#include "shared/checksum.h"
#include "tests/harness/test.h"

/* The definition, bit by bit. */
static uint64_t crc64_by_definition(const uint8_t *bytes, size_t len)
{
	uint64_t crc = UINT64_MAX;

	for (size_t i = 0; i < len; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ (crc & 1 ? UINT64_C(0xc96c5795d7870f42) : 0);
	}
	return ~crc;
}

/* Bytes without a pattern that the checksum could share; always the same ones. */
static void fill(uint8_t *bytes, size_t len)
{
	uint32_t state = 12345;

	for (size_t i = 0; i < len; i++) {
		state = state * 1664525 + 1013904223;
		bytes[i] = (uint8_t)(state >> 24);
	}
}

MIG_TEST(crc64_published_check_value)
{
	MIG_ASSERT_UINT_EQ(mig_crc64(0, "123456789", 9), UINT64_C(0x995dc9bbdf1939fa));
	MIG_ASSERT_UINT_EQ(mig_crc64(0, "", 0), 0);
}

MIG_TEST(crc64_is_the_definition_at_all_lengths_and_alignments)
{
	uint8_t bytes[400];

	fill(bytes, sizeof(bytes));
	for (size_t start = 0; start < 8; start++)
		for (size_t len = 0; len + start <= sizeof(bytes); len++)
			MIG_ASSERT_UINT_EQ(mig_crc64(0, bytes + start, len),
					   crc64_by_definition(bytes + start, len));
}

/* Every entry of every slice: each byte value at each place of an eight-byte word. */
MIG_TEST(crc64_every_byte_at_every_place)
{
	for (size_t place = 0; place < 8; place++) {
		for (unsigned int value = 0; value < 256; value++) {
			uint8_t bytes[8] = {0};

			bytes[place] = (uint8_t)value;
			MIG_ASSERT_UINT_EQ(mig_crc64(0, bytes, 8), crc64_by_definition(bytes, 8));
		}
	}
}

MIG_TEST(crc64_in_parts_is_crc64_of_the_whole)
{
	uint8_t bytes[100];
	uint64_t whole;

	fill(bytes, sizeof(bytes));
	whole = mig_crc64(0, bytes, sizeof(bytes));
	for (size_t cut = 0; cut <= sizeof(bytes); cut++)
		MIG_ASSERT_UINT_EQ(mig_crc64(mig_crc64(0, bytes, cut), bytes + cut,
					     sizeof(bytes) - cut),
				   whole);
}

MIG_TEST(crc64_sees_each_flipped_bit)
{
	uint8_t bytes[64];
	uint64_t whole;

	fill(bytes, sizeof(bytes));
	whole = mig_crc64(0, bytes, sizeof(bytes));
	for (size_t bit = 0; bit < 8 * sizeof(bytes); bit++) {
		bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
		MIG_ASSERT(mig_crc64(0, bytes, sizeof(bytes)) != whole);
		bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
	}
}
