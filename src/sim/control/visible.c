/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rule of CUDA_VISIBLE_DEVICES; see visible.h. Sources: the MIG user guide (forms; several MIG
 * devices from 570 on), and what CUDA was seen to do with lists (the first invalid entry hides
 * itself and all behind it, a device named twice hides all).
 */
#include "sim/control/visible.h"

#include <string.h>
#include <strings.h>

#include "shared/number.h"
#include "shared/text.h"

#define ENTRY_SIZE 96
#define GPU_PREFIX "GPU-"
#define MIG_PREFIX "MIG-"

/* Numbers and UUIDs do not mix. */
enum entry_kind {
	ENTRY_NONE,
	ENTRY_NUMBER,
	ENTRY_UUID,
};

static bool is_gpu(struct mig_sim_place place)
{
	return place.gi == MIG_SIM_NO_INSTANCE;
}

static bool is_same(struct mig_sim_place a, struct mig_sim_place b)
{
	return a.gpu == b.gpu && a.gi == b.gi && a.ci == b.ci;
}

static bool is_below_570(const struct mig_sim_view *view)
{
	return view->node->branch < MIG_SIM_VISIBLE_RULE_BRANCH;
}

/* ---- what there is ---------------------------------------------------------------------------- */

static bool is_usable_ci(const struct mig_sim_view *view, struct mig_sim_place place)
{
	const struct mig_sim_gpu_state *gpu = &view->state->gpus[place.gpu];

	return gpu->mig_current && gpu->gi[place.gi].in_use &&
	       gpu->gi[place.gi].ci[place.ci].in_use &&
	       (!view->can_use || view->can_use(view->cookie, place));
}

bool mig_sim_view_next(const struct mig_sim_view *view, struct mig_sim_place *place)
{
	unsigned int gpu = place->gpu == UINT32_MAX ? 0 : place->gpu;
	unsigned int next = 0; /* gi * CIs + ci */

	if (place->gpu != UINT32_MAX && !is_gpu(*place))
		next = place->gi * MIG_SIM_CIS_MAX + place->ci + 1;
	for (bool is_new = place->gpu == UINT32_MAX; gpu < view->node->gpu_count; gpu++) {
		if (view->state->gpus[gpu].is_lost && !view->has_lost)
			continue;
		if (is_new) {
			*place = mig_sim_place_gpu(gpu);
			return true;
		}
		for (; next < MIG_SIM_GIS_MAX * MIG_SIM_CIS_MAX; next++) {
			*place = mig_sim_place_ci(gpu, next / MIG_SIM_CIS_MAX,
						  next % MIG_SIM_CIS_MAX);
			if (is_usable_ci(view, *place))
				return true;
		}
		is_new = true;
		next = 0;
	}
	return false;
}

void mig_sim_view_uuid(const struct mig_sim_view *view, struct mig_sim_place place,
		       char uuid[MIG_SIM_UUID_SIZE])
{
	const struct mig_sim_gpu_desc *desc = &view->node->gpus[place.gpu];
	const struct mig_sim_gpu gpu = {
		.node = view->node, .desc = desc, .model = &view->models[desc->model]};

	if (is_gpu(place))
		mig_text_copy(uuid, MIG_SIM_UUID_SIZE, desc->uuid);
	else
		mig_sim_mig_uuid(&gpu, &view->state->gpus[place.gpu], place.gi, place.ci, uuid);
}

unsigned int mig_sim_visible_uuid(const struct mig_sim_view *view, const char *text,
				  struct mig_sim_place *place)
{
	struct mig_sim_place at = {.gpu = UINT32_MAX};
	size_t length = strlen(text);
	unsigned int found = 0;

	/* "GPU-" and "MIG-" alone begin every UUID and name none. */
	if (length <= strlen(GPU_PREFIX))
		return 0;
	while (mig_sim_view_next(view, &at)) {
		char uuid[MIG_SIM_UUID_SIZE];

		mig_sim_view_uuid(view, at, uuid);
		if (strncasecmp(uuid, text, length) == 0 && found++ == 0)
			*place = at;
	}
	return found;
}

