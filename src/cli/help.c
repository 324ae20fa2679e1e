/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Help out of the command table; the contract is in the header. Lines stay within 80 columns, or
 * within those of a terminal that has fewer. In the `details` of a row, lines that begin with a space
 * are printed as they are; others are one text until such a line comes or an empty one, however they
 * are broken.
 */
#include "cli/help.h"

#include <string.h>

#include "cli/output.h"
#include "cli/terminal.h"
#include "shared/json_writer.h"
#include "shared/text.h"

#define LABEL_SIZE     80
#define LINE_WIDTH     79
#define TEXT_MAX       65536
#define TEXT_WIDTH_MIN 24 /* beside a label; with less it stands below */
#define BELOW_INDENT   8

const struct mig_option mig_global_options[] = {
	{"node", 0, "NODE", "run the command on this simulated node"},
	{"help", 'h', NULL, "show this help"},
	{"version", 'V', NULL, "show the version"},
	{NULL, 0, NULL, NULL},
};

static const char *const group_titles[MIG_GROUP_COUNT] = {
	[MIG_GROUP_NODE] = "The node",
	[MIG_GROUP_LAYOUT] = "Layouts",
	[MIG_GROUP_FRONTS] = "In the words of other programs",
	[MIG_GROUP_SIMULATOR] = "Simulated nodes",
};

static const char *const group_words[MIG_GROUP_COUNT] = {
	[MIG_GROUP_NODE] = "node",
	[MIG_GROUP_LAYOUT] = "layout",
	[MIG_GROUP_FRONTS] = "front",
	[MIG_GROUP_SIMULATOR] = "simulator",
};

/* "-h, --help" and the like: what stands left of an option's help. */
static void option_label(const struct mig_option *option, char label[LABEL_SIZE])
{
	char letter[8] = "    ";

	if (option->letter)
		mig_text_format(letter, sizeof(letter), "-%c, ", option->letter);
	mig_text_format(label, LABEL_SIZE, "%s--%s%s%s", letter, option->name,
			option->value && !mig_option_is_optional(option) ? " " : "",
			option->value ? option->value : "");
}

static size_t line_width(void)
{
	unsigned int columns = mig_terminal_width();

	return columns > 1 && columns <= LINE_WIDTH ? columns - 1 : LINE_WIDTH;
}

/* Words from column `indent` on, on as many lines as they need; the first begins where we are. */
static void print_from(FILE *out, size_t indent, const char *text)
{
	_cleanup_buf_ struct mig_buf lines = MIG_BUF_INIT(TEXT_MAX);
	size_t width = line_width();

	if (indent > BELOW_INDENT && indent + TEXT_WIDTH_MIN > width) {
		fprintf(out, "\n%*s", BELOW_INDENT, "");
		indent = BELOW_INDENT;
	}
	mig_output_wrap(&lines, text, (unsigned int)indent, (unsigned int)indent,
			(unsigned int)width);
	fputs(mig_buf_failed(&lines) ? text : mig_buf_text(&lines) + indent, out);
}

static void print_details(FILE *out, const char *text)
{
	while (*text != '\0') {
		_cleanup_buf_ struct mig_buf paragraph = MIG_BUF_INIT(TEXT_MAX);
		size_t len = strcspn(text, "\n");

		if (*text == ' ' || len == 0) {
			fprintf(out, "%.*s\n", (int)len, text);
		} else {
			while (text[len] == '\n' && strchr(" \n", text[len + 1]) == NULL)
				len += 1 + strcspn(text + len + 1, "\n");
			mig_buf_printf(&paragraph, "%.*s", (int)len, text);
			print_from(out, 0, mig_buf_text(&paragraph));
		}
		text += len + (text[len] == '\n');
	}
}

/* Both lists as one, so that their columns agree; the first may be NULL. */
static void print_options(FILE *out, const struct mig_option *first,
			  const struct mig_option *second)
{
	const struct mig_option *const lists[] = {first, second};
	char label[LABEL_SIZE];
	size_t width = 0;

	for (size_t l = 0; l < MIG_ARRAY_SIZE(lists); l++) {
		for (const struct mig_option *o = lists[l]; o && o->name; o++) {
			option_label(o, label);
			width = MIG_MAX(width, strlen(label));
		}
	}
	fprintf(out, "\nOptions:\n");
	for (size_t l = 0; l < MIG_ARRAY_SIZE(lists); l++) {
		for (const struct mig_option *o = lists[l]; o && o->name; o++) {
			option_label(o, label);
			fprintf(out, "  %-*s  ", (int)width, label);
			print_from(out, width + 4, o->help);
		}
	}
}

static size_t name_width(const struct mig_cmd *table)
{
	size_t width = 0;

	for (; table->name; table++)
		width = MIG_MAX(width, strlen(table->name));
	return width;
}

