/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Printing for commands; the contract is in the header. Errors of stdout are noticed once, when
 * main() closes it.
 */
#include "cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/text.h"

#define CELL_MAX    16384
#define LINE_WIDTH  79
#define WRAPPED_MAX 65536

static void check_memory(bool ok)
{
	if (ok)
		return;
	fprintf(stderr, "migctl: out of memory\n");
	exit(MIG_EXIT_FAILED);
}

void mig_columns_begin(struct mig_columns *columns, size_t width)
{
	*columns = (struct mig_columns){.width = width};
}

void mig_columns_add(struct mig_columns *columns, const char *text)
{
	_cleanup_buf_ struct mig_buf shown = MIG_BUF_INIT(CELL_MAX);
	char *cell = NULL;

	if (text) {
		mig_text_escape_terminal(&shown, text);
		cell = strdup(mig_buf_text(&shown));
		check_memory(cell != NULL);
	}
	check_memory(mig_array_reserve(&columns->cells, &columns->allocated,
				       columns->cell_count + 1, sizeof(*columns->cells)) == 0);
	columns->cells[columns->cell_count++] = cell;
}

void mig_columns_addf(struct mig_columns *columns, const char *fmt, ...)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(CELL_MAX);
	va_list args;

	va_start(args, fmt);
	mig_buf_vprintf(&text, fmt, args);
	va_end(args);
	mig_columns_add(columns, mig_buf_text(&text));
}

/* Columns of a terminal, as near as counting code points comes. */
static size_t text_width(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

/* Whether nothing stands right of this cell in its row. */
static bool is_last(const struct mig_columns *columns, size_t cell)
{
	size_t end = cell - cell % columns->width + columns->width;

	for (size_t i = cell + 1; i < end && i < columns->cell_count; i++) {
		if (columns->cells[i] && columns->cells[i][0])
			return false;
	}
	return true;
}

static size_t column_width(const struct mig_columns *columns, size_t column)
{
	size_t widest = 0;

	for (size_t i = column; i < columns->cell_count; i += columns->width) {
		bool reaches_over = column + 1 < columns->width && i + 1 < columns->cell_count &&
				    !columns->cells[i + 1];

		if (columns->cells[i] && !reaches_over)
			widest = MIG_MAX(widest, text_width(columns->cells[i]));
	}
	return widest;
}

void mig_columns_print(const struct mig_columns *columns)
{
	_cleanup_free_ size_t *widths = calloc(columns->width + 1, sizeof(*widths));

	check_memory(widths != NULL);
	for (size_t i = 0; i < columns->width; i++)
		widths[i] = column_width(columns, i);
	for (size_t i = 0; i < columns->cell_count; i++) {
		const char *cell = columns->cells[i];
		size_t width = widths[i % columns->width];
		size_t used = cell ? text_width(cell) : 0;

		if (cell)
			fputs(cell, stdout);
		if (!is_last(columns, i))
			printf("%*s", (int)(width > used ? width - used + 2 : 2), "");
		if (i % columns->width == columns->width - 1)
			putchar('\n');
	}
}

void mig_columns_clear(struct mig_columns *columns)
{
	for (size_t i = 0; i < columns->cell_count; i++)
		free(columns->cells[i]);
	free(columns->cells);
	*columns = (struct mig_columns){.width = 0};
}

void mig_output_wrap(struct mig_buf *out, const char *text, unsigned int first, unsigned int rest,
		     unsigned int width)
{
	size_t column = first;
	bool is_begun = false;

	mig_buf_printf(out, "%*s", (int)first, "");
	while (*text) {
		size_t len = strcspn(text, " \n");

		if (is_begun && column + 1 + len > width) {
			mig_buf_printf(out, "\n%*s", (int)rest, "");
			column = rest;
		} else if (is_begun) {
			mig_buf_putc(out, ' ');
			column++;
		}
		mig_buf_printf(out, "%.*s", (int)len, text);
		is_begun = true;
		column += len;
		text += len;
		text += strspn(text, " \n");
	}
	mig_buf_putc(out, '\n');
}

void mig_print_wrapped(const char *text, unsigned int indent)
{
	_cleanup_buf_ struct mig_buf lines = MIG_BUF_INIT(WRAPPED_MAX);

	if (text[0] == '\0')
		return;
	mig_output_wrap(&lines, text, indent, indent, LINE_WIDTH);
	fputs(mig_buf_text(&lines), stdout);
}

int mig_output_json(struct mig_json *json, struct mig_buf *text, struct mig_error **err)
{
	if (mig_json_finish(json))
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "the JSON document is too large");
	fwrite(mig_buf_text(text), 1, text->len, stdout);
	return 0;
}

int mig_output_check(struct mig_error **err)
{
	/* main() puts something that cannot be written where standard output was closed. */
	int flags = fcntl(STDOUT_FILENO, F_GETFL);

	if (fflush(stdout) == 0 && !ferror(stdout) && flags >= 0 && (flags & O_ACCMODE) != O_RDONLY)
		return 0;
	return mig_error_set(err, MIG_ERROR_IO,
			     "cannot write to standard output; nothing was changed");
}

int mig_output_exe_dir(char **dir, struct mig_error **err)
{
	char path[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);
	char *slash;

	if (len < 0)
		return mig_error_set_errno(err, errno,
					   "cannot find where migctl lies (/proc/self/exe)");
	path[len] = '\0';
	slash = strrchr(path, '/');
	if (!slash)
		return mig_error_set(err, MIG_ERROR_FAILED, "cannot find where migctl lies: '%s'",
				     path);
	*dir = slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
	return *dir ? 0 : mig_error_set_errno(err, ENOMEM, "cannot find where migctl lies");
}
