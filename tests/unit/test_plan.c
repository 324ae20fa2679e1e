/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a snapshot and a target to operations: which, in which order, and what they say.
 */
#include "core/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness/test.h"
#include "tests/unit/fake_snapshot.h"

static struct mig_target *new_target(const struct mig_snapshot *snapshot)
{
	struct mig_target *target = mig_target_new(snapshot, NULL);

	MIG_ASSERT(target != NULL);
	return target;
}

/* Wants MIG on and so many of a profile on a GPU. */
static void want(const struct mig_snapshot *snapshot, struct mig_target *target, unsigned int gpu,
		 const char *name, unsigned int count)
{
	unsigned int gi_row, ci_row;

	target->gpus[gpu].is_named = true;
	target->gpus[gpu].mig_mode = true;
	if (name == NULL)
		return;
	MIG_ASSERT_INT_EQ(mig_facts_find(snapshot->gpus[gpu].facts, name, &gi_row, &ci_row), 0);
	MIG_ASSERT_INT_EQ(mig_target_add(&target->gpus[gpu], gi_row, ci_row, count, NULL), 0);
}

static struct mig_plan *make(const struct mig_snapshot *snapshot, const struct mig_target *target)
{
	struct mig_plan *plan = NULL;
	struct mig_error *err = NULL;

	if (mig_plan_make(snapshot, target, &plan, &err) < 0)
		MIG_FAIL("refused: %s", mig_error_message(err));
	MIG_ASSERT(err == NULL);
	return plan;
}

/* All operations in words, one a line. */
static const char *words(const struct mig_plan *plan)
{
	static char text[4096];
	size_t used = 0;

	text[0] = '\0';
	for (unsigned int i = 0; i < plan->op_count; i++) {
		_cleanup_buf_ struct mig_buf buf = MIG_BUF_INIT(1024);

		MIG_ASSERT_INT_EQ(mig_op_describe(&plan->ops[i], &buf), 0);
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s\n",
					 mig_buf_text(&buf));
	}
	return text;
}

MIG_TEST(plan_of_an_empty_target_is_empty)
{
	struct fake_driver *fake = fake_new();
	struct mig_snapshot *snapshot;
	struct mig_target *target;
	struct mig_plan *plan;

	fake_put(fake_add_a100(fake), "1g.5gb", 0);
	snapshot = fake_snapshot(fake, MIG_SNAPSHOT_HOLDERS);
	target = new_target(snapshot);
	plan = make(snapshot, target);
	MIG_ASSERT_UINT_EQ(plan->gpu_count, 0);
	MIG_ASSERT_UINT_EQ(plan->op_count, 0);
	mig_plan_free(plan);
	mig_target_free(target);
	mig_snapshot_free(snapshot);
	fake_free(fake);
}

MIG_TEST(plan_creates_the_largest_first_each_with_its_compute_instances)
{
	struct fake_driver *fake = fake_new();
	struct mig_snapshot *snapshot;
	struct mig_target *target;
	struct mig_plan *plan;

	fake_add_a100(fake);
	snapshot = fake_snapshot(fake, MIG_SNAPSHOT_HOLDERS);
	target = new_target(snapshot);
	want(snapshot, target, 0, "1g.5gb", 2);
	want(snapshot, target, 0, "2g.10gb", 1);
	want(snapshot, target, 0, "1c.3g.20gb", 1);
	want(snapshot, target, 0, "2c.3g.20gb", 1);
	plan = make(snapshot, target);
	MIG_ASSERT_STR_EQ(
		words(plan),
		"GPU 0: create GPU instance 3g.20gb at 4:4\n"
		"GPU 0: create compute instance 2c.3g.20gb at 0:2 of the GPU instance at 4:4\n"
		"GPU 0: create compute instance 1c.3g.20gb at 2:1 of the GPU instance at 4:4\n"
		"GPU 0: create GPU instance 2g.10gb at 2:2\n"
		"GPU 0: create compute instance 2g.10gb at 0:2 of the GPU instance at 2:2\n"
		"GPU 0: create GPU instance 1g.5gb at 1:1\n"
		"GPU 0: create compute instance 1g.5gb at 0:1 of the GPU instance at 1:1\n"
		"GPU 0: create GPU instance 1g.5gb at 0:1\n"
		"GPU 0: create compute instance 1g.5gb at 0:1 of the GPU instance at 0:1\n");
	MIG_ASSERT_UINT_EQ(plan->gpus[0].created_gi, 4);
	MIG_ASSERT_UINT_EQ(plan->gpus[0].created_ci, 5);
	mig_plan_free(plan);
	mig_target_free(target);
	mig_snapshot_free(snapshot);
	fake_free(fake);
}

