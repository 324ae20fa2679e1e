/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changing the state: lock, look, repair if need be, change a private copy, publish.
 *
 * The map that readers use is read-only; the file is mapped writable for the moment of the write,
 * so that a stray pointer of the host cannot reach it at other times. Knows nothing of what a
 * change means.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "sim/store/format.h"
#include "sim/store/store.h"

/* The writable map of one write. */
struct writer {
	struct mig_sim_header *header;
	struct mig_sim_state *copies[2];
};

/* Whether `fd` is still the file that was opened for reading. */
static enum mig_sim_status check_file(const struct mig_sim_store *store, int fd,
				      struct mig_sim_failure *failure)
{
	char shown[MIG_SIM_SHOWN_PATH_SIZE];
	struct stat st;

	mig_sim_shown_path(shown, store->path, MIG_SIM_STATE_FILE);
	if (fstat(fd, &st) < 0)
		return mig_sim_fail(failure, MIG_SIM_IO, errno, "cannot look at state file '%s'",
				    shown);
	if (st.st_dev != store->device || st.st_ino != store->inode || st.st_nlink == 0)
		return mig_sim_fail(failure, MIG_SIM_NO_NODE, 0,
				    "the node of state file '%s' was removed or made anew while "
				    "this process used it; start the program again",
				    shown);
	if ((uint64_t)st.st_size != store->map_size)
		return mig_sim_fail(failure, MIG_SIM_DAMAGED, 0,
				    "state file '%s' is cut short or too long: %jd bytes instead "
				    "of %" PRIu64,
				    shown, (intmax_t)st.st_size, store->map_size);
	return MIG_SIM_OK;
}

/*
 * Makes the header name the copy that counts by its own generation number, so that what follows is
 * a write like any other. The content that readers see does not change, at any instruction.
 * `state` is that copy's content.
 */
static void repair(const struct writer *writer, struct mig_sim_state *state, uint64_t state_size,
		   struct mig_sim_choice *choice)
{
	uint64_t named = choice->generation;

	if (choice->is_clean)
		return;
	if (state->generation > named)
		named = state->generation;
	else if ((named & 1) != choice->index)
		named++;
	/* First away from a copy that must be written: its readers begin again. */
	if (named != choice->generation)
		mig_sim_store_put((mig_sim_word *)&writer->header->generation, named);
	if (named != state->generation) {
		named++;
		mig_sim_copies_publish(writer->header, writer->copies, state, state_size, named);
	}
	choice->generation = named;
	choice->index = named & 1;
	choice->is_clean = true;
}

static enum mig_sim_status change_and_publish(struct mig_sim_store *store,
					      const struct writer *writer, mig_sim_change_fn change,
					      void *cookie, struct mig_sim_state *state,
					      struct mig_sim_failure *failure)
{
	struct mig_sim_state *scratch = (void *)((char *)state + store->state_size);
	char shown[MIG_SIM_SHOWN_PATH_SIZE];
	char why[MIG_SIM_DETAIL_SIZE];
	struct mig_sim_choice choice;

	mig_sim_shown_path(shown, store->path, MIG_SIM_STATE_FILE);
	if (!mig_sim_copies_choose(store, state, scratch, &choice, why))
		return mig_sim_fail(failure, MIG_SIM_DAMAGED, 0, "state file '%s' %s", shown, why);
	/* A repair may take two numbers, the change one. */
	if (MIG_MAX(choice.generation, state->generation) > MIG_SIM_GENERATION_MAX - 3)
		return mig_sim_fail(
			failure, MIG_SIM_DAMAGED, 0,
			"state file '%s' is damaged: its generation numbers are used up", shown);
	repair(writer, state, store->state_size, &choice);
	if (!change(cookie, store, state))
		return MIG_SIM_UNCHANGED;
	if (!mig_sim_common_state_validate(store->node, state, why))
		return mig_sim_fail(failure, MIG_SIM_DAMAGED, 0,
				    "refused to write a state that cannot be to '%s': %.60s", shown,
				    why);
	for (uint32_t i = 0; i < store->node->gpu_count; i++)
		if (!mig_sim_gpu_state_validate(&store->models[store->node->gpus[i].model],
						&state->gpus[i], why))
			return mig_sim_fail(failure, MIG_SIM_DAMAGED, 0,
					    "refused to write a state that cannot be to '%s': GPU "
					    "%" PRIu32 ": %.60s",
					    shown, i, why);
	mig_sim_copies_publish(writer->header, writer->copies, state, store->state_size,
			       choice.generation + 1);
	mig_sim_store_wake(store);
	return MIG_SIM_OK;
}

