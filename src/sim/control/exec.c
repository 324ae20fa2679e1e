/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running a program on a simulated node: its environment and its guards.
 *
 * A simulated node must never reach a real GPU. What holds this: the node's library comes first for
 * the dynamic linker, host paths go to the node's root, our `sudo` comes first on PATH, and
 * PR_SET_NO_NEW_PRIVS keeps every descendant from gaining rights, with which the dynamic linker
 * would ignore the library path. A program that the linker treats so from the start (setuid,
 * setgid, file capabilities) is refused. What this cannot hold is in docs/simulator.md.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "shared/file.h"
#include "shared/hostroot.h"
#include "sim/control/description.h"
#include "sim/control/jail.h"
#include "sim/control/tree.h"
#include "sim/tree/tree.h"

#define CAPABILITY_XATTR    "security.capability"
#define INTERPRETERS_MAX    4	/* a script whose interpreter is a script …; the kernel's limit */
#define INTERPRETER_SIZE    256 /* the kernel reads no more of a #! line */
#define ENVIRONMENT_MAX	    ((size_t)1 << 20)
#define DEFAULT_PATH	    "/usr/local/bin:/usr/bin:/bin"
#define LIBRARY_FILE	    "libnvidia-ml.so.1"
#define CUDA_FILE	    "libcuda.so.1"
#define PROGRAM_FILE	    "migctl"
#define INSTALLED_LIBRARIES "../lib/migctl/driver"
#define INSTALLED_SHIMS	    "../libexec/migctl/sim"
#define INSTALLED_CUDA	    INSTALLED_LIBRARIES "/cuda"
#define BUILT_LIBRARIES	    "src/sim"
#define BUILT_CUDA	    BUILT_LIBRARIES "/libcuda"
#define BUILT_SHIMS	    "src/sim/shims"

enum variable {
	VARIABLE_NODE,
	VARIABLE_HOST_ROOT,
	VARIABLE_LIBRARY_PATH,
	VARIABLE_PATH,
	VARIABLE_PROGRAM,
	VARIABLE_COUNT,
};

static const char *const variable_names[VARIABLE_COUNT] = {
	[VARIABLE_NODE] = MIG_SIM_NODE_ENV,
	[VARIABLE_HOST_ROOT] = MIG_HOST_ROOT_ENV,
	[VARIABLE_LIBRARY_PATH] = "LD_LIBRARY_PATH",
	[VARIABLE_PATH] = "PATH",
	[VARIABLE_PROGRAM] = "MIGCTL",
};

struct environment {
	char *values[VARIABLE_COUNT];
};

static void environment_clear(struct environment *environment)
{
	for (size_t i = 0; i < VARIABLE_COUNT; i++)
		free(environment->values[i]);
}

/* ---- where our own files are ------------------------------------------------------------------ */

/* The first of two directories below exe_dir that has `file`; NULL if none has. */
static char *find_directory(const char *exe_dir, const char *built, const char *installed,
			    const char *file)
{
	const char *const places[] = {built, installed};

	for (size_t i = 0; i < MIG_ARRAY_SIZE(places); i++) {
		_cleanup_free_ char *directory = mig_path_join(exe_dir, places[i]);
		_cleanup_free_ char *path = directory ? mig_path_join(directory, file) : NULL;

		if (path && access(path, R_OK) == 0)
			return realpath(directory, NULL);
	}
	return NULL;
}

static int find_library(const char *exe_dir, unsigned int branch, char **directory,
			struct mig_error **err)
{
	_cleanup_free_ char *built = mig_asprintf(BUILT_LIBRARIES "/%u", branch);
	_cleanup_free_ char *installed = mig_asprintf(INSTALLED_LIBRARIES "/%u", branch);

	if (!built || !installed)
		return mig_error_set_errno(err, ENOMEM, "driver library");
	*directory = find_directory(exe_dir, built, installed, LIBRARY_FILE);
	if (*directory)
		return 0;
	mig_error_set(err, MIG_ERROR_NO_DRIVER,
		      "the simulated driver library of branch %u is not in '%s/%s' nor '%s/%s'",
		      branch, exe_dir, built, exe_dir, installed);
	return mig_error_hint(err, "build it (ninja -C build), or install the whole package");
}

