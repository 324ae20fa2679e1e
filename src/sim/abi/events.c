/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event sets: registrations, and waiting for what the node's ring of events gets.
 *
 * A set belongs to its process: it knows up to which event it has looked, and since which one it
 * wants a type of a GPU. Each event is delivered once per set, in order, to one of the threads that
 * wait. A waiter sleeps until somebody writes the state (store/wait.c) and holds nothing meanwhile;
 * when the second is over for which one sleeps at most, it looks at two words and sleeps on.
 *
 * A handle is an address in a static table, and rows are handed out in turn: a freed handle does
 * not soon mean another set. The table changes under the context's lock.
 */
#include "sim/abi/events.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "nvml/symbols.h"
#include "shared/clock.h"
#include "sim/abi/lock.h"
#include "sim/abi/lookup.h"
#include "sim/abi/process.h"

enum {
	EVENT_SETS_MAX = 1024,
	EVENT_TYPES_MAX = 4,
};

static const unsigned long long simulated_types[EVENT_TYPES_MAX] = {
	nvmlEventTypeSingleBitEccError,
	nvmlEventTypeDoubleBitEccError,
	nvmlEventTypeXidCriticalError,
	nvmlEventMigConfigChange,
};

/* All that the header of any branch names; other bits are no event types. */
#define KNOWN_TYPES                                                                              \
	((unsigned long long)(nvmlEventTypeSingleBitEccError | nvmlEventTypeDoubleBitEccError |  \
			      nvmlEventTypePState | nvmlEventTypeXidCriticalError |              \
			      nvmlEventTypeClock | nvmlEventTypePowerSourceChange |              \
			      nvmlEventMigConfigChange | nvmlEventTypeSingleBitEccErrorStorm |   \
			      nvmlEventTypeDramRetirementEvent |                                 \
			      nvmlEventTypeDramRetirementFailure |                               \
			      nvmlEventTypeNonFatalPoisonError | nvmlEventTypeFatalPoisonError | \
			      nvmlEventTypeGpuUnavailableError | nvmlEventTypeGpuRecoveryAction))

struct event_set {
	uint64_t seen; /* serial of the last event that was looked at */
	/* The first serial that is wanted, by GPU index and type; 0: not registered. */
	uint64_t since[MIG_SIM_GPUS_MAX][EVENT_TYPES_MAX];
};

static struct event_set sets[EVENT_SETS_MAX];

static struct {
	uint64_t serials[EVENT_SETS_MAX]; /* which set has the row: 1, 2, …; 0: none */
	uint64_t last_serial;
	unsigned int next_row;
	uint64_t clears;   /* how often all sets were freed at once */
	uint64_t removals; /* moves on whenever a set is freed; read without the lock */
} table;

/* The row of a handle, or EVENT_SETS_MAX: not one of ours, or freed. With the lock held. */
static unsigned int find_row(nvmlEventSet_t handle)
{
	uintptr_t offset = (uintptr_t)handle - (uintptr_t)sets;
	unsigned int row;

	if (offset >= sizeof(sets) || offset % sizeof(sets[0]) != 0)
		return EVENT_SETS_MAX;
	row = (unsigned int)(offset / sizeof(sets[0]));
	return table.serials[row] ? row : EVENT_SETS_MAX;
}

static void note_removal(void)
{
	__atomic_add_fetch(&table.removals, 1, __ATOMIC_RELEASE);
}

void mig_abi_events_clear(const struct mig_sim_store *store)
{
	memset(table.serials, 0, sizeof(table.serials));
	table.clears++;
	note_removal();
	if (store)
		mig_sim_store_wake(store);
}

MIG_EXPORT nvmlReturn_t nvmlEventSetCreate(nvmlEventSet_t *set)
{
	const struct mig_sim_store *store = mig_abi_store();
	nvmlReturn_t code = NVML_ERROR_MEMORY;

	if (!store)
		return NVML_ERROR_UNINITIALIZED;
	if (!set)
		return NVML_ERROR_INVALID_ARGUMENT;
	mig_abi_lock();
	for (unsigned int i = 0; i < EVENT_SETS_MAX && code != NVML_SUCCESS; i++) {
		unsigned int row = (table.next_row + i) % EVENT_SETS_MAX;

		if (table.serials[row])
			continue;
		memset(&sets[row], 0, sizeof(sets[row]));
		sets[row].seen = mig_sim_store_event_serial(store);
		table.serials[row] = ++table.last_serial;
		table.next_row = (row + 1) % EVENT_SETS_MAX;
		*set = (nvmlEventSet_t)(void *)&sets[row];
		code = NVML_SUCCESS;
	}
	mig_abi_unlock();
	return code;
}

