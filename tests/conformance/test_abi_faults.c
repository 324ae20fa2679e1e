/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that go wrong, through the library: which call, in which process, and how. The rules are
 * put into the node's state directly, without the commands. Waits have a deadline and no fixed time.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/macros.h"
#include "shared/text.h"
#include "sim/fault/fault.h"
#include "tests/conformance/node_fixture.h"

#define A100	    "2xa100-sxm4-40gb"
#define NEVER_MS    50	  /* how long something must not happen */
#define DEADLINE_MS 30000 /* in which something must happen */
#define THREADS	    8
#define CALLS	    1000

/* ---- rules in the state -------------------------------------------------------------------------- */

struct armed {
	struct mig_sim_fault rule;
	uint32_t id;
};

static bool add_rule(void *cookie, const struct mig_sim_store *store, struct mig_sim_state *state)
{
	struct armed *armed = cookie;
	const struct mig_sim_fault *row = mig_sim_fault_add(state, &armed->rule);

	(void)store;
	MIG_ASSERT(row != NULL);
	armed->id = row->id;
	return true;
}

static bool remove_rule(void *cookie, const struct mig_sim_store *store,
			struct mig_sim_state *state)
{
	const uint32_t *id = cookie;

	(void)store;
	return mig_sim_fault_remove(state, *id);
}

static bool set_lost(void *cookie, const struct mig_sim_store *store, struct mig_sim_state *state)
{
	const unsigned int *gpu_index = cookie;

	(void)store;
	state->gpus[*gpu_index].is_lost = 1;
	return true;
}

static void change(mig_sim_change_fn function, void *cookie)
{
	struct mig_sim_store store;

	MIG_ASSERT_INT_EQ(mig_sim_store_open(&store, mig_test_path("node")), MIG_SIM_OK);
	MIG_ASSERT_INT_EQ(mig_sim_store_update(&store, function, cookie), MIG_SIM_OK);
	mig_sim_store_close(&store);
}

/* The state's row of a rule; id 0 if it is gone. */
static struct mig_sim_fault rule_of(uint32_t id)
{
	struct mig_sim_fault found = {.id = 0};
	struct mig_sim_state *state;
	struct mig_sim_store store;

	MIG_ASSERT_INT_EQ(mig_sim_store_open(&store, mig_test_path("node")), MIG_SIM_OK);
	state = malloc(store.state_size);
	MIG_ASSERT(state != NULL);
	mig_sim_store_read(&store, state);
	for (unsigned int i = 0; i < MIG_SIM_FAULTS_MAX; i++) {
		if (state->faults[i].id == id)
			found = state->faults[i];
	}
	free(state);
	mig_sim_store_close(&store);
	return found;
}

/* For process `pid`, node-wide for 0. Returns the id. */
static uint32_t arm(pid_t pid, const char *function, uint64_t call, bool is_from,
		    enum mig_sim_fault_action action, uint32_t code)
{
	struct armed armed = {
		.rule = {.call = call, .is_from = is_from, .action = action, .code = code}};
	struct mig_sim_process process = {.pid = 0};

	if (pid)
		MIG_ASSERT(mig_sim_process_find((uint32_t)pid, &process));
	armed.rule.pid = process.pid;
	armed.rule.start_time = process.start_time;
	armed.rule.pid_namespace = process.pid_namespace;
	mig_text_copy(armed.rule.function, sizeof(armed.rule.function), function);
	change(add_rule, &armed);
	return armed.id;
}

static void disarm(uint32_t id)
{
	change(remove_rule, &id);
}

static nvmlReturn_t get_count(void)
{
	unsigned int count;

	return nvmlDeviceGetCount_v2(&count);
}

static nvmlReturn_t get_mode(void)
{
	nvmlDevice_t gpu = fixture_gpu(0);
	unsigned int current, pending;

	return nvmlDeviceGetMigMode(gpu, &current, &pending);
}

/* ---- children ------------------------------------------------------------------------------------ */

/* A child that does what it is told, one letter at a time, and answers one code each. */
struct child {
	pid_t pid;
	int orders;
	int answers;
};