MIG_TEST(plan_destroys_before_it_creates_and_leaves_what_stays_alone)
{
	struct fake_driver *fake = fake_new();
	struct fake_gpu *gpu = fake_add_a100(fake);
	struct mig_snapshot *snapshot;
	struct mig_target *target;
	struct mig_plan *plan;

	fake_put(gpu, "3g.20gb", 4);
	fake_put(gpu, "2g.10gb", 0);
	fake_put(gpu, "1g.5gb", 2);
	fake_put_gi(gpu, "1g.5gb", 3);
	snapshot = fake_snapshot(fake, MIG_SNAPSHOT_HOLDERS);
	target = new_target(snapshot);
	want(snapshot, target, 0, "3g.20gb", 1);
	want(snapshot, target, 0, "4g.20gb", 1);
	plan = make(snapshot, target);
	MIG_ASSERT_STR_EQ(
		words(plan),
		"GPU 0: destroy compute instance 2g.10gb at 0:2 of the GPU instance at 0:2\n"
		"GPU 0: destroy compute instance 1g.5gb at 0:1 of the GPU instance at 2:1\n"
		"GPU 0: destroy GPU instance 2g.10gb at 0:2\n"
		"GPU 0: destroy GPU instance 1g.5gb at 2:1\n"
		"GPU 0: destroy GPU instance 1g.5gb at 3:1\n"
		"GPU 0: create GPU instance 4g.20gb at 0:4\n"
		"GPU 0: create compute instance 4g.20gb at 0:4 of the GPU instance at 0:4\n");
	MIG_ASSERT_UINT_EQ(plan->gpus[0].kept_gi, 1);
	MIG_ASSERT_UINT_EQ(plan->gpus[0].kept_ci, 1);
	MIG_ASSERT_UINT_EQ(plan->gpus[0].destroyed_gi, 3);
	MIG_ASSERT_UINT_EQ(plan->gpus[0].destroyed_ci, 2);
	MIG_ASSERT_UINT_EQ(plan->gpus[0].held_destroyed, 0);
	mig_plan_free(plan);
	mig_target_free(target);
	mig_snapshot_free(snapshot);
	fake_free(fake);
}

MIG_TEST(plan_of_what_is_there_already_is_empty)
{
	struct fake_driver *fake = fake_new();
	struct fake_gpu *gpu = fake_add_a100(fake);
	struct mig_snapshot *snapshot;
	struct mig_target *target;
	struct mig_plan *plan;

	fake_put(gpu, "1g.5gb", 3); /* where no rule would put it */
	fake_put_ci(fake_put_gi(gpu, "3g.20gb", 4), 1, 1);
	snapshot = fake_snapshot(fake, MIG_SNAPSHOT_HOLDERS);
	target = new_target(snapshot);
	want(snapshot, target, 0, "1c.3g.20gb", 1);
	want(snapshot, target, 0, "1c.1g.5gb", 1);
	plan = make(snapshot, target);
	MIG_ASSERT_UINT_EQ(plan->op_count, 0);
	MIG_ASSERT_UINT_EQ(plan->gpu_count, 1);
	MIG_ASSERT_UINT_EQ(plan->gpus[0].kept_gi, 2);
	MIG_ASSERT_UINT_EQ(plan->gpus[0].kept_ci, 2);
	mig_plan_free(plan);
	mig_target_free(target);
	mig_snapshot_free(snapshot);
	fake_free(fake);
}

