/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables; see table.h.
 */
#include "cli/table.h"

#include <langinfo.h>
#include <libsmartcols.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/note.h"
#include "cli/output.h"
#include "cli/terminal.h"
#include "shared/nearest.h"
#include "shared/number.h"
#include "shared/text.h"

#define CELL_MAX      65536
#define NAMES_MAX     1024
#define BELOW_INDENT  8
#define CELL_MIN      16 /* columns in which a cell can go on below itself */
#define RECORDS_BELOW 60 /* columns of a terminal */

/* ---- which columns ----------------------------------------------------------------------------- */

static int refuse_column(const struct mig_table *table, const struct mig_invocation *inv,
			 const char *word, size_t len, struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf all = MIG_BUF_INIT(NAMES_MAX);
	_cleanup_buf_ struct mig_buf shown = MIG_BUF_INIT(NAMES_MAX);
	char text[64];

	for (size_t i = 0; i < table->column_count; i++)
		mig_buf_printf(&all, "%s%s", i > 0 ? ", " : "", table->columns[i].name);
	mig_text_format(text, sizeof(text), "%.*s", (int)MIG_MIN(len, sizeof(text) - 1), word);
	mig_text_escape_terminal(&shown, text);
	mig_error_set(err, MIG_ERROR_USAGE, "'%s' has no column '%s'", inv->cmd->name,
		      mig_buf_text(&shown));
	return mig_error_hint(err, "its columns are %s", mig_buf_text(&all));
}

static bool is_chosen(const struct mig_table *table, size_t column)
{
	for (size_t i = 0; i < table->chosen_count; i++) {
		if (table->chosen[i] == column)
			return true;
	}
	return false;
}

static int choose_named(struct mig_table *table, const struct mig_invocation *inv, const char *list,
			struct mig_error **err)
{
	while (list != NULL) {
		size_t len = strcspn(list, ",");
		size_t at = 0;

		while (at < table->column_count &&
		       (strlen(table->columns[at].name) != len ||
			strncasecmp(table->columns[at].name, list, len) != 0))
			at++;
		if (at == table->column_count)
			return refuse_column(table, inv, list, len, err);
		if (table->is_named[at] ||
		    (is_chosen(table, at) && !table->columns[at].is_first_to_go))
			return mig_error_set(err, MIG_ERROR_USAGE, "column %s is named twice",
					     table->columns[at].name);
		table->is_named[at] = true;
		/* A usual one that a narrow terminal would leave out stays where it is. */
		if (!is_chosen(table, at))
			table->chosen[table->chosen_count++] = at;
		list = list[len] == ',' ? list + len + 1 : NULL;
	}
	return 0;
}

static void choose_usual(struct mig_table *table)
{
	for (size_t i = 0; i < table->column_count; i++) {
		if (table->columns[i].is_default || (table->is_tree && table->columns[i].is_tree))
			table->chosen[table->chosen_count++] = i;
	}
	table->usual_count = table->chosen_count;
}

int mig_table_begin(struct mig_table *table, const struct mig_invocation *inv,
		    const struct mig_column *columns, struct mig_error **err)
{
	const char *list = mig_option_value(inv, "output");

	*table = (struct mig_table){.columns = columns,
				    .json_own = table->json_own,
				    .is_tree = mig_option_given(inv, "tree"),
				    .is_json = mig_option_given(inv, "json"),
				    .has_headings = !mig_option_given(inv, "noheadings")};
	while (columns[table->column_count].name != NULL)
		table->column_count++;
	if (table->is_json && (list != NULL || table->is_tree || !table->has_headings)) {
		mig_error_set(err, MIG_ERROR_USAGE,
			      "--output, --tree and --noheadings are for the table and not for "
			      "JSON");
		return mig_error_hint(err, "the JSON has all columns of all rows");
	}
	if (list == NULL || list[0] == '+')
		choose_usual(table);
	return list == NULL ? 0 : choose_named(table, inv, list + (list[0] == '+'), err);
}

/* ---- rows -------------------------------------------------------------------------------------- */

void mig_table_clear(struct mig_table *table)
{
	for (size_t i = 0; i < table->row_count; i++) {
		for (size_t c = 0; c < table->column_count; c++)
			free(table->rows[i]->cells[c]);
		free(table->rows[i]->cells);
		free(table->rows[i]);
	}
	free(table->rows);
	*table = (struct mig_table){0};
}

struct mig_table_row *mig_table_add(struct mig_table *table, struct mig_table_row *parent,
				    const void *data)
{
	struct mig_table_row *row = calloc(1, sizeof(*row));

	if (row != NULL)
		row->cells = calloc(table->column_count, sizeof(*row->cells));
	if (row == NULL || row->cells == NULL ||
	    mig_array_reserve(&table->rows, &table->allocated, table->row_count + 1,
			      sizeof(struct mig_table_row *)) < 0) {
		if (row != NULL)
			free(row->cells);
		free(row);
		table->is_out_of_memory = true;
		return NULL;
	}
	row->parent = parent;
	row->data = data;
	table->rows[table->row_count++] = row;
	return row;
}

