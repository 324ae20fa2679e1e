/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Executing one operation; see operation.h.
 *
 * Operations name what they work on by GPU UUID and placement. The live handles are looked up at
 * the moment of each operation, so that an id that the driver gives differently than before cannot
 * hit the wrong instance, and anything that changed since the snapshot is noticed.
 */
#include "core/operation.h"

#include <string.h>

#include "core/holders.h"
#include "shared/text.h"

/* Between tries of a change that the driver refuses as in use: doubled each time. */
#define RETRY_FIRST_MS 50

const char *mig_op_outcome_word(enum mig_op_outcome outcome)
{
	static const char *const words[MIG_OP_OUTCOME_COUNT] = {
		[MIG_OP_NOT_STARTED] = "not done",
		[MIG_OP_DONE] = "done",
		[MIG_OP_PENDING] = "pending",
		[MIG_OP_FAILED] = "failed",
	};

	return words[outcome];
}

struct execution {
	const struct mig_context *ctx;
	const struct mig_plan *plan;
	const struct mig_op *op;
	const struct mig_gpu *gpu;
	struct mig_op_result *result;
	bool has_changed; /* the driver has accepted the change, whatever fails afterwards */
};

/* Who uses the GPU itself is in the way of new instances, too. */
static void hint_users(const struct execution *x, struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf who = MIG_BUF_INIT(4096);

	if (x->op->kind == MIG_OP_GI_CREATE)
		mig_holders_of_gpu(x->ctx, x->gpu, &who);
	if (who.len > 0)
		mig_error_hint(err,
			       "GPU %u is in use by %s: end that, then run the same command "
			       "again",
			       x->gpu->index, mig_buf_text(&who));
	else
		mig_error_hint(err, "somebody uses it: end that, then run the same command again");
}

/* Sets the error of a failed call and records the code. */
static int failed(struct execution *x, nvmlReturn_t code, struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf what = MIG_BUF_INIT(1024);
	int rc;

	mig_op_describe(x->op, &what);
	x->result->nvml_code = code;
	rc = mig_driver_error(err, x->ctx->driver, code, "%s", mig_buf_text(&what));
	if (err != NULL && code == NVML_ERROR_IN_USE && x->op->kind != MIG_OP_MODE_SET)
		hint_users(x, err);
	if (err != NULL && code == NVML_ERROR_NO_PERMISSION)
		mig_error_hint(err, "run it as root");
	return rc;
}

static int not_there(struct execution *x, const char *what, unsigned int start, unsigned int size,
		     struct mig_error **err)
{
	mig_error_set(
		err, MIG_ERROR_FAILED,
		"GPU %u: %s at %u:%u is not there any more: somebody else has changed this GPU",
		x->gpu->index, what, start, size);
	return mig_error_hint(err, "run the same command again: it plans afresh");
}

/* ---- finding what an operation means ---------------------------------------------------------- */

static int find_gi(struct execution *x, nvmlGpuInstance_t *handle, struct mig_error **err)
{
	const struct mig_driver *driver = x->ctx->driver;
	nvmlGpuInstance_t list[MIG_GPU_INSTANCES_MAX] = {NULL};
	unsigned int count = 0;
	nvmlReturn_t code;

	code = driver->nvmlDeviceGetGpuInstances(driver, x->gpu->handle, x->op->gi_profile_id, list,
						 &count);
	if (code != NVML_SUCCESS)
		return failed(x, code, err);
	for (unsigned int i = 0; i < count && i < MIG_GPU_INSTANCES_MAX; i++) {
		nvmlGpuInstanceInfo_t info = {0};

		code = driver->nvmlGpuInstanceGetInfo(driver, list[i], &info);
		if (code != NVML_SUCCESS)
			return failed(x, code, err);
		if (info.placement.start == x->op->gi_start &&
		    info.placement.size == x->op->gi_size) {
			*handle = list[i];
			return 0;
		}
	}
	return not_there(x, "the GPU instance", x->op->gi_start, x->op->gi_size, err);
}

static int find_ci(struct execution *x, nvmlGpuInstance_t gi, nvmlComputeInstance_t *handle,
		   struct mig_error **err)
{
	const struct mig_driver *driver = x->ctx->driver;
	nvmlComputeInstance_t list[MIG_COMPUTE_INSTANCES_MAX] = {NULL};
	unsigned int count = 0;
	nvmlReturn_t code;