MIG_TEST(plan_gives_a_gpu_instance_without_compute_instance_one)
{
	struct fake_driver *fake = fake_new();
	struct fake_gpu *gpu = fake_add_a100(fake);
	struct mig_snapshot *snapshot;
	struct mig_target *target;
	struct mig_plan *plan;

	fake_put_gi(gpu, "1g.5gb", 3);
	snapshot = fake_snapshot(fake, MIG_SNAPSHOT_HOLDERS);
	target = new_target(snapshot);
	want(snapshot, target, 0, "1g.5gb", 1);
	plan = make(snapshot, target);
	MIG_ASSERT_STR_EQ(
		words(plan),
		"GPU 0: create compute instance 1g.5gb at 0:1 of the GPU instance at 3:1\n");
	mig_plan_free(plan);
	mig_target_free(target);
	mig_snapshot_free(snapshot);
	fake_free(fake);
}

MIG_TEST(plan_turns_mig_on_before_it_creates)
{
	struct fake_driver *fake = fake_new();
	struct fake_gpu *gpu = fake_add_a100(fake);
	struct mig_snapshot *snapshot;
	struct mig_target *target;
	struct mig_plan *plan;

	gpu->current = gpu->pending = false;
	snapshot = fake_snapshot(fake, MIG_SNAPSHOT_HOLDERS);
	target = new_target(snapshot);
	want(snapshot, target, 0, "7g.40gb", 1);
	plan = make(snapshot, target);
	MIG_ASSERT_STR_EQ(
		words(plan),
		"GPU 0: turn MIG mode on\n"
		"GPU 0: create GPU instance 7g.40gb at 0:8\n"
		"GPU 0: create compute instance 7g.40gb at 0:7 of the GPU instance at 0:8\n");
	MIG_ASSERT(plan->gpus[0].mode_changes);
	MIG_ASSERT(!plan->ops[0].mode_before && plan->ops[0].mode_after);
	mig_plan_free(plan);
	mig_target_free(target);
	mig_snapshot_free(snapshot);
	fake_free(fake);
}

MIG_TEST(plan_empties_a_gpu_before_it_turns_mig_off)
{
	struct fake_driver *fake = fake_new();
	struct mig_snapshot *snapshot;
	struct mig_target *target;
	struct mig_plan *plan;

	fake_put(fake_add_a100(fake), "7g.40gb", 0);
	snapshot = fake_snapshot(fake, MIG_SNAPSHOT_HOLDERS);
	target = new_target(snapshot);
	target->gpus[0].is_named = true;
	plan = make(snapshot, target);
	MIG_ASSERT_STR_EQ(
		words(plan),
		"GPU 0: destroy compute instance 7g.40gb at 0:7 of the GPU instance at 0:8\n"
		"GPU 0: destroy GPU instance 7g.40gb at 0:8\n"
		"GPU 0: turn MIG mode off\n");
	mig_plan_free(plan);
	mig_target_free(target);
	mig_snapshot_free(snapshot);
	fake_free(fake);
}

MIG_TEST(plan_takes_a_pending_mode_change_back)
{
	for (unsigned int current = 0; current < 2; current++) {
		struct fake_driver *fake = fake_new();
		struct fake_gpu *gpu = fake_add_a100(fake);
		struct mig_snapshot *snapshot;
		struct mig_target *target;
		struct mig_plan *plan;

		gpu->current = current;
		gpu->pending = !current;
		snapshot = fake_snapshot(fake, MIG_SNAPSHOT_HOLDERS);
		target = new_target(snapshot);
		target->gpus[0].is_named = true;
		target->gpus[0].mig_mode = current;
		plan = make(snapshot, target);
		MIG_ASSERT_UINT_EQ(plan->op_count, 1);
		MIG_ASSERT_INT_EQ(plan->ops[0].kind, MIG_OP_MODE_SET);
		MIG_ASSERT(plan->ops[0].mode_after == current);
		/* The state before is all of it, so that the operation can be turned round. */
		MIG_ASSERT(plan->ops[0].mode_before == current);
		MIG_ASSERT(plan->ops[0].mode_pending_before != current);
		MIG_ASSERT(!plan->gpus[0].mode_changes);
		mig_plan_free(plan);
		/* Who changes instances alone leaves it. */
		target->gpus[0].keeps_mode = true;
		plan = make(snapshot, target);
		MIG_ASSERT_UINT_EQ(plan->op_count, 0);
		mig_plan_free(plan);
		mig_target_free(target);
		mig_snapshot_free(snapshot);
		fake_free(fake);
	}
}

