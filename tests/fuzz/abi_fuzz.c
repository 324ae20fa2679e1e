/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzing of the exported NVML ABI: sequences of calls with good and bad handles, versions, counts
 * and lengths, decoded from bytes.
 *
 * The driver's objects are linked in, so that sanitizers see them. Every output goes to a buffer
 * of exactly the size that the contract gives the caller, with canaries around it. After each call:
 * the canaries stand, and a call that failed has written nothing. After each input the node can
 * still be cleared by ordinary calls. A NULL output is an argument like another; other bad output
 * pointers nobody can guard against.
 *
 *	abi_fuzz [--seed N] [--iterations N] [FOLDER...]
 *
 * replays the files of the folders by name, then makes that many inputs from the seed. Built with clang and
 * -DMIG_LIBFUZZER -fsanitize=fuzzer it is a libFuzzer program instead.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nvml/symbols.h"
#include "shared/macros.h"
#include "shared/number.h"
#include "sim/abi/sim_env.h"
#include "tests/conformance/make_node.h"

#define GPUS "a100-sxm4-40gb,a30-24gb:swapped,t4-16gb,h100-sxm5-80gb"

enum {
	GPU_COUNT = 4,
	CANARY = 0xa5,
	GUARD = 64,
	BODY_MAX = 8192,
	OUTPUTS_MAX = 4,
	SETS_MAX = 8,
	INPUT_SIZE = 512,
	DEFAULT_ITERATIONS = 1500,
};

static const char *const gpu_keys[GPU_COUNT] = {"a100-sxm4-40gb", "a30-24gb", "t4-16gb",
						"h100-sxm5-80gb"};

/* One output of a call: canaries, the body, canaries. */
struct output {
	unsigned char bytes[GUARD + BODY_MAX + GUARD] __attribute__((aligned(16)));
	unsigned char before[BODY_MAX]; /* the body as the call got it */
	size_t size;
};
_Static_assert(offsetof(struct output, bytes) == 0 && GUARD % 16 == 0 && BODY_MAX % 16 == 0,
	       "bodies are aligned");

static struct {
	const unsigned char *data;
	size_t left;
	struct output outputs[OUTPUTS_MAX];
	unsigned int output_count;
	nvmlDevice_t gpus[GPU_COUNT];
	nvmlEventSet_t sets[SETS_MAX]; /* some of them freed */
} fuzz;

static _Noreturn void broken(const char *call, const char *what)
{
	fprintf(stderr, "abi_fuzz: %s: %s\n", call, what);
	abort();
}

/* ---- decoding --------------------------------------------------------------------------------- */

static unsigned int byte(void)
{
	if (fuzz.left == 0)
		return 0;
	fuzz.left--;
	return *fuzz.data++;
}

static unsigned int word(void)
{
	static const unsigned int special[] = {
		0, 1, 2, 7, 8, 9, 14, 19, 20, 0x7fffffff, ~0U, 4096, 0x80000000, 0xfffffff0, 5};
	unsigned int choice = byte();

	if (choice < 200)
		return special[choice % MIG_ARRAY_SIZE(special)];
	return byte() << 24 | byte() << 16 | byte() << 8 | byte();
}

/* Canaries follow the last byte at once; the first byte is aligned for any type. */
static unsigned char *body_of(struct output *out)
{
	return out->bytes + GUARD + ((BODY_MAX - out->size) & ~(size_t)15);
}

/* A buffer of `size` bytes between canaries; now and then NULL. */
static void *output(size_t size)
{
	struct output *out = &fuzz.outputs[fuzz.output_count];

	if (byte() % 16 == 0)
		return NULL;
	if (fuzz.output_count == OUTPUTS_MAX || size > BODY_MAX)
		broken("output", "the fuzzer asks for too much");
	fuzz.output_count++;
	out->size = size;
	memset(out->bytes, CANARY, sizeof(out->bytes));
	memset(out->before, CANARY, size);
	return body_of(out);
}

/* What the caller puts into the last output before the call. */
static void preset(void *body, const void *bytes, size_t size)
{
	if (!body)
		return;
	memcpy(body, bytes, size);
	memcpy(fuzz.outputs[fuzz.output_count - 1].before, bytes, size);
}

/*
 * A versioned structure: one of the known versions, with room for that one, or another word, with
 * room for nothing but it.
 */
static void *versioned(const unsigned int *known, unsigned int count)
{
	unsigned int choice = byte() % (count + 2);
	unsigned int version = choice < count ? known[choice] : word();
	bool is_known = false;
	void *body;

	for (unsigned int i = 0; i < count; i++)
		is_known = is_known || known[i] == version;
	body = output(is_known ? version & 0xffffff : sizeof(version));
	preset(body, &version, sizeof(version));
	return body;
}

