/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event sets of the library: which events a set gets, in which order and with which data, and what
 * ends a wait. Where somebody waits in another process or thread, the answer is the same whether
 * what ends the wait comes before or after it has begun, so that nothing here depends on time.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/engine/engine.h"
#include "tests/conformance/node_fixture.h"

#define HOUR_MS	    3600000U
#define NO_INSTANCE 0xFFFFFFFFU
#define A100	    "a100-sxm4-40gb"

#define XID nvmlEventTypeXidCriticalError
#define ECC nvmlEventTypeDoubleBitEccError

/* ---- the node's side -------------------------------------------------------------------------- */

struct push {
	uint64_t type, data;
	unsigned int gpu, gi, ci;
	unsigned int count;
	bool loses_gpu;
};

static bool push_events(void *cookie, const struct mig_sim_store *store,
			struct mig_sim_state *state)
{
	const struct push *push = cookie;

	(void)store;
	for (unsigned int i = 0; i < push->count; i++)
		mig_sim_event_push(state, push->type, push->data + i, push->gpu, push->gi,
				   push->ci);
	if (push->loses_gpu)
		state->gpus[push->gpu].is_lost = 1;
	return true;
}

/* Something happens on the node, from outside of the library. */
static void happen(struct push push)
{
	struct mig_sim_store store;

	MIG_ASSERT_INT_EQ(mig_sim_store_open(&store, getenv("MIGSIM_NODE")), MIG_SIM_OK);
	MIG_ASSERT_INT_EQ(mig_sim_store_update(&store, push_events, &push), MIG_SIM_OK);
	mig_sim_store_close(&store);
}

/* `count` XIDs from `xid` on, of the whole GPU. */
static void xids(unsigned int gpu, uint64_t xid, unsigned int count)
{
	happen((struct push){.type = XID,
			     .data = xid,
			     .gpu = gpu,
			     .gi = MIG_SIM_NO_INSTANCE,
			     .ci = MIG_SIM_NO_INSTANCE,
			     .count = count});
}

/* ---- the client's side ------------------------------------------------------------------------ */

static nvmlEventSet_t new_set(unsigned int gpu, unsigned long long types)
{
	nvmlEventSet_t set = NULL;

	ASSERT_OK(nvmlEventSetCreate(&set));
	ASSERT_OK(nvmlDeviceRegisterEvents(fixture_gpu(gpu), types, set));
	return set;
}

static void assert_event(nvmlEventSet_t set, unsigned int gpu, unsigned long long type,
			 unsigned long long event_data)
{
	nvmlEventData_t data;

	ASSERT_OK(nvmlEventSetWait_v2(set, &data, HOUR_MS));
	MIG_ASSERT(data.device == fixture_gpu(gpu));
	MIG_ASSERT_UINT_EQ(data.eventType, type);
	MIG_ASSERT_UINT_EQ(data.eventData, event_data);
}

static void assert_none(nvmlEventSet_t set)
{
	nvmlEventData_t data;

	ASSERT_CODE(nvmlEventSetWait_v2(set, &data, 0), NVML_ERROR_TIMEOUT);
}

MIG_TEST(events_come_in_order_and_once)
{
	nvmlEventSet_t set;

	fixture_start("2x" A100, NULL);
	set = new_set(0, XID);
	ASSERT_OK(nvmlDeviceRegisterEvents(fixture_gpu(1), XID, set));
	assert_none(set);
	xids(0, 40, 2);
	xids(1, 50, 1);
	xids(0, 60, 1);
	assert_event(set, 0, XID, 40);
	assert_event(set, 0, XID, 41);
	assert_event(set, 1, XID, 50);
	assert_event(set, 0, XID, 60);
	assert_none(set);
}

MIG_TEST(each_set_gets_what_it_wants)
{
	nvmlEventSet_t first, other;

	fixture_start("2x" A100, NULL);
	first = new_set(0, XID);
	other = new_set(1, XID | ECC);
	xids(0, 40, 1);
	xids(1, 41, 1);
	happen((struct push){.type = ECC,
			     .gpu = 0,
			     .gi = MIG_SIM_NO_INSTANCE,
			     .ci = MIG_SIM_NO_INSTANCE,
			     .count = 1});
	happen((struct push){.type = ECC,
			     .gpu = 1,
			     .gi = MIG_SIM_NO_INSTANCE,
			     .ci = MIG_SIM_NO_INSTANCE,
			     .count = 1});
	assert_event(first, 0, XID, 40);
	assert_none(first);
	assert_event(other, 1, XID, 41);
	assert_event(other, 1, ECC, 0);
	assert_none(other);
}