static int find_cuda(const char *exe_dir, char **directory, struct mig_error **err)
{
	*directory = find_directory(exe_dir, BUILT_CUDA, INSTALLED_CUDA, CUDA_FILE);
	if (*directory)
		return 0;
	mig_error_set(err, MIG_ERROR_NO_DRIVER,
		      "the simulated node's " CUDA_FILE " is not in '%s/%s' nor '%s/%s'", exe_dir,
		      BUILT_CUDA, exe_dir, INSTALLED_CUDA);
	return mig_error_hint(err, "build it (ninja -C build), or install the whole package");
}

static int find_shims(const char *exe_dir, char **directory, struct mig_error **err)
{
	*directory = find_directory(exe_dir, BUILT_SHIMS, INSTALLED_SHIMS, "sudo");
	if (*directory)
		return 0;
	mig_error_set(err, MIG_ERROR_NO_DRIVER,
		      "the programs of the simulated node are not in '%s/%s' nor '%s/%s'", exe_dir,
		      BUILT_SHIMS, exe_dir, INSTALLED_SHIMS);
	return mig_error_hint(err, "build them (ninja -C build), or install the whole package");
}

/* ---- the environment -------------------------------------------------------------------------- */

/* "FIRST:REST" without the places where FIRST stands in REST; an empty REST adds nothing. */
static char *prepend(const char *first, const char *rest)
{
	_cleanup_buf_ struct mig_buf list = MIG_BUF_INIT(ENVIRONMENT_MAX);

	mig_buf_puts(&list, first);
	while (rest && *rest) {
		size_t len = strcspn(rest, ":");

		if (len != strlen(first) || strncmp(rest, first, len) != 0) {
			mig_buf_putc(&list, ':');
			mig_buf_add(&list, rest, len);
		}
		rest += len;
		rest += *rest == ':';
	}
	return mig_buf_steal(&list);
}

/* "LIST:LAST" without the places where LAST stands in LIST. */
static char *append(const char *list, const char *last)
{
	_cleanup_free_ char *moved = prepend(last, list);
	size_t len = strlen(last);

	/* prepend() leaves it at the beginning and nowhere else. */
	if (!moved || moved[len] != ':')
		return moved ? strdup(last) : NULL;
	return mig_asprintf("%s:%s", moved + len + 1, last);
}

static bool is_on_path(const char *path, const char *directory)
{
	size_t wanted = strlen(directory);

	while (path && *path) {
		size_t len = strcspn(path, ":");

		if (len == wanted && strncmp(path, directory, len) == 0)
			return true;
		path += len;
		path += *path == ':';
	}
	return false;
}

/*
 * Shims first; migctl itself must be found too, so its directory follows if PATH has it not. In the
 * jail the shims lie over the machine's own programs, and a program that writes down where it found
 * nvidia-smi (nvidia-ctk) is to find it where every machine has it: there they come last.
 */
static char *make_path(const char *shims, const char *exe_dir, bool jail)
{
	const char *old = getenv("PATH");
	_cleanup_free_ char *with_exe = NULL;

	if (!old || !*old)
		old = DEFAULT_PATH;
	with_exe = is_on_path(old, exe_dir) ? strdup(old) : prepend(exe_dir, old);
	if (!with_exe)
		return NULL;
	return jail ? append(with_exe, shims) : prepend(shims, with_exe);
}

/*
 * Directories in these lists are told apart by ':', for the loader also by ';', and the loader
 * replaces words that begin with '$'. There is no way to quote one: the programs on the node would
 * find the real library, and the real sudo.
 */
static int check_directory(const char *variable, const char *directory, const char *forbidden,
			   struct mig_error **err)
{
	if (directory[strcspn(directory, forbidden)] == '\0')
		return 0;
	mig_error_set(err, MIG_ERROR_REFUSED, "%s cannot hold the directory '%s'", variable,
		      directory);
	return mig_error_hint(err,
			      "put migctl into a directory without ':', ';' and '$' in its path");
}

