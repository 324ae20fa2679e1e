/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names in the environment by which a process finds its simulated node, beside MIG_SIM_NODE_ENV of
 * nvml/sim_identity.h: shared by the library and by the control side.
 */
#pragma once

#include "nvml/sim_identity.h"

/* Set to anything non-empty: this process is not the node's administrator. */
#define MIG_SIM_ENV_UNPRIVILEGED "MIGSIM_UNPRIVILEGED"
/* The prefix of host paths (shared/hostroot.h, which the library does not have): where capability
 * nodes are looked for. */
#define MIG_SIM_ENV_HOST_ROOT	 "MIGCTL_HOST_ROOT"
