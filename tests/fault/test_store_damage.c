/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that are not as we wrote them: after a power loss, by accident or by malice. Opening one
 * gives a state that was there before, or a clear refusal; never a crash, a mixture, a wait or a
 * changed file.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fault/store_fixture.h"
#include "tests/harness/test.h"

/* ---- helpers ---------------------------------------------------------------------------------- */

/* Opens and expects this status, a detail with `part` in it, and nothing left open or changed. */
static void expect_refusal(const char *dir, enum mig_sim_status wanted, const char *part)
{
	unsigned int fds = fixture_fd_count();
	struct mig_sim_store store;
	enum mig_sim_status status;

	memset(&store, 0xa5, sizeof(store));
	errno = ELNRNG;
	status = mig_sim_store_open(&store, dir);
	MIG_ASSERT_INT_EQ(errno, ELNRNG);
	if (status == MIG_SIM_OK)
		MIG_FAIL("opened, wanted: %s", part);
	MIG_ASSERT_STR_EQ(mig_sim_status_word(status), mig_sim_status_word(wanted));
	MIG_ASSERT_CONTAINS(store.detail, part);
	MIG_ASSERT(!store.map && !store.path && !store.node);
	MIG_ASSERT_UINT_EQ(fixture_fd_count(), fds);
	mig_sim_store_close(&store); /* does no harm */
}

static const char *state_path(const char *dir)
{
	static char path[4096];

	snprintf(path, sizeof(path), "%s/%s", dir, MIG_SIM_STATE_FILE);
	return path;
}

/* The static checksum made right again after an edit of what it covers. */
static void sign(const struct fixture_image *image)
{
	struct mig_sim_header *header = fixture_header(image);
	struct mig_sim_node_desc *node = (void *)(image->bytes + sizeof(*header));
	struct mig_gpu_table *models = (void *)(node + 1);

	header->static_checksum = mig_sim_static_checksum(header, node, models);
}

/* ---- power loss ------------------------------------------------------------------------------- */

/*
 * What an update leaves in the page cache reaches the disk sector by sector in any order. `old` and
 * `new` are the file before and after it; the sectors in which they differ are listed.
 */
struct sectors {
	size_t size;
	size_t count;
	size_t starts[256];
};

static void sectors_find(struct sectors *s, size_t size, const struct fixture_image *old,
			 const struct fixture_image *new)
{
	s->size = size;
	s->count = 0;
	for (size_t at = 0; at < old->size; at += size) {
		size_t len = MIG_MIN(size, old->size - at);

		if (memcmp(old->bytes + at, new->bytes + at, len) == 0)
			continue;
		MIG_ASSERT(s->count < MIG_ARRAY_SIZE(s->starts));
		s->starts[s->count++] = at;
	}
}

static void sector_copy(const struct sectors *s, size_t i, struct fixture_image *to,
			const struct fixture_image *from)
{
	size_t at = s->starts[i];

	memcpy(to->bytes + at, from->bytes + at, MIG_MIN(s->size, to->size - at));
}

/* The state must be `old_n` or `new_n`, and the next update must go well. */
static void check_after_power_loss(const char *dir, unsigned int gpu_count, uint64_t old_n,
				   uint64_t new_n)
{
	struct mig_sim_state *state = fixture_state_new(gpu_count);
	uint64_t n = 1000;

	fixture_read(dir, state);
	MIG_ASSERT_MSG(fixture_is_whole(state, gpu_count), "a mixture");
	MIG_ASSERT_MSG(state->config_changes == old_n || state->config_changes == new_n,
		       "neither old nor new: %ju", (uintmax_t)state->config_changes);
	MIG_ASSERT_INT_EQ(fixture_update(dir, fixture_change, &n), MIG_SIM_OK);
	fixture_read(dir, state);
	MIG_ASSERT_UINT_EQ(state->config_changes, n);
	MIG_ASSERT(fixture_is_whole(state, gpu_count));
	free(state);
}

