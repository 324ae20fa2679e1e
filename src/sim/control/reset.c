/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GPU reset and reboot of a simulated node: what happens to a machine from outside of NVML.
 *
 * A reset is refused for all GPUs if one of them cannot be reset; it takes its time as operations
 * of the driver do, outside the lock, and is looked at again when that is over. A reboot takes no
 * time and ends the holders, as a machine going down does. Who may do this: the node's
 * administrator. What a reset does to a GPU's state is in sim/engine/reset.c.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "shared/clock.h"
#include "shared/text.h"
#include "sim/control/control.h"
#include "sim/engine/holders.h"
#include "sim/process/holder.h"
#include "sim/tree/tree.h"

#define REFUSAL_TEXT_MAX   8192
#define HOLDERS_SHOWN	   4 /* per GPU */
#define PROGRAM_SIZE	   256
#define END_OF_PROCESS_MS  10000
#define GPU_BIT(gpu_index) (UINT32_C(1) << (gpu_index))

uint64_t mig_sim_node_reboots(const struct mig_sim_store *store)
{
	const struct mig_sim_state *view;
	uint64_t begun, reboots;

	do {
		begun = mig_sim_read_begin(store, &view);
		reboots = __atomic_load_n(&view->reboots, __ATOMIC_ACQUIRE);
	} while (mig_sim_read_retry(store, begun));
	return reboots;
}

unsigned int mig_sim_node_faults(const struct mig_sim_store *store)
{
	const struct mig_sim_state *view;
	unsigned int count;
	uint64_t begun;

	do {
		begun = mig_sim_read_begin(store, &view);
		count = __atomic_load_n(&view->fault_count, __ATOMIC_ACQUIRE);
	} while (mig_sim_read_retry(store, begun));
	return count;
}

/* ---- who may, and who is in the way ------------------------------------------------------------ */

bool mig_sim_node_is_admin(const struct mig_sim_store *store)
{
	const char *unprivileged = secure_getenv(MIG_SIM_ENV_UNPRIVILEGED);

	if (unprivileged && *unprivileged)
		return false;
	return geteuid() == 0 || geteuid() == store->node->owner_uid;
}

static int check_admin(const struct mig_sim_store *store, const char *what, struct mig_error **err)
{
	if (mig_sim_node_is_admin(store))
		return 0;
	mig_error_set(err, MIG_ERROR_NO_PERMISSION, "only the node's administrator may %s", what);
	return mig_error_hint(err, "on the node: sudo; otherwise as its owner (user id %u) or root",
			      store->node->owner_uid);
}

static struct mig_sim_gpu gpu_at(const struct mig_sim_store *store, unsigned int index)
{
	const struct mig_sim_gpu_desc *desc = &store->node->gpus[index];

	return (struct mig_sim_gpu){
		.node = store->node, .desc = desc, .model = &store->models[desc->model]};
}

static void name_holder(const struct mig_sim_holder *holder, uint32_t pid, struct mig_buf *text)
{
	_cleanup_buf_ struct mig_buf shown = MIG_BUF_INIT(REFUSAL_TEXT_MAX);
	char program[PROGRAM_SIZE];

	if (pid == 0) {
		mig_buf_puts(text, "a process of another pid namespace");
		return;
	}
	mig_buf_printf(text, "process %u", pid);
	mig_sim_holder_name(holder, program, sizeof(program));
	if (!*program)
		return;
	mig_text_escape_terminal(&shown, program);
	mig_buf_printf(text, " (%s)", mig_buf_text(&shown));
}

/* "process 12 (/usr/bin/sleep), …" of a GPU's live holders. */
static void describe_holders(const struct mig_sim_state *state, unsigned int gpu_index,
			     struct mig_buf *text)
{
	const struct mig_sim_place place = mig_sim_place_gpu(gpu_index);
	const struct mig_sim_holder *holder = NULL;
	uint32_t named[HOLDERS_SHOWN] = {0};
	unsigned int count = 0;

	while ((holder = mig_sim_holder_next(state->holders, place, MIG_SIM_REACH_WITHIN,
					     mig_sim_holder_is_alive, holder))) {
		const uint32_t pid = mig_sim_holder_pid(holder);
		bool is_known = false;

		for (unsigned int i = 0; i < count; i++)
			is_known = is_known || named[i] == pid;
		if (is_known)
			continue;
		if (count == HOLDERS_SHOWN) {
			mig_buf_puts(text, " and others");
			return;
		}
		named[count++] = pid;
		mig_buf_puts(text, count > 1 ? ", " : "");
		name_holder(holder, pid, text);
	}
}

/* ---- reset ------------------------------------------------------------------------------------ */

struct reset_change {
	struct mig_sim_reset *reset;
	struct mig_buf *why; /* what keeps GPUs from being reset, in words */
	uint32_t held;	     /* the GPUs that somebody holds, by bits */
	uint32_t persistent; /* those with persistence mode on */
	bool only_reserves;
	uint64_t end_ns;
};

