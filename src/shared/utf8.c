/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UTF-8 recognition; the contract is in the header. Libc only, no locale.
 */
#include "shared/utf8.h"

#include <stdint.h>

#include "shared/macros.h"

/*
 * Well-formed sequences by first byte (The Unicode Standard, table 3-7). The limits of the second
 * byte exclude overlong forms, surrogates and values above U+10FFFF; later bytes are 80..BF.
 */
static const struct {
	uint8_t first_min, first_max;
	uint8_t second_min, second_max;
	uint8_t length;
} sequences[] = {
	{0x00, 0x7f, 0x00, 0x00, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
	{0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
	{0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
};

size_t mig_utf8_length(const char *bytes, size_t len)
{
	const uint8_t *p = (const uint8_t *)bytes;

	if (len == 0)
		return 0;
	for (size_t i = 0; i < MIG_ARRAY_SIZE(sequences); i++) {
		if (p[0] < sequences[i].first_min || p[0] > sequences[i].first_max)
			continue;
		if (sequences[i].length > len)
			return 0;
		if (sequences[i].length > 1 &&
		    (p[1] < sequences[i].second_min || p[1] > sequences[i].second_max))
			return 0;
		for (size_t k = 2; k < sequences[i].length; k++)
			if (p[k] < 0x80 || p[k] > 0xbf)
				return 0;
		return sequences[i].length;
	}
	return 0;
}
