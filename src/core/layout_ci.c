/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compute instances inside one GPU instance; see layout_ci.h. An exhaustive depth-first search:
 * starts from the highest down and the widest first, so the first of equal results is the one that
 * the tie rule asks for.
 */
#include "core/layout_ci.h"

#include <string.h>

#include "core/space.h"

struct search {
	const struct mig_gi_profile *profile;
	const struct mig_gpu_instance *existing; /* NULL: fresh */
	struct mig_space space;
	struct mig_space_state state;
	uint8_t left[MIG_FACTS_CI_PROFILES_MAX];
	struct mig_ci_layout now;
	struct mig_ci_layout *best;
};

static bool is_better(const struct mig_ci_layout *a, const struct mig_ci_layout *b)
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

static void add(struct search *s, unsigned int row, unsigned int start)
{
	const struct mig_compute_instance *kept = existing_ci(s->existing, row, start);

	mig_space_add(&s->space, &s->state, row, start);
	s->now.ci[s->now.count++] = (struct mig_layout_ci){
		.ci_row = row,
		.start = start,
		.kept_id = kept != NULL ? (int)kept->id : -1,
	};
	s->now.kept += kept != NULL;
	s->now.held_kept += kept != NULL && kept->holder_count > 0;
}

static void take_back(struct search *s, unsigned int row, unsigned int start)
{
	const struct mig_compute_instance *kept = existing_ci(s->existing, row, start);

	s->now.held_kept -= kept != NULL && kept->holder_count > 0;
	s->now.kept -= kept != NULL;
	s->now.count--;
	mig_space_remove(&s->space, &s->state, row, start);
}

/* Places what is left of row `row` and below; rows are ascending by width, so the widest is last. */
static void place(struct search *s, int row, int start_index)
{
	const struct mig_ci_profile *profile;

	while (row >= 0 && s->left[row] == 0) {
		row--;
		start_index = -1;
	}
	if (row < 0) {
		s->now.room = mig_space_room(&s->space, &s->state);
		if (is_better(&s->now, s->best))
			*s->best = s->now;
		return;
	}
	profile = &s->profile->ci[row];
	if (start_index < 0)
		start_index = (int)profile->start_count;
	for (int i = start_index - 1; i >= 0; i--) {
		unsigned int start = profile->starts[i];

		if (!mig_space_fits(&s->space, &s->state, (unsigned int)row, start))
			continue;
		s->left[row]--;
		add(s, (unsigned int)row, start);
		place(s, row, i);
		take_back(s, (unsigned int)row, start);
		s->left[row]++;
	}
}

static void begin(struct search *s)
{
	memset(s->best, 0, sizeof(*s->best));
	s->best->is_known = true;
	s->now.is_known = true;
	s->now.is_possible = true;
	mig_facts_ci_space(s->profile, &s->space);
}

void mig_ci_layout_solve(const struct mig_gi_profile *profile, const uint8_t *counts,
			 const struct mig_gpu_instance *existing, struct mig_ci_layout *result)
{
	struct search s = {.profile = profile, .existing = existing, .best = result};
	unsigned int total = 0;

	begin(&s);
	for (unsigned int i = 0; i < profile->ci_count; i++)
		total += counts[i];
	if (total > MIG_COMPUTE_INSTANCES_MAX)
		return;
	memcpy(s.left, counts, sizeof(s.left));
	place(&s, (int)profile->ci_count - 1, -1);
}

static bool is_start_of(const struct mig_ci_profile *profile, unsigned int start)
{
	for (unsigned int i = 0; i < profile->start_count; i++) {
		if (profile->starts[i] == start)
			return true;
	}
	return false;
}

void mig_ci_layout_solve_placed(const struct mig_gi_profile *profile,
				const struct mig_placed_gi *placed,
				const struct mig_gpu_instance *existing,
				struct mig_ci_layout *result)
{
	struct search s = {.profile = profile, .existing = existing, .best = result};

	begin(&s);
	if (placed->ci_count > MIG_COMPUTE_INSTANCES_MAX)
		return;
	for (unsigned int i = 0; i < placed->ci_count; i++) {
		const struct mig_placed_ci *ci = &placed->ci[i];

		if (ci->ci_row >= profile->ci_count)
			return;
		if (ci->start == MIG_START_ANY) {
			s.left[ci->ci_row]++;
			continue;
		}
		if (!is_start_of(&profile->ci[ci->ci_row], ci->start) ||
		    !mig_space_fits(&s.space, &s.state, ci->ci_row, ci->start))
			return;
		add(&s, ci->ci_row, ci->start);
	}
	place(&s, (int)profile->ci_count - 1, -1);
}
