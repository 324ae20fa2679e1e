/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Geometry of placement; see space.h. Written from the driver's published placement lists alone
 * and shared with nobody, so that it checks the simulated driver and is checked by it.
 */
#include "core/space.h"

static uint64_t bits(const struct mig_space_kind *kind, unsigned int start)
{
	return (kind->size >= 64 ? UINT64_MAX : (UINT64_C(1) << kind->size) - 1) << start;
}

bool mig_space_fits(const struct mig_space *space, const struct mig_space_state *state,
		    unsigned int kind, unsigned int start)
{
	const struct mig_space_kind *k = &space->kinds[kind];

	return (state->used & bits(k, start)) == 0 && state->count[kind] < k->max &&
	       state->slices + k->slices <= space->capacity &&
	       !(k->exclusive && state->exclusive > 0);
}

void mig_space_add(const struct mig_space *space, struct mig_space_state *state, unsigned int kind,
		   unsigned int start)
{
	const struct mig_space_kind *k = &space->kinds[kind];

	state->used |= bits(k, start);
	state->slices += k->slices;
	state->exclusive += k->exclusive;
	state->count[kind]++;
}

void mig_space_remove(const struct mig_space *space, struct mig_space_state *state,
		      unsigned int kind, unsigned int start)
{
	const struct mig_space_kind *k = &space->kinds[kind];

	state->used &= ~bits(k, start);
	state->slices -= k->slices;
	state->exclusive -= k->exclusive;
	state->count[kind]--;
}

unsigned int mig_space_room(const struct mig_space *space, const struct mig_space_state *state)
{
	unsigned int room = 0;

	for (unsigned int kind = 0; kind < space->kind_count; kind++) {
		const struct mig_space_kind *k = &space->kinds[kind];

		for (unsigned int i = 0; i < k->start_count; i++)
			room += mig_space_fits(space, state, kind, k->starts[i]);
	}
	return room;
}
