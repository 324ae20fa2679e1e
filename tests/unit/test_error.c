/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unit tests of the error object. The sources under test are included, with the allocator replaced,
 * so that every allocation can be made to fail.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness/test.h"

/* How many allocations still succeed. */
static size_t allocations_left = SIZE_MAX;

static void *failing_calloc(size_t count, size_t size)
{
	if (allocations_left == 0)
		return NULL;
	allocations_left--;
	return calloc(count, size);
}

static void *failing_realloc(void *old, size_t size)
{
	if (allocations_left == 0)
		return NULL;
	allocations_left--;
	return realloc(old, size);
}

#define calloc	failing_calloc
#define realloc failing_realloc
#include "shared/buf.c"
#include "shared/error.c"
#undef calloc
#undef realloc

MIG_TEST(error_set_fills_everything)
{
	_cleanup_error_ struct mig_error *err = NULL;

	errno = ENOTTY;
	MIG_ASSERT_INT_EQ(mig_error_set(&err, MIG_ERROR_REFUSED, "unknown profile \"%s\"", "9g"),
			  -1);
	MIG_ASSERT_INT_EQ(errno, ENOTTY);
	MIG_ASSERT_INT_EQ(mig_error_code(err), MIG_ERROR_REFUSED);
	MIG_ASSERT_STR_EQ(mig_error_message(err), "unknown profile \"9g\"");
	MIG_ASSERT_STR_EQ(mig_error_hint_text(err), NULL);
	MIG_ASSERT_STR_EQ(mig_error_subject(err), NULL);
	MIG_ASSERT_INT_EQ(mig_error_nvml(err), MIG_NVML_CODE_NONE);
	MIG_ASSERT_INT_EQ(mig_error_errno(err), 0);
	MIG_ASSERT_INT_EQ(mig_error_changed(err), MIG_CHANGED_NONE);
}

MIG_TEST(error_set_replaces_and_may_use_the_old_text)
{
	_cleanup_error_ struct mig_error *err = NULL;

	mig_error_set(&err, MIG_ERROR_IO, "first");
	mig_error_set(&err, MIG_ERROR_USAGE, "second after %s", mig_error_message(err));
	MIG_ASSERT_STR_EQ(mig_error_message(err), "second after first");
	MIG_ASSERT_INT_EQ(mig_error_code(err), MIG_ERROR_USAGE);
}

MIG_TEST(error_set_without_receiver)
{
	MIG_ASSERT_INT_EQ(mig_error_set(NULL, MIG_ERROR_IO, "x"), -1);
	MIG_ASSERT_INT_EQ(mig_error_set_errno(NULL, EIO, "x"), -1);
	MIG_ASSERT_INT_EQ(mig_error_wrap(NULL, "x"), -1);
	MIG_ASSERT_INT_EQ(mig_error_hint(NULL, "x"), -1);
}

MIG_TEST(error_set_errno_chooses_the_code)
{
	static const struct {
		int errnum;
		enum mig_error_code code;
		const char *message;
	} cases[] = {
		{EACCES, MIG_ERROR_NO_PERMISSION, "cannot open \"f\": Permission denied"},
		{EPERM, MIG_ERROR_NO_PERMISSION, "cannot open \"f\": Operation not permitted"},
		{ENOMEM, MIG_ERROR_NO_MEMORY, "cannot open \"f\": Cannot allocate memory"},
		{EROFS, MIG_ERROR_IO, "cannot open \"f\": Read-only file system"},
		{ENOSPC, MIG_ERROR_IO, "cannot open \"f\": No space left on device"},
		{ENOENT, MIG_ERROR_IO, "cannot open \"f\": No such file or directory"},
	};

	for (size_t i = 0; i < MIG_ARRAY_SIZE(cases); i++) {
		_cleanup_error_ struct mig_error *err = NULL;

		errno = ENOTTY;
		MIG_ASSERT_INT_EQ(
			mig_error_set_errno(&err, cases[i].errnum, "cannot open \"%s\"", "f"), -1);
		MIG_ASSERT_INT_EQ(errno, ENOTTY);
		MIG_ASSERT_INT_EQ(mig_error_code(err), cases[i].code);
		MIG_ASSERT_INT_EQ(mig_error_errno(err), cases[i].errnum);
		MIG_ASSERT_STR_EQ(mig_error_message(err), cases[i].message);
	}
}

MIG_TEST(error_wrap_puts_context_in_front)
{
	_cleanup_error_ struct mig_error *err = NULL;
	struct mig_error *none = NULL;

	mig_error_set_errno(&err, ENOENT, "cannot open \"f\"");
	MIG_ASSERT_INT_EQ(mig_error_wrap(&err, "GPU %u", 3), -1);
	MIG_ASSERT_INT_EQ(mig_error_wrap(&err, "node \"demo\""), -1);
	MIG_ASSERT_STR_EQ(mig_error_message(err),
			  "node \"demo\": GPU 3: cannot open \"f\": No such file or directory");
	MIG_ASSERT_INT_EQ(mig_error_errno(err), ENOENT);

	MIG_ASSERT_INT_EQ(mig_error_wrap(&none, "GPU 3"), -1);
	MIG_ASSERT(!none);
}

