/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver stack: loading, names old and new, missing functions, the errors made of NVML codes,
 * the counter, and the check that simulated and real are never mixed.
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

#include "nvml/driver.h"
#include "nvml/sim_identity.h"
#include "nvml/trace.h"
#include "shared/buf.h"
#include "shared/file.h"
#include "tests/harness/test.h"

#define FAKE(variant) FAKE_DIR "/libnvml-fake-" variant ".so"

static struct mig_driver *open_fake(const char *path)
{
	struct mig_driver *driver = NULL;
	struct mig_error *err = NULL;

	if (mig_driver_open(path, &driver, &err) < 0)
		MIG_FAIL("%s", mig_error_message(err));
	MIG_ASSERT_STR_EQ(driver->name, path);
	return driver;
}

MIG_TEST(open_names_a_library_that_is_not_there)
{
	struct mig_driver *driver = NULL;
	struct mig_error *err = NULL;

	MIG_ASSERT_INT_EQ(mig_driver_open("libmig-test-absent.so.7", &driver, &err), -1);
	MIG_ASSERT(driver == NULL);
	MIG_ASSERT_INT_EQ(mig_error_code(err), MIG_ERROR_NO_DRIVER);
	MIG_ASSERT_INT_EQ(mig_error_exit_status(err), MIG_EXIT_NO_DRIVER);
	MIG_ASSERT_CONTAINS(mig_error_message(err), "'libmig-test-absent.so.7'");
	MIG_ASSERT(mig_error_hint_text(err) != NULL);
	mig_error_free(err);
}

MIG_TEST(open_names_every_required_symbol_that_is_missing)
{
	struct mig_driver *driver = NULL;
	struct mig_error *err = NULL;

	MIG_ASSERT_INT_EQ(mig_driver_open(FAKE("broken"), &driver, &err), -1);
	MIG_ASSERT(driver == NULL);
	MIG_ASSERT_INT_EQ(mig_error_exit_status(err), MIG_EXIT_NO_DRIVER);
	MIG_ASSERT_STR_EQ(mig_error_message(err),
			  "'" FAKE("broken") "' is not a usable NVML library: it does not export "
					     "nvmlShutdown, nvmlErrorString");
	mig_error_free(err);
}

MIG_TEST(open_calls_nothing)
{
	struct mig_driver *driver = open_fake(FAKE("sim"));
	void *handle = dlopen(FAKE("sim"), RTLD_NOW | RTLD_NOLOAD);
	unsigned int (*fake_calls)(void) = (unsigned int (*)(void))dlsym(handle, "fake_calls");
	unsigned int count = 0;

	MIG_ASSERT_UINT_EQ(fake_calls(), 0);
	MIG_ASSERT_INT_EQ(driver->nvmlDeviceGetCount_v2(driver, &count), NVML_SUCCESS);
	MIG_ASSERT_UINT_EQ(fake_calls(), 1);
	dlclose(handle);
	MIG_ASSERT_INT_EQ(mig_driver_close(driver), 0);
}

MIG_TEST(close_unloads_the_library)
{
	struct mig_driver *driver = open_fake(FAKE("new"));
	void *handle = dlopen(FAKE("new"), RTLD_NOW | RTLD_NOLOAD);

	MIG_ASSERT(handle != NULL);
	dlclose(handle);
	MIG_ASSERT_INT_EQ(mig_driver_close(driver), 0);
	MIG_ASSERT(dlopen(FAKE("new"), RTLD_NOW | RTLD_NOLOAD) == NULL);
	MIG_ASSERT_INT_EQ(mig_driver_close(NULL), 0);
}

static void check_calls(const struct mig_driver *driver)
{
	nvmlGpuInstancePlacement_t placement = {.start = 2, .size = 3};
	nvmlGpuInstance_t instance = NULL;
	nvmlDevice_t device = NULL;
	char name[8];

	MIG_ASSERT_INT_EQ(driver->nvmlInitWithFlags(driver, 0), NVML_SUCCESS);
	MIG_ASSERT_INT_EQ(driver->nvmlInitWithFlags(driver, 5), NVML_ERROR_INVALID_ARGUMENT);
	MIG_ASSERT_INT_EQ(driver->nvmlDeviceGetHandleByIndex_v2(driver, 1, &device), NVML_SUCCESS);
	MIG_ASSERT_UINT_EQ((uintptr_t)device, 0x1001);
	MIG_ASSERT_INT_EQ(driver->nvmlDeviceGetName(driver, device, name, sizeof(name)),
			  NVML_SUCCESS);
	MIG_ASSERT_STR_EQ(name, "one");
	MIG_ASSERT_INT_EQ(driver->nvmlDeviceGetName(driver, device, name, 3),
			  NVML_ERROR_INSUFFICIENT_SIZE);
	MIG_ASSERT_INT_EQ(driver->nvmlDeviceCreateGpuInstanceWithPlacement(driver, device, 7,
									   &placement, &instance),
			  NVML_ERROR_INSUFFICIENT_RESOURCES);
	MIG_ASSERT_UINT_EQ((uintptr_t)instance, 0x1001 + 7 + 2 * 16 + 3 * 256);
	MIG_ASSERT_STR_EQ(driver->nvmlErrorString(driver, (nvmlReturn_t)4711),
			  "a text of the driver");
	MIG_ASSERT_INT_EQ(driver->nvmlShutdown(driver), NVML_ERROR_UNINITIALIZED);
}

