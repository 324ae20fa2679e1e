/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All layouts, one by one; see brute_layout.h.
 */
#include "tests/unit/brute_layout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/layout.h"
#include "tests/harness/test.h"

/* ---- enumerating ------------------------------------------------------------------------------ */

static const struct fake_gi_profile *profile_of(const struct brute *brute, unsigned int slot)
{
	return &brute->profiles[brute->slots[slot].row];
}

static bool is_me(const struct fake_gi_profile *profile)
{
	return strstr(profile->name, "+me") != NULL;
}

static bool meet(unsigned int a, unsigned int a_size, unsigned int b, unsigned int b_size)
{
	for (unsigned int unit = a; unit < a + a_size; unit++) {
		if (unit >= b && unit < b + b_size)
			return true;
	}
	return false;
}

static bool can_join(const struct brute *brute, const struct brute_gi *gi, unsigned int count,
		     unsigned int slot)
{
	const struct fake_gi_profile *profile = profile_of(brute, slot);
	unsigned int slices = profile->slices;
	unsigned int same = 1;

	for (unsigned int i = 0; i < count; i++) {
		const struct fake_gi_profile *other = profile_of(brute, gi[i].slot);

		if (meet(brute->slots[slot].start, profile->size, brute->slots[gi[i].slot].start,
			 other->size) ||
		    (is_me(profile) && is_me(other)))
			return false;
		slices += other->slices;
		same += other == profile;
	}
	return slices <= brute->slices && same <= profile->max;
}

/* CI slots of a profile are numbered through its CI profiles and their starts. */
static const struct fake_ci_profile *ci_slot(const struct fake_gi_profile *profile,
					     unsigned int number, unsigned int *start,
					     unsigned int *ci_row)
{
	for (unsigned int i = 0; i < profile->ci_count; i++) {
		if (number < profile->ci[i].start_count) {
			*start = profile->ci[i].starts[number];
			*ci_row = i;
			return &profile->ci[i];
		}
		number -= profile->ci[i].start_count;
	}
	return NULL;
}

static bool ci_set_is_possible(const struct fake_gi_profile *profile, unsigned int set)
{
	unsigned int used = 0;
	unsigned int counts[8] = {0};

	for (unsigned int n = 0; set >> n != 0; n++) {
		unsigned int start = 0, row = 0;
		const struct fake_ci_profile *ci = ci_slot(profile, n, &start, &row);
		unsigned int bits;

		if ((set >> n & 1) == 0)
			continue;
		if (ci == NULL || ++counts[row] > ci->max)
			return false;
		bits = ((1U << ci->size) - 1) << start;
		if ((used & bits) != 0)
			return false;
		used |= bits;
	}
	return true;
}

static unsigned int kind_of(const struct brute *brute, unsigned int row, unsigned int ci_row)
{
	unsigned int kind = 0;

	for (unsigned int i = 0; i < row; i++)
		kind += brute->profiles[i].ci_count;
	MIG_ASSERT(kind + ci_row < 16);
	return kind + ci_row;
}

static void add_state(struct brute *brute, const struct brute_gi *gi, unsigned int count)
{
	struct brute_state *state;

	if (brute->state_count == brute->states_allocated) {
		brute->states_allocated = brute->states_allocated * 2 + 64;
		brute->states =
			realloc(brute->states, brute->states_allocated * sizeof(*brute->states));
		MIG_ASSERT(brute->states != NULL);
	}
	state = &brute->states[brute->state_count++];
	memset(state, 0, sizeof(*state));
	state->gi_count = count;
	memcpy(state->gi, gi, count * sizeof(*gi));
	for (unsigned int i = 0; i < count; i++) {
		state->has_empty = state->has_empty || gi[i].ci == 0;
		for (unsigned int n = 0; gi[i].ci >> n != 0; n++) {
			unsigned int start = 0, row = 0;

			if ((gi[i].ci >> n & 1) == 0)
				continue;
			ci_slot(profile_of(brute, gi[i].slot), n, &start, &row);
			state->devices += UINT64_C(1)
					  << 4 * kind_of(brute, brute->slots[gi[i].slot].row, row);
		}
	}
	for (unsigned int slot = 0; slot < brute->slot_count; slot++)
		state->room += can_join(brute, gi, count, slot);
}

