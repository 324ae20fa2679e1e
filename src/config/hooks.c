/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hooks from a file; see hooks.h. Must not know when they run.
 */
#include "config/hooks.h"

#include <stdlib.h>
#include <string.h>

#include "config/yaml_tree.h"
#include "shared/file.h"
#include "shared/nearest.h"
#include "shared/trusted.h"

#define HOOKS_MAX   1024 /* at one point */
#define STRINGS_MAX 4096 /* arguments, or variables, of one command */

struct reader {
	struct mig_yaml *yaml;
	const struct mig_log *log;
	struct mig_hooks *hooks;
};

/* ---- texts ------------------------------------------------------------------------------------ */

static char *copy_text(struct reader *r, const yaml_node_t *node, const char *what)
{
	const char *text = mig_yaml_text(node);
	char *copy;

	if (text == NULL) {
		mig_yaml_error(r->yaml, node, "%s is not a text", what);
		return NULL;
	}
	/* The format's original takes none of these for a text either. */
	if (mig_yaml_boolean(node) >= 0 || mig_yaml_is_null(node) || mig_yaml_is_number(node)) {
		mig_yaml_error(r->yaml, node, "%s is not a text to YAML: '%s'", what,
			       mig_yaml_shown(r->yaml, text));
		mig_error_hint(r->yaml->err, "put it in quotation marks");
		return NULL;
	}
	copy = strdup(text);
	if (copy == NULL)
		mig_yaml_out_of_memory(r->yaml);
	return copy;
}

static int read_text(struct reader *r, const yaml_node_t *node, const char *what, char **to)
{
	free(*to);
	*to = copy_text(r, node, what);
	return *to == NULL ? -1 : 0;
}

static void free_strings(char **strings)
{
	for (size_t i = 0; strings != NULL && strings[i] != NULL; i++)
		free(strings[i]);
	free(strings);
}

static int read_args(struct reader *r, const yaml_node_t *node, struct mig_hook *hook)
{
	size_t count;

	if (node->type != YAML_SEQUENCE_NODE || mig_yaml_item_count(node) > STRINGS_MAX)
		return mig_yaml_error(r->yaml, node, "'args' is a list of at most %d texts",
				      STRINGS_MAX);
	count = mig_yaml_item_count(node);
	if (mig_yaml_take(r->yaml, node, count) < 0)
		return -1;
	free_strings(hook->args);
	hook->args = calloc(count + 1, sizeof(*hook->args));
	if (hook->args == NULL)
		return mig_yaml_out_of_memory(r->yaml);
	for (size_t i = 0; i < count; i++) {
		hook->args[i] = copy_text(r, mig_yaml_item(r->yaml, node, i), "an argument");
		if (hook->args[i] == NULL)
			return -1;
	}
	return 0;
}

/* One "NAME=VALUE" into the list, in the place of an earlier one of that name. */
static int add_variable(struct reader *r, const yaml_node_pair_t *pair, char **envs)
{
	const yaml_node_t *key = mig_yaml_node(r->yaml, pair->key);
	const char *name = mig_yaml_key(key);
	_cleanup_free_ char *value = NULL;
	size_t at = 0, len;

	if (name == NULL || name[0] == '\0' || strchr(name, '=') != NULL)
		return mig_yaml_error(r->yaml, key, "the name of a variable is expected here");
	value = copy_text(r, mig_yaml_node(r->yaml, pair->value), "the value of a variable");
	if (value == NULL)
		return -1;
	len = strlen(name);
	while (envs[at] != NULL && (strncmp(envs[at], name, len) != 0 || envs[at][len] != '='))
		at++;
	free(envs[at]);
	envs[at] = mig_asprintf("%s=%s", name, value);
	return envs[at] == NULL ? mig_yaml_out_of_memory(r->yaml) : 0;
}

