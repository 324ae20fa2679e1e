/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Simulated nodes as directories: making, removing, listing and opening them.
 *
 * A node appears whole or not at all: it is built in a directory with a name of its own beside the
 * place where it goes, and then renamed; it disappears the same way. What a killed command leaves
 * behind is such a directory; whoever works on it holds a lock on it, so the next command can tell
 * the leftovers from work in progress and removes them.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "shared/file.h"
#include "shared/trusted.h"
#include "sim/control/description.h"
#include "sim/control/tree.h"
#include "sim/engine/engine.h"
#include "sim/tree/tree.h"

#define WORK_PREFIX   ".migsim-work-"
#define NODE_MODE     0755
#define WORK_ATTEMPTS 100

/* ---- errors in words -------------------------------------------------------------------------- */

int mig_sim_status_error(struct mig_error **err, enum mig_sim_status status, const char *detail,
			 int saved_errno)
{
	const char *what = detail && *detail ? detail : mig_sim_status_word(status);

	switch (status) {
	case MIG_SIM_NO_NODE:
		mig_error_set(err, MIG_ERROR_NO_DRIVER, "%s", what);
		return mig_error_hint(err, "'migctl sim list' shows all nodes");
	case MIG_SIM_NO_PERMISSION:
		mig_error_set(err, MIG_ERROR_NO_PERMISSION, "%s", what);
		return mig_error_hint(err, "only a node's owner and root may change it");
	case MIG_SIM_BAD_VERSION:
		mig_error_set(err, MIG_ERROR_CORRUPT, "%s", what);
		return mig_error_hint(
			err, "make the node again from its description with this "
			     "version: migctl sim create NEW -f NODE/" MIG_SIM_DESCRIPTION_FILE);
	case MIG_SIM_DAMAGED:
		mig_error_set(err, MIG_ERROR_CORRUPT, "%s", what);
		return mig_error_hint(err,
				      "the description may still be whole: migctl sim create NEW "
				      "-f NODE/" MIG_SIM_DESCRIPTION_FILE);
	case MIG_SIM_IO:
		if (detail && *detail)
			return mig_error_set(err, MIG_ERROR_IO, "%s", detail);
		return mig_error_set_errno(err, saved_errno, "node state");
	default:
		return mig_error_set(err, MIG_ERROR_FAILED, "%s", what);
	}
}

int mig_sim_node_open(const char *path, struct mig_sim_store *store, struct mig_error **err)
{
	enum mig_sim_status status;
	_cleanup_free_ char *state = mig_path_join(path, MIG_SIM_STATE_FILE);
	struct stat st;

	if (!state)
		return mig_error_set_errno(err, ENOMEM, "node '%s'", path);
	/* What is not there or cannot be looked at is said by opening it. */
	if (stat(path, &st) == 0 && mig_trusted_check(path, &st, err))
		return -1;
	if (stat(state, &st) == 0 && mig_trusted_check(state, &st, err))
		return -1;
	status = mig_sim_store_open(store, path);
	if (status == MIG_SIM_OK)
		return 0;
	mig_sim_status_error(err, status, store->detail, store->saved_errno);
	if (status == MIG_SIM_DAMAGED || status == MIG_SIM_BAD_VERSION)
		mig_error_hint(err,
			       "make it anew from its description: migctl sim create NEW "
			       "-f %s/" MIG_SIM_DESCRIPTION_FILE,
			       path);
	return -1;
}

void mig_sim_node_mig_uuid(const struct mig_sim_store *store, unsigned int gpu_index,
			   const struct mig_sim_gpu_state *state, unsigned int gi_id,
			   unsigned int ci_id, char uuid[MIG_SIM_UUID_SIZE])
{
	const struct mig_sim_gpu_desc *desc = &store->node->gpus[gpu_index];
	const struct mig_sim_gpu gpu = {
		.node = store->node,
		.desc = desc,
		.model = &store->models[desc->model],
	};

	mig_sim_mig_uuid(&gpu, state, gi_id, ci_id, uuid);
}

