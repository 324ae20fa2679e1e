/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the jail keeps of the host: its programs, libraries and settings under layers of memory.
 *
 * A program may write to /etc, /run, /var/lib and the directories of libraries and programs; it
 * sees what it wrote, and the host does not. Some directories below are the node's own, so that what
 * is written there outlives the program. In the layers lie the driver's libraries and the node's
 * programs under the names that others look for by an absolute path.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/file.h"
#include "sim/control/jail_parts.h"
#include "sim/control/tree.h"

#define LAYERS	      MIG_JAIL_SCRATCH "/layers"
#define LIBRARY_COPY  MIG_JAIL_SCRATCH "/libnvidia-ml.so"
#define CUDA_COPY     MIG_JAIL_SCRATCH "/libcuda.so"
#define NVML_NAME     "libnvidia-ml.so"
#define CUDA_NAME     "libcuda.so"
#define SMI_COPY      "/run/migsim/nvidia-smi"
#define SMI_ENV	      "MIGSIM_NVIDIA_SMI"
#define CACHE_FILE    "/etc/ld.so.cache"
#define MOUNTS_FILE   "/proc/self/mountinfo"
#define TEXT_SIZE_MAX ((size_t)16 << 20)
#define SUBMOUNTS_MAX 64
#define NAME_MAX_SIZE 256

enum layer_kind {
	LAYER_PLAIN,	 /* only takes writes */
	LAYER_LIBRARIES, /* has the driver's libraries */
	LAYER_PROGRAMS,	 /* has the node's programs */
};

/* One layer does for a directory and what is below it: the kernel stacks two at most, and in a
 * container the host's file system is one already. */
static const struct layer {
	const char *path;
	enum layer_kind kind;
	bool keeps_mounts; /* what is mounted below is shown, read-only */
	bool is_default;   /* a search without PATH looks there */
	bool is_part;	   /* of the one in front, which does for both unless it is a mount */
} layers[] = {
	{.path = "/etc", .kind = LAYER_PLAIN, .keeps_mounts = true},
	{.path = "/run", .kind = LAYER_PLAIN},
	{.path = "/var/lib", .kind = LAYER_PLAIN},
	{.path = "/usr/lib", .kind = LAYER_LIBRARIES, .keeps_mounts = true},
	{.path = "/usr/lib/" MIG_SIM_MULTIARCH,
	 .kind = LAYER_LIBRARIES,
	 .keeps_mounts = true,
	 .is_part = true},
	{.path = "/usr/lib64", .kind = LAYER_LIBRARIES, .keeps_mounts = true},
	{.path = "/lib", .kind = LAYER_LIBRARIES, .keeps_mounts = true},
	{.path = "/lib/" MIG_SIM_MULTIARCH,
	 .kind = LAYER_LIBRARIES,
	 .keeps_mounts = true,
	 .is_part = true},
	{.path = "/lib64", .kind = LAYER_LIBRARIES, .keeps_mounts = true},
	{.path = "/usr/bin", .kind = LAYER_PROGRAMS, .keeps_mounts = true, .is_default = true},
	{.path = "/usr/sbin", .kind = LAYER_PROGRAMS, .keeps_mounts = true},
	{.path = "/bin", .kind = LAYER_PROGRAMS, .keeps_mounts = true},
	{.path = "/sbin", .kind = LAYER_PROGRAMS, .keeps_mounts = true},
	{.path = "/usr/local/bin", .kind = LAYER_PROGRAMS, .keeps_mounts = true},
	{.path = "/usr/local/sbin", .kind = LAYER_PROGRAMS, .keeps_mounts = true},
};

/* Directories of the node that take the place of the host's. */
static const char *const node_directories[] = {
	"etc/cdi",    "etc/migctl",	"run/cdi",	   "run/migctl",
	"run/nvidia", "var/lib/migctl", "var/lib/kubelet",
};

/* What must not be the host's under any path: of the node's programs those that could reach it. */
static const char *const programs[] = {"halt",	 "nvidia-modprobe", "nvidia-smi", "poweroff",
				       "reboot", "shutdown",	    "sudo"};

