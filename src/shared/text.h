/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text helpers: fixed-size copies that say when they cut, and escaping of foreign text.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "shared/buf.h"

/* Copies into a fixed array, always NUL-terminated. Returns false if it did not fit (and is cut). */
bool mig_text_copy(char *to, size_t to_size, const char *from);

/* printf into a fixed array, always NUL-terminated; false if it was cut. */
bool mig_text_format(char *to, size_t to_size, const char *fmt, ...) MIG_PRINTF(3, 4);

/*
 * Appends foreign text (process names, labels, file content) for a terminal: control characters and
 * bytes that are not UTF-8 become \xNN, a backslash becomes \\.
 */
int mig_text_escape_terminal(struct mig_buf *buf, const char *text);

/*
 * The same for a whole message, in which foreign text may be escaped already: backslashes stay as
 * they are.
 */
int mig_text_escape_message(struct mig_buf *buf, const char *text);

/* Adds a word as a shell reads it: in single quotes, unless it needs none. */
void mig_text_quote_shell(struct mig_buf *out, const char *word);
