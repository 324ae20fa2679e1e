/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ending holders: the right process is ended, by asking and then by force, and no other. Who must
 * not be ended by its cgroups is test_evict_cgroups.c.
 */
#include "core/evict.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "core/holders.h"
#include "shared/text.h"
#include "tests/harness/test.h"
#include "tests/unit/fake_driver.h"

static const struct mig_holder_provider *const providers[] = {&mig_holder_processes, NULL};

struct scene {
	struct fake_driver *fake;
	struct fake_gpu *gpu;
	struct fake_ci *ci;
	struct mig_context ctx;
	struct mig_snapshot *snapshot;
	struct mig_target *target;
	struct mig_plan *plan;
	struct mig_in_the_way *list;
	unsigned int count;
	char told[1024];
};

static void note(void *cookie, const char *line)
{
	struct scene *scene = cookie;
	size_t used = strlen(scene->told);

	mig_text_format(scene->told + used, sizeof(scene->told) - used, "%s\n", line);
}

static void begin(struct scene *scene, unsigned int pid)
{
	memset(scene, 0, sizeof(*scene));
	scene->fake = fake_new();
	scene->gpu = fake_add_a30(scene->fake);
	scene->ci = &fake_put(scene->gpu, "1g.6gb", 0)->ci[0];
	fake_put_process(scene->ci, pid);
	scene->ctx = (struct mig_context){
		.driver = &scene->fake->driver, .host_root = "", .holder_providers = providers};
	MIG_ASSERT_INT_EQ(
		mig_snapshot_read(&scene->ctx, MIG_SNAPSHOT_HOLDERS, &scene->snapshot, NULL), 0);
	scene->target = mig_target_new(scene->snapshot, NULL);
	scene->target->gpus[0].is_named = true;
	scene->target->gpus[0].mig_mode = true;
	MIG_ASSERT_INT_EQ(mig_plan_make(scene->snapshot, scene->target, &scene->plan, NULL), 0);
	MIG_ASSERT_INT_EQ(mig_in_the_way_find(scene->snapshot, scene->plan, &scene->list,
					      &scene->count, NULL),
			  0);
	MIG_ASSERT_UINT_EQ(scene->count, 1);
}

static void end(struct scene *scene)
{
	free(scene->list);
	mig_plan_free(scene->plan);
	mig_target_free(scene->target);
	mig_snapshot_free(scene->snapshot);
	fake_free(scene->fake);
}

static int evict(struct scene *scene, uint64_t grace_ms, struct mig_error **err)
{
	struct mig_evict_options options = {.grace_ms = grace_ms, .tell = note, .cookie = scene};

	return mig_evict(&scene->ctx, scene->list, scene->count, &options, err);
}

/* A child that waits; it is only known to wait once it has said so. */
static pid_t make_child(bool ignores)
{
	int ready[2];
	char byte;
	pid_t pid;

	MIG_ASSERT_INT_EQ(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		if (ignores)
			signal(SIGTERM, SIG_IGN);
		MIG_ASSERT_INT_EQ(write(ready[1], "x", 1), 1);
		for (;;)
			pause();
	}
	MIG_ASSERT_INT_EQ(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

/* What this machine cannot show: another pid namespace, or a service that runs the tests. */
static void need_a_place_to_evict_from(void)
{
	_cleanup_buf_ struct mig_buf what = MIG_BUF_INIT(4096);
	char link[64] = "", cgroups[4096] = "";
	ssize_t n = readlink("/proc/self/ns/pid", link, sizeof(link) - 1);
	FILE *file = fopen("/proc/self/cgroup", "re");

	if (n <= 0 || strcmp(link, "pid:[4026531836]") != 0)
		MIG_SKIP("needs the first pid namespace");
	if (file != NULL) {
		cgroups[fread(cgroups, 1, sizeof(cgroups) - 1, file)] = '\0';
		fclose(file);
	}
	if (mig_evict_is_managed(cgroups, &what, &what))
		MIG_SKIP("the tests run in a service of the system");
}

MIG_TEST(who_listens_is_asked)
{
	struct scene scene;
	int status = 0;
	pid_t pid;

	need_a_place_to_evict_from();
	pid = make_child(false);
	begin(&scene, (unsigned int)pid);
	MIG_ASSERT_INT_EQ(evict(&scene, 60000, NULL), 0);
	MIG_ASSERT_INT_EQ(waitpid(pid, &status, 0), pid);
	MIG_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	MIG_ASSERT_CONTAINS(scene.told, "asked process ");
	MIG_ASSERT_CONTAINS(scene.told, " has ended");
	end(&scene);
}

MIG_TEST(who_does_not_listen_is_forced)
{
	struct scene scene;
	int status = 0;
	pid_t pid;

	need_a_place_to_evict_from();
	pid = make_child(true);
	begin(&scene, (unsigned int)pid);
	MIG_ASSERT_INT_EQ(evict(&scene, 0, NULL), 0);
	MIG_ASSERT_INT_EQ(waitpid(pid, &status, 0), pid);
	MIG_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	MIG_ASSERT_CONTAINS(scene.told, "forced process ");
	end(&scene);
}

/* Asked again after it is pinned, NVML does not list the process any more: it is left alone. */
MIG_TEST(who_holds_nothing_any_more_is_left_alone)
{
	struct scene scene;
	pid_t pid;

	need_a_place_to_evict_from();
	pid = make_child(false);
	begin(&scene, (unsigned int)pid);
	scene.gpu->process_count = 0;
	MIG_ASSERT_INT_EQ(evict(&scene, 60000, NULL), 0);
	MIG_ASSERT_STR_EQ(scene.told, "");
	MIG_ASSERT_INT_EQ(waitpid(pid, NULL, WNOHANG), 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	end(&scene);
}

MIG_TEST(pid_1_and_ancestors_are_never_ended)
{
	const unsigned int pids[] = {1, (unsigned int)getpid(), (unsigned int)getppid()};

	need_a_place_to_evict_from();
	for (size_t i = 0; i < MIG_ARRAY_SIZE(pids); i++) {
		_cleanup_error_ struct mig_error *err = NULL;
		struct scene scene;

		begin(&scene, pids[i]);
		MIG_ASSERT_INT_EQ(evict(&scene, 0, &err), -1);
		MIG_ASSERT_INT_EQ(mig_error_code(err), MIG_ERROR_REFUSED);
		MIG_ASSERT_STR_EQ(scene.told, "");
		end(&scene);
	}
}
