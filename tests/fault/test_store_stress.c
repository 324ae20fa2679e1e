/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many processes on one state file, some of which are killed while they write, and what a fork
 * takes with it.
 *
 * The seed is printed and decides where each process dies and whom it disturbs; how the processes
 * interleave is the scheduler's. MIG_STORE_SEED, MIG_STORE_PROCESSES and MIG_STORE_UPDATES set
 * other numbers.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/fault/store_fixture.h"
#include "tests/harness/test.h"

#define GPUS	      2
#define PROCESSES     64
#define PROCESSES_MAX 1024
#define UPDATES	      100 /* of each process, over all its lives */
#define NO_NAMESPACES 42  /* exit status */
#define KILL_ONE_IN   4	  /* updates in which a process is killed */

/* What one worker has told; survives its deaths. */
struct worker {
	uint64_t begun;	    /* updates begun */
	uint64_t reported;  /* updates that returned OK */
	uint64_t published; /* killed after the store that publishes */
	uint64_t die_at;    /* store of this update to die at, 0 for none */
	uint64_t reads;
};

static struct worker *self;
static uint64_t stores_of_update;
static const uint64_t *generation_word;
static uint64_t generation_before;

static void *shared_new(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	MIG_ASSERT(p != MAP_FAILED);
	return p;
}

static void die_in_time(uint64_t number, bool after)
{
	(void)number;
	stores_of_update += !after;
	if (stores_of_update != self->die_at)
		return;
	if (!after && self->begun % 2)
		return; /* every second one dies after its store */
	if (__atomic_load_n(generation_word, __ATOMIC_ACQUIRE) != generation_before)
		self->published++;
	kill(getpid(), SIGKILL);
}

static bool change_and_note(void *cookie, const struct mig_sim_store *store,
			    struct mig_sim_state *state)
{
	(void)cookie;
	MIG_ASSERT_MSG(fixture_is_whole(state, GPUS), "a writer was given a torn state");
	generation_before = __atomic_load_n(store->generation, __ATOMIC_ACQUIRE);
	fixture_fill(state, GPUS, state->config_changes + 1);
	return true;
}

/* Reads as a client does: whole states, single GPUs, and now and then a fresh start. */
static void read_some(struct mig_sim_store *store, const char *dir, struct mig_sim_state *state,
		      uint64_t *last)
{
	struct mig_sim_gpu_state gpu;

	if (self->reads++ % 16 == 15) {
		mig_sim_store_close(store);
		fixture_open(store, dir);
	}
	mig_sim_store_read(store, state);
	MIG_ASSERT_MSG(fixture_is_whole(state, GPUS), "a reader saw a torn state");
	MIG_ASSERT_MSG(state->config_changes >= *last, "time went back from %ju to %ju",
		       (uintmax_t)*last, (uintmax_t)state->config_changes);
	*last = state->config_changes;
	mig_sim_store_read_gpu(store, 1, &gpu);
	MIG_ASSERT_UINT_EQ(gpu.mig_current, gpu.mig_pending);
}

static void work(const char *dir, uint64_t updates, uint64_t seed)
{
	struct mig_sim_state *state = fixture_state_new(GPUS);
	struct mig_sim_store store;
	uint64_t last = 0;

	fixture_open(&store, dir);
	mig_sim_store_hook = die_in_time;
	while (self->begun < updates) {
		uint64_t luck;

		self->begun++;
		luck = seed + self->begun;
		luck = fixture_random(&luck);
		/* An update of all words has 2 + 2 * 136 + 2 stores. */
		self->die_at = luck % KILL_ONE_IN ? 0 : luck / KILL_ONE_IN % 276 + 1;
		stores_of_update = 0;
		generation_word = store.generation;
		MIG_ASSERT_INT_EQ(mig_sim_store_update(&store, change_and_note, NULL), MIG_SIM_OK);
		self->reported++;
		read_some(&store, dir, state, &last);
	}
	mig_sim_store_close(&store);
	free(state);
}

static pid_t start(struct worker *worker, const char *dir, uint64_t updates, uint64_t seed)
{
	pid_t pid = fork();

	MIG_ASSERT(pid >= 0);
	if (pid == 0) {
		self = worker;
		work(dir, updates, seed);
		_exit(0);
	}
	return pid;
}

