/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A GPU drawn as its slices: GPU instances as boxes over the memory they occupy.
 */
#pragma once

#include <stdbool.h>

#include "core/model.h"
#include "shared/buf.h"

struct mig_picture_style {
	bool utf8;	    /* box-drawing characters, else + - | */
	bool colour;	    /* escape sequences for colours (cli/gpu_view.h only) */
	unsigned int width; /* columns at most; below MIG_PICTURE_WIDTH_MIN counts as that */
};

#define MIG_PICTURE_WIDTH_MIN 40U

/* Draws the instances of one GPU in MIG mode, each line indented by two spaces. Returns 0, or -1 if
 * the buffer is full. */
int mig_picture_draw(const struct mig_gpu *gpu, const struct mig_picture_style *style,
		     struct mig_buf *out);

/* What the standard output can show: UTF-8 by the locale, the terminal's width (80 elsewhere),
 * colours on a terminal unless NO_COLOR is set. */
void mig_picture_style_of_stdout(struct mig_picture_style *style);

/* What a text is, which a terminal shows by a colour where the style has them. */
enum mig_tone {
	MIG_TONE_PLAIN,
	MIG_TONE_NAME,
	MIG_TONE_FAINT,
	MIG_TONE_FREE,
	MIG_TONE_HELD,
	MIG_TONE_WRONG,
};
void mig_tone_begin(const struct mig_picture_style *style, enum mig_tone tone, struct mig_buf *out);
void mig_tone_end(const struct mig_picture_style *style, enum mig_tone tone, struct mig_buf *out);
void mig_tone_put(const struct mig_picture_style *style, enum mig_tone tone, const char *text,
		  struct mig_buf *out);
