/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is selected on a node of several kinds of GPU; see select_case.h.
 */
#include "tests/unit/select_case.h"

#include <stdio.h>
#include <string.h>

#include "tests/harness/test.h"
#include "tests/unit/fake_snapshot.h"

struct mig_snapshot *select_case_node(void)
{
	struct fake_driver *fake = fake_new();
	struct mig_snapshot *snapshot;

	fake_add_a100(fake);
	fake_add_a100(fake);
	fake_add_a30(fake);
	fake_add_gpu(fake, "Tesla T4", NULL, 0);
	snapshot = fake_snapshot(fake, 0);
	fake_free(fake);
	return snapshot;
}

int select_case_run(const struct mig_snapshot *snapshot, const char *head, const char *entries,
		    struct mig_target **target, struct mig_error **err)
{
	struct mig_config *config = NULL;
	char text[2048];
	int rc;

	snprintf(text, sizeof(text), "%s%s", head, entries);
	if (mig_config_parse("c.yaml", text, strlen(text), &config, err) < 0)
		MIG_FAIL("the file was refused: %s", mig_error_message(*err));
	rc = mig_config_select(config, &config->labels[0], snapshot, target, err);
	mig_config_free(config);
	return rc;
}

struct mig_target *select_case_taken(const struct mig_snapshot *snapshot, const char *head,
				     const char *entries)
{
	struct mig_target *target = NULL;
	struct mig_error *err = NULL;

	if (select_case_run(snapshot, head, entries, &target, &err) < 0)
		MIG_FAIL("refused: %s", mig_error_message(err));
	MIG_ASSERT(err == NULL);
	MIG_ASSERT_UINT_EQ(target->gpu_count, snapshot->gpu_count);
	return target;
}

void select_case_refused(const struct mig_snapshot *snapshot, const char *head, const char *entries,
			 const char *message, const char *hint)
{
	struct mig_target *target = NULL;
	struct mig_error *err = NULL;

	MIG_ASSERT_MSG(select_case_run(snapshot, head, entries, &target, &err) == -1, "taken: %s",
		       entries);
	MIG_ASSERT(target == NULL);
	select_case_check_refusal(err, message, hint);
}

void select_case_check_refusal(struct mig_error *err, const char *message, const char *hint)
{
	MIG_ASSERT_STR_EQ(mig_error_message(err), message);
	if (hint == NULL)
		MIG_ASSERT_STR_EQ(mig_error_hint_text(err), NULL);
	else
		MIG_ASSERT_CONTAINS(mig_error_hint_text(err), hint);
	MIG_ASSERT_INT_EQ(mig_error_exit_status(err), MIG_EXIT_REFUSED);
	MIG_ASSERT_INT_EQ(mig_error_changed(err), MIG_CHANGED_NONE);
	mig_error_free(err);
}

unsigned int select_case_named(const struct mig_target *target)
{
	unsigned int set = 0;

	for (unsigned int i = 0; i < target->gpu_count; i++)
		set |= (unsigned int)target->gpus[i].is_named << i;
	return set;
}