MIG_TEST(sixty_four_processes_and_kills)
{
	uint64_t seed = fixture_setting("MIG_STORE_SEED", 20240229);
	uint64_t processes = fixture_setting("MIG_STORE_PROCESSES", PROCESSES);
	uint64_t updates = fixture_setting("MIG_STORE_UPDATES", UPDATES);
	struct worker *workers = shared_new(PROCESSES_MAX * sizeof(*workers));
	pid_t *pids = calloc(PROCESSES_MAX, sizeof(*pids));
	const char *dir = fixture_node("node", GPUS);
	uint64_t published = 0, kills = 0, running, n = 0;
	struct mig_sim_state *state = fixture_state_new(GPUS);

	MIG_ASSERT(pids);
	MIG_ASSERT(processes >= 1 && processes <= PROCESSES_MAX);
	printf("seed %ju, %ju processes, %ju updates each\n", (uintmax_t)seed, (uintmax_t)processes,
	       (uintmax_t)updates);
	for (running = 0; running < processes; running++)
		pids[running] = start(&workers[running], dir, updates, seed + running * 1000003);
	while (running > 0) {
		int status;
		pid_t pid = wait(&status);
		uint64_t i = 0;

		MIG_ASSERT(pid > 0);
		while (pids[i] != pid)
			i++;
		if (WIFEXITED(status)) {
			MIG_ASSERT_INT_EQ(WEXITSTATUS(status), 0);
			running--;
			continue;
		}
		MIG_ASSERT_INT_EQ(WTERMSIG(status), SIGKILL);
		kills++;
		pids[i] = start(&workers[i], dir, updates, seed + i * 1000003);
	}
	for (uint64_t i = 0; i < processes; i++) {
		MIG_ASSERT_UINT_EQ(workers[i].begun, updates);
		published += workers[i].reported + workers[i].published;
	}
	fixture_read(dir, state);
	MIG_ASSERT(fixture_is_whole(state, GPUS));
	MIG_ASSERT_UINT_EQ(state->config_changes, published);
	printf("%ju updates published, %ju processes killed\n", (uintmax_t)published,
	       (uintmax_t)kills);
	if (processes * updates >= 100)
		MIG_ASSERT(kills >= processes * updates / (2 * KILL_ONE_IN));
	MIG_ASSERT_INT_EQ(fixture_update(dir, fixture_change, &n), MIG_SIM_OK);
	free(state);
	free(pids);
}

/* ---- fork ------------------------------------------------------------------------------------- */

static int ready_pipe[2];
static pid_t *survivor;

/* Maps of a state file in this process that can be written. */
static unsigned int writable_maps(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned int count = 0;
	char line[4096];

	MIG_ASSERT(maps);
	while (fgets(line, sizeof(line), maps))
		count += strstr(line, " rw-s ") && strstr(line, "/node/state\n");
	fclose(maps);
	return count;
}

static void fork_a_child_and_die(uint64_t number, bool after)
{
	pid_t pid;

	(void)number;
	if (!after || stores_of_update++ != 5)
		return;
	MIG_ASSERT_UINT_EQ(writable_maps(), 1);
	pid = fork(); /* it has every descriptor of this moment */
	if (pid == 0) {
		MIG_ASSERT_UINT_EQ(writable_maps(), 0);
		mig_sim_store_hook = NULL;
		if (write(ready_pipe[1], "r", 1) != 1)
			_exit(2);
		for (;;)
			pause();
	}
	*survivor = pid;
	kill(getpid(), SIGKILL);
}

