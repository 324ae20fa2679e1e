/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CLOCK_BOOTTIME as one number.
 */
#include "shared/clock.h"

#include <errno.h>
#include <time.h>

uint64_t mig_clock_now_ns(void)
{
	int saved_errno = errno;
	struct timespec now = {0};

	clock_gettime(CLOCK_BOOTTIME, &now);
	errno = saved_errno;
	return (uint64_t)now.tv_sec * MIG_CLOCK_NS_PER_SEC + (uint64_t)now.tv_nsec;
}

void mig_clock_sleep_until_ns(uint64_t end_ns)
{
	const struct timespec end = {
		.tv_sec = (time_t)(end_ns / MIG_CLOCK_NS_PER_SEC),
		.tv_nsec = (long)(end_ns % MIG_CLOCK_NS_PER_SEC),
	};
	int saved_errno = errno;

	/* Until a point and not for a while, so that signals do not make it longer. */
	while (clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &end, NULL) == EINTR)
		continue;
	errno = saved_errno;
}
