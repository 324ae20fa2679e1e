/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a person names an instance that is there: the UUID of a MIG device (MIG-…), GPU:GI, GPU:GI:CI,
 * or the id of a GPU instance where the GPU is clear.
 */
#pragma once

#include "core/model.h"

struct mig_instance_name {
	unsigned int position; /* of the GPU in the snapshot */
	unsigned int gi;       /* position in gpu->gi[] */
	int ci;		       /* position in gi->ci[]; -1: the GPU instance is named */
};

/* Whether the word has the form of such a name and not of a profile: only digits and ':', or MIG-. */
bool mig_instance_name_is(const char *word);

/*
 * Finds it. `position`: of the GPU of -i, -1 if none was given; then a plain id must be that of one
 * GPU only. The snapshot must have UUIDs. Returns 0, or -1 with *err (REFUSED, USAGE).
 */
int mig_instance_name_find(const struct mig_snapshot *snapshot, int position, const char *word,
			   struct mig_instance_name *name, struct mig_error **err);
