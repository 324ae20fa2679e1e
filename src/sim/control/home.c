/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where nodes live and what they are called: MIGSIM_HOME, names and paths on a command line, and
 * the node of `sim use` (home/.current, a file with the name or the absolute path in it). Opens no
 * node and knows nothing of what is in one.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "shared/file.h"
#include "shared/nearest.h"
#include "shared/text.h"
#include "sim/abi/sim_env.h"
#include "sim/control/description.h"

#define CURRENT_FILE   ".current"
#define ROOT_HOME      "/var/lib/migsim"
#define CANDIDATES_MAX 4096 /* names that are looked at for the nearest one */

static int home_from_env(const char *variable, const char *below, char **home,
			 struct mig_error **err)
{
	const char *value = secure_getenv(variable);

	if (!value || *value == '\0')
		return 0;
	if (*value != '/') {
		mig_error_set(err, MIG_ERROR_USAGE, "%s is '%s', which is not an absolute path",
			      variable, value);
		return -1;
	}
	*home = mig_path_join(value, below);
	return *home ? 1 : mig_error_set_errno(err, ENOMEM, "%s", variable);
}

int mig_sim_home(char **home, struct mig_error **err)
{
	const char *value = secure_getenv(MIG_SIM_ENV_HOME);
	int found;

	if (value && *value) {
		if (*value != '/')
			return mig_error_set(err, MIG_ERROR_USAGE,
					     "%s is '%s', which is not an absolute path",
					     MIG_SIM_ENV_HOME, value);
		*home = strdup(value);
		return *home ? 0 : mig_error_set_errno(err, ENOMEM, "%s", MIG_SIM_ENV_HOME);
	}
	if (geteuid() == 0) {
		*home = strdup(ROOT_HOME);
		return *home ? 0 : mig_error_set_errno(err, ENOMEM, "%s", ROOT_HOME);
	}
	found = home_from_env("XDG_STATE_HOME", "migsim", home, err);
	if (found == 0)
		found = home_from_env("HOME", ".local/state/migsim", home, err);
	if (found < 0)
		return -1;
	if (found == 0) {
		mig_error_set(err, MIG_ERROR_USAGE,
			      "no place for simulated nodes: HOME is not set");
		return mig_error_hint(err, "set %s to a directory", MIG_SIM_ENV_HOME);
	}
	return 0;
}

const char *mig_sim_name_check(const char *node, struct mig_error **err)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789._-";
	const char *slash = strrchr(node, '/');
	const char *name = slash ? slash + 1 : node;
	size_t len = strlen(name);
	_cleanup_buf_ struct mig_buf shown = MIG_BUF_INIT(1024);

	if (len > 0 && len < MIG_SIM_NODE_NAME_SIZE && name[0] != '.' && name[0] != '-' &&
	    strspn(name, allowed) == len)
		return name;
	mig_text_escape_terminal(&shown, name);
	if (len >= MIG_SIM_NODE_NAME_SIZE)
		mig_error_set(err, MIG_ERROR_USAGE,
			      "a node name has at most %d characters, not %zu",
			      MIG_SIM_NODE_NAME_SIZE - 1, len);
	else
		mig_error_set(err, MIG_ERROR_USAGE, "'%s' is not a node name",
			      mig_buf_text(&shown));
	mig_error_hint(err, "names are made of letters, digits, '.', '_' and '-', and begin with "
			    "none of '.' and '-'");
	return NULL;
}

/* `path` made absolute by the working directory. */
static char *absolute(const char *path)
{
	_cleanup_free_ char *cwd = NULL;

	if (*path == '/')
		return strdup(path);
	cwd = getcwd(NULL, 0);
	return cwd ? mig_path_join(cwd, path) : NULL;
}

/* Without the slashes that end it, so that "dir/node/" is "dir/node". */
static char *trimmed(const char *node)
{
	size_t len = strlen(node);

	while (len > 1 && node[len - 1] == '/')
		len--;
	return strndup(node, len);
}

int mig_sim_node_path_new(const char *node, char **path, struct mig_error **err)
{
	_cleanup_free_ char *home = NULL;
	_cleanup_free_ char *text = trimmed(node);

	if (!text)
		return mig_error_set_errno(err, ENOMEM, "node '%s'", node);
	if (!mig_sim_name_check(text, err))
		return -1;
	if (strchr(text, '/')) {
		*path = absolute(text);
	} else {
		if (mig_sim_home(&home, err))
			return -1;
		*path = mig_path_join(home, text);
	}
	return *path ? 0 : mig_error_set_errno(err, errno, "node '%s'", node);
}

/* ---- finding ---------------------------------------------------------------------------------- */

static void free_names(char **names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(names[i]);
	free(names);
}

