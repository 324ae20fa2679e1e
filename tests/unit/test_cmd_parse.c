/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Command lines against a table of this test's own: which command, which options, which arguments,
 * and the words for each way of getting it wrong.
 */
#include <string.h>

#include "cli/parse.h"
#include "tests/harness/test.h"

static const struct mig_option fetch_options[] = {
	{"file", 'f', "FILE", ""},     {"verbose", 'v', NULL, ""}, {"quiet", 'q', NULL, ""},
	{"tag", 't', "TAG", "", true}, {NULL, 0, NULL, NULL},
};

static int run_nothing(const struct mig_invocation *inv, struct mig_error **err)
{
	(void)inv;
	(void)err;
	return 0;
}

static const struct mig_cmd table[] = {
	{.name = "fetch",
	 .args = "NAME [OTHER]",
	 .min_args = 1,
	 .max_args = 2,
	 .options = fetch_options,
	 .run = run_nothing},
	{.name = "pot boil", .args = "", .run = run_nothing},
	{.name = "pot run",
	 .args = "CMD",
	 .min_args = 1,
	 .max_args = -1,
	 .passes_rest = true,
	 .options = fetch_options,
	 .run = run_nothing},
	{.name = "pot lid open", .args = "", .run = run_nothing},
	{.name = "pot lid close", .args = "", .run = run_nothing},
	{.name = NULL},
};

/* Splits at spaces; "''" is an empty word. */
static int split(char *text, char **words, int max)
{
	int count = 0;
	char *word;

	while ((word = strsep(&text, " "))) {
		MIG_ASSERT(count < max);
		words[count++] = strcmp(word, "''") == 0 ? (char *)"" : word;
	}
	words[count] = NULL;
	return count;
}

#define WORDS_MAX 15

/* Parses a whole line; the command's words must stay alive, so the caller gives the array. */
static int parse(char *text, char **words, struct mig_command_line *line, struct mig_error **err)
{
	int count = split(text, words, WORDS_MAX);
	const struct mig_cmd *cmd;
	int used;

	cmd = mig_command_find(table, count, words, &used, err);
	if (!cmd)
		return -1;
	return mig_command_line_parse(cmd, count - used, words + used, line, err);
}

/* The line must be refused as usage with these words. */
static void expect_refusal(const char *given, const char *message, const char *hint)
{
	struct mig_command_line line;
	struct mig_error *err = NULL;
	char *words[WORDS_MAX + 1];
	char text[256];

	MIG_ASSERT(strlen(given) < sizeof(text));
	memcpy(text, given, strlen(given) + 1);
	MIG_ASSERT_MSG(parse(text, words, &line, &err) < 0, "'%s' was accepted", given);
	MIG_ASSERT_STR_EQ(mig_error_message(err), message);
	MIG_ASSERT_STR_EQ(mig_error_hint_text(err), hint);
	MIG_ASSERT_INT_EQ(mig_error_exit_status(err), MIG_EXIT_USAGE);
	mig_error_free(err);
}

MIG_TEST(options_in_every_spelling)
{
	static const char *const spellings[] = {
		"fetch -f x a", "fetch -fx a",	    "fetch --file x a",	   "fetch --file=x a",
		"fetch a -f x", "fetch a --file=x", "fetch --file x -- a", "fetch -f x -- a",
	};

	for (size_t i = 0; i < MIG_ARRAY_SIZE(spellings); i++) {
		struct mig_command_line line;
		char *words[WORDS_MAX + 1];
		char text[64];

		memcpy(text, spellings[i], strlen(spellings[i]) + 1);
		MIG_ASSERT_INT_EQ(parse(text, words, &line, NULL), 0);
		MIG_ASSERT_STR_EQ(mig_option_value(&line.inv, "file"), "x");
		MIG_ASSERT(mig_option_given(&line.inv, "file"));
		MIG_ASSERT(!mig_option_given(&line.inv, "verbose"));
		MIG_ASSERT_INT_EQ(line.inv.arg_count, 1);
		MIG_ASSERT_STR_EQ(line.inv.args[0], "a");
		MIG_ASSERT_STR_EQ(line.inv.args[1], NULL);
		mig_command_line_clear(&line);
	}
}