/* The links of the chain, each in brackets. */
static const char *causes(const struct mig_error *err)
{
	static char text[1024];
	const char *link;
	size_t used = 0;
	size_t length;

	text[0] = '\0';
	for (unsigned int i = 0; (link = mig_error_cause(err, i, &length)); i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "[%.*s]", (int)length,
					 link);
	return text;
}

MIG_TEST(error_causes_are_what_the_message_is_made_of)
{
	_cleanup_error_ struct mig_error *err = NULL;
	_cleanup_error_ struct mig_error *plain = NULL;

	mig_error_set(&plain, MIG_ERROR_FAILED, "a: b");
	MIG_ASSERT_STR_EQ(causes(plain), "[a: b]");
	mig_error_wrap(&plain, "GPU 1");
	MIG_ASSERT_STR_EQ(causes(plain), "[GPU 1][a: b]");

	mig_error_set_errno(&err, ENOENT, "cannot open \"f\"");
	MIG_ASSERT_STR_EQ(causes(err), "[cannot open \"f\"][No such file or directory]");
	mig_error_wrap(&err, "GPU %u", 3);
	mig_error_wrap(&err, "node \"demo\"");
	MIG_ASSERT_STR_EQ(causes(err), "[node \"demo\"][GPU 3][cannot open \"f\"]"
				       "[No such file or directory]");
	/* A new error has no causes of the old one. */
	mig_error_set(&err, MIG_ERROR_FAILED, "new");
	MIG_ASSERT_STR_EQ(causes(err), "[new]");
	MIG_ASSERT_STR_EQ(causes(NULL), "[unknown error]");
	MIG_ASSERT_STR_EQ(causes(&out_of_memory), "[out of memory]");
}

MIG_TEST(error_causes_beyond_the_limit_stay_together)
{
	_cleanup_error_ struct mig_error *err = NULL;
	size_t length;

	mig_error_set(&err, MIG_ERROR_FAILED, "x");
	for (unsigned int i = 0; i < CAUSES_MAX + 2; i++)
		mig_error_wrap(&err, "%u", i);
	MIG_ASSERT_STR_EQ(mig_error_cause(err, 0, &length), mig_error_message(err));
	MIG_ASSERT_UINT_EQ(length, strlen("17: 16: 15"));
	MIG_ASSERT_STR_EQ(mig_error_cause(err, CAUSES_MAX, &length), "x");
	MIG_ASSERT(mig_error_cause(err, CAUSES_MAX + 1, &length) == NULL);
}

MIG_TEST(error_setters)
{
	_cleanup_error_ struct mig_error *err = NULL;

	mig_error_set(&err, MIG_ERROR_FAILED, "x");
	MIG_ASSERT_INT_EQ(mig_error_hint(&err, "first"), -1);
	mig_error_hint(&err, "try %s", "second");
	mig_error_set_nvml(err, 19);
	mig_error_set_subject(err, "GPU %u", 0);
	mig_error_set_subject(err, "GPU %u", 1);
	mig_error_set_changed(err, MIG_CHANGED_ROLLED_BACK);
	MIG_ASSERT_STR_EQ(mig_error_hint_text(err), "try second");
	MIG_ASSERT_INT_EQ(mig_error_nvml(err), 19);
	MIG_ASSERT_STR_EQ(mig_error_subject(err), "GPU 1");
	MIG_ASSERT_INT_EQ(mig_error_changed(err), MIG_CHANGED_ROLLED_BACK);
	MIG_ASSERT_INT_EQ(mig_error_code(err), MIG_ERROR_FAILED);
}

MIG_TEST(error_words_and_exit_statuses)
{
	static const struct {
		enum mig_error_code code;
		const char *word;
		int status;
	} cases[] = {
		{MIG_ERROR_FAILED, "failed", 1},
		{MIG_ERROR_NO_MEMORY, "no-memory", 1},
		{MIG_ERROR_IO, "io", 1},
		{MIG_ERROR_USAGE, "usage", 2},
		{MIG_ERROR_CONFIG, "config", 4},
		{MIG_ERROR_DIFFERS, "differs", 3},
		{MIG_ERROR_REFUSED, "refused", 4},
		{MIG_ERROR_IN_USE, "in-use", 5},
		{MIG_ERROR_NO_DRIVER, "no-driver", 6},
		{MIG_ERROR_NO_PERMISSION, "no-permission", 7},
		{MIG_ERROR_DRIVER, "driver", 1},
		{MIG_ERROR_INTERRUPTED, "interrupted", 1},
		{MIG_ERROR_CORRUPT, "corrupt", 1},
	};

	MIG_ASSERT_UINT_EQ(MIG_ARRAY_SIZE(cases), MIG_ERROR_CODE_COUNT);
	for (size_t i = 0; i < MIG_ARRAY_SIZE(cases); i++) {
		_cleanup_error_ struct mig_error *err = NULL;

		MIG_ASSERT_STR_EQ(mig_error_code_word(cases[i].code), cases[i].word);
		mig_error_set(&err, cases[i].code, "x");
		MIG_ASSERT_INT_EQ(mig_error_exit_status(err), cases[i].status);
		mig_error_set_changed(err, MIG_CHANGED_ROLLED_BACK);
		MIG_ASSERT_INT_EQ(mig_error_exit_status(err), 8);
		mig_error_set_changed(err, MIG_CHANGED_PARTIAL);
		MIG_ASSERT_INT_EQ(mig_error_exit_status(err), 9);
	}
	MIG_ASSERT_STR_EQ(mig_changed_word(MIG_CHANGED_NONE), "none");
	MIG_ASSERT_STR_EQ(mig_changed_word(MIG_CHANGED_ROLLED_BACK), "rolled-back");
	MIG_ASSERT_STR_EQ(mig_changed_word(MIG_CHANGED_PARTIAL), "partial");
}

