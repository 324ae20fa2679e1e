/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unit tests that register themselves.
 *
 *	#include "tests/harness/test.h"
 *
 *	MIG_TEST(number_rejects_a_sign)
 *	{
 *		MIG_ASSERT_INT_EQ(mig_number_parse("-1", ...), -1);
 *	}
 *
 * There is no main() to write. Each test runs in a process of its own, with its
 * standard output and error captured (shown as TAP comments) and a private
 * directory that is removed afterwards. Results are TAP on stdout.
 *
 *	test_x            runs every test of the program
 *	test_x NAME...    runs the named ones
 *	test_x -l         lists the names
 *
 * MIG_TEST_TIMEOUT_SCALE multiplies the deadline of a test (120 s); 0 means no
 * deadline, for a debugger. A test sees no simulated node of the person who runs
 * it: MIGSIM_NODE and MIGCTL_HOST_ROOT are unset, and MIGSIM_HOME is a folder
 * (not made yet) in the private directory. The harness knows nothing else of the
 * code it tests.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct mig_test_case {
	const char *name;
	void (*body)(void);
	struct mig_test_case *next;
};

/* Called by MIG_TEST only. Tests run in the order in which they registered. */
void mig_test_register(struct mig_test_case *test);

/* Whether the test is built with a sanitizer that brings an allocator of its own (address, thread). */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MIG_TEST_HAS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define MIG_TEST_HAS_SANITIZER 1
#endif
#endif
#ifndef MIG_TEST_HAS_SANITIZER
#define MIG_TEST_HAS_SANITIZER 0
#endif

#define MIG_TEST(test_name)                                                          \
	static void mig_test_body_##test_name(void);                                 \
	static struct mig_test_case mig_test_case_##test_name = {                    \
		.name = #test_name,                                                  \
		.body = mig_test_body_##test_name,                                   \
	};                                                                           \
	__attribute__((constructor)) static void mig_test_register_##test_name(void) \
	{                                                                            \
		mig_test_register(&mig_test_case_##test_name);                       \
	}                                                                            \
	static void mig_test_body_##test_name(void)

/*
 * The private directory of the running test: absolute, empty at the start,
 * removed with all it holds when the test ends (also when it died). The string
 * belongs to the harness.
 */
const char *mig_test_tmpdir(void);

/*
 * @name below mig_test_tmpdir(), as an absolute path. The string belongs to the
 * harness and lives until the test ends; each call returns a new one.
 */
const char *mig_test_path(const char *name);

/* The source and build directories: MIG_SOURCE_ROOT and MIG_BUILD_ROOT, else ".". */
const char *mig_test_source_root(void);
const char *mig_test_build_root(void);

/*
 * Failing ends the calling process at once, whichever thread calls. A process
 * forked by a test may assert as well: the test fails even if it does not look
 * at that child's exit status.
 */
#define MIG_ASSERT(cond)                                                          \
	do {                                                                      \
		if (!(cond))                                                      \
			mig_test_fail(__FILE__, __LINE__, "%s", "false: " #cond); \
	} while (0)

/* As MIG_ASSERT, with a message of one's own. */
#define MIG_ASSERT_MSG(cond, ...)                                       \
	do {                                                            \
		if (!(cond))                                            \
			mig_test_fail(__FILE__, __LINE__, __VA_ARGS__); \
	} while (0)

#define MIG_FAIL(...) mig_test_fail(__FILE__, __LINE__, __VA_ARGS__)

/* Signed and unsigned integers; the value got comes first, the one wanted second. */
#define MIG_ASSERT_INT_EQ(got, want) \
	mig_test_int_eq(__FILE__, __LINE__, #got, (intmax_t)(got), (intmax_t)(want))
#define MIG_ASSERT_UINT_EQ(got, want) \
	mig_test_uint_eq(__FILE__, __LINE__, #got, (uintmax_t)(got), (uintmax_t)(want))

/* Strings; NULL equals only NULL. The first line that differs is shown. */
#define MIG_ASSERT_STR_EQ(got, want) mig_test_str_eq(__FILE__, __LINE__, #got, (got), (want))

/* The string @text has @part in it. NULL contains nothing. */
#define MIG_ASSERT_CONTAINS(text, part) mig_test_contains(__FILE__, __LINE__, #text, (text), (part))

/* @size bytes are equal; the first offset that differs is shown. */
#define MIG_ASSERT_MEM_EQ(got, want, size) \
	mig_test_mem_eq(__FILE__, __LINE__, #got, (got), (want), (size))

/* Ends the test as skipped. @reason is printed and counted: say what is missing. */
#define MIG_SKIP(reason) mig_test_skip((reason))

/* What the macros call. */
_Noreturn void mig_test_fail(const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
_Noreturn void mig_test_skip(const char *reason);
void mig_test_int_eq(const char *file, int line, const char *what, intmax_t got, intmax_t want);
void mig_test_uint_eq(const char *file, int line, const char *what, uintmax_t got, uintmax_t want);
void mig_test_str_eq(const char *file, int line, const char *what, const char *got,
		     const char *want);
void mig_test_contains(const char *file, int line, const char *what, const char *text,
		       const char *part);
void mig_test_mem_eq(const char *file, int line, const char *what, const void *got,
		     const void *want, size_t size);