static void enumerate(struct brute *brute, struct brute_gi *gi, unsigned int count,
		      unsigned int slot, bool whole_only)
{
	const struct fake_gi_profile *profile;
	unsigned int ci_slots = 0;

	if (slot == brute->slot_count) {
		add_state(brute, gi, count);
		return;
	}
	enumerate(brute, gi, count, slot + 1, whole_only);
	if (count == BRUTE_GI || !can_join(brute, gi, count, slot))
		return;
	profile = profile_of(brute, slot);
	for (unsigned int i = 0; i < profile->ci_count; i++)
		ci_slots += profile->ci[i].start_count;
	gi[count].slot = (uint8_t)slot;
	for (unsigned int set = 0; set < 1U << ci_slots; set++) {
		/* The widest CI profile is the last and has one start. */
		if (whole_only && set != 1U << (ci_slots - 1))
			continue;
		if (!ci_set_is_possible(profile, set))
			continue;
		gi[count].ci = (uint16_t)set;
		enumerate(brute, gi, count + 1, slot + 1, whole_only);
	}
}

/* By the tie rule larger profiles count first, then higher starts. */
static bool counts_more(const struct brute *brute, unsigned int row_a, unsigned int start_a,
			unsigned int row_b, unsigned int start_b)
{
	const struct fake_gi_profile *a = &brute->profiles[row_a];
	const struct fake_gi_profile *b = &brute->profiles[row_b];

	if (a->size != b->size)
		return a->size > b->size;
	if (a->slices != b->slices)
		return a->slices > b->slices;
	if (row_a != row_b)
		return row_a < row_b;
	return start_a > start_b;
}

void brute_init(struct brute *brute, const struct fake_gi_profile *profiles,
		unsigned int profile_count, bool whole_only)
{
	struct brute_gi gi[BRUTE_GI];

	memset(brute, 0, sizeof(*brute));
	brute->profiles = profiles;
	brute->profile_count = profile_count;
	for (unsigned int row = 0; row < profile_count; row++) {
		if (profiles[row].slices > brute->slices)
			brute->slices = profiles[row].slices;
		for (unsigned int i = 0; i < profiles[row].start_count; i++) {
			unsigned int at = brute->slot_count++;
			unsigned int start = profiles[row].starts[i];

			MIG_ASSERT(at < BRUTE_SLOTS);
			while (at > 0 && counts_more(brute, brute->slots[at - 1].row,
						     brute->slots[at - 1].start, row, start)) {
				brute->slots[at] = brute->slots[at - 1];
				at--;
			}
			brute->slots[at].row = row;
			brute->slots[at].start = start;
		}
	}
	enumerate(brute, gi, 0, 0, whole_only);
}

void brute_clear(struct brute *brute)
{
	free(brute->states);
	brute->states = NULL;
}

/* ---- judging ---------------------------------------------------------------------------------- */

static unsigned int bits_of(unsigned int set)
{
	return (unsigned int)__builtin_popcount(set);
}

static struct brute_cost cost_of(const struct brute_state *now, const struct brute_held *held,
				 const struct brute_state *then)
{
	struct brute_cost cost = {.gi_count = then->gi_count, .room = then->room};

	for (unsigned int i = 0; i < now->gi_count; i++) {
		unsigned int stays = 0;
		bool is_kept = false;

		for (unsigned int k = 0; k < then->gi_count; k++) {
			if (then->gi[k].slot != now->gi[i].slot)
				continue;
			is_kept = true;
			stays = then->gi[k].ci & now->gi[i].ci;
		}
		cost.gi_destroyed += !is_kept;
		cost.ci_destroyed += bits_of(now->gi[i].ci) - bits_of(stays);
		cost.held_destroyed += bits_of(held->ci[i] & ~stays);
	}
	return cost;
}

