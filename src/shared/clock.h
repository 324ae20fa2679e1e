/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clock that processes of one machine share and that goes on while it is suspended
 * (CLOCK_BOOTTIME), and waiting for a point in it. Libc only; must not know what is waited for.
 * Thread-safe, keeps errno.
 */
#pragma once

#include <stdint.h>

#define MIG_CLOCK_NS_PER_MS  UINT64_C(1000000)
#define MIG_CLOCK_NS_PER_SEC UINT64_C(1000000000)

/* Nanoseconds since the machine was started. */
uint64_t mig_clock_now_ns(void);

/* Returns when mig_clock_now_ns() has come to `end_ns`; signals are handled meanwhile and do not
 * end it. A point in the past returns at once. */
void mig_clock_sleep_until_ns(uint64_t end_ns);