	code = driver->nvmlGpuInstanceGetComputeInstances(driver, gi, x->op->ci_profile_id, list,
							  &count);
	if (code != NVML_SUCCESS)
		return failed(x, code, err);
	for (unsigned int i = 0; i < count && i < MIG_COMPUTE_INSTANCES_MAX; i++) {
		nvmlComputeInstanceInfo_t info = {0};

		code = driver->nvmlComputeInstanceGetInfo_v2(driver, list[i], &info);
		if (code != NVML_SUCCESS)
			return failed(x, code, err);
		if (info.placement.start == x->op->ci_start) {
			*handle = list[i];
			return 0;
		}
	}
	return not_there(x, "the compute instance", x->op->ci_start, x->op->ci_size, err);
}

/* Whether the change that gave `code` is to be tried again: drivers report "in use" for a moment
 * after a process has ended. Waits before it says so. */
static bool is_to_be_tried_again(const struct execution *x, nvmlReturn_t code, unsigned int *tries)
{
	if (code != NVML_ERROR_IN_USE || *tries >= x->ctx->in_use_retries ||
	    mig_context_is_interrupted(x->ctx))
		return false;
	mig_context_sleep_ms(x->ctx, (uint64_t)RETRY_FIRST_MS << *tries);
	(*tries)++;
	return true;
}

/* ---- the operations --------------------------------------------------------------------------- */

/* The first creation on the operation's GPU that NVML, asked now, does not allow; NULL: none. */
static const struct mig_op *contradiction(const struct execution *x, const struct mig_facts *now)
{
	for (unsigned int i = 0; i < x->plan->op_count; i++) {
		const struct mig_op *op = &x->plan->ops[i];
		int row;

		if (op->kind != MIG_OP_GI_CREATE || strcmp(op->gpu_uuid, x->op->gpu_uuid) != 0)
			continue;
		row = mig_facts_gi_by_id(x->gpu->facts, op->gi_profile_id);
		if (row < 0 || !mig_facts_has_profile(now, &x->gpu->facts->gi[row], op->gi_start))
			return op;
	}
	return NULL;
}

/* Turns the mode back after `*err` was set; says so in it. Nothing of this GPU is changed then. */
static int turn_mode_back(struct execution *x, struct mig_error **err)
{
	unsigned int mode = x->op->mode_before ? NVML_DEVICE_MIG_ENABLE : NVML_DEVICE_MIG_DISABLE;
	nvmlReturn_t activation = NVML_SUCCESS;
	nvmlReturn_t code;

	code = x->ctx->driver->nvmlDeviceSetMigMode(x->ctx->driver, x->gpu->handle, mode,
						    &activation);
	if (code == NVML_SUCCESS && activation == NVML_SUCCESS) {
		x->has_changed = false;
		if (err != NULL)
			mig_error_set_changed(*err, MIG_CHANGED_ROLLED_BACK);
		return mig_error_hint(err, "MIG mode was turned back; turn it on first, then run "
					   "the same command again: it plans with what the driver "
					   "says then");
	}
	return mig_error_hint(err,
			      "MIG mode could not be turned back (%s) and is on; run the same "
			      "command again: it plans with what the driver says now",
			      mig_nvml_code_name(code != NVML_SUCCESS ? code : activation));
}

/* A plan made from the tables (470, 535 with MIG off) is held against NVML, now that it answers
 * and before anything is created. */
static int verify_plan(struct execution *x, struct mig_error **err)
{
	_cleanup_free_ struct mig_facts *now = calloc(1, sizeof(*now));
	const struct mig_op *op;

	if (now == NULL) {
		mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
		return turn_mode_back(x, err);
	}
	if (mig_facts_read(x->ctx->driver, x->gpu->handle, NULL, 0, now, err) < 0) {
		mig_error_wrap(err, "GPU %u", x->gpu->index);
		return turn_mode_back(x, err);
	}
	op = contradiction(x, now);
	if (op == NULL)
		return 0;
	mig_error_set(err, MIG_ERROR_FAILED,
		      "GPU %u: the driver, with MIG mode on, has no '%s' at %u:%u as the tables of "
		      "migctl say for a '%s'",
		      x->gpu->index, op->gi_profile_name, op->gi_start, op->gi_size, x->gpu->name);
	return turn_mode_back(x, err);
}

static int do_mode_set(struct execution *x, struct mig_error **err)
{
	const struct mig_driver *driver = x->ctx->driver;
	unsigned int mode = x->op->mode_after ? NVML_DEVICE_MIG_ENABLE : NVML_DEVICE_MIG_DISABLE;
	unsigned int current = 0, pending = 0, tries = 0;
	nvmlReturn_t activation = NVML_SUCCESS;
	nvmlReturn_t code;

	do
		code = driver->nvmlDeviceSetMigMode(driver, x->gpu->handle, mode, &activation);
	while (is_to_be_tried_again(x, code, &tries));
	if (code != NVML_SUCCESS)
		return failed(x, code, err);
	x->has_changed = true;
	/* The activation status says why, the mode itself says whether. */
	code = driver->nvmlDeviceGetMigMode(driver, x->gpu->handle, &current, &pending);
	if (code != NVML_SUCCESS) {
		x->result->nvml_code = code;
		return mig_driver_error(err, driver, code,
					"GPU %u: MIG mode was set to %s and cannot be read back",
					x->gpu->index, x->op->mode_after ? "on" : "off");
	}
	if (current != mode && x->op->stays_pending)
		return 0;
	if (current != mode) {
		x->result->nvml_code = activation;
		x->result->outcome = MIG_OP_PENDING;
		return 0;
	}
	if (x->op->mode_after && x->gpu->facts->source == MIG_FACTS_FROM_TABLE)
		return verify_plan(x, err);
	return 0;
}

