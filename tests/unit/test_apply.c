/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Executing a plan on a driver that fails wherever it can. What is reported is compared with what
 * the driver really did.
 */
#include "core/apply.h"

#include <stdlib.h>
#include <string.h>

#include "core/holders.h"
#include "tests/harness/test.h"
#include "tests/unit/fake_driver.h"

#define RESULTS_MAX 64

static const struct mig_holder_provider *const providers[] = {&mig_holder_processes, NULL};

/* A node, its plan, and what came of it. */
struct scene {
	struct fake_driver *fake;
	struct mig_context ctx;
	struct mig_snapshot *snapshot;
	struct mig_target *target;
	struct mig_plan *plan;
	struct mig_op_result results[RESULTS_MAX];
	unsigned int told;
	struct mig_error *err;
};

static void scene_begin(struct scene *scene)
{
	memset(scene, 0, sizeof(*scene));
	scene->fake = fake_new();
	scene->ctx.driver = &scene->fake->driver;
	scene->ctx.host_root = "";
	scene->ctx.holder_providers = providers;
	/* The scripted driver counts calls: one GPU after the other. */
	scene->ctx.is_serial = true;
}

static void scene_read(struct scene *scene)
{
	MIG_ASSERT_INT_EQ(
		mig_snapshot_read(&scene->ctx, MIG_SNAPSHOT_HOLDERS, &scene->snapshot, NULL), 0);
	scene->target = mig_target_new(scene->snapshot, NULL);
	MIG_ASSERT(scene->target != NULL);
}

static void scene_want(struct scene *scene, unsigned int gpu, const char *name, unsigned int count)
{
	unsigned int gi_row, ci_row;

	scene->target->gpus[gpu].is_named = true;
	scene->target->gpus[gpu].mig_mode = true;
	MIG_ASSERT_INT_EQ(mig_facts_find(scene->snapshot->gpus[gpu].facts, name, &gi_row, &ci_row),
			  0);
	MIG_ASSERT_INT_EQ(mig_target_add(&scene->target->gpus[gpu], gi_row, ci_row, count, NULL),
			  0);
}

static void note_progress(void *cookie, const struct mig_plan *plan, unsigned int op_number,
			  const struct mig_op_result *result)
{
	struct scene *scene = cookie;

	MIG_ASSERT(plan == scene->plan);
	/* Operations of a GPU that waits for its mode are passed over. */
	MIG_ASSERT(op_number >= scene->told);
	MIG_ASSERT(result == &scene->results[op_number]);
	scene->told = op_number + 1;
}

static int scene_apply(struct scene *scene)
{
	const struct mig_apply_observer observer = {.cookie = scene, .after = note_progress};
	int rc;

	MIG_ASSERT_INT_EQ(mig_plan_make(scene->snapshot, scene->target, &scene->plan, NULL), 0);
	MIG_ASSERT(scene->plan->op_count <= RESULTS_MAX);
	memset(scene->results, 0xaa, sizeof(scene->results));
	rc = mig_apply_execute(&scene->ctx, scene->snapshot, scene->plan, MIG_APPLY_CHECK_HOLDERS,
			       &observer, scene->results, &scene->err);
	MIG_ASSERT((rc < 0) == (scene->err != NULL));
	return rc;
}

static void scene_end(struct scene *scene)
{
	mig_error_free(scene->err);
	mig_plan_free(scene->plan);
	mig_target_free(scene->target);
	mig_snapshot_free(scene->snapshot);
	fake_free(scene->fake);
}

/* From one layout to another on GPU 0, with one thing that stays: eleven operations. */
static void scene_rebuild(struct scene *scene)
{
	struct fake_gpu *gpu;

	scene_begin(scene);
	gpu = fake_add_a100(scene->fake);
	fake_put(gpu, "3g.20gb", 4);
	fake_put_ci(fake_put_gi(gpu, "2g.10gb", 0), 1, 1);
	fake_put(gpu, "1g.5gb", 2);
	scene_read(scene);
	scene_want(scene, 0, "3g.20gb", 1);
	scene_want(scene, 0, "1c.4g.20gb", 2);
	scene_want(scene, 0, "2c.4g.20gb", 1);
}

static const char before[] = "2g.10gb@0[1c@1] 1g.5gb@2[1c@0] 3g.20gb@4[3c@0]";

