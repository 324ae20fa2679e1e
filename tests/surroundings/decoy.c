/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A library in the place of the real driver's that writes down who loaded it. Compiled by
 * test_decoys.py with MARK, the file to write to. Answers as a driver without GPUs.
 */
#include <fcntl.h>
#include <unistd.h>

__attribute__((constructor)) static void loaded(void)
{
	static const char line[] = "loaded\n";
	int fd = open(MARK, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);

	if (fd >= 0) {
		(void)!write(fd, line, sizeof(line) - 1);
		close(fd);
	}
}

int nvmlInit_v2(void);
int cuInit(unsigned int flags);

int nvmlInit_v2(void)
{
	return 9; /* the driver is not loaded */
}

int cuInit(unsigned int flags)
{
	(void)flags;
	return 100;
}
