/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profile names in the tables of `mig`, and comparing them.
 */
#pragma once

#include <stdbool.h>

#define MIG_SMI_GI_NAME_WIDTH 17
#define MIG_SMI_CI_NAME_WIDTH 18

/* Prints a name in a column; one that is longer is cut and ends with "...". */
void mig_smi_print_name(const char *name, int width);

/* Whether a word is this name, with or without "MIG " in front. */
bool mig_smi_name_is(const char *name, const char *word);