/* What a program gets of a GPU: the GPU itself, or its first compute instance. */
static bool first_of_gpu(const struct mig_sim_view *view, unsigned int gpu_index,
			 struct mig_sim_place *place)
{
	*place = mig_sim_place_gpu(gpu_index);
	if (!view->state->gpus[gpu_index].mig_current)
		return true;
	return mig_sim_view_next(view, place) && place->gpu == gpu_index;
}

/* ---- the rules -------------------------------------------------------------------------------- */

/* From 570 on: one compute instance of each GPU instance, and not more than CUDA can handle. */
static bool is_hidden(const struct mig_sim_visible *out, struct mig_sim_place place)
{
	unsigned int devices = 0;

	if (is_gpu(place))
		return false;
	for (unsigned int i = 0; i < out->count; i++) {
		if (out->places[i].gpu == place.gpu && out->places[i].gi == place.gi)
			return true;
		devices += !is_gpu(out->places[i]);
	}
	return devices == MIG_SIM_VISIBLE_MIG_MAX;
}

/* Adds the next device of the list to what is visible, by the branch's rule. */
static void admit(const struct mig_sim_view *view, struct mig_sim_place place,
		  struct mig_sim_visible *out)
{
	const bool has_mig = out->count == 1 && !is_gpu(out->places[0]);

	if (is_below_570(view)) {
		if (has_mig)
			return;
		if (!is_gpu(place))
			out->count = 0;
	} else if (is_hidden(out, place)) {
		return;
	}
	if (out->count < MIG_SIM_VISIBLE_MAX)
		out->places[out->count++] = place;
}

/* The variable is not set. */
static void find_all(const struct mig_sim_view *view, struct mig_sim_visible *out)
{
	struct mig_sim_place place = {.gpu = UINT32_MAX};

	out->count = 0;
	while (mig_sim_view_next(view, &place)) {
		if (!is_gpu(place) || !view->state->gpus[place.gpu].mig_current)
			admit(view, place, out);
	}
	if (out->count == 0)
		mig_text_copy(out->why, sizeof(out->why),
			      "there is no GPU without MIG and no compute instance");
}

/* ---- entries of the list ---------------------------------------------------------------------- */

#define INVALID(why, ...) (mig_text_format(why, MIG_SIM_VISIBLE_WHY_SIZE, __VA_ARGS__), false)

static bool read_number(const struct mig_sim_view *view, const char *entry,
			struct mig_sim_place *place, char *why)
{
	struct mig_sim_visible all = {.count = 0};
	uint32_t number;

	if (mig_parse_u32(entry, 0, UINT32_MAX, &number) < 0)
		return INVALID(why, "'%s' is neither a number nor a UUID", entry);
	if (!is_below_570(view)) {
		find_all(view, &all);
		if (number >= all.count)
			return INVALID(why, "'%s' is no number of a device: there are %u", entry,
				       all.count);
		*place = all.places[number];
		return true;
	}
	if (number >= view->node->gpu_count || view->state->gpus[number].is_lost)
		return INVALID(why, "'%s' is no number of a GPU", entry);
	if (!first_of_gpu(view, number, place))
		return INVALID(why, "GPU %s has MIG mode on and no compute instance", entry);
	return true;
}

/* "MIG-GPU-…/GI/CI", cut up in place. */
static bool read_legacy(const struct mig_sim_view *view, const char *entry,
			struct mig_sim_place *place, char *why)
{
	char text[ENTRY_SIZE];
	char *gi_text, *ci_text;
	uint32_t gi, ci;

	if (!is_below_570(view))
		return INVALID(why, "the form '%s' is known below driver branch %d only", entry,
			       MIG_SIM_VISIBLE_RULE_BRANCH);
	mig_text_copy(text, sizeof(text), entry + strlen(MIG_PREFIX));
	gi_text = strchr(text, '/');
	ci_text = gi_text ? strchr(gi_text + 1, '/') : NULL;
	if (!ci_text)
		return INVALID(why, "'%s' is not MIG-GPU-UUID/GI/CI", entry);
	*gi_text++ = '\0';
	*ci_text++ = '\0';
	if (mig_sim_visible_uuid(view, text, place) != 1 ||
	    mig_parse_u32(gi_text, 0, MIG_SIM_GIS_MAX - 1, &gi) < 0 ||
	    mig_parse_u32(ci_text, 0, MIG_SIM_CIS_MAX - 1, &ci) < 0)
		return INVALID(why, "'%s' names no compute instance of this node", entry);
	*place = mig_sim_place_ci(place->gpu, gi, ci);
	if (!is_usable_ci(view, *place))
		return INVALID(why, "'%s' names no compute instance of this node", entry);
	return true;
}

