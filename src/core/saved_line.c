/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of core's own files; see saved_line.h.
 */
#include "core/saved_line.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>

#include "shared/checksum.h"
#include "shared/number.h"
#include "shared/text.h"

#define CHECKSUM_DIGITS 16

void mig_line_begin(struct mig_line_writer *w, struct mig_buf *out, const char *word)
{
	w->out = out;
	w->begin = out->len;
	/* The place of the checksum, which is known at the end. */
	mig_buf_printf(out, "%0*d %s", CHECKSUM_DIGITS, 0, word);
}

void mig_line_text(struct mig_line_writer *w, const char *key, const char *value)
{
	mig_buf_printf(w->out, " %s=", key);
	for (const char *c = value; *c != '\0'; c++) {
		if ((unsigned char)*c <= ' ' || *c == '%' || (unsigned char)*c == 0x7f)
			mig_buf_printf(w->out, "%%%02x", (unsigned int)(unsigned char)*c);
		else
			mig_buf_putc(w->out, *c);
	}
}

void mig_line_uint(struct mig_line_writer *w, const char *key, uint64_t value)
{
	mig_buf_printf(w->out, " %s=%llu", key, (unsigned long long)value);
}

static void put_checksum(const char *bytes, size_t len, char digits[CHECKSUM_DIGITS + 1])
{
	mig_text_format(digits, CHECKSUM_DIGITS + 1, "%016llx",
			(unsigned long long)mig_crc64(0, bytes, len));
}

void mig_line_end(struct mig_line_writer *w)
{
	char digits[CHECKSUM_DIGITS + 1];
	const size_t head = w->begin + CHECKSUM_DIGITS + 1;

	if (mig_buf_failed(w->out))
		return;
	/* A line that no reader would take is a failure now and not later. */
	if (w->out->len - w->begin + 1 > MIG_LINE_MAX - 1) {
		w->out->failed = true;
		return;
	}
	put_checksum(w->out->data + head, w->out->len - head, digits);
	memcpy(w->out->data + w->begin, digits, CHECKSUM_DIGITS);
	mig_buf_putc(w->out, '\n');
}

static bool unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from != '\0'; from++) {
		char digits[3];
		uint64_t value;

		if (*from != '%') {
			*to++ = *from;
			continue;
		}
		if (!isxdigit((unsigned char)from[1]) || !isxdigit((unsigned char)from[2]))
			return false;
		digits[0] = from[1];
		digits[1] = from[2];
		digits[2] = '\0';
		if (mig_parse_hex_u64(digits, UCHAR_MAX, &value) < 0 || value == 0)
			return false;
		*to++ = (char)value;
		from += 2;
	}
	*to = '\0';
	return true;
}

/* "WORD key=value key=value", in line->text behind the checksum. */
static bool take_apart(struct mig_line *line)
{
	char *at = line->text + CHECKSUM_DIGITS + 1;

	line->field_count = 0;
	line->word = at;
	for (at = strchr(at, ' '); at != NULL;) {
		char *next, *equals;

		*at++ = '\0';
		next = strchr(at, ' ');
		equals = strchr(at, '=');
		if (equals == NULL || (next != NULL && equals > next) ||
		    line->field_count == MIG_LINE_FIELDS_MAX)
			return false;
		*equals = '\0';
		line->fields[line->field_count].key = at;
		line->fields[line->field_count].value = equals + 1;
		line->field_count++;
		at = next;
	}
	for (unsigned int i = 0; i < line->field_count; i++) {
		if (!unescape((char *)line->fields[i].value))
			return false;
	}
	return true;
}

enum mig_line_found mig_line_read(const char *bytes, size_t len, struct mig_line *line,
				  size_t *used)
{
	const char *newline = memchr(bytes, '\n', len);
	char digits[CHECKSUM_DIGITS + 1];
	size_t length;

	if (len == 0 || bytes[0] == '\0')
		return MIG_LINE_END;
	if (newline == NULL || memchr(bytes, '\0', (size_t)(newline - bytes)) != NULL)
		return MIG_LINE_TORN;
	length = (size_t)(newline - bytes);
	if (length >= sizeof(line->text) || length <= CHECKSUM_DIGITS + 1 ||
	    bytes[CHECKSUM_DIGITS] != ' ')
		return MIG_LINE_DAMAGED;
	put_checksum(bytes + CHECKSUM_DIGITS + 1, length - CHECKSUM_DIGITS - 1, digits);
	if (memcmp(digits, bytes, CHECKSUM_DIGITS) != 0)
		return MIG_LINE_DAMAGED;
	memcpy(line->text, bytes, length);
	line->text[length] = '\0';
	*used = length + 1;
	return take_apart(line) ? MIG_LINE_WHOLE : MIG_LINE_DAMAGED;
}

const char *mig_line_value(const struct mig_line *line, const char *key)
{
	for (unsigned int i = 0; i < line->field_count; i++) {
		if (strcmp(line->fields[i].key, key) == 0)
			return line->fields[i].value;
	}
	return NULL;
}

int mig_line_number(const struct mig_line *line, const char *key, uint64_t max, uint64_t *value)
{
	const char *text = mig_line_value(line, key);

	return text != NULL ? mig_parse_u64(text, 0, max, value) : -1;
}

int mig_line_u32(const struct mig_line *line, const char *key, unsigned int *value)
{
	uint64_t wide;

	if (mig_line_number(line, key, UINT_MAX, &wide) < 0)
		return -1;
	*value = (unsigned int)wide;
	return 0;
}

int mig_line_bool(const struct mig_line *line, const char *key, bool *value)
{
	uint64_t number;

	if (mig_line_number(line, key, 1, &number) < 0)
		return -1;
	*value = number == 1;
	return 0;
}
