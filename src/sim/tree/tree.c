/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeping the capability files and device nodes of instances, and the boot id; see tree.h.
 *
 * The work is done inside an update of the store that changes nothing: so it has the write lock,
 * sees the newest state, and signals and cancellation are held off. Whoever changed the state comes
 * here afterwards, and of two writers the last one to come leaves the newest tree.
 */
#include "sim/tree/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "shared/text.h"
#include "sim/engine/engine.h"

#define CAPABILITIES_PATH "root/proc/driver/nvidia/capabilities"
#define DEVICES_PATH	  "root/dev/nvidia-caps"
#define BOOT_PATH	  "root/proc/sys/kernel/random"
#define BOOT_ID_FILE	  "boot_id"
#define ACCESS_FILE	  "access"
#define WORK_FILE	  ".new"
#define DIRECTORY_MODE	  0755
#define NAME_MAX_SIZE	  64
#define TREE_PATH_SIZE	  4096

unsigned int mig_sim_cap_minor(unsigned int gpu_minor, unsigned int gi_id, unsigned int ci_id)
{
	unsigned int minor = MIG_SIM_CAP_FIRST_GI + MIG_SIM_CAPS_PER_GPU * gpu_minor +
			     MIG_SIM_CAPS_PER_GI * gi_id;

	return ci_id == MIG_SIM_NO_INSTANCE ? minor : minor + 1 + ci_id;
}

size_t mig_sim_cap_text(char text[MIG_SIM_CAP_TEXT_SIZE], unsigned int minor, unsigned int mode)
{
	mig_text_format(text, MIG_SIM_CAP_TEXT_SIZE,
			"DeviceFileMinor: %u\nDeviceFileMode: %u\nDeviceFileModify: 1\n", minor,
			mode);
	return strlen(text);
}

/* ---- files relative to a directory ------------------------------------------------------------ */

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

/* Opens the directory `path` below `dir`, part by part, so that no link is followed. -1: no. */
static int walk(int dir, const char *path)
{
	int at = dir;

	while (*path) {
		char part[NAME_MAX_SIZE];
		size_t len = strcspn(path, "/");
		int next = -1;

		errno = ENAMETOOLONG;
		if (len > 0 && len < sizeof(part)) {
			memcpy(part, path, len);
			part[len] = '\0';
			next = openat(at, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		}
		if (at != dir) {
			int saved_errno = errno;

			close(at);
			errno = saved_errno;
		}
		if (next < 0)
			return -1;
		at = next;
		path += len;
		path += *path == '/';
	}
	return at;
}

int mig_sim_tree_open_at(int node, const char *path)
{
	return walk(node, path);
}

int mig_sim_tree_open(const char *node_dir, const char *path)
{
	int node = open(node_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = node >= 0 ? walk(node, path) : -1;
	int saved_errno = errno;

	close_fd(node);
	errno = saved_errno;
	return fd;
}

/* A directory that is made if it is not there. */
static int make_directory(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0 || errno != ENOENT || mkdirat(dir, name, DIRECTORY_MODE) < 0)
		return fd;
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0)
		fchmod(fd, DIRECTORY_MODE); /* whatever the umask is */
	return fd;
}

static bool has_content(int dir, const char *name, const char *text, size_t len)
{
	char found[MIG_SIM_CAP_TEXT_SIZE];
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	ssize_t got;

	if (fd < 0)
		return false;
	got = read(fd, found, sizeof(found));
	close(fd);
	return got == (ssize_t)len && memcmp(found, text, len) == 0;
}

/* Writes the file beside its place and renames it: readers see all of it or none. */
static void put_file(int dir, const char *name, const char *text, size_t len)
{
	bool is_whole;
	int fd;

	if (has_content(dir, name, text, len))
		return;
	unlinkat(dir, WORK_FILE, 0);
	fd = openat(dir, WORK_FILE, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0444);
	if (fd < 0)
		return;
	is_whole = pwrite(fd, text, len, 0) == (ssize_t)len && fchmod(fd, 0444) == 0;
	close(fd);
	if (!is_whole || renameat(dir, WORK_FILE, dir, name) < 0)
		unlinkat(dir, WORK_FILE, 0);
}

static void put_access_file(int dir, unsigned int minor)
{
	char text[MIG_SIM_CAP_TEXT_SIZE];
	size_t len = mig_sim_cap_text(text, minor, MIG_SIM_CAP_MODE_OTHER);

	put_file(dir, ACCESS_FILE, text, len);
}

