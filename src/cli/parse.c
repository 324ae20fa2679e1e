/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Command lines; the contract is in the header.
 */
#include "cli/parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/buf.h"
#include "shared/nearest.h"
#include "shared/text.h"

#define NAMES_MAX 128 /* candidates for "did you mean" */
#define WORD_SIZE 32  /* of one word of a command's name */
#define SHOWN_MAX 1024

void mig_command_line_clear(struct mig_command_line *line)
{
	free(line->options);
	free(line->given);
	free(line->args);
	*line = (struct mig_command_line){.wants_help = false};
}

const char *mig_option_value(const struct mig_invocation *inv, const char *name)
{
	const struct mig_option *options = inv->cmd->options;

	for (size_t i = 0; options && options[i].name; i++) {
		if (strcmp(options[i].name, name) == 0)
			return inv->options[i].value;
	}
	return NULL;
}

const char *mig_option_value_at(const struct mig_invocation *inv, const char *name, size_t number)
{
	for (size_t i = 0; i < inv->given_count; i++) {
		const struct mig_given_option *given = &inv->given[i];

		if (strcmp(inv->cmd->options[given->index].name, name) == 0 && number-- == 0)
			return given->value;
	}
	return NULL;
}

bool mig_option_given(const struct mig_invocation *inv, const char *name)
{
	const struct mig_option *options = inv->cmd->options;

	for (size_t i = 0; options && options[i].name; i++) {
		if (strcmp(options[i].name, name) == 0)
			return inv->options[i].given;
	}
	return false;
}

/* "TEXT 'WORD'[, did you mean 'NEAREST'?]" with a hint to --help of `command`. */
static int complain_unknown(struct mig_error **err, const char *text, const char *word,
			    const char *nearest, const char *command)
{
	_cleanup_buf_ struct mig_buf shown = MIG_BUF_INIT(SHOWN_MAX);

	mig_text_escape_terminal(&shown, word);
	if (nearest)
		mig_error_set(err, MIG_ERROR_USAGE, "%s '%s', did you mean '%s'?", text,
			      mig_buf_text(&shown), nearest);
	else
		mig_error_set(err, MIG_ERROR_USAGE, "%s '%s'", text, mig_buf_text(&shown));
	return mig_error_hint(err, "see 'migctl%s%s --help'", *command ? " " : "", command);
}

/* ---- which command ---------------------------------------------------------------------------- */

/* With how many of its words the name begins argv; *total gets how many it has. */
static int match_words(const char *name, int argc, char **argv, int *total)
{
	bool matches = true;
	int matched = 0;

	*total = 0;
	while (*name) {
		size_t len = strcspn(name, " ");

		matches = matches && *total < argc && strlen(argv[*total]) == len &&
			  strncmp(argv[*total], name, len) == 0;
		matched += matches;
		++*total;
		name += len;
		name += *name == ' ';
	}
	return matched;
}

/* Where the word number `number` of a name begins. */
static const char *word_at(const char *name, int number)
{
	for (int i = 0; i < number; i++) {
		name += strcspn(name, " ");
		name += *name == ' ';
	}
	return name;
}

int mig_command_family(const struct mig_cmd *table, int argc, char **argv,
		       char name[MIG_COMMAND_NAME_SIZE])
{
	int longest = 0;

	name[0] = '\0';
	for (; table->name; table++) {
		int total;
		int matched = match_words(table->name, argc, argv, &total);

		if (matched == total || matched <= longest)
			continue;
		longest = matched;
		mig_text_format(name, MIG_COMMAND_NAME_SIZE, "%.*s",
				(int)(word_at(table->name, matched) - table->name - 1),
				table->name);
	}
	return longest;
}

/* What can follow the first `used` words of argv: each word once. Returns how many. */
static size_t next_words(const struct mig_cmd *table, int used, char **argv,
			 char words[NAMES_MAX][WORD_SIZE])
{
	size_t count = 0;

	for (; table->name && count < NAMES_MAX; table++) {
		const char *next = word_at(table->name, used);
		int len = (int)strcspn(next, " ");
		int total;

		if (match_words(table->name, used, argv, &total) < used || total <= used)
			continue;
		mig_text_format(words[count], WORD_SIZE, "%.*s", len, next);
		if (count == 0 || strcmp(words[count], words[count - 1]) != 0)
			count++;
	}
	return count;
}

/* argv begins with `used` words of the family `family`, "" and 0 for none. */
static const struct mig_cmd *unknown_command(const struct mig_cmd *table, int argc, char **argv,
					     int used, const char *family, struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf list = MIG_BUF_INIT(SHOWN_MAX);
	char words[NAMES_MAX][WORD_SIZE];
	const char *names[NAMES_MAX];
	size_t count = next_words(table, used, argv, words);
	int nearest;

	for (size_t i = 0; i < count; i++) {
		names[i] = words[i];
		mig_buf_printf(&list, "%s%s", i ? ", " : "", words[i]);
	}
	if (used == argc) {
		mig_error_set(err, MIG_ERROR_USAGE, "'%s' needs one of: %s", family,
			      mig_buf_text(&list));
		mig_error_hint(err, "see 'migctl %s --help'", family);
		return NULL;
	}
	nearest = mig_nearest_close(argv[used], names, count);
	complain_unknown(err, "unknown command", argv[used], nearest >= 0 ? names[nearest] : NULL,
			 family);
	if (used > 0)
		mig_error_wrap(err, "%s", family);
	return NULL;
}

