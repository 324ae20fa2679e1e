/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Spreading the node's totals; see totals.h. For each GPU the layout search lists every set of the
 * wanted devices that fits it and what that set costs there; which GPU takes which set is found by
 * core/spread.h.
 */
#include "core/totals.h"

#include <stdlib.h>
#include <string.h>

#include "core/layout.h"
#include "core/spread.h"
#include "shared/buf.h"
#include "shared/macros.h"

#define GPUS_MAX       64	/* that share totals */
#define STEP_MAX       20000000 /* beyond MIG_TOTALS_EXACT_GPUS: about a second */
/* Up to that many: ten times what the hardest that was seen needs, but there must be an end. */
#define STEP_MAX_EXACT UINT64_C(4000000000)
#define TEXT_BYTES     8192
#define VOLUME_UNIT    5040 /* divided by up to 10 without a rest */

struct kind {
	const char *name;  /* as it was wanted */
	unsigned int most; /* that the GPUs take, each with nothing else on it */
	unsigned int most_on_one;
};

struct sharer {
	unsigned int gpu;	       /* in the snapshot */
	struct mig_gpu_target devices; /* those of the totals that it has, as many as are wanted */
	unsigned int kind[MIG_TARGET_DEVICES_MAX]; /* of devices.devices[i] */
};

struct work {
	const struct mig_snapshot *snapshot;
	struct mig_target *merged; /* the totals, each profile once */
	struct kind kinds[MIG_TARGET_DEVICES_MAX];
	unsigned int sharer_count;
	struct sharer *sharers;
	struct mig_spread spread;
};

bool mig_totals_are_wanted(const struct mig_target *target)
{
	if (target->total_count > 0)
		return true;
	for (unsigned int i = 0; i < target->gpu_count; i++) {
		if (target->gpus[i].shares_totals)
			return true;
	}
	return false;
}

/* ---- what is wanted of whom -------------------------------------------------------------------- */

static int merge_totals(struct work *w, const struct mig_target *target, struct mig_error **err)
{
	w->merged = mig_target_new(w->snapshot, err);
	if (w->merged == NULL)
		return -1;
	for (unsigned int i = 0; i < target->total_count; i++) {
		if (mig_target_add_total(w->merged, target->totals[i].profile,
					 target->totals[i].count, err) < 0)
			return -1;
	}
	w->spread.kind_count = w->merged->total_count;
	for (unsigned int k = 0; k < w->merged->total_count; k++) {
		w->kinds[k].name = w->merged->totals[k].profile;
		w->spread.totals[k] = MIG_MIN(w->merged->totals[k].count, MIG_SPREAD_TOTAL_MAX);
	}
	return 0;
}

static int find_devices(struct work *w, struct sharer *sharer, struct mig_error **err)
{
	const struct mig_gpu *gpu = &w->snapshot->gpus[sharer->gpu];

	for (unsigned int k = 0; k < w->spread.kind_count; k++) {
		unsigned int gi_row, ci_row, before = sharer->devices.device_count;

		if (!gpu->is_mig_capable || gpu->facts == NULL ||
		    mig_facts_find(gpu->facts, w->kinds[k].name, &gi_row, &ci_row) < 0)
			continue;
		if (mig_target_add(&sharer->devices, gi_row, ci_row,
				   MIG_MIN(w->spread.totals[k], UINT8_MAX), err) < 0)
			return -1;
		if (sharer->devices.device_count == before)
			return mig_error_set(err, MIG_ERROR_REFUSED,
					     "'%s' of the totals is the same as another of them",
					     w->kinds[k].name);
		sharer->kind[before] = k;
	}
	return 0;
}

