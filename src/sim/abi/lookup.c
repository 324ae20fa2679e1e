/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From handles to GPUs, MIG devices and instances as they are in the shared state now.
 */
#include "sim/abi/lookup.h"

#include <errno.h>
#include <string.h>

#include "shared/number.h"
#include "sim/abi/branch.h"
#include "sim/abi/failure.h"
#include "sim/abi/visible.h"
#include "sim/tree/tree.h"

nvmlReturn_t mig_abi_gpu_at(struct mig_sim_store *store, unsigned int gpu_index,
			    struct mig_abi_gpu *out)
{
	const struct mig_sim_node_desc *node = store->node;
	const struct mig_sim_gpu_desc *desc = &node->gpus[gpu_index];

	if (desc->model >= node->model_count)
		return NVML_ERROR_UNKNOWN;
	out->store = store;
	out->gpu_index = gpu_index;
	out->facts.node = node;
	out->facts.desc = desc;
	out->facts.model = &store->models[desc->model];
	return NVML_SUCCESS;
}

/* The GPU of a decoded handle, whatever its kind. */
static nvmlReturn_t gpu_of_ref(struct mig_handle_ref ref, struct mig_abi_gpu *out)
{
	struct mig_sim_store *store = mig_abi_store();

	if (!store)
		return NVML_ERROR_UNINITIALIZED;
	if (ref.kind == MIG_HANDLE_NONE || ref.gpu_index >= store->node->gpu_count)
		return NVML_ERROR_INVALID_ARGUMENT;
	if (mig_sim_store_is_gpu_lost(store, ref.gpu_index))
		return NVML_ERROR_GPU_IS_LOST;
	return mig_abi_gpu_at(store, ref.gpu_index, out);
}

nvmlReturn_t mig_abi_find_gpu(nvmlDevice_t device, struct mig_abi_gpu *out)
{
	struct mig_handle_ref ref = mig_handle_decode(device);

	if (ref.kind != MIG_HANDLE_GPU)
		ref.kind = MIG_HANDLE_NONE;
	return gpu_of_ref(ref, out);
}

nvmlReturn_t mig_abi_find_gi_row(const struct mig_abi_gpu *gpu, unsigned int profile_id,
				 unsigned int *row)
{
	int found = mig_sim_gi_row_by_id(gpu->facts.model, profile_id);

	if (found < 0 ||
	    gpu->facts.model->gi[found].profile_index >= mig_abi_rules()->gi_profile_count)
		return NVML_ERROR_INVALID_ARGUMENT;
	*row = (unsigned int)found;
	return NVML_SUCCESS;
}

const struct mig_table_gi_profile *mig_abi_gi_profile(const struct mig_abi_gpu *gpu,
						      const struct mig_sim_gi *gi)
{
	const struct mig_gpu_table *model = gpu->facts.model;

	if (gi->profile >= model->gi_profile_count || gi->profile >= MIG_TABLE_GI_PROFILES_MAX)
		return NULL;
	return &model->gi[gi->profile];
}

const struct mig_table_ci_profile *mig_abi_ci_profile(const struct mig_table_gi_profile *gi_profile,
						      const struct mig_sim_ci *ci)
{
	if (ci->profile >= gi_profile->ci_profile_count || ci->profile >= MIG_TABLE_CI_PROFILES_MAX)
		return NULL;
	return &gi_profile->ci[ci->profile];
}

/* Fills in what an instance is, from out->gpu and out->state. `with_ci`: the compute instance too. */
static nvmlReturn_t resolve_instance(struct mig_handle_ref ref, bool with_ci,
				     struct mig_abi_instance *out)
{
	const struct mig_sim_gi *gi = &out->state.gi[ref.gi_id];
	const struct mig_sim_ci *ci = &gi->ci[ref.ci_id];

