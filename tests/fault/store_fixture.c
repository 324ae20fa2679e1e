/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fixture of the state store's tests; what it is for is in the header.
 */
#include "tests/fault/store_fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/text.h"
#include "tests/harness/test.h"

void fixture_describe(unsigned int gpu_count, struct mig_sim_node_desc *node,
		      struct mig_gpu_table *model)
{
	memset(node, 0, sizeof(*node));
	memset(model, 0, sizeof(*model));
	mig_text_copy(node->name, sizeof(node->name), "made-up");
	mig_text_copy(node->driver_version, sizeof(node->driver_version), "550.163.01");
	node->branch = MIG_SIM_BRANCH_550;
	node->gpu_count = gpu_count;
	node->model_count = 1;
	for (unsigned int i = 0; i < gpu_count; i++)
		mig_text_format(node->gpus[i].uuid, sizeof(node->gpus[i].uuid), "GPU-%u", i);
	mig_text_copy(model->key, sizeof(model->key), "made-up-gpu");
	model->is_mig_capable = 1;
	model->memory_slices = 8;
	model->gi_profile_count = FIXTURE_GI_PROFILES;
	for (uint8_t i = 0; i < FIXTURE_GI_PROFILES; i++) {
		model->gi[i].profile_index = i;
		model->gi[i].placement_size = 1;
		model->gi[i].start_count = 7;
		for (uint8_t s = 0; s < 7; s++)
			model->gi[i].starts[s] = s;
		model->gi[i].ci_profile_count = 1;
	}
}

static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

uint64_t fixture_random(uint64_t *seed)
{
	uint64_t got = mix(*seed);

	*seed += 0x9e3779b97f4a7c15u;
	return got;
}

uint64_t fixture_state_size(unsigned int gpu_count)
{
	return sizeof(struct mig_sim_state) + gpu_count * sizeof(struct mig_sim_gpu_state);
}

struct mig_sim_state *fixture_state_new(unsigned int gpu_count)
{
	struct mig_sim_state *state = calloc(1, fixture_state_size(gpu_count));

	MIG_ASSERT(state);
	return state;
}

/* The `size` bytes at `to`, of place `place` in pattern n. */
static void fill_bytes(uint8_t *to, size_t size, uint64_t n, uint64_t place)
{
	uint64_t value = mix(n * 0x100000001b3u + place);

	memcpy(to, &value, size);
	/* Never the same byte in two patterns that follow each other. */
	to[0] = (uint8_t)(n * 3 + place);
}

void fixture_fill(struct mig_sim_state *state, unsigned int gpu_count, uint64_t n)
{
	uint64_t place = 0;

	state->config_changes = n;
	for (unsigned int i = 0; i < gpu_count; i++) {
		struct mig_sim_gpu_state *gpu = &state->gpus[i];

		gpu->mig_current = gpu->mig_pending = (uint8_t)(n & 1);
		gpu->persistence = (uint8_t)(n >> 1 & 1);
		fill_bytes(gpu->reserved, sizeof(gpu->reserved), n, place++);
		for (unsigned int g = 0; g < MIG_SIM_GIS_MAX; g++) {
			struct mig_sim_gi *gi = &gpu->gi[g];

			gi->in_use = 0;
			fill_bytes(&gi->profile, 7, n, place++);
			for (unsigned int c = 0; c < MIG_SIM_CIS_MAX; c++) {
				gi->ci[c].in_use = 0;
				fill_bytes(&gi->ci[c].profile, 7, n, place++);
			}
		}
	}
}

bool fixture_same(const struct mig_sim_state *a, const struct mig_sim_state *b,
		  unsigned int gpu_count)
{
	size_t begin = offsetof(struct mig_sim_state, config_changes);

	return memcmp((const char *)a + begin, (const char *)b + begin,
		      fixture_state_size(gpu_count) - begin) == 0;
}