MIG_TEST(plan_refuses_mig_on_a_gpu_without)
{
	struct fake_driver *fake = fake_new();
	struct mig_snapshot *snapshot;
	struct mig_target *target;
	struct mig_plan *plan = NULL;
	struct mig_error *err = NULL;

	fake_add_a100(fake);
	fake_add_gpu(fake, "Tesla T4", NULL, 0);
	snapshot = fake_snapshot(fake, MIG_SNAPSHOT_HOLDERS);
	target = new_target(snapshot);
	target->gpus[1].is_named = true;
	plan = make(snapshot, target); /* off is what it is */
	MIG_ASSERT_UINT_EQ(plan->op_count, 0);
	mig_plan_free(plan);
	plan = NULL;
	target->gpus[1].mig_mode = true;
	MIG_ASSERT_INT_EQ(mig_plan_make(snapshot, target, &plan, &err), -1);
	MIG_ASSERT(plan == NULL);
	MIG_ASSERT_STR_EQ(mig_error_message(err), "GPU 1: 'Tesla T4' has no MIG");
	MIG_ASSERT_INT_EQ(mig_error_exit_status(err), MIG_EXIT_REFUSED);
	mig_error_free(err);
	mig_target_free(target);
	mig_snapshot_free(snapshot);
	fake_free(fake);
}

MIG_TEST(plan_names_the_gpu_on_which_a_set_does_not_fit)
{
	struct fake_driver *fake = fake_new();
	struct mig_snapshot *snapshot;
	struct mig_target *target;
	struct mig_plan *plan = NULL;
	struct mig_error *err = NULL;

	fake_add_a100(fake);
	fake_add_a30(fake);
	snapshot = fake_snapshot(fake, MIG_SNAPSHOT_HOLDERS);
	target = new_target(snapshot);
	want(snapshot, target, 0, "1g.5gb", 7);
	want(snapshot, target, 1, "2g.12gb", 3);
	MIG_ASSERT_INT_EQ(mig_plan_make(snapshot, target, &plan, &err), -1);
	MIG_ASSERT_STR_EQ(mig_error_message(err),
			  "GPU 1: 3 x 2g.12gb do not fit together in any layout of this GPU");
	MIG_ASSERT_INT_EQ(mig_error_code(err), MIG_ERROR_REFUSED);
	mig_error_free(err);
	mig_target_free(target);
	mig_snapshot_free(snapshot);
	fake_free(fake);
}

MIG_TEST(plan_counts_what_is_held_and_in_the_way)
{
	struct fake_driver *fake = fake_new();
	struct fake_gpu *gpu = fake_add_a100(fake);
	struct mig_snapshot *snapshot;
	struct mig_target *target;
	struct mig_plan *plan;

	fake_put_process(&fake_put(gpu, "2g.10gb", 0)->ci[0], 4194305);
	snapshot = fake_snapshot(fake, MIG_SNAPSHOT_HOLDERS);
	target = new_target(snapshot);
	want(snapshot, target, 0, "4g.20gb", 1);
	plan = make(snapshot, target);
	MIG_ASSERT_UINT_EQ(plan->gpus[0].held_destroyed, 1);
	mig_plan_free(plan);
	mig_target_free(target);
	mig_snapshot_free(snapshot);
	fake_free(fake);
}

