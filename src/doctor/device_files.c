/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device files. The kernel module says in /proc which number and mode the file of each right and
 * instance has; udev or nvidia-modprobe make them, or did not.
 */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "doctor/check.h"
#include "shared/file.h"
#include "shared/hostroot.h"
#include "shared/number.h"
#include "shared/text.h"

#define FILE_MAX (1024 * 1024)
#define KEY_SIZE 64

struct files {
	struct mig_doctor *doctor;
	char *caps;	    /* /dev/nvidia-caps */
	char *capabilities; /* /proc/driver/nvidia/capabilities */
	struct mig_buf minors;
	bool has_major;
	unsigned int major; /* of nvidia-caps */
};

/* The number behind `key` in "config 1\nmonitor 2\ngpu0/gi0/access 3\n…". */
static bool find_minor(const struct files *files, const char *key, unsigned int *minor)
{
	const char *found = mig_doctor_line(mig_buf_text(&files->minors), key);

	return found != NULL && mig_doctor_number(found, minor);
}

/* "195 nvidia" of /proc/devices. */
static void find_major(struct files *files)
{
	_cleanup_free_ char *path =
		mig_host_path(files->doctor->ctx->host_root, MIG_HOST_PROC_DEVICES);
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(FILE_MAX);
	const char *found;

	if (path == NULL || mig_file_read(path, &text, NULL) < 0)
		return;
	found = strstr(mig_buf_text(&text), " nvidia-caps\n");
	if (found == NULL)
		return;
	while (found > mig_buf_text(&text) && found[-1] != '\n')
		found--;
	files->has_major = mig_doctor_number(found, &files->major);
}

/* The mode that the module wants; false if it leaves it to the administrator or does not say. */
static bool find_mode(const char *capability, unsigned int *mode)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(4096);
	const char *found;
	unsigned int modify;

	if (mig_file_read(capability, &text, NULL) < 0)
		return false;
	found = mig_doctor_line(mig_buf_text(&text), "DeviceFileModify");
	if (found != NULL && mig_doctor_number(found, &modify) && modify == 0)
		return false;
	found = mig_doctor_line(mig_buf_text(&text), "DeviceFileMode");
	return found != NULL && mig_doctor_number(found, mode);
}

static void mend_file(const struct files *files, bool must_remove, const char *node,
		      const char *capability)
{
	_cleanup_buf_ struct mig_buf command = MIG_BUF_INIT(FILE_MAX);

	if (files->doctor->device_command != NULL) {
		mig_doctor_mend(files->doctor, "%s", files->doctor->device_command);
		return;
	}
	if (must_remove) {
		mig_buf_puts(&command, "rm ");
		mig_text_quote_shell(&command, node);
		mig_buf_puts(&command, " && ");
	}
	mig_buf_puts(&command, "nvidia-modprobe -f ");
	mig_text_quote_shell(&command, capability);
	mig_doctor_mend(files->doctor, "%s", mig_buf_text(&command));
}

/* The file of one right or instance. */
static void check_file(const struct files *files, const char *what, const char *key,
		       const char *capability)
{
	struct mig_doctor *doctor = files->doctor;
	_cleanup_buf_ struct mig_buf quoted = MIG_BUF_INIT(FILE_MAX);
	_cleanup_free_ char *node = NULL;
	unsigned int minor = 0, mode = 0;
	struct stat st;

	if (!find_minor(files, key, &minor)) {
		mig_doctor_find(doctor, MIG_FINDING_PROBLEM, NULL,
				"mig-minors has no number for '%s' (%s)", key, what);
		mig_doctor_mend_machine(doctor, "reboot");
		mig_doctor_remark(doctor, "the kernel module does not know this place");
		return;
	}
	node = mig_asprintf("%s/nvidia-cap%u", files->caps, minor);
	if (node == NULL) {
		doctor->is_out_of_memory = true;
		return;
	}
	if (lstat(node, &st) < 0) {
		mig_doctor_find(doctor, MIG_FINDING_PROBLEM, node, "it is missing (%s): %s", what,
				strerror(errno));
		mend_file(files, false, node, capability);
		return;
	}
	/* Who may make no devices has files for them, on a simulated node. */
	if (!S_ISCHR(st.st_mode) && !(doctor->is_simulated && S_ISREG(st.st_mode))) {
		mig_doctor_find(doctor, MIG_FINDING_PROBLEM, node, "it is no device (%s)", what);
		mend_file(files, true, node, capability);
		return;
	}
	if (S_ISCHR(st.st_mode) && ((files->has_major && major(st.st_rdev) != files->major) ||
				    minor(st.st_rdev) != minor)) {
		mig_doctor_find(doctor, MIG_FINDING_PROBLEM, node,
				"it is device %u:%u and should be %u:%u (%s)", major(st.st_rdev),
				minor(st.st_rdev),
				files->has_major ? files->major : major(st.st_rdev), minor, what);
		mend_file(files, true, node, capability);
		return;
	}
	if (find_mode(capability, &mode) && (st.st_mode & 0777) != mode) {
		mig_doctor_find(doctor, MIG_FINDING_PROBLEM, node,
				"its mode is %04o and should be %04o (%s)", st.st_mode & 0777, mode,
				what);
		mig_text_quote_shell(&quoted, node);
		mig_doctor_mend(doctor, "chmod %04o %s", mode, mig_buf_text(&quoted));
	}
}

