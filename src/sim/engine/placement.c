/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What fits where: the rules for GPU instances on a GPU and compute instances in a GPU instance.
 *
 * Occupied places are bits of one word, counted in placement units or compute slices. Everything
 * is worked out from the state and the tables at each call; nothing is remembered. The driver's own
 * choice is a rule inferred from captured sequences (data/mig.json, placement_model), and NVIDIA
 * publishes no other description of it: see is_better(). Must not change a state.
 */
#include "sim/engine/engine.h"

#define UNITS_MAX 64 /* bits of an occupancy word */

/* What is taken, on a GPU or in a GPU instance. */
struct occupancy {
	uint64_t places;
	uint32_t slices; /* compute slices of all instances together */
	uint32_t media_extensions;
	uint32_t count[MIG_TABLE_GI_PROFILES_MAX]; /* instances by profile row */
};

_Static_assert(MIG_TABLE_CI_PROFILES_MAX <= MIG_TABLE_GI_PROFILES_MAX, "count[] serves both");

/* The bits of an interval; 0 if it is empty or reaches beyond a word. */
static uint64_t interval_mask(uint32_t start, uint32_t size)
{
	if (!size || start >= UNITS_MAX || size > UNITS_MAX - start)
		return 0;
	return (size == UNITS_MAX ? UINT64_MAX : (UINT64_C(1) << size) - 1) << start;
}

static bool has_start(const uint8_t *starts, unsigned int count, uint32_t start)
{
	for (unsigned int i = 0; i < count; i++) {
		if (starts[i] == start)
			return true;
	}
	return false;
}

/* How many more instances a profile's cap allows; an unknown cap does not limit. */
static uint32_t left_of_total(uint8_t total, uint32_t used)
{
	if (total == MIG_TABLE_UNKNOWN_U8)
		return UINT32_MAX;
	return total > used ? total - used : 0;
}

static uint32_t left_of_slices(uint32_t slices, uint32_t used, uint32_t each)
{
	if (!each)
		return UINT32_MAX;
	return slices > used ? (slices - used) / each : 0;
}

/*
 * The most disjoint free places among `starts`. All are of one size and ascend, so taking each one
 * that lies clear of the last taken is best.
 */