static int compare_costs(const struct brute_cost *a, const struct brute_cost *b)
{
	if (a->held_destroyed != b->held_destroyed)
		return a->held_destroyed < b->held_destroyed ? -1 : 1;
	if (a->gi_destroyed != b->gi_destroyed)
		return a->gi_destroyed < b->gi_destroyed ? -1 : 1;
	if (a->ci_destroyed != b->ci_destroyed)
		return a->ci_destroyed < b->ci_destroyed ? -1 : 1;
	if (a->gi_count != b->gi_count)
		return a->gi_count < b->gi_count ? -1 : 1;
	if (a->room != b->room)
		return a->room > b->room ? -1 : 1;
	return 0;
}

static uint32_t slots_of(const struct brute_state *state)
{
	uint32_t set = 0;

	for (unsigned int i = 0; i < state->gi_count; i++)
		set |= UINT32_C(1) << state->gi[i].slot;
	return set;
}

/* Whether a state has what is placed, and no other GPU instance without compute instances. */
static bool has_placed(const struct brute_state *state, const struct brute_placed *placed)
{
	unsigned int found = 0;

	for (unsigned int i = 0; i < state->gi_count; i++) {
		bool is_placed = false;

		for (unsigned int p = 0; placed != NULL && p < placed->count; p++)
			is_placed = is_placed || (placed->gi[p].slot == state->gi[i].slot &&
						  placed->gi[p].ci == state->gi[i].ci);
		if (state->gi[i].ci == 0 && !is_placed)
			return false;
		found += is_placed;
	}
	return placed == NULL || found == placed->count;
}

const struct brute_state *brute_best(const struct brute *brute, const struct brute_state *now,
				     const struct brute_held *held, uint64_t devices,
				     const struct brute_placed *placed, struct brute_cost *best)
{
	const struct brute_state *found = NULL;

	for (unsigned int i = 0; i < brute->state_count; i++) {
		const struct brute_state *then = &brute->states[i];
		struct brute_cost cost;
		int order;

		if (then->devices != devices || !has_placed(then, placed))
			continue;
		cost = cost_of(now, held, then);
		order = found == NULL ? -1 : compare_costs(&cost, best);
		/* The slot that counts most is the highest bit. */
		if (order < 0 || (order == 0 && slots_of(then) > slots_of(found))) {
			found = then;
			*best = cost;
		}
	}
	return found;
}

uint64_t *brute_device_sets(const struct brute *brute, unsigned int *count)
{
	uint64_t *sets = calloc(brute->state_count + 1, sizeof(*sets));

	MIG_ASSERT(sets != NULL);
	*count = 0;
	for (unsigned int i = 0; i < brute->state_count; i++) {
		unsigned int at = 0;

		if (brute->states[i].has_empty || brute->states[i].devices == 0)
			continue;
		while (at < *count && sets[at] != brute->states[i].devices)
			at++;
		sets[at] = brute->states[i].devices;
		if (at == *count)
			(*count)++;
	}
	return sets;
}

/* ---- against core ----------------------------------------------------------------------------- */

void brute_to_gpu(const struct brute *brute, const struct brute_state *now,
		  const struct brute_held *held, struct mig_gpu *gpu)
{
	static struct mig_holder holder = {.provider = "process", .pid = 1};

	gpu->gi_count = now->gi_count;
	for (unsigned int i = 0; i < now->gi_count; i++) {
		struct mig_gpu_instance *gi = &gpu->gi[i];
		const struct fake_gi_profile *profile = profile_of(brute, now->gi[i].slot);

		memset(gi, 0, sizeof(*gi));
		gi->id = 40 + i * 3;
		gi->gi_row = brute->slots[now->gi[i].slot].row;
		gi->start = brute->slots[now->gi[i].slot].start;
		gi->size = profile->size;
		for (unsigned int n = 0; now->gi[i].ci >> n != 0; n++) {
			struct mig_compute_instance *ci = &gi->ci[gi->ci_count];

			if ((now->gi[i].ci >> n & 1) == 0)
				continue;
			ci->id = 20 - gi->ci_count; /* ids say nothing about places */
			ci->size = ci_slot(profile, n, &ci->start, &ci->ci_row)->size;
			if ((held->ci[i] >> n & 1) != 0) {
				ci->holder_count = 1;
				ci->holders = &holder;
			}
			gi->ci_count++;
		}
	}
}