static int do_gi_create(struct execution *x, struct mig_error **err)
{
	const struct mig_driver *driver = x->ctx->driver;
	nvmlGpuInstancePlacement_t placement = {.start = x->op->gi_start, .size = x->op->gi_size};
	nvmlGpuInstance_t handle;
	unsigned int tries = 0;
	nvmlReturn_t code;

	do
		code = driver->nvmlDeviceCreateGpuInstanceWithPlacement(
			driver, x->gpu->handle, x->op->gi_profile_id, &placement, &handle);
	while (is_to_be_tried_again(x, code, &tries));
	return code == NVML_SUCCESS ? 0 : failed(x, code, err);
}

static int do_gi_destroy(struct execution *x, struct mig_error **err)
{
	nvmlGpuInstance_t handle = NULL;
	unsigned int tries = 0;
	nvmlReturn_t code;

	if (find_gi(x, &handle, err) < 0)
		return -1;
	do
		code = x->ctx->driver->nvmlGpuInstanceDestroy(x->ctx->driver, handle);
	while (is_to_be_tried_again(x, code, &tries));
	return code == NVML_SUCCESS ? 0 : failed(x, code, err);
}

static int do_ci_destroy(struct execution *x, struct mig_error **err)
{
	nvmlGpuInstance_t gi = NULL;
	nvmlComputeInstance_t ci = NULL;
	unsigned int tries = 0;
	nvmlReturn_t code;

	if (find_gi(x, &gi, err) < 0 || find_ci(x, gi, &ci, err) < 0)
		return -1;
	do
		code = x->ctx->driver->nvmlComputeInstanceDestroy(x->ctx->driver, ci);
	while (is_to_be_tried_again(x, code, &tries));
	return code == NVML_SUCCESS ? 0 : failed(x, code, err);
}

/* Facts that did not come from NVML are checked now that the GPU instance lives. */
static int verify_ci(struct execution *x, nvmlGpuInstance_t gi, struct mig_ci_profile *ci,
		     struct mig_error **err)
{
	int row = mig_facts_gi_by_id(x->gpu->facts, x->op->gi_profile_id);
	_cleanup_free_ struct mig_gi_profile *profile = calloc(1, sizeof(*profile));

