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

#include "core/space.h"
#include "shared/buf.h"

#define BINS_MAX 256 /* per GPU: today's largest need is below 40 */

/* How a bin's compute instances lie in one GPU instance. */
struct inner {
	bool is_known;
	bool is_possible;
	unsigned int held_kept;
	unsigned int kept;
	unsigned int room;
	unsigned int count;
	struct mig_layout_ci ci[MIG_COMPUTE_INSTANCES_MAX];
};

struct bin {
	unsigned int gi_row;
	uint8_t counts[MIG_FACTS_CI_PROFILES_MAX];
	struct inner fresh;			      /* in a GPU instance made for it */
	struct inner existing[MIG_GPU_INSTANCES_MAX]; /* in gpu->gi[i] */
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
	unsigned int held_total, ci_total;
	/* the layout being built */
	unsigned int depth;
	struct {
		unsigned int bin;
		unsigned int start;
	} placed[MIG_GPU_INSTANCES_MAX];
	bool found;
	struct mig_layout best;
};

/* ---- the inner search: compute instances in a GPU instance ------------------------------------ */

struct inner_search {
	const struct mig_gi_profile *profile;
	const struct mig_gpu_instance *existing; /* NULL: fresh */
	struct mig_space space;
	struct mig_space_state state;
	uint8_t left[MIG_FACTS_CI_PROFILES_MAX];
	struct inner now;
	struct inner *best;
};

static bool inner_is_better(const struct inner *a, const struct inner *b)
{
	if (!b->is_possible)
		return true;
	if (a->held_kept != b->held_kept)
		return a->held_kept > b->held_kept;
	if (a->kept != b->kept)
		return a->kept > b->kept;
	return a->room > b->room;
}

static const struct mig_compute_instance *existing_ci(const struct mig_gpu_instance *gi,
						      unsigned int ci_row, unsigned int start)
{
	if (gi == NULL)
		return NULL;
	for (unsigned int i = 0; i < gi->ci_count; i++) {
		if (gi->ci[i].ci_row == ci_row && gi->ci[i].start == start)
			return &gi->ci[i];
	}
	return NULL;
}

/* Places what is left of row `row` and below; rows are ascending by width, so the widest is last. */
static void inner_place(struct inner_search *s, int row, int start_index)
{
	const struct mig_ci_profile *profile;

	while (row >= 0 && s->left[row] == 0) {
		row--;
		start_index = -1;
	}
	if (row < 0) {
		s->now.room = mig_space_room(&s->space, &s->state);
		if (inner_is_better(&s->now, s->best))
			*s->best = s->now;
		return;
	}
	profile = &s->profile->ci[row];
	if (start_index < 0)
		start_index = (int)profile->start_count;
	for (int i = start_index - 1; i >= 0; i--) {
		unsigned int start = profile->starts[i];
		const struct mig_compute_instance *kept;

		if (!mig_space_fits(&s->space, &s->state, (unsigned int)row, start))
			continue;
		kept = existing_ci(s->existing, (unsigned int)row, start);
		mig_space_add(&s->space, &s->state, (unsigned int)row, start);
		s->left[row]--;
		s->now.ci[s->now.count++] = (struct mig_layout_ci){
			.ci_row = (unsigned int)row,
			.start = start,
			.kept_id = kept != NULL ? (int)kept->id : -1,
		};
		s->now.kept += kept != NULL;
		s->now.held_kept += kept != NULL && kept->holder_count > 0;
		inner_place(s, row, i);
		s->now.held_kept -= kept != NULL && kept->holder_count > 0;
		s->now.kept -= kept != NULL;
		s->now.count--;
		s->left[row]++;
		mig_space_remove(&s->space, &s->state, (unsigned int)row, start);
	}
}

static void inner_solve(const struct mig_gi_profile *profile, const uint8_t *counts,
			const struct mig_gpu_instance *existing, struct inner *result)
{
	struct inner_search s = {.profile = profile, .existing = existing, .best = result};
	unsigned int total = 0;

	memset(result, 0, sizeof(*result));
	result->is_known = true;
	for (unsigned int i = 0; i < profile->ci_count; i++)
		total += counts[i];
	if (total > MIG_COMPUTE_INSTANCES_MAX)
		return;
	mig_facts_ci_space(profile, &s.space);
	memcpy(s.left, counts, sizeof(s.left));
	s.now.is_known = true;
	s.now.is_possible = true;
	inner_place(&s, (int)profile->ci_count - 1, -1);
}

/* ---- bins ------------------------------------------------------------------------------------- */

/* Adds every bin of a GI row with counts up to what is wanted, `row` and below still open. */
static void add_bins(struct search *s, unsigned int gi_row, int ci_row, uint8_t *counts)
{
	const struct mig_gi_profile *profile = &s->facts->gi[gi_row];
	unsigned int total = 0;
	struct bin *bin;

	if (ci_row >= 0) {
		unsigned int max =
			MIG_MIN(s->left[gi_row][ci_row], profile->ci[ci_row].instance_max);

		for (unsigned int n = 0; n <= max; n++) {
			counts[ci_row] = (uint8_t)n;
			add_bins(s, gi_row, ci_row - 1, counts);
		}
		counts[ci_row] = 0;
		return;
	}
	for (unsigned int i = 0; i < profile->ci_count; i++)
		total += counts[i] * profile->ci[i].slice_count;
	if (total == 0 || total > profile->slice_count || s->bin_count == BINS_MAX)
		return;
	bin = &s->bins[s->bin_count];
	memset(bin, 0, sizeof(*bin));
	bin->gi_row = gi_row;
	memcpy(bin->counts, counts, sizeof(bin->counts));
	inner_solve(profile, counts, NULL, &bin->fresh);
	if (bin->fresh.is_possible)
		s->bin_count++;
}