static void power_loss(unsigned int gpu_count, size_t sector_size, uint64_t updates_before,
		       uint64_t random_trials)
{
	const char *name = gpu_count == 1 ? "one" : gpu_count == 4 ? "four" : "many";
	const char *dir = fixture_node(name, gpu_count);
	struct fixture_image old, new, mixed;
	uint64_t seed = fixture_setting("MIG_STORE_SEED", 20240229), trials;
	struct sectors s;
	uint64_t n;

	for (n = 1; n <= updates_before; n++)
		MIG_ASSERT_INT_EQ(fixture_update(dir, fixture_change, &n), MIG_SIM_OK);
	old = fixture_load(dir);
	MIG_ASSERT_INT_EQ(fixture_update(dir, fixture_change, &n), MIG_SIM_OK);
	new = fixture_load(dir);
	mixed = fixture_load(dir);
	sectors_find(&s, sector_size, &old, &new);
	MIG_ASSERT(s.count >= 2);
	trials = random_trials ? random_trials : (uint64_t)1 << s.count;
	printf("%u GPUs: %zu sectors of %zu bytes differ, %ju mixtures, seed %ju\n", gpu_count,
	       s.count, sector_size, (uintmax_t)trials, (uintmax_t)seed);
	MIG_ASSERT(trials <= 1 << 12);
	for (uint64_t t = 0; t < trials; t++) {
		uint64_t bits = t;

		for (size_t i = 0; i < s.count; i++) {
			if (random_trials)
				bits = fixture_random(&seed);
			sector_copy(&s, i, &mixed, bits & 1 ? &new : &old);
			bits >>= 1;
		}
		fixture_save(dir, &mixed);
		check_after_power_loss(dir, gpu_count, n - 1, n);
	}
	fixture_image_free(&old);
	fixture_image_free(&new);
	fixture_image_free(&mixed);
}

MIG_TEST(power_loss_every_mixture_of_sectors)
{
	power_loss(1, 512, 0, 0);
	power_loss(4, 512, 3, 0);
}

MIG_TEST(power_loss_every_mixture_of_pages_32_gpus)
{
	power_loss(MIG_SIM_GPUS_MAX, 4096, 2, 0);
}

MIG_TEST(power_loss_random_mixtures_of_sectors_32_gpus)
{
	power_loss(MIG_SIM_GPUS_MAX, 512, 1, 2000);
}

/*
 * Several updates since the disk was last written: a sector may be of any of those moments. Both
 * copies can then be torn, and that is said; what never happens is a state that never was.
 */
MIG_TEST(power_loss_after_several_updates_never_gives_a_mixture)
{
	enum { MOMENTS = 6, TRIALS = 2000 };
	uint64_t seed = fixture_setting("MIG_STORE_SEED", 20240229);
	struct mig_sim_state *state = fixture_state_new(2);
	const char *dir = fixture_node("node", 2);
	struct fixture_image moments[MOMENTS], mixed;
	unsigned int opened = 0, refused = 0;
	struct mig_sim_store store;

	for (uint64_t n = 0; n < MOMENTS; n++) {
		if (n > 0)
			MIG_ASSERT_INT_EQ(fixture_update(dir, fixture_change, &n), MIG_SIM_OK);
		moments[n] = fixture_load(dir);
	}
	mixed = fixture_load(dir);
	for (unsigned int t = 0; t < TRIALS; t++) {
		for (size_t at = 0; at < mixed.size; at += 512)
			memcpy(mixed.bytes + at,
			       moments[fixture_random(&seed) % (t % MOMENTS + 1)].bytes + at,
			       MIG_MIN((size_t)512, mixed.size - at));
		fixture_save(dir, &mixed);
		if (mig_sim_store_open(&store, dir) == MIG_SIM_OK) {
			mig_sim_store_read(&store, state);
			MIG_ASSERT_MSG(fixture_is_whole(state, 2), "a mixture");
			MIG_ASSERT(state->config_changes < MOMENTS);
			mig_sim_store_close(&store);
			opened++;
		} else {
			MIG_ASSERT_CONTAINS(store.detail, "neither copy of the state is valid");
			refused++;
		}
	}
	printf("%u opened, %u refused\n", opened, refused);
	MIG_ASSERT(opened > 0 && refused > 0);
	for (unsigned int i = 0; i < MOMENTS; i++)
		fixture_image_free(&moments[i]);
	fixture_image_free(&mixed);
	free(state);
}

