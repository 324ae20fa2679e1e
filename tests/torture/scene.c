/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transitions, again and again; see scene.h.
 */
#include "tests/torture/scene.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/layout_args.h"
#include "config/select.h"
#include "core/holders.h"
#include "core/lock.h"
#include "shared/file.h"
#include "shared/hostroot.h"
#include "shared/text.h"
#include "tests/conformance/make_node.h"
#include "tests/harness/test.h"

#define TEXT_SIZE     (64 * 1024)
#define CHILD_SECONDS 30 /* one that takes longer hangs */
#define SHOWN_MAX     6	 /* wrong cases that are told in full */

static const struct mig_holder_provider *const providers[] = {&mig_holder_processes, NULL};

/* ---- layouts ------------------------------------------------------------------------------------ */

static void layout_clear(struct seen_layout *layout)
{
	mig_saved_layout_clear(&layout->saved);
	for (unsigned int i = 0; i < layout->gpu_count; i++)
		free(layout->gpus[i]);
	layout->gpu_count = 0;
}

static int layout_of(const struct mig_snapshot *snapshot, struct seen_layout *out)
{
	layout_clear(out);
	for (unsigned int i = 0; i < snapshot->gpu_count && i < SEEN_GPUS_MAX; i++) {
		struct mig_buf text = MIG_BUF_INIT(TEXT_SIZE);
		struct mig_saved_layout one = {0};

		if (mig_saved_layout_add(&out->saved, &snapshot->gpus[i], NULL) < 0 ||
		    mig_saved_layout_add(&one, &snapshot->gpus[i], NULL) < 0)
			return -1;
		mig_saved_layout_write(&one, "now", &text);
		mig_saved_layout_clear(&one);
		out->gpus[out->gpu_count++] = mig_buf_steal(&text);
	}
	return 0;
}

static int layout_read(const struct mig_context *ctx, struct seen_layout *out)
{
	_cleanup_snapshot_ struct mig_snapshot *snapshot = NULL;
	_cleanup_error_ struct mig_error *err = NULL;

	if (mig_snapshot_read(ctx, MIG_SNAPSHOT_UUIDS, &snapshot, &err) < 0) {
		printf("a snapshot by a healthy driver: %s\n", mig_error_message(err));
		return -1;
	}
	return layout_of(snapshot, out);
}

static bool gpu_equals(const struct seen_layout *a, const struct seen_layout *b, unsigned int gpu)
{
	return a->gpu_count == b->gpu_count && strcmp(a->gpus[gpu], b->gpus[gpu]) == 0;
}

static bool layout_equals(const struct seen_layout *a, const struct seen_layout *b)
{
	for (unsigned int i = 0; i < a->gpu_count; i++) {
		if (!gpu_equals(a, b, i))
			return false;
	}
	return a->gpu_count == b->gpu_count;
}

/* The GPUs that differ. */
static void layout_print(const struct seen_layout *old, const struct seen_layout *now)
{
	for (unsigned int i = 0; i < now->gpu_count && i < old->gpu_count; i++) {
		if (!gpu_equals(old, now, i))
			printf("  before:\n%s  now:\n%s", old->gpus[i], now->gpus[i]);
	}
}

/* ---- what is kept ------------------------------------------------------------------------------- */

static const struct mig_saved_gi *find_gi(const struct mig_saved_layout *layout, const char *uuid,
					  unsigned int start)
{
	const struct mig_saved_gpu *gpu = mig_saved_layout_gpu(layout, uuid);

	for (unsigned int i = 0; gpu != NULL && i < gpu->gi_count; i++) {
		if (gpu->gi[i].start == start)
			return &gpu->gi[i];
	}
	return NULL;
}

static const struct mig_saved_ci *find_ci(const struct mig_saved_gi *gi, unsigned int start)
{
	for (unsigned int i = 0; gi != NULL && i < gi->ci_count; i++) {
		if (gi->ci[i].start == start)
			return &gi->ci[i];
	}
	return NULL;
}

