/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reservations: what waits for what, on one GPU, on several, and on a serial node; and reservations
 * that nobody can have made since the machine was started.
 */
#include <stdlib.h>

#include "tests/unit/test_engine.h"

#define MS UINT64_C(1000000)

struct node {
	struct mig_sim_node_desc desc;
	struct mig_sim_state *state;
};

static void make(struct node *n, bool is_serial)
{
	memset(n, 0, sizeof(*n));
	n->desc.gpu_count = 2;
	n->desc.is_serial = is_serial;
	n->desc.timing_ms[MIG_SIM_OPERATION_CREATE] = 150;
	n->desc.timing_ms[MIG_SIM_OPERATION_DESTROY] = 100;
	n->state = calloc(1, sizeof(*n->state) + 2 * sizeof(struct mig_sim_gpu_state));
	MIG_ASSERT(n->state);
}

static uint64_t create(struct node *n, unsigned int gpu_index, uint64_t now_ms)
{
	return mig_sim_time_reserve(&n->desc, n->state, gpu_index, MIG_SIM_OPERATION_CREATE,
				    now_ms * MS) /
	       MS;
}

MIG_TEST(on_one_gpu_one_after_the_other)
{
	struct node n;

	make(&n, false);
	MIG_ASSERT_UINT_EQ(create(&n, 0, 1000), 1150);
	MIG_ASSERT_UINT_EQ(create(&n, 0, 1000), 1300);
	MIG_ASSERT_UINT_EQ(create(&n, 0, 1299), 1450);
	MIG_ASSERT_UINT_EQ(create(&n, 0, 2000), 2150); /* it was idle in between */
	MIG_ASSERT_UINT_EQ(mig_sim_time_reserve(&n.desc, n.state, 0, MIG_SIM_OPERATION_DESTROY,
						2000 * MS) /
				   MS,
			   2250);
	free(n.state);
}

MIG_TEST(on_two_gpus_at_the_same_time)
{
	struct node n;

	make(&n, false);
	MIG_ASSERT_UINT_EQ(create(&n, 0, 1000), 1150);
	MIG_ASSERT_UINT_EQ(create(&n, 1, 1000), 1150);
	MIG_ASSERT_UINT_EQ(n.state->busy_until_ns, 0);
	free(n.state);
}

MIG_TEST(on_a_serial_node_never_at_the_same_time)
{
	struct node n;

	make(&n, true);
	MIG_ASSERT_UINT_EQ(create(&n, 0, 1000), 1150);
	MIG_ASSERT_UINT_EQ(create(&n, 1, 1000), 1300);
	MIG_ASSERT_UINT_EQ(create(&n, 0, 1000), 1450);
	MIG_ASSERT_UINT_EQ(n.state->gpus[0].busy_until_ns, 0);
	free(n.state);
}

MIG_TEST(the_longest_operation_on_every_gpu_one_after_the_other)
{
	struct node n;

	make(&n, true);
	n.desc.timing_ms[MIG_SIM_OPERATION_CREATE] = MIG_SIM_OPERATION_MS_MAX;
	for (unsigned int i = 1; i <= MIG_SIM_GPUS_MAX; i++)
		MIG_ASSERT_UINT_EQ(create(&n, 0, 1000), 1000 + UINT64_C(60000) * i);
	free(n.state);
}

MIG_TEST(a_reservation_of_before_the_machine_was_started_is_not_believed)
{
	struct node n;

	make(&n, false);
	n.state->gpus[0].busy_until_ns = (1000 + 3840000) * MS;
	MIG_ASSERT_UINT_EQ(create(&n, 0, 1000), 1000 + 3840000 + 150); /* 64 minutes: believed */
	n.state->gpus[0].busy_until_ns = (1000 + 3840000) * MS + 1;
	MIG_ASSERT_UINT_EQ(create(&n, 0, 1000), 1150);
	n.state->gpus[0].busy_until_ns = UINT64_MAX;
	MIG_ASSERT_UINT_EQ(create(&n, 0, 1000), 1150);
	free(n.state);
}
