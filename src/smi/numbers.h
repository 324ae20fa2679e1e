/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers as the original's C library reads them: white space and a sign in front, too large is the
 * largest, what is behind is the caller's matter. (Elsewhere shared/number.h is strict; here being
 * lenient in the same way is the contract.)
 */
#pragma once

#include <stdbool.h>

/* Decimal, cut to 32 bits; *end is behind the digits, or `text` when there are none. */
unsigned int mig_smi_scan_unsigned(const char *text, const char **end);

/* A whole word: decimal, 0x…, 0… octal, with a sign; false if it is none or no int. */
bool mig_smi_read_int(const char *text, int *value);