bool fixture_is_whole(const struct mig_sim_state *state, unsigned int gpu_count)
{
	struct mig_sim_state *wanted = fixture_state_new(gpu_count);
	bool is_whole;

	fixture_fill(wanted, gpu_count, state->config_changes);
	is_whole = fixture_same(state, wanted, gpu_count);
	free(wanted);
	return is_whole;
}

const char *fixture_node(const char *name, unsigned int gpu_count)
{
	const char *dir = mig_test_path(name);
	struct mig_sim_state *state = fixture_state_new(gpu_count);
	char detail[MIG_SIM_DETAIL_SIZE] = "";
	struct mig_sim_node_desc node;
	enum mig_sim_status status;
	struct mig_gpu_table model;

	MIG_ASSERT_INT_EQ(mkdir(dir, 0755), 0);
	fixture_describe(gpu_count, &node, &model);
	fixture_fill(state, gpu_count, 0);
	status = mig_sim_store_create(dir, &node, &model, state->gpus, detail);
	MIG_ASSERT_MSG(status == MIG_SIM_OK, "create: %s", detail);
	free(state);
	return dir;
}

void fixture_open(struct mig_sim_store *store, const char *node_dir)
{
	enum mig_sim_status status = mig_sim_store_open(store, node_dir);

	MIG_ASSERT_MSG(status == MIG_SIM_OK, "open: %s: %s", mig_sim_status_word(status),
		       store->detail);
}

void fixture_read(const char *node_dir, struct mig_sim_state *out)
{
	struct mig_sim_store store;

	fixture_open(&store, node_dir);
	mig_sim_store_read(&store, out);
	mig_sim_store_close(&store);
}

static int open_state(const char *node_dir, int flags)
{
	char path[4096];
	int fd;

	MIG_ASSERT(mig_text_format(path, sizeof(path), "%s/%s", node_dir, MIG_SIM_STATE_FILE));
	fd = open(path, flags | O_CLOEXEC);
	MIG_ASSERT_MSG(fd >= 0, "%s: %s", path, strerror(errno));
	return fd;
}

struct fixture_image fixture_load(const char *node_dir)
{
	int fd = open_state(node_dir, O_RDONLY);
	struct fixture_image image;
	struct stat st;

	MIG_ASSERT_INT_EQ(fstat(fd, &st), 0);
	image.size = (size_t)st.st_size;
	image.bytes = malloc(image.size ? image.size : 1);
	MIG_ASSERT(image.bytes);
	MIG_ASSERT_INT_EQ(pread(fd, image.bytes, image.size, 0), (ssize_t)image.size);
	close(fd);
	return image;
}

void fixture_save(const char *node_dir, const struct fixture_image *image)
{
	int fd = open_state(node_dir, O_RDWR);

	MIG_ASSERT_INT_EQ(pwrite(fd, image->bytes, image->size, 0), (ssize_t)image->size);
	MIG_ASSERT_INT_EQ(ftruncate(fd, (off_t)image->size), 0);
	close(fd);
}

void fixture_image_free(struct fixture_image *image)
{
	free(image->bytes);
	image->bytes = NULL;
}

struct mig_sim_header *fixture_header(const struct fixture_image *image)
{
	return (void *)image->bytes;
}

struct mig_sim_state *fixture_copy(const struct fixture_image *image, unsigned int index)
{
	return (void *)(image->bytes + fixture_header(image)->copy_offsets[index]);
}

void fixture_set_copy(const struct fixture_image *image, unsigned int gpu_count,
		      uint64_t generation, uint64_t n)
{
	struct mig_sim_state *state = fixture_copy(image, generation & 1);

	fixture_fill(state, gpu_count, n);
	state->generation = generation;
	state->checksum = mig_sim_state_checksum(state, fixture_state_size(gpu_count));
}

bool fixture_change(void *cookie, const struct mig_sim_store *store, struct mig_sim_state *state)
{
	fixture_fill(state, store->node->gpu_count, *(const uint64_t *)cookie);
	return true;
}

