/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of the two copies counts.
 *
 * As a rule it is the one that the header's generation names (its parity) if it carries that very
 * number and is valid. Anything else comes from damage or from a power loss, after which each
 * sector of the file may be old or new: then the newest valid copy counts. A valid copy that is
 * exactly one generation ahead of the header is an exception: its writer died before publishing,
 * every running process still reads the older one, so the older one counts.
 */
#include <inttypes.h>
#include <string.h>

#include "shared/text.h"
#include "sim/engine/engine.h"
#include "sim/store/format.h"

static uint64_t load_generation(const struct mig_sim_store *store)
{
	return __atomic_load_n(store->generation, __ATOMIC_ACQUIRE);
}

static void copy_words(void *to, const void *from, uint64_t size)
{
	mig_sim_word *out = to;
	const mig_sim_word *in = from;

	for (uint64_t i = 0; i < size / sizeof(*in); i++)
		out[i] = __atomic_load_n(&in[i], __ATOMIC_ACQUIRE);
}

void mig_sim_store_read_gpu(const struct mig_sim_store *store, unsigned int gpu_index,
			    struct mig_sim_gpu_state *out)
{
	const struct mig_sim_state *view;
	uint64_t begun;

	do {
		begun = mig_sim_read_begin(store, &view);
		copy_words(out, &view->gpus[gpu_index], sizeof(*out));
	} while (mig_sim_read_retry(store, begun));
}

void mig_sim_store_read(const struct mig_sim_store *store, struct mig_sim_state *out)
{
	const struct mig_sim_state *view;
	uint64_t begun;

	do {
		begun = mig_sim_read_begin(store, &view);
		copy_words(out, view, store->state_size);
	} while (mig_sim_read_retry(store, begun));
}

unsigned int mig_sim_store_read_holders(const struct mig_sim_store *store,
					struct mig_sim_holder *out)
{
	const struct mig_sim_state *view;
	unsigned int used;
	uint64_t begun;

	do {
		begun = mig_sim_read_begin(store, &view);
		used = 0;
		for (unsigned int i = 0; i < MIG_SIM_HOLDERS_MAX; i++)
			used += __atomic_load_n(&view->holders[i].pid, __ATOMIC_ACQUIRE) != 0;
		if (out)
			copy_words(out, view->holders, sizeof(view->holders));
	} while (mig_sim_read_retry(store, begun));
	return used;
}

bool mig_sim_store_read_event(const struct mig_sim_store *store, uint64_t after,
			      struct mig_sim_event *out)
{
	const struct mig_sim_state *view;
	uint64_t begun, newest, serial;

	do {
		begun = mig_sim_read_begin(store, &view);
		newest = __atomic_load_n(&view->event_serial, __ATOMIC_ACQUIRE);
		serial = mig_sim_event_next_serial(newest, after);
		/* A row that is not of its event is one that somebody made up. */
		for (; serial; serial = mig_sim_event_next_serial(newest, serial)) {
			copy_words(out, &view->events[serial % MIG_SIM_EVENTS_MAX], sizeof(*out));
			if (out->serial == serial)
				break;
		}
	} while (mig_sim_read_retry(store, begun));
	return serial != 0;
}

bool mig_sim_copy_is_valid(const struct mig_sim_store *store, const struct mig_sim_state *state,
			   unsigned int index, char *why)
{
	char reason[MIG_SIM_DETAIL_SIZE];

	if (state->generation > MIG_SIM_GENERATION_MAX || (state->generation & 1) != index) {
		mig_text_format(why, MIG_SIM_DETAIL_SIZE, "copy %u has an impossible number",
				index);
		return false;
	}
	if (mig_sim_state_checksum(state, store->state_size) != state->checksum) {
		mig_text_format(why, MIG_SIM_DETAIL_SIZE, "the checksum of copy %u is wrong",
				index);
		return false;
	}
	if (!mig_sim_common_state_validate(store->node, state, reason)) {
		mig_text_format(why, MIG_SIM_DETAIL_SIZE, "copy %u: %.100s", index, reason);
		return false;
	}
	for (uint32_t i = 0; i < store->node->gpu_count; i++) {
		const struct mig_gpu_table *model = &store->models[store->node->gpus[i].model];

		if (mig_sim_gpu_state_validate(model, &state->gpus[i], reason))
			continue;
		mig_text_format(why, MIG_SIM_DETAIL_SIZE, "GPU %" PRIu32 " in copy %u: %.100s", i,
				index, reason);
		return false;
	}
	return true;
}

/*
 * Takes private copies of the copy that the header names and, unless that one is as it should be
 * and no other can matter, of the other one: both as they are at one moment. True: `named` is as it
 * should be and `other` was not looked at.
 */
static bool take_copies(const struct mig_sim_store *store, struct mig_sim_state *named,
			struct mig_sim_state *other, struct mig_sim_choice *choice, char *why)
{
	for (;;) {
		uint64_t generation = load_generation(store);
		unsigned int index = generation & 1;
		const struct mig_sim_state *beside = store->copies[!index];

		copy_words(named, store->copies[index], store->state_size);
		choice->generation = generation;
		choice->index = index;
		choice->is_clean = mig_sim_copy_is_valid(store, named, index, why) &&
				   named->generation == generation;
		if (choice->is_clean &&
		    __atomic_load_n(&beside->generation, __ATOMIC_ACQUIRE) <= generation + 1)
			return true;
		copy_words(other, beside, store->state_size);
		if (load_generation(store) == generation)
			return false;
	}
}

bool mig_sim_copies_choose(const struct mig_sim_store *store, struct mig_sim_state *out,
			   struct mig_sim_state *scratch, struct mig_sim_choice *choice, char *why)
{
	char wrong[2][MIG_SIM_DETAIL_SIZE] = {"", ""};
	bool is_named_valid, is_other_valid;

	if (take_copies(store, out, scratch, choice, wrong[0]))
		return true;
	if (choice->generation > MIG_SIM_GENERATION_MAX) {
		mig_text_format(why, MIG_SIM_DETAIL_SIZE,
				"is damaged: its generation number cannot be");
		return false;
	}
	is_named_valid = mig_sim_copy_is_valid(store, out, choice->index, wrong[0]);
	is_other_valid = mig_sim_copy_is_valid(store, scratch, !choice->index, wrong[1]);
	if (!is_named_valid && !is_other_valid) {
		mig_text_format(why, MIG_SIM_DETAIL_SIZE,
				"is damaged: neither copy of the state is valid (%.80s; %.80s)",
				wrong[0], wrong[1]);
		return false;
	}
	if (is_other_valid && (!is_named_valid || scratch->generation > out->generation)) {
		memcpy(out, scratch, store->state_size);
		choice->index = !choice->index;
		choice->is_clean = false;
	}
	return true;
}
