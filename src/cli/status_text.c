/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `migctl status` as text; see status_parts.h.
 */
#include "cli/status_parts.h"

#include <string.h>

#include "cli/boxes.h"
#include "cli/gpu_view.h"
#include "cli/output.h"
#include "core/holders.h"
#include "core/room.h"
#include "shared/text.h"

#define ROOM_WIDTH    80 /* columns of the list of what fits, at most */
#define GAUGE_LINE    60 /* columns from which on both gauges stand in one line */
#define LINE_INDENT   7	 /* "GPU 31 " */
#define LINE_UNIT     9
#define LINE_UNIT_MIN 8

/* ---- the lines around the picture --------------------------------------------------------------- */

static enum mig_tone mode_tone(const struct mig_gpu *gpu)
{
	if (gpu->is_lost || mig_box_mode_is_pending(gpu))
		return MIG_TONE_WRONG;
	return gpu->mig_current ? MIG_TONE_PLAIN : MIG_TONE_FAINT;
}

/* Begins a new line where `text` does not fit behind `column` columns; returns the column behind
 * it. */
static size_t put_part(const char *text, enum mig_tone tone, size_t column,
		       const struct mig_picture_style *style, struct mig_buf *out)
{
	size_t width = MIG_MAX(style->width, MIG_PICTURE_WIDTH_MIN);

	if (column > 0 && column + 2 + strlen(text) > width) {
		mig_buf_putc(out, '\n');
		column = 0;
	}
	/* What is as wide as the screen is not indented. */
	if (2 + strlen(text) <= width) {
		mig_buf_puts(out, "  ");
		column += 2;
	}
	mig_tone_put(style, tone, text, out);
	return column + strlen(text);
}

/* A name, which may be wider than the screen: broken between its words. */
static size_t put_name(const char *text, size_t column, const struct mig_picture_style *style,
		       struct mig_buf *out)
{
	size_t width = MIG_MAX(style->width, MIG_PICTURE_WIDTH_MIN);

	if (2 + strlen(text) <= width)
		return put_part(text, MIG_TONE_PLAIN, column, style, out);
	for (bool is_first = true; *text != '\0'; is_first = false) {
		size_t len = strcspn(text, " ");

		if (is_first || column + 1 + len > width) {
			mig_buf_puts(out, "\n  ");
			column = 2;
		} else {
			mig_buf_putc(out, ' ');
			column++;
		}
		mig_buf_add(out, text, len);
		column += len;
		text += len;
		text += strspn(text, " ");
	}
	return column;
}

static void print_head(const struct mig_gpu *gpu, const struct mig_picture_style *style,
		       struct mig_buf *out)
{
	_cleanup_buf_ struct mig_buf name = MIG_BUF_INIT(4096);
	char number[32], mode[64];
	size_t column;

	mig_text_format(number, sizeof(number), "GPU %u", gpu->index);
	mig_text_format(mode, sizeof(mode), "%s%s", mig_box_mode_text(gpu),
			gpu->mig_current && gpu->gi_count == 0 && !gpu->is_restricted
				? ", no instances"
				: "");
	mig_tone_put(style, MIG_TONE_NAME, number, out);
	column = strlen(number);
	if (!gpu->is_lost) {
		mig_text_escape_terminal(&name, gpu->name);
		column = put_name(mig_buf_text(&name), column, style, out);
		column = put_part(gpu->pci_address, MIG_TONE_PLAIN, column, style, out);
	}
	put_part(mode, mode_tone(gpu), column, style, out);
	mig_buf_putc(out, '\n');
}

static void print_gauge(const char *label, unsigned int used, unsigned int all,
			const struct mig_picture_style *style, struct mig_buf *out)
{
	mig_buf_printf(out, "%s ", label);
	mig_tone_begin(style, MIG_TONE_NAME, out);
	for (unsigned int i = 0; i < all; i++)
		mig_buf_puts(out, i < used ? (style->utf8 ? "■" : "#") : style->utf8 ? "□" : ".");
	mig_tone_end(style, MIG_TONE_NAME, out);
	mig_buf_printf(out, " %u/%u", used, all);
}