MIG_EXPORT nvmlReturn_t nvmlEventSetFree(nvmlEventSet_t set)
{
	const struct mig_sim_store *store = mig_abi_store();
	unsigned int row;

	if (!store)
		return NVML_ERROR_UNINITIALIZED;
	mig_abi_lock();
	row = find_row(set);
	if (row < EVENT_SETS_MAX) {
		table.serials[row] = 0;
		note_removal();
	}
	mig_abi_unlock();
	if (row == EVENT_SETS_MAX)
		return NVML_ERROR_INVALID_ARGUMENT;
	mig_sim_store_wake(store);
	return NVML_SUCCESS;
}

/* ---- registration ----------------------------------------------------------------------------- */

static unsigned long long supported_types(const struct mig_abi_gpu *gpu)
{
	unsigned long long types = 0;

	for (unsigned int i = 0; i < EVENT_TYPES_MAX; i++)
		types |= simulated_types[i];
	if (!gpu->facts.model->is_mig_capable)
		types &= ~(unsigned long long)nvmlEventMigConfigChange;
	return types;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetSupportedEventTypes(nvmlDevice_t device,
							 unsigned long long *eventTypes)
{
	struct mig_abi_gpu gpu;
	nvmlReturn_t code = mig_abi_find_gpu(device, &gpu);

	if (code != NVML_SUCCESS)
		return code;
	if (!eventTypes)
		return NVML_ERROR_INVALID_ARGUMENT;
	*eventTypes = supported_types(&gpu);
	return NVML_SUCCESS;
}

/* What was registered before keeps its beginning. With the lock held. */
static void add_registrations(struct event_set *set, unsigned int gpu_index,
			      unsigned long long types, uint64_t newest)
{
	for (unsigned int i = 0; i < EVENT_TYPES_MAX; i++) {
		uint64_t *since = &set->since[gpu_index][i];

		if ((types & simulated_types[i]) != 0 && *since == 0)
			*since = newest + 1;
	}
}

/* All or nothing; the set stays usable when it is refused. */
MIG_EXPORT nvmlReturn_t nvmlDeviceRegisterEvents(nvmlDevice_t device, unsigned long long eventTypes,
						 nvmlEventSet_t set)
{
	unsigned int row;
	struct mig_abi_gpu gpu;
	nvmlReturn_t code = mig_abi_find_gpu(device, &gpu);

	if (code != NVML_SUCCESS)
		return code;
	mig_abi_lock();
	row = find_row(set);
	if (row == EVENT_SETS_MAX || (eventTypes & ~KNOWN_TYPES) != 0)
		code = NVML_ERROR_INVALID_ARGUMENT;
	else if ((eventTypes & ~supported_types(&gpu)) != 0)
		code = NVML_ERROR_NOT_SUPPORTED;
	else
		add_registrations(&sets[row], gpu.gpu_index, eventTypes,
				  mig_sim_store_event_serial(gpu.store));
	mig_abi_unlock();
	return code;
}

/* ---- waiting ---------------------------------------------------------------------------------- */

/* One call that waits. */
struct wait {
	const struct mig_sim_store *store;
	unsigned int row;
	uint64_t serial; /* of the set, whose row may come to be another's */
	uint64_t clears;
};

static bool is_wanted(const struct mig_sim_store *store, const struct event_set *set,
		      const struct mig_sim_event *event)
{
	if (event->gpu >= store->node->gpu_count)
		return false;
	/* What happens in one instance is for those who may see all of them. */
	if (event->gi != MIG_SIM_NO_INSTANCE && !mig_abi_is_admin(store))
		return false;
	for (unsigned int i = 0; i < EVENT_TYPES_MAX; i++) {
		uint64_t since = set->since[event->gpu][i];

		if ((event->type & simulated_types[i]) != 0 && since != 0 && event->serial >= since)
			return true;
	}
	return false;
}

/* Whether a GPU that something is registered for has fallen off the bus. */
static bool has_lost_gpu(const struct mig_sim_store *store, const struct event_set *set)
{
	for (uint32_t gpu = 0; gpu < store->node->gpu_count; gpu++) {
		uint64_t registered = 0;

		for (unsigned int i = 0; i < EVENT_TYPES_MAX; i++)
			registered |= set->since[gpu][i];
		if (registered && mig_sim_store_is_gpu_lost(store, gpu))
			return true;
	}
	return false;
}

/* The next event of the set, if there is one. With the lock held. */
static nvmlReturn_t take_event(const struct wait *wait, struct mig_sim_event *event)
{
	struct event_set *set = &sets[wait->row];

	if (wait->clears != table.clears)
		return NVML_ERROR_UNINITIALIZED;
	if (wait->serial != table.serials[wait->row])
		return NVML_ERROR_INVALID_ARGUMENT;
	while (mig_sim_store_read_event(wait->store, set->seen, event)) {
		set->seen = event->serial;
		if (is_wanted(wait->store, set, event))
			return NVML_SUCCESS;
	}
	return has_lost_gpu(wait->store, set) ? NVML_ERROR_GPU_IS_LOST : NVML_ERROR_TIMEOUT;
}

/* Waiting begins: which set is meant. */
static nvmlReturn_t begin_wait(nvmlEventSet_t handle, struct wait *wait)
{
	nvmlReturn_t code = NVML_SUCCESS;

	mig_abi_lock();
	wait->store = mig_abi_store(); /* under the lock: Shutdown takes both away under it */
	wait->row = find_row(handle);
	wait->clears = table.clears;
	if (!wait->store)
		code = NVML_ERROR_UNINITIALIZED;
	else if (wait->row == EVENT_SETS_MAX)
		code = NVML_ERROR_INVALID_ARGUMENT;
	else
		wait->serial = table.serials[wait->row];
	mig_abi_unlock();
	return code;
}

static uint64_t monotonic_ns(void)
{
	int saved_errno = errno;
	struct timespec now = {0};

	clock_gettime(CLOCK_MONOTONIC, &now);
	errno = saved_errno;
	return (uint64_t)now.tv_sec * MIG_CLOCK_NS_PER_SEC + (uint64_t)now.tv_nsec;
}

static nvmlReturn_t wait_for_event(nvmlEventSet_t handle, struct mig_sim_event *event,
				   unsigned int timeout_ms)
{
	uint64_t now = monotonic_ns();
	uint64_t deadline = now + timeout_ms * MIG_CLOCK_NS_PER_MS;
	struct wait wait;
	nvmlReturn_t code = begin_wait(handle, &wait);

	while (code == NVML_SUCCESS) {
		/* Both before the look, so that nothing that happens after it is slept over. */
		uint64_t generation = mig_sim_store_generation(wait.store);
		uint64_t removals = __atomic_load_n(&table.removals, __ATOMIC_ACQUIRE);

		mig_abi_lock();
		code = take_event(&wait, event);
		mig_abi_unlock();
		if (code != NVML_ERROR_TIMEOUT)
			return code;
		while (now < deadline && generation == mig_sim_store_generation(wait.store) &&
		       removals == __atomic_load_n(&table.removals, __ATOMIC_ACQUIRE)) {
			mig_sim_store_wait(wait.store, generation, deadline - now);
			now = monotonic_ns();
		}
		if (now < deadline)
			code = NVML_SUCCESS; /* something moved: look again */
	}
	return code;
}

/* What both versions do; `out` is only looked at for whether it is there. */
static nvmlReturn_t wait_call(nvmlEventSet_t set, const nvmlEventData_t *out,
			      unsigned int timeout_ms, struct mig_sim_event *event)
{
	if (!mig_abi_store())
		return NVML_ERROR_UNINITIALIZED;
	if (!out)
		return NVML_ERROR_INVALID_ARGUMENT;
	return wait_for_event(set, event, timeout_ms);
}

/* The first version has no instance ids: its structure ends before them. */
MIG_EXPORT nvmlReturn_t nvmlEventSetWait(nvmlEventSet_t set, nvmlEventData_t *data,
					 unsigned int timeoutms)
{
	struct mig_sim_event event;
	nvmlReturn_t code = wait_call(set, data, timeoutms, &event);

	if (code != NVML_SUCCESS)
		return code;
	data->device = mig_handle_gpu(event.gpu);
	data->eventType = event.type;
	data->eventData = event.data;
	return NVML_SUCCESS;
}

MIG_EXPORT nvmlReturn_t nvmlEventSetWait_v2(nvmlEventSet_t set, nvmlEventData_t *data,
					    unsigned int timeoutms)
{
	struct mig_sim_event event;
	nvmlReturn_t code = wait_call(set, data, timeoutms, &event);

	if (code != NVML_SUCCESS)
		return code;
	*data = (nvmlEventData_t){
		.device = mig_handle_gpu(event.gpu),
		.eventType = event.type,
		.eventData = event.data,
		.gpuInstanceId = mig_abi_instance_id(event.gi),
		.computeInstanceId = mig_abi_instance_id(event.ci),
	};
	return NVML_SUCCESS;
}