/* ---- work directories ------------------------------------------------------------------------- */

/* Opens and locks a work directory; -1 if it is locked by another or gone. */
static int lock_work(const char *path)
{
	struct stat opened;
	struct stat named;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return -1;
	/* Between opening and locking another command may have taken it for a leftover. */
	if (flock(fd, LOCK_EX | LOCK_NB) || fstat(fd, &opened) || lstat(path, &named) ||
	    opened.st_ino != named.st_ino || opened.st_dev != named.st_dev) {
		close(fd);
		return -1;
	}
	return fd;
}

/* What cannot be removed now is swept by a later command. */
static void remove_leftover(const char *path)
{
	int ignored = mig_remove_tree(path, NULL);

	(void)ignored;
}

/* Removes what killed commands left in `parent`. Failing to is no failure of the caller. */
static void sweep_leftovers(const char *parent)
{
	DIR *dir = opendir(parent);
	struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		_cleanup_free_ char *path = NULL;
		_cleanup_close_ int fd = -1;

		if (strncmp(entry->d_name, WORK_PREFIX, strlen(WORK_PREFIX)) != 0)
			continue;
		path = mig_path_join(parent, entry->d_name);
		if (!path)
			break;
		fd = lock_work(path);
		if (fd >= 0)
			remove_leftover(path);
	}
	closedir(dir);
}

/* The parent of an absolute path. */
static char *parent_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

static char *work_path(const char *parent, const char *name, unsigned int attempt)
{
	return mig_asprintf("%s/" WORK_PREFIX "%s-%ld-%u", parent, name, (long)getpid(), attempt);
}

/* Makes a locked work directory; *path is newly allocated. Returns its descriptor or -1. */
static int make_work(const char *parent, const char *name, char **path, struct mig_error **err)
{
	for (unsigned int attempt = 0; attempt < WORK_ATTEMPTS; attempt++) {
		_cleanup_free_ char *candidate = work_path(parent, name, attempt);
		int fd;

		if (!candidate)
			return mig_error_set_errno(err, ENOMEM, "cannot make node '%s'", name);
		if (mkdir(candidate, NODE_MODE)) {
			if (errno == EEXIST)
				continue;
			return mig_error_set_errno(err, errno, "cannot make node '%s' in '%s'",
						   name, parent);
		}
		fd = lock_work(candidate);
		if (fd >= 0) {
			*path = MIG_TAKE_PTR(candidate);
			return fd;
		}
	}
	return mig_error_set(err, MIG_ERROR_FAILED, "cannot make a work directory in '%s'", parent);
}

static int sync_directory(const char *path, struct mig_error **err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	/* Some file systems cannot sync a directory; then there is nothing to be had. */
	if (fd < 0 || (fsync(fd) && errno != EINVAL))
		return mig_error_set_errno(err, errno, "cannot write '%s' to disk", path);
	return 0;
}

/* ---- create ----------------------------------------------------------------------------------- */

static int write_state(const char *work, const struct mig_sim_description *d,
		       struct mig_error **err)
{
	_cleanup_free_ struct mig_sim_gpu_state *states = NULL;
	char detail[MIG_SIM_DETAIL_SIZE] = "";
	enum mig_sim_status status;

	states = calloc((size_t)d->node.gpu_count + 1, sizeof(*states));
	if (!states)
		return mig_error_set_errno(err, ENOMEM, "state");
	for (uint32_t i = 0; i < d->node.gpu_count; i++) {
		const struct mig_sim_gpu gpu = {
			.node = &d->node,
			.desc = &d->node.gpus[i],
			.model = &d->models[d->node.gpus[i].model],
		};

		mig_sim_gpu_init(&gpu, &states[i]);
		mig_sim_initial_apply(&d->initial[i], &states[i]);
	}
	status = mig_sim_store_create(work, &d->node, d->models, states, detail);
	if (status == MIG_SIM_OK)
		return 0;
	return mig_sim_status_error(err, status, detail, errno);
}

