/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a described GPU has from the start besides its modes: a MIG mode that is pending, and GPU and
 * compute instances. They are put in place by the engine's own rules, so that no description makes
 * a state that the driver could not come to. A reset or reboot takes them away as it does others.
 */
#include <string.h>

#include "shared/text.h"
#include "sim/control/description.h"
#include "sim/control/json_read.h"
#include "sim/engine/engine.h"

static const char *const gi_keys[] = {"profile", "start", "compute_instances"};
static const char *const ci_keys[] = {"profile", "start", "id"};

/* A GPU as its instances are put in place. */
struct maker {
	struct mig_sim_gpu gpu;
	struct mig_sim_gpu_state state;
};

/* The answer of the engine as words for a person. */
static int complain_of(const char *where, nvmlReturn_t code, struct mig_error **err)
{
	return mig_json_complain(err, where, "start",
				 code == NVML_ERROR_INSUFFICIENT_RESOURCES
					 ? "does not fit beside those before it"
					 : "is not one of the profile's placement_starts");
}

static int read_start(const char *where, json_t *object, uint64_t *start, struct mig_error **err)
{
	json_t *value = json_object_get(object, "start");

	if (!value)
		return mig_json_complain(err, where, "start", "is missing");
	return mig_json_read_uint(where, "start", value, 0, UINT8_MAX, start, err);
}

/* The position of object.profile among `names`. */
static int read_profile(const char *where, json_t *object, const char *const *names, size_t count,
			uint8_t *row, struct mig_error **err)
{
	json_t *value = json_object_get(object, "profile");

	if (!value)
		return mig_json_complain(err, where, "profile", "is missing");
	return mig_json_read_word(where, "profile", value, names, count, row, err);
}

/* ---- compute instances ------------------------------------------------------------------------ */

/* Gives the compute instance just made the id that the description wants for it. */
static int move_ci(const char *where, struct mig_sim_gi *gi, unsigned int from, uint64_t to,
		   struct mig_error **err)
{
	if (from == to)
		return 0;
	if (gi->ci[to].in_use)
		return mig_json_complain(err, where, "id", "is that of another one too");
	gi->ci[to] = gi->ci[from];
	memset(&gi->ci[from], 0, sizeof(gi->ci[from]));
	return 0;
}

static int read_ci(struct maker *maker, unsigned int gi_id, const char *where, json_t *object,
		   struct mig_error **err)
{
	struct mig_sim_gi *gi = &maker->state.gi[gi_id];
	const struct mig_table_gi_profile *profile = &maker->gpu.model->gi[gi->profile];
	const char *names[MIG_TABLE_CI_PROFILES_MAX] = {NULL};
	json_t *id = json_object_get(object, "id");
	unsigned int made = 0;
	uint64_t wanted = 0;
	uint64_t start;
	nvmlReturn_t code;
	uint8_t row = 0;

	if (mig_json_check_object(where, object, ci_keys, MIG_ARRAY_SIZE(ci_keys), err))
		return -1;
	for (unsigned int i = 0; i < profile->ci_profile_count; i++)
		names[i] = profile->ci[i].name;
	if (read_profile(where, object, names, profile->ci_profile_count, &row, err) ||
	    read_start(where, object, &start, err))
		return -1;
	if (id && mig_json_read_uint(where, "id", id, 0, MIG_SIM_CIS_MAX - 1, &wanted, err))
		return -1;
	code = mig_sim_ci_create(&maker->gpu, &maker->state, gi_id, profile->ci[row].id,
				 (uint32_t)start, profile->ci[row].placement_size, &made);
	if (code != NVML_SUCCESS)
		return complain_of(where, code, err);
	return id ? move_ci(where, gi, made, wanted, err) : 0;
}

static int read_cis(struct maker *maker, unsigned int gi_id, const char *where, json_t *list,
		    struct mig_error **err)
{
	char at[MIG_JSON_WHERE_SIZE];
	json_t *item;
	size_t i;

	if (!list)
		return 0;
	if (mig_json_check_array(where, "compute_instances", list, MIG_SIM_CIS_MAX, err))
		return -1;
	json_array_foreach(list, i, item)
	{
		mig_json_where_item(at, where, "compute_instances", i);
		if (read_ci(maker, gi_id, at, item, err))
			return -1;
	}
	return 0;
}

/* ---- GPU instances ---------------------------------------------------------------------------- */

