/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GPU instances with exact places, and keep-in-use: what the plan does, and what is refused in which
 * words. That the layouts around placed instances are the least harmful is test_layout.c.
 */
#include <stdio.h>
#include <string.h>

#include "core/plan.h"
#include "tests/harness/test.h"
#include "tests/unit/fake_snapshot.h"

/* One A100, its snapshot and a target that names it, MIG on. */
struct node {
	struct fake_driver *fake;
	struct fake_gpu *gpu;
	struct mig_snapshot *snapshot;
	struct mig_target *target;
	struct mig_plan *plan;
};

static struct node node_new(void)
{
	struct node node = {.fake = fake_new()};

	node.gpu = fake_add_a100(node.fake);
	return node;
}

static void node_read(struct node *node)
{
	node->snapshot = fake_snapshot(node->fake, MIG_SNAPSHOT_HOLDERS);
	node->target = mig_target_new(node->snapshot, NULL);
	MIG_ASSERT(node->target != NULL);
	node->target->gpus[0].is_named = node->target->gpus[0].mig_mode = true;
}

static void node_free(struct node *node)
{
	mig_plan_free(node->plan);
	mig_target_free(node->target);
	mig_snapshot_free(node->snapshot);
	fake_free(node->fake);
}

static unsigned int row_of(const struct node *node, const char *name, unsigned int *ci_row)
{
	unsigned int gi_row = 0;

	MIG_ASSERT_INT_EQ(mig_facts_find(node->snapshot->gpus[0].facts, name, &gi_row, ci_row), 0);
	return gi_row;
}

/* A GPU instance without compute instances; name is that of a whole device. */
static struct mig_placed_gi *place_gi(struct node *node, const char *name, unsigned int start)
{
	struct mig_placed_gi *placed = NULL;
	unsigned int ci_row;

	MIG_ASSERT_INT_EQ(mig_target_place(&node->target->gpus[0], row_of(node, name, &ci_row),
					   start, &placed, NULL),
			  0);
	return placed;
}

static void place_ci(struct node *node, struct mig_placed_gi *placed, const char *name,
		     unsigned int start)
{
	unsigned int ci_row;

	row_of(node, name, &ci_row);
	MIG_ASSERT_INT_EQ(mig_target_place_ci(placed, ci_row, start, NULL), 0);
}

static void place(struct node *node, const char *name, unsigned int start)
{
	place_ci(node, place_gi(node, name, start), name, MIG_START_ANY);
}

static void want(struct node *node, const char *name, unsigned int count)
{
	unsigned int ci_row, gi_row = row_of(node, name, &ci_row);

	MIG_ASSERT_INT_EQ(mig_target_add(&node->target->gpus[0], gi_row, ci_row, count, NULL), 0);
}

/* The plan in words, one operation a line. */
static const char *plan_of(struct node *node)
{
	static char text[4096];
	struct mig_error *err = NULL;
	size_t used = 0;

	mig_plan_free(node->plan);
	node->plan = NULL;
	if (mig_plan_make(node->snapshot, node->target, &node->plan, &err) < 0)
		MIG_FAIL("refused: %s", mig_error_message(err));
	text[0] = '\0';
	for (unsigned int i = 0; i < node->plan->op_count; i++) {
		_cleanup_buf_ struct mig_buf buf = MIG_BUF_INIT(1024);

		MIG_ASSERT_INT_EQ(mig_op_describe(&node->plan->ops[i], &buf), 0);
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s\n",
					 mig_buf_text(&buf) + strlen("GPU 0: "));
	}
	return text;
}

/* Refused in these words; what was placed is forgotten. */
static void refused(struct node *node, const char *message, const char *hint)
{
	struct mig_error *err = NULL;

	MIG_ASSERT_INT_EQ(mig_plan_make(node->snapshot, node->target, &node->plan, &err), -1);
	MIG_ASSERT(node->plan == NULL);
	MIG_ASSERT_INT_EQ(mig_error_code(err), MIG_ERROR_REFUSED);
	MIG_ASSERT_STR_EQ(mig_error_message(err), message);
	MIG_ASSERT_STR_EQ(mig_error_hint_text(err), hint);
	mig_error_free(err);
	node->target->gpus[0].placed_count = 0;
	node->target->gpus[0].device_count = 0;
}

