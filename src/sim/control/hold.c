/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Holding devices; see hold.h. What is meant is found out inside the write, so that an instance
 * that goes meanwhile is never held.
 */
#include "sim/control/hold.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>

#include "shared/file.h"
#include "shared/hostroot.h"
#include "shared/nearest.h"
#include "shared/text.h"
#include "sim/tree/tree.h"

#define MIB	   (UINT64_C(1024) * 1024)
#define NAMES_MAX  512 /* UUIDs looked at for "did you mean" */
#define SHOWN_SIZE 256
#define ASK_MS	   2000	 /* between asking a holder to end and forcing it */
#define FORCE_MS   10000 /* the kernel needs no time for it, a busy machine may */

const char *const mig_sim_holder_words[MIG_SIM_HOLDER_KIND_COUNT] = {
	[MIG_SIM_HOLDER_COMPUTE] = "compute",
	[MIG_SIM_HOLDER_GRAPHICS] = "graphics",
};

/* ---- what is there ---------------------------------------------------------------------------- */

/* A view of a node for a process that finds device files below `host_root`. */
struct looker {
	struct mig_sim_view view;
	const char *host_root;
};

static bool can_use(const void *cookie, struct mig_sim_place place)
{
	const struct looker *looker = cookie;
	const struct mig_sim_gpu_desc *desc = &looker->view.node->gpus[place.gpu];

	return mig_sim_tree_can_open(looker->host_root, desc->minor_number, place.gi, place.ci);
}

/* Without a host root the node's own. */
static char *find_host_root(const struct mig_sim_store *store)
{
	const char *given = secure_getenv(MIG_HOST_ROOT_ENV);

	return given ? strdup(given) : mig_path_join(store->path, "root");
}

/* ---- begin ------------------------------------------------------------------------------------ */

struct begin {
	const struct mig_sim_hold_request *request;
	struct looker *looker;
	struct mig_sim_hold *hold;
	struct mig_error **err;
	bool has_failed;
};

/* Whether a text of an error may hold it as it is. */
static void show(char shown[SHOWN_SIZE], const char *text)
{
	_cleanup_buf_ struct mig_buf escaped = MIG_BUF_INIT(SHOWN_SIZE);

	mig_text_escape_terminal(&escaped, text);
	mig_text_copy(shown, SHOWN_SIZE, mig_buf_text(&escaped));
}

static int hint_nearest(const struct mig_sim_view *view, const char *text, struct mig_error **err)
{
	_cleanup_free_ char(*uuids)[MIG_SIM_UUID_SIZE] = calloc(NAMES_MAX, sizeof(*uuids));
	const char *names[NAMES_MAX];
	struct mig_sim_place place = {.gpu = UINT32_MAX};
	size_t count = 0;
	int nearest;

	while (uuids && count < NAMES_MAX && mig_sim_view_next(view, &place)) {
		mig_sim_view_uuid(view, place, uuids[count]);
		names[count] = uuids[count];
		count++;
	}
	if (strncmp(text, "GPU-", 4) != 0 && strncmp(text, "MIG-", 4) != 0)
		return mig_error_hint(err, "UUIDs begin with GPU- or MIG-: 'migctl sim show' lists "
					   "those of a node");
	nearest = mig_nearest(text, names, count);
	if (nearest >= 0)
		return mig_error_hint(err, "did you mean '%s'?", names[nearest]);
	return mig_error_hint(err, "'migctl sim show' lists the UUIDs of a node");
}

/* A GPU whose MIG mode will change is the usual reason why something is not there. */
static int hint_pending(const struct mig_sim_view *view, struct mig_error **err)
{
	for (uint32_t i = 0; i < view->node->gpu_count; i++) {
		const struct mig_sim_gpu_state *gpu = &view->state->gpus[i];

		if (gpu->mig_current != gpu->mig_pending)
			return mig_error_hint(err,
					      "the MIG mode of GPU %" PRIu32 " is pending: 'migctl "
					      "sim reset' brings it into force",
					      i);
	}
	return -1;
}

