/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A forwarding driver that counts calls: all, those that can change a GPU, and per function.
 *
 * Tests assert these numbers, so every call that reaches the library is counted, also a failed one
 * and one of a function that is missing there. Counting is thread-safe. Must not change arguments
 * or results.
 */
#pragma once

#include <stdint.h>

#include "nvml/driver.h"

/* Environment variable that names the file for the counts; read with secure_getenv. */
#define MIG_NVML_COUNT_ENV "MIGCTL_NVML_COUNT"

struct mig_trace_counts {
	uint64_t calls;
	uint64_t changing_calls; /* of functions that change a GPU when they succeed */
	uint64_t per_symbol[MIG_NVML_SYM_COUNT];
};

/*
 * Puts a counter on top of *driver and replaces *driver by it (the counter owns what it stands on).
 * With a path the counts are written there as JSON ("schema": "migctl.nvml-count/1") when the
 * driver is closed; the file is created or truncated now, so that a wrong path fails early. Without
 * one (NULL) they are only kept in memory. On failure *driver is unchanged.
 */
int mig_driver_trace(struct mig_driver **driver, const char *path,
		     struct mig_error **err) MIG_MUST_CHECK;

/* mig_driver_trace if MIGCTL_NVML_COUNT is set; otherwise does nothing and returns 0. */
int mig_driver_trace_from_env(struct mig_driver **driver, struct mig_error **err) MIG_MUST_CHECK;

/* The counts so far of a driver made by mig_driver_trace. */
void mig_driver_trace_counts(const struct mig_driver *driver, struct mig_trace_counts *counts);
