/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes on a device: the lists in all their versions, and the names of processes.
 *
 * Who is listed is who holds the GPU or an instance (sim/engine/holders.h) and lives. A MIG device
 * lists the holders of its compute instance; that it leaves out those of the other compute
 * instances in the same GPU instance is inferred. No holder does any work, so none has samples of
 * utilization.
 *
 * Pids are those of the caller's pid namespace; a holder that has none there is not listed, though
 * its memory counts. Inferred for all branches from what NVIDIA's open kernel modules do; older
 * drivers were seen to give the host's pids in containers.
 */
#include "sim/abi/process.h"

#include <errno.h>
#include <string.h>

#include "nvml/symbols.h"
#include "sim/engine/holders.h"
#include "sim/process/holder.h"

/* ---- holders ---------------------------------------------------------------------------------- */

static struct mig_sim_place place_of(const struct mig_abi_device *d)
{
	return d->is_mig ? mig_sim_place_ci(d->gpu.gpu_index, d->gi_id, d->ci_id)
			 : mig_sim_place_gpu(d->gpu.gpu_index);
}

/*
 * A copy of the table of holders, newly allocated: it is too large for a small stack. *rows is NULL
 * if nobody holds anything. Keeps errno.
 */
static nvmlReturn_t read_holders(const struct mig_sim_store *store, struct mig_sim_holder **rows)
{
	int saved_errno = errno;

	*rows = NULL;
	if (mig_sim_store_read_holders(store, NULL) == 0)
		return NVML_SUCCESS;
	*rows = malloc(MIG_SIM_HOLDERS_MAX * sizeof(**rows));
	errno = saved_errno;
	if (!*rows)
		return NVML_ERROR_MEMORY;
	mig_sim_store_read_holders(store, *rows);
	return NVML_SUCCESS;
}

nvmlReturn_t mig_abi_held_memory(const struct mig_abi_device *device, uint64_t *bytes)
{
	_cleanup_free_ struct mig_sim_holder *rows = NULL;
	struct mig_sim_place place = place_of(device);
	nvmlReturn_t code = read_holders(device->gpu.store, &rows);

	*bytes = 0;
	place.ci = MIG_SIM_NO_INSTANCE;
	if (code == NVML_SUCCESS && rows)
		*bytes = mig_sim_held_memory(rows, place, mig_sim_holder_is_alive);
	return code;
}

unsigned int mig_abi_instance_id(uint8_t id)
{
	return id == MIG_SIM_NO_INSTANCE ? MIG_NVML_NO_INSTANCE_ID : id;
}

static bool is_of_list(const struct mig_sim_holder *holder, enum mig_abi_process_list list)
{
	return (list == MIG_ABI_PROCESSES_COMPUTE && holder->kind == MIG_SIM_HOLDER_COMPUTE) ||
	       (list == MIG_ABI_PROCESSES_GRAPHICS && holder->kind == MIG_SIM_HOLDER_GRAPHICS);
}

/* Moves the live holders of the place that belong in the list to the front, with the pids that the
 * caller knows them by. Returns how many. */
static unsigned int select_holders(struct mig_sim_holder *rows, struct mig_sim_place place,
				   enum mig_sim_reach reach, enum mig_abi_process_list list)
{
	unsigned int found = 0;

	for (unsigned int i = 0; i < MIG_SIM_HOLDERS_MAX; i++) {
		uint32_t pid = 0;

		if (mig_sim_holder_is_at(&rows[i], place, reach) && is_of_list(&rows[i], list))
			pid = mig_sim_holder_pid(&rows[i]);
		if (pid == 0)
			continue;
		rows[found] = rows[i];
		rows[found++].pid = pid;
	}
	return found;
}

