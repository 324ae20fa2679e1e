/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for a write: a futex on the low half of the header's generation.
 *
 * The file is mapped shared, so the kernel knows the word by the file and all processes meet there;
 * waiting and waking need no right to write. What woke a waiter is not known here.
 */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "shared/clock.h"
#include "sim/store/format.h"
#include "sim/store/store.h"

/* A futex is of 32 bits, and these are the ones that every write changes. */
static const uint32_t *futex_word(const uint64_t *generation)
{
	const uint32_t *halves = (const void *)generation;

	return &halves[__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__];
}

void mig_sim_store_wait(const struct mig_sim_store *store, uint64_t seen, uint64_t timeout_ns)
{
	uint64_t slice = MIG_MIN(timeout_ns, MIG_CLOCK_NS_PER_SEC);
	const struct timespec timeout = {
		.tv_sec = (time_t)(slice / MIG_CLOCK_NS_PER_SEC),
		.tv_nsec = (long)(slice % MIG_CLOCK_NS_PER_SEC),
	};
	int saved_errno = errno;

	syscall(SYS_futex, futex_word(store->generation), FUTEX_WAIT, (uint32_t)seen, &timeout,
		NULL, 0);
	errno = saved_errno;
}

void mig_sim_store_wake(const struct mig_sim_store *store)
{
	int saved_errno = errno;

	syscall(SYS_futex, futex_word(store->generation), FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
	errno = saved_errno;
}
