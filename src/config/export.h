/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configurations made from a snapshot: what is there now, and the usual choices.
 */
#pragma once

#include "config/config.h"
#include "core/model.h"

/*
 * The present layout under one label, as nvidia-mig-parted exports it: an entry for each group of
 * GPUs that look alike, all GPUs in it. Returns 0, or -1 with *err: REFUSED when a GPU instance has
 * no compute instance, of which that format knows nothing, NO_DRIVER without GPUs.
 */
int mig_config_export_parted(const struct mig_snapshot *snapshot, const char *label,
			     struct mig_config **out, struct mig_error **err) MIG_MUST_CHECK;

/*
 * The same exactly: each GPU that has MIG by its UUID, each instance at its place. Applied where it
 * was made it changes nothing. Returns 0, or -1 with *err: NO_DRIVER when no GPU has MIG.
 */
int mig_config_export_v1(const struct mig_snapshot *snapshot, const char *label,
			 struct mig_config **out, struct mig_error **err) MIG_MUST_CHECK;

/*
 * What nvidia-mig-parted's generate-config makes: all-disabled, all-enabled, all-PROFILE with as many
 * as a GPU takes, all-balanced. Stands where there is no configuration file. Returns 0, or -1 with
 * *err: NO_DRIVER when no GPU has MIG, REFUSED when the driver lists no profiles.
 */
int mig_config_generate(const struct mig_snapshot *snapshot, struct mig_config **out,
			struct mig_error **err) MIG_MUST_CHECK;
