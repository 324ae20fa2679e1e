/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GPUs on a terminal; see gpu_view.h.
 *
 * The placement units stand side by side, each equally wide and numbered in the upper edge. A box is
 * painted row by row: the profile, its attribute if that does not fit beside it, the ids, the compute
 * instances as parts of the box in proportion to their slices, and who holds them.
 */
#include "cli/gpu_view.h"

#include <string.h>

#include "cli/boxes.h"
#include "shared/text.h"

#define INDENT	      2
#define ROWS_MAX      8
#define TEXT_LINE_MAX 512 /* bytes of a line of text in a box */
#define UNIT_MAX      9	  /* columns of a unit of GPUs with eight and more */
#define UNIT_WIDE     18  /* the same of others */

struct marks {
	const char *horizontal, *vertical, *part;
	const char *top_left, *top_right, *top_both;
	const char *bottom_left, *bottom_right, *bottom_both;
	const char *more;
};

static const struct marks ascii = {"-", "|", ":", "+", "+", "+", "+", "+", "+", "~"};
static const struct marks utf8 = {"─", "│", "┆", "┌", "┐", "┬", "└", "┘", "┴", "…"};

enum row { ROW_PROFILE, ROW_ATTRIBUTE, ROW_GI, ROW_CI, ROW_HOLDER };

struct view {
	struct mig_boxes boxes;
	const struct mig_picture_style *style;
	const struct marks *marks;
	unsigned int unit_width; /* columns of a unit with the border at its left */
	bool joins_ids;		 /* the ids stand behind the profiles */
	unsigned int row_count;
	enum row rows[ROWS_MAX];
	bool is_cut; /* not all that fits could be shown */
	struct mig_buf *out;
};

static const struct marks *marks_of(const struct mig_picture_style *style)
{
	return style->utf8 ? &utf8 : &ascii;
}

static void repeat(struct mig_buf *out, const char *text, unsigned int count)
{
	while (count-- > 0)
		mig_buf_puts(out, text);
}

/* ASCII text in exactly `width` columns, cut with a mark. */
static void put_cell(const struct view *v, enum mig_tone tone, const char *text, unsigned int width)
{
	unsigned int len = (unsigned int)strlen(text);

	mig_tone_begin(v->style, tone, v->out);
	if (len <= width) {
		mig_buf_puts(v->out, text);
	} else if (width > 0) {
		mig_buf_printf(v->out, "%.*s", (int)width - 1, text);
		mig_buf_puts(v->out, v->marks->more);
	}
	mig_tone_end(v->style, tone, v->out);
	repeat(v->out, " ", len < width ? width - len : 0);
}

static unsigned int inner_width(const struct view *v, const struct mig_box *box)
{
	return box->size * v->unit_width - 1;
}

/* ---- edges -------------------------------------------------------------------------------------- */

/* The upper edge, with the number of each unit. */
static void draw_top(const struct view *v)
{
	const struct marks *m = v->marks;

	repeat(v->out, " ", INDENT);
	for (unsigned int b = 0; b < v->boxes.count; b++) {
		const struct mig_box *box = &v->boxes.box[b];

		for (unsigned int u = 0; u < box->size; u++) {
			char number[16];

			mig_text_format(number, sizeof(number), "%u", box->start + u);
			mig_buf_puts(v->out, u > 0    ? m->horizontal
					     : b == 0 ? m->top_left
						      : m->top_both);
			if (strlen(number) > v->unit_width - 1)
				number[0] = '\0';
			mig_tone_put(v->style, MIG_TONE_FAINT, number, v->out);
			repeat(v->out, m->horizontal,
			       v->unit_width - 1 - (unsigned int)strlen(number));
		}
	}
	mig_buf_printf(v->out, "%s\n", m->top_right);
}

static void draw_bottom(const struct view *v)
{
	const struct marks *m = v->marks;

	repeat(v->out, " ", INDENT);
	for (unsigned int b = 0; b < v->boxes.count; b++) {
		mig_buf_puts(v->out, b == 0 ? m->bottom_left : m->bottom_both);
		repeat(v->out, m->horizontal, inner_width(v, &v->boxes.box[b]));
	}
	mig_buf_printf(v->out, "%s\n", m->bottom_right);
}

/* ---- instances ---------------------------------------------------------------------------------- */

static void id_text(const struct mig_gpu_instance *gi, char text[16])
{
	mig_text_format(text, 16, "GI %u", gi->id);
}

/* The column at which part `i` of a box ends. */
static unsigned int part_end(const struct view *v, const struct mig_box *box, unsigned int i)
{
	const struct mig_box_part *part = &box->parts[i];
	unsigned int width = inner_width(v, box);

	return i + 1 == box->part_count ? width : width * (part->start + part->size) / box->slices;
}

