/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a person writes devices as one text: PROFILE[@START][*COUNT], "3g.20gb@4", "1g.5gb*7".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "shared/macros.h"

struct mig_device_text {
	char profile[96];
	bool has_start;
	unsigned int start;
	bool has_count;
	unsigned int count; /* 1 without */
};

/*
 * Parses text of `len` bytes. Returns 0, or -1 with *problem (static) and the offset in bytes where
 * it is. Whether such a profile exists is not known here.
 */
int mig_device_text_parse(const char *text, size_t len, struct mig_device_text *device,
			  const char **problem, size_t *offset) MIG_MUST_CHECK;

/* Whether this is the name of a profile (without NVML's "MIG " in front). */
bool mig_device_text_is_profile(const char *text);

/* What a profile name looks like, for a hint. */
#define MIG_DEVICE_TEXT_HINT "a profile name is like 1g.5gb, 1c.3g.20gb or 1g.5gb+me"
