/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transaction on a driver that is written for the tests: it ends as wanted or as before, those
 * in the way are named, waited for or the reason of a refusal, and what is to follow follows.
 */
#include "core/transaction.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/history.h"
#include "core/holders.h"
#include "core/reset.h"
#include "shared/file.h"
#include "shared/text.h"
#include "tests/harness/test.h"
#include "tests/unit/fake_driver.h"

/* A provider of the tests: one holder on GPU 0 until its time has come; or an error. */
static unsigned int held_looks;
static bool provider_fails;

static int find_test_holder(const struct mig_context *ctx, struct mig_gpu *gpu,
			    struct mig_error **err)
{
	struct mig_holder holder = {.provider = "reservation", .pid = 0, .name = "job 7"};

	(void)ctx;
	if (provider_fails)
		return mig_error_set(err, MIG_ERROR_IO, "the list of reservations cannot be read");
	if (held_looks == 0 || gpu->gi_count == 0 || gpu->gi[0].ci_count == 0)
		return 0;
	held_looks--;
	return mig_holder_add(&gpu->gi[0].ci[0], &holder, err);
}

static const struct mig_holder_provider test_provider = {.name = "reservation",
							 .find = find_test_holder};
static const struct mig_holder_provider *const providers[] = {&mig_holder_processes, &test_provider,
							      NULL};

/* What follows a change. */
static unsigned int followed;
static bool follower_fails;

static int follow(const struct mig_context *ctx, const struct mig_snapshot *after,
		  struct mig_error **err)
{
	(void)ctx;
	followed += after->gpus[0].gi_count;
	return follower_fails ? mig_error_set(err, MIG_ERROR_IO, "no space") : 0;
}

static const struct mig_after_change follower = {.name = "a file of the tests", .run = follow};
static const struct mig_after_change *const followers[] = {&follower, NULL};

struct scene {
	struct fake_driver *fake;
	struct fake_gpu *gpu;
	struct mig_context ctx;
	struct mig_core_clock clock;
	uint64_t now_ns;
	struct mig_log log;
	struct mig_transaction_request request;
	struct mig_transaction_observer observer;
	struct mig_transaction out;
	struct mig_error *err;
	const char *wish;
	unsigned int wish_count;
	unsigned int interrupt_after; /* questions; 0: never */
	unsigned int asked;
	char told[2048];
};

static uint64_t now(void *cookie)
{
	struct scene *scene = cookie;

	return scene->now_ns;
}

static int64_t wall(void *cookie)
{
	(void)cookie;
	return 1700000000;
}

static void do_sleep(void *cookie, uint64_t ns)
{
	struct scene *scene = cookie;

	scene->now_ns += ns;
}

static bool is_interrupted(void *cookie)
{
	struct scene *scene = cookie;

	return scene->interrupt_after > 0 && ++scene->asked >= scene->interrupt_after;
}

static void note(void *cookie, const char *line)
{
	struct scene *scene = cookie;
	size_t used = strlen(scene->told);

	mig_text_format(scene->told + used, sizeof(scene->told) - used, "%s\n", line);
}

static void note_log(void *cookie, enum mig_log_level level, const char *message)
{
	(void)level;
	note(cookie, message);
}

static int want(void *cookie, const struct mig_snapshot *snapshot, struct mig_target **target,
		struct mig_error **err)
{
	const struct scene *scene = cookie;
	unsigned int gi_row, ci_row;

	*target = mig_target_new(snapshot, err);
	(*target)->gpus[0].is_named = true;
	(*target)->gpus[0].mig_mode = scene->wish != NULL;
	if (scene->wish == NULL)
		return 0;
	if (mig_facts_find(snapshot->gpus[0].facts, scene->wish, &gi_row, &ci_row) == 0)
		return mig_target_add(&(*target)->gpus[0], gi_row, ci_row, scene->wish_count, err);
	mig_target_free(MIG_TAKE_PTR(*target));
	return mig_error_set(err, MIG_ERROR_REFUSED, "no profile '%s'", scene->wish);
}

static const char before[] = "2g.12gb@0[2c@0] 1g.6gb@2[1c@0]";
static const char wished[] = "1g.6gb@0[1c@0] 1g.6gb@1[1c@0] 1g.6gb@2[1c@0] 1g.6gb@3[1c@0]";

