/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making NODE/state: built whole in memory, written under another name, made durable, renamed. All
 * under NODE/lock, so that of two makers one fails, and a leftover of one that died is removed.
 * The space is reserved first: a later write of the state can never meet a full disk.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "sim/store/format.h"
#include "sim/store/store.h"

#define NEW_STATE_FILE	 MIG_SIM_STATE_FILE ".new"
#define STATE_MODE	 0644 /* less the umask: who may read the node */
#define FIRST_GENERATION 2    /* the other copy is generation 1 with the same content */

/* One creation. */
struct maker {
	const char *node_dir;
	int dir;
	void *image;
	uint64_t size;
	struct mig_sim_failure *failure;
	char shown[MIG_SIM_SHOWN_PATH_SIZE]; /* of the state file */
};

static enum mig_sim_status check_input(const struct mig_sim_node_desc *node,
				       const struct mig_gpu_table *models,
				       const struct mig_sim_gpu_state *states,
				       const struct maker *maker)
{
	char why[MIG_SIM_DETAIL_SIZE];

	if (!mig_sim_node_validate(node, why))
		return mig_sim_fail(maker->failure, MIG_SIM_DAMAGED, 0,
				    "the new state file '%s' %s", maker->shown, why);
	for (uint32_t i = 0; i < node->model_count; i++)
		if (!mig_sim_model_validate(&models[i], why))
			return mig_sim_fail(maker->failure, MIG_SIM_DAMAGED, 0,
					    "the new state file '%s' %s", maker->shown, why);
	for (uint32_t i = 0; i < node->gpu_count; i++)
		if (!mig_sim_gpu_state_validate(&models[node->gpus[i].model], &states[i], why))
			return mig_sim_fail(maker->failure, MIG_SIM_DAMAGED, 0,
					    "the new state file '%s' has a bad state of GPU "
					    "%" PRIu32 ": %s",
					    maker->shown, i, why);
	return MIG_SIM_OK;
}

static enum mig_sim_status build_image(struct maker *maker, const struct mig_sim_node_desc *node,
				       const struct mig_gpu_table *models,
				       const struct mig_sim_gpu_state *states)
{
	struct mig_sim_header *header;
	char *base;

	maker->size = mig_sim_store_file_size(node->gpu_count, node->model_count);
	base = calloc(1, maker->size);
	if (!base)
		return mig_sim_fail(maker->failure, MIG_SIM_IO, ENOMEM,
				    "cannot make state file '%s'", maker->shown);
	maker->image = base;
	header = maker->image;
	mig_sim_header_init(header, node->gpu_count, node->model_count);
	memcpy(base + header->node_offset, node, sizeof(*node));
	if (node->model_count > 0)
		memcpy(base + header->models_offset, models, node->model_count * sizeof(*models));
	header->static_checksum = mig_sim_static_checksum(header, node, models);
	header->generation = FIRST_GENERATION;
	for (unsigned int i = 0; i < 2; i++) {
		struct mig_sim_state *state = (void *)(base + header->copy_offsets[i]);

		if (node->gpu_count > 0)
			memcpy(state->gpus, states, node->gpu_count * sizeof(*states));
		state->generation = FIRST_GENERATION - (i != FIRST_GENERATION % 2);
		state->checksum = mig_sim_state_checksum(state, header->state_size);
	}
	return MIG_SIM_OK;
}

/* Returns 0 or an errno. */
static int write_at_start(int fd, const char *bytes, uint64_t size)
{
	uint64_t done = 0;

	while (done < size) {
		ssize_t got = pwrite(fd, bytes + done, size - done, (off_t)done);

		if (got > 0)
			done += (uint64_t)got;
		else if (got == 0)
			return ENOSPC;
		else if (errno != EINTR)
			return errno;
	}
	return 0;
}

static int reserve(int fd, uint64_t size)
{
	int error;

	do
		error = posix_fallocate(fd, 0, (off_t)size);
	while (error == EINTR);
	return error;
}

/*
 * A file size limit of the process (ulimit -f) is told by EFBIG and also by a signal that ends the
 * process. Signals are blocked here, so it is pending; the error says the same in words.
 */
static void take_back_size_signal(void)
{
	const struct timespec now = {0};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGXFSZ);
	sigtimedwait(&set, NULL, &now);
}