static void check_instance(const struct files *files, const struct mig_gpu *gpu, unsigned int gi_id,
			   const unsigned int *ci_id)
{
	char what[KEY_SIZE], key[KEY_SIZE], place[KEY_SIZE];
	_cleanup_free_ char *capability = NULL;

	if (ci_id == NULL) {
		mig_text_format(what, sizeof(what), "GPU %u GI %u", gpu->index, gi_id);
		mig_text_format(place, sizeof(place), "gi%u/access", gi_id);
	} else {
		mig_text_format(what, sizeof(what), "GPU %u GI %u CI %u", gpu->index, gi_id,
				*ci_id);
		mig_text_format(place, sizeof(place), "gi%u/ci%u/access", gi_id, *ci_id);
	}
	mig_text_format(key, sizeof(key), "gpu%u/%s", gpu->minor_number, place);
	capability = mig_asprintf("%s/gpu%u/mig/%s", files->capabilities, gpu->minor_number, place);
	if (capability == NULL)
		files->doctor->is_out_of_memory = true;
	else
		check_file(files, what, key, capability);
}

static void check_gpu(const struct files *files, const struct mig_gpu *gpu)
{
	struct mig_doctor *doctor = files->doctor;
	_cleanup_free_ char *dev = mig_host_path(doctor->ctx->host_root, MIG_HOST_DEV);
	_cleanup_free_ char *node = dev ? mig_asprintf("%s/nvidia%u", dev, gpu->minor_number)
					: NULL;

	if (node == NULL) {
		doctor->is_out_of_memory = true;
		return;
	}
	if (access(node, F_OK) != 0) {
		mig_doctor_find(doctor, MIG_FINDING_PROBLEM, node, "it is missing (GPU %u): %s",
				gpu->index, strerror(errno));
		if (doctor->device_command != NULL)
			mig_doctor_mend(doctor, "%s", doctor->device_command);
		else
			mig_doctor_mend(doctor, "nvidia-modprobe -c %u", gpu->minor_number);
	}
	for (unsigned int g = 0; g < gpu->gi_count; g++) {
		check_instance(files, gpu, gpu->gi[g].id, NULL);
		for (unsigned int c = 0; c < gpu->gi[g].ci_count; c++)
			check_instance(files, gpu, gpu->gi[g].id, &gpu->gi[g].ci[c].id);
	}
	for (unsigned int i = 0; i < gpu->device_count; i++) {
		check_instance(files, gpu, gpu->devices[i].gi_id, NULL);
		check_instance(files, gpu, gpu->devices[i].gi_id, &gpu->devices[i].ci_id);
	}
}

static void check_rights(const struct files *files)
{
	static const char *const rights[] = {"config", "monitor"};

	for (size_t i = 0; i < MIG_ARRAY_SIZE(rights); i++) {
		_cleanup_free_ char *capability =
			mig_asprintf("%s/mig/%s", files->capabilities, rights[i]);
		char what[KEY_SIZE];

		mig_text_format(what, sizeof(what), "the right '%s'", rights[i]);
		if (capability == NULL)
			files->doctor->is_out_of_memory = true;
		else
			check_file(files, what, rights[i], capability);
	}
}

/* ---- files of instances that are gone ------------------------------------------------------------ */

/* What has this number: "gpu0/gi3/access"; false if nothing can have it. */
static bool find_key(const struct files *files, unsigned int minor, char key[KEY_SIZE])
{
	const char *line = mig_buf_text(&files->minors);

	while (*line != '\0') {
		size_t len = strcspn(line, "\n"), name = strcspn(line, " \n");
		unsigned int number;

		if (name < len && mig_doctor_number(line + name, &number) && number == minor)
			return mig_text_format(key, KEY_SIZE, "%.*s", (int)name, line);
		line += len + (line[len] == '\n');
	}
	return false;
}

