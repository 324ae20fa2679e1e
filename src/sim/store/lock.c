/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One writer at a time.
 *
 * Between processes: a POSIX record lock on NODE/lock, by a descriptor opened for this one write.
 * The kernel frees it when the process dies, and a child forked meanwhile does not have it although
 * it has the descriptor. Such locks belong to the process and closing any descriptor of the file
 * drops them, so threads need a lock of their own, outside.
 *
 * Within a process: one word that holds the owner's process and thread. A pthread mutex that
 * another thread held at the moment of a fork would stay locked in the child for ever, and a fork
 * handler would outlive dlclose; this word is seen to be stale in the child, and is taken over.
 *
 * While the lock is held signals are blocked and cancellation is off: a handler that calls the
 * driver again, or a thread that ends in the middle, finds nothing half done. While it is waited for,
 * which may take as long as another writer likes, those are let through that have no handler: they
 * end the program, as they would anywhere else.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "shared/number.h"
#include "sim/store/format.h"

#define LOCK_MODE	     0600 /* a reader could hold a read lock for ever and stop all writers */
#define LOOK_AGAIN_NS	     (100 * 1000 * 1000) /* for an owner that vanished without a wake-up */
#define DEADLOCK_RETRY_NS    (1000 * 1000)
#define SIGNALS		     64 /* that the kernel has */
#define OWNER_WORD(pid, tid) ((uint64_t)(uint32_t)(pid) << 32 | (uint32_t)(tid))

static uint64_t owner; /* OWNER_WORD, 0 when free */
static uint32_t releases;

/*
 * Whether the owner in the word cannot be a running thread of this process but this one. It is of
 * another process if that one forked while it held the lock. In a new pid namespace the numbers can
 * be the parent's again; then they are this thread's, or those of a thread that is not there.
 */
static bool is_stale(uint64_t word, uint64_t me)
{
	pid_t tid = (pid_t)(uint32_t)word;

	if (word >> 32 != me >> 32 || word == me)
		return true;
	return syscall(SYS_tgkill, (pid_t)(me >> 32), tid, 0) < 0 && errno == ESRCH;
}

/*
 * The signals that have a handler, bit N - 1 for signal N; all, if /proc does not tell. Not by
 * sigaction: that a library which has handlers of the host in its hands never calls it can be seen
 * from outside.
 */
static uint64_t with_handler(void)
{
	static const char key[] = "SigCgt:";
	uint64_t caught = UINT64_MAX, value;
	char *line = NULL, *text;
	size_t size = 0;
	FILE *file = fopen("/proc/self/status", "re");

	while (file && getline(&line, &size, file) > 0) {
		if (strncmp(line, key, sizeof(key) - 1) != 0)
			continue;
		text = line + sizeof(key) - 1;
		text += strspn(text, " \t");
		text[strcspn(text, "\n")] = '\0';
		if (mig_parse_hex_u64(text, UINT64_MAX, &value) == 0)
			caught = value;
		break;
	}
	free(line);
	if (file)
		fclose(file);
	return caught;
}

/*
 * What may be let through while this thread waits: signals that the host has neither blocked nor a
 * handler for. Should another thread give one a handler meanwhile, it can run here; so after a wait
 * nothing is taken for held without asking.
 */
static sigset_t without_handler(const struct mig_sim_lock *lock)
{
	const uint64_t caught = with_handler();
	sigset_t open;

	sigemptyset(&open);
	for (int number = 1; number <= SIGNALS; number++) {
		if (sigismember(&lock->signals, number) == 0 && !(caught >> (number - 1) & 1))
			sigaddset(&open, number);
	}
	return open;
}

/* A sleep of process_lock or lock_file, in which the program can be ended. */
static void begin_wait(const struct mig_sim_lock *lock, sigset_t *held)
{
	const sigset_t open = without_handler(lock);

	pthread_sigmask(SIG_UNBLOCK, &open, held);
}

static void end_wait(const sigset_t *held)
{
	pthread_sigmask(SIG_SETMASK, held, NULL);
}

static bool is_owner(void)
{
	return __atomic_load_n(&owner, __ATOMIC_RELAXED) == OWNER_WORD(getpid(), gettid());
}

static void process_lock(const struct mig_sim_lock *lock)
{
	const struct timespec look_again = {.tv_nsec = LOOK_AGAIN_NS};
	uint64_t me = OWNER_WORD(getpid(), gettid());
	sigset_t held;

	for (;;) {
		uint32_t seen_releases = __atomic_load_n(&releases, __ATOMIC_ACQUIRE);
		uint64_t seen = 0;

		if (__atomic_compare_exchange_n(&owner, &seen, me, false, __ATOMIC_ACQUIRE,
						__ATOMIC_RELAXED))
			return;
		if (is_stale(seen, me)) {
			if (__atomic_compare_exchange_n(&owner, &seen, me, false, __ATOMIC_ACQUIRE,
							__ATOMIC_RELAXED))
				return;
			continue;
		}
		begin_wait(lock, &held);
		syscall(SYS_futex, &releases, FUTEX_WAIT_PRIVATE, seen_releases, &look_again, NULL,
			0);
		end_wait(&held);
	}
}

