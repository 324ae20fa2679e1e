/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A GPU in MIG mode drawn on a terminal, with all that its instances are: for `migctl status`. The
 * plainer drawing of plans is cli/picture.h.
 */
#pragma once

#include "cli/picture.h"

/* Draws the boxes of a GPU in MIG mode: instances with ids and holders, free room with what fits.
 * Where names do not fit into their boxes, letters stand there and a list below. *says_all gets
 * whether all that fits stands in the picture. */
void mig_gpu_view_draw(const struct mig_gpu *gpu, const struct mig_picture_style *style,
		       struct mig_buf *out, bool *says_all);
