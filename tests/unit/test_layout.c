/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layout search against all layouts written down one by one, and cases worth a name.
 *
 * Of A30, RTX PRO 6000 and A100 with double-memory 1g every pair of a layout and a set of whole
 * devices is compared here; of what is larger a part, the rest in test_layout_long.c.
 */
#include "core/layout.h"

#include <string.h>

#include "shared/macros.h"
#include "tests/harness/test.h"
#include "tests/unit/brute_layout.h"

static unsigned int count_layouts(const struct fake_gi_profile *profiles, unsigned int count)
{
	struct brute brute;

	brute_init(&brute, profiles, count, true);
	brute_clear(&brute);
	return brute.state_count;
}

/* ---- against all layouts ---------------------------------------------------------------------- */

/* The numbers that reference captures give: the measuring stick is straight. */
MIG_TEST(layout_brute_force_counts_what_is_known)
{
	struct fake_gi_profile base_and_double[6];

	MIG_ASSERT_UINT_EQ(count_layouts(fake_a100, 5), 298);
	memcpy(base_and_double, fake_a100, 5 * sizeof(fake_a100[0]));
	base_and_double[5] = fake_a100[6];
	MIG_ASSERT_UINT_EQ(count_layouts(base_and_double, 6), 723);
	MIG_ASSERT_UINT_EQ(count_layouts(fake_a100, fake_a100_count), 2319);
	MIG_ASSERT_UINT_EQ(count_layouts(fake_a30, 3), 26);
	MIG_ASSERT_UINT_EQ(count_layouts(fake_a30, fake_a30_count), 76);
}

MIG_TEST(layout_a30_whole_instances_all_pairs)
{
	brute_compare_all(fake_a30, fake_a30_count, true, 1);
}

MIG_TEST(layout_a30_with_compute_instances)
{
	brute_compare_all(fake_a30, 3, false, 1);
}

MIG_TEST(layout_a30_media_extensions_with_compute_instances)
{
	brute_compare_all(fake_a30, fake_a30_count, false, 1);
}

MIG_TEST(layout_a100_base_profiles)
{
	brute_compare_all(fake_a100, 5, true, 1);
}

MIG_TEST(layout_a100_with_double_memory)
{
	struct fake_gi_profile profiles[6];

	memcpy(profiles, fake_a100, 5 * sizeof(fake_a100[0]));
	profiles[5] = fake_a100[6];
	brute_compare_all(profiles, 6, true, 1);
}

MIG_TEST(layout_a100_with_everything)
{
	brute_compare_all(fake_a100, fake_a100_count, true, 101);
}

MIG_TEST(layout_a100_compute_instances)
{
	/* 2g, 3g, 4g: every way to share them. */
	brute_compare_all(fake_a100 + 1, 3, false, 1);
}

MIG_TEST(layout_a100_swapped)
{
	brute_compare_all(fake_a100_swapped, fake_a100_swapped_count, true, 1);
}

MIG_TEST(layout_rtx_pro_6000_of_12_units)
{
	brute_compare_all(fake_rtx6000, fake_rtx6000_count, true, 1);
}

/* Places: every pair of layouts, some of the second one's GPU instances fixed. */
MIG_TEST(layout_a30_around_placed_instances)
{
	brute_compare_all_placed(fake_a30, 3, false, 3);
}

MIG_TEST(layout_rtx_pro_6000_around_placed_instances)
{
	brute_compare_all_placed(fake_rtx6000, fake_rtx6000_count, true, 3);
}

MIG_TEST(layout_a100_around_placed_instances)
{
	brute_compare_all_placed(fake_a100, 5, true, 5);
}

/* What the default run proves whole: all pairs of a layout and a set of devices. */
MIG_TEST(layout_a100_with_double_memory_has_55594_pairs)
{
	struct fake_gi_profile profiles[6];
	struct brute brute;
	unsigned int sets;

	memcpy(profiles, fake_a100, 5 * sizeof(fake_a100[0]));
	profiles[5] = fake_a100[6];
	brute_init(&brute, profiles, 6, true);
	free(brute_device_sets(&brute, &sets));
	MIG_ASSERT_UINT_EQ(brute.state_count, 723);
	MIG_ASSERT_UINT_EQ(sets, 77);				   /* without the empty one */
	MIG_ASSERT_UINT_EQ((brute.state_count - 1) * sets, 55594); /* nor the empty layout */
	brute_clear(&brute);
}