void brute_to_target(const struct brute *brute, uint64_t devices, struct mig_gpu_target *target)
{
	memset(target, 0, sizeof(*target));
	target->is_named = true;
	target->mig_mode = true;
	for (unsigned int row = 0; row < brute->profile_count; row++) {
		for (unsigned int ci = 0; ci < brute->profiles[row].ci_count; ci++) {
			unsigned int count = devices >> 4 * kind_of(brute, row, ci) & 15;

			MIG_ASSERT_INT_EQ(mig_target_add(target, row, ci, count, NULL), 0);
		}
	}
}

static const struct mig_gpu_instance *current_gi(const struct mig_gpu *gpu, int id)
{
	for (unsigned int i = 0; i < gpu->gi_count; i++) {
		if ((int)gpu->gi[i].id == id)
			return &gpu->gi[i];
	}
	return NULL;
}

/* Reads core's answer back, refusing whatever is not a layout or keeps what is not there. */
static struct brute_state read_layout(const struct brute *brute, const struct mig_gpu *gpu,
				      const struct mig_layout *layout)
{
	struct brute_state state = {.gi_count = layout->gi_count};

	MIG_ASSERT(layout->gi_count <= BRUTE_GI);
	for (unsigned int i = 0; i < layout->gi_count; i++) {
		const struct mig_layout_gi *gi = &layout->gi[i];
		const struct mig_gpu_instance *kept = current_gi(gpu, gi->kept_id);
		const struct fake_gi_profile *profile = &brute->profiles[gi->gi_row];
		unsigned int slot = 0;
		unsigned int set = 0;

		while (slot < brute->slot_count && (brute->slots[slot].row != gi->gi_row ||
						    brute->slots[slot].start != gi->start))
			slot++;
		MIG_ASSERT(slot < brute->slot_count);
		MIG_ASSERT(can_join(brute, state.gi, i, slot));
		MIG_ASSERT((kept != NULL) == (gi->kept_id >= 0));
		MIG_ASSERT(kept == NULL ||
			   (kept->gi_row == gi->gi_row && kept->start == gi->start));
		for (unsigned int c = 0; c < gi->ci_count; c++) {
			const struct mig_layout_ci *ci = &gi->ci[c];
			unsigned int n = 0, start = 0, row = 0;
			bool is_there = ci->kept_id < 0;

			while (ci_slot(profile, n, &start, &row) != NULL &&
			       (start != ci->start || row != ci->ci_row))
				n++;
			MIG_ASSERT(ci_slot(profile, n, &start, &row) != NULL);
			MIG_ASSERT((set >> n & 1) == 0);
			set |= 1U << n;
			for (unsigned int k = 0; kept != NULL && k < kept->ci_count; k++)
				is_there = is_there || ((int)kept->ci[k].id == ci->kept_id &&
							kept->ci[k].start == ci->start &&
							kept->ci[k].ci_row == ci->ci_row);
			MIG_ASSERT(is_there);
			state.devices += UINT64_C(1) << 4 * kind_of(brute, gi->gi_row, ci->ci_row);
		}
		MIG_ASSERT(ci_set_is_possible(profile, set));
		state.gi[i].slot = (uint8_t)slot;
		state.gi[i].ci = (uint16_t)set;
	}
	for (unsigned int slot = 0; slot < brute->slot_count; slot++)
		state.room += can_join(brute, state.gi, state.gi_count, slot);
	return state;
}

static void describe(const struct brute *brute, const struct brute_state *state, char *text,
		     size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (unsigned int i = 0; i < state->gi_count && used < size; i++)
		used += (size_t)snprintf(text + used, size - used, " %s@%u/%x",
					 profile_of(brute, state->gi[i].slot)->name + 4,
					 brute->slots[state->gi[i].slot].start, state->gi[i].ci);
}