/* Further places where packages put the driver's libraries. */
static const char *const other_libraries[] = {
	("/usr/lib/" MIG_SIM_MULTIARCH "/nvidia/current"),
	"/usr/lib/nvidia",
	"/usr/lib/nvidia/current",
	"/usr/lib64/nvidia",
	"/usr/local/lib",
	("/usr/local/lib/" MIG_SIM_MULTIARCH),
	"/usr/local/nvidia/lib",
	"/usr/local/nvidia/lib64",
	"/usr/lib/wsl/lib",
	("/run/nvidia/driver/usr/lib/" MIG_SIM_MULTIARCH),
};

static int no_memory(struct mig_error **err)
{
	return mig_error_set_errno(err, ENOMEM, "cannot make the jail");
}

static bool begins(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool is_below(const char *path, const char *directory)
{
	return begins(path, directory) && path[strlen(directory)] == '/';
}

/* ---- what goes into a layer ------------------------------------------------------------------- */

static int copy_in(const char *from, const char *directory, const char *name, mode_t mode,
		   struct mig_error **err)
{
	_cleanup_free_ char *to = mig_path_join(directory, name);

	if (!to || mig_sim_copy_file(from, to, mode))
		return mig_error_set_errno(err, to ? errno : ENOMEM,
					   "cannot make the jail: copying '%s'", from);
	return 0;
}

static int link_in(const char *target, const char *directory, const char *name,
		   struct mig_error **err)
{
	_cleanup_free_ char *path = mig_path_join(directory, name);

	if (!path || (symlink(target, path) && errno != EEXIST))
		return mig_error_set_errno(err, path ? errno : ENOMEM,
					   "cannot make the jail: making '%s'", name);
	return 0;
}

/* Whatever version of the libraries the host has there gets ours in its place. */
static int cover_versions(const char *directory, const char *upper, struct mig_error **err)
{
	DIR *dir = opendir(directory);
	struct dirent *entry;
	int result = 0;

	while (dir && result == 0 && (entry = readdir(dir))) {
		if (begins(entry->d_name, NVML_NAME))
			result = link_in(NVML_NAME ".1", upper, entry->d_name, err);
		else if (begins(entry->d_name, CUDA_NAME))
			result = link_in(CUDA_NAME ".1", upper, entry->d_name, err);
	}
	if (dir)
		closedir(dir);
	return result;
}

static int fill_library_directory(const struct mig_sim_jail *jail, const char *directory,
				  const char *upper, struct mig_error **err)
{
	_cleanup_free_ char *nvml = mig_asprintf(NVML_NAME ".%s", jail->desc->driver_version);
	_cleanup_free_ char *cuda = mig_asprintf(CUDA_NAME ".%s", jail->desc->driver_version);

	if (!nvml || !cuda)
		return no_memory(err);
	if (copy_in(jail->library, upper, nvml, 0755, err) ||
	    copy_in(jail->libcuda, upper, cuda, 0755, err) ||
	    link_in(nvml, upper, NVML_NAME ".1", err) || link_in(nvml, upper, NVML_NAME, err) ||
	    link_in(cuda, upper, CUDA_NAME ".1", err) || link_in(cuda, upper, CUDA_NAME, err))
		return -1;
	return cover_versions(directory, upper, err);
}

/* Also in the folder of this machine's architecture, if there is one: what is in the layer and what is
 * below it are shown together. */
static int fill_libraries(const struct mig_sim_jail *jail, const char *directory, const char *upper,
			  struct mig_error **err)
{
	_cleanup_free_ char *below = mig_path_join(directory, MIG_SIM_MULTIARCH);
	_cleanup_free_ char *upper_below = mig_path_join(upper, MIG_SIM_MULTIARCH);

	if (!below || !upper_below)
		return no_memory(err);
	if (fill_library_directory(jail, directory, upper, err))
		return -1;
	if (!mig_jail_is_directory(below))
		return 0;
	if (mkdir(upper_below, 0755) || chmod(upper_below, 0755))
		return mig_error_set_errno(err, errno, "cannot make the jail: a layer for '%s'",
					   below);
	return fill_library_directory(jail, below, upper_below, err);
}

/* In the first directory of programs all of these are found, elsewhere those that hide one. */
static int fill_programs(const struct mig_sim_jail *jail, const struct layer *layer,
			 const char *upper, bool *is_needed, struct mig_error **err)
{
	for (size_t i = 0; i < MIG_ARRAY_SIZE(programs); i++) {
		_cleanup_free_ char *shim = mig_path_join(jail->shims, programs[i]);
		_cleanup_free_ char *host = mig_path_join(layer->path, programs[i]);
		struct stat st;

		if (!shim || !host)
			return no_memory(err);
		if (!layer->is_default && lstat(host, &st))
			continue;
		if (copy_in(shim, upper, programs[i], 0755, err))
			return -1;
		*is_needed = true;
	}
	return layer->is_default ? link_in(jail->migctl, upper, "migctl", err) : 0;
}

/* ---- layers ----------------------------------------------------------------------------------- */

/* What is mounted below a directory and would be hidden by a layer over it. */
struct submounts {
	char *paths[SUBMOUNTS_MAX];
	int fds[SUBMOUNTS_MAX];
	size_t count;
};

static void submounts_clear(struct submounts *mounts)
{
	for (size_t i = 0; i < mounts->count; i++) {
		free(mounts->paths[i]);
		if (mounts->fds[i] >= 0)
			close(mounts->fds[i]);
	}
}

static bool has_parent(const struct submounts *mounts, const char *path)
{
	for (size_t i = 0; i < mounts->count; i++) {
		if (strcmp(path, mounts->paths[i]) == 0 || is_below(path, mounts->paths[i]))
			return true;
	}
	return false;
}

static int note_submount(struct submounts *mounts, const char *path, struct mig_error **err)
{
	if (has_parent(mounts, path) || access(path, F_OK))
		return 0;
	if (mounts->count == SUBMOUNTS_MAX) {
		mig_error_set(err, MIG_ERROR_REFUSED,
			      "cannot make the jail: more than %d mounts below one directory, up "
			      "to '%s'",
			      SUBMOUNTS_MAX, path);
		return mig_error_hint(err, "use sim exec without --jail");
	}
	mounts->paths[mounts->count] = strdup(path);
	if (!mounts->paths[mounts->count])
		return no_memory(err);
	mounts->fds[mounts->count] = mig_jail_grab(path, err);
	mounts->count++;
	return mounts->fds[mounts->count - 1] < 0 ? -1 : 0;
}

/* Containers have the driver's files mounted one by one: what is in the layer stays in front. */
static bool is_replaced(const char *path, const char *directory, const char *upper)
{
	_cleanup_free_ char *ours = mig_path_join(upper, path + strlen(directory) + 1);
	struct stat st;

	return !ours || (lstat(ours, &st) == 0 && !S_ISDIR(st.st_mode));
}

/* The fifth field of each line is where something is mounted; odd characters (written as \ooo there)
 * are in no path that a layer is laid over, and are left out below. */
static int find_submounts(const char *directory, const char *upper, struct submounts *mounts,
			  struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(TEXT_SIZE_MAX);
	char *rest;
	char *line;

	if (mig_file_read(MOUNTS_FILE, &text, err))
		return -1;
	rest = text.data;
	while ((line = strsep(&rest, "\n"))) {
		const char *path = NULL;

		for (int field = 0; field < 5; field++)
			path = strsep(&line, " ");
		if (path && is_below(path, directory) && !strchr(path, '\\') &&
		    !is_replaced(path, directory, upper) && note_submount(mounts, path, err))
			return -1;
	}
	return 0;
}

static int put_submounts_back(struct submounts *mounts, struct mig_error **err)
{
	for (size_t i = 0; i < mounts->count; i++) {
		if (mig_jail_attach(MIG_TAKE_FD(mounts->fds[i]), mounts->paths[i], err) ||
		    mig_jail_restrict(mounts->paths[i], MOUNT_ATTR_RDONLY, err))
			return -1;
	}
	return 0;
}

static bool is_mount_of_its_own(const char *path, const struct stat *st)
{
	_cleanup_free_ char *parent = mig_path_join(path, "..");
	struct stat above;

	return parent && stat(parent, &above) == 0 && above.st_dev != st->st_dev;
}

static int make_layer(const struct mig_sim_jail *jail, const struct layer *layer, size_t number,
		      struct mig_error **err)
{
	_cleanup_free_ char *upper = mig_asprintf(LAYERS "/%zu-upper", number);
	_cleanup_free_ char *work = mig_asprintf(LAYERS "/%zu-work", number);
	_cleanup_(submounts_clear) struct submounts mounts = {.count = 0};
	bool is_needed = layer->kind != LAYER_PROGRAMS;
	char real[PATH_MAX];
	struct stat st;

	if (!upper || !work)
		return no_memory(err);
	/* By a link it is, or is below, a directory that has a row of its own. */
	if (!realpath(layer->path, real) || strcmp(real, layer->path) != 0 || lstat(real, &st) ||
	    !S_ISDIR(st.st_mode) || (layer->is_part && !is_mount_of_its_own(real, &st)))
		return 0;
	/* The top of the layer has the directory's own mode; its owner may be one we are not. */
	if (mkdir(upper, 0755) || chmod(upper, st.st_mode & 07777) || mkdir(work, 0755))
		return mig_error_set_errno(err, errno, "cannot make the jail: a layer for '%s'",
					   layer->path);
	if (layer->kind == LAYER_LIBRARIES && fill_libraries(jail, layer->path, upper, err))
		return -1;
	if (layer->kind == LAYER_PROGRAMS && fill_programs(jail, layer, upper, &is_needed, err))
		return -1;
	if (!is_needed)
		return 0;
	if (layer->keeps_mounts && find_submounts(layer->path, upper, &mounts, err))
		return -1;
	if (mig_jail_overlay(layer->path, upper, work, err))
		return -1;
	return put_submounts_back(&mounts, err);
}

/* ---- the node's own places -------------------------------------------------------------------- */

/* A directory of the node's at the same place of the jail. What the caller may not make on somebody
 * else's node is left to the layer. */
static int put_node_directory(const char *node_root, const char *name, struct mig_error **err)
{
	_cleanup_free_ char *source = mig_path_join(node_root, name);
	_cleanup_free_ char *target = mig_path_join("/", name);

	if (!source || !target)
		return no_memory(err);
	if (mig_mkdir_parents(source, 0755, NULL) && !mig_jail_is_directory(source))
		return 0;
	if (mig_mkdir_parents(target, 0755, NULL) && !mig_jail_is_directory(target)) {
		/* Below a directory of root's that a user namespace cannot write to: nobody can. */
		return geteuid() != 0
			       ? 0
			       : mig_error_set_errno(err, errno,
						     "cannot make the jail: making '%s'", target);
	}
	return mig_jail_bind(source, target, err);
}

static bool is_covered(const char *path)
{
	for (size_t i = 0; i < MIG_ARRAY_SIZE(layers); i++) {
		if (is_below(path, layers[i].path))
			return true;
	}
	return false;
}

/* A real nvidia-smi that the caller named keeps being found although its place is covered. */
static int put_real_smi(int smi, struct mig_error **err)
{
	if (smi < 0)
		return 0;
	if (mig_jail_put(SMI_COPY, "", 0, 0755, err) || mig_jail_attach(smi, SMI_COPY, err))
		return -1;
	if (setenv(SMI_ENV, SMI_COPY, 1))
		return no_memory(err);
	return 0;
}

/* ---- libraries elsewhere ---------------------------------------------------------------------- */

/* Which of ours stands for a library of this path; NULL: none. */
static const char *substitute_for(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash && begins(slash + 1, NVML_NAME))
		return LIBRARY_COPY;
	if (slash && begins(slash + 1, CUDA_NAME))
		return CUDA_COPY;
	return NULL;
}