static int read_gi(struct maker *maker, const char *where, json_t *object, struct mig_error **err)
{
	const struct mig_gpu_table *model = maker->gpu.model;
	const char *names[MIG_TABLE_GI_PROFILES_MAX] = {NULL};
	unsigned int gi_id = 0;
	nvmlReturn_t code;
	uint64_t start;
	uint8_t row = 0;

	if (mig_json_check_object(where, object, gi_keys, MIG_ARRAY_SIZE(gi_keys), err))
		return -1;
	for (unsigned int i = 0; i < model->gi_profile_count; i++)
		names[i] = model->gi[i].name;
	if (read_profile(where, object, names, model->gi_profile_count, &row, err) ||
	    read_start(where, object, &start, err))
		return -1;
	code = mig_sim_gi_create(&maker->gpu, &maker->state, model->gi[row].id, (uint32_t)start,
				 model->gi[row].placement_size, &gi_id);
	if (code != NVML_SUCCESS)
		return complain_of(where, code, err);
	return read_cis(maker, gi_id, where, json_object_get(object, "compute_instances"), err);
}

static int read_gis(struct maker *maker, const char *where, json_t *list, struct mig_error **err)
{
	char at[MIG_JSON_WHERE_SIZE];
	json_t *item;
	size_t i;

	if (mig_json_check_array(where, "gpu_instances", list, MIG_SIM_GIS_MAX, err))
		return -1;
	if (json_array_size(list) > 0 && !maker->state.mig_current)
		return mig_json_complain(err, where, "gpu_instances", "needs \"mig_mode\": \"on\"");
	json_array_foreach(list, i, item)
	{
		mig_json_where_item(at, where, "gpu_instances", i);
		if (read_gi(maker, at, item, err))
			return -1;
	}
	return 0;
}

/* ---- the two members -------------------------------------------------------------------------- */

static int read_pending(const struct maker *maker, const char *where, json_t *value,
			struct mig_sim_initial *initial, struct mig_error **err)
{
	uint8_t pending;

	if (mig_json_read_word(where, "mig_mode_pending", value, mig_sim_switch_words,
			       MIG_SIM_SWITCH_COUNT, &pending, err))
		return -1;
	initial->has_pending = pending != maker->gpu.desc->initial_mig_mode;
	if (initial->has_pending && !maker->gpu.model->mode_needs_reset)
		return mig_json_complain(
			err, where, "mig_mode_pending",
			"differs from mig_mode, on a model that needs no reset for "
			"a change");
	return 0;
}

int mig_sim_initial_from_json(const struct mig_sim_description *d,
			      const struct mig_sim_gpu_desc *gpu, const char *where, json_t *object,
			      struct mig_sim_initial *initial, struct mig_error **err)
{
	json_t *pending = json_object_get(object, "mig_mode_pending");
	json_t *list = json_object_get(object, "gpu_instances");
	struct maker maker = {
		.gpu = {.node = &d->node, .desc = gpu, .model = &d->models[gpu->model]},
	};

	memset(initial, 0, sizeof(*initial));
	mig_sim_gpu_init(&maker.gpu, &maker.state);
	if (pending && read_pending(&maker, where, pending, initial, err))
		return -1;
	if (list && read_gis(&maker, where, list, err))
		return -1;
	memcpy(initial->gi, maker.state.gi, sizeof(initial->gi));
	return 0;
}

void mig_sim_initial_apply(const struct mig_sim_initial *initial, struct mig_sim_gpu_state *state)
{
	if (initial->has_pending)
		state->mig_pending = !state->mig_current;
	memcpy(state->gi, initial->gi, sizeof(state->gi));
}

static void write_gi(const struct mig_gpu_table *model, const struct mig_sim_gi *gi,
		     struct mig_json *json)
{
	const struct mig_table_gi_profile *profile = &model->gi[gi->profile];

	mig_json_object_begin(json);
	mig_json_member_string(json, "profile", profile->name);
	mig_json_member_uint(json, "start", gi->start);
	mig_json_key(json, "compute_instances");
	mig_json_array_begin(json);
	for (unsigned int id = 0; id < MIG_SIM_CIS_MAX; id++) {
		const struct mig_sim_ci *ci = &gi->ci[id];

		if (!ci->in_use)
			continue;
		mig_json_object_begin(json);
		mig_json_member_string(json, "profile", profile->ci[ci->profile].name);
		mig_json_member_uint(json, "start", ci->start);
		mig_json_member_uint(json, "id", id);
		mig_json_object_end(json);
	}
	mig_json_array_end(json);
	mig_json_object_end(json);
}

void mig_sim_initial_write(const struct mig_gpu_table *model, const struct mig_sim_gpu_desc *gpu,
			   const struct mig_sim_initial *initial, struct mig_json *json)
{
	bool is_open = false;

	if (initial->has_pending)
		mig_json_member_string(json, "mig_mode_pending",
				       mig_sim_switch_words[!gpu->initial_mig_mode]);
	for (unsigned int id = 0; id < MIG_SIM_GIS_MAX; id++) {
		if (!initial->gi[id].in_use)
			continue;
		if (!is_open) {
			mig_json_key(json, "gpu_instances");
			mig_json_array_begin(json);
			is_open = true;
		}
		write_gi(model, &initial->gi[id], json);
	}
	if (is_open)
		mig_json_array_end(json);
}