enum mig_sim_status fixture_update(const char *node_dir, mig_sim_change_fn change, void *cookie)
{
	struct mig_sim_store store;
	enum mig_sim_status status;

	fixture_open(&store, node_dir);
	status = mig_sim_store_update(&store, change, cookie);
	mig_sim_store_close(&store);
	return status;
}

static struct {
	uint64_t at;
	bool after;
	uint64_t *count; /* counts instead of dying */
} hook_plan;

static void hook(uint64_t number, bool after)
{
	static uint64_t before_child; /* stores made by this process's ancestors */

	if (before_child == 0)
		before_child = number;
	if (hook_plan.count)
		*hook_plan.count += after;
	else if (number - before_child + 1 == hook_plan.at && after == hook_plan.after)
		kill(getpid(), SIGKILL);
}

/* Runs the update in a child; returns how that ended. */
static int update_in_child(const char *node_dir, mig_sim_change_fn change, void *cookie)
{
	pid_t pid = fork();
	int status = 0;

	MIG_ASSERT(pid >= 0);
	if (pid == 0) {
		mig_sim_store_hook = hook;
		_exit(fixture_update(node_dir, change, cookie) == MIG_SIM_OK ? 0 : 2);
	}
	MIG_ASSERT_INT_EQ(waitpid(pid, &status, 0), pid);
	return status;
}

bool fixture_update_killed(const char *node_dir, mig_sim_change_fn change, void *cookie,
			   uint64_t at, bool after)
{
	int status;

	hook_plan.count = NULL;
	hook_plan.at = at;
	hook_plan.after = after;
	status = update_in_child(node_dir, change, cookie);
	if (WIFSIGNALED(status)) {
		MIG_ASSERT_INT_EQ(WTERMSIG(status), SIGKILL);
		return true;
	}
	MIG_ASSERT_INT_EQ(WEXITSTATUS(status), 0);
	return false;
}

