/* SPDX-License-Identifier: Apache-2.0 */
/*
 * New instances beside the old; see adding.h.
 */
#include "core/adding.h"

#include <string.h>

#include "core/layout.h"
#include "core/room.h"
#include "shared/buf.h"
#include "shared/text.h"

#define TRIES_MAX 5000 /* layouts looked for while a request is spread over GPUs */
#define UNITS_MAX (64 * MIG_GPU_INSTANCES_MAX)

/* ---- what is meant on one GPU ------------------------------------------------------------------ */

static int unknown(const struct mig_gpu *gpu, const struct mig_addition *item,
		   struct mig_error **err)
{
	const char *nearest = NULL;

	if (item->has_id)
		mig_error_set(err, MIG_ERROR_REFUSED, "GPU %u (%s) has no profile with the id %u",
			      gpu->index, gpu->name, item->id);
	else
		mig_error_set(err, MIG_ERROR_REFUSED, "GPU %u (%s) has no profile '%s'", gpu->index,
			      gpu->name, item->profile);
	if (!item->has_id)
		nearest = mig_facts_nearest(gpu->facts, item->profile);
	if (nearest != NULL)
		return mig_error_hint(err,
				      "did you mean '%s'? migctl profiles -i %u lists them all",
				      nearest, gpu->index);
	return mig_error_hint(err, "migctl profiles -i %u lists them", gpu->index);
}

static int resolve(const struct mig_gpu *gpu, const struct mig_addition *item, unsigned int *gi_row,
		   unsigned int *ci_row, struct mig_error **err)
{
	int row, filling;

	if (!item->has_id) {
		if (mig_facts_find(gpu->facts, item->profile, gi_row, ci_row) < 0)
			return unknown(gpu, item, err);
		return 0;
	}
	row = mig_facts_gi_by_id(gpu->facts, item->id);
	if (row < 0)
		return unknown(gpu, item, err);
	filling = mig_facts_ci_by_slices(&gpu->facts->gi[row], gpu->facts->gi[row].slice_count);
	if (filling < 0)
		return unknown(gpu, item, err);
	*gi_row = (unsigned int)row;
	*ci_row = (unsigned int)filling;
	return 0;
}

int mig_adding_check_mode(const struct mig_gpu *gpu, struct mig_error **err)
{
	if (!gpu->is_mig_capable)
		return mig_error_set(err, MIG_ERROR_REFUSED, "GPU %u (%s) has no MIG", gpu->index,
				     gpu->name);
	if (!gpu->mig_current) {
		mig_error_set(err, MIG_ERROR_REFUSED, "MIG mode of GPU %u is off%s", gpu->index,
			      gpu->mig_pending ? ", and on after a reset" : "");
		return mig_error_hint(err, "turn it on first: migctl mode on -i %u", gpu->index);
	}
	if (gpu->mig_pending)
		return 0;
	mig_error_set(err, MIG_ERROR_REFUSED,
		      "MIG mode of GPU %u will be off after a reset, and new instances gone",
		      gpu->index);
	return mig_error_hint(err, "to keep it on: migctl mode on -i %u", gpu->index);
}

static int add_item(struct mig_gpu_target *target, unsigned int gi_row, unsigned int ci_row,
		    unsigned int start, unsigned int count, struct mig_error **err)
{
	struct mig_placed_gi *placed;

	if (start == MIG_START_ANY)
		return mig_target_add(target, gi_row, ci_row, count, err);
	if (mig_target_place(target, gi_row, start, &placed, err) < 0)
		return -1;
	/* Several compute instances share the GPU instance that lies there. */
	for (unsigned int i = 0; i < count; i++) {
		if (mig_target_place_ci(placed, ci_row, MIG_START_ANY, err) < 0)
			return -1;
	}
	return 0;
}

static void begin(const struct mig_gpu *gpu, struct mig_gpu_target *target)
{
	mig_gpu_target_from_gpu(gpu, target);
	target->keeps_mode = true;
}

/* Everything of the layout at its place; of what is new only the GPU instances if so wished. */
static int fix(const struct mig_gpu *gpu, const struct mig_layout *layout, bool has_ci,
	       struct mig_gpu_target *target, struct mig_error **err)
{
	begin(gpu, target);
	target->placed_count = 0;
	for (unsigned int i = 0; i < layout->gi_count; i++) {
		const struct mig_layout_gi *gi = &layout->gi[i];
		struct mig_placed_gi *placed;

		if (mig_target_place(target, gi->gi_row, gi->start, &placed, err) < 0)
			return -1;
		if (gi->kept_id < 0 && !has_ci)
			continue;
		for (unsigned int c = 0; c < gi->ci_count; c++) {
			if (mig_target_place_ci(placed, gi->ci[c].ci_row, gi->ci[c].start, err) < 0)
				return -1;
		}
	}
	return 0;
}

