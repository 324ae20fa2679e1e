/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The context of the process: counted Init and Shutdown, and the node's mapped state.
 *
 * Readers take no lock. They load one pointer, `active`, which is NULL while the count is 0. What
 * it points to must outlive a call that runs while another thread shuts down, so maps are not
 * released by Shutdown: they stay in a fixed table. Init of the same state file (device and inode)
 * uses the map that is there; a different node gets a row of its own. Only when all rows are taken
 * is the oldest one, not in use for that many changes of node, given up. The destructor, run by
 * dlclose, releases them all.
 *
 * The lock (lock.c) is for Init, Shutdown and event sets. A child forked while another thread held
 * it takes it over; that is safe because a row is complete before one store publishes it.
 */
#include "sim/abi/context.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nvml/symbols.h"
#include "shared/text.h"
#include "sim/abi/branch.h"
#include "sim/abi/events.h"
#include "sim/abi/failure.h"
#include "sim/abi/lock.h"
#include "sim/abi/sim_env.h"

#define NODE_PATH_SIZE 4096

enum {
	MAPS_MAX = 64,
};

/* One node's state that has been mapped. */
struct mapped_node {
	struct mig_sim_store store;
	bool is_used;
};

static struct {
	/* Rows are filled in under the lock and then only read. */
	struct mapped_node maps[MAPS_MAX];
	unsigned int next_map;
	unsigned int init_count;
	bool is_unprivileged; /* by the environment, at the first Init */
	struct mig_sim_store *active;
	char host_root[NODE_PATH_SIZE]; /* written only when it changes between Inits */
	char node_path[NODE_PATH_SIZE]; /* what mig_abi_node_path answers without a store */
} context;

struct mig_sim_store *mig_abi_store(void)
{
	return __atomic_load_n(&context.active, __ATOMIC_ACQUIRE);
}

nvmlReturn_t mig_abi_stub(void)
{
	return mig_abi_store() ? NVML_ERROR_NOT_SUPPORTED : NVML_ERROR_UNINITIALIZED;
}

bool mig_abi_is_admin(const struct mig_sim_store *store)
{
	uid_t uid = geteuid();

	if (__atomic_load_n(&context.is_unprivileged, __ATOMIC_RELAXED))
		return false;
	return uid == 0 || uid == store->node->owner_uid;
}

const char *mig_abi_host_root(void)
{
	return context.host_root;
}

nvmlReturn_t mig_abi_status_code(enum mig_sim_status status)
{
	static const nvmlReturn_t codes[MIG_SIM_STATUS_COUNT] = {
		[MIG_SIM_OK] = NVML_SUCCESS,
		[MIG_SIM_NO_NODE] = NVML_ERROR_DRIVER_NOT_LOADED,
		[MIG_SIM_NO_PERMISSION] = NVML_ERROR_NO_PERMISSION,
		[MIG_SIM_BAD_VERSION] = NVML_ERROR_LIB_RM_VERSION_MISMATCH,
		[MIG_SIM_DAMAGED] = NVML_ERROR_UNKNOWN,
		[MIG_SIM_IO] = NVML_ERROR_UNKNOWN,
		[MIG_SIM_UNCHANGED] = NVML_SUCCESS,
	};

	if ((unsigned int)status >= MIG_SIM_STATUS_COUNT)
		return NVML_ERROR_UNKNOWN;
	return codes[status];
}

/* The configured path: absolute, from the environment or the default. NULL: not usable. */
static const char *configured_path(void)
{
	const char *path = secure_getenv(MIG_SIM_NODE_ENV);

	if (!path)
		return MIG_SIM_NODE_DEFAULT;
	return path[0] == '/' && strlen(path) < NODE_PATH_SIZE ? path : NULL;
}

const char *mig_abi_node_path(void)
{
	const struct mig_sim_store *store = mig_abi_store();
	const char *path = store ? store->path : configured_path();
	int saved_errno = errno;
	const char *answer;

	if (store || !path)
		return path;
	/* The default counts as configured only if there is something. */
	if (!secure_getenv(MIG_SIM_NODE_ENV) && access(path, F_OK) < 0) {
		errno = saved_errno;
		return NULL;
	}
	mig_abi_lock();
	if (strcmp(context.node_path, path) != 0)
		mig_text_copy(context.node_path, sizeof(context.node_path), path);
	answer = context.node_path;
	mig_abi_unlock();
	return answer;
}

/* ---- maps ------------------------------------------------------------------------------------- */

/*
 * The row that maps the very file of `fresh` by the same path. The device and inode of a file that
 * is mapped cannot have been given to another one.
 */
static struct mapped_node *find_map(const struct mig_sim_store *fresh)
{
	for (unsigned int i = 0; i < MAPS_MAX; i++) {
		struct mapped_node *map = &context.maps[i];

		if (map->is_used && map->store.device == fresh->device &&
		    map->store.inode == fresh->inode && strcmp(map->store.path, fresh->path) == 0)
			return map;
	}
	return NULL;
}

static void release_map(struct mapped_node *map)
{
	if (map->is_used) {
		map->is_used = false;
		mig_sim_store_close(&map->store);
	}
}

