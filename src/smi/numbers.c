/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lenient numbers; see numbers.h.
 */
#include "smi/numbers.h"

#include <ctype.h>
#include <limits.h>
#include <stdint.h>

#define DECIMAL 10

struct scanned {
	uint64_t magnitude; /* UINT64_MAX when too large */
	bool is_negative;
	bool is_too_large;
	const char *end;
};

static unsigned int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned int)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned int)(c - 'a') + DECIMAL;
	if (c >= 'A' && c <= 'F')
		return (unsigned int)(c - 'A') + DECIMAL;
	return UINT_MAX;
}

/* base 0: by the prefix */
static struct scanned scan(const char *text, unsigned int base)
{
	struct scanned out = {.end = text};
	const char *at = text;

	while (isspace((unsigned char)*at))
		at++;
	if (*at == '-' || *at == '+')
		out.is_negative = *at++ == '-';
	if (base == 0 && at[0] == '0' && (at[1] == 'x' || at[1] == 'X') && digit_of(at[2]) < 16) {
		base = 16;
		at += 2;
	} else if (base == 0) {
		base = *at == '0' ? 8 : DECIMAL;
	}
	for (; digit_of(*at) < base; at++) {
		uint64_t digit = digit_of(*at);

		if (out.magnitude > (UINT64_MAX - digit) / base)
			out.is_too_large = true;
		out.magnitude = out.is_too_large ? UINT64_MAX : out.magnitude * base + digit;
		out.end = at + 1;
	}
	return out;
}

unsigned int mig_smi_scan_unsigned(const char *text, const char **end)
{
	const struct scanned found = scan(text, DECIMAL);

	*end = found.end;
	if (found.is_negative && !found.is_too_large)
		return (unsigned int)(0 - found.magnitude);
	return (unsigned int)found.magnitude;
}

bool mig_smi_read_int(const char *text, int *value)
{
	const struct scanned found = scan(text, 0);
	const uint64_t max = (uint64_t)INT_MAX + found.is_negative;

	if (found.end == text || *found.end != '\0' || found.magnitude > max)
		return false;
	*value = (int)(found.is_negative ? 0 - (int64_t)found.magnitude : (int64_t)found.magnitude);
	return true;
}
