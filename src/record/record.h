/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recording: what the present machine's NVML says, as the description of a simulated node.
 *
 * Works on any driver through the NVML ABI and makes no call that changes anything. What cannot be
 * read is not guessed silently: it is listed, with the reason and what stands in its place. Serial
 * numbers, the host's name and processes are not read at all. Must not know the command line, nor
 * how the simulated driver works: of the simulator it uses the node description alone.
 */
#pragma once

#include <stdbool.h>

#include "nvml/driver.h"
#include "shared/buf.h"
#include "shared/error.h"
#include "sim/control/control.h"

struct mig_record_options {
	bool keep_ids;	       /* UUIDs of the GPUs as they are; else they are left out */
	const char *host_root; /* where /sys is; "": the real machine */
};

/* A recording. Owned by the caller (mig_recording_free). */
struct mig_recording {
	struct mig_sim_description *description;
	char driver_version[80]; /* the machine's own; "" if not known */
	char nvml_version[80];	 /* "" if not known */
	struct mig_sim_not_read *not_read;
	size_t not_read_count;
	size_t not_read_allocated;
};

/*
 * Reads the machine through an initialised driver. What single calls refuse (NO_PERMISSION,
 * NOT_SUPPORTED, …) is listed in not_read; an error is a GPU that cannot even be opened or has no
 * name, more GPUs than a node can have, or no memory. *out is set on success only.
 */
int mig_record_read(const struct mig_driver *driver, const struct mig_record_options *options,
		    struct mig_recording **out, struct mig_error **err) MIG_MUST_CHECK;

/* Appends the document. */
int mig_record_write(const struct mig_recording *recording, struct mig_buf *out,
		     struct mig_error **err) MIG_MUST_CHECK;

void mig_recording_free(struct mig_recording *recording); /* NULL is fine */

static inline void mig_cleanup_recording(struct mig_recording **recording)
{
	mig_recording_free(*recording);
}
#define _cleanup_recording_ _cleanup_(mig_cleanup_recording)
