/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Holders through the library: who is listed in which form, what memory is used, what is refused
 * while somebody holds it, and that all this ends with the process, also a killed one.
 *
 * Holders are children of the test that wait to be killed. A child is waited for before its end is
 * looked for, so nothing here depends on time.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nvml/symbols.h"
#include "sim/abi/sim_env.h"
#include "sim/engine/holders.h"
#include "sim/process/holder.h"
#include "tests/conformance/node_fixture.h"

#define A100 "a100-sxm4-40gb"
#define H100 "h100-sxm5-80gb"
#define GIB  (1ULL << 30)
#define MIB  (1ULL << 20)
#define NONE 0xFFFFFFFFU

/* The A100's profiles, and what it has of memory, in MiB. */
enum {
	ID_1G = 19,
	ID_3G = 9,
	MEMORY_3G = 20096,
};

static struct mig_sim_store store; /* of the test, beside the library's own */

static nvmlDevice_t start(const char *gpus, unsigned int mode)
{
	struct make_node_options options = {.initial_mig_mode = (uint8_t)mode};

	MIG_ASSERT_INT_EQ(mig_sim_store_open(&store, fixture_node("node", gpus, &options)),
			  MIG_SIM_OK);
	ASSERT_OK(nvmlInit_v2());
	return fixture_gpu(0);
}

/* ---- holders ---------------------------------------------------------------------------------- */

struct hold {
	pid_t pid;
	struct mig_sim_place place;
	uint64_t memory;
	enum mig_sim_holder_kind kind;
	enum mig_sim_hold_status status;
};

static bool add(void *cookie, const struct mig_sim_store *from, struct mig_sim_state *state)
{
	struct hold *hold = cookie;
	const struct mig_sim_gpu_desc *desc = &from->node->gpus[hold->place.gpu];
	const struct mig_sim_gpu gpu = {
		.node = from->node, .desc = desc, .model = &from->models[desc->model]};
	struct mig_sim_holder row = {
		.gpu = (uint8_t)hold->place.gpu,
		.gi = (uint8_t)hold->place.gi,
		.ci = (uint8_t)hold->place.ci,
		.kind = (uint8_t)hold->kind,
		.memory = hold->memory,
	};
	struct mig_sim_process process;
	uint64_t free_bytes;

	MIG_ASSERT(mig_sim_process_find((uint32_t)hold->pid, &process));
	mig_sim_holder_set_process(&row, &process);
	hold->status = mig_sim_holder_add(&gpu, state, &row, mig_sim_holder_is_alive, &free_bytes);
	return hold->status == MIG_SIM_HOLD_OK;
}

/* A child that waits to be killed, and ends with the test. */
static pid_t make_child(void)
{
	int ends[2];
	pid_t child;
	char word;

	MIG_ASSERT_INT_EQ(pipe(ends), 0);
	child = fork();
	MIG_ASSERT(child >= 0);
	if (child == 0) {
		close(ends[1]);
		while (read(ends[0], &word, 1) < 0)
			;
		_exit(0);
	}
	close(ends[0]);
	return child;
}

static void hold_by(pid_t pid, struct mig_sim_place place, uint64_t memory,
		    enum mig_sim_holder_kind kind)
{
	struct hold hold = {.pid = pid, .place = place, .memory = memory, .kind = kind};

	MIG_ASSERT_INT_EQ(mig_sim_store_update(&store, add, &hold), MIG_SIM_OK);
	MIG_ASSERT_INT_EQ(hold.status, MIG_SIM_HOLD_OK);
}

static pid_t hold(struct mig_sim_place place, uint64_t memory)
{
	pid_t child = make_child();

	hold_by(child, place, memory, MIG_SIM_HOLDER_COMPUTE);
	return child;
}

static void finish(pid_t child)
{
	MIG_ASSERT_INT_EQ(kill(child, SIGKILL), 0);
	MIG_ASSERT_INT_EQ(waitpid(child, NULL, 0), child);
}

/* ---- lists ------------------------------------------------------------------------------------ */

static unsigned int count_of(nvmlDevice_t device)
{
	nvmlProcessInfo_t infos[8];
	unsigned int count = 8;

	ASSERT_OK(nvmlDeviceGetComputeRunningProcesses_v3(device, &count, infos));
	return count;
}

static nvmlDevice_t mig_device(nvmlDevice_t gpu, unsigned int index)
{
	nvmlDevice_t device = NULL;

	ASSERT_OK(nvmlDeviceGetMigDeviceHandleByIndex(gpu, index, &device));
	return device;
}

