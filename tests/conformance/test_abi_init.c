/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Init and Shutdown of the simulated library as its clients use it, and what they answer when
 * something is wrong with the node.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nvml/sim_identity.h"
#include "sim/abi/sim_env.h"
#include "tests/conformance/node_fixture.h"

#define A100 "a100-sxm4-40gb"

static const struct mig_sim_identity *identity(void)
{
	static const unsigned char uuid[] = MIG_SIM_IDENTITY_UUID_BYTES;
	const void *table = NULL;

	ASSERT_OK(nvmlInternalGetExportTable(&table, uuid));
	return table;
}

MIG_TEST(everything_is_uninitialised_before_init)
{
	unsigned int value = 77;
	nvmlDevice_t device = NULL;
	char text[96] = "unchanged";

	fixture_node("node", A100, NULL);
	ASSERT_CODE(nvmlDeviceGetCount_v2(&value), NVML_ERROR_UNINITIALIZED);
	ASSERT_CODE(nvmlDeviceGetCount_v2(NULL), NVML_ERROR_UNINITIALIZED);
	ASSERT_CODE(nvmlDeviceGetHandleByIndex_v2(0, &device), NVML_ERROR_UNINITIALIZED);
	ASSERT_CODE(nvmlDeviceGetMigMode(NULL, NULL, NULL), NVML_ERROR_UNINITIALIZED);
	ASSERT_CODE(nvmlSystemGetDriverVersion(text, sizeof(text)), NVML_ERROR_UNINITIALIZED);
	ASSERT_CODE(nvmlGpuInstanceDestroy(NULL), NVML_ERROR_UNINITIALIZED);
	ASSERT_CODE(nvmlDeviceCreateGpuInstanceWithPlacement(NULL, 0, NULL, NULL),
		    NVML_ERROR_UNINITIALIZED);
	ASSERT_CODE(nvmlEventSetCreate(NULL), NVML_ERROR_UNINITIALIZED);
	/* One that is not simulated says the same. */
	ASSERT_CODE(nvmlDeviceGetTemperature(NULL, NVML_TEMPERATURE_GPU, &value),
		    NVML_ERROR_UNINITIALIZED);
	MIG_ASSERT_UINT_EQ(value, 77);
	MIG_ASSERT_STR_EQ(text, "unchanged");
}

