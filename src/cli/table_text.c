/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables as text; see table_text.h.
 *
 * libsmartcols makes the table, whatever the width of the terminal is; here it is made to fit.
 */
#include "cli/table_text.h"

#include <langinfo.h>
#include <libsmartcols.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/output.h"
#include "cli/terminal.h"
#include "shared/text.h"

#define CELL_MAX      65536
#define NAMES_MAX     1024
#define BELOW_INDENT  8
#define CELL_MIN      16 /* columns in which a cell can go on below itself */
#define RECORDS_BELOW 60 /* columns of a terminal */

/* A cell as it is shown: foreign text escaped, the unit behind a number. 0, or -1 out of memory. */
static int put_cell_text(const struct mig_column *column, const char *cell, struct mig_buf *out)
{
	mig_text_escape_terminal(out, cell != NULL ? cell : "-");
	if (cell != NULL && column->unit != NULL)
		mig_buf_puts(out, column->unit);
	return mig_buf_failed(out) ? -1 : 0;
}

static int put_cell(const struct mig_column *column, const char *cell, struct libscols_line *line,
		    size_t at)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(4 * CELL_MAX);

	if (put_cell_text(column, cell, &text) < 0)
		return -1;
	return scols_line_set_data(line, at, mig_buf_text(&text));
}

static int fill(const struct mig_table *table, struct libscols_table *out)
{
	bool has_tree = false;

	for (size_t i = 0; i < table->chosen_count; i++) {
		const struct mig_column *column = &table->columns[table->chosen[i]];
		int flags = column->type == MIG_COLUMN_NUMBER ? SCOLS_FL_RIGHT : 0;

		if (table->is_tree && column->is_tree) {
			flags = SCOLS_FL_TREE;
			has_tree = true;
		}
		if (scols_table_new_column(out, column->name, 0, flags) == NULL)
			return -1;
	}
	for (size_t i = 0; i < table->row_count; i++) {
		struct mig_table_row *row = table->rows[i];
		struct libscols_line *line = scols_table_new_line(
			out, has_tree && row->parent != NULL ? row->parent->line : NULL);

		row->line = line;
		if (line == NULL)
			return -1;
		for (size_t c = 0; c < table->chosen_count; c++) {
			size_t at = table->chosen[c];

			if (put_cell(&table->columns[at], row->cells[at], line, c) != 0)
				return -1;
		}
	}
	return 0;
}

/* The table as text, whatever the width of the terminal is: UUIDs are there to be copied. */
static int render(struct mig_table *table, char **text)
{
	struct libscols_table *out = scols_new_table();
	int rc = -1;

	if (out != NULL) {
		scols_table_set_termforce(out, SCOLS_TERMFORCE_NEVER);
		scols_table_enable_noheadings(out, !table->has_headings);
		scols_table_set_column_separator(out, "  ");
		scols_table_enable_ascii(out, strcmp(nl_langinfo(CODESET), "UTF-8") != 0);
		if (fill(table, out) == 0 && scols_print_table_to_string(out, text) == 0)
			rc = 0;
	}
	scols_unref_table(out);
	return rc;
}

/* Bytes of a line without the blanks at its end. */
static size_t line_length(const char *text)
{
	size_t len = strcspn(text, "\n");

	while (len > 0 && text[len - 1] == ' ')
		len--;
	return len;
}

static size_t columns_of(const char *text, size_t len)
{
	size_t columns = 0;

	for (size_t i = 0; i < len; i++)
		columns += ((unsigned char)text[i] & 0xc0) != 0x80;
	return columns;
}

static const char *next_line(const char *text)
{
	text += strcspn(text, "\n");
	return text + (*text == '\n');
}

static size_t widest_line(const char *text)
{
	size_t widest = 0;

	for (; *text != '\0'; text = next_line(text))
		widest = MIG_MAX(widest, columns_of(text, line_length(text)));
	return widest;
}

static bool fits(const char *text, size_t width)
{
	return widest_line(text) <= width;
}

/* Where the last column begins, by its heading; 0: it is not text, or that cannot be seen. */
static size_t last_column_at(const struct mig_table *table, const char *text)
{
	const struct mig_column *last = &table->columns[table->chosen[table->chosen_count - 1]];

	if (last->type == MIG_COLUMN_NUMBER || !table->has_headings)
		return 0;
	return columns_of(text, line_length(text)) - strlen(last->name);
}

/* Bytes of the first so many columns. */
static size_t bytes_of(const char *text, size_t len, size_t columns)
{
	size_t at = 0;

	while (at < len && columns_of(text, at + 1) <= columns)
		at++;
	return at;
}

/* Where a line is broken so that it has at most `width` columns, at a space behind the first `before`
 * columns; 0: there is none. */
static size_t break_at(const char *text, size_t len, size_t width, size_t before)
{
	size_t at = len - 1;

	while (at > 0 && (text[at] != ' ' || columns_of(text, at) > width))
		at--;
	return columns_of(text, at) > before ? at : 0;
}

