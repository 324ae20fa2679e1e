/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making the trees below NODE/root. docs/simulator.md says what is in them and who reads it.
 *
 * All of it is fixed when the node is made, but for the files of instances and the boot id (sim/tree), and the
 * copies of libraries, which follow the build. What is only there to be looked at (addresses of
 * PCI regions, sizes of modules) is made up, and the same on every node.
 */
#include "sim/control/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "shared/file.h"
#include "shared/number.h"
#include "shared/text.h"
#include "sim/tree/tree.h"

#define TREE_MODE	0755
#define FILE_SIZE_MAX	((size_t)64 << 10)
#define PROC_DEVICES	"/proc/devices"
#define PCI_CLASS_3D	0x030200u
#define PCI_REVISION	0xa1
#define PCI_REGIONS	13 /* lines of a sysfs resource file */
#define PCI_CONFIG_SIZE 256
#define CONTROL_MINOR	255
#define MODESET_MINOR	254
#define FRONTEND_BRANCH 550 /* from this one on /proc/devices has no "nvidia-frontend" */

#if defined(__aarch64__)
#define MIG_SIM_MACHINE "aarch64"
#else
#define MIG_SIM_MACHINE "x86_64"
#endif

static const char *const directories[] = {
	"root",
	"root/dev",
	"root/dev/nvidia-caps",
	"root/etc",
	"root/etc/cdi",
	"root/proc",
	"root/proc/driver",
	"root/proc/driver/nvidia",
	"root/proc/driver/nvidia/capabilities",
	"root/proc/driver/nvidia/capabilities/mig",
	"root/proc/driver/nvidia/gpus",
	"root/proc/driver/nvidia-caps",
	"root/proc/sys",
	"root/proc/sys/kernel",
	"root/proc/sys/kernel/random",
	"root/run",
	"root/run/cdi",
	"root/sys",
	"root/sys/bus",
	"root/sys/bus/pci",
	"root/sys/bus/pci/devices",
	"root/sys/bus/pci/drivers",
	"root/sys/bus/pci/drivers/nvidia",
	"root/sys/module",
	"root/sys/module/nvidia",
	"root/usr",
	"root/usr/bin",
	"root/usr/lib",
	("root/usr/lib/" MIG_SIM_MULTIARCH),
	"root/var",
	"root/var/lib",
};

/* ---- writing ---------------------------------------------------------------------------------- */

/* Where a tree is being made: a directory that nobody else knows yet, so plain files will do. */
struct tree {
	const char *node_dir;
	const struct mig_sim_description *d;
	struct mig_error **err;
};

static int put_directory(const struct tree *tree, const char *path)
{
	_cleanup_free_ char *full = mig_path_join(tree->node_dir, path);

	if (!full || mkdir(full, TREE_MODE))
		return mig_error_set_errno(tree->err, full ? errno : ENOMEM, "cannot make '%s'",
					   path);
	return 0;
}

static int put_bytes(const struct tree *tree, const char *path, const void *bytes, size_t len,
		     mode_t mode)
{
	_cleanup_free_ char *full = mig_path_join(tree->node_dir, path);
	_cleanup_close_ int fd = -1;

	if (full)
		fd = open(full, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || mig_write_all(fd, bytes, len) || fchmod(fd, mode))
		return mig_error_set_errno(tree->err, full ? errno : ENOMEM, "cannot write '%s'",
					   path);
	return 0;
}

static int put_buffer(const struct tree *tree, const char *path, const struct mig_buf *buf)
{
	if (mig_buf_failed(buf))
		return mig_error_set_errno(tree->err, ENOMEM, "cannot write '%s'", path);
	return put_bytes(tree, path, mig_buf_text(buf), buf->len, 0444);
}

static int put_text(const struct tree *tree, const char *directory, const char *name,
		    const char *format, ...) MIG_PRINTF(4, 5);