static uint32_t pack(uint64_t taken, const uint8_t *starts, unsigned int start_count, uint32_t size)
{
	uint32_t count = 0;

	for (unsigned int i = 0; i < start_count; i++) {
		uint64_t mask = interval_mask(starts[i], size);

		if (!mask || (taken & mask))
			continue;
		taken |= mask;
		count++;
	}
	return count;
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* ---- GPU instances ---------------------------------------------------------------------------- */

/*
 * Compute slices of the whole GPU: those of its largest profile. On every geometry known, places
 * that do not overlap never exceed it (the tests verify that); it is checked so that a model which
 * a node description brings along need not be of such a geometry.
 */
static uint32_t gpu_slices(const struct mig_gpu_table *model)
{
	uint32_t slices = 0;

	for (unsigned int row = 0; row < model->gi_profile_count; row++) {
		if (model->gi[row].slice_count > slices)
			slices = model->gi[row].slice_count;
	}
	return slices;
}

static void occupy_gi(struct occupancy *occ, const struct mig_table_gi_profile *profile,
		      unsigned int row, uint32_t start)
{
	occ->places |= interval_mask(start, profile->placement_size);
	occ->slices += profile->slice_count;
	occ->media_extensions += profile->is_media_extension;
	occ->count[row]++;
}

static struct occupancy gpu_occupancy(const struct mig_sim_gpu *gpu,
				      const struct mig_sim_gpu_state *state)
{
	struct occupancy occ = {0};

	for (unsigned int id = 0; id < MIG_SIM_GIS_MAX; id++) {
		const struct mig_sim_gi *gi = &state->gi[id];

		if (gi->in_use && gi->profile < gpu->model->gi_profile_count)
			occupy_gi(&occ, &gpu->model->gi[gi->profile], gi->profile, gi->start);
	}
	return occ;
}

/*
 * The caps that do not depend on the place. At most one instance per GPU has a media extension,
 * over all +me and +me.all profiles together. How +gfx, -me and +me.all of RTX PRO 6000 combine
 * beyond that is not recorded anywhere: inferred, only their totals and their places limit them.
 */
static uint32_t gi_cap(const struct mig_sim_gpu *gpu, const struct occupancy *occ, unsigned int row)
{
	const struct mig_table_gi_profile *profile = &gpu->model->gi[row];
	uint32_t cap = left_of_total(profile->instances_total, occ->count[row]);

	cap = least(cap, left_of_slices(gpu_slices(gpu->model), occ->slices, profile->slice_count));
	if (profile->is_media_extension)
		cap = least(cap, occ->media_extensions ? 0 : 1);
	return cap;
}

/* Whether the place exists and is free; the caps are looked at by the caller. */
static bool gi_place_is_free(const struct mig_sim_gpu *gpu, const struct occupancy *occ,
			     unsigned int row, uint32_t start)
{
	uint32_t size = gpu->model->gi[row].placement_size;
	uint64_t mask = interval_mask(start, size);

	return mask && !(occ->places & mask) && mig_sim_tree_id(gpu, start, size) >= 0;
}

/*
 * The (profile, place) pairs that are free. Leaving out pairs whose profile has reached its cap
 * would give the same choices on every geometry known; the model check compares with that reading.
 */
static uint32_t gi_free_pairs(const struct mig_sim_gpu *gpu, const struct occupancy *occ)
{
	uint32_t count = 0;

	for (unsigned int row = 0; row < gpu->model->gi_profile_count; row++) {
		const struct mig_table_gi_profile *profile = &gpu->model->gi[row];

		for (unsigned int i = 0; i < profile->start_count; i++)
			count += gi_place_is_free(gpu, occ, row, profile->starts[i]);
	}
	return count;
}

bool mig_sim_gi_fits(const struct mig_sim_gpu *gpu, const struct mig_sim_gpu_state *state,
		     unsigned int row, uint32_t start)
{
	const struct mig_table_gi_profile *profile;
	struct occupancy occ;

	if (row >= gpu->model->gi_profile_count)
		return false;
	profile = &gpu->model->gi[row];
	if (!has_start(profile->starts, profile->start_count, start))
		return false;
	occ = gpu_occupancy(gpu, state);
	return gi_cap(gpu, &occ, row) && gi_place_is_free(gpu, &occ, row, start);
}

uint32_t mig_sim_gi_remaining(const struct mig_sim_gpu *gpu, const struct mig_sim_gpu_state *state,
			      unsigned int row)
{
	const struct mig_table_gi_profile *profile;
	struct occupancy occ;

	if (row >= gpu->model->gi_profile_count)
		return 0;
	profile = &gpu->model->gi[row];
	occ = gpu_occupancy(gpu, state);
	return least(gi_cap(gpu, &occ, row), pack(occ.places, profile->starts, profile->start_count,
						  profile->placement_size));
}

/*
 * Whether a place is taken only when no other is left: the highest one of the double-memory 1g, on
 * a GPU in the normal layout. Captured on GH200 (ids 5, 3, 4 in this order) and H100 (5 alone),
 * although id 6 would cost least there; why is not known.
 */
static bool is_last_resort(const struct mig_sim_gpu *gpu,
			   const struct mig_table_gi_profile *profile, unsigned int at)
{
	return profile->profile_index == NVML_GPU_INSTANCE_PROFILE_1_SLICE_REV2 &&
	       gpu->desc->layout == MIG_SIM_LAYOUT_NORMAL && at + 1 == profile->start_count;
}

/* A place for a new GPU instance and what taking it means. */
struct choice {
	int start; /* -1: none yet */
	int gi_id;
	bool is_last_resort;
	uint32_t free_after; /* (profile, place) pairs */
};

/*
 * The inferred rule: of the free places the one that leaves the most (profile, place) pairs
 * free, over all profiles of the GPU; of equals the lowest tree id.
 */
static bool is_better(const struct choice *a, const struct choice *b)
{
	if (b->start < 0)
		return true;
	if (a->is_last_resort != b->is_last_resort)
		return b->is_last_resort;
	if (a->free_after != b->free_after)
		return a->free_after > b->free_after;
	return a->gi_id < b->gi_id;
}

int mig_sim_gi_choose(const struct mig_sim_gpu *gpu, const struct mig_sim_gpu_state *state,
		      unsigned int row)
{
	const struct mig_table_gi_profile *profile;
	struct choice best = {.start = -1};
	struct occupancy occ;

	if (row >= gpu->model->gi_profile_count)
		return -1;
	profile = &gpu->model->gi[row];
	occ = gpu_occupancy(gpu, state);
	if (!gi_cap(gpu, &occ, row))
		return -1;
	for (unsigned int i = 0; i < profile->start_count; i++) {
		struct occupancy after = occ;
		struct choice choice = {.start = profile->starts[i]};

		if (!gi_place_is_free(gpu, &occ, row, profile->starts[i]))
			continue;
		occupy_gi(&after, profile, row, profile->starts[i]);
		choice.gi_id = mig_sim_tree_id(gpu, profile->starts[i], profile->placement_size);
		choice.is_last_resort = is_last_resort(gpu, profile, i);
		choice.free_after = gi_free_pairs(gpu, &after);
		if (is_better(&choice, &best))
			best = choice;
	}
	return best.start;
}

/* ---- compute instances ------------------------------------------------------------------------ */

/* The GI profile of an existing GPU instance; NULL if there is none. */
static const struct mig_table_gi_profile *gi_profile_of(const struct mig_sim_gpu *gpu,
							const struct mig_sim_gpu_state *state,
							unsigned int gi_id)
{
	const struct mig_sim_gi *gi;

	if (gi_id >= MIG_SIM_GIS_MAX)
		return NULL;
	gi = &state->gi[gi_id];
	if (!gi->in_use || gi->profile >= gpu->model->gi_profile_count)
		return NULL;
	return &gpu->model->gi[gi->profile];
}

static void occupy_ci(struct occupancy *occ, const struct mig_table_ci_profile *profile,
		      unsigned int row, uint32_t start)
{
	occ->places |= interval_mask(start, profile->placement_size);
	occ->slices += profile->slice_count;
	occ->count[row]++;
}

static struct occupancy gi_occupancy(const struct mig_table_gi_profile *gi_profile,
				     const struct mig_sim_gi *gi)
{
	struct occupancy occ = {0};

	for (unsigned int id = 0; id < MIG_SIM_CIS_MAX; id++) {
		const struct mig_sim_ci *ci = &gi->ci[id];

		if (ci->in_use && ci->profile < gi_profile->ci_profile_count)
			occupy_ci(&occ, &gi_profile->ci[ci->profile], ci->profile, ci->start);
	}
	return occ;
}

/*
 * Places and compute slices are counted apart, because a place can be wider than its slices: on
 * Hopper the full compute instance of a 3-slice GPU instance lies at 0:4.
 */
static uint32_t ci_cap(const struct mig_table_gi_profile *gi_profile, const struct occupancy *occ,
		       unsigned int row)
{
	const struct mig_table_ci_profile *profile = &gi_profile->ci[row];

	return least(left_of_total(profile->instances_total, occ->count[row]),
		     left_of_slices(gi_profile->slice_count, occ->slices, profile->slice_count));
}

static bool ci_place_is_free(const struct mig_table_gi_profile *gi_profile,
			     const struct occupancy *occ, unsigned int row, uint32_t start)
{
	uint64_t mask = interval_mask(start, gi_profile->ci[row].placement_size);

	return mask && !(occ->places & mask);
}

static uint32_t ci_free_pairs(const struct mig_table_gi_profile *gi_profile,
			      const struct occupancy *occ)
{
	uint32_t count = 0;

	for (unsigned int row = 0; row < gi_profile->ci_profile_count; row++) {
		const struct mig_table_ci_profile *profile = &gi_profile->ci[row];

		for (unsigned int i = 0; i < profile->start_count; i++)
			count += ci_place_is_free(gi_profile, occ, row, profile->starts[i]);
	}
	return count;
}

bool mig_sim_ci_fits(const struct mig_sim_gpu *gpu, const struct mig_sim_gpu_state *state,
		     unsigned int gi_id, unsigned int row, uint32_t start)
{
	const struct mig_table_gi_profile *gi_profile = gi_profile_of(gpu, state, gi_id);
	struct occupancy occ;

	if (!gi_profile || row >= gi_profile->ci_profile_count)
		return false;
	if (!has_start(gi_profile->ci[row].starts, gi_profile->ci[row].start_count, start))
		return false;
	occ = gi_occupancy(gi_profile, &state->gi[gi_id]);
	return ci_cap(gi_profile, &occ, row) && ci_place_is_free(gi_profile, &occ, row, start);
}

uint32_t mig_sim_ci_remaining(const struct mig_sim_gpu *gpu, const struct mig_sim_gpu_state *state,
			      unsigned int gi_id, unsigned int row)
{
	const struct mig_table_gi_profile *gi_profile = gi_profile_of(gpu, state, gi_id);
	const struct mig_table_ci_profile *profile;
	struct occupancy occ;

	if (!gi_profile || row >= gi_profile->ci_profile_count)
		return 0;
	profile = &gi_profile->ci[row];
	occ = gi_occupancy(gi_profile, &state->gi[gi_id]);
	return least(ci_cap(gi_profile, &occ, row),
		     pack(occ.places, profile->starts, profile->start_count,
			  profile->placement_size));
}

/*
 * Without a placement: on Ampere starts ascend (captured: 0:1, 1:1). From Hopper on the choice keeps
 * the most (profile, start) pairs free, of equals the lowest start. That rests on one capture,
 * a lone 1c.3g.40gb of an H100 at 2:1, and on the driver's published allocator of compute slices
 * having the same aim; inferred for all other profiles.
 */
int mig_sim_ci_choose(const struct mig_sim_gpu *gpu, const struct mig_sim_gpu_state *state,
		      unsigned int gi_id, unsigned int row)
{
	const struct mig_table_gi_profile *gi_profile = gi_profile_of(gpu, state, gi_id);
	const struct mig_table_ci_profile *profile;
	struct occupancy occ;
	int best_start = -1;
	uint32_t best_left = 0;

	if (!gi_profile || row >= gi_profile->ci_profile_count)
		return -1;
	profile = &gi_profile->ci[row];
	occ = gi_occupancy(gi_profile, &state->gi[gi_id]);
	if (!ci_cap(gi_profile, &occ, row))
		return -1;
	for (unsigned int i = 0; i < profile->start_count; i++) {
		struct occupancy after = occ;
		uint32_t left;

		if (!ci_place_is_free(gi_profile, &occ, row, profile->starts[i]))
			continue;
		if (gpu->model->arch == MIG_ARCH_AMPERE)
			return profile->starts[i];
		occupy_ci(&after, profile, row, profile->starts[i]);
		left = ci_free_pairs(gi_profile, &after);
		if (best_start >= 0 && left <= best_left)
			continue;
		best_start = profile->starts[i];
		best_left = left;
	}
	return best_start;
}