MIG_TEST(calls_reach_the_library_with_their_arguments)
{
	struct mig_driver *driver = open_fake(FAKE("new"));

	check_calls(driver);
	mig_driver_close(driver);
}

static unsigned int list_processes(const struct mig_driver *driver)
{
	nvmlProcessInfo_t info = {0};
	unsigned int count = 1;

	MIG_ASSERT_INT_EQ(driver->nvmlDeviceGetComputeRunningProcesses_v3(driver, NULL, &count,
									  &info),
			  NVML_SUCCESS);
	MIG_ASSERT_UINT_EQ(info.gpuInstanceId, 9);
	return info.pid;
}

MIG_TEST(newest_name_is_taken_first)
{
	struct mig_driver *driver = open_fake(FAKE("new"));

	MIG_ASSERT_UINT_EQ(list_processes(driver), 3);
	mig_driver_close(driver);
}

MIG_TEST(older_name_serves_when_the_newest_is_missing)
{
	struct mig_driver *driver = open_fake(FAKE("old"));

	MIG_ASSERT(mig_driver_has(driver, MIG_NVML_SYM_nvmlDeviceGetComputeRunningProcesses_v3));
	MIG_ASSERT_UINT_EQ(list_processes(driver), 2);
	mig_driver_close(driver);
}

MIG_TEST(missing_function_is_an_answer)
{
	struct mig_driver *driver = open_fake(FAKE("old"));
	nvmlGpuInstanceProfileInfo_v2_t info = {.id = 5};
	const enum mig_nvml_symbol symbol = MIG_NVML_SYM_nvmlDeviceGetGpuInstanceProfileInfoV;

	MIG_ASSERT(!mig_driver_has(driver, symbol));
	MIG_ASSERT(!mig_driver_has(driver, MIG_NVML_SYM_COUNT));
	MIG_ASSERT_INT_EQ(driver->nvmlDeviceGetGpuInstanceProfileInfoV(driver, NULL, 0, &info),
			  NVML_ERROR_FUNCTION_NOT_FOUND);
	MIG_ASSERT_UINT_EQ(info.id, 5);
	mig_driver_close(driver);
	driver = open_fake(FAKE("new"));
	MIG_ASSERT(mig_driver_has(driver, symbol));
	MIG_ASSERT_INT_EQ(driver->nvmlDeviceGetGpuInstanceProfileInfoV(driver, NULL, 9, &info),
			  NVML_SUCCESS);
	MIG_ASSERT_UINT_EQ(info.id, 109);
	mig_driver_close(driver);
}

MIG_TEST(every_pointer_of_the_vtable_is_set)
{
	struct mig_driver *driver = open_fake(FAKE("old"));
	struct mig_error *err = NULL;

#define IS_SET(symbol, ...) MIG_ASSERT(driver->symbol != NULL);
	MIG_NVML_SYMBOLS(IS_SET, IS_SET, IS_SET)
	MIG_ASSERT_INT_EQ(mig_driver_trace(&driver, NULL, &err), 0);
	MIG_NVML_SYMBOLS(IS_SET, IS_SET, IS_SET)
#undef IS_SET
	mig_driver_close(driver);
}

MIG_TEST(symbols_say_what_changes_a_gpu)
{
	unsigned int changing = 0;

	MIG_ASSERT_STR_EQ(mig_nvml_symbol_name(MIG_NVML_SYM_nvmlDeviceSetMigMode),
			  "nvmlDeviceSetMigMode");
	MIG_ASSERT_STR_EQ(mig_nvml_symbol_name(MIG_NVML_SYM_COUNT), "");
	for (unsigned int i = 0; i < MIG_NVML_SYM_COUNT; i++) {
		const char *name = mig_nvml_symbol_name(i);
		bool looks_changing = strstr(name, "Create") != NULL ||
				      strstr(name, "Destroy") != NULL ||
				      strstr(name, "Set") == name + strlen("nvmlDevice");

		if (strstr(name, "EventSet") != NULL)
			looks_changing = false;
		MIG_ASSERT_MSG(mig_nvml_symbol_is_changing(i) == looks_changing, "%s", name);
		changing += mig_nvml_symbol_is_changing(i);
	}
	MIG_ASSERT_UINT_EQ(changing, 7);
}

