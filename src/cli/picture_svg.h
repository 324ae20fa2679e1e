/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The picture of `migctl status` as a standalone SVG document, for a report or a page.
 */
#pragma once

#include "cli/status_parts.h"

/* Appends the document. Returns 0, or -1 if the buffer is full. */
int mig_picture_svg(const struct mig_status_view *view, struct mig_buf *out);
