/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Eight GPUs changed at the same time, in threads of one process, on the simulated driver: there,
 * and when one of them fails, all back. Also run with the thread sanitizer (.ci/run, stage tsan).
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config/layout_args.h"
#include "config/select.h"
#include "core/transaction.h"
#include "shared/file.h"
#include "tests/conformance/make_node.h"
#include "tests/harness/test.h"

#define ROUNDS 20

struct scene {
	struct mig_driver *driver;
	struct mig_context ctx;
	struct mig_transaction_request request;
	struct mig_transaction_observer observer;
	struct mig_config *config;
	unsigned int begun, ended; /* told by several threads, one at a time */
	unsigned int interrupt_at; /* operations begun; 0: never */
};

static int want(void *cookie, const struct mig_snapshot *snapshot, struct mig_target **target,
		struct mig_error **err)
{
	const struct scene *scene = cookie;

	return mig_config_select(scene->config, mig_config_find(scene->config, NULL, NULL),
				 snapshot, target, err);
}

static void note(void *cookie, const struct mig_plan *plan, unsigned int op_number,
		 const struct mig_op_result *result)
{
	struct scene *scene = cookie;

	MIG_ASSERT(op_number < plan->op_count);
	if (result == NULL)
		scene->begun++;
	else
		scene->ended++;
}

static bool is_interrupted(void *cookie)
{
	const struct scene *scene = cookie;

	return scene->interrupt_at > 0 && scene->begun >= scene->interrupt_at;
}

static void begin(struct scene *scene)
{
	const struct make_node_options options = {.owner_uid = getuid()};
	char why[MIG_SIM_DETAIL_SIZE] = "";
	_cleanup_free_ char *library =
		mig_path_join(mig_test_build_root(), "src/sim/550/libnvidia-ml.so.1");

	memset(scene, 0, sizeof(*scene));
	MIG_ASSERT_MSG(make_node(mig_test_path("node"), "8xa100-sxm4-40gb", &options, why) == 0,
		       "%s", why);
	MIG_ASSERT(mkdir(mig_test_path("node/root"), 0755) == 0);
	MIG_ASSERT(setenv("MIGSIM_NODE", mig_test_path("node"), 1) == 0);
	MIG_ASSERT(mig_driver_open(library, &scene->driver, NULL) == 0);
	MIG_ASSERT(scene->driver->nvmlInitWithFlags(scene->driver, 0) == NVML_SUCCESS);
	scene->ctx = (struct mig_context){.driver = scene->driver,
					  .host_root = mig_test_path("node/root"),
					  .is_interrupted = is_interrupted,
					  .interrupt_cookie = scene};
	scene->observer = (struct mig_transaction_observer){.cookie = scene, .progress = note};
	scene->request = (struct mig_transaction_request){.kind = MIG_CHANGE_APPLY,
							  .command = "apply",
							  .want = want,
							  .cookie = scene,
							  .observer = &scene->observer};
}

static int run(struct scene *scene, const char *layout, struct mig_transaction *out,
	       struct mig_error **err)
{
	char *text = strdup(layout);
	int rc;

	scene->begun = scene->ended = 0;
	mig_config_free(MIG_TAKE_PTR(scene->config));
	MIG_ASSERT(mig_config_from_args(&text, 1, &scene->config, NULL) == 0);
	rc = mig_transaction_run(&scene->ctx, &scene->request, out, err);
	free(text);
	return rc;
}

static void end(struct scene *scene)
{
	mig_config_free(scene->config);
	scene->driver->nvmlShutdown(scene->driver);
#ifndef __SANITIZE_THREAD__ /* which does not survive that instrumented code is unloaded */
	MIG_ASSERT(mig_driver_close(scene->driver) == 0);
#endif
}

MIG_TEST(eight_gpus_at_the_same_time)
{
	struct scene scene;

	begin(&scene);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		struct mig_transaction out;

		MIG_ASSERT_INT_EQ(run(&scene,
				      i % 2 == 0 ? "all=1g.5gb*7" : "all=3g.20gb,2g.10gb,1g.5gb*2",
				      &out, NULL),
				  0);
		MIG_ASSERT(out.plan->op_count >= 8 * 8);
		MIG_ASSERT_UINT_EQ(scene.begun, out.plan->op_count);
		MIG_ASSERT_UINT_EQ(scene.ended, out.plan->op_count);
		for (unsigned int op = 0; op < out.plan->op_count; op++)
			MIG_ASSERT_INT_EQ(out.results[op].outcome, MIG_OP_DONE);
		mig_transaction_clear(&out);
	}
	end(&scene);
}

/* Interrupted at different points: no thread begins another operation, and all of them go back. */
MIG_TEST(eight_gpus_go_back_together)
{
	struct scene scene;

	begin(&scene);
	for (unsigned int at = 1; at < 60; at += 7) {
		_cleanup_error_ struct mig_error *err = NULL;
		struct mig_transaction out;

		scene.interrupt_at = at;
		MIG_ASSERT_INT_EQ(run(&scene, "all=1g.5gb*7", &out, &err), -1);
		MIG_ASSERT_INT_EQ(mig_error_code(err), MIG_ERROR_INTERRUPTED);
		MIG_ASSERT_INT_EQ(mig_error_changed(err), MIG_CHANGED_ROLLED_BACK);
		/* Each of the eight threads may have been past the question once. */
		MIG_ASSERT(scene.begun >= at && scene.begun < at + 8);
		MIG_ASSERT(!out.rollback.after->gpus[0].mig_current);
		mig_transaction_clear(&out);
	}
	end(&scene);
}
