/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the tests that registered themselves (see test.h) and prints TAP.
 *
 * Parent and test process share one page: that is how a skip's reason and a
 * failure in a grandchild reach the parent. The test's output goes into a
 * memfd, so that nothing a test prints can be taken for TAP. A test process is
 * the leader of its own process group and the group is killed when the test is
 * over, so nothing outlives it. The deadline is the parent's alarm: a test may
 * use alarm() itself.
 */
#include "tests/harness/test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIG_TEST_DEADLINE_S	  120
#define MIG_TEST_OUTPUT_SHOWN	  (64 * 1024)
#define MIG_TEST_EXIT_FAIL	  1
#define MIG_TEST_EXIT_SKIP	  77
#define MIG_TEST_EXIT_NOT_STARTED 99

enum mig_test_result { MIG_TEST_PASS, MIG_TEST_FAIL, MIG_TEST_SKIP };

/* Shared between the harness and every process of the running test. */
struct mig_test_shared {
	bool failed;
	bool skipped;
	char skip_reason[512];
};

static struct mig_test_case *first_test;
static struct mig_test_case **last_test = &first_test;
static struct mig_test_shared *shared;
static char tmpdir[4096];
static volatile sig_atomic_t deadline_passed;
static volatile pid_t running_pid;

void mig_test_register(struct mig_test_case *test)
{
	*last_test = test;
	last_test = &test->next;
}

const char *mig_test_tmpdir(void)
{
	return tmpdir;
}

const char *mig_test_path(const char *name)
{
	char *path = NULL;

	/* Not freed: the process ends with the test. Kept reachable for LeakSanitizer. */
	static char *kept[1024];
	static size_t kept_count;

	if (kept_count == sizeof(kept) / sizeof(kept[0]) ||
	    asprintf(&path, "%s/%s", tmpdir, name) < 0)
		MIG_FAIL("mig_test_path: cannot make another path");
	kept[kept_count++] = path;
	return path;
}

static const char *directory_from_environment(const char *variable)
{
	const char *value = getenv(variable);

	return value && *value ? value : ".";
}

const char *mig_test_source_root(void)
{
	return directory_from_environment("MIG_SOURCE_ROOT");
}

const char *mig_test_build_root(void)
{
	return directory_from_environment("MIG_BUILD_ROOT");
}

/* ------------------------------------------------------------ assertions */

_Noreturn void mig_test_fail(const char *file, int line, const char *format, ...)
{
	va_list args;

	shared->failed = true;
	fflush(stdout);
	fprintf(stderr, "%s:%d: ", file, line);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	fflush(stderr);
	_exit(MIG_TEST_EXIT_FAIL);
}

_Noreturn void mig_test_skip(const char *reason)
{
	snprintf(shared->skip_reason, sizeof(shared->skip_reason), "%s", reason);
	shared->skipped = true;
	fflush(stdout);
	_exit(MIG_TEST_EXIT_SKIP);
}

void mig_test_int_eq(const char *file, int line, const char *what, intmax_t got, intmax_t want)
{
	if (got != want)
		mig_test_fail(file, line, "%s is %jd, wanted %jd", what, got, want);
}

void mig_test_uint_eq(const char *file, int line, const char *what, uintmax_t got, uintmax_t want)
{
	if (got != want)
		mig_test_fail(file, line, "%s is %ju (0x%jx), wanted %ju (0x%jx)", what, got, got,
			      want, want);
}

/* Writes @length bytes of @text as a C string literal to stderr. */
static void print_quoted(const char *label, const char *text, size_t length)
{
	fprintf(stderr, "%s\"", label);
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '"' || c == '\\')
			fprintf(stderr, "\\%c", c);
		else if (c == '\n')
			fputs("\\n", stderr);
		else if (c == '\t')
			fputs("\\t", stderr);
		else if (c < 0x20 || c == 0x7f)
			fprintf(stderr, "\\x%02x", c);
		else
			fputc(c, stderr);
	}
	fputs("\"\n", stderr);
}

void mig_test_str_eq(const char *file, int line, const char *what, const char *got,
		     const char *want)
{
	size_t same = 0, line_start = 0;
	unsigned int line_number = 1;

	if (!got && !want)
		return;
	if (!got)
		mig_test_fail(file, line, "%s is NULL, wanted \"%s\"", what, want);
	if (!want)
		mig_test_fail(file, line, "%s is \"%s\", wanted NULL", what, got);
	while (got[same] && got[same] == want[same]) {
		if (got[same] == '\n') {
			line_number++;
			line_start = same + 1;
		}
		same++;
	}
	if (got[same] == want[same])
		return;
	fflush(stdout);
	print_quoted("  got:    ", got + line_start, strcspn(got + line_start, "\n"));
	print_quoted("  wanted: ", want + line_start, strcspn(want + line_start, "\n"));
	mig_test_fail(file, line, "%s differs at line %u, byte %zu", what, line_number,
		      same - line_start + 1);
}

