/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unit tests of growing buffers. The source under test is included, with the allocator replaced, so
 * that an allocation can be made to fail.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness/test.h"

static bool memory_is_out;

static void *failing_realloc(void *old, size_t size)
{
	return memory_is_out ? NULL : realloc(old, size);
}

#define realloc failing_realloc
#include "shared/buf.c"
#undef realloc

MIG_TEST(buf_starts_empty)
{
	_cleanup_buf_ struct mig_buf buf = MIG_BUF_INIT(10);

	MIG_ASSERT(!buf.data);
	MIG_ASSERT_STR_EQ(mig_buf_text(&buf), "");
	MIG_ASSERT(!mig_buf_failed(&buf));
}

MIG_TEST(buf_appends_and_ends_with_nul)
{
	_cleanup_buf_ struct mig_buf buf = MIG_BUF_INIT(100);

	MIG_ASSERT_INT_EQ(mig_buf_puts(&buf, "ab"), 0);
	MIG_ASSERT_INT_EQ(mig_buf_putc(&buf, 'c'), 0);
	MIG_ASSERT_INT_EQ(mig_buf_printf(&buf, "%d-%s", 42, "x"), 0);
	MIG_ASSERT_INT_EQ(mig_buf_add(&buf, "\0z", 2), 0);
	MIG_ASSERT_UINT_EQ(buf.len, 9);
	MIG_ASSERT_MEM_EQ(buf.data, "abc42-x\0z", 10);
}

MIG_TEST(buf_grows_past_many_allocations)
{
	_cleanup_buf_ struct mig_buf buf = MIG_BUF_INIT(SIZE_MAX - 1);
	char number[16];

	for (int i = 0; i < 100000; i++)
		MIG_ASSERT_INT_EQ(mig_buf_printf(&buf, "%06d,", i), 0);
	MIG_ASSERT_UINT_EQ(buf.len, 700000);
	for (int i = 0; i < 100000; i += 9999) {
		snprintf(number, sizeof(number), "%06d,", i);
		MIG_ASSERT_MEM_EQ(buf.data + (size_t)7 * (size_t)i, number, 7);
	}
}

MIG_TEST(buf_printf_longer_than_any_allocation)
{
	_cleanup_buf_ struct mig_buf buf = MIG_BUF_INIT(100000);

	MIG_ASSERT_INT_EQ(mig_buf_puts(&buf, "x"), 0);
	MIG_ASSERT_INT_EQ(mig_buf_printf(&buf, "%050000d", 7), 0);
	MIG_ASSERT_UINT_EQ(buf.len, 50001);
	MIG_ASSERT_UINT_EQ(strlen(buf.data), 50001);
	MIG_ASSERT_INT_EQ(buf.data[50000], '7');
}

MIG_TEST(buf_printf_at_each_distance_to_the_end_of_the_allocation)
{
	for (size_t used = 0; used < 200; used++) {
		_cleanup_buf_ struct mig_buf buf = MIG_BUF_INIT(1000);

		for (size_t i = 0; i < used; i++)
			MIG_ASSERT_INT_EQ(mig_buf_putc(&buf, 'x'), 0);
		MIG_ASSERT_INT_EQ(mig_buf_printf(&buf, "%s", "abcd"), 0);
		MIG_ASSERT_UINT_EQ(buf.len, used + 4);
		MIG_ASSERT_STR_EQ(buf.data + used, "abcd");
	}
}

/* One byte more than fits must change nothing; afterwards nothing more may go in. */
MIG_TEST(buf_maximum_is_exact_and_failure_is_sticky)
{
	for (int use_printf = 0; use_printf < 2; use_printf++) {
		_cleanup_buf_ struct mig_buf buf = MIG_BUF_INIT(5);

		MIG_ASSERT_INT_EQ(mig_buf_puts(&buf, "abc"), 0);
		errno = 0;
		if (use_printf)
			MIG_ASSERT_INT_EQ(mig_buf_printf(&buf, "%s", "def"), -1);
		else
			MIG_ASSERT_INT_EQ(mig_buf_puts(&buf, "def"), -1);
		MIG_ASSERT_INT_EQ(errno, EFBIG);
		MIG_ASSERT(mig_buf_failed(&buf));
		MIG_ASSERT_STR_EQ(mig_buf_text(&buf), "abc");
		MIG_ASSERT_INT_EQ(mig_buf_puts(&buf, "d"), -1);
		MIG_ASSERT_INT_EQ(mig_buf_printf(&buf, "d"), -1);
		MIG_ASSERT_INT_EQ(mig_buf_putc(&buf, 'd'), -1);
		MIG_ASSERT_STR_EQ(mig_buf_text(&buf), "abc");
		MIG_ASSERT(!mig_buf_steal(&buf));

		mig_buf_reset(&buf);
		MIG_ASSERT(!mig_buf_failed(&buf));
		MIG_ASSERT_STR_EQ(mig_buf_text(&buf), "");
		MIG_ASSERT_INT_EQ(mig_buf_printf(&buf, "%s", "12345"), 0);
		MIG_ASSERT_STR_EQ(mig_buf_text(&buf), "12345");
		MIG_ASSERT_INT_EQ(mig_buf_putc(&buf, '6'), -1);
	}
}

