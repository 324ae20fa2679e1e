/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can stand next; see complete.h.
 */
#include "cli/complete.h"

#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/help.h"
#include "cli/parse.h"
#include "shared/text.h"

#define TOKENS_MAX 8
#define TOKEN_SIZE 48
#define WORD_SIZE  32

/* A command line as far as it has been typed. */
struct line {
	int count; /* of whole words, without "migctl" */
	char **words;
	const char *current; /* what is being typed, perhaps "" */
	struct mig_complete_place place;
};

static bool begins_with(const char *text, const char *beginning)
{
	return strncmp(text, beginning, strlen(beginning)) == 0;
}

static void offer(const struct line *line, const char *prefix, const char *value,
		  const char *description)
{
	size_t len = strlen(prefix);

	if (begins_with(line->current, prefix) && begins_with(value, line->current + len))
		mig_complete_put(prefix, value, description);
}

/* ---- values ------------------------------------------------------------------------------------- */

/* The part of the current word up to the last of `separators` behind `from`, as a prefix. */
static void cut_prefix(const struct line *line, size_t from, const char *separators, char *prefix,
		       size_t size)
{
	size_t len = from;

	for (size_t i = from; line->current[i] != '\0'; i++) {
		if (strchr(separators, line->current[i]) != NULL)
			len = i + 1;
	}
	mig_text_format(prefix, size, "%.*s", (int)len, line->current);
}

static void offer_words(const struct line *line, const char *prefix, const char *words)
{
	while (*words != '\0') {
		size_t len = strcspn(words, "|");
		char word[WORD_SIZE];

		mig_text_format(word, sizeof(word), "%.*s", (int)len, words);
		offer(line, prefix, word, NULL);
		words += len;
		words += *words == '|';
	}
}

/* "0=3g.20gb,2": GPUs before the '=', profiles behind it. */
static void offer_layout(const struct line *line)
{
	char prefix[512];

	if (strchr(line->current, '=') == NULL) {
		mig_complete_values("layout-gpus", "", &line->place);
		return;
	}
	cut_prefix(line, 0, "=,", prefix, sizeof(prefix));
	if (prefix[strlen(prefix) - 1] == '=')
		offer_words(line, prefix, "off|on");
	mig_complete_values("profiles", prefix, &line->place);
}

/* What the names that help and manual give to values mean. A test says of each whether it is known. */
static const struct {
	const char *name, *kind;
	bool is_list; /* separated by commas */
} value_kinds[] = {
	{"FILE", ":file", false},
	{"DIR", ":file", false},
	{"GPU", "gpus", true},
	{"LIST", "gpus", true},
	{"NODE", "nodes", false},
	{"LABEL", "labels", false},
	{"UUID", "uuids", false},
	{"INSTANCE", "mig-uuids", false},
	{"GI", "mig-uuids", false},
	{"PROFILE", "profiles", true},
	{"SPEC", "models", true},
	{"CMD", ":file", false},
	{"LAYOUT", ":layout", false},
	{"WHAT", ":what", false},
	{"FORMAT", "=v1|parted|parted-json", false},
	{"BRANCH", "=470|535|550|580", false},
	{"TIMING", "=zero|realistic|zero,serial|realistic,serial", false},
};

/* Values called `name` behind the first `from` bytes of the current word. */
static void offer_kind(const struct line *line, const char *name, size_t from)
{
	char prefix[512];

	for (size_t i = 0; i < MIG_ARRAY_SIZE(value_kinds); i++) {
		const char *kind = value_kinds[i].kind;

		if (strcmp(value_kinds[i].name, name) != 0)
			continue;
		cut_prefix(line, from, value_kinds[i].is_list ? "," : "", prefix, sizeof(prefix));
		if (strcmp(kind, ":file") == 0)
			puts(":file");
		else if (strcmp(kind, ":layout") == 0)
			offer_layout(line);
		else if (kind[0] == '=')
			offer_words(line, prefix, kind + 1);
		else if (kind[0] != ':')
			mig_complete_values(kind, prefix, &line->place);
	}
}

/* ---- arguments ---------------------------------------------------------------------------------- */

struct token {
	char text[TOKEN_SIZE]; /* without brackets and dots */
	bool is_optional, is_repeated;
};