MIG_TEST(codes_have_names_and_texts)
{
	MIG_ASSERT_STR_EQ(mig_nvml_code_name(NVML_SUCCESS), "NVML_SUCCESS");
	MIG_ASSERT_STR_EQ(mig_nvml_code_name(NVML_ERROR_IN_USE), "NVML_ERROR_IN_USE");
	MIG_ASSERT_STR_EQ(mig_nvml_code_name(NVML_ERROR_UNKNOWN), "NVML_ERROR_UNKNOWN");
	for (int code = 0; code <= 30; code++)
		MIG_ASSERT_MSG(mig_nvml_code_name((nvmlReturn_t)code) != NULL, "code %d", code);
	MIG_ASSERT_STR_EQ(mig_nvml_code_text(NVML_ERROR_IN_USE), "in use by another client");
	MIG_ASSERT(mig_nvml_code_name((nvmlReturn_t)31) == NULL);
	MIG_ASSERT(mig_nvml_code_text((nvmlReturn_t)31)[0] != '\0');
}

static void check_error(const struct mig_driver *driver, nvmlReturn_t code,
			enum mig_error_code want_code, const char *want_text)
{
	struct mig_error *err = NULL;
	size_t length = 0;

	MIG_ASSERT_INT_EQ(mig_driver_error(&err, driver, code, "cannot list GPU %u", 3U), -1);
	MIG_ASSERT(mig_error_cause(err, 0, &length) != NULL);
	MIG_ASSERT_UINT_EQ(length, strlen("cannot list GPU 3"));
	MIG_ASSERT_INT_EQ(mig_error_code(err), want_code);
	MIG_ASSERT_INT_EQ(mig_error_nvml(err), (int)code);
	MIG_ASSERT_STR_EQ(mig_error_message(err), want_text);
	mig_error_free(err);
}

MIG_TEST(errors_carry_attempt_code_and_words)
{
	struct mig_driver *driver = open_fake(FAKE("new"));

	check_error(driver, NVML_ERROR_IN_USE, MIG_ERROR_IN_USE,
		    "cannot list GPU 3: in use by another client (NVML_ERROR_IN_USE)");
	check_error(NULL, NVML_ERROR_NO_PERMISSION, MIG_ERROR_NO_PERMISSION,
		    "cannot list GPU 3: not permitted (NVML_ERROR_NO_PERMISSION)");
	check_error(driver, NVML_ERROR_DRIVER_NOT_LOADED, MIG_ERROR_NO_DRIVER,
		    "cannot list GPU 3: the driver is not loaded (NVML_ERROR_DRIVER_NOT_LOADED)");
	check_error(driver, NVML_ERROR_GPU_IS_LOST, MIG_ERROR_DRIVER,
		    "cannot list GPU 3: the GPU has fallen off the bus (NVML_ERROR_GPU_IS_LOST)");
	check_error(driver, (nvmlReturn_t)4711, MIG_ERROR_DRIVER,
		    "cannot list GPU 3: a text of the driver (NVML code 4711)");
	check_error(NULL, (nvmlReturn_t)4711, MIG_ERROR_DRIVER,
		    "cannot list GPU 3: a code that this program does not know (NVML code 4711)");
	MIG_ASSERT_INT_EQ(mig_driver_error(NULL, driver, NVML_ERROR_IN_USE, "x"), -1);
	mig_driver_close(driver);
}

MIG_TEST(trace_forwards_and_counts)
{
	struct mig_driver *driver = open_fake(FAKE("new"));
	struct mig_driver *below = driver;
	struct mig_trace_counts counts;
	struct mig_error *err = NULL;

	MIG_ASSERT_INT_EQ(mig_driver_trace(&driver, NULL, &err), 0);
	MIG_ASSERT(driver->below == below);
	MIG_ASSERT_STR_EQ(driver->name, FAKE("new"));
	check_calls(driver);
	/* one that the library lacks is counted too */
	MIG_ASSERT_INT_EQ(driver->nvmlGpuInstanceDestroy(driver, NULL),
			  NVML_ERROR_FUNCTION_NOT_FOUND);
	MIG_ASSERT(!mig_driver_has(driver, MIG_NVML_SYM_nvmlGpuInstanceDestroy));
	mig_driver_trace_counts(driver, &counts);
	MIG_ASSERT_UINT_EQ(counts.calls, 9);
	MIG_ASSERT_UINT_EQ(counts.changing_calls, 2);
	MIG_ASSERT_UINT_EQ(counts.per_symbol[MIG_NVML_SYM_nvmlInitWithFlags], 2);
	MIG_ASSERT_UINT_EQ(counts.per_symbol[MIG_NVML_SYM_nvmlDeviceGetName], 2);
	MIG_ASSERT_UINT_EQ(counts.per_symbol[MIG_NVML_SYM_nvmlDeviceGetUUID], 0);
	MIG_ASSERT_INT_EQ(mig_driver_close(driver), 0);
}

