/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The forms in which `migctl status` shows a snapshot: text, JSON and, with cli/picture_svg.h, SVG;
 * and the terminal that is refreshed.
 */
#pragma once

#include "cli/picture.h"
#include "cli/session.h"
#include "core/model.h"
#include "shared/json_writer.h"

/* Some GPUs of a snapshot. */
struct mig_status_view {
	const struct mig_snapshot *snapshot;
	const bool *chosen; /* by position in gpus[] */
};

/* More GPUs than this are shown as a line each. */
#define MIG_STATUS_FULL_MAX 8

/* cli/status_text.c */
void mig_status_text(const struct mig_status_view *view, const struct mig_picture_style *style,
		     struct mig_buf *out);

/* Appends what fits now on a GPU in MIG mode, as lines of at most so many columns, or why nothing
 * does. Returns whether anything fits. */
bool mig_status_room(const struct mig_gpu *gpu, unsigned int columns, struct mig_buf *out);

/* Appends a line that names the GPU instances in which compute instances have room, and how that is
 * used; nothing if there are none. */
void mig_status_ci_room(const struct mig_gpu *gpu, struct mig_buf *out);

/* Appends what is hidden from the caller and why; nothing if nothing is. */
void mig_status_hidden(const struct mig_status_view *view, struct mig_buf *out);

/* cli/status.c: says that on standard error. */
void mig_status_warn_hidden(const struct mig_status_view *view);

/* cli/status_json.c */
int mig_status_json(const struct mig_status_view *view, struct mig_buf *out,
		    struct mig_error **err) MIG_MUST_CHECK;

/* Makes what the screen shows. Without looks_again only the screen has changed: the driver is not to
 * be asked. */
typedef int (*mig_watch_fn)(void *cookie, const struct mig_picture_style *style, bool looks_again,
			    struct mig_buf *out, struct mig_error **err);

/*
 * cli/watch.c: shows `draw` on the terminal, again when the MIG configuration of a GPU changes, when
 * the terminal changes its size, and every `period_ms`; until SIGINT or SIGTERM. The terminal is as
 * before afterwards. Returns 0, or -1 with *err, also that of `draw`.
 */
int mig_watch_run(const struct mig_session *session, uint64_t period_ms, mig_watch_fn draw,
		  void *cookie, struct mig_error **err) MIG_MUST_CHECK;
