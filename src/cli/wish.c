/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading what is asked for; see wish.h.
 */
#include "cli/wish.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/export.h"
#include "config/layout_args.h"
#include "config/select.h"
#include "shared/buf.h"
#include "shared/hostroot.h"
#include "shared/nearest.h"
#include "shared/text.h"

#define COMMAND_MAX 4096

void mig_wish_words(const struct mig_invocation *inv, struct mig_buf *out)
{
	static const char *const options[] = {"config-file", "selected-config"};

	for (size_t i = 0; i < MIG_ARRAY_SIZE(options); i++) {
		const char *value = mig_option_value(inv, options[i]);

		if (value == NULL)
			continue;
		mig_buf_printf(out, " --%s=", options[i]);
		mig_text_quote_shell(out, value);
	}
	for (int i = 0; i < inv->arg_count; i++) {
		mig_buf_putc(out, ' ');
		mig_text_quote_shell(out, inv->args[i]);
	}
}

char *mig_wish_command_text(const struct mig_invocation *inv)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(COMMAND_MAX);

	mig_buf_puts(&text, inv->cmd->name);
	for (size_t i = 0; i < inv->given_count; i++) {
		const struct mig_option *option = &inv->cmd->options[inv->given[i].index];
		const char *value = inv->given[i].value;

		if (option->letter != 0 && value != NULL)
			mig_buf_printf(&text, " -%c %s", option->letter, value);
		else
			mig_buf_printf(&text, " --%s%s%s", option->name, value != NULL ? "=" : "",
				       value != NULL ? value : "");
	}
	for (size_t i = 0; inv->cmd->options != NULL && inv->cmd->options[i].name != NULL; i++) {
		const struct mig_option *option = &inv->cmd->options[i];

		/* How it was shown does not matter afterwards. */
		if (option->value == NULL && inv->options[i].given &&
		    strcmp(option->name, "json") != 0)
			mig_buf_printf(&text, " --%s", option->name);
	}
	for (int i = 0; i < inv->arg_count; i++)
		mig_buf_printf(&text, " %s", inv->args[i]);
	/* Cut rather than refused: it is for people. */
	if (mig_buf_failed(&text))
		return strdup(inv->cmd->name);
	return mig_buf_steal(&text);
}