/* Whether a file of /dev/nvidia-caps belongs to an instance that is not there. */
static bool is_stale(const struct files *files, const char *name)
{
	static const char begin[] = "nvidia-cap";
	_cleanup_free_ char *capability = NULL;
	char key[KEY_SIZE];
	const char *inner;
	uint32_t minor;

	if (strncmp(name, begin, strlen(begin)) != 0 ||
	    mig_parse_u32(name + strlen(begin), 0, UINT32_MAX, &minor) < 0 ||
	    !find_key(files, minor, key) || strncmp(key, "gpu", strlen("gpu")) != 0)
		return false;
	/* "gpu0/gi3/access" is capabilities/gpu0/mig/gi3/access. */
	inner = strchr(key, '/');
	if (inner == NULL)
		return false;
	capability =
		mig_asprintf("%s/%.*s/mig%s", files->capabilities, (int)(inner - key), key, inner);
	return capability != NULL && access(capability, F_OK) < 0 && errno == ENOENT;
}

/* The number of such a file stays that of its place: the next instance there would be open to whoever
 * was given the file for the last one. */
static void check_stale(const struct files *files)
{
	_cleanup_buf_ struct mig_buf names = MIG_BUF_INIT(FILE_MAX);
	_cleanup_buf_ struct mig_buf paths = MIG_BUF_INIT(FILE_MAX);
	DIR *dir = access(files->capabilities, X_OK) == 0 ? opendir(files->caps) : NULL;
	struct dirent *entry;
	unsigned int count = 0;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		_cleanup_free_ char *path = NULL;

		if (!is_stale(files, entry->d_name))
			continue;
		mig_buf_printf(&names, "%s%s", count++ > 0 ? ", " : "", entry->d_name);
		path = mig_path_join(files->caps, entry->d_name);
		if (path == NULL)
			continue;
		mig_buf_putc(&paths, ' ');
		mig_text_quote_shell(&paths, path);
	}
	if (dir != NULL)
		closedir(dir);
	if (count == 0)
		return;
	mig_doctor_find(files->doctor, MIG_FINDING_NOTE, files->caps,
			"%u file%s of instances that are gone (%s): a new instance in such a place "
			"is open to who was given the file",
			count, count == 1 ? "" : "s", mig_buf_text(&names));
	mig_doctor_mend(files->doctor, "rm%s", mig_buf_text(&paths));
}

/* ---- all ----------------------------------------------------------------------------------------- */

static void check_all(struct files *files)
{
	struct mig_doctor *doctor = files->doctor;
	_cleanup_free_ char *minors = mig_host_path(doctor->ctx->host_root, MIG_HOST_MIG_MINORS);

	if (minors == NULL) {
		doctor->is_out_of_memory = true;
		return;
	}
	if (mig_file_read(minors, &files->minors, NULL) < 0) {
		mig_doctor_find(
			doctor, MIG_FINDING_PROBLEM, minors,
			"it cannot be read, so the device files of instances are not known");
		if (doctor->device_command != NULL) {
			mig_doctor_mend(doctor, "%s", doctor->device_command);
		} else {
			mig_doctor_mend(doctor, "modprobe nvidia");
			mig_doctor_remark(doctor, "its part nvidia-caps makes this file");
		}
		return;
	}
	find_major(files);
	check_rights(files);
	for (unsigned int i = 0; i < doctor->snapshot->gpu_count; i++) {
		if (!doctor->snapshot->gpus[i].is_lost)
			check_gpu(files, &doctor->snapshot->gpus[i]);
	}
	check_stale(files);
}

void mig_check_device_files(struct mig_doctor *doctor)
{
	struct files files = {.doctor = doctor, .minors = MIG_BUF_INIT(FILE_MAX)};

	if (!mig_doctor_has_mig(doctor))
		return;
	mig_doctor_skip_hidden(doctor);
	files.caps = mig_host_path(doctor->ctx->host_root, MIG_HOST_DEV_CAPS);
	files.capabilities = mig_host_path(doctor->ctx->host_root, MIG_HOST_CAPABILITIES);
	if (files.caps == NULL || files.capabilities == NULL)
		doctor->is_out_of_memory = true;
	else
		check_all(&files);
	free(files.caps);
	free(files.capabilities);
	mig_buf_clear(&files.minors);
}
