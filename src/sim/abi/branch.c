/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiled once per driver branch, with its number and version from src/sim/meson.build.
 */
#include "sim/abi/branch.h"

const struct mig_abi_branch mig_abi_branch = {
	.number = MIG_SIM_LIBRARY_BRANCH,
	.nvml_version = MIG_SIM_LIBRARY_NVML_VERSION,
};