static int read_envs(struct reader *r, const yaml_node_t *node, struct mig_hook *hook)
{
	struct mig_yaml_pairs pairs;

	if (node->type != YAML_MAPPING_NODE)
		return mig_yaml_error(r->yaml, node, "'envs' is a mapping of names to texts");
	if (mig_yaml_pairs(r->yaml, node, &pairs) < 0)
		return -1;
	if (pairs.count > STRINGS_MAX)
		return mig_yaml_error(r->yaml, node, "more than %d variables", STRINGS_MAX);
	if (mig_yaml_take(r->yaml, node, pairs.count) < 0)
		return -1;
	free_strings(hook->envs);
	hook->envs = calloc(pairs.count + 1, sizeof(*hook->envs));
	if (hook->envs == NULL)
		return mig_yaml_out_of_memory(r->yaml);
	for (size_t i = 0; i < pairs.count; i++) {
		if (add_variable(r, &pairs.list[i], hook->envs) < 0)
			return -1;
	}
	return 0;
}

/* ---- hooks ------------------------------------------------------------------------------------ */

enum field { FIELD_COMMAND, FIELD_ARGS, FIELD_ENVS, FIELD_WORKDIR, FIELD_COUNT };

static const char *const fields[FIELD_COUNT] = {
	[FIELD_COMMAND] = "command",
	[FIELD_ARGS] = "args",
	[FIELD_ENVS] = "envs",
	[FIELD_WORKDIR] = "workdir",
};

/* Says that something is passed over. */
static void warn(struct reader *r, const yaml_node_t *key, const char *what,
		 const char *const *names, size_t name_count)
{
	struct mig_position at = mig_yaml_position(key);
	const char *text = mig_yaml_key(key);
	int nearest = mig_nearest(text, names, name_count);

	mig_log(r->log, MIG_LOG_WARNING, "%s:%u:%u: unknown %s '%s' is passed over%s%s%s",
		r->yaml->source, at.line, at.column, what, mig_yaml_shown(r->yaml, text),
		nearest < 0 ? "" : "; did you mean '", nearest < 0 ? "" : names[nearest],
		nearest < 0 ? "" : "'?");
}

/* As mig_yaml_fields, but unknown ones are passed over, and null is as if it were not there. */
static int look_up(struct reader *r, const yaml_node_t *map, const char *what,
		   const char *const *names, size_t name_count, const yaml_node_t **values)
{
	struct mig_yaml_pairs pairs;

	memset(values, 0, name_count * sizeof(*values));
	if (mig_yaml_pairs(r->yaml, map, &pairs) < 0)
		return -1;
	for (size_t i = 0; i < pairs.count; i++) {
		const yaml_node_t *key = mig_yaml_node(r->yaml, pairs.list[i].key);
		const yaml_node_t *value = mig_yaml_node(r->yaml, pairs.list[i].value);
		const char *text = mig_yaml_key(key);
		size_t n = 0;

		if (text == NULL)
			return mig_yaml_error(r->yaml, key, "the name of a %s is expected here",
					      what);
		while (n < name_count && strcmp(names[n], text) != 0)
			n++;
		if (n == name_count)
			warn(r, key, what, names, name_count);
		else
			values[n] = mig_yaml_is_null(value) ? NULL : value;
	}
	return 0;
}

static int read_hook(struct reader *r, const yaml_node_t *node, struct mig_hook *hook)
{
	const yaml_node_t *values[FIELD_COUNT];

	if (node->type != YAML_MAPPING_NODE)
		return mig_yaml_error(r->yaml, node, "a hook is a mapping with 'command'");
	if (look_up(r, node, "field", fields, FIELD_COUNT, values) < 0)
		return -1;
	if (values[FIELD_COMMAND] == NULL)
		return mig_yaml_error(r->yaml, node, "missing field 'command'");
	if (read_text(r, values[FIELD_COMMAND], "'command'", &hook->command) < 0)
		return -1;
	if (hook->command[0] == '\0')
		return mig_yaml_error(r->yaml, values[FIELD_COMMAND], "'command' is empty");
	if (values[FIELD_ARGS] != NULL && read_args(r, values[FIELD_ARGS], hook) < 0)
		return -1;
	if (values[FIELD_ENVS] != NULL && read_envs(r, values[FIELD_ENVS], hook) < 0)
		return -1;
	if (values[FIELD_WORKDIR] != NULL &&
	    read_text(r, values[FIELD_WORKDIR], "'workdir'", &hook->workdir) < 0)
		return -1;
	/* An empty one is the directory where it runs anyway. */
	if (hook->workdir != NULL && hook->workdir[0] == '\0')
		free(MIG_TAKE_PTR(hook->workdir));
	/* Who runs them need not ask whether there are lists. */
	if (hook->args == NULL)
		hook->args = calloc(1, sizeof(*hook->args));
	if (hook->envs == NULL)
		hook->envs = calloc(1, sizeof(*hook->envs));
	return hook->args == NULL || hook->envs == NULL ? mig_yaml_out_of_memory(r->yaml) : 0;
}