static void check_outputs(const char *call, nvmlReturn_t code)
{
	for (unsigned int i = 0; i < fuzz.output_count; i++) {
		struct output *out = &fuzz.outputs[i];
		const unsigned char *body = body_of(out);

		for (const unsigned char *p = out->bytes; p < body; p++) {
			if (*p != CANARY)
				broken(call, "wrote before its output");
		}
		for (const unsigned char *p = body + out->size; p < out->bytes + sizeof(out->bytes);
		     p++) {
			if (*p != CANARY)
				broken(call, "wrote behind its output");
		}
		if (code != NVML_SUCCESS && memcmp(body, out->before, out->size) != 0)
			broken(call, "failed and wrote to its output");
	}
	fuzz.output_count = 0;
}

/* ---- handles ---------------------------------------------------------------------------------- */

/* Any kind of handle, or none: by a walk over the library's own table of addresses. */
static void *any_handle(void)
{
	char *near = (char *)fuzz.gpus[0];
	unsigned int choice = byte();

	switch (choice % 8) {
	case 0:
		return NULL;
	case 1:
		return (void *)(uintptr_t)word();
	case 2: /* not aligned */
		return near + choice + (size_t)byte() * 256;
	case 3:
		return near - (size_t)byte() * 16;
	case 4:
		return fuzz.sets[byte() % SETS_MAX];
	default: /* a GPU, instance or MIG device, there or not, or past them all */
		return near + 16 * (size_t)((byte() << 8 | byte()) % 9000);
	}
}

static nvmlDevice_t gpu(void)
{
	unsigned int choice = byte();

	return choice % 8 == 7 ? any_handle() : fuzz.gpus[choice % GPU_COUNT];
}

/* A GPU instance: mostly one that could exist. */
static nvmlGpuInstance_t gpu_instance(void)
{
	nvmlGpuInstance_t handle = NULL;
	unsigned int choice = byte();

	if (choice % 8 == 7)
		return any_handle();
	for (unsigned int id = choice % 15, i = 0; i < 15; i++, id = (id + 1) % 15) {
		if (nvmlDeviceGetGpuInstanceById(fuzz.gpus[choice / 15 % GPU_COUNT], id, &handle) ==
		    NVML_SUCCESS)
			break;
	}
	return handle;
}

static nvmlComputeInstance_t compute_instance(void)
{
	nvmlComputeInstance_t handle = NULL;
	nvmlGpuInstance_t gi = gpu_instance();
	unsigned int choice = byte();

	if (choice % 8 == 7)
		return any_handle();
	for (unsigned int id = 0; id < 8; id++) {
		if (nvmlGpuInstanceGetComputeInstanceById(gi, (choice + id) % 8, &handle) ==
		    NVML_SUCCESS)
			break;
	}
	return handle;
}

/* A GPU or a MIG device. */
static nvmlDevice_t device(void)
{
	nvmlDevice_t handle = gpu(), mig = NULL;
	unsigned int choice = byte();

	if (choice % 2 == 0 ||
	    nvmlDeviceGetMigDeviceHandleByIndex(handle, choice / 2 % 7, &mig) != NVML_SUCCESS)
		return handle;
	return mig;
}

static nvmlEventSet_t event_set(void)
{
	unsigned int choice = byte();

	return choice % 8 == 7 ? any_handle() : fuzz.sets[choice % SETS_MAX];
}

/* ---- what the contract gives the caller room for ---------------------------------------------- */

static const struct mig_gpu_table *model_of(nvmlDevice_t handle)
{
	for (unsigned int i = 0; i < GPU_COUNT; i++) {
		if (fuzz.gpus[i] == handle)
			return mig_gpu_table_find(gpu_keys[i]);
	}
	return NULL;
}

static const struct mig_table_gi_profile *gi_profile_of(nvmlDevice_t handle, unsigned int id)
{
	const struct mig_gpu_table *model = model_of(handle);

	return model ? mig_gpu_table_gi_by_id(model, id) : NULL;
}

static const struct mig_table_ci_profile *ci_profile_of(nvmlGpuInstance_t handle, unsigned int id)
{
	const struct mig_table_gi_profile *gi;
	nvmlGpuInstanceInfo_t info;

	if (nvmlGpuInstanceGetInfo(handle, &info) != NVML_SUCCESS)
		return NULL;
	gi = gi_profile_of(info.device, info.profileId);
	for (unsigned int i = 0; gi && i < gi->ci_profile_count; i++) {
		if (gi->ci[i].id == id)
			return &gi->ci[i];
	}
	return NULL;
}

/* ---- calls ------------------------------------------------------------------------------------ */

#define DEVICE_OUT(name, type)                             \
	static nvmlReturn_t call_##name(void)              \
	{                                                  \
		nvmlDevice_t handle = device();            \
                                                           \
		return name(handle, output(sizeof(type))); \
	}

