/* SPDX-License-Identifier: Apache-2.0 */
/*
 * migctl sim show: what a simulated node is (its description) and what state it is in, read from
 * the node's own files and not through the driver.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/sim_text.h"
#include "shared/text.h"
#include "sim/control/hold.h"

#define PROGRAM_SIZE 256
#define MIB	     (UINT64_C(1024) * 1024)

const struct mig_option mig_cmd_sim_show_options[] = {
	{"json", 0, NULL, "print JSON"},
	{NULL, 0, NULL, NULL},
};

/* One GPU as both outputs need it. */
struct gpu_view {
	const struct mig_sim_store *store;
	const struct mig_sim_gpu_desc *desc;
	const struct mig_gpu_table *model;
	unsigned int index;
	struct mig_sim_gpu_state state;	      /* copied at one moment */
	const struct mig_sim_holder *holders; /* all of the node */
};

static void look_at(const struct mig_sim_store *store, const struct mig_sim_holder *holders,
		    unsigned int index, struct gpu_view *view)
{
	view->holders = holders;
	view->store = store;
	view->index = index;
	view->desc = &store->node->gpus[index];
	view->model = &store->models[view->desc->model];
	mig_sim_store_read_gpu(store, index, &view->state);
}

static const char *on_off(unsigned int value)
{
	return value ? "on" : "off";
}

/* ---- text ------------------------------------------------------------------------------------- */

static void print_mode(const struct gpu_view *view)
{
	const struct mig_sim_gpu_state *state = &view->state;

	if (state->is_lost)
		printf("lost (fallen off the bus), ");
	if (!view->model->is_mig_capable)
		printf("no MIG");
	else if (state->mig_current == state->mig_pending)
		printf("MIG %s", on_off(state->mig_current));
	else
		printf("MIG %s, %s pending", on_off(state->mig_current),
		       on_off(state->mig_pending));
}

static void print_gpu_head(const struct gpu_view *view)
{
	const struct mig_sim_gpu_desc *desc = view->desc;

	printf("\nGPU %u  %s  ", view->index, view->model->name);
	print_mode(view);
	printf("\n  %s  minor %u", desc->bus_id, desc->minor_number);
	if (desc->numa_node >= 0)
		printf("  NUMA node %d", desc->numa_node);
	if (desc->layout != MIG_SIM_LAYOUT_NORMAL)
		printf("  layout %s", mig_sim_layout_words[desc->layout]);
	if (view->state.persistence)
		printf("  persistence mode on");
	if (view->model->mode_needs_reset && desc->mode_change != MIG_SIM_MODE_CHANGE_IMMEDIATE)
		printf("  mode change %s", mig_sim_mode_change_words[desc->mode_change]);
	printf("\n  %s\n", desc->uuid);
}

static void describe_holder(const struct mig_sim_holder *holder, struct mig_buf *out)
{
	const uint32_t pid = mig_sim_holder_pid(holder);
	char program[PROGRAM_SIZE];

	mig_sim_holder_name(holder, program, sizeof(program));
	if (pid)
		mig_buf_printf(out, "held by process %u", pid);
	else
		mig_buf_puts(out, "held by a process of another pid namespace");
	if (program[0])
		mig_buf_printf(out, " (%s)", program);
	mig_buf_printf(out, ", %s", mig_sim_holder_words[holder->kind]);
	if (holder->memory)
		mig_buf_printf(out, ", %" PRIu64 " MiB", holder->memory / MIB);
}

static void add_holders(struct mig_columns *columns, const struct gpu_view *view,
			struct mig_sim_place place)
{
	const struct mig_sim_holder *rows[MIG_SIM_HOLDERS_MAX];
	unsigned int count = mig_sim_hold_list(view->holders, place, rows);

	for (unsigned int i = 0; i < count; i++) {
		_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(MIG_SIM_TEXT_MAX);

		describe_holder(rows[i], &text);
		mig_columns_addf(columns, "      %s", mig_buf_text(&text));
		for (size_t c = 1; c < columns->width; c++)
			mig_columns_add(columns, NULL);
	}
}