/* ---- sets that do not fit ---------------------------------------------------------------------- */

/* Every set of up to `most` of each whole device of the base profiles: fits exactly when a layout
 * has it. */
MIG_TEST(layout_refuses_exactly_what_no_layout_has)
{
	static const struct brute_held nobody;
	static const struct brute_state empty;
	struct mig_snapshot *snapshot = brute_snapshot(fake_a100, 5);
	struct brute brute;
	unsigned int refused = 0, found = 0;

	brute_init(&brute, fake_a100, 5, true);
	for (unsigned int n = 1; n < 9 * 5 * 4 * 3 * 3; n++) {
		struct brute_cost cost;
		unsigned int rest = n;
		uint64_t devices = 0;

		/* Kinds: 1g 0; 2g whole 2; 3g whole 5; 4g whole 8; 7g whole 13. */
		devices |= (uint64_t)(rest % 9);
		rest /= 9;
		devices |= (uint64_t)(rest % 5) << 4 * 2;
		rest /= 5;
		devices |= (uint64_t)(rest % 4) << 4 * 5;
		rest /= 4;
		devices |= (uint64_t)(rest % 3) << 4 * 8;
		rest /= 3;
		devices |= (uint64_t)rest << 4 * 13;
		brute_compare(&brute, &snapshot->gpus[0], &empty, &nobody, devices, true);
		if (brute_best(&brute, &empty, &nobody, devices, NULL, &cost) == NULL)
			refused++;
		else
			found++;
	}
	MIG_ASSERT_UINT_EQ(found, 37); /* distinct sets of the 298 layouts, without the empty one */
	MIG_ASSERT_UINT_EQ(refused, 9 * 5 * 4 * 3 * 3 - 1 - 37);
	brute_clear(&brute);
	mig_snapshot_free(snapshot);
}

/* Wants `count` of GI profile row / CI row; ends the test unless it is refused with this text. */
static void refused(struct mig_gpu *gpu, const struct mig_gpu_target *target, const char *message,
		    const char *hint)
{
	struct mig_layout layout;
	struct mig_error *err = NULL;

	MIG_ASSERT_INT_EQ(mig_layout_find(gpu, target, &layout, &err), -1);
	MIG_ASSERT_INT_EQ(mig_error_code(err), MIG_ERROR_REFUSED);
	MIG_ASSERT_STR_EQ(mig_error_message(err), message);
	MIG_ASSERT_CONTAINS(mig_error_hint_text(err), hint);
	mig_error_free(err);
}

static void want(struct mig_gpu_target *target, unsigned int row, unsigned int ci_row,
		 unsigned int count)
{
	target->is_named = target->mig_mode = true;
	MIG_ASSERT_INT_EQ(mig_target_add(target, row, ci_row, count, NULL), 0);
}

MIG_TEST(layout_says_what_does_not_fit_and_what_would)
{
	struct mig_snapshot *snapshot = brute_snapshot(fake_a100, fake_a100_count);
	struct mig_gpu_target target = {0};

	want(&target, 2, 2, 2); /* 3g.20gb */
	want(&target, 0, 0, 1); /* 1g.5gb: a slice is left, its memory is not */
	refused(&snapshot->gpus[0], &target,
		"2 x 3g.20gb, 1 x 1g.5gb do not fit together in any layout of this GPU",
		"2 x 3g.20gb, 7 x 1g.5gb");
	memset(&target, 0, sizeof(target));
	want(&target, 5, 0, 2); /* 1g.5gb+me: one per GPU */
	refused(&snapshot->gpus[0], &target,
		"2 x 1g.5gb+me do not fit together in any layout of this GPU", "1 x 1g.5gb+me");
	memset(&target, 0, sizeof(target));
	want(&target, 2, 0, 4); /* 1c.3g.20gb */
	want(&target, 4, 4, 1); /* 7g.40gb */
	refused(&snapshot->gpus[0], &target,
		"4 x 1c.3g.20gb, 1 x 7g.40gb do not fit together in any layout of this GPU",
		"2 x 3g.20gb, 1 x 7g.40gb");
	mig_snapshot_free(snapshot);
}

