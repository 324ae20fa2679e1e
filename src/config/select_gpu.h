/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an entry wants of one GPU: its profiles as rows of the GPU's facts, its places looked at.
 */
#pragma once

#include "config/config.h"
#include "core/target.h"

/* Fills *wanted (zero before). `at`: where the GPU is named. Returns 0, or -1 with *err. */
int mig_select_gpu(const struct mig_config *config, const struct mig_config_entry *entry,
		   const struct mig_gpu *gpu, struct mig_position at, struct mig_gpu_target *wanted,
		   struct mig_error **err) MIG_MUST_CHECK;

/* Sets the error that the GPU has no such profile, with the nearest and all. Returns -1. */
int mig_select_unknown_profile(const struct mig_config *config, struct mig_position at,
			       const char *profile, const struct mig_gpu *gpu,
			       struct mig_error **err);
