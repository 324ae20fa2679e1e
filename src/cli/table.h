/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables of commands: rows of cells under columns that a person can choose (-o), as text by
 * libsmartcols or as JSON by our own writer. Each column is a row of a static list that says its
 * name, what it means and how it stands in JSON; --help and the manual come from it.
 * Knows no command and no GPU.
 */
#pragma once

#include <stddef.h>

#include "cli/cmd.h"
#include "shared/json_writer.h"

#define MIG_TABLE_OPTIONS(schema)                                                        \
	{"output", 'o', "COLUMNS",                                                       \
	 "these columns, separated by commas; with '+' in front beside the usual ones"}, \
		{"noheadings", 0, NULL, "no line of headings"},                          \
	{                                                                                \
		"json", 0, NULL, "print JSON (schema " schema ")"                        \
	}

struct mig_table_row {
	char **cells;		      /* by column; NULL: none ("-", null) */
	struct mig_table_row *parent; /* in a tree; NULL: a root */
	const void *data;	      /* for json_own */
	void *line;		      /* while it is printed */
};

struct mig_table {
	const struct mig_column *columns;
	size_t column_count;
	size_t row_count, allocated;
	struct mig_table_row **rows;
	size_t chosen[64];		  /* positions of the columns that are shown */
	size_t chosen_count, usual_count; /* the usual ones stand first */
	bool is_named[64];		  /* by position: asked for by -o */
	bool is_tree, has_headings, is_json, is_out_of_memory;
	/* Writes the value of a column of the type OWN; set before mig_table_begin. */
	void (*json_own)(struct mig_json *json, const struct mig_column *column, const void *data);
};

/*
 * Reads -o, --tree, --noheadings and --json of a command (those it has). Needs no driver. Returns 0,
 * or -1 with *err: USAGE for an unknown column, one that is named twice, and options that do not go
 * together.
 */
int mig_table_begin(struct mig_table *table, const struct mig_invocation *inv,
		    const struct mig_column *columns, struct mig_error **err) MIG_MUST_CHECK;
void mig_table_clear(struct mig_table *table);
#define _cleanup_table_ _cleanup_(mig_table_clear)

/* Adds a row below `parent` (NULL: none); owned by the table. Running out of memory is told by
 * mig_table_print; NULL is fine for the functions below. */
struct mig_table_row *mig_table_add(struct mig_table *table, struct mig_table_row *parent,
				    const void *data);

/* Sets the cell of the column called `name`. */
void mig_table_set(struct mig_table *table, struct mig_table_row *row, const char *name,
		   const char *fmt, ...) MIG_PRINTF(4, 5);

/*
 * Writes the rows to stdout: the chosen columns as text, or with --json the document
 * {"schema": schema, key: [rows]} with all columns. Returns 0, or -1 with *err.
 */
int mig_table_print(struct mig_table *table, const char *schema, const char *key,
		    struct mig_error **err) MIG_MUST_CHECK;
