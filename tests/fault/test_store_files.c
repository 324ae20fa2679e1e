/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making a node's files and writing to them where the file system says no: permissions, a full or
 * read-only disk, files removed or replaced meanwhile. The old state stands, nothing half made is
 * left, no descriptor stays open, and the words say which file and why.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/fault/store_fixture.h"
#include "tests/harness/test.h"

static const char *in_node(const char *dir, const char *name)
{
	static char path[4096];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

/* The names in a directory, sorted, each followed by a space. */
static const char *names_in(const char *dir)
{
	static char names[1024];
	struct dirent **entries;
	int count = scandir(dir, &entries, NULL, alphasort);

	MIG_ASSERT(count >= 0);
	names[0] = '\0';
	for (int i = 0; i < count; i++) {
		size_t used = strlen(names);

		if (entries[i]->d_name[0] != '.')
			snprintf(names + used, sizeof(names) - used, "%s ", entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return names;
}

static const char *empty_dir(const char *name)
{
	const char *dir = mig_test_path(name);

	MIG_ASSERT_INT_EQ(mkdir(dir, 0755), 0);
	return dir;
}

static enum mig_sim_status create(const char *dir, unsigned int gpu_count, char *detail)
{
	struct mig_sim_gpu_state states[MIG_SIM_GPUS_MAX];
	unsigned int fds = fixture_fd_count();
	struct mig_sim_node_desc node;
	struct mig_gpu_table model;
	enum mig_sim_status status;

	memset(states, 0, sizeof(states));
	fixture_describe(gpu_count, &node, &model);
	errno = ELNRNG;
	status = mig_sim_store_create(dir, &node, &model, states, detail);
	MIG_ASSERT_INT_EQ(errno, ELNRNG);
	MIG_ASSERT_UINT_EQ(fixture_fd_count(), fds);
	return status;
}

/* Updates an open store to pattern n; no descriptor and no errno may come of it. */
static enum mig_sim_status update(struct mig_sim_store *store, uint64_t n)
{
	unsigned int fds = fixture_fd_count();
	enum mig_sim_status status;

	errno = ELNRNG;
	status = mig_sim_store_update(store, fixture_change, &n);
	MIG_ASSERT_INT_EQ(errno, ELNRNG);
	MIG_ASSERT_UINT_EQ(fixture_fd_count(), fds);
	return status;
}

static void expect_state(const char *dir, unsigned int gpu_count, uint64_t n)
{
	struct mig_sim_state *state = fixture_state_new(gpu_count);

	fixture_read(dir, state);
	MIG_ASSERT_UINT_EQ(state->config_changes, n);
	MIG_ASSERT(fixture_is_whole(state, gpu_count));
	free(state);
}

/* ---- making ----------------------------------------------------------------------------------- */

MIG_TEST(a_new_node_is_two_files_with_its_space_reserved)
{
	const char *dir = empty_dir("node");
	char detail[MIG_SIM_DETAIL_SIZE] = "of before";
	struct mig_sim_store store;
	struct stat st;

	umask(022);
	MIG_ASSERT_INT_EQ(create(dir, 8, detail), MIG_SIM_OK);
	MIG_ASSERT_STR_EQ(detail, "");
	MIG_ASSERT_STR_EQ(names_in(dir), "lock state ");
	MIG_ASSERT_INT_EQ(stat(in_node(dir, "state"), &st), 0);
	MIG_ASSERT_UINT_EQ((uint64_t)st.st_size, mig_sim_store_file_size(8, 1));
	MIG_ASSERT(st.st_blocks * 512 >= st.st_size);
	MIG_ASSERT_UINT_EQ(st.st_mode, S_IFREG | 0644);
	MIG_ASSERT_INT_EQ(stat(in_node(dir, "lock"), &st), 0);
	MIG_ASSERT_UINT_EQ(st.st_mode, S_IFREG | 0600);
	fixture_open(&store, dir);
	MIG_ASSERT_UINT_EQ(store.node->gpu_count, 8);
	MIG_ASSERT_STR_EQ(store.node->gpus[7].uuid, "GPU-7");
	MIG_ASSERT_STR_EQ(store.models[0].key, "made-up-gpu");
	MIG_ASSERT_STR_EQ(store.path, dir);
	mig_sim_store_close(&store);
}

MIG_TEST(sizes_follow_from_the_counts)
{
	uint64_t gpu = 2 * sizeof(struct mig_sim_gpu_state);

	MIG_ASSERT_UINT_EQ(mig_sim_store_file_size(0, 0), mig_sim_file_size_min());
	MIG_ASSERT_UINT_EQ(mig_sim_store_file_size(32, 32), mig_sim_file_size_max());
	MIG_ASSERT_UINT_EQ(mig_sim_store_file_size(33, 1), 0);
	MIG_ASSERT_UINT_EQ(mig_sim_store_file_size(1, 33), 0);
	MIG_ASSERT_UINT_EQ(mig_sim_store_file_size(UINT32_MAX, UINT32_MAX), 0);
	MIG_ASSERT_UINT_EQ(mig_sim_store_file_size(9, 1) - mig_sim_store_file_size(1, 1), 8 * gpu);
	MIG_ASSERT_UINT_EQ(mig_sim_store_file_size(8, 1) % 64, 0);
}

MIG_TEST(a_node_without_gpus_and_one_with_the_most)
{
	char detail[MIG_SIM_DETAIL_SIZE];
	const char *none = empty_dir("none"), *most = empty_dir("most");
	struct mig_sim_store store;

	MIG_ASSERT_INT_EQ(create(none, 0, detail), MIG_SIM_OK);
	fixture_open(&store, none);
	MIG_ASSERT_INT_EQ(update(&store, 3), MIG_SIM_OK);
	mig_sim_store_close(&store);
	expect_state(none, 0, 3);
	MIG_ASSERT_INT_EQ(create(most, MIG_SIM_GPUS_MAX, detail), MIG_SIM_OK);
	fixture_open(&store, most);
	MIG_ASSERT_INT_EQ(update(&store, 4), MIG_SIM_OK);
	mig_sim_store_close(&store);
	expect_state(most, MIG_SIM_GPUS_MAX, 4);
}

MIG_TEST(a_state_file_is_never_replaced)
{
	const char *dir = fixture_node("node", 1);
	struct fixture_image before = fixture_load(dir), after;
	char detail[MIG_SIM_DETAIL_SIZE];

	MIG_ASSERT_INT_EQ(create(dir, 2, detail), MIG_SIM_IO);
	MIG_ASSERT_CONTAINS(detail, "there is a state file '");
	MIG_ASSERT_CONTAINS(detail, "/node/state' already");
	MIG_ASSERT_STR_EQ(names_in(dir), "lock state ");
	after = fixture_load(dir);
	MIG_ASSERT_UINT_EQ(after.size, before.size);
	MIG_ASSERT_MEM_EQ(after.bytes, before.bytes, before.size);
	fixture_image_free(&before);
	fixture_image_free(&after);
	MIG_ASSERT_INT_EQ(unlink(in_node(dir, "state")), 0);
	MIG_ASSERT_INT_EQ(symlink("/nonexistent", in_node(dir, "state")), 0);
	MIG_ASSERT_INT_EQ(create(dir, 2, detail), MIG_SIM_IO);
	MIG_ASSERT_CONTAINS(detail, "already");
}

MIG_TEST(a_leftover_of_a_maker_that_died_is_no_obstacle)
{
	const char *dir = empty_dir("node");
	char detail[MIG_SIM_DETAIL_SIZE];
	FILE *file = fopen(in_node(dir, "state.new"), "we");

	MIG_ASSERT(file);
	MIG_ASSERT(fputs("half", file) >= 0);
	MIG_ASSERT_INT_EQ(fclose(file), 0);
	MIG_ASSERT_INT_EQ(create(dir, 1, detail), MIG_SIM_OK);
	MIG_ASSERT_STR_EQ(names_in(dir), "lock state ");
}

MIG_TEST(of_many_makers_one_wins)
{
	enum { MAKERS = 16 };
	const char *dir = empty_dir("node");
	int winners = 0;
	int status;

	for (int i = 0; i < MAKERS; i++) {
		char detail[MIG_SIM_DETAIL_SIZE];
		pid_t pid = fork();

		MIG_ASSERT(pid >= 0);
		if (pid == 0) {
			enum mig_sim_status made = create(dir, 1, detail);

			if (made != MIG_SIM_OK)
				MIG_ASSERT_CONTAINS(detail, "already");
			_exit(made == MIG_SIM_OK ? 10 : 0);
		}
	}
	while (wait(&status) > 0) {
		MIG_ASSERT(WIFEXITED(status));
		winners += WEXITSTATUS(status) == 10;
	}
	MIG_ASSERT_INT_EQ(winners, 1);
	MIG_ASSERT_STR_EQ(names_in(dir), "lock state ");
	{
		struct mig_sim_store store;

		fixture_open(&store, dir);
		MIG_ASSERT_INT_EQ(update(&store, 1), MIG_SIM_OK);
		mig_sim_store_close(&store);
	}
}

MIG_TEST(a_description_out_of_range_makes_nothing)
{
	const char *dir = empty_dir("node");
	char detail[MIG_SIM_DETAIL_SIZE];
	struct mig_sim_gpu_state states[2];
	struct mig_sim_node_desc node;
	struct mig_gpu_table model;

	memset(states, 0, sizeof(states));
	fixture_describe(2, &node, &model);
	node.gpu_count = 1000000000;
	MIG_ASSERT_INT_EQ(mig_sim_store_create(dir, &node, &model, states, detail),
			  MIG_SIM_DAMAGED);
	MIG_ASSERT_CONTAINS(detail, "1000000000 GPUs of 1 models; at most 32 of 32");
	node.gpu_count = 2;
	node.gpus[1].model = 1;
	MIG_ASSERT_INT_EQ(mig_sim_store_create(dir, &node, &model, states, detail),
			  MIG_SIM_DAMAGED);
	MIG_ASSERT_CONTAINS(detail, "GPU 1 is of model 1 of 1");
	node.gpus[1].model = 0;
	model.gi_profile_count = 200;
	MIG_ASSERT_INT_EQ(mig_sim_store_create(dir, &node, &model, states, detail),
			  MIG_SIM_DAMAGED);
	MIG_ASSERT_CONTAINS(detail, "a number of model 'made-up-gpu' is out of range");
	model.gi_profile_count = 1;
	states[1].mig_current = 2;
	MIG_ASSERT_INT_EQ(mig_sim_store_create(dir, &node, &model, states, detail),
			  MIG_SIM_DAMAGED);
	MIG_ASSERT_CONTAINS(detail, "GPU 1: a mode is neither on nor off");
	MIG_ASSERT_STR_EQ(names_in(dir), "");
}

MIG_TEST(where_no_node_can_be_made)
{
	char detail[MIG_SIM_DETAIL_SIZE];
	const char *dir = mig_test_path("missing");

	MIG_ASSERT_INT_EQ(create(dir, 1, detail), MIG_SIM_NO_NODE);
	MIG_ASSERT_CONTAINS(detail, "no simulated node at '");
	MIG_ASSERT_CONTAINS(detail, "/missing': No such file or directory");
	MIG_ASSERT_INT_EQ(create("relative", 1, detail), MIG_SIM_NO_NODE);
	MIG_ASSERT_CONTAINS(detail, "'relative' is not an absolute path");
	dir = empty_dir("closed");
	MIG_ASSERT_INT_EQ(chmod(dir, 0555), 0);
	if (getuid() == 0) {
		MIG_ASSERT_INT_EQ(chmod(mig_test_tmpdir(), 0755), 0);
		MIG_ASSERT_INT_EQ(setuid(65534), 0);
	}
	MIG_ASSERT_INT_EQ(create(dir, 1, detail), MIG_SIM_NO_PERMISSION);
	MIG_ASSERT_CONTAINS(detail, "/closed/lock': Permission denied");
}

/* ---- no space --------------------------------------------------------------------------------- */

MIG_TEST(a_file_size_limit_is_an_error_and_leaves_nothing)
{
	const char *dir = empty_dir("node");
	char detail[MIG_SIM_DETAIL_SIZE];
	struct rlimit limit = {.rlim_cur = 4096, .rlim_max = RLIM_INFINITY};
	char part[128];

	MIG_ASSERT_INT_EQ(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = 4096;
	MIG_ASSERT_INT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
	/* SIGXFSZ has its default action: the process would end. */
	MIG_ASSERT_INT_EQ(create(dir, 8, detail), MIG_SIM_IO);
	snprintf(part, sizeof(part), "cannot write the %ju bytes of state file '",
		 (uintmax_t)mig_sim_store_file_size(8, 1));
	MIG_ASSERT_CONTAINS(detail, part);
	MIG_ASSERT_CONTAINS(detail, "/node/state': File too large");
	MIG_ASSERT_STR_EQ(names_in(dir), "");
	limit.rlim_cur = limit.rlim_max;
	MIG_ASSERT_INT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
	MIG_ASSERT_INT_EQ(create(dir, 8, detail), MIG_SIM_OK);
}

static bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool is_written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return is_written;
}

/* A mount namespace of this test's own, as root of a user namespace if not as root. */
static bool enter_namespace(void)
{
	uid_t uid = getuid();
	gid_t gid = getgid();
	char map[64];

	if (uid == 0)
		return unshare(CLONE_NEWNS) == 0;
	if (unshare(CLONE_NEWNS | CLONE_NEWUSER) < 0)
		return false;
	snprintf(map, sizeof(map), "0 %u 1", (unsigned int)uid);
	if (!write_text("/proc/self/uid_map", map) || !write_text("/proc/self/setgroups", "deny"))
		return false;
	snprintf(map, sizeof(map), "0 %u 1", (unsigned int)gid);
	return write_text("/proc/self/gid_map", map);
}

static void mount_small(const char *dir, const char *options)
{
	if (!enter_namespace() || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", dir, "tmpfs", 0, options) < 0)
		MIG_SKIP("no tmpfs can be mounted here (needs root or user namespaces)");
}

static void fill_disk(const char *path)
{
	static const char block[4096] = "junk";
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

	MIG_ASSERT(fd >= 0);
	while (write(fd, block, sizeof(block)) > 0)
		;
	MIG_ASSERT_INT_EQ(errno, ENOSPC);
	close(fd);
}

MIG_TEST(a_full_disk_makes_no_node_and_spoils_none)
{
	const char *disk = empty_dir("disk");
	char first[4096], second[4096];
	char detail[MIG_SIM_DETAIL_SIZE];
	struct mig_sim_store store;

	mount_small(disk, "size=128k");
	snprintf(first, sizeof(first), "%s/first", disk);
	snprintf(second, sizeof(second), "%s/second", disk);
	MIG_ASSERT_INT_EQ(mkdir(first, 0755), 0);
	MIG_ASSERT_INT_EQ(mkdir(second, 0755), 0);
	MIG_ASSERT_INT_EQ(create(first, 2, detail), MIG_SIM_OK);
	fill_disk(in_node(disk, "junk"));
	MIG_ASSERT_INT_EQ(create(second, 2, detail), MIG_SIM_IO);
	MIG_ASSERT_CONTAINS(detail, "/second/state': No space left on device");
	MIG_ASSERT_STR_EQ(names_in(second), "");
	/* The space of the first one is its own: every word can be written. */
	fixture_open(&store, first);
	for (uint64_t n = 1; n <= 3; n++)
		MIG_ASSERT_INT_EQ(update(&store, n), MIG_SIM_OK);
	mig_sim_store_close(&store);
	expect_state(first, 2, 3);
}

MIG_TEST(a_read_only_file_system_keeps_the_old_state)
{
	const char *disk = empty_dir("disk");
	char detail[MIG_SIM_DETAIL_SIZE];
	struct mig_sim_store store;
	char dir[4096];

	mount_small(disk, "size=128k");
	snprintf(dir, sizeof(dir), "%s/node", disk);
	MIG_ASSERT_INT_EQ(mkdir(dir, 0755), 0);
	MIG_ASSERT_INT_EQ(create(dir, 1, detail), MIG_SIM_OK);
	fixture_open(&store, dir);
	MIG_ASSERT_INT_EQ(update(&store, 1), MIG_SIM_OK);
	if (mount("none", disk, NULL, MS_REMOUNT | MS_RDONLY, NULL) < 0)
		MIG_SKIP("a tmpfs cannot be remounted read-only here");
	MIG_ASSERT_INT_EQ(update(&store, 2), MIG_SIM_IO);
	MIG_ASSERT_INT_EQ(store.saved_errno, EROFS);
	MIG_ASSERT_CONTAINS(store.detail, "/node/state': Read-only file system");
	mig_sim_store_close(&store);
	expect_state(dir, 1, 1);
	MIG_ASSERT_INT_EQ(create(dir, 1, detail), MIG_SIM_IO);
}

/* ---- writing ---------------------------------------------------------------------------------- */

MIG_TEST(one_who_may_only_read_cannot_write)
{
	const char *dir = fixture_node("node", 1);
	struct mig_sim_store store;

	if (getuid() == 0) {
		MIG_ASSERT_INT_EQ(chmod(mig_test_tmpdir(), 0755), 0);
		MIG_ASSERT_INT_EQ(setuid(65534), 0);
	} else {
		MIG_ASSERT_INT_EQ(chmod(in_node(dir, "state"), 0444), 0);
	}
	fixture_open(&store, dir);
	MIG_ASSERT_INT_EQ(update(&store, 1), MIG_SIM_NO_PERMISSION);
	MIG_ASSERT_CONTAINS(store.detail, "cannot open state file '");
	MIG_ASSERT_CONTAINS(store.detail, "/node/state': Permission denied");
	expect_state(dir, 1, 0);
	mig_sim_store_close(&store);
}

MIG_TEST(a_lock_file_that_is_not_one)
{
	const char *dir = fixture_node("node", 1);
	struct mig_sim_store store;

	fixture_open(&store, dir);
	MIG_ASSERT_INT_EQ(unlink(in_node(dir, "lock")), 0);
	MIG_ASSERT_INT_EQ(update(&store, 1), MIG_SIM_IO);
	MIG_ASSERT_INT_EQ(store.saved_errno, ENOENT);
	MIG_ASSERT_CONTAINS(store.detail, "/node/lock' is missing; make an empty one");
	MIG_ASSERT_INT_EQ(mkdir(in_node(dir, "lock"), 0755), 0);
	MIG_ASSERT_INT_EQ(update(&store, 1), MIG_SIM_DAMAGED);
	MIG_ASSERT_CONTAINS(store.detail, "/node/lock' is not a regular file");
	MIG_ASSERT_INT_EQ(rmdir(in_node(dir, "lock")), 0);
	MIG_ASSERT_INT_EQ(mkfifo(in_node(dir, "lock"), 0600), 0);
	MIG_ASSERT_INT_EQ(update(&store, 1), MIG_SIM_DAMAGED);
	expect_state(dir, 1, 0);
	MIG_ASSERT_INT_EQ(unlink(in_node(dir, "lock")), 0);
	MIG_ASSERT_INT_EQ(mknod(in_node(dir, "lock"), S_IFREG | 0600, 0), 0);
	MIG_ASSERT_INT_EQ(update(&store, 1), MIG_SIM_OK);
	mig_sim_store_close(&store);
}

MIG_TEST(a_node_removed_or_made_anew_is_not_written)
{
	const char *dir = fixture_node("node", 1);
	char detail[MIG_SIM_DETAIL_SIZE];
	struct mig_sim_store store;

	fixture_open(&store, dir);
	MIG_ASSERT_INT_EQ(unlink(in_node(dir, "state")), 0);
	MIG_ASSERT_INT_EQ(update(&store, 1), MIG_SIM_NO_NODE);
	MIG_ASSERT_CONTAINS(store.detail, "there is no state file '");
	MIG_ASSERT_INT_EQ(create(dir, 1, detail), MIG_SIM_OK);
	MIG_ASSERT_INT_EQ(update(&store, 1), MIG_SIM_NO_NODE);
	MIG_ASSERT_CONTAINS(store.detail, "was removed or made anew while this process used it");
	mig_sim_store_close(&store);
	fixture_open(&store, dir);
	MIG_ASSERT_UINT_EQ(*store.generation, 2);
	MIG_ASSERT_INT_EQ(unlink(in_node(dir, "state")), 0);
	MIG_ASSERT_INT_EQ(unlink(in_node(dir, "lock")), 0);
	MIG_ASSERT_INT_EQ(rmdir(dir), 0);
	MIG_ASSERT_INT_EQ(update(&store, 1), MIG_SIM_NO_NODE);
	MIG_ASSERT_CONTAINS(store.detail, "no simulated node at '");
	mig_sim_store_close(&store);
}

MIG_TEST(a_file_cut_short_while_open_is_not_written)
{
	const char *dir = fixture_node("node", 1);
	struct mig_sim_store store;
	char part[128];

	fixture_open(&store, dir);
	MIG_ASSERT_INT_EQ(truncate(in_node(dir, "state"), 4096), 0);
	MIG_ASSERT_INT_EQ(update(&store, 1), MIG_SIM_DAMAGED);
	snprintf(part, sizeof(part), "4096 bytes instead of %ju",
		 (uintmax_t)mig_sim_store_file_size(1, 1));
	MIG_ASSERT_CONTAINS(store.detail, part);
	mig_sim_store_close(&store);
}

static bool change_badly(void *cookie, const struct mig_sim_store *store,
			 struct mig_sim_state *state)
{
	(void)cookie;
	(void)store;
	state->config_changes++;
	state->gpus[0].gi[3].in_use = 1;
	state->gpus[0].gi[3].profile = FIXTURE_GI_PROFILES;
	return true;
}

MIG_TEST(a_state_that_cannot_be_is_not_written)
{
	const char *dir = fixture_node("node", 1);
	struct mig_sim_store store;

	fixture_open(&store, dir);
	MIG_ASSERT_INT_EQ(mig_sim_store_update(&store, change_badly, NULL), MIG_SIM_DAMAGED);
	MIG_ASSERT_CONTAINS(store.detail, "refused to write a state that cannot be");
	MIG_ASSERT_CONTAINS(store.detail, "GPU 0: GPU instance 3 is out of range");
	MIG_ASSERT_UINT_EQ(*store.generation, 2);
	expect_state(dir, 1, 0);
	mig_sim_store_close(&store);
}

/* ---- a host that closed its standard descriptors ---------------------------------------------- */

static unsigned int low_fds;

static void look_at_low_fds(uint64_t number, bool after)
{
	(void)number;
	(void)after;
	for (int fd = 0; fd < 3; fd++)
		low_fds += fcntl(fd, F_GETFD) >= 0;
}

MIG_TEST(standard_descriptors_are_left_alone)
{
	const char *dir = fixture_node("node", 1);
	pid_t pid = fork();
	int status;

	MIG_ASSERT(pid >= 0);
	if (pid == 0) {
		struct mig_sim_store store;
		uint64_t n = 1;

		for (int fd = 0; fd < 3; fd++)
			close(fd);
		mig_sim_store_hook = look_at_low_fds;
		if (mig_sim_store_open(&store, dir) != MIG_SIM_OK)
			_exit(2);
		if (mig_sim_store_update(&store, fixture_change, &n) != MIG_SIM_OK)
			_exit(3);
		look_at_low_fds(0, false);
		_exit(low_fds ? 4 : 0);
	}
	MIG_ASSERT_INT_EQ(waitpid(pid, &status, 0), pid);
	MIG_ASSERT(WIFEXITED(status));
	MIG_ASSERT_INT_EQ(WEXITSTATUS(status), 0);
	expect_state(dir, 1, 1);
}

MIG_TEST(without_descriptors_to_spare_it_is_said)
{
	const char *dir = fixture_node("node", 1);
	struct rlimit limit;
	struct mig_sim_store store;
	enum mig_sim_status status;
	uint64_t n = 1;

	fixture_open(&store, dir);
	MIG_ASSERT_INT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
	/* Of the three that an update needs: none, one, two, all. */
	for (rlim_t spare = 0; spare <= 3; spare++) {
		struct rlimit few = limit;
		int next = dup(0);

		close(next);
		few.rlim_cur = (rlim_t)next + spare;
		MIG_ASSERT_INT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
		status = mig_sim_store_update(&store, fixture_change, &n);
		MIG_ASSERT_INT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
		if (spare == 3) {
			MIG_ASSERT_INT_EQ(status, MIG_SIM_OK);
			break;
		}
		MIG_ASSERT_INT_EQ(status, MIG_SIM_IO);
		MIG_ASSERT_INT_EQ(store.saved_errno, EMFILE);
		MIG_ASSERT_CONTAINS(store.detail, "Too many open files");
	}
	mig_sim_store_close(&store);
}

MIG_TEST(each_status_has_a_word)
{
	for (int a = 0; a < MIG_SIM_STATUS_COUNT; a++) {
		const char *word = mig_sim_status_word((enum mig_sim_status)a);

		MIG_ASSERT(word && *word);
		for (int b = 0; b < a; b++)
			MIG_ASSERT(strcmp(word, mig_sim_status_word((enum mig_sim_status)b)) != 0);
	}
	MIG_ASSERT_STR_EQ(mig_sim_status_word((enum mig_sim_status)99), "unknown status");
}
