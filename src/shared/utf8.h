/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recognises UTF-8 in foreign bytes, for the writers that must not hand on anything else.
 */
#pragma once

#include <stddef.h>

/*
 * Length in bytes (1 to 4) of the well-formed UTF-8 sequence that begins at bytes[0], or 0 if there
 * is none: len is 0, a stray or missing continuation, an overlong form, a surrogate, or a value
 * above U+10FFFF. Thread-safe, allocates nothing.
 */
size_t mig_utf8_length(const char *bytes, size_t len);