static int read_point(struct reader *r, const yaml_node_t *node, enum mig_hook_point point)
{
	struct mig_hook_list *list = &r->hooks->at[point];

	if (node->type != YAML_SEQUENCE_NODE || mig_yaml_item_count(node) > HOOKS_MAX)
		return mig_yaml_error(r->yaml, node, "'%s' is a list of at most %d hooks",
				      mig_hook_point_name(point), HOOKS_MAX);
	if (mig_yaml_take(r->yaml, node, mig_yaml_item_count(node)) < 0)
		return -1;
	list->hooks = calloc(mig_yaml_item_count(node) + 1, sizeof(*list->hooks));
	if (list->hooks == NULL)
		return mig_yaml_out_of_memory(r->yaml);
	for (size_t i = 0; i < mig_yaml_item_count(node); i++) {
		struct mig_hook *hook = &list->hooks[list->count++];

		if (read_hook(r, mig_yaml_item(r->yaml, node, i), hook) < 0)
			return -1;
	}
	return 0;
}

static int read_points(struct reader *r, const yaml_node_t *node)
{
	const char *names[MIG_HOOK_POINT_COUNT];
	const yaml_node_t *values[MIG_HOOK_POINT_COUNT];

	if (node->type != YAML_MAPPING_NODE)
		return mig_yaml_error(r->yaml, node, "'hooks' is a mapping of names to lists");
	for (unsigned int i = 0; i < MIG_HOOK_POINT_COUNT; i++)
		names[i] = mig_hook_point_name(i);
	if (look_up(r, node, "hook", names, MIG_HOOK_POINT_COUNT, values) < 0)
		return -1;
	for (unsigned int i = 0; i < MIG_HOOK_POINT_COUNT; i++) {
		if (values[i] != NULL && read_point(r, values[i], i) < 0)
			return -1;
	}
	return 0;
}

static int read_document(struct reader *r)
{
	static const char *const names[] = {"version", "hooks"};
	const struct mig_position start = {1, 1};
	const yaml_node_t *root = mig_yaml_root(r->yaml);
	const yaml_node_t *values[2];

	if (root == NULL)
		return mig_position_error(r->yaml->err, r->yaml->source, start,
					  "the file is empty");
	if (root->type != YAML_MAPPING_NODE)
		return mig_yaml_error(r->yaml, root, "a mapping with 'hooks' is expected");
	if (look_up(r, root, "field", names, MIG_ARRAY_SIZE(names), values) < 0)
		return -1;
	return values[1] == NULL ? 0 : read_points(r, values[1]);
}

int mig_hooks_parse(const char *source, const void *bytes, size_t len, const struct mig_log *log,
		    struct mig_hooks **out, struct mig_error **err)
{
	_cleanup_hooks_ struct mig_hooks *hooks = calloc(1, sizeof(*hooks));
	struct mig_yaml yaml;
	struct reader r = {&yaml, log, hooks};
	int rc;

	if (hooks != NULL)
		hooks->source = strdup(source);
	if (hooks == NULL || hooks->source == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	rc = mig_yaml_load(&yaml, source, bytes, len, err);
	if (rc == 0)
		rc = read_document(&r);
	mig_yaml_clear(&yaml);
	if (rc == 0)
		*out = MIG_TAKE_PTR(hooks);
	return rc;
}

int mig_hooks_read_logged(const char *path, const struct mig_log *log, struct mig_hooks **out,
			  struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(MIG_HOOKS_FILE_MAX);

	if (mig_trusted_read(path, &text, err) < 0)
		return -1;
	return mig_hooks_parse(path, mig_buf_text(&text), text.len, log, out, err);
}

int mig_hooks_read(const char *path, struct mig_hooks **out, struct mig_error **err)
{
	return mig_hooks_read_logged(path, NULL, out, err);
}
