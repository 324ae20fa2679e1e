/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The jail's /proc and /sys: the driver, its devices and modules, and the node's GPUs as PCI devices.
 *
 * Nothing can be added to procfs, so what is not there cannot be covered. A kernel without loadable
 * modules has no /proc/modules: then /proc becomes a directory of links into the real one.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/file.h"
#include "shared/number.h"
#include "sim/control/jail_parts.h"
#include "sim/control/tree.h"

#define DEVICES_COPY  MIG_JAIL_SCRATCH "/devices"
#define MODULES_COPY  MIG_JAIL_SCRATCH "/modules"
#define REAL_PROC     ".procfs" /* below /proc, where that is a directory of links */
#define PID_MAX_FILE  "/proc/sys/kernel/pid_max"
#define PIDS_MAX      65536 /* links to processes that are made at most */
#define FILE_SIZE_MAX ((size_t)1 << 20)

/* The lines of a host's file that say nothing about NVIDIA's driver. */
static int read_foreign(const char *path, struct mig_buf *out, const char *ours_after,
			const struct mig_buf *ours, struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(FILE_SIZE_MAX);
	char *rest;
	char *line;

	if (access(path, R_OK) == 0 && mig_file_read(path, &text, err))
		return -1;
	rest = text.data;
	while ((line = strsep(&rest, "\n"))) {
		const char *name = line + strspn(line, " 0123456789");

		if (*line == '\0' && !rest)
			break;
		if (strncmp(name, "nvidia", strlen("nvidia")) == 0)
			continue;
		mig_buf_printf(out, "%s\n", line);
		if (ours_after && strcmp(line, ours_after) == 0)
			mig_buf_puts(out, mig_buf_text(ours));
	}
	if (!ours_after)
		mig_buf_puts(out, mig_buf_text(ours));
	return mig_buf_failed(out) ? mig_error_set_errno(err, ENOMEM, "cannot make the jail") : 0;
}

static int put_devices(const struct mig_sim_jail *jail, struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(FILE_SIZE_MAX);
	_cleanup_buf_ struct mig_buf ours = MIG_BUF_INIT(FILE_SIZE_MAX);

	mig_sim_trees_devices(jail->desc, &ours);
	if (read_foreign("/proc/devices", &text, "Character devices:", &ours, err) ||
	    mig_jail_put(DEVICES_COPY, mig_buf_text(&text), text.len, 0444, err))
		return -1;
	return mig_jail_bind(DEVICES_COPY, "/proc/devices", err);
}

/* ---- a kernel without modules ----------------------------------------------------------------- */

static int put_link(const char *name, struct mig_error **err)
{
	_cleanup_free_ char *path = mig_path_join("/proc", name);
	_cleanup_free_ char *target = mig_path_join(REAL_PROC, name);

	if (!path || !target || symlink(target, path))
		return mig_error_set_errno(err, path && target ? errno : ENOMEM,
					   "cannot make the jail: making '/proc/%s'", name);
	return 0;
}

/* Everything but processes. */
static int put_links(struct mig_error **err)
{
	DIR *dir = opendir("/proc/" REAL_PROC);
	struct dirent *entry;
	int result = 0;

	if (!dir)
		return mig_error_set_errno(err, errno, "cannot make the jail: looking into /proc");
	while (result == 0 && (entry = readdir(dir))) {
		if (entry->d_name[0] != '.' && !isdigit((unsigned char)entry->d_name[0]))
			result = put_link(entry->d_name, err);
	}
	closedir(dir);
	return result;
}

/* Also of processes that do not exist yet: their links lead nowhere until they do. */
static int put_process_links(uint32_t pid_max, struct mig_error **err)
{
	if (chdir("/proc"))
		return mig_error_set_errno(err, errno, "cannot make the jail: /proc");
	/* Downwards: the newest entry of a tmpfs is listed first. */
	for (uint32_t pid = pid_max - 1; pid > 0; pid--) {
		char target[64];
		char *name = target + strlen(REAL_PROC "/");

		snprintf(target, sizeof(target), REAL_PROC "/%u", pid);
		if (symlink(target, name))
			return mig_error_set_errno(err, errno, "cannot make the jail: making %s",
						   name);
	}
	return 0;
}