static void explain(const struct mig_sim_state *state, unsigned int gpu_index, bool is_lost,
		    bool has_holders, struct mig_buf *why)
{
	mig_buf_printf(why, "%sGPU %u ", why->len ? "; " : "", gpu_index);
	if (is_lost) {
		mig_buf_puts(why, "has fallen off the bus");
	} else if (has_holders) {
		mig_buf_puts(why, "is held by ");
		describe_holders(state, gpu_index, why);
	} else {
		mig_buf_puts(why, "has its persistence mode on");
	}
}

static bool is_held(const struct mig_sim_state *state, unsigned int gpu_index)
{
	return mig_sim_is_held(state->holders, mig_sim_place_gpu(gpu_index), MIG_SIM_REACH_WITHIN,
			       mig_sim_holder_is_alive);
}

/* Asks for each GPU whether it could be reset. False: one cannot. */
static bool check_all(const struct mig_sim_store *store, const struct mig_sim_state *state,
		      struct reset_change *change)
{
	bool possible = true;

	mig_buf_reset(change->why);
	change->held = 0;
	change->persistent = 0;
	for (uint32_t i = 0; i < store->node->gpu_count; i++) {
		struct mig_sim_gpu_state trial = state->gpus[i];
		const struct mig_sim_gpu gpu = gpu_at(store, i);
		nvmlReturn_t answer;

		if (!(change->reset->gpus & GPU_BIT(i)))
			continue;
		answer = mig_sim_gpu_reset(&gpu, &trial);
		if (answer == NVML_SUCCESS && is_held(state, i))
			answer = NVML_ERROR_IN_USE;
		change->reset->answers[i] = answer;
		if (answer == NVML_SUCCESS)
			continue;
		possible = false;
		if (is_held(state, i))
			change->held |= GPU_BIT(i);
		if (state->gpus[i].persistence)
			change->persistent |= GPU_BIT(i);
		explain(state, i, answer == NVML_ERROR_GPU_IS_LOST, is_held(state, i), change->why);
	}
	return possible;
}

static bool apply_reset(void *cookie, const struct mig_sim_store *store,
			struct mig_sim_state *state)
{
	struct reset_change *change = cookie;

	if (!check_all(store, state, change))
		return false;
	for (uint32_t i = 0; i < store->node->gpu_count; i++) {
		const struct mig_sim_gpu gpu = gpu_at(store, i);
		struct mig_sim_gpu_state before = state->gpus[i];

		if (!(change->reset->gpus & GPU_BIT(i)))
			continue;
		if (change->only_reserves) {
			uint64_t end_ns = mig_sim_time_reserve(
				store->node, state, i, MIG_SIM_OPERATION_RESET, mig_clock_now_ns());

			change->end_ns = MIG_MAX(change->end_ns, end_ns);
			continue;
		}
		change->reset->answers[i] = mig_sim_gpu_reset(&gpu, &state->gpus[i]);
		mig_sim_event_mig_config(state, i, &before);
		mig_sim_holder_drop_dead(state, mig_sim_place_gpu(i), mig_sim_holder_is_alive);
	}
	return true;
}

/* Why a reset was refused, with the next step for the first reason. */
static int refuse_reset(const struct mig_sim_store *store, const struct reset_change *change,
			struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf remedy = MIG_BUF_INIT(REFUSAL_TEXT_MAX);
	bool is_lost = false;
	bool is_busy = false;

	for (uint32_t i = 0; i < store->node->gpu_count; i++) {
		is_lost = is_lost || change->reset->answers[i] == NVML_ERROR_GPU_IS_LOST;
		is_busy = is_busy || change->reset->answers[i] == NVML_ERROR_IN_USE;
	}
	mig_error_set(err, is_busy ? MIG_ERROR_IN_USE : MIG_ERROR_NO_DRIVER, "no GPU was reset: %s",
		      mig_buf_text(change->why));
	if (is_lost)
		return mig_error_hint(err,
				      "a lost GPU is back after 'migctl sim reboot'; without it "
				      "the others can be reset: -i LIST");
	if (change->held != 0)
		mig_buf_puts(&remedy,
			     "end the processes (migctl sim hold --end PID ends a holder)");
	if (change->persistent != 0)
		mig_buf_printf(&remedy,
			       "%sturn persistence mode off (on the node: nvidia-smi -pm 0)",
			       remedy.len > 0 ? ", and " : "");
	return mig_error_hint(err, "%s", mig_buf_text(&remedy));
}

