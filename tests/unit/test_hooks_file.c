/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hooks file: what is read, what is passed over, and what is refused, with the place.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "config/hooks.h"
#include "shared/buf.h"
#include "tests/harness/test.h"

static struct mig_buf log_text = {.max = 4096};

static void write_log(void *cookie, enum mig_log_level level, const char *message)
{
	MIG_ASSERT(cookie == &log_text);
	MIG_ASSERT_INT_EQ(level, MIG_LOG_WARNING);
	mig_buf_printf(&log_text, "%s\n", message);
}

static const struct mig_log logger = {write_log, &log_text, MIG_LOG_WARNING};

static struct mig_hooks *parse(const char *text)
{
	struct mig_hooks *hooks = NULL;
	struct mig_error *err = NULL;

	if (mig_hooks_parse("h.yaml", text, strlen(text), &logger, &hooks, &err) < 0)
		MIG_FAIL("refused: %s", mig_error_message(err));
	MIG_ASSERT(err == NULL && hooks != NULL);
	return hooks;
}

static void refused(const char *text, const char *message, const char *hint)
{
	struct mig_hooks *hooks = NULL;
	struct mig_error *err = NULL;

	MIG_ASSERT_MSG(mig_hooks_parse("h.yaml", text, strlen(text), NULL, &hooks, &err) == -1,
		       "not refused; wanted: %s", message);
	MIG_ASSERT(hooks == NULL);
	MIG_ASSERT_STR_EQ(mig_error_message(err), message);
	MIG_ASSERT_INT_EQ(mig_error_code(err), MIG_ERROR_CONFIG);
	MIG_ASSERT_STR_EQ(mig_error_hint_text(err), hint);
	mig_error_free(err);
}

MIG_TEST(hooks_read_every_field)
{
	struct mig_hooks *hooks = parse("version: v1\n"
					"hooks:\n"
					"  apply-start:\n"
					"  - workdir: /opt\n"
					"    command: /bin/sh\n"
					"    args: [-c, \"exit 0\", '1', -x.5]\n"
					"    envs: {A: one, B: '2', EMPTY: '', A_B: a=b}\n"
					"  - command: true-ish\n"
					"  pre-apply-mode: []\n"
					"  apply-exit:\n"
					"  - {command: x, args: ~, envs: , workdir: ''}\n");
	const struct mig_hook *hook = &hooks->at[MIG_HOOK_APPLY_START].hooks[0];

	MIG_ASSERT_STR_EQ(hooks->source, "h.yaml");
	MIG_ASSERT_UINT_EQ(hooks->at[MIG_HOOK_APPLY_START].count, 2);
	MIG_ASSERT_STR_EQ(hook->workdir, "/opt");
	MIG_ASSERT_STR_EQ(hook->command, "/bin/sh");
	MIG_ASSERT_STR_EQ(hook->args[0], "-c");
	MIG_ASSERT_STR_EQ(hook->args[1], "exit 0");
	MIG_ASSERT_STR_EQ(hook->args[2], "1");
	MIG_ASSERT_STR_EQ(hook->args[3], "-x.5");
	MIG_ASSERT_STR_EQ(hook->args[4], NULL);
	MIG_ASSERT_STR_EQ(hook->envs[0], "A=one");
	MIG_ASSERT_STR_EQ(hook->envs[1], "B=2");
	MIG_ASSERT_STR_EQ(hook->envs[2], "EMPTY=");
	MIG_ASSERT_STR_EQ(hook->envs[3], "A_B=a=b");
	MIG_ASSERT_STR_EQ(hook->envs[4], NULL);
	MIG_ASSERT_STR_EQ(hook[1].command, "true-ish");
	MIG_ASSERT_STR_EQ(hook[1].workdir, NULL);
	MIG_ASSERT_STR_EQ(hook[1].args[0], NULL);
	MIG_ASSERT_STR_EQ(hook[1].envs[0], NULL);
	MIG_ASSERT_UINT_EQ(hooks->at[MIG_HOOK_PRE_APPLY_MODE].count, 0);
	MIG_ASSERT_UINT_EQ(hooks->at[MIG_HOOK_PRE_APPLY_CONFIG].count, 0);
	hook = &hooks->at[MIG_HOOK_APPLY_EXIT].hooks[0];
	MIG_ASSERT_STR_EQ(hook->args[0], NULL);
	MIG_ASSERT_STR_EQ(hook->workdir, NULL);
	MIG_ASSERT_STR_EQ(mig_buf_text(&log_text), "");
	mig_hooks_free(hooks);
}

MIG_TEST(hooks_take_a_file_that_says_nothing)
{
	mig_hooks_free(parse("version: v1\n"));
	mig_hooks_free(parse("hooks: {}\n"));
	mig_hooks_free(parse("hooks:\n"));
	mig_hooks_free(parse("{\"version\": \"v7\", \"hooks\": {\"apply-exit\": null}}"));
	MIG_ASSERT_STR_EQ(mig_buf_text(&log_text), "");
}

MIG_TEST(hooks_pass_over_what_they_do_not_know)
{
	struct mig_hooks *hooks = parse("version: v1\n"
					"author: me\n"
					"hooks:\n"
					"  apply-strt: [{command: x}]\n"
					"  reset: 7\n"
					"  apply-exit: [{command: x, timeout: 5, kommand: y}]\n");

	MIG_ASSERT_UINT_EQ(hooks->at[MIG_HOOK_APPLY_START].count, 0);
	MIG_ASSERT_STR_EQ(hooks->at[MIG_HOOK_APPLY_EXIT].hooks[0].command, "x");
	MIG_ASSERT_STR_EQ(mig_buf_text(&log_text),
			  "h.yaml:2:1: unknown field 'author' is passed over\n"
			  "h.yaml:4:3: unknown hook 'apply-strt' is passed over; did you mean "
			  "'apply-start'?\n"
			  "h.yaml:5:3: unknown hook 'reset' is passed over\n"
			  "h.yaml:6:29: unknown field 'timeout' is passed over\n"
			  "h.yaml:6:41: unknown field 'kommand' is passed over; did you mean "
			  "'command'?\n");
	mig_hooks_free(hooks);
}

