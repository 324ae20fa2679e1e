/* SPDX-License-Identifier: Apache-2.0 */
/*
 * migctl sim fault add, list and clear: what is to go wrong on a simulated node.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/output.h"
#include "shared/number.h"
#include "shared/text.h"
#include "sim/control/control.h"
#include "sim/control/fault.h"

#define LINE_MAX_SIZE 1024
#define PROGRAM_SIZE  256

enum column {
	COLUMN_ID,
	COLUMN_FUNCTION,
	COLUMN_CALL,
	COLUMN_EFFECT,
	COLUMN_SCOPE,
	COLUMN_COUNT,
};

const struct mig_option mig_cmd_sim_fault_add_options[] = {
	{"node-wide", 'n', NULL, "for all processes on the node together, until cleared"},
	{"pid", 'p', "PID", "for this process and its descendants"},
	{"gpu", 'i', "GPU", "the GPU: index, UUID or PCI address"},
	{"gi", 0, "ID", "the GPU instance on it"},
	{"ci", 0, "ID", "the compute instance in that"},
	{NULL, 0, NULL, NULL},
};
const struct mig_option mig_cmd_sim_fault_list_options[] = {
	{"json", 0, NULL, "print a JSON document"},
	{NULL, 0, NULL, NULL},
};
const struct mig_option mig_cmd_sim_fault_clear_options[] = {
	{"gpu", 'i', "GPU", "with lost: the GPU (index, UUID or PCI address)"},
	{NULL, 0, NULL, NULL},
};

/* "[NODE] WHAT": the node's directory and what is meant on it. */
static int read_arguments(const struct mig_invocation *inv, char **path, const char **what,
			  struct mig_error **err)
{
	*what = inv->args[inv->arg_count - 1];
	return mig_sim_node_path(inv->arg_count > 1 ? inv->args[0] : NULL, path, err);
}

static int usage(const struct mig_invocation *inv, struct mig_error **err)
{
	return mig_error_hint(err, "see 'migctl %s --help'", inv->cmd->name);
}

/* ---- add ---------------------------------------------------------------------------------------- */

/* A number from an option; `otherwise` if it is not given. */
static int number_option(const struct mig_invocation *inv, const char *name, uint32_t min,
			 uint32_t max, uint32_t otherwise, uint32_t *value, struct mig_error **err)
{
	const char *text = mig_option_value(inv, name);

	*value = otherwise;
	if (!text || mig_parse_u32(text, min, max, value) == 0)
		return 0;
	mig_error_set(err, MIG_ERROR_USAGE,
		      "option '--%s' needs a number from %" PRIu32 " to %" PRIu32, name, min, max);
	return usage(inv, err);
}

/* The words that were given, with what is missing. */
static int no_gpu(const struct mig_invocation *inv, struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf shown = MIG_BUF_INIT(LINE_MAX_SIZE);

	for (int i = 0; i < inv->arg_count; i++) {
		mig_text_escape_terminal(&shown, inv->args[i]);
		mig_buf_puts(&shown, " ");
	}
	mig_error_set(err, MIG_ERROR_USAGE, "it is not said which GPU is meant");
	return mig_error_hint(err, "for example: migctl %s %s-i 0", inv->cmd->name,
			      mig_buf_text(&shown));
}

/* Options that belong to the other kind of fault are a mistake, not without effect. */
static int check_options(const struct mig_invocation *inv, bool is_call, struct mig_error **err)
{
	static const char *const of_calls[] = {"node-wide", "pid", NULL};
	static const char *const of_gpus[] = {"gpu", "gi", "ci", NULL};
	const char *const *names = is_call ? of_gpus : of_calls;

	for (; *names; names++) {
		if (!mig_option_given(inv, *names))
			continue;
		mig_error_set(err, MIG_ERROR_USAGE, "'--%s' is for faults of %s", *names,
			      is_call ? "a GPU, not of a call" : "a call, not of a GPU");
		return usage(inv, err);
	}
	if (!is_call && !mig_option_given(inv, "gpu"))
		return no_gpu(inv, err);
	if (mig_option_given(inv, "pid") && mig_option_given(inv, "node-wide")) {
		mig_error_set(err, MIG_ERROR_USAGE, "'--pid' and '--node-wide' exclude each other");
		return usage(inv, err);
	}
	return 0;
}

