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
#include "cli/plan_text.h"
#include "cli/table_text.h"
#include "cli/terminal.h"
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

static const struct mig_column list_columns[] = {
	{.name = "NUMBER", .type = MIG_COLUMN_STRING, .is_default = true},
	{.name = "WHEN", .type = MIG_COLUMN_STRING, .is_default = true},
	{.name = "WHO", .type = MIG_COLUMN_STRING, .is_default = true},
	{.name = "RESULT", .type = MIG_COLUMN_STRING, .is_default = true},
	{.name = "GPUS", .type = MIG_COLUMN_STRING, .is_default = true},
	{.name = "COMMAND", .type = MIG_COLUMN_STRING, .is_default = true},
	{.name = NULL},
};

static void add_row(struct mig_table *table, const struct mig_journal_entry *entry)
{
	struct mig_table_row *row = mig_table_add(table, NULL, entry);
	char when[32], command[COMMAND_WIDTH + 1];

	format_time(entry->begin_s, when, sizeof(when));
	if (!mig_text_copy(command, sizeof(command), entry->command))
		memcpy(command + sizeof(command) - 4, "...", 4);
	mig_table_set(table, row, "NUMBER", "%u", entry->number);
	mig_table_set(table, row, "WHEN", "%s", when);
	mig_table_set(table, row, "WHO", "%s", entry->user[0] != '\0' ? entry->user : "?");
	mig_table_set(table, row, "RESULT", "%s", mig_journal_end_word(entry->end));
	mig_table_set(table, row, "GPUS", "%u", changed_gpus(entry));
	if (entry->undoes > 0)
		mig_table_set(table, row, "COMMAND", "%s (of %u)", command, entry->undoes);
	else
		mig_table_set(table, row, "COMMAND", "%s", command);
}

static int print_list(const struct mig_invocation *inv, const struct mig_history *history,
		      struct mig_error **err)
{
	_cleanup_table_ struct mig_table table = {0};

	if (history->count == 0) {
		puts("Nothing was changed on this node yet.");
		return 0;
	}
	if (mig_table_begin(&table, inv, list_columns, err) < 0)
		return -1;
	for (unsigned int i = history->count; i-- > 0;)
		add_row(&table, history->entries[i]);
	return mig_table_print_text(&table, err);
}

static void print_layout(const char *title, const struct mig_saved_layout *layout,
			 const struct mig_saved_layout *only, unsigned int width,
			 struct mig_buf *out)
{
	for (unsigned int i = 0; i < layout->gpu_count; i++) {
		_cleanup_buf_ struct mig_buf line = MIG_BUF_INIT(OUTPUT_MAX);

		if (only != NULL && mig_saved_layout_gpu(only, layout->gpus[i].uuid) == NULL)
			continue;
		mig_buf_printf(&line, "GPU %u %s: ", layout->gpus[i].index, title);
		mig_saved_gpu_describe(&layout->gpus[i], &line);
		mig_output_wrap(out, mig_buf_text(&line), 2, 4, width);
	}
}

static void print_entry(const struct mig_journal_entry *entry)
{
	_cleanup_buf_ struct mig_buf out = MIG_BUF_INIT(OUTPUT_MAX);
	_cleanup_buf_ struct mig_buf line = MIG_BUF_INIT(OUTPUT_MAX);
	unsigned int width = mig_terminal_limit();
	char begin[32], end[32];

	format_time(entry->begin_s, begin, sizeof(begin));
	format_time(entry->end_s, end, sizeof(end));
	mig_buf_printf(&line, "Transaction %u: ", entry->number);
	mig_text_escape_terminal(&line, entry->command);
	mig_output_wrap(&out, mig_buf_text(&line), 0, 2, width);
	mig_buf_reset(&line);
	mig_buf_printf(&line, "by %s (process %u), %s%s%s: %s", entry->user, entry->pid, begin,
		       end[0] != '\0' ? " to " : "", end, mig_journal_end_word(entry->end));
	mig_output_wrap(&out, mig_buf_text(&line), 2, 4, width);
	if (entry->undoes > 0)
		mig_buf_printf(&out, "  takes back transaction %u\n", entry->undoes);
	if (entry->message != NULL) {
		mig_buf_reset(&line);
		mig_text_escape_message(&line, entry->message);
		mig_output_wrap(&out, mig_buf_text(&line), 2, 4, width);
	}
	print_layout("before", &entry->before, NULL, width, &out);
	print_layout("after", &entry->after, &entry->before, width, &out);
	mig_plan_print_outcomes("Operations:", &entry->phase[MIG_JOURNAL_FORWARD].plan,
				entry->phase[MIG_JOURNAL_FORWARD].results, width, &out);
	mig_plan_print_outcomes("Taken back:", &entry->phase[MIG_JOURNAL_ROLLBACK].plan,
				entry->phase[MIG_JOURNAL_ROLLBACK].results, width, &out);
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
	} else if (print_list(inv, history, err) < 0) {
		return -1;
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