/* ---- one GPU ----------------------------------------------------------------------------------- */

/* The same wish on the GPU without what is there. */
static bool would_fit_empty(const struct mig_gpu *gpu, const struct mig_gpu_target *target)
{
	_cleanup_free_ struct mig_gpu *empty = malloc(sizeof(*empty));
	_cleanup_free_ struct mig_gpu_target *wish = malloc(sizeof(*wish));
	struct mig_layout layout;

	if (empty == NULL || wish == NULL)
		return false;
	*empty = *gpu;
	empty->gi_count = 0;
	*wish = *target;
	wish->placed_count -= gpu->gi_count;
	memmove(wish->placed, wish->placed + gpu->gi_count,
		wish->placed_count * sizeof(wish->placed[0]));
	return mig_layout_find(empty, wish, &layout, NULL) == 0;
}

/* When room is what lacks: what there is of it. */
static void hint_room(const struct mig_gpu *gpu, const struct mig_gpu_target *target,
		      struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf room = MIG_BUF_INIT(4096);

	if (gpu->gi_count == 0 || !would_fit_empty(gpu, target))
		return;
	for (unsigned int i = 0; i < gpu->facts->gi_count; i++) {
		unsigned int count = mig_gi_fits(gpu, i);

		if (count > 0)
			mig_buf_printf(&room, "%s%u x %s", room.len > 0 ? ", " : "", count,
				       gpu->facts->gi[i].name);
	}
	if (room.len == 0)
		mig_error_hint(err, "GPU %u is full; migctl destroy makes room", gpu->index);
	else
		mig_error_hint(err,
			       "beside what is there fit on GPU %u, each alone: %s; migctl destroy "
			       "makes room, migctl apply may rearrange",
			       gpu->index, mig_buf_text(&room));
}

static int try_gpu(const struct mig_gpu *gpu, const struct mig_additions *additions,
		   struct mig_gpu_target *out, struct mig_error **err)
{
	_cleanup_free_ struct mig_layout *layout = calloc(1, sizeof(*layout));

	if (layout == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	begin(gpu, out);
	for (unsigned int i = 0; i < additions->count; i++) {
		const struct mig_addition *item = &additions->items[i];
		unsigned int gi_row, ci_row;

		if (resolve(gpu, item, &gi_row, &ci_row, err) < 0 ||
		    add_item(out, gi_row, ci_row, item->start, item->count, err) < 0)
			return -1;
	}
	if (mig_layout_find(gpu, out, layout, err) < 0) {
		hint_room(gpu, out, err);
		return mig_error_wrap(err, "GPU %u", gpu->index);
	}
	return fix(gpu, layout, additions->has_ci, out, err);
}

/* ---- several GPUs ------------------------------------------------------------------------------ */

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

/* What goes to a GPU as one: with a place all of them, which share the GPU instance that lies there. */
static unsigned int unit_size(const struct mig_addition *item)
{
	return item->start != MIG_START_ANY ? item->count : 1;
}

static bool can_have(struct spreading *s, const struct mig_addition *unit, unsigned int gpu)
{
	const struct mig_gpu *g = &s->snapshot->gpus[gpu];
	unsigned int gi_row, ci_row;

	if (resolve(g, unit, &gi_row, &ci_row, NULL) < 0 ||
	    add_item(&s->targets[gpu], gi_row, ci_row, unit->start, unit_size(unit), NULL) < 0)
		return false;
	s->tries++;
	return mig_layout_find(g, &s->targets[gpu], &s->layout, NULL) == 0;
}

/* Memory units that it takes of a GPU; 0: the GPU has no such profile. */
static unsigned int size_on(const struct mig_gpu *gpu, const struct mig_addition *item)
{
	unsigned int gi_row, ci_row;

	return resolve(gpu, item, &gi_row, &ci_row, NULL) == 0 ? gpu->facts->gi[gi_row].size : 0;
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
		count += s->additions->items[i].count / unit_size(&s->additions->items[i]);
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

			for (unsigned int n = 0;
			     size_on_any(s, item) == size && n < item->count / unit_size(item); n++)
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
			    resolve(gpu, s->units[u], &gi_row, &ci_row, NULL) == 0)
				least = MIG_MIN(
					least,
					unit_size(s->units[u]) *
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
		    fix(gpu, &s->layout, s->additions->has_ci, &target->gpus[at], err) < 0)
			return -1;
	}
	return 0;
}

