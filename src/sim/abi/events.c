/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event sets. They can be made, filled with registrations, waited on and freed; nothing happens
 * yet that would be delivered, so that every wait ends with its timeout.
 *
 * A handle is an address in a static table, and rows are handed out in turn: a freed handle does
 * not soon mean another set. The table changes under the context's lock; a wait holds nothing.
 */
#include "sim/abi/events.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "nvml/symbols.h"
#include "sim/abi/lock.h"
#include "sim/abi/lookup.h"

enum {
	EVENT_SETS_MAX = 1024,
};

struct event_set {
	bool is_used;
	unsigned long long types[MIG_SIM_GPUS_MAX]; /* registered, by GPU index */
};

static struct event_set sets[EVENT_SETS_MAX];
static unsigned int next_set;

/* The set of a handle, or NULL: not one of ours, or freed. With the lock held. */
static struct event_set *find_set(nvmlEventSet_t handle)
{
	uintptr_t offset = (uintptr_t)handle - (uintptr_t)sets;
	struct event_set *set;

	if (offset >= sizeof(sets) || offset % sizeof(sets[0]) != 0)
		return NULL;
	set = &sets[offset / sizeof(sets[0])];
	return set->is_used ? set : NULL;
}

void mig_abi_events_clear(void)
{
	for (unsigned int i = 0; i < EVENT_SETS_MAX; i++)
		sets[i].is_used = false;
}

MIG_EXPORT nvmlReturn_t nvmlEventSetCreate(nvmlEventSet_t *set)
{
	nvmlReturn_t code = NVML_ERROR_MEMORY;

	if (!mig_abi_store())
		return NVML_ERROR_UNINITIALIZED;
	if (!set)
		return NVML_ERROR_INVALID_ARGUMENT;
	mig_abi_lock();
	for (unsigned int i = 0; i < EVENT_SETS_MAX && code != NVML_SUCCESS; i++) {
		struct event_set *row = &sets[(next_set + i) % EVENT_SETS_MAX];

		if (row->is_used)
			continue;
		memset(row, 0, sizeof(*row));
		row->is_used = true;
		next_set = (next_set + i + 1) % EVENT_SETS_MAX;
		*set = (nvmlEventSet_t)(void *)row;
		code = NVML_SUCCESS;
	}
	mig_abi_unlock();
	return code;
}

MIG_EXPORT nvmlReturn_t nvmlEventSetFree(nvmlEventSet_t set)
{
	nvmlReturn_t code = NVML_ERROR_INVALID_ARGUMENT;
	struct event_set *row;

	if (!mig_abi_store())
		return NVML_ERROR_UNINITIALIZED;
	mig_abi_lock();
	row = find_set(set);
	if (row) {
		row->is_used = false;
		code = NVML_SUCCESS;
	}
	mig_abi_unlock();
	return code;
}

static unsigned long long supported_types(const struct mig_abi_gpu *gpu)
{
	unsigned long long types = nvmlEventTypeSingleBitEccError | nvmlEventTypeDoubleBitEccError |
				   nvmlEventTypeXidCriticalError;

	if (gpu->facts.model->is_mig_capable)
		types |= nvmlEventMigConfigChange;
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

/* All or nothing; the set stays usable when it is refused. */
MIG_EXPORT nvmlReturn_t nvmlDeviceRegisterEvents(nvmlDevice_t device, unsigned long long eventTypes,
						 nvmlEventSet_t set)
{
	struct event_set *row;
	struct mig_abi_gpu gpu;
	nvmlReturn_t code = mig_abi_find_gpu(device, &gpu);

	if (code != NVML_SUCCESS)
		return code;
	mig_abi_lock();
	row = find_set(set);
	if (!row)
		code = NVML_ERROR_INVALID_ARGUMENT;
	else if ((eventTypes & ~supported_types(&gpu)) != 0)
		code = NVML_ERROR_NOT_SUPPORTED;
	else
		row->types[gpu.gpu_index] |= eventTypes;
	mig_abi_unlock();
	return code;
}

/* A signal ends the wait early, as an interrupt may: that is a timeout, too. */
static nvmlReturn_t wait_for_event(nvmlEventSet_t set, const nvmlEventData_t *data,
				   unsigned int timeout_ms)
{
	struct timespec timeout = {
		.tv_sec = timeout_ms / 1000,
		.tv_nsec = (long)(timeout_ms % 1000) * 1000000,
	};
	int saved_errno = errno;
	bool exists;

	if (!mig_abi_store())
		return NVML_ERROR_UNINITIALIZED;
	mig_abi_lock();
	exists = find_set(set) != NULL;
	mig_abi_unlock();
	if (!exists || !data)
		return NVML_ERROR_INVALID_ARGUMENT;
	if (timeout_ms > 0)
		nanosleep(&timeout, NULL);
	errno = saved_errno;
	return NVML_ERROR_TIMEOUT;
}

MIG_EXPORT nvmlReturn_t nvmlEventSetWait(nvmlEventSet_t set, nvmlEventData_t *data,
					 unsigned int timeoutms)
{
	return wait_for_event(set, data, timeoutms);
}

MIG_EXPORT nvmlReturn_t nvmlEventSetWait_v2(nvmlEventSet_t set, nvmlEventData_t *data,
					    unsigned int timeoutms)
{
	return wait_for_event(set, data, timeoutms);
}