	if (!out->state.mig_current || !gi->in_use || (with_ci && !ci->in_use))
		return NVML_ERROR_INVALID_ARGUMENT;
	out->gi_id = ref.gi_id;
	out->ci_id = ref.ci_id;
	out->gi_profile = mig_abi_gi_profile(&out->gpu, gi);
	if (!out->gi_profile)
		return NVML_ERROR_UNKNOWN;
	out->ci_profile = with_ci ? mig_abi_ci_profile(out->gi_profile, ci) : NULL;
	if (with_ci && !out->ci_profile)
		return NVML_ERROR_UNKNOWN;
	return NVML_SUCCESS;
}

static nvmlReturn_t find_instance(const void *handle, enum mig_handle_kind kind,
				  struct mig_abi_instance *out)
{
	struct mig_handle_ref ref = mig_handle_decode(handle);
	nvmlReturn_t code;

	if (ref.kind != kind)
		ref.kind = MIG_HANDLE_NONE;
	code = gpu_of_ref(ref, &out->gpu);
	if (code != NVML_SUCCESS)
		return code;
	mig_sim_store_read_gpu(out->gpu.store, ref.gpu_index, &out->state);
	code = resolve_instance(ref, kind != MIG_HANDLE_GI, out);
	if (code == NVML_SUCCESS && kind == MIG_HANDLE_MIG_DEVICE &&
	    !mig_abi_is_visible(&out->gpu, out->gi_id, out->ci_id))
		return NVML_ERROR_INVALID_ARGUMENT;
	return code;
}

nvmlReturn_t mig_abi_find_gi(nvmlGpuInstance_t handle, struct mig_abi_instance *out)
{
	return find_instance(handle, MIG_HANDLE_GI, out);
}

nvmlReturn_t mig_abi_find_ci(nvmlComputeInstance_t handle, struct mig_abi_instance *out)
{
	return find_instance(handle, MIG_HANDLE_CI, out);
}

nvmlReturn_t mig_abi_find_device(nvmlDevice_t device, struct mig_abi_device *out)
{
	struct mig_handle_ref ref = mig_handle_decode(device);
	struct mig_abi_instance instance;
	nvmlReturn_t code;

	if (ref.kind != MIG_HANDLE_MIG_DEVICE) {
		code = mig_abi_find_gpu(device, &out->gpu);
		if (code != NVML_SUCCESS)
			return code;
		out->is_mig = false;
		mig_sim_store_read_gpu(out->gpu.store, ref.gpu_index, &out->state);
		return NVML_SUCCESS;
	}
	code = find_instance(device, MIG_HANDLE_MIG_DEVICE, &instance);
	if (code != NVML_SUCCESS)
		return code;
	out->gpu = instance.gpu;
	out->is_mig = true;
	out->gi_id = instance.gi_id;
	out->ci_id = instance.ci_id;
	out->gi_profile = instance.gi_profile;
	out->ci_profile = instance.ci_profile;
	out->state = instance.state;
	return NVML_SUCCESS;
}

nvmlReturn_t mig_abi_find_parent(nvmlDevice_t device, struct mig_abi_gpu *out)
{
	struct mig_abi_instance instance;
	nvmlReturn_t code;

	if (mig_handle_decode(device).kind != MIG_HANDLE_MIG_DEVICE)
		return mig_abi_find_gpu(device, out);
	code = find_instance(device, MIG_HANDLE_MIG_DEVICE, &instance);
	if (code == NVML_SUCCESS)
		*out = instance.gpu;
	return code;
}

bool mig_abi_is_mig_on(const struct mig_abi_gpu *gpu)
{
	const struct mig_sim_state *view;
	uint64_t begun;
	bool on;

	do {
		begun = mig_sim_read_begin(gpu->store, &view);
		on = mig_sim_load_u8(&view->gpus[gpu->gpu_index].mig_current) != 0;
	} while (mig_sim_read_retry(gpu->store, begun));
	return on;
}

nvmlReturn_t mig_abi_put_text(char *to, unsigned int length, const char *text)
{
	size_t size = strlen(text) + 1;

	if (!to)
		return NVML_ERROR_INVALID_ARGUMENT;
	if (size > length)
		return NVML_ERROR_INSUFFICIENT_SIZE;
	memcpy(to, text, size);
	return NVML_SUCCESS;
}