/* The default file, which need not be there: then there are the labels made from the GPUs. */
static int read_default(struct mig_wish *wish, struct mig_error **err)
{
	_cleanup_error_ struct mig_error *why = NULL;
	_cleanup_free_ char *host_root = NULL;
	_cleanup_free_ char *path = NULL;

	if (mig_host_root_from_env(&host_root, err) < 0)
		return -1;
	path = mig_host_path(host_root, MIG_HOST_CONFIG_FILE);
	if (path == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	if (mig_config_read(path, &wish->config, &why) == 0)
		return 0;
	wish->default_file = MIG_TAKE_PTR(path);
	if (mig_error_errno(why) == ENOENT)
		return 0;
	mig_error_move(err, &why);
	return mig_error_hint(err, "name another configuration with -f FILE");
}

static int read_args(const struct mig_invocation *inv, struct mig_wish *wish,
		     struct mig_error **err)
{
	if (mig_option_given(inv, "config-file") || mig_option_given(inv, "selected-config")) {
		mig_error_set(err, MIG_ERROR_USAGE,
			      "a configuration file and LAYOUTs are given at the same time");
		return mig_error_hint(err, "give either -f and -c, or LAYOUTs");
	}
	if (mig_config_from_args(inv->args, (size_t)inv->arg_count, &wish->config, err) < 0)
		return -1;
	wish->label = mig_config_find(wish->config, NULL, err);
	return wish->label != NULL ? 0 : -1;
}

static int read_wish(const struct mig_invocation *inv, struct mig_wish *wish,
		     struct mig_error **err)
{
	const char *file = mig_option_value(inv, "config-file");

	if (inv->arg_count > 0)
		return read_args(inv, wish, err);
	if ((file != NULL ? mig_config_read(file, &wish->config, err) : read_default(wish, err)) <
	    0)
		return -1;
	if (wish->config == NULL)
		return 0;
	wish->label = mig_config_find(wish->config, mig_option_value(inv, "selected-config"), err);
	return wish->label != NULL ? 0 : -1;
}

int mig_wish_read(const struct mig_invocation *inv, struct mig_wish *wish, struct mig_error **err)
{
	*wish = (struct mig_wish){.inv = inv};
	wish->command = mig_wish_command_text(inv);
	if (wish->command == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	if (read_wish(inv, wish, err) < 0)
		return -1;
	if (wish->config != NULL && mig_option_given(inv, "keep-in-use"))
		mig_config_keep_in_use(wish->config);
	return 0;
}

void mig_wish_clear(struct mig_wish *wish)
{
	mig_config_free(wish->config);
	free(wish->command);
	free(wish->default_file);
	*wish = (struct mig_wish){0};
}

/* "all-disabled, all-1g.5gb, …" of the labels made from the GPUs. */
static void put_labels(const struct mig_config *config, struct mig_buf *out)
{
	for (size_t i = 0; i < config->label_count; i++)
		mig_buf_printf(out, "%s%s", i > 0 ? ", " : "", config->labels[i].name);
}

static int no_generated_label(const struct mig_wish *wish, const char *name, struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf labels = MIG_BUF_INIT(COMMAND_MAX);
	_cleanup_free_ const char **names = calloc(wish->config->label_count + 1, sizeof(*names));
	int nearest = -1;

	for (size_t i = 0; name != NULL && names != NULL && i < wish->config->label_count; i++)
		names[i] = wish->config->labels[i].name;
	if (name != NULL && names != NULL)
		nearest = mig_nearest(name, names, wish->config->label_count);
	put_labels(wish->config, &labels);
	if (name == NULL)
		mig_error_set(err, MIG_ERROR_USAGE, "no layout is named, and there is no '%s'",
			      wish->default_file);
	else
		mig_error_set(err, MIG_ERROR_REFUSED,
			      "there is no '%s', and of the labels made from the GPUs here none is "
			      "called '%s'",
			      wish->default_file, name);
	if (nearest >= 0)
		return mig_error_hint(err, "did you mean '%s'? There are: %s", names[nearest],
				      mig_buf_text(&labels));
	return mig_error_hint(err,
			      "name a LAYOUT as in 'all=1g.5gb*7', a file (-f), or one of the "
			      "labels made from the GPUs (-c): %s",
			      mig_buf_text(&labels));
}

static int generate(struct mig_wish *wish, const struct mig_snapshot *snapshot,
		    struct mig_error **err)
{
	const char *name = mig_option_value(wish->inv, "selected-config");

	if (wish->config == NULL && mig_config_generate(snapshot, &wish->config, err) < 0)
		return -1;
	if (mig_option_given(wish->inv, "keep-in-use"))
		mig_config_keep_in_use(wish->config);
	for (size_t i = 0; name != NULL && i < wish->config->label_count; i++) {
		if (strcmp(wish->config->labels[i].name, name) == 0)
			wish->label = &wish->config->labels[i];
	}
	return wish->label != NULL ? 0 : no_generated_label(wish, name, err);
}

int mig_wish_want(void *cookie, const struct mig_snapshot *snapshot, struct mig_target **target,
		  struct mig_error **err)
{
	struct mig_wish *wish = cookie;

	if (wish->label == NULL && generate(wish, snapshot, err) < 0)
		return -1;
	return mig_config_select(wish->config, wish->label, snapshot, target, err);
}

void mig_wish_explain(void *cookie, struct mig_error **err)
{
	const struct mig_wish *wish = cookie;

	/* What was made here, or stands on the command line in front of the reader, has no place. */
	if (wish->label == NULL || wish->label->at.line == 0 || wish->config->arg_count > 0 ||
	    err == NULL || mig_error_code(*err) != MIG_ERROR_REFUSED)
		return;
	mig_error_wrap(err, "label '%s'", wish->label->name);
	mig_config_wrap(wish->config, wish->label->at, err);
}