MIG_TEST(layout_refuses_huge_counts_at_once)
{
	static const unsigned int counts[] = {
		8, 100, 65536, INT32_MAX, (unsigned int)INT32_MAX + 1, UINT32_MAX};
	struct mig_snapshot *snapshot = brute_snapshot(fake_a100, fake_a100_count);

	for (size_t i = 0; i < MIG_ARRAY_SIZE(counts); i++) {
		for (unsigned int row = 0; row < fake_a100_count; row++) {
			for (unsigned int ci = 0; ci < fake_a100[row].ci_count; ci++) {
				struct mig_gpu_target target = {0};
				struct mig_layout layout;
				struct mig_error *err = NULL;

				want(&target, row, ci, counts[i]);
				MIG_ASSERT_INT_EQ(mig_layout_find(&snapshot->gpus[0], &target,
								  &layout, &err),
						  -1);
				MIG_ASSERT_INT_EQ(mig_error_code(err), MIG_ERROR_REFUSED);
				mig_error_free(err);
			}
		}
	}
	mig_snapshot_free(snapshot);
}

/* ---- cases worth a name ------------------------------------------------------------------------ */

static struct mig_layout find(struct mig_gpu *gpu, const struct mig_gpu_target *target)
{
	struct mig_layout layout, again;
	struct mig_error *err = NULL;

	if (mig_layout_find(gpu, target, &layout, &err) < 0)
		MIG_FAIL("refused: %s", mig_error_message(err));
	MIG_ASSERT_INT_EQ(mig_layout_find(gpu, target, &again, NULL), 0);
	MIG_ASSERT_UINT_EQ(again.gi_count, layout.gi_count);
	MIG_ASSERT_MEM_EQ(again.gi, layout.gi, layout.gi_count * sizeof(layout.gi[0]));
	return layout;
}

static struct mig_gpu_instance *put(struct mig_gpu *gpu, unsigned int row, unsigned int start)
{
	struct mig_gpu_instance *gi = &gpu->gi[gpu->gi_count];

	memset(gi, 0, sizeof(*gi));
	gi->id = ++gpu->gi_count;
	gi->gi_row = row;
	gi->start = start;
	gi->size = gpu->facts->gi[row].size;
	return gi;
}

static void put_ci(struct mig_gpu_instance *gi, unsigned int ci_row, unsigned int start)
{
	gi->ci[gi->ci_count].id = gi->ci_count;
	gi->ci[gi->ci_count].ci_row = ci_row;
	gi->ci[gi->ci_count].start = start;
	gi->ci_count++;
}

MIG_TEST(layout_shares_gpu_instances_among_parts)
{
	struct mig_snapshot *snapshot = brute_snapshot(fake_a100, fake_a100_count);
	struct mig_gpu_target target = {0};
	struct mig_layout layout;

	want(&target, 2, 0, 1); /* 1c.3g.20gb */
	want(&target, 2, 1, 1); /* 2c.3g.20gb */
	layout = find(&snapshot->gpus[0], &target);
	MIG_ASSERT_UINT_EQ(layout.gi_count, 1);
	MIG_ASSERT_UINT_EQ(layout.gi[0].start, 4);
	MIG_ASSERT_UINT_EQ(layout.gi[0].ci_count, 2);
	memset(&target, 0, sizeof(target));
	want(&target, 2, 0, 4); /* four 1c.3g.20gb need two GPU instances */
	layout = find(&snapshot->gpus[0], &target);
	MIG_ASSERT_UINT_EQ(layout.gi_count, 2);
	MIG_ASSERT_UINT_EQ(layout.gi[0].ci_count + layout.gi[1].ci_count, 4);
	mig_snapshot_free(snapshot);
}

