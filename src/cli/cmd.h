/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command table: one row per command, from which dispatch, --help, the manual's OPTIONS and
 * shell completion come. A command parses, calls the libraries and prints; it holds no logic.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "shared/error.h"

/* One option of a command. Long names are given without the dashes. */
struct mig_option {
	const char *name; /* "file"; NULL ends the list */
	char letter;	  /* 'f', or 0 */
	/* name of its value for the help ("FILE"), NULL: takes none; "[=TIME]": may be left out, and
	 * stands behind a '=' */
	const char *value;
	const char *help;   /* one line */
	bool is_repeatable; /* may be given several times; its values are kept in order */
};

/* What was given: one entry per option of the row, in the row's order. */
struct mig_parsed_option {
	bool given;
	const char *value; /* NULL if it takes none; of a repeatable one the first */
};

/* One option as it stood on the command line. */
struct mig_given_option {
	size_t index; /* position in cmd->options */
	const char *value;
};

struct mig_invocation {
	const struct mig_cmd *cmd;
	const struct mig_parsed_option *options; /* by position in cmd->options */
	const struct mig_given_option *given;	 /* those with a value, as they stood */
	size_t given_count;
	char **args; /* what is left, NULL-terminated */
	int arg_count;
	bool has_rest; /* "--" was given */
	int rest;      /* how many of args stood before it; else arg_count */
};

/* A column of a command's table (cli/table.h). */
enum mig_column_type {
	MIG_COLUMN_STRING,
	MIG_COLUMN_NUMBER, /* a cell is digits; `unit` stands behind them in the text only */
	MIG_COLUMN_PLACE,  /* start:size; in JSON two numbers, MEMBER_start and MEMBER_size */
	MIG_COLUMN_OWN,	   /* the JSON value is written by the table's json_own */
};

struct mig_column {
	const char *name;   /* "PROFILE"; NULL ends the list */
	const char *member; /* its name in JSON; NULL: not there */
	const char *help;   /* one line */
	enum mig_column_type type;
	const char *unit;
	bool is_default;     /* shown without -o */
	bool is_first_to_go; /* not shown by default where the terminal is too narrow for all */
	bool is_tree;	     /* drawn as a tree by --tree, and shown then by default */
};

enum mig_cmd_group {
	MIG_GROUP_NODE,	     /* status, list, profiles */
	MIG_GROUP_LAYOUT,    /* plan, apply, undo */
	MIG_GROUP_FRONTS,    /* smi */
	MIG_GROUP_SIMULATOR, /* sim … */
	MIG_GROUP_COUNT,
};

struct mig_cmd {
	const char *name; /* "apply"; "sim create", "sim fault add" for further levels; NULL ends
			   * the table */
	enum mig_cmd_group group;
	const char *summary;	/* one line, lower case, no period */
	const char *args;	/* "NAME [CMD…]" for the usage line; "" for none */
	int min_args, max_args; /* -1: no limit */
	bool passes_rest; /* everything from the first argument on is the command's (sim exec) */
	bool passes_all;  /* as it stands, options too: it has a parser of its own (smi) */
	const struct mig_option *options;
	const struct mig_column *columns; /* of its table (cli/table.h), for -o; NULL: none */
	/* Returns an exit status. On an error it sets *err and returns -1 for the status that the
	 * error has, or a status of its own (126 and 127 of `sim exec`). */
	int (*run)(const struct mig_invocation *inv, struct mig_error **err);
	const char *details; /* more for --help: lines of at most 78 columns; NULL: nothing */
};

/* The table, ended by a row without name (cli/commands.c). */
extern const struct mig_cmd mig_commands[];

/* Whether the value of an option may be left out. */
bool mig_option_is_optional(const struct mig_option *option);

/* The value of option `name` of this invocation; NULL if not given. */
const char *mig_option_value(const struct mig_invocation *inv, const char *name);
/* The number-th value (from 0) of a repeatable option; NULL if there are not so many. */
const char *mig_option_value_at(const struct mig_invocation *inv, const char *name, size_t number);
bool mig_option_given(const struct mig_invocation *inv, const char *name);
