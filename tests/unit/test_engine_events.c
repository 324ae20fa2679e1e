/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring of events: order, what is lost when it is full, and when a MIG configuration change is
 * one.
 */
#include <stdlib.h>

#include "tests/unit/test_engine.h"

static struct mig_sim_state *new_state(unsigned int gpu_count)
{
	struct mig_sim_state *state =
		calloc(1, sizeof(*state) + gpu_count * sizeof(struct mig_sim_gpu_state));

	MIG_ASSERT(state);
	return state;
}

static void push(struct mig_sim_state *state, uint64_t xid)
{
	mig_sim_event_push(state, nvmlEventTypeXidCriticalError, xid, 1, 7, 2);
}

MIG_TEST(an_empty_ring_has_no_event)
{
	struct mig_sim_state *state = new_state(1);

	MIG_ASSERT(!mig_sim_event_next(state, 0));
	MIG_ASSERT(!mig_sim_event_next(state, 5)); /* from a node that was made anew */
	free(state);
}

MIG_TEST(events_come_in_order)
{
	struct mig_sim_state *state = new_state(2);
	uint64_t after = 0;

	for (uint64_t xid = 40; xid < 43; xid++)
		push(state, xid);
	for (uint64_t xid = 40; xid < 43; xid++) {
		const struct mig_sim_event *event = mig_sim_event_next(state, after);

		MIG_ASSERT(event);
		MIG_ASSERT_UINT_EQ(event->serial, after + 1);
		MIG_ASSERT_UINT_EQ(event->type, nvmlEventTypeXidCriticalError);
		MIG_ASSERT_UINT_EQ(event->data, xid);
		MIG_ASSERT_UINT_EQ(event->gpu, 1);
		MIG_ASSERT_UINT_EQ(event->gi, 7);
		MIG_ASSERT_UINT_EQ(event->ci, 2);
		after = event->serial;
	}
	MIG_ASSERT(!mig_sim_event_next(state, after));
	free(state);
}

MIG_TEST(a_full_ring_loses_the_oldest)
{
	struct mig_sim_state *state = new_state(2);
	const struct mig_sim_event *event;

	for (uint64_t xid = 1; xid <= MIG_SIM_EVENTS_MAX; xid++)
		push(state, xid);
	event = mig_sim_event_next(state, 0);
	MIG_ASSERT_UINT_EQ(event->serial, 1); /* exactly full: nothing is lost */
	push(state, MIG_SIM_EVENTS_MAX + 1);
	event = mig_sim_event_next(state, 0);
	MIG_ASSERT_UINT_EQ(event->serial, 2);
	MIG_ASSERT_UINT_EQ(event->data, 2);
	for (uint64_t xid = 0; xid < 1000; xid++)
		push(state, xid);
	event = mig_sim_event_next(state, 3);
	MIG_ASSERT_UINT_EQ(event->serial, state->event_serial - MIG_SIM_EVENTS_MAX + 1);
	event = mig_sim_event_next(state, state->event_serial - 1);
	MIG_ASSERT_UINT_EQ(event->serial, state->event_serial);
	MIG_ASSERT(!mig_sim_event_next(state, state->event_serial));
	free(state);
}

MIG_TEST(a_changed_mode_or_instance_is_a_configuration_change)
{
	struct mig_sim_state *state = new_state(2);
	struct mig_sim_gpu_state before = state->gpus[1];
	const struct mig_sim_event *event;

	state->gpus[1].mig_pending = 1;
	mig_sim_event_mig_config(state, 1, &before);
	MIG_ASSERT_UINT_EQ(state->config_changes, 1);
	event = mig_sim_event_next(state, 0);
	MIG_ASSERT_UINT_EQ(event->type, nvmlEventMigConfigChange);
	MIG_ASSERT_UINT_EQ(event->gpu, 1);
	MIG_ASSERT_UINT_EQ(event->gi, MIG_SIM_NO_INSTANCE);
	MIG_ASSERT_UINT_EQ(event->ci, MIG_SIM_NO_INSTANCE);
	before = state->gpus[1];
	state->gpus[1].gi[3].in_use = 1;
	mig_sim_event_mig_config(state, 1, &before);
	before = state->gpus[1];
	state->gpus[1].gi[3].ci[2].in_use = 1;
	mig_sim_event_mig_config(state, 1, &before);
	MIG_ASSERT_UINT_EQ(state->config_changes, 3);
	MIG_ASSERT_UINT_EQ(state->event_serial, 3);
	free(state);
}

MIG_TEST(other_changes_are_none)
{
	struct mig_sim_state *state = new_state(1);
	struct mig_sim_gpu_state before = state->gpus[0];

	state->gpus[0].persistence = 1;
	state->gpus[0].busy_until_ns = 7;
	state->gpus[0].is_lost = 1;
	state->gpus[0].gi[3].ecc_uncorrected = 9;
	mig_sim_event_mig_config(state, 0, &before);
	MIG_ASSERT_UINT_EQ(state->config_changes, 0);
	MIG_ASSERT_UINT_EQ(state->event_serial, 0);
	free(state);
}