static int put_text(const struct tree *tree, const char *directory, const char *name,
		    const char *format, ...)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(FILE_SIZE_MAX);
	_cleanup_free_ char *path = mig_path_join(directory, name);
	va_list args;

	if (!path)
		return mig_error_set_errno(tree->err, ENOMEM, "cannot write '%s'", name);
	va_start(args, format);
	mig_buf_vprintf(&text, format, args);
	va_end(args);
	return put_buffer(tree, path, &text);
}

static int put_link(const struct tree *tree, const char *path, const char *to)
{
	_cleanup_free_ char *full = mig_path_join(tree->node_dir, path);

	if (!full || symlink(to, full))
		return mig_error_set_errno(tree->err, full ? errno : ENOMEM, "cannot make '%s'",
					   path);
	return 0;
}

/* ---- devices ---------------------------------------------------------------------------------- */

bool mig_sim_trees_device(const struct mig_sim_node_desc *node, unsigned int index,
			  struct mig_sim_device *out)
{
	static const struct mig_sim_device fixed[] = {
		{"nvidiactl", MIG_SIM_MAJOR_NVIDIA, CONTROL_MINOR, 0666},
		{"nvidia-modeset", MIG_SIM_MAJOR_NVIDIA, MODESET_MINOR, 0666},
		{"nvidia-uvm", MIG_SIM_MAJOR_UVM, 0, 0666},
		{"nvidia-uvm-tools", MIG_SIM_MAJOR_UVM, 1, 0666},
		{"nvidia-caps/nvidia-cap1", MIG_SIM_MAJOR_CAPS, MIG_SIM_CAP_CONFIG,
		 MIG_SIM_CAP_MODE_CONFIG},
		{"nvidia-caps/nvidia-cap2", MIG_SIM_MAJOR_CAPS, MIG_SIM_CAP_MONITOR,
		 MIG_SIM_CAP_MODE_OTHER},
	};

	if (index < MIG_ARRAY_SIZE(fixed)) {
		*out = fixed[index];
		return true;
	}
	index -= MIG_ARRAY_SIZE(fixed);
	if (index >= node->gpu_count)
		return false;
	*out = (struct mig_sim_device){.major = MIG_SIM_MAJOR_NVIDIA,
				       .minor = node->gpus[index].minor_number,
				       .mode = 0666};
	mig_text_format(out->name, sizeof(out->name), "nvidia%u", out->minor);
	return true;
}

/* A node that cannot be opened; an empty file stands for it where the caller may make none. */
static int put_device(const struct tree *tree, const struct mig_sim_device *device)
{
	_cleanup_free_ char *path = mig_path_join("root/dev", device->name);
	_cleanup_free_ char *full = path ? mig_path_join(tree->node_dir, path) : NULL;

	if (!full)
		return mig_error_set_errno(tree->err, ENOMEM, "cannot make '%s'", device->name);
	if (mknod(full, S_IFCHR | device->mode, makedev(device->major, device->minor)))
		return put_bytes(tree, path, "", 0, device->mode);
	if (chmod(full, device->mode))
		return mig_error_set_errno(tree->err, errno, "cannot make '%s'", path);
	return 0;
}

static int put_devices(const struct tree *tree)
{
	struct mig_sim_device device;

	for (unsigned int i = 0; mig_sim_trees_device(&tree->d->node, i, &device); i++) {
		if (put_device(tree, &device))
			return -1;
	}
	return 0;
}

/* ---- /proc ------------------------------------------------------------------------------------ */

void mig_sim_trees_devices(const struct mig_sim_node_desc *node, struct mig_buf *out)
{
	bool has_frontend = node->branch < FRONTEND_BRANCH;

	if (has_frontend)
		mig_buf_printf(out, "%d nvidia-frontend\n", MIG_SIM_MAJOR_NVIDIA);
	else
		mig_buf_printf(out, "%d nvidia\n%d nvidia-modeset\n%d nvidiactl\n",
			       MIG_SIM_MAJOR_NVIDIA, MIG_SIM_MAJOR_NVIDIA, MIG_SIM_MAJOR_NVIDIA);
	mig_buf_printf(out, "%d nvidia-uvm\n%d nvidia-caps\n", MIG_SIM_MAJOR_UVM,
		       MIG_SIM_MAJOR_CAPS);
}

