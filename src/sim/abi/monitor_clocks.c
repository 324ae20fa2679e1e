/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clocks: a simulated GPU idles, in performance state P0, at its model's idle clocks.
 */
#include <string.h>
#include <time.h>

#include "nvml/symbols.h"
#include "sim/abi/monitor.h"

/* Which of the clocks of one domain. */
enum clock_kind {
	CLOCK_NOW,
	CLOCK_HIGHEST,
	CLOCK_APPLICATIONS,
};

static uint32_t memory_clock(const struct mig_monitor_row *row)
{
	return row->memory_clock_count > 0 ? row->memory_mhz[0] : MIG_TABLE_UNKNOWN;
}

static nvmlReturn_t give_clock(const struct mig_monitor_row *row, nvmlClockType_t type,
			       enum clock_kind kind, unsigned int *clock)
{
	switch ((unsigned int)type) {
	case NVML_CLOCK_GRAPHICS:
	case NVML_CLOCK_SM:
		if (kind == CLOCK_NOW)
			return mig_monitor_give(row->graphics_idle_mhz, 1, clock);
		return mig_monitor_give(kind == CLOCK_HIGHEST ? row->graphics_max_mhz
							      : row->graphics_app_mhz,
					1, clock);
	case NVML_CLOCK_MEM:
		return mig_monitor_give(memory_clock(row), 1, clock);
	case NVML_CLOCK_VIDEO:
		if (kind == CLOCK_APPLICATIONS)
			return NVML_ERROR_NOT_SUPPORTED;
		return mig_monitor_give(
			kind == CLOCK_NOW ? row->video_idle_mhz : row->video_max_mhz, 1, clock);
	default:
		return NVML_ERROR_INVALID_ARGUMENT;
	}
}

