/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text helpers; the contract is in the header. Libc only: the simulated driver links this too.
 */
#include "shared/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "shared/macros.h"
#include "shared/utf8.h"

bool mig_text_copy(char *to, size_t to_size, const char *from)
{
	size_t len = strlen(from);
	size_t copied;

	if (to_size == 0)
		return false;
	copied = MIG_MIN(len, to_size - 1);
	memcpy(to, from, copied);
	to[copied] = '\0';
	return copied == len;
}

bool mig_text_format(char *to, size_t to_size, const char *fmt, ...)
{
	va_list args;
	int wanted;

	va_start(args, fmt);
	wanted = vsnprintf(to, to_size, fmt, args);
	va_end(args);
	if (wanted < 0 && to_size > 0)
		to[0] = '\0';
	return wanted >= 0 && (size_t)wanted < to_size;
}

/* C0, DEL, and C1 (U+0080 to U+009F: some terminals obey them as they obey ESC sequences). */
static bool is_control(const char *sequence, size_t len)
{
	unsigned char first = (unsigned char)sequence[0];

	if (len == 1)
		return first < 0x20 || first == 0x7f;
	return len == 2 && first == 0xc2 && (unsigned char)sequence[1] < 0xa0;
}

static int escape(struct mig_buf *buf, const char *text, const char *backslash)
{
	size_t left = strlen(text);

	while (left > 0) {
		size_t len = mig_utf8_length(text, left);

		if (len == 0 || is_control(text, len)) {
			len = MIG_MAX(len, (size_t)1);
			for (size_t i = 0; i < len; i++)
				mig_buf_printf(buf, "\\x%02x", (unsigned char)text[i]);
		} else if (text[0] == '\\') {
			mig_buf_puts(buf, backslash);
		} else {
			mig_buf_add(buf, text, len);
		}
		text += len;
		left -= len;
	}
	return mig_buf_failed(buf) ? -1 : 0;
}

int mig_text_escape_terminal(struct mig_buf *buf, const char *text)
{
	return escape(buf, text, "\\\\");
}

int mig_text_escape_message(struct mig_buf *buf, const char *text)
{
	return escape(buf, text, "\\");
}

void mig_text_quote_shell(struct mig_buf *out, const char *word)
{
	if (word[0] != '\0' &&
	    word[strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
			      "_./+-=,:@")] == '\0') {
		mig_buf_puts(out, word);
		return;
	}
	mig_buf_putc(out, '\'');
	for (; *word != '\0'; word++) {
		if (*word == '\'')
			mig_buf_puts(out, "'\\''");
		else
			mig_buf_putc(out, *word);
	}
	mig_buf_putc(out, '\'');
}