MIG_TEST(letters_together)
{
	char text[] = "fetch -qvfout a";
	struct mig_command_line line;
	char *words[WORDS_MAX + 1];

	MIG_ASSERT_INT_EQ(parse(text, words, &line, NULL), 0);
	MIG_ASSERT(mig_option_given(&line.inv, "quiet"));
	MIG_ASSERT(mig_option_given(&line.inv, "verbose"));
	MIG_ASSERT_STR_EQ(mig_option_value(&line.inv, "file"), "out");
	mig_command_line_clear(&line);
}

MIG_TEST(values_may_look_like_options_and_be_empty)
{
	char text[] = "fetch --file= -- -v";
	char other[] = "fetch -f -v a";
	struct mig_command_line line;
	char *words[WORDS_MAX + 1];

	MIG_ASSERT_INT_EQ(parse(text, words, &line, NULL), 0);
	MIG_ASSERT_STR_EQ(mig_option_value(&line.inv, "file"), "");
	MIG_ASSERT(!mig_option_given(&line.inv, "verbose"));
	MIG_ASSERT_STR_EQ(line.inv.args[0], "-v");
	mig_command_line_clear(&line);

	MIG_ASSERT_INT_EQ(parse(other, words, &line, NULL), 0);
	MIG_ASSERT_STR_EQ(mig_option_value(&line.inv, "file"), "-v");
	mig_command_line_clear(&line);
}

MIG_TEST(a_lone_dash_is_an_argument)
{
	char text[] = "fetch - -f -";
	struct mig_command_line line;
	char *words[WORDS_MAX + 1];

	MIG_ASSERT_INT_EQ(parse(text, words, &line, NULL), 0);
	MIG_ASSERT_STR_EQ(line.inv.args[0], "-");
	MIG_ASSERT_STR_EQ(mig_option_value(&line.inv, "file"), "-");
	mig_command_line_clear(&line);
}

MIG_TEST(the_rest_belongs_to_the_other_command)
{
	char text[] = "pot run -v cook --file x -- -q";
	struct mig_command_line line;
	char *words[WORDS_MAX + 1];
	static const char *const wanted[] = {"cook", "--file", "x", "--", "-q", NULL};

	MIG_ASSERT_INT_EQ(parse(text, words, &line, NULL), 0);
	MIG_ASSERT_STR_EQ(line.inv.cmd->name, "pot run");
	MIG_ASSERT(mig_option_given(&line.inv, "verbose"));
	MIG_ASSERT(!mig_option_given(&line.inv, "file"));
	for (size_t i = 0; i < MIG_ARRAY_SIZE(wanted); i++)
		MIG_ASSERT_STR_EQ(line.inv.args[i], wanted[i]);
	mig_command_line_clear(&line);
}

MIG_TEST(help_wins_over_what_is_missing)
{
	char text[] = "fetch --help --nonsense";
	char other[] = "fetch -vh";
	struct mig_command_line line;
	char *words[WORDS_MAX + 1];

	MIG_ASSERT_INT_EQ(parse(text, words, &line, NULL), 0);
	MIG_ASSERT(line.wants_help);
	mig_command_line_clear(&line);
	MIG_ASSERT_INT_EQ(parse(other, words, &line, NULL), 0);
	MIG_ASSERT(line.wants_help);
	mig_command_line_clear(&line);
}

MIG_TEST(wrong_options_are_named)
{
	expect_refusal("fetch a --fil=x", "unknown option '--fil=x', did you mean '--file'?",
		       "see 'migctl fetch --help'");
	expect_refusal("fetch a --zzzzzz", "unknown option '--zzzzzz'",
		       "see 'migctl fetch --help'");
	expect_refusal("fetch a -x", "unknown option '-x'", "see 'migctl fetch --help'");
	expect_refusal("fetch a -vx", "unknown option '-x'", "see 'migctl fetch --help'");
	expect_refusal("fetch a --verbose=3", "option '--verbose' takes no value",
		       "see 'migctl fetch --help'");
	expect_refusal("fetch a --file", "option '--file' needs a value (FILE)",
		       "see 'migctl fetch --help'");
	expect_refusal("fetch a -vf", "option '--file' needs a value (FILE)",
		       "see 'migctl fetch --help'");
	expect_refusal("fetch -f a -f b c", "option '--file' is given twice",
		       "see 'migctl fetch --help'");
	expect_refusal("pot boil -v", "unknown option '-v'", "see 'migctl pot boil --help'");
}