static int find_named(struct begin *begin, struct mig_sim_visible *found)
{
	struct mig_sim_view *view = &begin->looker->view;
	char shown[SHOWN_SIZE];
	unsigned int count;

	view->has_lost = true;
	count = mig_sim_visible_uuid(view, begin->request->uuid, &found->places[0]);

	show(shown, begin->request->uuid);
	found->count = 1;
	if (count == 1)
		return 0;
	if (count > 1) {
		mig_error_set(begin->err, MIG_ERROR_REFUSED,
			      "'%s' begins the UUIDs of %u devices of node '%s'", shown, count,
			      view->node->name);
		return mig_error_hint(begin->err, "give more of it; 'migctl sim show' lists them");
	}
	mig_error_set(begin->err, MIG_ERROR_REFUSED,
		      "no GPU and no MIG device of node '%s' has the UUID '%s'", view->node->name,
		      shown);
	hint_nearest(view, begin->request->uuid, begin->err);
	return hint_pending(view, begin->err);
}

static int find_visible(struct begin *begin, struct mig_sim_visible *found)
{
	const struct mig_sim_view *view = &begin->looker->view;
	char shown[SHOWN_SIZE];

	mig_sim_visible_find(view, begin->request->visible_devices, found);
	if (found->count > 0)
		return 0;
	show(shown, found->why);
	mig_error_set(begin->err, MIG_ERROR_REFUSED, "no device of node '%s' is visible: %s",
		      view->node->name, shown);
	if (view->node->branch < MIG_SIM_VISIBLE_RULE_BRANCH)
		mig_error_hint(begin->err,
			       MIG_SIM_VISIBLE_VARIABLE " names GPUs by number or UUID and MIG "
							"devices by UUID; on driver branch %" PRIu32
							" a process sees one MIG device in all",
			       view->node->branch);
	else
		mig_error_hint(begin->err,
			       MIG_SIM_VISIBLE_VARIABLE " names devices by number or UUID; on "
							"driver branch %" PRIu32 " a process sees "
							"one compute instance of each GPU instance",
			       view->node->branch);
	return hint_pending(view, begin->err);
}

struct unit {
	const char *name;
	unsigned int shift;
};

/* The largest unit in which a number of bytes is whole. */
static const struct unit *unit_of(uint64_t bytes)
{
	static const struct unit units[] = {
		{"TiB", 40}, {"GiB", 30}, {"MiB", 20}, {"KiB", 10}, {"bytes", 0}};
	size_t i = 0;

	while (units[i].shift > 0 && (bytes & ((UINT64_C(1) << units[i].shift) - 1)) != 0)
		i++;
	return &units[i];
}

/* Why one of the devices cannot be held. */
static int refuse(struct begin *begin, const struct mig_sim_held *device,
		  enum mig_sim_hold_status status, uint64_t free_bytes)
{
	const struct mig_sim_view *view = &begin->looker->view;
	const struct unit *unit = unit_of(begin->request->memory);

	switch (status) {
	case MIG_SIM_HOLD_GPU_LOST:
		mig_error_set(begin->err, MIG_ERROR_NO_DRIVER,
			      "cannot hold '%s': GPU %u has fallen off the bus", device->uuid,
			      device->place.gpu);
		return mig_error_hint(begin->err, "'migctl sim reboot' brings it back");
	case MIG_SIM_HOLD_NO_MEMORY:
		if (device->place.gi == MIG_SIM_NO_INSTANCE &&
		    view->state->gpus[device->place.gpu].mig_current) {
			mig_error_set(begin->err, MIG_ERROR_REFUSED,
				      "cannot hold memory of GPU %u: MIG mode is on, and the "
				      "memory is its instances'",
				      device->place.gpu);
			return mig_error_hint(begin->err,
					      "name a MIG device, or leave '--memory' out");
		}
		mig_error_set(begin->err, MIG_ERROR_REFUSED,
			      "cannot hold %" PRIu64 " %s of '%s': %" PRIu64 " MiB are free",
			      begin->request->memory >> unit->shift, unit->name, device->uuid,
			      free_bytes / MIB);
		return mig_error_hint(begin->err, "'migctl sim show' lists who holds what");
	case MIG_SIM_HOLD_TABLE_FULL:
		mig_error_set(begin->err, MIG_ERROR_FAILED,
			      "cannot hold '%s': node '%s' has %d holders, which is all there can "
			      "be",
			      device->uuid, view->node->name, MIG_SIM_HOLDERS_MAX);
		return mig_error_hint(begin->err, "end some of them");
	default:
		return mig_error_set(begin->err, MIG_ERROR_REFUSED,
				     "cannot hold '%s': it is not there", device->uuid);
	}
}