/* Whether a library is ours already, by the layer over its directory. */
static bool is_in_layer(const char *path)
{
	for (size_t i = 0; i < MIG_ARRAY_SIZE(layers); i++) {
		const char *rest;

		if (layers[i].kind != LAYER_LIBRARIES || !is_below(path, layers[i].path))
			continue;
		rest = path + strlen(layers[i].path) + 1;
		if (begins(rest, MIG_SIM_MULTIARCH "/"))
			rest += strlen(MIG_SIM_MULTIARCH "/");
		if (!strchr(rest, '/'))
			return true;
	}
	return false;
}

static int cover_file(const char *path, struct mig_error **err)
{
	const char *ours = substitute_for(path);
	char real[PATH_MAX];
	struct stat st;

	if (!ours || !realpath(path, real) || stat(real, &st) || !S_ISREG(st.st_mode))
		return 0;
	return is_in_layer(real) ? 0 : mig_jail_bind(ours, real, err);
}

static int cover_other_directory(const char *directory, struct mig_error **err)
{
	DIR *dir = opendir(directory);
	struct dirent *entry;
	int result = 0;

	while (dir && result == 0 && (entry = readdir(dir))) {
		_cleanup_free_ char *path = mig_path_join(directory, entry->d_name);

		result = path ? cover_file(path, err) : no_memory(err);
	}
	if (dir)
		closedir(dir);
	return result;
}