/* What of ours a node needs. */
struct places {
	struct mig_sim_node_desc node;
	char *libraries; /* directories */
	char *cuda;
	char *shims;
	char *library_file;
	char *cuda_file;
	char *program_file;
};

static void places_clear(struct places *places)
{
	free(places->libraries);
	free(places->cuda);
	free(places->shims);
	free(places->library_file);
	free(places->cuda_file);
	free(places->program_file);
}

static int find_places(const char *node, const char *exe_dir, struct places *places,
		       struct mig_error **err)
{
	if (find_library(exe_dir, places->node.branch, &places->libraries, err) ||
	    find_cuda(exe_dir, &places->cuda, err) || find_shims(exe_dir, &places->shims, err))
		return -1;
	places->library_file = mig_path_join(places->libraries, LIBRARY_FILE);
	places->cuda_file = mig_path_join(places->cuda, CUDA_FILE);
	places->program_file = mig_path_join(exe_dir, PROGRAM_FILE);
	if (!places->library_file || !places->cuda_file || !places->program_file)
		return mig_error_set_errno(err, ENOMEM, "node '%s'", node);
	return 0;
}

/* Opens the node and mends what a killed program may have left of its files. */
static int look_at_node(const char *node, const char *exe_dir, struct places *places,
			struct mig_error **err)
{
	struct mig_sim_store store;

	if (mig_sim_node_open(node, &store, err))
		return -1;
	places->node = *store.node;
	mig_sim_tree_refresh(&store, MIG_SIM_ALL_GPUS);
	mig_sim_store_close(&store);
	return find_places(node, exe_dir, places, err);
}

/* The copies in the node's root are for programs that are given that root; only its owner and root
 * can refresh them, and others do not need to. */
static void refresh_copies(const char *node, const struct places *places)
{
	const struct mig_sim_installation from = {
		.library = places->library_file,
		.libcuda = places->cuda_file,
		.shims = places->shims,
	};
	int ignored = mig_sim_trees_install(node, places->node.driver_version, &from, NULL);

	(void)ignored;
}

int mig_sim_node_prepare(const char *path, const char *exe_dir, struct mig_error **err)
{
	_cleanup_(places_clear) struct places places = {.libraries = NULL};

	if (look_at_node(path, exe_dir, &places, err))
		return -1;
	refresh_copies(path, &places);
	return 0;
}

static int check_directories(const struct places *places, const char *exe_dir,
			     struct mig_error **err)
{
	const char *library_path = variable_names[VARIABLE_LIBRARY_PATH];
	const char *path = variable_names[VARIABLE_PATH];

	return check_directory(library_path, places->libraries, ":;$", err) ||
			       check_directory(library_path, places->cuda, ":;$", err) ||
			       check_directory(path, places->shims, ":", err) ||
			       check_directory(path, exe_dir, ":", err)
		       ? -1
		       : 0;
}

static int make_environment(const char *node, const struct mig_sim_exec_options *options,
			    struct places *places, struct environment *out, struct mig_error **err)
{
	_cleanup_free_ char *behind = NULL;
	struct stat st;

	if (look_at_node(node, options->exe_dir, places, err) ||
	    check_directories(places, options->exe_dir, err))
		return -1;
	refresh_copies(node, places);
	behind = prepend(places->cuda, getenv("LD_LIBRARY_PATH"));
	out->values[VARIABLE_NODE] = strdup(node);
	out->values[VARIABLE_HOST_ROOT] = mig_path_join(node, "root");
	out->values[VARIABLE_LIBRARY_PATH] = behind ? prepend(places->libraries, behind) : NULL;
	out->values[VARIABLE_PATH] = make_path(places->shims, options->exe_dir, options->jail);
	out->values[VARIABLE_PROGRAM] = strdup(places->program_file);
	for (size_t i = 0; i < VARIABLE_COUNT; i++) {
		if (!out->values[i])
			return mig_error_set_errno(err, ENOMEM, "cannot make the environment");
	}
	if (stat(out->values[VARIABLE_HOST_ROOT], &st) || !S_ISDIR(st.st_mode)) {
		mig_error_set(err, MIG_ERROR_CORRUPT, "the node's host root '%s' is not there",
			      out->values[VARIABLE_HOST_ROOT]);
		return mig_error_hint(err, "mkdir '%s'", out->values[VARIABLE_HOST_ROOT]);
	}
	return 0;
}

