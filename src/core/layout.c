/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layout search; see layout.h for the order of harm.
 *
 * Two exact depth-first searches, one inside the other. The outer one puts GPU instances into the
 * GPU's placement units. Wanted devices of one GPU instance profile may share GPU instances
 * (2c.3g + 1c.3g lie in one 3g), and which share is free, so the items of the outer search are
 * *bins*: every multiset of compute instances that fits one GPU instance. The inner search puts a
 * bin's compute instances into compute slices, keeping those that are there already.
 *
 * Starts are tried from the highest down and larger profiles first, so the first of equal results
 * is the one the tie rule asks for. Equal bins are placed at descending starts only, which removes
 * permutations; today's largest GPU has 2,319 layouts in all, so no further pruning is needed.
 */
#include "core/layout.h"

#include <limits.h>
#include <string.h>

#include "core/layout_ci.h"
#include "core/space.h"
#include "shared/buf.h"

#define BINS_MAX 256 /* per GPU: today's largest need is below 40 */

struct bin {
	unsigned int gi_row;
	uint8_t counts[MIG_FACTS_CI_PROFILES_MAX];
	uint64_t hash; /* of the devices in it; what is placed has the sum of its bins' */
	struct mig_ci_layout *in; /* [0] in a GPU instance made for it, [1 + i] in gpu->gi[i] */
};

/* What a layout costs, in the order in which it counts; of the room, less is worse. */
struct cost {
	unsigned int held_destroyed, gi_destroyed, ci_destroyed, gi_count, room;
};

/* Sets of devices, found by the hash of their counts. */
struct table {
	struct mig_layout_sets *sets;
	uint64_t *hashes; /* by set */
	size_t hashes_allocated;
	unsigned int slot_count;					      /* a power of two */
	unsigned int *slots;						      /* set + 1, or 0 */
	uint8_t device[MIG_FACTS_GI_PROFILES_MAX][MIG_FACTS_CI_PROFILES_MAX]; /* position */
	uint8_t counts[MIG_TARGET_DEVICES_MAX]; /* of the layout being built */
	uint64_t hash;
	unsigned int visited;
	bool is_out_of_memory;
	bool is_too_large;
};

struct search {
	const struct mig_gpu *gpu;
	const struct mig_facts *facts;
	struct mig_space space;
	struct mig_space_state state;
	/* wanted compute instances that are not placed yet */
	unsigned int left[MIG_FACTS_GI_PROFILES_MAX][MIG_FACTS_CI_PROFILES_MAX];
	unsigned int row_count; /* GI rows that are wanted, largest first */
	unsigned int rows[MIG_FACTS_GI_PROFILES_MAX];
	unsigned int bin_count;
	struct bin *bins;
	struct mig_ci_layout *inner; /* all bins' */
	/* the layout being built: first what has its place already, then bins */
	unsigned int fixed_count;
	struct mig_layout_gi fixed[MIG_GPU_INSTANCES_MAX];
	unsigned int depth;
	struct {
		const struct bin *bin;
		unsigned int start;
		int existing;
		const struct mig_ci_layout *in;
	} placed[MIG_GPU_INSTANCES_MAX];
	struct cost now;
	/* the best one */
	bool found;
	struct cost best_cost;
	struct mig_layout best;
	/* instead of the best: the table of all sets */
	struct table *table;
};

/* ---- bins ------------------------------------------------------------------------------------- */