MIG_TEST(placed_where_they_have_to_lie_and_devices_around)
{
	struct node node = node_new();

	node_read(&node);
	want(&node, "2g.10gb", 2);
	place(&node, "1g.5gb", 3);
	place(&node, "1g.5gb", 6);
	MIG_ASSERT_STR_EQ(plan_of(&node),
			  "create GPU instance 2g.10gb at 4:2\n"
			  "create compute instance 2g.10gb at 0:2 of the GPU instance at 4:2\n"
			  "create GPU instance 2g.10gb at 0:2\n"
			  "create compute instance 2g.10gb at 0:2 of the GPU instance at 0:2\n"
			  "create GPU instance 1g.5gb at 3:1\n"
			  "create compute instance 1g.5gb at 0:1 of the GPU instance at 3:1\n"
			  "create GPU instance 1g.5gb at 6:1\n"
			  "create compute instance 1g.5gb at 0:1 of the GPU instance at 6:1\n");
	node_free(&node);
}

MIG_TEST(placed_what_is_there_already_stays)
{
	struct node node = node_new();
	struct mig_placed_gi *placed;

	fake_put_ci(fake_put_gi(node.gpu, "3g.20gb", 4), 1, 2);
	fake_put(node.gpu, "1g.5gb", 0);
	fake_put_gi(node.gpu, "1g.5gb", 1);
	node_read(&node);
	placed = place_gi(&node, "3g.20gb", 4);
	place_ci(&node, placed, "1c.3g.20gb", MIG_START_ANY);
	place_ci(&node, placed, "1c.3g.20gb", 0);
	place_gi(&node, "1g.5gb", 1);
	MIG_ASSERT_STR_EQ(plan_of(&node),
			  "destroy compute instance 1g.5gb at 0:1 of the GPU instance at 0:1\n"
			  "destroy GPU instance 1g.5gb at 0:1\n"
			  "create compute instance 1c.3g.20gb at 0:1 of the GPU instance at 4:4\n");
	MIG_ASSERT_UINT_EQ(node.plan->gpus[0].kept_gi, 2);
	MIG_ASSERT_UINT_EQ(node.plan->gpus[0].kept_ci, 1);
	/* Without its compute instances the GPU instance stays and they go. */
	node.target->gpus[0].placed[0].ci_count = 0;
	node.target->gpus[0].placed_count = 1;
	MIG_ASSERT_STR_EQ(plan_of(&node),
			  "destroy compute instance 1c.3g.20gb at 2:1 of the GPU instance at 4:4\n"
			  "destroy compute instance 1g.5gb at 0:1 of the GPU instance at 0:1\n"
			  "destroy GPU instance 1g.5gb at 0:1\n"
			  "destroy GPU instance 1g.5gb at 1:1\n");
	node_free(&node);
}

MIG_TEST(placed_devices_do_not_use_placed_gpu_instances)
{
	struct node node = node_new();
	struct mig_placed_gi *placed;

	node_read(&node);
	placed = place_gi(&node, "3g.20gb", 4);
	place_ci(&node, placed, "1c.3g.20gb", MIG_START_ANY);
	want(&node, "1c.3g.20gb", 1);
	plan_of(&node);
	MIG_ASSERT_UINT_EQ(node.plan->gpus[0].created_gi, 2);
	node_free(&node);
}