/* ---- bytes ------------------------------------------------------------------------------------ */

MIG_TEST(a_file_cut_short_anywhere_is_refused)
{
	const char *dir = fixture_node("node", 2);
	struct fixture_image image = fixture_load(dir), cut;
	char part[64];

	for (size_t size = 0; size < image.size; size += size < 1024 ? 8 : 512) {
		MIG_ASSERT_INT_EQ(truncate(state_path(dir), (off_t)size), 0);
		snprintf(part, sizeof(part), "%zu bytes", size);
		expect_refusal(dir, MIG_SIM_DAMAGED, size == 0 ? "is empty" : part);
		cut = fixture_load(dir);
		MIG_ASSERT_UINT_EQ(cut.size, size);
		MIG_ASSERT_MEM_EQ(cut.bytes, image.bytes, size);
		fixture_image_free(&cut);
		fixture_save(dir, &image);
	}
	MIG_ASSERT_INT_EQ(truncate(state_path(dir), (off_t)image.size - 1), 0);
	snprintf(part, sizeof(part), "is cut short: %zu bytes instead of %zu", image.size - 1,
		 image.size);
	expect_refusal(dir, MIG_SIM_DAMAGED, part);
	MIG_ASSERT_INT_EQ(truncate(state_path(dir), (off_t)image.size + 1), 0);
	expect_refusal(dir, MIG_SIM_DAMAGED, "is too long");
	MIG_ASSERT_INT_EQ(truncate(state_path(dir), (off_t)1 << 40), 0);
	expect_refusal(dir, MIG_SIM_DAMAGED, "is too long: 1099511627776 bytes");
	fixture_image_free(&image);
}

/* Every byte of the file, one at a time: a refusal, or exactly the state that was there. */
MIG_TEST(a_flipped_byte_is_noticed_or_does_not_matter)
{
	const char *dir = fixture_node("node", 1);
	struct mig_sim_state *state = fixture_state_new(1);
	struct fixture_image image;
	unsigned int opened = 0, refused = 0;
	struct mig_sim_store store;
	uint64_t n = 1;
	int fd;

	MIG_ASSERT_INT_EQ(fixture_update(dir, fixture_change, &n), MIG_SIM_OK);
	image = fixture_load(dir);
	fd = open(state_path(dir), O_RDWR | O_CLOEXEC);
	MIG_ASSERT(fd >= 0);
	for (size_t at = 0; at < image.size; at++) {
		unsigned char flipped = image.bytes[at] ^ (unsigned char)(1 << at % 8);

		/* The models' table is long and all under one checksum. */
		if (at > 6000 && at < fixture_header(&image)->copy_offsets[0] - 64 && at % 16)
			continue;
		MIG_ASSERT_INT_EQ(pwrite(fd, &flipped, 1, (off_t)at), 1);
		if (mig_sim_store_open(&store, dir) == MIG_SIM_OK) {
			mig_sim_store_read(&store, state);
			MIG_ASSERT_MSG(fixture_is_whole(state, 1) && state->config_changes <= n,
				       "byte %zu", at);
			mig_sim_store_close(&store);
			opened++;
		} else {
			MIG_ASSERT_MSG(strlen(store.detail) > 30, "byte %zu: \"%s\"", at,
				       store.detail);
			refused++;
		}
		MIG_ASSERT_INT_EQ(pwrite(fd, &image.bytes[at], 1, (off_t)at), 1);
	}
	close(fd);
	printf("%u opened, %u refused\n", opened, refused);
	/* The copies and the padding are forgiven, the description and the tables are not. */
	MIG_ASSERT(opened >= 2 * 1112 && refused >= 4000);
	fixture_image_free(&image);
	free(state);
}

/* A field of the header or the description, set to something that cannot be. */
struct edit {
	const char *name;
	size_t offset;
	size_t size;
	uint64_t value;
	enum mig_sim_status status;
	const char *part;
};

