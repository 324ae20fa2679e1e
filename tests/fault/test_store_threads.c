/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads on one store, for the thread sanitizer as well. That tool takes two maps of one file for
 * different memory, so the order of stores and loads is also tested on plain memory that readers
 * and writer share.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fault/store_fixture.h"
#include "tests/harness/test.h"

#define GPUS	    1
#define READERS	    3
#define WRITERS	    3
#define UPDATES	    300 /* of each writer */
#define GENERATIONS 2000

static struct mig_sim_store store;
static bool is_over;
static uint64_t reads;

static void *read_until_over(void *unused)
{
	struct mig_sim_state *state = fixture_state_new(GPUS);
	struct mig_sim_gpu_state gpu;
	uint64_t last = 0;

	(void)unused;
	do {
		mig_sim_store_read(&store, state);
		MIG_ASSERT_MSG(fixture_is_whole(state, GPUS), "a thread saw a torn state");
		MIG_ASSERT(state->config_changes >= last);
		last = state->config_changes;
		mig_sim_store_read_gpu(&store, 0, &gpu);
		MIG_ASSERT_UINT_EQ(gpu.mig_current, gpu.mig_pending);
		__atomic_add_fetch(&reads, 1, __ATOMIC_RELAXED);
	} while (!__atomic_load_n(&is_over, __ATOMIC_RELAXED));
	free(state);
	return NULL;
}

static bool count_up(void *cookie, const struct mig_sim_store *of, struct mig_sim_state *state)
{
	(void)cookie;
	MIG_ASSERT(fixture_is_whole(state, GPUS));
	fixture_fill(state, of->node->gpu_count, state->config_changes + 1);
	return true;
}

static void *update_many(void *unused)
{
	(void)unused;
	for (int i = 0; i < UPDATES; i++)
		MIG_ASSERT_INT_EQ(mig_sim_store_update(&store, count_up, NULL), MIG_SIM_OK);
	return NULL;
}

/* On memory: what an update does to the map, without the file around it. */
static void *publish_many(void *memory)
{
	struct mig_sim_header *header = memory;
	struct mig_sim_state *const copies[2] = {(struct mig_sim_state *)store.copies[0],
						 (struct mig_sim_state *)store.copies[1]};
	struct mig_sim_state *state = fixture_state_new(GPUS);

	for (uint64_t n = 3; n < GENERATIONS; n++) {
		fixture_fill(state, GPUS, n);
		mig_sim_copies_publish(header, copies, state, store.state_size, n);
	}
	free(state);
	return NULL;
}

static void run(unsigned int writers, void *(*write)(void *), void *cookie)
{
	pthread_t readers[READERS], writing[WRITERS];

	for (unsigned int i = 0; i < READERS; i++)
		MIG_ASSERT_INT_EQ(pthread_create(&readers[i], NULL, read_until_over, NULL), 0);
	for (unsigned int i = 0; i < writers; i++)
		MIG_ASSERT_INT_EQ(pthread_create(&writing[i], NULL, write, cookie), 0);
	for (unsigned int i = 0; i < writers; i++)
		MIG_ASSERT_INT_EQ(pthread_join(writing[i], NULL), 0);
	__atomic_store_n(&is_over, true, __ATOMIC_RELAXED);
	for (unsigned int i = 0; i < READERS; i++)
		MIG_ASSERT_INT_EQ(pthread_join(readers[i], NULL), 0);
	printf("%ju reads\n", (uintmax_t)reads);
	MIG_ASSERT(reads >= READERS);
}

MIG_TEST(threads_read_and_write_one_store)
{
	const char *dir = fixture_node("node", GPUS);
	struct mig_sim_state *state = fixture_state_new(GPUS);
	unsigned int fds = fixture_fd_count();

	fixture_open(&store, dir);
	run(WRITERS, update_many, NULL);
	mig_sim_store_read(&store, state);
	MIG_ASSERT_UINT_EQ(state->config_changes, WRITERS * UPDATES);
	MIG_ASSERT(fixture_is_whole(state, GPUS));
	mig_sim_store_close(&store);
	MIG_ASSERT_UINT_EQ(fixture_fd_count(), fds);
	free(state);
}

MIG_TEST(readers_and_writer_on_the_same_memory)
{
	struct mig_sim_header *header = calloc(1, sizeof(*header));
	struct mig_sim_state *copies[2] = {fixture_state_new(GPUS), fixture_state_new(GPUS)};
	struct mig_sim_state *state = fixture_state_new(GPUS);

	MIG_ASSERT(header);
	store.state_size = fixture_state_size(GPUS);
	store.generation = &header->generation;
	store.bad_generation = MIG_SIM_NO_GENERATION;
	store.copies[0] = copies[0];
	store.copies[1] = copies[1];
	fixture_fill(state, GPUS, 2);
	mig_sim_copies_publish(header, copies, state, store.state_size, 2);
	run(1, publish_many, header);
	mig_sim_store_read(&store, state);
	MIG_ASSERT_UINT_EQ(state->config_changes, GENERATIONS - 1);
	MIG_ASSERT_UINT_EQ(header->generation, GENERATIONS - 1);
	free(state);
	free(copies[0]);
	free(copies[1]);
	free(header);
}

/* Failing updates of several threads write their words to the same place. */
static void *fail_many(void *unused)
{
	(void)unused;
	for (int i = 0; i < UPDATES; i++)
		MIG_ASSERT_INT_EQ(mig_sim_store_update(&store, count_up, NULL), MIG_SIM_NO_NODE);
	return NULL;
}

MIG_TEST(threads_fail_together)
{
	const char *dir = fixture_node("node", GPUS);
	char path[4096];

	fixture_open(&store, dir);
	snprintf(path, sizeof(path), "%s/moved", mig_test_tmpdir());
	MIG_ASSERT_INT_EQ(rename(dir, path), 0);
	run(WRITERS, fail_many, NULL);
	MIG_ASSERT_CONTAINS(store.detail, "no simulated node at '");
	mig_sim_store_close(&store);
}
