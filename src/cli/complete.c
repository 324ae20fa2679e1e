/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can stand next; see complete.h.
 */
#include "cli/complete.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/help.h"
#include "cli/parse.h"
#include "shared/text.h"
#include "sim/control/control.h"
#include "sim/control/fault.h"

#define TOKENS_MAX  8
#define TOKEN_SIZE  48
#define WORD_SIZE   32
#define TEXT_SIZE   128
#define PREFIX_SIZE 4096
#define OPTIONS_MAX 32

/* A command line as far as it has been typed. */
struct line {
	int count; /* of whole words, without "migctl" */
	char **words;
	const char *current; /* what is being typed, perhaps "" */
	struct mig_complete_place place;
	const struct mig_cmd *cmd;
	/* What the whole words behind the command leave open. */
	bool given[OPTIONS_MAX];       /* by the position of the option */
	const struct mig_option *open; /* waits for its value */
	bool only_args;
	int args;
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

/* Whether an option of the command is given. */
static bool is_given(const struct line *line, const char *name)
{
	const struct mig_option *options = line->cmd->options;

	for (size_t i = 0; options != NULL && options[i].name != NULL && i < OPTIONS_MAX; i++) {
		if (strcmp(options[i].name, name) == 0)
			return line->given[i];
	}
	return false;
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

/* A value of the node, behind a prefix that was cut off the current word from `from` on. What stands
 * in the prefix is named already. */
static void offer_values(const struct line *line, const char *kind, const char *prefix, size_t from)
{
	struct mig_complete_place place = line->place;
	const char *typed = line->current + strlen(prefix);

	/* "1c.3g.20gb": most want the profiles of GPU instances, so the others come when begun. */
	if (strcmp(kind, "profiles") == 0 || strcmp(kind, "creatable") == 0) {
		size_t digits = strspn(typed, "0123456789");

		if (digits > 0 && typed[digits] == 'c' && place.gi == NULL)
			kind = "device-profiles";
	}
	if (strlen(prefix) > from)
		place.named[place.named_count++] = prefix + from;
	mig_complete_values(kind, prefix, &place);
}

/* "0=3g.20gb,2": GPUs before the '=', profiles behind it. */
static void offer_layout(const struct line *line)
{
	const char *equals = strchr(line->current, '=');
	char prefix[PREFIX_SIZE];

	if (equals == NULL) {
		cut_prefix(line, 0, ",", prefix, sizeof(prefix));
		offer_values(line, "layout-gpus", prefix, 0);
		return;
	}
	cut_prefix(line, (size_t)(equals - line->current) + 1, ",:", prefix, sizeof(prefix));
	if (prefix[strlen(prefix) - 1] == '=')
		offer_words(line, prefix, "off|on|total:");
	offer_values(line, "profiles", prefix, strlen(prefix));
}

/* Columns of the command's table. With '+' in front the usual ones are there already. */
static void offer_columns(const struct line *line, size_t from)
{
	bool is_more = line->current[from] == '+', is_tree = is_given(line, "tree");
	const struct mig_column *column = line->cmd->columns;
	struct mig_complete_place place = {.named = (const char *[1]){NULL}, .named_count = 1};
	char prefix[PREFIX_SIZE];

	cut_prefix(line, from + is_more, ",", prefix, sizeof(prefix));
	place.named[0] = prefix + from + is_more;
	for (; column != NULL && column->name != NULL; column++) {
		bool is_there = column->is_default || (is_tree && column->is_tree);
		char name[WORD_SIZE];

		mig_text_copy(name, sizeof(name), column->name);
		/* They are taken in any letter case, so as it was begun. */
		for (char *c = name; islower(line->current[strlen(prefix)]) && *c != '\0'; c++)
			*c = (char)tolower(*c);
		/* One that a narrow terminal leaves out can be asked for. */
		if (!(is_more && is_there && !column->is_first_to_go) &&
		    !mig_complete_is_named(&place, name))
			offer(line, prefix, name, column->help);
	}
}

/* "8xa100-sxm4-40gb:swapped,1xt4-16gb": a count, a model, its options. */
static void offer_spec(const struct line *line, size_t from)
{
	char prefix[PREFIX_SIZE];
	size_t len, digits;

	cut_prefix(line, from, ",:", prefix, sizeof(prefix));
	len = strlen(prefix);
	if (len > from && prefix[len - 1] == ':') {
		offer_words(line, prefix, "normal|swapped|immediate|reset-required|in-use");
		return;
	}
	digits = strspn(line->current + len, "0123456789");
	if (digits > 0 && line->current[len + digits] == 'x')
		mig_text_format(prefix, sizeof(prefix), "%.*s", (int)(len + digits + 1),
				line->current);
	else if (len == from)
		offer(line, prefix, "none", "a node without GPUs");
	mig_complete_values("models", prefix, &line->place);
}

/* "nvmlInit_v2:1=hang"; where it need not be a call, also what happens to a GPU. */
static void offer_fault(const struct line *line, size_t from, bool is_call)
{
	const char *typed = line->current + from, *name;
	const char *equals = strchr(typed, '=');
	char prefix[PREFIX_SIZE];

	if (!is_call) {
		offer(line, "", "lost", "the GPU falls off the bus");
		offer(line, "", "xid=", "an XID event");
		offer(line, "", "ecc=corrected", "memory errors");
		offer(line, "", "ecc=uncorrected", "memory errors");
	}
	/* There are hundreds of functions: beside other words they come when begun. */
	if (equals == NULL && (is_call || *typed != '\0')) {
		cut_prefix(line, from, "", prefix, sizeof(prefix));
		for (unsigned int i = 0; (name = mig_sim_fault_function_at(i)) != NULL; i++) {
			char text[TEXT_SIZE];

			mig_text_format(text, sizeof(text), "%s=", name);
			offer(line, prefix, text, NULL);
		}
	}
	if (equals == NULL || !begins_with(typed, "nvml"))
		return;
	cut_prefix(line, from, "=", prefix, sizeof(prefix));
	offer(line, prefix, "hang", "until the fault is cleared");
	offer(line, prefix, "kill", "the caller");
	for (unsigned int i = 0; (name = mig_sim_fault_code_name_at(i)) != NULL; i++)
		offer(line, prefix, name, NULL);
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
	{"INSTANCE", "instances", true},
	{"GI", "gis", false},
	{"PROFILE", "creatable", true},
	{"NUMBER", "transactions", false},
	{"SPEC", ":spec", false},
	{"COLUMNS", ":columns", false},
	{"FAULT", ":fault", false},
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
	char prefix[PREFIX_SIZE];

	for (size_t i = 0; i < MIG_ARRAY_SIZE(value_kinds); i++) {
		const char *kind = value_kinds[i].kind;

		if (strcmp(value_kinds[i].name, name) != 0)
			continue;
		cut_prefix(line, from, value_kinds[i].is_list ? "," : "", prefix, sizeof(prefix));
		if (strcmp(kind, ":file") == 0)
			puts(":file");
		else if (strcmp(kind, ":layout") == 0)
			offer_layout(line);
		else if (strcmp(kind, ":columns") == 0)
			offer_columns(line, from);
		else if (strcmp(kind, ":spec") == 0)
			offer_spec(line, from);
		else if (kind[0] == ':')
			offer_fault(line, from, strcmp(kind, ":fault") == 0);
		else if (kind[0] == '=')
			offer_words(line, prefix, kind + 1);
		else
			offer_values(line, kind, prefix, from);
	}
}

/* The value of an option. */
static void offer_value(struct line *line, const struct mig_option *option, size_t from)
{
	bool is_ci = strcmp(option->name, "ci") == 0;
	char prefix[PREFIX_SIZE];

	/* Arguments name nothing that could stand here. */
	line->place.named_count = 0;
	cut_prefix(line, from, "", prefix, sizeof(prefix));
	if (strcmp(option->value, "LIST") == 0)
		offer(line, prefix, "all", "all GPUs");
	if (strcmp(option->value, "ID") == 0)
		offer_values(line, is_ci ? "ci-ids" : "gi-ids", prefix, from);
	else
		offer_kind(line, option->value, from);
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

/* "on|off" are words, "ID|all" is one name and one word. */
static void offer_token(const struct line *line, const char *text)
{
	while (*text != '\0') {
		size_t len = strcspn(text, "|");
		char part[TOKEN_SIZE];

		mig_text_format(part, sizeof(part), "%.*s", (int)len, text);
		if (part[0] >= 'a' && part[0] <= 'z')
			offer(line, "", part, NULL);
		else if (strcmp(part, "ID") == 0)
			offer_values(line, "faults", "", 0);
		else
			offer_kind(line, part, 0);
		text += len;
		text += *text == '|';
	}
}

static void offer_arguments(const struct line *line)
{
	struct token tokens[TOKENS_MAX];
	int count = read_tokens(line->cmd->args, tokens);

	/* An option can say that arguments are something else, or that there are none. */
	if (is_given(line, "end")) {
		offer_values(line, "holders", "", 0);
		return;
	}
	if (line->cmd->run == mig_cmd_destroy_run && is_given(line, "all"))
		return;
	for (int i = 0; i < count; i++) {
		bool is_here = i == line->args || (i < line->args && tokens[i].is_repeated);

		if (!is_here)
			continue;
		/* What may be left out leaves its place to the next. This first: values of a node
		 * can be the last that we do. */
		if (tokens[i].is_optional && i + 1 < count)
			offer_token(line, tokens[i + 1].text);
		offer_token(line, tokens[i].text);
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

/* "-vn" and "-nNODE": the last option that the letters of a word name. *value gets what stands behind
 * its letter where it takes a value, "" if nothing does. All are noted if `given` is not NULL. */
static const struct mig_option *find_letters(const struct mig_option *options, const char *word,
					     bool *given, const char **value)
{
	const struct mig_option *option = NULL;

	*value = NULL;
	for (const char *c = word + 1; *c != '\0' && *value == NULL; c++) {
		for (option = options; option != NULL && option->name != NULL; option++) {
			if (option->letter == *c)
				break;
		}
		if (option == NULL || option->name == NULL)
			return NULL;
		if (given != NULL && option - options < OPTIONS_MAX)
			given[option - options] = true;
		if (option->value != NULL && !mig_option_is_optional(option))
			*value = c + 1;
	}
	return option;
}

static void note_value(struct line *line, const struct mig_option *option, const char *value)
{
	if (strcmp(option->name, "config-file") == 0)
		line->place.file = value;
	else if (strcmp(option->name, "node") == 0)
		line->place.node = value;
	else if (strcmp(option->name, "id") == 0 || strcmp(option->name, "gpu") == 0)
		line->place.gpus = value;
	else if (strcmp(option->name, "gi") == 0)
		line->place.gi = value;
}

static void note_argument(struct line *line, const char *word)
{
	/* On a simulated node what follows is about that. */
	if (line->args == 0 && line->cmd->group == MIG_GROUP_SIMULATOR &&
	    (begins_with(line->cmd->args, "NODE") || begins_with(line->cmd->args, "[NODE]")))
		line->place.node = word;
	line->place.named[line->place.named_count++] = word;
	line->args++;
	line->only_args = line->only_args || line->cmd->passes_rest;
}

static void note_option(struct line *line, const char *word)
{
	const struct mig_option *options = line->cmd->options;
	const char *value = NULL;
	const struct mig_option *option = find_option(options, word, &value);

	if (option != NULL && option - options < OPTIONS_MAX)
		line->given[option - options] = true;
	if (option == NULL && word[1] != '-')
		option = find_letters(options, word, line->given, &value);
	if (option == NULL || option->value == NULL)
		return;
	if (value != NULL && (*value != '\0' || word[1] == '-'))
		note_value(line, option, value);
	else if (!mig_option_is_optional(option))
		line->open = option;
}

/* Whole words behind the command: what they leave open. */
static void read_words(struct line *line, int from)
{
	for (int i = from; i < line->count; i++) {
		const char *word = line->words[i];

		if (line->open != NULL) {
			note_value(line, line->open, word);
			line->open = NULL;
		} else if (line->only_args || word[0] != '-') {
			note_argument(line, word);
		} else if (strcmp(word, "--") == 0) {
			line->only_args = true;
		} else {
			note_option(line, word);
		}
	}
}

/* The current word begins with '-'. */
static void complete_option(struct line *line)
{
	const char *value;
	const struct mig_option *option = find_option(line->cmd->options, line->current, &value);

	if (option == NULL && line->current[1] != '-')
		option = find_letters(line->cmd->options, line->current, NULL, &value);
	if (option != NULL && value != NULL && option->value != NULL) {
		offer_value(line, option, (size_t)(value - line->current));
		return;
	}
	offer_options(line, line->cmd->options, line->given);
	offer(line, "", "--help", "show this help");
}

static void complete_command(struct line *line, const struct mig_cmd *cmd, int from)
{
	_cleanup_free_ char *node = NULL;

	if (cmd->passes_all) {
		mig_complete_smi(line->count - from, line->words + from, line->current,
				 &line->place);
		return;
	}
	line->cmd = cmd;
	read_words(line, from);
	/* What a simulator's command is about when it names no node; never this machine. */
	if (cmd->group == MIG_GROUP_SIMULATOR && line->place.node == NULL)
		line->place.node = mig_sim_node_path(NULL, &node, NULL) == 0 ? node : "";
	if (line->open != NULL)
		offer_value(line, line->open, 0);
	else if (line->only_args && (cmd->passes_rest || strstr(cmd->args, "-- CMD") != NULL))
		puts(":file");
	else if (!line->only_args && line->current[0] == '-')
		complete_option(line);
	else
		offer_arguments(line);
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

/* "gpus=0,1": what stands on the line of the person, for values of a kind. */
static int read_place(char *const *words, int count, struct mig_complete_place *place,
		      struct mig_error **err)
{
	for (int i = 0; i < count; i++) {
		const char *value = strchr(words[i], '=');

		value += value != NULL;
		if (value != NULL && begins_with(words[i], "file="))
			place->file = value;
		else if (value != NULL && begins_with(words[i], "gpus="))
			place->gpus = value;
		else if (value != NULL && begins_with(words[i], "gi="))
			place->gi = value;
		else if (value != NULL && begins_with(words[i], "named="))
			place->named[place->named_count++] = value;
		else
			return mig_error_set(err, MIG_ERROR_USAGE, "--complete does not take '%s'",
					     words[i]);
	}
	return 0;
}

int mig_complete_run(int argc, char **argv, struct mig_error **err)
{
	/* Each word at most, and the beginning of the current one. */
	_cleanup_free_ const char **named = calloc((size_t)argc + 2, sizeof(*named));
	struct line line = {.current = "", .place = {.named = named}};

	if (named == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	if (argc < 1)
		return mig_error_set(err, MIG_ERROR_USAGE, "--complete needs a kind");
	if (strcmp(argv[0], "line") != 0) {
		if (argc > 2 && read_place(argv + 2, argc - 2, &line.place, err) < 0)
			return -1;
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