/* An A30 with two instances, of which one stays when four 1g.6gb are wanted. */
static void begin(struct scene *scene)
{
	memset(scene, 0, sizeof(*scene));
	held_looks = 0;
	provider_fails = false;
	followed = 0;
	follower_fails = false;
	scene->fake = fake_new();
	scene->gpu = fake_add_a30(scene->fake);
	fake_put(scene->gpu, "2g.12gb", 0);
	fake_put(scene->gpu, "1g.6gb", 2);
	scene->clock = (struct mig_core_clock){scene, now, wall, do_sleep};
	scene->log = (struct mig_log){note_log, scene, MIG_LOG_WARNING};
	scene->ctx = (struct mig_context){.driver = &scene->fake->driver,
					  .host_root = mig_test_path("root"),
					  .log = &scene->log,
					  .holder_providers = providers,
					  .clock = &scene->clock,
					  .is_interrupted = is_interrupted,
					  .interrupt_cookie = scene,
					  .after_changes = followers,
					  .is_serial = true};
	scene->observer = (struct mig_transaction_observer){.cookie = scene, .told = note};
	scene->request = (struct mig_transaction_request){.kind = MIG_CHANGE_APPLY,
							  .command = "apply",
							  .want = want,
							  .cookie = scene,
							  .observer = &scene->observer};
	scene->wish = "1g.6gb";
	scene->wish_count = 4;
}

static int run(struct scene *scene)
{
	int rc;

	mig_error_free(MIG_TAKE_PTR(scene->err));
	mig_transaction_clear(&scene->out);
	scene->asked = 0;
	rc = mig_transaction_run(&scene->ctx, &scene->request, &scene->out, &scene->err);
	MIG_ASSERT_INT_EQ(rc < 0, scene->err != NULL);
	return rc;
}

static void end(struct scene *scene)
{
	mig_error_free(scene->err);
	mig_transaction_clear(&scene->out);
	fake_free(scene->fake);
}

MIG_TEST(it_ends_as_wanted_and_is_recorded)
{
	struct mig_history history;
	struct scene scene;

	begin(&scene);
	MIG_ASSERT_INT_EQ(run(&scene), 0);
	MIG_ASSERT_STR_EQ(fake_layout(scene.gpu), wished);
	MIG_ASSERT_UINT_EQ(scene.out.number, 1);
	MIG_ASSERT_INT_EQ(scene.out.end, MIG_JOURNAL_DONE);
	MIG_ASSERT_UINT_EQ(followed, 4);
	MIG_ASSERT_INT_EQ(mig_history_read(&scene.ctx, 0, &history, NULL), 0);
	MIG_ASSERT_UINT_EQ(history.count, 1);
	MIG_ASSERT(mig_history_undoable(&history) == history.entries[0]);
	MIG_ASSERT_INT_EQ(history.entries[0]->begin_s, 1700000000);
	MIG_ASSERT_UINT_EQ(history.entries[0]->after.gpus[0].gi_count, 4);
	mig_history_clear(&history);
	/* Again: nothing to do, nothing recorded. */
	scene.fake->change_count = 0;
	MIG_ASSERT_INT_EQ(run(&scene), 0);
	MIG_ASSERT_UINT_EQ(scene.out.number, 0);
	MIG_ASSERT_UINT_EQ(scene.fake->change_count, 0);
	end(&scene);
}

/* Each changing call fails once: the layout is the one before, and a healthy run gets there. */
MIG_TEST(a_failure_anywhere_is_rolled_back)
{
	for (unsigned int nth = 1;; nth++) {
		struct scene scene;

		begin(&scene);
		scene.fake->change_script = (struct fake_script){nth, NVML_ERROR_UNKNOWN};
		if (run(&scene) == 0) {
			MIG_ASSERT(nth > 8);
			end(&scene);
			return;
		}
		MIG_ASSERT_STR_EQ(fake_layout(scene.gpu), before);
		MIG_ASSERT_INT_EQ(mig_error_exit_status(scene.err),
				  nth == 1 ? MIG_EXIT_FAILED : MIG_EXIT_ROLLED_BACK);
		MIG_ASSERT_INT_EQ(scene.out.end, MIG_JOURNAL_ROLLED_BACK);
		MIG_ASSERT_UINT_EQ(followed, 0);
		MIG_ASSERT_INT_EQ(run(&scene), 0);
		MIG_ASSERT(!scene.out.recovery.was_needed);
		MIG_ASSERT_STR_EQ(fake_layout(scene.gpu), wished);
		end(&scene);
	}
}