MIG_TEST(texts_and_library_version_need_no_init)
{
	char text[80];

	MIG_ASSERT_STR_EQ(nvmlErrorString(NVML_SUCCESS), "Success");
	MIG_ASSERT_STR_EQ(nvmlErrorString(NVML_ERROR_IN_USE), "In use by another client");
	MIG_ASSERT_STR_EQ(nvmlErrorString(NVML_ERROR_INSUFFICIENT_RESOURCES),
			  "Insufficient Resources");
	MIG_ASSERT_STR_EQ(nvmlErrorString(NVML_ERROR_NOT_READY), "System is not in ready state");
	MIG_ASSERT_STR_EQ(nvmlErrorString(NVML_ERROR_GPU_NOT_FOUND),
			  "No supported GPUs were found");
	MIG_ASSERT_STR_EQ(nvmlErrorString(NVML_ERROR_INVALID_STATE),
			  "Resource not in correct state to perform requested operation");
	MIG_ASSERT_STR_EQ(nvmlErrorString(NVML_ERROR_RESET_TYPE_NOT_SUPPORTED), "Unknown Error");
	MIG_ASSERT_STR_EQ(nvmlErrorString((nvmlReturn_t)-1), "Unknown Error");
	ASSERT_OK(nvmlSystemGetNVMLVersion(text, sizeof(text)));
	MIG_ASSERT_STR_EQ(text, "12.550.163.01");
	ASSERT_CODE(nvmlSystemGetNVMLVersion(NULL, 80), NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_CODE(nvmlSystemGetNVMLVersion(text, 3), NVML_ERROR_INSUFFICIENT_SIZE);
}

/* NVIDIA's 535 library answers a Shutdown too many, also before Init, with success. */
MIG_TEST(init_is_counted)
{
	unsigned int count = 0;

	fixture_node("node", A100, NULL);
	ASSERT_OK(nvmlShutdown());
	ASSERT_OK(nvmlInit());
	ASSERT_OK(nvmlInit_v2());
	ASSERT_OK(nvmlInitWithFlags(NVML_INIT_FLAG_NO_GPUS));
	ASSERT_OK(nvmlShutdown());
	ASSERT_OK(nvmlShutdown());
	ASSERT_OK(nvmlDeviceGetCount_v2(&count));
	MIG_ASSERT_UINT_EQ(count, 1);
	ASSERT_OK(nvmlShutdown());
	ASSERT_CODE(nvmlDeviceGetCount_v2(&count), NVML_ERROR_UNINITIALIZED);
	ASSERT_OK(nvmlShutdown());
	/* The superfluous ones were not counted. */
	ASSERT_OK(nvmlInit_v2());
	ASSERT_OK(nvmlDeviceGetCount_v2(&count));
}

MIG_TEST(handles_outlive_shutdown)
{
	nvmlDevice_t gpu, again;
	unsigned int index = 9;

	fixture_start(A100 ",a30-24gb", NULL);
	gpu = fixture_gpu(1);
	ASSERT_OK(nvmlShutdown());
	ASSERT_CODE(nvmlDeviceGetIndex(gpu, &index), NVML_ERROR_UNINITIALIZED);
	ASSERT_OK(nvmlInit_v2());
	again = fixture_gpu(1);
	MIG_ASSERT(gpu == again);
	ASSERT_OK(nvmlDeviceGetIndex(gpu, &index));
	MIG_ASSERT_UINT_EQ(index, 1);
}

MIG_TEST(no_node_is_no_driver)
{
	errno = 1234;
	setenv(MIG_SIM_NODE_ENV, mig_test_path("nothing"), 1);
	ASSERT_CODE(nvmlInit_v2(), NVML_ERROR_DRIVER_NOT_LOADED);
	MIG_ASSERT_CONTAINS(identity()->failure_text(), mig_test_path("nothing"));
	MIG_ASSERT_STR_EQ(identity()->node_path(), mig_test_path("nothing"));
	setenv(MIG_SIM_NODE_ENV, "relative/path", 1);
	ASSERT_CODE(nvmlInitWithFlags(0), NVML_ERROR_DRIVER_NOT_LOADED);
	MIG_ASSERT_CONTAINS(identity()->failure_text(), "not an absolute path");
	MIG_ASSERT(identity()->node_path() == NULL);
	setenv(MIG_SIM_NODE_ENV, "", 1);
	ASSERT_CODE(nvmlInit(), NVML_ERROR_DRIVER_NOT_LOADED);
	MIG_ASSERT_INT_EQ(errno, 1234);
	/* A failed Init is not counted. */
	ASSERT_CODE(nvmlDeviceGetCount_v2(NULL), NVML_ERROR_UNINITIALIZED);
	fixture_node("node", A100, NULL);
	ASSERT_OK(nvmlInit_v2());
}

static void overwrite(const char *path, off_t offset, const void *bytes, size_t length)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	MIG_ASSERT(fd >= 0);
	MIG_ASSERT_INT_EQ(pwrite(fd, bytes, length, offset), (ssize_t)length);
	close(fd);
}

MIG_TEST(a_bad_state_file_is_refused)
{
	char path[4096];
	struct stat st;

	snprintf(path, sizeof(path), "%s/state", fixture_node("truncated", A100, NULL));
	MIG_ASSERT_INT_EQ(stat(path, &st), 0);
	MIG_ASSERT_INT_EQ(truncate(path, st.st_size / 2), 0);
	ASSERT_CODE(nvmlInit_v2(), NVML_ERROR_UNKNOWN);
	MIG_ASSERT_CONTAINS(identity()->failure_text(), "truncated/state");

	snprintf(path, sizeof(path), "%s/state", fixture_node("version", A100, NULL));
	overwrite(path, 8, "\x09\x09\x00\x00", 4);
	ASSERT_CODE(nvmlInit_v2(), NVML_ERROR_LIB_RM_VERSION_MISMATCH);

	snprintf(path, sizeof(path), "%s/state", fixture_node("magic", A100, NULL));
	overwrite(path, 0, "x", 1);
	ASSERT_CODE(nvmlInit_v2(), NVML_ERROR_UNKNOWN);
}