static void print_gpu_holders(const struct gpu_view *view)
{
	const struct mig_sim_holder *rows[MIG_SIM_HOLDERS_MAX];
	unsigned int count = mig_sim_hold_list(view->holders, mig_sim_place_gpu(view->index), rows);

	for (unsigned int i = 0; i < count; i++) {
		_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(MIG_SIM_TEXT_MAX);
		_cleanup_buf_ struct mig_buf shown = MIG_BUF_INIT(MIG_SIM_TEXT_MAX);

		describe_holder(rows[i], &text);
		mig_text_escape_terminal(&shown, mig_buf_text(&text));
		printf("  %s\n", mig_buf_text(&shown));
	}
}

static void add_instance(struct mig_columns *columns, const struct gpu_view *view,
			 unsigned int gi_id)
{
	const struct mig_sim_gi *gi = &view->state.gi[gi_id];
	const struct mig_table_gi_profile *profile = &view->model->gi[gi->profile];
	char uuid[MIG_SIM_UUID_SIZE];

	mig_columns_addf(columns, "  GI %u", gi_id);
	mig_columns_add(columns, profile->name);
	mig_columns_addf(columns, "%u:%u", gi->start, gi->size);
	mig_columns_add(columns, "");
	for (unsigned int ci_id = 0; ci_id < MIG_SIM_CIS_MAX; ci_id++) {
		const struct mig_sim_ci *ci = &gi->ci[ci_id];

		if (!ci->in_use)
			continue;
		mig_sim_node_mig_uuid(view->store, view->index, &view->state, gi_id, ci_id, uuid);
		mig_columns_addf(columns, "    CI %u", ci_id);
		mig_columns_add(columns, profile->ci[ci->profile].name);
		mig_columns_addf(columns, "%u:%u", ci->start, ci->size);
		mig_columns_add(columns, uuid);
		add_holders(columns, view, mig_sim_place_ci(view->index, gi_id, ci_id));
	}
}

static void print_gpu(const struct gpu_view *view)
{
	_cleanup_columns_ struct mig_columns columns = {.width = 0};

	print_gpu_head(view);
	print_gpu_holders(view);
	mig_columns_begin(&columns, 4);
	for (unsigned int gi_id = 0; gi_id < MIG_SIM_GIS_MAX; gi_id++) {
		if (view->state.gi[gi_id].in_use)
			add_instance(&columns, view, gi_id);
	}
	mig_columns_print(&columns);
}

/* Nothing where nothing takes time. */
static void print_timing(const struct mig_sim_node_desc *node)
{
	bool is_zero = true;

	for (unsigned int i = 0; i < MIG_SIM_OPERATION_COUNT; i++)
		is_zero = is_zero && node->timing_ms[i] == 0;
	if (is_zero)
		return;
	printf("  timing         %s: create %u ms, destroy %u ms, mode change %u ms, reset %u "
	       "ms%s\n",
	       mig_sim_timing_word(node), node->timing_ms[MIG_SIM_OPERATION_CREATE],
	       node->timing_ms[MIG_SIM_OPERATION_DESTROY],
	       node->timing_ms[MIG_SIM_OPERATION_MODE_CHANGE],
	       node->timing_ms[MIG_SIM_OPERATION_RESET], node->is_serial ? ", serial" : "");
}

/* Faults of calls; a lost GPU says so itself. */
static void print_faults(const struct mig_sim_store *store)
{
	unsigned int count = mig_sim_node_faults(store);

	if (count > 0)
		printf("  faults         %u armed: migctl sim fault list\n", count);
}