static nvmlReturn_t get_clock(nvmlDevice_t device, nvmlClockType_t type, enum clock_kind kind,
			      unsigned int *clock)
{
	struct mig_monitor monitor;
	nvmlReturn_t code = mig_monitor_find(device, clock, &monitor);

	return code != NVML_SUCCESS ? code : give_clock(monitor.row, type, kind, clock);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetClockInfo(nvmlDevice_t device, nvmlClockType_t type,
					       unsigned int *clock)
{
	return get_clock(device, type, CLOCK_NOW, clock);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetMaxClockInfo(nvmlDevice_t device, nvmlClockType_t type,
						  unsigned int *clock)
{
	return get_clock(device, type, CLOCK_HIGHEST, clock);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetApplicationsClock(nvmlDevice_t device,
						       nvmlClockType_t clockType,
						       unsigned int *clockMHz)
{
	return get_clock(device, clockType, CLOCK_APPLICATIONS, clockMHz);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetDefaultApplicationsClock(nvmlDevice_t device,
							      nvmlClockType_t clockType,
							      unsigned int *clockMHz)
{
	return get_clock(device, clockType, CLOCK_APPLICATIONS, clockMHz);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetMaxCustomerBoostClock(nvmlDevice_t device,
							   nvmlClockType_t clockType,
							   unsigned int *clockMHz)
{
	return get_clock(device, clockType, CLOCK_HIGHEST, clockMHz);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetClock(nvmlDevice_t device, nvmlClockType_t clockType,
					   nvmlClockId_t clockId, unsigned int *clockMHz)
{
	static const enum clock_kind kinds[] = {
		[NVML_CLOCK_ID_CURRENT] = CLOCK_NOW,
		[NVML_CLOCK_ID_APP_CLOCK_TARGET] = CLOCK_APPLICATIONS,
		[NVML_CLOCK_ID_APP_CLOCK_DEFAULT] = CLOCK_APPLICATIONS,
		[NVML_CLOCK_ID_CUSTOMER_BOOST_MAX] = CLOCK_HIGHEST,
	};
	struct mig_monitor monitor;
	nvmlReturn_t code = mig_monitor_find(device, clockMHz, &monitor);

	if (code != NVML_SUCCESS)
		return code;
	if ((unsigned int)clockId >= MIG_ARRAY_SIZE(kinds))
		return NVML_ERROR_INVALID_ARGUMENT;
	return give_clock(monitor.row, clockType, kinds[clockId], clockMHz);
}

/* ---- supported clocks ------------------------------------------------------------------------- */

MIG_EXPORT nvmlReturn_t nvmlDeviceGetSupportedMemoryClocks(nvmlDevice_t device, unsigned int *count,
							   unsigned int *clocksMHz)
{
	struct mig_monitor monitor;
	nvmlReturn_t code = mig_monitor_find(device, count, &monitor);
	unsigned int room;

	if (code != NVML_SUCCESS)
		return code;
	if (monitor.row->memory_clock_count == 0)
		return NVML_ERROR_NOT_SUPPORTED;
	room = *count;
	if (room >= monitor.row->memory_clock_count && !clocksMHz)
		return NVML_ERROR_INVALID_ARGUMENT;
	*count = monitor.row->memory_clock_count;
	if (room < *count)
		return NVML_ERROR_INSUFFICIENT_SIZE;
	memcpy(clocksMHz, monitor.row->memory_mhz, *count * sizeof(*clocksMHz));
	return NVML_SUCCESS;
}

static bool is_memory_clock(const struct mig_monitor_row *row, unsigned int clock)
{
	for (unsigned int i = 0; i < row->memory_clock_count; i++) {
		if (row->memory_mhz[i] == clock)
			return true;
	}
	return false;
}

/* From the highest down in equal steps; the same for each memory clock. */
MIG_EXPORT nvmlReturn_t nvmlDeviceGetSupportedGraphicsClocks(nvmlDevice_t device,
							     unsigned int memoryClockMHz,
							     unsigned int *count,
							     unsigned int *clocksMHz)
{
	struct mig_monitor monitor;
	nvmlReturn_t code = mig_monitor_find(device, count, &monitor);
	const struct mig_monitor_row *row;
	unsigned int room;

	if (code != NVML_SUCCESS)
		return code;
	row = monitor.row;
	if (row->memory_clock_count == 0 || row->graphics_max_mhz == MIG_TABLE_UNKNOWN)
		return NVML_ERROR_NOT_SUPPORTED;
	if (!is_memory_clock(row, memoryClockMHz))
		return NVML_ERROR_NOT_FOUND;
	room = *count;
	*count = (row->graphics_max_mhz - row->graphics_min_mhz) / row->graphics_step_mhz + 1;
	if (room < *count)
		return NVML_ERROR_INSUFFICIENT_SIZE;
	if (!clocksMHz)
		return NVML_ERROR_INVALID_ARGUMENT;
	for (unsigned int i = 0; i < *count; i++)
		clocksMHz[i] = row->graphics_max_mhz - i * row->graphics_step_mhz;
	return NVML_SUCCESS;
}

/* ---- performance states: P0 is the only one --------------------------------------------------- */

MIG_EXPORT nvmlReturn_t nvmlDeviceGetPowerState(nvmlDevice_t device, nvmlPstates_t *pState)
{
	return nvmlDeviceGetPerformanceState(device, pState);
}

/* `size` counts bytes. */
MIG_EXPORT nvmlReturn_t nvmlDeviceGetSupportedPerformanceStates(nvmlDevice_t device,
								nvmlPstates_t *pstates,
								unsigned int size)
{
	struct mig_monitor monitor;
	nvmlReturn_t code = mig_monitor_find(device, pstates, &monitor);

	if (code != NVML_SUCCESS)
		return code;
	if (size < sizeof(*pstates))
		return NVML_ERROR_INSUFFICIENT_SIZE;
	pstates[0] = NVML_PSTATE_0;
	for (unsigned int i = 1; i < size / sizeof(*pstates); i++)
		pstates[i] = NVML_PSTATE_UNKNOWN;
	return NVML_SUCCESS;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetMinMaxClockOfPState(nvmlDevice_t device, nvmlClockType_t type,
							 nvmlPstates_t pstate,
							 unsigned int *minClockMHz,
							 unsigned int *maxClockMHz)
{
	struct mig_monitor monitor;
	nvmlReturn_t code = mig_monitor_find(device, minClockMHz, &monitor);
	unsigned int highest;

	if (code != NVML_SUCCESS)
		return code;
	if (!maxClockMHz)
		return NVML_ERROR_INVALID_ARGUMENT;
	if (pstate != NVML_PSTATE_0)
		return NVML_ERROR_NOT_SUPPORTED;
	code = give_clock(monitor.row, type, CLOCK_HIGHEST, &highest);
	if (code != NVML_SUCCESS)
		return code;
	if (type == NVML_CLOCK_GRAPHICS || type == NVML_CLOCK_SM)
		*minClockMHz = monitor.row->graphics_min_mhz;
	else if (type == NVML_CLOCK_MEM)
		*minClockMHz = monitor.row->memory_mhz[monitor.row->memory_clock_count - 1];
	else
		*minClockMHz = monitor.row->video_idle_mhz;
	*maxClockMHz = highest;
	return NVML_SUCCESS;
}

/* ---- why the clocks are as they are: the GPU idles -------------------------------------------- */

static nvmlReturn_t get_reasons(nvmlDevice_t device, unsigned long long reasons,
				unsigned long long *out)
{
	struct mig_monitor monitor;
	nvmlReturn_t code = mig_monitor_find(device, out, &monitor);

	if (code == NVML_SUCCESS)
		*out = reasons;
	return code;
}

/* Of the reasons all but the clocks of displays, which no simulated GPU has. */
#define SUPPORTED_REASONS 0xffULL

MIG_EXPORT nvmlReturn_t nvmlDeviceGetCurrentClocksThrottleReasons(
	nvmlDevice_t device, unsigned long long *clocksThrottleReasons)
{
	return get_reasons(device, nvmlClocksEventReasonGpuIdle, clocksThrottleReasons);
}

MIG_EXPORT nvmlReturn_t
nvmlDeviceGetCurrentClocksEventReasons(nvmlDevice_t device, unsigned long long *clocksEventReasons)
{
	return get_reasons(device, nvmlClocksEventReasonGpuIdle, clocksEventReasons);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetSupportedClocksThrottleReasons(
	nvmlDevice_t device, unsigned long long *supportedClocksThrottleReasons)
{
	return get_reasons(device, SUPPORTED_REASONS, supportedClocksThrottleReasons);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetSupportedClocksEventReasons(
	nvmlDevice_t device, unsigned long long *supportedClocksEventReasons)
{
	return get_reasons(device, SUPPORTED_REASONS, supportedClocksEventReasons);
}

/* Never held back by a policy. */
MIG_EXPORT nvmlReturn_t nvmlDeviceGetViolationStatus(nvmlDevice_t device,
						     nvmlPerfPolicyType_t perfPolicyType,
						     nvmlViolationTime_t *violTime)
{
	struct mig_monitor monitor;
	nvmlReturn_t code = mig_monitor_find(device, violTime, &monitor);
	struct timespec now = {0};

	if (code != NVML_SUCCESS)
		return code;
	if ((unsigned int)perfPolicyType > NVML_PERF_POLICY_TOTAL_BASE_CLOCKS)
		return NVML_ERROR_INVALID_ARGUMENT;
	clock_gettime(CLOCK_REALTIME, &now);
	violTime->referenceTime =
		(unsigned long long)now.tv_sec * 1000000 + (unsigned long long)now.tv_nsec / 1000;
	violTime->violationTime = 0;
	return NVML_SUCCESS;
}