MIG_TEST(plan_operations_say_all_that_is_needed_to_turn_them_round)
{
	struct fake_driver *fake = fake_new();
	struct fake_gpu *gpu = fake_add_a100(fake);
	struct mig_snapshot *snapshot;
	struct mig_target *target;
	struct mig_plan *plan;
	const struct mig_op *op;

	fake_put_ci(fake_put_gi(gpu, "3g.20gb", 4), 1, 2);
	snapshot = fake_snapshot(fake, MIG_SNAPSHOT_HOLDERS);
	target = new_target(snapshot);
	want(snapshot, target, 0, "2c.3g.20gb", 1);
	plan = make(snapshot, target);
	MIG_ASSERT_UINT_EQ(plan->op_count, 2);
	op = &plan->ops[0];
	MIG_ASSERT_INT_EQ(op->kind, MIG_OP_CI_DESTROY);
	MIG_ASSERT_STR_EQ(op->gpu_uuid, "GPU-fake-0");
	MIG_ASSERT_UINT_EQ(op->gi_profile_index, 2);
	MIG_ASSERT_UINT_EQ(op->gi_profile_id, 9);
	MIG_ASSERT_STR_EQ(op->gi_profile_name, "3g.20gb");
	MIG_ASSERT_UINT_EQ(op->gi_start, 4);
	MIG_ASSERT_UINT_EQ(op->gi_size, 4);
	MIG_ASSERT_UINT_EQ(op->ci_profile_index, 0);
	MIG_ASSERT_UINT_EQ(op->ci_profile_id, 0);
	MIG_ASSERT_STR_EQ(op->ci_profile_name, "1c.3g.20gb");
	MIG_ASSERT_UINT_EQ(op->ci_start, 2);
	MIG_ASSERT_UINT_EQ(op->ci_size, 1);
	MIG_ASSERT_STR_EQ(op->expected_uuid, "MIG-fake-0-3g.20gb-4-1c-2");
	op = &plan->ops[1];
	MIG_ASSERT_INT_EQ(op->kind, MIG_OP_CI_CREATE);
	MIG_ASSERT_STR_EQ(op->ci_profile_name, "2c.3g.20gb");
	MIG_ASSERT_UINT_EQ(op->ci_start, 0);
	MIG_ASSERT(op->ci_is_verified);
	MIG_ASSERT_STR_EQ(op->expected_uuid, ""); /* nothing was there before */
	mig_plan_free(plan);
	mig_target_free(target);
	mig_snapshot_free(snapshot);
	fake_free(fake);
}

MIG_TEST(plan_expects_the_uuid_that_this_place_had)
{
	struct fake_driver *fake = fake_new();
	struct fake_gpu *gpu = fake_add_a100(fake);
	struct mig_snapshot *snapshot;
	struct mig_target *target;
	struct mig_plan *plan;

	/* A MIG UUID comes from the place, the profile is no part of it (data/mig.json). */
	fake_put_ci(fake_put_gi(gpu, "2g.10gb", 0), 1, 0);
	fake_put(gpu, "2g.10gb", 2);
	fake_put(gpu, "3g.20gb", 4);
	snapshot = fake_snapshot(fake, MIG_SNAPSHOT_HOLDERS);
	target = new_target(snapshot);
	want(snapshot, target, 0, "3g.20gb", 1);
	want(snapshot, target, 0, "2g.10gb", 1);
	want(snapshot, target, 0, "1g.10gb", 1);
	plan = make(snapshot, target);
	MIG_ASSERT_STR_EQ(
		words(plan),
		"GPU 0: destroy compute instance 1c.2g.10gb at 0:1 of the GPU instance at 0:2\n"
		"GPU 0: destroy GPU instance 2g.10gb at 0:2\n"
		"GPU 0: create GPU instance 1g.10gb at 0:2\n"
		"GPU 0: create compute instance 1g.10gb at 0:1 of the GPU instance at 0:2\n");
	MIG_ASSERT_STR_EQ(plan->ops[3].expected_uuid, plan->ops[0].expected_uuid);
	MIG_ASSERT_STR_EQ(plan->ops[3].expected_uuid, "MIG-fake-0-2g.10gb-0-1c-0");
	mig_plan_free(plan);
	mig_target_free(target);
	mig_snapshot_free(snapshot);
	fake_free(fake);
}