#define DEVICE_TEXT(name)                                    \
	static nvmlReturn_t call_##name(void)                \
	{                                                    \
		nvmlDevice_t handle = device();              \
		unsigned int length = byte() % 128;          \
                                                             \
		return name(handle, output(length), length); \
	}

#define DEVICE_WORD_OUT(name, type)                               \
	static nvmlReturn_t call_##name(void)                     \
	{                                                         \
		nvmlDevice_t handle = device();                   \
		unsigned int value = word();                      \
                                                                  \
		return name(handle, value, output(sizeof(type))); \
	}

#define DEVICE_VERSIONED(name, ...)                                           \
	static nvmlReturn_t call_##name(void)                                 \
	{                                                                     \
		static const unsigned int known[] = {__VA_ARGS__};            \
		nvmlDevice_t handle = device();                               \
                                                                              \
		return name(handle, versioned(known, MIG_ARRAY_SIZE(known))); \
	}

#define DEVICE_WORD_VERSIONED(name, ...)                                             \
	static nvmlReturn_t call_##name(void)                                        \
	{                                                                            \
		static const unsigned int known[] = {__VA_ARGS__};                   \
		nvmlDevice_t handle = device();                                      \
		unsigned int value = word();                                         \
                                                                                     \
		return name(handle, value, versioned(known, MIG_ARRAY_SIZE(known))); \
	}

#define PROCESS_LIST(name, type)                                         \
	static nvmlReturn_t call_##name(void)                            \
	{                                                                \
		nvmlDevice_t handle = device();                          \
		unsigned int room = byte() % 4;                          \
		unsigned int *count = output(sizeof(*count));            \
                                                                         \
		preset(count, &room, sizeof(room));                      \
		return name(handle, count, output(room * sizeof(type))); \
	}

DEVICE_OUT(nvmlDeviceGetIndex, unsigned int)
DEVICE_OUT(nvmlDeviceGetMinorNumber, unsigned int)
DEVICE_OUT(nvmlDeviceGetPciInfo, nvmlPciInfo_v1_t)
DEVICE_OUT(nvmlDeviceGetPciInfo_v2, nvmlPciInfo_v2_t)
DEVICE_OUT(nvmlDeviceGetPciInfo_v3, nvmlPciInfo_t)
DEVICE_OUT(nvmlDeviceGetBrand, nvmlBrandType_t)
DEVICE_OUT(nvmlDeviceGetArchitecture, nvmlDeviceArchitecture_t)
DEVICE_OUT(nvmlDeviceGetNumaNodeId, unsigned int)
DEVICE_OUT(nvmlDeviceGetPersistenceMode, nvmlEnableState_t)
DEVICE_OUT(nvmlDeviceGetDisplayActive, nvmlEnableState_t)
DEVICE_OUT(nvmlDeviceGetComputeMode, nvmlComputeMode_t)
DEVICE_OUT(nvmlDeviceGetPerformanceState, nvmlPstates_t)
DEVICE_OUT(nvmlDeviceGetUtilizationRates, nvmlUtilization_t)
DEVICE_OUT(nvmlDeviceGetMemoryInfo, nvmlMemory_t)
DEVICE_OUT(nvmlDeviceGetBAR1MemoryInfo, nvmlBAR1Memory_t)
DEVICE_OUT(nvmlDeviceGetAttributes, nvmlDeviceAttributes_v1_t)
DEVICE_OUT(nvmlDeviceGetAttributes_v2, nvmlDeviceAttributes_t)
DEVICE_OUT(nvmlDeviceGetMaxMigDeviceCount, unsigned int)
DEVICE_OUT(nvmlDeviceIsMigDeviceHandle, unsigned int)
DEVICE_OUT(nvmlDeviceGetGpuInstanceId, unsigned int)
DEVICE_OUT(nvmlDeviceGetComputeInstanceId, unsigned int)
DEVICE_OUT(nvmlDeviceGetDeviceHandleFromMigDeviceHandle, nvmlDevice_t)
DEVICE_OUT(nvmlDeviceGetSupportedEventTypes, unsigned long long)
DEVICE_TEXT(nvmlDeviceGetName)
DEVICE_TEXT(nvmlDeviceGetUUID)
DEVICE_WORD_OUT(nvmlDeviceGetMigDeviceHandleByIndex, nvmlDevice_t)
DEVICE_WORD_OUT(nvmlDeviceGetGpuInstanceProfileInfo, nvmlGpuInstanceProfileInfo_t)
DEVICE_WORD_OUT(nvmlDeviceGetGpuInstanceRemainingCapacity, unsigned int)
DEVICE_WORD_OUT(nvmlDeviceGetGpuInstanceById, nvmlGpuInstance_t)
DEVICE_WORD_OUT(nvmlDeviceCreateGpuInstance, nvmlGpuInstance_t)
DEVICE_VERSIONED(nvmlDeviceGetPciInfoExt, 0x1000040)
DEVICE_VERSIONED(nvmlDeviceGetMemoryInfo_v2, 0x2000028)
DEVICE_WORD_VERSIONED(nvmlDeviceGetGpuInstanceProfileInfoV, 0x2000098, 0x3000098)
DEVICE_WORD_VERSIONED(nvmlDeviceGetGpuInstanceProfileInfoByIdV, 0x2000098, 0x3000098)
PROCESS_LIST(nvmlDeviceGetComputeRunningProcesses, nvmlProcessInfo_v1_t)
PROCESS_LIST(nvmlDeviceGetGraphicsRunningProcesses_v2, nvmlProcessInfo_v2_t)
PROCESS_LIST(nvmlDeviceGetMPSComputeRunningProcesses_v3, nvmlProcessInfo_t)