	if (profile == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	if (row >= 0)
		*profile = x->gpu->facts->gi[row];
	if (mig_facts_read_ci(x->ctx->driver, gi, profile, err) < 0)
		return mig_error_wrap(err, "GPU %u", x->gpu->index);
	for (unsigned int i = 0; i < profile->ci_count; i++) {
		if (profile->ci[i].index != x->op->ci_profile_index)
			continue;
		for (unsigned int s = 0; s < profile->ci[i].start_count; s++) {
			if (profile->ci[i].starts[s] == x->op->ci_start) {
				*ci = profile->ci[i];
				return 0;
			}
		}
	}
	return mig_error_set(
		err, MIG_ERROR_FAILED,
		"GPU %u: the driver has no compute instance profile '%s' at %u in a '%s'",
		x->gpu->index, x->op->ci_profile_name, x->op->ci_start, x->op->gi_profile_name);
}

/* Reads the UUID of the new MIG device; that it cannot be read is not a failure of the change. */
static void read_new_uuid(struct execution *x, nvmlComputeInstance_t ci)
{
	const struct mig_driver *driver = x->ctx->driver;
	nvmlComputeInstanceInfo_t ci_info = {0};
	nvmlGpuInstanceInfo_t gi_info = {0};
	unsigned int max = 0;

	if (driver->nvmlComputeInstanceGetInfo_v2(driver, ci, &ci_info) != NVML_SUCCESS ||
	    driver->nvmlGpuInstanceGetInfo(driver, ci_info.gpuInstance, &gi_info) != NVML_SUCCESS ||
	    driver->nvmlDeviceGetMaxMigDeviceCount(driver, x->gpu->handle, &max) != NVML_SUCCESS)
		return;
	max = MIG_MIN(max, (unsigned int)(MIG_GPU_INSTANCES_MAX * MIG_COMPUTE_INSTANCES_MAX));
	for (unsigned int i = 0; i < max; i++) {
		unsigned int gi_id = 0, ci_id = 0;
		nvmlDevice_t device;

		if (driver->nvmlDeviceGetMigDeviceHandleByIndex(driver, x->gpu->handle, i,
								&device) != NVML_SUCCESS ||
		    driver->nvmlDeviceGetGpuInstanceId(driver, device, &gi_id) != NVML_SUCCESS ||
		    driver->nvmlDeviceGetComputeInstanceId(driver, device, &ci_id) !=
			    NVML_SUCCESS ||
		    gi_id != gi_info.id || ci_id != ci_info.id)
			continue;
		if (driver->nvmlDeviceGetUUID(driver, device, x->result->uuid,
					      sizeof(x->result->uuid)) != NVML_SUCCESS)
			x->result->uuid[0] = '\0';
		return;
	}
}

static nvmlReturn_t create_ci(const struct execution *x, nvmlGpuInstance_t gi,
			      const struct mig_ci_profile *ci, nvmlComputeInstance_t *handle)
{
	const struct mig_driver *driver = x->ctx->driver;
	nvmlComputeInstancePlacement_t placement = {.start = x->op->ci_start, .size = ci->size};

	if (mig_driver_has(driver, MIG_NVML_SYM_nvmlGpuInstanceCreateComputeInstanceWithPlacement))
		return driver->nvmlGpuInstanceCreateComputeInstanceWithPlacement(
			driver, gi, ci->id, &placement, handle);
	return driver->nvmlGpuInstanceCreateComputeInstance(driver, gi, ci->id, handle);
}

static int do_ci_create(struct execution *x, struct mig_error **err)
{
	struct mig_ci_profile ci = {.id = x->op->ci_profile_id, .size = x->op->ci_size};
	nvmlGpuInstance_t gi = NULL;
	nvmlComputeInstance_t handle = NULL;
	unsigned int tries = 0;
	nvmlReturn_t code;

	if (find_gi(x, &gi, err) < 0)
		return -1;
	if (!x->op->ci_is_verified && verify_ci(x, gi, &ci, err) < 0)
		return -1;
	do
		code = create_ci(x, gi, &ci, &handle);
	while (is_to_be_tried_again(x, code, &tries));
	if (code != NVML_SUCCESS)
		return failed(x, code, err);
	read_new_uuid(x, handle);
	if (x->op->expected_uuid[0] != '\0' && x->result->uuid[0] != '\0' &&
	    strcmp(x->op->expected_uuid, x->result->uuid) != 0)
		mig_log(x->ctx->log, MIG_LOG_WARNING,
			"GPU %u: %s at %u:%u was '%s' before and is '%s' now", x->gpu->index,
			x->op->ci_profile_name, x->op->gi_start, x->op->gi_size,
			x->op->expected_uuid, x->result->uuid);
	return 0;
}

static int (*const do_op[MIG_OP_KIND_COUNT])(struct execution *x, struct mig_error **err) = {
	[MIG_OP_CI_DESTROY] = do_ci_destroy, [MIG_OP_GI_DESTROY] = do_gi_destroy,
	[MIG_OP_MODE_SET] = do_mode_set,     [MIG_OP_GI_CREATE] = do_gi_create,
	[MIG_OP_CI_CREATE] = do_ci_create,
};

int mig_operation_execute(const struct mig_context *ctx, const struct mig_gpu *gpu,
			  const struct mig_plan *plan, unsigned int op_number,
			  struct mig_op_result *result, bool *is_changed, struct mig_error **err)
{
	const struct mig_op *op = &plan->ops[op_number];
	struct execution x = {.ctx = ctx, .plan = plan, .op = op, .gpu = gpu, .result = result};
	int rc;

	result->outcome = MIG_OP_DONE;
	if (gpu == NULL)
		rc = mig_error_set(err, MIG_ERROR_FAILED, "GPU '%s' is not on this node",
				   op->gpu_uuid);
	else
		rc = do_op[op->kind](&x, err);
	if (rc < 0)
		result->outcome = MIG_OP_FAILED;
	if (rc < 0 && err != NULL)
		mig_error_set_subject(*err, "GPU %u", op->gpu_index);
	*is_changed = *is_changed || x.has_changed || result->outcome != MIG_OP_FAILED;
	return rc;
}

int mig_operation_verify_facts(const struct mig_context *ctx, const struct mig_gpu *gpu,
			       const struct mig_plan *plan, unsigned int op_number,
			       struct mig_op_result *result, struct mig_error **err)
{
	struct execution x = {.ctx = ctx,
			      .plan = plan,
			      .op = &plan->ops[op_number],
			      .gpu = gpu,
			      .result = result};

	return verify_plan(&x, err);
}