MIG_TEST(trace_writes_its_counts_at_close)
{
	const char *path = mig_test_path("counts.json");
	struct mig_driver *driver = open_fake(FAKE("new"));
	struct mig_error *err = NULL;
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(65536);

	MIG_ASSERT_INT_EQ(setenv(MIG_NVML_COUNT_ENV, path, 1), 0);
	MIG_ASSERT_INT_EQ(mig_driver_trace_from_env(&driver, &err), 0);
	check_calls(driver);
	MIG_ASSERT_INT_EQ(mig_driver_close(driver), 0);
	MIG_ASSERT_INT_EQ(mig_file_read(path, &text, &err), 0);
	MIG_ASSERT_STR_EQ(mig_buf_text(&text),
			  "{\n"
			  "  \"schema\": \"migctl.nvml-count/1\",\n"
			  "  \"calls\": 8,\n"
			  "  \"changing_calls\": 1,\n"
			  "  \"functions\": {\n"
			  "    \"nvmlInitWithFlags\": 2,\n"
			  "    \"nvmlShutdown\": 1,\n"
			  "    \"nvmlErrorString\": 1,\n"
			  "    \"nvmlDeviceGetHandleByIndex_v2\": 1,\n"
			  "    \"nvmlDeviceGetName\": 2,\n"
			  "    \"nvmlDeviceCreateGpuInstanceWithPlacement\": 1\n"
			  "  }\n"
			  "}\n");
}

MIG_TEST(trace_is_off_without_the_variable)
{
	struct mig_driver *driver = open_fake(FAKE("new"));
	struct mig_driver *before = driver;
	struct mig_error *err = NULL;

	MIG_ASSERT_INT_EQ(unsetenv(MIG_NVML_COUNT_ENV), 0);
	MIG_ASSERT_INT_EQ(mig_driver_trace_from_env(&driver, &err), 0);
	MIG_ASSERT(driver == before);
	mig_driver_close(driver);
}

MIG_TEST(trace_fails_early_on_a_wrong_path_and_late_on_a_full_disk)
{
	struct mig_driver *driver = open_fake(FAKE("new"));
	struct mig_driver *before = driver;
	struct mig_error *err = NULL;

	MIG_ASSERT_INT_EQ(mig_driver_trace(&driver, mig_test_path("absent/counts"), &err), -1);
	MIG_ASSERT(driver == before);
	MIG_ASSERT_INT_EQ(mig_error_errno(err), ENOENT);
	MIG_ASSERT_CONTAINS(mig_error_message(err), "absent/counts'");
	mig_error_free(err);
	err = NULL;
	MIG_ASSERT_INT_EQ(mig_driver_trace(&driver, "/dev/full", &err), 0);
	MIG_ASSERT_INT_EQ(mig_driver_close(driver), -1);
	MIG_ASSERT_INT_EQ(errno, ENOSPC);
}

static void *count_many(void *cookie)
{
	const struct mig_driver *driver = cookie;
	unsigned int count;

	for (unsigned int i = 0; i < 10000; i++)
		driver->nvmlDeviceGetCount_v2(driver, &count);
	return NULL;
}

MIG_TEST(trace_counts_from_many_threads)
{
	struct mig_driver *driver = open_fake(FAKE("new"));
	struct mig_trace_counts counts;
	struct mig_error *err = NULL;
	pthread_t threads[4];

	MIG_ASSERT_INT_EQ(mig_driver_trace(&driver, NULL, &err), 0);
	for (unsigned int i = 0; i < 4; i++)
		MIG_ASSERT_INT_EQ(pthread_create(&threads[i], NULL, count_many, driver), 0);
	for (unsigned int i = 0; i < 4; i++)
		MIG_ASSERT_INT_EQ(pthread_join(threads[i], NULL), 0);
	mig_driver_trace_counts(driver, &counts);
	MIG_ASSERT_UINT_EQ(counts.calls, 40000);
	mig_driver_close(driver);
}