static int answer_order(char order)
{
	switch (order) {
	case 'i':
		return (int)nvmlInit_v2();
	case 'c':
		return (int)get_count();
	case 'm':
		return (int)get_mode();
	default:
		return -1;
	}
}

static struct child start_child(void)
{
	int orders[2], answers[2];
	struct child child;

	MIG_ASSERT_INT_EQ(pipe2(orders, O_CLOEXEC), 0);
	MIG_ASSERT_INT_EQ(pipe2(answers, O_CLOEXEC), 0);
	child.pid = fork();
	MIG_ASSERT(child.pid >= 0);
	if (child.pid == 0) {
		char order;

		close(orders[1]);
		close(answers[0]);
		/* Its siblings have the other end open, too: it is told when to stop. */
		while (read(orders[0], &order, 1) == 1 && order != 'q') {
			int answer = answer_order(order);

			MIG_ASSERT(write(answers[1], &answer, sizeof(answer)) == sizeof(answer));
		}
		_exit(0);
	}
	close(orders[0]);
	close(answers[1]);
	child.orders = orders[1];
	child.answers = answers[0];
	return child;
}

static void order(const struct child *child, char what)
{
	MIG_ASSERT(write(child->orders, &what, 1) == 1);
}

/* Whether it answers (or ends) within this time. */
static bool answers_within(const struct child *child, int ms)
{
	struct pollfd poller = {.fd = child->answers, .events = POLLIN};

	return poll(&poller, 1, ms) == 1;
}

static int answer(const struct child *child)
{
	int got = -1;

	MIG_ASSERT_MSG(answers_within(child, DEADLINE_MS), "the child does not answer");
	MIG_ASSERT(read(child->answers, &got, sizeof(got)) == sizeof(got));
	return got;
}

static int ask(const struct child *child, char what)
{
	order(child, what);
	return answer(child);
}

/* Ends it and returns its wait status. */
static int end_child(const struct child *child)
{
	int status;

	/* One that was killed does not read it any more. */
	signal(SIGPIPE, SIG_IGN);
	(void)!write(child->orders, "q", 1);
	close(child->orders);
	MIG_ASSERT_INT_EQ(waitpid(child->pid, &status, 0), child->pid);
	close(child->answers);
	return status;
}

/* ---- one process --------------------------------------------------------------------------------- */

MIG_TEST(the_nth_call_answers_the_code)
{
	fixture_start(A100, NULL);
	arm(getpid(), "nvmlDeviceGetCount_v2", 3, false, MIG_SIM_FAULT_RETURN, NVML_ERROR_TIMEOUT);
	ASSERT_OK(get_count());
	ASSERT_OK(get_mode());
	ASSERT_OK(get_count());
	ASSERT_CODE(get_count(), NVML_ERROR_TIMEOUT);
	ASSERT_OK(get_count());
	ASSERT_OK(get_mode());
}

MIG_TEST(from_the_nth_call_on)
{
	fixture_start(A100, NULL);
	arm(getpid(), "nvmlDeviceGetMigMode", 2, true, MIG_SIM_FAULT_RETURN, NVML_ERROR_UNKNOWN);
	ASSERT_OK(get_mode());
	for (unsigned int i = 0; i < 5; i++)
		ASSERT_CODE(get_mode(), NVML_ERROR_UNKNOWN);
	ASSERT_OK(get_count());
}

MIG_TEST(nothing_is_done_when_it_answers_a_code)
{
	nvmlReturn_t activation = 77;
	unsigned int current, pending;

	fixture_start(A100, NULL);
	arm(getpid(), "nvmlDeviceSetMigMode", 1, false, MIG_SIM_FAULT_RETURN, NVML_ERROR_IN_USE);
	ASSERT_CODE(nvmlDeviceSetMigMode(fixture_gpu(0), 1, &activation), NVML_ERROR_IN_USE);
	MIG_ASSERT_INT_EQ(activation, 77);
	ASSERT_OK(nvmlDeviceGetMigMode(fixture_gpu(0), &current, &pending));
	MIG_ASSERT_UINT_EQ(current, 0);
	ASSERT_OK(nvmlDeviceSetMigMode(fixture_gpu(0), 1, &activation));
}