static nvmlReturn_t call_process_details(void)
{
	nvmlProcessDetailList_t list = {.version = byte() % 4 == 0 ? word() : 0x1000018,
					.mode = byte() % 5};
	nvmlDevice_t handle = device();
	void *body = output(sizeof(list));

	preset(body, &list, sizeof(list));
	return nvmlDeviceGetRunningProcessDetailList(handle, body);
}

static nvmlReturn_t call_mig_mode(void)
{
	nvmlDevice_t handle = device();
	unsigned int *current = output(sizeof(*current));

	return nvmlDeviceGetMigMode(handle, current, output(sizeof(*current)));
}

static nvmlReturn_t call_set_mig_mode(void)
{
	nvmlDevice_t handle = device();
	unsigned int mode = byte() % 8 == 0 ? word() : byte() % 4 != 0;

	return nvmlDeviceSetMigMode(handle, mode, output(sizeof(nvmlReturn_t)));
}

static nvmlReturn_t call_create_with_placement(void)
{
	nvmlGpuInstancePlacement_t placement = {.start = word(), .size = word()};
	nvmlDevice_t handle = device();
	unsigned int id = word();
	const struct mig_table_gi_profile *profile = gi_profile_of(handle, id);
	bool null = byte() % 16 == 0;

	/* Mostly a place that is in the list. */
	if (profile && profile->start_count > 0 && byte() % 4 != 0) {
		placement.start = profile->starts[byte() % profile->start_count];
		placement.size = profile->placement_size;
	}
	return nvmlDeviceCreateGpuInstanceWithPlacement(handle, id, null ? NULL : &placement,
							output(sizeof(nvmlGpuInstance_t)));
}

static nvmlReturn_t call_gi_placements(void)
{
	nvmlDevice_t handle = device();
	unsigned int id = word(), uninitialised = word();
	const struct mig_table_gi_profile *profile = gi_profile_of(handle, id);
	unsigned int *count = output(sizeof(*count));
	size_t room = profile ? profile->start_count : 0;

	preset(count, &uninitialised, sizeof(uninitialised));
	return nvmlDeviceGetGpuInstancePossiblePlacements_v2(
		handle, id, output(room * sizeof(nvmlGpuInstancePlacement_t)), count);
}

static nvmlReturn_t call_gis(void)
{
	nvmlDevice_t handle = device();
	unsigned int id = word(), uninitialised = word();
	const struct mig_table_gi_profile *profile = gi_profile_of(handle, id);
	unsigned int *count = output(sizeof(*count));
	size_t room = profile ? profile->instances_total : 0;

	preset(count, &uninitialised, sizeof(uninitialised));
	return nvmlDeviceGetGpuInstances(handle, id, output(room * sizeof(nvmlGpuInstance_t)),
					 count);
}

static nvmlReturn_t call_gi_info(void)
{
	nvmlGpuInstance_t handle = gpu_instance();

	return nvmlGpuInstanceGetInfo(handle, output(sizeof(nvmlGpuInstanceInfo_t)));
}

static nvmlReturn_t call_gi_destroy(void)
{
	return nvmlGpuInstanceDestroy(gpu_instance());
}

static nvmlReturn_t call_ci_profile(void)
{
	nvmlGpuInstance_t handle = gpu_instance();
	unsigned int index = word(), engine = byte() % 8 == 0 ? word() : 0;

	return nvmlGpuInstanceGetComputeInstanceProfileInfo(
		handle, index, engine, output(sizeof(nvmlComputeInstanceProfileInfo_t)));
}