static void print_node(const struct mig_sim_store *store, const struct mig_sim_holder *holders)
{
	const struct mig_sim_node_desc *node = store->node;
	_cleanup_buf_ struct mig_buf gpus = MIG_BUF_INIT(MIG_SIM_TEXT_MAX);
	_cleanup_buf_ struct mig_buf path = MIG_BUF_INIT(MIG_SIM_TEXT_MAX);

	mig_sim_text_gpus(node, store->models, &gpus);
	mig_text_escape_terminal(&path, store->path);
	printf("node %s\n", node->name);
	printf("  directory      %s\n", mig_buf_text(&path));
	printf("  GPUs           %s\n", mig_buf_text(&gpus));
	printf("  driver         %s, CUDA %u.%u\n", node->driver_version, node->cuda_version / 1000,
	       node->cuda_version % 1000 / 10);
	printf("  administrator  user id %u\n", node->owner_uid);
	print_timing(node);
	print_faults(store);
	for (uint32_t i = 0; i < node->gpu_count; i++) {
		struct gpu_view view;

		look_at(store, holders, i, &view);
		print_gpu(&view);
	}
}

/* ---- JSON ------------------------------------------------------------------------------------- */

static void id_string(struct mig_json *json, const char *key, unsigned int id)
{
	char text[16];

	mig_text_format(text, sizeof(text), "%u", id);
	mig_json_member_string(json, key, text);
}

static void json_holders(struct mig_json *json, const struct gpu_view *view,
			 struct mig_sim_place place)
{
	const struct mig_sim_holder *rows[MIG_SIM_HOLDERS_MAX];
	unsigned int count = mig_sim_hold_list(view->holders, place, rows);

	mig_json_key(json, "holders");
	mig_json_array_begin(json);
	for (unsigned int i = 0; i < count; i++) {
		const uint32_t pid = mig_sim_holder_pid(rows[i]);
		char program[PROGRAM_SIZE];

		mig_sim_holder_name(rows[i], program, sizeof(program));
		mig_json_object_begin(json);
		mig_json_key(json, "pid");
		if (pid)
			mig_json_uint(json, pid);
		else
			mig_json_null(json);
		mig_json_member_string(json, "name", program[0] ? program : NULL);
		mig_json_member_string(json, "kind", mig_sim_holder_words[rows[i]->kind]);
		mig_json_member_uint(json, "memory_bytes", rows[i]->memory);
		mig_json_object_end(json);
	}
	mig_json_array_end(json);
}

static void json_ci(struct mig_json *json, const struct gpu_view *view, unsigned int gi_id,
		    unsigned int ci_id)
{
	const struct mig_sim_gi *gi = &view->state.gi[gi_id];
	const struct mig_sim_ci *ci = &gi->ci[ci_id];
	char uuid[MIG_SIM_UUID_SIZE];

	mig_sim_node_mig_uuid(view->store, view->index, &view->state, gi_id, ci_id, uuid);
	mig_json_object_begin(json);
	id_string(json, "id", ci_id);
	mig_json_member_string(json, "profile", view->model->gi[gi->profile].ci[ci->profile].name);
	mig_json_member_uint(json, "start", ci->start);
	mig_json_member_uint(json, "size", ci->size);
	mig_json_member_string(json, "uuid", uuid);
	json_holders(json, view, mig_sim_place_ci(view->index, gi_id, ci_id));
	mig_json_object_end(json);
}

static void json_gi(struct mig_json *json, const struct gpu_view *view, unsigned int gi_id)
{
	const struct mig_sim_gi *gi = &view->state.gi[gi_id];
	const struct mig_table_gi_profile *profile = &view->model->gi[gi->profile];

	mig_json_object_begin(json);
	id_string(json, "id", gi_id);
	mig_json_member_string(json, "profile", profile->name);
	id_string(json, "profile_id", profile->id);
	mig_json_member_uint(json, "start", gi->start);
	mig_json_member_uint(json, "size", gi->size);
	mig_json_member_uint(json, "memory_mib", profile->memory_mib);
	mig_json_key(json, "compute_instances");
	mig_json_array_begin(json);
	for (unsigned int ci_id = 0; ci_id < MIG_SIM_CIS_MAX; ci_id++) {
		if (gi->ci[ci_id].in_use)
			json_ci(json, view, gi_id, ci_id);
	}
	mig_json_array_end(json);
	mig_json_object_end(json);
}

