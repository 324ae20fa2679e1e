/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening NODE/state for reading: it is mapped, checked from end to end once, and from then on
 * every read is a look at memory. Must not write anything, nor know how writing works.
 */
#include "sim/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "shared/text.h"
#include "sim/store/format.h"

const char *mig_sim_status_word(enum mig_sim_status status)
{
	static const char *const words[MIG_SIM_STATUS_COUNT] = {
		[MIG_SIM_OK] = "ok",
		[MIG_SIM_NO_NODE] = "no node",
		[MIG_SIM_NO_PERMISSION] = "no permission",
		[MIG_SIM_BAD_VERSION] = "unknown format version",
		[MIG_SIM_DAMAGED] = "damaged",
		[MIG_SIM_IO] = "input or output failed",
		[MIG_SIM_UNCHANGED] = "unchanged",
	};

	return (unsigned int)status < MIG_SIM_STATUS_COUNT ? words[status] : "unknown status";
}

/* Maps the file behind `fd` if its size is possible at all. */
static enum mig_sim_status map_file(struct mig_sim_store *store, int fd, const char *shown,
				    struct mig_sim_failure *failure)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return mig_sim_fail(failure, MIG_SIM_IO, errno, "cannot look at state file '%s'",
				    shown);
	if (st.st_size == 0)
		return mig_sim_fail(failure, MIG_SIM_DAMAGED, 0, "state file '%s' is empty", shown);
	if ((uint64_t)st.st_size > mig_sim_file_size_max())
		return mig_sim_fail(failure, MIG_SIM_DAMAGED, 0,
				    "state file '%s' is too long: %jd bytes, the largest has "
				    "%" PRIu64,
				    shown, (intmax_t)st.st_size, mig_sim_file_size_max());
	store->map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (store->map == MAP_FAILED) {
		store->map = NULL;
		return mig_sim_fail(failure, MIG_SIM_IO, errno, "cannot map state file '%s'",
				    shown);
	}
	store->map_size = (uint64_t)st.st_size;
	store->device = st.st_dev;
	store->inode = st.st_ino;
	return MIG_SIM_OK;
}

/* Finds the parts in a map whose header is known to be good. */
static void set_parts(struct mig_sim_store *store)
{
	const char *base = store->map;
	const struct mig_sim_header *header = store->map;

	store->node = (const void *)(base + header->node_offset);
	store->models = (const void *)(base + header->models_offset);
	store->generation = &header->generation;
	for (unsigned int i = 0; i < 2; i++)
		store->copies[i] = (const void *)(base + header->copy_offsets[i]);
	store->state_size = header->state_size;
}

static enum mig_sim_status check_copies(struct mig_sim_store *store, const char *shown,
					struct mig_sim_failure *failure)
{
	_cleanup_free_ struct mig_sim_state *state = malloc(2 * store->state_size);
	char why[MIG_SIM_DETAIL_SIZE];
	struct mig_sim_choice choice;

	if (!state)
		return mig_sim_fail(failure, MIG_SIM_IO, ENOMEM, "cannot check state file '%s'",
				    shown);
	if (!mig_sim_copies_choose(store, state, (void *)((char *)state + store->state_size),
				   &choice, why))
		return mig_sim_fail(failure, MIG_SIM_DAMAGED, 0, "state file '%s' %s", shown, why);
	if (choice.index != (choice.generation & 1))
		store->bad_generation = choice.generation;
	return MIG_SIM_OK;
}

static enum mig_sim_status map_and_check(struct mig_sim_store *store, const char *node_dir, int dir,
					 struct mig_sim_failure *failure)
{
	char shown[MIG_SIM_SHOWN_PATH_SIZE];
	char why[MIG_SIM_DETAIL_SIZE];
	enum mig_sim_status status;
	int fd;

	status = mig_sim_file_open(dir, node_dir, MIG_SIM_STATE_FILE, "state file", O_RDONLY, 0,
				   &fd, failure);
	if (status != MIG_SIM_OK)
		return status;
	mig_sim_shown_path(shown, node_dir, MIG_SIM_STATE_FILE);
	status = map_file(store, fd, shown, failure);
	mig_sim_file_close(fd);
	if (status != MIG_SIM_OK)
		return status;
	status = mig_sim_static_check(store->map, store->map_size, why);
	if (status != MIG_SIM_OK)
		return mig_sim_fail(failure, status, 0, "state file '%s' %s", shown, why);
	set_parts(store);
	return check_copies(store, shown, failure);
}

enum mig_sim_status mig_sim_store_open(struct mig_sim_store *store, const char *node_dir)
{
	struct mig_sim_failure failure = {.detail = store->detail};
	int host_errno = errno;
	enum mig_sim_status status;
	int dir;

	memset(store, 0, sizeof(*store));
	store->bad_generation = MIG_SIM_NO_GENERATION;
	store->path = strdup(node_dir);
	if (!store->path) {
		status = mig_sim_fail(&failure, MIG_SIM_IO, ENOMEM, "cannot open a node");
	} else {
		status = mig_sim_dir_open(node_dir, &dir, &failure);
		if (status == MIG_SIM_OK)
			status = map_and_check(store, node_dir, dir, &failure);
		mig_sim_file_close(dir);
	}
	if (status != MIG_SIM_OK) {
		mig_sim_store_close(store);
		store->saved_errno = failure.saved_errno;
	}
	errno = host_errno;
	return status;
}

void mig_sim_store_close(struct mig_sim_store *store)
{
	int host_errno = errno;

	if (store->map)
		munmap(store->map, store->map_size);
	free(store->path);
	store->map = NULL;
	store->path = NULL;
	store->node = NULL;
	store->models = NULL;
	store->generation = NULL;
	store->copies[0] = store->copies[1] = NULL;
	errno = host_errno;
}