/* How much of the GPU's compute slices and memory units is used. */
static void print_gauges(const struct mig_gpu *gpu, const struct mig_picture_style *style,
			 struct mig_buf *out)
{
	struct mig_boxes boxes;

	if (gpu->facts == NULL || gpu->facts->units == 0)
		return;
	mig_boxes_of(gpu, &boxes);
	mig_buf_puts(out, "  ");
	print_gauge("compute slices", boxes.used_slices, boxes.slices, style, out);
	mig_buf_puts(out, style->width >= GAUGE_LINE ? "   " : "\n  ");
	print_gauge("memory units", boxes.used_units, boxes.units, style, out);
	mig_buf_putc(out, '\n');
}

void mig_status_ci_room(const struct mig_gpu *gpu, struct mig_buf *out)
{
	const struct mig_gpu_instance *first = NULL;
	_cleanup_buf_ struct mig_buf list = MIG_BUF_INIT(4096);

	for (unsigned int i = 0; gpu->mig_pending && i < gpu->gi_count; i++) {
		const struct mig_gpu_instance *gi = &gpu->gi[i];
		unsigned int used = 0;

		for (unsigned int c = 0; c < gi->ci_count; c++)
			used += gi->ci[c].size;
		if (used >= gpu->facts->gi[gi->gi_row].slice_count)
			continue;
		mig_buf_printf(&list, "%s%u", list.len > 0 ? "," : "", gi->id);
		first = first != NULL ? first : gi;
	}
	if (first != NULL)
		mig_buf_printf(out, "  room in GI %s (create -g %u:%u%s)\n", mig_buf_text(&list),
			       gpu->index, first->id, first->ci_count > 0 ? " 1c" : "");
}

bool mig_status_room(const struct mig_gpu *gpu, unsigned int columns, struct mig_buf *out)
{
	static const char title[] = "  fits now: ";
	size_t width = MIG_MAX(MIG_MIN(columns, ROOM_WIDTH), MIG_PICTURE_WIDTH_MIN);
	size_t column = 0;

	for (unsigned int i = 0; i < gpu->facts->gi_count; i++) {
		unsigned int count = mig_gi_fits(gpu, i);
		char text[MIG_PROFILE_NAME_SIZE + 16];

		if (count == 0)
			continue;
		mig_text_format(text, sizeof(text), "%u x %s", count, gpu->facts->gi[i].name);
		if (column > 0 && column + strlen(" or ") + strlen(text) > width) {
			mig_buf_printf(out, "\n%*sor ", (int)strlen(title), "");
			column = strlen(title) + strlen("or ");
		} else {
			mig_buf_puts(out, column == 0 ? title : " or ");
			column += column == 0 ? strlen(title) : strlen(" or ");
		}
		mig_buf_puts(out, text);
		column += strlen(text);
	}
	if (!gpu->mig_pending)
		mig_buf_puts(out, "  nothing can be made: MIG will be off\n");
	else
		mig_buf_puts(out, column > 0 ? "\n" : "  full\n");
	return column > 0;
}

/* "  in use: WHAT by WHO", on two lines where one is too narrow. */
static void print_holder(const char *what, const char *who, const struct mig_picture_style *style,
			 struct mig_buf *out)
{
	static const char title[] = "  in use";
	size_t width = MIG_MAX(style->width, MIG_PICTURE_WIDTH_MIN);
	size_t len = strlen(title) + strlen(": ") + strlen(what) + strlen(" by ") + strlen(who);

	mig_tone_put(style, MIG_TONE_HELD, title, out);
	mig_buf_printf(out, ": %s%sby %s\n", what, len > width ? "\n    " : " ", who);
}