#define AT_HEADER(field) \
	offsetof(struct mig_sim_header, field), sizeof(((struct mig_sim_header *)0)->field)
#define AT_NODE(field)                                                             \
	sizeof(struct mig_sim_header) + offsetof(struct mig_sim_node_desc, field), \
		sizeof(((struct mig_sim_node_desc *)0)->field)
#define AT_MODEL(field)                                                    \
	sizeof(struct mig_sim_header) + sizeof(struct mig_sim_node_desc) + \
		offsetof(struct mig_gpu_table, field),                     \
		sizeof(((struct mig_gpu_table *)0)->field)

static const struct edit edits[] = {
	{"magic", AT_HEADER(magic), 1, MIG_SIM_DAMAGED, "wrong magic number"},
	{"version 0", AT_HEADER(format_version), 0, MIG_SIM_BAD_VERSION, "format version 0"},
	{"version 9", AT_HEADER(format_version), 9, MIG_SIM_BAD_VERSION,
	 "has format version 9, this build knows only 3"},
	{"header size", AT_HEADER(header_size), 1 << 30, MIG_SIM_DAMAGED, "offsets or sizes"},
	{"file size", AT_HEADER(file_size), UINT64_MAX, MIG_SIM_DAMAGED, "offsets or sizes"},
	{"node offset", AT_HEADER(node_offset), UINT64_MAX - 7, MIG_SIM_DAMAGED,
	 "offsets or sizes"},
	{"node size", AT_HEADER(node_size), 0, MIG_SIM_DAMAGED, "offsets or sizes"},
	{"models offset", AT_HEADER(models_offset), 0, MIG_SIM_DAMAGED, "offsets or sizes"},
	{"model size", AT_HEADER(model_size), 1, MIG_SIM_DAMAGED, "offsets or sizes"},
	{"copy 0", AT_HEADER(copy_offsets[0]), UINT64_MAX - 63, MIG_SIM_DAMAGED,
	 "offsets or sizes"},
	{"copy 1", AT_HEADER(copy_offsets[1]), 64, MIG_SIM_DAMAGED, "offsets or sizes"},
	{"state size", AT_HEADER(state_size), 1u << 31, MIG_SIM_DAMAGED, "offsets or sizes"},
	{"static checksum", AT_HEADER(static_checksum), 0, MIG_SIM_DAMAGED, "checksum"},
	{"generation", AT_HEADER(generation), UINT64_MAX, MIG_SIM_DAMAGED, "generation number"},
	{"generation", AT_HEADER(generation), UINT64_MAX - 1, MIG_SIM_DAMAGED, "generation number"},
	{"no GPU", AT_NODE(gpu_count), 0, MIG_SIM_DAMAGED, "is too long"},
	{"10^9 GPUs", AT_NODE(gpu_count), 1000000000, MIG_SIM_DAMAGED,
	 "claims 1000000000 GPUs of 1 models; at most 32 of 32 are possible"},
	{"2^32-1 models", AT_NODE(model_count), UINT32_MAX, MIG_SIM_DAMAGED, "models; at most"},
	{"33 GPUs", AT_NODE(gpu_count), 33, MIG_SIM_DAMAGED, "claims 33 GPUs"},
	{"3 GPUs", AT_NODE(gpu_count), 3, MIG_SIM_DAMAGED, "is cut short"},
	{"model of a GPU", AT_NODE(gpus[1].model), 1, MIG_SIM_DAMAGED, "GPU 1 is of model 1 of 1"},
	{"layout", AT_NODE(gpus[0].layout), 2, MIG_SIM_DAMAGED, "a setting of GPU 0"},
	{"mode change", AT_NODE(gpus[0].mode_change), 3, MIG_SIM_DAMAGED, "a setting of GPU 0"},
	{"off capacity", AT_NODE(off_capacity), 200, MIG_SIM_DAMAGED, "a setting of the node"},
	{"export table", AT_NODE(export_table), 2, MIG_SIM_DAMAGED, "a setting of the node"},
	{"a time", AT_NODE(timing_ms[2]), MIG_SIM_OPERATION_MS_MAX + 1, MIG_SIM_DAMAGED,
	 "an operation takes too long"},
	{"GI profiles", AT_MODEL(gi_profile_count), 19, MIG_SIM_DAMAGED, "of model 'made-up-gpu'"},
	{"slices", AT_MODEL(memory_slices), 255, MIG_SIM_DAMAGED, "of model 'made-up-gpu'"},
	{"PCI ids", AT_MODEL(pci_device_id_count), 5, MIG_SIM_DAMAGED, "of model 'made-up-gpu'"},
	{"starts", AT_MODEL(gi[2].start_count), 17, MIG_SIM_DAMAGED, "row 2 of model"},
	{"a start", AT_MODEL(gi[0].starts[6]), 8, MIG_SIM_DAMAGED, "row 0 of model"},
	{"CI profiles", AT_MODEL(gi[1].ci_profile_count), 10, MIG_SIM_DAMAGED, "row 1 of model"},
	{"GI index", AT_MODEL(gi[1].profile_index), 18, MIG_SIM_DAMAGED, "row 1 of model"},
	{"CI index", AT_MODEL(gi[1].ci[0].profile_index), 9, MIG_SIM_DAMAGED, "row 1 of model"},
	{"CI starts", AT_MODEL(gi[1].ci[0].start_count), 17, MIG_SIM_DAMAGED, "row 1 of model"},
};

