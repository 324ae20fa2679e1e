/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A writer may die at any instruction. What a reader can tell apart are the stores, so a child is
 * killed before and after each store of an update: for several kinds of update, on a healthy file
 * and on damaged ones that the update mends on its way (fixture_every_prefix says what must hold).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fault/store_fixture.h"
#include "tests/harness/test.h"

/* ---- updates of several kinds ----------------------------------------------------------------- */

static bool change_all(void *cookie, const struct mig_sim_store *store, struct mig_sim_state *state)
{
	(void)cookie;
	fixture_fill(state, store->node->gpu_count, state->config_changes + 1);
	return true;
}

static bool change_modes(void *cookie, const struct mig_sim_store *store,
			 struct mig_sim_state *state)
{
	(void)cookie;
	for (uint32_t i = 0; i < store->node->gpu_count; i++) {
		state->gpus[i].mig_current ^= 1;
		state->gpus[i].mig_pending ^= 1;
	}
	state->config_changes++;
	return true;
}

/* A layout is made out of nothing: two GPU instances with a compute instance each. */
static bool change_layout(void *cookie, const struct mig_sim_store *store,
			  struct mig_sim_state *state)
{
	struct mig_sim_gpu_state *gpu = &state->gpus[store->node->gpu_count - 1];

	(void)cookie;
	for (uint8_t i = 0; i < 2; i++) {
		struct mig_sim_gi *gi = &gpu->gi[7 + i];

		memset(gi, 0, sizeof(*gi));
		*gi = (struct mig_sim_gi){.in_use = 1, .profile = i, .start = i, .size = 1};
		gi->ci[0] = (struct mig_sim_ci){.in_use = 1, .size = 1};
	}
	gpu->mig_current = gpu->mig_pending = 1;
	state->config_changes++;
	return true;
}

static const mig_sim_change_fn all_changes[] = {
	change_all,
	fixture_change_one_word,
	change_modes,
	change_layout,
};

/* ---- on a healthy file ------------------------------------------------------------------------- */

MIG_TEST(killed_at_every_store_one_gpu)
{
	const char *dir = fixture_node("node", 1);

	for (size_t i = 0; i < MIG_ARRAY_SIZE(all_changes); i++)
		fixture_every_prefix(dir, 1, all_changes[i], NULL, i == 0 ? 139 : 4);
}

MIG_TEST(killed_at_every_store_two_gpus)
{
	const char *dir = fixture_node("node", 2);

	for (size_t i = 0; i < MIG_ARRAY_SIZE(all_changes); i++)
		fixture_every_prefix(dir, 2, all_changes[i], NULL, i == 0 ? 275 : 4);
}

MIG_TEST(killed_at_every_store_of_the_second_update)
{
	/* Now the other copy is the current one, and the target has an old content. */
	const char *dir = fixture_node("node", 1);
	uint64_t n = 1;

	MIG_ASSERT_INT_EQ(fixture_update(dir, fixture_change, &n), MIG_SIM_OK);
	for (size_t i = 0; i < MIG_ARRAY_SIZE(all_changes); i++)
		fixture_every_prefix(dir, 1, all_changes[i], NULL, 4);
}

/* ---- the same on files that need mending ------------------------------------------------------ */

/* One way in which a power loss or an accident can leave the file; the state is then pattern n. */
struct damage {
	const char *name;
	uint64_t header;
	uint64_t generations[2]; /* 0: torn */
	uint64_t patterns[2];
	uint64_t counts; /* the pattern that must be read */
};

static const struct damage damages[] = {
	{"current copy torn", 4, {0, 3}, {0, 30}, 30},
	{"current copy torn, odd", 5, {4, 0}, {40, 0}, 40},
	{"current copy torn, other far behind", 8, {0, 3}, {0, 30}, 30},
	{"header ahead of both, no copy written", 6, {4, 3}, {40, 30}, 40},
	{"header ahead of both, names the older", 7, {4, 3}, {40, 30}, 40},
	{"header ahead, other torn", 6, {4, 0}, {40, 0}, 40},
	{"header behind both", 2, {6, 7}, {60, 70}, 70},
	{"header behind both, even newest", 2, {8, 7}, {80, 70}, 80},
	{"header behind the other", 4, {4, 7}, {40, 70}, 70},
	{"header behind, other torn", 2, {6, 0}, {60, 0}, 60},
	{"header behind, its own torn", 2, {0, 7}, {0, 70}, 70},
	{"unpublished copy beside a good one", 4, {4, 5}, {40, 50}, 40},
	{"torn copy beside a good one", 4, {4, 0}, {40, 0}, 40},
};

