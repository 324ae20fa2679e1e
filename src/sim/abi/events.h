/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event sets: handles from a static table. Nothing happens yet that would be delivered.
 */
#pragma once

/* Frees every event set; called by the last Shutdown with the context's lock held. */
void mig_abi_events_clear(void);