/* "process 12 (bash)" by the program's file name. */
static void describe_process(const struct mig_sim_fault *rule, struct mig_buf *out)
{
	char program[PROGRAM_SIZE];
	const char *slash;

	mig_buf_printf(out, "process %" PRIu32, rule->pid);
	if (!mig_sim_fault_program(rule, program, sizeof(program)))
		return;
	slash = strrchr(program, '/');
	mig_buf_printf(out, " (%s)", slash ? slash + 1 : program);
}

static int add_call(const struct mig_invocation *inv, const char *path,
		    const struct mig_sim_fault_request *request, struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf line = MIG_BUF_INIT(LINE_MAX_SIZE);
	_cleanup_buf_ struct mig_buf shown = MIG_BUF_INIT(4 * LINE_MAX_SIZE);
	/* Whoever runs this command: with that shell the fault is gone. */
	uint32_t pid = (uint32_t)getppid();
	struct mig_sim_fault rule;

	if (number_option(inv, "pid", 1, INT32_MAX, pid, &pid, err))
		return -1;
	if (mig_option_given(inv, "node-wide")) {
		pid = 0;
	} else if (pid == 0) {
		mig_error_set(err, MIG_ERROR_REFUSED,
			      "there is no process that the fault could be for");
		return mig_error_hint(err, "name one by --pid, or all of them by --node-wide");
	}
	if (mig_sim_fault_arm(path, request, 1, pid, &rule, err))
		return -1;
	mig_buf_printf(&line, "fault %" PRIu32 ": ", rule.id);
	mig_sim_fault_describe(&rule, &line);
	if (rule.pid != 0) {
		mig_buf_puts(&line, "; for ");
		describe_process(&rule, &line);
		mig_buf_puts(&line, " and its descendants");
	} else {
		mig_buf_puts(&line, "; node-wide");
	}
	mig_text_escape_terminal(&shown, mig_buf_text(&line));
	fprintf(stderr, "%s\n", mig_buf_text(&shown));
	return MIG_EXIT_OK;
}

/* One line of what happened, as for a fault of a call. */
static void say_happened(const struct mig_sim_fault_request *request,
			 const struct mig_sim_fault_place *place)
{
	fprintf(stderr, "GPU %u", place->gpu_index);
	if (place->gi_id != MIG_SIM_NO_INSTANCE)
		fprintf(stderr, ", GPU instance %u", place->gi_id);
	if (place->ci_id != MIG_SIM_NO_INSTANCE)
		fprintf(stderr, ", compute instance %u", place->ci_id);
	if (request->kind == MIG_SIM_FAULT_LOST)
		fprintf(stderr, ": lost (fallen off the bus, XID 79)\n");
	else if (request->kind == MIG_SIM_FAULT_XID)
		fprintf(stderr, ": XID %" PRIu64 "\n", request->number);
	else
		fprintf(stderr, ": %" PRIu64 " %scorrected memory error%s\n", request->number,
			request->is_uncorrected ? "un" : "", request->number == 1 ? "" : "s");
}

static int add_to_gpu(const struct mig_invocation *inv, const char *path,
		      const struct mig_sim_fault_request *request, struct mig_error **err)
{
	struct mig_sim_fault_place place;
	uint32_t gi_id, ci_id;

	if (number_option(inv, "gi", 0, MIG_SIM_GIS_MAX - 1, MIG_SIM_NO_INSTANCE, &gi_id, err) ||
	    number_option(inv, "ci", 0, MIG_SIM_CIS_MAX - 1, MIG_SIM_NO_INSTANCE, &ci_id, err) ||
	    mig_sim_fault_find_gpu(path, mig_option_value(inv, "gpu"), &place.gpu_index, err))
		return -1;
	place.gi_id = gi_id;
	place.ci_id = ci_id;
	if (mig_sim_fault_happen(path, request, &place, err))
		return -1;
	say_happened(request, &place);
	return MIG_EXIT_OK;
}