static void print_holders(const struct mig_gpu *gpu, const struct mig_picture_style *style,
			  struct mig_buf *out)
{
	for (unsigned int h = 0; h < gpu->holder_count; h++) {
		_cleanup_buf_ struct mig_buf who = MIG_BUF_INIT(4096);

		mig_holder_describe(&gpu->holders[h], &who);
		print_holder("the whole GPU", mig_buf_text(&who), style, out);
	}
	for (unsigned int i = 0; i < gpu->gi_count; i++) {
		const struct mig_gpu_instance *gi = &gpu->gi[i];

		for (unsigned int c = 0; c < gi->ci_count; c++) {
			char what[MIG_PROFILE_NAME_SIZE + 32], name[MIG_PROFILE_NAME_SIZE];

			mig_facts_device_name(&gpu->facts->gi[gi->gi_row], gi->ci[c].ci_row, name,
					      sizeof(name));
			mig_text_format(what, sizeof(what), "GI %u CI %u (%s)", gi->id,
					gi->ci[c].id, name);
			for (unsigned int h = 0; h < gi->ci[c].holder_count; h++) {
				const struct mig_holder *holder = &gi->ci[c].holders[h];
				_cleanup_buf_ struct mig_buf who = MIG_BUF_INIT(4096);

				mig_buf_printf(&who, "%s %u ", holder->provider, holder->pid);
				mig_text_escape_terminal(&who, holder->name);
				print_holder(what, mig_buf_text(&who), style, out);
			}
		}
	}
}

/* A GPU whose instances the caller may not see: what its MIG devices say. */
static void print_devices(const struct mig_gpu *gpu, const struct mig_picture_style *style,
			  struct mig_buf *out)
{
	for (unsigned int i = 0; i < gpu->device_count; i++) {
		const struct mig_visible_device *device = &gpu->devices[i];
		_cleanup_buf_ struct mig_buf profile = MIG_BUF_INIT(4096),
					     uuid = MIG_BUF_INIT(4096);
		char text[64];
		size_t column;

		mig_text_format(text, sizeof(text), "MIG device %u", device->index);
		column = put_part(text, MIG_TONE_PLAIN, 0, style, out);
		mig_text_escape_terminal(&profile, device->profile);
		column = put_part(mig_buf_text(&profile), MIG_TONE_NAME, column, style, out);
		mig_text_format(text, sizeof(text), "GI %u CI %u", device->gi_id, device->ci_id);
		column = put_part(text, MIG_TONE_PLAIN, column, style, out);
		mig_text_escape_terminal(&uuid, device->uuid);
		put_part(mig_buf_text(&uuid), MIG_TONE_PLAIN, column, style, out);
		mig_buf_putc(out, '\n');
	}
	if (gpu->mig_current && gpu->device_count == 0)
		mig_buf_puts(out, "  no MIG device\n");
}

static void print_full(const struct mig_gpu *gpu, const struct mig_picture_style *style,
		       struct mig_buf *out)
{
	bool says_all = true;

	print_head(gpu, style, out);
	if (gpu->is_restricted)
		print_devices(gpu, style, out);
	if (gpu->facts != NULL && gpu->mig_current) {
		_cleanup_buf_ struct mig_buf room = MIG_BUF_INIT(16384);
		unsigned int rooms = 0;
		struct mig_boxes boxes;
		bool has_room;

		print_gauges(gpu, style, out);
		mig_gpu_view_draw(gpu, style, out, &says_all);
		if (gpu->facts->units > 0) {
			mig_boxes_of(gpu, &boxes);
			for (unsigned int i = 0; i < boxes.count; i++)
				rooms += boxes.box[i].gi == NULL;
		}
		print_holders(gpu, style, out);
		has_room = mig_status_room(gpu, style->width, &room);
		/* One free room says itself what fits. */
		if (rooms != 1 || !says_all || !has_room)
			mig_buf_puts(out, mig_buf_text(&room));
		mig_status_ci_room(gpu, out);
		return;
	}
	print_holders(gpu, style, out);
}

/* ---- a GPU a line ------------------------------------------------------------------------------- */

/* Behind a profile: '*' is used, '!' has no compute instance, '~' has smaller ones. */
static const char *mark_of(const struct mig_box *box)
{
	bool is_divided = box->part_count > 1;

	if (mig_box_is_held(box))
		return is_divided ? "~*" : "*";
	if (box->gi != NULL && box->part_count == 0)
		return "!";
	return is_divided ? "~" : "";
}

