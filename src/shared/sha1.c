/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-1 as FIPS 180-4 section 6.1 describes it; names follow that text. Libc only: the simulated
 * driver links this too.
 */
#include "shared/sha1.h"

#include <string.h>

#define BLOCK_SIZE  64
#define LENGTH_SIZE 8 /* the message length in bits at the end of the last block */

static uint32_t rotate_left(uint32_t x, unsigned int bits)
{
	return (x << bits) | (x >> (32 - bits));
}

static void store_be32(uint8_t *to, uint32_t value)
{
	to[0] = (uint8_t)(value >> 24);
	to[1] = (uint8_t)(value >> 16);
	to[2] = (uint8_t)(value >> 8);
	to[3] = (uint8_t)value;
}

static void expand_block(const uint8_t block[BLOCK_SIZE], uint32_t w[80])
{
	for (unsigned int t = 0; t < 16; t++)
		w[t] = (uint32_t)block[4 * t] << 24 | (uint32_t)block[4 * t + 1] << 16 |
		       (uint32_t)block[4 * t + 2] << 8 | (uint32_t)block[4 * t + 3];
	for (unsigned int t = 16; t < 80; t++)
		w[t] = rotate_left(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
}

static void process_block(uint32_t h[5], const uint8_t block[BLOCK_SIZE])
{
	static const uint32_t k[4] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
	uint32_t a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
	uint32_t w[80];

	expand_block(block, w);
	for (unsigned int t = 0; t < 80; t++) {
		uint32_t f, next;

		if (t < 20)
			f = (b & c) ^ (~b & d);
		else if (t < 40 || t >= 60)
			f = b ^ c ^ d;
		else
			f = (b & c) ^ (b & d) ^ (c & d);
		next = rotate_left(a, 5) + f + e + k[t / 20] + w[t];
		e = d;
		d = c;
		c = rotate_left(b, 30);
		b = a;
		a = next;
	}
	h[0] += a;
	h[1] += b;
	h[2] += c;
	h[3] += d;
	h[4] += e;
}

/* The rest of the message (less than a block), the mark, zeros and the length. */
static void process_tail(uint32_t h[5], const uint8_t *rest, size_t rest_len, uint64_t message_len)
{
	uint8_t tail[2 * BLOCK_SIZE] = {0};
	size_t tail_len = rest_len + 1 + LENGTH_SIZE <= BLOCK_SIZE ? BLOCK_SIZE : 2 * BLOCK_SIZE;
	uint64_t bits = message_len * 8;

	if (rest_len)
		memcpy(tail, rest, rest_len);
	tail[rest_len] = 0x80;
	store_be32(tail + tail_len - 8, (uint32_t)(bits >> 32));
	store_be32(tail + tail_len - 4, (uint32_t)bits);
	for (size_t at = 0; at < tail_len; at += BLOCK_SIZE)
		process_block(h, tail + at);
}

void mig_sha1(const void *message, size_t len, uint8_t digest[MIG_SHA1_SIZE])
{
	uint32_t h[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
	const uint8_t *bytes = message;
	size_t whole = len - len % BLOCK_SIZE;

	for (size_t at = 0; at < whole; at += BLOCK_SIZE)
		process_block(h, bytes + at);
	process_tail(h, whole < len ? bytes + whole : NULL, len - whole, len);
	for (unsigned int i = 0; i < 5; i++)
		store_be32(digest + 4 * i, h[i]);
}

void mig_uuid5_text(const uint8_t digest[MIG_SHA1_SIZE], char text[MIG_UUID_TEXT_SIZE])
{
	static const char hex[] = "0123456789abcdef";
	uint8_t bytes[16];
	char *to = text;

	memcpy(bytes, digest, sizeof(bytes));
	bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x50);
	bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
	for (size_t i = 0; i < sizeof(bytes); i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*to++ = '-';
		*to++ = hex[bytes[i] >> 4];
		*to++ = hex[bytes[i] & 0x0f];
	}
	*to = '\0';
}