void mig_sim_trees_modules(const struct mig_sim_node_desc *node, struct mig_buf *out)
{
	(void)node;
	mig_buf_puts(out, "nvidia_uvm 1536000 0 - Live 0x0000000000000000 (POE)\n"
			  "nvidia_modeset 1310720 0 - Live 0x0000000000000000 (POE)\n"
			  "nvidia 56623104 2 nvidia_uvm,nvidia_modeset, Live 0x0000000000000000 "
			  "(POE)\n");
}

/* "3195 nvidia": whether the line gives a major of ours to somebody. */
static bool takes_our_major(const char *line)
{
	static const unsigned int ours[] = {MIG_SIM_MAJOR_NVIDIA, MIG_SIM_MAJOR_UVM,
					    MIG_SIM_MAJOR_CAPS};
	size_t digits;
	uint64_t major;

	line += strspn(line, " ");
	digits = strspn(line, "0123456789");
	if (digits == 0 || mig_parse_u64_n(line, digits, 0, UINT32_MAX, &major))
		return false;
	/* Under NVIDIA's names they are ours: this is a jail. */
	if (strncmp(line + digits, " nvidia", strlen(" nvidia")) == 0)
		return false;
	for (size_t i = 0; i < MIG_ARRAY_SIZE(ours); i++) {
		if (major == ours[i])
			return true;
	}
	return false;
}

int mig_sim_trees_check_majors(struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(FILE_SIZE_MAX);
	char *rest;
	char *line;

	/* Where there is none nothing can be seen of drivers, and nothing is to be compared. */
	if (access(PROC_DEVICES, R_OK))
		return 0;
	if (mig_file_read(PROC_DEVICES, &text, err))
		return -1;
	rest = text.data;
	while ((line = strsep(&rest, "\n"))) {
		if (!takes_our_major(line))
			continue;
		mig_error_set(err, MIG_ERROR_REFUSED,
			      "a driver of this machine has a device number that simulated "
			      "devices need: '%s' in " PROC_DEVICES,
			      line);
		return mig_error_hint(err, "unload that driver, or take another machine: opening "
					   "a simulated device would reach it");
	}
	return 0;
}

/* The table of all capabilities that there can be; the same on every machine. */
void mig_sim_trees_minors(struct mig_buf *out)
{
	mig_buf_printf(out, "config %d\nmonitor %d\n", MIG_SIM_CAP_CONFIG, MIG_SIM_CAP_MONITOR);
	for (unsigned int gpu = 0; gpu < MIG_SIM_GPUS_MAX; gpu++) {
		for (unsigned int gi = 0; gi < MIG_SIM_GIS_MAX; gi++) {
			mig_buf_printf(out, "gpu%u/gi%u/access %u\n", gpu, gi,
				       mig_sim_cap_minor(gpu, gi, MIG_SIM_NO_INSTANCE));
			for (unsigned int ci = 0; ci < MIG_SIM_CIS_MAX; ci++)
				mig_buf_printf(out, "gpu%u/gi%u/ci%u/access %u\n", gpu, gi, ci,
					       mig_sim_cap_minor(gpu, gi, ci));
		}
	}
}

