/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The constants that monitoring programs ask for, and what the files of monitor_*.c share.
 *
 * Nothing is measured on a simulated GPU: the values are constants of its model (data/monitoring.json,
 * docs/simulated-monitoring.md). What NVML gives for whole GPUs only is INVALID_ARGUMENT for a MIG
 * device. Thread-safe; keeps errno.
 */
#pragma once

#include "data/tables/monitor_table.h"
#include "sim/abi/lookup.h"

/* A GPU with its constants. */
struct mig_monitor {
	struct mig_abi_gpu gpu;
	const struct mig_monitor_row *row;
};

/* The GPU of a handle. INVALID_ARGUMENT also when `out` is NULL, which is only looked at for that. */
nvmlReturn_t mig_monitor_find(nvmlDevice_t device, const void *out, struct mig_monitor *monitor);

/* Gives value * factor. NOT_SUPPORTED: MIG_TABLE_UNKNOWN, nothing written. */
nvmlReturn_t mig_monitor_give(uint32_t value, unsigned int factor, unsigned int *out);

/* Both: gives the GPU's number at `offset` of struct mig_monitor_row, times factor. */
nvmlReturn_t mig_monitor_number(nvmlDevice_t device, size_t offset, unsigned int factor,
				unsigned int *out);

/*
 * One field of nvmlDeviceGetFieldValues: its type and value; `link` is the scope of those that are
 * per link. NOT_SUPPORTED: not a field of here, or the GPU has no such thing.
 */
nvmlReturn_t mig_monitor_field(nvmlDevice_t device, unsigned int field, unsigned int link,
			       nvmlFieldValue_t *out);

/* Whether a link of the GPU is up: it has one, and there is another GPU at the other side. */
bool mig_monitor_is_linked(const struct mig_monitor *monitor);