void mig_table_set(struct mig_table *table, struct mig_table_row *row, const char *name,
		   const char *fmt, ...)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(CELL_MAX);
	va_list args;

	va_start(args, fmt);
	mig_buf_vprintf(&text, fmt, args);
	va_end(args);
	for (size_t i = 0; row != NULL && i < table->column_count; i++) {
		if (strcmp(table->columns[i].name, name) != 0)
			continue;
		free(row->cells[i]);
		row->cells[i] = strdup(mig_buf_text(&text));
		if (row->cells[i] == NULL)
			table->is_out_of_memory = true;
	}
}

/* ---- text -------------------------------------------------------------------------------------- */

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

/* Where the last column begins, if it is text; 0: it is not. */
static size_t last_column_at(const struct mig_table *table, const char *text)
{
	const struct mig_column *last = &table->columns[table->chosen[table->chosen_count - 1]];
	size_t widest = table->has_headings ? strlen(last->name) : 0;

	if (last->type == MIG_COLUMN_NUMBER)
		return 0;
	for (size_t i = 0; i < table->row_count; i++) {
		_cleanup_buf_ struct mig_buf cell = MIG_BUF_INIT(4 * CELL_MAX);

		if (put_cell_text(last, table->rows[i]->cells[last - table->columns], &cell) < 0)
			return 0;
		widest = MIG_MAX(widest, columns_of(mig_buf_text(&cell), cell.len));
	}
	return widest_line(text) - widest;
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

static int print_text(struct mig_table *table, struct mig_error **err)
{
	if (table->row_count == 0 && !table->is_out_of_memory)
		return 0;
	if (!table->is_out_of_memory && print(table) == 0)
		return 0;
	return mig_error_set(err, MIG_ERROR_NO_MEMORY, "cannot make the table");
}

/* ---- JSON -------------------------------------------------------------------------------------- */

static void json_place(const char *member, const char *cell, struct mig_json *json)
{
	static const char *const suffixes[] = {"start", "size"};

	for (size_t i = 0; i < MIG_ARRAY_SIZE(suffixes); i++) {
		size_t len = cell != NULL ? strcspn(cell, ":") : 0;
		uint64_t number;
		char name[64];

		mig_text_format(name, sizeof(name), "%s_%s", member, suffixes[i]);
		mig_json_key(json, name);
		if (cell == NULL)
			mig_json_null(json);
		else if (mig_parse_u64_n(cell, len, 0, UINT64_MAX, &number) == 0)
			mig_json_uint(json, number);
		else
			json->failed = true;
		cell = cell != NULL && cell[len] == ':' ? cell + len + 1 : cell;
	}
}

static void json_cell(const struct mig_table *table, const struct mig_table_row *row, size_t at,
		      struct mig_json *json)
{
	const struct mig_column *column = &table->columns[at];
	uint64_t number;

	if (column->member == NULL)
		return;
	if (column->type == MIG_COLUMN_PLACE) {
		json_place(column->member, row->cells[at], json);
		return;
	}
	mig_json_key(json, column->member);
	if (column->type == MIG_COLUMN_OWN)
		table->json_own(json, column, row->data);
	else if (row->cells[at] == NULL)
		mig_json_null(json);
	else if (column->type == MIG_COLUMN_STRING)
		mig_json_string(json, row->cells[at]);
	else if (mig_parse_u64(row->cells[at], 0, UINT64_MAX, &number) == 0)
		mig_json_uint(json, number);
	else
		json->failed = true;
}

static void put_rows(const struct mig_table *table, struct mig_json *json, const char *key)
{
	mig_json_key(json, key);
	mig_json_array_begin(json);
	for (size_t i = 0; i < table->row_count; i++) {
		mig_json_object_begin(json);
		for (size_t c = 0; c < table->column_count; c++)
			json_cell(table, table->rows[i], c, json);
		mig_json_object_end(json);
	}
	mig_json_array_end(json);
	json->failed = json->failed || table->is_out_of_memory;
}

int mig_table_print(struct mig_table *table, const char *schema, const char *key,
		    struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(MIG_OUTPUT_JSON_MAX);
	struct mig_json json;

	if (!table->is_json)
		return print_text(table, err);
	mig_json_init(&json, &text);
	mig_json_object_begin(&json);
	mig_json_member_string(&json, "schema", schema);
	put_rows(table, &json, key);
	mig_note_json(&json);
	mig_json_object_end(&json);
	return mig_output_json(&json, &text, err);
}