MIG_TEST(identity_names_the_library_and_the_node)
{
	const char *node = fixture_node("node", A100, NULL);
	const struct mig_sim_identity *who = identity();

	MIG_ASSERT_UINT_EQ(who->size, sizeof(*who));
	MIG_ASSERT_UINT_EQ(who->abi_version, MIG_SIM_IDENTITY_ABI);
	MIG_ASSERT_STR_EQ(who->version(), MIG_VERSION);
	MIG_ASSERT_STR_EQ(who->node_path(), node);
	MIG_ASSERT_STR_EQ(who->failure_text(), "");
	ASSERT_OK(nvmlInit_v2());
	setenv(MIG_SIM_NODE_ENV, "/elsewhere", 1);
	MIG_ASSERT_STR_EQ(who->node_path(), node);
}

MIG_TEST(another_node_after_shutdown)
{
	unsigned int count = 0;

	fixture_start(A100, NULL);
	fixture_node("second", "2xa30-24gb", NULL);
	/* Init while initialised keeps the node. */
	ASSERT_OK(nvmlInit_v2());
	ASSERT_OK(nvmlDeviceGetCount_v2(&count));
	MIG_ASSERT_UINT_EQ(count, 1);
	ASSERT_OK(nvmlShutdown());
	ASSERT_OK(nvmlShutdown());
	ASSERT_OK(nvmlInit_v2());
	ASSERT_OK(nvmlDeviceGetCount_v2(&count));
	MIG_ASSERT_UINT_EQ(count, 2);
	/* A handle of the first node's GPU 0 means GPU 0 still; there is no GPU 2 in either. */
	ASSERT_CODE(nvmlDeviceGetHandleByIndex_v2(2, &(nvmlDevice_t){NULL}),
		    NVML_ERROR_INVALID_ARGUMENT);
}

/* A node that was removed and made anew at the same path is a new file. */
MIG_TEST(a_node_made_anew_is_seen_after_init)
{
	char path[4096];
	unsigned int count = 0;

	fixture_start(A100, NULL);
	ASSERT_OK(nvmlShutdown());
	snprintf(path, sizeof(path), "%s/state", mig_test_path("node"));
	MIG_ASSERT_INT_EQ(unlink(path), 0);
	snprintf(path, sizeof(path), "%s/lock", mig_test_path("node"));
	unlink(path);
	fixture_node("node", "3xa30-24gb", NULL);
	ASSERT_OK(nvmlInit_v2());
	ASSERT_OK(nvmlDeviceGetCount_v2(&count));
	MIG_ASSERT_UINT_EQ(count, 3);
}

/* ---- what is left behind ---------------------------------------------------------------------- */

static unsigned int lines_with(const char *path, const char *part)
{
	FILE *stream = fopen(path, "re");
	unsigned int found = 0;
	char line[8192];

	MIG_ASSERT(stream != NULL);
	while (fgets(line, sizeof(line), stream))
		found += strstr(line, part) != NULL;
	fclose(stream);
	return found;
}

static int lowest_free_fd(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	close(fd);
	return fd;
}

static unsigned int thread_count(void)
{
	DIR *tasks = opendir("/proc/self/task");
	unsigned int count = 0;

	MIG_ASSERT(tasks != NULL);
	while (readdir(tasks))
		count++;
	closedir(tasks);
	return count;
}

MIG_TEST(repeated_init_leaves_nothing_behind)
{
	unsigned int threads = thread_count();
	nvmlReturn_t activation;
	int fd;

	fixture_node("node", A100, NULL);
	fd = lowest_free_fd();
	for (int i = 0; i < 500; i++) {
		ASSERT_OK(nvmlInit_v2());
		ASSERT_OK(nvmlDeviceSetMigMode(fixture_gpu(0), (unsigned int)i & 1, &activation));
		ASSERT_OK(nvmlShutdown());
	}
	MIG_ASSERT_INT_EQ(lowest_free_fd(), fd);
	MIG_ASSERT_UINT_EQ(lines_with("/proc/self/maps", "/node/state"), 1);
	MIG_ASSERT_UINT_EQ(thread_count(), threads);
}