MIG_TEST(the_three_versions_of_the_list)
{
	nvmlDevice_t gpu = start(A100, 0);
	pid_t child = hold(mig_sim_place_gpu(0), 3 * GIB);
	nvmlProcessInfo_v1_t v1[3];
	nvmlProcessInfo_v2_t v2[3];
	nvmlProcessInfo_t v3[3];
	unsigned int count;

	memset(v1, 0x55, sizeof(v1));
	memset(v2, 0x55, sizeof(v2));
	memset(v3, 0x55, sizeof(v3));
	count = 3;
	ASSERT_OK(nvmlDeviceGetComputeRunningProcesses(gpu, &count, v1));
	MIG_ASSERT_UINT_EQ(count, 1);
	MIG_ASSERT_UINT_EQ(v1[0].pid, child);
	MIG_ASSERT_UINT_EQ(v1[0].usedGpuMemory, 3 * GIB);
	MIG_ASSERT_UINT_EQ(v1[1].pid, 0x55555555);
	count = 3;
	ASSERT_OK(nvmlDeviceGetComputeRunningProcesses_v2(gpu, &count, v2));
	MIG_ASSERT_UINT_EQ(count, 1);
	MIG_ASSERT_UINT_EQ(v2[0].pid, child);
	MIG_ASSERT_UINT_EQ(v2[0].gpuInstanceId, NONE);
	MIG_ASSERT_UINT_EQ(v2[0].computeInstanceId, NONE);
	MIG_ASSERT_UINT_EQ(v2[1].pid, 0x55555555);
	count = 3;
	ASSERT_OK(nvmlDeviceGetComputeRunningProcesses_v3(gpu, &count, v3));
	MIG_ASSERT_UINT_EQ(count, 1);
	MIG_ASSERT_UINT_EQ(v3[0].usedGpuMemory, 3 * GIB);
	/* No graphics, no MPS. */
	ASSERT_OK(nvmlDeviceGetGraphicsRunningProcesses_v3(gpu, &count, v3));
	MIG_ASSERT_UINT_EQ(count, 0);
	count = 3;
	ASSERT_OK(nvmlDeviceGetMPSComputeRunningProcesses_v3(gpu, &count, v3));
	MIG_ASSERT_UINT_EQ(count, 0);
	finish(child);
	MIG_ASSERT_UINT_EQ(count_of(gpu), 0);
}

MIG_TEST(a_graphics_process_is_in_the_graphics_list)
{
	nvmlDevice_t gpu = start(A100, 0);
	pid_t child = make_child();
	nvmlProcessInfo_v1_t v1[2];
	nvmlProcessInfo_v2_t v2[2];
	unsigned int count = 2;

	hold_by(child, mig_sim_place_gpu(0), 0, MIG_SIM_HOLDER_GRAPHICS);
	MIG_ASSERT_UINT_EQ(count_of(gpu), 0);
	ASSERT_OK(nvmlDeviceGetGraphicsRunningProcesses(gpu, &count, v1));
	MIG_ASSERT_UINT_EQ(count, 1);
	MIG_ASSERT_UINT_EQ(v1[0].pid, child);
	ASSERT_OK(nvmlDeviceGetGraphicsRunningProcesses_v2(gpu, &count, v2));
	MIG_ASSERT_UINT_EQ(v2[0].pid, child);
	finish(child);
}

