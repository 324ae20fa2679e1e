/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reset and reboot through the control API: which GPUs a list means, who and what is in the way, what
 * is left behind, and who is ended by a reboot. The holders are children of the test.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nvml/nvml_abi.h"
#include "sim/control/control.h"
#include "sim/process/holder.h"
#include "tests/harness/test.h"

static struct mig_sim_store store;

static void make_node(const char *gpus, const char *timing)
{
	const char *path = mig_test_path("node");
	struct mig_sim_description *d = NULL;

	MIG_ASSERT_INT_EQ(mig_sim_describe_gpus(path, gpus, NULL, &d, NULL), 0);
	if (timing)
		MIG_ASSERT_INT_EQ(mig_sim_description_set_timing(d, timing, NULL), 0);
	d->node.timing_ms[MIG_SIM_OPERATION_RESET] = timing ? 1 : 0;
	MIG_ASSERT_INT_EQ(mig_sim_node_create(path, d, NULL, NULL), 0);
	mig_sim_description_free(d);
	MIG_ASSERT_INT_EQ(mig_sim_node_open(path, &store, NULL), 0);
}

static struct mig_sim_state *look(void)
{
	struct mig_sim_state *state = malloc(store.state_size);

	MIG_ASSERT(state);
	mig_sim_store_read(&store, state);
	return state;
}

typedef void (*edit_fn)(struct mig_sim_state *state);

static bool apply_edit(void *cookie, const struct mig_sim_store *s, struct mig_sim_state *state)
{
	const edit_fn *edit = cookie;

	(void)s;
	(*edit)(state);
	return true;
}

static void edit(edit_fn how)
{
	MIG_ASSERT_INT_EQ(mig_sim_store_update(&store, apply_edit, &how), MIG_SIM_OK);
}

/* A child that does nothing until it is ended. */
static pid_t start_child(void)
{
	pid_t child = fork();

	MIG_ASSERT(child >= 0);
	if (child == 0) {
		for (;;)
			pause();
	}
	return child;
}

static struct mig_sim_holder row_of(pid_t pid, unsigned int gpu)
{
	struct mig_sim_process process;

	MIG_ASSERT(mig_sim_process_find((uint32_t)pid, &process));
	return (struct mig_sim_holder){
		.pid = process.pid,
		.start_time = process.start_time,
		.pid_namespace = process.pid_namespace,
		.gpu = (uint8_t)gpu,
		.gi = MIG_SIM_NO_INSTANCE,
		.ci = MIG_SIM_NO_INSTANCE,
	};
}

/* What edits put into the state. */
static struct mig_sim_holder rows[3];

static void add_holders(struct mig_sim_state *state)
{
	for (unsigned int i = 0; i < 3; i++) {
		if (rows[i].pid != 0)
			state->holders[5 + i] = rows[i];
	}
}

