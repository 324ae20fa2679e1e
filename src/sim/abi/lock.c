/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lock that a forked child cannot inherit: the word holds the process and thread that took it.
 *
 * If a thread of the parent held it at the fork, nobody in the child will ever release it; the
 * child sees an owner that is not there and takes the lock over. Signals are blocked meanwhile, so
 * that a handler which calls the driver does not wait for the thread that it interrupts.
 */
#include "sim/abi/lock.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#define OWNER_WORD(pid, tid) ((uint64_t)(uint32_t)(pid) << 32 | (uint32_t)(tid))

static uint64_t owner; /* OWNER_WORD, 0 when free */

/* What the owner has changed in its thread; belongs to whoever holds the lock. */
static struct {
	sigset_t signals;
	int cancel_state;
} shielded;

/* In a new pid namespace a child can have its parent's numbers; then the thread is not there. */
static bool is_stale(uint64_t word, uint64_t me)
{
	pid_t tid = (pid_t)(uint32_t)word;

	if (word >> 32 != me >> 32 || word == me)
		return true;
	return syscall(SYS_tgkill, (pid_t)(me >> 32), tid, 0) < 0 && errno == ESRCH;
}

static bool try_lock(uint64_t me)
{
	uint64_t seen = 0;

	if (__atomic_compare_exchange_n(&owner, &seen, me, false, __ATOMIC_ACQUIRE,
					__ATOMIC_RELAXED))
		return true;
	return seen != 0 && is_stale(seen, me) &&
	       __atomic_compare_exchange_n(&owner, &seen, me, false, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

void mig_abi_lock(void)
{
	/* A fault in this thread must still be told of. */
	static const int left_open[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT};
	int saved_errno = errno;
	uint64_t me = OWNER_WORD(getpid(), gettid());
	sigset_t blocked, before;
	int cancel_before;

	sigfillset(&blocked);
	for (unsigned int i = 0; i < sizeof(left_open) / sizeof(left_open[0]); i++)
		sigdelset(&blocked, left_open[i]);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_before);
	pthread_sigmask(SIG_SETMASK, &blocked, &before);
	while (!try_lock(me))
		sched_yield();
	shielded.signals = before;
	shielded.cancel_state = cancel_before;
	errno = saved_errno;
}

void mig_abi_unlock(void)
{
	int saved_errno = errno;
	sigset_t before = shielded.signals;
	int cancel_before = shielded.cancel_state;

	__atomic_store_n(&owner, 0, __ATOMIC_RELEASE);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_setcancelstate(cancel_before, NULL);
	errno = saved_errno;
}
