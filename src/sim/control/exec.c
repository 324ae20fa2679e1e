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

#define CAPABILITY_XATTR    "security.capability"
#define INTERPRETERS_MAX    4	/* a script whose interpreter is a script …; the kernel's limit */
#define INTERPRETER_SIZE    256 /* the kernel reads no more of a #! line */
#define ENVIRONMENT_MAX	    ((size_t)1 << 20)
#define DEFAULT_PATH	    "/usr/local/bin:/usr/bin:/bin"
#define LIBRARY_FILE	    "libnvidia-ml.so.1"
#define INSTALLED_LIBRARIES "../lib/migctl/driver"
#define INSTALLED_SHIMS	    "../libexec/migctl/sim"
#define BUILT_LIBRARIES	    "src/sim"
#define BUILT_SHIMS	    "src/sim/shims"

enum variable {
	VARIABLE_NODE,
	VARIABLE_HOST_ROOT,
	VARIABLE_LIBRARY_PATH,
	VARIABLE_PATH,
	VARIABLE_COUNT,
};

static const char *const variable_names[VARIABLE_COUNT] = {
	[VARIABLE_NODE] = MIG_SIM_NODE_ENV,
	[VARIABLE_HOST_ROOT] = MIG_HOST_ROOT_ENV,
	[VARIABLE_LIBRARY_PATH] = "LD_LIBRARY_PATH",
	[VARIABLE_PATH] = "PATH",
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

/* Shims first; migctl itself must be found too, so its directory follows if PATH has it not. */
static char *make_path(const char *shims, const char *exe_dir)
{
	const char *old = getenv("PATH");
	_cleanup_free_ char *with_exe = NULL;

	if (!old || !*old)
		old = DEFAULT_PATH;
	if (is_on_path(old, exe_dir))
		return prepend(shims, old);
	with_exe = prepend(exe_dir, old);
	return with_exe ? prepend(shims, with_exe) : NULL;
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

static int make_environment(const char *node, const struct mig_sim_exec_options *options,
			    struct environment *out, struct mig_error **err)
{
	_cleanup_free_ char *library = NULL;
	_cleanup_free_ char *shims = NULL;
	struct mig_sim_store store;
	unsigned int branch;
	struct stat st;

	if (mig_sim_node_open(node, &store, err))
		return -1;
	branch = store.node->branch;
	mig_sim_store_close(&store);
	if (find_library(options->exe_dir, branch, &library, err) ||
	    find_shims(options->exe_dir, &shims, err) ||
	    check_directory(variable_names[VARIABLE_LIBRARY_PATH], library, ":;$", err) ||
	    check_directory(variable_names[VARIABLE_PATH], shims, ":", err) ||
	    check_directory(variable_names[VARIABLE_PATH], options->exe_dir, ":", err))
		return -1;
	out->values[VARIABLE_NODE] = strdup(node);
	out->values[VARIABLE_HOST_ROOT] = mig_path_join(node, "root");
	out->values[VARIABLE_LIBRARY_PATH] = prepend(library, getenv("LD_LIBRARY_PATH"));
	out->values[VARIABLE_PATH] = make_path(shims, options->exe_dir);
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

	if (make_environment(path, options, &environment, err))
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

int mig_sim_node_exec(const char *path, const struct mig_sim_exec_options *options,
		      char *const argv[], struct mig_error **err)
{
	_cleanup_(environment_clear) struct environment environment = {{NULL}};
	_cleanup_free_ char *program = NULL;

	if (make_environment(path, options, &environment, err))
		return -1;
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