/* The image as a durable file of another name. */
static enum mig_sim_status write_image(const struct maker *maker)
{
	enum mig_sim_status status;
	int error, fd;

	unlinkat(maker->dir, NEW_STATE_FILE, 0); /* of one who died here */
	status = mig_sim_file_open(maker->dir, maker->node_dir, NEW_STATE_FILE, "state file",
				   O_RDWR | O_CREAT | O_EXCL, STATE_MODE, &fd, maker->failure);
	if (status != MIG_SIM_OK)
		return status;
	error = reserve(fd, maker->size);
	if (error == 0)
		error = write_at_start(fd, maker->image, maker->size);
	if (error == 0 && fsync(fd) < 0)
		error = errno;
	if (close(fd) < 0 && error == 0 && errno != EINTR)
		error = errno;
	if (error == 0)
		return MIG_SIM_OK;
	if (error == EFBIG)
		take_back_size_signal();
	unlinkat(maker->dir, NEW_STATE_FILE, 0);
	return mig_sim_fail(maker->failure, MIG_SIM_IO, error,
			    "cannot write the %" PRIu64 " bytes of state file '%s'", maker->size,
			    maker->shown);
}

/* Gives the file its name. The lock is held; others than us may still have made one. */
static int rename_image(const struct maker *maker)
{
	if (renameat2(maker->dir, NEW_STATE_FILE, maker->dir, MIG_SIM_STATE_FILE,
		      RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS) /* what file systems without the flag say */
		return errno;
	if (renameat(maker->dir, NEW_STATE_FILE, maker->dir, MIG_SIM_STATE_FILE) == 0)
		return 0;
	return errno;
}

static enum mig_sim_status put_in_place(const struct maker *maker)
{
	int error = rename_image(maker);
	const char *name = NEW_STATE_FILE;

	if (error == 0) {
		name = MIG_SIM_STATE_FILE;
		/* EINVAL: a file system that does not do this for directories. */
		if (fsync(maker->dir) < 0 && errno != EINVAL)
			error = errno;
	}
	if (error == 0)
		return MIG_SIM_OK;
	unlinkat(maker->dir, name, 0);
	return mig_sim_fail(maker->failure, MIG_SIM_IO, error, "cannot make state file '%s'",
			    maker->shown);
}

static bool has_state(const struct maker *maker)
{
	struct stat st;

	return fstatat(maker->dir, MIG_SIM_STATE_FILE, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static enum mig_sim_status make_locked(const struct maker *maker)
{
	enum mig_sim_status status;

	if (has_state(maker))
		return mig_sim_fail(maker->failure, MIG_SIM_IO, EEXIST,
				    "there is a state file '%s' already", maker->shown);
	status = write_image(maker);
	return status == MIG_SIM_OK ? put_in_place(maker) : status;
}

enum mig_sim_status mig_sim_store_create(const char *node_dir, const struct mig_sim_node_desc *node,
					 const struct mig_gpu_table *models,
					 const struct mig_sim_gpu_state *states, char *detail)
{
	struct mig_sim_failure failure = {.detail = detail};
	struct maker maker = {.node_dir = node_dir, .dir = -1, .failure = &failure};
	int host_errno = errno;
	enum mig_sim_status status;
	struct mig_sim_lock lock;

	mig_sim_shown_path(maker.shown, node_dir, MIG_SIM_STATE_FILE);
	status = check_input(node, models, states, &maker);
	if (status == MIG_SIM_OK)
		status = build_image(&maker, node, models, states);
	if (status == MIG_SIM_OK)
		status = mig_sim_dir_open(node_dir, &maker.dir, &failure);
	if (status == MIG_SIM_OK)
		status = mig_sim_lock_take(&lock, maker.dir, node_dir, true, &failure);
	if (status == MIG_SIM_OK) {
		status = make_locked(&maker);
		/* Another maker may have locked our file before us and be done: it is its lock now. */
		if (status != MIG_SIM_OK && lock.was_made && !has_state(&maker))
			unlinkat(maker.dir, MIG_SIM_LOCK_FILE, 0);
		mig_sim_lock_release(&lock);
	}
	mig_sim_file_close(maker.dir);
	free(maker.image);
	if (status == MIG_SIM_OK)
		detail[0] = '\0'; /* the way there may have had its words */
	errno = host_errno;
	return status;
}
