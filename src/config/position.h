/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A place in a file, and errors that begin with it.
 */
#pragma once

#include "shared/error.h"

struct mig_position {
	unsigned int line, column; /* from 1, in characters; line 0: not known */
};

/* Sets a CONFIG error that begins with "SOURCE:LINE:COLUMN: ". Returns -1. */
int mig_position_error(struct mig_error **err, const char *source, struct mig_position at,
		       const char *fmt, ...) MIG_PRINTF(4, 5);
