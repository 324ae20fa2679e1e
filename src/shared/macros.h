/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiler attributes and small helpers that every module uses.
 * Knows nothing of GPUs, NVML or files.
 */
#pragma once

#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#define MIG_MUST_CHECK			 __attribute__((warn_unused_result))
#define MIG_PRINTF(fmt_index, first_arg) __attribute__((format(printf, fmt_index, first_arg)))
#define MIG_UNUSED			 __attribute__((unused))

#define MIG_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MIG_MIN(a, b)	  ((a) < (b) ? (a) : (b))
#define MIG_MAX(a, b)	  ((a) > (b) ? (a) : (b))

/* Gives the value of a pointer away and leaves NULL behind. */
#define MIG_TAKE_PTR(p)                                \
	({                                             \
		__typeof__(p) *mig_take_ = &(p);       \
		__typeof__(p) mig_taken_ = *mig_take_; \
		*mig_take_ = NULL;                     \
		mig_taken_;                            \
	})

/* Gives a descriptor away and leaves -1 behind. */
#define MIG_TAKE_FD(fd)                   \
	({                                \
		int mig_taken_fd_ = (fd); \
		(fd) = -1;                \
		mig_taken_fd_;            \
	})

static inline void mig_cleanup_free(void *p)
{
	free(*(void **)p);
}

/* Never retried on EINTR: the descriptor is gone either way on Linux. */
static inline void mig_cleanup_close(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

#define _cleanup_(f)	__attribute__((cleanup(f)))
#define _cleanup_free_	_cleanup_(mig_cleanup_free)
#define _cleanup_close_ _cleanup_(mig_cleanup_close)
