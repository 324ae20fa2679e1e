/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens at the front door while there are faults.
 *
 * What the process knows of the rules is one table behind the library's lock. A process that no
 * rule concerns says so in one word, `quiet`, which holds until the rules or the process change:
 * its calls then cost one system call more and take no lock. The lock is held over look-ups in
 * /proc, never over a wait or a write of the state.
 */
#include "sim/abi/door.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "shared/text.h"
#include "sim/abi/abi.h"
#include "sim/abi/lock.h"
#include "sim/fault/fault.h"

#define MS_NS		1000000L
#define STATE_PATH_SIZE 4096
#define HANG_FIRST_MS	1
#define HANG_LONGEST_MS \
	50 /* so soon a cleared fault is noticed; twenty looks a second cost nothing */
#define HANG_CHECK_LOOKS 20 /* looks between two at the process that the rule is for */

static struct mig_sim_fault_watch watch; /* behind the lock */

/* Of the process and store that no rule concerns; 0: not known. */
static uint64_t quiet;
static const struct mig_sim_store *quiet_store;

bool mig_abi_door_is_armed(void)
{
	const struct mig_sim_store *store = mig_abi_store();

	return store && mig_sim_fault_is_armed(store);
}

/* The low half of the serial number is enough: rules do not change 2^32 times between two calls. */
static uint64_t quiet_word(const struct mig_sim_store *store)
{
	return mig_sim_fault_serial(store) << 32 | (uint32_t)getpid();
}

static bool is_quiet(const struct mig_sim_store *store)
{
	return __atomic_load_n(&quiet, __ATOMIC_ACQUIRE) == quiet_word(store) &&
	       __atomic_load_n(&quiet_store, __ATOMIC_RELAXED) == store;
}

static void note_quiet(const struct mig_sim_store *store)
{
	uint64_t now = watch.is_quiet ? watch.serial << 32 | watch.pid : 0;

	if (__atomic_load_n(&quiet, __ATOMIC_RELAXED) == now &&
	    __atomic_load_n(&quiet_store, __ATOMIC_RELAXED) == store)
		return;
	__atomic_store_n(&quiet, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&quiet_store, store, __ATOMIC_RELEASE);
	__atomic_store_n(&quiet, now, __ATOMIC_RELEASE);
}

/* Whether the state file is still the one that is mapped: the map outlives the node. */
static bool is_in_place(const struct mig_sim_store *store)
{
	char path[STATE_PATH_SIZE];
	struct stat st;

	return !mig_text_format(path, sizeof(path), "%s/" MIG_SIM_STATE_FILE, store->path) ||
	       (stat(path, &st) < 0 ? errno != ENOENT && errno != ENOTDIR
				    : st.st_dev == store->device && st.st_ino == store->inode);
}

/* Waits until the rule or the node is gone. Signals are handled meanwhile, as in a call into a kernel module. */
static void hang(const struct mig_sim_store *store, uint32_t id)
{
	uint64_t serial = mig_sim_fault_serial(store);
	long wait_ms = HANG_FIRST_MS;

	for (unsigned int looks = 1; mig_sim_fault_stands(store, id) && is_in_place(store);
	     looks++) {
		do {
			struct timespec pause = {.tv_nsec = wait_ms * MS_NS};

			nanosleep(&pause, NULL);
			wait_ms = MIG_MIN(wait_ms * 2, (long)HANG_LONGEST_MS);
		} while (mig_sim_fault_serial(store) == serial && ++looks % HANG_CHECK_LOOKS != 0);
		serial = mig_sim_fault_serial(store);
	}
}

static int act(const struct mig_sim_store *store, const struct mig_sim_fault *due)
{
	switch (due->action) {
	case MIG_SIM_FAULT_RETURN:
		return (int)due->code;
	case MIG_SIM_FAULT_HANG:
		hang(store, due->id);
		return -1;
	case MIG_SIM_FAULT_KILL:
		kill(getpid(), SIGKILL);
		/* The first process of a pid namespace is not killed by itself. */
		syscall(SYS_exit_group, 128 + SIGKILL);
		return -1;
	default:
		return -1;
	}
}

int mig_abi_door_ask(const char *function)
{
	struct mig_sim_store *store = mig_abi_store();
	int saved_errno = errno;
	struct mig_sim_fault due;
	bool found, is_shared, has_ended;
	int answer = -1;

	if (!store || is_quiet(store))
		return -1;
	mig_abi_lock();
	mig_sim_fault_watch_refresh(&watch, store);
	found = mig_sim_fault_watch_count(&watch, function, &due, &is_shared);
	has_ended = watch.has_ended;
	watch.has_ended = false; /* one attempt is enough: not everybody may write the state */
	note_quiet(store);
	mig_abi_unlock();
	if (has_ended)
		mig_sim_fault_tidy_store(store);
	if (is_shared)
		found = mig_sim_fault_count_shared(store, function, found, &due);
	if (found)
		answer = act(store, &due);
	errno = saved_errno;
	return answer;
}