static int hold_one(struct begin *begin, struct mig_sim_state *state, struct mig_sim_place place,
		    struct mig_sim_held *device)
{
	const struct mig_sim_view *view = &begin->looker->view;
	const struct mig_sim_gpu_desc *desc = &view->node->gpus[place.gpu];
	const struct mig_sim_gpu gpu = {
		.node = view->node, .desc = desc, .model = &view->models[desc->model]};
	struct mig_sim_holder row = {
		.gpu = (uint8_t)place.gpu,
		.gi = (uint8_t)place.gi,
		.ci = (uint8_t)place.ci,
		.kind = (uint8_t)begin->request->kind,
		.memory = begin->request->memory,
	};
	enum mig_sim_hold_status status;
	uint64_t free_bytes = 0;

	mig_sim_holder_set_process(&row, &begin->hold->process);
	device->place = place;
	mig_sim_view_uuid(view, place, device->uuid);
	status = mig_sim_holder_add(&gpu, state, &row, mig_sim_holder_is_alive, &free_bytes);
	return status == MIG_SIM_HOLD_OK ? 0 : refuse(begin, device, status, free_bytes);
}

static int hold_all(struct begin *begin, struct mig_sim_state *state)
{
	struct mig_sim_visible found = {.count = 0};

	if (begin->request->uuid ? find_named(begin, &found) : find_visible(begin, &found))
		return -1;
	for (unsigned int gpu = 0; gpu < begin->looker->view.node->gpu_count; gpu++)
		mig_sim_holder_drop_dead(state, mig_sim_place_gpu(gpu), mig_sim_holder_is_alive);
	for (unsigned int i = 0; i < found.count; i++) {
		if (hold_one(begin, state, found.places[i], &begin->hold->devices[i]))
			return -1;
	}
	begin->hold->count = found.count;
	return 0;
}

static bool run_begin(void *cookie, const struct mig_sim_store *store, struct mig_sim_state *state)
{
	struct begin *begin = cookie;

	begin->looker->view = (struct mig_sim_view){
		.node = store->node,
		.models = store->models,
		.state = state,
		.can_use = store->node->visibility == MIG_SIM_VISIBILITY_DEVFS ? can_use : NULL,
		.cookie = begin->looker,
	};
	begin->has_failed = hold_all(begin, state) < 0;
	return !begin->has_failed;
}

int mig_sim_hold_begin(struct mig_sim_store *store, const struct mig_sim_hold_request *request,
		       struct mig_sim_hold *hold, struct mig_error **err)
{
	_cleanup_free_ char *host_root = find_host_root(store);
	struct looker looker = {.host_root = host_root};
	struct begin begin = {.request = request, .looker = &looker, .hold = hold, .err = err};
	enum mig_sim_status status;

	*hold = (struct mig_sim_hold){.count = 0};
	if (!host_root)
		return mig_error_set_errno(err, ENOMEM, "cannot hold a device");
	if (!mig_sim_process_find(request->pid, &hold->process))
		return mig_error_set(err, MIG_ERROR_IO,
				     "cannot look up process %" PRIu32 " in '/proc'", request->pid);
	status = mig_sim_store_update(store, run_begin, &begin);
	if (begin.has_failed)
		return -1;
	if (status != MIG_SIM_OK && status != MIG_SIM_UNCHANGED)
		return mig_sim_status_error(err, status, store->detail, store->saved_errno);
	return 0;
}

/* ---- end, and who holds what ------------------------------------------------------------------ */

static bool run_end(void *cookie, const struct mig_sim_store *store, struct mig_sim_state *state)
{
	struct mig_sim_holder row = {.pid = 0};

	(void)store;
	mig_sim_holder_set_process(&row, cookie);
	return mig_sim_holder_remove(state, &row) > 0;
}

