/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trees below NODE/root: what the kernel module, sysfs and the driver's packages show on a real
 * machine. For the control side; what follows the instances is in sim/tree.
 */
#pragma once

#include "sim/control/control.h"

/* The multiarch folder of this machine's libraries, as Debian calls it. */
#if defined(__aarch64__)
#define MIG_SIM_MULTIARCH "aarch64-linux-gnu"
#else
#define MIG_SIM_MULTIARCH "x86_64-linux-gnu"
#endif

/* Makes the trees in a directory `node_dir` whose "root" is not there yet. */
int mig_sim_trees_make(const char *node_dir, const struct mig_sim_description *d,
		       struct mig_error **err) MIG_MUST_CHECK;

/* The lines "MAJOR NAME" of the node's devices, as in /proc/devices, and those of its modules, as in
 * /proc/modules. */
void mig_sim_trees_devices(const struct mig_sim_node_desc *node, struct mig_buf *out);
void mig_sim_trees_modules(const struct mig_sim_node_desc *node, struct mig_buf *out);

/* The content of mig-minors: the number of each right's and possible instance's device file. */
#define MIG_SIM_MINORS_MAX ((size_t)1 << 20)
void mig_sim_trees_minors(struct mig_buf *out);

/* Refuses when a driver of this machine has a major of ours (it cannot, by the kernel's rules). */
int mig_sim_trees_check_majors(struct mig_error **err) MIG_MUST_CHECK;

/* A device file of a node, in the order of mig_sim_trees_device. */
struct mig_sim_device {
	char name[32]; /* below /dev: "nvidia0" */
	unsigned int major;
	unsigned int minor;
	unsigned int mode;
};

/* The index-th device file that is not of an instance; false behind the last. */
bool mig_sim_trees_device(const struct mig_sim_node_desc *node, unsigned int index,
			  struct mig_sim_device *out);

/*
 * Copies of the driver's libraries and of the shims into root/usr, so that the node's root can be
 * given to programs as the root of a driver's installation. Copies that are there and of the same
 * size and time stay. `library` is the file libnvidia-ml.so.<version>, `libcuda` that of libcuda.
 */
struct mig_sim_installation {
	const char *library;
	const char *libcuda;
	const char *shims; /* directory */
};
int mig_sim_trees_install(const char *node_dir, const char *driver_version,
			  const struct mig_sim_installation *from,
			  struct mig_error **err) MIG_MUST_CHECK;

/* Copies a file's content and modification time; the copy appears whole. 0 or -1 with errno. */
int mig_sim_copy_file(const char *from, const char *to, mode_t mode) MIG_MUST_CHECK;