/* Names the node under home that is nearest to `name`, and what to do next. */
static void hint_nearest_node(const char *home, const char *name, struct mig_error **err)
{
	DIR *dir = opendir(home);
	char **names = NULL;
	size_t allocated = 0;
	size_t count = 0;
	struct dirent *entry;
	int nearest = -1;

	while (dir && count < CANDIDATES_MAX && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		if (mig_array_reserve(&names, &allocated, count + 1, sizeof(*names)))
			break;
		names[count] = strdup(entry->d_name);
		if (!names[count])
			break;
		count++;
	}
	if (dir)
		closedir(dir);
	if (count > 0)
		nearest = mig_nearest(name, (const char *const *)names, count);
	if (nearest >= 0)
		mig_error_hint(err, "did you mean '%s'? 'migctl sim list' shows all nodes",
			       names[nearest]);
	else if (count > 0)
		mig_error_hint(err, "'migctl sim list' shows all nodes");
	else
		mig_error_hint(err, "make one: migctl sim create %s --gpus 8xa100-sxm4-40gb", name);
	free_names(names, count);
}

static int check_exists(const char *node, const char *path, struct mig_error **err)
{
	_cleanup_free_ char *home = NULL;
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return 0;
	if (errno == EACCES)
		return mig_error_set_errno(err, EACCES, "cannot look at node '%s'", node);
	mig_error_set(err, MIG_ERROR_NO_DRIVER, "no node '%s' (%s)", node, path);
	if (!strchr(node, '/') && mig_sim_home(&home, NULL) == 0)
		hint_nearest_node(home, node, err);
	return -1;
}

/* What `sim use` wrote; *node stays NULL if it was never used. */
static int read_current(char **node, struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(PATH_MAX + 1);
	_cleanup_free_ char *home = NULL;
	_cleanup_free_ char *file = NULL;

	if (mig_sim_home(&home, err))
		return -1;
	file = mig_path_join(home, CURRENT_FILE);
	if (!file)
		return mig_error_set_errno(err, ENOMEM, "%s", CURRENT_FILE);
	if (access(file, F_OK))
		return 0;
	if (mig_file_read(file, &text, err))
		return -1;
	*node = strndup(mig_buf_text(&text), strcspn(mig_buf_text(&text), "\n"));
	return *node ? 0 : mig_error_set_errno(err, ENOMEM, "%s", CURRENT_FILE);
}

static int default_node(char **node, struct mig_error **err)
{
	const char *from_env = secure_getenv(MIG_SIM_NODE_ENV);

	if (from_env && *from_env) {
		*node = strdup(from_env);
		return *node ? 0 : mig_error_set_errno(err, ENOMEM, "%s", MIG_SIM_NODE_ENV);
	}
	if (read_current(node, err))
		return -1;
	if (*node)
		return 0;
	mig_error_set(err, MIG_ERROR_USAGE, "no node is given");
	return mig_error_hint(err, "name one, or choose one with 'migctl sim use NAME'");
}

int mig_sim_node_path(const char *node, char **path, struct mig_error **err)
{
	_cleanup_free_ char *chosen = NULL;
	_cleanup_free_ char *found = NULL;
	const char *from_env = secure_getenv(MIG_SIM_NODE_ENV);
	const bool is_from_env = !node && from_env && *from_env;

	if (!node) {
		if (default_node(&chosen, err))
			return -1;
		node = chosen;
	}
	if (mig_sim_node_path_new(node, &found, err) || check_exists(node, found, err))
		return is_from_env ? mig_error_wrap(err, "the node of %s", MIG_SIM_NODE_ENV) : -1;
	*path = realpath(found, NULL);
	return *path ? 0 : mig_error_set_errno(err, errno, "node '%s' (%s)", node, found);
}

int mig_sim_node_use(const char *node, struct mig_error **err)
{
	_cleanup_free_ char *home = NULL;
	_cleanup_free_ char *path = NULL;
	_cleanup_free_ char *file = NULL;
	_cleanup_free_ char *line = NULL;

	if (mig_sim_node_path(node, &path, err) || mig_sim_home(&home, err))
		return -1;
	if (mig_mkdir_parents(home, 0755, err))
		return -1;
	file = mig_path_join(home, CURRENT_FILE);
	line = mig_asprintf("%s\n", path);
	if (!file || !line)
		return mig_error_set_errno(err, ENOMEM, "node '%s'", node);
	return mig_file_write_durable(file, line, strlen(line), 0644, err);
}

char *mig_sim_used_node(void)
{
	char *node = NULL;

	return read_current(&node, NULL) ? NULL : node;
}

void mig_sim_forget_used_node(void)
{
	_cleanup_free_ char *home = NULL;
	_cleanup_free_ char *file = NULL;

	if (mig_sim_home(&home, NULL))
		return;
	file = mig_path_join(home, CURRENT_FILE);
	if (file)
		unlink(file);
}
