/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzing of configurations: bytes are parsed as a file of either format, and as hooks; after a line
 * "LAYOUT" as arguments of the command line, one a line. Each label is selected on a node of the fake
 * driver, and what is accepted is planned. What was read is written in every format and read again.
 *
 * Whatever the bytes: an answer, no crash, no leak, in bounded time; a refusal is an error whose
 * message begins with the place; a plan's operations are within the GPU; what is written is read, and
 * written again as the same bytes.
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

#include "config/hooks.h"
#include "config/layout_args.h"
#include "config/select.h"
#include "config/write.h"
#include "core/plan.h"
#include "shared/file.h"
#include "shared/number.h"
#include "tests/harness/test.h"
#include "tests/unit/fake_driver.h"

#define INPUT_MAX	   65536
#define FILES_MAX	   256
#define DEFAULT_ITERATIONS 20000
#define SOURCE		   "fuzz.yaml"
#define ARGS_MARK	   "LAYOUT\n"
#define ARGS_MAX	   16
#define WRITTEN_MAX	   (1 << 20)

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
		MIG_ASSERT_MSG(strncmp(mig_error_message(err), SOURCE ":", strlen(SOURCE) + 1) ==
					       0 ||
				       strncmp(mig_error_message(err), "argument ", 9) == 0 ||
				       strncmp(mig_error_message(err), "no LAYOUT ", 10) == 0,
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

/* ---- written and read again ------------------------------------------------------------------- */

/* Whether the format could say it. */
static bool write_config(const struct mig_config *config, enum mig_config_format format,
			 struct mig_buf *text)
{
	struct mig_error *err = NULL;

	*text = MIG_BUF_INIT(WRITTEN_MAX);
	if (mig_config_write(config, format, text, &err) == 0)
		return true;
	MIG_ASSERT(err != NULL);
	MIG_ASSERT(format != MIG_CONFIG_FORMAT_V1 || mig_buf_failed(text));
	mig_error_free(err);
	return false;
}

static void try_format(const struct mig_config *config, enum mig_config_format format)
{
	struct mig_buf first, second;
	struct mig_config *again = NULL;
	struct mig_error *err = NULL;

	if (!write_config(config, format, &first)) {
		mig_buf_clear(&first);
		return;
	}
	MIG_ASSERT_MSG(mig_config_parse(SOURCE, first.data, first.len, &again, &err) == 0,
		       "%s of what was written:\n%s", mig_error_message(err), first.data);
	MIG_ASSERT(write_config(again, format, &second));
	MIG_ASSERT_MSG(strcmp(mig_buf_text(&first), mig_buf_text(&second)) == 0,
		       "written differently:\n%s\n%s", first.data, second.data);
	mig_config_free(again);
	mig_buf_clear(&first);
	mig_buf_clear(&second);
}

static void try_config(const struct mig_config *config)
{
	MIG_ASSERT(config->label_count > 0);
	for (size_t i = 0; i < config->label_count && i < 16; i++) {
		MIG_ASSERT(mig_config_find(config, config->labels[i].name, NULL) != NULL);
		try_label(config, &config->labels[i]);
	}
	try_format(config, MIG_CONFIG_FORMAT_PARTED_YAML);
	try_format(config, MIG_CONFIG_FORMAT_PARTED_JSON);
	try_format(config, MIG_CONFIG_FORMAT_V1);
}

/* ---- inputs ----------------------------------------------------------------------------------- */

static void try_file(const uint8_t *data, size_t size)
{
	struct mig_config *config = NULL;
	struct mig_error *err = NULL;

	if (mig_config_parse(SOURCE, data, size, &config, &err) < 0) {
		MIG_ASSERT(config == NULL);
		check_error(err, true);
		return;
	}
	MIG_ASSERT(err == NULL && config != NULL);
	try_config(config);
	mig_config_free(config);
}

static void try_hooks(const uint8_t *data, size_t size)
{
	struct mig_hooks *hooks = NULL;
	struct mig_error *err = NULL;

	if (mig_hooks_parse(SOURCE, data, size, NULL, &hooks, &err) < 0)
		check_error(err, true);
	mig_hooks_free(hooks);
}

static void try_args(const char *lines)
{
	char *text = strdup(lines);
	char *args[ARGS_MAX];
	char *line = text;
	struct mig_config *config = NULL;
	struct mig_error *err = NULL;
	size_t count = 0;

	MIG_ASSERT(text != NULL);
	while (line != NULL && count < ARGS_MAX) {
		char *end = strchr(line, '\n');

		if (end != NULL)
			*end++ = '\0';
		args[count++] = line;
		line = end != NULL && *end != '\0' ? end : NULL;
	}
	if (mig_config_from_args(args, count, &config, &err) < 0) {
		MIG_ASSERT(config == NULL);
		MIG_ASSERT(mig_error_exit_status(err) == MIG_EXIT_USAGE);
		MIG_ASSERT(strncmp(mig_error_message(err), "argument ", 9) == 0);
		mig_error_free(err);
	} else {
		try_config(config);
		mig_config_free(config);
	}
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mig_buf text = MIG_BUF_INIT(2 * INPUT_MAX);

	if (size >= strlen(ARGS_MARK) && memcmp(data, ARGS_MARK, strlen(ARGS_MARK)) == 0) {
		MIG_ASSERT(mig_buf_add(&text, data, size) == 0);
		try_args(mig_buf_text(&text) + strlen(ARGS_MARK));
		mig_buf_clear(&text);
		return 0;
	}
	try_file(data, size);
	try_hooks(data, size);
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
	"<<: ",
	"<<: *a\n",
	"version",
	"migctl/v1",
	"layouts",
	"gpus",
	"filter",
	"mig",
	"instances",
	"profile",
	"start",
	"compute",
	"totals",
	"keep-in-use",
	"GPU-fake-1",
	"GPU-f",
	"10:00.0",
	"00000000:11:00.0",
	"3g.20gb@4",
	"@",
	"*2",
	"=",
	"0-2=",
	"total:",
	"LAYOUT\n",
	"hooks",
	"apply-start",
	"command",
	"args",
	"envs",
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
