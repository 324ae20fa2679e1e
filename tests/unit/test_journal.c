/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Journals: what is written is read; a file cut short at any byte still says what was begun; a full
 * disk is noticed before anything is begun and not after.
 */
#include "core/journal_read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "shared/file.h"
#include "tests/harness/test.h"
#include "tests/unit/fake_driver.h"

struct scene {
	struct fake_driver *fake;
	struct mig_context ctx;
	struct mig_snapshot *snapshot;
	struct mig_target *target;
	struct mig_plan *plan;
	struct mig_journal *journal;
};

static void begin(struct scene *scene)
{
	memset(scene, 0, sizeof(*scene));
	scene->fake = fake_new();
	scene->ctx = (struct mig_context){.driver = &scene->fake->driver,
					  .host_root = mig_test_path("root")};
	fake_put(fake_add_a30(scene->fake), "2g.12gb", 0);
	fake_put_ci(fake_put_gi(fake_add_a30(scene->fake), "4g.24gb", 0), 1, 2);
	MIG_ASSERT_INT_EQ(
		mig_snapshot_read(&scene->ctx, MIG_SNAPSHOT_UUIDS, &scene->snapshot, NULL), 0);
	scene->target = mig_target_new(scene->snapshot, NULL);
	for (unsigned int i = 0; i < 2; i++) {
		unsigned int gi_row, ci_row;

		scene->target->gpus[i].is_named = true;
		scene->target->gpus[i].mig_mode = true;
		MIG_ASSERT_INT_EQ(mig_facts_find(scene->snapshot->gpus[i].facts, "1g.6gb", &gi_row,
						 &ci_row),
				  0);
		MIG_ASSERT_INT_EQ(mig_target_add(&scene->target->gpus[i], gi_row, ci_row, 4, NULL),
				  0);
	}
	MIG_ASSERT_INT_EQ(mig_plan_make(scene->snapshot, scene->target, &scene->plan, NULL), 0);
	MIG_ASSERT(scene->plan->op_count > 10);
}

static void create(struct scene *scene)
{
	MIG_ASSERT_INT_EQ(mig_journal_create(&scene->ctx, MIG_CHANGE_APPLY, 0,
					     "apply 'all=1g.6gb*4' 100%\n", scene->snapshot,
					     scene->plan, &scene->journal, NULL),
			  0);
}

static void end(struct scene *scene)
{
	mig_journal_close(scene->journal);
	mig_plan_free(scene->plan);
	mig_target_free(scene->target);
	mig_snapshot_free(scene->snapshot);
	fake_free(scene->fake);
}

static void step(struct scene *scene, unsigned int number)
{
	struct mig_op_result result = {.outcome = MIG_OP_DONE,
				       .nvml_code = MIG_NVML_CODE_NONE,
				       .duration_ns = 1000 + number};

	snprintf(result.uuid, sizeof(result.uuid), "MIG-%u", number);
	MIG_ASSERT_INT_EQ(mig_journal_intent(scene->journal, MIG_JOURNAL_FORWARD, number, NULL), 0);
	mig_journal_outcome(scene->journal, MIG_JOURNAL_FORWARD, number, &result);
}

static struct mig_journal_entry *read_back(struct scene *scene, unsigned int number)
{
	struct mig_journal_entry *entry = NULL;

	MIG_ASSERT_INT_EQ(mig_journal_read(&scene->ctx, number, &entry, NULL), 0);
	return entry;
}

MIG_TEST(what_is_written_is_read)
{
	struct scene scene;
	struct mig_journal_entry *entry;

	begin(&scene);
	create(&scene);
	for (unsigned int i = 0; i < scene.plan->op_count; i++)
		step(&scene, i);
	MIG_ASSERT_INT_EQ(
		mig_journal_finish(scene.journal, MIG_JOURNAL_DONE, NULL, scene.snapshot, NULL), 0);
	entry = read_back(&scene, 1);
	MIG_ASSERT_STR_EQ(entry->command, "apply 'all=1g.6gb*4' 100%\n");
	MIG_ASSERT_UINT_EQ(entry->uid, getuid());
	MIG_ASSERT_INT_EQ(entry->kind, MIG_CHANGE_APPLY);
	MIG_ASSERT_INT_EQ(entry->end, MIG_JOURNAL_DONE);
	MIG_ASSERT_UINT_EQ(entry->phase[0].plan.op_count, scene.plan->op_count);
	for (unsigned int i = 0; i < scene.plan->op_count; i++) {
		MIG_ASSERT_MEM_EQ(&entry->phase[0].plan.ops[i], &scene.plan->ops[i],
				  sizeof(scene.plan->ops[i]));
		MIG_ASSERT(entry->phase[0].is_begun[i]);
		MIG_ASSERT_UINT_EQ(entry->phase[0].results[i].duration_ns, 1000 + i);
	}
	MIG_ASSERT_UINT_EQ(entry->before.gpu_count, 2);
	MIG_ASSERT_UINT_EQ(entry->after.gpu_count, 2);
	for (unsigned int i = 0; i < 2; i++)
		MIG_ASSERT(mig_saved_gpu_equals(&entry->before.gpus[i], &scene.snapshot->gpus[i]));
	MIG_ASSERT_STR_EQ(entry->before.gpus[0].gi[0].ci[0].uuid,
			  scene.snapshot->gpus[0].gi[0].ci[0].uuid);
	mig_journal_entry_free(entry);
	end(&scene);
}