static nvmlReturn_t call_ci_profile_v(void)
{
	static const unsigned int known[] = {0x2000088, 0x300008c};
	nvmlGpuInstance_t handle = gpu_instance();
	unsigned int index = word(), engine = byte() % 8 == 0 ? word() : 0;

	return nvmlGpuInstanceGetComputeInstanceProfileInfoV(
		handle, index, engine, versioned(known, MIG_ARRAY_SIZE(known)));
}

static nvmlReturn_t call_ci_placements(void)
{
	nvmlGpuInstance_t handle = gpu_instance();
	unsigned int id = word(), uninitialised = word();
	const struct mig_table_ci_profile *profile = ci_profile_of(handle, id);
	unsigned int *count = output(sizeof(*count));
	size_t room = profile ? profile->start_count : 0;

	preset(count, &uninitialised, sizeof(uninitialised));
	return nvmlGpuInstanceGetComputeInstancePossiblePlacements(
		handle, id, output(room * sizeof(nvmlComputeInstancePlacement_t)), count);
}

static nvmlReturn_t call_ci_capacity(void)
{
	nvmlGpuInstance_t handle = gpu_instance();
	unsigned int id = word();

	return nvmlGpuInstanceGetComputeInstanceRemainingCapacity(handle, id,
								  output(sizeof(unsigned int)));
}

static nvmlReturn_t call_ci_create(void)
{
	nvmlGpuInstance_t handle = gpu_instance();
	unsigned int id = byte() % 4 == 0 ? word() : byte() % 5;

	return nvmlGpuInstanceCreateComputeInstance(handle, id,
						    output(sizeof(nvmlComputeInstance_t)));
}

static nvmlReturn_t call_ci_create_with_placement(void)
{
	nvmlGpuInstance_t handle = gpu_instance();
	unsigned int id = byte() % 4 == 0 ? word() : byte() % 5;
	nvmlComputeInstancePlacement_t placement = {.start = byte() % 8, .size = word()};
	const struct mig_table_ci_profile *profile = ci_profile_of(handle, id);
	bool null = byte() % 16 == 0;

	if (profile && byte() % 4 != 0)
		placement.size = profile->placement_size;
	return nvmlGpuInstanceCreateComputeInstanceWithPlacement(
		handle, id, null ? NULL : &placement, output(sizeof(nvmlComputeInstance_t)));
}

static nvmlReturn_t call_cis(void)
{
	nvmlGpuInstance_t handle = gpu_instance();
	unsigned int id = word(), uninitialised = word();
	const struct mig_table_ci_profile *profile = ci_profile_of(handle, id);
	unsigned int *count = output(sizeof(*count));
	size_t room = profile ? profile->instances_total : 0;

	preset(count, &uninitialised, sizeof(uninitialised));
	return nvmlGpuInstanceGetComputeInstances(
		handle, id, output(room * sizeof(nvmlComputeInstance_t)), count);
}

static nvmlReturn_t call_ci_info(void)
{
	nvmlComputeInstance_t handle = compute_instance();

	return nvmlComputeInstanceGetInfo_v2(handle, output(sizeof(nvmlComputeInstanceInfo_t)));
}

static nvmlReturn_t call_ci_info_v1(void)
{
	nvmlComputeInstance_t handle = compute_instance();

	return nvmlComputeInstanceGetInfo(handle, output(sizeof(nvmlComputeInstanceInfo_v1_t)));
}

static nvmlReturn_t call_ci_destroy(void)
{
	return nvmlComputeInstanceDestroy(compute_instance());
}

/* Text of the input's choice, or one that is right. */
static const char *some_text(char text[128], const char *right)
{
	size_t length = byte() % 127;

	if (byte() % 4 == 0)
		return NULL;
	if (byte() % 2 == 0)
		length = strnlen(right, 126);
	for (size_t i = 0; i < length; i++) {
		unsigned int change = i < strlen(right) ? byte() : 255;

		text[i] = change < 250 ? right[i] : (char)byte();
	}
	text[length] = '\0';
	return text;
}

static nvmlReturn_t call_handle_by_uuid(void)
{
	char text[128], right[96] = "";

	nvmlDeviceGetUUID(device(), right, sizeof(right));
	return nvmlDeviceGetHandleByUUID(some_text(text, right), output(sizeof(nvmlDevice_t)));
}

static nvmlReturn_t call_handle_by_uuid_v(void)
{
	nvmlUUID_t uuid = {.version = byte() % 4 == 0 ? word() : 0x1000034, .type = byte() % 4};
	char right[96] = "";

	nvmlDeviceGetUUID(device(), right, sizeof(right));
	memcpy(uuid.value.str, right, sizeof(uuid.value.str)); /* without a NUL for a long one */
	uuid.value.str[byte() % sizeof(uuid.value.str)] = (char)byte();
	return nvmlDeviceGetHandleByUUIDV(&uuid, output(sizeof(nvmlDevice_t)));
}

