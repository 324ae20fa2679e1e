/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hooks of a change; see hooks.h.
 */
#include "core/hooks.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "shared/buf.h"
#include "shared/program.h"
#include "shared/text.h"

#define OUTPUT_MAX (64 * 1024) /* of a command; its last words are shown when it fails */

static const char *const point_names[MIG_HOOK_POINT_COUNT] = {
	[MIG_HOOK_APPLY_START] = "apply-start",
	[MIG_HOOK_PRE_APPLY_MODE] = "pre-apply-mode",
	[MIG_HOOK_PRE_APPLY_CONFIG] = "pre-apply-config",
	[MIG_HOOK_APPLY_EXIT] = "apply-exit",
};

const char *mig_hook_point_name(enum mig_hook_point point)
{
	return point_names[point];
}

static void free_strings(char **strings)
{
	for (size_t i = 0; strings != NULL && strings[i] != NULL; i++)
		free(strings[i]);
	free(strings);
}

void mig_hooks_free(struct mig_hooks *hooks)
{
	if (hooks == NULL)
		return;
	for (unsigned int point = 0; point < MIG_HOOK_POINT_COUNT; point++) {
		for (size_t i = 0; i < hooks->at[point].count; i++) {
			struct mig_hook *hook = &hooks->at[point].hooks[i];

			free(hook->command);
			free_strings(hook->args);
			free_strings(hook->envs);
			free(hook->workdir);
		}
		free(hooks->at[point].hooks);
	}
	free(hooks->source);
	free(hooks);
}

/* ---- running ------------------------------------------------------------------------------------ */

static size_t count_strings(const char *const *strings)
{
	size_t count = 0;

	while (strings != NULL && strings[count] != NULL)
		count++;
	return count;
}

static bool is_same_name(const char *a, const char *b)
{
	size_t len = strcspn(a, "=");

	return len == strcspn(b, "=") && strncmp(a, b, len) == 0;
}

/* The hook's own environment, less what the extra ones set, then those. NULL: out of memory. */
static const char **make_envs(const struct mig_hook *hook, const char *const *extra)
{
	size_t own = count_strings((const char *const *)hook->envs);
	size_t extra_count = count_strings(extra);
	const char **envs = calloc(own + extra_count + 1, sizeof(*envs));
	size_t at = 0;

	for (size_t i = 0; envs != NULL && i < own; i++) {
		bool is_set = false;

		for (size_t k = 0; k < extra_count; k++)
			is_set = is_set || is_same_name(hook->envs[i], extra[k]);
		if (!is_set)
			envs[at++] = hook->envs[i];
	}
	for (size_t k = 0; envs != NULL && k < extra_count; k++)
		envs[at++] = extra[k];
	return envs;
}

static const char **make_argv(const struct mig_hook *hook)
{
	size_t count = count_strings((const char *const *)hook->args);
	const char **argv = calloc(count + 2, sizeof(*argv));

	if (argv == NULL)
		return NULL;
	argv[0] = hook->command;
	for (size_t i = 0; i < count; i++)
		argv[i + 1] = hook->args[i];
	return argv;
}

static const char *last_line(struct mig_buf *output)
{
	char *text = output->data;
	char *line;

	if (text == NULL)
		return "";
	while (output->len > 0 && (text[output->len - 1] == '\n' || text[output->len - 1] == ' '))
		text[--output->len] = '\0';
	line = strrchr(text, '\n');
	return line != NULL ? line + 1 : text;
}

static int run_hook(const struct mig_hook *hook, const struct mig_context *ctx,
		    const char *const *extra_envs, struct mig_error **err)
{
	_cleanup_free_ const char **argv = make_argv(hook);
	_cleanup_free_ const char **envs = make_envs(hook, extra_envs);
	_cleanup_buf_ struct mig_buf output = MIG_BUF_INIT(OUTPUT_MAX);
	_cleanup_buf_ struct mig_buf how = MIG_BUF_INIT(256);
	_cleanup_buf_ struct mig_buf words = MIG_BUF_INIT(4 * OUTPUT_MAX);
	struct mig_program program = {
		.argv = argv, .envp = envs, .workdir = hook->workdir, .output = &output};
	int status = 0;

	if (argv == NULL || envs == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	if (ctx != NULL) {
		program.is_interrupted = ctx->is_interrupted;
		program.cookie = ctx->interrupt_cookie;
	}
	if (mig_program_run(&program, &status, err) < 0)
		return -1;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	mig_program_describe_status(status, &how);
	mig_text_escape_terminal(&words, last_line(&output));
	return mig_error_set(err, MIG_ERROR_FAILED, "'%s' failed: %s%s%s", hook->command,
			     mig_buf_text(&how), words.len > 0 ? ": " : "", mig_buf_text(&words));
}

int mig_hooks_run(const struct mig_hooks *hooks, const struct mig_context *ctx,
		  enum mig_hook_point point, const char *const *extra_envs, struct mig_error **err)
{
	for (size_t i = 0; i < hooks->at[point].count; i++) {
		if (run_hook(&hooks->at[point].hooks[i], ctx, extra_envs, err) < 0) {
			mig_error_wrap(err, "hook %s", mig_hook_point_name(point));
			return mig_error_hint(err, "the hooks stand in '%s'", hooks->source);
		}
	}
	return 0;
}
