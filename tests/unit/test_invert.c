/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way back: from every point of a transaction, and again from every point of the way back.
 */
#include "core/invert.h"

#include <stdlib.h>
#include <string.h>

#include "core/apply.h"
#include "tests/harness/test.h"
#include "tests/unit/fake_driver.h"

#define OPS_MAX 64

static const char before[] = "2g.10gb@0[1c@1] 1g.5gb@2[1c@0] 3g.20gb@4[3c@0]";

struct scene {
	struct fake_driver *fake;
	struct mig_context ctx;
	struct mig_snapshot *snapshot;
	struct mig_target *target;
	struct mig_plan *plan;
};

static void want(struct scene *scene, const char *name, unsigned int count)
{
	unsigned int gi_row, ci_row;

	MIG_ASSERT_INT_EQ(mig_facts_find(scene->snapshot->gpus[0].facts, name, &gi_row, &ci_row),
			  0);
	MIG_ASSERT_INT_EQ(mig_target_add(&scene->target->gpus[0], gi_row, ci_row, count, NULL), 0);
}

/* From one layout to another on GPU 0, with one thing that stays. */
static void begin(struct scene *scene)
{
	struct fake_gpu *gpu;

	memset(scene, 0, sizeof(*scene));
	scene->fake = fake_new();
	scene->ctx.driver = &scene->fake->driver;
	scene->ctx.host_root = "";
	gpu = fake_add_a100(scene->fake);
	fake_put(gpu, "3g.20gb", 4);
	fake_put_ci(fake_put_gi(gpu, "2g.10gb", 0), 1, 1);
	fake_put(gpu, "1g.5gb", 2);
	MIG_ASSERT_INT_EQ(
		mig_snapshot_read(&scene->ctx, MIG_SNAPSHOT_UUIDS, &scene->snapshot, NULL), 0);
	scene->target = mig_target_new(scene->snapshot, NULL);
	scene->target->gpus[0].is_named = true;
	scene->target->gpus[0].mig_mode = true;
	want(scene, "3g.20gb", 1);
	want(scene, "1c.4g.20gb", 2);
	want(scene, "2c.4g.20gb", 1);
	MIG_ASSERT_INT_EQ(mig_plan_make(scene->snapshot, scene->target, &scene->plan, NULL), 0);
	MIG_ASSERT(scene->plan->op_count > 4 && scene->plan->op_count <= OPS_MAX);
}

static void end(struct scene *scene)
{
	mig_plan_free(scene->plan);
	mig_target_free(scene->target);
	mig_snapshot_free(scene->snapshot);
	fake_free(scene->fake);
}

/* Carries out the first `count` operations of a plan and marks them. */
static void carry_out(struct scene *scene, struct mig_snapshot *snapshot,
		      const struct mig_plan *plan, unsigned int count, bool *is_begun)
{
	for (unsigned int i = 0; i < count && i < plan->op_count; i++) {
		struct mig_op_result result = {.nvml_code = MIG_NVML_CODE_NONE};
		bool is_changed = false;

		MIG_ASSERT_INT_EQ(mig_operation_execute(&scene->ctx, &snapshot->gpus[0], plan, i,
							&result, &is_changed, NULL),
				  0);
		if (is_begun != NULL)
			is_begun[i] = true;
	}
}

/* Goes back at most `count` steps; returns how many there were. */
static unsigned int go_back(struct scene *scene, const bool *is_begun, unsigned int count)
{
	_cleanup_snapshot_ struct mig_snapshot *now = NULL;
	_cleanup_plan_ struct mig_plan *back = NULL;

	MIG_ASSERT_INT_EQ(mig_snapshot_read(&scene->ctx, MIG_SNAPSHOT_UUIDS, &now, NULL), 0);
	MIG_ASSERT_INT_EQ(mig_plan_invert(scene->plan, is_begun, NULL, now, &back, NULL), 0);
	carry_out(scene, now, back, count, NULL);
	return back->op_count;
}

MIG_TEST(back_from_every_point_and_from_every_point_on_the_way_back)
{
	for (unsigned int reached = 0;; reached++) {
		for (unsigned int step = 0;; step++) {
			bool is_begun[OPS_MAX] = {false};
			struct scene scene;
			unsigned int there, op_count;

			begin(&scene);
			op_count = scene.plan->op_count;
			carry_out(&scene, scene.snapshot, scene.plan, reached, is_begun);
			there = go_back(&scene, is_begun, step);
			go_back(&scene, is_begun, OPS_MAX);
			MIG_ASSERT_STR_EQ(fake_layout(&scene.fake->gpus[0]), before);
			MIG_ASSERT_UINT_EQ(go_back(&scene, is_begun, OPS_MAX), 0);
			end(&scene);
			if (step >= there && reached < op_count)
				break;
			if (step >= there)
				return;
		}
	}
}

/* An intent whose operation was never done, or was done and not noted: both look the same here. */
MIG_TEST(an_operation_that_was_only_meant_is_no_operation_back)
{
	bool is_begun[OPS_MAX] = {true};
	struct scene scene;

	begin(&scene);
	MIG_ASSERT_UINT_EQ(go_back(&scene, is_begun, OPS_MAX), 0);
	MIG_ASSERT_STR_EQ(fake_layout(&scene.fake->gpus[0]), before);
	end(&scene);
}