static nvmlReturn_t call_handle_by_pci(void)
{
	char text[128];

	return nvmlDeviceGetHandleByPciBusId_v2(some_text(text, "00000000:30:00.0"),
						output(sizeof(nvmlDevice_t)));
}

static nvmlReturn_t call_handle_by_index(void)
{
	unsigned int index = word();

	return nvmlDeviceGetHandleByIndex_v2(index, output(sizeof(nvmlDevice_t)));
}

static nvmlReturn_t call_versions(void)
{
	unsigned int length = byte() % 96;

	return byte() % 2 ? nvmlSystemGetDriverVersion(output(length), length)
			  : nvmlSystemGetNVMLVersion(output(length), length);
}

static nvmlReturn_t call_ecc(void)
{
	nvmlDevice_t handle = device();
	unsigned int error = word(), counter = word(), location = word();

	return nvmlDeviceGetMemoryErrorCounter(handle, (nvmlMemoryErrorType_t)error,
					       (nvmlEccCounterType_t)counter,
					       (nvmlMemoryLocation_t)location,
					       output(sizeof(unsigned long long)));
}

/* The answers are one by one, so an array that was taken is written. */
static nvmlReturn_t call_fields(void)
{
	nvmlFieldValue_t fields[8];
	nvmlDevice_t handle = device();
	int count = (int)(byte() % 10) - 1;
	size_t room = count > 0 ? (size_t)count * sizeof(fields[0]) : 0;
	void *body;

	memset(fields, 0, sizeof(fields));
	for (unsigned int i = 0; i < 8; i++)
		fields[i].fieldId = byte();
	body = output(room);
	preset(body, fields, room);
	return nvmlDeviceGetFieldValues(handle, count, body);
}

static nvmlReturn_t call_persistence(void)
{
	nvmlDevice_t handle = device();

	return nvmlDeviceSetPersistenceMode(handle, (nvmlEnableState_t)(byte() % 3));
}

static nvmlReturn_t call_set_create(void)
{
	nvmlEventSet_t *set = output(sizeof(*set));
	nvmlReturn_t code = nvmlEventSetCreate(set);

	if (code == NVML_SUCCESS)
		memcpy(&fuzz.sets[byte() % SETS_MAX], set, sizeof(*set));
	return code;
}

static nvmlReturn_t call_set_free(void)
{
	return nvmlEventSetFree(event_set());
}

static nvmlReturn_t call_set_register(void)
{
	nvmlDevice_t handle = device();
	unsigned long long types = (unsigned long long)word() << 32 | word();

	return nvmlDeviceRegisterEvents(handle, byte() % 2 ? types : 0x108, event_set());
}

static nvmlReturn_t call_set_wait(void)
{
	nvmlEventSet_t set = event_set();

	return nvmlEventSetWait_v2(set, output(sizeof(nvmlEventData_t)), 0);
}

static nvmlReturn_t call_init(void)
{
	return nvmlInit_v2();
}

/* Not often: after the last one nothing else is tested. */
static nvmlReturn_t call_shutdown(void)
{
	return byte() % 4 == 0 ? nvmlShutdown() : NVML_SUCCESS;
}

#define ROW(name)                  \
	{                          \
#name, call_##name \
	}

