/* SPDX-License-Identifier: Apache-2.0 */
/*
 * migctl diff: what is there and what is wanted, line by line. Without a wish: what the last change
 * left against what is there now.
 */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/look.h"
#include "cli/note.h"
#include "cli/output.h"
#include "core/after.h"
#include "core/history.h"
#include "core/transaction.h"
#include "shared/json_writer.h"
#include "shared/text.h"

#define OUTPUT_MAX (16 * 1024 * 1024)

const struct mig_option mig_cmd_diff_options[] = {
	MIG_WISH_OPTIONS,
	{"json", 0, NULL, "print JSON (schema migctl.diff/1)"},
	{NULL, 0, NULL, NULL},
};

/* One line of the difference. */
struct line {
	char mark; /* '-' is there and should not be, '+' should be and is not, ' ' both */
	char text[MIG_PROFILE_NAME_SIZE + 64];
};

struct lines {
	struct line *items;
	unsigned int count;
	size_t allocated;
};

static void add_line(struct lines *lines, char mark, const char *text)
{
	struct line *line;

	if (mig_array_reserve(&lines->items, &lines->allocated, (size_t)lines->count + 1,
			      sizeof(*lines->items)) < 0)
		return;
	line = &lines->items[lines->count++];
	line->mark = mark;
	mig_text_copy(line->text, sizeof(line->text), text);
}

/* The next compute instance from slice `from` on; NULL behind the last. */
static const struct mig_compute_instance *ci_from(const struct mig_gpu_instance *gi,
						  unsigned int from)
{
	const struct mig_compute_instance *found = NULL;

	for (unsigned int i = 0; i < gi->ci_count; i++) {
		if (gi->ci[i].start >= from && (found == NULL || gi->ci[i].start < found->start))
			found = &gi->ci[i];
	}
	return found;
}

/* The same text for the same instance, in whatever order its parts were made. */
static void describe_gi(const struct mig_gpu *gpu, const struct mig_gpu_instance *gi,
			struct mig_buf *text)
{
	const struct mig_gi_profile *profile = &gpu->facts->gi[gi->gi_row];

	mig_buf_printf(text, "%s@%u", profile->name, gi->start);
	if (gi->ci_count == 0)
		mig_buf_puts(text, " without compute instance");
	if (gi->ci_count == 1 && profile->ci[gi->ci[0].ci_row].slice_count == profile->slice_count)
		return;
	for (const struct mig_compute_instance *ci = ci_from(gi, 0); ci != NULL;
	     ci = ci_from(gi, ci->start + 1))
		mig_buf_printf(text, "%s%uc@%u", ci == ci_from(gi, 0) ? " as " : "+",
			       profile->ci[ci->ci_row].slice_count, ci->start);
}

static bool has_text(const struct mig_gpu *gpu, const char *wanted)
{
	for (unsigned int i = 0; i < gpu->gi_count; i++) {
		_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(4096);

		describe_gi(gpu, &gpu->gi[i], &text);
		if (strcmp(mig_buf_text(&text), wanted) == 0)
			return true;
	}
	return false;
}

static void add_instances(const struct mig_gpu *of, const struct mig_gpu *other, char mark,
			  bool shows_common, struct lines *lines)
{
	for (unsigned int i = 0; i < of->gi_count; i++) {
		_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(4096);

		describe_gi(of, &of->gi[i], &text);
		if (!has_text(other, mig_buf_text(&text)))
			add_line(lines, mark, mig_buf_text(&text));
		else if (shows_common)
			add_line(lines, ' ', mig_buf_text(&text));
	}
}

static void compare(const struct mig_gpu *now, const struct mig_gpu *then, struct lines *lines)
{
	if (now->mig_current != then->mig_current) {
		add_line(lines, '-', now->mig_current ? "MIG on" : "MIG off");
		add_line(lines, '+', then->mig_current ? "MIG on" : "MIG off");
	} else if (now->mig_pending != then->mig_pending) {
		add_line(lines, '-', now->mig_pending ? "MIG on is pending" : "MIG off is pending");
	}
	add_instances(now, then, '-', true, lines);
	add_instances(then, now, '+', false, lines);
}

