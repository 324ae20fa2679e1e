/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests that end in every way a test can end: what tests/unit/test_harness.py
 * runs to see that the harness says so. Not part of the test run itself.
 */
#include "tests/harness/test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

MIG_TEST(passes)
{
	int fd = open(mig_test_path("file"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	MIG_ASSERT(fd >= 0);
	MIG_ASSERT_INT_EQ(mkdir(mig_test_path("closed"), 0500), 0);
	MIG_ASSERT_STR_EQ("same", "same");
	MIG_ASSERT_STR_EQ(NULL, NULL);
	MIG_ASSERT_CONTAINS("haystack", "st");
	MIG_ASSERT_MEM_EQ("abc", "abd", 2);
	MIG_ASSERT_UINT_EQ(UINT64_MAX, UINT64_MAX);
	puts("not ok 1 this is no TAP");
	close(fd);
}

MIG_TEST(says_where)
{
	/* The caller removes what is named here, should the harness not have. */
	puts(mig_test_tmpdir());
	MIG_ASSERT_CONTAINS(getenv("MIGSIM_HOME"), mig_test_tmpdir());
	MIG_ASSERT(!getenv("MIGSIM_NODE"));
	MIG_FAIL("to show the output");
}

MIG_TEST(strings_differ)
{
	MIG_ASSERT_STR_EQ("first\nal\"pha", "first\nalps");
}

MIG_TEST(string_is_null)
{
	const char *nothing = NULL;

	MIG_ASSERT_STR_EQ(nothing, "something");
}

MIG_TEST(numbers_differ)
{
	MIG_ASSERT_INT_EQ(-1, 1);
}

MIG_TEST(bytes_differ)
{
	MIG_ASSERT_MEM_EQ("abc", "abd", 3);
}

MIG_TEST(part_is_missing)
{
	MIG_ASSERT_CONTAINS("haystack", "needle");
}

MIG_TEST(is_killed)
{
	raise(SIGABRT);
}

MIG_TEST(never_ends)
{
	for (;;)
		pause();
}

MIG_TEST(exits)
{
	exit(3);
}

MIG_TEST(skips)
{
	MIG_SKIP("no #9 here\ntoday");
}

MIG_TEST(child_asserts)
{
	pid_t pid = fork();

	if (pid == 0)
		MIG_ASSERT_INT_EQ(1, 2);
	waitpid(pid, NULL, 0); /* and does not look at how it ended */
}