int mig_cmd_sim_fault_add_run(const struct mig_invocation *inv, struct mig_error **err)
{
	struct mig_sim_fault_request request;
	_cleanup_free_ char *path = NULL;
	const char *what;

	if (read_arguments(inv, &path, &what, err) || mig_sim_fault_read(what, &request, err) ||
	    check_options(inv, request.kind == MIG_SIM_FAULT_CALL, err))
		return -1;
	if (request.kind == MIG_SIM_FAULT_CALL)
		return add_call(inv, path, &request, err);
	return add_to_gpu(inv, path, &request, err);
}

/* ---- list --------------------------------------------------------------------------------------- */

static void json_fault(struct mig_json *json, const struct mig_sim_fault *fault)
{
	bool is_code = fault->action == MIG_SIM_FAULT_RETURN;
	char program[PROGRAM_SIZE];
	char id[16];

	snprintf(id, sizeof(id), "%" PRIu32, fault->id);
	mig_json_object_begin(json);
	mig_json_member_string(json, "id", id);
	mig_json_member_string(json, "function", fault->function);
	mig_json_member_uint(json, "call", fault->call);
	mig_json_member_bool(json, "and_later", fault->is_from);
	mig_json_member_string(json, "action", mig_sim_fault_action_word(fault->action));
	mig_json_key(json, "code");
	if (is_code)
		mig_json_uint(json, fault->code);
	else
		mig_json_null(json);
	mig_json_member_string(json, "code_name",
			       is_code ? mig_sim_fault_code_name(fault->code) : NULL);
	mig_json_key(json, "pid");
	if (fault->pid)
		mig_json_uint(json, fault->pid);
	else
		mig_json_null(json);
	mig_json_member_string(json, "program",
			       fault->pid && mig_sim_fault_program(fault, program, sizeof(program))
				       ? program
				       : NULL);
	mig_json_key(json, "calls_counted");
	if (fault->pid)
		mig_json_null(json);
	else
		mig_json_uint(json, fault->seen);
	mig_json_object_end(json);
}

static int list_json(const struct mig_sim_store *store, const struct mig_sim_state *state,
		     struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(MIG_OUTPUT_JSON_MAX);
	struct mig_json json;

	mig_json_init(&json, &text);
	mig_json_object_begin(&json);
	mig_json_member_string(&json, "schema", "migctl.sim-fault-list/1");
	mig_json_member_string(&json, "name", store->node->name);
	mig_json_member_string(&json, "path", store->path);
	mig_json_key(&json, "faults");
	mig_json_array_begin(&json);
	for (unsigned int i = 0; i < MIG_SIM_FAULTS_MAX; i++) {
		if (state->faults[i].id)
			json_fault(&json, &state->faults[i]);
	}
	mig_json_array_end(&json);
	mig_json_key(&json, "lost_gpus");
	mig_json_array_begin(&json);
	for (uint32_t i = 0; i < store->node->gpu_count; i++) {
		if (!state->gpus[i].is_lost)
			continue;
		mig_json_object_begin(&json);
		mig_json_member_uint(&json, "index", i);
		mig_json_member_string(&json, "uuid", store->node->gpus[i].uuid);
		mig_json_object_end(&json);
	}
	mig_json_array_end(&json);
	mig_json_object_end(&json);
	return mig_output_json(&json, &text, err) ? -1 : MIG_EXIT_OK;
}

static void add_row(struct mig_columns *columns, const struct mig_sim_fault *fault)
{
	_cleanup_buf_ struct mig_buf scope = MIG_BUF_INIT(LINE_MAX_SIZE);
	const char *code = mig_sim_fault_code_name(fault->code);

	mig_columns_addf(columns, "%" PRIu32, fault->id);
	mig_columns_add(columns, fault->function);
	if (fault->is_from && fault->call == 1)
		mig_columns_add(columns, "every");
	else
		mig_columns_addf(columns, "%" PRIu64 "%s", fault->call, fault->is_from ? "+" : "");
	if (fault->action != MIG_SIM_FAULT_RETURN)
		mig_columns_add(columns, mig_sim_fault_action_word(fault->action));
	else if (code)
		mig_columns_add(columns, code);
	else
		mig_columns_addf(columns, "%" PRIu32, fault->code);
	if (fault->pid)
		describe_process(fault, &scope);
	else
		mig_buf_printf(&scope, "the node, %" PRIu64 " counted", fault->seen);
	mig_columns_add(columns, mig_buf_text(&scope));
}

