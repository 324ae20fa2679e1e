/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drawing a GPU; see picture.h.
 *
 * The GPU's placement units stand side by side, each equally wide; a GPU instance is a box over its
 * units with up to three lines of text: the profile, its attribute, and its compute instances when
 * they are not just one that fills it. Units that nobody has are a box without text. Where a text is
 * wider than its box all boxes have letters instead, which are explained below.
 */
#include "cli/picture.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/terminal.h"
#include "shared/text.h"

#define INDENT	  2
#define UNITS_MAX MIG_FACTS_UNITS_MAX

struct marks {
	const char *horizontal, *vertical;
	const char *top_left, *top_right, *top_both;
	const char *bottom_left, *bottom_right, *bottom_both;
};

static const struct marks ascii = {"-", "|", "+", "+", "+", "+", "+", "+"};
static const struct marks utf8 = {"─", "│", "┌", "┐", "┬", "└", "┘", "┴"};

struct drawing {
	const struct mig_gpu *gpu;
	const struct marks *marks;
	unsigned int units;
	unsigned int unit_width; /* columns of a unit with the border at its left */
	int owner[UNITS_MAX];	 /* which of gpu->gi[] has the unit, or -1 */
	bool has_letters;	 /* the boxes are too narrow for their texts, which stand below */
	struct mig_buf *out;
};

void mig_picture_style_of_stdout(struct mig_picture_style *style)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");
	unsigned int width = mig_terminal_width();

	style->colour = isatty(STDOUT_FILENO) && (no_color == NULL || no_color[0] == '\0') &&
			(term == NULL || strcmp(term, "dumb") != 0);
	style->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	style->width = width > 0 ? width : 80;
}

void mig_tone_begin(const struct mig_picture_style *style, enum mig_tone tone, struct mig_buf *out)
{
	static const char *const codes[] = {
		[MIG_TONE_NAME] = "1",	[MIG_TONE_FAINT] = "2",	   [MIG_TONE_FREE] = "32",
		[MIG_TONE_HELD] = "33", [MIG_TONE_WRONG] = "1;31",
	};

	if (style->colour && tone != MIG_TONE_PLAIN)
		mig_buf_printf(out, "\033[%sm", codes[tone]);
}

void mig_tone_end(const struct mig_picture_style *style, enum mig_tone tone, struct mig_buf *out)
{
	if (style->colour && tone != MIG_TONE_PLAIN)
		mig_buf_puts(out, "\033[0m");
}

void mig_tone_put(const struct mig_picture_style *style, enum mig_tone tone, const char *text,
		  struct mig_buf *out)
{
	mig_tone_begin(style, tone, out);
	mig_buf_puts(out, text);
	mig_tone_end(style, tone, out);
}

static void repeat(struct mig_buf *out, const char *text, unsigned int count)
{
	while (count-- > 0)
		mig_buf_puts(out, text);
}

/* Whether a line stands before unit `u` (or behind the last): where the owner changes. */
static bool is_border(const struct drawing *d, unsigned int u)
{
	return u == 0 || u == d->units || d->owner[u - 1] != d->owner[u];
}

static void draw_edge(const struct drawing *d, const char *left, const char *right,
		      const char *both)
{
	repeat(d->out, " ", INDENT);
	for (unsigned int u = 0; u < d->units; u++) {
		mig_buf_puts(d->out, u == 0 ? left : is_border(d, u) ? both : d->marks->horizontal);
		repeat(d->out, d->marks->horizontal, d->unit_width - 1);
	}
	mig_buf_puts(d->out, right);
	mig_buf_putc(d->out, '\n');
}

/* The compute instances when they are worth a word: "", "no CI", "1c+2c". */
static void describe_cis(const struct mig_gpu *gpu, const struct mig_gpu_instance *gi, char *text,
			 size_t size)
{
	const struct mig_gi_profile *profile = &gpu->facts->gi[gi->gi_row];
	size_t used = 0;

	text[0] = '\0';
	if (gi->ci_count == 0)
		mig_text_copy(text, size, "no CI");
	if (gi->ci_count == 1 && profile->ci[gi->ci[0].ci_row].slice_count == profile->slice_count)
		return;
	for (unsigned int i = 0; i < gi->ci_count; i++) {
		mig_text_format(text + used, size - used, "%s%uc", i > 0 ? "+" : "",
				profile->ci[gi->ci[i].ci_row].slice_count);
		used += strlen(text + used);
	}
}

enum text_line { LINE_PROFILE, LINE_ATTRIBUTE, LINE_CIS, LINE_COUNT };

static void line_text(const struct mig_gpu *gpu, const struct mig_gpu_instance *gi,
		      enum text_line line, char *text, size_t size)
{
	const char *name = gpu->facts->gi[gi->gi_row].name;
	size_t base = strcspn(name, "+-");

