/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unit tests of SHA-1 and of version 5 UUIDs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/macros.h"
#include "shared/sha1.h"
#include "tests/harness/test.h"

static void assert_digest(const void *message, size_t len, const char *want)
{
	char got[2 * MIG_SHA1_SIZE + 1];
	uint8_t digest[MIG_SHA1_SIZE];

	mig_sha1(message, len, digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(got + 2 * i, 3, "%02x", digest[i]);
	MIG_ASSERT_STR_EQ(got, want);
}

/* The examples that NIST publishes with FIPS 180. */
MIG_TEST(sha1_published_examples)
{
	static const char two_blocks[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
	_cleanup_free_ char *million = malloc(1000000);

	MIG_ASSERT(million);
	memset(million, 'a', 1000000);
	assert_digest("", 0, "da39a3ee5e6b4b0d3255bfef95601890afd80709");
	assert_digest("abc", 3, "a9993e364706816aba3e25717850c26c9cd0d89d");
	assert_digest(two_blocks, strlen(two_blocks), "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
	assert_digest(million, 1000000, "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
}

/* Bytes 0, 1, 2, ... modulo 251, of lengths around the block; computed with Python's hashlib. */
MIG_TEST(sha1_at_block_borders)
{
	static const struct {
		size_t len;
		const char *digest;
	} cases[] = {
		{0, "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
		{1, "5ba93c9db0cff93f52b521d7420e43f6eda2784f"},
		{54, "cfae6d86a767b9c700b5081a54265fb2fe0f6fd9"},
		{55, "8ae2d46729cfe68ff927af5eec9c7d1b66d65ac2"},
		{56, "636e2ec698dac903498e648bd2f3af641d3c88cb"},
		{57, "7cb1330f35244b57437539253304ea78a6b7c443"},
		{63, "6d942da0c4392b123528f2905c713a3ce28364bd"},
		{64, "c6138d514ffa2135bfce0ed0b8fac65669917ec7"},
		{65, "69bd728ad6e13cd76ff19751fde427b00e395746"},
		{119, "41c89d06001bab4ab78736b44efe7ce18ce6ae08"},
		{120, "d3dbd653bd8597b7475321b60a36891278e6a04a"},
		{127, "89d7312a903f65cd2b3e34a975e55dbea9033353"},
		{128, "e6434bc401f98603d7eda504790c98c67385d535"},
		{129, "3352e41cc30b40ae80108970492b21014049e625"},
	};
	uint8_t message[129];

	for (size_t i = 0; i < sizeof(message); i++)
		message[i] = (uint8_t)(i % 251);
	for (size_t i = 0; i < MIG_ARRAY_SIZE(cases); i++)
		assert_digest(message, cases[i].len, cases[i].digest);
}

MIG_TEST(sha1_of_nothing_at_all)
{
	assert_digest(NULL, 0, "da39a3ee5e6b4b0d3255bfef95601890afd80709");
}

/* "python.org" in the DNS name space: the example of Python's documentation of uuid5. */
MIG_TEST(uuid5_published_example)
{
	static const uint8_t message[] =
		"\x6b\xa7\xb8\x10\x9d\xad\x11\xd1\x80\xb4\x00\xc0\x4f\xd4\x30\xc8"
		"python.org";
	uint8_t digest[MIG_SHA1_SIZE];
	char text[MIG_UUID_TEXT_SIZE];

	mig_sha1(message, sizeof(message) - 1, digest);
	mig_uuid5_text(digest, text);
	MIG_ASSERT_STR_EQ(text, "886313e1-3b8a-5372-9b90-0c9aee199e5d");
}

MIG_TEST(uuid5_sets_version_and_variant_whatever_was_there)
{
	uint8_t digest[MIG_SHA1_SIZE];
	char text[MIG_UUID_TEXT_SIZE];

	memset(digest, 0xff, sizeof(digest));
	mig_uuid5_text(digest, text);
	MIG_ASSERT_STR_EQ(text, "ffffffff-ffff-5fff-bfff-ffffffffffff");
	memset(digest, 0, sizeof(digest));
	mig_uuid5_text(digest, text);
	MIG_ASSERT_STR_EQ(text, "00000000-0000-5000-8000-000000000000");
}