static int put_minors(const struct tree *tree)
{
	static const char directory[] = "root/proc/driver/nvidia-caps";
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(MIG_SIM_MINORS_MAX);

	mig_sim_trees_minors(&text);
	if (put_buffer(tree, "root/proc/driver/nvidia-caps/mig-minors", &text) ||
	    put_text(tree, directory, "nvlink-minors", "fabric-mgmt 0\n"))
		return -1;
	/* The number behind the last of the table above (inferred). */
	return put_text(tree, directory, "sys-minors", "fabric-imex-mgmt %d\n",
			MIG_SIM_CAP_FIRST_GI + MIG_SIM_GPUS_MAX * MIG_SIM_CAPS_PER_GPU);
}

static int put_capability(const struct tree *tree, const char *name, unsigned int minor,
			  unsigned int mode)
{
	_cleanup_free_ char *path = mig_path_join("root/proc/driver/nvidia/capabilities/mig", name);
	char text[MIG_SIM_CAP_TEXT_SIZE];
	size_t len = mig_sim_cap_text(text, minor, mode);

	if (!path)
		return mig_error_set_errno(tree->err, ENOMEM, "cannot write '%s'", name);
	return put_bytes(tree, path, text, len, mode);
}

static int put_driver(const struct tree *tree)
{
	static const char directory[] = "root/proc/driver/nvidia";
	const char *version = tree->d->node.driver_version;

	if (put_text(tree, directory, "version",
		     "NVRM version: NVIDIA UNIX " MIG_SIM_MACHINE " Kernel Module  %s  simulated\n"
		     "GCC version:  none (simulated by migctl)\n",
		     version))
		return -1;
	/* DeviceFileMode in decimal, as the module prints it. */
	if (put_text(tree, directory, "params",
		     "ResmanDebugLevel: 4294967295\nModifyDeviceFiles: 1\nDeviceFileUID: 0\n"
		     "DeviceFileGID: 0\nDeviceFileMode: %d\nInitializeSystemMemoryAllocations: 1\n"
		     "UsePageAttributeTable: 4294967295\nEnableMSI: 1\nRegistryDwords: \"\"\n"
		     "RegistryDwordsPerDevice: \"\"\nRmMsg: \"\"\nGpuBlacklist: \"\"\n"
		     "ExcludedGpus: \"\"\n",
		     0666))
		return -1;
	return put_text(tree, "root/sys/module/nvidia", "version", "%s\n", version) ||
	       put_text(tree, "root/sys/module/nvidia", "initstate", "live\n") ||
	       put_text(tree, "root/sys/module/nvidia", "refcnt", "2\n");
}

static int put_proc(const struct tree *tree)
{
	_cleanup_buf_ struct mig_buf devices = MIG_BUF_INIT(FILE_SIZE_MAX);
	_cleanup_buf_ struct mig_buf modules = MIG_BUF_INIT(FILE_SIZE_MAX);

	mig_buf_puts(&devices, "Character devices:\n");
	mig_sim_trees_devices(&tree->d->node, &devices);
	mig_buf_puts(&devices, "\nBlock devices:\n");
	mig_sim_trees_modules(&tree->d->node, &modules);
	if (put_buffer(tree, "root/proc/devices", &devices) ||
	    put_buffer(tree, "root/proc/modules", &modules) || put_minors(tree) ||
	    put_capability(tree, "config", MIG_SIM_CAP_CONFIG, MIG_SIM_CAP_MODE_CONFIG) ||
	    put_capability(tree, "monitor", MIG_SIM_CAP_MONITOR, MIG_SIM_CAP_MODE_OTHER))
		return -1;
	return put_driver(tree);
}

/* ---- one GPU ---------------------------------------------------------------------------------- */

/* The address as the kernel writes it: lower case, four digits of domain. */
static char *sysfs_name(const struct mig_sim_gpu_desc *gpu)
{
	return mig_asprintf("%04x:%02x:%02x.0", gpu->pci_domain, gpu->pci_bus, gpu->pci_device);
}