/* The same place, profile and (of a compute instance) UUID before and after. */
static bool is_kept(void *cookie, const char *gpu_uuid, unsigned int gi_start, int ci_start)
{
	const struct scene *scene = cookie;
	const struct mig_saved_gi *a = find_gi(&scene->old.saved, gpu_uuid, gi_start);
	const struct mig_saved_gi *b = find_gi(&scene->new.saved, gpu_uuid, gi_start);
	const struct mig_saved_ci *x, *y;

	if (a == NULL || b == NULL || a->profile_id != b->profile_id || a->size != b->size)
		return false;
	if (ci_start < 0)
		return true;
	x = find_ci(a, (unsigned int)ci_start);
	y = find_ci(b, (unsigned int)ci_start);
	return x != NULL && y != NULL && x->profile_index == y->profile_index &&
	       strcmp(x->uuid, y->uuid) == 0;
}

/* Whether every kept instance is in `now`, with its UUID. */
static bool has_kept(const struct scene *scene, const struct seen_layout *now)
{
	for (unsigned int i = 0; i < scene->old.saved.gpu_count; i++) {
		const struct mig_saved_gpu *gpu = &scene->old.saved.gpus[i];

		for (unsigned int g = 0; g < gpu->gi_count; g++) {
			const struct mig_saved_gi *gi = &gpu->gi[g];
			const struct mig_saved_gi *there =
				find_gi(&now->saved, gpu->uuid, gi->start);

			if (!is_kept((void *)(uintptr_t)scene, gpu->uuid, gi->start, -1))
				continue;
			if (there == NULL || there->profile_id != gi->profile_id)
				return false;
			for (unsigned int c = 0; c < gi->ci_count; c++) {
				const struct mig_saved_ci *ci = find_ci(there, gi->ci[c].start);

				if (is_kept((void *)(uintptr_t)scene, gpu->uuid, gi->start,
					    (int)gi->ci[c].start) &&
				    (ci == NULL || strcmp(ci->uuid, gi->ci[c].uuid) != 0))
					return false;
			}
		}
	}
	return true;
}

/* ---- the node ----------------------------------------------------------------------------------- */

static void empty_directory(const char *path)
{
	const struct dirent *entry;
	DIR *dir = opendir(path);

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(dir), entry->d_name, 0);
	}
	if (dir != NULL)
		closedir(dir);
}

static void restore(struct scene *scene)
{
	_cleanup_free_ char *journals = mig_host_path(scene->host_root, MIG_HOST_JOURNAL_DIR);
	_cleanup_free_ char *run = mig_host_path(scene->host_root, MIG_HOST_RUN_DIR);

	MIG_ASSERT(pwrite(scene->state_fd, scene->state, scene->state_size, 0) ==
		   (ssize_t)scene->state_size);
	empty_directory(journals);
	empty_directory(run);
}

/* Names of files that are no journal and no lock. */
static bool has_leftovers(const struct scene *scene)
{
	_cleanup_free_ char *path = mig_host_path(scene->host_root, MIG_HOST_JOURNAL_DIR);
	const struct dirent *entry;
	DIR *dir = opendir(path);
	bool found = false;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		found = found ||
			(entry->d_name[0] != '.' && strstr(entry->d_name, ".journal") == NULL);
	if (dir != NULL)
		closedir(dir);
	return found;
}

static int lowest_free_fd(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd;
}

/* ---- runs --------------------------------------------------------------------------------------- */

struct wish {
	struct mig_config *config;
	const struct mig_config_label *label;
};

static int want(void *cookie, const struct mig_snapshot *snapshot, struct mig_target **target,
		struct mig_error **err)
{
	const struct wish *wish = cookie;

	return mig_config_select(wish->config, wish->label, snapshot, target, err);
}

static void recovered(void *cookie, MIG_UNUSED const struct mig_recovery *recovery)
{
	struct report *report = cookie;

	report->was_recovered = true;
}