/* A number for each device position, so that a set's hash is the sum of its devices'. */
static uint64_t hash_of(unsigned int device)
{
	uint64_t x = (device + 1) * UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

/*
 * Finds every bin of a GI row with counts up to what is wanted, `row` and below still open. Without
 * s->bins they are only counted.
 */
static void add_bins(struct search *s, unsigned int gi_row, int ci_row, unsigned int slices,
		     uint8_t *counts)
{
	const struct mig_gi_profile *profile = &s->facts->gi[gi_row];
	struct bin *bin;

	if (ci_row >= 0) {
		unsigned int width = profile->ci[ci_row].slice_count;
		unsigned int max =
			MIG_MIN(s->left[gi_row][ci_row], profile->ci[ci_row].instance_max);

		for (unsigned int n = 0; n <= max && n * width <= slices; n++) {
			counts[ci_row] = (uint8_t)n;
			add_bins(s, gi_row, ci_row - 1, slices - n * width, counts);
		}
		counts[ci_row] = 0;
		return;
	}
	if (slices == profile->slice_count || s->bin_count == BINS_MAX)
		return;
	if (s->bins == NULL) {
		s->bin_count++;
		return;
	}
	bin = &s->bins[s->bin_count];
	bin->gi_row = gi_row;
	memcpy(bin->counts, counts, sizeof(bin->counts));
	bin->in = &s->inner[s->bin_count * (s->gpu->gi_count + 1)];
	mig_ci_layout_solve(profile, counts, NULL, &bin->in[0]);
	for (unsigned int i = 0; s->table != NULL && i < profile->ci_count; i++)
		bin->hash += counts[i] * hash_of(s->table->device[gi_row][i]);
	if (bin->in[0].is_possible)
		s->bin_count++;
}

static void add_all_bins(struct search *s)
{
	s->bin_count = 0;
	for (unsigned int i = 0; i < s->row_count; i++) {
		const struct mig_gi_profile *profile = &s->facts->gi[s->rows[i]];
		uint8_t counts[MIG_FACTS_CI_PROFILES_MAX] = {0};

		add_bins(s, s->rows[i], (int)profile->ci_count - 1, profile->slice_count, counts);
	}
}

static int make_bins(struct search *s, struct mig_error **err)
{
	add_all_bins(s);
	if (s->bin_count == BINS_MAX)
		return mig_error_set(err, MIG_ERROR_REFUSED,
				     "the wanted set has more than %d ways to share GPU instances",
				     BINS_MAX - 1);
	s->bins = calloc((size_t)s->bin_count + 1, sizeof(*s->bins));
	s->inner = calloc((size_t)(s->bin_count + 1) * (s->gpu->gi_count + 1), sizeof(*s->inner));
	if (s->bins == NULL || s->inner == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	add_all_bins(s);
	return 0;
}

static const struct mig_ci_layout *bin_in(const struct search *s, const struct bin *bin,
					  int existing)
{
	struct mig_ci_layout *in = &bin->in[existing + 1];

	if (!in->is_known)
		mig_ci_layout_solve(&s->facts->gi[bin->gi_row], bin->counts, &s->gpu->gi[existing],
				    in);
	return in;
}

/* ---- the outer search: GPU instances in the GPU ------------------------------------------------ */

static int existing_gi(const struct mig_gpu *gpu, unsigned int gi_row, unsigned int start)
{
	for (unsigned int i = 0; i < gpu->gi_count; i++) {
		if (gpu->gi[i].gi_row == gi_row && gpu->gi[i].start == start)
			return (int)i;
	}
	return -1;
}

/* Whether a does less harm than b; `is_same` when only the room is left to tell them apart. */
static bool is_less_harm(const struct cost *a, const struct cost *b, bool *is_same)
{
	*is_same = false;
	if (a->held_destroyed != b->held_destroyed)
		return a->held_destroyed < b->held_destroyed;
	if (a->gi_destroyed != b->gi_destroyed)
		return a->gi_destroyed < b->gi_destroyed;
	if (a->ci_destroyed != b->ci_destroyed)
		return a->ci_destroyed < b->ci_destroyed;
	if (a->gi_count != b->gi_count)
		return a->gi_count < b->gi_count;
	*is_same = true;
	return false;
}

/* Whether what is placed now is better than `best`; sets the room of s->now if it is needed. */
static bool is_better(struct search *s, bool has_best, const struct cost *best)
{
	bool is_same = false;

	if (has_best && !is_less_harm(&s->now, best, &is_same) && !is_same)
		return false;
	s->now.room = mig_space_room(&s->space, &s->state);
	return !is_same || s->now.room > best->room;
}

static void judge(struct search *s)
{
	if (!is_better(s, s->found, &s->best_cost))
		return;
	s->found = true;
	s->best_cost = s->now;
	s->best.gi_count = s->fixed_count + s->depth;
	for (unsigned int i = 0; i < s->depth; i++) {
		struct mig_layout_gi *gi = &s->best.gi[s->fixed_count + i];
		int existing = s->placed[i].existing;

		gi->gi_row = s->placed[i].bin->gi_row;
		gi->start = s->placed[i].start;
		gi->kept_id = existing >= 0 ? (int)s->gpu->gi[existing].id : -1;
		gi->ci_count = s->placed[i].in->count;
		memcpy(gi->ci, s->placed[i].in->ci, sizeof(gi->ci));
	}
}

#define ALL_STARTS UINT_MAX

static void place(struct search *s, unsigned int row_number, unsigned int first_bin,
		  unsigned int first_end);

static bool bin_fits_wish(const struct search *s, const struct bin *bin)
{
	for (unsigned int i = 0; i < MIG_FACTS_CI_PROFILES_MAX; i++) {
		if (bin->counts[i] > s->left[bin->gi_row][i])
			return false;
	}
	return true;
}

static bool row_is_done(const struct search *s, unsigned int gi_row)
{
	for (unsigned int i = 0; i < MIG_FACTS_CI_PROFILES_MAX; i++) {
		if (s->left[gi_row][i] > 0)
			return false;
	}
	return true;
}

static void put(struct search *s, const struct bin *bin, unsigned int start)
{
	int existing = existing_gi(s->gpu, bin->gi_row, start);
	const struct mig_ci_layout *in = bin_in(s, bin, existing);

	mig_space_add(&s->space, &s->state, bin->gi_row, start);
	for (unsigned int c = 0; c < MIG_FACTS_CI_PROFILES_MAX; c++)
		s->left[bin->gi_row][c] -= bin->counts[c];
	s->placed[s->depth].bin = bin;
	s->placed[s->depth].start = start;
	s->placed[s->depth].existing = existing;
	s->placed[s->depth].in = in;
	s->depth++;
	s->now.gi_count++;
	s->now.gi_destroyed -= existing >= 0;
	s->now.ci_destroyed -= in->kept;
	s->now.held_destroyed -= in->held_kept;
}

static void take_back(struct search *s)
{
	const struct bin *bin = s->placed[--s->depth].bin;
	const struct mig_ci_layout *in = s->placed[s->depth].in;

	s->now.held_destroyed += in->held_kept;
	s->now.ci_destroyed += in->kept;
	s->now.gi_destroyed += s->placed[s->depth].existing >= 0;
	s->now.gi_count--;
	for (unsigned int c = 0; c < MIG_FACTS_CI_PROFILES_MAX; c++)
		s->left[bin->gi_row][c] += bin->counts[c];
	mig_space_remove(&s->space, &s->state, bin->gi_row, s->placed[s->depth].start);
}

/* Tries bin `b` at its starts below index `start_end`, from the highest down. */
static void place_bin(struct search *s, unsigned int row_number, unsigned int b,
		      unsigned int start_end)
{
	const struct bin *bin = &s->bins[b];
	const struct mig_gi_profile *profile = &s->facts->gi[bin->gi_row];

	for (unsigned int i = start_end; i-- > 0;) {
		if (!mig_space_fits(&s->space, &s->state, bin->gi_row, profile->starts[i]))
			continue;
		put(s, bin, profile->starts[i]);
		place(s, row_number, b, i);
		take_back(s);
	}
}

/*
 * Continues with GI row rows[row_number]. Bins from first_bin on may be used, first_bin itself only
 * at starts below index first_end, where it was placed last.
 */
static void place(struct search *s, unsigned int row_number, unsigned int first_bin,
		  unsigned int first_end)
{
	unsigned int gi_row;

	if (row_number == s->row_count) {
		judge(s);
		return;
	}
	gi_row = s->rows[row_number];
	if (row_is_done(s, gi_row)) {
		place(s, row_number + 1, 0, ALL_STARTS);
		return;
	}
	if (s->fixed_count + s->depth == MIG_GPU_INSTANCES_MAX)
		return;
	for (unsigned int b = first_bin; b < s->bin_count; b++) {
		const struct bin *bin = &s->bins[b];
		unsigned int end = s->facts->gi[gi_row].start_count;

		if (b == first_bin)
			end = MIG_MIN(end, first_end);
		if (bin->gi_row == gi_row && bin_fits_wish(s, bin))
			place_bin(s, row_number, b, end);
	}
}

/* ---- setting up ------------------------------------------------------------------------------- */

static bool is_larger(const struct mig_gi_profile *a, const struct mig_gi_profile *b)
{
	if (a->size != b->size)
		return a->size > b->size;
	if (a->slice_count != b->slice_count)
		return a->slice_count > b->slice_count;
	return a->index < b->index;
}

static void take_target(struct search *s, const struct mig_gpu_target *target)
{
	for (unsigned int i = 0; i < target->device_count; i++) {
		const struct mig_wanted_device *device = &target->devices[i];
		unsigned int at = 0;
		bool is_new = row_is_done(s, device->gi_row);

		s->left[device->gi_row][device->ci_row] += device->count;
		if (s->table != NULL)
			s->table->device[device->gi_row][device->ci_row] = (uint8_t)i;
		if (!is_new)
			continue;
		while (at < s->row_count &&
		       is_larger(&s->facts->gi[s->rows[at]], &s->facts->gi[device->gi_row]))
			at++;
		memmove(&s->rows[at + 1], &s->rows[at], (s->row_count - at) * sizeof(s->rows[0]));
		s->rows[at] = device->gi_row;
		s->row_count++;
	}
}

static int begin(struct search *s, const struct mig_gpu *gpu, const struct mig_gpu_target *target,
		 struct mig_error **err)
{
	s->gpu = gpu;
	s->facts = gpu->facts;
	mig_facts_gi_space(gpu->facts, &s->space);
	s->now.gi_destroyed = gpu->gi_count;
	for (unsigned int i = 0; i < gpu->gi_count; i++) {
		for (unsigned int c = 0; c < gpu->gi[i].ci_count; c++)
			s->now.held_destroyed += gpu->gi[i].ci[c].holder_count > 0;
		s->now.ci_destroyed += gpu->gi[i].ci_count;
	}
	take_target(s, target);
	return make_bins(s, err);
}

static void end(struct search *s)
{
	free(s->inner);
	free(s->bins);
}

/* ---- GPU instances that have a place already --------------------------------------------------- */

static bool is_start_of(const struct mig_gi_profile *profile, unsigned int start)
{
	for (unsigned int i = 0; i < profile->start_count; i++) {
		if (profile->starts[i] == start)
			return true;
	}
	return false;
}

static int hint_starts(const struct mig_gi_profile *profile, struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf starts = MIG_BUF_INIT(1024);

	for (unsigned int i = 0; i < profile->start_count; i++)
		mig_buf_printf(&starts, "%s%u", i > 0 ? ", " : "", profile->starts[i]);
	return mig_error_hint(err, "%s can lie at %s", profile->name, mig_buf_text(&starts));
}

/* Why placed[at] does not fit beside the placed ones before it. */
static int refuse_placed(const struct mig_facts *facts, const struct mig_gpu_target *target,
			 unsigned int at, struct mig_error **err)
{
	const struct mig_placed_gi *placed = &target->placed[at];
	const struct mig_gi_profile *profile = &facts->gi[placed->gi_row];

	for (unsigned int i = 0; i < at; i++) {
		const struct mig_placed_gi *other = &target->placed[i];
		const struct mig_gi_profile *its = &facts->gi[other->gi_row];

		if (placed->start >= other->start + its->size ||
		    other->start >= placed->start + profile->size)
			continue;
		mig_error_set(err, MIG_ERROR_REFUSED, "%s at %u and %s at %u overlap", its->name,
			      other->start, profile->name, placed->start);
		return hint_starts(profile, err);
	}
	mig_error_set(err, MIG_ERROR_REFUSED,
		      "%s at %u is more than this GPU takes beside the others with a place",
		      profile->name, placed->start);
	return mig_error_hint(err, "this GPU takes %u of %s at the same time, and %u slices in all",
			      profile->instance_max, profile->name, facts->slices);
}

static int refuse_placed_ci(const struct mig_gi_profile *profile,
			    const struct mig_placed_gi *placed, struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf wish = MIG_BUF_INIT(8192);
	_cleanup_buf_ struct mig_buf can = MIG_BUF_INIT(8192);
	unsigned int count = MIG_MIN(placed->ci_count, MIG_COMPUTE_INSTANCES_MAX);
	char name[MIG_PROFILE_NAME_SIZE];

	for (unsigned int i = 0; i < count; i++) {
		const struct mig_placed_ci *ci = &placed->ci[i];

		if (ci->ci_row >= profile->ci_count)
			continue;
		mig_facts_device_name(profile, ci->ci_row, name, sizeof(name));
		mig_buf_printf(&wish, "%s%s", mig_buf_text(&wish)[0] != '\0' ? ", " : "", name);
		if (ci->start != MIG_START_ANY)
			mig_buf_printf(&wish, " at %u", ci->start);
	}
	for (unsigned int i = 0; i < profile->ci_count; i++) {
		mig_facts_device_name(profile, i, name, sizeof(name));
		mig_buf_printf(&can, "%s%s at", i > 0 ? "; " : "", name);
		for (unsigned int s = 0; s < profile->ci[i].start_count; s++)
			mig_buf_printf(&can, "%s%u", s > 0 ? ", " : " ", profile->ci[i].starts[s]);
	}
	mig_error_set(err, MIG_ERROR_REFUSED,
		      "the compute instances %s do not fit together in %s at %u",
		      mig_buf_text(&wish), profile->name, placed->start);
	return mig_error_hint(err, "in a %s lie, by compute slice: %s", profile->name,
			      mig_buf_text(&can));
}

static int place_fixed(struct search *s, const struct mig_gpu_target *target,
		       struct mig_error **err)
{
	if (target->placed_count > MIG_GPU_INSTANCES_MAX)
		return mig_error_set(err, MIG_ERROR_REFUSED, "more than %d placed GPU instances",
				     MIG_GPU_INSTANCES_MAX);
	for (unsigned int i = 0; i < target->placed_count; i++) {
		const struct mig_placed_gi *placed = &target->placed[i];
		const struct mig_gi_profile *profile = &s->facts->gi[placed->gi_row];
		int existing = existing_gi(s->gpu, placed->gi_row, placed->start);
		struct mig_layout_gi *gi = &s->best.gi[s->fixed_count++];
		struct mig_ci_layout in;

		if (!is_start_of(profile, placed->start)) {
			mig_error_set(err, MIG_ERROR_REFUSED, "%s cannot lie at %u", profile->name,
				      placed->start);
			return hint_starts(profile, err);
		}
		if (!mig_space_fits(&s->space, &s->state, placed->gi_row, placed->start))
			return refuse_placed(s->facts, target, i, err);
		mig_ci_layout_solve_placed(profile, placed,
					   existing >= 0 ? &s->gpu->gi[existing] : NULL, &in);
		if (!in.is_possible)
			return refuse_placed_ci(profile, placed, err);
		mig_space_add(&s->space, &s->state, placed->gi_row, placed->start);
		gi->gi_row = placed->gi_row;
		gi->start = placed->start;
		gi->kept_id = existing >= 0 ? (int)s->gpu->gi[existing].id : -1;
		gi->ci_count = in.count;
		memcpy(gi->ci, in.ci, sizeof(gi->ci));
		s->now.gi_count++;
		s->now.gi_destroyed -= existing >= 0;
		s->now.ci_destroyed -= in.kept;
		s->now.held_destroyed -= in.held_kept;
	}
	return 0;
}

/* Largest first, as they are created; stable, so that the devices keep the order of the search. */
static void sort_by_size(const struct mig_facts *facts, struct mig_layout *layout)
{
	for (unsigned int i = 1; i < layout->gi_count; i++) {
		struct mig_layout_gi gi = layout->gi[i];
		unsigned int at = i;

		while (at > 0 &&
		       is_larger(&facts->gi[gi.gi_row], &facts->gi[layout->gi[at - 1].gi_row])) {
			layout->gi[at] = layout->gi[at - 1];
			at--;
		}
		layout->gi[at] = gi;
	}
}

/* ---- one layout -------------------------------------------------------------------------------- */

static void describe_wish(const struct mig_facts *facts, const struct mig_gpu_target *target,
			  struct mig_buf *buf)
{
	for (unsigned int i = 0; i < target->device_count; i++) {
		const struct mig_wanted_device *d = &target->devices[i];

		char name[MIG_PROFILE_NAME_SIZE];

		mig_facts_device_name(&facts->gi[d->gi_row], d->ci_row, name, sizeof(name));
		mig_buf_printf(buf, "%s%u x %s", i > 0 ? ", " : "", d->count, name);
	}
	for (unsigned int i = 0; i < target->placed_count; i++)
		mig_buf_printf(buf, "%s%s at %u", i > 0 ? ", " : " beside ",
			       facts->gi[target->placed[i].gi_row].name, target->placed[i].start);
}

/* The most GPU instances of one row that an empty GPU takes. */
static unsigned int most_of(const struct mig_facts *facts, unsigned int gi_row)
{
	struct mig_space space;
	struct mig_space_state state = {0};
	unsigned int most = 0;
	const struct mig_gi_profile *profile = &facts->gi[gi_row];

	mig_facts_gi_space(facts, &space);
	for (unsigned int i = 0; i < profile->start_count; i++) {
		if (!mig_space_fits(&space, &state, gi_row, profile->starts[i]))
			continue;
		mig_space_add(&space, &state, gi_row, profile->starts[i]);
		most++;
	}
	return most;
}

static int refuse(const struct mig_facts *facts, const struct mig_gpu_target *target,
		  struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf wish = MIG_BUF_INIT(8192);
	_cleanup_buf_ struct mig_buf most = MIG_BUF_INIT(8192);

	describe_wish(facts, target, &wish);
	mig_error_set(err, MIG_ERROR_REFUSED, "%s do not fit together in any layout of this GPU",
		      mig_buf_text(&wish));
	for (unsigned int i = 0; i < target->device_count; i++) {
		const struct mig_gi_profile *gi = &facts->gi[target->devices[i].gi_row];
		bool again = i > 0 && target->devices[i - 1].gi_row == target->devices[i].gi_row;

		if (!again)
			mig_buf_printf(&most, "%s%u x %s", i > 0 ? ", " : "",
				       most_of(facts, target->devices[i].gi_row), gi->name);
	}
	return mig_error_hint(err, "on an empty GPU of this kind fit, each alone: %s",
			      mig_buf_text(&most));
}

/* Cheap and certain: more compute slices wanted than the GPU has. Keeps absurd counts out. */
static bool is_hopeless(const struct mig_facts *facts, const struct mig_gpu_target *target)
{
	uint64_t slices = 0;

	for (unsigned int i = 0; i < target->device_count; i++) {
		const struct mig_wanted_device *d = &target->devices[i];

		slices += (uint64_t)d->count * facts->gi[d->gi_row].ci[d->ci_row].slice_count;
	}
	return slices > facts->slices;
}

int mig_layout_find(const struct mig_gpu *gpu, const struct mig_gpu_target *target,
		    struct mig_layout *layout, struct mig_error **err)
{
	_cleanup_free_ struct search *s = calloc(1, sizeof(*s));
	int result = -1;

	if (s == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	if (is_hopeless(gpu->facts, target))
		return refuse(gpu->facts, target, err);
	if (begin(s, gpu, target, err) == 0 && place_fixed(s, target, err) == 0) {
		place(s, 0, 0, ALL_STARTS);
		result = s->found ? 0 : refuse(gpu->facts, target, err);
	}
	end(s);
	if (result < 0)
		return -1;
	if (s->fixed_count > 0)
		sort_by_size(gpu->facts, &s->best);
	*layout = s->best;
	layout->held_destroyed = s->best_cost.held_destroyed;
	layout->gi_destroyed = s->best_cost.gi_destroyed;
	layout->ci_destroyed = s->best_cost.ci_destroyed;
	layout->room = s->best_cost.room;
	return 0;
}

/* ---- all sets ---------------------------------------------------------------------------------- */

#define TABLE_VISITS_MAX 4000000 /* today's largest GPU has 2,319 layouts of whole instances */

/* Makes room for one more set: slots at most half full. */
static int grow_table(struct table *t)
{
	unsigned int *slots;
	unsigned int count = t->slot_count == 0 ? 512 : t->slot_count * 2;

	if (mig_array_reserve(&t->sets->sets, &t->sets->allocated, (size_t)t->sets->count + 1,
			      sizeof(*t->sets->sets)) < 0 ||
	    mig_array_reserve(&t->hashes, &t->hashes_allocated, (size_t)t->sets->count + 1,
			      sizeof(*t->hashes)) < 0)
		return -1;
	if (t->sets->count * 2 < t->slot_count)
		return 0;
	slots = calloc(count, sizeof(*slots));
	if (slots == NULL)
		return -1;
	for (unsigned int i = 0; i < t->sets->count; i++) {
		unsigned int at = (unsigned int)(t->hashes[i] >> 32) & (count - 1);

		while (slots[at] != 0)
			at = (at + 1) & (count - 1);
		slots[at] = i + 1;
	}
	free(t->slots);
	t->slots = slots;
	t->slot_count = count;
	return 0;
}

/* The set that is placed now, a new one if it was not seen before; NULL: out of memory. */
static struct mig_layout_set *find_set(struct table *t, bool *is_new)
{
	unsigned int at;
	struct mig_layout_set *set;

	if (grow_table(t) < 0)
		return NULL;
	at = (unsigned int)(t->hash >> 32) & (t->slot_count - 1);
	for (; t->slots[at] != 0; at = (at + 1) & (t->slot_count - 1)) {
		unsigned int i = t->slots[at] - 1;

		set = &t->sets->sets[i];
		if (t->hashes[i] == t->hash &&
		    memcmp(set->counts, t->counts, sizeof(t->counts)) == 0) {
			*is_new = false;
			return set;
		}
	}
	*is_new = true;
	t->hashes[t->sets->count] = t->hash;
	t->slots[at] = t->sets->count + 1;
	set = &t->sets->sets[t->sets->count++];
	memcpy(set->counts, t->counts, sizeof(t->counts));
	return set;
}

static void record(struct search *s)
{
	struct table *t = s->table;
	struct mig_layout_set *set;
	struct cost best;
	bool is_new;

	set = find_set(t, &is_new);
	if (set == NULL) {
		t->is_out_of_memory = true;
		return;
	}
	if (!is_new)
		best = (struct cost){set->held_destroyed, set->gi_destroyed, set->ci_destroyed,
				     set->gi_count, set->room};
	if (!is_better(s, !is_new, &best))
		return;
	set->held_destroyed = s->now.held_destroyed;
	set->gi_destroyed = s->now.gi_destroyed;
	set->ci_destroyed = s->now.ci_destroyed;
	set->gi_count = s->now.gi_count;
	set->room = s->now.room;
}

static void visit(struct search *s, unsigned int first_bin, unsigned int first_end);

static void visit_with(struct search *s, unsigned int b, unsigned int start_end)
{
	const struct bin *bin = &s->bins[b];
	const struct mig_gi_profile *profile = &s->facts->gi[bin->gi_row];
	struct table *t = s->table;

	for (unsigned int i = start_end; i-- > 0;) {
		if (!mig_space_fits(&s->space, &s->state, bin->gi_row, profile->starts[i]))
			continue;
		put(s, bin, profile->starts[i]);
		for (unsigned int c = 0; c < profile->ci_count; c++)
			t->counts[t->device[bin->gi_row][c]] += bin->counts[c];
		t->hash += bin->hash;
		visit(s, b, i);
		t->hash -= bin->hash;
		for (unsigned int c = 0; c < profile->ci_count; c++)
			t->counts[t->device[bin->gi_row][c]] -= bin->counts[c];
		take_back(s);
	}
}

/* Records what is placed, then everything that has it and more; each layout comes once. */
static void visit(struct search *s, unsigned int first_bin, unsigned int first_end)
{
	s->table->is_too_large = s->table->is_too_large || ++s->table->visited > TABLE_VISITS_MAX;
	if (s->table->is_too_large || s->table->is_out_of_memory)
		return;
	record(s);
	if (s->depth == MIG_GPU_INSTANCES_MAX)
		return;
	for (unsigned int b = first_bin; b < s->bin_count; b++) {
		const struct bin *bin = &s->bins[b];
		unsigned int end = s->facts->gi[bin->gi_row].start_count;

		if (b == first_bin)
			end = MIG_MIN(end, first_end);
		if (bin_fits_wish(s, bin))
			visit_with(s, b, end);
	}
}

int mig_layout_sets_find(const struct mig_gpu *gpu, const struct mig_gpu_target *most,
			 struct mig_layout_sets *sets, struct mig_error **err)
{
	_cleanup_free_ struct search *s = calloc(1, sizeof(*s));
	struct table table = {.sets = sets};
	int result = -1;

	if (s == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	s->table = &table;
	if (begin(s, gpu, most, err) == 0) {
		visit(s, 0, ALL_STARTS);
		result = 0;
	}
	if (table.is_out_of_memory)
		result = mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	else if (table.is_too_large)
		result = mig_error_set(err, MIG_ERROR_REFUSED,
				       "there are more than %d layouts of these devices",
				       TABLE_VISITS_MAX);
	end(s);
	free(table.hashes);
	free(table.slots);
	if (result < 0) {
		free(sets->sets);
		memset(sets, 0, sizeof(*sets));
	}
	return result;
}
