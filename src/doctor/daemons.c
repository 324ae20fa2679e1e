/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who keeps a GPU open without running on an instance: kernel modules, and daemons. They are in the
 * way of a reset, and so of a change of the MIG mode; where one is pending they are a problem.
 */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "doctor/check.h"
#include "shared/file.h"
#include "shared/hostroot.h"
#include "shared/number.h"
#include "shared/text.h"

#define FILE_MAX  (1024 * 1024)
#define NAME_SIZE 64
#define LINK_SIZE 512

/* As the kernel has their names, at most 15 bytes, and what ends them. */
static const struct {
	const char *name, *what, *mend;
} daemons[] = {
	{"nvidia-persiste", "nvidia-persistenced keeps the GPUs initialised",
	 "systemctl stop nvidia-persistenced"},
	{"nv-hostengine", "the monitoring daemon of DCGM", "systemctl stop nvidia-dcgm"},
	{"dcgm-exporter", "a monitoring daemon (DCGM exporter)", "systemctl stop dcgm-exporter"},
	{"nvidia_gpu_expo", "a monitoring daemon (nvidia_gpu_exporter)",
	 "systemctl stop nvidia_gpu_exporter"},
	{"nvidia-device-p", "the device plugin of Kubernetes",
	 "kubectl label node NODE nvidia.com/gpu.deploy.device-plugin=false --overwrite"},
	{"gpu-feature-dis", "the feature discovery of Kubernetes",
	 "kubectl label node NODE nvidia.com/gpu.deploy.gpu-feature-discovery=false --overwrite"},
	{"Xorg", "an X server", "systemctl isolate multi-user.target"},
	{"nvtop", "a monitor", "pkill nvtop"},
};

static enum mig_finding_kind kind_now(const struct mig_doctor *doctor)
{
	for (unsigned int i = 0; doctor->snapshot != NULL && i < doctor->snapshot->gpu_count; i++) {
		const struct mig_gpu *gpu = &doctor->snapshot->gpus[i];

		if (gpu->is_mig_capable && gpu->mig_current != gpu->mig_pending)
			return MIG_FINDING_PROBLEM;
	}
	return MIG_FINDING_NOTE;
}

/* ---- kernel modules ----------------------------------------------------------------------------- */

void mig_check_modules(struct mig_doctor *doctor)
{
	_cleanup_free_ char *path = mig_host_path(doctor->ctx->host_root, MIG_HOST_PROC_MODULES);
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(FILE_MAX);
	const char *found;
	unsigned int users = 0;

	if (path == NULL || mig_file_read(path, &text, NULL) < 0) {
		/* A kernel without modules has no such file. */
		if (path != NULL && access(path, F_OK) == 0)
			mig_doctor_find(doctor, MIG_FINDING_SKIPPED, path, "it cannot be read");
		return;
	}
	/* "nvidia_drm 77824 4 - Live …": the size, then the users. */
	found = mig_doctor_line(mig_buf_text(&text), "nvidia_drm");
	if (found == NULL)
		return;
	mig_doctor_number(found + strcspn(found, " \n"), &users);
	mig_doctor_find(
		doctor, users > 0 ? kind_now(doctor) : MIG_FINDING_NOTE, "nvidia_drm",
		"the kernel module for graphics is loaded (%u users): it is in the way of a "
		"reset, and so of a change of the MIG mode that needs one",
		users);
	mig_doctor_mend_machine(doctor,
				"systemctl isolate multi-user.target && modprobe -r nvidia_drm");
}

/* ---- daemons ------------------------------------------------------------------------------------ */

static void find_daemon(struct mig_doctor *doctor, unsigned int pid, const char *name,
			const char *where)
{
	char subject[NAME_SIZE + 32];

	mig_text_format(subject, sizeof(subject), "process %u (%s)", pid, name);
	for (size_t i = 0; i < MIG_ARRAY_SIZE(daemons); i++) {
		if (strcmp(name, daemons[i].name) != 0)
			continue;
		mig_doctor_find(
			doctor, kind_now(doctor), subject,
			"%s: it holds %s and is in the way of a reset, and so of a change of "
			"the MIG mode",
			daemons[i].what, where);
		mig_doctor_mend_machine(doctor, "%s", daemons[i].mend);
		return;
	}
	mig_doctor_find(
		doctor, kind_now(doctor), subject,
		"it holds %s and is in the way of a reset, and so of a change of the MIG mode",
		where);
	mig_doctor_mend(doctor, "kill %u", pid);
}