static int put_information(const struct tree *tree, const struct mig_sim_gpu_desc *gpu,
			   const char *address)
{
	const struct mig_gpu_table *model = &tree->d->models[gpu->model];
	_cleanup_free_ char *directory = mig_path_join("root/proc/driver/nvidia/gpus", address);
	_cleanup_free_ char *caps =
		mig_asprintf("root/proc/driver/nvidia/capabilities/gpu%u", gpu->minor_number);
	_cleanup_free_ char *mig = caps ? mig_path_join(caps, "mig") : NULL;

	if (!directory || !mig)
		return mig_error_set_errno(tree->err, ENOMEM, "cannot make '%s'", address);
	if (put_directory(tree, directory) ||
	    put_text(tree, directory, "information",
		     "Model: \t\t %s\nIRQ:   \t\t 0\nGPU UUID: \t %s\n"
		     "Bus Type: \t PCIe\nBus Location: \t %s\nDevice Minor: \t %u\n"
		     "GPU Firmware: \t %s\nGPU Excluded:\t No\n",
		     model->name, gpu->uuid, address, gpu->minor_number,
		     tree->d->node.driver_version))
		return -1;
	if (!model->is_mig_capable)
		return 0;
	return put_directory(tree, caps) || put_directory(tree, mig) ? -1 : 0;
}

/* Regions of made-up addresses that do not overlap: registers, memory (BAR1), and a third. */
static int put_regions(const struct tree *tree, const char *directory, uint32_t index,
		       const struct mig_gpu_table *model)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(FILE_SIZE_MAX);
	_cleanup_free_ char *path = mig_path_join(directory, "resource");
	uint64_t bar1_mib = model->bar1_total_mib == MIG_TABLE_UNKNOWN ? 256
								       : model->bar1_total_mib;
	const struct {
		uint64_t start, size, flags;
	} regions[PCI_REGIONS] = {
		[0] = {0x80000000 + ((uint64_t)index << 25), (uint64_t)16 << 20, 0x40200},
		[1] = {0x100000000000 + ((uint64_t)index << 39), bar1_mib << 20, 0x14220c},
		[3] = {0x80000000000 + ((uint64_t)index << 26), (uint64_t)32 << 20, 0x14220c},
	};

	for (unsigned int i = 0; i < PCI_REGIONS; i++)
		mig_buf_printf(&text, "0x%016llx 0x%016llx 0x%016llx\n",
			       (unsigned long long)regions[i].start,
			       (unsigned long long)(regions[i].start + regions[i].size -
						    (regions[i].size != 0)),
			       (unsigned long long)regions[i].flags);
	if (!path)
		return mig_error_set_errno(tree->err, ENOMEM, "cannot write '%s'", directory);
	return put_buffer(tree, path, &text);
}

