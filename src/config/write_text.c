/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names in order and in quotation marks; see write_text.h.
 */
#include "config/write_text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "shared/number.h"
#include "shared/utf8.h"

/* ---- quotation marks -------------------------------------------------------------------------- */

static unsigned int code_point(const char *bytes, size_t len)
{
	static const unsigned char first_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	unsigned int value = (unsigned char)bytes[0] & first_bits[len];

	for (size_t i = 1; i < len; i++)
		value = value << 6 | ((unsigned char)bytes[i] & 0x3f);
	return value;
}

/* What one of the readers takes only as an escape: control characters, marks in HTML for the sake of
 * Go's encoder, line and paragraph ends, byte order marks. */
static bool is_escaped(unsigned int c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == '<' || c == '>' || c == '&' ||
	       c == 0x2028 || c == 0x2029 || c == 0xfeff || c == 0xfffe || c == 0xffff;
}

void mig_write_quoted(struct mig_buf *out, const char *text)
{
	size_t left = strlen(text);

	mig_buf_putc(out, '"');
	while (left > 0) {
		size_t len = mig_utf8_length(text, left);
		unsigned int c = len == 0 ? 0xfffd : code_point(text, len);

		if (c == '"' || c == '\\')
			mig_buf_printf(out, "\\%c", (char)c);
		else if (len == 0 || is_escaped(c))
			mig_buf_printf(out, "\\u%04x", c);
		else
			mig_buf_add(out, text, len);
		text += MIG_MAX(len, (size_t)1);
		left -= MIG_MAX(len, (size_t)1);
	}
	mig_buf_putc(out, '"');
}

/* A name of letters, digits and a few marks that is no boolean, null or number. */
static bool is_plain(const char *text)
{
	static const char *const words[] = {"y",     "n",  "yes", "no",	 "true",
					    "false", "on", "off", "null"};
	size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				  "._+-@");

	if (len == 0 || text[len] != '\0')
		return false;
	for (size_t i = 0; i < MIG_ARRAY_SIZE(words); i++) {
		if (strcasecmp(text, words[i]) == 0)
			return false;
	}
	if (isalpha((unsigned char)text[0]))
		return true;
	/* "3g.20gb" and the like; not 0x1f, 1e3 or 2001-01-01. */
	return isdigit((unsigned char)text[0]) && strpbrk(text, "gG") != NULL;
}

void mig_write_yaml_text(struct mig_buf *out, const char *text)
{
	if (is_plain(text))
		mig_buf_puts(out, text);
	else
		mig_write_quoted(out, text);
}

/* ---- order ------------------------------------------------------------------------------------ */

/* The digits around text[at], as a number; those beyond 18 are not worth a thought. */
static uint64_t number_around(const char *text, size_t at)
{
	uint64_t value = 0;
	size_t start = at, len;

	while (start > 0 && isdigit((unsigned char)text[start - 1]))
		start--;
	len = strspn(text + start, "0123456789");
	if (mig_parse_u64_n(text + start, MIG_MIN(len, (size_t)18), 0, UINT64_MAX, &value) < 0)
		return 0;
	return value;
}

int mig_write_compare_natural(const char *a, const char *b)
{
	size_t at = 0;
	bool a_is_letter, b_is_letter;
	uint64_t x, y;

	while (a[at] == b[at] && a[at] != '\0')
		at++;
	if (a[at] == '\0' || b[at] == '\0')
		return (a[at] != '\0') - (b[at] != '\0');
	a_is_letter = isalpha((unsigned char)a[at]);
	b_is_letter = isalpha((unsigned char)b[at]);
	if (a_is_letter != b_is_letter) {
		/* After a digit the number that ends here is the smaller one. */
		bool is_after_digit = at > 0 && isdigit((unsigned char)a[at - 1]);

		return a_is_letter == is_after_digit ? -1 : 1;
	}
	if (!a_is_letter && (isdigit((unsigned char)a[at]) || isdigit((unsigned char)b[at]))) {
		x = number_around(a, at);
		y = number_around(b, at);
		if (x != y)
			return x < y ? -1 : 1;
	}
	return (unsigned char)a[at] < (unsigned char)b[at] ? -1 : 1;
}

struct ordering {
	int (*compare)(const char *, const char *);
};

static int compare_labels(const void *a, const void *b, void *ordering)
{
	const struct mig_config_label *const *x = a;
	const struct mig_config_label *const *y = b;
	int order = ((const struct ordering *)ordering)->compare((*x)->name, (*y)->name);

	return order != 0 ? order : (*x > *y) - (*x < *y);
}

const struct mig_config_label **mig_write_labels(const struct mig_config *config,
						 int (*compare)(const char *, const char *),
						 size_t *count)
{
	const struct mig_config_label **labels = calloc(config->label_count + 1, sizeof(*labels));
	struct ordering ordering = {compare};
	size_t kept = 0;

	if (labels == NULL)
		return NULL;
	for (size_t i = 0; i < config->label_count; i++)
		labels[i] = &config->labels[i];
	qsort_r(labels, config->label_count, sizeof(*labels), compare_labels, &ordering);
	for (size_t i = 0; i < config->label_count; i++) {
		if (i + 1 == config->label_count ||
		    strcmp(labels[i]->name, labels[i + 1]->name) != 0)
			labels[kept++] = labels[i];
	}
	*count = kept;
	return labels;
}