uint64_t fixture_count_stores(const char *node_dir, mig_sim_change_fn change, void *cookie)
{
	struct fixture_image image = fixture_load(node_dir);
	uint64_t *count = mmap(NULL, sizeof(*count), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t counted;

	MIG_ASSERT(count != MAP_FAILED);
	hook_plan.count = count;
	MIG_ASSERT_INT_EQ(update_in_child(node_dir, change, cookie), 0);
	counted = *count;
	munmap(count, sizeof(*count));
	hook_plan.count = NULL;
	fixture_save(node_dir, &image);
	fixture_image_free(&image);
	return counted;
}

bool fixture_change_one_word(void *cookie, const struct mig_sim_store *store,
			     struct mig_sim_state *state)
{
	(void)cookie;
	(void)store;
	state->config_changes++;
	return true;
}

/* ---- every prefix of an update ----------------------------------------------------------------- */

/* What must hold around a kill. */
struct expected {
	const char *dir;
	unsigned int gpu_count;
	struct mig_sim_state *before;
	struct mig_sim_state *after;
	struct mig_sim_state *got;
	struct mig_sim_store running; /* open since before */
};

static void expected_init(struct expected *e, const char *dir, unsigned int gpu_count,
			  mig_sim_change_fn change, void *cookie)
{
	e->dir = dir;
	e->gpu_count = gpu_count;
	e->before = fixture_state_new(gpu_count);
	e->after = fixture_state_new(gpu_count);
	e->got = fixture_state_new(gpu_count);
	fixture_open(&e->running, dir);
	mig_sim_store_read(&e->running, e->before);
	memcpy(e->after, e->before, fixture_state_size(gpu_count));
	MIG_ASSERT(change(cookie, &e->running, e->after));
	MIG_ASSERT(!fixture_same(e->before, e->after, gpu_count));
}

static void expected_clear(struct expected *e)
{
	mig_sim_store_close(&e->running);
	free(e->before);
	free(e->after);
	free(e->got);
}

static void check_views(struct expected *e, bool is_new, uint64_t at, bool after)
{
	const struct mig_sim_state *wanted = is_new ? e->after : e->before;

	mig_sim_store_read(&e->running, e->got);
	MIG_ASSERT_MSG(fixture_same(e->got, wanted, e->gpu_count),
		       "killed %s store %ju: a running reader does not see the %s state",
		       after ? "after" : "before", (uintmax_t)at, is_new ? "new" : "old");
	fixture_read(e->dir, e->got);
	MIG_ASSERT_MSG(fixture_same(e->got, wanted, e->gpu_count),
		       "killed %s store %ju: a new reader does not see the %s state",
		       after ? "after" : "before", (uintmax_t)at, is_new ? "new" : "old");
}

/* The state that counts now, changed by one more update, is what one reads then. */
static void check_next_update(struct expected *e)
{
	struct mig_sim_state *wanted = fixture_state_new(e->gpu_count);
	enum mig_sim_status status;

	mig_sim_store_read(&e->running, wanted);
	wanted->config_changes++;
	status = mig_sim_store_update(&e->running, fixture_change_one_word, NULL);
	MIG_ASSERT_MSG(status == MIG_SIM_OK, "the next update: %s: %s", mig_sim_status_word(status),
		       e->running.detail);
	mig_sim_store_read(&e->running, e->got);
	MIG_ASSERT(fixture_same(e->got, wanted, e->gpu_count));
	fixture_read(e->dir, e->got);
	MIG_ASSERT(fixture_same(e->got, wanted, e->gpu_count));
	free(wanted);
}

/* After an update the header must name the newest copy and both readers' rules agree. */
void fixture_check_clean(const char *dir)
{
	struct fixture_image image = fixture_load(dir);
	uint64_t generation = fixture_header(&image)->generation;

	MIG_ASSERT_UINT_EQ(fixture_copy(&image, generation & 1)->generation, generation);
	fixture_image_free(&image);
}

/* Every prefix of one update on the file as it is. */
void fixture_every_prefix(const char *dir, unsigned int gpu_count, mig_sim_change_fn change,
			  void *cookie, uint64_t stores_min)
{
	struct fixture_image image = fixture_load(dir);
	uint64_t stores = fixture_count_stores(dir, change, cookie);
	struct expected e;

	MIG_ASSERT_MSG(stores >= stores_min, "only %ju stores", (uintmax_t)stores);
	expected_init(&e, dir, gpu_count, change, cookie);
	for (uint64_t at = 1; at <= stores; at++) {
		for (int after = 0; after <= 1; after++) {
			bool is_new = at == stores && after;

			MIG_ASSERT(fixture_update_killed(dir, change, cookie, at, after));
			check_views(&e, is_new, at, after);
			check_next_update(&e);
			fixture_check_clean(dir);
			fixture_save(dir, &image);
			/* The file went back in time: no running reader survives that. */
			mig_sim_store_close(&e.running);
			fixture_open(&e.running, dir);
		}
	}
	MIG_ASSERT(!fixture_update_killed(dir, change, cookie, stores + 1, false));
	check_views(&e, true, stores + 1, false);
	printf("%u GPUs: %ju stores, killed before and after each\n", gpu_count, (uintmax_t)stores);
	expected_clear(&e);
	fixture_save(dir, &image);
	fixture_image_free(&image);
}

/* ---- the rest ---------------------------------------------------------------------------------- */

unsigned int fixture_fd_count(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int count = 0;

	MIG_ASSERT(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

uint64_t fixture_setting(const char *variable, uint64_t otherwise)
{
	const char *text = getenv(variable);
	char *end = NULL;
	uint64_t value;

	if (!text || !*text)
		return otherwise;
	value = strtoull(text, &end, 0);
	MIG_ASSERT_MSG(*end == '\0', "%s=%s is not a number", variable, text);
	return value;
}
