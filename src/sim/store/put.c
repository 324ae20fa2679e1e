/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every byte of shared state is stored here, one word at a time, so that a test can let the process
 * die before and after each store and a reader sees words in the order in which they were stored.
 */
#include "sim/store/format.h"

void (*mig_sim_store_hook)(uint64_t store_number, bool after);

void mig_sim_store_put(mig_sim_word *to, uint64_t value)
{
	static uint64_t stores;
	uint64_t number = __atomic_add_fetch(&stores, 1, __ATOMIC_RELAXED);

	if (mig_sim_store_hook)
		mig_sim_store_hook(number, false);
	__atomic_store_n(to, value, __ATOMIC_RELEASE);
	if (mig_sim_store_hook)
		mig_sim_store_hook(number, true);
}

static void put_if_other(mig_sim_word *to, uint64_t value)
{
	if (__atomic_load_n(to, __ATOMIC_RELAXED) != value)
		mig_sim_store_put(to, value);
}

void mig_sim_copies_publish(struct mig_sim_header *header, struct mig_sim_state *const copies[2],
			    struct mig_sim_state *state, uint64_t state_size, uint64_t generation)
{
	mig_sim_word *to = (mig_sim_word *)copies[generation & 1];
	const mig_sim_word *from = (const mig_sim_word *)state;
	const size_t checksum_word = offsetof(struct mig_sim_state, checksum) / sizeof(*to);

	state->generation = generation;
	state->checksum = mig_sim_state_checksum(state, state_size);
	for (size_t i = 0; i < state_size / sizeof(*to); i++)
		if (i != checksum_word)
			put_if_other(&to[i], from[i]);
	/* Last, so that no copy is valid before it is whole. */
	put_if_other(&to[checksum_word], from[checksum_word]);
	mig_sim_store_put((mig_sim_word *)&header->generation, generation);
}
