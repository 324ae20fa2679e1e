/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Command lines against the command table: which command is meant, its options and arguments.
 * Knows no command in particular and prints nothing.
 *
 * Accepted: --name, --name=VALUE, --name VALUE, -x, -xVALUE, -x VALUE, letters together (-vx), "--"
 * before arguments that begin with '-'. Options and arguments may be mixed, except for commands
 * whose arguments are another command's (passes_rest): there the first argument ends the options.
 */
#pragma once

#include "cli/cmd.h"

/* A parsed command line. The arrays are owned by it (_clear); strings belong to argv. */
struct mig_command_line {
	struct mig_invocation inv;
	struct mig_parsed_option *options;
	struct mig_given_option *given;
	char **args;
	bool wants_help; /* --help or -h: the rest has not been checked */
};
void mig_command_line_clear(struct mig_command_line *line);

/*
 * The row that argv (argc words, options of migctl itself taken off) means; *used gets how many
 * words its name takes. NULL with *err if there is none: the nearest is named.
 */
const struct mig_cmd *mig_command_find(const struct mig_cmd *table, int argc, char **argv,
				       int *used, struct mig_error **err);

#define MIG_COMMAND_NAME_SIZE 64

/*
 * How many words of argv are the beginning that several commands have in common: 1 for "sim", 2 for
 * "sim fault", 0 if they are none. `name` gets them with a space between.
 */
int mig_command_family(const struct mig_cmd *table, int argc, char **argv,
		       char name[MIG_COMMAND_NAME_SIZE]);

/* Parses what follows the command's name. Returns 0, or -1 with *err (code USAGE). */
int mig_command_line_parse(const struct mig_cmd *cmd, int argc, char **argv,
			   struct mig_command_line *line, struct mig_error **err) MIG_MUST_CHECK;