static int run_wish(const struct scene *scene, struct mig_config *config,
		    struct mig_transaction *out, struct mig_error **err)
{
	const struct mig_transaction_observer observer = {.cookie = &scene->shared->report,
							  .recovered = recovered};
	struct wish wish = {.config = config, .label = mig_config_find(config, NULL, NULL)};
	struct mig_transaction_request request = {.kind = MIG_CHANGE_APPLY,
						  .command = "migctl apply",
						  .want = want,
						  .cookie = &wish,
						  .observer = &observer};

	MIG_ASSERT(wish.label != NULL);
	return mig_transaction_run(&scene->ctx, &request, out, err);
}

static void start(const struct scene *scene)
{
	MIG_ASSERT_INT_EQ(scene->driver->below->nvmlInitWithFlags(scene->driver->below, 0),
			  NVML_SUCCESS);
}

static void stop(const struct scene *scene)
{
	scene->driver->below->nvmlShutdown(scene->driver->below);
}

static void child(struct scene *scene, const struct faulty_run *run)
{
	struct report *report = &scene->shared->report;
	struct mig_transaction transaction;
	struct mig_error *err = NULL;
	int fd;

	alarm(CHILD_SECONDS);
	start(scene);
	fd = lowest_free_fd();
	events_begin(&scene->shared->log, run->faults, run->count);
	report->rc = run_wish(scene, scene->to, &transaction, &err);
	events_end();
	report->leaked_fds = lowest_free_fd() - fd;
	mig_transaction_clear(&transaction);
	report->changed = report->rc < 0 ? mig_error_changed(err) : MIG_CHANGED_NONE;
	if (report->rc < 0)
		mig_text_format(report->message, sizeof(report->message), "%s",
				mig_error_message(err));
	mig_error_free(err);
	report->is_done = true;
	fflush(NULL);
	_exit(0);
}

/* Returns the status of waitpid. */
static int run_child(struct scene *scene, const struct faulty_run *run)
{
	int status = 0;
	pid_t pid;

	memset(&scene->shared->report, 0, sizeof(scene->shared->report));
	fflush(NULL);
	pid = fork();
	MIG_ASSERT(pid >= 0);
	if (pid == 0)
		child(scene, run);
	while (waitpid(pid, &status, 0) < 0)
		MIG_ASSERT_INT_EQ(errno, EINTR);
	return status;
}

/* ---- what must be true -------------------------------------------------------------------------- */

static void describe_fault(const struct scene *scene, const struct fault *fault)
{
	static const char *const actions[] = {"none",	     "fails",	   "is done and fails",
					      "kill before", "kill in it", "kill after",
					      "interrupt"};
	static const char *const spans[] = {"once", "this function from then on",
					    "everything from then on"};

	printf(" [event %u (%s in a healthy run): %s, code %d, %s]", fault->at,
	       fault->at < scene->baseline->count ? event_name(&scene->baseline->events[fault->at])
						  : "none",
	       actions[fault->action], fault->code, spans[fault->span]);
}

static bool wrong(const struct scene *scene, const struct torture_case *tc,
		  const struct seen_layout *now, const char *fmt, ...) MIG_PRINTF(4, 5);

/* Tells what is wrong, the first few times. Always false. */
static bool wrong(const struct scene *scene, const struct torture_case *tc,
		  const struct seen_layout *now, const char *fmt, ...)
{
	static unsigned int shown;
	va_list args;

	if (shown++ >= SHOWN_MAX)
		return false;
	printf("WRONG: %s, %s:", scene->transition->name, tc->kind);
	for (unsigned int r = 0; r < tc->run_count; r++) {
		printf(" process %u", r + 1);
		for (unsigned int f = 0; f < tc->runs[r].count; f++)
			describe_fault(scene, &tc->runs[r].faults[f]);
	}
	printf("\n  ");
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n  what it said: %s\n", scene->shared->report.message);
	if (now != NULL)
		layout_print(&scene->old, now);
	return false;
}