static void process_unlock(void)
{
	__atomic_store_n(&owner, 0, __ATOMIC_RELEASE);
	__atomic_add_fetch(&releases, 1, __ATOMIC_RELEASE);
	syscall(SYS_futex, &releases, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* Signals that a fault in this thread raises stay open: blocked, they would just kill. */
static void shield(struct mig_sim_lock *lock)
{
	sigset_t all;

	sigfillset(&all);
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGFPE);
	sigdelset(&all, SIGILL);
	sigdelset(&all, SIGTRAP);
	sigdelset(&all, SIGABRT);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &lock->cancel_state);
	pthread_sigmask(SIG_SETMASK, &all, &lock->signals);
}

static void unshield(const struct mig_sim_lock *lock)
{
	pthread_sigmask(SIG_SETMASK, &lock->signals, NULL);
	pthread_setcancelstate(lock->cancel_state, NULL);
}

/* Sleeps until nobody else has the lock. 0: it may be this process's now. */
static int wait_for_file(const struct mig_sim_lock *lock)
{
	const struct timespec retry = {.tv_nsec = DEADLOCK_RETRY_NS};
	struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int result, reason;
	sigset_t held;

	begin_wait(lock, &held);
	result = fcntl(lock->fd, F_SETLKW, &range);
	reason = errno;
	/* The kernel thinks in processes: a circle through another thread of this one, which holds a
	 * lock of the host's own, is none. */
	if (result < 0 && reason == EDEADLK)
		nanosleep(&retry, NULL);
	end_wait(&held);
	errno = reason;
	return result < 0 && reason != EINTR && reason != EDEADLK ? -1 : 0;
}

static int lock_file(const struct mig_sim_lock *lock)
{
	struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	/* Not in the wait itself: it would not tell a lock that was lost before signals were
	 * blocked again. One that is held already is had once more. */
	while (fcntl(lock->fd, F_SETLK, &range) < 0) {
		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			return -1;
		if (wait_for_file(lock) < 0)
			return -1;
		if (!is_owner())
			process_lock(lock);
	}
	return 0;
}

/* Whether NODE/lock is still the file behind `fd`: it may have been removed while we waited. */
static bool is_in_place(int dir, int fd)
{
	struct stat at_name, at_fd;

	return fstatat(dir, MIG_SIM_LOCK_FILE, &at_name, AT_SYMLINK_NOFOLLOW) == 0 &&
	       fstat(fd, &at_fd) == 0 && at_name.st_dev == at_fd.st_dev &&
	       at_name.st_ino == at_fd.st_ino;
}

static enum mig_sim_status open_lock(struct mig_sim_lock *lock, int dir, const char *node_dir,
				     bool make, struct mig_sim_failure *failure)
{
	char shown[MIG_SIM_SHOWN_PATH_SIZE];
	enum mig_sim_status status;

	for (;;) {
		lock->was_made = false;
		status = mig_sim_file_open(dir, node_dir, MIG_SIM_LOCK_FILE, "lock file", O_RDWR, 0,
					   &lock->fd, failure);
		if (status != MIG_SIM_NO_NODE)
			return status;
		if (!make)
			return mig_sim_fail(failure, MIG_SIM_IO, ENOENT,
					    "the lock file '%s' is missing; make an empty one",
					    mig_sim_shown_path(shown, node_dir, MIG_SIM_LOCK_FILE));
		status = mig_sim_file_open(dir, node_dir, MIG_SIM_LOCK_FILE, "lock file",
					   O_RDWR | O_CREAT | O_EXCL, LOCK_MODE, &lock->fd,
					   failure);
		lock->was_made = status == MIG_SIM_OK;
		if (status == MIG_SIM_OK || failure->saved_errno != EEXIST)
			return status;
	}
}

enum mig_sim_status mig_sim_lock_take(struct mig_sim_lock *lock, int dir, const char *node_dir,
				      bool make, struct mig_sim_failure *failure)
{
	char shown[MIG_SIM_SHOWN_PATH_SIZE];
	enum mig_sim_status status;

	*lock = (struct mig_sim_lock){.fd = -1};
	shield(lock);
	process_lock(lock);
	for (;;) {
		status = open_lock(lock, dir, node_dir, make, failure);
		if (status != MIG_SIM_OK)
			break;
		if (lock_file(lock) < 0) {
			status = mig_sim_fail(failure, MIG_SIM_IO, errno, "cannot lock '%s'",
					      mig_sim_shown_path(shown, node_dir,
								 MIG_SIM_LOCK_FILE));
			break;
		}
		if (is_in_place(dir, lock->fd))
			return MIG_SIM_OK;
		mig_sim_file_close(MIG_TAKE_FD(lock->fd));
	}
	mig_sim_lock_release(lock);
	return status;
}

void mig_sim_lock_release(struct mig_sim_lock *lock)
{
	mig_sim_file_close(MIG_TAKE_FD(lock->fd)); /* frees the lock on the file */
	process_unlock();
	unshield(lock);
}