static void edit_apply(const struct edit *e, const struct fixture_image *image)
{
	memcpy(image->bytes + e->offset, &e->value, MIG_MIN(e->size, sizeof(e->value)));
}

/* With a checksum that is right, as from somebody who means harm. */
MIG_TEST(numbers_that_cannot_be_are_refused)
{
	const char *dir = fixture_node("node", 2);
	struct fixture_image image = fixture_load(dir);

	for (size_t i = 0; i < MIG_ARRAY_SIZE(edits); i++) {
		struct fixture_image edited = fixture_load(dir);
		struct mig_sim_node_desc *node = (void *)(fixture_header(&edited) + 1);

		printf("%s\n", edits[i].name);
		edit_apply(&edits[i], &edited);
		if (node->model_count == 1 && strcmp(edits[i].name, "static checksum") != 0)
			sign(&edited);
		fixture_save(dir, &edited);
		expect_refusal(dir, edits[i].status, edits[i].part);
		fixture_save(dir, &image);
		fixture_image_free(&edited);
	}
	fixture_image_free(&image);
}

MIG_TEST(texts_without_an_end_are_refused)
{
	const char *dir = fixture_node("node", 2);
	struct fixture_image image = fixture_load(dir);
	struct mig_sim_node_desc *node = (void *)(fixture_header(&image) + 1);
	struct mig_gpu_table *model = (void *)(node + 1);
	struct {
		char *text;
		size_t size;
		const char *part;
	} texts[] = {
		{node->name, sizeof(node->name), "a text of the node has no end"},
		{node->driver_version, sizeof(node->driver_version), "a text of the node"},
		{node->nvml_version, sizeof(node->nvml_version), "a text of the node"},
		{node->gpus[1].uuid, sizeof(node->gpus[1].uuid), "a text of GPU 1 has no end"},
		{node->gpus[0].bus_id, sizeof(node->gpus[0].bus_id), "a text of GPU 0"},
		{model->key, sizeof(model->key), "the name of a model has no end"},
		{model->name, sizeof(model->name), "the name of a model has no end"},
		{model->gi[2].name, sizeof(model->gi[2].name), "row 2 of model 'made-up-gpu'"},
		{model->gi[0].ci[0].name, sizeof(model->gi[0].ci[0].name), "row 0 of model"},
	};

	for (size_t i = 0; i < MIG_ARRAY_SIZE(texts); i++) {
		char saved[128];

		memcpy(saved, texts[i].text, texts[i].size);
		memset(texts[i].text, 'x', texts[i].size);
		sign(&image);
		fixture_save(dir, &image);
		expect_refusal(dir, MIG_SIM_DAMAGED, texts[i].part);
		memcpy(texts[i].text, saved, texts[i].size);
	}
	fixture_image_free(&image);
}