/* The linker's cache is a table of texts that end in a zero byte; which are paths is plain to see. */
static int cover_cached(struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf cache = MIG_BUF_INIT(TEXT_SIZE_MAX);
	const char *at;
	const char *end;

	if (access(CACHE_FILE, R_OK))
		return 0;
	if (mig_file_read(CACHE_FILE, &cache, err))
		return -1;
	at = cache.data;
	end = cache.data + cache.len;
	while (at < end) {
		const char *text = memchr(at, '/', (size_t)(end - at));

		if (!text)
			break;
		/* The buffer ends in a zero byte. */
		if ((text == cache.data || text[-1] == '\0') && strlen(text) < PATH_MAX &&
		    cover_file(text, err))
			return -1;
		at = text + strlen(text) + 1;
	}
	return 0;
}

/* ---- all of it -------------------------------------------------------------------------------- */

/* Copies of what the layers are going to hide; -1: not hidden. */
struct hidden {
	int node_link; /* the node, for its usual place */
	int node;
	int home;
	int smi;
};

static int take_hidden(const struct mig_sim_jail *jail, int held, struct hidden *hidden,
		       struct mig_error **err)
{
	const char *smi = secure_getenv(SMI_ENV);

	*hidden = (struct hidden){-1, -1, -1, -1};
	hidden->node_link = mig_jail_grab_node(jail, held, err);
	if (hidden->node_link < 0)
		return -1;
	if (is_covered(jail->node)) {
		hidden->node = mig_jail_grab_node(jail, held, err);
		if (hidden->node < 0)
			return -1;
	}
	if (jail->home && is_covered(jail->home) && mig_jail_is_directory(jail->home)) {
		hidden->home = mig_jail_grab(jail->home, err);
		if (hidden->home < 0)
			return -1;
	}
	if (smi && *smi && is_covered(smi) && access(smi, X_OK) == 0) {
		hidden->smi = mig_jail_grab(smi, err);
		if (hidden->smi < 0)
			return -1;
	}
	return 0;
}