static int exit_signal(pid_t child)
{
	int status;

	MIG_ASSERT(waitpid(child, &status, 0) == child);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void end_child(pid_t child)
{
	MIG_ASSERT(kill(child, SIGTERM) == 0);
	MIG_ASSERT_INT_EQ(exit_signal(child), SIGTERM);
}

static uint32_t find(const char *list)
{
	uint32_t gpus = 0;

	MIG_ASSERT_INT_EQ(mig_sim_node_find_gpus(&store, list, &gpus, NULL), 0);
	return gpus;
}

static void assert_unknown(const char *list, const char *message)
{
	struct mig_error *err = NULL;
	uint32_t gpus;

	MIG_ASSERT(mig_sim_node_find_gpus(&store, list, &gpus, &err) < 0);
	MIG_ASSERT_INT_EQ(mig_error_exit_status(err), MIG_EXIT_REFUSED);
	MIG_ASSERT_STR_EQ(mig_error_message(err), message);
	mig_error_free(err);
}

MIG_TEST(lists_of_gpus)
{
	char uuid_and_index[MIG_SIM_UUID_SIZE + 8];

	make_node("3xa100-sxm4-40gb", NULL);
	MIG_ASSERT_UINT_EQ(mig_sim_node_all_gpus(&store), 7);
	MIG_ASSERT_UINT_EQ(find("all"), 7);
	MIG_ASSERT_UINT_EQ(find("0"), 1);
	MIG_ASSERT_UINT_EQ(find("2,0"), 5);
	MIG_ASSERT_UINT_EQ(find("1,1"), 2);
	MIG_ASSERT_UINT_EQ(find("12:00.0"), 4);
	MIG_ASSERT_UINT_EQ(find("0000:12:00.0"), 4);
	MIG_ASSERT_UINT_EQ(find("00000000:11:00.0,0"), 3);
	snprintf(uuid_and_index, sizeof(uuid_and_index), "%s,0", store.node->gpus[2].uuid);
	MIG_ASSERT_UINT_EQ(find(uuid_and_index), 5);
	assert_unknown("3", "no GPU '3' on this node");
	assert_unknown("0,x", "no GPU 'x' on this node");
	assert_unknown("", "no GPU '' on this node");
	assert_unknown("0,", "no GPU '' on this node");
	assert_unknown("-1", "no GPU '-1' on this node");
	assert_unknown("1:12:00.0", "no GPU '1:12:00.0' on this node");
	assert_unknown("00000000000000000000000000000000000000001:10:00.0",
		       "no GPU '00000000000000000000000000000000000000001:10:00.0' on this node");
	assert_unknown("10:01.0", "no GPU '10:01.0' on this node");
	assert_unknown("99999999999", "no GPU '99999999999' on this node");
}

static void leave_pending(struct mig_sim_state *state)
{
	state->gpus[0].mig_pending = 1;
	state->gpus[1].mig_pending = 1;
	state->gpus[0].ecc_volatile_uncorrected = 3;
}

MIG_TEST(a_reset_changes_the_chosen_gpus_and_no_other)
{
	struct mig_sim_reset reset = {.gpus = 1};
	struct mig_sim_state *state;

	make_node("2xa100-sxm4-40gb:reset-required", NULL);
	edit(leave_pending);
	MIG_ASSERT_INT_EQ(mig_sim_node_reset(&store, &reset, NULL), 0);
	state = look();
	MIG_ASSERT_UINT_EQ(state->gpus[0].mig_current, 1);
	MIG_ASSERT_UINT_EQ(state->gpus[0].ecc_volatile_uncorrected, 0);
	MIG_ASSERT_UINT_EQ(state->gpus[0].resets, 1);
	MIG_ASSERT_UINT_EQ(state->gpus[1].mig_current, 0);
	MIG_ASSERT_UINT_EQ(state->gpus[1].resets, 0);
	MIG_ASSERT_UINT_EQ(state->config_changes, 1);
	MIG_ASSERT_UINT_EQ(state->event_serial, 1);
	MIG_ASSERT_UINT_EQ(state->events[1].type, nvmlEventMigConfigChange);
	MIG_ASSERT_UINT_EQ(state->events[1].gpu, 0);
	free(state);
}

static void lose_second(struct mig_sim_state *state)
{
	state->gpus[1].is_lost = 1;
}

static void persist_first(struct mig_sim_state *state)
{
	state->gpus[0].persistence = 1;
}

/* All or none; says for each what is in the way. */
MIG_TEST(what_is_in_the_way_of_a_reset)
{
	struct mig_sim_reset reset = {.gpus = 7};
	struct mig_error *err = NULL;
	pid_t child = start_child();
	struct mig_sim_state *state;
	char want[64];

	make_node("3xa100-sxm4-40gb", NULL);
	rows[0] = row_of(child, 2);
	edit(add_holders);
	edit(lose_second);
	edit(persist_first);
	MIG_ASSERT(mig_sim_node_reset(&store, &reset, &err) < 0);
	MIG_ASSERT_INT_EQ(mig_error_exit_status(err), MIG_EXIT_IN_USE);
	MIG_ASSERT_INT_EQ(reset.answers[0], NVML_ERROR_IN_USE);
	MIG_ASSERT_INT_EQ(reset.answers[1], NVML_ERROR_GPU_IS_LOST);
	MIG_ASSERT_INT_EQ(reset.answers[2], NVML_ERROR_IN_USE);
	MIG_ASSERT(strstr(mig_error_message(err), "GPU 0 has its persistence mode on; GPU 1 has "
						  "fallen off the bus; GPU 2 is held by process "));
	snprintf(want, sizeof(want), "held by process %d (/", (int)child);
	MIG_ASSERT(strstr(mig_error_message(err), want));
	mig_error_free(err);
	err = NULL;
	state = look();
	for (unsigned int i = 0; i < 3; i++)
		MIG_ASSERT_UINT_EQ(state->gpus[i].resets, 0);
	free(state);
	reset.gpus = 2;
	MIG_ASSERT(mig_sim_node_reset(&store, &reset, &err) < 0);
	MIG_ASSERT_INT_EQ(mig_error_exit_status(err), MIG_EXIT_NO_DRIVER);
	mig_error_free(err);
	/* A holder that has ended is none. */
	end_child(child);
	reset.gpus = 4;
	MIG_ASSERT_INT_EQ(mig_sim_node_reset(&store, &reset, NULL), 0);
	state = look();
	MIG_ASSERT_UINT_EQ(state->holders[5].pid, 0);
	free(state);
}

MIG_TEST(a_reset_reserves_its_time)
{
	struct mig_sim_reset reset = {.gpus = 3};
	struct mig_sim_state *state;

	make_node("2xa100-sxm4-40gb", "serial");
	MIG_ASSERT_INT_EQ(mig_sim_node_reset(&store, &reset, NULL), 0);
	state = look();
	MIG_ASSERT(state->busy_until_ns != 0);
	MIG_ASSERT_UINT_EQ(state->gpus[0].busy_until_ns, 0);
	MIG_ASSERT_UINT_EQ(state->gpus[1].resets, 1);
	free(state);
}

MIG_TEST(only_the_administrator_may)
{
	struct mig_sim_reset reset = {.gpus = 1};
	struct mig_sim_reboot reboot;
	struct mig_error *err = NULL;

	make_node("a100-sxm4-40gb", NULL);
	setenv("MIGSIM_UNPRIVILEGED", "1", 1);
	MIG_ASSERT(mig_sim_node_reset(&store, &reset, &err) < 0);
	MIG_ASSERT_INT_EQ(mig_error_exit_status(err), MIG_EXIT_NO_PERMISSION);
	MIG_ASSERT_STR_EQ(mig_error_message(err), "only the node's administrator may reset a GPU");
	mig_error_free(err);
	err = NULL;
	MIG_ASSERT(mig_sim_node_reboot(&store, &reboot, &err) < 0);
	MIG_ASSERT_INT_EQ(mig_error_exit_status(err), MIG_EXIT_NO_PERMISSION);
	mig_error_free(err);
	setenv("MIGSIM_UNPRIVILEGED", "", 1);
	MIG_ASSERT_INT_EQ(mig_sim_node_reset(&store, &reset, NULL), 0);
}

static void add_fault(struct mig_sim_state *state)
{
	state->faults[3] = (struct mig_sim_fault){
		.id = 1, .call = 1, .code = NVML_ERROR_UNKNOWN, .function = "nvmlInit_v2"};
	state->fault_count = 1;
	state->gpus[0].busy_until_ns = 7;
	state->busy_until_ns = 8;
}

MIG_TEST(a_reboot_ends_holders_and_begins_anew)
{
	pid_t holder = start_child(), other = start_child(), bystander = start_child();
	struct mig_sim_reboot reboot;
	struct mig_sim_state *state;

	make_node("2xa100-sxm4-40gb,h100-sxm5-80gb", NULL);
	rows[0] = row_of(holder, 0);
	rows[1] = row_of(other, 1);
	/* The process that had this pid is another one now. */
	rows[2] = row_of(bystander, 1);
	rows[2].start_time--;
	edit(add_holders);
	edit(lose_second);
	edit(add_fault);
	MIG_ASSERT_INT_EQ(mig_sim_node_reboot(&store, &reboot, NULL), 0);
	MIG_ASSERT_UINT_EQ(reboot.ended, 2);
	MIG_ASSERT_UINT_EQ(reboot.stayed, 0);
	MIG_ASSERT_INT_EQ(exit_signal(holder), SIGKILL);
	MIG_ASSERT_INT_EQ(exit_signal(other), SIGKILL);
	end_child(bystander);
	state = look();
	for (unsigned int i = 0; i < MIG_SIM_HOLDERS_MAX; i++)
		MIG_ASSERT_UINT_EQ(state->holders[i].pid, 0);
	MIG_ASSERT_UINT_EQ(state->gpus[1].is_lost, 0);
	MIG_ASSERT_UINT_EQ(state->reboots, 1);
	MIG_ASSERT_UINT_EQ(state->busy_until_ns, 0);
	MIG_ASSERT_UINT_EQ(state->gpus[0].busy_until_ns, 0);
	MIG_ASSERT_UINT_EQ(state->fault_count, 1); /* of the whole node: it stays */
	free(state);
}

static void turn_mig_on(struct mig_sim_state *state)
{
	for (unsigned int i = 0; i < 2; i++)
		state->gpus[i].mig_current = state->gpus[i].mig_pending = 1;
}

MIG_TEST(a_reboot_is_an_event_where_it_changes_the_mode)
{
	struct mig_sim_reboot reboot;
	struct mig_sim_state *state;

	make_node("a100-sxm4-40gb,h100-sxm5-80gb", NULL);
	edit(turn_mig_on);
	MIG_ASSERT_INT_EQ(mig_sim_node_reboot(&store, &reboot, NULL), 0);
	state = look();
	MIG_ASSERT_UINT_EQ(state->gpus[0].mig_current, 1);
	MIG_ASSERT_UINT_EQ(state->gpus[1].mig_current, 0);
	MIG_ASSERT_UINT_EQ(state->config_changes, 1);
	MIG_ASSERT_UINT_EQ(state->event_serial, 1);
	MIG_ASSERT_UINT_EQ(state->events[1].gpu, 1);
	free(state);
}

/* `sim hold -- reboot`: the caller is a holder itself; and one that means nobody here. */
MIG_TEST(a_reboot_ends_neither_its_caller_nor_strangers)
{
	pid_t stranger = start_child();
	struct mig_sim_reboot reboot;

	make_node("a100-sxm4-40gb", NULL);
	rows[0] = row_of(getpid(), 0);
	rows[1] = row_of(stranger, 0);
	rows[1].pid_namespace++;
	edit(add_holders);
	MIG_ASSERT_INT_EQ(mig_sim_node_reboot(&store, &reboot, NULL), 0);
	MIG_ASSERT_UINT_EQ(reboot.ended, 0);
	/* Who can see all namespaces knows that there is none of this number; others cannot tell. */
	MIG_ASSERT(reboot.stayed <= 1);
	MIG_ASSERT_INT_EQ(kill(stranger, 0), 0);
	end_child(stranger);
}