/* Mutable state with a right checksum that would lead out of a table. */
MIG_TEST(a_state_out_of_range_does_not_count)
{
	const char *dir = fixture_node("node", 1);
	struct fixture_image image = fixture_load(dir);
	struct mig_sim_gpu_state *gpu = &fixture_copy(&image, 0)->gpus[0];
	uint8_t *const bad[] = {
		&gpu->mig_current,	&gpu->mig_pending,	  &gpu->persistence,
		&gpu->gi[14].in_use,	&gpu->gi[0].profile,	  &gpu->gi[0].start,
		&gpu->gi[0].size,	&gpu->gi[0].ci[7].in_use, &gpu->gi[0].ci[0].profile,
		&gpu->gi[0].ci[0].size, &gpu->gi[1].ci[3].in_use,
	};
	struct mig_sim_state *state = fixture_state_new(1);

	gpu->gi[0] = (struct mig_sim_gi){.in_use = 1, .size = 8};
	gpu->gi[0].ci[0] = (struct mig_sim_ci){.in_use = 1, .size = 1};
	for (size_t i = 0; i < MIG_ARRAY_SIZE(bad); i++) {
		uint8_t saved = *bad[i];
		struct mig_sim_state *copy = fixture_copy(&image, 0);

		*bad[i] = 77;
		copy->checksum = mig_sim_state_checksum(copy, fixture_state_size(1));
		fixture_save(dir, &image);
		fixture_read(dir, state);
		/* The other copy counts: the first one shows no instance. */
		MIG_ASSERT_UINT_EQ(state->generation, 1);
		MIG_ASSERT(fixture_is_whole(state, 1));
		*bad[i] = saved;
	}
	fixture_copy(&image, 0)->checksum =
		mig_sim_state_checksum(fixture_copy(&image, 0), fixture_state_size(1));
	fixture_save(dir, &image);
	fixture_read(dir, state);
	MIG_ASSERT_UINT_EQ(state->generation, 2);
	MIG_ASSERT_UINT_EQ(state->gpus[0].gi[0].size, 8);
	fixture_image_free(&image);
	free(state);
}

MIG_TEST(without_a_valid_copy_nothing_is_written)
{
	const char *dir = fixture_node("node", 1);
	struct fixture_image good = fixture_load(dir), bad = fixture_load(dir), later;
	struct mig_sim_store store;
	uint64_t n = 1;

	fixture_open(&store, dir);
	for (unsigned int i = 0; i < 2; i++)
		fixture_copy(&bad, i)->gpus[0].reserved[1] ^= 1;
	fixture_save(dir, &bad);
	expect_refusal(dir, MIG_SIM_DAMAGED,
		       "is damaged: neither copy of the state is valid (the checksum of copy 0 is "
		       "wrong; the checksum of copy 1 is wrong)");
	MIG_ASSERT_INT_EQ(mig_sim_store_update(&store, fixture_change, &n), MIG_SIM_DAMAGED);
	MIG_ASSERT_CONTAINS(store.detail, "neither copy of the state is valid");
	later = fixture_load(dir);
	MIG_ASSERT_MEM_EQ(later.bytes, bad.bytes, bad.size);
	fixture_save(dir, &good);
	MIG_ASSERT_INT_EQ(mig_sim_store_update(&store, fixture_change, &n), MIG_SIM_OK);
	mig_sim_store_close(&store);
	fixture_image_free(&good);
	fixture_image_free(&bad);
	fixture_image_free(&later);
}

MIG_TEST(generation_numbers_that_are_used_up_are_said)
{
	const char *dir = fixture_node("node", 1);
	struct fixture_image image = fixture_load(dir);
	struct mig_sim_store store;
	uint64_t n = 1;

	fixture_set_copy(&image, 1, MIG_SIM_GENERATION_MAX, 5);
	fixture_header(&image)->generation = MIG_SIM_GENERATION_MAX;
	fixture_save(dir, &image);
	fixture_open(&store, dir);
	MIG_ASSERT_INT_EQ(mig_sim_store_update(&store, fixture_change, &n), MIG_SIM_DAMAGED);
	MIG_ASSERT_CONTAINS(store.detail, "generation numbers are used up");
	mig_sim_store_close(&store);
	fixture_image_free(&image);
}