/* Whether it has a GPU open; its path into `device`. *is_hidden: only root may see that. */
static bool has_gpu_open(const char *process, char device[LINK_SIZE], bool *is_hidden)
{
	_cleanup_free_ char *path = mig_path_join(process, "fd");
	DIR *dir = path ? opendir(path) : NULL;
	struct dirent *entry;
	bool found = false;

	*is_hidden = path != NULL && dir == NULL && errno == EACCES;

	while (dir != NULL && !found && (entry = readdir(dir)) != NULL) {
		ssize_t len = readlinkat(dirfd(dir), entry->d_name, device, LINK_SIZE - 1);

		if (len <= 0)
			continue;
		device[len] = '\0';
		found = strncmp(device, "/dev/nvidia", strlen("/dev/nvidia")) == 0;
	}
	if (dir != NULL)
		closedir(dir);
	return found;
}

static bool is_daemon(const char *name)
{
	for (size_t i = 0; i < MIG_ARRAY_SIZE(daemons); i++) {
		if (strcmp(name, daemons[i].name) == 0)
			return true;
	}
	return false;
}

static bool read_name(const char *process, char name[NAME_SIZE])
{
	_cleanup_free_ char *path = mig_path_join(process, "comm");
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(4096);

	if (path == NULL || mig_file_read(path, &text, NULL) < 0)
		return false;
	mig_text_copy(name, NAME_SIZE, mig_buf_text(&text));
	name[strcspn(name, "\n")] = '\0';
	return true;
}

static bool is_listed(const struct mig_doctor *doctor, unsigned int pid)
{
	for (unsigned int i = 0; doctor->snapshot != NULL && i < doctor->snapshot->gpu_count; i++) {
		const struct mig_gpu *gpu = &doctor->snapshot->gpus[i];

		for (unsigned int h = 0; h < gpu->holder_count; h++) {
			if (gpu->holders[h].pid == pid)
				return true;
		}
	}
	return false;
}

static void skip_daemon(struct mig_doctor *doctor, unsigned int pid, const char *name)
{
	char subject[NAME_SIZE + 32];

	mig_text_format(subject, sizeof(subject), "process %u (%s)", pid, name);
	mig_doctor_find(doctor, MIG_FINDING_SKIPPED, subject, "only root sees what it has open");
}

/* Daemons that only watch are in no list of NVML, but have the device open. */
static void look_through_processes(struct mig_doctor *doctor)
{
	_cleanup_free_ char *proc = mig_host_path(doctor->ctx->host_root, MIG_HOST_PROC);
	DIR *dir = proc ? opendir(proc) : NULL;
	struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		_cleanup_free_ char *process = NULL;
		char name[NAME_SIZE], device[LINK_SIZE];
		bool is_hidden;
		uint32_t pid;

		if (mig_parse_u32(entry->d_name, 1, INT32_MAX, &pid) < 0)
			continue;
		process = mig_path_join(proc, entry->d_name);
		if (process == NULL || !read_name(process, name) || !is_daemon(name) ||
		    is_listed(doctor, pid))
			continue;
		if (has_gpu_open(process, device, &is_hidden))
			find_daemon(doctor, pid, name, device);
		else if (is_hidden)
			skip_daemon(doctor, pid, name);
	}
	if (dir != NULL)
		closedir(dir);
}

void mig_check_daemons(struct mig_doctor *doctor)
{
	if (doctor->snapshot != NULL) {
		mig_doctor_skip_gpus(doctor, mig_doctor_is_lost, "it is lost");
		mig_doctor_skip_gpus(doctor, mig_doctor_is_restricted,
				     "only root sees who uses it");
	}
	for (unsigned int i = 0; doctor->snapshot != NULL && i < doctor->snapshot->gpu_count; i++) {
		const struct mig_gpu *gpu = &doctor->snapshot->gpus[i];

		for (unsigned int h = 0; h < gpu->holder_count; h++) {
			char where[32];

			mig_text_format(where, sizeof(where), "GPU %u", gpu->index);
			find_daemon(doctor, gpu->holders[h].pid, gpu->holders[h].name, where);
		}
	}
	look_through_processes(doctor);
}
