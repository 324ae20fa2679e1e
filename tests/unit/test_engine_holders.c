/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of holders: rows come and go, count while their processes live, and never take more
 * memory than there is. Which processes live is what a test says: those whose start time is not
 * DEAD.
 */
#include "sim/engine/holders.h"

#include <stdlib.h>

#include "tests/unit/test_engine.h"

#define DEAD 99
#define GIB  (UINT64_C(1) << 30)
#define MIB  (UINT64_C(1) << 20)

#define EXACT  MIG_SIM_REACH_EXACT
#define WITHIN MIG_SIM_REACH_WITHIN

static bool is_alive(const struct mig_sim_holder *holder)
{
	MIG_ASSERT(holder->pid != 0);
	return holder->start_time != DEAD;
}

struct node {
	struct engine_gpu e;
	struct mig_sim_state *state;
	uint64_t free_bytes;
};

/* A100 with MIG on: GPU instance 1 (3g at 0) with CIs 0 and 1, GPU instance 11 (1g at 4). */
static void start(struct node *n, unsigned int mig_mode)
{
	n->state = calloc(1, sizeof(*n->state) + 2 * sizeof(n->state->gpus[0]));
	MIG_ASSERT(n->state);
	engine_gpu_init(&n->e, "a100-sxm4-40gb");
	n->e.node.gpu_count = 2;
	n->e.state.mig_current = (uint8_t)mig_mode;
	if (mig_mode) {
		unsigned int gi = engine_make_gi(&n->e, 9, 0, 4);

		MIG_ASSERT_UINT_EQ(gi, 1);
		engine_make_ci(&n->e, gi, 0);
		engine_make_ci(&n->e, gi, 0);
		MIG_ASSERT_UINT_EQ(engine_make_gi(&n->e, 19, 4, 1), 11);
		engine_make_ci(&n->e, 11, 0);
	}
	n->state->gpus[0] = n->e.state;
	n->state->gpus[1] = n->e.state;
}

static struct mig_sim_holder holder(uint32_t pid, struct mig_sim_place place, uint64_t memory)
{
	return (struct mig_sim_holder){
		.pid = pid,
		.gpu = (uint8_t)place.gpu,
		.gi = (uint8_t)place.gi,
		.ci = (uint8_t)place.ci,
		.start_time = 7,
		.pid_namespace = 8,
		.memory = memory,
	};
}

static enum mig_sim_hold_status add(struct node *n, struct mig_sim_holder h)
{
	return mig_sim_holder_add(&n->e.gpu, n->state, &h, is_alive, &n->free_bytes);
}

static unsigned int used(const struct node *n)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < MIG_SIM_HOLDERS_MAX; i++)
		count += n->state->holders[i].pid != 0;
	return count;
}

static bool held(const struct node *n, struct mig_sim_place place, enum mig_sim_reach reach)
{
	return mig_sim_is_held(n->state->holders, place, reach, is_alive);
}

MIG_TEST(a_holder_is_at_its_place_and_in_what_is_around_it)
{
	struct node n;

	start(&n, 1);
	MIG_ASSERT(!held(&n, mig_sim_place_gpu(0), WITHIN));
	MIG_ASSERT_INT_EQ(add(&n, holder(5, mig_sim_place_ci(0, 1, 1), 0)), MIG_SIM_HOLD_OK);
	MIG_ASSERT(held(&n, mig_sim_place_ci(0, 1, 1), EXACT));
	MIG_ASSERT(held(&n, mig_sim_place_gi(0, 1), WITHIN));
	MIG_ASSERT(held(&n, mig_sim_place_gpu(0), WITHIN));
	MIG_ASSERT(!held(&n, mig_sim_place_gpu(0), EXACT));
	MIG_ASSERT(!held(&n, mig_sim_place_ci(0, 1, 0), EXACT));
	MIG_ASSERT(!held(&n, mig_sim_place_gi(0, 11), WITHIN));
	MIG_ASSERT(!held(&n, mig_sim_place_gpu(1), WITHIN));
	free(n.state);
}