MIG_TEST(wrong_arguments_are_named)
{
	expect_refusal("fetch", "'fetch' needs NAME [OTHER]", "see 'migctl fetch --help'");
	expect_refusal("fetch a b c", "'fetch' does not take the argument 'c'",
		       "see 'migctl fetch --help'");
	expect_refusal("pot boil over", "'pot boil' does not take the argument 'over'",
		       "see 'migctl pot boil --help'");
	expect_refusal("fetch a b \x1b[31m", "'fetch' does not take the argument '\\x1b[31m'",
		       "see 'migctl fetch --help'");
}

MIG_TEST(wrong_commands_are_named)
{
	expect_refusal("fecth a", "unknown command 'fecth', did you mean 'fetch'?",
		       "see 'migctl --help'");
	expect_refusal("xyzzyxyzzy", "unknown command 'xyzzyxyzzy'", "see 'migctl --help'");
	expect_refusal("pot", "'pot' needs one of: boil, run, lid", "see 'migctl pot --help'");
	expect_refusal("pot lid", "'pot lid' needs one of: open, close",
		       "see 'migctl pot lid --help'");
	expect_refusal("pot lid opne", "pot lid: unknown command 'opne', did you mean 'open'?",
		       "see 'migctl pot lid --help'");
	expect_refusal("pot lid open x", "'pot lid open' does not take the argument 'x'",
		       "see 'migctl pot lid open --help'");
	expect_refusal("pot biol", "pot: unknown command 'biol', did you mean 'boil'?",
		       "see 'migctl pot --help'");
	expect_refusal("pot --flat", "pot: unknown command '--flat'", "see 'migctl pot --help'");
	expect_refusal("''", "unknown command ''", "see 'migctl --help'");
}

MIG_TEST(no_command_at_all)
{
	char *none[] = {NULL};
	struct mig_error *err = NULL;
	int used;

	MIG_ASSERT(!mig_command_find(table, 0, none, &used, &err));
	MIG_ASSERT_STR_EQ(mig_error_message(err), "no command is given");
	mig_error_free(err);
}

MIG_TEST(a_name_with_a_space_in_one_word_is_no_command)
{
	char *words[] = {(char *)"pot boil", NULL};
	struct mig_error *err = NULL;
	int used;

	MIG_ASSERT(!mig_command_find(table, 1, words, &used, &err));
	MIG_ASSERT_CONTAINS(mig_error_message(err), "unknown command 'pot boil'");
	mig_error_free(err);
}

MIG_TEST(families)
{
	static const struct {
		const char *words;
		int count;
		const char *name;
	} cases[] = {
		{"pot", 1, "pot"},
		{"pot lid", 2, "pot lid"},
		{"pot lid xyz", 2, "pot lid"},
		{"pot xyz", 1, "pot"},
		{"po", 0, ""},
		{"fetch", 0, ""},
		{"lid open", 0, ""},
		{"fetch lid", 0, ""},
	};

	for (size_t i = 0; i < MIG_ARRAY_SIZE(cases); i++) {
		char name[MIG_COMMAND_NAME_SIZE];
		char *words[WORDS_MAX + 1];
		char text[64];
		int count;

		memcpy(text, cases[i].words, strlen(cases[i].words) + 1);
		count = split(text, words, WORDS_MAX);
		MIG_ASSERT_INT_EQ(mig_command_family(table, count, words, name), cases[i].count);
		MIG_ASSERT_STR_EQ(name, cases[i].name);
	}
}

MIG_TEST(a_repeatable_option_keeps_every_value)
{
	char text[] = "fetch -vvvvvvvvvv -t one a --tag=two -f x --tag three";
	struct mig_command_line line;
	char *words[WORDS_MAX + 1];

	MIG_ASSERT_INT_EQ(parse(text, words, &line, NULL), 0);
	MIG_ASSERT_STR_EQ(mig_option_value(&line.inv, "tag"), "one");
	MIG_ASSERT_STR_EQ(mig_option_value_at(&line.inv, "tag", 0), "one");
	MIG_ASSERT_STR_EQ(mig_option_value_at(&line.inv, "tag", 1), "two");
	MIG_ASSERT_STR_EQ(mig_option_value_at(&line.inv, "tag", 2), "three");
	MIG_ASSERT_STR_EQ(mig_option_value_at(&line.inv, "tag", 3), NULL);
	MIG_ASSERT_STR_EQ(mig_option_value_at(&line.inv, "file", 0), "x");
	MIG_ASSERT_STR_EQ(mig_option_value_at(&line.inv, "quiet", 0), NULL);
	mig_command_line_clear(&line);
}