MIG_TEST(plan_of_several_gpus_goes_in_index_order)
{
	struct fake_driver *fake = fake_new();
	struct mig_snapshot *snapshot;
	struct mig_target *target;
	struct mig_plan *plan;

	for (unsigned int i = 0; i < 3; i++)
		fake_add_a100(fake);
	snapshot = fake_snapshot(fake, MIG_SNAPSHOT_HOLDERS);
	target = new_target(snapshot);
	want(snapshot, target, 2, "7g.40gb", 1);
	want(snapshot, target, 0, "7g.40gb", 1);
	plan = make(snapshot, target);
	MIG_ASSERT_UINT_EQ(plan->gpu_count, 2);
	MIG_ASSERT_UINT_EQ(plan->gpus[0].gpu_index, 0);
	MIG_ASSERT_UINT_EQ(plan->gpus[1].gpu_index, 2);
	MIG_ASSERT_UINT_EQ(plan->gpus[1].first_op, 2);
	MIG_ASSERT_UINT_EQ(plan->gpus[1].op_count, 2);
	MIG_ASSERT_STR_EQ(plan->gpus[1].gpu_uuid, "GPU-fake-2");
	MIG_ASSERT_STR_EQ(plan->ops[3].gpu_uuid, "GPU-fake-2");
	mig_plan_free(plan);
	mig_target_free(target);
	mig_snapshot_free(snapshot);
	fake_free(fake);
}

MIG_TEST(plan_free_takes_null)
{
	mig_plan_free(NULL);
	mig_target_free(NULL);
}

MIG_TEST(target_merges_and_compares)
{
	struct mig_gpu_target a = {.is_named = true, .mig_mode = true};
	struct mig_gpu_target b = a;
	struct mig_error *err = NULL;

	MIG_ASSERT_INT_EQ(mig_target_add(&a, 1, 0, 2, NULL), 0);
	MIG_ASSERT_INT_EQ(mig_target_add(&a, 0, 0, 0, NULL), 0);
	MIG_ASSERT_INT_EQ(mig_target_add(&a, 2, 1, 1, NULL), 0);
	MIG_ASSERT_UINT_EQ(a.device_count, 2);
	MIG_ASSERT_INT_EQ(mig_target_add(&b, 2, 1, 1, NULL), 0);
	MIG_ASSERT_INT_EQ(mig_target_add(&b, 1, 0, 1, NULL), 0);
	MIG_ASSERT(!mig_gpu_target_equals(&a, &b));
	MIG_ASSERT_INT_EQ(mig_target_add(&b, 1, 0, 1, NULL), 0);
	MIG_ASSERT(mig_gpu_target_equals(&a, &b));
	b.mig_mode = false;
	MIG_ASSERT(!mig_gpu_target_equals(&a, &b));
	MIG_ASSERT_INT_EQ(mig_target_add(&a, 1, 0, UINT32_MAX, &err), -1);
	MIG_ASSERT_INT_EQ(mig_error_code(err), MIG_ERROR_REFUSED);
	mig_error_free(err);
	for (unsigned int i = 0; i < MIG_TARGET_DEVICES_MAX - 2; i++)
		MIG_ASSERT_INT_EQ(mig_target_add(&a, 10 + i, 0, 1, NULL), 0);
	err = NULL;
	MIG_ASSERT_INT_EQ(mig_target_add(&a, 200, 0, 1, &err), -1);
	MIG_ASSERT_INT_EQ(mig_error_code(err), MIG_ERROR_REFUSED);
	mig_error_free(err);
}