/* "1g.5gb", cut so that the mark behind it can be seen. */
static void print_line_box(const struct mig_boxes *boxes, const struct mig_box *box,
			   const struct mig_picture_style *style, unsigned int width,
			   struct mig_buf *out)
{
	const char *name = mig_box_profile(boxes, box);
	bool is_held = mig_box_is_held(box);
	const char *mark = mark_of(box);
	unsigned int room = width - (unsigned int)strlen(mark);
	_cleanup_buf_ struct mig_buf fits = MIG_BUF_INIT(4096);
	enum mig_tone tone = is_held	      ? MIG_TONE_HELD
			     : mark[0] == '!' ? MIG_TONE_WRONG
					      : MIG_TONE_PLAIN;
	unsigned int len;

	if (box->gi == NULL) {
		mig_box_fits(boxes, box, &fits);
		name = fits.len > 0 ? "free" : "";
		tone = MIG_TONE_FREE;
	}
	len = (unsigned int)MIG_MIN(strlen(name), room);
	mig_tone_begin(style, tone, out);
	mig_buf_printf(out, "%.*s%s", (int)len, name, mark);
	mig_tone_end(style, tone, out);
	mig_buf_printf(out, "%*s", (int)(room - len), "");
}

/* What does not fit as boxes: "3g.20gb* free 1g.5gb 1g.5gb!". */
static void print_line_words(const struct mig_boxes *boxes, const struct mig_picture_style *style,
			     struct mig_buf *out)
{
	size_t column = LINE_INDENT;

	for (unsigned int i = 0; i < boxes->count; i++) {
		const struct mig_box *box = &boxes->box[i];
		_cleanup_buf_ struct mig_buf fits = MIG_BUF_INIT(4096);
		const char *name = mig_box_profile(boxes, box);
		unsigned int width;

		if (box->gi == NULL)
			mig_box_fits(boxes, box, &fits);
		if (box->gi == NULL && fits.len == 0)
			continue;
		if (box->gi == NULL)
			name = "free";
		width = (unsigned int)(strlen(name) + strlen(mark_of(box))) + 2;
		if (column + width > style->width + 2) {
			mig_buf_printf(out, "\n%*s", LINE_INDENT, "");
			column = LINE_INDENT;
		}
		print_line_box(boxes, box, style, width, out);
		column += width;
	}
	/* Padding at the end of the line. */
	while (out->len > 0 && out->data[out->len - 1] == ' ')
		out->data[--out->len] = '\0';
	mig_buf_putc(out, '\n');
}

/* A mode that is pending stands below the instances that there still are. */
static void print_line_mode(const struct mig_gpu *gpu, const struct mig_picture_style *style,
			    struct mig_buf *out)
{
	if (!mig_box_mode_is_pending(gpu))
		return;
	mig_buf_printf(out, "%*s", LINE_INDENT, "");
	mig_tone_put(style, MIG_TONE_WRONG, mig_box_mode_text(gpu), out);
	mig_buf_putc(out, '\n');
}

static void print_line(const struct mig_gpu *gpu, const struct mig_picture_style *style,
		       struct mig_buf *out)
{
	const char *bar = style->utf8 ? "│" : "|";
	unsigned int unit;
	struct mig_boxes boxes;
	char number[32];