/*
 * Opens the node at `path` and returns its row, or NULL with *code and why. A file that is mapped
 * already is opened as well: Init is when checksums are verified.
 */
static struct mapped_node *map_node(const char *path, nvmlReturn_t *code,
				    char why[MIG_SIM_DETAIL_SIZE])
{
	struct mapped_node *map = &context.maps[context.next_map];
	struct mapped_node *known;
	struct mig_sim_store fresh;
	enum mig_sim_status status = mig_sim_store_open(&fresh, path);

	if (status != MIG_SIM_OK) {
		mig_text_copy(why, MIG_SIM_DETAIL_SIZE, fresh.detail);
		*code = mig_abi_status_code(status);
		return NULL;
	}
	known = find_map(&fresh);
	if (known) {
		__atomic_store_n(&known->store.bad_generation, fresh.bad_generation,
				 __ATOMIC_RELEASE);
		mig_sim_store_close(&fresh);
		return known;
	}
	release_map(map);
	context.next_map = (context.next_map + 1) % MAPS_MAX;
	map->store = fresh;
	map->is_used = true;
	return map;
}

/* ---- Init and Shutdown ------------------------------------------------------------------------ */

/* With the lock held. A path that is too long is none: then nothing is found below it. */
static void keep_host_root(void)
{
	const char *root = secure_getenv(MIG_SIM_ENV_HOST_ROOT);

	if (!root)
		root = "";
	if (strcmp(context.host_root, root) != 0)
		mig_text_copy(context.host_root, sizeof(context.host_root), root);
}

/* With the lock held. */
static nvmlReturn_t start(char why[MIG_SIM_DETAIL_SIZE])
{
	const char *path = configured_path();
	const char *unprivileged = secure_getenv(MIG_SIM_ENV_UNPRIVILEGED);
	nvmlReturn_t code = NVML_SUCCESS;
	struct mapped_node *map;

	if (!path) {
		mig_text_copy(why, MIG_SIM_DETAIL_SIZE,
			      MIG_SIM_NODE_ENV " is not an absolute path");
		return NVML_ERROR_DRIVER_NOT_LOADED;
	}
	map = map_node(path, &code, why);
	if (!map)
		return code;
	/* As a library beside a kernel driver of another version. */
	if (map->store.node->branch != mig_abi_branch.number) {
		mig_text_format(why, MIG_SIM_DETAIL_SIZE,
				"the node's driver is %s, this is the library of branch %u",
				map->store.node->driver_version, mig_abi_branch.number);
		return NVML_ERROR_LIB_RM_VERSION_MISMATCH;
	}
	__atomic_store_n(&context.is_unprivileged, unprivileged && unprivileged[0] != '\0',
			 __ATOMIC_RELAXED);
	keep_host_root();
	__atomic_store_n(&context.active, &map->store, __ATOMIC_RELEASE);
	return NVML_SUCCESS;
}

static nvmlReturn_t init(void)
{
	char why[MIG_SIM_DETAIL_SIZE] = "";
	int saved_errno = errno;
	nvmlReturn_t code = NVML_SUCCESS;

	mig_abi_lock();
	if (context.init_count == 0)
		code = start(why);
	if (code == NVML_SUCCESS)
		context.init_count++;
	mig_abi_unlock();
	if (code != NVML_SUCCESS)
		mig_abi_failure_set(why);
	errno = saved_errno;
	return code;
}

MIG_EXPORT nvmlReturn_t nvmlInit(void)
{
	return init();
}

MIG_EXPORT nvmlReturn_t nvmlInit_v2(void)
{
	return init();
}

MIG_EXPORT nvmlReturn_t nvmlInitWithFlags(unsigned int flags)
{
	(void)flags; /* about GPUs that fail to attach: there are none here */
	return init();
}

/* One Shutdown too many is no error (so answers NVIDIA's 535 library, also before any Init). */
MIG_EXPORT nvmlReturn_t nvmlShutdown(void)
{
	mig_abi_lock();
	if (context.init_count > 0 && --context.init_count == 0) {
		const struct mig_sim_store *store = context.active;

		__atomic_store_n(&context.active, NULL, __ATOMIC_RELEASE);
		mig_abi_events_clear(store);
	}
	mig_abi_unlock();
	return NVML_SUCCESS;
}

/*
 * At dlclose nobody may be inside, and nothing may be left behind. At exit other threads may still
 * be calling, so the maps stay: the functions of atexit run before a destructor then, but after it
 * when dlclose removes them.
 */
static bool is_exiting;

static void note_exit(void)
{
	__atomic_store_n(&is_exiting, true, __ATOMIC_RELAXED);
}

__attribute__((constructor)) static void load(void)
{
	int saved_errno = errno;

	if (atexit(note_exit) != 0)
		note_exit(); /* then the maps stay in any case */
	errno = saved_errno;
}

__attribute__((destructor)) static void unload(void)
{
	if (__atomic_load_n(&is_exiting, __ATOMIC_RELAXED))
		return;
	__atomic_store_n(&context.active, NULL, __ATOMIC_RELEASE);
	for (unsigned int i = 0; i < MAPS_MAX; i++)
		release_map(&context.maps[i]);
}
