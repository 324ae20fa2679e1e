/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which GPUs are meant: all, or those of a list of indices, UUIDs and PCI addresses.
 */
#pragma once

#include "smi/smi.h"

/* Fills smi->gpus. `list` is the value of -i, NULL for all; it is written to. Returns 0, or an exit
 * status with the text printed. */
int mig_smi_select_gpus(struct mig_smi *smi, char *list);

/*
 * "00000000:10:00.0" of a GPU by its index, also of one that has no handle: from the driver's files
 * in /proc. The caller frees; NULL when it is not known.
 */
char *mig_smi_bus_id_at(const struct mig_smi *smi, unsigned int index);
