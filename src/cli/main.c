/* SPDX-License-Identifier: Apache-2.0 */
/*
 * migctl: finds the command in the table, runs it, and says once what went wrong.
 *
 * Data goes to stdout, everything else to stderr; the exit status comes from the error. What
 * `migctl --node NODE …` means is decided here: the same program again, on that node.
 */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/complete.h"
#include "cli/help.h"
#include "cli/note.h"
#include "cli/parse.h"
#include "cli/self.h"
#include "shared/file.h"
#include "shared/json_writer.h"
#include "shared/text.h"

#ifndef MIG_VERSION
#error "the build gives MIG_VERSION"
#endif

#define ERROR_JSON_MAX ((size_t)1 << 20)
#define DUMP_MAX       ((size_t)1 << 20)
#define MESSAGE_MAX    ((size_t)64 << 20)

/* What stands before the command. */
struct globals {
	const char *node;
	bool wants_help;
	bool wants_version;
	bool wants_dump;       /* --dump-commands: for tests, not for people */
	bool wants_completion; /* --complete: for shells (cli/complete.h) */
};

/* ---- saying what went wrong ------------------------------------------------------------------- */

/* Names, paths and what files hold stand in messages: nothing of it may command the terminal. */
static void print_message(const char *before, const char *message)
{
	_cleanup_buf_ struct mig_buf shown = MIG_BUF_INIT(MESSAGE_MAX);

	if (mig_text_escape_message(&shown, message))
		fprintf(stderr, "%sout of memory\n", before);
	else
		fprintf(stderr, "%s%s\n", before, mig_buf_text(&shown));
}

/* The hint as the person can type what it names; false: there is none. */
static bool put_hint(const struct mig_error *err, struct mig_buf *out)
{
	const char *hint = mig_error_hint_text(err);

	if (hint != NULL)
		mig_self_puts(out, hint);
	return hint != NULL;
}

static void print_error_text(const struct mig_error *err)
{
	_cleanup_buf_ struct mig_buf hint = MIG_BUF_INIT(MESSAGE_MAX);

	print_message("migctl: ", mig_error_message(err));
	if (put_hint(err, &hint))
		print_message("  ", mig_buf_text(&hint));
}

static void json_causes(struct mig_json *json, const struct mig_error *err)
{
	const char *cause;
	size_t length;

	mig_json_key(json, "causes");
	mig_json_array_begin(json);
	for (unsigned int i = 0; (cause = mig_error_cause(err, i, &length)) != NULL; i++) {
		_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(ERROR_JSON_MAX);

		mig_buf_add(&text, cause, length);
		mig_json_string(json, mig_buf_text(&text));
	}
	mig_json_array_end(json);
}

static void print_error_json(const struct mig_error *err, int status)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(ERROR_JSON_MAX);
	_cleanup_buf_ struct mig_buf hint = MIG_BUF_INIT(MESSAGE_MAX);
	bool has_hint = put_hint(err, &hint);
	struct mig_json json;

	mig_json_init(&json, &text);
	mig_json_object_begin(&json);
	mig_json_member_string(&json, "schema", "migctl.error/1");
	mig_json_member_string(&json, "code", mig_error_code_word(mig_error_code(err)));
	mig_json_member_string(&json, "message", mig_error_message(err));
	json_causes(&json, err);
	mig_json_member_string(&json, "hint", has_hint ? mig_buf_text(&hint) : NULL);
	mig_json_member_string(&json, "subject", mig_error_subject(err));
	mig_json_key(&json, "nvml_code");
	if (mig_error_nvml(err) == MIG_NVML_CODE_NONE)
		mig_json_null(&json);
	else
		mig_json_int(&json, mig_error_nvml(err));
	mig_json_key(&json, "errno");
	if (mig_error_errno(err) == 0)
		mig_json_null(&json);
	else
		mig_json_int(&json, mig_error_errno(err));
	mig_json_member_string(&json, "changed", mig_changed_word(mig_error_changed(err)));
	mig_json_member_uint(&json, "exit_status", (uint64_t)status);
	mig_note_json(&json);
	mig_json_object_end(&json);
	if (mig_json_finish(&json))
		print_error_text(err);
	else
		fwrite(text.data, 1, text.len, stderr);
}

