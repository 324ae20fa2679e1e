/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table as text, on terminals of any width: for cli/table.c, and for tables whose JSON is their
 * command's own.
 */
#pragma once

#include "cli/table.h"

/* Writes the chosen columns of the rows to stdout; nothing where there are no rows. Returns 0, or -1
 * with *err (no memory). */
int mig_table_print_text(struct mig_table *table, struct mig_error **err);