/* Takes "[NODE] WHAT [FILE...]" apart, up to a "--". */
static int read_tokens(const char *args, struct token tokens[TOKENS_MAX])
{
	int count = 0;

	while (*args != '\0' && count < TOKENS_MAX) {
		size_t len = strcspn(args, " ");
		struct token *token = &tokens[count];
		const char *begin = args + (*args == '[');
		size_t inner = strcspn(begin, " ].");

		if (begins_with(begin, "--"))
			break;
		token->is_optional = *args == '[';
		token->is_repeated = strncmp(begin + inner, "...", 3) == 0;
		mig_text_format(token->text, sizeof(token->text), "%.*s", (int)inner, begin);
		count++;
		args += len;
		args += *args == ' ';
	}
	return count;
}

/* "on|off" are words, "ID|all" is one word and one name. Of instances one can name each by several
 * means. */
static void offer_token(const struct line *line, const struct mig_cmd *cmd, const char *text)
{
	while (*text != '\0') {
		size_t len = strcspn(text, "|");
		char part[TOKEN_SIZE];

		mig_text_format(part, sizeof(part), "%.*s", (int)len, text);
		if (part[0] >= 'a' && part[0] <= 'z') {
			offer(line, "", part, NULL);
		} else if (strcmp(part, "WHAT") == 0 && cmd->group == MIG_GROUP_SIMULATOR) {
			offer(line, "", "lost", "the GPU falls off the bus");
		} else if (strcmp(part, "WHAT") == 0) {
			mig_complete_values("what", "", &line->place);
		} else {
			offer_kind(line, part, 0);
		}
		text += len;
		text += *text == '|';
	}
}

static void offer_arguments(const struct line *line, const struct mig_cmd *cmd, int position)
{
	struct token tokens[TOKENS_MAX];
	int count = read_tokens(cmd->args, tokens);

	for (int i = 0; i < count; i++) {
		bool is_here = i == position || (i < position && tokens[i].is_repeated);

		if (!is_here)
			continue;
		offer_token(line, cmd, tokens[i].text);
		/* What may be left out leaves its place to the next. */
		if (tokens[i].is_optional && i + 1 < count)
			offer_token(line, cmd, tokens[i + 1].text);
	}
}

/* ---- options ------------------------------------------------------------------------------------ */

static void offer_options(const struct line *line, const struct mig_option *options,
			  const bool *given)
{
	for (size_t i = 0; options != NULL && options[i].name != NULL; i++) {
		char text[64];

		mig_text_format(text, sizeof(text), "--%s", options[i].name);
		if (given == NULL || !given[i] || options[i].is_repeatable)
			offer(line, "", text, options[i].help);
	}
}

/* The option that a word names, "--name", "--name=…" or "-x"; NULL if none. *value gets what stands
 * behind a '='. */
static const struct mig_option *find_option(const struct mig_option *options, const char *word,
					    const char **value)
{
	*value = NULL;
	for (; options != NULL && options->name != NULL; options++) {
		size_t len = strlen(options->name);

		if (word[0] == '-' && word[1] != '-' && word[1] == options->letter &&
		    word[2] == '\0')
			return options;
		if (!begins_with(word, "--") || strncmp(word + 2, options->name, len) != 0)
			continue;
		if (word[2 + len] == '=')
			*value = word + 2 + len + 1;
		if (word[2 + len] == '\0' || word[2 + len] == '=')
			return options;
	}
	return NULL;
}

#define OPTIONS_MAX 32

struct state {
	bool given[OPTIONS_MAX];
	const struct mig_option *open; /* waits for its value */
	bool only_args;
	int args;
};

/* Whole words behind the command: what they leave open. */
static void read_words(struct line *line, const struct mig_cmd *cmd, int from, struct state *state)
{
	for (int i = from; i < line->count; i++) {
		const struct mig_option *option = NULL;
		const char *value = NULL;

		if (state->open != NULL) {
			option = state->open;
			value = line->words[i];
			state->open = NULL;
		} else if (state->only_args || line->words[i][0] != '-') {
			/* On a simulated node what follows is about that. */
			if (state->args == 0 && cmd->group == MIG_GROUP_SIMULATOR &&
			    (begins_with(cmd->args, "NODE") || begins_with(cmd->args, "[NODE]")))
				line->place.node = line->words[i];
			state->args++;
			state->only_args = state->only_args || cmd->passes_rest;
			continue;
		} else if (strcmp(line->words[i], "--") == 0) {
			state->only_args = true;
			continue;
		} else {
			option = find_option(cmd->options, line->words[i], &value);
			if (option == NULL)
				continue;
			if (option - cmd->options < OPTIONS_MAX)
				state->given[option - cmd->options] = true;
			if (option->value != NULL && value == NULL &&
			    !mig_option_is_optional(option))
				state->open = option;
		}
		if (value != NULL && strcmp(option->name, "config-file") == 0)
			line->place.file = value;
		if (value != NULL && strcmp(option->name, "node") == 0)
			line->place.node = value;
	}
}