static void json_gpu(struct mig_json *json, const struct gpu_view *view)
{
	const struct mig_sim_gpu_desc *desc = view->desc;
	const bool has_mig = view->model->is_mig_capable;

	mig_json_object_begin(json);
	mig_json_member_uint(json, "index", view->index);
	mig_json_member_string(json, "model", view->model->key);
	mig_json_member_string(json, "name", view->model->name);
	mig_json_member_string(json, "uuid", desc->uuid);
	mig_json_member_string(json, "pci_address", desc->bus_id);
	mig_json_member_uint(json, "minor", desc->minor_number);
	mig_json_key(json, "numa_node");
	if (desc->numa_node < 0)
		mig_json_null(json);
	else
		mig_json_int(json, desc->numa_node);
	mig_json_member_string(json, "layout", mig_sim_layout_words[desc->layout]);
	mig_json_member_string(json, "mode_change", mig_sim_mode_change_words[desc->mode_change]);
	mig_json_member_uint(json, "memory_mib", view->model->memory_total_mib);
	mig_json_member_string(json, "mig_mode", has_mig ? on_off(view->state.mig_current) : NULL);
	mig_json_member_string(json, "mig_mode_pending",
			       has_mig ? on_off(view->state.mig_pending) : NULL);
	mig_json_member_string(json, "persistence_mode", on_off(view->state.persistence));
	mig_json_member_uint(json, "resets", view->state.resets);
	mig_json_member_bool(json, "lost", view->state.is_lost);
	json_holders(json, view, mig_sim_place_gpu(view->index));
	mig_json_key(json, "gpu_instances");
	mig_json_array_begin(json);
	for (unsigned int gi_id = 0; gi_id < MIG_SIM_GIS_MAX; gi_id++) {
		if (view->state.gi[gi_id].in_use)
			json_gi(json, view, gi_id);
	}
	mig_json_array_end(json);
	mig_json_object_end(json);
}

static int show_json(const struct mig_sim_store *store, const struct mig_sim_holder *holders,
		     struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(MIG_OUTPUT_JSON_MAX);
	const struct mig_sim_node_desc *node = store->node;
	struct mig_json json;

	mig_json_init(&json, &text);
	mig_json_object_begin(&json);
	mig_json_member_string(&json, "schema", "migctl.sim-show/1");
	mig_json_member_string(&json, "name", node->name);
	mig_json_member_string(&json, "path", store->path);
	mig_json_member_uint(&json, "driver_branch", node->branch);
	mig_json_member_string(&json, "driver", node->driver_version);
	mig_json_member_string(&json, "nvml", node->nvml_version);
	mig_json_member_uint(&json, "cuda_version", node->cuda_version);
	mig_json_member_uint(&json, "owner_uid", node->owner_uid);
	mig_sim_timing_write(node, &json);
	mig_json_member_uint(&json, "reboots", mig_sim_node_reboots(store));
	mig_json_key(&json, "gpus");
	mig_json_array_begin(&json);
	for (uint32_t i = 0; i < node->gpu_count; i++) {
		struct gpu_view view;

		look_at(store, holders, i, &view);
		json_gpu(&json, &view);
	}
	mig_json_array_end(&json);
	mig_json_object_end(&json);
	return mig_output_json(&json, &text, err);
}

int mig_cmd_sim_show_run(const struct mig_invocation *inv, struct mig_error **err)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_free_ struct mig_sim_holder *holders = NULL;
	struct mig_sim_store store;
	int status = MIG_EXIT_OK;

	if (mig_sim_node_path(inv->args[0], &path, err) || mig_sim_node_open(path, &store, err))
		return -1;
	holders = calloc(MIG_SIM_HOLDERS_MAX, sizeof(*holders));
	if (!holders)
		status = mig_error_set_errno(err, ENOMEM, "cannot show node '%s'", path);
	else
		mig_sim_store_read_holders(&store, holders);
	if (status == MIG_EXIT_OK && !mig_option_given(inv, "json"))
		print_node(&store, holders);
	else if (status == MIG_EXIT_OK && show_json(&store, holders, err))
		status = -1;
	mig_sim_store_close(&store);
	return status;
}