static const struct {
	const char *name;
	nvmlReturn_t (*call)(void);
} rows[] = {
	ROW(nvmlDeviceGetIndex),
	ROW(nvmlDeviceGetMinorNumber),
	ROW(nvmlDeviceGetPciInfo),
	ROW(nvmlDeviceGetPciInfo_v2),
	ROW(nvmlDeviceGetPciInfo_v3),
	ROW(nvmlDeviceGetBrand),
	ROW(nvmlDeviceGetArchitecture),
	ROW(nvmlDeviceGetNumaNodeId),
	ROW(nvmlDeviceGetPersistenceMode),
	ROW(nvmlDeviceGetDisplayActive),
	ROW(nvmlDeviceGetComputeMode),
	ROW(nvmlDeviceGetPerformanceState),
	ROW(nvmlDeviceGetUtilizationRates),
	ROW(nvmlDeviceGetMemoryInfo),
	ROW(nvmlDeviceGetBAR1MemoryInfo),
	ROW(nvmlDeviceGetAttributes),
	ROW(nvmlDeviceGetAttributes_v2),
	ROW(nvmlDeviceGetMaxMigDeviceCount),
	ROW(nvmlDeviceIsMigDeviceHandle),
	ROW(nvmlDeviceGetGpuInstanceId),
	ROW(nvmlDeviceGetComputeInstanceId),
	ROW(nvmlDeviceGetDeviceHandleFromMigDeviceHandle),
	ROW(nvmlDeviceGetSupportedEventTypes),
	ROW(nvmlDeviceGetName),
	ROW(nvmlDeviceGetUUID),
	ROW(nvmlDeviceGetMigDeviceHandleByIndex),
	ROW(nvmlDeviceGetGpuInstanceProfileInfo),
	ROW(nvmlDeviceGetGpuInstanceRemainingCapacity),
	ROW(nvmlDeviceGetGpuInstanceById),
	ROW(nvmlDeviceCreateGpuInstance),
	ROW(nvmlDeviceGetPciInfoExt),
	ROW(nvmlDeviceGetMemoryInfo_v2),
	ROW(nvmlDeviceGetGpuInstanceProfileInfoV),
	ROW(nvmlDeviceGetGpuInstanceProfileInfoByIdV),
	ROW(nvmlDeviceGetComputeRunningProcesses),
	ROW(nvmlDeviceGetGraphicsRunningProcesses_v2),
	ROW(nvmlDeviceGetMPSComputeRunningProcesses_v3),
	ROW(process_details),
	ROW(mig_mode),
	ROW(set_mig_mode),
	ROW(create_with_placement),
	ROW(gi_placements),
	ROW(gis),
	ROW(gi_info),
	ROW(gi_destroy),
	ROW(ci_profile),
	ROW(ci_profile_v),
	ROW(ci_placements),
	ROW(ci_capacity),
	ROW(ci_create),
	ROW(ci_create_with_placement),
	ROW(cis),
	ROW(ci_info),
	ROW(ci_info_v1),
	ROW(ci_destroy),
	ROW(handle_by_uuid),
	ROW(handle_by_uuid_v),
	ROW(handle_by_pci),
	ROW(handle_by_index),
	ROW(versions),
	ROW(ecc),
	ROW(fields),
	ROW(persistence),
	ROW(set_create),
	ROW(set_free),
	ROW(set_register),
	ROW(set_wait),
	ROW(init),
	ROW(shutdown),
};

/* How often each row answered SUCCESS; a row that never does tests little. */
static unsigned long successes[MIG_ARRAY_SIZE(rows)];

/* ---- inputs ----------------------------------------------------------------------------------- */

static char directory[] = "/tmp/migctl-fuzz-XXXXXX";

static void remove_node(void)
{
	static const char *const names[] = {"node/state", "node/lock", "node", ""};
	char path[sizeof(directory) + 32];

	for (unsigned int i = 0; i < MIG_ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		remove(path);
	}
}

static void start(void)
{
	const struct make_node_options options = {
		.branch = MIG_SIM_LIBRARY_BRANCH,
		.numa_node_plus_one = 1,
	};
	char path[sizeof(directory) + 32], why[MIG_SIM_DETAIL_SIZE] = "";

	if (!mkdtemp(directory))
		broken("start", "cannot make a directory in /tmp");
	atexit(remove_node);
	snprintf(path, sizeof(path), "%s/node", directory);
	if (make_node(path, GPUS, &options, why) < 0)
		broken("start", why);
	setenv(MIG_SIM_NODE_ENV, path, 1);
	if (nvmlInit_v2() != NVML_SUCCESS)
		broken("start", "Init failed");
	for (unsigned int i = 0; i < GPU_COUNT; i++) {
		if (nvmlDeviceGetHandleByIndex_v2(i, &fuzz.gpus[i]) != NVML_SUCCESS)
			broken("start", "no handle");
	}
}

/* Back to a node without instances and MIG off, by ordinary calls, each of which must succeed. */
static void clear_gpu(nvmlDevice_t handle)
{
	nvmlReturn_t activation;
	nvmlGpuInstance_t gi;
	nvmlComputeInstance_t ci;

	for (unsigned int gi_id = 0; gi_id < 15; gi_id++) {
		if (nvmlDeviceGetGpuInstanceById(handle, gi_id, &gi) != NVML_SUCCESS)
			continue;
		for (unsigned int ci_id = 0; ci_id < 8; ci_id++) {
			if (nvmlGpuInstanceGetComputeInstanceById(gi, ci_id, &ci) == NVML_SUCCESS &&
			    nvmlComputeInstanceDestroy(ci) != NVML_SUCCESS)
				broken("clear", "a compute instance cannot be destroyed");
		}
		if (nvmlGpuInstanceDestroy(gi) != NVML_SUCCESS)
			broken("clear", "a GPU instance cannot be destroyed");
	}
	if (model_of(handle)->is_mig_capable &&
	    (nvmlDeviceSetMigMode(handle, 0, &activation) != NVML_SUCCESS ||
	     nvmlDeviceSetPersistenceMode(handle, NVML_FEATURE_DISABLED) != NVML_SUCCESS))
		broken("clear", "MIG cannot be turned off");
}