/* Exported and declared nowhere: a stub. */
nvmlReturn_t nvmlVgpuTypeGetName(void);

MIG_TEST(what_is_only_a_stub_goes_wrong_as_well)
{
	fixture_start(A100, NULL);
	arm(getpid(), "nvmlVgpuTypeGetName", 1, true, MIG_SIM_FAULT_RETURN, NVML_ERROR_NO_DATA);
	ASSERT_CODE(nvmlVgpuTypeGetName(), NVML_ERROR_NO_DATA);
}

MIG_TEST(a_rule_that_is_cleared_is_over)
{
	uint32_t id;

	fixture_start(A100, NULL);
	id = arm(getpid(), "nvmlDeviceGetCount_v2", 1, true, MIG_SIM_FAULT_RETURN,
		 NVML_ERROR_MEMORY);
	ASSERT_CODE(get_count(), NVML_ERROR_MEMORY);
	disarm(id);
	ASSERT_OK(get_count());
}

MIG_TEST(another_rule_does_not_begin_the_count_anew)
{
	fixture_start(A100, NULL);
	arm(getpid(), "nvmlDeviceGetCount_v2", 3, false, MIG_SIM_FAULT_RETURN, NVML_ERROR_MEMORY);
	ASSERT_OK(get_count());
	ASSERT_OK(get_count());
	arm(getpid(), "nvmlDeviceGetMigMode", 9, false, MIG_SIM_FAULT_RETURN, NVML_ERROR_MEMORY);
	ASSERT_CODE(get_count(), NVML_ERROR_MEMORY);
}

MIG_TEST(of_two_rules_the_older_one_counts)
{
	uint32_t first;

	fixture_start(A100, NULL);
	first = arm(0, "nvmlDeviceGetCount_v2", 1, true, MIG_SIM_FAULT_RETURN, NVML_ERROR_MEMORY);
	arm(getpid(), "nvmlDeviceGetCount_v2", 1, true, MIG_SIM_FAULT_RETURN, NVML_ERROR_NO_DATA);
	ASSERT_CODE(get_count(), NVML_ERROR_MEMORY);
	disarm(first);
	ASSERT_CODE(get_count(), NVML_ERROR_NO_DATA);
}

MIG_TEST(init_fails_after_the_node_was_opened_and_leaves_nothing)
{
	fixture_node("node", A100, NULL);
	arm(getpid(), "nvmlInit_v2", 2, false, MIG_SIM_FAULT_RETURN, NVML_ERROR_DRIVER_NOT_LOADED);
	ASSERT_OK(nvmlInit_v2());
	ASSERT_OK(nvmlShutdown());
	ASSERT_CODE(nvmlInit_v2(), NVML_ERROR_DRIVER_NOT_LOADED);
	ASSERT_CODE(get_count(), NVML_ERROR_UNINITIALIZED);
	ASSERT_OK(nvmlInit_v2());
	ASSERT_OK(get_count());
}

MIG_TEST(init_within_init_fails_and_the_first_one_holds)
{
	fixture_start(A100, NULL);
	arm(getpid(), "nvmlInitWithFlags", 1, true, MIG_SIM_FAULT_RETURN, NVML_ERROR_NO_PERMISSION);
	ASSERT_CODE(nvmlInitWithFlags(0), NVML_ERROR_NO_PERMISSION);
	ASSERT_OK(get_count());
	ASSERT_OK(nvmlShutdown());
	ASSERT_CODE(get_count(), NVML_ERROR_UNINITIALIZED);
}

MIG_TEST(errno_is_kept)
{
	fixture_start(A100, NULL);
	arm(0, "nvmlDeviceGetCount_v2", 2, true, MIG_SIM_FAULT_RETURN, NVML_ERROR_MEMORY);
	arm(getpid(), "nvmlDeviceGetCount_v2", 9, true, MIG_SIM_FAULT_RETURN, NVML_ERROR_MEMORY);
	for (unsigned int i = 0; i < 3; i++) {
		errno = 1234;
		get_count();
		MIG_ASSERT_INT_EQ(errno, 1234);
	}
}