void mig_help_overview(FILE *out, const struct mig_cmd *table)
{
	int width = (int)name_width(table);

	fprintf(out, "usage: migctl [--node NODE] COMMAND [OPTION...] [ARG...]\n");
	for (unsigned int group = 0; group < MIG_GROUP_COUNT; group++) {
		bool has_title = false;

		for (const struct mig_cmd *cmd = table; cmd->name; cmd++) {
			if (cmd->group != group)
				continue;
			if (!has_title)
				fprintf(out, "\n%s:\n", group_titles[group]);
			has_title = true;
			fprintf(out, "  %-*s  ", width, cmd->name);
			print_from(out, (size_t)width + 4, cmd->summary);
		}
	}
	print_options(out, NULL, mig_global_options);
	fputc('\n', out);
	print_from(out, 0, "'migctl help COMMAND' tells more about one; migctl(1) is the manual.");
}

void mig_help_family(FILE *out, const struct mig_cmd *table, const char *family)
{
	size_t len = strlen(family);
	int width = (int)name_width(table);
	char more[256];

	fprintf(out, "usage: migctl %s COMMAND [OPTION...] [ARG...]\n\n", family);
	for (; table->name; table++) {
		if (strncmp(table->name, family, len) != 0 || table->name[len] != ' ')
			continue;
		fprintf(out, "  %-*s  ", width, table->name);
		print_from(out, (size_t)width + 4, table->summary);
	}
	mig_text_format(more, sizeof(more),
			"'migctl %s COMMAND --help' tells more about one; migctl-%.*s(1) is the "
			"manual.",
			family, (int)strcspn(family, " "), family);
	fputc('\n', out);
	print_from(out, 0, more);
}

/* Whether a column is shown by default. */
static char mark(const struct mig_column *column)
{
	if (!column->is_default)
		return ' ';
	return column->is_first_to_go ? '+' : '*';
}

static void print_columns(FILE *out, const struct mig_column *columns)
{
	size_t width = 0;

	for (const struct mig_column *c = columns; c->name; c++)
		width = MIG_MAX(width, strlen(c->name));
	fputc('\n', out);
	print_from(out, 0, "Columns (* without -o; + likewise, if the terminal is wide enough):");
	for (const struct mig_column *c = columns; c->name; c++) {
		fprintf(out, "  %c %-*s  ", mark(c), (int)width, c->name);
		print_from(out, width + 6, c->help);
	}
}

void mig_help_command(FILE *out, const struct mig_cmd *cmd)
{
	static const struct mig_option help[] = {
		{"help", 'h', NULL, "show this help"},
		{NULL, 0, NULL, NULL},
	};

	/* Where the rest of the line is another command's, options stand before it. */
	fprintf(out, "usage: migctl %s%s%s%s\n\n", cmd->name, cmd->options ? " [OPTION...]" : "",
		*cmd->args ? " " : "", cmd->args);
	print_from(out, 0, cmd->summary);
	if (cmd->details) {
		fputc('\n', out);
		print_details(out, cmd->details);
	}
	print_options(out, cmd->options, help);
	if (cmd->columns)
		print_columns(out, cmd->columns);
}

/* ---- the table as JSON ------------------------------------------------------------------------ */

static void dump_options(struct mig_json *json, const struct mig_option *options)
{
	mig_json_key(json, "options");
	mig_json_array_begin(json);
	for (size_t i = 0; options && options[i].name; i++) {
		char letter[2] = {options[i].letter, '\0'};

		mig_json_object_begin(json);
		mig_json_member_string(json, "name", options[i].name);
		mig_json_member_string(json, "letter", options[i].letter ? letter : NULL);
		mig_json_member_string(json, "value", options[i].value);
		mig_json_member_string(json, "help", options[i].help);
		mig_json_object_end(json);
	}
	mig_json_array_end(json);
}

static void dump_columns(struct mig_json *json, const struct mig_column *columns)
{
	mig_json_key(json, "columns");
	mig_json_array_begin(json);
	for (; columns && columns->name; columns++) {
		mig_json_object_begin(json);
		mig_json_member_string(json, "name", columns->name);
		mig_json_member_string(json, "help", columns->help);
		mig_json_member_bool(json, "shown", columns->is_default);
		mig_json_member_bool(json, "first_to_go", columns->is_first_to_go);
		mig_json_object_end(json);
	}
	mig_json_array_end(json);
}

int mig_help_dump(struct mig_buf *out, const struct mig_cmd *table, struct mig_error **err)
{
	struct mig_json json;

	mig_json_init(&json, out);
	mig_json_object_begin(&json);
	mig_json_member_string(&json, "schema", "migctl.commands/1");
	dump_options(&json, mig_global_options);
	mig_json_key(&json, "commands");
	mig_json_array_begin(&json);
	for (; table->name; table++) {
		mig_json_object_begin(&json);
		mig_json_member_string(&json, "name", table->name);
		mig_json_member_string(&json, "group", group_words[table->group]);
		mig_json_member_string(&json, "summary", table->summary);
		mig_json_member_string(&json, "args", table->args);
		dump_options(&json, table->options);
		dump_columns(&json, table->columns);
		mig_json_object_end(&json);
	}
	mig_json_array_end(&json);
	mig_json_object_end(&json);
	if (mig_json_finish(&json))
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "cannot write the command table");
	return 0;
}