MIG_TEST(apply_does_what_the_plan_says)
{
	struct scene scene;

	scene_rebuild(&scene);
	MIG_ASSERT_STR_EQ(fake_layout(&scene.fake->gpus[0]), before);
	MIG_ASSERT_INT_EQ(scene_apply(&scene), 0);
	MIG_ASSERT_UINT_EQ(scene.plan->op_count, 8);
	MIG_ASSERT_UINT_EQ(scene.fake->change_count, 8);
	MIG_ASSERT_UINT_EQ(scene.told, 8);
	MIG_ASSERT_UINT_EQ(scene.fake->gpus[0].gi[1].id, 4); /* made with an id never seen before */
	for (unsigned int i = 0; i < 8; i++) {
		MIG_ASSERT_INT_EQ(scene.results[i].outcome, MIG_OP_DONE);
		MIG_ASSERT_INT_EQ(scene.results[i].nvml_code, MIG_NVML_CODE_NONE);
	}
	MIG_ASSERT_STR_EQ(scene.results[4].uuid, "");
	for (unsigned int i = 5; i < 8; i++)
		MIG_ASSERT_CONTAINS(scene.results[i].uuid, "MIG-fake-0-4g.20gb-0-");
	scene_end(&scene);
}

MIG_TEST(apply_reaches_the_layout_and_keeps_what_stays)
{
	struct scene scene;
	unsigned int kept;

	scene_rebuild(&scene);
	kept = scene.fake->gpus[0].gi[0].id;
	MIG_ASSERT_INT_EQ(scene_apply(&scene), 0);
	/* By which of its starts each compute instance lies is the search's business. */
	MIG_ASSERT_CONTAINS(fake_layout(&scene.fake->gpus[0]), "] 3g.20gb@4[3c@0]");
	MIG_ASSERT_UINT_EQ(strlen(fake_layout(&scene.fake->gpus[0])),
			   strlen("4g.20gb@0[1c@0 1c@1 2c@2] 3g.20gb@4[3c@0]"));
	MIG_ASSERT_UINT_EQ(scene.fake->gpus[0].gi[0].id, kept);
	for (unsigned int i = 0; i < scene.fake->change_count; i++)
		MIG_ASSERT_MSG(strstr(scene.fake->changes[i], "3g.20gb") == NULL, "touched: %s",
			       scene.fake->changes[i]);
	scene_end(&scene);
}

/* Of several that are alike, the one that is meant goes. */
MIG_TEST(apply_destroys_the_right_one_of_equal_instances)
{
	struct scene scene;
	struct fake_gpu *gpu;
	struct fake_gi *three;

	scene_begin(&scene);
	gpu = fake_add_a100(scene.fake);
	three = fake_put_gi(gpu, "3g.20gb", 4);
	fake_put_ci(three, 1, 2);
	fake_put_ci(three, 1, 0);
	fake_put_ci(three, 1, 1);
	scene_read(&scene);
	scene_want(&scene, 0, "1c.3g.20gb", 1);
	scene_want(&scene, 0, "2c.3g.20gb", 1); /* lies at 0 only, so the one at 2 stays */
	MIG_ASSERT_INT_EQ(scene_apply(&scene), 0);
	MIG_ASSERT_STR_EQ(fake_layout(gpu), "3g.20gb@4[2c@0 1c@2]");
	scene_end(&scene);

	scene_begin(&scene);
	gpu = fake_add_a100(scene.fake);
	fake_put(gpu, "1g.5gb", 4);
	fake_put(gpu, "1g.5gb", 0);
	fake_put(gpu, "1g.5gb", 2);
	scene_read(&scene);
	scene_want(&scene, 0, "1g.5gb", 1);
	scene_want(&scene, 0, "4g.20gb", 1); /* lies at 0 only, so the one at 4 stays */
	MIG_ASSERT_INT_EQ(scene_apply(&scene), 0);
	MIG_ASSERT_STR_EQ(fake_layout(gpu), "4g.20gb@0[4c@0] 1g.5gb@4[1c@0]");
	scene_end(&scene);
}

MIG_TEST(apply_twice_changes_nothing)
{
	struct scene scene;
	struct mig_plan *again = NULL;
	struct mig_snapshot *snapshot = NULL;

	scene_rebuild(&scene);
	MIG_ASSERT_INT_EQ(scene_apply(&scene), 0);
	MIG_ASSERT_INT_EQ(mig_snapshot_read(&scene.ctx, MIG_SNAPSHOT_HOLDERS, &snapshot, NULL), 0);
	MIG_ASSERT_INT_EQ(mig_plan_make(snapshot, scene.target, &again, NULL), 0);
	MIG_ASSERT_UINT_EQ(again->op_count, 0);
	mig_plan_free(again);
	mig_snapshot_free(snapshot);
	scene_end(&scene);
}