MIG_TEST(placed_target_from_a_gpu_changes_nothing)
{
	struct node node = node_new();
	struct mig_gpu_target target;

	fake_put_ci(fake_put_gi(node.gpu, "3g.20gb", 4), 1, 2);
	fake_put(node.gpu, "1g.5gb", 1);
	fake_put_gi(node.gpu, "2g.10gb", 2);
	node_read(&node);
	mig_gpu_target_from_gpu(&node.snapshot->gpus[0], &node.target->gpus[0]);
	MIG_ASSERT_STR_EQ(plan_of(&node), "");
	MIG_ASSERT_UINT_EQ(node.plan->gpus[0].kept_gi, 3);
	MIG_ASSERT_UINT_EQ(node.plan->gpus[0].kept_ci, 2);
	/* Order means nothing, everything else does. */
	target = node.target->gpus[0];
	target.placed[0] = node.target->gpus[0].placed[2];
	target.placed[2] = node.target->gpus[0].placed[0];
	MIG_ASSERT(mig_gpu_target_equals(&target, &node.target->gpus[0]));
	target.placed[1].start ^= 1;
	MIG_ASSERT(!mig_gpu_target_equals(&target, &node.target->gpus[0]));
	target.placed[1].start ^= 1;
	target.placed[2].ci[0].start = MIG_START_ANY;
	MIG_ASSERT(!mig_gpu_target_equals(&target, &node.target->gpus[0]));
	target = node.target->gpus[0];
	target.keeps_in_use = true;
	MIG_ASSERT(!mig_gpu_target_equals(&target, &node.target->gpus[0]));
	target = node.target->gpus[0];
	target.shares_totals = true;
	MIG_ASSERT(!mig_gpu_target_equals(&target, &node.target->gpus[0]));
	node_free(&node);
}

MIG_TEST(placed_where_they_cannot_lie_are_refused)
{
	struct node node = node_new();

	node_read(&node);
	place(&node, "3g.20gb", 2);
	refused(&node, "GPU 0: 3g.20gb cannot lie at 2", "3g.20gb can lie at 0, 4");
	place(&node, "3g.20gb", 4);
	place(&node, "2g.10gb", 4);
	refused(&node, "GPU 0: 3g.20gb at 4 and 2g.10gb at 4 overlap",
		"2g.10gb can lie at 0, 2, 4");
	place(&node, "1g.5gb+me", 0);
	place(&node, "1g.5gb+me", 1);
	refused(&node,
		"GPU 0: 1g.5gb+me at 1 is more than this GPU takes beside the others with a place",
		"this GPU takes 1 of 1g.5gb+me at the same time, and 7 slices in all");
	place(&node, "3g.20gb", 0);
	place(&node, "3g.20gb", 4);
	want(&node, "1g.5gb", 1);
	refused(&node,
		"GPU 0: 1 x 1g.5gb beside 3g.20gb at 0, 3g.20gb at 4 do not fit together in any "
		"layout of this GPU",
		"on an empty GPU of this kind fit, each alone: 7 x 1g.5gb");
	node_free(&node);
}

MIG_TEST(placed_compute_instances_that_do_not_fit_are_refused)
{
	static const char hint[] = "in a 3g.20gb lie, by compute slice: 1c.3g.20gb at 0, 1, 2; "
				   "2c.3g.20gb at 0; 3g.20gb at 0";
	struct node node = node_new();
	struct mig_placed_gi *placed;

	node_read(&node);
	placed = place_gi(&node, "3g.20gb", 4);
	place_ci(&node, placed, "2c.3g.20gb", MIG_START_ANY);
	place_ci(&node, placed, "2c.3g.20gb", MIG_START_ANY);
	refused(&node,
		"GPU 0: the compute instances 2c.3g.20gb, 2c.3g.20gb do not fit together in "
		"3g.20gb at 4",
		hint);
	placed = place_gi(&node, "3g.20gb", 4);
	place_ci(&node, placed, "2c.3g.20gb", 1);
	refused(&node,
		"GPU 0: the compute instances 2c.3g.20gb at 1 do not fit together in 3g.20gb at 4",
		hint);
	placed = place_gi(&node, "3g.20gb", 4);
	place_ci(&node, placed, "1c.3g.20gb", 0);
	place_ci(&node, placed, "2c.3g.20gb", MIG_START_ANY);
	refused(&node,
		"GPU 0: the compute instances 1c.3g.20gb at 0, 2c.3g.20gb do not fit together in "
		"3g.20gb at 4",
		hint);
	node_free(&node);
}

