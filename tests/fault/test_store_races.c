/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A writer that comes in the middle of a read, at a place of our choosing.
 *
 * The state is one piece of memory, mapped twice. In the reader's map one page of a copy cannot be
 * read; when the reader gets there, the signal handler makes the page readable and does by the other
 * map what a fast writer might have done at that moment. So the words before that page are of one
 * generation and those in it of another, every time.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/fault/store_fixture.h"
#include "tests/harness/test.h"

#define GPUS	   MIG_SIM_GPUS_MAX
#define PAGE	   4096
#define COPY_PAGES 20 /* more than a state of this size needs */
#define MAP_PAGES  (1 + 2 * COPY_PAGES)

static char *reader_map, *writer_map;
static struct mig_sim_store store;
static struct mig_sim_state *written; /* what the writer writes */
static void (*writer)(void);	      /* what happens at the fault */
static unsigned int faults;

static struct mig_sim_header *header(void)
{
	return (void *)writer_map;
}

static void publish(uint64_t generation, uint64_t n)
{
	struct mig_sim_state *const copies[2] = {(void *)(writer_map + PAGE),
						 (void *)(writer_map + (1 + COPY_PAGES) * PAGE)};

	fixture_fill(written, GPUS, n);
	mig_sim_copies_publish(header(), copies, written, fixture_state_size(GPUS), generation);
}

static void on_fault(int number, siginfo_t *info, void *context)
{
	char *at = info->si_addr;

	(void)number;
	(void)context;
	if (at < reader_map || at >= reader_map + MAP_PAGES * PAGE || faults++ > 0)
		_exit(3);
	if (mprotect(reader_map, MAP_PAGES * PAGE, PROT_READ) < 0)
		_exit(4);
	writer();
}

/* Generation 2 is pattern 20, generation 1 is pattern 10; both copies are good. */
static void set_up(void)
{
	static struct mig_sim_node_desc node;
	static struct mig_gpu_table model;
	struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};
	int fd = memfd_create("state", MFD_CLOEXEC);

	if (sysconf(_SC_PAGESIZE) != PAGE)
		MIG_SKIP("written for pages of 4096 bytes");
	MIG_ASSERT(fixture_state_size(GPUS) <= COPY_PAGES * PAGE);
	MIG_ASSERT(fd >= 0);
	MIG_ASSERT_INT_EQ(ftruncate(fd, MAP_PAGES * PAGE), 0);
	writer_map = mmap(NULL, MAP_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	reader_map = mmap(NULL, MAP_PAGES * PAGE, PROT_READ, MAP_SHARED, fd, 0);
	MIG_ASSERT(writer_map != MAP_FAILED && reader_map != MAP_FAILED);
	close(fd);
	MIG_ASSERT_INT_EQ(sigaction(SIGSEGV, &action, NULL), 0);
	fixture_describe(GPUS, &node, &model);
	store.node = &node;
	store.models = &model;
	store.state_size = fixture_state_size(GPUS);
	store.bad_generation = MIG_SIM_NO_GENERATION;
	store.generation = &((struct mig_sim_header *)(void *)reader_map)->generation;
	store.copies[0] = (void *)(reader_map + PAGE);
	store.copies[1] = (void *)(reader_map + (1 + COPY_PAGES) * PAGE);
	written = fixture_state_new(GPUS);
	publish(1, 10);
	publish(2, 20);
}

/* The reader meets the writer at this page of a copy. */
static void guard(unsigned int copy, unsigned int page)
{
	faults = 0;
	MIG_ASSERT_INT_EQ(
		mprotect(reader_map + (1 + copy * COPY_PAGES + page) * PAGE, PAGE, PROT_NONE), 0);
}

static void expect_whole(const struct mig_sim_state *state, uint64_t n)
{
	MIG_ASSERT_UINT_EQ(faults, 1);
	MIG_ASSERT_MSG(fixture_is_whole(state, GPUS), "a torn state");
	MIG_ASSERT_UINT_EQ(state->config_changes, n);
}