/* "GPU 1" as a word. */
static bool names_gpu(const char *text, unsigned int gpu)
{
	char name[32];

	mig_text_format(name, sizeof(name), "GPU %u", gpu);
	for (const char *at = strstr(text, name); at != NULL; at = strstr(at + 1, name)) {
		char next = at[strlen(name)];

		if (next < '0' || next > '9')
			return true;
	}
	return false;
}

static bool check_partial(const struct scene *scene, const struct torture_case *tc,
			  const struct seen_layout *now)
{
	for (unsigned int i = 0; i < now->gpu_count; i++) {
		if (gpu_equals(&scene->old, now, i) || names_gpu(scene->shared->report.message, i))
			continue;
		return wrong(scene, tc, now, "GPU %u is not as before, and that is not said", i);
	}
	return true;
}

/* What the process said against what is there. `before` is what it found. */
static bool check_claim(const struct scene *scene, const struct torture_case *tc,
			const struct seen_layout *before, const struct seen_layout *now)
{
	const struct report *report = &scene->shared->report;

	if (report->leaked_fds != 0)
		return wrong(scene, tc, NULL, "%d descriptors leaked", report->leaked_fds);
	if (report->rc == 0) {
		if (layout_equals(&scene->new, now))
			return true;
		return wrong(scene, tc, now,
			     "it says that it succeeded, and the layout is another");
	}
	switch (report->changed) {
	case MIG_CHANGED_NONE:
		if (layout_equals(before, now) ||
		    (report->was_recovered && layout_equals(&scene->old, now)))
			return true;
		return wrong(scene, tc, now, "it says that nothing changed, and something has");
	case MIG_CHANGED_ROLLED_BACK:
		if (layout_equals(&scene->old, now))
			return true;
		return wrong(scene, tc, now, "it says that it was rolled back, and it was not");
	default:
		return check_partial(scene, tc, now);
	}
}

/* After each process: what it said, what is kept, the lock. */
static bool check_run(struct scene *scene, const struct torture_case *tc, int status,
		      const struct seen_layout *before, struct seen_layout *now)
{
	_cleanup_buf_ struct mig_buf who = MIG_BUF_INIT(TEXT_SIZE);
	bool is_killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;

	if (scene->shared->log.count >= EVENTS_MAX)
		return wrong(scene, tc, NULL, "%u events, the last one that was noted: %s",
			     scene->shared->log.count,
			     event_name(&scene->shared->log.events[EVENTS_MAX - 1]));
	if (!is_killed && (status != 0 || !scene->shared->report.is_done))
		return wrong(scene, tc, NULL, "the process ended with status 0x%x",
			     (unsigned int)status);
	if (scene->shared->log.touched[0] != '\0')
		return wrong(scene, tc, NULL, "a kept instance was destroyed: %s",
			     scene->shared->log.touched);
	if (layout_read(&scene->ctx, now) < 0)
		return wrong(scene, tc, NULL, "the node cannot be read");
	if (!has_kept(scene, now)) {
		return wrong(scene, tc, now, "a kept instance is not there");
	}
	if (mig_lock_is_held(&scene->ctx, &who))
		return wrong(scene, tc, NULL, "the lock is held: %s", mig_buf_text(&who));
	return is_killed || check_claim(scene, tc, before, now);
}