MIG_TEST(placed_no_more_than_there_is_room_for)
{
	struct mig_gpu_target target = {0};
	struct mig_placed_gi placed = {0};
	struct mig_error *err = NULL;

	for (unsigned int i = 0; i < MIG_GPU_INSTANCES_MAX; i++)
		MIG_ASSERT_INT_EQ(mig_target_place(&target, 0, i, NULL, NULL), 0);
	MIG_ASSERT_INT_EQ(mig_target_place(&target, 0, 0, NULL, &err), -1);
	MIG_ASSERT_INT_EQ(mig_error_code(err), MIG_ERROR_REFUSED);
	mig_error_free(err);
	err = NULL;
	for (unsigned int i = 0; i < MIG_COMPUTE_INSTANCES_MAX; i++)
		MIG_ASSERT_INT_EQ(mig_target_place_ci(&placed, 0, i, NULL), 0);
	MIG_ASSERT_INT_EQ(mig_target_place_ci(&placed, 0, 0, &err), -1);
	MIG_ASSERT_INT_EQ(mig_error_code(err), MIG_ERROR_REFUSED);
	mig_error_free(err);
}

MIG_TEST(keep_in_use_counts_what_is_held)
{
	struct node node = node_new();

	fake_put_process(&fake_put(node.gpu, "2g.10gb", 4)->ci[0], 77);
	fake_put(node.gpu, "2g.10gb", 0);
	node_read(&node);
	node.target->gpus[0].keeps_in_use = true;
	want(&node, "2g.10gb", 1);
	want(&node, "4g.20gb", 1);
	MIG_ASSERT_STR_EQ(plan_of(&node),
			  "destroy compute instance 2g.10gb at 0:2 of the GPU instance at 0:2\n"
			  "destroy GPU instance 2g.10gb at 0:2\n"
			  "create GPU instance 4g.20gb at 0:4\n"
			  "create compute instance 4g.20gb at 0:4 of the GPU instance at 0:4\n");
	MIG_ASSERT(!node.plan->gpus[0].is_blocked);
	MIG_ASSERT_UINT_EQ(node.plan->gpus[0].kept_gi, 1);
	MIG_ASSERT(node.plan->is_optimal);
	MIG_ASSERT_UINT_EQ(node.plan->gi_destroyed_bound, 1);
	node_free(&node);
}

MIG_TEST(keep_in_use_leaves_a_gpu_as_it_is_where_it_cannot_be)
{
	for (unsigned int i = 0; i < 3; i++) {
		struct node node = node_new();

		fake_put_process(&fake_put(node.gpu, "2g.10gb", 2)->ci[0], 77);
		fake_put(node.gpu, "1g.5gb", 6);
		node_read(&node);
		node.target->gpus[0].keeps_in_use = true;
		if (i == 0)
			want(&node, "1g.5gb", 7); /* nothing of what is held is wanted */
		else if (i == 1) {
			want(&node, "4g.20gb", 1);
			want(&node, "2g.10gb", 1); /* fits, but not with the one held at 2 */
		} else {
			node.target->gpus[0].mig_mode = false;
		}
		MIG_ASSERT_STR_EQ(plan_of(&node), "");
		MIG_ASSERT(node.plan->gpus[0].is_blocked);
		MIG_ASSERT_UINT_EQ(node.plan->gpus[0].op_count, 0);
		MIG_ASSERT_UINT_EQ(node.plan->gpus[0].held_destroyed, 1);
		MIG_ASSERT_UINT_EQ(node.plan->gpus[0].destroyed_gi, 0);
		MIG_ASSERT_UINT_EQ(node.plan->gpus[0].kept_gi, 2);
		MIG_ASSERT_UINT_EQ(node.plan->gpus[0].kept_ci, 2);
		MIG_ASSERT(!node.plan->gpus[0].mode_changes);
		/* Without keep-in-use it is planned, and says what is in the way. */
		node.target->gpus[0].keeps_in_use = false;
		plan_of(&node);
		MIG_ASSERT(!node.plan->gpus[0].is_blocked);
		MIG_ASSERT(node.plan->op_count > 0);
		MIG_ASSERT_UINT_EQ(node.plan->gpus[0].held_destroyed, 1);
		node_free(&node);
	}
}

MIG_TEST(keep_in_use_does_not_hide_what_is_impossible)
{
	struct node node = node_new();

	fake_put_process(&fake_put(node.gpu, "2g.10gb", 2)->ci[0], 77);
	node_read(&node);
	node.target->gpus[0].keeps_in_use = true;
	want(&node, "4g.20gb", 2);
	refused(&node, "GPU 0: 2 x 4g.20gb do not fit together in any layout of this GPU",
		"on an empty GPU of this kind fit, each alone: 1 x 4g.20gb");
	node_free(&node);
}
