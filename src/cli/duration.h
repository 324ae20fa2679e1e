/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Durations as people write them: "90" or "90s", "5m", "1h".
 */
#pragma once

#include <stdint.h>

#include "shared/error.h"

/* Parses the value of option `option` (for the message). Returns 0, or -1 with *err (USAGE). */
int mig_duration_parse(const char *option, const char *text, uint64_t *ms,
		       struct mig_error **err) MIG_MUST_CHECK;