void mig_test_contains(const char *file, int line, const char *what, const char *text,
		       const char *part)
{
	if (!text)
		mig_test_fail(file, line, "%s is NULL, wanted \"%s\" in it", what, part);
	if (strstr(text, part))
		return;
	fflush(stdout);
	print_quoted("  got:    ", text, strlen(text));
	print_quoted("  wanted: ", part, strlen(part));
	mig_test_fail(file, line, "%s has not got the wanted text in it", what);
}

void mig_test_mem_eq(const char *file, int line, const char *what, const void *got,
		     const void *want, size_t size)
{
	const unsigned char *a = got, *b = want;

	for (size_t i = 0; i < size; i++)
		if (a[i] != b[i])
			mig_test_fail(file, line,
				      "%s differs at byte %zu of %zu: 0x%02x, wanted 0x%02x", what,
				      i, size, a[i], b[i]);
}

/* ---------------------------------------------------------- temporary files */

/* Removes what is in the directory @fd; closes @fd. Goes on past errors. */
static void remove_contents(int fd)
{
	struct dirent *entry;
	DIR *dir;

	fchmod(fd, 0700); /* a test may have made it read-only */
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return;
	}
	while ((entry = readdir(dir))) {
		int child;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (unlinkat(dirfd(dir), entry->d_name, 0) == 0)
			continue;
		fchmodat(dirfd(dir), entry->d_name, 0700, 0);
		child = openat(dirfd(dir), entry->d_name,
			       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (child >= 0)
			remove_contents(child);
		unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR);
	}
	closedir(dir);
}

static int make_tmpdir(void)
{
	const char *base = getenv("TMPDIR");

	if (!base || *base != '/')
		base = "/tmp";
	snprintf(tmpdir, sizeof(tmpdir), "%s/mig-test-XXXXXX", base);
	return mkdtemp(tmpdir) ? 0 : -1;
}

static void remove_tmpdir(void)
{
	int fd = open(tmpdir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0)
		remove_contents(fd);
	if (rmdir(tmpdir) < 0)
		printf("# cannot remove %s: %s\n", tmpdir, strerror(errno));
}

/* ------------------------------------------------------------------ running */

static unsigned int deadline_s(void)
{
	const char *text = getenv("MIG_TEST_TIMEOUT_SCALE");
	char *end = NULL;
	double scale;

	if (!text || !*text)
		return MIG_TEST_DEADLINE_S;
	scale = strtod(text, &end);
	if (*end || !(scale >= 0) || scale > 1000)
		return MIG_TEST_DEADLINE_S;
	if (scale == 0)
		return 0;
	return MIG_TEST_DEADLINE_S * scale < 1 ? 1 : (unsigned int)(MIG_TEST_DEADLINE_S * scale);
}

static void on_alarm(int number)
{
	(void)number;
	deadline_passed = 1;
	kill(-running_pid, SIGKILL);
	kill(running_pid, SIGKILL); /* had it no time to make its group? */
}

/* Prints the end of the captured output as TAP comments. */
static void print_captured(int fd)
{
	off_t end = lseek(fd, 0, SEEK_END);
	off_t at = end > MIG_TEST_OUTPUT_SHOWN ? end - MIG_TEST_OUTPUT_SHOWN : 0;
	bool line_start = true;
	char chunk[4096];
	ssize_t got;

	if (at > 0)
		printf("# (the first %jd bytes of output are left out)\n", (intmax_t)at);
	while ((got = pread(fd, chunk, sizeof(chunk), at)) > 0) {
		for (ssize_t i = 0; i < got; i++) {
			if (line_start)
				fputs("# ", stdout);
			putchar(chunk[i] ? chunk[i] : '?');
			line_start = chunk[i] == '\n';
		}
		at += got;
	}
	if (!line_start)
		putchar('\n');
}

