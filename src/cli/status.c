/* SPDX-License-Identifier: Apache-2.0 */
/*
 * migctl status: the node at a glance, each GPU drawn as its slices.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/commands.h"
#include "cli/duration.h"
#include "cli/look.h"
#include "cli/output.h"
#include "cli/picture_svg.h"
#include "cli/session.h"
#include "cli/status_parts.h"
#include "shared/file.h"
#include "shared/number.h"
#include "shared/text.h"

#define OUTPUT_MAX	    (16 * 1024 * 1024)
#define SVG_MODE	    0644
#define WATCH_PERIOD_MS	    2000
#define WATCH_PERIOD_MIN_MS 1000

const struct mig_option mig_cmd_status_options[] = {
	{"id", 'i', "GPU", "only this GPU: index, UUID or PCI address; may be a comma list"},
	{"watch", 0, "[=TIME]", "show it again on every change and every TIME (2s)"},
	{"svg", 0, "FILE", "write the picture as SVG ('-': standard output)"},
	{"json", 0, NULL, "print JSON (schema migctl.status/1)"},
	{NULL, 0, NULL, NULL},
};

/* ---- which GPUs ------------------------------------------------------------------------------- */

static bool is_meant(const struct mig_gpu *gpu, const char *word, size_t len)
{
	uint64_t index;

	if (mig_parse_u64_n(word, len, 0, UINT32_MAX, &index) == 0)
		return index == gpu->index;
	if (gpu->is_lost)
		return false;
	if (strlen(gpu->uuid) == len && strncmp(gpu->uuid, word, len) == 0)
		return true;
	/* A PCI address may leave out leading zeros of the domain. */
	return len >= 7 && strlen(gpu->pci_address) >= len &&
	       strncasecmp(gpu->pci_address + strlen(gpu->pci_address) - len, word, len) == 0;
}

/* Chooses the GPUs that one word of the list means. */
static int choose_word(const struct mig_snapshot *snapshot, const char *word, size_t len,
		       bool *chosen, struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf shown = MIG_BUF_INIT(256);
	char text[64];
	bool is_any = false;

	for (unsigned int i = 0; i < snapshot->gpu_count; i++) {
		if (is_meant(&snapshot->gpus[i], word, len)) {
			if (chosen[i])
				return mig_error_set(err, MIG_ERROR_REFUSED,
						     "GPU %u is named twice",
						     snapshot->gpus[i].index);
			chosen[i] = true;
			is_any = true;
		}
	}
	if (is_any)
		return 0;
	mig_text_format(text, sizeof(text), "%.*s", (int)MIG_MIN(len, sizeof(text)), word);
	mig_text_escape_terminal(&shown, text);
	mig_error_set(err, MIG_ERROR_REFUSED, "there is no GPU '%s'", mig_buf_text(&shown));
	return mig_error_hint(err, "this node has %u GPU%s: migctl status lists them",
			      snapshot->gpu_count, snapshot->gpu_count == 1 ? "" : "s");
}

static int choose(const struct mig_snapshot *snapshot, const char *list, bool *chosen,
		  struct mig_error **err)
{
	for (unsigned int i = 0; i < snapshot->gpu_count; i++)
		chosen[i] = list == NULL;
	while (list != NULL) {
		size_t len = strcspn(list, ",");

		if (choose_word(snapshot, list, len, chosen, err) < 0)
			return -1;
		list = list[len] == ',' ? list + len + 1 : NULL;
	}
	return 0;
}

/* What was asked for and could not be shown is a failure, after all else was shown. */
static int check_lost(const struct mig_context *ctx, const struct mig_snapshot *snapshot,
		      const bool *chosen, struct mig_error **err)
{
	for (unsigned int i = 0; i < snapshot->gpu_count; i++) {
		if (!chosen[i] || !snapshot->gpus[i].is_lost)
			continue;
		mig_error_set(err, MIG_ERROR_DRIVER, "GPU %u is lost (fallen off the bus)", i);
		return mig_hint_lost(ctx, err);
	}
	return 0;
}

#define READ_FLAGS \
	(MIG_SNAPSHOT_UUIDS | MIG_SNAPSHOT_HOLDERS | MIG_SNAPSHOT_LOST | MIG_SNAPSHOT_PARTIAL)

/* A look at the node: what was read of it, and which GPUs are meant. */
struct sight {
	struct mig_snapshot *snapshot;
	bool *chosen;
	struct mig_status_view view;
};

static void sight_clear(struct sight *sight)
{
	mig_snapshot_free(sight->snapshot);
	free(sight->chosen);
	*sight = (struct sight){.snapshot = NULL};
}

static int look(const struct mig_session *session, const char *list, struct sight *sight,
		struct mig_error **err)
{
	struct mig_snapshot *snapshot;

	if (mig_snapshot_read(&session->ctx, READ_FLAGS, &sight->snapshot, err) < 0)
		return -1;
	snapshot = sight->snapshot;
	sight->chosen = calloc((size_t)snapshot->gpu_count + 1, sizeof(*sight->chosen));
	if (sight->chosen == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	sight->view = (struct mig_status_view){.snapshot = snapshot, .chosen = sight->chosen};
	if (choose(snapshot, list, sight->chosen, err) < 0)
		return -1;
	if (snapshot->gpu_count == 0)
		return mig_error_set(err, MIG_ERROR_NO_DRIVER, "the driver shows no GPU");
	return 0;
}

/* Says on standard error what the caller may not see. */
static void warn_hidden(const struct mig_status_view *view)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(4096);

	mig_status_hidden(view, &text);
	if (text.len > 0)
		fprintf(stderr, "migctl: %s\n", mig_buf_text(&text));
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
	mig_status_text(&watched->sight.view, style, out);
	mig_status_hidden(&watched->sight.view, &hidden);
	if (hidden.len > 0)
		mig_output_wrap(out, mig_buf_text(&hidden), 0, 2);
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
	if (svg != NULL) {
		if (write_svg(&sight.view, svg, err) < 0)
			return -1;
	} else if (mig_option_given(inv, "json")) {
		if (mig_status_json(&sight.view, &out, err) < 0)
			return -1;
	} else {
		mig_picture_style_of_stdout(&style);
		mig_status_text(&sight.view, &style, &out);
	}
	mig_look_warn_unfinished(&session);
	warn_hidden(&sight.view);
	fputs(mig_buf_text(&out), stdout);
	return check_lost(&session.ctx, sight.snapshot, sight.chosen, err) < 0 ? -1 : MIG_EXIT_OK;
}
