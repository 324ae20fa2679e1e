/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Growing buffers; the contract is in the header. Libc only: the simulated driver links this too.
 *
 * Invariants: data is NULL or holds len + 1 <= allocated bytes and a NUL at data[len]; len <= max.
 * An append happens completely or not at all.
 */
#include "shared/buf.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_ALLOCATION 64

void mig_buf_init(struct mig_buf *buf, size_t max)
{
	*buf = MIG_BUF_INIT(max);
}

void mig_buf_clear(struct mig_buf *buf)
{
	free(buf->data);
	mig_buf_init(buf, buf->max);
}

void mig_buf_reset(struct mig_buf *buf)
{
	buf->len = 0;
	buf->failed = false;
	if (buf->data)
		buf->data[0] = '\0';
}

static int fail(struct mig_buf *buf, int errnum)
{
	buf->failed = true;
	errno = errnum;
	return -1;
}

/* Makes room for `more` bytes and the NUL. */
static int grow(struct mig_buf *buf, size_t more)
{
	size_t needed;

	if (more > buf->max - buf->len || __builtin_add_overflow(buf->len, more, &needed) ||
	    __builtin_add_overflow(needed, 1, &needed))
		return fail(buf, EFBIG);
	if (needed <= buf->allocated)
		return 0;
	if (mig_array_reserve(&buf->data, &buf->allocated, MIG_MAX(needed, FIRST_ALLOCATION), 1))
		return fail(buf, ENOMEM);
	return 0;
}

int mig_buf_add(struct mig_buf *buf, const void *bytes, size_t len)
{
	if (buf->failed)
		return -1;
	if (grow(buf, len))
		return -1;
	if (len)
		memcpy(buf->data + buf->len, bytes, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
	return 0;
}

int mig_buf_puts(struct mig_buf *buf, const char *text)
{
	return mig_buf_add(buf, text, strlen(text));
}

int mig_buf_putc(struct mig_buf *buf, char c)
{
	return mig_buf_add(buf, &c, 1);
}

int mig_buf_printf(struct mig_buf *buf, const char *fmt, ...)
{
	va_list args;
	int ret;

	va_start(args, fmt);
	ret = mig_buf_vprintf(buf, fmt, args);
	va_end(args);
	return ret;
}

int mig_buf_vprintf(struct mig_buf *buf, const char *fmt, va_list args)
{
	size_t room = buf->allocated - buf->len;
	char *end = buf->data ? buf->data + buf->len : NULL;
	va_list again;
	int wanted;

	if (buf->failed)
		return -1;
	va_copy(again, args);
	wanted = vsnprintf(end, room, fmt, again);
	va_end(again);
	if (wanted < 0 || (size_t)wanted >= room || (size_t)wanted > buf->max - buf->len) {
		/* Too long for now: what was written of it must not be seen. */
		if (end)
			*end = '\0';
		if (wanted < 0)
			return fail(buf, errno);
		if (grow(buf, (size_t)wanted))
			return -1;
		vsnprintf(buf->data + buf->len, (size_t)wanted + 1, fmt, args);
	}
	buf->len += (size_t)wanted;
	return 0;
}

bool mig_buf_failed(const struct mig_buf *buf)
{
	return buf->failed;
}

const char *mig_buf_text(const struct mig_buf *buf)
{
	return buf->data ? buf->data : "";
}

char *mig_buf_steal(struct mig_buf *buf)
{
	char *text;

	/* An empty buffer still gives a string that the caller can free. */
	if (buf->failed || mig_buf_add(buf, "", 0))
		return NULL;
	text = buf->data;
	mig_buf_init(buf, buf->max);
	return text;
}

int mig_array_reserve(void *array_ptr, size_t *allocated, size_t wanted, size_t element_size)
{
	void *array, *moved;
	size_t count, bytes;

	if (wanted <= *allocated)
		return 0;
	/* Doubling keeps repeated appends linear; near the end of the address space, what is asked. */
	if (__builtin_mul_overflow(*allocated, 2, &count) || count < wanted)
		count = wanted;
	if (element_size == 0 || __builtin_mul_overflow(count, element_size, &bytes)) {
		errno = ENOMEM;
		return -1;
	}
	/* The caller's variable has its own pointer type; memcpy reads it without aliasing it. */
	memcpy(&array, array_ptr, sizeof(array));
	moved = realloc(array, bytes);
	if (!moved) {
		errno = ENOMEM;
		return -1;
	}
	memcpy(array_ptr, &moved, sizeof(moved));
	*allocated = count;
	return 0;
}