/* Whichever changing call fails, with whatever code: it stops there, and says what is what. */
MIG_TEST(apply_stops_at_the_first_failure_and_tells_the_truth)
{
	static const nvmlReturn_t codes[] = {
		NVML_ERROR_UNINITIALIZED,
		NVML_ERROR_INVALID_ARGUMENT,
		NVML_ERROR_NOT_SUPPORTED,
		NVML_ERROR_NO_PERMISSION,
		NVML_ERROR_NOT_FOUND,
		NVML_ERROR_TIMEOUT,
		NVML_ERROR_GPU_IS_LOST,
		NVML_ERROR_IN_USE,
		NVML_ERROR_INSUFFICIENT_RESOURCES,
		NVML_ERROR_UNKNOWN,
		12345,
	};

	for (size_t c = 0; c < MIG_ARRAY_SIZE(codes); c++) {
		for (unsigned int nth = 1; nth <= 8; nth++) {
			struct scene scene;
			enum mig_exit status = MIG_EXIT_FAILED;

			scene_rebuild(&scene);
			scene.fake->change_script = (struct fake_script){nth, codes[c]};
			MIG_ASSERT_INT_EQ(scene_apply(&scene), -1);
			MIG_ASSERT_UINT_EQ(scene.fake->change_count, nth);
			MIG_ASSERT_UINT_EQ(scene.told, nth);
			for (unsigned int i = 0; i < 8; i++) {
				const struct mig_op_result *result = &scene.results[i];

				MIG_ASSERT_INT_EQ(result->outcome, i + 1 < nth ? MIG_OP_DONE
								   : i + 1 == nth
									   ? MIG_OP_FAILED
									   : MIG_OP_NOT_STARTED);
				MIG_ASSERT_INT_EQ(result->nvml_code, i + 1 == nth
									     ? (int)codes[c]
									     : MIG_NVML_CODE_NONE);
			}
			MIG_ASSERT_INT_EQ(mig_error_changed(scene.err),
					  nth == 1 ? MIG_CHANGED_NONE : MIG_CHANGED_PARTIAL);
			MIG_ASSERT_INT_EQ(mig_error_nvml(scene.err), codes[c]);
			if (codes[c] == NVML_ERROR_IN_USE)
				status = MIG_EXIT_IN_USE;
			else if (codes[c] == NVML_ERROR_NO_PERMISSION)
				status = MIG_EXIT_NO_PERMISSION;
			else if (codes[c] == NVML_ERROR_UNINITIALIZED)
				status = mig_error_exit_status(scene.err); /* not said anywhere */
			MIG_ASSERT_INT_EQ(mig_error_exit_status(scene.err),
					  nth == 1 ? status : MIG_EXIT_PARTIAL);
			MIG_ASSERT_CONTAINS(mig_error_message(scene.err), "GPU 0: ");
			if (nth == 1)
				MIG_ASSERT_STR_EQ(fake_layout(&scene.fake->gpus[0]), before);
			scene_end(&scene);
		}
	}
}

/* As above for the reading calls in between. */
MIG_TEST(apply_stops_when_it_cannot_read)
{
	static const enum mig_nvml_symbol symbols[] = {
		MIG_NVML_SYM_nvmlDeviceGetGpuInstances,
		MIG_NVML_SYM_nvmlGpuInstanceGetInfo,
		MIG_NVML_SYM_nvmlGpuInstanceGetComputeInstances,
		MIG_NVML_SYM_nvmlComputeInstanceGetInfo_v2,
	};

	for (size_t s = 0; s < MIG_ARRAY_SIZE(symbols); s++) {
		unsigned int failures = 0;

		for (unsigned int nth = 1; nth < 40; nth++) {
			struct scene scene;
			unsigned int done = 0;

			scene_rebuild(&scene);
			memset(scene.fake->calls, 0, sizeof(scene.fake->calls));
			scene.fake->script[symbols[s]] =
				(struct fake_script){nth, NVML_ERROR_GPU_IS_LOST};
			if (scene_apply(&scene) == 0) {
				/* The UUID of a new device is worth no failure. */
				scene_end(&scene);
				continue;
			}
			failures++;
			MIG_ASSERT_INT_EQ(mig_error_nvml(scene.err), NVML_ERROR_GPU_IS_LOST);
			while (scene.results[done].outcome == MIG_OP_DONE)
				done++;
			MIG_ASSERT_UINT_EQ(done, scene.fake->change_count);
			MIG_ASSERT_INT_EQ(scene.results[done].outcome, MIG_OP_FAILED);
			MIG_ASSERT_INT_EQ(mig_error_changed(scene.err),
					  done == 0 ? MIG_CHANGED_NONE : MIG_CHANGED_PARTIAL);
			scene_end(&scene);
		}
		MIG_ASSERT(failures > 0);
	}
}