MIG_TEST(a_client_of_the_gpu_itself)
{
	struct node n;

	start(&n, 1);
	MIG_ASSERT_INT_EQ(add(&n, holder(5, mig_sim_place_gpu(0), 0)), MIG_SIM_HOLD_OK);
	MIG_ASSERT(held(&n, mig_sim_place_gpu(0), EXACT));
	MIG_ASSERT(held(&n, mig_sim_place_gpu(0), WITHIN));
	MIG_ASSERT(!held(&n, mig_sim_place_gi(0, 1), WITHIN));
	/* With MIG on the memory is the instances'. */
	MIG_ASSERT_INT_EQ(add(&n, holder(5, mig_sim_place_gpu(0), 1)), MIG_SIM_HOLD_NO_MEMORY);
	MIG_ASSERT_UINT_EQ(n.free_bytes, 0);
	free(n.state);
}

MIG_TEST(memory_is_shared_in_a_gpu_instance)
{
	const struct mig_sim_place first = mig_sim_place_ci(0, 1, 0);
	const struct mig_sim_place second = mig_sim_place_ci(0, 1, 1);
	struct node n;

	start(&n, 1);
	MIG_ASSERT_UINT_EQ(mig_sim_place_memory(&n.e.gpu, &n.state->gpus[0], first), 20096 * MIB);
	MIG_ASSERT_INT_EQ(add(&n, holder(5, first, 10 * GIB)), MIG_SIM_HOLD_OK);
	MIG_ASSERT_INT_EQ(add(&n, holder(6, second, 10 * GIB)), MIG_SIM_HOLD_NO_MEMORY);
	MIG_ASSERT_UINT_EQ(n.free_bytes, 20096 * MIB - 10 * GIB);
	MIG_ASSERT_INT_EQ(add(&n, holder(6, second, n.free_bytes)), MIG_SIM_HOLD_OK);
	MIG_ASSERT_INT_EQ(add(&n, holder(7, second, 1)), MIG_SIM_HOLD_NO_MEMORY);
	MIG_ASSERT_UINT_EQ(n.free_bytes, 0);
	MIG_ASSERT_UINT_EQ(mig_sim_held_memory(n.state->holders, mig_sim_place_gi(0, 1), is_alive),
			   20096 * MIB);
	MIG_ASSERT_UINT_EQ(mig_sim_held_memory(n.state->holders, first, is_alive), 10 * GIB);
	/* The other GPU instance and the other GPU have theirs. */
	MIG_ASSERT_INT_EQ(add(&n, holder(7, mig_sim_place_ci(0, 11, 0), 4 * GIB)), MIG_SIM_HOLD_OK);
	MIG_ASSERT_INT_EQ(add(&n, holder(7, mig_sim_place_ci(1, 1, 0), 19 * GIB)), MIG_SIM_HOLD_OK);
	/* One that has ended frees what it had. */
	for (unsigned int i = 0; i < MIG_SIM_HOLDERS_MAX; i++) {
		if (n.state->holders[i].pid == 5)
			n.state->holders[i].start_time = DEAD;
	}
	MIG_ASSERT_INT_EQ(add(&n, holder(8, second, 10 * GIB)), MIG_SIM_HOLD_OK);
	free(n.state);
}

MIG_TEST(memory_of_a_gpu_without_mig_leaves_out_what_is_reserved)
{
	struct node n;
	uint64_t total;

	start(&n, 0);
	total = mig_sim_place_memory(&n.e.gpu, &n.state->gpus[0], mig_sim_place_gpu(0));
	MIG_ASSERT_UINT_EQ(total,
			   (n.e.gpu.model->memory_total_mib - n.e.gpu.model->memory_reserved_mib) *
				   MIB);
	MIG_ASSERT_INT_EQ(add(&n, holder(5, mig_sim_place_gpu(0), total)), MIG_SIM_HOLD_OK);
	MIG_ASSERT_INT_EQ(add(&n, holder(6, mig_sim_place_gpu(0), 1)), MIG_SIM_HOLD_NO_MEMORY);
	MIG_ASSERT_INT_EQ(add(&n, holder(6, mig_sim_place_gpu(0), UINT64_MAX)),
			  MIG_SIM_HOLD_NO_MEMORY);
	free(n.state);
}