MIG_TEST(layout_uses_a_gpu_instance_that_has_no_compute_instance)
{
	struct mig_snapshot *snapshot = brute_snapshot(fake_a100, fake_a100_count);
	struct mig_gpu *gpu = &snapshot->gpus[0];
	struct mig_gpu_target target = {0};
	struct mig_layout layout;

	put(gpu, 2, 0);
	want(&target, 2, 2, 1);
	layout = find(gpu, &target);
	MIG_ASSERT_UINT_EQ(layout.gi_count, 1);
	MIG_ASSERT_UINT_EQ(layout.gi[0].start, 0);
	MIG_ASSERT_INT_EQ(layout.gi[0].kept_id, 1);
	MIG_ASSERT_INT_EQ(layout.gi[0].ci[0].kept_id, -1);
	MIG_ASSERT_UINT_EQ(layout.gi_destroyed, 0);
	gpu->gi_count = 0;
	mig_snapshot_free(snapshot);
}

MIG_TEST(layout_changes_compute_instances_inside_a_kept_gpu_instance)
{
	struct mig_snapshot *snapshot = brute_snapshot(fake_a100, fake_a100_count);
	struct mig_gpu *gpu = &snapshot->gpus[0];
	struct mig_gpu_instance *three = put(gpu, 2, 0);
	struct mig_gpu_target target = {0};
	struct mig_layout layout;

	put_ci(three, 0, 2); /* 1c at 2 */
	put_ci(three, 0, 0); /* 1c at 0 */
	want(&target, 2, 0, 1);
	want(&target, 2, 1, 1); /* 2c at 0: the 1c at 0 must go, the one at 2 stays */
	layout = find(gpu, &target);
	MIG_ASSERT_INT_EQ(layout.gi[0].kept_id, 1);
	MIG_ASSERT_UINT_EQ(layout.gi[0].ci_count, 2);
	for (unsigned int i = 0; i < 2; i++) {
		const struct mig_layout_ci *ci = &layout.gi[0].ci[i];

		MIG_ASSERT_INT_EQ(ci->kept_id, ci->ci_row == 0 ? 0 : -1);
		MIG_ASSERT_UINT_EQ(ci->start, ci->ci_row == 0 ? 2 : 0);
	}
	MIG_ASSERT_UINT_EQ(layout.gi_destroyed, 0);
	MIG_ASSERT_UINT_EQ(layout.ci_destroyed, 1);
	gpu->gi_count = 0;
	mig_snapshot_free(snapshot);
}

MIG_TEST(layout_keeps_a_held_instance_at_the_price_of_others)
{
	struct mig_snapshot *snapshot = brute_snapshot(fake_a100, fake_a100_count);
	struct mig_gpu *gpu = &snapshot->gpus[0];
	struct mig_holder holder = {.provider = "process", .pid = 1};
	struct mig_gpu_target target = {0};
	struct mig_layout layout;

	/* One 1g held at 4, two idle at 0 and 1; wanted one 1g and one 4g, which lies at 0. */
	for (unsigned int i = 0; i < 2; i++)
		put_ci(put(gpu, 0, i), 0, 0);
	put_ci(put(gpu, 0, 4), 0, 0);
	gpu->gi[2].ci[0].holder_count = 1;
	gpu->gi[2].ci[0].holders = &holder;
	want(&target, 0, 0, 1);
	layout = find(gpu, &target);
	MIG_ASSERT_UINT_EQ(layout.gi[0].start, 4);
	MIG_ASSERT_INT_EQ(layout.gi[0].kept_id, 3);
	MIG_ASSERT_UINT_EQ(layout.held_destroyed, 0);
	want(&target, 3, 2, 1);
	layout = find(gpu, &target);
	MIG_ASSERT_UINT_EQ(layout.gi_count, 2);
	MIG_ASSERT_UINT_EQ(layout.gi_destroyed, 2);
	MIG_ASSERT_UINT_EQ(layout.held_destroyed, 0);
	gpu->gi_count = 0;
	mig_snapshot_free(snapshot);
}