/* ---- holders ----------------------------------------------------------------------------------- */

MIG_TEST(apply_refuses_what_is_held_before_the_first_change)
{
	struct scene scene;
	struct fake_gpu *gpu;

	scene_begin(&scene);
	gpu = fake_add_a100(scene.fake);
	fake_put(gpu, "1g.5gb", 0);
	fake_put_process(&fake_put(gpu, "2g.10gb", 2)->ci[0], 4194305);
	scene_read(&scene);
	scene_want(&scene, 0, "4g.20gb", 1);
	MIG_ASSERT_INT_EQ(scene_apply(&scene), -1);
	MIG_ASSERT_STR_EQ(mig_error_message(scene.err),
			  "what has to go is in use: 2g.10gb at 2:2 of GPU 0 is held by process "
			  "4194305");
	MIG_ASSERT_INT_EQ(mig_error_exit_status(scene.err), MIG_EXIT_IN_USE);
	MIG_ASSERT_UINT_EQ(scene.fake->change_count, 0);
	MIG_ASSERT_UINT_EQ(scene.told, 0);
	for (unsigned int i = 0; i < scene.plan->op_count; i++)
		MIG_ASSERT_INT_EQ(scene.results[i].outcome, MIG_OP_NOT_STARTED);
	scene_end(&scene);
}

MIG_TEST(apply_is_not_stopped_by_who_holds_what_stays)
{
	struct scene scene;
	struct fake_gpu *gpu;

	scene_begin(&scene);
	gpu = fake_add_a100(scene.fake);
	fake_put_process(&fake_put(gpu, "1g.5gb", 0)->ci[0], 4194305);
	scene_read(&scene);
	scene_want(&scene, 0, "1g.5gb", 2);
	MIG_ASSERT_INT_EQ(scene_apply(&scene), 0);
	MIG_ASSERT_STR_EQ(fake_layout(gpu), "1g.5gb@0[1c@0] 1g.5gb@1[1c@0]");
	scene_end(&scene);
}

/* A process that came after the snapshot: the driver says so. */
MIG_TEST(apply_says_in_use_when_the_driver_does)
{
	struct scene scene;

	scene_rebuild(&scene);
	scene.fake->change_script = (struct fake_script){1, NVML_ERROR_IN_USE};
	MIG_ASSERT_INT_EQ(scene_apply(&scene), -1);
	MIG_ASSERT_INT_EQ(mig_error_exit_status(scene.err), MIG_EXIT_IN_USE);
	MIG_ASSERT_CONTAINS(mig_error_message(scene.err),
			    "GPU 0: destroy compute instance 1c.2g.10gb at 1:1");
	MIG_ASSERT_CONTAINS(mig_error_hint_text(scene.err), "somebody uses it");
	scene_end(&scene);
}

/* ---- others change the GPU meanwhile ------------------------------------------------------------ */

MIG_TEST(apply_notices_an_instance_that_vanished)
{
	struct scene scene;

	scene_rebuild(&scene);
	scene.fake->gpus[0].gi[1].used = false; /* the 2g */
	MIG_ASSERT_INT_EQ(scene_apply(&scene), -1);
	MIG_ASSERT_CONTAINS(mig_error_message(scene.err),
			    "GPU 0: the GPU instance at 0:2 is not there any more");
	MIG_ASSERT_CONTAINS(mig_error_hint_text(scene.err), "run the same command again");
	MIG_ASSERT_UINT_EQ(scene.fake->change_count, 0);
	MIG_ASSERT_INT_EQ(mig_error_changed(scene.err), MIG_CHANGED_NONE);
	scene_end(&scene);
	scene_rebuild(&scene);
	scene.fake->gpus[0].gi[1].ci[0].used = false;
	MIG_ASSERT_INT_EQ(scene_apply(&scene), -1);
	MIG_ASSERT_CONTAINS(mig_error_message(scene.err),
			    "GPU 0: the compute instance at 1:1 is not there any more");
	scene_end(&scene);
}