/* What four A30 showed (data/gpus/a30-24gb.json). */
MIG_TEST(the_driver_uses_memory_of_its_own)
{
	const struct mig_sim_place gpu = mig_sim_place_gpu(0);
	const struct mig_sim_place gi = mig_sim_place_gi(0, 1);
	struct mig_sim_gpu_state state = {0};
	struct mig_sim_gpu facts = {.model = mig_gpu_table_find("a30-24gb")};
	unsigned int row = 0;

	MIG_ASSERT_UINT_EQ(mig_sim_idle_memory(&facts, &state, gpu), 4 * MIB);
	MIG_ASSERT_UINT_EQ(mig_sim_place_memory(&facts, &state, gpu),
			   (24576 - 4 - facts.model->memory_reserved_mib) * MIB);
	state.mig_current = 1;
	MIG_ASSERT_UINT_EQ(mig_sim_idle_memory(&facts, &state, gpu), 0);
	while (strcmp(facts.model->gi[row].name, "2g.12gb") != 0)
		row++;
	for (unsigned int id = 1; id <= 2; id++) {
		state.gi[id].in_use = 1;
		state.gi[id].profile = (uint8_t)row;
	}
	MIG_ASSERT_UINT_EQ(mig_sim_idle_memory(&facts, &state, gi), 0);
	MIG_ASSERT_UINT_EQ(mig_sim_place_memory(&facts, &state, gi), 11968 * MIB);
	/* Two compute instances of a GPU instance share it. */
	state.gi[1].ci[0].in_use = state.gi[1].ci[1].in_use = state.gi[2].ci[0].in_use = 1;
	MIG_ASSERT_UINT_EQ(mig_sim_idle_memory(&facts, &state, gi), 25 * MIB);
	MIG_ASSERT_UINT_EQ(mig_sim_idle_memory(&facts, &state, mig_sim_place_ci(0, 1, 1)),
			   25 * MIB);
	MIG_ASSERT_UINT_EQ(mig_sim_idle_memory(&facts, &state, gpu), 50 * MIB);
	MIG_ASSERT_UINT_EQ(mig_sim_place_memory(&facts, &state, gi), (11968 - 25) * MIB);
	/* Not known of another profile: none. */
	state.gi[2].profile = 0;
	MIG_ASSERT_UINT_EQ(mig_sim_idle_memory(&facts, &state, mig_sim_place_gi(0, 2)), 0);
	facts.model = mig_gpu_table_find("a100-sxm4-40gb");
	state.mig_current = 0;
	MIG_ASSERT_UINT_EQ(mig_sim_idle_memory(&facts, &state, gpu), 0);
}

MIG_TEST(only_what_is_there_can_be_held)
{
	struct node n;

	start(&n, 1);
	MIG_ASSERT_INT_EQ(add(&n, holder(5, mig_sim_place_ci(0, 1, 2), 0)),
			  MIG_SIM_HOLD_NO_INSTANCE);
	MIG_ASSERT_INT_EQ(add(&n, holder(5, mig_sim_place_ci(0, 2, 0), 0)),
			  MIG_SIM_HOLD_NO_INSTANCE);
	MIG_ASSERT_INT_EQ(add(&n, holder(5, mig_sim_place_gi(0, 1), 0)), MIG_SIM_HOLD_NO_INSTANCE);
	MIG_ASSERT_INT_EQ(add(&n, holder(5, mig_sim_place_ci(0, 200, 0), 0)),
			  MIG_SIM_HOLD_NO_INSTANCE);
	n.state->gpus[0].is_lost = 1;
	MIG_ASSERT_INT_EQ(add(&n, holder(5, mig_sim_place_gpu(0), 0)), MIG_SIM_HOLD_GPU_LOST);
	MIG_ASSERT_UINT_EQ(used(&n), 0);
	free(n.state);
}