MIG_TEST(buf_lengths_that_overflow)
{
	_cleanup_buf_ struct mig_buf buf = MIG_BUF_INIT(SIZE_MAX);
	/* Volatile: the compiler would warn about a copy that never happens. */
	volatile size_t too_long = SIZE_MAX;

	MIG_ASSERT_INT_EQ(mig_buf_puts(&buf, "abc"), 0);
	MIG_ASSERT_INT_EQ(mig_buf_add(&buf, "", too_long), -1);
	MIG_ASSERT_INT_EQ(errno, EFBIG);
	mig_buf_reset(&buf);
	MIG_ASSERT_INT_EQ(mig_buf_add(&buf, "", too_long), -1);
	mig_buf_reset(&buf);
	MIG_ASSERT_INT_EQ(mig_buf_puts(&buf, "abc"), 0);
	MIG_ASSERT_STR_EQ(mig_buf_text(&buf), "abc");
}

MIG_TEST(buf_out_of_memory)
{
	_cleanup_buf_ struct mig_buf buf = MIG_BUF_INIT(1000);

	MIG_ASSERT_INT_EQ(mig_buf_puts(&buf, "abc"), 0);
	memory_is_out = true;
	MIG_ASSERT_INT_EQ(mig_buf_printf(&buf, "%0500d", 1), -1);
	MIG_ASSERT_INT_EQ(errno, ENOMEM);
	MIG_ASSERT(mig_buf_failed(&buf));
	MIG_ASSERT_STR_EQ(mig_buf_text(&buf), "abc");
	memory_is_out = false;
	MIG_ASSERT_INT_EQ(mig_buf_puts(&buf, "d"), -1);

	mig_buf_clear(&buf);
	MIG_ASSERT(!buf.data);
	MIG_ASSERT_UINT_EQ(buf.max, 1000);
	memory_is_out = true;
	MIG_ASSERT(!mig_buf_steal(&buf));
}

MIG_TEST(buf_steal_gives_the_text_and_leaves_an_empty_buffer)
{
	_cleanup_buf_ struct mig_buf buf;
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *nothing = NULL;

	mig_buf_init(&buf, 10);
	MIG_ASSERT_INT_EQ(mig_buf_puts(&buf, "abc"), 0);
	text = mig_buf_steal(&buf);
	MIG_ASSERT_STR_EQ(text, "abc");
	MIG_ASSERT_STR_EQ(mig_buf_text(&buf), "");
	nothing = mig_buf_steal(&buf);
	MIG_ASSERT_STR_EQ(nothing, "");
	MIG_ASSERT_INT_EQ(mig_buf_puts(&buf, "0123456789"), 0);
	MIG_ASSERT_INT_EQ(mig_buf_putc(&buf, 'x'), -1);
	MIG_ASSERT_STR_EQ(text, "abc");
}

MIG_TEST(array_reserve_grows_and_keeps)
{
	_cleanup_free_ uint32_t *array = NULL;
	size_t allocated = 0;

	for (uint32_t i = 0; i < 5000; i++) {
		MIG_ASSERT_INT_EQ(mig_array_reserve(&array, &allocated, i + 1, sizeof(*array)), 0);
		MIG_ASSERT(allocated > i);
		array[i] = i * 3;
	}
	for (uint32_t i = 0; i < 5000; i++)
		MIG_ASSERT_UINT_EQ(array[i], i * 3);
	MIG_ASSERT(allocated <= 10000);
}

MIG_TEST(array_reserve_failures_change_nothing)
{
	_cleanup_free_ uint64_t *array = NULL;
	uint64_t *before;
	size_t allocated = 0;

	MIG_ASSERT_INT_EQ(mig_array_reserve(&array, &allocated, 3, sizeof(*array)), 0);
	before = array;
	errno = 0;
	MIG_ASSERT_INT_EQ(mig_array_reserve(&array, &allocated, SIZE_MAX / 4, sizeof(*array)), -1);
	MIG_ASSERT_INT_EQ(errno, ENOMEM);
	errno = 0;
	MIG_ASSERT_INT_EQ(mig_array_reserve(&array, &allocated, 100, 0), -1);
	MIG_ASSERT_INT_EQ(errno, ENOMEM);
	memory_is_out = true;
	errno = 0;
	MIG_ASSERT_INT_EQ(mig_array_reserve(&array, &allocated, 100, sizeof(*array)), -1);
	MIG_ASSERT_INT_EQ(errno, ENOMEM);
	MIG_ASSERT(array == before);
	MIG_ASSERT_UINT_EQ(allocated, 3);
}
