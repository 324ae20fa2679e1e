/* SPDX-License-Identifier: Apache-2.0 */
/*
 * migctl history: what was changed on this node, by whom, when, and with what result. Needs no
 * driver.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/plan_json.h"
#include "core/history.h"
#include "shared/hostroot.h"
#include "shared/json_writer.h"
#include "shared/number.h"
#include "shared/text.h"

#define OUTPUT_MAX    (16 * 1024 * 1024)
#define COMMAND_WIDTH 40
#define NEWEST	      20 /* shown without -n */

const struct mig_option mig_cmd_history_options[] = {
	{"count", 'n', "N", "only the newest N (20)"},
	{"all", 'a', NULL, "all that are kept"},
	{"json", 0, NULL, "print JSON (schema migctl.history/1)"},
	{NULL, 0, NULL, NULL},
};

static void format_time(int64_t seconds, char *text, size_t size)
{
	time_t moment = (time_t)seconds;
	struct tm tm;

	text[0] = '\0';
	if (seconds > 0 && localtime_r(&moment, &tm) != NULL)
		strftime(text, size, "%Y-%m-%d %H:%M:%S", &tm);
}

static unsigned int changed_gpus(const struct mig_journal_entry *entry)
{
	return entry->before.gpu_count;
}

/* ---- text --------------------------------------------------------------------------------------- */

static void print_row(const struct mig_journal_entry *entry, struct mig_columns *columns)
{
	char when[32], command[COMMAND_WIDTH + 1];

	format_time(entry->begin_s, when, sizeof(when));
	if (!mig_text_copy(command, sizeof(command), entry->command))
		memcpy(command + sizeof(command) - 4, "...", 4);
	mig_columns_addf(columns, "%u", entry->number);
	mig_columns_add(columns, when);
	mig_columns_add(columns, entry->user[0] != '\0' ? entry->user : "?");
	mig_columns_add(columns, mig_journal_end_word(entry->end));
	mig_columns_addf(columns, "%u", changed_gpus(entry));
	mig_columns_add(columns, command);
}

static void print_list(const struct mig_history *history)
{
	static const char *const heads[] = {"NUMBER", "WHEN", "WHO", "RESULT", "GPUS", "COMMAND"};
	_cleanup_columns_ struct mig_columns columns = {0};

	if (history->count == 0) {
		puts("Nothing was changed on this node yet.");
		return;
	}
	mig_columns_begin(&columns, MIG_ARRAY_SIZE(heads));
	for (size_t i = 0; i < MIG_ARRAY_SIZE(heads); i++)
		mig_columns_add(&columns, heads[i]);
	for (unsigned int i = history->count; i-- > 0;)
		print_row(history->entries[i], &columns);
	mig_columns_print(&columns);
}

static void print_layout(const char *title, const struct mig_saved_layout *layout,
			 const struct mig_saved_layout *only, struct mig_buf *out)
{
	for (unsigned int i = 0; i < layout->gpu_count; i++) {
		if (only != NULL && mig_saved_layout_gpu(only, layout->gpus[i].uuid) == NULL)
			continue;
		mig_buf_printf(out, "  GPU %-2u %s: ", layout->gpus[i].index, title);
		mig_saved_gpu_describe(&layout->gpus[i], out);
		mig_buf_putc(out, '\n');
	}
}

static void print_operations(const char *title, const struct mig_plan *plan,
			     const struct mig_op_result *results, struct mig_buf *out)
{
	static const char *const words[MIG_OP_OUTCOME_COUNT] = {
		[MIG_OP_NOT_STARTED] = "not done",
		[MIG_OP_DONE] = "done",
		[MIG_OP_PENDING] = "pending",
		[MIG_OP_FAILED] = "failed",
	};

	if (plan->op_count == 0)
		return;
	mig_buf_printf(out, "%s\n", title);
	for (unsigned int i = 0; i < plan->op_count; i++) {
		mig_buf_printf(out, "  %-8s  ", words[results[i].outcome]);
		mig_op_describe(&plan->ops[i], out);
		mig_buf_putc(out, '\n');
	}
}

static void print_entry(const struct mig_journal_entry *entry)
{
	_cleanup_buf_ struct mig_buf out = MIG_BUF_INIT(OUTPUT_MAX);
	char begin[32], end[32];

	format_time(entry->begin_s, begin, sizeof(begin));
	format_time(entry->end_s, end, sizeof(end));
	mig_buf_printf(&out, "Transaction %u: ", entry->number);
	mig_text_escape_terminal(&out, entry->command);
	mig_buf_printf(&out, "\n  by %s (process %u), %s%s%s: %s\n", entry->user, entry->pid, begin,
		       end[0] != '\0' ? " to " : "", end, mig_journal_end_word(entry->end));
	if (entry->undoes > 0)
		mig_buf_printf(&out, "  takes back transaction %u\n", entry->undoes);
	if (entry->message != NULL) {
		mig_buf_puts(&out, "  ");
		mig_text_escape_message(&out, entry->message);
		mig_buf_putc(&out, '\n');
	}
	print_layout("before", &entry->before, NULL, &out);
	print_layout("after", &entry->after, &entry->before, &out);
	print_operations("Operations:", &entry->phase[MIG_JOURNAL_FORWARD].plan,
			 entry->phase[MIG_JOURNAL_FORWARD].results, &out);
	print_operations("Taken back:", &entry->phase[MIG_JOURNAL_ROLLBACK].plan,
			 entry->phase[MIG_JOURNAL_ROLLBACK].results, &out);
	fputs(mig_buf_text(&out), stdout);
}

/* ---- JSON --------------------------------------------------------------------------------------- */

