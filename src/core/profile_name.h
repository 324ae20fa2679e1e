/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profile names as text: "1g.5gb", "1g.10gb+me", "1c.3g.20gb", "1g.24gb+me.all", "2g.48gb-me".
 *
 * A name is what the driver says and what people write; it is compared by its parts, so that
 * "1c.1g.5gb" and "1g.5gb" are the same and the order of attributes does not matter. Must not know
 * which profiles exist: that is core/facts.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "shared/macros.h"

#define MIG_PROFILE_NAME_SIZE	   96 /* NVML's own buffer; with the NUL */
#define MIG_PROFILE_ATTRIBUTES_MAX 4
#define MIG_PROFILE_ATTRIBUTE_SIZE 16

struct mig_profile_name {
	unsigned int compute_slices; /* the c of "1c."; equal to gpu_slices when not written */
	unsigned int gpu_slices;
	unsigned int memory_gb;
	bool negative; /* attributes are taken away ("-me"), not added ("+me") */
	unsigned int attribute_count;
	char attributes[MIG_PROFILE_ATTRIBUTES_MAX][MIG_PROFILE_ATTRIBUTE_SIZE]; /* sorted */
};

/*
 * Parses [MIG ][Nc.]Ng.Ngb[+attr[,attr]…|-attr[,attr]…]. The "MIG " that NVML puts in front is
 * accepted. Returns 0, or -1 if the text is not of this form. Thread-safe.
 */
int mig_profile_name_parse(const char *text, struct mig_profile_name *name) MIG_MUST_CHECK;

/* Whether both are the same GPU instance profile (the c part does not count). */
bool mig_profile_name_same_gi(const struct mig_profile_name *a, const struct mig_profile_name *b);

/* Writes the name without "MIG ", without the c part where it equals the GPU slices. */
void mig_profile_name_format(const struct mig_profile_name *name, char *text, size_t size);
