/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-1 (FIPS 180-4), for identifiers that are defined by it (RFC 4122 version 5 UUIDs, the MIG
 * device UUIDs of the driver). Not for security.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define MIG_SHA1_SIZE 20

/* Digest of one message. Thread-safe, allocates nothing. */
void mig_sha1(const void *message, size_t len, uint8_t digest[MIG_SHA1_SIZE]);

/* Space for "8-4-4-4-12" and the NUL. */
#define MIG_UUID_TEXT_SIZE 37

/* Makes the first 16 bytes of a digest a version 5 UUID (version nibble, variant bits) in text. */
void mig_uuid5_text(const uint8_t digest[MIG_SHA1_SIZE], char text[MIG_UUID_TEXT_SIZE]);
