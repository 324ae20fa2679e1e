/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables; see table.h.
 */
#include "cli/table.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/note.h"
#include "cli/output.h"
#include "cli/table_text.h"
#include "shared/nearest.h"
#include "shared/number.h"
#include "shared/text.h"

#define CELL_MAX  65536
#define NAMES_MAX 1024

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
		return mig_table_print_text(table, err);
	mig_json_init(&json, &text);
	mig_json_object_begin(&json);
	mig_json_member_string(&json, "schema", schema);
	put_rows(table, &json, key);
	mig_note_json(&json);
	mig_json_object_end(&json);
	return mig_output_json(&json, &text, err);
}
