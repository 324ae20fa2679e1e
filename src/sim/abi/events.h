/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event sets: who waits for which of the node's events.
 */
#pragma once

#include "sim/abi/abi.h"

/* Frees every event set and wakes who waits on `store`, for the answer UNINITIALIZED; called by the
 * last Shutdown with the context's lock held. */
void mig_abi_events_clear(const struct mig_sim_store *store);