/* ---- what stands before the command ----------------------------------------------------------- */

static int unknown_global(const char *word, struct mig_error **err)
{
	mig_error_set(err, MIG_ERROR_USAGE, "unknown option '%s'", word);
	return mig_error_hint(err, "options of a command stand behind it; see 'migctl --help'");
}

/* "--node=NODE" or "--node NODE"; 1 if argv[*at] is something else. */
static int parse_node(int argc, char **argv, int *at, struct globals *globals,
		      struct mig_error **err)
{
	static const char name[] = "--node";
	const char *word = argv[*at];

	if (strncmp(word, name, sizeof(name) - 1) != 0)
		return 1;
	word += sizeof(name) - 1;
	if (globals->node != NULL && (*word == '=' || *word == '\0'))
		return mig_error_set(err, MIG_ERROR_USAGE, "option '--node' is given twice");
	if (*word == '=') {
		globals->node = word + 1;
	} else if (*word == '\0' && *at + 1 < argc) {
		globals->node = argv[++*at];
	} else if (*word == '\0') {
		mig_error_set(err, MIG_ERROR_USAGE, "option '--node' needs a value (NODE)");
		return mig_error_hint(err, "'migctl sim list' shows all nodes");
	} else {
		return 1;
	}
	if (*globals->node == '\0')
		return mig_error_set(err, MIG_ERROR_USAGE, "option '--node' needs a value (NODE)");
	return 0;
}

/* Returns how many words stand before the command, or -1 with *err. */
static int parse_globals(int argc, char **argv, struct globals *globals, struct mig_error **err)
{
	int at;

	for (at = 1; at < argc && argv[at][0] == '-'; at++) {
		int result;

		if (strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "-h") == 0) {
			globals->wants_help = true;
			continue;
		}
		if (strcmp(argv[at], "--version") == 0 || strcmp(argv[at], "-V") == 0) {
			globals->wants_version = true;
			continue;
		}
		if (strcmp(argv[at], "--dump-commands") == 0) {
			globals->wants_dump = true;
			continue;
		}
		if (strcmp(argv[at], "--complete") == 0) {
			globals->wants_completion = true;
			return globals->node != NULL ? at : at + 1;
		}
		if (strcmp(argv[at], "--") == 0)
			return at + 1;
		result = parse_node(argc, argv, &at, globals, err);
		if (result < 0)
			return -1;
		if (result > 0)
			return unknown_global(argv[at], err);
	}
	return at;
}

/* ---- commands --------------------------------------------------------------------------------- */

static int dump_commands(struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(DUMP_MAX);

	if (mig_help_dump(&text, mig_commands, err))
		return -1;
	fwrite(text.data, 1, text.len, stdout);
	return MIG_EXIT_OK;
}

/* `migctl help [COMMAND]`, `migctl --help`. */
static int run_help(int argc, char **argv, struct mig_error **err)
{
	char family[MIG_COMMAND_NAME_SIZE];
	const struct mig_cmd *cmd;
	int used;

	if (argc == 0) {
		mig_help_overview(stdout, mig_commands);
		return MIG_EXIT_OK;
	}
	if (mig_command_family(mig_commands, argc, argv, family) == argc) {
		mig_help_family(stdout, mig_commands, family);
		return MIG_EXIT_OK;
	}
	cmd = mig_command_find(mig_commands, argc, argv, &used, err);
	if (!cmd)
		return -1;
	if (used < argc) {
		mig_error_set(err, MIG_ERROR_USAGE, "'help %s' does not take the argument '%s'",
			      cmd->name, argv[used]);
		return mig_error_hint(err, "see 'migctl help %s'", cmd->name);
	}
	mig_help_command(stdout, cmd);
	return MIG_EXIT_OK;
}

static bool is_help_word(const char *word)
{
	return word && (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0);
}

