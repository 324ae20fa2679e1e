/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lock of the process-wide context. Never held over anything that waits for others; calls that
 * only read the node's state do not take it.
 */
#pragma once

/* Both keep errno. Not recursive. While it is held, signals are blocked and cancellation is off. */
void mig_abi_lock(void);
void mig_abi_unlock(void);
