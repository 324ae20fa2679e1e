/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults on a node: its state is changed as the driver's library changes it, in one write.
 */
#include "sim/control/fault.h"

#include <inttypes.h>
#include <string.h>

#include "nvml/nvml_abi.h"
#include "sim/control/control.h"
#include "sim/engine/engine.h"
#include "sim/fault/fault.h"
#include "sim/fault/functions.h"

#define XID_FALLEN_OFF_THE_BUS 79

/* One change of the state, by one of the functions below. */
struct change {
	/* Returns 0, or -1 with *err. Then the state is not written. */
	int (*apply)(struct change *change, const struct mig_sim_store *store,
		     struct mig_sim_state *state, struct mig_error **err);
	const struct mig_sim_fault_request *requests;
	size_t count;
	const struct mig_sim_fault_place *place;
	struct mig_sim_process process; /* pid 0: node-wide */
	struct mig_sim_fault first;	/* as it was added */
	uint32_t id;
	unsigned int rules, gpus;
	int status;
	struct mig_error **err;
};

static bool run_change(void *cookie, const struct mig_sim_store *store, struct mig_sim_state *state)
{
	struct change *change = cookie;

	mig_sim_fault_drop_ended(state);
	change->status = change->apply(change, store, state, change->err);
	return change->status == 0;
}

static int make_change(const char *path, struct change *change, struct mig_error **err)
{
	struct mig_sim_store store;
	enum mig_sim_status status;
	int result;

	if (mig_sim_node_open(path, &store, err))
		return -1;
	change->err = err;
	status = mig_sim_store_update(&store, run_change, change);
	if (status == MIG_SIM_OK || status == MIG_SIM_UNCHANGED)
		result = change->status;
	else
		result = mig_sim_status_error(err, status, store.detail, store.saved_errno);
	mig_sim_store_close(&store);
	return result;
}

/* ---- rules -------------------------------------------------------------------------------------- */

static int check_function(const struct mig_sim_store *store, const char *function,
			  struct mig_error **err)
{
	for (unsigned int i = 0; i < mig_sim_function_count; i++) {
		const uint16_t *branch = mig_sim_functions[i].branches;

		if (strcmp(mig_sim_functions[i].name, function) != 0)
			continue;
		while (*branch != 0 && *branch != store->node->branch)
			branch++;
		if (*branch != 0)
			return 0;
	}
	mig_error_set(err, MIG_ERROR_REFUSED, "the driver of node '%s' (%s) has no function '%s'",
		      store->node->name, store->node->driver_version, function);
	return mig_error_hint(err, "docs/simulated-functions.md says which branch exports what");
}

static int add_rules(struct change *change, const struct mig_sim_store *store,
		     struct mig_sim_state *state, struct mig_error **err)
{
	for (size_t i = 0; i < change->count; i++) {
		struct mig_sim_fault rule = change->requests[i].rule;
		struct mig_sim_fault *row;

		if (check_function(store, rule.function, err))
			return -1;
		rule.pid = change->process.pid;
		rule.start_time = change->process.start_time;
		rule.pid_namespace = change->process.pid_namespace;
		row = mig_sim_fault_add(state, &rule);
		if (!row) {
			mig_error_set(err, MIG_ERROR_REFUSED,
				      "node '%s' has room for %d faults and they are taken",
				      store->node->name, MIG_SIM_FAULTS_MAX);
			return mig_error_hint(err, "migctl sim fault clear %s all", store->path);
		}
		if (i == 0)
			change->first = *row;
	}
	return 0;
}

int mig_sim_fault_arm(const char *path, const struct mig_sim_fault_request *requests, size_t count,
		      uint32_t pid, struct mig_sim_fault *first, struct mig_error **err)
{
	struct change change = {.apply = add_rules, .requests = requests, .count = count};

	for (size_t i = 0; i < count; i++) {
		if (requests[i].kind != MIG_SIM_FAULT_CALL) {
			mig_error_set(err, MIG_ERROR_USAGE,
				      "only a fault of a call can be bound to a program");
			return mig_error_hint(err, "for a GPU: migctl sim fault add NODE lost|"
						   "xid=N|ecc=… -i GPU");
		}
	}
	if (pid != 0 && !mig_sim_process_find(pid, &change.process)) {
		mig_error_set(err, MIG_ERROR_REFUSED,
			      "there is no process %" PRIu32 " for the fault", pid);
		return mig_error_hint(err,
				      "name one that runs by --pid, or all of them by --node-wide");
	}
	if (make_change(path, &change, err))
		return -1;
	if (first)
		*first = change.first;
	return 0;
}