/* ---- what is not a file ----------------------------------------------------------------------- */

MIG_TEST(nothing_there)
{
	const char *dir = mig_test_path("none");

	expect_refusal(dir, MIG_SIM_NO_NODE, "no simulated node at '");
	MIG_ASSERT_INT_EQ(mkdir(dir, 0755), 0);
	expect_refusal(dir, MIG_SIM_NO_NODE, "/none/state'");
	expect_refusal("", MIG_SIM_NO_NODE, "the node directory '' is not an absolute path");
	expect_refusal("relative/node", MIG_SIM_NO_NODE, "is not an absolute path");
	expect_refusal("/dev/null", MIG_SIM_NO_NODE, "no simulated node at '/dev/null'");
}

MIG_TEST(something_else_in_its_place)
{
	const char *dir = mig_test_path("node");
	const char *elsewhere = fixture_node("real", 1);
	char target[4096];

	MIG_ASSERT_INT_EQ(mkdir(dir, 0755), 0);
	MIG_ASSERT_INT_EQ(mkdir(state_path(dir), 0755), 0);
	expect_refusal(dir, MIG_SIM_DAMAGED, "/node/state' is not a regular file");
	MIG_ASSERT_INT_EQ(rmdir(state_path(dir)), 0);
	MIG_ASSERT_INT_EQ(mkfifo(state_path(dir), 0644), 0);
	expect_refusal(dir, MIG_SIM_DAMAGED, "is not a regular file");
	MIG_ASSERT_INT_EQ(unlink(state_path(dir)), 0);
	snprintf(target, sizeof(target), "%s", state_path(elsewhere));
	MIG_ASSERT_INT_EQ(symlink(target, state_path(dir)), 0);
	expect_refusal(dir, MIG_SIM_DAMAGED, "is a symbolic link");
	MIG_ASSERT_INT_EQ(unlink(state_path(dir)), 0);
	MIG_ASSERT_INT_EQ(symlink("/dev/zero", state_path(dir)), 0);
	expect_refusal(dir, MIG_SIM_DAMAGED, "is a symbolic link");
}

MIG_TEST(a_long_path_keeps_its_end_in_the_message)
{
	char name[201];
	char dir[512];
	struct mig_sim_store store;

	memset(name, 'n', 200);
	name[200] = '\0';
	snprintf(dir, sizeof(dir), "%s/%s", mig_test_tmpdir(), name);
	MIG_ASSERT_INT_EQ(mkdir(dir, 0755), 0);
	MIG_ASSERT_INT_EQ(mig_sim_store_open(&store, dir), MIG_SIM_NO_NODE);
	MIG_ASSERT_CONTAINS(store.detail, "there is no state file '...nnn");
	MIG_ASSERT_CONTAINS(store.detail, "nnn/state': No such file or directory");
}

static void become_nobody(void)
{
	if (getuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
		MIG_SKIP("root here, and cannot become another user");
}

MIG_TEST(a_file_that_may_not_be_read)
{
	const char *dir = fixture_node("node", 1);

	if (getuid() == 0)
		MIG_ASSERT_INT_EQ(chmod(mig_test_tmpdir(), 0755), 0);
	MIG_ASSERT_INT_EQ(chmod(state_path(dir), 0), 0);
	become_nobody();
	expect_refusal(dir, MIG_SIM_NO_PERMISSION, "/state': Permission denied");
}

MIG_TEST(a_directory_that_may_not_be_entered)
{
	const char *dir = fixture_node("node", 1);

	if (getuid() == 0)
		MIG_ASSERT_INT_EQ(chmod(mig_test_tmpdir(), 0755), 0);
	MIG_ASSERT_INT_EQ(chmod(dir, 0), 0);
	become_nobody();
	expect_refusal(dir, MIG_SIM_NO_PERMISSION, "Permission denied");
}