static int put_hidden(const struct mig_sim_jail *jail, struct hidden *hidden,
		      struct mig_error **err)
{
	if (mig_mkdir_parents(MIG_JAIL_NODE, 0755, err))
		return -1;
	/* The home first: it may have the node in it. */
	if (hidden->home >= 0 && mig_jail_attach(MIG_TAKE_FD(hidden->home), jail->home, err))
		return -1;
	if (hidden->node >= 0 && mig_jail_attach(MIG_TAKE_FD(hidden->node), jail->node, err))
		return -1;
	if (mig_jail_attach(MIG_TAKE_FD(hidden->node_link), MIG_JAIL_NODE, err))
		return -1;
	return put_real_smi(MIG_TAKE_FD(hidden->smi), err);
}

int mig_jail_host(const struct mig_sim_jail *jail, int held, struct mig_error **err)
{
	struct hidden hidden;

	if (mkdir(LAYERS, 0755))
		return mig_error_set_errno(err, errno, "cannot make the jail: making '%s'", LAYERS);
	if (take_hidden(jail, held, &hidden, err) ||
	    copy_in(jail->library, MIG_JAIL_SCRATCH, NVML_NAME, 0755, err) ||
	    copy_in(jail->libcuda, MIG_JAIL_SCRATCH, CUDA_NAME, 0755, err))
		return -1;
	for (size_t i = 0; i < MIG_ARRAY_SIZE(layers); i++) {
		if (make_layer(jail, &layers[i], i, err))
			return -1;
	}
	if (put_hidden(jail, &hidden, err))
		return -1;
	for (size_t i = 0; i < MIG_ARRAY_SIZE(node_directories); i++) {
		if (put_node_directory(MIG_JAIL_NODE_ROOT, node_directories[i], err))
			return -1;
	}
	for (size_t i = 0; i < MIG_ARRAY_SIZE(other_libraries); i++) {
		if (cover_other_directory(other_libraries[i], err))
			return -1;
	}
	return cover_cached(err);
}