static bool check_at_rest(struct scene *scene, const struct torture_case *tc)
{
	_cleanup_journal_entry_ struct mig_journal_entry *unfinished = NULL;
	struct wish wish = {.config = scene->to, .label = mig_config_find(scene->to, NULL, NULL)};
	struct mig_transaction_request request = {.want = want, .cookie = &wish};
	_cleanup_snapshot_ struct mig_snapshot *snapshot = NULL;
	_cleanup_plan_ struct mig_plan *plan = NULL;
	_cleanup_error_ struct mig_error *err = NULL;
	_cleanup_buf_ struct mig_buf who = MIG_BUF_INIT(TEXT_SIZE);

	if (mig_transaction_plan(&scene->ctx, &request, &snapshot, &plan, &err) < 0)
		return wrong(scene, tc, NULL, "afterwards it cannot be planned: %s",
			     mig_error_message(err));
	if (plan->op_count != 0)
		return wrong(scene, tc, NULL, "afterwards %u operations are left", plan->op_count);
	if (mig_journal_unfinished(&scene->ctx, &unfinished, &err) < 0)
		return wrong(scene, tc, NULL, "the journal cannot be read: %s",
			     mig_error_message(err));
	if (unfinished != NULL)
		return wrong(scene, tc, NULL, "transaction %u is left unfinished",
			     unfinished->number);
	if (has_leftovers(scene))
		return wrong(scene, tc, NULL, "a file that was never begun lies with the journals");
	if (mig_lock_is_held(&scene->ctx, &who))
		return wrong(scene, tc, NULL, "the lock is held: %s", mig_buf_text(&who));
	return true;
}

/* The same wish, with everything in order. */
static bool check_healthy(struct scene *scene, const struct torture_case *tc,
			  struct seen_layout *now)
{
	struct event_log *log = &scene->shared->log;
	struct mig_transaction transaction;
	_cleanup_error_ struct mig_error *err = NULL;
	int fd = lowest_free_fd();
	int rc;

	events_begin(log, NULL, 0);
	rc = run_wish(scene, scene->to, &transaction, &err);
	events_end();
	mig_transaction_clear(&transaction);
	if (rc < 0)
		return wrong(scene, tc, NULL, "the run after it failed: %s",
			     mig_error_message(err));
	if (log->touched[0] != '\0')
		return wrong(scene, tc, NULL, "the run after it destroyed a kept instance: %s",
			     log->touched);
	if (layout_read(&scene->ctx, now) < 0 || !layout_equals(&scene->new, now)) {
		return wrong(scene, tc, now, "the run after it made another layout");
	}
	if (lowest_free_fd() != fd)
		return wrong(scene, tc, NULL, "the run after it leaked a descriptor");
	return check_at_rest(scene, tc);
}

bool scene_run(struct scene *scene, const struct torture_case *tc)
{
	struct seen_layout before = {0}, now = {0};
	bool is_right = true;

	restore(scene);
	for (unsigned int i = 0; i < tc->run_count && is_right; i++) {
		struct seen_layout old = before;
		int status = run_child(scene, &tc->runs[i]);

		start(scene);
		before = now;
		now = (struct seen_layout){0};
		layout_clear(&old);
		is_right = check_run(scene, tc, status, i == 0 ? &scene->old : &before, &now);
		stop(scene);
	}
	layout_clear(&before);
	if (is_right) {
		start(scene);
		is_right = check_healthy(scene, tc, &now);
		stop(scene);
	}
	layout_clear(&now);
	return is_right;
}

void scene_probe(struct scene *scene, const struct torture_case *tc)
{
	restore(scene);
	for (unsigned int i = 0; i < tc->run_count; i++)
		run_child(scene, &tc->runs[i]);
}

/* ---- beginning and end -------------------------------------------------------------------------- */

static struct mig_config *parse(const char *const *layouts)
{
	char *args[LAYOUTS_MAX];
	struct mig_config *config = NULL;
	struct mig_error *err = NULL;
	size_t count = 0;

	while (count < LAYOUTS_MAX && layouts[count] != NULL) {
		args[count] = (char *)(uintptr_t)layouts[count];
		count++;
	}
	if (count == 0)
		return NULL;
	MIG_ASSERT_MSG(mig_config_from_args(args, count, &config, &err) == 0, "%s: %s", layouts[0],
		       mig_error_message(err));
	return config;
}

