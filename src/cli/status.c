/* SPDX-License-Identifier: Apache-2.0 */
/*
 * migctl status: the node at a glance, each GPU drawn as its slices.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/commands.h"
#include "cli/duration.h"
#include "cli/gpu_choice.h"
#include "cli/look.h"
#include "cli/note.h"
#include "cli/output.h"
#include "cli/picture_svg.h"
#include "cli/self.h"
#include "cli/session.h"
#include "cli/status_parts.h"
#include "shared/file.h"

#define OUTPUT_MAX	    (16 * 1024 * 1024)
#define SVG_MODE	    0644
#define WATCH_PERIOD_MS	    2000
#define WATCH_PERIOD_MIN_MS 1000

const struct mig_option mig_cmd_status_options[] = {
	MIG_GPU_OPTION,
	{"watch", 0, "[=TIME]", "show it again on every change and every TIME (2s)"},
	{"svg", 0, "FILE", "write the picture as SVG ('-': standard output)"},
	{"json", 0, NULL, "print JSON (schema migctl.status/1)"},
	{NULL, 0, NULL, NULL},
};

/* ---- a look at the node ------------------------------------------------------------------------ */

#define READ_FLAGS \
	(MIG_SNAPSHOT_UUIDS | MIG_SNAPSHOT_HOLDERS | MIG_SNAPSHOT_LOST | MIG_SNAPSHOT_PARTIAL)

/* A look at the node: what was read of it, and which GPUs are meant. */
struct sight {
	struct mig_snapshot *snapshot;
	struct mig_gpu_choice choice;
	struct mig_status_view view;
};

static void sight_clear(struct sight *sight)
{
	mig_snapshot_free(sight->snapshot);
	mig_gpu_choice_clear(&sight->choice);
	*sight = (struct sight){.snapshot = NULL};
}

static int look(const struct mig_session *session, const char *list, struct sight *sight,
		struct mig_error **err)
{
	if (mig_snapshot_read(&session->ctx, READ_FLAGS, &sight->snapshot, err) < 0 ||
	    mig_gpu_choice_read(sight->snapshot, list, &sight->choice, err) < 0)
		return -1;
	sight->view = (struct mig_status_view){.snapshot = sight->snapshot,
					       .chosen = sight->choice.is_chosen};
	return 0;
}

void mig_status_warn_hidden(const struct mig_status_view *view)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(4096);

	mig_status_hidden(view, &text);
	if (text.len > 0)
		mig_note("%s", mig_buf_text(&text));
}

static void put_text(const struct mig_status_view *view, const struct mig_picture_style *style,
		     struct mig_buf *out)
{
	_cleanup_buf_ struct mig_buf how = MIG_BUF_INIT(4096);
	unsigned int count = 0;

	mig_status_text(view, style, out);
	for (unsigned int i = 0; i < view->snapshot->gpu_count; i++)
		count += view->chosen[i];
	if (count <= MIG_STATUS_FULL_MAX)
		return;
	mig_self_puts(&how, "one in full: migctl status -i GPU");
	mig_output_wrap(out, mig_buf_text(&how), 0, 2, style->width);
}

/* ---- --watch ------------------------------------------------------------------------------------ */

struct watched {
	const struct mig_session *session;
	const char *list; /* of -i */
	struct sight sight;
};

static int draw_screen(void *cookie, const struct mig_picture_style *style, bool looks_again,
		       struct mig_buf *out, struct mig_error **err)
{
	struct watched *watched = cookie;
	_cleanup_buf_ struct mig_buf hidden = MIG_BUF_INIT(4096);

	if (looks_again) {
		sight_clear(&watched->sight);
		if (look(watched->session, watched->list, &watched->sight, err) < 0)
			return -1;
	}
	put_text(&watched->sight.view, style, out);
	mig_status_hidden(&watched->sight.view, &hidden);
	if (hidden.len > 0)
		mig_output_wrap(out, mig_buf_text(&hidden), 0, 2, style->width);
	return 0;
}

static int run_watch(const struct mig_invocation *inv, const struct mig_session *session,
		     struct mig_error **err)
{
	struct watched watched = {.session = session, .list = mig_option_value(inv, "id")};
	const char *text = mig_option_value(inv, "watch");
	uint64_t period_ms = WATCH_PERIOD_MS;
	int rc;

	if (mig_option_given(inv, "json") || mig_option_given(inv, "svg"))
		return mig_error_set(err, MIG_ERROR_USAGE,
				     "--watch goes neither with --json nor with --svg");
	if (text != NULL && mig_duration_parse("watch", text, &period_ms, err) < 0)
		return -1;
	if (period_ms < WATCH_PERIOD_MIN_MS)
		return mig_error_set(err, MIG_ERROR_USAGE,
				     "--watch: the driver is not asked more than once a second");
	rc = mig_watch_run(session, period_ms, draw_screen, &watched, err);
	sight_clear(&watched.sight);
	return rc < 0 ? -1 : MIG_EXIT_OK;
}

/* ---- the command -------------------------------------------------------------------------------- */

static int write_svg(const struct mig_status_view *view, const char *path, struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf out = MIG_BUF_INIT(OUTPUT_MAX);
	struct stat st;

	if (mig_picture_svg(view, &out) < 0)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "the picture is too large");
	if (strcmp(path, "-") == 0) {
		fputs(mig_buf_text(&out), stdout);
		return 0;
	}
	/* A device or pipe would be replaced by a file. */
	if (lstat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		mig_error_set(err, MIG_ERROR_REFUSED, "'%s' is there and no regular file", path);
		return mig_error_hint(err, "'-' is the standard output");
	}
	return mig_file_write_durable(path, out.data, out.len, SVG_MODE, err);
}

int mig_cmd_status_run(const struct mig_invocation *inv, struct mig_error **err)
{
	_cleanup_session_ struct mig_session session = {0};
	_cleanup_(sight_clear) struct sight sight = {.snapshot = NULL};
	_cleanup_buf_ struct mig_buf out = MIG_BUF_INIT(OUTPUT_MAX);
	const char *svg = mig_option_value(inv, "svg");
	struct mig_picture_style style;

	if (svg != NULL && mig_option_given(inv, "json"))
		return mig_error_set(err, MIG_ERROR_USAGE, "--svg does not go with --json");
	if (mig_session_open(&session, err) < 0)
		return -1;
	if (mig_option_given(inv, "watch"))
		return run_watch(inv, &session, err);
	if (look(&session, mig_option_value(inv, "id"), &sight, err) < 0)
		return -1;
	mig_look_warn_unfinished(&session);
	mig_status_warn_hidden(&sight.view);
	if (svg != NULL) {
		if (write_svg(&sight.view, svg, err) < 0)
			return -1;
	} else if (mig_option_given(inv, "json")) {
		if (mig_status_json(&sight.view, &out, err) < 0)
			return -1;
	} else {
		mig_picture_style_of_stdout(&style);
		put_text(&sight.view, &style, &out);
	}
	fputs(mig_buf_text(&out), stdout);
	/* What was asked for and could not be shown is a failure, after all else was shown. */
	return mig_gpu_choice_check_lost(&session.ctx, sight.snapshot, &sight.choice, err) < 0
		       ? -1
		       : MIG_EXIT_OK;
}
