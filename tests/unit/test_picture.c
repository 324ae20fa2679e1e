/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A GPU drawn as its slices, on screens of every width.
 */
#include "cli/picture.h"

#include <string.h>

#include "shared/utf8.h"
#include "tests/harness/test.h"
#include "tests/unit/fake_snapshot.h"

struct scene {
	struct fake_driver *fake;
	struct fake_gpu *gpu;
	struct mig_snapshot *snapshot;
};

static void scene_begin(struct scene *scene, const struct fake_gi_profile *profiles,
			unsigned int count)
{
	scene->fake = fake_new();
	scene->gpu = fake_add_gpu(scene->fake, "GPU", profiles, count);
	scene->snapshot = NULL;
}

static void scene_end(struct scene *scene)
{
	mig_snapshot_free(scene->snapshot);
	fake_free(scene->fake);
}

/* The drawing; the string belongs to *buf. */
static const char *draw(struct scene *scene, bool utf8, unsigned int width, struct mig_buf *buf)
{
	struct mig_picture_style style = {.utf8 = utf8, .width = width};

	mig_snapshot_free(scene->snapshot);
	scene->snapshot = fake_snapshot(scene->fake, 0);
	mig_buf_reset(buf);
	MIG_ASSERT_INT_EQ(mig_picture_draw(&scene->snapshot->gpus[0], &style, buf), 0);
	return mig_buf_text(buf);
}

MIG_TEST(picture_of_a_balanced_gpu)
{
	_cleanup_buf_ struct mig_buf buf = MIG_BUF_INIT(65536);
	struct scene scene;

	scene_begin(&scene, fake_a100, fake_a100_count);
	fake_put(scene.gpu, "1g.5gb", 0);
	fake_put(scene.gpu, "1g.5gb", 1);
	fake_put(scene.gpu, "2g.10gb", 2);
	fake_put(scene.gpu, "3g.20gb", 4);
	MIG_ASSERT_STR_EQ(
		draw(&scene, false, 80, &buf),
		"  +--------+--------+-----------------+-----------------------------------+\n"
		"  |1g.5gb  |1g.5gb  |2g.10gb          |3g.20gb                            |\n"
		"  +--------+--------+-----------------+-----------------------------------+\n");
	MIG_ASSERT_STR_EQ(
		draw(&scene, true, 80, &buf),
		"  ┌────────┬────────┬─────────────────┬───────────────────────────────────┐\n"
		"  │1g.5gb  │1g.5gb  │2g.10gb          │3g.20gb                            │\n"
		"  └────────┴────────┴─────────────────┴───────────────────────────────────┘\n");
	scene_end(&scene);
}

MIG_TEST(picture_shows_gaps_attributes_and_compute_instances)
{
	_cleanup_buf_ struct mig_buf buf = MIG_BUF_INIT(65536);
	struct scene scene;
	struct fake_gi *three;

	scene_begin(&scene, fake_a100, fake_a100_count);
	fake_put(scene.gpu, "1g.5gb+me", 1);
	fake_put_gi(scene.gpu, "1g.5gb", 3);
	three = fake_put_gi(scene.gpu, "3g.20gb", 4);
	fake_put_ci(three, 2, 0);
	fake_put_ci(three, 1, 2);
	MIG_ASSERT_STR_EQ(
		draw(&scene, false, 80, &buf),
		"  +--------+--------+--------+--------+-----------------------------------+\n"
		"  |        |1g.5gb  |        |1g.5gb  |3g.20gb                            |\n"
		"  |        |+me     |        |        |                                   |\n"
		"  |        |        |        |no CI   |2c+1c                              |\n"
		"  +--------+--------+--------+--------+-----------------------------------+\n");
	scene_end(&scene);
	scene_begin(&scene, fake_a100, fake_a100_count);
	fake_put(scene.gpu, "1g.5gb", 3);
	MIG_ASSERT_STR_EQ(
		draw(&scene, false, 80, &buf),
		"  +--------------------------+--------+-----------------------------------+\n"
		"  |                          |1g.5gb  |                                   |\n"
		"  +--------------------------+--------+-----------------------------------+\n");
	scene_end(&scene);
}

