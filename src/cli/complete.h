/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can stand next on a command line, for the shells' completion scripts (cli/completion.c). It
 * comes from the command table; values that change come from the node.
 *
 *     migctl --complete line -- WORD... CURRENT
 *     migctl --complete KIND [PREFIX [FILE]]
 *
 * prints one candidate a line, with a description behind a tab where there is one; ":file" stands
 * for the names of files. What cannot be found out is left out: a person who presses a key wants no
 * error.
 */
#pragma once

#include <stdbool.h>

#include "shared/error.h"

/* Runs what stands behind --complete. Returns an exit status, or -1 with *err. */
int mig_complete_run(int argc, char **argv, struct mig_error **err);

/* What is at hand for values: the node, which is another program's business, and a file. */
struct mig_complete_place {
	const char *node; /* "--node"; NULL: here */
	const char *file; /* "-f"; NULL: the default one */
};

/* cli/complete_values.c: prints the values of a kind ("gpus", "labels", …), each after `prefix`.
 * False if there is no such kind. */
bool mig_complete_values(const char *kind, const char *prefix,
			 const struct mig_complete_place *place);

void mig_complete_put(const char *prefix, const char *value, const char *description);
