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
	unsigned int width; /* columns at most; below 40 counts as 40 */
};

/* Draws the instances of one GPU in MIG mode, each line indented by two spaces. Returns 0, or -1 if
 * the buffer is full. */
int mig_picture_draw(const struct mig_gpu *gpu, const struct mig_picture_style *style,
		     struct mig_buf *out);

/* What the standard output can show: UTF-8 by the locale, the terminal's width (80 elsewhere). */
void mig_picture_style_of_stdout(struct mig_picture_style *style);
