/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls per second of the simulated library on one processor, through the dynamic linker as any
 * client calls it: by the clock on the wall, and by the processor time used, which others on the
 * machine move less. Prints figures as TAP comments and asserts none of them; what can fail is
 * that a call does not answer as it should.
 */
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "nvml/symbols.h"
#include "shared/macros.h"
#include "sim/abi/sim_env.h"
#include "tests/conformance/make_node.h"

#define RUNS   5
#define RUN_NS 200000000ULL
#define TURN   1000 /* calls between two looks at the clock */

static nvmlDevice_t gpu, device;
static nvmlGpuInstance_t gi;

static uint64_t now_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static nvmlReturn_t call_mig_mode(void)
{
	unsigned int current, pending;

	return nvmlDeviceGetMigMode(gpu, &current, &pending);
}

static nvmlReturn_t call_count(void)
{
	unsigned int count;

	return nvmlDeviceGetCount_v2(&count);
}

static nvmlReturn_t call_handle(void)
{
	nvmlDevice_t handle;

	return nvmlDeviceGetHandleByIndex_v2(0, &handle);
}

static nvmlReturn_t call_max_count(void)
{
	unsigned int count;

	return nvmlDeviceGetMaxMigDeviceCount(gpu, &count);
}

static nvmlReturn_t call_mig_handle(void)
{
	nvmlDevice_t handle;

	return nvmlDeviceGetMigDeviceHandleByIndex(gpu, 0, &handle);
}

static nvmlReturn_t call_mig_uuid(void)
{
	char uuid[96];

	return nvmlDeviceGetUUID(device, uuid, sizeof(uuid));
}

static nvmlReturn_t call_attributes(void)
{
	nvmlDeviceAttributes_t attributes;

	return nvmlDeviceGetAttributes_v2(device, &attributes);
}

static nvmlReturn_t call_gi_info(void)
{
	nvmlGpuInstanceInfo_t info;

	return nvmlGpuInstanceGetInfo(gi, &info);
}

static nvmlReturn_t call_profile_info(void)
{
	nvmlGpuInstanceProfileInfo_v2_t info = {.version = 0x2000098};

	return nvmlDeviceGetGpuInstanceProfileInfoV(gpu, 0, &info);
}

static nvmlReturn_t call_capacity(void)
{
	unsigned int count;

	return nvmlDeviceGetGpuInstanceRemainingCapacity(gpu, 19, &count);
}

static nvmlReturn_t call_create_destroy(void)
{
	nvmlGpuInstance_t made;
	nvmlReturn_t code = nvmlDeviceCreateGpuInstance(gpu, 19, &made);

	return code == NVML_SUCCESS ? nvmlGpuInstanceDestroy(made) : code;
}

static nvmlReturn_t call_init_shutdown(void)
{
	nvmlReturn_t code = nvmlShutdown();

	return code == NVML_SUCCESS ? nvmlInit_v2() : code;
}

static const struct {
	const char *what;
	nvmlReturn_t (*call)(void);
} rows[] = {
	{"nvmlDeviceGetMigMode", call_mig_mode},
	{"nvmlDeviceGetCount_v2", call_count},
	{"nvmlDeviceGetHandleByIndex_v2", call_handle},
	{"nvmlDeviceGetMaxMigDeviceCount", call_max_count},
	{"nvmlDeviceGetMigDeviceHandleByIndex", call_mig_handle},
	{"nvmlDeviceGetUUID of a MIG device", call_mig_uuid},
	{"nvmlDeviceGetAttributes_v2", call_attributes},
	{"nvmlGpuInstanceGetInfo", call_gi_info},
	{"nvmlDeviceGetGpuInstanceProfileInfoV", call_profile_info},
	{"nvmlDeviceGetGpuInstanceRemainingCapacity", call_capacity},
	{"create and destroy a GPU instance", call_create_destroy},
	{"nvmlShutdown and nvmlInit_v2", call_init_shutdown},
};