MIG_TEST(the_same_process_at_the_same_place_has_one_row)
{
	const struct mig_sim_place place = mig_sim_place_ci(0, 11, 0);
	struct mig_sim_holder other;
	struct node n;

	start(&n, 1);
	MIG_ASSERT_INT_EQ(add(&n, holder(5, place, GIB)), MIG_SIM_HOLD_OK);
	MIG_ASSERT_INT_EQ(add(&n, holder(5, place, GIB)), MIG_SIM_HOLD_OK);
	MIG_ASSERT_UINT_EQ(used(&n), 1);
	MIG_ASSERT_UINT_EQ(n.state->holders[0].memory, 2 * GIB);
	/* The pid of another process, another kind, another place: rows of their own. */
	other = holder(5, place, 0);
	other.start_time = 8;
	MIG_ASSERT_INT_EQ(add(&n, other), MIG_SIM_HOLD_OK);
	other = holder(5, place, 0);
	other.kind = MIG_SIM_HOLDER_GRAPHICS;
	MIG_ASSERT_INT_EQ(add(&n, other), MIG_SIM_HOLD_OK);
	MIG_ASSERT_INT_EQ(add(&n, holder(5, mig_sim_place_ci(0, 1, 0), 0)), MIG_SIM_HOLD_OK);
	MIG_ASSERT_UINT_EQ(used(&n), 4);
	other = holder(5, place, 0);
	MIG_ASSERT_UINT_EQ(mig_sim_holder_remove(n.state, &other), 3);
	MIG_ASSERT_UINT_EQ(used(&n), 1);
	MIG_ASSERT_UINT_EQ(mig_sim_holder_remove(n.state, &other), 0);
	free(n.state);
}

MIG_TEST(a_full_table_takes_rows_of_the_dead_and_refuses_then)
{
	const struct mig_sim_place place = mig_sim_place_ci(0, 11, 0);
	struct node n;

	start(&n, 1);
	for (uint32_t i = 0; i < MIG_SIM_HOLDERS_MAX; i++)
		MIG_ASSERT_INT_EQ(add(&n, holder(1000 + i, place, 1)), MIG_SIM_HOLD_OK);
	MIG_ASSERT_INT_EQ(add(&n, holder(5, place, 1)), MIG_SIM_HOLD_TABLE_FULL);
	MIG_ASSERT_INT_EQ(add(&n, holder(1007, place, 1)), MIG_SIM_HOLD_OK);
	n.state->holders[300].start_time = DEAD;
	MIG_ASSERT_INT_EQ(add(&n, holder(5, place, 1)), MIG_SIM_HOLD_OK);
	MIG_ASSERT_UINT_EQ(n.state->holders[300].pid, 5);
	MIG_ASSERT_UINT_EQ(n.state->holders[300].memory, 1);
	MIG_ASSERT_INT_EQ(add(&n, holder(6, place, 1)), MIG_SIM_HOLD_TABLE_FULL);
	free(n.state);
}

MIG_TEST(the_walk_passes_over_the_dead_and_dropping_frees_them)
{
	const struct mig_sim_place place = mig_sim_place_gpu(0);
	const struct mig_sim_holder *row = NULL;
	unsigned int count = 0;
	struct node n;

	start(&n, 1);
	for (uint32_t i = 0; i < 6; i++)
		add(&n, holder(10 + i, mig_sim_place_ci(i < 4 ? 0 : 1, 1, i % 2), 0));
	n.state->holders[1].start_time = DEAD;
	n.state->holders[5].start_time = DEAD;
	while ((row = mig_sim_holder_next(n.state->holders, place, WITHIN, is_alive, row))) {
		static const uint32_t living[] = {10, 12, 13};

		MIG_ASSERT_UINT_EQ(row->pid, living[count++]);
	}
	MIG_ASSERT_UINT_EQ(count, 3);
	MIG_ASSERT_UINT_EQ(mig_sim_holder_drop_dead(n.state, place, is_alive), 1);
	MIG_ASSERT_UINT_EQ(used(&n), 5);
	MIG_ASSERT_UINT_EQ(mig_sim_holder_drop_dead(n.state, mig_sim_place_gpu(1), is_alive), 1);
	MIG_ASSERT_UINT_EQ(used(&n), 4);
	free(n.state);
}
