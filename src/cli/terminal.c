/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The terminal; see terminal.h.
 */
#include "cli/terminal.h"

#include <limits.h>
#include <sys/ioctl.h>
#include <unistd.h>

unsigned int mig_terminal_width(void)
{
	struct winsize size;

	if (isatty(STDOUT_FILENO) == 0 || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
		return 0;
	return size.ws_col;
}

unsigned int mig_terminal_limit(void)
{
	unsigned int width = mig_terminal_width();

	return width > 0 ? width : UINT_MAX;
}