/* Somebody made the same instances anew: other ids, other handles, the same places. */
static void renumber(struct fake_driver *fake, unsigned int nth)
{
	struct fake_gpu *gpu = &fake->gpus[0];

	(void)nth;
	for (unsigned int i = 0; i < FAKE_GI; i++) {
		if (gpu->gi[i].used)
			gpu->gi[i].id += 1000;
	}
}

MIG_TEST(apply_goes_by_placement_and_not_by_id)
{
	struct scene scene;

	scene_rebuild(&scene);
	scene.fake->before_change = renumber;
	MIG_ASSERT_INT_EQ(scene_apply(&scene), 0);
	MIG_ASSERT_UINT_EQ(strlen(fake_layout(&scene.fake->gpus[0])),
			   strlen("4g.20gb@0[1c@0 1c@1 2c@2] 3g.20gb@4[3c@0]"));
	scene_end(&scene);
}

/* An instance that nobody planned for appears where the new one shall go. */
static void intrude(struct fake_driver *fake, unsigned int nth)
{
	if (nth == 5)
		fake_put(&fake->gpus[0], "1g.5gb", 1);
}

MIG_TEST(apply_never_destroys_what_is_not_in_the_plan)
{
	struct scene scene;

	scene_rebuild(&scene);
	scene.fake->before_change = intrude;
	MIG_ASSERT_INT_EQ(scene_apply(&scene), -1);
	MIG_ASSERT_INT_EQ(mig_error_exit_status(scene.err), MIG_EXIT_PARTIAL);
	MIG_ASSERT_INT_EQ(mig_error_nvml(scene.err), NVML_ERROR_INSUFFICIENT_RESOURCES);
	MIG_ASSERT_STR_EQ(fake_layout(&scene.fake->gpus[0]), "1g.5gb@1[1c@0] 3g.20gb@4[3c@0]");
	scene_end(&scene);
}

/* ---- MIG mode ----------------------------------------------------------------------------------- */

static void scene_mode(struct scene *scene, enum fake_mode mode_change)
{
	struct fake_gpu *gpu;

	scene_begin(scene);
	for (unsigned int i = 0; i < 2; i++) {
		gpu = fake_add_a100(scene->fake);
		gpu->current = gpu->pending = false;
		gpu->mode_change = mode_change;
	}
	scene_read(scene);
	scene_want(scene, 0, "7g.40gb", 1);
	scene_want(scene, 1, "7g.40gb", 1);
}

MIG_TEST(apply_turns_mig_on_and_goes_on)
{
	struct scene scene;

	scene_mode(&scene, FAKE_MODE_IMMEDIATE);
	MIG_ASSERT_INT_EQ(scene_apply(&scene), 0);
	for (unsigned int i = 0; i < 2; i++) {
		MIG_ASSERT(scene.fake->gpus[i].current);
		MIG_ASSERT_STR_EQ(fake_layout(&scene.fake->gpus[i]), "7g.40gb@0[7c@0]");
	}
	scene_end(&scene);
}

/* ---- plans from the tables (470 and 535 with MIG off) ----------------------------------------- */

static struct fake_gpu *scene_silent_gpu(struct scene *scene)
{
	struct fake_gpu *gpu;

	scene_begin(scene);
	gpu = fake_add_a100(scene->fake);
	gpu->current = gpu->pending = false;
	gpu->off_has_profiles = false;
	return gpu;
}

MIG_TEST(apply_of_a_plan_from_the_tables_asks_the_driver_once_mig_is_on)
{
	struct scene scene;
	struct fake_gpu *gpu = scene_silent_gpu(&scene);

	scene_read(&scene);
	scene_want(&scene, 0, "4g.20gb", 1);
	scene_want(&scene, 0, "1g.5gb", 2);
	MIG_ASSERT_INT_EQ(scene_apply(&scene), 0);
	MIG_ASSERT(gpu->current);
	MIG_ASSERT_CONTAINS(fake_layout(gpu), "4g.20gb@0[4c@0]");
	scene_end(&scene);
}