static void print_gpu(const struct mig_look *look, const struct mig_plan_gpu *pg,
		      const struct mig_gpu *then, struct mig_json *json, struct mig_buf *out)
{
	const struct mig_gpu *gpu = &look->snapshot->gpus[pg->gpu_index];
	struct lines lines = {0};

	compare(gpu, then, &lines);
	if (json != NULL) {
		mig_json_object_begin(json);
		mig_json_member_string(json, "gpu_uuid", gpu->uuid);
		mig_json_member_uint(json, "gpu_index", gpu->index);
		mig_json_member_bool(json, "blocked", pg->is_blocked);
		mig_json_key(json, "lines");
		mig_json_array_begin(json);
	} else {
		mig_buf_printf(out, "GPU %u%s\n", gpu->index,
			       pg->is_blocked ? " (held back by what is in use)" : "");
	}
	for (unsigned int i = 0; i < lines.count; i++) {
		if (json == NULL) {
			mig_buf_printf(out, "%c %s\n", lines.items[i].mark, lines.items[i].text);
			continue;
		}
		mig_json_object_begin(json);
		mig_json_member_string(json, "side",
				       lines.items[i].mark == '-'   ? "now"
				       : lines.items[i].mark == '+' ? "wanted"
								    : "both");
		mig_json_member_string(json, "text", lines.items[i].text);
		mig_json_object_end(json);
	}
	if (json != NULL) {
		mig_json_array_end(json);
		mig_json_object_end(json);
	}
	free(lines.items);
}

static bool has_wish(const struct mig_invocation *inv)
{
	return inv->arg_count > 0 || mig_option_given(inv, "config-file") ||
	       mig_option_given(inv, "selected-config");
}

static int print(const struct mig_invocation *inv, const struct mig_look *look,
		 struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf out = MIG_BUF_INIT(OUTPUT_MAX);
	_cleanup_free_ struct mig_gpu *then = malloc(sizeof(*then));
	bool is_json = mig_option_given(inv, "json");
	struct mig_json json;

	if (then == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	mig_json_init(&json, &out);
	if (is_json) {
		mig_json_object_begin(&json);
		mig_json_member_string(&json, "schema", "migctl.diff/1");
		mig_json_member_bool(&json, "differs", mig_look_differs(look));
		mig_json_key(&json, "gpus");
		mig_json_array_begin(&json);
	}
	for (unsigned int i = 0; i < look->plan->gpu_count; i++) {
		const struct mig_plan_gpu *pg = &look->plan->gpus[i];

		if (pg->op_count == 0 && !pg->is_blocked)
			continue;
		mig_plan_gpu_after(&look->snapshot->gpus[pg->gpu_index], look->plan, pg, then);
		print_gpu(look, pg, then, is_json ? &json : NULL, &out);
	}
	if (is_json) {
		mig_json_array_end(&json);
		mig_note_json(&json);
		mig_json_object_end(&json);
		if (mig_output_json(&json, &out, err) < 0)
			return -1;
	} else {
		fputs(mig_buf_text(&out), stdout);
	}
	/* A wish that means a lost GPU is refused; without one that GPU was passed over, and nobody
	 * knows whether it differs. */
	if (!has_wish(inv) && mig_look_check_lost(look, err) < 0)
		return -1;
	return mig_look_differs(look) ? MIG_EXIT_DIFFERS : MIG_EXIT_OK;
}

/* ---- against the last change --------------------------------------------------------------------- */

static int look_at_last(struct mig_look *look, struct mig_history *history, struct mig_error **err)
{
	const struct mig_journal_entry *last;
	struct mig_transaction_request request = {.want = mig_history_want_present,
						  .cookie = history};

	*look = (struct mig_look){0};
	if (mig_session_open(&look->session, err) < 0 ||
	    mig_history_read(&look->session.ctx, 0, history, err) < 0)
		return -1;
	/* The damaged one may be the newest: then nobody knows what the last change left. */
	if (history->damaged != NULL)
		return mig_error_set(err, MIG_ERROR_CORRUPT, "%s", history->damaged);
	last = mig_history_newest_done(history);
	if (last == NULL) {
		mig_error_set(err, MIG_ERROR_REFUSED, "nothing was applied on this node yet");
		return mig_error_hint(err, "name what to compare with: -f FILE, or LAYOUT...");
	}
	if (mig_transaction_plan(&look->session.ctx, &request, &look->snapshot, &look->plan, err) <
	    0)
		return mig_session_explain(&look->session, err);
	mig_look_warn_unfinished(&look->session);
	return 0;
}

int mig_cmd_diff_run(const struct mig_invocation *inv, struct mig_error **err)
{
	struct mig_history history = {0};
	struct mig_look look;
	int rc;

	rc = has_wish(inv) ? mig_look_run(inv, &look, err) : look_at_last(&look, &history, err);
	if (rc == 0)
		rc = print(inv, &look, err);
	mig_look_clear(&look);
	mig_history_clear(&history);
	return rc;
}