MIG_TEST(too_little_room_writes_the_count_alone)
{
	nvmlDevice_t gpu = start(A100, 0);
	pid_t first = hold(mig_sim_place_gpu(0), 1);
	pid_t second = hold(mig_sim_place_gpu(0), 2);
	nvmlProcessInfo_t infos[2];
	unsigned int count = 0;

	ASSERT_CODE(nvmlDeviceGetComputeRunningProcesses_v3(gpu, &count, NULL),
		    NVML_ERROR_INSUFFICIENT_SIZE);
	MIG_ASSERT_UINT_EQ(count, 2);
	memset(infos, 0x55, sizeof(infos));
	count = 1;
	ASSERT_CODE(nvmlDeviceGetComputeRunningProcesses_v3(gpu, &count, infos),
		    NVML_ERROR_INSUFFICIENT_SIZE);
	MIG_ASSERT_UINT_EQ(count, 2);
	MIG_ASSERT_UINT_EQ(infos[0].pid, 0x55555555);
	ASSERT_OK(nvmlDeviceGetComputeRunningProcesses_v3(gpu, &count, infos));
	MIG_ASSERT_UINT_EQ(infos[0].pid, first);
	MIG_ASSERT_UINT_EQ(infos[1].pid, second);
	ASSERT_CODE(nvmlDeviceGetComputeRunningProcesses_v3(gpu, &count, NULL),
		    NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_CODE(nvmlDeviceGetComputeRunningProcesses_v3(gpu, NULL, infos),
		    NVML_ERROR_INVALID_ARGUMENT);
	finish(first);
	count = 0;
	ASSERT_CODE(nvmlDeviceGetComputeRunningProcesses_v3(gpu, &count, NULL),
		    NVML_ERROR_INSUFFICIENT_SIZE);
	MIG_ASSERT_UINT_EQ(count, 1);
	finish(second);
	count = 0;
	ASSERT_OK(nvmlDeviceGetComputeRunningProcesses_v3(gpu, &count, NULL));
	MIG_ASSERT_UINT_EQ(count, 0);
}

/* 3g at 0 with two compute instances (MIG devices 0, 1), 1g at 4 (MIG device 2). */
static void partition(nvmlDevice_t gpu)
{
	nvmlGpuInstance_t large = fixture_gi(gpu, ID_3G, 0, 4);

	fixture_ci(large, 0);
	fixture_ci(large, 0);
	fixture_ci(fixture_gi(gpu, ID_1G, 4, 1), 0);
}

MIG_TEST(a_mig_device_lists_its_own)
{
	nvmlDevice_t gpu = start(A100, 1);
	nvmlProcessDetailList_t details = {0};
	nvmlProcessDetail_v1_t detail[4];
	nvmlProcessInfo_t infos[4];
	unsigned int count = 4;
	pid_t first, second;

	partition(gpu);
	first = hold(mig_sim_place_ci(0, 1, 1), 2 * GIB);
	second = hold(mig_sim_place_ci(0, 11, 0), GIB);
	MIG_ASSERT_UINT_EQ(count_of(mig_device(gpu, 0)), 0);
	MIG_ASSERT_UINT_EQ(count_of(mig_device(gpu, 1)), 1);
	ASSERT_OK(nvmlDeviceGetComputeRunningProcesses_v3(mig_device(gpu, 2), &count, infos));
	MIG_ASSERT_UINT_EQ(count, 1);
	MIG_ASSERT_UINT_EQ(infos[0].pid, second);
	MIG_ASSERT_UINT_EQ(infos[0].gpuInstanceId, 11);
	MIG_ASSERT_UINT_EQ(infos[0].computeInstanceId, 0);
	/* The GPU lists all. */
	count = 4;
	ASSERT_OK(nvmlDeviceGetComputeRunningProcesses_v3(gpu, &count, infos));
	MIG_ASSERT_UINT_EQ(count, 2);
	MIG_ASSERT_UINT_EQ(infos[0].pid, first);
	MIG_ASSERT_UINT_EQ(infos[0].gpuInstanceId, 1);
	MIG_ASSERT_UINT_EQ(infos[0].computeInstanceId, 1);
	details.version = MIG_NVML_STRUCT_VERSION(nvmlProcessDetailList_v1_t, 1);
	details.numProcArrayEntries = 4;
	details.procArray = detail;
	ASSERT_OK(nvmlDeviceGetRunningProcessDetailList(gpu, &details));
	MIG_ASSERT_UINT_EQ(details.numProcArrayEntries, 2);
	MIG_ASSERT_UINT_EQ(detail[1].pid, second);
	MIG_ASSERT_UINT_EQ(detail[1].usedGpuMemory, GIB);
	MIG_ASSERT_UINT_EQ(detail[1].gpuInstanceId, 11);
	MIG_ASSERT_UINT_EQ(detail[1].usedGpuCcProtectedMemory, 0);
	finish(first);
	finish(second);
}

MIG_TEST(who_may_not_see_all_sees_a_mig_device)
{
	nvmlProcessInfo_t infos[4];
	unsigned int count = 4;
	nvmlDevice_t gpu;
	nvmlMemory_t memory;
	pid_t child;

	gpu = start(A100, 1);
	partition(gpu);
	child = hold(mig_sim_place_ci(0, 11, 0), GIB);
	ASSERT_OK(nvmlShutdown());
	MIG_ASSERT_INT_EQ(setenv(MIG_SIM_ENV_UNPRIVILEGED, "1", 1), 0);
	ASSERT_OK(nvmlInit_v2());
	ASSERT_CODE(nvmlDeviceGetComputeRunningProcesses_v3(gpu, &count, infos),
		    NVML_ERROR_NO_PERMISSION);
	ASSERT_CODE(nvmlDeviceGetMemoryInfo(gpu, &memory), NVML_ERROR_NO_PERMISSION);
	MIG_ASSERT_UINT_EQ(count_of(mig_device(gpu, 2)), 1);
	ASSERT_OK(nvmlDeviceGetMemoryInfo(mig_device(gpu, 2), &memory));
	MIG_ASSERT_UINT_EQ(memory.used, GIB);
	finish(child);
}

MIG_TEST(the_export_table_lists_with_names)
{
	static const unsigned char uuid[16] = {0xc4, 0xfe, 0x3e, 0x6c, 0xc9, 0x8f, 0x6c, 0x4e,
					       0xa3, 0x27, 0xee, 0x69, 0x6e, 0x12, 0xf7, 0xc4};
	typedef nvmlReturn_t (*list_fn)(nvmlDevice_t device, unsigned int *count, void *entries);
	static unsigned char entries[2 * 4128];
	nvmlDevice_t gpu = start(A100, 1);
	char self[4096] = "";
	const void *table = NULL;
	unsigned int count = 2, number;
	uint64_t memory;
	list_fn lists[3];
	pid_t child;

	partition(gpu);
	child = hold(mig_sim_place_ci(0, 11, 0), 7 * MIB);
	ASSERT_OK(nvmlInternalGetExportTable(&table, uuid));
	memcpy(lists, (const char *)table + 213 * 8UL, sizeof(lists));
	memset(entries, 0x55, sizeof(entries));
	ASSERT_OK(lists[0](gpu, &count, entries));
	MIG_ASSERT_UINT_EQ(count, 1);
	memcpy(&number, entries, sizeof(number));
	MIG_ASSERT_UINT_EQ(number, child);
	memcpy(&memory, entries + 8, sizeof(memory));
	MIG_ASSERT_UINT_EQ(memory, 7 * MIB);
	memcpy(&number, entries + 16, sizeof(number));
	MIG_ASSERT_UINT_EQ(number, 11);
	memcpy(&number, entries + 20, sizeof(number));
	MIG_ASSERT_UINT_EQ(number, 0);
	MIG_ASSERT(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	MIG_ASSERT_STR_EQ((const char *)entries + 32, self);
	MIG_ASSERT_UINT_EQ(entries[4128], 0x55);
	count = 0;
	ASSERT_CODE(lists[0](mig_device(gpu, 2), &count, NULL), NVML_ERROR_INSUFFICIENT_SIZE);
	MIG_ASSERT_UINT_EQ(count, 1);
	hold_by(child, mig_sim_place_ci(0, 1, 0), 0, MIG_SIM_HOLDER_GRAPHICS);
	count = 2;
	ASSERT_OK(lists[1](gpu, &count, entries)); /* MPS */
	MIG_ASSERT_UINT_EQ(count, 0);
	count = 2;
	ASSERT_OK(lists[2](gpu, &count, entries)); /* graphics */
	MIG_ASSERT_UINT_EQ(count, 1);
	memcpy(&number, entries + 16, sizeof(number));
	MIG_ASSERT_UINT_EQ(number, 1);
	ASSERT_CODE(lists[2](gpu, &count, NULL), NVML_ERROR_INSUFFICIENT_SIZE);
	finish(child);
}

MIG_TEST(names_of_processes)
{
	char self[4096] = "", name[4096], part[5];

	ASSERT_CODE(nvmlSystemGetProcessName((unsigned int)getpid(), name, sizeof(name)),
		    NVML_ERROR_UNINITIALIZED);
	start(A100, 0);
	MIG_ASSERT(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	ASSERT_OK(nvmlSystemGetProcessName((unsigned int)getpid(), name, sizeof(name)));
	MIG_ASSERT_STR_EQ(name, self);
	ASSERT_OK(nvmlSystemGetProcessName((unsigned int)getpid(), part, sizeof(part)));
	MIG_ASSERT_MEM_EQ(part, self, 4);
	MIG_ASSERT_INT_EQ(part[4], 0);
	ASSERT_CODE(nvmlSystemGetProcessName(0x7fffffff, name, sizeof(name)), NVML_ERROR_NOT_FOUND);
	ASSERT_CODE(nvmlSystemGetProcessName(1, NULL, 4), NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_CODE(nvmlSystemGetProcessName(1, name, 0), NVML_ERROR_INVALID_ARGUMENT);
}

MIG_TEST(no_samples_of_utilization)
{
	nvmlDevice_t gpu = start(A100, 0);
	nvmlProcessUtilizationSample_t sample;
	unsigned int count = 1;

	ASSERT_CODE(nvmlDeviceGetProcessUtilization(gpu, &sample, &count, 0), NVML_ERROR_NOT_FOUND);
	MIG_ASSERT_UINT_EQ(count, 0);
	ASSERT_CODE(nvmlDeviceGetProcessUtilization(gpu, NULL, NULL, 0),
		    NVML_ERROR_INVALID_ARGUMENT);
	fixture_mig_on(gpu);
	ASSERT_CODE(nvmlDeviceGetProcessUtilization(gpu, &sample, &count, 0),
		    NVML_ERROR_NOT_SUPPORTED);
}

/* ---- memory ----------------------------------------------------------------------------------- */

MIG_TEST(memory_of_an_instance_is_used)
{
	nvmlDevice_t gpu = start(A100, 1);
	nvmlMemory_v2_t v2 = {.version = MIG_NVML_STRUCT_VERSION(nvmlMemory_v2_t, 2)};
	nvmlBAR1Memory_t bar1;
	nvmlMemory_t before, memory;
	pid_t first, second;

	partition(gpu);
	ASSERT_OK(nvmlDeviceGetMemoryInfo(gpu, &before));
	first = hold(mig_sim_place_ci(0, 1, 0), 3 * GIB);
	second = hold(mig_sim_place_ci(0, 11, 0), GIB);
	/* Both compute instances of the GPU instance see it: the memory is shared. */
	for (unsigned int i = 0; i < 2; i++) {
		ASSERT_OK(nvmlDeviceGetMemoryInfo(mig_device(gpu, i), &memory));
		MIG_ASSERT_UINT_EQ(memory.total, MEMORY_3G * MIB);
		MIG_ASSERT_UINT_EQ(memory.used, 3 * GIB);
		MIG_ASSERT_UINT_EQ(memory.free, MEMORY_3G * MIB - 3 * GIB);
	}
	ASSERT_OK(nvmlDeviceGetMemoryInfo_v2(mig_device(gpu, 2), &v2));
	MIG_ASSERT_UINT_EQ(v2.used, GIB);
	MIG_ASSERT_UINT_EQ(v2.free + v2.used + v2.reserved, v2.total);
	ASSERT_OK(nvmlDeviceGetMemoryInfo(gpu, &memory));
	MIG_ASSERT_UINT_EQ(memory.used, before.used + 4 * GIB);
	MIG_ASSERT_UINT_EQ(memory.free, before.free - 4 * GIB);
	ASSERT_OK(nvmlDeviceGetMemoryInfo_v2(gpu, &v2));
	MIG_ASSERT_UINT_EQ(v2.used, 4 * GIB);
	MIG_ASSERT_UINT_EQ(v2.free + v2.used + v2.reserved, v2.total);
	ASSERT_OK(nvmlDeviceGetBAR1MemoryInfo(mig_device(gpu, 0), &bar1));
	MIG_ASSERT_UINT_EQ(bar1.bar1Used, 0);
	finish(first);
	ASSERT_OK(nvmlDeviceGetMemoryInfo(gpu, &memory));
	MIG_ASSERT_UINT_EQ(memory.used, before.used + GIB);
	finish(second);
	ASSERT_OK(nvmlDeviceGetMemoryInfo(gpu, &memory));
	MIG_ASSERT_UINT_EQ(memory.used, before.used);
}

/* ---- what is in use --------------------------------------------------------------------------- */

MIG_TEST(a_held_instance_stays)
{
	nvmlDevice_t gpu = start(A100, 1);
	nvmlGpuInstance_t gi = fixture_gi(gpu, ID_3G, 0, 4);
	nvmlComputeInstance_t first = fixture_ci(gi, 0), second = fixture_ci(gi, 0);
	nvmlGpuInstance_t other = fixture_gi(gpu, ID_1G, 4, 1);
	nvmlReturn_t activation = NVML_ERROR_TIMEOUT;
	pid_t child = hold(mig_sim_place_ci(0, 1, 0), 0);

	ASSERT_CODE(nvmlComputeInstanceDestroy(first), NVML_ERROR_IN_USE);
	ASSERT_CODE(nvmlGpuInstanceDestroy(gi), NVML_ERROR_IN_USE);
	ASSERT_CODE(nvmlDeviceSetMigMode(gpu, 0, &activation), NVML_ERROR_IN_USE);
	MIG_ASSERT_INT_EQ(activation, NVML_ERROR_TIMEOUT);
	/* What nobody holds can go, and new ones can come. */
	ASSERT_OK(nvmlComputeInstanceDestroy(second));
	ASSERT_OK(nvmlGpuInstanceDestroy(other));
	fixture_gi(gpu, ID_1G, 5, 1);
	fixture_ci(gi, 0);
	finish(child);
	ASSERT_OK(nvmlComputeInstanceDestroy(first));
}

MIG_TEST(a_zombie_holds_nothing)
{
	nvmlDevice_t gpu = start(A100, 1);
	nvmlComputeInstance_t ci = fixture_ci(fixture_gi(gpu, ID_3G, 0, 4), 0);
	pid_t child = hold(mig_sim_place_ci(0, 1, 0), 0);
	siginfo_t info;

	ASSERT_CODE(nvmlComputeInstanceDestroy(ci), NVML_ERROR_IN_USE);
	MIG_ASSERT_INT_EQ(kill(child, SIGKILL), 0);
	/* Dead, and not waited for yet. */
	MIG_ASSERT_INT_EQ(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
	ASSERT_OK(nvmlComputeInstanceDestroy(ci));
	MIG_ASSERT_INT_EQ(waitpid(child, NULL, 0), child);
}

static void check_mode_of_held(const char *model)
{
	nvmlDevice_t gpu = start(model, 0);
	pid_t child = hold(mig_sim_place_gpu(0), GIB);
	nvmlReturn_t activation = NVML_SUCCESS;
	unsigned int current, pending;

	ASSERT_OK(nvmlDeviceSetMigMode(gpu, 1, &activation));
	MIG_ASSERT_INT_EQ(activation, NVML_ERROR_IN_USE);
	ASSERT_OK(nvmlDeviceGetMigMode(gpu, &current, &pending));
	MIG_ASSERT_UINT_EQ(current, 0);
	MIG_ASSERT_UINT_EQ(pending, 1);
	finish(child);
	ASSERT_OK(nvmlDeviceSetMigMode(gpu, 1, &activation));
	MIG_ASSERT_INT_EQ(activation, NVML_SUCCESS);
	ASSERT_OK(nvmlDeviceGetMigMode(gpu, &current, &pending));
	MIG_ASSERT_UINT_EQ(current, 1);
}

MIG_TEST(a_held_gpu_keeps_its_mode_ampere)
{
	check_mode_of_held(A100);
}

MIG_TEST(a_held_gpu_keeps_its_mode_hopper)
{
	check_mode_of_held(H100);
}

MIG_TEST(a_client_of_the_whole_gpu_keeps_new_instances_away)
{
	nvmlDevice_t gpu = start(A100, 1);
	nvmlGpuInstance_t gi = fixture_gi(gpu, ID_3G, 0, 4), other = NULL;
	pid_t child = hold(mig_sim_place_gpu(0), 0);

	ASSERT_CODE(nvmlDeviceCreateGpuInstance(gpu, ID_1G, &other), NVML_ERROR_IN_USE);
	/* What would not do anyway is said first. */
	ASSERT_CODE(nvmlDeviceCreateGpuInstance(gpu, 999, &other), NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_OK(nvmlGpuInstanceDestroy(gi));
	finish(child);
	ASSERT_OK(nvmlDeviceCreateGpuInstance(gpu, ID_1G, &other));
}

MIG_TEST(holders_of_one_gpu_do_not_touch_another)
{
	nvmlDevice_t gpu = start("2x" A100, 1);
	pid_t child = hold(mig_sim_place_gpu(1), 0);
	nvmlReturn_t activation = NVML_ERROR_UNKNOWN;

	MIG_ASSERT_UINT_EQ(count_of(gpu), 0);
	MIG_ASSERT_UINT_EQ(count_of(fixture_gpu(1)), 1);
	fixture_gi(gpu, ID_1G, 0, 1);
	ASSERT_OK(nvmlDeviceSetMigMode(fixture_gpu(1), 0, &activation));
	MIG_ASSERT_INT_EQ(activation, NVML_ERROR_IN_USE);
	finish(child);
}
