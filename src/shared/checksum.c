/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CRC-64/XZ, eight bytes at a time ("slicing by 8"). Libc only: the simulated driver links this
 * too.
 *
 * table[k][i] is the remainder of byte i followed by k zero bytes. Remainders add up: the entry of
 * a byte is the exclusive or of the entries of its bits, so eight constants make the 256 entries of
 * a slice at compile time and nothing has to be initialised at run time. Of all 64 constants the
 * first is the reflected polynomial 0xc96c5795d7870f42 (bit 7 of slice 0; then bit 6, ...), and each
 * next one is the one before shifted right by one bit, with the polynomial added if a 1 fell out.
 */
#include "shared/checksum.h"

#include <endian.h>
#include <string.h>

#define BIT(i, n, value) (((i) >> (n)) & 1 ? UINT64_C(value) : 0)
#define ENTRY(i, b0, b1, b2, b3, b4, b5, b6, b7)                                         \
	(BIT(i, 0, b0) ^ BIT(i, 1, b1) ^ BIT(i, 2, b2) ^ BIT(i, 3, b3) ^ BIT(i, 4, b4) ^ \
	 BIT(i, 5, b5) ^ BIT(i, 6, b6) ^ BIT(i, 7, b7))
#define ENTRIES_4(i, ...)                                                                  \
	ENTRY((i), __VA_ARGS__), ENTRY((i) + 1, __VA_ARGS__), ENTRY((i) + 2, __VA_ARGS__), \
		ENTRY((i) + 3, __VA_ARGS__)
#define ENTRIES_16(i, ...)                                            \
	ENTRIES_4((i), __VA_ARGS__), ENTRIES_4((i) + 4, __VA_ARGS__), \
		ENTRIES_4((i) + 8, __VA_ARGS__), ENTRIES_4((i) + 12, __VA_ARGS__)
#define ENTRIES_64(i, ...)                                               \
	ENTRIES_16((i), __VA_ARGS__), ENTRIES_16((i) + 16, __VA_ARGS__), \
		ENTRIES_16((i) + 32, __VA_ARGS__), ENTRIES_16((i) + 48, __VA_ARGS__)

/* The constants of bit 0 (the least significant) to bit 7. */
#define SLICE(...)                                                                 \
	{                                                                          \
		ENTRIES_64(0, __VA_ARGS__), ENTRIES_64(64, __VA_ARGS__),           \
			ENTRIES_64(128, __VA_ARGS__), ENTRIES_64(192, __VA_ARGS__) \
	}

static const uint64_t table[8][256] = {
	SLICE(0xb32e4cbe03a75f6f, 0xf4843657a840a05b, 0x7bd0c384ff8f5e33, 0xf7a18709ff1ebc66,
	      0x7d9ba13851336649, 0xfb374270a266cc92, 0x64b62bcaebc387a1, 0xc96c5795d7870f42),
	SLICE(0x54e979925cd0f10d, 0xa9d2f324b9a1e21a, 0xc17d4962dc4ddab1, 0x10223dee1795abe7,
	      0x20447bdc2f2b57ce, 0x4088f7b85e56af9c, 0x8111ef70bcad5f38, 0x90fb71cad654a0f5),
	SLICE(0x3f0be14a916a6dcb, 0x7e17c29522d4db96, 0xfc2f852a45a9b72c, 0x6a87a57f245d70dd,
	      0xd50f4afe48bae1ba, 0x38c63ad73e7bddf1, 0x718c75ae7cf7bbe2, 0xe318eb5cf9ef77c4),
	SLICE(0x1dee8a5e222ca1dc, 0x3bdd14bc445943b8, 0x77ba297888b28770, 0xef7452f111650ee0,
	      0x4c300ac98dc40345, 0x986015931b88068a, 0xa218840d981e1391, 0xd6e9a7309f3239a7),
	SLICE(0x5c2d776033c4205e, 0xb85aeec0678840bc, 0xe26d72ab601e9ffd, 0x56024a7d6f33217f,
	      0xac0494fade6642fe, 0xcad186de13c29b79, 0x077ba297888b2877, 0x0ef7452f111650ee),
	SLICE(0x6184d55f721267c6, 0xc309aabee424cf8c, 0x14cbfa566747819d, 0x2997f4acce8f033a,
	      0x532fe9599d1e0674, 0xa65fd2b33a3c0ce8, 0xde670a4ddb760755, 0x2e16bbb019e2102f),
	SLICE(0x22ef0d5934f964ec, 0x45de1ab269f2c9d8, 0x8bbc3564d3e593b0, 0x85a0c5e208c539e5,
	      0x999924efbe846d4f, 0xa1eae6f4d206c41b, 0xd10d62c20b0396b3, 0x30c26aafb90933e3),
	SLICE(0xdabe95afc7875f40, 0x27a584742000a005, 0x4f4b08e84001400a, 0x9e9611d080028014,
	      0xaff48c8aaf0b1ead, 0xcd31b63ef11823df, 0x08bbc3564d3e593b, 0x117786ac9a7cb276),
};

static uint64_t load_le64(const unsigned char *bytes)
{
	uint64_t value;

	memcpy(&value, bytes, sizeof(value));
	return le64toh(value);
}

uint64_t mig_crc64(uint64_t crc, const void *bytes, size_t len)
{
	const unsigned char *next = bytes;

	crc = ~crc;
	for (; len >= 8; len -= 8, next += 8) {
		uint64_t x = crc ^ load_le64(next);

		crc = table[7][x & 0xff] ^ table[6][(x >> 8) & 0xff] ^ table[5][(x >> 16) & 0xff] ^
		      table[4][(x >> 24) & 0xff] ^ table[3][(x >> 32) & 0xff] ^
		      table[2][(x >> 40) & 0xff] ^ table[1][(x >> 48) & 0xff] ^ table[0][x >> 56];
	}
	for (; len > 0; len--, next++)
		crc = table[0][(crc ^ *next) & 0xff] ^ (crc >> 8);
	return ~crc;
}
