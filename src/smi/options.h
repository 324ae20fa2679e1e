/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line of nvidia-smi without a first word like `mig`.
 *
 * The original tries one kind of command after the other on the same words: commands that stand
 * alone (-h, -L), a change of a device (-mig, -r), a query, and the table when nothing else fits.
 * What is wrong with the words is said by the first kind that sees it, which explains the texts
 * and exit statuses.
 */
#pragma once

#include "smi/smi.h"

/* Reads the words and runs what they say. argv has NULL at its end and no program name. */
int mig_smi_run_options(struct mig_smi *smi, int argc, char **argv);
