/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --gpu-reset: not part of NVML. On a simulated node the node does it; on a real driver this process
 * becomes the vendor's program, which must not be this one again.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nvml/sim_identity.h"
#include "shared/buf.h"
#include "shared/file.h"
#include "shared/macros.h"
#include "smi/commands.h"

#define VENDOR_PROGRAM "nvidia-smi"
#define DEFAULT_PATH   "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
/* Set for the program that is started: whoever comes back to us with it is going in a circle. */
#define PASSED_ON_ENV  "MIGCTL_SMI_PASSED_ON"

static bool is_same_file(const char *path, const char *other)
{
	struct stat a, b;

	return other != NULL && stat(path, &a) == 0 && stat(other, &b) == 0 &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* The first program of that name on PATH which is not this one; the caller frees. */
static char *find_vendor_program(const char *self)
{
	const char *search = getenv("PATH");

	if (search == NULL || *search == '\0')
		search = DEFAULT_PATH;
	while (*search != '\0') {
		size_t length = strcspn(search, ":");
		_cleanup_free_ char *folder = strndup(search, length);
		_cleanup_free_ char *path = folder == NULL ? NULL
							   : mig_path_join(folder, VENDOR_PROGRAM);

		/* Only absolute places: what this becomes must not depend on where it is called. */
		if (path != NULL && path[0] == '/' && is_program(path) && !is_same_file(path, self))
			return MIG_TAKE_PTR(path);
		search += length;
		search += *search == ':';
	}
	return NULL;
}

static int pass_on(const struct mig_smi *smi, char **argv)
{
	_cleanup_free_ char *program = find_vendor_program(smi->host->self);
	_cleanup_free_ char **words = NULL;
	size_t count = 0;

	if (getenv(PASSED_ON_ENV) != NULL || program == NULL) {
		fprintf(stderr, "nvidia-smi: a GPU is reset by the nvidia-smi that came with the "
				"driver, and there is none on PATH but this one\n");
		return MIG_SMI_USAGE;
	}
	while (argv[count] != NULL)
		count++;
	words = calloc(count + 2, sizeof(*words));
	if (words == NULL || setenv(PASSED_ON_ENV, "1", 1) < 0)
		return MIG_SMI_OTHER;
	words[0] = program;
	memcpy(words + 1, argv, count * sizeof(*words));
	fflush(stdout);
	/* It starts the driver itself; ours must not stand in the way of the reset. */
	smi->driver->nvmlShutdown(smi->driver);
	execv(program, words);
	fprintf(stderr, "nvidia-smi: cannot run '%s': %s\n", program, strerror(errno));
	return MIG_SMI_OTHER;
}

int mig_smi_reset(struct mig_smi *smi, const char *list, char **argv)
{
	const struct mig_sim_identity *identity;

	if (mig_driver_sim_identity(smi->driver, &identity))
		return smi->host->reset_simulated(identity->node_path(), list);
	return pass_on(smi, argv);
}