static int list_columns(const struct mig_sim_store *store, const struct mig_sim_state *state)
{
	static const char *const titles[COLUMN_COUNT] = {
		[COLUMN_ID] = "ID",	    [COLUMN_FUNCTION] = "FUNCTION", [COLUMN_CALL] = "CALL",
		[COLUMN_EFFECT] = "EFFECT", [COLUMN_SCOPE] = "FOR",
	};
	_cleanup_columns_ struct mig_columns columns = {.cell_count = 0};
	bool is_anything = state->fault_count > 0;

	mig_columns_begin(&columns, COLUMN_COUNT);
	for (unsigned int i = 0; i < COLUMN_COUNT; i++)
		mig_columns_add(&columns, titles[i]);
	for (unsigned int i = 0; i < MIG_SIM_FAULTS_MAX; i++) {
		if (state->faults[i].id)
			add_row(&columns, &state->faults[i]);
	}
	if (is_anything)
		mig_columns_print(&columns);
	for (uint32_t i = 0; i < store->node->gpu_count; i++) {
		if (!state->gpus[i].is_lost)
			continue;
		printf("GPU %" PRIu32 " (%s) has fallen off the bus\n", i,
		       store->node->gpus[i].uuid);
		is_anything = true;
	}
	if (!is_anything)
		fprintf(stderr, "no faults on node %s\n", store->node->name);
	return MIG_EXIT_OK;
}

int mig_cmd_sim_fault_list_run(const struct mig_invocation *inv, struct mig_error **err)
{
	_cleanup_free_ struct mig_sim_state *state = NULL;
	_cleanup_free_ char *path = NULL;
	struct mig_sim_store store;
	int status;

	if (mig_sim_node_path(inv->args[0], &path, err))
		return -1;
	mig_sim_fault_tidy(path);
	if (mig_sim_node_open(path, &store, err))
		return -1;
	state = malloc(store.state_size);
	if (!state) {
		mig_sim_store_close(&store);
		return mig_error_set_errno(err, ENOMEM, "cannot list faults");
	}
	mig_sim_store_read(&store, state);
	if (mig_option_given(inv, "json"))
		status = list_json(&store, state, err);
	else
		status = list_columns(&store, state);
	mig_sim_store_close(&store);
	return status;
}

/* ---- clear -------------------------------------------------------------------------------------- */

static int clear_all(const char *path, struct mig_error **err)
{
	unsigned int rules, gpus;

	if (mig_sim_fault_clear_all(path, &rules, &gpus, err))
		return -1;
	fprintf(stderr, "cleared: %u fault%s, %u lost GPU%s\n", rules, rules == 1 ? "" : "s", gpus,
		gpus == 1 ? "" : "s");
	return MIG_EXIT_OK;
}

int mig_cmd_sim_fault_clear_run(const struct mig_invocation *inv, struct mig_error **err)
{
	const char *gpu = mig_option_value(inv, "gpu");
	_cleanup_free_ char *path = NULL;
	unsigned int gpu_index;
	const char *what;
	uint32_t id;

	if (read_arguments(inv, &path, &what, err))
		return -1;
	if (strcmp(what, "lost") == 0 && !gpu)
		return no_gpu(inv, err);
	if (gpu && strcmp(what, "lost") != 0) {
		mig_error_set(err, MIG_ERROR_USAGE, "'--gpu' goes with 'lost' only");
		return usage(inv, err);
	}
	if (gpu)
		return mig_sim_fault_find_gpu(path, gpu, &gpu_index, err) ||
				       mig_sim_fault_clear_lost(path, gpu_index, err)
			       ? -1
			       : MIG_EXIT_OK;
	if (strcmp(what, "all") == 0)
		return clear_all(path, err);
	if (mig_parse_u32(what, 1, UINT32_MAX, &id)) {
		_cleanup_buf_ struct mig_buf shown = MIG_BUF_INIT(LINE_MAX_SIZE);

		mig_text_escape_terminal(&shown, what);
		mig_error_set(err, MIG_ERROR_USAGE,
			      "'%s' is neither a fault's id, 'all' nor 'lost'",
			      mig_buf_text(&shown));
		return mig_error_hint(err, "'migctl sim fault list' shows the ids");
	}
	return mig_sim_fault_clear_one(path, id, err) ? -1 : MIG_EXIT_OK;
}
