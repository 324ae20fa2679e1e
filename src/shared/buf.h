/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Growing text or bytes with a maximum size that is set when the buffer is made.
 *
 * Errors are sticky: once an append failed (out of memory, over the maximum) all later ones do
 * nothing and mig_buf_failed() says so, so that callers may check once at the end. An append happens
 * completely or not at all; it returns 0, or -1 with errno EFBIG (over the maximum) or ENOMEM when
 * it is the one that fails. The content is always followed by a NUL byte that is not counted.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "shared/macros.h"

struct mig_buf {
	char *data; /* NULL until the first append */
	size_t len;
	size_t allocated;
	size_t max;
	bool failed;
};

#define MIG_BUF_INIT(max_bytes) ((struct mig_buf){.max = (max_bytes)})

void mig_buf_init(struct mig_buf *buf, size_t max);
void mig_buf_clear(struct mig_buf *buf); /* frees; the buffer can be used again */
void mig_buf_reset(struct mig_buf *buf); /* empties, keeps the memory, clears the failure */
int mig_buf_add(struct mig_buf *buf, const void *bytes, size_t len);
int mig_buf_puts(struct mig_buf *buf, const char *text);
int mig_buf_putc(struct mig_buf *buf, char c);
int mig_buf_printf(struct mig_buf *buf, const char *fmt, ...) MIG_PRINTF(2, 3);
int mig_buf_vprintf(struct mig_buf *buf, const char *fmt, va_list args) MIG_PRINTF(2, 0);
bool mig_buf_failed(const struct mig_buf *buf);
const char *mig_buf_text(const struct mig_buf *buf); /* never NULL; "" when empty */
char *mig_buf_steal(struct mig_buf *buf); /* the caller frees; NULL if failed or out of memory */

#define _cleanup_buf_ _cleanup_(mig_buf_clear)

/*
 * Grows *array (elements of element_size bytes) so that it can hold `wanted` of them; *allocated
 * counts elements. Multiplication is checked for overflow; new elements are not initialised.
 * Returns 0, or -1 with errno ENOMEM and nothing changed.
 */
int mig_array_reserve(void *array_ptr, size_t *allocated, size_t wanted,
		      size_t element_size) MIG_MUST_CHECK;
