/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unit tests of the log sink.
 */
#include <errno.h>
#include <string.h>

#include "shared/buf.h"
#include "shared/log.h"
#include "tests/harness/test.h"

/* Records "LEVEL:MESSAGE;" and spoils errno, as a careless sink would. */
static void record(void *cookie, enum mig_log_level level, const char *message)
{
	struct mig_buf *records = cookie;

	mig_buf_printf(records, "%d:%s;", (int)level, message);
	errno = ENOTTY;
}

MIG_TEST(log_hands_on_up_to_the_level)
{
	_cleanup_buf_ struct mig_buf records = MIG_BUF_INIT(1000);
	struct mig_log log = {record, &records, MIG_LOG_WARNING};

	errno = EDOM;
	mig_log(&log, MIG_LOG_ERROR, "a %d", 1);
	mig_log(&log, MIG_LOG_WARNING, "b");
	mig_log(&log, MIG_LOG_INFO, "c");
	mig_log(&log, MIG_LOG_DEBUG, "d");
	MIG_ASSERT_INT_EQ(errno, EDOM);
	MIG_ASSERT_STR_EQ(mig_buf_text(&records), "0:a 1;1:b;");
}

MIG_TEST(log_has_no_length_limit)
{
	_cleanup_buf_ struct mig_buf records = MIG_BUF_INIT(100000);
	struct mig_log log = {record, &records, MIG_LOG_DEBUG};

	mig_log(&log, MIG_LOG_DEBUG, "%050000d", 5);
	MIG_ASSERT_UINT_EQ(records.len, 50003);
	MIG_ASSERT_STR_EQ(mig_buf_text(&records) + 50000, "05;");
}

MIG_TEST(log_without_sink)
{
	struct mig_log log = {.max_level = MIG_LOG_DEBUG};

	mig_log(NULL, MIG_LOG_ERROR, "dropped");
	mig_log(&log, MIG_LOG_ERROR, "dropped");
}
