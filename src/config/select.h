/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A label of a configuration and the node's GPUs together make a target.
 *
 * Everything that cannot be is refused here, before anything is changed: an index without a GPU, a
 * profile that a meant GPU does not have (with the nearest one), two entries that contradict each
 * other, a label that means no GPU at all.
 */
#pragma once

#include "config/config.h"
#include "core/target.h"

/* *out is the caller's. Returns 0, or -1 with *err (REFUSED, with the position in the file). */
int mig_config_select(const struct mig_config *config, const struct mig_config_label *label,
		      const struct mig_snapshot *snapshot, struct mig_target **out,
		      struct mig_error **err) MIG_MUST_CHECK;
