/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals and the node's lock: who waits for it can be ended, who has it ends only after the write.
 *
 * This process has the record lock on NODE/lock, which its children do not inherit; that a child
 * waits for it is seen in /proc/locks, so that nothing depends on time.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/fault/store_fixture.h"
#include "tests/harness/test.h"

enum {
	LINE_SIZE = 256,
	EXIT_OK = 0,
	EXIT_HANDLED = 10, /* the handler ran, after the write */
	EXIT_EARLY = 11,   /* it ran before */
	EXIT_PENDING = 12, /* blocked by the host, and still pending */
	EXIT_OTHER = 13,
};

static volatile sig_atomic_t handled;
static volatile sig_atomic_t was_handled_early;

static void handler(int number)
{
	(void)number;
	handled = 1;
}

static bool change(void *cookie, const struct mig_sim_store *store, struct mig_sim_state *state)
{
	was_handled_early = handled;
	return fixture_change(cookie, store, state);
}

/* The descriptor by which this process has the node's lock; closing it gives the lock up. */
static int take_lock(const char *dir)
{
	struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/lock", dir);
	fd = open(path, O_RDWR | O_CLOEXEC);
	MIG_ASSERT(fd >= 0);
	MIG_ASSERT_INT_EQ(fcntl(fd, F_SETLK, &range), 0);
	return fd;
}

static bool waits_for_a_lock(pid_t pid)
{
	char line[LINE_SIZE], wanted[32];
	bool found = false;
	FILE *file = fopen("/proc/locks", "re");

	if (!file)
		MIG_SKIP("there is no /proc/locks to see who waits");
	snprintf(wanted, sizeof(wanted), " WRITE %d ", (int)pid);
	while (!found && fgets(line, sizeof(line), file))
		found = strstr(line, "-> POSIX") && strstr(line, wanted);
	fclose(file);
	return found;
}

static void until_it_waits(pid_t pid)
{
	while (!waits_for_a_lock(pid)) {
		MIG_ASSERT_INT_EQ(waitpid(pid, NULL, WNOHANG), 0);
		sched_yield();
	}
}

static int exit_status(pid_t child)
{
	int status;

	MIG_ASSERT_INT_EQ(waitpid(child, &status, 0), child);
	MIG_ASSERT_MSG(WIFEXITED(status), "it ended by signal %d", WTERMSIG(status));
	return WEXITSTATUS(status);
}

static void ended_by(pid_t child, int number)
{
	int status;

	MIG_ASSERT_INT_EQ(waitpid(child, &status, 0), child);
	MIG_ASSERT_MSG(WIFSIGNALED(status), "it ended with %d", WEXITSTATUS(status));
	MIG_ASSERT_INT_EQ(WTERMSIG(status), number);
}

static void expect(const char *dir, uint64_t n)
{
	struct mig_sim_state *state = fixture_state_new(1);

	fixture_read(dir, state);
	MIG_ASSERT_UINT_EQ(state->config_changes, n);
	MIG_ASSERT(fixture_is_whole(state, 1));
	free(state);
}

/* The child's signals are as a shell leaves them. */
static void be_ordinary(void)
{
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* A child that ends with what `run` returns. */
static pid_t child_that(int (*run)(const char *dir), const char *dir)
{
	pid_t child = fork();

	MIG_ASSERT(child >= 0);
	if (child == 0) {
		be_ordinary();
		_exit(run(dir));
	}
	return child;
}

static int update(const char *dir)
{
	uint64_t n = 7;

	return fixture_update(dir, change, &n) == MIG_SIM_OK ? EXIT_OK : EXIT_OTHER;
}

MIG_TEST(who_waits_is_ended_by_a_signal)
{
	static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGALRM, SIGUSR1};
	const char *dir = fixture_node("node", 1);
	int lock = take_lock(dir);
	uint64_t n = 3;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		pid_t child = child_that(update, dir);

		until_it_waits(child);
		MIG_ASSERT_INT_EQ(kill(child, numbers[i]), 0);
		ended_by(child, numbers[i]);
	}
	close(lock);
	expect(dir, 0);
	MIG_ASSERT_INT_EQ(fixture_update(dir, fixture_change, &n), MIG_SIM_OK);
	expect(dir, 3);
}

MIG_TEST(who_waits_goes_on_when_it_may)
{
	const char *dir = fixture_node("node", 1);
	int lock = take_lock(dir);
	pid_t child = child_that(update, dir);

	until_it_waits(child);
	/* Neither a signal that does nothing nor a stop changes that. */
	MIG_ASSERT_INT_EQ(kill(child, SIGWINCH), 0);
	MIG_ASSERT_INT_EQ(kill(child, SIGTSTP), 0);
	MIG_ASSERT_INT_EQ(waitpid(child, NULL, WUNTRACED), child);
	MIG_ASSERT_INT_EQ(kill(child, SIGCONT), 0);
	until_it_waits(child);
	close(lock);
	MIG_ASSERT_INT_EQ(exit_status(child), EXIT_OK);
	expect(dir, 7);
}

