/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What commands share for printing: columns, JSON on stdout, and where migctl itself lies.
 * Knows no command.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "shared/buf.h"
#include "shared/error.h"
#include "shared/json_writer.h"

/* Rows of text in columns as wide as they need to be. Zero-initialised by the caller; _clear frees.
 * Running out of memory ends the process with a message, as commands may. */
struct mig_columns {
	char **cells; /* row by row; NULL: the cell before it reaches over this one */
	size_t cell_count;
	size_t allocated;
	size_t width; /* columns */
};

void mig_columns_begin(struct mig_columns *columns, size_t width);
/* Adds the next cell, escaped for a terminal. NULL: the cell before it reaches over this one and
 * does not widen its column. */
void mig_columns_add(struct mig_columns *columns, const char *text);
void mig_columns_addf(struct mig_columns *columns, const char *fmt, ...) MIG_PRINTF(2, 3);
/* Prints to stdout with two spaces between columns and none at the end of a line. */
void mig_columns_print(const struct mig_columns *columns);
void mig_columns_clear(struct mig_columns *columns);

#define _cleanup_columns_ _cleanup_(mig_columns_clear)

/* Words after each other on lines of at most 79 columns, each line after `indent` spaces. */
void mig_print_wrapped(const char *text, unsigned int indent);

/*
 * The same into a buffer, at most `width` columns: the first line after `first` spaces, the others
 * after `rest`. Spaces and line breaks are where it may be broken. Ends with a newline. A word that is longer has a line of its own.
 */
void mig_output_wrap(struct mig_buf *out, const char *text, unsigned int first, unsigned int rest,
		     unsigned int width);

/* Most bytes that a JSON document of a command can have. */
#define MIG_OUTPUT_JSON_MAX ((size_t)64 << 20)

/* Finishes a document and prints it to stdout. Returns 0 or -1 with *err. */
int mig_output_json(struct mig_json *json, struct mig_buf *text,
		    struct mig_error **err) MIG_MUST_CHECK;

/*
 * For commands that change something: whether what was printed so far has been written, and more
 * can be. Sends what is pending. Returns 0, or -1 with *err (IO).
 */
int mig_output_check(struct mig_error **err) MIG_MUST_CHECK;

/* The directory of the running program. *dir is newly allocated. */
int mig_output_exe_dir(char **dir, struct mig_error **err) MIG_MUST_CHECK;