	mig_text_format(number, sizeof(number), "GPU %u", gpu->index);
	mig_tone_put(style, MIG_TONE_NAME, number, out);
	mig_buf_printf(out, "%*s", LINE_INDENT - (int)strlen(number), "");
	if (gpu->facts == NULL || gpu->facts->units == 0 || !gpu->mig_current) {
		mig_tone_put(style, mode_tone(gpu), mig_box_mode_text(gpu), out);
		if (gpu->is_restricted && gpu->mig_current)
			mig_buf_printf(out, ", %u MIG device%s", gpu->device_count,
				       gpu->device_count == 1 ? "" : "s");
		mig_buf_putc(out, '\n');
		return;
	}
	mig_boxes_of(gpu, &boxes);
	unit = MIG_MIN((MIG_MAX(style->width, MIG_PICTURE_WIDTH_MIN) - LINE_INDENT - 1) /
			       boxes.units,
		       boxes.units >= 8 ? LINE_UNIT : 2 * LINE_UNIT);
	if (unit * MIG_MAX(boxes.units / 8, 1) < LINE_UNIT_MIN) {
		print_line_words(&boxes, style, out);
		print_line_mode(gpu, style, out);
		return;
	}
	for (unsigned int i = 0; i < boxes.count; i++) {
		mig_buf_puts(out, bar);
		print_line_box(&boxes, &boxes.box[i], style, boxes.box[i].size * unit - 1, out);
	}
	mig_buf_printf(out, "%s\n", bar);
	print_line_mode(gpu, style, out);
}

/* What the marks mean that stand there. */
static void print_legend(const struct mig_status_view *view, const struct mig_picture_style *style,
			 struct mig_buf *out)
{
	static const struct {
		char mark;
		const char *what;
	} legend[] = {
		{'*', "in use"},
		{'!', "without compute instance"},
		{'~', "with compute instances smaller than it"},
	};
	_cleanup_buf_ struct mig_buf line = MIG_BUF_INIT(1024);
	bool is_there[MIG_ARRAY_SIZE(legend)] = {false};

	for (unsigned int i = 0; i < view->snapshot->gpu_count; i++) {
		const struct mig_gpu *gpu = &view->snapshot->gpus[i];
		struct mig_boxes boxes;

		if (!view->chosen[i] || gpu->facts == NULL || gpu->facts->units == 0)
			continue;
		mig_boxes_of(gpu, &boxes);
		for (unsigned int b = 0; b < boxes.count; b++) {
			for (size_t m = 0; m < MIG_ARRAY_SIZE(legend); m++)
				is_there[m] = is_there[m] || strchr(mark_of(&boxes.box[b]),
								    legend[m].mark) != NULL;
		}
	}
	for (size_t m = 0; m < MIG_ARRAY_SIZE(legend); m++) {
		if (is_there[m])
			mig_buf_printf(&line, "%s%c %s", line.len > 0 ? ", " : "", legend[m].mark,
				       legend[m].what);
	}
	if (line.len > 0)
		mig_output_wrap(out, mig_buf_text(&line), 0, 2, style->width);
}

static void print_lines(const struct mig_status_view *view, const struct mig_picture_style *style,
			struct mig_buf *out)
{
	const struct mig_gpu *before = NULL;

	for (unsigned int i = 0; i < view->snapshot->gpu_count; i++) {
		const struct mig_gpu *gpu = &view->snapshot->gpus[i];

		if (!view->chosen[i])
			continue;
		if (!gpu->is_lost && (before == NULL || strcmp(before->name, gpu->name) != 0)) {
			mig_text_escape_terminal(out, gpu->name);
			mig_buf_putc(out, '\n');
			before = gpu;
		}
		print_line(gpu, style, out);
	}
	print_legend(view, style, out);
}

/* ---- all ---------------------------------------------------------------------------------------- */

void mig_status_text(const struct mig_status_view *view, const struct mig_picture_style *style,
		     struct mig_buf *out)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < view->snapshot->gpu_count; i++)
		count += view->chosen[i];
	if (count > MIG_STATUS_FULL_MAX) {
		print_lines(view, style, out);
		return;
	}
	for (unsigned int i = 0; i < view->snapshot->gpu_count; i++) {
		if (view->chosen[i])
			print_full(&view->snapshot->gpus[i], style, out);
	}
}

void mig_status_hidden(const struct mig_status_view *view, struct mig_buf *out)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < view->snapshot->gpu_count; i++)
		count += view->chosen[i] && view->snapshot->gpus[i].is_restricted;
	if (count > 0)
		mig_buf_printf(out,
			       "only root sees placements, who uses what, what fits, and compute "
			       "instances without a MIG device (%u GPU%s)",
			       count, count == 1 ? "" : "s");
}