int mig_sim_node_reset(struct mig_sim_store *store, struct mig_sim_reset *reset,
		       struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf why = MIG_BUF_INIT(REFUSAL_TEXT_MAX);
	struct reset_change change = {
		.reset = reset,
		.why = &why,
		.only_reserves = store->node->timing_ms[MIG_SIM_OPERATION_RESET] != 0,
	};
	enum mig_sim_status status;

	memset(reset->answers, 0, sizeof(reset->answers));
	if (check_admin(store, "reset a GPU", err))
		return -1;
	if (reset->gpus == 0)
		return mig_error_set(err, MIG_ERROR_NO_DRIVER, "the node has no GPU to reset");
	status = mig_sim_store_update(store, apply_reset, &change);
	if (status == MIG_SIM_OK && change.only_reserves) {
		mig_clock_sleep_until_ns(change.end_ns);
		change.only_reserves = false;
		status = mig_sim_store_update(store, apply_reset, &change);
	}
	if (status == MIG_SIM_UNCHANGED)
		return refuse_reset(store, &change, err);
	if (status != MIG_SIM_OK)
		return mig_sim_status_error(err, status, store->detail, store->saved_errno);
	mig_sim_tree_refresh(store, MIG_SIM_ALL_GPUS);
	return 0;
}

/* ---- reboot ----------------------------------------------------------------------------------- */

/*
 * Ends one holder, if it is the process that registered: the descriptor is of whoever has the pid
 * now, and the start time is compared afterwards. Returns a descriptor that becomes readable at its
 * end; -1: there is nobody to end or it cannot be done (*stays then).
 */
static int end_holder(const struct mig_sim_holder *holder, bool *stays)
{
	const uint32_t pid = mig_sim_holder_pid(holder);
	int fd;

	if (pid == (uint32_t)getpid())
		return -1;
	if (pid == 0) {
		/* It has ended, or lives where the caller cannot see it. */
		*stays = mig_sim_holder_is_alive(holder);
		return -1;
	}
	fd = pidfd_open((pid_t)pid, 0);
	if (fd < 0) {
		*stays = errno != ESRCH;
		return -1;
	}
	if (mig_sim_holder_pid(holder) == pid && pidfd_send_signal(fd, SIGKILL, NULL, 0) == 0)
		return fd;
	*stays = mig_sim_holder_is_alive(holder);
	close(fd);
	return -1;
}

/* Ends all holders of a state and waits until they are gone. */
static void end_holders(const struct mig_sim_state *state, struct mig_sim_reboot *reboot)
{
	for (unsigned int i = 0; i < MIG_SIM_HOLDERS_MAX; i++) {
		const struct mig_sim_holder *holder = &state->holders[i];
		struct pollfd end = {.events = POLLIN};
		bool stays = false;

		if (holder->pid == 0)
			continue;
		end.fd = end_holder(holder, &stays);
		reboot->stayed += stays;
		if (end.fd < 0)
			continue;
		reboot->ended++;
		while (poll(&end, 1, END_OF_PROCESS_MS) < 0 && errno == EINTR)
			continue;
		close(end.fd);
	}
}

static bool apply_reboot(void *cookie, const struct mig_sim_store *store,
			 struct mig_sim_state *state)
{
	struct mig_sim_reboot *reboot = cookie;

	/* Who registered since the others were ended is ended too, but not waited for: nobody else
	 * can write meanwhile. */
	for (unsigned int i = 0; i < MIG_SIM_HOLDERS_MAX; i++) {
		bool stays = false;
		int fd = state->holders[i].pid != 0 ? end_holder(&state->holders[i], &stays) : -1;

		if (fd >= 0) {
			reboot->ended++;
			close(fd);
		}
	}
	memset(state->holders, 0, sizeof(state->holders));
	for (uint32_t i = 0; i < store->node->gpu_count; i++) {
		const struct mig_sim_gpu gpu = gpu_at(store, i);
		struct mig_sim_gpu_state before = state->gpus[i];

		mig_sim_gpu_reboot(&gpu, &state->gpus[i]);
		mig_sim_event_mig_config(state, i, &before);
	}
	state->busy_until_ns = 0;
	state->reboots++;
	return true;
}

int mig_sim_node_reboot(struct mig_sim_store *store, struct mig_sim_reboot *reboot,
			struct mig_error **err)
{
	_cleanup_free_ struct mig_sim_state *state = malloc(store->state_size);
	_cleanup_error_ struct mig_error *ignored = NULL;
	enum mig_sim_status status;

	memset(reboot, 0, sizeof(*reboot));
	if (!state)
		return mig_error_set_errno(err, ENOMEM, "cannot reboot node '%s'",
					   store->node->name);
	if (check_admin(store, "reboot the node", err))
		return -1;
	mig_sim_store_read(store, state);
	end_holders(state, reboot);
	status = mig_sim_store_update(store, apply_reboot, reboot);
	if (status != MIG_SIM_OK)
		return mig_sim_status_error(err, status, store->detail, store->saved_errno);
	/* A machine makes its device files when it starts. The reboot is done, with or without them. */
	if (mig_sim_node_mend(store, &ignored) < 0)
		mig_sim_tree_refresh(store, MIG_SIM_ALL_GPUS);
	return 0;
}