static void one_update(void)
{
	publish(3, 30);
}

static void two_updates(void)
{
	publish(3, 30);
	publish(4, 40);
}

MIG_TEST(two_updates_in_the_middle_of_a_read)
{
	struct mig_sim_state *state = fixture_state_new(GPUS);

	set_up();
	writer = two_updates;
	guard(0, 5);
	mig_sim_store_read(&store, state);
	expect_whole(state, 40);
	free(state);
}

MIG_TEST(one_update_in_the_middle_of_a_read)
{
	struct mig_sim_state *state = fixture_state_new(GPUS);

	set_up();
	writer = one_update;
	guard(0, 5);
	mig_sim_store_read(&store, state);
	/* The copy was whole, but what is returned is current. */
	expect_whole(state, 30);
	free(state);
}

MIG_TEST(two_updates_in_the_middle_of_one_gpu)
{
	struct mig_sim_gpu_state gpu;
	unsigned int index = 0;

	set_up();
	/* A GPU that lies across the border before page 10, well on both sides. */
	while (offsetof(struct mig_sim_state, gpus) + (index + 1) * sizeof(gpu) < 10 * PAGE + 200)
		index++;
	MIG_ASSERT(index < GPUS);
	MIG_ASSERT(offsetof(struct mig_sim_state, gpus) + index * sizeof(gpu) < 10 * PAGE - 200);
	writer = two_updates;
	guard(0, 10);
	mig_sim_store_read_gpu(&store, index, &gpu);
	MIG_ASSERT_UINT_EQ(faults, 1);
	fixture_fill(written, GPUS, 40);
	MIG_ASSERT_MEM_EQ(&gpu, &written->gpus[index], sizeof(gpu));
}

/* What open and each writer do to find the copy that counts. */
static void expect_choice(uint64_t generation, uint64_t n)
{
	struct mig_sim_state *state = fixture_state_new(GPUS), *scratch = fixture_state_new(GPUS);
	char why[MIG_SIM_DETAIL_SIZE] = "";
	struct mig_sim_choice choice;

	MIG_ASSERT_MSG(mig_sim_copies_choose(&store, state, scratch, &choice, why), "%s", why);
	expect_whole(state, n);
	MIG_ASSERT_UINT_EQ(choice.generation, generation);
	MIG_ASSERT_UINT_EQ(choice.index, generation & 1);
	MIG_ASSERT(choice.is_clean);
	free(state);
	free(scratch);
}

MIG_TEST(updates_in_the_middle_of_an_open_are_no_damage)
{
	set_up();
	writer = two_updates;
	guard(0, 5);
	expect_choice(4, 40);
}

MIG_TEST(an_update_in_the_middle_of_an_open_may_be_overlooked)
{
	set_up();
	writer = one_update;
	guard(0, 5);
	/* The copy that was looked at is whole and was current when the look began. */
	expect_choice(2, 20);
}

/* As an update does it on a file whose current copy is damaged. */
static void repair_and_update(void)
{
	mig_sim_store_put((mig_sim_word *)&header()->generation, 3);
	publish(4, 10);
	publish(5, 50);
}

MIG_TEST(a_repair_in_the_middle_of_an_open)
{
	set_up();
	((struct mig_sim_state *)(void *)(writer_map + PAGE))->gpus[9].reserved[0] ^= 1;
	writer = repair_and_update;
	guard(1, 5); /* the good copy, which is looked at second and then written */
	expect_choice(5, 50);
}

MIG_TEST(a_repair_in_the_middle_of_a_read_of_the_other_copy)
{
	struct mig_sim_state *state = fixture_state_new(GPUS);

	set_up();
	((struct mig_sim_state *)(void *)(writer_map + PAGE))->gpus[9].reserved[0] ^= 1;
	store.bad_generation = 2; /* as its open found */
	writer = repair_and_update;
	guard(1, 5);
	mig_sim_store_read(&store, state);
	expect_whole(state, 50);
	free(state);
}
