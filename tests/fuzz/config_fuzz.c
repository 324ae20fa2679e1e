/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzing of the configuration file: bytes are parsed, each label is selected on a node of the fake
 * driver, and what is accepted is planned.
 *
 * Whatever the bytes: an answer, no crash, no leak, in bounded time; a refusal is an error whose
 * message begins with the place in the file; a plan's operations are within the GPU.
 *
 *	config_fuzz [--seed N] [--iterations N] FOLDER
 *
 * replays the files of the folder by name, then as many mutations of them as asked from the seed.
 * Built with clang and -DMIG_LIBFUZZER -fsanitize=fuzzer it is a libFuzzer program instead.
 */
#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/select.h"
#include "core/plan.h"
#include "shared/file.h"
#include "shared/number.h"
#include "tests/harness/test.h"
#include "tests/unit/fake_driver.h"

#define INPUT_MAX	   65536
#define FILES_MAX	   256
#define DEFAULT_ITERATIONS 20000
#define SOURCE		   "fuzz.yaml"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The fake driver's assertions end here: this program is not the test harness. */
void mig_test_fail(const char *file, int line, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s:%d: ", file, line);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	abort();
}

/* Two A100, one of them with instances, an A30 with MIG off, a GPU without MIG. */
static const struct mig_snapshot *node(void)
{
	static struct mig_snapshot *snapshot;
	struct fake_driver *fake;
	struct mig_context ctx;
	struct fake_gpu *gpu;

	if (snapshot != NULL)
		return snapshot;
	fake = fake_new();
	ctx = (struct mig_context){.driver = &fake->driver, .host_root = ""};
	gpu = fake_add_a100(fake);
	fake_put(gpu, "1g.5gb", 6);
	fake_put_ci(fake_put_gi(gpu, "3g.20gb", 0), 1, 1);
	fake_put_gi(gpu, "2g.10gb", 4);
	fake_add_a100(fake);
	gpu = fake_add_a30(fake);
	gpu->current = gpu->pending = false;
	fake_add_gpu(fake, "Tesla T4", NULL, 0);
	MIG_ASSERT(mig_snapshot_read(&ctx, MIG_SNAPSHOT_UUIDS, &snapshot, NULL) == 0);
	fake_free(fake);
	return snapshot;
}

static void check_error(struct mig_error *err, bool has_place)
{
	MIG_ASSERT(err != NULL);
	MIG_ASSERT(mig_error_changed(err) == MIG_CHANGED_NONE);
	MIG_ASSERT(mig_error_exit_status(err) == MIG_EXIT_REFUSED);
	if (has_place)
		MIG_ASSERT_MSG(strncmp(mig_error_message(err), SOURCE ":", strlen(SOURCE) + 1) == 0,
			       "no place: %s", mig_error_message(err));
	mig_error_free(err);
}

static void check_plan(const struct mig_plan *plan)
{
	for (unsigned int i = 0; i < plan->op_count; i++) {
		const struct mig_op *op = &plan->ops[i];

		MIG_ASSERT(op->gi_start + op->gi_size <= 8);
		MIG_ASSERT(op->ci_start + op->ci_size <= 8);
		MIG_ASSERT(strncmp(op->gpu_uuid, "GPU-fake-", 9) == 0);
	}
}

static void try_label(const struct mig_config *config, const struct mig_config_label *label)
{
	struct mig_target *target = NULL;
	struct mig_plan *plan = NULL;
	struct mig_error *err = NULL;

	if (mig_config_select(config, label, node(), &target, &err) < 0) {
		check_error(err, true);
		return;
	}
	if (mig_plan_make(node(), target, &plan, &err) < 0)
		check_error(err, false);
	else
		check_plan(plan);
	mig_plan_free(plan);
	mig_target_free(target);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mig_config *config = NULL;
	struct mig_error *err = NULL;

	if (mig_config_parse(SOURCE, data, size, &config, &err) < 0) {
		MIG_ASSERT(config == NULL);
		check_error(err, true);
		return 0;
	}
	MIG_ASSERT(err == NULL && config != NULL && config->label_count > 0);
	for (size_t i = 0; i < config->label_count && i < 16; i++) {
		MIG_ASSERT(mig_config_find(config, config->labels[i].name, NULL) != NULL);
		try_label(config, &config->labels[i]);
	}
	mig_config_free(config);
	return 0;
}

#ifndef MIG_LIBFUZZER

struct input {
	uint8_t *bytes;
	size_t size;
};

static struct input corpus[FILES_MAX];
static unsigned int corpus_count;