	switch (line) {
	case LINE_PROFILE:
		mig_text_format(text, size, "%.*s", (int)base, name);
		break;
	case LINE_ATTRIBUTE:
		mig_text_copy(text, size, name + base);
		break;
	case LINE_CIS:
		describe_cis(gpu, gi, text, size);
		break;
	case LINE_COUNT:
		text[0] = '\0';
		break;
	}
}

/* Of the box that begins at unit `u`: a, b, … from the left. GPU instances are fewer than letters. */
static char letter(const struct drawing *d, unsigned int u)
{
	char next = 'a';

	for (unsigned int i = 0; i < u; i++)
		next = (char)(next + (d->owner[i] >= 0 && is_border(d, i)));
	return next;
}

static void draw_text_line(const struct drawing *d, enum text_line line)
{
	unsigned int u = 0;

	repeat(d->out, " ", INDENT);
	while (u < d->units) {
		const struct mig_gpu_instance *gi;
		char text[MIG_PROFILE_NAME_SIZE] = "";
		unsigned int span = 1;

		mig_buf_puts(d->out, d->marks->vertical);
		while (!is_border(d, u + span))
			span++;
		if (d->owner[u] >= 0) {
			gi = &d->gpu->gi[d->owner[u]];
			if (d->has_letters)
				mig_text_format(text, sizeof(text), "%c", letter(d, u));
			else
				line_text(d->gpu, gi, line, text, sizeof(text));
		}
		mig_buf_printf(d->out, "%-*.*s", (int)(span * d->unit_width - 1),
			       (int)(span * d->unit_width - 1), text);
		u += span;
	}
	mig_buf_puts(d->out, d->marks->vertical);
	mig_buf_putc(d->out, '\n');
}

static bool line_is_needed(const struct mig_gpu *gpu, enum text_line line)
{
	char text[MIG_PROFILE_NAME_SIZE];

	for (unsigned int i = 0; i < gpu->gi_count; i++) {
		line_text(gpu, &gpu->gi[i], line, text, sizeof(text));
		if (text[0] != '\0')
			return true;
	}
	return false;
}

static bool is_too_narrow(const struct drawing *d)
{
	for (unsigned int i = 0; i < d->gpu->gi_count; i++) {
		for (enum text_line line = LINE_PROFILE; line < LINE_COUNT; line++) {
			char text[MIG_PROFILE_NAME_SIZE];

			line_text(d->gpu, &d->gpu->gi[i], line, text, sizeof(text));
			if (strlen(text) > d->gpu->gi[i].size * d->unit_width - 1)
				return true;
		}
	}
	return false;
}

/* "a 1g.5gb+me@0 1c+2c", in the order in which they lie. */
static void explain_letters(const struct drawing *d)
{
	for (unsigned int u = 0; u < d->units; u++) {
		const struct mig_gpu_instance *gi;
		char cis[MIG_PROFILE_NAME_SIZE];

		if (d->owner[u] < 0 || !is_border(d, u))
			continue;
		gi = &d->gpu->gi[d->owner[u]];
		line_text(d->gpu, gi, LINE_CIS, cis, sizeof(cis));
		repeat(d->out, " ", INDENT);
		mig_buf_printf(d->out, "%c %s@%u%s%s\n", letter(d, u),
			       d->gpu->facts->gi[gi->gi_row].name, gi->start,
			       cis[0] != '\0' ? " " : "", cis);
	}
}

int mig_picture_draw(const struct mig_gpu *gpu, const struct mig_picture_style *style,
		     struct mig_buf *out)
{
	struct drawing d = {.gpu = gpu, .out = out, .marks = style->utf8 ? &utf8 : &ascii};
	unsigned int width = MIG_MAX(style->width, MIG_PICTURE_WIDTH_MIN);

	if (gpu->facts == NULL || gpu->facts->units == 0)
		return 0;
	d.units = gpu->facts->units;
	d.unit_width = MIG_MAX((width - INDENT - 2) / d.units, 2);
	/* Wider than the text needs would only spread it. */
	d.unit_width = MIG_MIN(d.unit_width, d.units >= 8 ? 9 : 18);
	for (unsigned int u = 0; u < d.units; u++)
		d.owner[u] = -1;
	for (unsigned int i = 0; i < gpu->gi_count; i++) {
		for (unsigned int u = 0; u < gpu->gi[i].size; u++)
			d.owner[gpu->gi[i].start + u] = (int)i;
	}
	d.has_letters = is_too_narrow(&d);
	draw_edge(&d, d.marks->top_left, d.marks->top_right, d.marks->top_both);
	for (enum text_line line = LINE_PROFILE; line < LINE_COUNT; line++) {
		if (line == LINE_PROFILE || (!d.has_letters && line_is_needed(gpu, line)))
			draw_text_line(&d, line);
	}
	draw_edge(&d, d.marks->bottom_left, d.marks->bottom_right, d.marks->bottom_both);
	if (d.has_letters)
		explain_letters(&d);
	return mig_buf_failed(out) ? -1 : 0;
}