static void restart(void)
{
	unsigned int count;

	while (nvmlDeviceGetCount_v2(&count) == NVML_SUCCESS)
		nvmlShutdown();
	if (nvmlInit_v2() != NVML_SUCCESS)
		broken("restart", "Init failed");
	for (unsigned int i = 0; i < GPU_COUNT; i++)
		clear_gpu(fuzz.gpus[i]);
	memset(fuzz.sets, 0, sizeof(fuzz.sets));
}

/* What most inputs begin with, or most of their calls would find nothing: a GPU with instances. */
static void begin(void)
{
	nvmlDevice_t handle = fuzz.gpus[byte() % GPU_COUNT];
	const struct mig_gpu_table *model = model_of(handle);
	unsigned int wanted = byte() % 6;
	nvmlReturn_t activation;

	if (!model->is_mig_capable || wanted == 5)
		return;
	nvmlDeviceSetMigMode(handle, NVML_DEVICE_MIG_ENABLE, &activation);
	for (unsigned int i = 0; i < wanted; i++) {
		const struct mig_table_gi_profile *row =
			&model->gi[byte() % model->gi_profile_count];
		nvmlGpuInstance_t gi;
		nvmlComputeInstance_t ci;

		if (nvmlDeviceCreateGpuInstance(handle, row->id, &gi) == NVML_SUCCESS)
			(void)nvmlGpuInstanceCreateComputeInstance(
				gi, row->ci[byte() % row->ci_profile_count].id, &ci);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool is_started;

	if (!is_started)
		start();
	is_started = true;
	fuzz.data = data;
	fuzz.left = size;
	begin();
	while (fuzz.left > 0) {
		unsigned int row = byte() % MIG_ARRAY_SIZE(rows);
		nvmlReturn_t code = rows[row].call();

		/* A wait that was taken ends with its timeout. */
		successes[row] += code == NVML_SUCCESS || code == NVML_ERROR_TIMEOUT;
		check_outputs(rows[row].name, code);
	}
	restart();
	return 0;
}

#ifndef MIG_LIBFUZZER
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static int replay(const char *folder, const char *name)
{
	unsigned char input[64 * 1024];
	char path[4096];
	FILE *stream;
	size_t size;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	stream = fopen(path, "rbe");
	if (!stream) {
		printf("# cannot open '%s'\n", path);
		return -1;
	}
	size = fread(input, 1, sizeof(input), stream);
	fclose(stream);
	/* Said before, so that what crashes is named. */
	printf("# %s: %zu bytes\n", name, size);
	fflush(stdout);
	LLVMFuzzerTestOneInput(input, size);
	return 0;
}

/* The number of files replayed, or -1. */
static int replay_folder(const char *folder)
{
	struct dirent **entries;
	int count = scandir(folder, &entries, NULL, alphasort), replayed = 0;

	if (count < 0)
		printf("# cannot read '%s'\n", folder);
	for (int i = 0; i < count; i++) {
		if (entries[i]->d_name[0] != '.' && replayed >= 0)
			replayed = replay(folder, entries[i]->d_name) < 0 ? -1 : replayed + 1;
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	return count < 0 ? -1 : replayed;
}

static void run_random(uint64_t seed, uint64_t iterations)
{
	for (uint64_t i = 0; i < iterations; i++) {
		uint64_t state = seed + i;
		unsigned char input[INPUT_SIZE];

		for (unsigned int j = 0; j < INPUT_SIZE; j++)
			input[j] = (unsigned char)next_random(&state);
		LLVMFuzzerTestOneInput(input, sizeof(input));
	}
}

int main(int argc, char **argv)
{
	uint64_t seed = 550, iterations = DEFAULT_ITERATIONS;
	int failed = 0;

	printf("1..2\n");
	for (int i = 1; i < argc; i++) {
		uint64_t *option = strcmp(argv[i], "--seed") == 0	  ? &seed
				   : strcmp(argv[i], "--iterations") == 0 ? &iterations
									  : NULL;

		if (!option)
			failed |= replay_folder(argv[i]) <= 0;
		else if (++i == argc || mig_parse_u64(argv[i], 0, UINT32_MAX, option) < 0)
			return 2;
	}
	printf("%sok 1 corpus\n# seed %llu, %llu inputs\n", failed ? "not " : "",
	       (unsigned long long)seed, (unsigned long long)iterations);
	fflush(stdout);
	run_random(seed, iterations);
	for (unsigned int row = 0; iterations >= DEFAULT_ITERATIONS && row < MIG_ARRAY_SIZE(rows);
	     row++) {
		if (successes[row] == 0) {
			printf("# %s never succeeded: its inputs are too bad to test much\n",
			       rows[row].name);
			failed = 1;
		}
	}
	printf("%sok 2 random\n", failed ? "not " : "");
	return failed;
}
#endif