static void complete_command(struct line *line, const struct mig_cmd *cmd, int from)
{
	struct state state = {.open = NULL};
	const struct mig_option *option;
	const char *value;

	read_words(line, cmd, from, &state);
	if (state.open != NULL) {
		offer_kind(line, state.open->value, 0);
		return;
	}
	if (state.only_args && cmd->passes_rest) {
		puts(":file");
		return;
	}
	if (!state.only_args && line->current[0] == '-') {
		option = find_option(cmd->options, line->current, &value);
		if (option != NULL && value != NULL && option->value != NULL) {
			offer_kind(line, option->value, (size_t)(value - line->current));
			return;
		}
		offer_options(line, cmd->options, state.given);
		offer(line, "", "--help", "show this help");
		return;
	}
	if (state.only_args && strstr(cmd->args, "-- CMD") != NULL)
		puts(":file");
	else
		offer_arguments(line, cmd, state.args);
}

/* ---- commands ----------------------------------------------------------------------------------- */

/* The words that can follow the first `used` ones of the line from word `from` on. */
static void offer_commands(const struct line *line, const char *family)
{
	size_t family_len = strlen(family);
	char last[WORD_SIZE] = "";

	for (const struct mig_cmd *cmd = mig_commands; cmd->name != NULL; cmd++) {
		const char *next = cmd->name;
		char word[WORD_SIZE];

		if (family_len > 0 &&
		    (strncmp(next, family, family_len) != 0 || next[family_len] != ' '))
			continue;
		next += family_len > 0 ? family_len + 1 : 0;
		mig_text_format(word, sizeof(word), "%.*s", (int)strcspn(next, " "), next);
		if (strcmp(word, last) == 0)
			continue;
		mig_text_copy(last, sizeof(last), word);
		offer(line, "", word, strchr(next, ' ') == NULL ? cmd->summary : NULL);
	}
	offer(line, "", "help", family_len > 0 ? NULL : "tell more about a command");
}

/* Returns how many words stand before the command; -1: one of them is being typed. */
static int read_globals(struct line *line)
{
	int at = 0;

	while (at < line->count && line->words[at][0] == '-') {
		if (strcmp(line->words[at], "--node") == 0) {
			if (at + 1 >= line->count) {
				mig_complete_values("nodes", "", &line->place);
				return -1;
			}
			line->place.node = line->words[++at];
		} else if (begins_with(line->words[at], "--node=")) {
			line->place.node = line->words[at] + strlen("--node=");
		}
		at++;
	}
	if (at < line->count || line->current[0] != '-')
		return at;
	if (begins_with(line->current, "--node="))
		mig_complete_values("nodes", "--node=", &line->place);
	else
		offer_options(line, mig_global_options, NULL);
	return -1;
}

static void complete_line(struct line *line)
{
	_cleanup_error_ struct mig_error *ignored = NULL;
	char family[MIG_COMMAND_NAME_SIZE];
	const struct mig_cmd *cmd;
	int at = read_globals(line), used;
	bool is_help = false;

	if (at < 0)
		return;
	if (at < line->count && strcmp(line->words[at], "help") == 0) {
		is_help = true;
		at++;
	}
	if (at == line->count) {
		offer_commands(line, "");
		return;
	}
	cmd = mig_command_find(mig_commands, line->count - at, line->words + at, &used, &ignored);
	if (cmd != NULL) {
		if (!is_help)
			complete_command(line, cmd, at + used);
		return;
	}
	if (mig_command_family(mig_commands, line->count - at, line->words + at, family) ==
	    line->count - at)
		offer_commands(line, family);
}

int mig_complete_run(int argc, char **argv, struct mig_error **err)
{
	struct line line = {.current = ""};

	if (argc < 1)
		return mig_error_set(err, MIG_ERROR_USAGE, "--complete needs a kind");
	if (strcmp(argv[0], "line") != 0) {
		line.place.file = argc > 2 ? argv[2] : NULL;
		if (mig_complete_values(argv[0], argc > 1 ? argv[1] : "", &line.place))
			return MIG_EXIT_OK;
		return mig_error_set(err, MIG_ERROR_USAGE, "--complete knows no kind '%s'",
				     argv[0]);
	}
	if (argc > 1 && strcmp(argv[1], "--") == 0) {
		argv++;
		argc--;
	}
	line.words = argv + 1;
	line.count = argc > 2 ? argc - 2 : 0;
	if (argc > 1)
		line.current = argv[argc - 1];
	complete_line(&line);
	return MIG_EXIT_OK;
}
