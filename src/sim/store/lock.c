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
 * driver again, or a thread that ends in the middle, finds nothing half done.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "sim/store/format.h"

#define LOCK_MODE	     0600 /* a reader could hold a read lock for ever and stop all writers */
#define LOOK_AGAIN_NS	     (100 * 1000 * 1000) /* for an owner that vanished without a wake-up */
#define DEADLOCK_RETRY_NS    (1000 * 1000)
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

static void process_lock(void)
{
	const struct timespec look_again = {.tv_nsec = LOOK_AGAIN_NS};
	uint64_t me = OWNER_WORD(getpid(), gettid());

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
		syscall(SYS_futex, &releases, FUTEX_WAIT_PRIVATE, seen_releases, &look_again, NULL,
			0);
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

static int lock_file(int fd)
{
	const struct timespec retry = {.tv_nsec = DEADLOCK_RETRY_NS};
	struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	while (fcntl(fd, F_SETLKW, &range) < 0) {
		if (errno == EINTR)
			continue;
		/* The kernel thinks in processes: a circle through another thread of this one,
		 * which holds a lock of the host's own, is none. */
		if (errno != EDEADLK)
			return -1;
		nanosleep(&retry, NULL);
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
	process_lock();
	for (;;) {
		status = open_lock(lock, dir, node_dir, make, failure);
		if (status != MIG_SIM_OK)
			break;
		if (lock_file(lock->fd) < 0) {
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