static void paint_parts(const struct view *v, const struct mig_box *box, enum row row)
{
	unsigned int width = inner_width(v, box), at = 0;

	if (box->part_count == 0) {
		put_cell(v, MIG_TONE_WRONG, row == ROW_CI ? "no CI" : "", width);
		return;
	}
	for (unsigned int i = 0; i < box->part_count; i++) {
		const struct mig_box_part *part = &box->parts[i];
		unsigned int end = part_end(v, box, i);
		bool is_held = part->ci != NULL && part->ci->holder_count > 0;
		char text[MIG_BOX_TEXT_SIZE];

		if (row == ROW_CI)
			mig_box_part_text(box, part, text);
		else
			mig_box_holder_text(part, text);
		if (i > 0) {
			mig_tone_put(v->style, MIG_TONE_FAINT, v->marks->part, v->out);
			at++;
		}
		put_cell(v,
			 part->ci == NULL ? MIG_TONE_FREE
			 : is_held	  ? MIG_TONE_HELD
					  : MIG_TONE_PLAIN,
			 text, end > at ? end - at : 0);
		at = MIG_MAX(at, end);
	}
}

static void paint_instance(const struct view *v, const struct mig_box *box, enum row row)
{
	const char *name = mig_box_profile(&v->boxes, box);
	unsigned int width = inner_width(v, box);
	char text[MIG_PROFILE_NAME_SIZE + 32], id[16];
	size_t base = strcspn(name, "+-");
	bool is_split = strlen(name) > width;

	id_text(box->gi, id);
	switch (row) {
	case ROW_PROFILE:
		mig_text_format(text, sizeof(text), "%.*s%s%s",
				is_split ? (int)base : (int)strlen(name), name,
				v->joins_ids ? "  " : "", v->joins_ids ? id : "");
		put_cell(v, MIG_TONE_NAME, text, width);
		return;
	case ROW_ATTRIBUTE:
		put_cell(v, MIG_TONE_NAME, is_split ? name + base : "", width);
		return;
	case ROW_GI:
		put_cell(v, MIG_TONE_PLAIN, v->joins_ids ? "" : id, width);
		return;
	case ROW_CI:
	case ROW_HOLDER:
		paint_parts(v, box, row);
		return;
	}
}

/* ---- free room ---------------------------------------------------------------------------------- */

/* The words that stand in line `line` of as many as there are rows; *left gets whether there are
 * more. */
static void free_line(const char *words, unsigned int width, unsigned int line,
		      char text[TEXT_LINE_MAX], const char **left)
{
	for (unsigned int n = 0; n <= line; n++) {
		size_t used = 0;

		while (*words != '\0') {
			size_t len = strcspn(words, " ");

			if (used + (used > 0 ? 1 : 0) + len > width ||
			    used + len + 2 > TEXT_LINE_MAX)
				break;
			if (used > 0)
				text[used++] = ' ';
			memcpy(text + used, words, len);
			used += len;
			words += len;
			words += *words == ' ';
		}
		text[used] = '\0';
		if (used == 0)
			break;
	}
	*left = words;
}

static void paint_free(struct view *v, const struct mig_box *box, unsigned int row)
{
	_cleanup_buf_ struct mig_buf words = MIG_BUF_INIT(4096);
	unsigned int width = inner_width(v, box);
	char text[TEXT_LINE_MAX] = "";
	const char *left;

	mig_box_fits(&v->boxes, box, &words);
	if (row == 0) {
		put_cell(v, words.len > 0 ? MIG_TONE_FREE : MIG_TONE_FAINT,
			 words.len > 0 ? "free" : "unused", width);
		if (words.len > 0 && v->row_count == 1)
			v->is_cut = true;
		return;
	}
	free_line(mig_buf_text(&words), width, row - 1, text, &left);
	if (row + 1 == v->row_count && *left != '\0') {
		v->is_cut = true;
		if (strlen(text) + 2 <= width)
			mig_text_copy(text + strlen(text), TEXT_LINE_MAX - strlen(text),
				      v->style->utf8 ? " \xe2\x80\xa6" : " ~");
	}
	if (strchr(text, '\xe2') != NULL) {
		/* The one character that is not ASCII: two bytes more than columns. */
		mig_tone_put(v->style, MIG_TONE_FREE, text, v->out);
		repeat(v->out, " ", width + 2 - (unsigned int)strlen(text));
		return;
	}
	put_cell(v, MIG_TONE_FREE, text, width);
}

/* ---- a whole picture ---------------------------------------------------------------------------- */

static void choose_rows(struct view *v)
{
	bool is_split = false, is_wide = true, has_gi = false, has_room = false;

	for (unsigned int i = 0; i < v->boxes.count; i++) {
		const struct mig_box *box = &v->boxes.box[i];
		size_t len = strlen(mig_box_profile(&v->boxes, box));
		char id[16];

		if (box->gi == NULL) {
			has_room = true;
			continue;
		}
		has_gi = true;
		id_text(box->gi, id);
		is_split = is_split || len > inner_width(v, box);
		is_wide = is_wide && len + 2 + strlen(id) <= inner_width(v, box);
	}
	v->joins_ids = is_wide;
	v->rows[v->row_count++] = ROW_PROFILE;
	if (is_split)
		v->rows[v->row_count++] = ROW_ATTRIBUTE;
	if (has_gi && !is_wide)
		v->rows[v->row_count++] = ROW_GI;
	if (has_gi)
		v->rows[v->row_count++] = ROW_CI;
	if (mig_box_is_any_held(&v->boxes))
		v->rows[v->row_count++] = ROW_HOLDER;
	if (has_room && v->row_count == 1)
		v->rows[v->row_count++] = ROW_CI;
}