static _Noreturn void run_child(const struct mig_test_case *test, int output)
{
	int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	setenv("MIGSIM_HOME", mig_test_path("migsim"), 1);
	signal(SIGALRM, SIG_DFL);
	setpgid(0, 0);
	if (null_fd < 0 || dup2(null_fd, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
	    dup2(output, STDERR_FILENO) < 0)
		_exit(MIG_TEST_EXIT_NOT_STARTED);
	if (null_fd > STDERR_FILENO)
		close(null_fd);
	close(output);
	test->body();
	/* Not _exit: this is where LeakSanitizer looks. */
	exit(0);
}

/* Says in @why what happened to a test that ended with @status. */
static enum mig_test_result judge(int status, char *why, size_t why_size)
{
	if (deadline_passed) {
		snprintf(why, why_size, "still running after %u s", deadline_s());
		return MIG_TEST_FAIL;
	}
	if (WIFSIGNALED(status)) {
		int number = WTERMSIG(status);
		const char *name = sigabbrev_np(number);

		snprintf(why, why_size, "killed by signal %d (SIG%s, %s)", number,
			 name ? name : "?", strsignal(number));
		return MIG_TEST_FAIL;
	}
	if (shared->failed) {
		snprintf(why, why_size, "assertion failed");
		return MIG_TEST_FAIL;
	}
	if (shared->skipped && WEXITSTATUS(status) == MIG_TEST_EXIT_SKIP) {
		snprintf(why, why_size, "%s", shared->skip_reason);
		return MIG_TEST_SKIP;
	}
	if (WEXITSTATUS(status) != 0) {
		snprintf(why, why_size, "ended with exit status %d", WEXITSTATUS(status));
		return MIG_TEST_FAIL;
	}
	return MIG_TEST_PASS;
}

static enum mig_test_result run_forked(const struct mig_test_case *test, int output, char *why,
				       size_t why_size)
{
	int status = 0;
	pid_t pid;

	memset(shared, 0, sizeof(*shared));
	deadline_passed = 0;
	fflush(NULL);
	pid = fork();
	if (pid < 0) {
		snprintf(why, why_size, "cannot fork: %s", strerror(errno));
		return MIG_TEST_FAIL;
	}
	if (pid == 0)
		run_child(test, output);
	setpgid(pid, pid); /* in both, so that neither has to wait for the other */
	running_pid = pid;
	alarm(deadline_s());
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	alarm(0);
	kill(-pid, SIGKILL); /* whatever it left running */
	return judge(status, why, why_size);
}

static enum mig_test_result run_test(const struct mig_test_case *test, size_t number)
{
	int output = memfd_create(test->name, MFD_CLOEXEC);
	enum mig_test_result result;
	char why[1024] = "";

	if (output < 0 || make_tmpdir() < 0) {
		printf("not ok %zu %s\n# cannot prepare: %s\n", number, test->name,
		       strerror(errno));
		if (output >= 0)
			close(output);
		return MIG_TEST_FAIL;
	}
	/* O_APPEND: the parent's offset and the test's are one. */
	fcntl(output, F_SETFL, O_APPEND);
	result = run_forked(test, output, why, sizeof(why));
	remove_tmpdir();
	if (result == MIG_TEST_PASS) {
		/* Seeds and counts: they are wanted in the log. */
		printf("ok %zu %s\n", number, test->name);
		print_captured(output);
	} else if (result == MIG_TEST_SKIP) {
		for (char *c = why; *c; c++)
			if (*c == '\n' || *c == '#')
				*c = ' ';
		printf("ok %zu %s # SKIP %s\n", number, test->name, why);
	} else {
		printf("not ok %zu %s\n# %s: %s\n", number, test->name, test->name, why);
		print_captured(output);
	}
	fflush(stdout);
	close(output);
	return result;
}

static bool is_wanted(const struct mig_test_case *test, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], test->name) == 0)
			return true;
	return argc <= 1;
}

/* 0 when each name given is a test; else says which is not. */
static int check_names(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const struct mig_test_case *test = first_test;

		while (test && strcmp(test->name, argv[i]) != 0)
			test = test->next;
		if (!test) {
			printf("Bail out! no test \"%s\" here; -l lists them\n", argv[i]);
			return -1;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	size_t planned = 0, number = 0, failed = 0;

	if (argc == 2 && strcmp(argv[1], "-l") == 0) {
		for (const struct mig_test_case *test = first_test; test; test = test->next)
			puts(test->name);
		return 0;
	}
	if (check_names(argc, argv) < 0)
		return 2;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED) {
		printf("Bail out! cannot map shared memory: %s\n", strerror(errno));
		return 2;
	}
	unsetenv("MIGSIM_NODE");
	unsetenv("MIGCTL_HOST_ROOT");
	signal(SIGALRM, on_alarm);
	for (const struct mig_test_case *test = first_test; test; test = test->next)
		planned += is_wanted(test, argc, argv);
	printf("1..%zu\n", planned);
	for (const struct mig_test_case *test = first_test; test; test = test->next)
		if (is_wanted(test, argc, argv))
			failed += run_test(test, ++number) == MIG_TEST_FAIL;
	fflush(stdout);
	return failed ? 1 : 0;
}