nvmlReturn_t mig_abi_list_processes(nvmlDevice_t device, enum mig_abi_process_list list,
				    unsigned int *count, void *entries, mig_abi_put_process_fn put)
{
	_cleanup_free_ struct mig_sim_holder *rows = NULL;
	struct mig_abi_device d;
	unsigned int room, found;
	nvmlReturn_t code = mig_abi_find_device(device, &d);

	if (code != NVML_SUCCESS)
		return code;
	if (!count || (*count > 0 && !entries))
		return NVML_ERROR_INVALID_ARGUMENT;
	/* With MIG on the list of the whole GPU shows other people's instances. */
	if (!d.is_mig && d.state.mig_current && !mig_abi_is_admin(d.gpu.store))
		return NVML_ERROR_NO_PERMISSION;
	code = read_holders(d.gpu.store, &rows);
	if (code != NVML_SUCCESS)
		return code;
	room = *count;
	found = rows ? select_holders(rows, place_of(&d),
				      d.is_mig ? MIG_SIM_REACH_EXACT : MIG_SIM_REACH_WITHIN, list)
		     : 0;
	*count = found;
	if (found > room)
		return NVML_ERROR_INSUFFICIENT_SIZE;
	for (unsigned int i = 0; i < found; i++)
		put(entries, i, &rows[i]);
	return NVML_SUCCESS;
}

/* ---- the lists -------------------------------------------------------------------------------- */

static void put_v1(void *entries, unsigned int index, const struct mig_sim_holder *holder)
{
	((nvmlProcessInfo_v1_t *)entries)[index] = (nvmlProcessInfo_v1_t){
		.pid = holder->pid,
		.usedGpuMemory = holder->memory,
	};
}

/* The structure of the second and third version of the functions. */
static void put_v2(void *entries, unsigned int index, const struct mig_sim_holder *holder)
{
	((nvmlProcessInfo_v2_t *)entries)[index] = (nvmlProcessInfo_v2_t){
		.pid = holder->pid,
		.usedGpuMemory = holder->memory,
		.gpuInstanceId = mig_abi_instance_id(holder->gi),
		.computeInstanceId = mig_abi_instance_id(holder->ci),
	};
}