MIG_TEST(error_null_is_still_a_failure)
{
	MIG_ASSERT_INT_EQ(mig_error_code(NULL), MIG_ERROR_FAILED);
	MIG_ASSERT_INT_EQ(mig_error_exit_status(NULL), 1);
	MIG_ASSERT_STR_EQ(mig_error_message(NULL), "unknown error");
	MIG_ASSERT_INT_EQ(mig_error_nvml(NULL), MIG_NVML_CODE_NONE);
	mig_error_set_nvml(NULL, 3);
	mig_error_set_subject(NULL, "x");
	mig_error_set_changed(NULL, MIG_CHANGED_PARTIAL);
	mig_error_free(NULL);
}

MIG_TEST(error_move)
{
	struct mig_error *from = NULL, *to = NULL;

	mig_error_set(&from, MIG_ERROR_IO, "new");
	mig_error_set(&to, MIG_ERROR_IO, "old");
	mig_error_move(&to, &from);
	MIG_ASSERT(!from);
	MIG_ASSERT_STR_EQ(mig_error_message(to), "new");

	/* A caller that did not want the error. */
	mig_error_move(NULL, &to);
	MIG_ASSERT(!to);

	/* Nothing to move clears the target: it then says what the source says. */
	mig_error_set(&to, MIG_ERROR_IO, "old");
	mig_error_move(&to, &from);
	MIG_ASSERT(!to);
}

/* Sets an error with everything on it, as long as memory lasts. */
static void make_full_error(struct mig_error **err)
{
	mig_error_set_errno(err, EACCES, "%0200d", 1);
	mig_error_wrap(err, "%0200d", 2);
	mig_error_hint(err, "%0200d", 3);
	mig_error_set_subject(*err, "GPU 0");
	mig_error_set_nvml(*err, 4);
	mig_error_set_changed(*err, MIG_CHANGED_PARTIAL);
}

MIG_TEST(error_when_memory_is_out_at_each_allocation)
{
	bool was_static = false, was_complete = false;

	for (size_t left = 0; !was_complete; left++) {
		_cleanup_error_ struct mig_error *err = NULL;

		MIG_ASSERT(left < 100);
		allocations_left = left;
		make_full_error(&err);
		was_complete = allocations_left > 0;
		allocations_left = SIZE_MAX;

		MIG_ASSERT(err);
		if (mig_error_code(err) == MIG_ERROR_NO_MEMORY) {
			was_static = true;
			MIG_ASSERT(err == &out_of_memory);
			MIG_ASSERT_STR_EQ(mig_error_message(err), "out of memory");
			MIG_ASSERT_STR_EQ(mig_error_hint_text(err), NULL);
			MIG_ASSERT_INT_EQ(mig_error_changed(err), MIG_CHANGED_NONE);
			MIG_ASSERT_INT_EQ(mig_error_exit_status(err), 1);
			continue;
		}
		/* Texts may be missing; facts are there. */
		MIG_ASSERT_CONTAINS(mig_error_message(err), "0001: Permission denied");
		MIG_ASSERT_INT_EQ(mig_error_code(err), MIG_ERROR_NO_PERMISSION);
		MIG_ASSERT_INT_EQ(mig_error_nvml(err), 4);
		MIG_ASSERT_INT_EQ(mig_error_exit_status(err), 9);
		MIG_ASSERT(was_static);
	}
}

MIG_TEST(error_out_of_memory_replaces_an_old_error)
{
	struct mig_error *err = NULL;

	mig_error_set(&err, MIG_ERROR_IO, "old");
	allocations_left = 0;
	MIG_ASSERT_INT_EQ(mig_error_set(&err, MIG_ERROR_USAGE, "new"), -1);
	MIG_ASSERT_STR_EQ(mig_error_message(err), "out of memory");
	/* Not freed in truth, and so still there. */
	mig_error_free(err);
	MIG_ASSERT(err == &out_of_memory);
	MIG_ASSERT_STR_EQ(out_of_memory.message, "out of memory");
}