static const struct inner *bin_in(struct search *s, struct bin *bin, int existing)
{
	struct inner *inner;

	if (existing < 0)
		return &bin->fresh;
	inner = &bin->existing[existing];
	if (!inner->is_known)
		inner_solve(&s->facts->gi[bin->gi_row], bin->counts, &s->gpu->gi[existing], inner);
	return inner;
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

static bool is_better(const struct mig_layout *a, const struct mig_layout *b)
{
	if (a->held_destroyed != b->held_destroyed)
		return a->held_destroyed < b->held_destroyed;
	if (a->gi_destroyed != b->gi_destroyed)
		return a->gi_destroyed < b->gi_destroyed;
	if (a->ci_destroyed != b->ci_destroyed)
		return a->ci_destroyed < b->ci_destroyed;
	if (a->gi_count != b->gi_count)
		return a->gi_count < b->gi_count;
	return a->room > b->room;
}

static void judge(struct search *s)
{
	struct mig_layout layout = {.gi_count = s->depth,
				    .held_destroyed = s->held_total,
				    .gi_destroyed = s->gpu->gi_count,
				    .ci_destroyed = s->ci_total,
				    .room = mig_space_room(&s->space, &s->state)};

	for (unsigned int i = 0; i < s->depth; i++) {
		struct bin *bin = &s->bins[s->placed[i].bin];
		int existing = existing_gi(s->gpu, bin->gi_row, s->placed[i].start);
		const struct inner *inner = bin_in(s, bin, existing);
		struct mig_layout_gi *gi = &layout.gi[i];

		gi->gi_row = bin->gi_row;
		gi->start = s->placed[i].start;
		gi->kept_id = existing >= 0 ? (int)s->gpu->gi[existing].id : -1;
		gi->ci_count = inner->count;
		memcpy(gi->ci, inner->ci, sizeof(gi->ci));
		layout.gi_destroyed -= existing >= 0;
		layout.ci_destroyed -= inner->kept;
		layout.held_destroyed -= inner->held_kept;
	}
	if (!s->found || is_better(&layout, &s->best)) {
		s->found = true;
		s->best = layout;
	}
}

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

#define ALL_STARTS UINT_MAX

static void place(struct search *s, unsigned int row_number, unsigned int first_bin,
		  unsigned int first_end);

/* Tries bin `b` at its starts below index `start_end`, from the highest down. */
static void place_bin(struct search *s, unsigned int row_number, unsigned int b,
		      unsigned int start_end)
{
	struct bin *bin = &s->bins[b];
	const struct mig_gi_profile *profile = &s->facts->gi[bin->gi_row];

	for (unsigned int i = start_end; i-- > 0;) {
		if (!mig_space_fits(&s->space, &s->state, bin->gi_row, profile->starts[i]))
			continue;
		mig_space_add(&s->space, &s->state, bin->gi_row, profile->starts[i]);
		for (unsigned int c = 0; c < profile->ci_count; c++)
			s->left[bin->gi_row][c] -= bin->counts[c];
		s->placed[s->depth].bin = b;
		s->placed[s->depth].start = profile->starts[i];
		s->depth++;
		place(s, row_number, b, i);
		s->depth--;
		for (unsigned int c = 0; c < profile->ci_count; c++)
			s->left[bin->gi_row][c] += bin->counts[c];
		mig_space_remove(&s->space, &s->state, bin->gi_row, profile->starts[i]);
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
	if (s->depth == MIG_GPU_INSTANCES_MAX)
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

static void describe_wish(const struct mig_facts *facts, const struct mig_gpu_target *target,
			  struct mig_buf *buf)
{
	for (unsigned int i = 0; i < target->device_count; i++) {
		const struct mig_wanted_device *d = &target->devices[i];

		char name[MIG_PROFILE_NAME_SIZE];

		mig_facts_device_name(&facts->gi[d->gi_row], d->ci_row, name, sizeof(name));
		mig_buf_printf(buf, "%s%u x %s", i > 0 ? ", " : "", d->count, name);
	}
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
	_cleanup_free_ struct bin *bins = calloc(BINS_MAX, sizeof(*bins));

	if (s == NULL || bins == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	if (is_hopeless(gpu->facts, target))
		return refuse(gpu->facts, target, err);
	s->gpu = gpu;
	s->facts = gpu->facts;
	s->bins = bins;
	mig_facts_gi_space(gpu->facts, &s->space);
	for (unsigned int i = 0; i < gpu->gi_count; i++) {
		for (unsigned int c = 0; c < gpu->gi[i].ci_count; c++)
			s->held_total += gpu->gi[i].ci[c].holder_count > 0;
		s->ci_total += gpu->gi[i].ci_count;
	}
	take_target(s, target);
	for (unsigned int i = 0; i < s->row_count; i++) {
		uint8_t counts[MIG_FACTS_CI_PROFILES_MAX] = {0};

		add_bins(s, s->rows[i], (int)s->facts->gi[s->rows[i]].ci_count - 1, counts);
	}
	if (s->bin_count == BINS_MAX)
		return mig_error_set(err, MIG_ERROR_REFUSED,
				     "the wanted set has more than %d ways to share GPU instances",
				     BINS_MAX - 1);
	place(s, 0, 0, ALL_STARTS);
	if (!s->found)
		return refuse(gpu->facts, target, err);
	*layout = s->best;
	return 0;
}