/* The search on one case; gpu and target are set up. */
static void compare(const struct brute *brute, struct mig_gpu *gpu,
		    const struct mig_gpu_target *target, const struct brute_state *now,
		    const struct brute_held *held, uint64_t devices,
		    const struct brute_placed *placed, bool whole_only)
{
	struct mig_layout layout;
	struct mig_error *err = NULL;
	struct brute_cost want, got, said;
	const struct brute_state *best = brute_best(brute, now, held, devices, placed, &want);
	struct brute_state state;
	char texts[3][256];

	describe(brute, now, texts[0], sizeof(texts[0]));
	if (mig_layout_find(gpu, target, &layout, &err) < 0) {
		MIG_ASSERT_MSG(best == NULL, "from%s to %llx: refused: %s", texts[0],
			       (unsigned long long)devices, mig_error_message(err));
		MIG_ASSERT_INT_EQ(mig_error_code(err), MIG_ERROR_REFUSED);
		mig_error_free(err);
		return;
	}
	MIG_ASSERT(err == NULL);
	MIG_ASSERT_MSG(best != NULL, "from%s to %llx: not refused", texts[0],
		       (unsigned long long)devices);
	state = read_layout(brute, gpu, &layout);
	MIG_ASSERT(state.devices == devices);
	MIG_ASSERT(has_placed(&state, placed));
	got = cost_of(now, held, &state);
	describe(brute, &state, texts[1], sizeof(texts[1]));
	describe(brute, best, texts[2], sizeof(texts[2]));
	MIG_ASSERT_MSG(compare_costs(&got, &want) == 0, "from%s: got%s, better is%s", texts[0],
		       texts[1], texts[2]);
	said = (struct brute_cost){layout.held_destroyed, layout.gi_destroyed, layout.ci_destroyed,
				   layout.gi_count, layout.room};
	MIG_ASSERT_MSG(compare_costs(&said, &want) == 0,
		       "from%s to%s: what the search says it costs", texts[0], texts[1]);
	MIG_ASSERT_MSG(!whole_only || slots_of(&state) == slots_of(best),
		       "from%s: got%s, by the tie rule%s", texts[0], texts[1], texts[2]);
}

void brute_compare(const struct brute *brute, struct mig_gpu *gpu, const struct brute_state *now,
		   const struct brute_held *held, uint64_t devices, bool whole_only)
{
	struct mig_gpu_target target;

	brute_to_gpu(brute, now, held, gpu);
	brute_to_target(brute, devices, &target);
	compare(brute, gpu, &target, now, held, devices, NULL, whole_only);
}

void brute_compare_placed(const struct brute *brute, struct mig_gpu *gpu,
			  const struct brute_state *now, const struct brute_held *held,
			  const struct brute_state *then, unsigned int placed_bits)
{
	struct brute_placed placed = {0};
	struct mig_gpu_target target;
	uint64_t free_devices = then->devices;

	for (unsigned int i = 0; i < then->gi_count; i++) {
		/* Nothing but a place asks for a GPU instance without compute instances. */
		if ((placed_bits >> i & 1) == 0 && then->gi[i].ci != 0)
			continue;
		placed.gi[placed.count++] = then->gi[i];
		for (unsigned int n = 0; then->gi[i].ci >> n != 0; n++) {
			unsigned int start = 0, row = 0;

			if ((then->gi[i].ci >> n & 1) == 0)
				continue;
			ci_slot(profile_of(brute, then->gi[i].slot), n, &start, &row);
			free_devices -=
				UINT64_C(1)
				<< 4 * kind_of(brute, brute->slots[then->gi[i].slot].row, row);
		}
	}
	brute_to_gpu(brute, now, held, gpu);
	brute_to_target(brute, free_devices, &target);
	for (unsigned int i = 0; i < placed.count; i++) {
		struct mig_placed_gi *gi = NULL;
		unsigned int slot = placed.gi[i].slot;

		MIG_ASSERT_INT_EQ(mig_target_place(&target, brute->slots[slot].row,
						   brute->slots[slot].start, &gi, NULL),
				  0);
		for (unsigned int n = 0; placed.gi[i].ci >> n != 0; n++) {
			unsigned int start = 0, row = 0;

			if ((placed.gi[i].ci >> n & 1) == 0)
				continue;
			ci_slot(profile_of(brute, slot), n, &start, &row);
			MIG_ASSERT_INT_EQ(mig_target_place_ci(gi, row, start, NULL), 0);
		}
	}
	compare(brute, gpu, &target, now, held, then->devices, &placed, false);
}