static void remove_instance(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return;
	unlinkat(fd, ACCESS_FILE, 0);
	unlinkat(fd, WORK_FILE, 0);
	close(fd);
	unlinkat(dir, name, AT_REMOVEDIR);
}

/* ---- device nodes ----------------------------------------------------------------------------- */

/* Sets the mode of the node just made, and of nothing that was put in its place meanwhile. */
static void set_device_mode(int dir, dev_t device)
{
	char path[NAME_MAX_SIZE];
	struct stat st;
	int fd = openat(dir, WORK_FILE, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return;
	mig_text_format(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == device)
		chmod(path, MIG_SIM_CAP_MODE_OTHER);
	close(fd);
}

/*
 * A character device where the caller may make one. Elsewhere an empty file of that name stands for
 * it: programs see that the node is there, and the jail shows a device in its place. An existing
 * node is left as it is, so that its permissions are the administrator's.
 */
static void put_device(int dir, unsigned int minor)
{
	dev_t device = makedev(MIG_SIM_MAJOR_CAPS, minor);
	char name[NAME_MAX_SIZE];
	struct stat st;
	bool exists;
	int fd;

	mig_text_format(name, sizeof(name), "nvidia-cap%u", minor);
	exists = fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
	if (exists && S_ISCHR(st.st_mode) && st.st_rdev == device)
		return;
	if (exists && S_ISREG(st.st_mode) && geteuid() != 0)
		return;
	unlinkat(dir, WORK_FILE, 0);
	if (mknodat(dir, WORK_FILE, S_IFCHR | MIG_SIM_CAP_MODE_OTHER, device) < 0) {
		if (exists && S_ISREG(st.st_mode))
			return;
		fd = openat(dir, WORK_FILE, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			    MIG_SIM_CAP_MODE_OTHER);
		if (fd < 0)
			return;
		fchmod(fd, MIG_SIM_CAP_MODE_OTHER);
		close(fd);
	} else {
		set_device_mode(dir, device);
	}
	if (renameat(dir, WORK_FILE, dir, name) < 0)
		unlinkat(dir, WORK_FILE, 0);
}

static void remove_device(int dir, unsigned int minor)
{
	char name[NAME_MAX_SIZE];

	mig_text_format(name, sizeof(name), "nvidia-cap%u", minor);
	unlinkat(dir, name, 0);
}

static void refresh_devices(int dir, unsigned int gpu_minor, const struct mig_sim_gpu_state *gpu)
{
	for (unsigned int gi = 0; gi < MIG_SIM_GIS_MAX; gi++) {
		bool has_gi = gpu->gi[gi].in_use != 0;

		if (has_gi)
			put_device(dir, mig_sim_cap_minor(gpu_minor, gi, MIG_SIM_NO_INSTANCE));
		else
			remove_device(dir, mig_sim_cap_minor(gpu_minor, gi, MIG_SIM_NO_INSTANCE));
		for (unsigned int ci = 0; ci < MIG_SIM_CIS_MAX; ci++) {
			if (has_gi && gpu->gi[gi].ci[ci].in_use)
				put_device(dir, mig_sim_cap_minor(gpu_minor, gi, ci));
			else
				remove_device(dir, mig_sim_cap_minor(gpu_minor, gi, ci));
		}
	}
}

/* ---- capability files ------------------------------------------------------------------------- */

static void refresh_ci_files(int gi_dir, unsigned int gpu_minor, unsigned int gi,
			     const struct mig_sim_gi *state)
{
	for (unsigned int ci = 0; ci < MIG_SIM_CIS_MAX; ci++) {
		char name[NAME_MAX_SIZE];
		int dir;

		mig_text_format(name, sizeof(name), "ci%u", ci);
		if (!state->in_use || !state->ci[ci].in_use) {
			remove_instance(gi_dir, name);
			continue;
		}
		dir = make_directory(gi_dir, name);
		if (dir < 0)
			continue;
		put_access_file(dir, mig_sim_cap_minor(gpu_minor, gi, ci));
		close(dir);
	}
}

static void refresh_files(int mig_dir, unsigned int gpu_minor, const struct mig_sim_gpu_state *gpu)
{
	for (unsigned int gi = 0; gi < MIG_SIM_GIS_MAX; gi++) {
		char name[NAME_MAX_SIZE];
		int dir;

		mig_text_format(name, sizeof(name), "gi%u", gi);
		if (gpu->gi[gi].in_use)
			dir = make_directory(mig_dir, name);
		else
			dir = walk(mig_dir, name);
		if (dir < 0)
			continue;
		refresh_ci_files(dir, gpu_minor, gi, &gpu->gi[gi]);
		if (gpu->gi[gi].in_use)
			put_access_file(dir, mig_sim_cap_minor(gpu_minor, gi, MIG_SIM_NO_INSTANCE));
		close(dir);
		if (!gpu->gi[gi].in_use)
			remove_instance(mig_dir, name);
	}
}

/* ---- a refresh -------------------------------------------------------------------------------- */

struct refresh {
	int capabilities; /* descriptors of the two directories; -1: not there */
	int devices;
	int boot; /* where the boot id is; -1: not looked at */
	unsigned int gpu_index;
};

static void refresh_gpu(const struct refresh *refresh, const struct mig_sim_gpu_desc *desc,
			const struct mig_sim_gpu_state *gpu)
{
	char path[NAME_MAX_SIZE];
	int dir;

	if (desc->minor_number >= MIG_SIM_GPUS_MAX)
		return;
	mig_text_format(path, sizeof(path), "gpu%u/mig", desc->minor_number);
	dir = refresh->capabilities >= 0 ? walk(refresh->capabilities, path) : -1;
	if (dir >= 0) {
		refresh_files(dir, desc->minor_number, gpu);
		close(dir);
	}
	if (refresh->devices >= 0)
		refresh_devices(refresh->devices, desc->minor_number, gpu);
}

/* The kernel's own file, by which programs see that the machine was started anew. */
static void put_boot_id(int dir, const struct mig_sim_store *store,
			const struct mig_sim_state *state)
{
	char text[MIG_SIM_BOOT_ID_SIZE + 1];

	mig_sim_boot_id(store->node->name, state->reboots, text);
	text[MIG_SIM_BOOT_ID_SIZE - 1] = '\n';
	put_file(dir, BOOT_ID_FILE, text, MIG_SIM_BOOT_ID_SIZE);
}

static bool refresh_locked(void *cookie, const struct mig_sim_store *store,
			   struct mig_sim_state *state)
{
	const struct refresh *refresh = cookie;

	if (refresh->boot >= 0)
		put_boot_id(refresh->boot, store, state);
	for (uint32_t i = 0; i < store->node->gpu_count; i++) {
		if (refresh->gpu_index == MIG_SIM_ALL_GPUS || refresh->gpu_index == i)
			refresh_gpu(refresh, &store->node->gpus[i], &state->gpus[i]);
	}
	return false;
}

/* Root makes nothing in a directory of somebody else's, who could move things under its feet. */
static int open_trusted(const char *node_dir, const char *path)
{
	struct stat st;
	int fd = mig_sim_tree_open(node_dir, path);

	if (fd >= 0 && geteuid() == 0 && (fstat(fd, &st) < 0 || st.st_uid != 0)) {
		close(fd);
		return -1;
	}
	return fd;
}

void mig_sim_tree_refresh(struct mig_sim_store *store, unsigned int gpu_index)
{
	struct refresh refresh = {.boot = -1, .gpu_index = gpu_index};
	int saved_errno = errno;

	refresh.capabilities = open_trusted(store->path, CAPABILITIES_PATH);
	refresh.devices = open_trusted(store->path, DEVICES_PATH);
	/* Only a reboot changes it, and that is about all GPUs. */
	if (gpu_index == MIG_SIM_ALL_GPUS)
		refresh.boot = open_trusted(store->path, BOOT_PATH);
	if (refresh.capabilities >= 0 || refresh.devices >= 0 || refresh.boot >= 0) {
		/* It never changes the state; that it could not look at it is no failure here. */
		enum mig_sim_status ignored = mig_sim_store_update(store, refresh_locked, &refresh);

		(void)ignored;
	}
	close_fd(refresh.capabilities);
	close_fd(refresh.devices);
	close_fd(refresh.boot);
	errno = saved_errno;
}

/* ---- who may open them ------------------------------------------------------------------------ */

static bool can_open(const char *host_root, unsigned int minor)
{
	char path[TREE_PATH_SIZE];

	return mig_text_format(path, sizeof(path), "%s/dev/nvidia-caps/nvidia-cap%u", host_root,
			       minor) &&
	       faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) == 0;
}

bool mig_sim_tree_can_open(const char *host_root, unsigned int gpu_minor, unsigned int gi_id,
			   unsigned int ci_id)
{
	int saved_errno = errno;
	bool can = can_open(host_root, mig_sim_cap_minor(gpu_minor, gi_id, MIG_SIM_NO_INSTANCE)) &&
		   can_open(host_root, mig_sim_cap_minor(gpu_minor, gi_id, ci_id));

	errno = saved_errno;
	return can;
}