static void *count_failures(void *cookie)
{
	unsigned int *failures = cookie;

	for (unsigned int i = 0; i < CALLS; i++)
		*failures += get_count() == NVML_ERROR_TIMEOUT;
	return NULL;
}

/* The threads of a process count together: none is missed and none counts twice. */
MIG_TEST(threads_count_together)
{
	unsigned int failures[THREADS] = {0}, sum = 0;
	pthread_t threads[THREADS];

	fixture_start(A100, NULL);
	arm(getpid(), "nvmlDeviceGetCount_v2", 1001, true, MIG_SIM_FAULT_RETURN,
	    NVML_ERROR_TIMEOUT);
	for (unsigned int i = 0; i < THREADS; i++)
		MIG_ASSERT_INT_EQ(pthread_create(&threads[i], NULL, count_failures, &failures[i]),
				  0);
	for (unsigned int i = 0; i < THREADS; i++) {
		MIG_ASSERT_INT_EQ(pthread_join(threads[i], NULL), 0);
		sum += failures[i];
	}
	MIG_ASSERT_UINT_EQ(sum, THREADS * CALLS - 1000);
}

/* ---- several processes --------------------------------------------------------------------------- */

MIG_TEST(a_child_counts_for_itself)
{
	struct child child;

	fixture_start(A100, NULL);
	arm(getpid(), "nvmlDeviceGetCount_v2", 2, false, MIG_SIM_FAULT_RETURN, NVML_ERROR_TIMEOUT);
	ASSERT_OK(get_count());
	child = start_child();
	MIG_ASSERT_INT_EQ(ask(&child, 'c'), NVML_SUCCESS);
	MIG_ASSERT_INT_EQ(ask(&child, 'c'), NVML_ERROR_TIMEOUT);
	MIG_ASSERT_INT_EQ(ask(&child, 'c'), NVML_SUCCESS);
	ASSERT_CODE(get_count(), NVML_ERROR_TIMEOUT);
	MIG_ASSERT_INT_EQ(end_child(&child), 0);
}

MIG_TEST(a_rule_for_a_child_leaves_its_parent_alone)
{
	struct child child, sibling;

	fixture_start(A100, NULL);
	child = start_child();
	sibling = start_child();
	arm(child.pid, "nvmlDeviceGetCount_v2", 1, true, MIG_SIM_FAULT_RETURN, NVML_ERROR_TIMEOUT);
	MIG_ASSERT_INT_EQ(ask(&child, 'c'), NVML_ERROR_TIMEOUT);
	MIG_ASSERT_INT_EQ(ask(&sibling, 'c'), NVML_SUCCESS);
	ASSERT_OK(get_count());
	MIG_ASSERT_INT_EQ(end_child(&child), 0);
	MIG_ASSERT_INT_EQ(end_child(&sibling), 0);
}

MIG_TEST(a_rule_ends_with_its_process)
{
	struct child child;
	uint32_t id;

	fixture_start(A100, NULL);
	child = start_child();
	id = arm(child.pid, "nvmlDeviceGetCount_v2", 1, true, MIG_SIM_FAULT_RETURN,
		 NVML_ERROR_TIMEOUT);
	ASSERT_OK(get_count());
	MIG_ASSERT_INT_EQ(end_child(&child), 0);
	MIG_ASSERT_UINT_EQ(rule_of(id).id, id);
	/* The next change of the rules makes it noticed by who looks at them. */
	disarm(arm(getpid(), "nvmlDeviceGetMigMode", 1, true, MIG_SIM_FAULT_RETURN, 1));
	ASSERT_OK(get_count());
	MIG_ASSERT_UINT_EQ(rule_of(id).id, 0);
}