/* ---- many cases ------------------------------------------------------------------------------- */

struct mig_snapshot *brute_snapshot(const struct fake_gi_profile *profiles, unsigned int count)
{
	struct fake_driver *fake = fake_new();
	struct mig_context ctx = {.driver = &fake->driver, .host_root = ""};
	struct mig_snapshot *snapshot = NULL;
	struct mig_gpu *gpu;

	fake_add_gpu(fake, "GPU under test", profiles, count);
	/* One instance of each, so that CI profiles come from the driver too. */
	for (unsigned int i = 0; i < count; i++) {
		memset(fake->gpus[0].gi, 0, sizeof(fake->gpus[0].gi));
		fake_put(&fake->gpus[0], profiles[i].name + 4, profiles[i].starts[0]);
		if (snapshot == NULL)
			MIG_ASSERT_INT_EQ(mig_snapshot_read(&ctx, 0, &snapshot, NULL), 0);
		else
			MIG_ASSERT_INT_EQ(
				mig_snapshot_read_instances(&ctx, &snapshot->gpus[0], 0, NULL), 0);
	}
	gpu = &snapshot->gpus[0];
	gpu->gi_count = 0;
	for (unsigned int i = 0; i < gpu->facts->gi_count; i++) {
		MIG_ASSERT_INT_EQ(gpu->facts->gi[i].ci_source, MIG_CI_FROM_NVML);
		MIG_ASSERT_UINT_EQ(gpu->facts->gi[i].ci_count, profiles[i].ci_count);
	}
	fake_free(fake);
	return snapshot;
}

/* Small and reproducible. */
static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525U + 1013904223U;
	return *seed >> 8;
}

static struct brute_held random_held(const struct brute_state *now, uint32_t *seed)
{
	struct brute_held held = {{0}};

	for (unsigned int i = 0; i < now->gi_count; i++)
		held.ci[i] = now->gi[i].ci & (uint16_t)(next_random(seed) & next_random(seed));
	return held;
}

void brute_compare_all(const struct fake_gi_profile *profiles, unsigned int count, bool whole_only,
		       unsigned int step)
{
	static const struct brute_held nobody;
	struct mig_snapshot *snapshot = brute_snapshot(profiles, count);
	struct brute brute;
	unsigned int set_count, pair = 0;
	uint64_t *sets;
	uint32_t seed = 1;

	brute_init(&brute, profiles, count, whole_only);
	sets = brute_device_sets(&brute, &set_count);
	for (unsigned int s = 0; s < brute.state_count; s++) {
		for (unsigned int d = 0; d < set_count; d++) {
			struct brute_held held;

			if (pair++ % step != 0)
				continue;
			brute_compare(&brute, &snapshot->gpus[0], &brute.states[s], &nobody,
				      sets[d], whole_only);
			held = random_held(&brute.states[s], &seed);
			brute_compare(&brute, &snapshot->gpus[0], &brute.states[s], &held, sets[d],
				      whole_only);
		}
	}
	free(sets);
	brute_clear(&brute);
	snapshot->gpus[0].gi_count = 0;
	mig_snapshot_free(snapshot);
}

void brute_compare_all_placed(const struct fake_gi_profile *profiles, unsigned int count,
			      bool whole_only, unsigned int step)
{
	struct mig_snapshot *snapshot = brute_snapshot(profiles, count);
	struct brute brute;
	unsigned int pair = 0;
	uint32_t seed = 5;

	brute_init(&brute, profiles, count, whole_only);
	for (unsigned int from = 0; from < brute.state_count; from++) {
		for (unsigned int to = 0; to < brute.state_count; to++) {
			struct brute_held held;

			if (pair++ % step != 0)
				continue;
			held = random_held(&brute.states[from], &seed);
			brute_compare_placed(&brute, &snapshot->gpus[0], &brute.states[from], &held,
					     &brute.states[to], next_random(&seed));
		}
	}
	brute_clear(&brute);
	snapshot->gpus[0].gi_count = 0;
	mig_snapshot_free(snapshot);
}