/* At every length the file reads as unfinished, with a beginning of the intents. */
MIG_TEST(a_file_cut_at_any_byte_says_what_was_begun)
{
	_cleanup_buf_ struct mig_buf bytes = MIG_BUF_INIT((size_t)1 << 20);
	_cleanup_free_ char *path = NULL;
	struct scene scene;
	size_t preamble;
	unsigned int last = 0;

	begin(&scene);
	create(&scene);
	path = mig_journal_path(&scene.ctx, 1);
	MIG_ASSERT_INT_EQ(mig_file_read(path, &bytes, NULL), 0);
	preamble = strlen(mig_buf_text(&bytes));
	for (unsigned int i = 0; i < 3; i++)
		step(&scene, i);
	mig_journal_close(MIG_TAKE_PTR(scene.journal));
	mig_buf_reset(&bytes);
	MIG_ASSERT_INT_EQ(mig_file_read(path, &bytes, NULL), 0);
	for (size_t len = preamble; len <= strlen(mig_buf_text(&bytes)); len++) {
		struct mig_journal_entry *entry;
		unsigned int begun = 0;

		MIG_ASSERT_INT_EQ(truncate(path, 0), 0);
		MIG_ASSERT_INT_EQ(
			mig_file_write_durable(path, mig_buf_text(&bytes), len, 0644, NULL), 0);
		entry = read_back(&scene, 1);
		MIG_ASSERT_INT_EQ(entry->end, MIG_JOURNAL_UNFINISHED);
		while (begun < entry->phase[0].plan.op_count && entry->phase[0].is_begun[begun])
			begun++;
		MIG_ASSERT(begun >= last && begun <= 3);
		last = begun;
		mig_journal_entry_free(entry);
	}
	MIG_ASSERT_UINT_EQ(last, 3);
	end(&scene);
}

/* A recovery goes on behind the last whole line, and what was torn is gone. */
MIG_TEST(a_torn_file_can_be_gone_on_with)
{
	_cleanup_free_ char *path = NULL;
	struct scene scene;
	struct mig_journal_entry *entry;
	int fd;

	begin(&scene);
	create(&scene);
	step(&scene, 0);
	step(&scene, 1);
	mig_journal_close(MIG_TAKE_PTR(scene.journal));
	path = mig_journal_path(&scene.ctx, 1);
	fd = open(path, O_RDWR);
	MIG_ASSERT(fd >= 0);
	{
		_cleanup_buf_ struct mig_buf bytes = MIG_BUF_INIT((size_t)1 << 20);

		MIG_ASSERT_INT_EQ(mig_file_read(path, &bytes, NULL), 0);
		MIG_ASSERT_INT_EQ(pwrite(fd, "0123456789abcdef int", 20,
					 (off_t)strlen(mig_buf_text(&bytes))),
				  20);
	}
	close(fd);
	MIG_ASSERT_INT_EQ(mig_journal_reopen(&scene.ctx, 1, &scene.journal, NULL), 0);
	MIG_ASSERT_INT_EQ(mig_journal_rollback(scene.journal, scene.plan, NULL), 0);
	MIG_ASSERT_INT_EQ(mig_journal_intent(scene.journal, MIG_JOURNAL_ROLLBACK, 0, NULL), 0);
	MIG_ASSERT_INT_EQ(mig_journal_finish(scene.journal, MIG_JOURNAL_ROLLED_BACK, "why not",
					     NULL, NULL),
			  0);
	entry = read_back(&scene, 1);
	MIG_ASSERT_INT_EQ(entry->end, MIG_JOURNAL_ROLLED_BACK);
	MIG_ASSERT_STR_EQ(entry->message, "why not");
	MIG_ASSERT(entry->phase[MIG_JOURNAL_ROLLBACK].is_begun[0]);
	MIG_ASSERT(!entry->phase[MIG_JOURNAL_ROLLBACK].is_begun[1]);
	mig_journal_entry_free(entry);
	end(&scene);
}