MIG_TEST(only_what_is_newer_than_the_registration)
{
	nvmlEventSet_t set;

	fixture_start("2x" A100, NULL);
	xids(0, 1, 1);
	set = new_set(0, XID);
	xids(0, 2, 1);
	xids(1, 3, 1); /* nobody wants it yet */
	ASSERT_OK(nvmlDeviceRegisterEvents(fixture_gpu(1), XID, set));
	/* Once more: what has come meanwhile stays. */
	ASSERT_OK(nvmlDeviceRegisterEvents(fixture_gpu(0), XID | ECC, set));
	xids(1, 4, 1);
	assert_event(set, 0, XID, 2);
	assert_event(set, 1, XID, 4);
	assert_none(set);
}

MIG_TEST(a_set_that_is_not_looked_at_loses_the_oldest)
{
	nvmlEventSet_t set;

	fixture_start(A100, NULL);
	set = new_set(0, XID);
	xids(0, 1, MIG_SIM_EVENTS_MAX + 5);
	assert_event(set, 0, XID, 6);
	assert_event(set, 0, XID, 7);
}

MIG_TEST(instances_are_named_in_version_two)
{
	unsigned char bytes[sizeof(nvmlEventData_t)];
	nvmlEventData_t data;
	nvmlEventSet_t set;

	fixture_start(A100, &(struct make_node_options){.initial_mig_mode = 1});
	set = new_set(0, XID);
	happen((struct push){.type = XID, .data = 31, .gpu = 0, .gi = 7, .ci = 1, .count = 1});
	happen((struct push){
		.type = XID, .data = 43, .gpu = 0, .gi = 9, .ci = MIG_SIM_NO_INSTANCE, .count = 1});
	xids(0, 79, 2);
	ASSERT_OK(nvmlEventSetWait_v2(set, &data, 0));
	MIG_ASSERT_UINT_EQ(data.gpuInstanceId, 7);
	MIG_ASSERT_UINT_EQ(data.computeInstanceId, 1);
	ASSERT_OK(nvmlEventSetWait_v2(set, &data, 0));
	MIG_ASSERT_UINT_EQ(data.gpuInstanceId, 9);
	MIG_ASSERT_UINT_EQ(data.computeInstanceId, NO_INSTANCE);
	ASSERT_OK(nvmlEventSetWait_v2(set, &data, 0));
	MIG_ASSERT_UINT_EQ(data.gpuInstanceId, NO_INSTANCE);
	MIG_ASSERT_UINT_EQ(data.computeInstanceId, NO_INSTANCE);
	/* The structure of version one ends before them. */
	memset(bytes, 0xa5, sizeof(bytes));
	ASSERT_OK(nvmlEventSetWait(set, (void *)bytes, 0));
	memcpy(&data, bytes, offsetof(nvmlEventData_t, gpuInstanceId));
	MIG_ASSERT_UINT_EQ(data.eventData, 80);
	for (size_t i = offsetof(nvmlEventData_t, gpuInstanceId); i < sizeof(bytes); i++)
		MIG_ASSERT_UINT_EQ(bytes[i], 0xa5);
}

/* Header: without privileges only what concerns the whole GPU. */
MIG_TEST(who_is_no_administrator_gets_no_events_of_instances)
{
	nvmlEventSet_t set;

	fixture_node("node", A100, &(struct make_node_options){.initial_mig_mode = 1});
	setenv("MIGSIM_UNPRIVILEGED", "1", 1);
	ASSERT_OK(nvmlInit_v2());
	set = new_set(0, XID);
	happen((struct push){.type = XID, .data = 31, .gpu = 0, .gi = 7, .ci = 1, .count = 1});
	xids(0, 79, 1);
	assert_event(set, 0, XID, 79);
	assert_none(set);
}