/* On this GPU the slices lie in the other half: what the tables say of 4g.20gb is not true. */
MIG_TEST(apply_turns_the_mode_back_when_the_driver_contradicts_the_tables)
{
	struct scene scene;
	struct fake_gpu *gpu = scene_silent_gpu(&scene);

	gpu->profiles = fake_a100_swapped;
	gpu->profile_count = fake_a100_swapped_count;
	scene_read(&scene);
	scene_want(&scene, 0, "4g.20gb", 1);
	MIG_ASSERT_INT_EQ(scene_apply(&scene), -1);
	MIG_ASSERT_CONTAINS(mig_error_message(scene.err), "GPU 0: the driver");
	MIG_ASSERT_CONTAINS(mig_error_message(scene.err), "has no '4g.20gb' at 0:4");
	MIG_ASSERT_CONTAINS(mig_error_hint_text(scene.err), "MIG mode was turned back");
	MIG_ASSERT_INT_EQ(mig_error_changed(scene.err), MIG_CHANGED_ROLLED_BACK);
	MIG_ASSERT_INT_EQ(mig_error_exit_status(scene.err), MIG_EXIT_ROLLED_BACK);
	MIG_ASSERT(!gpu->current && !gpu->pending);
	MIG_ASSERT_UINT_EQ(scene.fake->calls[MIG_NVML_SYM_nvmlDeviceCreateGpuInstanceWithPlacement],
			   0);
	scene_end(&scene);
}

MIG_TEST(apply_says_when_the_mode_cannot_be_turned_back)
{
	struct scene scene;
	struct fake_gpu *gpu = scene_silent_gpu(&scene);

	gpu->profiles = fake_a100_swapped;
	gpu->profile_count = fake_a100_swapped_count;
	scene_read(&scene);
	scene_want(&scene, 0, "4g.20gb", 1);
	scene.fake->script[MIG_NVML_SYM_nvmlDeviceSetMigMode] =
		(struct fake_script){2, NVML_ERROR_IN_USE};
	MIG_ASSERT_INT_EQ(scene_apply(&scene), -1);
	MIG_ASSERT_CONTAINS(mig_error_hint_text(scene.err), "could not be turned back");
	MIG_ASSERT_CONTAINS(mig_error_hint_text(scene.err), "NVML_ERROR_IN_USE");
	MIG_ASSERT_INT_EQ(mig_error_changed(scene.err), MIG_CHANGED_PARTIAL);
	MIG_ASSERT(gpu->current);
	scene_end(&scene);
}

MIG_TEST(apply_turns_the_mode_back_when_the_driver_cannot_be_asked)
{
	struct scene scene;
	struct fake_gpu *gpu = scene_silent_gpu(&scene);

	scene_read(&scene);
	scene_want(&scene, 0, "1g.5gb", 1);
	scene.fake->script[MIG_NVML_SYM_nvmlDeviceGetGpuInstancePossiblePlacements_v2] =
		(struct fake_script){1, NVML_ERROR_UNKNOWN};
	MIG_ASSERT_INT_EQ(scene_apply(&scene), -1);
	MIG_ASSERT_CONTAINS(mig_error_message(scene.err), "cannot read the placements");
	MIG_ASSERT_INT_EQ(mig_error_changed(scene.err), MIG_CHANGED_ROLLED_BACK);
	MIG_ASSERT(!gpu->current);
	scene_end(&scene);
}

/* A second GPU that is wrong does not undo the first one, and the error says so. */
MIG_TEST(apply_from_the_tables_is_partial_when_an_earlier_gpu_was_changed)
{
	struct scene scene;
	struct fake_gpu *second;

	scene_silent_gpu(&scene);
	second = fake_add_a100(scene.fake);
	second->current = second->pending = second->off_has_profiles = false;
	second->profiles = fake_a100_swapped;
	second->profile_count = fake_a100_swapped_count;
	scene_read(&scene);
	scene_want(&scene, 0, "4g.20gb", 1);
	scene_want(&scene, 1, "4g.20gb", 1);
	MIG_ASSERT_INT_EQ(scene_apply(&scene), -1);
	MIG_ASSERT_CONTAINS(mig_error_message(scene.err), "GPU 1: the driver");
	MIG_ASSERT_INT_EQ(mig_error_changed(scene.err), MIG_CHANGED_PARTIAL);
	MIG_ASSERT(scene.fake->gpus[0].current && !second->current);
	scene_end(&scene);
}