MIG_TEST(an_interruption_anywhere_is_rolled_back)
{
	for (unsigned int after = 1;; after++) {
		struct scene scene;

		begin(&scene);
		scene.interrupt_after = after;
		if (run(&scene) == 0) {
			MIG_ASSERT(after > 8);
			end(&scene);
			return;
		}
		MIG_ASSERT_INT_EQ(mig_error_code(scene.err), MIG_ERROR_INTERRUPTED);
		MIG_ASSERT_STR_EQ(fake_layout(scene.gpu), before);
		end(&scene);
	}
}

MIG_TEST(impossible_wishes_are_refused_before_anything)
{
	struct scene scene;

	begin(&scene);
	scene.wish_count = 5;
	MIG_ASSERT_INT_EQ(run(&scene), -1);
	MIG_ASSERT_INT_EQ(mig_error_code(scene.err), MIG_ERROR_REFUSED);
	scene.wish = "9g.90gb";
	MIG_ASSERT_INT_EQ(run(&scene), -1);
	MIG_ASSERT_UINT_EQ(scene.fake->change_count, 0);
	MIG_ASSERT_STR_EQ(fake_layout(scene.gpu), before);
	end(&scene);
}

/* ---- those in the way --------------------------------------------------------------------------- */

MIG_TEST(a_holder_in_the_way_is_named_and_nothing_is_changed)
{
	struct scene scene;

	begin(&scene);
	held_looks = 1;
	MIG_ASSERT_INT_EQ(run(&scene), -1);
	MIG_ASSERT_INT_EQ(mig_error_code(scene.err), MIG_ERROR_IN_USE);
	MIG_ASSERT_CONTAINS(mig_error_message(scene.err),
			    "2g.12gb at 0:2 of GPU 0 is held by reservation");
	MIG_ASSERT_CONTAINS(mig_error_message(scene.err), "job 7");
	MIG_ASSERT_UINT_EQ(scene.fake->change_count, 0);
	end(&scene);
}

MIG_TEST(waiting_ends_when_the_holder_does)
{
	struct scene scene;

	begin(&scene);
	held_looks = 3;
	scene.request.wait_ms = MIG_WAIT_FOR_EVER;
	MIG_ASSERT_INT_EQ(run(&scene), 0);
	MIG_ASSERT_STR_EQ(fake_layout(scene.gpu), wished);
	/* Said once, though it was looked three times. */
	MIG_ASSERT_STR_EQ(scene.told,
			  "waiting: 2g.12gb at 0:2 of GPU 0 is held by reservation job 7\n");
	end(&scene);
}

MIG_TEST(waiting_has_an_end)
{
	struct scene scene;

	begin(&scene);
	held_looks = 1000000;
	scene.request.wait_ms = 5000;
	MIG_ASSERT_INT_EQ(run(&scene), -1);
	MIG_ASSERT_INT_EQ(mig_error_code(scene.err), MIG_ERROR_IN_USE);
	MIG_ASSERT(scene.now_ns >= UINT64_C(5000000000) && scene.now_ns < UINT64_C(6000000000));
	MIG_ASSERT_UINT_EQ(scene.fake->change_count, 0);
	end(&scene);
}

MIG_TEST(a_signal_ends_the_waiting)
{
	struct scene scene;

	begin(&scene);
	held_looks = 1000000;
	scene.request.wait_ms = MIG_WAIT_FOR_EVER;
	scene.interrupt_after = 20;
	MIG_ASSERT_INT_EQ(run(&scene), -1);
	MIG_ASSERT_INT_EQ(mig_error_code(scene.err), MIG_ERROR_INTERRUPTED);
	MIG_ASSERT_INT_EQ(mig_error_changed(scene.err), MIG_CHANGED_NONE);
	end(&scene);
}

