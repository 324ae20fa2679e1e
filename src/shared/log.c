/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log sink; the contract is in the header.
 */
#include "shared/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include "shared/buf.h"

void mig_log(const struct mig_log *log, enum mig_log_level level, const char *fmt, ...)
{
	_cleanup_buf_ struct mig_buf buf = MIG_BUF_INIT(SIZE_MAX - 1);
	int saved_errno = errno;
	va_list args;

	if (!log || !log->write || level > log->max_level)
		return;
	va_start(args, fmt);
	/* Without memory the reader still learns that there was something, and what kind. */
	if (mig_buf_vprintf(&buf, fmt, args))
		log->write(log->cookie, level, fmt);
	else
		log->write(log->cookie, level, mig_buf_text(&buf));
	va_end(args);
	errno = saved_errno;
}
