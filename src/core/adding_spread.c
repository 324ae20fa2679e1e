/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request spread over several GPUs; see adding_spread.h.
 */
#include "core/adding_spread.h"

#include <stdlib.h>
#include <string.h>

#include "core/adding_item.h"
#include "shared/text.h"

#define TRIES_MAX 5000 /* layouts looked for in each of the two turns */
#define UNITS_MAX (64 * MIG_GPU_INSTANCES_MAX)

/* One device to be put somewhere: an item, `count` times. */
struct spreading {
	const struct mig_snapshot *snapshot;
	const struct mig_additions *additions;
	struct mig_gpu_target *targets; /* by GPU; named where it may be used */
	unsigned int unit_count;
	const struct mig_addition **units;
	unsigned int *gpu_of; /* by unit */
	unsigned int *load;   /* by GPU: memory units that were given to it */
	bool is_even;	      /* the least loaded GPU first, not the lowest */
	struct mig_layout layout;
	unsigned int tries, tries_max;
};

/* A GPU like an earlier one that was tried for the same unit will do no better. */
static bool is_tried(const struct spreading *s, const unsigned int *earlier, unsigned int count,
		     unsigned int gpu)
{
	for (unsigned int n = 0; n < count; n++) {
		unsigned int i = earlier[n];

		if (s->targets[i].is_named &&
		    s->snapshot->gpus[i].facts == s->snapshot->gpus[gpu].facts &&
		    mig_gpu_target_equals(&s->targets[i], &s->targets[gpu]))
			return true;
	}
	return false;
}

static bool can_have(struct spreading *s, const struct mig_addition *unit, unsigned int gpu)
{
	const struct mig_gpu *g = &s->snapshot->gpus[gpu];
	unsigned int gi_row, ci_row;

	if (mig_addition_resolve(g, unit, &gi_row, &ci_row, NULL) < 0 ||
	    mig_addition_add(&s->targets[gpu], gi_row, ci_row, unit->start, mig_addition_unit(unit),
			     NULL) < 0)
		return false;
	s->tries++;
	return mig_layout_find(g, &s->targets[gpu], &s->layout, NULL) == 0;
}

/* Memory units that it takes of a GPU; 0: the GPU has no such profile. */
static unsigned int size_on(const struct mig_gpu *gpu, const struct mig_addition *item)
{
	unsigned int gi_row, ci_row;

	return mig_addition_resolve(gpu, item, &gi_row, &ci_row, NULL) == 0
		       ? gpu->facts->gi[gi_row].size
		       : 0;
}

/* The GPUs in the order in which a unit tries them. */
static void order_gpus(const struct spreading *s, unsigned int *order)
{
	for (unsigned int i = 0; i < s->snapshot->gpu_count; i++) {
		unsigned int at = i;

		for (; s->is_even && at > 0 && s->load[order[at - 1]] > s->load[i]; at--)
			order[at] = order[at - 1];
		order[at] = i;
	}
}

/* Puts unit after unit; goes back where one finds no place. */
static bool spread(struct spreading *s, unsigned int number)
{
	_cleanup_free_ unsigned int *order = NULL;
	_cleanup_free_ struct mig_gpu_target *before = NULL;
	unsigned int first = 0;

	if (number == s->unit_count)
		return true;
	before = malloc(sizeof(*before));
	order = calloc((size_t)s->snapshot->gpu_count + 1, sizeof(*order));
	if (before == NULL || order == NULL)
		return false;
	order_gpus(s, order);
	/* Equal devices need no other order. */
	if (!s->is_even && number > 0 && s->units[number] == s->units[number - 1])
		first = s->gpu_of[number - 1];
	for (unsigned int o = first; o < s->snapshot->gpu_count && s->tries < s->tries_max; o++) {
		unsigned int i = order[o], size;

		if (!s->targets[i].is_named || is_tried(s, order + first, o - first, i))
			continue;
		size = size_on(&s->snapshot->gpus[i], s->units[number]);
		*before = s->targets[i];
		s->gpu_of[number] = i;
		s->load[i] += size;
		if (can_have(s, s->units[number], i) && spread(s, number + 1))
			return true;
		s->load[i] -= size;
		s->targets[i] = *before;
	}
	return false;
}

static unsigned int size_on_any(const struct spreading *s, const struct mig_addition *item)
{
	unsigned int size = 0;

	for (unsigned int i = 0; i < s->snapshot->gpu_count; i++) {
		if (s->targets[i].is_named)
			size = MIG_MAX(size, size_on(&s->snapshot->gpus[i], item));
	}
	return size;
}

