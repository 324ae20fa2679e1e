/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The made-up serial number of a GPU, for those who give it and those who look for it.
 */
#pragma once

#include "sim/engine/state.h"

#define MIG_MONITOR_SERIAL_SIZE 16 /* 13 digits and the NUL, rounded up */

/* Thirteen digits from the GPU's UUID. */
void mig_monitor_serial(const struct mig_sim_gpu_desc *gpu, char serial[MIG_MONITOR_SERIAL_SIZE]);