MIG_TEST(picture_of_a_gpu_without_instances_is_one_empty_box)
{
	_cleanup_buf_ struct mig_buf buf = MIG_BUF_INIT(65536);
	struct scene scene;

	scene_begin(&scene, fake_a100, fake_a100_count);
	MIG_ASSERT_STR_EQ(
		draw(&scene, false, 80, &buf),
		"  +-----------------------------------------------------------------------+\n"
		"  |                                                                       |\n"
		"  +-----------------------------------------------------------------------+\n");
	scene_end(&scene);
	/* A driver that lists no profiles says nothing of units either. */
	scene_begin(&scene, NULL, 0);
	MIG_ASSERT_STR_EQ(draw(&scene, true, 80, &buf), "");
	scene_end(&scene);
}

MIG_TEST(picture_of_12_units_fits_80_columns)
{
	_cleanup_buf_ struct mig_buf buf = MIG_BUF_INIT(65536);
	struct scene scene;

	scene_begin(&scene, fake_rtx6000, fake_rtx6000_count);
	fake_put(scene.gpu, "2g.48gb", 0);
	fake_put(scene.gpu, "1g.24gb+me.all", 6);
	fake_put(scene.gpu, "1g.24gb-me", 9);
	MIG_ASSERT_STR_EQ(
		draw(&scene, false, 80, &buf),
		"  +-----------------------------------+-----------------+-----------------+\n"
		"  |2g.48gb                            |1g.24gb          |1g.24gb          |\n"
		"  |                                   |+me.all          |-me              |\n"
		"  +-----------------------------------+-----------------+-----------------+\n");
	scene_end(&scene);
}

static size_t columns_of(const char *line, size_t len)
{
	size_t columns = 0;

	while (len > 0) {
		size_t bytes = mig_utf8_length(line, len);

		MIG_ASSERT(bytes > 0);
		line += bytes;
		len -= bytes;
		columns++;
	}
	return columns;
}

/* All lines are within the width (at least 40), and none ends in a blank. */
MIG_TEST(picture_stays_within_any_width)
{
	static const unsigned int widths[] = {0,  1,  39, 40,  41,  60,
					      79, 80, 81, 132, 500, UINT32_MAX};
	_cleanup_buf_ struct mig_buf buf = MIG_BUF_INIT(65536);
	struct scene scene;

	scene_begin(&scene, fake_a100, fake_a100_count);
	fake_put_gi(scene.gpu, "1g.10gb", 2);
	fake_put(scene.gpu, "1g.5gb+me", 0);
	fake_put_gi(scene.gpu, "3g.20gb", 4);
	for (size_t i = 0; i < MIG_ARRAY_SIZE(widths); i++) {
		for (int utf8 = 0; utf8 < 2; utf8++) {
			const char *line = draw(&scene, utf8, widths[i], &buf);

			MIG_ASSERT_CONTAINS(line, "1g.");
			while (*line != '\0') {
				size_t len = strcspn(line, "\n");

				MIG_ASSERT(line[len] == '\n');
				MIG_ASSERT(len > 0 && line[len - 1] != ' ');
				MIG_ASSERT(columns_of(line, len) <= MIG_MAX(widths[i], 40U));
				line += len + 1;
			}
		}
	}
	scene_end(&scene);
}

/* A driver that says two instances lie on one unit: ugly, but within bounds (sanitizers). */
MIG_TEST(picture_survives_instances_on_top_of_each_other)
{
	_cleanup_buf_ struct mig_buf buf = MIG_BUF_INIT(65536);
	struct scene scene;

	scene_begin(&scene, fake_a100, fake_a100_count);
	fake_put(scene.gpu, "4g.20gb", 0);
	scene.gpu->gi[1] = scene.gpu->gi[0];
	scene.gpu->gi[1].id = 99;
	scene.gpu->gi[1].profile = &fake_a100[0];
	scene.gpu->gi[1].ci[0].used = false;
	for (unsigned int start = 0; start < 4; start++) {
		scene.gpu->gi[1].start = start;
		MIG_ASSERT_CONTAINS(draw(&scene, false, 80, &buf), "4g.20gb");
	}
	scene_end(&scene);
}

MIG_TEST(picture_says_when_the_buffer_is_full)
{
	struct mig_picture_style style = {.utf8 = true, .width = 80};
	_cleanup_buf_ struct mig_buf buf = MIG_BUF_INIT(65536);
	_cleanup_buf_ struct mig_buf small = MIG_BUF_INIT(100);
	struct scene scene;

	scene_begin(&scene, fake_a100, fake_a100_count);
	fake_put(scene.gpu, "7g.40gb", 0);
	draw(&scene, true, 80, &buf);
	MIG_ASSERT_INT_EQ(mig_picture_draw(&scene.snapshot->gpus[0], &style, &small), -1);
	scene_end(&scene);
}