MIG_TEST(a_provider_that_cannot_say_is_a_refusal)
{
	struct scene scene;

	begin(&scene);
	provider_fails = true;
	MIG_ASSERT_INT_EQ(run(&scene), -1);
	MIG_ASSERT_CONTAINS(mig_error_message(scene.err),
			    "the list of reservations cannot be read");
	MIG_ASSERT_UINT_EQ(scene.fake->change_count, 0);
	end(&scene);
}

MIG_TEST(in_use_for_a_moment_is_tried_again)
{
	struct scene scene;

	begin(&scene);
	scene.ctx.in_use_retries = 3;
	scene.fake->change_script = (struct fake_script){1, NVML_ERROR_IN_USE};
	MIG_ASSERT_INT_EQ(run(&scene), 0);
	MIG_ASSERT_STR_EQ(fake_layout(scene.gpu), wished);
	end(&scene);
}

/* ---- what follows ------------------------------------------------------------------------------- */

MIG_TEST(an_action_that_fails_is_a_warning_and_the_change_stands)
{
	struct scene scene;

	begin(&scene);
	follower_fails = true;
	MIG_ASSERT_INT_EQ(run(&scene), 0);
	MIG_ASSERT(scene.out.is_failed_after);
	MIG_ASSERT_CONTAINS(scene.told, "a file of the tests failed: no space");
	MIG_ASSERT_STR_EQ(fake_layout(scene.gpu), wished);
	end(&scene);
}

/* ---- hooks -------------------------------------------------------------------------------------- */

/* A hook that appends its word to a file, and then fails if it is to. */
static struct mig_hook make_hook(const char *word, int status)
{
	struct mig_hook hook = {.command = strdup("/bin/sh")};

	hook.args = calloc(3, sizeof(char *));
	hook.args[0] = strdup("-c");
	hook.args[1] =
		mig_asprintf("echo %s $WHO >> %s; exit %d", word, mig_test_path("hooks"), status);
	hook.envs = calloc(2, sizeof(char *));
	hook.envs[0] = strdup("WHO=me");
	return hook;
}

static struct mig_hooks *make_hooks(enum mig_hook_point failing)
{
	struct mig_hooks *hooks = calloc(1, sizeof(*hooks));

	hooks->source = strdup("hooks.yaml");
	for (unsigned int point = 0; point < MIG_HOOK_POINT_COUNT; point++) {
		hooks->at[point].count = 1;
		hooks->at[point].hooks = calloc(1, sizeof(struct mig_hook));
		hooks->at[point].hooks[0] = make_hook(
			mig_hook_point_name((enum mig_hook_point)point), point == failing ? 3 : 0);
	}
	return hooks;
}

static void check_hooks(const char *wanted)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(4096);

	MIG_ASSERT_INT_EQ(mig_file_read(mig_test_path("hooks"), &text, NULL), 0);
	MIG_ASSERT_STR_EQ(mig_buf_text(&text), wanted);
}

MIG_TEST(hooks_run_in_order)
{
	static const char *const extra[] = {"WHO=extra", NULL};
	_cleanup_hooks_ struct mig_hooks *hooks = make_hooks(MIG_HOOK_POINT_COUNT);
	struct scene scene;

	begin(&scene);
	scene.request.hooks = hooks;
	scene.request.hook_envs = extra;
	MIG_ASSERT_INT_EQ(run(&scene), 0);
	check_hooks("apply-start extra\npre-apply-config extra\napply-exit extra\n");
	end(&scene);
}

MIG_TEST(a_start_hook_that_fails_stops_all)
{
	_cleanup_hooks_ struct mig_hooks *hooks = make_hooks(MIG_HOOK_APPLY_START);
	struct scene scene;

	begin(&scene);
	scene.request.hooks = hooks;
	MIG_ASSERT_INT_EQ(run(&scene), -1);
	MIG_ASSERT_CONTAINS(mig_error_message(scene.err),
			    "hook apply-start: '/bin/sh' failed: exit status 3");
	check_hooks("apply-start me\n");
	MIG_ASSERT_UINT_EQ(scene.fake->change_count, 0);
	end(&scene);
}

