/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A log sink that is handed down (no global): libraries report progress and warnings to it and
 * never print themselves.
 */
#pragma once

#include "shared/macros.h"

enum mig_log_level {
	MIG_LOG_ERROR,
	MIG_LOG_WARNING,
	MIG_LOG_INFO,
	MIG_LOG_DEBUG,
	MIG_LOG_LEVEL_COUNT,
};

struct mig_log {
	/* Receives one message without a newline. `cookie` is the member below. */
	void (*write)(void *cookie, enum mig_log_level level, const char *message);
	void *cookie;
	enum mig_log_level max_level; /* messages above it are not made */
};

/* Formats and hands on; log may be NULL (dropped). Keeps errno. */
void mig_log(const struct mig_log *log, enum mig_log_level level, const char *fmt, ...)
	MIG_PRINTF(3, 4);
