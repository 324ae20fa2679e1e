/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Help out of the command table, and the table itself as JSON (for tests and completion).
 */
#pragma once

#include <stdio.h>

#include "cli/cmd.h"
#include "shared/buf.h"

/* All commands by group, and the options of migctl itself. */
void mig_help_overview(FILE *out, const struct mig_cmd *table);

/* The commands whose name begins with the words of `family` ("sim", "sim fault"). */
void mig_help_family(FILE *out, const struct mig_cmd *table, const char *family);

/* One command with its options. */
void mig_help_command(FILE *out, const struct mig_cmd *cmd);

/* The table as a JSON document ("migctl.commands/1"). Returns 0 or -1 with *err. */
int mig_help_dump(struct mig_buf *out, const struct mig_cmd *table,
		  struct mig_error **err) MIG_MUST_CHECK;

/* Options of migctl itself, which stand before the command. */
extern const struct mig_option mig_global_options[];
