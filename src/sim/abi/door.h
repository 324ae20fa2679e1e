/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The front door of every exported function: whether this call is to go wrong.
 *
 * The exported entry points are generated (scripts/gen-nvml-stubs.py) and begin here. Must not see
 * abi.h, which renames what is defined behind the doors.
 */
#pragma once

#include <stdbool.h>

/* Whether the node has any fault. No lock, no system call. */
bool mig_abi_door_is_armed(void);

/*
 * Counts the call for the faults that name `function`. Returns -1: go on; else the code to answer
 * instead. Waits if the call is to hang, does not return if the caller is to be killed. Thread-safe,
 * also after a fork; keeps errno.
 */
int mig_abi_door_ask(const char *function);

static inline int mig_abi_door(const char *function)
{
	return __builtin_expect(mig_abi_door_is_armed(), false) ? mig_abi_door_ask(function) : -1;
}
