/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands of the front. Each prints and returns the exit status.
 */
#pragma once

#include "smi/smi.h"

/* `list` is the value of -i; NULL: all GPUs. It is written to. */
int mig_smi_list_gpus(struct mig_smi *smi);
int mig_smi_table(struct mig_smi *smi, char *list);
int mig_smi_set_mig_mode(struct mig_smi *smi, unsigned int mode, char *list);
int mig_smi_query_gpus(struct mig_smi *smi, char *fields, char *format, char *list);
int mig_smi_query_apps(struct mig_smi *smi, char *fields, char *format, char *list);

/* --gpu-reset. On a real driver this becomes the vendor's program, with the words of argv. */
int mig_smi_reset(struct mig_smi *smi, const char *list, char **argv);

/* `nvidia-smi mig` with the words behind it. */
int mig_smi_mig(struct mig_smi *smi, int argc, char **argv);

/* Help texts of our own. */
int mig_smi_help(struct mig_smi *smi);
int mig_smi_mig_help(struct mig_smi *smi);

/* What only the vendor's program can do. */
int mig_smi_vendor_only(const char *word);
