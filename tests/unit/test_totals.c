/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node's totals: spread over GPUs with the least harm.
 *
 * Small nodes against every way there is, the published instances of eight GPUs against what an
 * independent solver keeps (tests/data/totals, test_totals_data.py), and 32 GPUs against what is
 * said about the answer.
 */
#include "core/totals.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/layout.h"
#include "core/plan.h"
#include "shared/macros.h"
#include "tests/harness/test.h"
#include "tests/unit/fake_snapshot.h"
#include "tests/unit/totals_case.h"

/* A target over all GPUs: "12 x 1g.5gb" as name and count, ended by NULL. */
static struct mig_target *totals_of(const struct mig_snapshot *snapshot, const char *name,
				    unsigned int count)
{
	struct mig_target *target = mig_target_new(snapshot, NULL);

	MIG_ASSERT(target != NULL);
	for (unsigned int i = 0; i < target->gpu_count; i++)
		target->gpus[i].shares_totals = true;
	if (name != NULL)
		MIG_ASSERT_INT_EQ(mig_target_add_total(target, name, count, NULL), 0);
	return target;
}

static void more(struct mig_target *target, const char *name, unsigned int count)
{
	MIG_ASSERT_INT_EQ(mig_target_add_total(target, name, count, NULL), 0);
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

struct sums {
	unsigned int held, gi, ci, modes, kept, blocked;
};

static struct sums sums_of(const struct mig_plan *plan)
{
	struct sums sums = {0};

	for (unsigned int i = 0; i < plan->gpu_count; i++) {
		const struct mig_plan_gpu *gpu = &plan->gpus[i];

		sums.held += gpu->held_destroyed;
		sums.gi += gpu->destroyed_gi;
		sums.ci += gpu->destroyed_ci;
		sums.modes += gpu->mode_changes;
		sums.kept += gpu->kept_gi;
		sums.blocked += gpu->is_blocked;
	}
	return sums;
}

/* Carries the plan out on paper and counts: the node has exactly these totals afterwards, each
 * operation starts from what is there. Whole instances only. */
static void assert_reaches(const struct mig_snapshot *snapshot, const struct mig_target *target,
			   const struct mig_plan *plan)
{
	unsigned int counts[MIG_TARGET_DEVICES_MAX] = {0};
	unsigned int total = 0, wanted = 0, gi = 0;

	for (unsigned int g = 0; g < snapshot->gpu_count; g++) {
		for (unsigned int i = 0; i < snapshot->gpus[g].gi_count; i++) {
			const struct mig_gpu_instance *there = &snapshot->gpus[g].gi[i];
			const char *name = snapshot->gpus[g].facts->gi[there->gi_row].name;

			gi++;
			for (unsigned int k = 0; k < target->total_count; k++)
				counts[k] += strcmp(name, target->totals[k].profile) == 0;
		}
	}
	for (unsigned int i = 0; i < plan->op_count; i++) {
		const struct mig_op *op = &plan->ops[i];

		for (unsigned int k = 0; k < target->total_count; k++) {
			if (strcmp(op->gi_profile_name, target->totals[k].profile) != 0)
				continue;
			counts[k] += op->kind == MIG_OP_GI_CREATE;
			counts[k] -= op->kind == MIG_OP_GI_DESTROY;
		}
		gi += op->kind == MIG_OP_GI_CREATE;
		gi -= op->kind == MIG_OP_GI_DESTROY;
	}
	for (unsigned int k = 0; k < target->total_count; k++) {
		MIG_ASSERT_UINT_EQ(counts[k], target->totals[k].count);
		total += counts[k];
		wanted += target->totals[k].count;
	}
	MIG_ASSERT_UINT_EQ(total, wanted);
	MIG_ASSERT_UINT_EQ(gi, wanted);
}

/* ---- every way there is ------------------------------------------------------------------------ */

/* Costs in the order in which they count. */
struct harm {
	unsigned int held, gi, ci, modes;
};

static bool is_less(const struct harm *a, const struct harm *b)
{
	if (a->held != b->held)
		return a->held < b->held;
	if (a->gi != b->gi)
		return a->gi < b->gi;
	if (a->ci != b->ci)
		return a->ci < b->ci;
	return a->modes < b->modes;
}

#define KINDS 3

struct every_way {
	const struct mig_snapshot *snapshot;
	const char *names[KINDS];
	bool found;
	struct harm best;
};

/* One GPU with exactly these devices, by the layout search (which is proved by itself). */
static bool harm_on(const struct mig_gpu *gpu, const char *const *names, const unsigned int *counts,
		    struct harm *harm)
{
	struct mig_gpu_target target = {.is_named = true, .mig_mode = true};
	struct mig_layout layout;
	unsigned int total = 0;

	for (unsigned int k = 0; k < KINDS; k++) {
		unsigned int gi_row, ci_row;

		total += counts[k];
		if (counts[k] == 0)
			continue;
		if (mig_facts_find(gpu->facts, names[k], &gi_row, &ci_row) < 0)
			return false;
		MIG_ASSERT_INT_EQ(mig_target_add(&target, gi_row, ci_row, counts[k], NULL), 0);
	}
	if (mig_layout_find(gpu, &target, &layout, NULL) < 0)
		return false;
	harm->held += layout.held_destroyed;
	harm->gi += layout.gi_destroyed;
	harm->ci += layout.ci_destroyed;
	harm->modes += total > 0 && !gpu->mig_current;
	return true;
}

static void try_every_way(struct every_way *w, unsigned int gpu, const unsigned int *left,
			  struct harm so_far)
{
	unsigned int counts[KINDS];

	if (gpu == w->snapshot->gpu_count) {
		if (left[0] + left[1] + left[2] > 0 || (w->found && !is_less(&so_far, &w->best)))
			return;
		w->found = true;
		w->best = so_far;
		return;
	}
	for (counts[0] = 0; counts[0] <= left[0]; counts[0]++) {
		for (counts[1] = 0; counts[1] <= left[1]; counts[1]++) {
			for (counts[2] = 0; counts[2] <= left[2]; counts[2]++) {
				unsigned int rest[KINDS] = {left[0] - counts[0],
							    left[1] - counts[1],
							    left[2] - counts[2]};
				struct harm harm = so_far;

				if (harm_on(&w->snapshot->gpus[gpu], w->names, counts, &harm))
					try_every_way(w, gpu + 1, rest, harm);
			}
		}
	}
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525U + 1013904223U;
	return *seed >> 8;
}

/* Something random on each GPU; some are held, some GPUs are off. */
static void put_anything(struct fake_gpu *gpu, const char *const *names, const unsigned int *sizes,
			 unsigned int units, uint32_t *seed)
{
	static unsigned int pid = 100;

	if (next_random(seed) % 6 == 0) {
		gpu->current = gpu->pending = false;
		gpu->off_has_profiles = true;
		return;
	}
	for (unsigned int at = 0; at < units;) {
		unsigned int kind = next_random(seed) % (KINDS + 1);

		if (kind == KINDS || at % sizes[kind] != 0 || at + sizes[kind] > units) {
			at++;
			continue;
		}
		if (next_random(seed) % 5 == 0)
			fake_put_gi(gpu, names[kind], at);
		else if (next_random(seed) % 2 == 0)
			fake_put(gpu, names[kind], at);
		else
			fake_put_process(&fake_put(gpu, names[kind], at)->ci[0], pid++);
		at += sizes[kind];
	}
}

static void compare_with_every_way(const struct mig_snapshot *snapshot, const char *const *names,
				   const unsigned int *counts)
{
	struct every_way way = {.snapshot = snapshot};
	struct mig_target *target = totals_of(snapshot, NULL, 0);
	struct mig_plan *plan = NULL;
	struct mig_error *err = NULL;
	struct sums sums;

	memcpy(way.names, names, sizeof(way.names));
	try_every_way(&way, 0, counts, (struct harm){0});
	for (unsigned int k = 0; k < KINDS; k++)
		more(target, names[k], counts[k]);
	if (mig_plan_make(snapshot, target, &plan, &err) < 0) {
		MIG_ASSERT_INT_EQ(mig_error_code(err), MIG_ERROR_REFUSED);
		MIG_ASSERT_MSG(!way.found, "%s", mig_error_message(err));
		mig_error_free(err);
		mig_target_free(target);
		return;
	}
	MIG_ASSERT(way.found);
	sums = sums_of(plan);
	MIG_ASSERT_UINT_EQ(sums.held, way.best.held);
	MIG_ASSERT_UINT_EQ(sums.gi, way.best.gi);
	MIG_ASSERT_UINT_EQ(sums.ci, way.best.ci);
	MIG_ASSERT_UINT_EQ(sums.modes, way.best.modes);
	MIG_ASSERT(plan->is_optimal);
	MIG_ASSERT_UINT_EQ(plan->held_destroyed_bound, sums.held);
	MIG_ASSERT_UINT_EQ(plan->gi_destroyed_bound, sums.gi);
	assert_reaches(snapshot, target, plan);
	mig_plan_free(plan);
	mig_target_free(target);
}

MIG_TEST(totals_of_small_nodes_against_every_way)
{
	static const char *const names[KINDS] = {"1g.6gb", "2g.12gb", "4g.24gb"};
	static const unsigned int sizes[KINDS] = {1, 2, 4};
	uint32_t seed = 7;

	for (unsigned int n = 0; n < 120; n++) {
		struct fake_driver *fake = fake_new();
		struct mig_snapshot *snapshot;
		unsigned int gpus = 1 + n % 3;

		for (unsigned int g = 0; g < gpus; g++)
			put_anything(fake_add_a30(fake), names, sizes, 4, &seed);
		snapshot = fake_snapshot(fake, MIG_SNAPSHOT_HOLDERS);
		for (unsigned int i = 0; i < 6; i++) {
			unsigned int counts[KINDS] = {next_random(&seed) % (gpus * 3 + 2),
						      next_random(&seed) % (gpus + 2),
						      next_random(&seed) % (gpus + 1)};

			compare_with_every_way(snapshot, names, counts);
		}
		mig_snapshot_free(snapshot);
		fake_free(fake);
	}
}

/* An A30 and two A100: each has profiles that the other lacks. */
MIG_TEST(totals_of_mixed_models_against_every_way)
{
	static const char *const a30[KINDS] = {"1g.6gb", "2g.12gb", "4g.24gb"};
	static const char *const a100[KINDS] = {"1g.5gb", "2g.10gb", "3g.20gb"};
	static const char *const wanted[KINDS] = {"1g.5gb", "3g.20gb", "2g.12gb"};
	static const unsigned int a30_sizes[KINDS] = {1, 2, 4}, a100_sizes[KINDS] = {1, 2, 4};
	uint32_t seed = 3;

	for (unsigned int n = 0; n < 12; n++) {
		struct fake_driver *fake = fake_new();
		struct mig_snapshot *snapshot;

		put_anything(fake_add_a100(fake), a100, a100_sizes, 6, &seed);
		put_anything(fake_add_a30(fake), a30, a30_sizes, 4, &seed);
		put_anything(fake_add_a100(fake), a100, a100_sizes, 6, &seed);
		snapshot = fake_snapshot(fake, MIG_SNAPSHOT_HOLDERS);
		for (unsigned int i = 0; i < 4; i++) {
			unsigned int counts[KINDS] = {next_random(&seed) % 9,
						      next_random(&seed) % 5,
						      next_random(&seed) % 4};

			compare_with_every_way(snapshot, wanted, counts);
		}
		mig_snapshot_free(snapshot);
		fake_free(fake);
	}
}

/* ---- the published instances ------------------------------------------------------------------- */

static unsigned int member(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	MIG_ASSERT(json_is_integer(value));
	return (unsigned int)json_integer_value(value);
}

MIG_TEST(totals_of_the_published_instances_keep_what_a_solver_keeps)
{
	char path[512];
	json_t *published;

	snprintf(path, sizeof(path), "%s/tests/data/totals/kept.json", mig_test_source_root());
	published = json_load_file(path, 0, NULL);
	MIG_ASSERT_UINT_EQ(json_array_size(published), TOTALS_CASES);
	for (unsigned int i = 0; i < TOTALS_CASES; i++) {
		const json_t *kept = json_array_get(published, i);
		struct totals_case made;
		struct mig_plan *plan;
		struct sums sums;

		totals_case_read(i, 1, &made);
		plan = make(made.snapshot, made.target);
		sums = sums_of(plan);
		MIG_ASSERT_UINT_EQ(made.busy_count, member(kept, "busy"));
		MIG_ASSERT_UINT_EQ(made.instance_count, member(kept, "instances"));
		MIG_ASSERT_UINT_EQ(made.busy_count - sums.held, member(kept, "busy_kept"));
		MIG_ASSERT_UINT_EQ(sums.kept, member(kept, "kept"));
		MIG_ASSERT(plan->is_optimal);
		MIG_ASSERT_UINT_EQ(plan->held_destroyed_bound, sums.held);
		MIG_ASSERT_UINT_EQ(plan->gi_destroyed_bound, sums.gi);
		assert_reaches(made.snapshot, made.target, plan);
		mig_plan_free(plan);
		totals_case_clear(&made);
	}
	json_decref(published);
}

MIG_TEST(totals_make_the_same_plan_each_time)
{
	struct totals_case made;
	struct mig_plan *plans[2];

	totals_case_read(11, 1, &made);
	for (unsigned int i = 0; i < 2; i++)
		plans[i] = make(made.snapshot, made.target);
	MIG_ASSERT_UINT_EQ(plans[0]->op_count, plans[1]->op_count);
	MIG_ASSERT(plans[0]->op_count > 0);
	MIG_ASSERT_MEM_EQ(plans[0]->ops, plans[1]->ops,
			  plans[0]->op_count * sizeof(plans[0]->ops[0]));
	for (unsigned int i = 0; i < 2; i++)
		mig_plan_free(plans[i]);
	totals_case_clear(&made);
}

/* ---- many GPUs --------------------------------------------------------------------------------- */

/* Four instances together: each by itself gives a way, so what they cost is never exceeded. */
MIG_TEST(totals_of_32_gpus_are_within_what_is_said_of_them)
{
	unsigned int optimal = 0;

	for (unsigned int i = 0; i < TOTALS_CASES; i++) {
		struct totals_case all;
		struct mig_plan *plan;
		unsigned int held = 0;
		struct sums sums;

		for (unsigned int n = i; n < i + 4; n++) {
			struct totals_case one;

			totals_case_read(n, 1, &one);
			plan = make(one.snapshot, one.target);
			held += sums_of(plan).held;
			mig_plan_free(plan);
			totals_case_clear(&one);
		}
		totals_case_read(i, 4, &all);
		MIG_ASSERT_UINT_EQ(all.snapshot->gpu_count, 32);
		plan = make(all.snapshot, all.target);
		sums = sums_of(plan);
		MIG_ASSERT(plan->held_destroyed_bound <= sums.held);
		MIG_ASSERT(plan->held_destroyed_bound <= held);
		MIG_ASSERT(plan->gi_destroyed_bound <= sums.gi);
		if (plan->is_optimal) {
			MIG_ASSERT_UINT_EQ(plan->held_destroyed_bound, sums.held);
			MIG_ASSERT_UINT_EQ(plan->gi_destroyed_bound, sums.gi);
			MIG_ASSERT(sums.held <= held);
			optimal++;
		}
		printf("%u: held %u (bound %u, apart %u), GPU instances %u (bound %u)%s\n", i,
		       sums.held, plan->held_destroyed_bound, held, sums.gi,
		       plan->gi_destroyed_bound, plan->is_optimal ? ", optimal" : "");
		assert_reaches(all.snapshot, all.target, plan);
		mig_plan_free(plan);
		totals_case_clear(&all);
	}
	printf("%u are optimal\n", optimal);
}

/* ---- cases worth a name ------------------------------------------------------------------------ */

static struct fake_driver *three_a100(void)
{
	struct fake_driver *fake = fake_new();

	for (unsigned int i = 0; i < 3; i++)
		fake_add_a100(fake);
	return fake;
}

static void refused(const struct mig_snapshot *snapshot, struct mig_target *target,
		    const char *message, const char *hint)
{
	struct mig_plan *plan = NULL;
	struct mig_error *err = NULL;

	MIG_ASSERT_INT_EQ(mig_plan_make(snapshot, target, &plan, &err), -1);
	MIG_ASSERT(plan == NULL);
	MIG_ASSERT_INT_EQ(mig_error_code(err), MIG_ERROR_REFUSED);
	MIG_ASSERT_STR_EQ(mig_error_message(err), message);
	if (hint != NULL)
		MIG_ASSERT_STR_EQ(mig_error_hint_text(err), hint);
	mig_error_free(err);
	mig_target_free(target);
}

MIG_TEST(totals_that_do_not_fit_are_refused)
{
	struct fake_driver *fake = three_a100();
	struct mig_snapshot *snapshot = fake_snapshot(fake, MIG_SNAPSHOT_HOLDERS);
	struct mig_target *target;

	refused(snapshot, totals_of(snapshot, "7g.40gb", 4),
		"the totals do not fit: 4 x 7g.40gb, but the 3 GPUs that share them take 3 at the "
		"most",
		"on these GPUs fit, each alone: 3 x 7g.40gb");
	refused(snapshot, totals_of(snapshot, "1g.5gb", UINT_MAX),
		"the totals do not fit: 4294967295 x 1g.5gb, but the 3 GPUs that share them take "
		"21 "
		"at the most",
		NULL);
	target = totals_of(snapshot, "7g.40gb", 2);
	more(target, "1g.5gb", 9);
	refused(snapshot, target,
		"the totals do not fit on the 3 GPUs that share them; left over: 1 x 7g.40gb",
		"together fit: 1 x 7g.40gb, 9 x 1g.5gb");
	refused(snapshot, totals_of(snapshot, "9g.99gb", 1),
		"none of the 3 GPUs that share the totals has a profile '9g.99gb'", NULL);
	mig_snapshot_free(snapshot);
	fake_free(fake);
}

MIG_TEST(totals_without_a_gpu_or_beside_devices_are_refused)
{
	struct fake_driver *fake = three_a100();
	struct mig_snapshot *snapshot = fake_snapshot(fake, MIG_SNAPSHOT_HOLDERS);
	struct mig_target *target = totals_of(snapshot, "1g.5gb", 1);

	MIG_ASSERT_INT_EQ(mig_target_add(&target->gpus[2], 0, 0, 1, NULL), 0);
	refused(snapshot, target, "GPU 2 shares the totals and has devices of its own, too", NULL);
	target = totals_of(snapshot, "1g.5gb", 1);
	for (unsigned int i = 0; i < 3; i++)
		target->gpus[i].shares_totals = false;
	refused(snapshot, target, "no GPU shares the totals", NULL);
	mig_snapshot_free(snapshot);
	fake_free(fake);
}

MIG_TEST(totals_leave_gpus_alone_that_do_not_share_them)
{
	struct fake_driver *fake = three_a100();
	struct mig_snapshot *snapshot;
	struct mig_target *target;
	struct mig_plan *plan;

	fake_put(&fake->gpus[0], "1g.5gb", 0);
	fake_add_gpu(fake, "Tesla T4", NULL, 0);
	snapshot = fake_snapshot(fake, MIG_SNAPSHOT_HOLDERS);
	target = totals_of(snapshot, "1g.5gb", 2);
	target->gpus[0].shares_totals = false;
	plan = make(snapshot, target);
	MIG_ASSERT_UINT_EQ(plan->gpu_count, 3);
	MIG_ASSERT_UINT_EQ(plan->gpus[0].gpu_index, 1);
	MIG_ASSERT_UINT_EQ(plan->op_count, 4);
	/* Both on one: that leaves the most possible; and on the lowest. */
	MIG_ASSERT_UINT_EQ(plan->gpus[0].created_gi, 2);
	MIG_ASSERT_UINT_EQ(plan->gpus[2].op_count, 0); /* without MIG, and nothing wanted of it */
	mig_plan_free(plan);
	mig_target_free(target);
	mig_snapshot_free(snapshot);
	fake_free(fake);
}

MIG_TEST(totals_turn_mig_on_only_where_it_is_needed)
{
	struct fake_driver *fake = three_a100();
	struct mig_snapshot *snapshot;
	struct mig_target *target;
	struct mig_plan *plan;

	for (unsigned int i = 0; i < 2; i++) {
		fake->gpus[i].current = fake->gpus[i].pending = false;
		fake->gpus[i].off_has_profiles = true;
	}
	fake->gpus[1].pending = true; /* somebody's wish, which these totals do not touch */
	snapshot = fake_snapshot(fake, MIG_SNAPSHOT_HOLDERS);
	target = totals_of(snapshot, "3g.20gb", 2);
	plan = make(snapshot, target);
	MIG_ASSERT_UINT_EQ(sums_of(plan).modes, 0);
	MIG_ASSERT_UINT_EQ(plan->gpus[2].created_gi, 2);
	MIG_ASSERT_UINT_EQ(plan->op_count, 4);
	mig_plan_free(plan);
	more(target, "3g.20gb", 1);
	plan = make(snapshot, target);
	MIG_ASSERT_UINT_EQ(sums_of(plan).modes, 1);
	mig_plan_free(plan);
	mig_target_free(target);
	mig_snapshot_free(snapshot);
	fake_free(fake);
}

MIG_TEST(totals_are_exact_so_what_is_too_much_goes)
{
	struct fake_driver *fake = three_a100();
	struct mig_snapshot *snapshot;
	struct mig_target *target;
	struct mig_plan *plan;

	fake_put_process(&fake_put(&fake->gpus[0], "1g.5gb", 3)->ci[0], 77);
	fake_put(&fake->gpus[1], "1g.5gb", 2);
	fake_put(&fake->gpus[2], "2g.10gb", 0);
	snapshot = fake_snapshot(fake, MIG_SNAPSHOT_HOLDERS);
	target = totals_of(snapshot, "1c.1g.5gb", 1);
	plan = make(snapshot, target);
	MIG_ASSERT_UINT_EQ(sums_of(plan).held, 0);
	MIG_ASSERT_UINT_EQ(plan->gpus[0].op_count, 0);
	MIG_ASSERT_UINT_EQ(sums_of(plan).gi, 2);
	mig_plan_free(plan);
	/* Two names of one device are one. */
	more(target, "1g.5gb", 1);
	MIG_ASSERT_UINT_EQ(target->total_count, 1);
	plan = make(snapshot, target);
	MIG_ASSERT_UINT_EQ(sums_of(plan).gi, 1);
	mig_plan_free(plan);
	mig_target_free(target);
	target = totals_of(snapshot, NULL, 0);
	plan = make(snapshot, target);
	MIG_ASSERT_UINT_EQ(sums_of(plan).gi, 3);
	mig_plan_free(plan);
	mig_target_free(target);
	mig_snapshot_free(snapshot);
	fake_free(fake);
}

MIG_TEST(totals_keep_what_is_in_use_or_change_nothing)
{
	struct fake_driver *fake = three_a100();
	struct mig_snapshot *snapshot;
	struct mig_target *target;
	struct mig_plan *plan;

	fake_put_process(&fake_put(&fake->gpus[1], "2g.10gb", 2)->ci[0], 77);
	fake_put(&fake->gpus[2], "2g.10gb", 0);
	snapshot = fake_snapshot(fake, MIG_SNAPSHOT_HOLDERS);
	target = totals_of(snapshot, "2g.10gb", 1);
	more(target, "7g.40gb", 2);
	for (unsigned int i = 0; i < 3; i++)
		target->gpus[i].keeps_in_use = true;
	plan = make(snapshot, target);
	MIG_ASSERT_UINT_EQ(sums_of(plan).blocked, 0);
	MIG_ASSERT_UINT_EQ(plan->gpus[1].op_count, 0);
	MIG_ASSERT_UINT_EQ(sums_of(plan).gi, 1);
	mig_plan_free(plan);
	more(target, "7g.40gb", 1); /* does not fit at all */
	refused(snapshot, target,
		"the totals do not fit on the 3 GPUs that share them; left over: 1 x 7g.40gb",
		NULL);
	target = totals_of(snapshot, "7g.40gb", 3);
	for (unsigned int i = 0; i < 3; i++)
		target->gpus[i].keeps_in_use = true;
	plan = make(snapshot, target);
	MIG_ASSERT_UINT_EQ(sums_of(plan).blocked, 3);
	MIG_ASSERT_UINT_EQ(plan->op_count, 0);
	MIG_ASSERT_UINT_EQ(plan->gpus[0].held_destroyed, 0);
	MIG_ASSERT_UINT_EQ(plan->gpus[1].held_destroyed, 1);
	MIG_ASSERT_UINT_EQ(plan->gpus[1].kept_gi, 1);
	MIG_ASSERT_UINT_EQ(plan->held_destroyed_bound, 1);
	mig_plan_free(plan);
	mig_target_free(target);
	mig_snapshot_free(snapshot);
	fake_free(fake);
}

MIG_TEST(totals_of_parts_share_gpu_instances)
{
	struct fake_driver *fake = three_a100();
	struct mig_snapshot *snapshot = fake_snapshot(fake, MIG_SNAPSHOT_HOLDERS);
	struct mig_target *target = totals_of(snapshot, "1c.3g.20gb", 5);
	struct mig_plan *plan;
	unsigned int created = 0;

	more(target, "2c.3g.20gb", 2);
	more(target, "1c.7g.40gb", 3);
	plan = make(snapshot, target);
	for (unsigned int i = 0; i < 3; i++)
		created += plan->gpus[i].created_gi;
	MIG_ASSERT_UINT_EQ(created, 4); /* 9 slices in three 3g, and a 7g */
	MIG_ASSERT(plan->is_optimal);
	mig_plan_free(plan);
	mig_target_free(target);
	mig_snapshot_free(snapshot);
	fake_free(fake);
}
