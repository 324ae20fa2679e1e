/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where GPUs are: to each other, and to the processors and memory of the machine.
 *
 * All that is known of a simulated GPU's place is its NUMA node. GPUs of one node (or of none) meet
 * at the node, all others at the link between sockets. The processors are this machine's: they are
 * dealt out in equal parts to the NUMA nodes that the description names, whatever nodes this machine
 * has, and to a GPU without a NUMA node all of them.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "nvml/symbols.h"
#include "sim/abi/monitor.h"

enum {
	WORD_BITS = 8 * sizeof(unsigned long),
};

/* ---- GPUs to each other ----------------------------------------------------------------------- */

static nvmlGpuTopologyLevel_t common_ancestor(const struct mig_sim_node_desc *node, unsigned int a,
					      unsigned int b)
{
	if (a == b)
		return NVML_TOPOLOGY_INTERNAL;
	return node->gpus[a].numa_node == node->gpus[b].numa_node ? NVML_TOPOLOGY_NODE
								  : NVML_TOPOLOGY_SYSTEM;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetTopologyCommonAncestor(nvmlDevice_t device1,
							    nvmlDevice_t device2,
							    nvmlGpuTopologyLevel_t *pathInfo)
{
	struct mig_monitor first, second;
	nvmlReturn_t code = mig_monitor_find(device1, pathInfo, &first);

	if (code == NVML_SUCCESS)
		code = mig_monitor_find(device2, pathInfo, &second);
	if (code == NVML_SUCCESS)
		*pathInfo = common_ancestor(first.gpu.facts.node, first.gpu.gpu_index,
					    second.gpu.gpu_index);
	return code;
}

/* `*count` is the room in the array, or 0 to ask how many there are. */
MIG_EXPORT nvmlReturn_t nvmlDeviceGetTopologyNearestGpus(nvmlDevice_t device,
							 nvmlGpuTopologyLevel_t level,
							 unsigned int *count,
							 nvmlDevice_t *deviceArray)
{
	struct mig_monitor monitor;
	nvmlReturn_t code = mig_monitor_find(device, count, &monitor);
	const struct mig_sim_node_desc *node;
	unsigned int room, found = 0;

	if (code != NVML_SUCCESS)
		return code;
	if (*count > 0 && !deviceArray)
		return NVML_ERROR_INVALID_ARGUMENT;
	node = monitor.gpu.facts.node;
	room = *count;
	for (unsigned int i = 0; i < node->gpu_count; i++) {
		if (i == monitor.gpu.gpu_index ||
		    common_ancestor(node, monitor.gpu.gpu_index, i) != level)
			continue;
		if (found < room)
			deviceArray[found] = mig_handle_gpu(i);
		found++;
	}
	*count = room == 0 || found < room ? found : room;
	return NVML_SUCCESS;
}

/* A GPU is the whole board. */
MIG_EXPORT nvmlReturn_t nvmlDeviceOnSameBoard(nvmlDevice_t device1, nvmlDevice_t device2,
					      int *onSameBoard)
{
	struct mig_monitor first, second;
	nvmlReturn_t code = mig_monitor_find(device1, onSameBoard, &first);

	if (code == NVML_SUCCESS)
		code = mig_monitor_find(device2, onSameBoard, &second);
	if (code == NVML_SUCCESS)
		*onSameBoard = first.gpu.gpu_index == second.gpu.gpu_index;
	return code;
}

/* With MIG on there is none. */
MIG_EXPORT nvmlReturn_t nvmlDeviceGetP2PStatus(nvmlDevice_t device1, nvmlDevice_t device2,
					       nvmlGpuP2PCapsIndex_t p2pIndex,
					       nvmlGpuP2PStatus_t *p2pStatus)
{
	struct mig_monitor first, second;
	nvmlReturn_t code = mig_monitor_find(device1, p2pStatus, &first);
	bool linked;

	if (code == NVML_SUCCESS)
		code = mig_monitor_find(device2, p2pStatus, &second);
	if (code != NVML_SUCCESS)
		return code;
	if ((unsigned int)p2pIndex >= NVML_P2P_CAPS_INDEX_UNKNOWN)
		return NVML_ERROR_INVALID_ARGUMENT;
	linked = mig_monitor_is_linked(&first) && mig_monitor_is_linked(&second);
	if (mig_abi_is_mig_on(&first.gpu) || mig_abi_is_mig_on(&second.gpu))
		*p2pStatus = NVML_P2P_STATUS_GPU_NOT_SUPPORTED;
	else if ((p2pIndex == NVML_P2P_CAPS_INDEX_NVLINK ||
		  p2pIndex == NVML_P2P_CAPS_INDEX_ATOMICS) &&
		 !linked)
		*p2pStatus = NVML_P2P_STATUS_NOT_SUPPORTED;
	else
		*p2pStatus = NVML_P2P_STATUS_OK;
	return NVML_SUCCESS;
}

/* ---- processors ------------------------------------------------------------------------------- */

/* Processors first … end-1. */
struct processors {
	unsigned long first;
	unsigned long end;
};

static struct processors processors_of(const struct mig_sim_node_desc *node, unsigned int gpu_index)
{
	int saved_errno = errno;
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	int32_t own = node->gpus[gpu_index].numa_node, last = 0;
	struct processors all = {.end = online > 0 ? (unsigned long)online : 1}, part;

	errno = saved_errno;
	for (unsigned int i = 0; i < node->gpu_count; i++)
		last = MIG_MAX(last, node->gpus[i].numa_node);
	if (own < 0)
		return all;
	part.first = all.end * (unsigned long)own / ((unsigned long)last + 1);
	part.end = all.end * ((unsigned long)own + 1) / ((unsigned long)last + 1);
	return part.first < part.end ? part : all;
}

static nvmlReturn_t get_processors(nvmlDevice_t device, unsigned int words, unsigned long *set)
{
	struct mig_monitor monitor;
	nvmlReturn_t code = mig_monitor_find(device, set, &monitor);
	struct processors part;

	if (code != NVML_SUCCESS)
		return code;
	if (words == 0)
		return NVML_ERROR_INVALID_ARGUMENT;
	part = processors_of(monitor.gpu.facts.node, monitor.gpu.gpu_index);
	memset(set, 0, words * sizeof(*set));
	for (unsigned long i = part.first; i < part.end && i / WORD_BITS < words; i++)
		set[i / WORD_BITS] |= 1UL << i % WORD_BITS;
	return NVML_SUCCESS;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetCpuAffinity(nvmlDevice_t device, unsigned int cpuSetSize,
						 unsigned long *cpuSet)
{
	return get_processors(device, cpuSetSize, cpuSet);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetCpuAffinityWithinScope(nvmlDevice_t device,
							    unsigned int cpuSetSize,
							    unsigned long *cpuSet,
							    nvmlAffinityScope_t scope)
{
	if (!mig_abi_store())
		return NVML_ERROR_UNINITIALIZED;
	if (scope > NVML_AFFINITY_SCOPE_SOCKET)
		return NVML_ERROR_INVALID_ARGUMENT;
	return get_processors(device, cpuSetSize, cpuSet);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetMemoryAffinity(nvmlDevice_t device, unsigned int nodeSetSize,
						    unsigned long *nodeSet,
						    nvmlAffinityScope_t scope)
{
	struct mig_monitor monitor;
	nvmlReturn_t code = mig_monitor_find(device, nodeSet, &monitor);
	unsigned int own;

	if (code != NVML_SUCCESS)
		return code;
	if (nodeSetSize == 0 || scope > NVML_AFFINITY_SCOPE_SOCKET)
		return NVML_ERROR_INVALID_ARGUMENT;
	own = (unsigned int)MIG_MAX(monitor.gpu.facts.desc->numa_node, 0);
	memset(nodeSet, 0, nodeSetSize * sizeof(*nodeSet));
	if (own / WORD_BITS < nodeSetSize)
		nodeSet[own / WORD_BITS] = 1UL << own % WORD_BITS;
	return NVML_SUCCESS;
}

/* The GPUs that are near a processor. `*count` as of nvmlDeviceGetTopologyNearestGpus. */
MIG_EXPORT nvmlReturn_t nvmlSystemGetTopologyGpuSet(unsigned int cpuNumber, unsigned int *count,
						    nvmlDevice_t *deviceArray)
{
	const struct mig_sim_store *store = mig_abi_store();
	unsigned int room, found = 0;

	if (!store)
		return NVML_ERROR_UNINITIALIZED;
	if (!count || (*count > 0 && !deviceArray))
		return NVML_ERROR_INVALID_ARGUMENT;
	room = *count;
	for (unsigned int i = 0; i < store->node->gpu_count; i++) {
		struct processors part = processors_of(store->node, i);

		if (cpuNumber < part.first || cpuNumber >= part.end)
			continue;
		if (found < room)
			deviceArray[found] = mig_handle_gpu(i);
		found++;
	}
	*count = room == 0 || found < room ? found : room;
	return NVML_SUCCESS;
}