static int no_room(const struct spreading *s, struct mig_error **err)
{
	if (s->tries >= s->tries_max)
		mig_error_set(
			err, MIG_ERROR_REFUSED,
			"no way to put all of this beside what is there was found in %u tries",
			s->tries);
	else
		mig_error_set(err, MIG_ERROR_REFUSED,
			      "there is no room for all of this beside what is there");
	return mig_error_hint(err, "migctl profiles shows what fits on each GPU; migctl destroy "
				   "makes room");
}

/* An item that none of the GPUs has is not a question of room. */
static int check_known(const struct mig_snapshot *snapshot, const struct mig_additions *additions,
		       const bool *is_candidate, struct mig_error **err)
{
	for (unsigned int n = 0; n < additions->count; n++) {
		_cleanup_error_ struct mig_error *first = NULL;
		bool is_known = false;

		for (unsigned int i = 0; !is_known && i < snapshot->gpu_count; i++) {
			_cleanup_error_ struct mig_error *why = NULL;
			unsigned int gi_row, ci_row;

			if (!is_candidate[i])
				continue;
			is_known = resolve(&snapshot->gpus[i], &additions->items[n], &gi_row,
					   &ci_row, &why) == 0;
			if (!is_known && first == NULL)
				mig_error_move(&first, &why);
		}
		if (!is_known) {
			mig_error_move(err, &first);
			return -1;
		}
	}
	return 0;
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
				begin(gpu, &s->targets[i]);
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

static int spread_over(const struct mig_snapshot *snapshot, const struct mig_additions *additions,
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

/* Adds to the hint of "no room" the GPUs that would take instances if only MIG mode were on. */
static int hint_off(const struct mig_snapshot *snapshot, struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf off = MIG_BUF_INIT(4096);
	_cleanup_buf_ struct mig_buf before = MIG_BUF_INIT(64 * 1024);

	for (unsigned int i = 0; i < snapshot->gpu_count; i++) {
		const struct mig_gpu *gpu = &snapshot->gpus[i];

		if (!gpu->is_lost && gpu->is_mig_capable && !gpu->mig_current)
			mig_buf_printf(&off, "%s%u", off.len > 0 ? "," : "", gpu->index);
	}
	if (off.len == 0 || err == NULL || *err == NULL)
		return -1;
	if (mig_error_hint_text(*err) != NULL)
		mig_buf_printf(&before, "%s; ", mig_error_hint_text(*err));
	return mig_error_hint(err,
			      "%sMIG mode of GPU %s is off, to use it, too: migctl mode on -i %s",
			      mig_buf_text(&before), mig_buf_text(&off), mig_buf_text(&off));
}

static int on_any(const struct mig_snapshot *snapshot, const struct mig_additions *additions,
		  struct mig_target *target, struct mig_error **err)
{
	_cleanup_free_ bool *is_candidate = calloc((size_t)snapshot->gpu_count + 1, sizeof(bool));
	_cleanup_error_ struct mig_error *mode_error = NULL;
	_cleanup_error_ struct mig_error *fit_error = NULL;
	unsigned int count = 0;
	bool is_capable = false;

	if (is_candidate == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	for (unsigned int i = 0; i < snapshot->gpu_count; i++) {
		_cleanup_error_ struct mig_error *why = NULL;

		if (mig_adding_check_mode(&snapshot->gpus[i], &why) < 0) {
			/* The first one that can be helped is named. */
			if (mode_error == NULL || (snapshot->gpus[i].is_mig_capable && !is_capable))
				mig_error_move(&mode_error, &why);
			is_capable = is_capable || snapshot->gpus[i].is_mig_capable;
			continue;
		}
		if (try_gpu(&snapshot->gpus[i], additions, &target->gpus[i], &why) == 0)
			return 0;
		memset(&target->gpus[i], 0, sizeof(target->gpus[i]));
		if (fit_error == NULL)
			mig_error_move(&fit_error, &why);
		is_candidate[i] = true;
		count++;
	}
	if (count > 1 && check_known(snapshot, additions, is_candidate, err) < 0)
		return -1;
	if (count > 1 && spread_over(snapshot, additions, is_candidate, target, err) == 0)
		return 0;
	if (count > 1)
		return hint_off(snapshot, err);
	mig_error_move(err, count == 1 ? &fit_error : &mode_error);
	return count == 1 ? hint_off(snapshot, err) : -1;
}

int mig_adding_gi(const struct mig_snapshot *snapshot, const struct mig_additions *additions,
		  int position, struct mig_target **out, struct mig_error **err)
{
	_cleanup_target_ struct mig_target *target = mig_target_new(snapshot, err);

	if (target == NULL)
		return -1;
	if (snapshot->gpu_count == 0)
		return mig_error_no_gpu(err);
	if (position < 0) {
		if (on_any(snapshot, additions, target, err) < 0)
			return -1;
	} else if (mig_adding_check_mode(&snapshot->gpus[position], err) < 0 ||
		   try_gpu(&snapshot->gpus[position], additions, &target->gpus[position], err) <
			   0) {
		return -1;
	}
	*out = MIG_TAKE_PTR(target);
	return 0;
}

/* ---- compute instances ------------------------------------------------------------------------- */

static int refuse_ci(const struct mig_gpu *gpu, const struct mig_gpu_instance *gi,
		     const struct mig_addition *item, struct mig_error **err)
{
	const struct mig_gi_profile *profile = &gpu->facts->gi[gi->gi_row];
	_cleanup_buf_ struct mig_buf can = MIG_BUF_INIT(4096);

	for (unsigned int i = 0; i < profile->ci_count; i++)
		mig_buf_printf(&can, "%s%uc.%s (%u)", i > 0 ? ", " : "", profile->ci[i].slice_count,
			       profile->name, profile->ci[i].id);
	mig_error_set(err, MIG_ERROR_REFUSED,
		      "'%s' is no compute instance of GPU instance %u of GPU %u, which is a %s",
		      item->word, gi->id, gpu->index, profile->name);
	return mig_error_hint(err, "in it can lie, with their ids: %s", mig_buf_text(&can));
}

static int resolve_ci(const struct mig_gpu *gpu, const struct mig_gpu_instance *gi,
		      const struct mig_addition *item, unsigned int *ci_row, struct mig_error **err)
{
	const struct mig_gi_profile *profile = &gpu->facts->gi[gi->gi_row];
	unsigned int gi_row;

	if (!item->has_id && mig_facts_find(gpu->facts, item->profile, &gi_row, ci_row) == 0 &&
	    gi_row == gi->gi_row)
		return 0;
	for (unsigned int i = 0; i < profile->ci_count; i++) {
		char name[16];

		mig_text_format(name, sizeof(name), "%uc", profile->ci[i].slice_count);
		if (item->has_id ? profile->ci[i].id != item->id : strcmp(name, item->profile) != 0)
			continue;
		*ci_row = i;
		return 0;
	}
	return refuse_ci(gpu, gi, item, err);
}

static int add_ci_items(const struct mig_gpu *gpu, const struct mig_gpu_instance *gi,
			const struct mig_additions *additions, struct mig_placed_gi *placed,
			struct mig_error **err)
{
	const struct mig_gi_profile *profile = &gpu->facts->gi[gi->gi_row];
	int filling = mig_facts_ci_by_slices(profile, profile->slice_count);

	if (additions->count == 0 && filling >= 0)
		return mig_target_place_ci(placed, (unsigned int)filling, MIG_START_ANY, err);
	for (unsigned int i = 0; i < additions->count; i++) {
		const struct mig_addition *item = &additions->items[i];
		unsigned int ci_row;

		if (resolve_ci(gpu, gi, item, &ci_row, err) < 0)
			return -1;
		for (unsigned int n = 0; n < item->count; n++) {
			if (mig_target_place_ci(placed, ci_row, item->start, err) < 0)
				return -1;
		}
	}
	return 0;
}

int mig_adding_ci(const struct mig_snapshot *snapshot, const struct mig_additions *additions,
		  unsigned int position, unsigned int gi, struct mig_target **out,
		  struct mig_error **err)
{
	_cleanup_target_ struct mig_target *target = mig_target_new(snapshot, err);
	const struct mig_gpu *gpu = &snapshot->gpus[position];

	if (target == NULL || mig_adding_check_mode(gpu, err) < 0)
		return -1;
	begin(gpu, &target->gpus[position]);
	if (add_ci_items(gpu, &gpu->gi[gi], additions, &target->gpus[position].placed[gi], err) < 0)
		return -1;
	*out = MIG_TAKE_PTR(target);
	return 0;
}
