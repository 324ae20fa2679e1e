/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The number parser; the contract is in the header. Libc only, no locale, no allocation,
 * thread-safe: the simulated driver links this too.
 */
#include "shared/number.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define NOT_A_DIGIT 255U

static unsigned int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned int)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned int)(c - 'a') + 10;
	if (c >= 'A' && c <= 'F')
		return (unsigned int)(c - 'A') + 10;
	return NOT_A_DIGIT;
}

static int parse(const char *text, size_t len, unsigned int base, uint64_t min, uint64_t max,
		 uint64_t *value)
{
	bool overflow = false;
	uint64_t result = 0;

	if (!text || len == 0) {
		errno = EINVAL;
		return -1;
	}
	/* All bytes are looked at, so that "99999999999999999999x" is not a number, not a big one. */
	for (size_t i = 0; i < len; i++) {
		unsigned int digit = digit_value(text[i]);

		if (digit >= base) {
			errno = EINVAL;
			return -1;
		}
		if (__builtin_mul_overflow(result, base, &result) ||
		    __builtin_add_overflow(result, digit, &result))
			overflow = true;
	}
	if (overflow || result < min || result > max) {
		errno = ERANGE;
		return -1;
	}
	*value = result;
	return 0;
}

int mig_parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *value)
{
	return parse(text, text ? strlen(text) : 0, 10, min, max, value);
}

int mig_parse_u32(const char *text, uint32_t min, uint32_t max, uint32_t *value)
{
	uint64_t wide;

	if (mig_parse_u64(text, min, max, &wide))
		return -1;
	*value = (uint32_t)wide;
	return 0;
}

int mig_parse_u64_n(const char *text, size_t len, uint64_t min, uint64_t max, uint64_t *value)
{
	return parse(text, len, 10, min, max, value);
}

int mig_parse_hex_u64(const char *text, uint64_t max, uint64_t *value)
{
	return parse(text, text ? strlen(text) : 0, 16, 0, max, value);
}
