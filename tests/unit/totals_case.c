/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Published instances; see totals_case.h.
 */
#include "tests/unit/totals_case.h"

#include <jansson.h>
#include <stdio.h>

#include "tests/harness/test.h"
#include "tests/unit/fake_snapshot.h"

static void put_gpu(struct totals_case *made, struct fake_driver *fake, const json_t *instances)
{
	struct fake_gpu *gpu = fake_add_a100(fake);
	json_t *instance;
	size_t i;

	json_array_foreach(instances, i, instance)
	{
		struct fake_gi *gi = fake_put(
			gpu, json_string_value(json_object_get(instance, "profile")),
			(unsigned int)json_integer_value(json_object_get(instance, "start")));

		made->instance_count++;
		if (!json_is_true(json_object_get(instance, "busy")))
			continue;
		fake_put_process(&gi->ci[0], 1000 + made->busy_count++);
	}
}

static json_t *load(unsigned int number)
{
	char path[512];
	json_t *root;

	snprintf(path, sizeof(path), "%s/tests/data/totals/%02u.json", mig_test_source_root(),
		 number % TOTALS_CASES);
	root = json_load_file(path, 0, NULL);
	MIG_ASSERT_MSG(root != NULL, "cannot read %s", path);
	return root;
}

void totals_case_read(unsigned int first, unsigned int count, struct totals_case *made)
{
	struct fake_driver *fake = fake_new();
	const char *profile;
	json_t *value;
	size_t i;

	*made = (struct totals_case){0};
	for (unsigned int n = first; n < first + count; n++) {
		json_t *root = load(n);

		json_array_foreach(json_object_get(root, "gpus"), i, value)
			put_gpu(made, fake, value);
		json_decref(root);
	}
	made->snapshot = fake_snapshot(fake, MIG_SNAPSHOT_HOLDERS);
	made->target = mig_target_new(made->snapshot, NULL);
	MIG_ASSERT(made->target != NULL);
	for (i = 0; i < made->target->gpu_count; i++)
		made->target->gpus[i].shares_totals = true;
	for (unsigned int n = first; n < first + count; n++) {
		json_t *root = load(n);

		json_object_foreach(json_object_get(root, "totals"), profile, value)
			MIG_ASSERT_INT_EQ(
				mig_target_add_total(made->target, profile,
						     (unsigned int)json_integer_value(value), NULL),
				0);
		json_decref(root);
	}
	fake_free(fake);
}

void totals_case_clear(struct totals_case *made)
{
	mig_target_free(made->target);
	mig_snapshot_free(made->snapshot);
}