MIG_TEST(a_writer_killed_after_a_fork_blocks_nobody)
{
	const char *dir = fixture_node("node", GPUS);
	struct mig_sim_state *state = fixture_state_new(GPUS);
	uint64_t n = 7;
	int status;
	pid_t pid;
	char c;

	survivor = shared_new(sizeof(*survivor));
	MIG_ASSERT_INT_EQ(pipe(ready_pipe), 0);
	pid = fork();
	MIG_ASSERT(pid >= 0);
	if (pid == 0) {
		mig_sim_store_hook = fork_a_child_and_die;
		_exit(fixture_update(dir, fixture_change, &n) == MIG_SIM_OK ? 0 : 2);
	}
	MIG_ASSERT_INT_EQ(waitpid(pid, &status, 0), pid);
	MIG_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	MIG_ASSERT_INT_EQ(read(ready_pipe[0], &c, 1), 1);
	MIG_ASSERT(*survivor > 0);
	MIG_ASSERT_INT_EQ(kill(*survivor, 0), 0);
	fixture_read(dir, state);
	MIG_ASSERT_UINT_EQ(state->config_changes, 0);
	MIG_ASSERT_INT_EQ(fixture_update(dir, fixture_change, &n), MIG_SIM_OK);
	MIG_ASSERT_INT_EQ(kill(*survivor, 0), 0);
	fixture_read(dir, state);
	MIG_ASSERT_UINT_EQ(state->config_changes, 7);
	MIG_ASSERT(fixture_is_whole(state, GPUS));
	kill(*survivor, SIGKILL);
	free(state);
}

/* A thread that stops in the middle of its update until it is told to go on. */
static int go_on_pipe[2];
static struct mig_sim_store thread_store;
static uint64_t thread_pattern = 1;
static bool is_stopping;

static void stop_once(uint64_t number, bool after)
{
	char c;

	(void)number;
	if (!is_stopping || !after)
		return;
	is_stopping = false;
	MIG_ASSERT_INT_EQ(write(ready_pipe[1], "r", 1), 1);
	MIG_ASSERT_INT_EQ(read(go_on_pipe[0], &c, 1), 1);
}

static void *update_in_thread(void *unused)
{
	(void)unused;
	MIG_ASSERT_INT_EQ(mig_sim_store_update(&thread_store, fixture_change, &thread_pattern),
			  MIG_SIM_OK);
	return NULL;
}

static pthread_t begin_an_update_in_a_thread(const char *dir)
{
	pthread_t thread;
	char c;

	MIG_ASSERT_INT_EQ(pipe(ready_pipe), 0);
	MIG_ASSERT_INT_EQ(pipe(go_on_pipe), 0);
	fixture_open(&thread_store, dir);
	is_stopping = true;
	mig_sim_store_hook = stop_once;
	MIG_ASSERT_INT_EQ(pthread_create(&thread, NULL, update_in_thread, NULL), 0);
	MIG_ASSERT_INT_EQ(read(ready_pipe[0], &c, 1), 1);
	return thread;
}

/* In a child forked while another thread of the parent was writing. */
static _Noreturn void update_in_forked_child(void)
{
	uint64_t n = 2;

	is_stopping = false;
	MIG_ASSERT(write(ready_pipe[1], "c", 1) == 1);
	MIG_ASSERT_INT_EQ(mig_sim_store_update(&thread_store, fixture_change, &n), MIG_SIM_OK);
	n = 3;
	MIG_ASSERT_INT_EQ(mig_sim_store_update(&thread_store, fixture_change, &n), MIG_SIM_OK);
	_exit(0);
}

static void finish_and_check(const char *dir, pthread_t thread, pid_t pid)
{
	struct mig_sim_state *state = fixture_state_new(GPUS);
	int status;
	char c;

	/* The child is on its way to the lock, which the parent rightly holds. */
	MIG_ASSERT_INT_EQ(read(ready_pipe[0], &c, 1), 1);
	MIG_ASSERT_INT_EQ(waitpid(pid, &status, WNOHANG), 0);
	MIG_ASSERT_INT_EQ(write(go_on_pipe[1], "g", 1), 1);
	MIG_ASSERT_INT_EQ(pthread_join(thread, NULL), 0);
	MIG_ASSERT_INT_EQ(waitpid(pid, &status, 0), pid);
	MIG_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	fixture_read(dir, state);
	MIG_ASSERT_UINT_EQ(state->config_changes, 3);
	MIG_ASSERT(fixture_is_whole(state, GPUS));
	mig_sim_store_close(&thread_store);
	free(state);
}

MIG_TEST(a_child_forked_while_another_thread_writes_can_write)
{
	const char *dir = fixture_node("node", GPUS);
	pthread_t thread = begin_an_update_in_a_thread(dir);
	pid_t pid = fork();

	MIG_ASSERT(pid >= 0);
	if (pid == 0)
		update_in_forked_child();
	finish_and_check(dir, thread, pid);
}

