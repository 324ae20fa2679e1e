/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that root obeys: which are opened, which are refused, and what is said.
 */
#include "shared/trusted.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/harness/test.h"

static const char *write_file(const char *name, const char *text, mode_t mode)
{
	const char *path = mig_test_path(name);
	FILE *file = fopen(path, "we");

	MIG_ASSERT(file != NULL);
	MIG_ASSERT(fputs(text, file) >= 0);
	MIG_ASSERT_INT_EQ(fclose(file), 0);
	MIG_ASSERT_INT_EQ(chmod(path, mode), 0);
	return path;
}

/* The text, with the path for '@'. */
static void check_text(const char *got, const char *want, const char *path)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(8192);
	const char *mark = strchr(want, '@');

	if (mark == NULL)
		mark = want + strlen(want);
	mig_buf_printf(&text, "%.*s", (int)(mark - want), want);
	if (*mark == '@')
		mig_buf_printf(&text, "%s%s", path, mark + 1);
	MIG_ASSERT_STR_EQ(got, mig_buf_text(&text));
}

/* The message and the hint have the path at '@'; hint NULL: has none. */
static void refused(const char *path, int exit_status, const char *message, const char *hint)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(4096);
	struct mig_error *err = NULL;

	mig_buf_puts(&text, "before");
	MIG_ASSERT_INT_EQ(mig_trusted_read(path, &text, &err), -1);
	MIG_ASSERT_STR_EQ(mig_buf_text(&text), "before");
	check_text(mig_error_message(err), message, path);
	MIG_ASSERT_INT_EQ(mig_error_exit_status(err), exit_status);
	if (hint == NULL)
		MIG_ASSERT_STR_EQ(mig_error_hint_text(err), NULL);
	else
		check_text(mig_error_hint_text(err), hint, path);
	mig_error_free(err);
}

MIG_TEST(trusted_reads_a_file_of_ones_own)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(4096);
	struct mig_error *err = NULL;

	mig_buf_puts(&text, "<");
	MIG_ASSERT_INT_EQ(mig_trusted_read(write_file("a", "hooks\n", 0644), &text, &err), 0);
	MIG_ASSERT_INT_EQ(mig_trusted_read(write_file("b", "", 0600), &text, &err), 0);
	MIG_ASSERT_STR_EQ(mig_buf_text(&text), "<hooks\n");
	MIG_ASSERT(err == NULL);
}

MIG_TEST(trusted_tells_a_missing_file_from_others)
{
	struct mig_error *err = NULL;

	MIG_ASSERT_INT_EQ(mig_trusted_open(mig_test_path("none"), O_RDONLY, &err), -1);
	MIG_ASSERT_INT_EQ(mig_error_errno(err), ENOENT);
	MIG_ASSERT_CONTAINS(mig_error_message(err), "none': No such file or directory");
	mig_error_free(err);
}

MIG_TEST(trusted_refuses_what_others_can_write)
{
	refused(write_file("open", "x", 0666), MIG_EXIT_NO_PERMISSION,
		"others may write to '@' (mode 0666)", "chmod go-w '@'");
	refused(write_file("open", "x", 0602), MIG_EXIT_NO_PERMISSION,
		"others may write to '@' (mode 0602)", "chmod go-w '@'");
}

MIG_TEST(trusted_refuses_a_group_of_others_for_root)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(4096);
	const char *path = write_file("group", "x", 0660);

	if (geteuid() != 0)
		MIG_SKIP("only root can give a file another group");
	MIG_ASSERT_INT_EQ(mig_trusted_read(path, &text, NULL), 0);
	MIG_ASSERT_INT_EQ(chown(path, 0, 12345), 0);
	refused(path, MIG_EXIT_NO_PERMISSION, "others may write to '@' (mode 0660)",
		"chmod go-w '@'");
}

MIG_TEST(trusted_refuses_a_file_of_somebody_else)
{
	struct stat st = {.st_mode = S_IFREG | 0600, .st_uid = geteuid() + 1};
	struct mig_error *err = NULL;
	char want[128];

	snprintf(want, sizeof(want), "'f' belongs to neither root nor you (user id %u)",
		 (unsigned int)st.st_uid);
	MIG_ASSERT_INT_EQ(mig_trusted_check("f", &st, &err), -1);
	MIG_ASSERT_STR_EQ(mig_error_message(err), want);
	MIG_ASSERT_STR_EQ(mig_error_hint_text(err), geteuid() == 0
							    ? "look at what it says, then: chown "
							      "root 'f'"
							    : "make a copy of your own");
	mig_error_free(err);
	st.st_uid = 0;
	MIG_ASSERT_INT_EQ(mig_trusted_check("f", &st, NULL), 0);
	st.st_uid = geteuid();
	MIG_ASSERT_INT_EQ(mig_trusted_check("f", &st, NULL), 0);
}

MIG_TEST(trusted_follows_no_link_and_waits_for_no_fifo)
{
	const char *link = mig_test_path("link");
	const char *fifo = mig_test_path("fifo");

	MIG_ASSERT_INT_EQ(symlink(write_file("file", "x", 0600), link), 0);
	refused(link, MIG_EXIT_NO_PERMISSION,
		"'@' is a symbolic link, and what root may come to obey is opened without "
		"following one",
		"name the file itself, or put it in the link's place");
	MIG_ASSERT_INT_EQ(mkfifo(fifo, 0600), 0);
	refused(fifo, MIG_EXIT_REFUSED, "'@' is not a regular file", NULL);
	refused(mig_test_tmpdir(), MIG_EXIT_REFUSED, "'@' is not a regular file", NULL);
}

MIG_TEST(trusted_names_the_limit)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(4);
	struct mig_error *err = NULL;

	MIG_ASSERT_INT_EQ(mig_trusted_read(write_file("long", "12345", 0600), &text, &err), -1);
	MIG_ASSERT_CONTAINS(mig_error_message(err), "larger than the limit of 4 bytes");
	mig_error_free(err);
}

MIG_TEST(trusted_makes_a_file_for_its_owner_only)
{
	const char *path = mig_test_path("new");
	int fd = mig_trusted_open(path, O_WRONLY | O_CREAT | O_EXCL, NULL);
	struct mig_error *err = NULL;
	struct stat st;

	MIG_ASSERT(fd >= 0);
	MIG_ASSERT_INT_EQ(fstat(fd, &st), 0);
	MIG_ASSERT_UINT_EQ(st.st_mode & 07777, 0600);
	MIG_ASSERT_INT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
	MIG_ASSERT_INT_EQ(mig_trusted_open(path, O_WRONLY | O_CREAT | O_EXCL, &err), -1);
	MIG_ASSERT_INT_EQ(mig_error_errno(err), EEXIST);
	mig_error_free(err);
}

MIG_TEST(trusted_empties_only_what_it_accepts)
{
	const char *path = write_file("old", "text", 0666);
	struct stat st;
	int fd;

	MIG_ASSERT_INT_EQ(mig_trusted_open(path, O_WRONLY | O_TRUNC, NULL), -1);
	MIG_ASSERT_INT_EQ(stat(path, &st), 0);
	MIG_ASSERT_INT_EQ(st.st_size, 4);
	MIG_ASSERT_INT_EQ(chmod(path, 0600), 0);
	fd = mig_trusted_open(path, O_WRONLY | O_TRUNC, NULL);
	MIG_ASSERT(fd >= 0);
	MIG_ASSERT_INT_EQ(fstat(fd, &st), 0);
	MIG_ASSERT_INT_EQ(st.st_size, 0);
	close(fd);
}