/* Calls per second of one run. All answers go into *wrong, so that a failure shows. */
static void measure(nvmlReturn_t (*call)(void), unsigned int *wrong, double *by_wall,
		    double *by_processor)
{
	uint64_t begin = now_ns(CLOCK_MONOTONIC), end = begin, calls = 0;
	uint64_t used = now_ns(CLOCK_PROCESS_CPUTIME_ID);

	while (end - begin < RUN_NS) {
		for (unsigned int i = 0; i < TURN; i++)
			*wrong |= (unsigned int)call();
		calls += TURN;
		end = now_ns(CLOCK_MONOTONIC);
	}
	used = now_ns(CLOCK_PROCESS_CPUTIME_ID) - used;
	*by_wall = (double)calls * 1e9 / (double)(end - begin);
	*by_processor = (double)calls * 1e9 / (double)(used > 0 ? used : 1);
}

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void pin_to_one_processor(void)
{
	cpu_set_t allowed, one;

	CPU_ZERO(&one);
	if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0)
		return;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, &allowed)) {
			CPU_SET(cpu, &one);
			break;
		}
	}
	sched_setaffinity(0, sizeof(one), &one);
}

/* A node with one MIG device on its first GPU. */
static bool set_up(const char *path)
{
	nvmlGpuInstancePlacement_t half = {.start = 4, .size = 4};
	nvmlComputeInstance_t ci;
	nvmlReturn_t activation;

	setenv(MIG_SIM_NODE_ENV, path, 1);
	return nvmlInit_v2() == NVML_SUCCESS &&
	       nvmlDeviceGetHandleByIndex_v2(0, &gpu) == NVML_SUCCESS &&
	       nvmlDeviceSetMigMode(gpu, NVML_DEVICE_MIG_ENABLE, &activation) == NVML_SUCCESS &&
	       nvmlDeviceCreateGpuInstanceWithPlacement(gpu, 9, &half, &gi) == NVML_SUCCESS &&
	       nvmlGpuInstanceCreateComputeInstance(gi, 0, &ci) == NVML_SUCCESS &&
	       nvmlDeviceGetMigDeviceHandleByIndex(gpu, 0, &device) == NVML_SUCCESS;
}

static bool measure_all(void)
{
	unsigned int wrong = 0;

	printf("# calls per second, medians of %d runs: by the clock, by processor time\n", RUNS);
	for (unsigned int row = 0; row < MIG_ARRAY_SIZE(rows) && !wrong; row++) {
		double by_wall[RUNS], by_processor[RUNS];

		for (unsigned int run = 0; run < RUNS; run++)
			measure(rows[row].call, &wrong, &by_wall[run], &by_processor[run]);
		qsort(by_wall, RUNS, sizeof(by_wall[0]), compare);
		qsort(by_processor, RUNS, sizeof(by_processor[0]), compare);
		printf("# %-41s %11.0f %11.0f\n", rows[row].what, by_wall[RUNS / 2],
		       by_processor[RUNS / 2]);
		fflush(stdout);
	}
	return wrong == 0;
}

static void remove_node(const char *directory, const char *path)
{
	static const char *const files[] = {MIG_SIM_STATE_FILE, MIG_SIM_LOCK_FILE};
	char file[4096];

	for (unsigned int i = 0; i < MIG_ARRAY_SIZE(files); i++) {
		snprintf(file, sizeof(file), "%s/%s", path, files[i]);
		unlink(file);
	}
	rmdir(path);
	rmdir(directory);
}

int main(void)
{
	char directory[] = "/tmp/migctl-bench-XXXXXX";
	char why[MIG_SIM_DETAIL_SIZE] = "the library does not answer as it should";
	char path[sizeof(directory) + sizeof("/node")];
	bool ok;

	printf("1..1\n");
	if (!mkdtemp(directory)) {
		printf("not ok 1 bench-abi\n# cannot make a directory in /tmp\n");
		return 1;
	}
	snprintf(path, sizeof(path), "%s/node", directory);
	pin_to_one_processor();
	ok = make_node(path, "8xa100-sxm4-40gb", NULL, why) == 0 && set_up(path) && measure_all();
	printf("%sok 1 bench-abi\n", ok ? "" : "not ");
	if (!ok)
		printf("# %s\n", why);
	remove_node(directory, path);
	return ok ? 0 : 1;
}
