/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading hooks in nvidia-mig-parted's format (docs/config-file.md, "Hooks"):
 *
 *	version: v1
 *	hooks:
 *	  apply-start:
 *	    - workdir: /
 *	      command: /usr/local/bin/drain
 *	      args: [--gpus, all]
 *	      envs: {LANG: C}
 *
 * Root runs these programs: the file must be one that root obeys (shared/trusted.h).
 */
#pragma once

#include "core/hooks.h"
#include "shared/log.h"

#define MIG_HOOKS_FILE_MAX (1024 * 1024) /* bytes */

/*
 * Reads the file. Names of hooks and fields that are not known are passed over, as by
 * nvidia-mig-parted. Returns 0, or -1 with *err: CONFIG with "FILE:LINE:COLUMN: ", or what
 * mig_trusted_read says; mig_error_errno() is ENOENT when there is no such file. *out is the
 * caller's.
 */
int mig_hooks_read(const char *path, struct mig_hooks **out, struct mig_error **err) MIG_MUST_CHECK;

/* The same; what is passed over is a warning in the log (NULL: dropped). */
int mig_hooks_read_logged(const char *path, const struct mig_log *log, struct mig_hooks **out,
			  struct mig_error **err) MIG_MUST_CHECK;

/* The same from memory; `source` is used in messages. */
int mig_hooks_parse(const char *source, const void *bytes, size_t len, const struct mig_log *log,
		    struct mig_hooks **out, struct mig_error **err) MIG_MUST_CHECK;