MIG_TEST(many_nodes_are_mapped_in_bounded_number)
{
	char name[32];

	for (int i = 0; i < 70; i++) {
		snprintf(name, sizeof(name), "many-%d", i);
		fixture_node(name, "t4-16gb", NULL);
		ASSERT_OK(nvmlInit_v2());
		ASSERT_OK(nvmlShutdown());
	}
	MIG_ASSERT_UINT_EQ(lines_with("/proc/self/maps", "/state"), 64);
}

/* ---- fork and threads ------------------------------------------------------------------------- */

MIG_TEST(a_forked_child_goes_on)
{
	unsigned int current = 9, pending = 9;
	nvmlDevice_t gpu;
	int status;
	pid_t child;

	fixture_start(A100, NULL);
	gpu = fixture_gpu(0);
	child = fork();
	MIG_ASSERT(child >= 0);
	if (child == 0) {
		fixture_mig_on(gpu);
		ASSERT_OK(nvmlShutdown());
		ASSERT_OK(nvmlInit_v2());
		ASSERT_OK(nvmlDeviceGetMigMode(gpu, &current, &pending));
		_exit(current == 1 ? 0 : 1);
	}
	MIG_ASSERT(waitpid(child, &status, 0) == child);
	MIG_ASSERT_INT_EQ(status, 0);
	/* The parent is still initialised and sees what the child did. */
	ASSERT_OK(nvmlDeviceGetMigMode(gpu, &current, &pending));
	MIG_ASSERT_UINT_EQ(current, 1);
}

static void *init_and_shutdown(void *stop)
{
	while (!__atomic_load_n((int *)stop, __ATOMIC_ACQUIRE)) {
		nvmlInit_v2();
		nvmlShutdown();
	}
	return NULL;
}

/* Children of a process whose other threads are inside Init must not wait for them. */
MIG_TEST(fork_while_other_threads_init)
{
	pthread_t threads[3];
	int stop = 0;

	if (MIG_TEST_HAS_SANITIZER)
		MIG_SKIP("the sanitizer's allocator can hang in a child forked among threads");
	fixture_node("node", A100, NULL);
	for (unsigned int i = 0; i < 3; i++)
		MIG_ASSERT_INT_EQ(pthread_create(&threads[i], NULL, init_and_shutdown, &stop), 0);
	for (unsigned int i = 0; i < 100; i++) {
		int status;
		pid_t child = fork();

		MIG_ASSERT(child >= 0);
		if (child == 0) {
			nvmlReturn_t code = nvmlInit_v2();
			nvmlEventSet_t set;

			_exit(code == NVML_SUCCESS && nvmlEventSetCreate(&set) == NVML_SUCCESS ? 0
											       : 1);
		}
		MIG_ASSERT(waitpid(child, &status, 0) == child);
		MIG_ASSERT_INT_EQ(status, 0);
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
	for (unsigned int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
}

static void *read_always(void *stop)
{
	while (!__atomic_load_n((int *)stop, __ATOMIC_ACQUIRE)) {
		unsigned int current, pending, count;
		nvmlDevice_t gpu;
		char uuid[96];

		/* Any of these may be UNINITIALIZED; none may be anything else, or crash. */
		nvmlReturn_t codes[] = {nvmlDeviceGetHandleByIndex_v2(0, &gpu),
					nvmlDeviceGetMigMode(gpu, &current, &pending),
					nvmlDeviceGetUUID(gpu, uuid, sizeof(uuid)),
					nvmlDeviceGetCount_v2(&count)};

		for (unsigned int i = 0; i < 4; i++) {
			if (codes[i] != NVML_SUCCESS && codes[i] != NVML_ERROR_UNINITIALIZED &&
			    !(i > 0 && codes[0] != NVML_SUCCESS))
				return (void *)read_always;
		}
	}
	return NULL;
}

MIG_TEST(reads_during_shutdown_are_answered)
{
	pthread_t threads[3];
	int stop = 0;

	fixture_node("node", A100, NULL);
	for (unsigned int i = 0; i < 3; i++)
		MIG_ASSERT_INT_EQ(pthread_create(&threads[i], NULL, read_always, &stop), 0);
	for (unsigned int i = 0; i < 2000; i++) {
		ASSERT_OK(nvmlInit_v2());
		ASSERT_OK(nvmlShutdown());
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
	for (unsigned int i = 0; i < 3; i++) {
		void *wrong;

		pthread_join(threads[i], &wrong);
		MIG_ASSERT(wrong == NULL);
	}
}