/* --- simulated or real ------------------------------------------------------------------------ */

static void refused(const char *fake, const char *host_root, const char *node, const char *want)
{
	struct mig_driver *driver = open_fake(fake);
	struct mig_error *err = NULL;

	MIG_ASSERT_INT_EQ(mig_driver_check_identity(driver, host_root, node, &err), -1);
	MIG_ASSERT_INT_EQ(mig_error_exit_status(err), MIG_EXIT_NO_DRIVER);
	MIG_ASSERT_CONTAINS(mig_error_message(err), want);
	mig_error_free(err);
	mig_driver_close(driver);
}

static void accepted(const char *fake, const char *host_root, const char *node)
{
	struct mig_driver *driver = open_fake(fake);
	struct mig_error *err = NULL;

	if (mig_driver_check_identity(driver, host_root, node, &err) < 0)
		MIG_FAIL("%s", mig_error_message(err));
	MIG_ASSERT(err == NULL);
	mig_driver_close(driver);
}

static const char *make_node(const char *name)
{
	const char *node = mig_test_path(name);
	_cleanup_free_ char *root = mig_path_join(node, "root");

	MIG_ASSERT_INT_EQ(mkdir(node, 0700), 0);
	MIG_ASSERT_INT_EQ(mkdir(root, 0700), 0);
	return node;
}

MIG_TEST(identity_tells_ours_from_others)
{
	const struct mig_sim_identity *identity = NULL;
	struct mig_driver *driver = open_fake(FAKE("new"));

	MIG_ASSERT(!mig_driver_sim_identity(driver, &identity));
	MIG_ASSERT(identity == NULL);
	mig_driver_close(driver);
	driver = open_fake(FAKE("sim"));
	MIG_ASSERT(mig_driver_sim_identity(driver, NULL));
	MIG_ASSERT(mig_driver_sim_identity(driver, &identity));
	MIG_ASSERT_STR_EQ(identity->version(), "0.0");
	mig_driver_close(driver);
}

MIG_TEST(identity_accepts_the_real_driver_without_a_node)
{
	accepted(FAKE("new"), NULL, NULL);
	accepted(FAKE("new"), "", "");
	accepted(FAKE("new"), mig_test_tmpdir(), NULL);
}

MIG_TEST(identity_refuses_a_foreign_library_for_a_node)
{
	refused(FAKE("new"), NULL, "/srv/node",
		"MIGSIM_NODE is '/srv/node', but '" FAKE("new") "' is not the simulated driver");
	refused(FAKE("new"), "/srv/node/root", "/srv/node", "is not the simulated driver");
}

MIG_TEST(identity_accepts_the_host_root_of_the_node)
{
	const char *node = make_node("node");
	const char *other_name = mig_test_path("link");

	MIG_ASSERT_INT_EQ(symlink(node, other_name), 0);
	MIG_ASSERT_INT_EQ(setenv("FAKE_NODE", node, 1), 0);
	accepted(FAKE("sim"), mig_test_path("node/root"), node);
	accepted(FAKE("sim"), mig_test_path("node/root"), NULL);
	accepted(FAKE("sim"), mig_test_path("link/root"), other_name);
}

MIG_TEST(identity_refuses_the_simulated_driver_with_another_host_root)
{
	const char *node = make_node("node");

	make_node("other");
	MIG_ASSERT_INT_EQ(setenv("FAKE_NODE", node, 1), 0);
	refused(FAKE("sim"), NULL, node, "the host root is that of the real machine");
	refused(FAKE("sim"), "", NULL, "the host root is that of the real machine");
	refused(FAKE("sim"), "/", node, "but the host root is '/'");
	refused(FAKE("sim"), mig_test_path("other/root"), node, "other/root'");
	refused(FAKE("sim"), mig_test_path("node/absent"), node, "node/absent'");
	refused(FAKE("sim"), mig_test_path("node/root"), mig_test_path("other"),
		"but the simulated driver serves");
}

MIG_TEST(identity_refuses_a_simulated_driver_that_serves_nothing_or_is_of_another_age)
{
	const char *node = make_node("node");

	MIG_ASSERT_INT_EQ(unsetenv("FAKE_NODE"), 0);
	refused(FAKE("sim"), mig_test_path("node/root"), node, "serves no node");
	MIG_ASSERT_INT_EQ(setenv("FAKE_NODE", node, 1), 0);
	MIG_ASSERT_INT_EQ(setenv("FAKE_IDENTITY_ABI", "1", 1), 0);
	refused(FAKE("sim"), mig_test_path("node/root"), node, "another version of migctl");
}