MIG_TEST(apply_goes_on_with_other_gpus_when_a_mode_change_stays_pending)
{
	for (enum fake_mode mode = FAKE_MODE_PENDING; mode <= FAKE_MODE_IN_USE; mode++) {
		struct scene scene;

		scene_mode(&scene, mode);
		MIG_ASSERT_INT_EQ(scene_apply(&scene), -1);
		MIG_ASSERT_INT_EQ(scene.results[0].outcome, MIG_OP_PENDING);
		MIG_ASSERT_INT_EQ(scene.results[1].outcome, MIG_OP_NOT_STARTED);
		MIG_ASSERT_CONTAINS(
			mig_error_message(scene.err),
			mode == FAKE_MODE_PENDING
				? "GPUs 0,1: MIG mode change is pending: they have to be reset"
				: "GPUs 0,1: MIG mode change is pending: clients use them");
		MIG_ASSERT_CONTAINS(mig_error_hint_text(scene.err),
				    "reset the GPU (nvidia-smi --gpu-reset -i 0,1) or reboot, "
				    "then");
		MIG_ASSERT_INT_EQ(mig_error_exit_status(scene.err), MIG_EXIT_PARTIAL);
		MIG_ASSERT(scene.fake->gpus[0].pending && !scene.fake->gpus[0].current);
		scene_end(&scene);
	}
}

/* The change was accepted; that the mode cannot be read afterwards does not undo it. */
MIG_TEST(apply_says_partial_when_the_mode_was_set_and_cannot_be_read)
{
	struct scene scene;

	scene_mode(&scene, FAKE_MODE_IMMEDIATE);
	scene.fake->script[MIG_NVML_SYM_nvmlDeviceGetMigMode] =
		(struct fake_script){3, NVML_ERROR_GPU_IS_LOST};
	MIG_ASSERT_INT_EQ(scene_apply(&scene), -1);
	MIG_ASSERT(scene.fake->gpus[0].current);
	MIG_ASSERT_INT_EQ(scene.results[0].outcome, MIG_OP_FAILED);
	MIG_ASSERT_INT_EQ(mig_error_changed(scene.err), MIG_CHANGED_PARTIAL);
	MIG_ASSERT_INT_EQ(mig_error_exit_status(scene.err), MIG_EXIT_PARTIAL);
	MIG_ASSERT_CONTAINS(mig_error_message(scene.err),
			    "GPU 0: MIG mode was set to on and cannot be read back");
	scene_end(&scene);
}

MIG_TEST(apply_says_in_use_when_the_mode_cannot_be_changed)
{
	struct scene scene;

	scene_mode(&scene, FAKE_MODE_IMMEDIATE);
	scene.fake->change_script = (struct fake_script){1, NVML_ERROR_IN_USE};
	MIG_ASSERT_INT_EQ(scene_apply(&scene), -1);
	MIG_ASSERT_INT_EQ(mig_error_exit_status(scene.err), MIG_EXIT_IN_USE);
	scene_end(&scene);
}

MIG_TEST(apply_takes_a_pending_change_back)
{
	struct scene scene;
	struct fake_gpu *gpu;

	scene_begin(&scene);
	gpu = fake_add_a100(scene.fake);
	fake_put(gpu, "1g.5gb", 0);
	gpu->pending = false;
	scene_read(&scene);
	scene_want(&scene, 0, "1g.5gb", 1);
	/* A driver that refuses a mode change while there are instances: an error, nothing lost. */
	MIG_ASSERT_INT_EQ(scene_apply(&scene), -1);
	MIG_ASSERT_INT_EQ(mig_error_changed(scene.err), MIG_CHANGED_NONE);
	MIG_ASSERT_STR_EQ(fake_layout(gpu), "1g.5gb@0[1c@0]");
	scene_end(&scene);
	scene_begin(&scene);
	gpu = fake_add_a100(scene.fake);
	gpu->pending = false;
	gpu->mode_change = FAKE_MODE_PENDING;
	scene_read(&scene);
	scene_want(&scene, 0, "1g.5gb", 1);
	MIG_ASSERT_INT_EQ(scene_apply(&scene), 0);
	MIG_ASSERT(gpu->pending);
	MIG_ASSERT_STR_EQ(fake_layout(gpu), "1g.5gb@6[1c@0]");
	scene_end(&scene);
}