/*
 * A line whose last cell, from column last_at on, goes on below itself where the line is wider than
 * `width`; where that is too narrow, the whole cell stands below.
 */
static void put_line(const char *text, size_t len, size_t width, size_t last_at)
{
	size_t before = last_at, indent = last_at;

	while (columns_of(text, len) > width && last_at > 0) {
		size_t at = before > 0 && width < last_at + CELL_MIN
				    ? 0
				    : break_at(text, len, width, before);
		size_t begin = at + 1;

		if (at == 0 && before == 0)
			break;
		if (at == 0) {
			begin = bytes_of(text, len, last_at);
			for (at = begin; at > 0 && text[at - 1] == ' ';)
				at--;
			indent = BELOW_INDENT;
		}
		fwrite(text, 1, at, stdout);
		printf("\n%*s", (int)indent, "");
		text += begin;
		len -= begin;
		width -= MIG_MIN(before > 0 ? indent : 0, width);
		before = 0;
	}
	fwrite(text, 1, len, stdout);
	fputc('\n', stdout);
}

static void put_lines(const char *text, size_t width, size_t last_at)
{
	for (; *text != '\0'; text = next_line(text))
		put_line(text, line_length(text), width, last_at);
}

/* Leaves out the rightmost of the usual columns, which stand before those that were asked for, that
 * is of the first to go; its name, or NULL when none is left. */
static const char *leave_out(struct mig_table *table)
{
	for (size_t i = table->usual_count; i-- > 0;) {
		const struct mig_column *column = &table->columns[table->chosen[i]];

		if (!column->is_first_to_go || table->is_named[table->chosen[i]])
			continue;
		memmove(&table->chosen[i], &table->chosen[i + 1],
			(table->chosen_count - i - 1) * sizeof(table->chosen[0]));
		table->chosen_count--;
		table->usual_count--;
		return column->name;
	}
	return NULL;
}

/* One column a line, an empty line between rows: for terminals that are narrower than any row. */
static int put_records(const struct mig_table *table, unsigned int width)
{
	size_t heading = 0;

	for (size_t c = 0; c < table->chosen_count; c++)
		heading = MIG_MAX(heading, strlen(table->columns[table->chosen[c]].name));
	for (size_t i = 0; i < table->row_count; i++) {
		if (i > 0)
			fputc('\n', stdout);
		for (size_t c = 0; c < table->chosen_count; c++) {
			const struct mig_column *column = &table->columns[table->chosen[c]];
			_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(4 * CELL_MAX);
			_cleanup_buf_ struct mig_buf lines = MIG_BUF_INIT(8 * CELL_MAX);

			if (put_cell_text(column, table->rows[i]->cells[table->chosen[c]], &text) <
			    0)
				return -1;
			if (heading + 1 + text.len <= width) {
				printf("%-*s%s\n", (int)heading + 1, column->name,
				       mig_buf_text(&text));
				continue;
			}
			/* A UUID is one word, and so is not broken: it is there to be copied. */
			mig_output_wrap(&lines, mig_buf_text(&text), 0, 2, width);
			printf("%s\n%s", column->name, mig_buf_text(&lines));
		}
	}
	return 0;
}

static void say_left_out(const struct mig_buf *names, unsigned int width)
{
	_cleanup_buf_ struct mig_buf line = MIG_BUF_INIT(NAMES_MAX);
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(2 * NAMES_MAX);

	mig_buf_printf(&line, "migctl: no room for %s; with them: -o +%s", mig_buf_text(names),
		       mig_buf_text(names));
	mig_output_wrap(&text, mig_buf_text(&line), 0, 2, width);
	fputs(mig_buf_text(&text), stderr);
}

/* On a terminal that is too narrow some of the usual columns are left out; a very narrow one gets all
 * of them, one a line. */
static int print(struct mig_table *table)
{
	_cleanup_buf_ struct mig_buf left_out = MIG_BUF_INIT(NAMES_MAX);
	unsigned int width = mig_terminal_width();
	_cleanup_free_ char *text = NULL;
	const char *name;

	if (render(table, &text) < 0)
		return -1;
	if (text == NULL)
		return 0;
	if (width > 0 && width < RECORDS_BELOW && !fits(text, width))
		return put_records(table, width);
	while (width > 0 && !fits(text, width) && (name = leave_out(table)) != NULL) {
		mig_buf_printf(&left_out, "%s%s", left_out.len > 0 ? "," : "", name);
		free(MIG_TAKE_PTR(text));
		if (render(table, &text) < 0)
			return -1;
	}
	put_lines(text, width > 0 ? width : SIZE_MAX, last_column_at(table, text));
	if (left_out.len > 0)
		say_left_out(&left_out, width);
	return 0;
}

int mig_table_print_text(struct mig_table *table, struct mig_error **err)
{
	if (table->row_count == 0 && !table->is_out_of_memory)
		return 0;
	if (!table->is_out_of_memory && print(table) == 0)
		return 0;
	return mig_error_set(err, MIG_ERROR_NO_MEMORY, "cannot make the table");
}