static int is_file(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int read_corpus(const char *folder)
{
	struct dirent **entries;
	int count = scandir(folder, &entries, is_file, alphasort);

	for (int i = 0; i < count; i++) {
		struct mig_buf text = MIG_BUF_INIT(INPUT_MAX);
		char path[4096];

		snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
		free(entries[i]);
		if (corpus_count == FILES_MAX || mig_file_read(path, &text, NULL) < 0) {
			fprintf(stderr, "cannot read %s\n", path);
			return -1;
		}
		corpus[corpus_count].size = text.len;
		corpus[corpus_count++].bytes = (uint8_t *)mig_buf_steal(&text);
	}
	if (count >= 0)
		free(entries);
	return count;
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* What YAML and the format react to. */
static const char *const words[] = {
	"[",
	"]",
	"{",
	"}",
	":",
	": ",
	"- ",
	"? ",
	"&a ",
	"*a",
	"!!str ",
	"|",
	">",
	"\"",
	"'",
	"#",
	"%",
	"---\n",
	"\n",
	"\n  ",
	"\t",
	",",
	"\0",
	"\xff",
	"\xef\xbb\xbf",
	"true",
	"off",
	"~",
	"all",
	"devices",
	"mig-devices",
	"mig-enabled",
	"device-filter",
	"1g.5gb",
	"1c.3g.20gb",
	"2147483647",
	"4294967296",
	"-1",
	"0x20B010DE",
	"\\e",
	"<<",
};

/* Changes *input, which has room for INPUT_MAX bytes, in one place. */
static void mutate(struct input *input, uint64_t *state)
{
	size_t at = next_random(state) % (input->size + 1);
	size_t len = 1 + next_random(state) % 16;
	const char *word;

	switch (next_random(state) % 4) {
	case 0: /* another byte */
		if (at < input->size)
			input->bytes[at] = (uint8_t)next_random(state);
		break;
	case 1: /* some bytes less */
		len = MIG_MIN(len, input->size - at);
		memmove(input->bytes + at, input->bytes + at + len, input->size - at - len);
		input->size -= len;
		break;
	case 2: /* some bytes twice */
		len = MIG_MIN(len, input->size - at);
		if (input->size + len <= INPUT_MAX) {
			memmove(input->bytes + at + len, input->bytes + at, input->size - at);
			input->size += len;
		}
		break;
	default: /* a word more */
		word = words[next_random(state) % MIG_ARRAY_SIZE(words)];
		len = MIG_MAX(strlen(word), (size_t)1);
		if (input->size + len <= INPUT_MAX) {
			memmove(input->bytes + at + len, input->bytes + at, input->size - at);
			memcpy(input->bytes + at, word, len);
			input->size += len;
		}
		break;
	}
}

static void run_mutations(uint64_t seed, uint64_t iterations)
{
	uint64_t state = seed + 1;
	uint8_t *room = malloc(INPUT_MAX);

	MIG_ASSERT(room != NULL);
	for (uint64_t i = 0; i < iterations; i++) {
		const struct input *from = &corpus[next_random(&state) % corpus_count];
		struct input input = {.bytes = room, .size = from->size};
		unsigned int changes = 1 + (unsigned int)(next_random(&state) % 6);
		uint8_t *exact;

		memcpy(room, from->bytes, from->size);
		while (changes-- > 0)
			mutate(&input, &state);
		/* In a block of exactly this size, so that a byte read too many is seen. */
		exact = malloc(input.size + (input.size == 0));
		MIG_ASSERT(exact != NULL);
		memcpy(exact, input.bytes, input.size);
		LLVMFuzzerTestOneInput(exact, input.size);
		free(exact);
	}
	free(room);
}

int main(int argc, char **argv)
{
	uint64_t seed = 1, iterations = DEFAULT_ITERATIONS;
	const char *folder = NULL;

	for (int i = 1; i < argc; i++) {
		uint64_t *option = strcmp(argv[i], "--seed") == 0	  ? &seed
				   : strcmp(argv[i], "--iterations") == 0 ? &iterations
									  : NULL;

		if (option == NULL)
			folder = argv[i];
		else if (++i == argc || mig_parse_u64(argv[i], 0, UINT32_MAX, option) < 0)
			return 2;
	}
	if (folder == NULL || read_corpus(folder) <= 0) {
		fprintf(stderr, "usage: config_fuzz [--seed N] [--iterations N] FOLDER\n");
		return 2;
	}
	printf("1..2\n");
	fflush(stdout);
	for (unsigned int i = 0; i < corpus_count; i++)
		LLVMFuzzerTestOneInput(corpus[i].bytes, corpus[i].size);
	printf("ok 1 corpus of %u files\n# seed %llu, %llu inputs\n", corpus_count,
	       (unsigned long long)seed, (unsigned long long)iterations);
	fflush(stdout);
	run_mutations(seed, iterations);
	printf("ok 2 mutations\n");
	for (unsigned int i = 0; i < corpus_count; i++)
		free(corpus[i].bytes);
	return 0;
}
#endif