static int set_environment(const struct environment *environment, bool unprivileged,
			   struct mig_error **err)
{
	for (size_t i = 0; i < VARIABLE_COUNT; i++) {
		if (setenv(variable_names[i], environment->values[i], 1))
			return mig_error_set_errno(err, errno, "cannot set %s", variable_names[i]);
	}
	if (unprivileged && setenv(MIG_SIM_ENV_UNPRIVILEGED, "1", 1))
		return mig_error_set_errno(err, errno, "cannot set %s", MIG_SIM_ENV_UNPRIVILEGED);
	return 0;
}

static void export_line(struct mig_buf *out, const char *name, const char *value)
{
	mig_buf_printf(out, "export %s='", name);
	for (; *value; value++) {
		if (*value == '\'')
			mig_buf_puts(out, "'\\''");
		else
			mig_buf_putc(out, *value);
	}
	mig_buf_puts(out, "'\n");
}

int mig_sim_node_environment(const char *path, const struct mig_sim_exec_options *options,
			     struct mig_buf *out, struct mig_error **err)
{
	_cleanup_(environment_clear) struct environment environment = {{NULL}};
	_cleanup_(places_clear) struct places places = {.libraries = NULL};

	if (make_environment(path, options, &places, &environment, err))
		return -1;
	for (size_t i = 0; i < VARIABLE_COUNT; i++)
		export_line(out, variable_names[i], environment.values[i]);
	if (options->unprivileged)
		export_line(out, MIG_SIM_ENV_UNPRIVILEGED, "1");
	return mig_buf_failed(out) ? mig_error_set_errno(err, ENOMEM, "environment") : 0;
}

/* ---- the program ------------------------------------------------------------------------------ */

/* 0 if `path` is a file that can be executed, else an errno. */
static int is_program(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return errno;
	if (!S_ISREG(st.st_mode))
		return EACCES;
	return access(path, X_OK) ? errno : 0;
}

/* As a shell finds it: a name with '/' as it stands, else along the PATH that the program gets. */
static int find_program(const char *name, const char *search, char **program,
			struct mig_error **err)
{
	int reason = ENOENT;

	if (strchr(name, '/')) {
		reason = is_program(name);
		*program = reason ? NULL : strdup(name);
	}
	while (!strchr(name, '/') && search && *search && !*program) {
		size_t len = strcspn(search, ":");
		_cleanup_free_ char *directory = len ? strndup(search, len) : strdup(".");
		_cleanup_free_ char *candidate = directory ? mig_path_join(directory, name) : NULL;
		int found = candidate ? is_program(candidate) : ENOMEM;

		if (found == 0)
			*program = MIG_TAKE_PTR(candidate);
		else if (found == EACCES)
			reason = EACCES;
		search += len;
		search += *search == ':';
	}
	if (*program)
		return 0;
	return mig_error_set_errno(err, reason, "cannot run '%s'", name);
}

static int refuse(const char *program, const char *why, struct mig_error **err)
{
	mig_error_set(err, MIG_ERROR_REFUSED, "'%s' %s and would leave the simulated node", program,
		      why);
	return mig_error_hint(err,
			      "start a program without these rights; 'sudo CMD' inside the node "
			      "is the node's own");
}