MIG_TEST(node_wide_counts_over_processes)
{
	struct child a, b;
	uint32_t id;

	fixture_start(A100, NULL);
	id = arm(0, "nvmlDeviceGetCount_v2", 3, true, MIG_SIM_FAULT_RETURN, NVML_ERROR_TIMEOUT);
	a = start_child();
	b = start_child();
	MIG_ASSERT_INT_EQ(ask(&a, 'c'), NVML_SUCCESS);
	MIG_ASSERT_INT_EQ(ask(&b, 'c'), NVML_SUCCESS);
	MIG_ASSERT_INT_EQ(ask(&a, 'm'), NVML_SUCCESS);
	MIG_ASSERT_UINT_EQ(rule_of(id).seen, 2);
	MIG_ASSERT_INT_EQ(ask(&a, 'c'), NVML_ERROR_TIMEOUT);
	MIG_ASSERT_INT_EQ(ask(&b, 'c'), NVML_ERROR_TIMEOUT);
	ASSERT_CODE(get_count(), NVML_ERROR_TIMEOUT);
	MIG_ASSERT_INT_EQ(end_child(&a), 0);
	MIG_ASSERT_INT_EQ(end_child(&b), 0);
	disarm(id);
	ASSERT_OK(get_count());
}

/* Exactly one of all calls of all processes at the same time. */
MIG_TEST(node_wide_hits_one_call)
{
	unsigned int hits = 0;

	fixture_start(A100, NULL);
	arm(0, "nvmlDeviceGetCount_v2", 40, false, MIG_SIM_FAULT_RETURN, NVML_ERROR_TIMEOUT);
	for (unsigned int i = 0; i < THREADS; i++) {
		pid_t pid = fork();

		MIG_ASSERT(pid >= 0);
		if (pid == 0) {
			int failed = 0;

			for (unsigned int n = 0; n < 10; n++)
				failed += get_count() == NVML_ERROR_TIMEOUT;
			_exit(failed);
		}
	}
	for (unsigned int i = 0; i < THREADS; i++) {
		int status;

		MIG_ASSERT(wait(&status) > 0);
		MIG_ASSERT(WIFEXITED(status));
		hits += (unsigned int)WEXITSTATUS(status);
	}
	MIG_ASSERT_UINT_EQ(hits, 1);
}

/* ---- hang and kill ------------------------------------------------------------------------------- */

static void expect_hang(pid_t (*of)(const struct child *child))
{
	struct child child;
	uint32_t id;

	fixture_start(A100, NULL);
	child = start_child();
	id = arm(of ? of(&child) : 0, "nvmlDeviceGetCount_v2", 1, false, MIG_SIM_FAULT_HANG, 0);
	order(&child, 'c');
	MIG_ASSERT_MSG(!answers_within(&child, NEVER_MS), "the call does not hang");
	ASSERT_OK(get_mode());
	/* Another rule comes and goes: it hangs on. */
	disarm(arm(0, "nvmlDeviceGetMigMode", 9, true, MIG_SIM_FAULT_RETURN, 1));
	MIG_ASSERT_MSG(!answers_within(&child, NEVER_MS), "the call does not hang on");
	disarm(id);
	MIG_ASSERT_INT_EQ(answer(&child), NVML_SUCCESS);
	MIG_ASSERT_INT_EQ(end_child(&child), 0);
}

static pid_t the_child(const struct child *child)
{
	return child->pid;
}

MIG_TEST(a_call_hangs_until_another_process_clears_it)
{
	expect_hang(the_child);
}

MIG_TEST(a_call_that_hangs_ends_with_its_node)
{
	struct child child;
	char state[4096];

	fixture_start(A100, NULL);
	child = start_child();
	arm(child.pid, "nvmlDeviceGetCount_v2", 1, false, MIG_SIM_FAULT_HANG, 0);
	order(&child, 'c');
	MIG_ASSERT_MSG(!answers_within(&child, NEVER_MS), "the call does not hang");
	MIG_ASSERT(mig_text_format(state, sizeof(state), "%s/state", mig_test_path("node")));
	MIG_ASSERT_INT_EQ(unlink(state), 0);
	MIG_ASSERT_INT_EQ(answer(&child), NVML_SUCCESS);
	MIG_ASSERT_INT_EQ(end_child(&child), 0);
}

MIG_TEST(a_call_hangs_node_wide)
{
	expect_hang(NULL);
}