static void json_time(struct mig_json *json, const char *key, int64_t seconds)
{
	char text[32] = "";
	time_t moment = (time_t)seconds;
	struct tm tm;

	if (seconds > 0 && gmtime_r(&moment, &tm) != NULL)
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	mig_json_member_string(json, key, text[0] != '\0' ? text : NULL);
}

static void json_layout(struct mig_json *json, const char *key,
			const struct mig_saved_layout *layout)
{
	mig_json_key(json, key);
	mig_json_array_begin(json);
	for (unsigned int i = 0; i < layout->gpu_count; i++) {
		const struct mig_saved_gpu *gpu = &layout->gpus[i];
		_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(16384);

		mig_saved_gpu_describe(gpu, &text);
		mig_json_object_begin(json);
		mig_json_member_string(json, "gpu_uuid", gpu->uuid);
		mig_json_member_uint(json, "gpu_index", gpu->index);
		mig_json_member_bool(json, "mig_mode", gpu->mig_mode);
		mig_json_member_string(json, "layout", mig_buf_text(&text));
		mig_json_object_end(json);
	}
	mig_json_array_end(json);
}

static void json_entry(struct mig_json *json, const struct mig_journal_entry *entry)
{
	mig_json_object_begin(json);
	mig_json_member_uint(json, "number", entry->number);
	mig_json_member_string(json, "kind", mig_change_kind_word(entry->kind));
	mig_json_member_string(json, "command", entry->command);
	mig_json_member_string(json, "user", entry->user);
	mig_json_member_uint(json, "uid", entry->uid);
	mig_json_member_uint(json, "pid", entry->pid);
	json_time(json, "begin", entry->begin_s);
	json_time(json, "end", entry->end_s);
	mig_json_member_string(json, "result", mig_journal_end_word(entry->end));
	mig_json_member_string(json, "message", entry->message);
	mig_json_key(json, "undoes");
	if (entry->undoes > 0)
		mig_json_uint(json, entry->undoes);
	else
		mig_json_null(json);
	json_layout(json, "before", &entry->before);
	json_layout(json, "after", &entry->after);
	mig_plan_json_operations(json, "operations", &entry->phase[MIG_JOURNAL_FORWARD].plan,
				 entry->phase[MIG_JOURNAL_FORWARD].results);
	mig_plan_json_operations(json, "rollback", &entry->phase[MIG_JOURNAL_ROLLBACK].plan,
				 entry->phase[MIG_JOURNAL_ROLLBACK].results);
	mig_json_object_end(json);
}

static int print_json(struct mig_journal_entry *const *entries, unsigned int count,
		      struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf out = MIG_BUF_INIT(MIG_OUTPUT_JSON_MAX);
	struct mig_json json;

	mig_json_init(&json, &out);
	mig_json_object_begin(&json);
	mig_json_member_string(&json, "schema", "migctl.history/1");
	mig_json_key(&json, "transactions");
	mig_json_array_begin(&json);
	for (unsigned int i = count; i-- > 0;)
		json_entry(&json, entries[i]);
	mig_json_array_end(&json);
	mig_json_object_end(&json);
	return mig_output_json(&json, &out, err);
}

/* ---- the command -------------------------------------------------------------------------------- */

static int show_one(const struct mig_invocation *inv, const struct mig_context *ctx,
		    struct mig_error **err)
{
	_cleanup_journal_entry_ struct mig_journal_entry *entry = NULL;
	_cleanup_error_ struct mig_error *why = NULL;
	uint32_t number;

	if (mig_parse_u32(inv->args[0], 1, UINT32_MAX - 1, &number) < 0)
		return mig_error_set(err, MIG_ERROR_USAGE, "'%s' is no number of a transaction",
				     inv->args[0]);
	if (mig_journal_read(ctx, number, &entry, &why) < 0) {
		if (mig_error_errno(why) != ENOENT) {
			mig_error_move(err, &why);
			return -1;
		}
		mig_error_set(err, MIG_ERROR_REFUSED, "there is no transaction %u", number);
		return mig_error_hint(err, "migctl history --all lists those that are kept");
	}
	if (mig_option_given(inv, "json"))
		return print_json(&entry, 1, err) < 0 ? -1 : MIG_EXIT_OK;
	print_entry(entry);
	return MIG_EXIT_OK;
}

static int show_list(const struct mig_invocation *inv, const struct mig_context *ctx,
		     struct mig_history *history, struct mig_error **err)
{
	const char *count = mig_option_value(inv, "count");
	uint32_t limit = mig_option_given(inv, "all") ? 0 : NEWEST;

	if (count != NULL && mig_parse_u32(count, 1, UINT32_MAX, &limit) < 0)
		return mig_error_set(err, MIG_ERROR_USAGE,
				     "option '--count': '%s' is no number from 1 on", count);
	if (mig_history_read(ctx, limit, history, err) < 0)
		return -1;
	if (mig_option_given(inv, "json")) {
		if (print_json(history->entries, history->count, err) < 0)
			return -1;
	} else {
		print_list(history);
	}
	if (history->damaged_count == 0)
		return MIG_EXIT_OK;
	return mig_error_set(err, MIG_ERROR_CORRUPT, "%u journal%s cannot be read: %s",
			     history->damaged_count, history->damaged_count == 1 ? "" : "s",
			     history->damaged);
}

int mig_cmd_history_run(const struct mig_invocation *inv, struct mig_error **err)
{
	_cleanup_free_ char *host_root = NULL;
	struct mig_history history = {0};
	struct mig_context ctx = {0};
	int rc;

	if (mig_host_root_from_env(&host_root, err) < 0)
		return -1;
	ctx.host_root = host_root;
	rc = inv->arg_count > 0 ? show_one(inv, &ctx, err) : show_list(inv, &ctx, &history, err);
	mig_history_clear(&history);
	return rc;
}
