/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding the monitoring constants of a model.
 */
#include "data/tables/monitor_table.h"

#include <string.h>

const struct mig_monitor_row *mig_monitor_row_find(const char *key, unsigned int arch)
{
	for (unsigned int i = 0; i < mig_monitor_row_count; i++) {
		if (strncmp(mig_monitor_rows[i].key, key, MIG_TABLE_KEY_SIZE) == 0)
			return &mig_monitor_rows[i];
	}
	return &mig_monitor_architectures[arch < MIG_ARCH_COUNT ? arch : MIG_ARCH_UNKNOWN];
}
