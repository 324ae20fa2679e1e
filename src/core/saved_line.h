/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lines of core's own files (journal, history): "CRC64 WORD key=value …", one fact a line.
 *
 * A line is believed only if its checksum is right and it ends in a newline, so that one cut short
 * by a crash is noticed. Values are escaped (%XX), so that any text is one word. Must not know what
 * the words mean.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shared/buf.h"

#define MIG_LINE_FIELDS_MAX 24
#define MIG_LINE_MAX	    4096 /* bytes, with the newline */

/* Writing: begin, fields, end. Each appends to `out`; errors are the buffer's. */
struct mig_line_writer {
	struct mig_buf *out;
	size_t begin; /* of the line in out */
};

void mig_line_begin(struct mig_line_writer *w, struct mig_buf *out, const char *word);
void mig_line_text(struct mig_line_writer *w, const char *key, const char *value);
void mig_line_uint(struct mig_line_writer *w, const char *key, uint64_t value);
void mig_line_end(struct mig_line_writer *w);

/* One line taken apart; the strings lie in `text`. */
struct mig_line {
	char text[MIG_LINE_MAX];
	const char *word;
	unsigned int field_count;
	struct {
		const char *key;
		const char *value;
	} fields[MIG_LINE_FIELDS_MAX];
};

enum mig_line_found {
	MIG_LINE_WHOLE,	  /* *line is filled in, *used bytes belong to it */
	MIG_LINE_END,	  /* nothing more: the end, or the zero bytes of room kept free */
	MIG_LINE_TORN,	  /* no newline to the end of the bytes: never completed */
	MIG_LINE_DAMAGED, /* the checksum or the form is wrong */
};

/* Reads the line at `bytes`. */
enum mig_line_found mig_line_read(const char *bytes, size_t len, struct mig_line *line,
				  size_t *used);

/* The value of a field; NULL if the line has none. */
const char *mig_line_value(const struct mig_line *line, const char *key);
/* The value of a field as a number from 0 to max; -1 if it is missing or no such number. */
int mig_line_number(const struct mig_line *line, const char *key, uint64_t max, uint64_t *value);
/* The same for an unsigned int, and for a yes or no written as 1 or 0. */
int mig_line_u32(const struct mig_line *line, const char *key, unsigned int *value);
int mig_line_bool(const struct mig_line *line, const char *key, bool *value);