/* ---- facts that did not come from the driver ----------------------------------------------------- */

/* A GPU that no table knows, and whose compute profiles are not what the rule says. */
static void scene_unlike_the_rule(struct scene *scene, struct fake_gi_profile *profile)
{
	scene_begin(scene);
	fake_add_gpu(scene->fake, "New GPU", profile, 1);
	scene_read(scene);
	MIG_ASSERT_INT_EQ(scene->snapshot->gpus[0].facts->gi[0].ci_source, MIG_CI_FROM_RULE);
}

MIG_TEST(apply_takes_the_living_driver_s_word_for_compute_profiles)
{
	struct scene scene;
	struct fake_gi_profile profile = fake_a100[2];

	profile.ci[2].id = 77;
	profile.ci[2].size = 4; /* as on H100 */
	scene_unlike_the_rule(&scene, &profile);
	scene_want(&scene, 0, "3g.20gb", 1);
	MIG_ASSERT_INT_EQ(scene_apply(&scene), 0);
	MIG_ASSERT_STR_EQ(fake_layout(&scene.fake->gpus[0]), "3g.20gb@4[3c@0]");
	scene_end(&scene);
}

MIG_TEST(apply_refuses_a_compute_profile_that_the_driver_has_not)
{
	struct scene scene;
	struct fake_gi_profile profile = fake_a100[2];

	profile.ci_count = 1; /* 1c only */
	scene_unlike_the_rule(&scene, &profile);
	scene_want(&scene, 0, "3g.20gb", 1);
	MIG_ASSERT_INT_EQ(scene_apply(&scene), -1);
	MIG_ASSERT_STR_EQ(mig_error_message(scene.err),
			  "GPU 0: the driver has no compute instance profile '3g.20gb' at 0 in a "
			  "'3g.20gb'");
	MIG_ASSERT_INT_EQ(mig_error_exit_status(scene.err), MIG_EXIT_PARTIAL);
	MIG_ASSERT_INT_EQ(scene.results[0].outcome, MIG_OP_DONE);
	MIG_ASSERT_INT_EQ(scene.results[1].outcome, MIG_OP_FAILED);
	scene_end(&scene);
}

MIG_TEST(apply_makes_compute_instances_on_a_driver_without_their_placements)
{
	struct scene scene;

	scene_begin(&scene);
	fake_add_a100(scene.fake);
	fake_make_470(scene.fake);
	scene_read(&scene);
	scene_want(&scene, 0, "1c.3g.20gb", 3);
	MIG_ASSERT_INT_EQ(scene_apply(&scene), 0);
	MIG_ASSERT_STR_EQ(fake_layout(&scene.fake->gpus[0]), "3g.20gb@4[1c@0 1c@1 1c@2]");
	scene_end(&scene);
}

/* ---- UUIDs -------------------------------------------------------------------------------------- */

MIG_TEST(apply_does_not_fail_for_a_uuid)
{
	struct scene scene;

	scene_rebuild(&scene);
	memset(scene.fake->calls, 0, sizeof(scene.fake->calls));
	scene.fake->script[MIG_NVML_SYM_nvmlDeviceGetUUID] =
		(struct fake_script){1, NVML_ERROR_UNKNOWN};
	MIG_ASSERT_INT_EQ(scene_apply(&scene), 0);
	MIG_ASSERT_STR_EQ(scene.results[5].uuid, "");
	MIG_ASSERT_CONTAINS(scene.results[6].uuid, "MIG-fake-0-4g.20gb-0-");
	scene_end(&scene);
}

MIG_TEST(apply_of_a_plan_for_a_gpu_that_is_gone)
{
	struct scene scene;

	scene_rebuild(&scene);
	MIG_ASSERT_INT_EQ(mig_plan_make(scene.snapshot, scene.target, &scene.plan, NULL), 0);
	scene.snapshot->gpus[0].uuid[0] = 'X';
	MIG_ASSERT_INT_EQ(mig_apply_execute(&scene.ctx, scene.snapshot, scene.plan, 0, NULL,
					    scene.results, &scene.err),
			  -1);
	MIG_ASSERT_STR_EQ(mig_error_message(scene.err), "GPU 'GPU-fake-0' is not on this node");
	MIG_ASSERT_UINT_EQ(scene.fake->change_count, 0);
	scene_end(&scene);
}