static int find_sharers(struct work *w, const struct mig_target *target, struct mig_error **err)
{
	w->sharers = calloc((size_t)w->snapshot->gpu_count + 1, sizeof(*w->sharers));
	w->spread.gpus = calloc((size_t)w->snapshot->gpu_count + 1, sizeof(*w->spread.gpus));
	if (w->sharers == NULL || w->spread.gpus == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	for (unsigned int i = 0; i < w->snapshot->gpu_count; i++) {
		if (!target->gpus[i].shares_totals)
			continue;
		if (target->gpus[i].device_count > 0 || target->gpus[i].placed_count > 0)
			return mig_error_set(
				err, MIG_ERROR_REFUSED,
				"GPU %u shares the totals and has devices of its own, too",
				w->snapshot->gpus[i].index);
		if (w->sharer_count == GPUS_MAX)
			return mig_error_set(err, MIG_ERROR_REFUSED,
					     "more than %d GPUs share the totals", GPUS_MAX);
		w->sharers[w->sharer_count].gpu = i;
		if (find_devices(w, &w->sharers[w->sharer_count++], err) < 0)
			return -1;
	}
	w->spread.gpu_count = w->sharer_count;
	if (w->sharer_count == 0)
		return mig_error_set(err, MIG_ERROR_REFUSED, "no GPU shares the totals");
	return 0;
}

/* ---- what each GPU can take -------------------------------------------------------------------- */

static unsigned int slices_of(const struct mig_facts *facts, const struct mig_gpu_target *devices,
			      const struct mig_layout_set *set)
{
	unsigned int slices = 0;

	for (unsigned int i = 0; i < devices->device_count; i++) {
		const struct mig_wanted_device *d = &devices->devices[i];

		slices += set->counts[i] * facts->gi[d->gi_row].ci[d->ci_row].slice_count;
	}
	return slices;
}

static void set_option(const struct work *w, unsigned int number, bool keeps,
		       const struct mig_layout_sets *sets, unsigned int at,
		       struct mig_spread_option *option)
{
	const struct sharer *sharer = &w->sharers[number];
	const struct mig_gpu *gpu = &w->snapshot->gpus[sharer->gpu];
	const struct mig_layout_set *set = &sets->sets[at];

	for (unsigned int i = 0; i < sharer->devices.device_count; i++)
		option->counts[sharer->kind[i]] = set->counts[i];
	option->parts[MIG_SPREAD_VIOLATED] = keeps ? set->held_destroyed : 0;
	option->parts[MIG_SPREAD_HELD] = set->held_destroyed;
	option->parts[MIG_SPREAD_GI] = set->gi_destroyed;
	option->parts[MIG_SPREAD_CI] = set->ci_destroyed;
	/* The empty set is the first, and needs no MIG. */
	option->parts[MIG_SPREAD_MODE] = at > 0 && !gpu->mig_current;
	option->parts[MIG_SPREAD_GI_COUNT] = set->gi_count;
	option->parts[MIG_SPREAD_ROOM] = sets->sets[0].room - set->room;
	option->parts[MIG_SPREAD_TIE] = number * slices_of(gpu->facts, &sharer->devices, set);
}

/* The options of one GPU; of one without MIG the only one is nothing. */
static int find_options(struct work *w, unsigned int number, bool keeps, struct mig_error **err)
{
	struct sharer *sharer = &w->sharers[number];
	const struct mig_gpu *gpu = &w->snapshot->gpus[sharer->gpu];
	struct mig_spread_gpu *options = &w->spread.gpus[number];
	struct mig_layout_sets sets = {0};

	if (gpu->is_mig_capable && gpu->facts != NULL &&
	    mig_layout_sets_find(gpu, &sharer->devices, &sets, err) < 0)
		return mig_error_wrap(err, "GPU %u", gpu->index);
	options->option_count = MIG_MAX(sets.count, 1);
	options->options = calloc(options->option_count, sizeof(*options->options));
	if (options->options == NULL) {
		free(sets.sets);
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	}
	for (unsigned int i = 0; i < sets.count; i++)
		set_option(w, number, keeps, &sets, i, &options->options[i]);
	free(sets.sets);
	for (unsigned int k = 0; k < w->spread.kind_count; k++) {
		unsigned int most = 0;

		for (unsigned int o = 0; o < options->option_count; o++)
			most = MIG_MAX(most, options->options[o].counts[k]);
		w->kinds[k].most += most;
		w->kinds[k].most_on_one = MIG_MAX(w->kinds[k].most_on_one, most);
	}
	return 0;
}

/* A device's compute slices, its part of the placement units, and its share of a GPU full of it. */
static void set_volumes(struct work *w)
{
	for (unsigned int i = w->sharer_count; i-- > 0;) {
		const struct sharer *sharer = &w->sharers[i];
		const struct mig_facts *facts = w->snapshot->gpus[sharer->gpu].facts;

		for (unsigned int d = 0; d < sharer->devices.device_count; d++) {
			const struct mig_wanted_device *device = &sharer->devices.devices[d];
			const struct mig_gi_profile *gi = &facts->gi[device->gi_row];
			unsigned int slices = gi->ci[device->ci_row].slice_count;
			unsigned int k = sharer->kind[d];

			w->spread.volumes[0][k] = slices;
			w->spread.volumes[1][k] = VOLUME_UNIT * gi->size / gi->slice_count * slices;
			w->spread.volumes[2][k] = VOLUME_UNIT / MIG_MAX(w->kinds[k].most_on_one, 1);
		}
	}
}

/* ---- what does not fit ------------------------------------------------------------------------- */

static void hint_most(const struct work *w, struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(TEXT_BYTES);

	for (unsigned int k = 0; k < w->spread.kind_count; k++)
		mig_buf_printf(&text, "%s%u x %s", k > 0 ? ", " : "", w->kinds[k].most,
			       w->kinds[k].name);
	mig_error_hint(err, "on these GPUs fit, each alone: %s", mig_buf_text(&text));
}

static int check_each(const struct work *w, struct mig_error **err)
{
	for (unsigned int k = 0; k < w->spread.kind_count; k++) {
		unsigned int wanted = w->merged->totals[k].count;

		if (wanted <= w->kinds[k].most)
			continue;
		if (w->kinds[k].most == 0)
			mig_error_set(
				err, MIG_ERROR_REFUSED,
				"none of the %u GPUs that share the totals has a profile '%s'",
				w->sharer_count, w->kinds[k].name);
		else
			mig_error_set(err, MIG_ERROR_REFUSED,
				      "the totals do not fit: %u x %s, but the %u GPUs that share "
				      "them take %u at the most",
				      wanted, w->kinds[k].name, w->sharer_count, w->kinds[k].most);
		hint_most(w, err);
		return -1;
	}
	return 0;
}

static int check_left_over(const struct work *w, struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf left = MIG_BUF_INIT(TEXT_BYTES);
	_cleanup_buf_ struct mig_buf fits = MIG_BUF_INIT(TEXT_BYTES);
	unsigned int total = 0;

	for (unsigned int k = 0; k < w->spread.kind_count; k++) {
		unsigned int count = w->spread.left_over[k];

		if (count > 0)
			mig_buf_printf(&left, "%s%u x %s", total > 0 ? ", " : "", count,
				       w->kinds[k].name);
		total += count;
		mig_buf_printf(&fits, "%s%u x %s", k > 0 ? ", " : "", w->spread.totals[k] - count,
			       w->kinds[k].name);
	}
	if (total == 0)
		return 0;
	if (!w->spread.is_proven[0]) {
		mig_error_set(
			err, MIG_ERROR_REFUSED,
			"no way was found in %llu steps to spread the totals over the %u GPUs "
			"that share them; there may be one",
			(unsigned long long)w->spread.step_max, w->sharer_count);
		return mig_error_hint(err, "say of some GPUs exactly what they shall have, and the "
					   "totals over the others: fewer kinds on fewer GPUs are "
					   "easier");
	}
	mig_error_set(err, MIG_ERROR_REFUSED,
		      "the totals do not fit on the %u GPUs that share them; left over: %s",
		      w->sharer_count, mig_buf_text(&left));
	return mig_error_hint(err, "together fit: %s", mig_buf_text(&fits));
}

/* ---- together ---------------------------------------------------------------------------------- */

static int give(const struct work *w, struct mig_gpu_target *gpus, struct mig_error **err)
{
	for (unsigned int i = 0; i < w->sharer_count; i++) {
		const struct sharer *sharer = &w->sharers[i];
		const struct mig_spread_gpu *options = &w->spread.gpus[i];
		const uint8_t *counts = options->options[options->chosen].counts;
		struct mig_gpu_target *target = &gpus[sharer->gpu];

		target->is_named = true;
		for (unsigned int d = 0; d < sharer->devices.device_count; d++) {
			const struct mig_wanted_device *device = &sharer->devices.devices[d];

			if (mig_target_add(target, device->gi_row, device->ci_row,
					   counts[sharer->kind[d]], err) < 0)
				return -1;
		}
		target->mig_mode = target->device_count > 0 ||
				   w->snapshot->gpus[sharer->gpu].mig_current;
	}
	return 0;
}

static void judge(const struct work *w, struct mig_totals *totals)
{
	const struct mig_spread *spread = &w->spread;
	uint64_t violated = mig_spread_sum(spread, MIG_SPREAD_VIOLATED);
	uint64_t held = mig_spread_sum(spread, MIG_SPREAD_HELD);

	totals->is_optimal = spread->is_proven[0] && spread->is_proven[1] && spread->is_proven[2];
	totals->is_blocked = violated > 0;
	if (spread->is_proven[0])
		totals->held_destroyed_bound = (unsigned int)held;
	else if (violated == 0)
		totals->held_destroyed_bound = (unsigned int)spread->bound[0];
	else /* the bound is of two numbers in one */
		totals->held_destroyed_bound = spread->bound[0] > 0;
	totals->gi_destroyed_bound = (unsigned int)spread->bound[1];
	/* What is blocked destroys nothing. */
	if (totals->is_blocked)
		totals->gi_destroyed_bound = 0;
}

/* What GPU `number` has now, by kind of the totals. */
static void count_present(const struct work *w, unsigned int number, uint8_t *counts)
{
	const struct sharer *sharer = &w->sharers[number];
	const struct mig_gpu *gpu = &w->snapshot->gpus[sharer->gpu];

	memset(counts, 0, MIG_TARGET_DEVICES_MAX);
	for (unsigned int g = 0; g < gpu->gi_count; g++) {
		for (unsigned int c = 0; c < gpu->gi[g].ci_count; c++) {
			for (unsigned int d = 0; d < sharer->devices.device_count; d++) {
				const struct mig_wanted_device *device =
					&sharer->devices.devices[d];

				if (device->gi_row == gpu->gi[g].gi_row &&
				    device->ci_row == gpu->gi[g].ci[c].ci_row)
					counts[sharer->kind[d]]++;
			}
		}
	}
}

/* The option of a GPU that has these counts and harms nothing; -1 if there is none. */
static int harmless_option(const struct mig_spread_gpu *gpu, const uint8_t *counts)
{
	static const enum mig_spread_part harms[] = {MIG_SPREAD_VIOLATED, MIG_SPREAD_HELD,
						     MIG_SPREAD_GI, MIG_SPREAD_CI, MIG_SPREAD_MODE};

	for (unsigned int i = 0; i < gpu->option_count; i++) {
		bool is_harmless =
			memcmp(gpu->options[i].counts, counts, sizeof(gpu->options[i].counts)) == 0;

		for (size_t h = 0; is_harmless && h < MIG_ARRAY_SIZE(harms); h++)
			is_harmless = gpu->options[i].parts[harms[h]] == 0;
		if (is_harmless)
			return (int)i;
	}
	return -1;
}

/*
 * Chooses what is there if that has exactly these totals: nothing is less harmful than nothing, and
 * so the same wish is never found to be hard once it was fulfilled.
 */
static bool take_present(struct work *w)
{
	unsigned int sums[MIG_TARGET_DEVICES_MAX] = {0};

	for (unsigned int i = 0; i < w->sharer_count; i++) {
		uint8_t counts[MIG_TARGET_DEVICES_MAX];
		int option;

		count_present(w, i, counts);
		option = harmless_option(&w->spread.gpus[i], counts);
		if (option < 0)
			return false;
		w->spread.gpus[i].chosen = (unsigned int)option;
		for (unsigned int k = 0; k < w->spread.kind_count; k++)
			sums[k] += counts[k];
	}
	for (unsigned int k = 0; k < w->spread.kind_count; k++) {
		if (sums[k] != w->spread.totals[k])
			return false;
	}
	memset(w->spread.left_over, 0, sizeof(w->spread.left_over));
	for (unsigned int level = 0; level < MIG_SPREAD_LEVELS; level++)
		w->spread.is_proven[level] = true;
	w->spread.bound[0] = w->spread.bound[1] = 0;
	return true;
}

static int spread_totals(struct work *w, const struct mig_target *target,
			 struct mig_gpu_target *gpus, struct mig_totals *totals,
			 struct mig_error **err)
{
	if (merge_totals(w, target, err) < 0 || find_sharers(w, target, err) < 0)
		return -1;
	for (unsigned int i = 0; i < w->sharer_count; i++) {
		if (find_options(w, i, target->gpus[w->sharers[i].gpu].keeps_in_use, err) < 0)
			return -1;
	}
	if (check_each(w, err) < 0)
		return -1;
	set_volumes(w);
	w->spread.step_max = w->sharer_count > MIG_TOTALS_EXACT_GPUS ? STEP_MAX : STEP_MAX_EXACT;
	if (!take_present(w) &&
	    (mig_spread_solve(&w->spread, err) < 0 || check_left_over(w, err) < 0))
		return -1;
	if (give(w, gpus, err) < 0)
		return -1;
	judge(w, totals);
	return 0;
}

int mig_totals_spread(const struct mig_snapshot *snapshot, const struct mig_target *target,
		      struct mig_gpu_target *gpus, struct mig_totals *totals,
		      struct mig_error **err)
{
	_cleanup_free_ struct work *w = calloc(1, sizeof(*w));
	int result;

	if (w == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	w->snapshot = snapshot;
	memcpy(gpus, target->gpus, snapshot->gpu_count * sizeof(*gpus));
	result = spread_totals(w, target, gpus, totals, err);
	for (unsigned int i = 0; w->spread.gpus != NULL && i < w->sharer_count; i++)
		free(w->spread.gpus[i].options);
	free(w->spread.gpus);
	free(w->sharers);
	mig_target_free(w->merged);
	return result;
}