/* The interpreter of a script; an empty string for everything else. */
static void read_interpreter(const char *program, char interpreter[INTERPRETER_SIZE])
{
	_cleanup_close_ int fd = open(program, O_RDONLY | O_CLOEXEC);
	char line[INTERPRETER_SIZE];
	size_t skip;
	ssize_t got;

	interpreter[0] = '\0';
	got = fd >= 0 ? read(fd, line, sizeof(line) - 1) : -1;
	if (got < 3 || line[0] != '#' || line[1] != '!')
		return;
	line[got] = '\0';
	skip = 2 + strspn(line + 2, " \t");
	line[skip + strcspn(line + skip, " \t\n")] = '\0';
	memcpy(interpreter, line + skip, strlen(line + skip) + 1);
}

/* Refuses what would run with other rights than ours: also as the interpreter of a script. */
static int check_rights(const char *program, struct mig_error **err)
{
	char current[PATH_MAX];
	char next[INTERPRETER_SIZE];

	if (strlen(program) >= sizeof(current))
		return mig_error_set_errno(err, ENAMETOOLONG, "cannot run '%s'", program);
	memcpy(current, program, strlen(program) + 1);
	for (unsigned int depth = 0; depth <= INTERPRETERS_MAX; depth++) {
		struct stat st;

		if (stat(current, &st))
			return mig_error_set_errno(err, errno, "cannot run '%s'", current);
		if (st.st_mode & S_ISUID)
			return refuse(current, "is setuid", err);
		if ((st.st_mode & S_ISGID) && (st.st_mode & S_IXGRP))
			return refuse(current, "is setgid", err);
		if (getxattr(current, CAPABILITY_XATTR, NULL, 0) >= 0)
			return refuse(current, "has file capabilities", err);
		read_interpreter(current, next);
		if (next[0] == '\0')
			return 0;
		memcpy(current, next, strlen(next) + 1);
	}
	return mig_error_set_errno(err, ELOOP, "cannot run '%s'", program);
}

/* A text without #! is run by the shell, as shells themselves do. */
static void exec_by_shell(char *program, char *const argv[])
{
	_cleanup_free_ char **args = NULL;
	size_t count = 0;

	while (argv[count])
		count++;
	args = calloc(count + 2, sizeof(*args));
	if (!args)
		return;
	args[0] = (char *)"/bin/sh";
	args[1] = program;
	for (size_t i = 1; i < count; i++)
		args[i + 1] = argv[i];
	execv(args[0], args);
}

/* What goes wrong in there is about the machine and not about CMD, whatever its errno is. */
static int enter_jail(const char *node, const struct places *places, struct mig_error **err)
{
	_cleanup_error_ struct mig_error *failure = NULL;
	_cleanup_free_ char *home = NULL;
	bool has_home = mig_sim_home(&home, NULL) == 0;
	const struct mig_sim_jail jail = {
		.node = node,
		.desc = &places->node,
		.library = places->library_file,
		.libcuda = places->cuda_file,
		.shims = places->shims,
		.migctl = places->program_file,
		.home = has_home ? home : NULL,
	};

	if (mig_sim_jail_enter(&jail, &failure) == 0)
		return 0;
	mig_error_set(err, MIG_ERROR_REFUSED, "%s", mig_error_message(failure));
	if (mig_error_hint_text(failure))
		mig_error_hint(err, "%s", mig_error_hint_text(failure));
	return -1;
}

int mig_sim_node_exec(const char *path, const struct mig_sim_exec_options *options,
		      char *const argv[], struct mig_error **err)
{
	_cleanup_(environment_clear) struct environment environment = {{NULL}};
	_cleanup_(places_clear) struct places places = {.libraries = NULL};
	_cleanup_free_ char *program = NULL;

	if (make_environment(path, options, &places, &environment, err))
		return -1;
	if (options->jail && enter_jail(path, &places, err))
		return -1;
	/* Along the PATH and by the files that CMD will see. */
	if (find_program(argv[0], environment.values[VARIABLE_PATH], &program, err) ||
	    check_rights(program, err))
		return -1;
	if (set_environment(&environment, options->unprivileged, err))
		return -1;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return mig_error_set_errno(err, errno, "cannot give up gaining privileges");
	execv(program, argv);
	if (errno == ENOEXEC)
		exec_by_shell(program, argv);
	return mig_error_set_errno(err, errno, "cannot run '%s'", argv[0]);
}
