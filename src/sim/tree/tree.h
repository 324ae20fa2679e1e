/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files that the kernel module shows for each instance, kept below NODE/root.
 *
 * For every GPU and compute instance there are an `access` file below
 * proc/driver/nvidia/capabilities and a node in dev/nvidia-caps. A refresh looks at the state and
 * makes the files agree with it, whatever they were before, so that one that was killed or was
 * overtaken leaves nothing that the next one does not mend. What else is in these trees never
 * changes and is made with the node (sim/control). Libc only; must not know NVML functions.
 */
#pragma once

#include <stdbool.h>

#include "sim/store/store.h"

/*
 * Majors of simulated devices. mknod takes them, and no driver can have them: the kernel refuses to
 * register a character device whose major is 512 or more. So opening such a node always fails.
 */
enum {
	MIG_SIM_MAJOR_NVIDIA = 3195,
	MIG_SIM_MAJOR_UVM = 3510,
	MIG_SIM_MAJOR_CAPS = 3511,
};

/* Minors in dev/nvidia-caps: a table that is the same on every machine (reference: nv-caps.c of
 * NVIDIA's open kernel module). */
enum {
	MIG_SIM_CAP_CONFIG = 1,
	MIG_SIM_CAP_MONITOR = 2,
	MIG_SIM_CAP_FIRST_GI = 3,
	MIG_SIM_CAPS_PER_GI = 1 + MIG_SIM_CIS_MAX,
	MIG_SIM_CAPS_PER_GPU = MIG_SIM_GIS_MAX * MIG_SIM_CAPS_PER_GI,
	MIG_SIM_CAP_MODE_CONFIG = 0400, /* in decimal in the files */
	MIG_SIM_CAP_MODE_OTHER = 0444,
};

/* The capability's minor of a GPU instance; ci_id MIG_SIM_NO_INSTANCE: of itself. Numbers must be
 * below MIG_SIM_GPUS_MAX, MIG_SIM_GIS_MAX and MIG_SIM_CIS_MAX. */
unsigned int mig_sim_cap_minor(unsigned int gpu_minor, unsigned int gi_id, unsigned int ci_id);

#define MIG_SIM_CAP_TEXT_SIZE 80

/* The content of an access file; returns its length. `mode` is the device file's. */
size_t mig_sim_cap_text(char text[MIG_SIM_CAP_TEXT_SIZE], unsigned int minor, unsigned int mode);

#define MIG_SIM_ALL_GPUS UINT32_MAX

/*
 * Makes the files of one GPU (by index), or of all with MIG_SIM_ALL_GPUS and with them the boot id,
 * agree with the newest state; takes the node's write lock meanwhile. A node without these trees is left as it is; what
 * may not be written stays: neither is a failure. Root leaves the trees of other users as they are.
 * Never follows a symbolic link below the node.
 * Thread-safe; keeps errno; leaves no descriptor.
 */
void mig_sim_tree_refresh(struct mig_sim_store *store, unsigned int gpu_index);

/* Opens the directory `path` below the node's directory without following a symbolic link on the
 * way. A descriptor (O_CLOEXEC), or -1 with errno. Thread-safe. */
int mig_sim_tree_open(const char *node_dir, const char *path);

/* The same below a directory that is open. */
int mig_sim_tree_open_at(int node, const char *path);

/*
 * Whether the calling process may open the capability nodes of a compute instance and of its GPU
 * instance, in dev/nvidia-caps below `host_root` ("": the real one, as in a container or a jail).
 */
bool mig_sim_tree_can_open(const char *host_root, unsigned int gpu_minor, unsigned int gi_id,
			   unsigned int ci_id);