/* The items one by one, the largest first: they have the least choice. */
static int make_units(struct spreading *s, struct mig_error **err)
{
	uint64_t count = 0;

	for (unsigned int i = 0; i < s->additions->count; i++)
		count += s->additions->items[i].count / mig_addition_unit(&s->additions->items[i]);
	if (count > UNITS_MAX)
		return mig_error_set(err, MIG_ERROR_REFUSED,
				     "%llu devices are more than any node takes",
				     (unsigned long long)count);
	s->units = calloc(count + 1, sizeof(*s->units));
	s->gpu_of = calloc(count + 1, sizeof(*s->gpu_of));
	if (s->units == NULL || s->gpu_of == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	for (unsigned int size = MIG_FACTS_UNITS_MAX + 1; size-- > 0;) {
		for (unsigned int i = 0; i < s->additions->count; i++) {
			const struct mig_addition *item = &s->additions->items[i];

			for (unsigned int n = 0; size_on_any(s, item) == size &&
						 n < item->count / mig_addition_unit(item);
			     n++)
				s->units[s->unit_count++] = item;
		}
	}
	return 0;
}

/* Cheap and certain: more compute slices than all the GPUs have left. */
static bool is_hopeless(const struct spreading *s)
{
	uint64_t wanted = 0, left = 0;

	for (unsigned int i = 0; i < s->snapshot->gpu_count; i++) {
		const struct mig_gpu *gpu = &s->snapshot->gpus[i];

		if (!s->targets[i].is_named)
			continue;
		left += gpu->facts->slices;
		for (unsigned int g = 0; g < gpu->gi_count; g++)
			left -= gpu->facts->gi[gpu->gi[g].gi_row].slice_count;
	}
	/* Of compute instances several share a GPU instance: their own slices count. */
	for (unsigned int u = 0; u < s->unit_count; u++) {
		unsigned int least = MIG_FACTS_SLICES_MAX, gi_row = 0, ci_row = 0;

		for (unsigned int i = 0; i < s->snapshot->gpu_count; i++) {
			const struct mig_gpu *gpu = &s->snapshot->gpus[i];

			if (s->targets[i].is_named &&
			    mig_addition_resolve(gpu, s->units[u], &gi_row, &ci_row, NULL) == 0)
				least = MIG_MIN(
					least,
					mig_addition_unit(s->units[u]) *
						gpu->facts->gi[gi_row].ci[ci_row].slice_count);
		}
		wanted += least;
	}
	return wanted > left;
}

static int fix_all(struct spreading *s, struct mig_target *target, struct mig_error **err)
{
	for (unsigned int i = 0; i < s->unit_count; i++) {
		unsigned int at = s->gpu_of[i];
		const struct mig_gpu *gpu = &s->snapshot->gpus[at];

		if (target->gpus[at].is_named)
			continue;
		if (mig_layout_find(gpu, &s->targets[at], &s->layout, err) < 0 ||
		    mig_addition_fix(gpu, &s->layout, s->additions->has_ci, &target->gpus[at],
				     err) < 0)
			return -1;
	}
	return 0;
}

static int no_room(const struct spreading *s, struct mig_error **err)
{
	unsigned int gpus = 0, instances = 0;
	char where[64];

	for (unsigned int i = 0; i < s->snapshot->gpu_count; i++) {
		gpus += s->targets[i].is_named;
		instances += s->targets[i].is_named ? s->snapshot->gpus[i].gi_count : 0;
	}
	if (instances > 0)
		mig_text_copy(where, sizeof(where), "beside what is there");
	else
		mig_text_format(where, sizeof(where), "on %u GPUs", gpus);
	if (s->tries >= s->tries_max)
		mig_error_set(err, MIG_ERROR_REFUSED,
			      "no way to put all of this %s was found in %u tries", where,
			      s->tries);
	else
		mig_error_set(err, MIG_ERROR_REFUSED, "there is no room for all of this %s", where);
	return mig_error_hint(err, "migctl profiles shows what fits on each GPU%s",
			      instances > 0 ? "; migctl destroy makes room" : "");
}

/* The lowest GPUs first keeps the others free. What that does not find in its tries is looked for
 * once more evenly: a wish that fills the node is most often the same on each GPU. */
static bool find(struct spreading *s, const bool *is_candidate)
{
	for (unsigned int turn = 0; turn < 2; turn++) {
		s->is_even = turn == 1;
		s->tries_max = s->tries + TRIES_MAX;
		for (unsigned int i = 0; i < s->snapshot->gpu_count; i++) {
			const struct mig_gpu *gpu = &s->snapshot->gpus[i];

			s->load[i] = 0;
			for (unsigned int g = 0; g < gpu->gi_count; g++)
				s->load[i] += gpu->gi[g].size;
			if (is_candidate[i])
				mig_addition_begin(gpu, &s->targets[i]);
		}
		if (is_hopeless(s))
			return false;
		if (spread(s, 0))
			return true;
		/* All was tried: there is no way. */
		if (s->tries < s->tries_max)
			return false;
	}
	return false;
}

int mig_adding_spread(const struct mig_snapshot *snapshot, const struct mig_additions *additions,
		      const bool *is_candidate, struct mig_target *target, struct mig_error **err)
{
	_cleanup_free_ struct spreading *s = calloc(1, sizeof(*s));
	int rc = -1;

	if (s == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	s->snapshot = snapshot;
	s->additions = additions;
	s->targets = calloc((size_t)snapshot->gpu_count + 1, sizeof(*s->targets));
	if (s->targets == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	s->load = calloc((size_t)snapshot->gpu_count + 1, sizeof(*s->load));
	/* What each item takes is asked of the GPUs that may be used. */
	for (unsigned int i = 0; i < snapshot->gpu_count; i++)
		s->targets[i].is_named = is_candidate[i];
	if (s->load == NULL)
		mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	else if (make_units(s, err) == 0)
		rc = find(s, is_candidate) ? fix_all(s, target, err) : no_room(s, err);
	free(s->load);
	free(s->targets);
	free(s->units);
	free(s->gpu_of);
	return rc;
}