static void make(struct scene *scene, const char *name)
{
	const struct transition *t = scene->transition;
	const struct make_node_options options = {
		.branch = t->branch,
		.mode_change = t->needs_reset ? MIG_SIM_MODE_CHANGE_RESET_REQUIRED
					      : MIG_SIM_MODE_CHANGE_IMMEDIATE,
		.owner_uid = getuid(),
	};
	_cleanup_free_ char *library = NULL;
	char why[MIG_SIM_DETAIL_SIZE] = "", file[64];
	struct mig_error *err = NULL;

	scene->node = mig_test_path(name);
	mig_text_format(file, sizeof(file), "%s/root", name);
	scene->host_root = mig_test_path(file);
	MIG_ASSERT_MSG(make_node(scene->node, t->gpus, &options, why) == 0, "%s", why);
	MIG_ASSERT(mkdir(scene->host_root, 0755) == 0);
	MIG_ASSERT(setenv("MIGSIM_NODE", scene->node, 1) == 0);
	mig_text_format(file, sizeof(file), "src/sim/%u/libnvidia-ml.so.1",
			t->branch != 0 ? t->branch : 550);
	library = mig_path_join(mig_test_build_root(), file);
	MIG_ASSERT_MSG(mig_driver_open(library, &scene->driver, &err) == 0, "%s",
		       mig_error_message(err));
	MIG_ASSERT(events_driver(&scene->driver) == 0);
	mig_text_format(file, sizeof(file), "%s/state", name);
	scene->state_fd = open(mig_test_path(file), O_RDWR | O_CLOEXEC);
	MIG_ASSERT(scene->state_fd >= 0);
}

static void save(struct scene *scene)
{
	struct stat st;

	MIG_ASSERT(fstat(scene->state_fd, &st) == 0);
	scene->state_size = (size_t)st.st_size;
	scene->state = malloc(scene->state_size);
	MIG_ASSERT(scene->state != NULL);
	MIG_ASSERT(pread(scene->state_fd, scene->state, scene->state_size, 0) ==
		   (ssize_t)scene->state_size);
}

/* The whole way once, healthy. */
static void go(struct scene *scene, struct mig_config *config, struct seen_layout *out)
{
	struct mig_transaction transaction;
	struct mig_error *err = NULL;

	MIG_ASSERT_MSG(config == NULL || run_wish(scene, config, &transaction, &err) == 0, "%s: %s",
		       scene->transition->name, mig_error_message(err));
	events_end();
	if (config != NULL)
		mig_transaction_clear(&transaction);
	MIG_ASSERT(layout_read(&scene->ctx, out) == 0);
}

void scene_open(struct scene *scene, const struct transition *transition, const char *name)
{
	*scene = (struct scene){.transition = transition, .state_fd = -1};
	scene->shared = mmap(NULL, sizeof(*scene->shared), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	scene->baseline = calloc(1, sizeof(*scene->baseline));
	MIG_ASSERT(scene->shared != MAP_FAILED && scene->baseline != NULL);
	make(scene, name);
	scene->ctx.driver = scene->driver;
	scene->ctx.host_root = scene->host_root;
	scene->ctx.holder_providers = providers;
	events_context(&scene->ctx, scene->node);
	scene->from = parse(transition->from);
	scene->to = parse(transition->to);
	start(scene);
	go(scene, scene->from, &scene->old);
	stop(scene);
	save(scene);
	restore(scene);
	start(scene);
	events_begin(scene->baseline, NULL, 0);
	go(scene, scene->to, &scene->new);
	stop(scene);
	MIG_ASSERT(!layout_equals(&scene->old, &scene->new));
	events_keep(is_kept, scene);
}

void scene_close(struct scene *scene)
{
	events_keep(NULL, NULL);
	layout_clear(&scene->old);
	layout_clear(&scene->new);
	mig_config_free(scene->from);
	mig_config_free(scene->to);
	mig_driver_close(scene->driver);
	close(scene->state_fd);
	free(scene->state);
	free(scene->baseline);
	munmap(scene->shared, sizeof(*scene->shared));
}