MIG_TEST(hooks_take_the_last_of_equal_names)
{
	struct mig_hooks *hooks =
		parse("hooks:\n"
		      "  apply-exit: [{command: x}]\n"
		      "  apply-exit: [{command: y, command: z, envs: {A: a, AB: c, A: b}}]\n");
	const struct mig_hook *hook = &hooks->at[MIG_HOOK_APPLY_EXIT].hooks[0];

	MIG_ASSERT_UINT_EQ(hooks->at[MIG_HOOK_APPLY_EXIT].count, 1);
	MIG_ASSERT_STR_EQ(hook->command, "z");
	MIG_ASSERT_STR_EQ(hook->envs[0], "A=b");
	MIG_ASSERT_STR_EQ(hook->envs[1], "AB=c");
	MIG_ASSERT_STR_EQ(hook->envs[2], NULL);
	mig_hooks_free(hooks);
}

MIG_TEST(hooks_refuse_what_is_no_hook)
{
	static const char quote[] = "put it in quotation marks";

	refused("", "h.yaml:1:1: the file is empty", NULL);
	refused("[]", "h.yaml:1:1: a mapping with 'hooks' is expected", NULL);
	refused("hooks: []", "h.yaml:1:8: 'hooks' is a mapping of names to lists", NULL);
	refused("hooks: {[a]: b}", "h.yaml:1:9: the name of a hook is expected here", NULL);
	refused("hooks: {apply-exit: x}",
		"h.yaml:1:21: 'apply-exit' is a list of at most 1024 hooks", NULL);
	refused("hooks: {apply-exit: [x]}", "h.yaml:1:22: a hook is a mapping with 'command'",
		NULL);
	refused("hooks: {apply-exit: [{args: [x]}]}", "h.yaml:1:22: missing field 'command'", NULL);
	refused("hooks: {apply-exit: [{command: ''}]}", "h.yaml:1:32: 'command' is empty", NULL);
	refused("hooks: {apply-exit: [{command: [x]}]}", "h.yaml:1:32: 'command' is not a text",
		NULL);
	refused("hooks: {apply-exit: [{command: x, args: y}]}",
		"h.yaml:1:41: 'args' is a list of at most 4096 texts", NULL);
	refused("hooks: {apply-exit: [{command: x, args: [8080]}]}",
		"h.yaml:1:42: an argument is not a text to YAML: '8080'", quote);
	refused("hooks: {apply-exit: [{command: x, args: [off]}]}",
		"h.yaml:1:42: an argument is not a text to YAML: 'off'", quote);
	refused("hooks: {apply-exit: [{command: x, envs: [A]}]}",
		"h.yaml:1:41: 'envs' is a mapping of names to texts", NULL);
	refused("hooks: {apply-exit: [{command: x, envs: {A: 1}}]}",
		"h.yaml:1:45: the value of a variable is not a text to YAML: '1'", quote);
	refused("hooks: {apply-exit: [{command: x, envs: {A=B: c}}]}",
		"h.yaml:1:42: the name of a variable is expected here", NULL);
	refused("hooks: {apply-exit: [{command: x, workdir: 1.5}]}",
		"h.yaml:1:44: 'workdir' is not a text to YAML: '1.5'", quote);
	refused("hooks: {apply-exit: [{command: \"a\\0b\"}]}",
		"h.yaml:1:32: 'command' is not a text", NULL);
}

MIG_TEST(hooks_come_from_a_file_that_root_obeys)
{
	const char *path = mig_test_path("hooks.yaml");
	struct mig_hooks *hooks = NULL;
	struct mig_error *err = NULL;
	FILE *file;

	MIG_ASSERT_INT_EQ(mig_hooks_read(path, &hooks, &err), -1);
	MIG_ASSERT_INT_EQ(mig_error_errno(err), ENOENT);
	mig_error_free(err);
	err = NULL;
	file = fopen(path, "we");
	MIG_ASSERT(file != NULL);
	MIG_ASSERT(fputs("hooks: {apply-exit: [{command: x, nice: 1}]}\n", file) >= 0);
	MIG_ASSERT_INT_EQ(fclose(file), 0);
	MIG_ASSERT_INT_EQ(chmod(path, 0644), 0);
	MIG_ASSERT_INT_EQ(mig_hooks_read(path, &hooks, &err), 0);
	MIG_ASSERT_STR_EQ(hooks->source, path);
	mig_hooks_free(hooks);
	hooks = NULL;
	MIG_ASSERT_INT_EQ(mig_hooks_read_logged(path, &logger, &hooks, &err), 0);
	MIG_ASSERT_CONTAINS(mig_buf_text(&log_text), ":1:35: unknown field 'nice' is passed over");
	mig_hooks_free(hooks);
	hooks = NULL;
	MIG_ASSERT_INT_EQ(chmod(path, 0666), 0);
	MIG_ASSERT_INT_EQ(mig_hooks_read(path, &hooks, &err), -1);
	MIG_ASSERT_CONTAINS(mig_error_message(err), "others may write to");
	MIG_ASSERT_INT_EQ(mig_error_exit_status(err), MIG_EXIT_NO_PERMISSION);
	mig_error_free(err);
}