static enum mig_sim_status map_and_change(struct mig_sim_store *store, int fd,
					  mig_sim_change_fn change, void *cookie,
					  struct mig_sim_failure *failure)
{
	_cleanup_free_ struct mig_sim_state *state = malloc(2 * store->state_size);
	char shown[MIG_SIM_SHOWN_PATH_SIZE];
	enum mig_sim_status status;
	struct writer writer;
	char *map;

	mig_sim_shown_path(shown, store->path, MIG_SIM_STATE_FILE);
	if (!state)
		return mig_sim_fail(failure, MIG_SIM_IO, ENOMEM, "cannot change state file '%s'",
				    shown);
	map = mmap(NULL, store->map_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return mig_sim_fail(failure, MIG_SIM_IO, errno, "cannot map state file '%s'",
				    shown);
	/* A child forked meanwhile by another thread has no use for it. */
	madvise(map, store->map_size, MADV_DONTFORK);
	writer.header = (void *)map;
	for (unsigned int i = 0; i < 2; i++)
		writer.copies[i] =
			(void *)(map + ((const char *)store->copies[i] - (char *)store->map));
	status = change_and_publish(store, &writer, change, cookie, state, failure);
	munmap(map, store->map_size);
	return status;
}

static enum mig_sim_status lock_and_change(struct mig_sim_store *store, int dir,
					   mig_sim_change_fn change, void *cookie,
					   struct mig_sim_failure *failure)
{
	enum mig_sim_status status;
	struct mig_sim_lock lock;
	int fd;

	status = mig_sim_file_open(dir, store->path, MIG_SIM_STATE_FILE, "state file", O_RDWR, 0,
				   &fd, failure);
	if (status != MIG_SIM_OK)
		return status;
	status = check_file(store, fd, failure);
	if (status == MIG_SIM_OK)
		status = mig_sim_lock_take(&lock, dir, store->path, false, failure);
	if (status == MIG_SIM_OK) {
		/* Again: it may have been removed while we waited. */
		status = check_file(store, fd, failure);
		if (status == MIG_SIM_OK)
			status = map_and_change(store, fd, change, cookie, failure);
		mig_sim_lock_release(&lock);
	}
	mig_sim_file_close(fd);
	return status;
}

/* Byte by byte: threads that share a store may fail at the same time. The last one's words stay. */
static void keep_failure(struct mig_sim_store *store, const struct mig_sim_failure *failure)
{
	for (size_t i = 0; i < sizeof(store->detail); i++)
		__atomic_store_n(&store->detail[i], failure->detail[i], __ATOMIC_RELAXED);
	__atomic_store_n(&store->saved_errno, failure->saved_errno, __ATOMIC_RELAXED);
}

enum mig_sim_status mig_sim_store_update(struct mig_sim_store *store, mig_sim_change_fn change,
					 void *cookie)
{
	char detail[MIG_SIM_DETAIL_SIZE] = "";
	struct mig_sim_failure failure = {.detail = detail};
	int host_errno = errno;
	enum mig_sim_status status;
	int dir;

	status = mig_sim_dir_open(store->path, &dir, &failure);
	if (status == MIG_SIM_OK)
		status = lock_and_change(store, dir, change, cookie, &failure);
	mig_sim_file_close(dir);
	if (status != MIG_SIM_OK && status != MIG_SIM_UNCHANGED)
		keep_failure(store, &failure);
	errno = host_errno;
	return status;
}