MIG_TEST(a_call_that_hangs_can_be_killed)
{
	struct child child;
	int status;

	fixture_start(A100, NULL);
	child = start_child();
	arm(child.pid, "nvmlDeviceGetCount_v2", 1, false, MIG_SIM_FAULT_HANG, 0);
	order(&child, 'c');
	MIG_ASSERT(!answers_within(&child, NEVER_MS));
	MIG_ASSERT_INT_EQ(kill(child.pid, SIGTERM), 0);
	status = end_child(&child);
	MIG_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

MIG_TEST(kill_before_anything_is_done)
{
	struct child child;
	unsigned int current, pending;
	int status;

	fixture_start(A100, NULL);
	child = start_child();
	arm(child.pid, "nvmlDeviceSetMigMode", 1, false, MIG_SIM_FAULT_KILL, 0);
	arm(child.pid, "nvmlDeviceGetMigMode", 2, false, MIG_SIM_FAULT_KILL, 0);
	MIG_ASSERT_INT_EQ(ask(&child, 'm'), NVML_SUCCESS);
	order(&child, 'm');
	status = end_child(&child);
	MIG_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	ASSERT_OK(nvmlDeviceGetMigMode(fixture_gpu(0), &current, &pending));
}

/* ---- a GPU that is lost -------------------------------------------------------------------------- */

MIG_TEST(a_lost_gpu_answers_so_and_the_others_go_on)
{
	unsigned int lost = 1, count = 0, current, pending, minor;
	char uuid[NVML_DEVICE_UUID_V2_BUFFER_SIZE];
	nvmlDevice_t first, second, device, again;
	nvmlReturn_t activation;
	nvmlGpuInstanceInfo_t info;
	char serial[NVML_DEVICE_SERIAL_BUFFER_SIZE];
	nvmlGpuInstance_t gi;
	nvmlPciInfo_t pci;

	fixture_start(A100, NULL);
	first = fixture_gpu(0);
	second = fixture_gpu(1);
	fixture_mig_on(second);
	gi = fixture_gi(second, 19, 0, 1);
	fixture_ci(gi, 0);
	ASSERT_OK(nvmlDeviceGetMigDeviceHandleByIndex(second, 0, &device));
	ASSERT_OK(nvmlDeviceGetUUID(second, uuid, sizeof(uuid)));
	ASSERT_OK(nvmlDeviceGetPciInfo_v3(second, &pci));
	ASSERT_OK(nvmlDeviceGetSerial(second, serial, sizeof(serial)));
	change(set_lost, &lost);
	/* What is asked about the node works as ever. */
	ASSERT_OK(nvmlDeviceGetCount_v2(&count));
	MIG_ASSERT_UINT_EQ(count, 2);
	ASSERT_CODE(nvmlDeviceGetHandleByIndex_v2(1, &again), NVML_ERROR_GPU_IS_LOST);
	ASSERT_CODE(nvmlDeviceGetHandleByUUID(uuid, &again), NVML_ERROR_GPU_IS_LOST);
	ASSERT_CODE(nvmlDeviceGetHandleByPciBusId_v2(pci.busId, &again), NVML_ERROR_GPU_IS_LOST);
	ASSERT_CODE(nvmlDeviceGetHandleBySerial(serial, &again), NVML_ERROR_GPU_IS_LOST);
	ASSERT_CODE(nvmlDeviceGetMigMode(second, &current, &pending), NVML_ERROR_GPU_IS_LOST);
	ASSERT_CODE(nvmlDeviceGetMinorNumber(second, &minor), NVML_ERROR_GPU_IS_LOST);
	ASSERT_CODE(nvmlDeviceSetMigMode(second, 0, &activation), NVML_ERROR_GPU_IS_LOST);
	ASSERT_CODE(nvmlGpuInstanceGetInfo(gi, &info), NVML_ERROR_GPU_IS_LOST);
	ASSERT_CODE(nvmlGpuInstanceDestroy(gi), NVML_ERROR_GPU_IS_LOST);
	ASSERT_CODE(nvmlDeviceGetUUID(device, uuid, sizeof(uuid)), NVML_ERROR_GPU_IS_LOST);
	/* Null pointers and other nonsense are no better. */
	ASSERT_CODE(nvmlDeviceGetHandleByIndex_v2(2, &again), NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_OK(nvmlDeviceGetMigMode(first, &current, &pending));
	ASSERT_OK(nvmlDeviceGetHandleByIndex_v2(0, &again));
	fixture_mig_on(first);
}