const struct mig_cmd *mig_command_find(const struct mig_cmd *table, int argc, char **argv,
				       int *used, struct mig_error **err)
{
	char family[MIG_COMMAND_NAME_SIZE];
	int family_words;

	if (argc < 1) {
		mig_error_set(err, MIG_ERROR_USAGE, "no command is given");
		mig_error_hint(err, "see 'migctl --help'");
		return NULL;
	}
	for (const struct mig_cmd *cmd = table; cmd->name; cmd++) {
		if (match_words(cmd->name, argc, argv, used) == *used)
			return cmd;
	}
	family_words = mig_command_family(table, argc, argv, family);
	return unknown_command(table, argc, argv, family_words, family, err);
}

bool mig_option_is_optional(const struct mig_option *option)
{
	return option->value && option->value[0] == '[';
}

/* ---- options ---------------------------------------------------------------------------------- */

static size_t option_count(const struct mig_cmd *cmd)
{
	size_t count = 0;

	while (cmd->options && cmd->options[count].name)
		count++;
	return count;
}

static int usage_hint(const struct mig_cmd *cmd, struct mig_error **err)
{
	return mig_error_hint(err, "see 'migctl %s --help'", cmd->name);
}

static int set_option(struct mig_command_line *line, size_t index, const char *value,
		      struct mig_error **err)
{
	const struct mig_cmd *cmd = line->inv.cmd;
	const struct mig_option *option = &cmd->options[index];

	if (option->value && line->options[index].given && !option->is_repeatable) {
		mig_error_set(err, MIG_ERROR_USAGE, "option '--%s' is given twice", option->name);
		return usage_hint(cmd, err);
	}
	if (!line->options[index].given)
		line->options[index].value = value;
	line->options[index].given = true;
	/* Those without a value can be many in one word (-vvv), and nobody asks for them. */
	if (option->value)
		line->given[line->inv.given_count++] =
			(struct mig_given_option){.index = index, .value = value};
	return 0;
}

static int missing_value(const struct mig_cmd *cmd, const struct mig_option *option,
			 struct mig_error **err)
{
	mig_error_set(err, MIG_ERROR_USAGE, "option '--%s' needs a value (%s)", option->name,
		      option->value);
	return usage_hint(cmd, err);
}

static int unknown_option(const struct mig_cmd *cmd, const char *word, struct mig_error **err)
{
	const char *names[NAMES_MAX];
	_cleanup_buf_ struct mig_buf nearest_text = MIG_BUF_INIT(SHOWN_MAX);
	_cleanup_free_ char *name = strndup(word + 2, strcspn(word + 2, "="));
	size_t count = MIG_MIN(option_count(cmd), (size_t)NAMES_MAX - 1);
	int nearest;

	/* The one option that stands before the command, where many a person has it behind. */
	if (name && strcmp(name, "node") == 0) {
		mig_error_set(err, MIG_ERROR_USAGE, "'--node' is no option of '%s'", cmd->name);
		return mig_error_hint(err, "it stands before the command: migctl --node NODE %s",
				      cmd->name);
	}
	for (size_t i = 0; i < count; i++)
		names[i] = cmd->options[i].name;
	names[count++] = "help";
	nearest = name ? mig_nearest(name, names, count) : -1;
	if (nearest >= 0)
		mig_buf_printf(&nearest_text, "--%s", names[nearest]);
	return complain_unknown(err, "unknown option", word,
				nearest >= 0 ? mig_buf_text(&nearest_text) : NULL, cmd->name);
}

/* argv[*at] is "--name" or "--name=VALUE". */
static int parse_long(struct mig_command_line *line, int argc, char **argv, int *at,
		      struct mig_error **err)
{
	const struct mig_cmd *cmd = line->inv.cmd;
	const char *word = argv[*at] + 2;
	size_t len = strcspn(word, "=");
	size_t count = option_count(cmd);

	if (strcmp(word, "help") == 0) {
		line->wants_help = true;
		return 0;
	}
	for (size_t i = 0; i < count; i++) {
		const struct mig_option *option = &cmd->options[i];

		if (strlen(option->name) != len || strncmp(option->name, word, len) != 0)
			continue;
		if (!option->value && word[len]) {
			mig_error_set(err, MIG_ERROR_USAGE, "option '--%s' takes no value",
				      option->name);
			return usage_hint(cmd, err);
		}
		if (!option->value)
			return set_option(line, i, NULL, err);
		if (word[len])
			return set_option(line, i, word + len + 1, err);
		if (mig_option_is_optional(option))
			return set_option(line, i, NULL, err);
		if (*at + 1 >= argc)
			return missing_value(cmd, option, err);
		return set_option(line, i, argv[++*at], err);
	}
	return unknown_option(cmd, argv[*at], err);
}