static bool read_uuid(const struct mig_sim_view *view, const char *entry,
		      struct mig_sim_place *place, char *why)
{
	unsigned int found;

	if (strncasecmp(entry, MIG_PREFIX GPU_PREFIX, strlen(MIG_PREFIX GPU_PREFIX)) == 0)
		return read_legacy(view, entry, place, why);
	found = mig_sim_visible_uuid(view, entry, place);
	if (found == 0)
		return INVALID(why, "no device of this node has the UUID '%s'", entry);
	if (found > 1)
		return INVALID(why, "'%s' begins the UUIDs of %u devices", entry, found);
	if (is_gpu(*place) && !first_of_gpu(view, place->gpu, place))
		return INVALID(why, "'%s' has MIG mode on and no compute instance", entry);
	return true;
}

static enum entry_kind kind_of(const char *entry)
{
	return strncasecmp(entry, GPU_PREFIX, strlen(GPU_PREFIX)) == 0 ||
			       strncasecmp(entry, MIG_PREFIX, strlen(MIG_PREFIX)) == 0
		       ? ENTRY_UUID
		       : ENTRY_NUMBER;
}

/* Cuts the first entry off the list, without the blanks around it. False: it is too long. */
static bool next_entry(const char **list, char entry[ENTRY_SIZE])
{
	const char *start = *list + strspn(*list, " \t");
	size_t length = strcspn(start, ",");

	*list = start + length;
	*list += **list == ',';
	while (length > 0 && strchr(" \t", start[length - 1]))
		length--;
	mig_text_format(entry, ENTRY_SIZE, "%.*s", (int)MIG_MIN(length, (size_t)ENTRY_SIZE), start);
	return length < ENTRY_SIZE;
}

static bool read_entry(const struct mig_sim_view *view, const char *entry, enum entry_kind *kind,
		       struct mig_sim_place *place, char *why)
{
	enum entry_kind own = kind_of(entry);

	if (*kind != ENTRY_NONE && *kind != own)
		return INVALID(why, "'%s': numbers and UUIDs do not mix", entry);
	*kind = own;
	return own == ENTRY_UUID ? read_uuid(view, entry, place, why)
				 : read_number(view, entry, place, why);
}

void mig_sim_visible_find(const struct mig_sim_view *view, const char *variable,
			  struct mig_sim_visible *out)
{
	struct mig_sim_place named[MIG_SIM_VISIBLE_MAX];
	enum entry_kind kind = ENTRY_NONE;
	unsigned int count = 0;
	char entry[ENTRY_SIZE];

	out->count = 0;
	out->why[0] = '\0';
	if (!variable) {
		find_all(view, out);
		return;
	}
	if (variable[strspn(variable, " \t")] == '\0')
		mig_text_copy(out->why, sizeof(out->why), MIG_SIM_VISIBLE_VARIABLE " is empty");
	while (*variable && out->why[0] == '\0' && count < MIG_SIM_VISIBLE_MAX) {
		if (!next_entry(&variable, entry) ||
		    !read_entry(view, entry, &kind, &named[count], out->why)) {
			if (out->why[0] == '\0')
				mig_text_format(out->why, sizeof(out->why), "'%s' names no device",
						entry);
			break;
		}
		for (unsigned int i = 0; i < count; i++) {
			if (is_same(named[i], named[count])) {
				mig_text_format(out->why, sizeof(out->why),
						"'%s' is a device that was named before, which "
						"hides all",
						entry);
				return;
			}
		}
		count++;
	}
	for (unsigned int i = 0; i < count; i++)
		admit(view, named[i], out);
}