/* What somebody else has made meanwhile is not ours to destroy. */
MIG_TEST(what_others_made_is_not_touched)
{
	bool is_begun[OPS_MAX] = {false};
	struct scene scene;

	begin(&scene);
	/* The destroys alone: 1g and 2g go. */
	for (unsigned int i = 0; i < scene.plan->op_count; i++) {
		if (scene.plan->ops[i].kind == MIG_OP_GI_CREATE)
			break;
		is_begun[i] = true;
	}
	carry_out(&scene, scene.snapshot, scene.plan, 4, NULL);
	fake_put(&scene.fake->gpus[0], "1g.5gb", 3);
	go_back(&scene, is_begun, OPS_MAX);
	MIG_ASSERT_STR_EQ(fake_layout(&scene.fake->gpus[0]),
			  "2g.10gb@0[1c@1] 1g.5gb@2[1c@0] 1g.5gb@3[1c@0] 3g.20gb@4[3c@0]");
	end(&scene);
}

MIG_TEST(a_lost_gpu_has_no_operations)
{
	_cleanup_snapshot_ struct mig_snapshot *now = NULL;
	_cleanup_plan_ struct mig_plan *back = NULL;
	struct scene scene;

	begin(&scene);
	scene.fake->gpus[0].is_lost = true;
	MIG_ASSERT_INT_EQ(mig_snapshot_read(&scene.ctx, MIG_SNAPSHOT_UUIDS | MIG_SNAPSHOT_LOST,
					    &now, NULL),
			  0);
	MIG_ASSERT_INT_EQ(mig_plan_invert(scene.plan, NULL, NULL, now, &back, NULL), 0);
	MIG_ASSERT_UINT_EQ(back->op_count, 0);
	end(&scene);
}

/* ---- the mode ----------------------------------------------------------------------------------- */

/* Plans the mode of the one GPU and carries it out, then goes back; says where it ended. */
static void change_mode(bool current, bool pending, bool wanted, enum fake_mode how)
{
	bool is_begun[OPS_MAX] = {true, true, true, true};
	struct fake_gpu *gpu;
	struct scene scene = {0};

	scene.fake = fake_new();
	scene.ctx.driver = &scene.fake->driver;
	scene.ctx.host_root = "";
	gpu = fake_add_a30(scene.fake);
	gpu->off_has_profiles = true;
	gpu->current = current;
	gpu->pending = pending;
	gpu->mode_change = how;
	MIG_ASSERT_INT_EQ(mig_snapshot_read(&scene.ctx, 0, &scene.snapshot, NULL), 0);
	scene.target = mig_target_new(scene.snapshot, NULL);
	scene.target->gpus[0].is_named = true;
	scene.target->gpus[0].mig_mode = wanted;
	MIG_ASSERT_INT_EQ(mig_plan_make(scene.snapshot, scene.target, &scene.plan, NULL), 0);
	carry_out(&scene, scene.snapshot, scene.plan, OPS_MAX, is_begun);
	go_back(&scene, is_begun, OPS_MAX);
	MIG_ASSERT_INT_EQ(gpu->current, current);
	MIG_ASSERT_INT_EQ(gpu->pending, pending);
	MIG_ASSERT_UINT_EQ(go_back(&scene, is_begun, OPS_MAX), 0);
	end(&scene);
}

MIG_TEST(the_mode_goes_back_and_so_does_what_was_pending)
{
	change_mode(false, false, true, FAKE_MODE_IMMEDIATE);
	change_mode(true, true, false, FAKE_MODE_IMMEDIATE);
	change_mode(false, false, true, FAKE_MODE_PENDING);
	change_mode(true, true, false, FAKE_MODE_PENDING);
	change_mode(false, true, false, FAKE_MODE_PENDING);
	change_mode(true, false, true, FAKE_MODE_PENDING);
}

/* ---- drivers that choose places ----------------------------------------------------------------- */

/* A compute instance planned at 1 of a GPU instance that stays, and put at 3: it goes, and the one
 * that was there before does not. */
MIG_TEST(what_the_driver_put_elsewhere_is_found)
{
	bool is_begun[OPS_MAX] = {true};
	struct mig_saved_layout before_layout = {0};
	_cleanup_snapshot_ struct mig_snapshot *now = NULL;
	_cleanup_plan_ struct mig_plan *back = NULL;
	struct scene scene = {0};
	struct fake_gi *gi;

	scene.fake = fake_new();
	scene.ctx.driver = &scene.fake->driver;
	scene.ctx.host_root = "";
	gi = fake_put_gi(fake_add_a30(scene.fake), "4g.24gb", 0);
	fake_put_ci(gi, 1, 0);
	MIG_ASSERT_INT_EQ(mig_snapshot_read(&scene.ctx, MIG_SNAPSHOT_UUIDS, &scene.snapshot, NULL),
			  0);
	MIG_ASSERT_INT_EQ(mig_saved_layout_add(&before_layout, &scene.snapshot->gpus[0], NULL), 0);
	scene.target = mig_target_new(scene.snapshot, NULL);
	scene.target->gpus[0].is_named = true;
	scene.target->gpus[0].mig_mode = true;
	want(&scene, "1c.4g.24gb", 2);
	MIG_ASSERT_INT_EQ(mig_plan_make(scene.snapshot, scene.target, &scene.plan, NULL), 0);
	MIG_ASSERT_UINT_EQ(scene.plan->op_count, 1);
	MIG_ASSERT_UINT_EQ(scene.plan->ops[0].ci_start, 1);
	fake_put_ci(gi, 1, 3);
	MIG_ASSERT_INT_EQ(mig_snapshot_read(&scene.ctx, MIG_SNAPSHOT_UUIDS, &now, NULL), 0);
	MIG_ASSERT_INT_EQ(mig_plan_invert(scene.plan, is_begun, &before_layout, now, &back, NULL),
			  0);
	MIG_ASSERT_UINT_EQ(back->op_count, 1);
	MIG_ASSERT_INT_EQ(back->ops[0].kind, MIG_OP_CI_DESTROY);
	MIG_ASSERT_UINT_EQ(back->ops[0].ci_start, 3);
	mig_saved_layout_clear(&before_layout);
	end(&scene);
}