static void draw_rows(struct view *v)
{
	for (unsigned int r = 0; r < v->row_count; r++) {
		repeat(v->out, " ", INDENT);
		for (unsigned int b = 0; b < v->boxes.count; b++) {
			const struct mig_box *box = &v->boxes.box[b];

			mig_buf_puts(v->out, v->marks->vertical);
			if (box->gi == NULL)
				paint_free(v, box, r);
			else
				paint_instance(v, box, v->rows[r]);
		}
		mig_buf_printf(v->out, "%s\n", v->marks->vertical);
	}
}

static bool has_room_for_parts(const struct view *v, const struct mig_box *box)
{
	unsigned int at = 0;

	for (unsigned int i = 0; i < box->part_count; i++) {
		unsigned int end = part_end(v, box, i), begin = at + (i > 0);
		char text[MIG_BOX_TEXT_SIZE];

		mig_box_part_text(box, &box->parts[i], text);
		if (box->parts[i].ci != NULL && begin + strlen(text) > end)
			return false;
		at = MIG_MAX(begin, end);
	}
	return true;
}

/* Whether the names without their attributes, and the ids, fit into the boxes. */
static bool has_room_for_names(const struct view *v)
{
	for (unsigned int i = 0; i < v->boxes.count; i++) {
		const struct mig_box *box = &v->boxes.box[i];
		const char *name = mig_box_profile(&v->boxes, box);
		size_t base = strcspn(name, "+-");

		if (box->gi != NULL && MIG_MAX(MIG_MAX(base, strlen(name + base)),
					       strlen("GI 99")) > inner_width(v, box))
			return false;
		if (!has_room_for_parts(v, box))
			return false;
	}
	return true;
}

/* Letters in the boxes: "a", and below "a  1g.5gb@0  GI 7  CI 0 python". */
static void draw_with_list(struct view *v)
{
	char letter[2] = "a";

	repeat(v->out, " ", INDENT);
	for (unsigned int b = 0; b < v->boxes.count; b++) {
		const struct mig_box *box = &v->boxes.box[b];

		mig_buf_puts(v->out, v->marks->vertical);
		put_cell(v, MIG_TONE_NAME, box->gi != NULL ? letter : "", inner_width(v, box));
		letter[0] = (char)(letter[0] + (box->gi != NULL && letter[0] < 'z'));
	}
	mig_buf_printf(v->out, "%s\n", v->marks->vertical);
	draw_bottom(v);
	letter[0] = 'a';
	for (unsigned int b = 0; b < v->boxes.count; b++) {
		const struct mig_box *box = &v->boxes.box[b];
		char text[MIG_BOX_TEXT_SIZE];

		if (box->gi == NULL)
			continue;
		mig_buf_printf(v->out, "  %s ", letter);
		mig_tone_put(v->style, MIG_TONE_NAME, mig_box_profile(&v->boxes, box), v->out);
		mig_buf_printf(v->out, "@%u GI %u", box->gi->start, box->gi->id);
		if (box->part_count == 0)
			mig_buf_puts(v->out, " no CI");
		for (unsigned int i = 0; i < box->part_count; i++) {
			mig_box_part_text(box, &box->parts[i], text);
			if (box->part_count > 1)
				mig_buf_puts(v->out, "\n     ");
			mig_buf_printf(v->out, " %s", text);
			mig_box_holder_text(&box->parts[i], text);
			if (text[0] != '\0') {
				mig_buf_putc(v->out, ' ');
				mig_tone_put(v->style, MIG_TONE_HELD, text, v->out);
			}
		}
		mig_buf_putc(v->out, '\n');
		letter[0] = (char)(letter[0] + (letter[0] < 'z'));
	}
	v->is_cut = true;
}

void mig_gpu_view_draw(const struct mig_gpu *gpu, const struct mig_picture_style *style,
		       struct mig_buf *out, bool *says_all)
{
	struct view v = {.style = style, .out = out, .marks = marks_of(style)};
	unsigned int width = MIG_MAX(style->width, MIG_PICTURE_WIDTH_MIN);

	*says_all = true;
	if (gpu->facts == NULL || gpu->facts->units == 0)
		return;
	mig_boxes_of(gpu, &v.boxes);
	v.unit_width = MIG_MAX((width - INDENT - 2) / v.boxes.units, 2);
	v.unit_width = MIG_MIN(v.unit_width, v.boxes.units >= 8 ? UNIT_MAX : UNIT_WIDE);
	draw_top(&v);
	if (has_room_for_names(&v)) {
		choose_rows(&v);
		draw_rows(&v);
		draw_bottom(&v);
	} else {
		draw_with_list(&v);
	}
	*says_all = !v.is_cut;
}