MIG_TEST(the_exit_hook_runs_after_a_failure)
{
	_cleanup_hooks_ struct mig_hooks *hooks = make_hooks(MIG_HOOK_APPLY_EXIT);
	struct scene scene;

	begin(&scene);
	scene.request.hooks = hooks;
	scene.fake->change_script = (struct fake_script){4, NVML_ERROR_UNKNOWN};
	MIG_ASSERT_INT_EQ(run(&scene), -1);
	MIG_ASSERT_INT_EQ(mig_error_exit_status(scene.err), MIG_EXIT_ROLLED_BACK);
	check_hooks("apply-start me\npre-apply-config me\napply-exit me\n");
	MIG_ASSERT_CONTAINS(scene.told, "hook apply-exit");
	MIG_ASSERT_STR_EQ(fake_layout(scene.gpu), before);
	end(&scene);
}

MIG_TEST(no_hook_runs_for_what_is_impossible)
{
	_cleanup_hooks_ struct mig_hooks *hooks = make_hooks(MIG_HOOK_POINT_COUNT);
	struct scene scene;

	begin(&scene);
	scene.request.hooks = hooks;
	scene.wish_count = 5;
	MIG_ASSERT_INT_EQ(run(&scene), -1);
	MIG_ASSERT_INT_EQ(access(mig_test_path("hooks"), F_OK), -1);
	end(&scene);
}

/* ---- the mode and resets ------------------------------------------------------------------------- */

static unsigned int resets;
static int reset_code;

static int reset(void *cookie, const struct mig_context *ctx, const char *const *uuids,
		 unsigned int count, struct mig_error **err)
{
	struct fake_gpu *gpu = cookie;

	(void)ctx;
	resets++;
	/* NVML keeps GPUs open, and who has a GPU open keeps it from being reset. */
	MIG_ASSERT(gpu->driver->is_shut_down);
	MIG_ASSERT_UINT_EQ(count, 1);
	MIG_ASSERT_STR_EQ(uuids[0], gpu->uuid);
	if (reset_code != 0)
		return mig_error_set(err, MIG_ERROR_FAILED, "a process uses it");
	gpu->current = gpu->pending;
	return 0;
}

static void begin_pending(struct scene *scene, struct mig_reset_port *port)
{
	begin(scene);
	resets = 0;
	reset_code = 0;
	scene->gpu->mode_change = FAKE_MODE_PENDING;
	port->cookie = scene->gpu;
	port->reset = reset;
	scene->wish = NULL;
}

MIG_TEST(a_mode_that_needs_a_reset_gets_one)
{
	struct mig_reset_port port;
	struct scene scene;

	begin_pending(&scene, &port);
	scene.ctx.reset_port = &port;
	MIG_ASSERT_INT_EQ(run(&scene), 0);
	MIG_ASSERT_UINT_EQ(resets, 1);
	MIG_ASSERT(!scene.gpu->current && !scene.gpu->pending);
	MIG_ASSERT_CONTAINS(scene.told, "resetting GPU 0");
	end(&scene);
}

MIG_TEST(a_reset_that_fails_is_rolled_back)
{
	struct mig_reset_port port;
	struct scene scene;

	begin_pending(&scene, &port);
	scene.ctx.reset_port = &port;
	reset_code = 1;
	MIG_ASSERT_INT_EQ(run(&scene), -1);
	MIG_ASSERT_INT_EQ(mig_error_exit_status(scene.err), MIG_EXIT_ROLLED_BACK);
	MIG_ASSERT_CONTAINS(mig_error_message(scene.err), "a process uses it");
	MIG_ASSERT(scene.gpu->current && scene.gpu->pending);
	MIG_ASSERT_STR_EQ(fake_layout(scene.gpu), before);
	end(&scene);
}

MIG_TEST(without_a_reset_port_it_stays_pending_and_is_not_rolled_back)
{
	struct mig_reset_port port;
	struct scene scene;

	begin_pending(&scene, &port);
	MIG_ASSERT_INT_EQ(run(&scene), -1);
	MIG_ASSERT_INT_EQ(mig_error_exit_status(scene.err), MIG_EXIT_PARTIAL);
	MIG_ASSERT_INT_EQ(scene.out.end, MIG_JOURNAL_PENDING);
	MIG_ASSERT(scene.gpu->current && !scene.gpu->pending);
	end(&scene);
}
