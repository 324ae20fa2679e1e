/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why the store failed, in words, for the thread that asks.
 *
 * A static table and no thread-local storage: that would leave blocks behind in every thread when
 * the library is closed, and would make it need more than libc. The threads that failed last have a
 * row; with more of them than rows the one that failed longest ago finds nothing any more.
 */
#include "sim/abi/failure.h"

#include <sys/types.h>
#include <unistd.h>

#include "shared/text.h"
#include "sim/abi/lock.h"
#include "sim/store/store.h"

enum {
	FAILURES_MAX = 64,
};

static struct {
	pid_t thread; /* 0: never used */
	char text[MIG_SIM_DETAIL_SIZE];
} failures[FAILURES_MAX];
static unsigned int next_failure;

/* The row of a thread, or FAILURES_MAX. With the lock held. */
static unsigned int find_row(pid_t thread)
{
	unsigned int row = 0;

	while (row < FAILURES_MAX && failures[row].thread != thread)
		row++;
	return row;
}

void mig_abi_failure_set(const char *text)
{
	pid_t thread = gettid();
	unsigned int row;

	mig_abi_lock();
	row = find_row(thread);
	if (row == FAILURES_MAX) {
		row = next_failure;
		next_failure = (next_failure + 1) % FAILURES_MAX;
		failures[row].thread = thread;
	}
	mig_text_copy(failures[row].text, sizeof(failures[row].text), text);
	mig_abi_unlock();
}

const char *mig_abi_failure_text(void)
{
	unsigned int row;

	mig_abi_lock();
	row = find_row(gettid());
	mig_abi_unlock();
	return row < FAILURES_MAX ? failures[row].text : "";
}