static int remove_rule(struct change *change, const struct mig_sim_store *store,
		       struct mig_sim_state *state, struct mig_error **err)
{
	if (mig_sim_fault_remove(state, change->id))
		return 0;
	mig_error_set(err, MIG_ERROR_REFUSED, "node '%s' has no fault %" PRIu32, store->node->name,
		      change->id);
	return mig_error_hint(err, "migctl sim fault list %s", store->path);
}

int mig_sim_fault_clear_one(const char *path, uint32_t id, struct mig_error **err)
{
	struct change change = {.apply = remove_rule, .id = id};

	return make_change(path, &change, err);
}

bool mig_sim_fault_program(const struct mig_sim_fault *rule, char *program, size_t size)
{
	const struct mig_sim_process process = mig_sim_fault_process(rule);

	return mig_sim_process_name_of(&process, program, size);
}

void mig_sim_fault_tidy(const char *path)
{
	_cleanup_error_ struct mig_error *ignored = NULL;
	struct mig_sim_store store;

	if (mig_sim_node_open(path, &store, &ignored))
		return;
	if (mig_sim_fault_is_armed(&store))
		mig_sim_fault_tidy_store(&store);
	mig_sim_store_close(&store);
}

/* ---- GPUs --------------------------------------------------------------------------------------- */

int mig_sim_fault_find_gpu(const char *path, const char *gpu, unsigned int *gpu_index,
			   struct mig_error **err)
{
	struct mig_sim_store store;
	int result;

	if (mig_sim_node_open(path, &store, err))
		return -1;
	result = mig_sim_node_find_gpu(&store, gpu, gpu_index, err);
	mig_sim_store_close(&store);
	return result;
}

static int refuse_lost(const struct mig_sim_store *store, unsigned int gpu_index,
		       struct mig_error **err)
{
	mig_error_set(err, MIG_ERROR_REFUSED, "GPU %u has fallen off the bus", gpu_index);
	return mig_error_hint(err, "'migctl sim reboot %s' brings it back", store->path);
}

/* Whether the place is there. */
static int check_place(const struct mig_sim_store *store, const struct mig_sim_state *state,
		       const struct mig_sim_fault_place *place, struct mig_error **err)
{
	const struct mig_sim_gpu_state *gpu = &state->gpus[place->gpu_index];
	const struct mig_sim_gi *gi;

	if (gpu->is_lost)
		return refuse_lost(store, place->gpu_index, err);
	if (place->gi_id == MIG_SIM_NO_INSTANCE)
		return 0;
	gi = place->gi_id < MIG_SIM_GIS_MAX ? &gpu->gi[place->gi_id] : NULL;
	if (!gi || !gi->in_use) {
		mig_error_set(err, MIG_ERROR_REFUSED, "GPU %u has no GPU instance %u",
			      place->gpu_index, place->gi_id);
		return mig_error_hint(err, "'migctl sim show %s' lists them", store->path);
	}
	if (place->ci_id != MIG_SIM_NO_INSTANCE &&
	    (place->ci_id >= MIG_SIM_CIS_MAX || !gi->ci[place->ci_id].in_use)) {
		mig_error_set(err, MIG_ERROR_REFUSED,
			      "GPU instance %u of GPU %u has no compute instance %u", place->gi_id,
			      place->gpu_index, place->ci_id);
		return mig_error_hint(err, "'migctl sim show %s' lists them", store->path);
	}
	return 0;
}

static int lose_gpu(struct change *change, const struct mig_sim_store *store,
		    struct mig_sim_state *state, struct mig_error **err)
{
	struct mig_sim_gpu_state *gpu = &state->gpus[change->place->gpu_index];

	if (gpu->is_lost)
		return refuse_lost(store, change->place->gpu_index, err);
	gpu->is_lost = 1;
	mig_sim_event_push(state, nvmlEventTypeXidCriticalError, XID_FALLEN_OFF_THE_BUS,
			   change->place->gpu_index, MIG_SIM_NO_INSTANCE, MIG_SIM_NO_INSTANCE);
	return 0;
}

static int push_xid(struct change *change, const struct mig_sim_store *store,
		    struct mig_sim_state *state, struct mig_error **err)
{
	if (check_place(store, state, change->place, err))
		return -1;
	mig_sim_event_push(state, nvmlEventTypeXidCriticalError, change->requests[0].number,
			   change->place->gpu_index, change->place->gi_id, change->place->ci_id);
	return 0;
}

/* Corrected errors are in DRAM; uncorrected ones in the SRAM of a GPU instance, else in DRAM. */
static int count_errors(struct change *change, const struct mig_sim_store *store,
			struct mig_sim_state *state, struct mig_error **err)
{
	const struct mig_sim_fault_request *request = &change->requests[0];
	const struct mig_sim_fault_place *place = change->place;
	struct mig_sim_gpu_state *gpu = &state->gpus[place->gpu_index];

