/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unit tests of files: what is written, what is left behind, and what is said when it fails.
 * A full disk is played by RLIMIT_FSIZE: writes come back short, then fail.
 */
#include "shared/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness/test.h"

#define FSIZE_LIMIT 4096

static void make_file(const char *path, const char *content)
{
	FILE *file = fopen(path, "we");

	MIG_ASSERT(file);
	MIG_ASSERT(fputs(content, file) >= 0);
	MIG_ASSERT_INT_EQ(fclose(file), 0);
}

static void assert_content(const char *path, const char *want)
{
	_cleanup_buf_ struct mig_buf buf = MIG_BUF_INIT(1000000);

	MIG_ASSERT_INT_EQ(mig_file_read(path, &buf, NULL), 0);
	MIG_ASSERT_STR_EQ(mig_buf_text(&buf), want);
}

static bool exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

static unsigned int count_entries(const char *path)
{
	unsigned int count = 0;
	DIR *dir = opendir(path);

	MIG_ASSERT(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count - 2;
}

static unsigned int count_open_descriptors(void)
{
	return count_entries("/proc/self/fd");
}

/* Checks the error, whose message is BEFORE PATH AFTER, and forgets it. */
static void assert_error(struct mig_error **err, enum mig_error_code code, const char *before,
			 const char *path, const char *after)
{
	_cleanup_free_ char *want = NULL;

	MIG_ASSERT(asprintf(&want, "%s%s%s", before, path, after) > 0);
	MIG_ASSERT_STR_EQ(mig_error_message(*err), want);
	MIG_ASSERT_INT_EQ(mig_error_code(*err), code);
	mig_error_free(*err);
	*err = NULL;
}

MIG_TEST(file_read_appends)
{
	_cleanup_buf_ struct mig_buf buf = MIG_BUF_INIT(100);
	const char *path = mig_test_path("f");
	unsigned int descriptors = count_open_descriptors();

	make_file(path, "content\n");
	MIG_ASSERT_INT_EQ(mig_buf_puts(&buf, "before "), 0);
	MIG_ASSERT_INT_EQ(mig_file_read(path, &buf, NULL), 0);
	MIG_ASSERT_STR_EQ(mig_buf_text(&buf), "before content\n");
	MIG_ASSERT_UINT_EQ(count_open_descriptors(), descriptors);
}

MIG_TEST(file_read_limit_is_exact)
{
	const char *path = mig_test_path("f");
	struct mig_error *err = NULL;

	make_file(path, "0123456789");
	for (size_t max = 11; max <= 13; max++) {
		_cleanup_buf_ struct mig_buf buf = MIG_BUF_INIT(max);
		int ret;

		MIG_ASSERT_INT_EQ(mig_buf_puts(&buf, "ab"), 0);
		ret = mig_file_read(path, &buf, &err);
		if (max == 11) {
			MIG_ASSERT_INT_EQ(ret, -1);
			assert_error(&err, MIG_ERROR_IO, "cannot read '", path,
				     "': larger than the limit of 9 bytes");
			MIG_ASSERT_STR_EQ(mig_buf_text(&buf), "ab");
		} else {
			MIG_ASSERT_INT_EQ(ret, 0);
			MIG_ASSERT_STR_EQ(mig_buf_text(&buf), "ab0123456789");
		}
	}
}

MIG_TEST(file_read_ends_where_an_endless_file_does_not)
{
	_cleanup_buf_ struct mig_buf buf = MIG_BUF_INIT(100000);
	struct mig_error *err = NULL;

	MIG_ASSERT_INT_EQ(mig_buf_puts(&buf, "kept"), 0);
	MIG_ASSERT_INT_EQ(mig_file_read("/dev/zero", &buf, &err), -1);
	assert_error(&err, MIG_ERROR_IO, "cannot read '", "/dev/zero",
		     "': larger than the limit of 99996 bytes");
	MIG_ASSERT_STR_EQ(mig_buf_text(&buf), "kept");
	MIG_ASSERT_UINT_EQ(buf.len, 4);
}

MIG_TEST(file_read_failures)
{
	_cleanup_buf_ struct mig_buf buf = MIG_BUF_INIT(100);
	const char *missing = mig_test_path("missing");
	struct mig_error *err = NULL;

	MIG_ASSERT_INT_EQ(mig_file_read(missing, &buf, &err), -1);
	MIG_ASSERT_INT_EQ(mig_error_errno(err), ENOENT);
	assert_error(&err, MIG_ERROR_IO, "cannot open '", missing, "': No such file or directory");

	MIG_ASSERT_INT_EQ(mig_file_read(mig_test_tmpdir(), &buf, &err), -1);
	MIG_ASSERT_INT_EQ(mig_error_errno(err), EISDIR);
	assert_error(&err, MIG_ERROR_IO, "cannot read '", mig_test_tmpdir(), "': Is a directory");
}

/* A pipe gives its content in pieces. */
static void use_as_stdin(const char *content)
{
	int ends[2];

	MIG_ASSERT_INT_EQ(pipe2(ends, O_CLOEXEC), 0);
	MIG_ASSERT_INT_EQ(mig_write_all(ends[1], content, strlen(content)), 0);
	MIG_ASSERT_INT_EQ(close(ends[1]), 0);
	MIG_ASSERT_INT_EQ(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
	MIG_ASSERT_INT_EQ(close(ends[0]), 0);
}

MIG_TEST(file_read_standard_input)
{
	_cleanup_buf_ struct mig_buf buf = MIG_BUF_INIT(5);
	struct mig_error *err = NULL;

	use_as_stdin("piped");
	MIG_ASSERT_INT_EQ(mig_file_read("-", &buf, &err), 0);
	MIG_ASSERT_STR_EQ(mig_buf_text(&buf), "piped");
	/* It stays open. */
	MIG_ASSERT(fcntl(STDIN_FILENO, F_GETFD) >= 0);

	mig_buf_reset(&buf);
	use_as_stdin("piped6");
	MIG_ASSERT_INT_EQ(mig_file_read("-", &buf, &err), -1);
	assert_error(&err, MIG_ERROR_IO, "cannot read ", "standard input",
		     ": larger than the limit of 5 bytes");
}

MIG_TEST(file_write_durable_makes_and_replaces)
{
	const char *path = mig_test_path("f");
	unsigned int descriptors = count_open_descriptors();
	struct stat st;

	/* The mode is what was asked for, whatever the umask says. */
	umask(077);
	MIG_ASSERT_INT_EQ(mig_file_write_durable(path, "one", 3, 0644, NULL), 0);
	assert_content(path, "one");
	MIG_ASSERT_INT_EQ(stat(path, &st), 0);
	MIG_ASSERT_UINT_EQ(st.st_mode & 07777, 0644);

	MIG_ASSERT_INT_EQ(mig_file_write_durable(path, "", 0, 0600, NULL), 0);
	assert_content(path, "");
	MIG_ASSERT_INT_EQ(stat(path, &st), 0);
	MIG_ASSERT_UINT_EQ(st.st_mode & 07777, 0600);

	MIG_ASSERT_UINT_EQ(count_entries(mig_test_tmpdir()), 1);
	MIG_ASSERT_UINT_EQ(count_open_descriptors(), descriptors);
}

MIG_TEST(file_write_durable_relative_and_longest_name)
{
	char name[256];

	memset(name, 'n', 255);
	name[255] = '\0';
	MIG_ASSERT_INT_EQ(chdir(mig_test_tmpdir()), 0);
	MIG_ASSERT_INT_EQ(mig_file_write_durable(name, "x", 1, 0600, NULL), 0);
	assert_content(name, "x");
	MIG_ASSERT_UINT_EQ(count_entries("."), 1);
}

/* From here on files of this process end at FSIZE_LIMIT. */
static void limit_file_size(void)
{
	const struct rlimit limit = {FSIZE_LIMIT, FSIZE_LIMIT};

	MIG_ASSERT(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	MIG_ASSERT_INT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

MIG_TEST(file_write_durable_on_a_full_disk_keeps_the_old_file)
{
	static char bytes[2 * FSIZE_LIMIT];
	const char *path = mig_test_path("f");
	unsigned int descriptors = count_open_descriptors();
	struct mig_error *err = NULL;

	make_file(path, "old");
	limit_file_size();
	MIG_ASSERT_INT_EQ(mig_file_write_durable(path, bytes, sizeof(bytes), 0600, &err), -1);
	assert_error(&err, MIG_ERROR_IO, "cannot write '", path, "': File too large");
	assert_content(path, "old");
	MIG_ASSERT_UINT_EQ(count_entries(mig_test_tmpdir()), 1);
	MIG_ASSERT_UINT_EQ(count_open_descriptors(), descriptors);
}

MIG_TEST(file_write_durable_failures_leave_nothing)
{
	_cleanup_free_ char *want = NULL;
	const char *file = mig_test_path("f");
	const char *below_file = mig_test_path("f/g");
	const char *dir = mig_test_path("d");
	struct mig_error *err = NULL;

	make_file(file, "old");
	MIG_ASSERT_INT_EQ(mkdir(dir, 0700), 0);

	MIG_ASSERT_INT_EQ(mig_file_write_durable(below_file, "x", 1, 0600, &err), -1);
	MIG_ASSERT(asprintf(&want,
			    "cannot write '%s': cannot open directory '%s': "
			    "Not a directory",
			    below_file, file) > 0);
	assert_error(&err, MIG_ERROR_IO, want, "", "");

	MIG_ASSERT_INT_EQ(mig_file_write_durable(mig_test_path("no/g"), "x", 1, 0600, &err), -1);
	MIG_ASSERT_INT_EQ(mig_error_errno(err), ENOENT);
	mig_error_free(err);
	err = NULL;

	/* Fails only at the rename. */
	MIG_ASSERT_INT_EQ(mig_file_write_durable(dir, "x", 1, 0600, &err), -1);
	assert_error(&err, MIG_ERROR_IO, "cannot write '", dir, "': Is a directory");

	assert_content(file, "old");
	MIG_ASSERT_UINT_EQ(count_entries(dir), 0);
	MIG_ASSERT_UINT_EQ(count_entries(mig_test_tmpdir()), 2);
}

MIG_TEST(write_all_through_a_small_pipe)
{
	enum { SIZE = 1000000 };
	static unsigned char sent[SIZE];
	int ends[2], status;
	pid_t child;

	for (size_t i = 0; i < SIZE; i++)
		sent[i] = (unsigned char)(i % 251);
	MIG_ASSERT_INT_EQ(pipe2(ends, O_CLOEXEC), 0);
	child = fork();
	MIG_ASSERT(child >= 0);
	if (child == 0) {
		close(ends[0]);
		_exit(mig_write_all(ends[1], sent, SIZE) ? 1 : 0);
	}
	close(ends[1]);
	for (size_t at = 0; at < SIZE;) {
		unsigned char got[1000];
		ssize_t len = read(ends[0], got, sizeof(got));

		MIG_ASSERT(len > 0);
		MIG_ASSERT_MEM_EQ(got, sent + at, (size_t)len);
		at += (size_t)len;
	}
	MIG_ASSERT_INT_EQ(waitpid(child, &status, 0), child);
	MIG_ASSERT_INT_EQ(status, 0);
}

MIG_TEST(write_all_says_what_stopped_it)
{
	static const char bytes[2 * FSIZE_LIMIT];
	const char *path = mig_test_path("f");
	struct stat st;
	int fd;

	limit_file_size();
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	MIG_ASSERT(fd >= 0);
	MIG_ASSERT_INT_EQ(mig_write_all(fd, bytes, sizeof(bytes)), -1);
	MIG_ASSERT_INT_EQ(errno, EFBIG);
	/* The short write before the failure was continued. */
	MIG_ASSERT_INT_EQ(fstat(fd, &st), 0);
	MIG_ASSERT_INT_EQ(st.st_size, FSIZE_LIMIT);
	close(fd);

	errno = 0;
	MIG_ASSERT_INT_EQ(mig_write_all(-1, "x", 1), -1);
	MIG_ASSERT_INT_EQ(errno, EBADF);
	MIG_ASSERT_INT_EQ(mig_write_all(-1, "", 0), 0);
}

MIG_TEST(mkdir_parents_makes_all_with_the_mode)
{
	static const char *const made[] = {"a", "a/b", "a/b/c"};
	const char *path = mig_test_path("a//b/c/");

	umask(022);
	MIG_ASSERT_INT_EQ(mig_mkdir_parents(path, 0750, NULL), 0);
	for (size_t i = 0; i < MIG_ARRAY_SIZE(made); i++) {
		struct stat st;

		MIG_ASSERT_INT_EQ(stat(mig_test_path(made[i]), &st), 0);
		MIG_ASSERT(S_ISDIR(st.st_mode));
		MIG_ASSERT_UINT_EQ(st.st_mode & 07777, 0750);
	}
	MIG_ASSERT_INT_EQ(mig_mkdir_parents(path, 0700, NULL), 0);
	MIG_ASSERT_INT_EQ(mig_mkdir_parents("/", 0700, NULL), 0);

	MIG_ASSERT_INT_EQ(chdir(mig_test_tmpdir()), 0);
	MIG_ASSERT_INT_EQ(mig_mkdir_parents("r/s", 0700, NULL), 0);
	MIG_ASSERT(exists(mig_test_path("r/s")));
}

MIG_TEST(mkdir_parents_goes_through_links_to_directories)
{
	MIG_ASSERT_INT_EQ(mkdir(mig_test_path("real"), 0700), 0);
	MIG_ASSERT_INT_EQ(symlink("real", mig_test_path("link")), 0);
	MIG_ASSERT_INT_EQ(mig_mkdir_parents(mig_test_path("link/x"), 0700, NULL), 0);
	MIG_ASSERT(exists(mig_test_path("real/x")));
}

MIG_TEST(mkdir_parents_failures)
{
	const char *file = mig_test_path("f");
	struct mig_error *err = NULL;

	make_file(file, "x");
	MIG_ASSERT_INT_EQ(mig_mkdir_parents(file, 0700, &err), -1);
	assert_error(&err, MIG_ERROR_IO, "cannot make directory '", file, "': Not a directory");
	MIG_ASSERT_INT_EQ(mig_mkdir_parents(mig_test_path("f/a/b"), 0700, &err), -1);
	/* The first that fails is named. */
	assert_error(&err, MIG_ERROR_IO, "cannot make directory '", file, "': Not a directory");
	MIG_ASSERT_INT_EQ(mig_mkdir_parents("", 0700, &err), -1);
	assert_error(&err, MIG_ERROR_IO, "cannot make directory ''", "",
		     ": No such file or directory");
}

MIG_TEST(remove_tree_removes_all_kinds)
{
	const char *top = mig_test_path("top");
	unsigned int descriptors = count_open_descriptors();

	MIG_ASSERT_INT_EQ(mig_mkdir_parents(mig_test_path("top/a/b"), 0700, NULL), 0);
	MIG_ASSERT_INT_EQ(mig_mkdir_parents(mig_test_path("top/empty"), 0700, NULL), 0);
	make_file(mig_test_path("top/f"), "x");
	make_file(mig_test_path("top/a/.hidden"), "x");
	MIG_ASSERT_INT_EQ(mkfifo(mig_test_path("top/a/b/fifo"), 0600), 0);
	MIG_ASSERT_INT_EQ(symlink("/does/not/exist", mig_test_path("top/a/dangling")), 0);
	MIG_ASSERT_INT_EQ(symlink("..", mig_test_path("top/a/up")), 0);
	make_file(mig_test_path("beside"), "kept");

	MIG_ASSERT_INT_EQ(mig_remove_tree(top, NULL), 0);
	MIG_ASSERT(!exists(top));
	assert_content(mig_test_path("beside"), "kept");
	MIG_ASSERT_UINT_EQ(count_open_descriptors(), descriptors);
}

MIG_TEST(remove_tree_relative_and_with_trailing_slashes)
{
	MIG_ASSERT_INT_EQ(chdir(mig_test_tmpdir()), 0);
	MIG_ASSERT_INT_EQ(mig_mkdir_parents("a/b", 0700, NULL), 0);
	MIG_ASSERT_INT_EQ(mig_remove_tree("a/b//", NULL), 0);
	MIG_ASSERT(exists("a"));
	MIG_ASSERT(!exists("a/b"));
	MIG_ASSERT_INT_EQ(mig_remove_tree("a", NULL), 0);
	MIG_ASSERT(!exists("a"));
}

MIG_TEST(remove_tree_does_not_follow_links)
{
	static const char *const as_top[] = {"link", "link/", "link//"};
	struct mig_error *err = NULL;

	MIG_ASSERT_INT_EQ(mkdir(mig_test_path("outside"), 0700), 0);
	make_file(mig_test_path("outside/f"), "kept");
	MIG_ASSERT_INT_EQ(mkdir(mig_test_path("top"), 0700), 0);
	MIG_ASSERT_INT_EQ(symlink(mig_test_path("outside"), mig_test_path("top/link")), 0);
	MIG_ASSERT_INT_EQ(symlink("outside", mig_test_path("link")), 0);

	MIG_ASSERT_INT_EQ(mig_remove_tree(mig_test_path("top"), NULL), 0);
	MIG_ASSERT(!exists(mig_test_path("top")));
	for (size_t i = 0; i < MIG_ARRAY_SIZE(as_top); i++) {
		const char *path = mig_test_path(as_top[i]);

		MIG_ASSERT_INT_EQ(mig_remove_tree(path, &err), -1);
		assert_error(&err, MIG_ERROR_IO, "cannot remove '", path, "': Not a directory");
	}
	MIG_ASSERT(exists(mig_test_path("link")));
	assert_content(mig_test_path("outside/f"), "kept");
}

MIG_TEST(remove_tree_refuses_what_names_no_entry)
{
	static const char *const refused[] = {"",   "/",   "//",   ".",	   "./",
					      "..", "a/.", "a/..", "a/../"};
	struct mig_error *err = NULL;

	MIG_ASSERT_INT_EQ(chdir(mig_test_tmpdir()), 0);
	MIG_ASSERT_INT_EQ(mig_mkdir_parents("a/b", 0700, NULL), 0);
	for (size_t i = 0; i < MIG_ARRAY_SIZE(refused); i++) {
		MIG_ASSERT_INT_EQ(mig_remove_tree(refused[i], &err), -1);
		assert_error(&err, MIG_ERROR_REFUSED, "cannot remove '", refused[i],
			     "': it does not name an entry of a directory");
	}
	MIG_ASSERT(exists("a/b"));
}

MIG_TEST(remove_tree_of_what_is_no_directory)
{
	const char *file = mig_test_path("f");
	const char *missing = mig_test_path("missing");
	struct mig_error *err = NULL;

	make_file(file, "kept");
	MIG_ASSERT_INT_EQ(mig_remove_tree(file, &err), -1);
	assert_error(&err, MIG_ERROR_IO, "cannot remove '", file, "': Not a directory");
	assert_content(file, "kept");
	MIG_ASSERT_INT_EQ(mig_remove_tree(missing, &err), -1);
	assert_error(&err, MIG_ERROR_IO, "cannot remove '", missing,
		     "': No such file or directory");
}

/* Deeper than a path can be long and than descriptors can be open. */
MIG_TEST(remove_tree_of_great_depth)
{
	enum { DEPTH = 3000 };
	const struct rlimit few = {20, 20};
	struct mig_error *err = NULL;
	int fd = open(mig_test_tmpdir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	MIG_ASSERT(fd >= 0);
	for (int i = 0; i < DEPTH; i++) {
		int next;

		MIG_ASSERT_INT_EQ(mkdirat(fd, "down", 0700), 0);
		MIG_ASSERT_INT_EQ(mkdirat(fd, "side", 0700), 0);
		next = openat(fd, "down", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		MIG_ASSERT(next >= 0);
		close(fd);
		fd = next;
	}
	close(fd);
	MIG_ASSERT_INT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
	MIG_ASSERT_MSG(mig_remove_tree(mig_test_path("down"), &err) == 0, "%s",
		       mig_error_message(err));
	MIG_ASSERT(!exists(mig_test_path("down")));
	MIG_ASSERT(exists(mig_test_path("side")));
}

MIG_TEST(remove_tree_with_many_entries)
{
	const char *top = mig_test_path("top");

	MIG_ASSERT_INT_EQ(mkdir(top, 0700), 0);
	MIG_ASSERT_INT_EQ(chdir(top), 0);
	for (int i = 0; i < 3000; i++) {
		char name[32];

		snprintf(name, sizeof(name), "entry-%d", i);
		if (i % 3 == 0)
			MIG_ASSERT_INT_EQ(mkdir(name, 0700), 0);
		else
			make_file(name, "");
	}
	MIG_ASSERT_INT_EQ(mig_remove_tree(top, NULL), 0);
	MIG_ASSERT(!exists(top));
}

/* Maps one id to itself in the user namespace just made; unmapped users can make no files. */
static void map_id(const char *map_path, unsigned int id)
{
	_cleanup_free_ char *map = mig_asprintf("%u %u 1", id, id);
	_cleanup_close_ int fd = open(map_path, O_WRONLY | O_CLOEXEC);

	MIG_ASSERT(map && fd >= 0);
	MIG_ASSERT_INT_EQ(mig_write_all(fd, map, strlen(map)), 0);
}

/* A mount namespace of this process alone, by right or by a user namespace. */
static void enter_mount_namespace(void)
{
	unsigned int uid = geteuid(), gid = getegid();

	if (unshare(CLONE_NEWNS)) {
		_cleanup_close_ int fd = -1;

		if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
			MIG_SKIP("no right to make a mount namespace");
		fd = open("/proc/self/setgroups", O_WRONLY | O_CLOEXEC);
		MIG_ASSERT(fd >= 0);
		MIG_ASSERT_INT_EQ(mig_write_all(fd, "deny", 4), 0);
		map_id("/proc/self/uid_map", uid);
		map_id("/proc/self/gid_map", gid);
	}
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		MIG_SKIP("no right to mount");
}

MIG_TEST(remove_tree_stays_on_its_file_system)
{
	const char *outside = mig_test_path("outside");
	const char *bound = mig_test_path("top/bound");
	struct mig_error *err = NULL;

	MIG_ASSERT_INT_EQ(mkdir(outside, 0700), 0);
	make_file(mig_test_path("outside/f"), "kept");
	MIG_ASSERT_INT_EQ(mig_mkdir_parents(bound, 0700, NULL), 0);
	enter_mount_namespace();

	/* The same file system, so device numbers don't tell. */
	MIG_ASSERT_INT_EQ(mount(outside, bound, NULL, MS_BIND, NULL), 0);
	MIG_ASSERT_INT_EQ(mig_remove_tree(mig_test_path("top"), &err), -1);
	assert_error(&err, MIG_ERROR_REFUSED, "cannot remove 'bound' in '", mig_test_path("top"),
		     "': a file system is mounted there");
	assert_content(mig_test_path("outside/f"), "kept");
	MIG_ASSERT_INT_EQ(umount2(bound, MNT_DETACH), 0);

	MIG_ASSERT_INT_EQ(mount("none", bound, "tmpfs", 0, NULL), 0);
	make_file(mig_test_path("top/bound/f"), "kept");
	MIG_ASSERT_INT_EQ(mig_remove_tree(mig_test_path("top"), &err), -1);
	MIG_ASSERT_INT_EQ(mig_error_code(err), MIG_ERROR_REFUSED);
	mig_error_free(err);
	assert_content(mig_test_path("top/bound/f"), "kept");
	MIG_ASSERT_INT_EQ(umount2(bound, MNT_DETACH), 0);
}

MIG_TEST(path_join)
{
	static const struct {
		const char *a, *b, *want;
	} cases[] = {
		{"a", "b", "a/b"},     {"a/", "b", "a/b"}, {"a", "/b", "a/b"},
		{"a//", "//b", "a/b"}, {"/", "b", "/b"},   {"", "/b", "/b"},
		{"", "b", "/b"},       {"a", "", "a/"},	   {"/a/b", "c/d/", "/a/b/c/d/"},
	};

	for (size_t i = 0; i < MIG_ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *got = mig_path_join(cases[i].a, cases[i].b);

		MIG_ASSERT_STR_EQ(got, cases[i].want);
	}
}

MIG_TEST(asprintf_formats)
{
	_cleanup_free_ char *text = mig_asprintf("%s-%d", "a", 7);
	_cleanup_free_ char *empty = mig_asprintf("%s", "");

	MIG_ASSERT_STR_EQ(text, "a-7");
	MIG_ASSERT_STR_EQ(empty, "");
}

/* Makes fd the standard output (-1: none), prints and closes it. */
static int print_and_close(int fd, const char *text, struct mig_error **err)
{
	fflush(stdout);
	if (fd < 0) {
		close(STDOUT_FILENO);
	} else {
		MIG_ASSERT_INT_EQ(dup2(fd, STDOUT_FILENO), STDOUT_FILENO);
		close(fd);
	}
	fputs(text, stdout);
	return mig_close_stdout(err);
}

MIG_TEST(close_stdout_writes_what_was_printed)
{
	const char *path = mig_test_path("f");
	struct mig_error *err = NULL;
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	MIG_ASSERT_INT_EQ(print_and_close(fd, "printed", &err), 0);
	MIG_ASSERT(!err);
	assert_content(path, "printed");
}

MIG_TEST(close_stdout_reports_a_full_disk)
{
	struct mig_error *err = NULL;
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	MIG_ASSERT(fd >= 0);
	MIG_ASSERT_INT_EQ(print_and_close(fd, "lost", &err), -1);
	assert_error(&err, MIG_ERROR_IO, "cannot write to ", "standard output",
		     ": No space left on device");
}

MIG_TEST(close_stdout_reports_an_earlier_failure)
{
	struct mig_error *err = NULL;
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	MIG_ASSERT(full >= 0);
	MIG_ASSERT_INT_EQ(dup2(full, STDOUT_FILENO), STDOUT_FILENO);
	fputs("lost", stdout);
	/* The failed flush is forgotten by everybody but the stream. */
	MIG_ASSERT(fflush(stdout) != 0);
	__fpurge(stdout);
	MIG_ASSERT_INT_EQ(mig_close_stdout(&err), -1);
	MIG_ASSERT_CONTAINS(mig_error_message(err), "cannot write to standard output");
	mig_error_free(err);
	close(full);
}

MIG_TEST(close_stdout_when_there_is_none)
{
	struct mig_error *err = NULL;

	MIG_ASSERT_INT_EQ(print_and_close(-1, "lost", &err), -1);
	assert_error(&err, MIG_ERROR_IO, "cannot write to ", "standard output",
		     ": Bad file descriptor");
}

MIG_TEST(close_stdout_when_there_is_none_and_nothing_was_printed)
{
	struct mig_error *err = NULL;

	MIG_ASSERT_INT_EQ(print_and_close(-1, "", &err), 0);
	MIG_ASSERT(!err);
}
