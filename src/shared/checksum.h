/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CRC-64 (ECMA-182, reflected: CRC-64/XZ) over stored state, to notice damage; not for security.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Continues a checksum; start with crc = 0. Thread-safe, allocates nothing. */
uint64_t mig_crc64(uint64_t crc, const void *bytes, size_t len);