MIG_TEST(a_damaged_line_in_the_middle_is_refused_with_the_file)
{
	_cleanup_error_ struct mig_error *err = NULL;
	_cleanup_free_ char *path = NULL;
	struct mig_journal_entry *entry = NULL;
	struct scene scene;
	int fd;

	begin(&scene);
	create(&scene);
	path = mig_journal_path(&scene.ctx, 1);
	fd = open(path, O_RDWR);
	MIG_ASSERT_INT_EQ(pwrite(fd, "x", 1, 30), 1);
	close(fd);
	MIG_ASSERT_INT_EQ(mig_journal_read(&scene.ctx, 1, &entry, &err), -1);
	MIG_ASSERT_INT_EQ(mig_error_code(err), MIG_ERROR_CORRUPT);
	MIG_ASSERT_CONTAINS(mig_error_message(err), path);
	MIG_ASSERT_CONTAINS(mig_error_hint_text(err), "then: rm ");
	end(&scene);
}

MIG_TEST(a_file_that_others_may_write_is_refused)
{
	_cleanup_error_ struct mig_error *err = NULL;
	_cleanup_free_ char *path = NULL;
	struct mig_journal_entry *entry = NULL;
	struct scene scene;

	begin(&scene);
	create(&scene);
	path = mig_journal_path(&scene.ctx, 1);
	MIG_ASSERT_INT_EQ(chmod(path, 0666), 0);
	MIG_ASSERT_INT_EQ(mig_journal_read(&scene.ctx, 1, &entry, &err), -1);
	MIG_ASSERT_INT_EQ(mig_error_code(err), MIG_ERROR_NO_PERMISSION);
	end(&scene);
}

/* All lines of the longest transaction fit into the room that was taken at the beginning. */
MIG_TEST(the_room_is_enough)
{
	_cleanup_free_ char *path = NULL;
	struct stat first, last;
	struct scene scene;

	begin(&scene);
	create(&scene);
	path = mig_journal_path(&scene.ctx, 1);
	MIG_ASSERT_INT_EQ(stat(path, &first), 0);
	for (unsigned int i = 0; i < scene.plan->op_count; i++)
		step(&scene, i);
	MIG_ASSERT_INT_EQ(mig_journal_rollback(scene.journal, scene.plan, NULL), 0);
	for (unsigned int i = 0; i < scene.plan->op_count; i++) {
		struct mig_op_result result = {.outcome = MIG_OP_DONE};

		MIG_ASSERT_INT_EQ(mig_journal_intent(scene.journal, MIG_JOURNAL_ROLLBACK, i, NULL),
				  0);
		mig_journal_outcome(scene.journal, MIG_JOURNAL_ROLLBACK, i, &result);
	}
	MIG_ASSERT_INT_EQ(stat(path, &last), 0);
	MIG_ASSERT_INT_EQ(last.st_size, first.st_size);
	MIG_ASSERT_INT_EQ(mig_journal_finish(scene.journal, MIG_JOURNAL_PARTIAL, "a message",
					     scene.snapshot, NULL),
			  0);
	MIG_ASSERT_INT_EQ(stat(path, &last), 0);
	MIG_ASSERT(last.st_size <= first.st_size);
	end(&scene);
}

static int fail_create(void *cookie, const char *what, bool is_after)
{
	(void)cookie;
	return !is_after && strcmp(what, "create") == 0 ? ENOSPC : 0;
}

MIG_TEST(a_full_disk_leaves_nothing)
{
	static const struct mig_journal_watch watch = {.step = fail_create};
	_cleanup_error_ struct mig_error *err = NULL;
	_cleanup_free_ unsigned int *numbers = NULL;
	struct scene scene;
	size_t count = 1;

	begin(&scene);
	scene.ctx.journal_watch = &watch;
	MIG_ASSERT_INT_EQ(mig_journal_create(&scene.ctx, MIG_CHANGE_APPLY, 0, "apply",
					     scene.snapshot, scene.plan, &scene.journal, &err),
			  -1);
	MIG_ASSERT_INT_EQ(mig_error_errno(err), ENOSPC);
	MIG_ASSERT_INT_EQ(mig_journal_list(&scene.ctx, &numbers, &count, NULL), 0);
	MIG_ASSERT_UINT_EQ(count, 0);
	end(&scene);
}

MIG_TEST(old_ones_are_removed_and_numbers_rise)
{
	struct scene scene;
	unsigned int *numbers = NULL;
	size_t count = 0;

	begin(&scene);
	for (unsigned int i = 0; i < 260; i++) {
		create(&scene);
		MIG_ASSERT_INT_EQ(mig_journal_finish(scene.journal, MIG_JOURNAL_DONE, NULL,
						     scene.snapshot, NULL),
				  0);
		mig_journal_close(MIG_TAKE_PTR(scene.journal));
	}
	MIG_ASSERT_INT_EQ(mig_journal_list(&scene.ctx, &numbers, &count, NULL), 0);
	MIG_ASSERT_UINT_EQ(count, 256);
	MIG_ASSERT_UINT_EQ(numbers[0], 5);
	MIG_ASSERT_UINT_EQ(numbers[count - 1], 260);
	free(numbers);
	end(&scene);
}