/* The files of the instances that a description gives the node from the start. */
static int refresh_trees(const char *work, struct mig_error **err)
{
	struct mig_sim_store store;
	enum mig_sim_status status = mig_sim_store_open(&store, work);

	if (status != MIG_SIM_OK)
		return mig_sim_status_error(err, status, store.detail, store.saved_errno);
	mig_sim_tree_refresh(&store, MIG_SIM_ALL_GPUS);
	mig_sim_store_close(&store);
	return 0;
}

static int fill_work(const char *work, const struct mig_sim_description *d, struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf document = MIG_BUF_INIT(MIG_SIM_DESCRIPTION_SIZE_MAX);
	_cleanup_free_ char *file = mig_path_join(work, MIG_SIM_DESCRIPTION_FILE);

	if (!file)
		return mig_error_set_errno(err, ENOMEM, "%s", MIG_SIM_DESCRIPTION_FILE);
	if (mig_sim_trees_check_majors(err) || mig_sim_trees_make(work, d, err))
		return -1;
	if (mig_sim_description_write(d, NULL, &document, err))
		return -1;
	if (mig_file_write_durable(file, mig_buf_text(&document), document.len, 0644, err))
		return -1;
	if (write_state(work, d, err))
		return -1;
	return refresh_trees(work, err);
}

static int already_there(const char *node, const char *path, struct mig_error **err)
{
	mig_error_set(err, MIG_ERROR_REFUSED, "node '%s' is there already (%s)", node, path);
	return mig_error_hint(err, "take another name, or remove it: migctl sim destroy %s", node);
}

/* Gives the finished directory its name, unless something has it. */
static int publish(const char *work, const char *node, const char *path, struct mig_error **err)
{
	int failed = renameat2(AT_FDCWD, work, AT_FDCWD, path, RENAME_NOREPLACE);

	/* A file system that knows no such flag: rename() replaces at most an empty directory. */
	if (failed && errno == EINVAL)
		failed = rename(work, path);
	if (failed && (errno == EEXIST || errno == ENOTEMPTY || errno == ENOTDIR))
		return already_there(node, path, err);
	if (failed)
		return mig_error_set_errno(err, errno, "cannot make '%s'", path);
	return 0;
}

static int create_in(const char *parent, const char *node, const char *path,
		     const struct mig_sim_description *d, struct mig_error **err)
{
	_cleanup_free_ char *work = NULL;
	_cleanup_close_ int fd = -1;

	fd = make_work(parent, d->node.name, &work, err);
	if (fd < 0)
		return -1;
	if (fill_work(work, d, err) || sync_directory(work, err)) {
		mig_error_wrap(err, "cannot make node '%s'", node);
		remove_leftover(work);
		return -1;
	}
	if (publish(work, node, path, err)) {
		remove_leftover(work);
		return -1;
	}
	return sync_directory(parent, err);
}

int mig_sim_node_create(const char *node, const struct mig_sim_description *d, char **path,
			struct mig_error **err)
{
	_cleanup_free_ char *parent = NULL;
	_cleanup_free_ char *place = NULL;
	struct stat st;

	if (mig_sim_node_path_new(node, &place, err))
		return -1;
	if (lstat(place, &st) == 0)
		return already_there(node, place, err);
	parent = parent_of(place);
	if (!parent)
		return mig_error_set_errno(err, ENOMEM, "node '%s'", node);
	if (mig_mkdir_parents(parent, NODE_MODE, err))
		return mig_error_wrap(err, "cannot make node '%s'", node);
	sweep_leftovers(parent);
	if (create_in(parent, node, place, d, err))
		return -1;
	if (path)
		*path = MIG_TAKE_PTR(place);
	return 0;
}

/* ---- destroy ---------------------------------------------------------------------------------- */