static bool read_pid_max(uint32_t *pid_max)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(64);
	uint64_t value;

	if (mig_file_read(PID_MAX_FILE, &text, NULL) || text.len == 0 ||
	    mig_parse_u64_n(text.data, text.len - 1, 1, PIDS_MAX, &value))
		return false;
	*pid_max = (uint32_t)value;
	return true;
}

/* Puts a directory of links in the place of /proc. With too many possible processes /proc stays as
 * it is, without /proc/modules (docs/simulator.md). */
static int replace_proc(const struct mig_buf *modules, struct mig_error **err)
{
	uint32_t pid_max;
	int proc;

	if (!read_pid_max(&pid_max))
		return 0;
	proc = mig_jail_grab("/proc", err);
	if (proc < 0 || mig_jail_tmpfs("/proc", err))
		return -1;
	if (mkdir("/proc/" REAL_PROC, 0755))
		return mig_error_set_errno(err, errno, "cannot make the jail: /proc");
	if (mig_jail_attach(proc, "/proc/" REAL_PROC, err) || put_links(err) ||
	    mig_jail_put("/proc/modules", mig_buf_text(modules), modules->len, 0444, err))
		return -1;
	return put_process_links(pid_max, err);
}

static int put_modules(const struct mig_sim_jail *jail, struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(FILE_SIZE_MAX);
	_cleanup_buf_ struct mig_buf ours = MIG_BUF_INIT(FILE_SIZE_MAX);

	mig_sim_trees_modules(jail->desc, &ours);
	if (read_foreign("/proc/modules", &text, NULL, &ours, err))
		return -1;
	if (access("/proc/modules", F_OK))
		return replace_proc(&text, err);
	if (mig_jail_put(MODULES_COPY, mig_buf_text(&text), text.len, 0444, err))
		return -1;
	return mig_jail_bind(MODULES_COPY, "/proc/modules", err);
}

/* ---- /sys ------------------------------------------------------------------------------------- */

/* The host's modules and the node's; where sysfs takes no overlay the node's alone. */
static int put_sys_modules(struct mig_error **err)
{
	if (mount("migsim", "/sys/module", "overlay", MS_RDONLY,
		  "lowerdir=" MIG_JAIL_NODE_ROOT "/sys/module:/sys/module") == 0)
		return 0;
	return mig_jail_bind(MIG_JAIL_NODE_ROOT "/sys/module", "/sys/module", err);
}

int mig_jail_proc(const struct mig_sim_jail *jail, struct mig_error **err)
{
	static const char *const shown[] = {"/proc/driver", "/sys/bus/pci", "/sys/module"};

	for (size_t i = 0; i < MIG_ARRAY_SIZE(shown); i++) {
		_cleanup_free_ char *source = mig_path_join(MIG_JAIL_NODE_ROOT, shown[i]);

		if (!source)
			return mig_error_set_errno(err, ENOMEM, "cannot make the jail");
		if (mig_jail_is_directory(source) && mig_jail_is_directory(shown[i]))
			continue;
		mig_error_set(err, MIG_ERROR_REFUSED, "cannot make the jail: there is no '%s'",
			      mig_jail_is_directory(source) ? shown[i] : source);
		return mig_error_hint(err, "%s",
				      mig_jail_is_directory(source)
					      ? "mount proc and sysfs, or use sim exec without "
						"--jail"
					      : "make the node again: migctl sim create NEW -f "
						"NODE/node.json");
	}
	if (mig_jail_bind(MIG_JAIL_NODE_ROOT "/proc/driver", "/proc/driver", err) ||
	    mig_jail_bind(MIG_JAIL_NODE_ROOT "/sys/bus/pci", "/sys/bus/pci", err) ||
	    put_sys_modules(err) || put_devices(jail, err))
		return -1;
	return put_modules(jail, err);
}
