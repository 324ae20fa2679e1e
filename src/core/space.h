/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Placing things in a row of units: the geometry behind both GPU instances (memory units of a GPU)
 * and compute instances (compute slices of a GPU instance).
 *
 * Pure: units as bits of a word, items with allowed starts, no names and no driver. Knows nothing
 * of what is kept or held: that is core/layout.h.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define MIG_SPACE_KINDS_MAX  32
#define MIG_SPACE_STARTS_MAX 32

/* One kind of item that can be placed. */
struct mig_space_kind {
	unsigned int size;   /* units */
	unsigned int slices; /* of the capacity */
	unsigned int max;    /* instances at the same time */
	bool exclusive;	     /* at most one over all exclusive kinds */
	unsigned int start_count;
	uint8_t starts[MIG_SPACE_STARTS_MAX]; /* ascending */
};

struct mig_space {
	unsigned int capacity; /* slices */
	unsigned int kind_count;
	struct mig_space_kind kinds[MIG_SPACE_KINDS_MAX];
};

/* What is placed. */
struct mig_space_state {
	uint64_t used; /* a bit per unit */
	unsigned int slices;
	unsigned int exclusive;
	uint8_t count[MIG_SPACE_KINDS_MAX];
};

/* Whether one more of `kind` can be placed at `start` (which must be one of its starts). */
bool mig_space_fits(const struct mig_space *space, const struct mig_space_state *state,
		    unsigned int kind, unsigned int start);
void mig_space_add(const struct mig_space *space, struct mig_space_state *state, unsigned int kind,
		   unsigned int start);
void mig_space_remove(const struct mig_space *space, struct mig_space_state *state,
		      unsigned int kind, unsigned int start);

/* How many (kind, start) pairs still fit. */
unsigned int mig_space_room(const struct mig_space *space, const struct mig_space_state *state);
