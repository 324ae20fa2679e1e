/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The library as a plug-in: loaded, used, closed and loaded again, as clients that dlopen it do.
 * This program is not linked with it.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nvml/nvml_abi.h"
#include "sim/abi/sim_env.h"
#include "tests/conformance/make_node.h"
#include "tests/harness/test.h"

static void *load(void)
{
	char path[4096];
	void *library;

	snprintf(path, sizeof(path), "%s/src/sim/550/libnvidia-ml.so.1", mig_test_build_root());
	library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	MIG_ASSERT_MSG(library != NULL, "dlopen: %s", dlerror());
	return library;
}

static void *symbol(void *library, const char *name)
{
	void *address = dlsym(library, name);

	MIG_ASSERT_MSG(address != NULL, "no symbol %s", name);
	return address;
}

static bool in_maps(const char *part)
{
	FILE *stream = fopen("/proc/self/maps", "re");
	bool found = false;
	char line[8192];

	MIG_ASSERT(stream != NULL);
	while (fgets(line, sizeof(line), stream))
		found = found || strstr(line, part) != NULL;
	fclose(stream);
	return found;
}

static void use(void *library, bool shut_down)
{
	nvmlReturn_t (*init)(void) = symbol(library, "nvmlInit_v2");
	nvmlReturn_t (*shutdown)(void) = symbol(library, "nvmlShutdown");
	nvmlReturn_t (*count)(unsigned int *) = symbol(library, "nvmlDeviceGetCount_v2");
	unsigned int gpus = 0;

	MIG_ASSERT_INT_EQ(init(), NVML_SUCCESS);
	MIG_ASSERT_INT_EQ(count(&gpus), NVML_SUCCESS);
	MIG_ASSERT_UINT_EQ(gpus, 2);
	if (shut_down)
		MIG_ASSERT_INT_EQ(shutdown(), NVML_SUCCESS);
}

MIG_TEST(closing_leaves_nothing_behind)
{
	char why[MIG_SIM_DETAIL_SIZE] = "";
	int first_fd;

	MIG_ASSERT_MSG(make_node(mig_test_path("node"), "2xa30-24gb", NULL, why) == 0, "%s", why);
	setenv(MIG_SIM_NODE_ENV, mig_test_path("node"), 1);
	first_fd = dup(0);
	close(first_fd);
	for (int i = 0; i < 20; i++) {
		void *library = load();
		int fd;

		MIG_ASSERT(in_maps("libnvidia-ml"));
		/* Also without Shutdown. */
		use(library, i % 2 == 0);
		MIG_ASSERT(in_maps("node/state"));
		MIG_ASSERT_INT_EQ(dlclose(library), 0);
		MIG_ASSERT(!in_maps("node/state"));
		MIG_ASSERT(!in_maps("libnvidia-ml"));
		fd = dup(0);
		MIG_ASSERT_INT_EQ(fd, first_fd);
		close(fd);
	}
}

/* The same library by its three names is one library. */
MIG_TEST(all_names_are_one_library)
{
	static const char *const names[] = {"libnvidia-ml.so", "libnvidia-ml.so.1",
					    "libnvidia-ml.so.550.163.01"};
	void *first = load();

	for (unsigned int i = 0; i < 3; i++) {
		char path[4096];
		void *library;

		snprintf(path, sizeof(path), "%s/src/sim/550/%s", mig_test_build_root(), names[i]);
		library = dlopen(path, RTLD_NOW);
		MIG_ASSERT_MSG(library == first, "%s is another library", names[i]);
		dlclose(library);
	}
	dlclose(first);
}
