/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors that begin with a place in a file; see position.h.
 */
#include "config/position.h"

#include <stdarg.h>

#include "shared/buf.h"

int mig_position_error(struct mig_error **err, const char *source, struct mig_position at,
		       const char *fmt, ...)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(8192);
	va_list args;

	va_start(args, fmt);
	mig_buf_vprintf(&text, fmt, args);
	va_end(args);
	mig_error_set(err, MIG_ERROR_CONFIG, "%s", mig_buf_text(&text));
	mig_error_wrap(err, "%s:%u:%u", source, at.line, at.column);
	if (err != NULL)
		mig_error_set_subject(*err, "%s:%u:%u", source, at.line, at.column);
	return -1;
}
