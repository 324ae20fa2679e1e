/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one parser for numbers that come from outside: the full string, a range, no sign surprises.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "shared/macros.h"

/*
 * Parses decimal digits only (no sign, space, prefix; leading zeros are fine).
 * Returns 0 and sets *value, or -1 with errno EINVAL (not a number) or ERANGE (not in min…max).
 */
int mig_parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *value) MIG_MUST_CHECK;
int mig_parse_u32(const char *text, uint32_t min, uint32_t max, uint32_t *value) MIG_MUST_CHECK;

/* As mig_parse_u64 for text of `len` bytes that is not NUL-terminated. */
int mig_parse_u64_n(const char *text, size_t len, uint64_t min, uint64_t max,
		    uint64_t *value) MIG_MUST_CHECK;

/* Hexadecimal digits (upper or lower case), without prefix, whole string. */
int mig_parse_hex_u64(const char *text, uint64_t max, uint64_t *value) MIG_MUST_CHECK;