static void put_le(uint8_t *at, uint32_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

struct pci_ids {
	uint32_t vendor;
	uint32_t device;
	uint32_t subsystem_vendor;
	uint32_t subsystem_device;
};

static int put_config(const struct tree *tree, const char *directory, const struct pci_ids *ids)
{
	_cleanup_free_ char *path = mig_path_join(directory, "config");
	uint8_t config[PCI_CONFIG_SIZE] = {0};

	put_le(config + 0x00, ids->vendor, 2);
	put_le(config + 0x02, ids->device, 2);
	put_le(config + 0x04, 0x0006, 2); /* memory and bus master on */
	put_le(config + 0x08, PCI_CLASS_3D << 8 | PCI_REVISION, 4);
	put_le(config + 0x2c, ids->subsystem_vendor, 2);
	put_le(config + 0x2e, ids->subsystem_device, 2);
	if (!path)
		return mig_error_set_errno(tree->err, ENOMEM, "cannot write '%s'", directory);
	return put_bytes(tree, path, config, sizeof(config), 0444);
}

static uint32_t known(uint32_t value)
{
	return value == MIG_TABLE_UNKNOWN ? 0 : value;
}

static int put_pci_links(const struct tree *tree, const char *directory, const char *address)
{
	_cleanup_free_ char *driver = mig_path_join(directory, "driver");
	_cleanup_free_ char *back = mig_path_join("root/sys/bus/pci/drivers/nvidia", address);
	_cleanup_free_ char *device = mig_path_join("../../devices", address);

	if (!driver || !back || !device)
		return mig_error_set_errno(tree->err, ENOMEM, "cannot make '%s'", directory);
	return put_link(tree, driver, "../../drivers/nvidia") || put_link(tree, back, device) ? -1
											      : 0;
}

static int put_pci_device(const struct tree *tree, uint32_t index, const char *address)
{
	const struct mig_sim_gpu_desc *gpu = &tree->d->node.gpus[index];
	const struct mig_gpu_table *model = &tree->d->models[gpu->model];
	const struct pci_ids ids = {
		.vendor = model->pci_vendor_id,
		.device = known(model->pci_device_id),
		.subsystem_vendor = known(model->pci_subsystem_id) & 0xffff,
		.subsystem_device = known(model->pci_subsystem_id) >> 16,
	};
	_cleanup_free_ char *directory = mig_path_join("root/sys/bus/pci/devices", address);
	long cpus = sysconf(_SC_NPROCESSORS_CONF);

	if (!directory)
		return mig_error_set_errno(tree->err, ENOMEM, "cannot make '%s'", address);
	if (put_directory(tree, directory) ||
	    put_text(tree, directory, "vendor", "0x%04x\n", ids.vendor) ||
	    put_text(tree, directory, "device", "0x%04x\n", ids.device) ||
	    put_text(tree, directory, "class", "0x%06x\n", PCI_CLASS_3D) ||
	    put_text(tree, directory, "revision", "0x%02x\n", PCI_REVISION) ||
	    put_text(tree, directory, "subsystem_vendor", "0x%04x\n", ids.subsystem_vendor) ||
	    put_text(tree, directory, "subsystem_device", "0x%04x\n", ids.subsystem_device) ||
	    put_text(tree, directory, "numa_node", "%d\n", gpu->numa_node) ||
	    put_text(tree, directory, "local_cpulist", "0-%ld\n", cpus > 0 ? cpus - 1 : 0) ||
	    put_text(tree, directory, "irq", "0\n") || put_text(tree, directory, "enable", "1\n") ||
	    put_text(tree, directory, "uevent",
		     "DRIVER=nvidia\nPCI_CLASS=%X\nPCI_ID=%04X:%04X\nPCI_SUBSYS_ID=%04X:%04X\n"
		     "PCI_SLOT_NAME=%s\n",
		     PCI_CLASS_3D, ids.vendor, ids.device, ids.subsystem_vendor,
		     ids.subsystem_device, address) ||
	    put_regions(tree, directory, index, model) || put_config(tree, directory, &ids))
		return -1;
	return put_pci_links(tree, directory, address);
}

/* ---- all of it -------------------------------------------------------------------------------- */

int mig_sim_trees_make(const char *node_dir, const struct mig_sim_description *d,
		       struct mig_error **err)
{
	const struct tree tree = {.node_dir = node_dir, .d = d, .err = err};

	for (size_t i = 0; i < MIG_ARRAY_SIZE(directories); i++) {
		if (put_directory(&tree, directories[i]))
			return -1;
	}
	if (put_link(&tree, "root/var/run", "../run") ||
	    put_link(&tree, "root/usr/lib64", "lib/" MIG_SIM_MULTIARCH) || put_proc(&tree) ||
	    put_devices(&tree))
		return -1;
	for (uint32_t i = 0; i < d->node.gpu_count; i++) {
		_cleanup_free_ char *address = sysfs_name(&d->node.gpus[i]);

		if (!address)
			return mig_error_set_errno(err, ENOMEM, "GPU %u", i);
		if (put_information(&tree, &d->node.gpus[i], address) ||
		    put_pci_device(&tree, i, address))
			return -1;
	}
	return 0;
}