/* argv[*at] is "-xyz" or "-xVALUE". */
static int parse_letters(struct mig_command_line *line, int argc, char **argv, int *at,
			 struct mig_error **err)
{
	const struct mig_cmd *cmd = line->inv.cmd;
	size_t count = option_count(cmd);

	for (const char *letter = argv[*at] + 1; *letter; letter++) {
		char shown[3] = {'-', *letter, '\0'};
		size_t i = 0;

		if (*letter == 'h') {
			line->wants_help = true;
			return 0;
		}
		while (i < count && cmd->options[i].letter != *letter)
			i++;
		if (i == count)
			return complain_unknown(err, "unknown option", shown, NULL, cmd->name);
		if (!cmd->options[i].value) {
			if (set_option(line, i, NULL, err))
				return -1;
			continue;
		}
		if (letter[1])
			return set_option(line, i, letter + 1, err);
		if (*at + 1 >= argc)
			return missing_value(cmd, &cmd->options[i], err);
		return set_option(line, i, argv[++*at], err);
	}
	return 0;
}

/* ---- the whole line --------------------------------------------------------------------------- */

/* A GPU where the command wants it behind -i. */
static bool names_gpu(const struct mig_cmd *cmd, const char *word)
{
	for (const struct mig_option *o = cmd->options; o != NULL && o->name != NULL; o++) {
		if (strcmp(o->name, "id") == 0)
			return strncmp(word, "GPU-", 4) == 0 ||
			       (word[0] != '\0' && strspn(word, "0123456789,-") == strlen(word));
	}
	return false;
}

static int check_arg_count(const struct mig_command_line *line, struct mig_error **err)
{
	const struct mig_cmd *cmd = line->inv.cmd;
	_cleanup_buf_ struct mig_buf shown = MIG_BUF_INIT(SHOWN_MAX);

	if (line->inv.arg_count < cmd->min_args) {
		mig_error_set(err, MIG_ERROR_USAGE, "'%s' needs %s", cmd->name, cmd->args);
		return usage_hint(cmd, err);
	}
	if (cmd->max_args >= 0 && line->inv.arg_count > cmd->max_args) {
		mig_text_escape_terminal(&shown, line->args[cmd->max_args]);
		mig_error_set(err, MIG_ERROR_USAGE, "'%s' does not take the argument '%s'",
			      cmd->name, mig_buf_text(&shown));
		if (names_gpu(cmd, line->args[cmd->max_args]))
			return mig_error_hint(err, "a GPU is named by -i %s", mig_buf_text(&shown));
		return usage_hint(cmd, err);
	}
	return 0;
}

static int parse_words(struct mig_command_line *line, int argc, char **argv, struct mig_error **err)
{
	bool only_args = false;

	if (line->inv.cmd->passes_all) {
		memcpy(line->args, argv, (size_t)argc * sizeof(*argv));
		line->inv.arg_count = argc;
		line->inv.rest = argc;
		line->wants_help = argc == 1 && strcmp(argv[0], "--help") == 0;
		return 0;
	}
	for (int i = 0; i < argc && !line->wants_help; i++) {
		bool is_option = !only_args && argv[i][0] == '-' && argv[i][1] != '\0';

		if (is_option && strcmp(argv[i], "--") == 0) {
			only_args = true;
			line->inv.has_rest = true;
			line->inv.rest = line->inv.arg_count;
		} else if (is_option && argv[i][1] == '-') {
			if (parse_long(line, argc, argv, &i, err))
				return -1;
		} else if (is_option) {
			if (parse_letters(line, argc, argv, &i, err))
				return -1;
		} else {
			line->args[line->inv.arg_count++] = argv[i];
			only_args = only_args || line->inv.cmd->passes_rest;
		}
	}
	if (!line->inv.has_rest)
		line->inv.rest = line->inv.arg_count;
	return 0;
}

int mig_command_line_parse(const struct mig_cmd *cmd, int argc, char **argv,
			   struct mig_command_line *line, struct mig_error **err)
{
	*line = (struct mig_command_line){.wants_help = false};
	/* One more each: an empty list is no failed allocation, and args ends with NULL. */
	line->options = calloc(option_count(cmd) + 1, sizeof(*line->options));
	line->given = calloc((size_t)argc + 1, sizeof(*line->given));
	line->args = calloc((size_t)argc + 1, sizeof(*line->args));
	if (!line->options || !line->given || !line->args) {
		mig_command_line_clear(line);
		return mig_error_set_errno(err, ENOMEM, "cannot read the command line");
	}
	line->inv = (struct mig_invocation){
		.cmd = cmd,
		.options = line->options,
		.given = line->given,
		.args = line->args,
	};
	if (parse_words(line, argc, argv, err) ||
	    (!line->wants_help && check_arg_count(line, err))) {
		mig_command_line_clear(line);
		return -1;
	}
	return 0;
}