/*
 * In a pid namespace of its own the child can have the number that its parent has, so the owner of
 * the lock looks like the child itself. Here the parent is process 1 of one namespace and its child
 * process 1 of the next.
 */
static void as_process_one(const char *dir)
{
	pthread_t thread = begin_an_update_in_a_thread(dir);
	pid_t pid;

	MIG_ASSERT_INT_EQ(getpid(), 1);
	MIG_ASSERT_INT_EQ(unshare(CLONE_NEWPID), 0);
	pid = fork();
	MIG_ASSERT(pid >= 0);
	if (pid == 0) {
		MIG_ASSERT_INT_EQ(getpid(), 1);
		update_in_forked_child();
	}
	finish_and_check(dir, thread, pid);
}

/* In a process of its own: one that has left its pid namespace cannot make threads any more, which
 * the leak sanitizer wants to do at its end. */
static _Noreturn void leave_namespaces(const char *dir)
{
	int status;
	pid_t pid;

	if (unshare(CLONE_NEWUSER | CLONE_NEWPID) < 0)
		_exit(NO_NAMESPACES);
	pid = fork();
	if (pid < 0)
		_exit(NO_NAMESPACES);
	if (pid == 0) {
		as_process_one(dir);
		_exit(0);
	}
	MIG_ASSERT_INT_EQ(waitpid(pid, &status, 0), pid);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

MIG_TEST(a_forked_child_with_its_parents_pid_can_write)
{
	const char *dir = fixture_node("node", GPUS);
	int status;
	pid_t pid = fork();

	MIG_ASSERT(pid >= 0);
	if (pid == 0)
		leave_namespaces(dir);
	MIG_ASSERT_INT_EQ(waitpid(pid, &status, 0), pid);
	MIG_ASSERT(WIFEXITED(status));
	if (WEXITSTATUS(status) == NO_NAMESPACES)
		MIG_SKIP("no user and pid namespaces for this user here");
	MIG_ASSERT_INT_EQ(WEXITSTATUS(status), 0);
}

/* A handler that comes while a write is stopped must wait until it is over. */
static volatile sig_atomic_t was_handled;
static volatile sig_atomic_t handled_in_write;

static void on_signal(int number)
{
	(void)number;
	was_handled = 1;
	handled_in_write = stores_of_update == 1;
}

static void raise_at_first_store(uint64_t number, bool after)
{
	(void)number;
	stores_of_update = !after;
	if (!after)
		raise(SIGUSR1);
}

MIG_TEST(a_signal_handler_never_runs_inside_a_write)
{
	const char *dir = fixture_node("node", GPUS);
	uint64_t n = 1;
	sigset_t mask;

	stores_of_update = 0;
	signal(SIGUSR1, on_signal);
	mig_sim_store_hook = raise_at_first_store;
	MIG_ASSERT_INT_EQ(fixture_update(dir, fixture_change, &n), MIG_SIM_OK);
	MIG_ASSERT(was_handled);
	MIG_ASSERT(!handled_in_write);
	MIG_ASSERT_INT_EQ(pthread_sigmask(SIG_SETMASK, NULL, &mask), 0);
	MIG_ASSERT(!sigismember(&mask, SIGUSR1));
}

MIG_TEST(a_thread_is_not_cancelled_inside_a_write)
{
	const char *dir = fixture_node("node", GPUS);
	pthread_t thread = begin_an_update_in_a_thread(dir);
	uint64_t n = 2;

	MIG_ASSERT_INT_EQ(pthread_cancel(thread), 0);
	MIG_ASSERT_INT_EQ(write(go_on_pipe[1], "g", 1), 1);
	MIG_ASSERT_INT_EQ(pthread_join(thread, NULL), 0);
	MIG_ASSERT_UINT_EQ(__atomic_load_n(thread_store.generation, __ATOMIC_ACQUIRE), 3);
	MIG_ASSERT_INT_EQ(mig_sim_store_update(&thread_store, fixture_change, &n), MIG_SIM_OK);
	mig_sim_store_close(&thread_store);
}