MIG_TEST(changes_of_mode_and_instances_are_events)
{
	nvmlEventSet_t set;
	nvmlGpuInstance_t gi;
	nvmlComputeInstance_t ci;
	nvmlReturn_t activation;

	fixture_start("2x" A100, NULL);
	set = new_set(1, nvmlEventMigConfigChange);
	fixture_mig_on(fixture_gpu(0)); /* not registered */
	assert_none(set);
	fixture_mig_on(fixture_gpu(1));
	assert_event(set, 1, nvmlEventMigConfigChange, 0);
	ASSERT_OK(nvmlDeviceSetMigMode(fixture_gpu(1), 1, &activation)); /* changes nothing */
	ASSERT_OK(nvmlDeviceSetPersistenceMode(fixture_gpu(1), NVML_FEATURE_ENABLED));
	assert_none(set);
	gi = fixture_gi(fixture_gpu(1), 19, 0, 1);
	assert_event(set, 1, nvmlEventMigConfigChange, 0);
	ci = fixture_ci(gi, 0);
	assert_event(set, 1, nvmlEventMigConfigChange, 0);
	ASSERT_OK(nvmlComputeInstanceDestroy(ci));
	ASSERT_OK(nvmlGpuInstanceDestroy(gi));
	assert_event(set, 1, nvmlEventMigConfigChange, 0);
	assert_event(set, 1, nvmlEventMigConfigChange, 0);
	ASSERT_CODE(nvmlGpuInstanceDestroy(gi), NVML_ERROR_INVALID_ARGUMENT);
	assert_none(set);
}