static void put_detail(void *entries, unsigned int index, const struct mig_sim_holder *holder)
{
	((nvmlProcessDetail_v1_t *)entries)[index] = (nvmlProcessDetail_v1_t){
		.pid = holder->pid,
		.usedGpuMemory = holder->memory,
		.gpuInstanceId = mig_abi_instance_id(holder->gi),
		.computeInstanceId = mig_abi_instance_id(holder->ci),
	};
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetComputeRunningProcesses(nvmlDevice_t device,
							     unsigned int *infoCount,
							     nvmlProcessInfo_v1_t *infos)
{
	return mig_abi_list_processes(device, MIG_ABI_PROCESSES_COMPUTE, infoCount, infos, put_v1);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetComputeRunningProcesses_v2(nvmlDevice_t device,
								unsigned int *infoCount,
								nvmlProcessInfo_v2_t *infos)
{
	return mig_abi_list_processes(device, MIG_ABI_PROCESSES_COMPUTE, infoCount, infos, put_v2);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetComputeRunningProcesses_v3(nvmlDevice_t device,
								unsigned int *infoCount,
								nvmlProcessInfo_t *infos)
{
	return mig_abi_list_processes(device, MIG_ABI_PROCESSES_COMPUTE, infoCount, infos, put_v2);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetGraphicsRunningProcesses(nvmlDevice_t device,
							      unsigned int *infoCount,
							      nvmlProcessInfo_v1_t *infos)
{
	return mig_abi_list_processes(device, MIG_ABI_PROCESSES_GRAPHICS, infoCount, infos, put_v1);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetGraphicsRunningProcesses_v2(nvmlDevice_t device,
								 unsigned int *infoCount,
								 nvmlProcessInfo_v2_t *infos)
{
	return mig_abi_list_processes(device, MIG_ABI_PROCESSES_GRAPHICS, infoCount, infos, put_v2);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetGraphicsRunningProcesses_v3(nvmlDevice_t device,
								 unsigned int *infoCount,
								 nvmlProcessInfo_t *infos)
{
	return mig_abi_list_processes(device, MIG_ABI_PROCESSES_GRAPHICS, infoCount, infos, put_v2);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetMPSComputeRunningProcesses(nvmlDevice_t device,
								unsigned int *infoCount,
								nvmlProcessInfo_v1_t *infos)
{
	return mig_abi_list_processes(device, MIG_ABI_PROCESSES_MPS, infoCount, infos, put_v1);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetMPSComputeRunningProcesses_v2(nvmlDevice_t device,
								   unsigned int *infoCount,
								   nvmlProcessInfo_v2_t *infos)
{
	return mig_abi_list_processes(device, MIG_ABI_PROCESSES_MPS, infoCount, infos, put_v2);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetMPSComputeRunningProcesses_v3(nvmlDevice_t device,
								   unsigned int *infoCount,
								   nvmlProcessInfo_t *infos)
{
	return mig_abi_list_processes(device, MIG_ABI_PROCESSES_MPS, infoCount, infos, put_v2);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetRunningProcessDetailList(nvmlDevice_t device,
							      nvmlProcessDetailList_t *plist)
{
	static const enum mig_abi_process_list lists[] = {
		[NVML_PROCESS_MODE_COMPUTE] = MIG_ABI_PROCESSES_COMPUTE,
		[NVML_PROCESS_MODE_GRAPHICS] = MIG_ABI_PROCESSES_GRAPHICS,
		[NVML_PROCESS_MODE_MPS] = MIG_ABI_PROCESSES_MPS,
	};
	struct mig_abi_device d;
	nvmlReturn_t code = mig_abi_find_device(device, &d);

	if (code != NVML_SUCCESS)
		return code;
	if (!plist)
		return NVML_ERROR_INVALID_ARGUMENT;
	if (plist->version != MIG_NVML_STRUCT_VERSION(nvmlProcessDetailList_v1_t, 1))
		return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
	if (plist->mode >= MIG_ARRAY_SIZE(lists))
		return NVML_ERROR_INVALID_ARGUMENT;
	/* Without an array only the number is wanted. */
	if (!plist->procArray)
		plist->numProcArrayEntries = 0;
	return mig_abi_list_processes(device, lists[plist->mode], &plist->numProcArrayEntries,
				      plist->procArray, put_detail);
}

/* ---- utilization and names -------------------------------------------------------------------- */

/* Not with MIG on; else nobody does any work, so there is never a sample. */
MIG_EXPORT nvmlReturn_t nvmlDeviceGetProcessUtilization(nvmlDevice_t device,
							nvmlProcessUtilizationSample_t *utilization,
							unsigned int *processSamplesCount,
							unsigned long long lastSeenTimeStamp)
{
	struct mig_abi_device d;
	nvmlReturn_t code = mig_abi_find_device(device, &d);

	(void)lastSeenTimeStamp;
	if (code != NVML_SUCCESS)
		return code;
	if (!processSamplesCount || (*processSamplesCount > 0 && !utilization))
		return NVML_ERROR_INVALID_ARGUMENT;
	if (d.is_mig || d.state.mig_current)
		return NVML_ERROR_NOT_SUPPORTED;
	*processSamplesCount = 0;
	return NVML_ERROR_NOT_FOUND;
}

/* The program of any process of the machine, not of holders alone; cut to the caller's array. */
MIG_EXPORT nvmlReturn_t nvmlSystemGetProcessName(unsigned int pid, char *name, unsigned int length)
{
	if (!mig_abi_store())
		return NVML_ERROR_UNINITIALIZED;
	if (!name || length == 0)
		return NVML_ERROR_INVALID_ARGUMENT;
	return mig_sim_process_name(pid, name, length) ? NVML_SUCCESS : NVML_ERROR_NOT_FOUND;
}