void mig_abi_fill_text(char *to, size_t size, const char *text)
{
	size_t length = strnlen(text, size - 1);

	memcpy(to, text, length);
	memset(to + length, 0, size - length);
}

struct change {
	const struct mig_abi_gpu *gpu;
	mig_abi_change_fn apply;
	void *cookie;
	nvmlReturn_t code;
	bool is_tree_old; /* instances came or went: their files have to follow */
};

static bool run_change(void *cookie, const struct mig_sim_store *store, struct mig_sim_state *state)
{
	struct change *change = cookie;
	struct mig_sim_gpu_state *now = &state->gpus[change->gpu->gpu_index];
	struct mig_sim_gpu_state before = *now;

	(void)store;
	change->code = now->is_lost ? NVML_ERROR_GPU_IS_LOST
				    : change->apply(change->cookie, change->gpu, now, state);
	if (change->code != NVML_SUCCESS || memcmp(&before, now, sizeof(before)) == 0)
		return false;
	mig_sim_event_mig_config(state, change->gpu->gpu_index, &before);
	change->is_tree_old = memcmp(before.gi, now->gi, sizeof(before.gi)) != 0;
	return true;
}

nvmlReturn_t mig_abi_update(struct mig_sim_store *store, mig_sim_change_fn change, void *cookie,
			    const nvmlReturn_t *unchanged)
{
	int saved_errno = errno;
	enum mig_sim_status status = mig_sim_store_update(store, change, cookie);
	nvmlReturn_t code = NVML_SUCCESS;

	if (status == MIG_SIM_UNCHANGED) {
		code = *unchanged;
	} else if (status != MIG_SIM_OK) {
		mig_abi_failure_set(store->detail);
		code = mig_abi_status_code(status);
	}
	errno = saved_errno;
	return code;
}

nvmlReturn_t mig_abi_change(const struct mig_abi_gpu *gpu, mig_abi_change_fn apply, void *cookie)
{
	struct change change = {.gpu = gpu, .apply = apply, .cookie = cookie};
	nvmlReturn_t code = mig_abi_update(gpu->store, run_change, &change, &change.code);

	if (code == NVML_SUCCESS && change.is_tree_old)
		mig_sim_tree_refresh(gpu->store, gpu->gpu_index);
	return code;
}

/* One hexadecimal part of an address, from *text up to `end` (exclusive). */
static bool parse_part(const char *text, const char *end, uint64_t max, unsigned int *out)
{
	char part[16];
	size_t length = (size_t)(end - text);
	uint64_t value;

	if (length == 0 || length >= sizeof(part))
		return false;
	memcpy(part, text, length);
	part[length] = '\0';
	if (mig_parse_hex_u64(part, max, &value) < 0)
		return false;
	*out = (unsigned int)value;
	return true;
}

static bool parse_address(const char *text, struct mig_abi_pci_address *out)
{
	const char *end = text + strlen(text);
	const char *dot = strchr(text, '.');
	const char *last = strrchr(text, ':');
	const char *first = strchr(text, ':');

	if (!last || (dot && dot < last))
		return false;
	out->domain = 0;
	out->function = 0;
	if (dot && !parse_part(dot + 1, end, 7, &out->function))
		return false;
	if (!parse_part(last + 1, dot ? dot : end, 0x1f, &out->device))
		return false;
	if (first == last)
		return parse_part(text, last, 0xff, &out->bus);
	return parse_part(text, first, UINT32_MAX, &out->domain) &&
	       parse_part(first + 1, last, 0xff, &out->bus);
}

bool mig_abi_parse_pci_address(const char *text, struct mig_abi_pci_address *out)
{
	int saved_errno = errno;
	bool parsed = strnlen(text, MIG_SIM_BUS_ID_SIZE) < MIG_SIM_BUS_ID_SIZE &&
		      parse_address(text, out);

	errno = saved_errno;
	return parsed;
}
