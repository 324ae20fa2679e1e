/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the identity table tells about failures of the store (failure.c). Thread-safe; not to be
 * called with the context's lock held.
 */
#pragma once

/* Remembers for this thread why its call failed. The text is copied. */
void mig_abi_failure_set(const char *text);

/* Why the last call of this thread failed in the store; "" if none did. */
const char *mig_abi_failure_text(void);
