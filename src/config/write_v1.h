/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writer of migctl's own format, for config/write.c.
 */
#pragma once

#include "config/config.h"
#include "shared/buf.h"

/* Appends the document. Returns -1 when out of memory. */
int mig_write_v1(struct mig_buf *out, const struct mig_config_label *const *labels,
		 size_t count) MIG_MUST_CHECK;