static int run_command(int argc, char **argv, struct mig_error **err)
{
	char name[MIG_COMMAND_NAME_SIZE];
	struct mig_command_line line;
	const struct mig_cmd *cmd;
	int family;
	int status;
	int used;

	if (argc > 0 && strcmp(argv[0], "help") == 0)
		return run_help(argc - 1, argv + 1, err);
	family = mig_command_family(mig_commands, argc, argv, name);
	if (family > 0 && family < argc && is_help_word(argv[family]))
		return run_help(family, argv, err);
	/* "sim help create" is "help sim create". */
	if (family > 0 && family < argc && strcmp(argv[family], "help") == 0) {
		for (int i = family; i > 0; i--)
			argv[i] = argv[i - 1];
		return run_help(argc - 1, argv + 1, err);
	}
	cmd = mig_command_find(mig_commands, argc, argv, &used, err);
	if (!cmd || mig_command_line_parse(cmd, argc - used, argv + used, &line, err))
		return -1;
	if (line.wants_help) {
		mig_help_command(stdout, cmd);
		status = MIG_EXIT_OK;
	} else {
		status = cmd->run(&line.inv, err);
	}
	mig_command_line_clear(&line);
	return status;
}

static int dispatch(int argc, char **argv, struct mig_error **err)
{
	struct globals globals = {.node = NULL};
	int before = parse_globals(argc, argv, &globals, err);

	if (before < 0)
		return -1;
	if (globals.wants_dump)
		return dump_commands(err);
	if (globals.wants_version) {
		printf("migctl %s\n", MIG_VERSION);
		return MIG_EXIT_OK;
	}
	if (globals.wants_completion && globals.node == NULL)
		return mig_complete_run(argc - before, argv + before, err);
	if (globals.wants_help)
		return run_help(argc - before, argv + before, err);
	/* Without a command it is the same mistake on a node and off it. */
	if (globals.node && before < argc)
		return mig_cmd_sim_reexec(globals.node, argc - before, argv + before, err);
	return run_command(argc - before, argv + before, err);
}

/* Whether the person asked for JSON: also when the command line could not be read. */
static bool wants_json(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--json") == 0)
			return true;
	}
	return false;
}

/*
 * Takes the places of closed standard descriptors, so that no file that is opened later, by a
 * driver either, gets one and is taken for the terminal. Reading and writing fail as before, and
 * programs that are started find them closed.
 */
static void fill_closed_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF)
			continue;
		if (open("/dev/null", (fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) | O_CLOEXEC) != fd)
			return;
	}
}

/* One binary, several names: whether it was called by this one. */
static bool is_called(char **argv, const char *name)
{
	const char *called = argv[0] == NULL ? "" : argv[0];
	const char *slash = strrchr(called, '/');

	return strcmp(slash == NULL ? called : slash + 1, name) == 0;
}

/* What was printed must have arrived; `err` is what has been reported already. */
static int finish(int status, const struct mig_error *err, bool is_json)
{
	_cleanup_error_ struct mig_error *close_error = NULL;

	if (mig_close_stdout(&close_error)) {
		/* Nobody has read that it differs, either. */
		if (status == MIG_EXIT_OK || status == MIG_EXIT_DIFFERS)
			status = MIG_EXIT_FAILED;
		if (!err && is_json)
			print_error_json(close_error, status);
		else if (!err)
			print_error_text(close_error);
	}
	return status < 0 ? MIG_EXIT_FAILED : status;
}

int main(int argc, char **argv)
{
	_cleanup_error_ struct mig_error *err = NULL;
	bool is_json;
	int status;

	fill_closed_descriptors();
	if (is_called(argv, "nvidia-smi"))
		return finish(mig_cmd_smi(argc - 1, argv + 1), NULL, false);
	/* What the terminal can show; numbers and messages stay as they are. */
	setlocale(LC_CTYPE, "");
	/* A file that reaches its size limit is an error of that file, not the end of migctl. */
	signal(SIGXFSZ, SIG_IGN);
	is_json = wants_json(argc, argv);
	if (is_json)
		mig_note_keep();
	status = dispatch(argc, argv, &err);
	if (err && status <= 0)
		status = (int)mig_error_exit_status(err);
	if (err && is_json)
		print_error_json(err, status);
	else if (err)
		print_error_text(err);
	return finish(status, err, is_json);
}