MIG_TEST(what_cannot_be_registered)
{
	nvmlEventData_t data;
	nvmlEventSet_t set;
	nvmlDevice_t mig;

	fixture_start(A100, NULL);
	fixture_mig_on(fixture_gpu(0));
	fixture_ci(fixture_gi(fixture_gpu(0), 19, 0, 1), 0);
	ASSERT_OK(nvmlDeviceGetMigDeviceHandleByIndex(fixture_gpu(0), 0, &mig));
	set = new_set(0, nvmlEventTypeNone);
	ASSERT_CODE(nvmlDeviceRegisterEvents(mig, XID, set), NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_CODE(nvmlDeviceRegisterEvents(fixture_gpu(0), 1ULL << 40, set),
		    NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_CODE(nvmlDeviceRegisterEvents(fixture_gpu(0), XID | nvmlEventTypeClock, set),
		    NVML_ERROR_NOT_SUPPORTED);
	xids(0, 1, 1); /* a refused registration has registered nothing */
	assert_none(set);
	ASSERT_CODE(nvmlEventSetWait(set, NULL, 0), NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_CODE(nvmlEventSetWait(NULL, &data, 0), NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_CODE(nvmlEventSetWait_v2(NULL, &data, HOUR_MS), NVML_ERROR_INVALID_ARGUMENT);
}

/* First what it still said, then that it is gone; sets that do not watch it go on. */
MIG_TEST(a_lost_gpu_ends_the_wait)
{
	nvmlEventSet_t set, other;
	nvmlEventData_t data;

	fixture_start("2x" A100, NULL);
	set = new_set(0, XID);
	other = new_set(1, XID);
	happen((struct push){.type = XID,
			     .data = 79,
			     .gpu = 0,
			     .gi = MIG_SIM_NO_INSTANCE,
			     .ci = MIG_SIM_NO_INSTANCE,
			     .count = 1,
			     .loses_gpu = true});
	ASSERT_OK(nvmlEventSetWait_v2(set, &data, HOUR_MS));
	MIG_ASSERT_UINT_EQ(data.eventData, 79);
	ASSERT_CODE(nvmlEventSetWait_v2(set, &data, HOUR_MS), NVML_ERROR_GPU_IS_LOST);
	assert_none(other);
}

/* ---- waiting ---------------------------------------------------------------------------------- */

static int ready[2]; /* the child says that it begins to wait */

static void say(int signal_number)
{
	char byte = (char)signal_number;

	MIG_ASSERT(write(ready[1], &byte, 1) == 1);
}

static char hear(void)
{
	char byte = -1;

	MIG_ASSERT(read(ready[0], &byte, 1) == 1);
	return byte;
}

/* A child that waits for an XID of GPU 0 and exits with it. */
static pid_t start_waiter(void)
{
	pid_t child;

	MIG_ASSERT(pipe(ready) == 0);
	child = fork();
	MIG_ASSERT(child >= 0);
	if (child == 0) {
		struct sigaction action = {.sa_handler = say};
		nvmlEventData_t data;
		nvmlEventSet_t set;

		sigaction(SIGUSR1, &action, NULL);
		ASSERT_OK(nvmlInit_v2());
		set = new_set(0, XID);
		say(0);
		errno = 1234;
		if (nvmlEventSetWait_v2(set, &data, HOUR_MS) != NVML_SUCCESS || errno != 1234)
			_exit(255);
		_exit((int)data.eventData);
	}
	return child;
}

static void assert_exit(pid_t child, int want)
{
	int status;

	MIG_ASSERT(waitpid(child, &status, 0) == child);
	MIG_ASSERT(WIFEXITED(status));
	MIG_ASSERT_INT_EQ(WEXITSTATUS(status), want);
}

MIG_TEST(an_event_wakes_another_process)
{
	pid_t child;

	fixture_node("node", "2x" A100, NULL);
	child = start_waiter();
	hear();
	/* Writes that are none of its business do not end the wait. */
	xids(1, 40, 3);
	xids(0, 48, 1);
	assert_exit(child, 48);
}

MIG_TEST(a_signal_is_handled_and_does_not_end_the_wait)
{
	pid_t child;

	fixture_node("node", A100, NULL);
	child = start_waiter();
	hear();
	for (unsigned int i = 0; i < 5; i++) {
		MIG_ASSERT(kill(child, SIGUSR1) == 0);
		MIG_ASSERT_INT_EQ(hear(), SIGUSR1);
	}
	xids(0, 74, 1);
	assert_exit(child, 74);
}

MIG_TEST(a_forked_child_goes_on_with_the_set)
{
	nvmlEventSet_t set;
	pid_t child;

	fixture_start(A100, NULL);
	set = new_set(0, XID);
	xids(0, 8, 1);
	child = fork();
	MIG_ASSERT(child >= 0);
	if (child == 0) {
		nvmlEventData_t data;

		/* What the parent takes is not taken from the child. */
		ASSERT_OK(nvmlEventSetWait_v2(set, &data, HOUR_MS));
		MIG_ASSERT_UINT_EQ(data.eventData, 8);
		ASSERT_OK(nvmlEventSetWait_v2(set, &data, HOUR_MS));
		_exit((int)data.eventData);
	}
	assert_event(set, 0, XID, 8);
	xids(0, 9, 1);
	assert_exit(child, 9);
	assert_event(set, 0, XID, 9);
}

struct waiter {
	nvmlEventSet_t set;
	nvmlReturn_t code; /* the last answer */
	unsigned int got;
	unsigned int *total;
};

static void *wait_until_refused(void *cookie)
{
	struct waiter *waiter = cookie;
	nvmlEventData_t data;

	for (;;) {
		waiter->code = nvmlEventSetWait_v2(waiter->set, &data, HOUR_MS);
		if (waiter->code != NVML_SUCCESS)
			return NULL;
		waiter->got++;
		if (__atomic_sub_fetch(waiter->total, 1, __ATOMIC_ACQ_REL) == 0)
			nvmlEventSetFree(waiter->set);
	}
}

/* Several threads share the events of a set; who takes the last one frees it under the others. */
MIG_TEST(threads_share_a_set_until_it_is_freed)
{
	enum { THREADS = 4, EVENTS = 50 };
	struct waiter waiters[THREADS];
	pthread_t threads[THREADS];
	unsigned int total = EVENTS;
	unsigned int got = 0;
	nvmlEventSet_t set;

	fixture_start(A100, NULL);
	set = new_set(0, XID);
	for (unsigned int i = 0; i < THREADS; i++) {
		waiters[i] = (struct waiter){.set = set, .total = &total};
		MIG_ASSERT_INT_EQ(
			pthread_create(&threads[i], NULL, wait_until_refused, &waiters[i]), 0);
	}
	xids(0, 1, EVENTS / 2);
	xids(0, 1, EVENTS / 2);
	for (unsigned int i = 0; i < THREADS; i++) {
		MIG_ASSERT_INT_EQ(pthread_join(threads[i], NULL), 0);
		MIG_ASSERT_INT_EQ(waiters[i].code, NVML_ERROR_INVALID_ARGUMENT);
		got += waiters[i].got;
	}
	MIG_ASSERT_UINT_EQ(got, EVENTS);
}

MIG_TEST(shutdown_ends_all_waits)
{
	enum { THREADS = 3 };
	struct waiter waiters[THREADS];
	pthread_t threads[THREADS];

	fixture_start(A100, NULL);
	for (unsigned int i = 0; i < THREADS; i++) {
		waiters[i] = (struct waiter){.set = new_set(0, XID)};
		MIG_ASSERT_INT_EQ(
			pthread_create(&threads[i], NULL, wait_until_refused, &waiters[i]), 0);
	}
	ASSERT_OK(nvmlShutdown());
	for (unsigned int i = 0; i < THREADS; i++) {
		MIG_ASSERT_INT_EQ(pthread_join(threads[i], NULL), 0);
		MIG_ASSERT_INT_EQ(waiters[i].code, NVML_ERROR_UNINITIALIZED);
	}
}