	if (check_place(store, state, place, err))
		return -1;
	if (!gpu->ecc_current) {
		mig_error_set(err, MIG_ERROR_REFUSED,
			      "ECC is off on GPU %u: nobody notices memory errors",
			      place->gpu_index);
		return mig_error_hint(err, "nvidia-smi -e 1, and a reset of the GPU, turn it on");
	}
	if (request->is_uncorrected) {
		gpu->ecc_volatile_uncorrected += request->number;
		gpu->ecc_aggregate_uncorrected += request->number;
	} else {
		gpu->ecc_volatile_corrected += request->number;
		gpu->ecc_aggregate_corrected += request->number;
	}
	if (place->gi_id != MIG_SIM_NO_INSTANCE) {
		uint64_t sum = gpu->gi[place->gi_id].ecc_uncorrected + request->number;

		gpu->gi[place->gi_id].ecc_uncorrected = (uint32_t)MIG_MIN(sum, UINT32_MAX);
		gpu->ecc_volatile_sram += request->number;
		gpu->ecc_aggregate_sram += request->number;
	}
	mig_sim_event_push(state,
			   request->is_uncorrected ? nvmlEventTypeDoubleBitEccError
						   : nvmlEventTypeSingleBitEccError,
			   0, place->gpu_index, place->gi_id, MIG_SIM_NO_INSTANCE);
	return 0;
}

int mig_sim_fault_happen(const char *path, const struct mig_sim_fault_request *request,
			 const struct mig_sim_fault_place *place, struct mig_error **err)
{
	struct change change = {.requests = request, .count = 1, .place = place};
	bool has_gi = place->gi_id != MIG_SIM_NO_INSTANCE;
	bool has_ci = place->ci_id != MIG_SIM_NO_INSTANCE;

	if (has_ci && !has_gi)
		return mig_error_set(err, MIG_ERROR_USAGE,
				     "a compute instance (--ci) needs its GPU instance (--gi)");
	switch (request->kind) {
	case MIG_SIM_FAULT_LOST:
		if (has_gi)
			return mig_error_set(err, MIG_ERROR_USAGE,
					     "a GPU is lost as a whole, not an instance of it");
		change.apply = lose_gpu;
		break;
	case MIG_SIM_FAULT_XID:
		change.apply = push_xid;
		break;
	case MIG_SIM_FAULT_ECC:
		if (has_ci || (has_gi && !request->is_uncorrected))
			return mig_error_set(err, MIG_ERROR_USAGE,
					     has_ci ? "memory errors are counted by GPU and GPU "
						      "instance, not by compute instance"
						    : "a GPU instance counts only uncorrected "
						      "memory errors");
		change.apply = count_errors;
		break;
	default:
		return mig_error_set(err, MIG_ERROR_USAGE, "a fault of a call is not of a GPU");
	}
	return make_change(path, &change, err);
}

static int bring_back(struct change *change, const struct mig_sim_store *store,
		      struct mig_sim_state *state, struct mig_error **err)
{
	struct mig_sim_gpu_state *gpu = &state->gpus[change->place->gpu_index];

	if (!gpu->is_lost) {
		mig_error_set(err, MIG_ERROR_REFUSED, "GPU %u is not lost",
			      change->place->gpu_index);
		return mig_error_hint(err, "migctl sim fault list %s", store->path);
	}
	gpu->is_lost = 0;
	return 0;
}

int mig_sim_fault_clear_lost(const char *path, unsigned int gpu_index, struct mig_error **err)
{
	struct mig_sim_fault_place place = {.gpu_index = gpu_index};
	struct change change = {.apply = bring_back, .place = &place};

	return make_change(path, &change, err);
}

static int clear_everything(struct change *change, const struct mig_sim_store *store,
			    struct mig_sim_state *state, struct mig_error **err)
{
	(void)err;
	for (unsigned int i = 0; i < MIG_SIM_FAULTS_MAX; i++)
		change->rules += mig_sim_fault_remove(state, state->faults[i].id);
	for (uint32_t i = 0; i < store->node->gpu_count; i++) {
		change->gpus += state->gpus[i].is_lost;
		state->gpus[i].is_lost = 0;
	}
	return 0;
}

int mig_sim_fault_clear_all(const char *path, unsigned int *rules, unsigned int *gpus,
			    struct mig_error **err)
{
	struct change change = {.apply = clear_everything};

	if (make_change(path, &change, err))
		return -1;
	*rules = change.rules;
	*gpus = change.gpus;
	return 0;
}