int mig_sim_hold_end(struct mig_sim_store *store, const struct mig_sim_process *process,
		     struct mig_error **err)
{
	struct mig_sim_process own = *process;
	enum mig_sim_status status = mig_sim_store_update(store, run_end, &own);

	if (status != MIG_SIM_OK && status != MIG_SIM_UNCHANGED)
		return mig_sim_status_error(err, status, store->detail, store->saved_errno);
	return 0;
}

/* Which process it is, if it lives and holds something. */
static bool find_holder(const struct mig_sim_store *store, uint32_t pid,
			struct mig_sim_process *process)
{
	_cleanup_free_ struct mig_sim_holder *rows = calloc(MIG_SIM_HOLDERS_MAX, sizeof(*rows));

	if (!rows || pid == 0)
		return false;
	mig_sim_store_read_holders(store, rows);
	for (unsigned int i = 0; i < MIG_SIM_HOLDERS_MAX; i++) {
		if (mig_sim_holder_pid(&rows[i]) != pid)
			continue;
		*process = mig_sim_holder_process(&rows[i]);
		return true;
	}
	return false;
}

/* Whether the process has ended in that time; -1 with errno if it may not be sent the signal. */
static int send_and_wait(int process_fd, int number, int timeout_ms)
{
	struct pollfd poll_fd = {.fd = process_fd, .events = POLLIN};
	int ready;

	if (pidfd_send_signal(process_fd, number, NULL, 0) < 0 && errno != ESRCH)
		return -1;
	do
		ready = poll(&poll_fd, 1, timeout_ms);
	while (ready < 0 && errno == EINTR);
	return ready > 0;
}

int mig_sim_hold_stop(struct mig_sim_store *store, uint32_t pid, struct mig_error **err)
{
	_cleanup_close_ int process_fd = pidfd_open((pid_t)pid, 0);
	struct mig_sim_process process;
	int ended;

	/* Looked up after the descriptor was opened: so it is of the process that holds. */
	if (process_fd < 0 || !find_holder(store, pid, &process)) {
		mig_error_set(err, MIG_ERROR_REFUSED,
			      "process %" PRIu32 " holds nothing of node '%s'", pid,
			      store->node->name);
		return mig_error_hint(err, "'migctl sim show' lists who holds what; another node "
					   "is named by '--node NODE'");
	}
	ended = send_and_wait(process_fd, SIGTERM, ASK_MS);
	if (ended == 0)
		ended = send_and_wait(process_fd, SIGKILL, FORCE_MS);
	if (ended < 0)
		return mig_error_set_errno(err, errno, "cannot end process %" PRIu32, pid);
	if (ended == 0)
		return mig_error_set(err, MIG_ERROR_FAILED, "process %" PRIu32 " does not end",
				     pid);
	return mig_sim_hold_end(store, &process, err);
}

unsigned int mig_sim_hold_pids(const struct mig_sim_store *store, uint32_t *pids)
{
	_cleanup_free_ struct mig_sim_holder *rows = calloc(MIG_SIM_HOLDERS_MAX, sizeof(*rows));
	unsigned int count = 0;

	if (!rows)
		return 0;
	mig_sim_store_read_holders(store, rows);
	for (unsigned int i = 0; i < MIG_SIM_HOLDERS_MAX; i++) {
		bool is_known = rows[i].pid == 0 || !mig_sim_holder_is_alive(&rows[i]);

		for (unsigned int k = 0; k < count; k++)
			is_known = is_known || pids[k] == rows[i].pid;
		if (!is_known)
			pids[count++] = rows[i].pid;
	}
	return count;
}

unsigned int mig_sim_hold_list(const struct mig_sim_holder *rows, struct mig_sim_place place,
			       const struct mig_sim_holder **out)
{
	const struct mig_sim_holder *row = NULL;
	unsigned int count = 0;

	while ((row = mig_sim_holder_next(rows, place, MIG_SIM_REACH_EXACT, mig_sim_holder_is_alive,
					  row)))
		out[count++] = row;
	return count;
}