static void make_damage(const char *dir, const struct damage *d)
{
	struct fixture_image image = fixture_load(dir);

	fixture_header(&image)->generation = d->header;
	for (unsigned int i = 0; i < 2; i++) {
		fixture_set_copy(&image, 1, d->generations[i] ? d->generations[i] : i + 2,
				 d->patterns[i]);
		if (!d->generations[i])
			fixture_copy(&image, i)->gpus[0].gi[3].ci[2].profile ^= 0x40;
	}
	fixture_save(dir, &image);
	fixture_image_free(&image);
}

static void check_damage(const char *dir, const struct damage *d)
{
	struct mig_sim_state *state = fixture_state_new(1);
	struct mig_sim_gpu_state gpu;
	struct mig_sim_store store;

	fixture_open(&store, dir);
	mig_sim_store_read(&store, state);
	MIG_ASSERT_UINT_EQ(state->config_changes, d->counts);
	MIG_ASSERT(fixture_is_whole(state, 1));
	mig_sim_store_read_gpu(&store, 0, &gpu);
	MIG_ASSERT_MEM_EQ(&gpu, &state->gpus[0], sizeof(gpu));
	mig_sim_store_close(&store);
	free(state);
}

MIG_TEST(the_newest_valid_copy_counts)
{
	const char *dir = fixture_node("node", 1);

	for (size_t i = 0; i < MIG_ARRAY_SIZE(damages); i++) {
		printf("%s\n", damages[i].name);
		make_damage(dir, &damages[i]);
		check_damage(dir, &damages[i]);
	}
}

MIG_TEST(killed_at_every_store_of_a_repair)
{
	const char *dir = fixture_node("node", 1);

	for (size_t i = 0; i < MIG_ARRAY_SIZE(damages); i++) {
		printf("%s\n", damages[i].name);
		make_damage(dir, &damages[i]);
		fixture_every_prefix(dir, 1, fixture_change_one_word, NULL, 4);
	}
	make_damage(dir, &damages[0]);
	fixture_every_prefix(dir, 1, change_all, NULL, 139);
}

MIG_TEST(killed_in_a_repair_and_again_in_the_next_one)
{
	const char *dir = fixture_node("node", 1);
	struct mig_sim_state *got = fixture_state_new(1);
	unsigned int kills = 0;

	for (size_t i = 0; i < MIG_ARRAY_SIZE(damages); i++) {
		uint64_t stores;

		make_damage(dir, &damages[i]);
		stores = fixture_count_stores(dir, fixture_change_one_word, NULL);
		if (stores > 30) /* a copy of another pattern is rewritten: a few points do */
			stores = 12;
		for (uint64_t first = 1; first < stores; first++) {
			for (uint64_t second = 1; second < stores; second++) {
				make_damage(dir, &damages[i]);
				MIG_ASSERT(fixture_update_killed(dir, fixture_change_one_word, NULL,
								 first, true));
				if (!fixture_update_killed(dir, fixture_change_one_word, NULL,
							   second, false))
					break;
				kills += 2;
				check_damage(dir, &damages[i]);
				MIG_ASSERT_INT_EQ(fixture_update(dir, fixture_change_one_word,
								 NULL),
						  MIG_SIM_OK);
				fixture_check_clean(dir);
				fixture_read(dir, got);
				MIG_ASSERT_UINT_EQ(got->config_changes, damages[i].counts + 1);
			}
		}
	}
	printf("%u kills\n", kills);
	MIG_ASSERT(kills > 500);
	free(got);
}

static bool change_nothing(void *cookie, const struct mig_sim_store *store,
			   struct mig_sim_state *state)
{
	(void)store;
	*(uint64_t *)cookie = state->config_changes;
	state->config_changes = 999; /* of a private copy: must not show */
	return false;
}

MIG_TEST(an_update_that_changes_nothing_still_repairs)
{
	const char *dir = fixture_node("node", 1);

	for (size_t i = 0; i < MIG_ARRAY_SIZE(damages); i++) {
		uint64_t seen = 0;

		make_damage(dir, &damages[i]);
		MIG_ASSERT_INT_EQ(fixture_update(dir, change_nothing, &seen), MIG_SIM_UNCHANGED);
		MIG_ASSERT_UINT_EQ(seen, damages[i].counts);
		fixture_check_clean(dir);
		check_damage(dir, &damages[i]);
	}
}

MIG_TEST(an_update_that_changes_nothing_stores_nothing)
{
	const char *dir = fixture_node("node", 1);
	struct fixture_image image = fixture_load(dir), later;
	uint64_t seen = 1;

	MIG_ASSERT_INT_EQ(fixture_update(dir, change_nothing, &seen), MIG_SIM_UNCHANGED);
	MIG_ASSERT_UINT_EQ(seen, 0);
	later = fixture_load(dir);
	MIG_ASSERT_UINT_EQ(later.size, image.size);
	MIG_ASSERT_MEM_EQ(later.bytes, image.bytes, image.size);
	fixture_image_free(&image);
	fixture_image_free(&later);
}