static int update_with_a_handler(const char *dir)
{
	signal(SIGTERM, handler);
	if (update(dir) != EXIT_OK)
		return EXIT_OTHER;
	return was_handled_early ? EXIT_EARLY : handled ? EXIT_HANDLED : EXIT_OK;
}

MIG_TEST(a_handler_waits_for_the_end_of_the_write)
{
	const char *dir = fixture_node("node", 1);
	int lock = take_lock(dir);
	pid_t child = child_that(update_with_a_handler, dir);

	until_it_waits(child);
	MIG_ASSERT_INT_EQ(kill(child, SIGTERM), 0);
	until_it_waits(child);
	close(lock);
	MIG_ASSERT_INT_EQ(exit_status(child), EXIT_HANDLED);
	expect(dir, 7);
}

static int update_with_a_blocked_signal(const char *dir)
{
	sigset_t set, pending;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (update(dir) != EXIT_OK || sigpending(&pending))
		return EXIT_OTHER;
	return sigismember(&pending, SIGTERM) ? EXIT_PENDING : EXIT_OK;
}

MIG_TEST(what_the_host_has_blocked_stays_blocked)
{
	const char *dir = fixture_node("node", 1);
	int lock = take_lock(dir);
	pid_t child = child_that(update_with_a_blocked_signal, dir);

	until_it_waits(child);
	MIG_ASSERT_INT_EQ(kill(child, SIGTERM), 0);
	close(lock);
	MIG_ASSERT_INT_EQ(exit_status(child), EXIT_PENDING);
	expect(dir, 7);
}

static bool change_and_be_ended(void *cookie, const struct mig_sim_store *store,
				struct mig_sim_state *state)
{
	kill(getpid(), SIGTERM);
	return fixture_change(cookie, store, state);
}

static int update_and_be_ended(const char *dir)
{
	uint64_t n = 7;

	fixture_update(dir, change_and_be_ended, &n);
	return EXIT_OTHER;
}

MIG_TEST(who_has_it_ends_after_the_write)
{
	const char *dir = fixture_node("node", 1);
	pid_t child = child_that(update_and_be_ended, dir);

	ended_by(child, SIGTERM);
	expect(dir, 7);
}

/* ---- within a process ------------------------------------------------------------------------- */

/* What a thread that is in the middle of a write waits for, and what it says when it is there. */
struct middle {
	int said;
	int go;
	const char *dir;
};

static bool change_when_told(void *cookie, const struct mig_sim_store *store,
			     struct mig_sim_state *state)
{
	const struct middle *middle = cookie;
	uint64_t n = 5;
	char word = 0;

	if (write(middle->said, &word, 1) != 1 || read(middle->go, &word, 1) != 1)
		abort();
	return fixture_change(&n, store, state);
}

static void *write_when_told(void *cookie)
{
	struct middle *middle = cookie;

	return (void *)(intptr_t)fixture_update(middle->dir, change_when_told, middle);
}

/* Whether the main thread of a process is in a futex call. */
static bool waits_for_a_thread(pid_t pid)
{
	char path[64], line[LINE_SIZE] = "";
	bool is_open;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/syscall", (int)pid);
	file = fopen(path, "re");
	is_open = file && fgets(line, sizeof(line), file);
	if (file)
		fclose(file);
	if (!is_open)
		MIG_SKIP("/proc/PID/syscall does not say what a process waits in");
	return strtol(line, NULL, 10) == SYS_futex;
}

MIG_TEST(a_thread_that_waits_for_another_is_ended)
{
	const char *dir = fixture_node("node", 1);
	int said[2], go[2], ready[2];
	uint64_t n = 7;
	pid_t child;
	char word;

	MIG_ASSERT_INT_EQ(pipe(said), 0);
	MIG_ASSERT_INT_EQ(pipe(go), 0);
	MIG_ASSERT_INT_EQ(pipe(ready), 0);
	child = fork();
	MIG_ASSERT(child >= 0);
	if (child == 0) {
		struct middle middle = {.said = said[1], .go = go[0], .dir = dir};
		pthread_t thread;

		be_ordinary();
		/* That one has the lock when it says so, and waits for a word that nobody sends. */
		if (pthread_create(&thread, NULL, write_when_told, &middle) ||
		    read(said[0], &word, 1) != 1 || write(ready[1], "", 1) != 1)
			_exit(EXIT_OTHER);
		fixture_update(dir, change, &n);
		_exit(EXIT_OTHER);
	}
	MIG_ASSERT_INT_EQ(read(ready[0], &word, 1), 1);
	while (!waits_for_a_thread(child))
		sched_yield();
	MIG_ASSERT_INT_EQ(kill(child, SIGTERM), 0);
	ended_by(child, SIGTERM);
	expect(dir, 0);
}