static bool has_file(const char *node_dir, const char *name)
{
	_cleanup_free_ char *path = mig_path_join(node_dir, name);
	struct stat st;

	return path && lstat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* A damaged node is one too, so this looks at names only. */
static bool is_node(const char *path)
{
	return has_file(path, MIG_SIM_STATE_FILE) &&
	       (has_file(path, MIG_SIM_DESCRIPTION_FILE) || has_file(path, MIG_SIM_LOCK_FILE));
}

int mig_sim_node_destroy(const char *node, struct mig_error **err)
{
	_cleanup_free_ char *used = NULL;
	_cleanup_free_ char *parent = NULL;
	_cleanup_free_ char *path = NULL;
	_cleanup_free_ char *work = NULL;
	_cleanup_close_ int fd = -1;

	if (mig_sim_node_path(node, &path, err))
		return -1;
	if (!is_node(path)) {
		mig_error_set(err, MIG_ERROR_REFUSED, "'%s' is not a simulated node, and stays",
			      path);
		return mig_error_hint(err, "a node has the files '%s' and '%s'", MIG_SIM_STATE_FILE,
				      MIG_SIM_DESCRIPTION_FILE);
	}
	parent = parent_of(path);
	work = parent ? work_path(parent, strrchr(path, '/') + 1, 0) : NULL;
	if (!work)
		return mig_error_set_errno(err, ENOMEM, "cannot remove node '%s'", node);
	fd = lock_work(path);
	if (fd < 0)
		return mig_error_set(err, MIG_ERROR_IN_USE,
				     "cannot remove node '%s': another command is removing it",
				     node);
	used = mig_sim_used_node();
	if (rename(path, work))
		return mig_error_set_errno(err, errno, "cannot remove node '%s' (%s)", node, path);
	if (used && strcmp(used, path) == 0)
		mig_sim_forget_used_node();
	if (mig_remove_tree(work, err))
		return mig_error_wrap(err, "node '%s' is gone, but not all of its files", node);
	return 0;
}

/* ---- list ------------------------------------------------------------------------------------- */

static int compare_names(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.' &&
	       (entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN || entry->d_type == DT_LNK);
}

static int list_one(const char *home, const char *name, const char *used,
		    int (*each)(void *cookie, const struct mig_sim_node_entry *entry), void *cookie,
		    struct mig_error **err)
{
	_cleanup_free_ char *path = mig_path_join(home, name);
	_cleanup_error_ struct mig_error *problem = NULL;
	struct mig_sim_store store = {0};
	struct mig_sim_node_entry entry;
	int result;

	if (!path)
		return mig_error_set_errno(err, ENOMEM, "node '%s'", name);
	entry = (struct mig_sim_node_entry){
		.name = name,
		.path = path,
		.is_used = used && strcmp(used, path) == 0,
	};
	if (mig_sim_node_open(path, &store, &problem) == 0)
		entry.store = &store;
	entry.error = problem;
	result = each(cookie, &entry);
	if (entry.store)
		mig_sim_store_close(&store);
	if (result < 0)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "cannot list node '%s'", name);
	return 0;
}

int mig_sim_node_list(int (*each)(void *cookie, const struct mig_sim_node_entry *entry),
		      void *cookie, struct mig_error **err)
{
	_cleanup_free_ char *used = mig_sim_used_node();
	_cleanup_free_ char *given = NULL;
	_cleanup_free_ char *home = NULL;
	struct dirent **entries;
	int result = 0;
	int count;

	if (mig_sim_home(&given, err))
		return -1;
	home = realpath(given, NULL);
	if (!home && errno == ENOENT)
		return 0;
	if (!home)
		return mig_error_set_errno(err, errno, "cannot list the nodes in '%s'", given);
	count = scandir(home, &entries, is_visible, compare_names);
	if (count < 0)
		return mig_error_set_errno(err, errno, "cannot list the nodes in '%s'", home);
	for (int i = 0; i < count; i++) {
		if (result == 0)
			result = list_one(home, entries[i]->d_name, used, each, cookie, err);
		free(entries[i]);
	}
	free(entries);
	return result;
}
