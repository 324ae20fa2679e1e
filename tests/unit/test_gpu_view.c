/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The picture of `migctl status`, as text and SVG, of GPUs that a driver describes wrongly, on screens
 * of every width, and what its boxes consist of.
 */
#include "cli/gpu_view.h"

#include <stdlib.h>
#include <string.h>

#include "cli/boxes.h"
#include "cli/picture_svg.h"
#include "cli/status_parts.h"
#include "shared/text.h"
#include "tests/harness/test.h"
#include "tests/unit/fake_snapshot.h"

struct scene {
	struct fake_driver *fake;
	struct fake_gpu *gpu;
	struct mig_snapshot *snapshot;
};

static void scene_begin(struct scene *scene)
{
	scene->fake = fake_new();
	scene->gpu = fake_add_gpu(scene->fake, "GPU", fake_a100, fake_a100_count);
	scene->snapshot = NULL;
}

static struct mig_gpu *scene_look(struct scene *scene)
{
	mig_snapshot_free(scene->snapshot);
	scene->snapshot = fake_snapshot(scene->fake, MIG_SNAPSHOT_UUIDS);
	return &scene->snapshot->gpus[0];
}

static void scene_end(struct scene *scene)
{
	mig_snapshot_free(scene->snapshot);
	fake_free(scene->fake);
}

static void draw(const struct mig_gpu *gpu, unsigned int width, bool utf8, struct mig_buf *out)
{
	struct mig_picture_style style = {.utf8 = utf8, .width = width};
	bool says_all;

	mig_buf_reset(out);
	mig_gpu_view_draw(gpu, &style, out, &says_all);
	MIG_ASSERT(!mig_buf_failed(out));
}

MIG_TEST(boxes_have_free_units_and_free_slices)
{
	struct mig_boxes *boxes = malloc(sizeof(*boxes));
	_cleanup_buf_ struct mig_buf fits = MIG_BUF_INIT(4096);
	char text[MIG_BOX_TEXT_SIZE];
	struct scene scene;
	struct fake_gi *three;

	MIG_ASSERT(boxes != NULL);
	scene_begin(&scene);
	fake_put(scene.gpu, "1g.5gb", 1);
	three = fake_put_gi(scene.gpu, "3g.20gb", 4);
	fake_put_ci(three, 1, 1);
	mig_boxes_of(scene_look(&scene), boxes);
	MIG_ASSERT_INT_EQ(boxes->count, 4);
	MIG_ASSERT_INT_EQ(boxes->used_units, 5);
	MIG_ASSERT_INT_EQ(boxes->used_slices, 4);
	MIG_ASSERT_STR_EQ(mig_box_profile(boxes, &boxes->box[1]), "1g.5gb");
	MIG_ASSERT_STR_EQ(mig_box_profile(boxes, &boxes->box[2]), "");
	MIG_ASSERT_INT_EQ(boxes->box[3].part_count, 3);
	mig_box_part_text(&boxes->box[3], &boxes->box[3].parts[0], text);
	MIG_ASSERT_STR_EQ(text, "free");
	mig_box_part_text(&boxes->box[3], &boxes->box[3].parts[1], text);
	MIG_ASSERT_CONTAINS(text, " 1c");
	mig_box_fits(boxes, &boxes->box[2], &fits);
	MIG_ASSERT_CONTAINS(mig_buf_text(&fits), "2g.10gb");
	MIG_ASSERT_CONTAINS(mig_buf_text(&fits), "1g.5gb*2");
	scene_end(&scene);
	free(boxes);
}

/* Instances on top of each other and compute instances that lie over their GPU instance: ugly, but
 * within bounds (sanitizers), at every width. */
MIG_TEST(a_driver_that_contradicts_itself_is_drawn)
{
	static const unsigned int widths[] = {0, 40, 79, 80, 200, UINT32_MAX};
	_cleanup_buf_ struct mig_buf out = MIG_BUF_INIT(1 << 20);
	struct scene scene;
	struct mig_gpu *gpu;

	scene_begin(&scene);
	fake_put(scene.gpu, "4g.20gb", 0);
	fake_put(scene.gpu, "3g.20gb", 4);
	gpu = scene_look(&scene);
	gpu->gi[1].start = 2;
	gpu->gi[0].ci[0].start = 60;
	gpu->gi[1].ci[0].start = 2;
	gpu->gi[1].ci[0].size = 60;
	for (size_t i = 0; i < MIG_ARRAY_SIZE(widths); i++) {
		struct mig_picture_style style = {.utf8 = true, .colour = true, .width = widths[i]};
		bool chosen = true;
		struct mig_status_view view = {.snapshot = scene.snapshot, .chosen = &chosen};

		draw(gpu, widths[i], false, &out);
		MIG_ASSERT_CONTAINS(mig_buf_text(&out), "3g.20gb");
		mig_buf_reset(&out);
		mig_status_text(&view, &style, &out);
		mig_buf_reset(&out);
		MIG_ASSERT_INT_EQ(mig_picture_svg(&view, &out), 0);
	}
	scene_end(&scene);
}

/* Lines of a picture are equally long and within the width. */
MIG_TEST(rows_of_a_picture_are_equally_long)
{
	_cleanup_buf_ struct mig_buf out = MIG_BUF_INIT(1 << 20);
	struct scene scene;
	struct fake_gi *three;

	scene_begin(&scene);
	fake_put(scene.gpu, "1g.5gb+me", 0);
	fake_put_gi(scene.gpu, "1g.5gb", 2);
	three = fake_put_gi(scene.gpu, "3g.20gb", 4);
	fake_put_ci(three, 2, 0);
	fake_put_ci(three, 1, 2);
	for (unsigned int width = 66; width < 120; width++) {
		const char *line;
		size_t first;

		draw(scene_look(&scene), width, false, &out);
		line = mig_buf_text(&out);
		first = strcspn(line, "\n");
		MIG_ASSERT(first <= width);
		while (*line != '\0') {
			MIG_ASSERT_INT_EQ(strcspn(line, "\n"), first);
			line += first + 1;
		}
	}
	scene_end(&scene);
}

MIG_TEST(svg_of_foreign_text_is_escaped)
{
	_cleanup_buf_ struct mig_buf out = MIG_BUF_INIT(1 << 20);
	_cleanup_buf_ struct mig_buf small = MIG_BUF_INIT(100);
	struct mig_status_view view;
	bool chosen = true;
	struct scene scene;
	struct mig_gpu *gpu;

	scene_begin(&scene);
	fake_put(scene.gpu, "7g.40gb", 0);
	gpu = scene_look(&scene);
	mig_text_copy(gpu->name, sizeof(gpu->name), "<&\"\x01\xff\xef\xbf\xbe>");
	view = (struct mig_status_view){.snapshot = scene.snapshot, .chosen = &chosen};
	MIG_ASSERT_INT_EQ(mig_picture_svg(&view, &out), 0);
	MIG_ASSERT_CONTAINS(mig_buf_text(&out),
			    "&lt;&amp;&quot;\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd&gt;");
	MIG_ASSERT_INT_EQ(mig_picture_svg(&view, &small), -1);
	scene_end(&scene);
}
