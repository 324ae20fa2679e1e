/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plans as JSON; see plan_json.h.
 */
#include "cli/plan_json.h"

#include "core/journal_words.h"
#include "shared/clock.h"
#include "shared/text.h"

static bool is_of_ci(const struct mig_op *op)
{
	return op->kind == MIG_OP_CI_CREATE || op->kind == MIG_OP_CI_DESTROY;
}

static void json_profile(struct mig_json *json, const char *key, const char *name, unsigned int id,
			 unsigned int start, unsigned int size)
{
	char id_text[16];

	mig_text_format(id_text, sizeof(id_text), "%u", id);
	mig_json_key(json, key);
	mig_json_object_begin(json);
	mig_json_member_string(json, "profile", name);
	mig_json_member_string(json, "profile_id", id_text);
	mig_json_member_uint(json, "placement_start", start);
	mig_json_member_uint(json, "placement_size", size);
	mig_json_object_end(json);
}

static void json_op(struct mig_json *json, const struct mig_op *op,
		    const struct mig_op_result *result)
{
	mig_json_object_begin(json);
	mig_json_member_string(json, "kind", mig_op_kind_words[op->kind]);
	mig_json_member_string(json, "gpu_uuid", op->gpu_uuid);
	mig_json_member_uint(json, "gpu_index", op->gpu_index);
	if (op->kind == MIG_OP_MODE_SET) {
		mig_json_member_bool(json, "mig_mode_before", op->mode_before);
		mig_json_member_bool(json, "mig_mode_pending_before", op->mode_pending_before);
		mig_json_member_bool(json, "mig_mode_after", op->mode_after);
	} else {
		json_profile(json, "gpu_instance", op->gi_profile_name, op->gi_profile_id,
			     op->gi_start, op->gi_size);
	}
	if (is_of_ci(op)) {
		json_profile(json, "compute_instance", op->ci_profile_name, op->ci_profile_id,
			     op->ci_start, op->ci_size);
		mig_json_member_string(json, "expected_uuid",
				       op->expected_uuid[0] != '\0' ? op->expected_uuid : NULL);
	}
	if (result != NULL)
		mig_json_member_string(json, "outcome", mig_op_outcome_word(result->outcome));
	if (result != NULL && op->kind == MIG_OP_CI_CREATE)
		mig_json_member_string(json, "uuid", result->uuid[0] != '\0' ? result->uuid : NULL);
	mig_json_object_end(json);
}

void mig_plan_json_operations(struct mig_json *json, const char *key, const struct mig_plan *plan,
			      const struct mig_op_result *results)
{
	mig_json_key(json, key);
	mig_json_array_begin(json);
	for (unsigned int i = 0; i < plan->op_count; i++)
		json_op(json, &plan->ops[i], results != NULL ? &results[i] : NULL);
	mig_json_array_end(json);
}

static void json_gpus(struct mig_json *json, const struct mig_plan *plan)
{
	mig_json_key(json, "gpus");
	mig_json_array_begin(json);
	for (unsigned int i = 0; i < plan->gpu_count; i++) {
		const struct mig_plan_gpu *pg = &plan->gpus[i];

		mig_json_object_begin(json);
		mig_json_member_string(json, "gpu_uuid", pg->gpu_uuid);
		mig_json_member_bool(json, "mig_mode_changes", pg->mode_changes);
		mig_json_member_uint(json, "kept_gpu_instances", pg->kept_gi);
		mig_json_member_uint(json, "destroyed_gpu_instances", pg->destroyed_gi);
		mig_json_member_uint(json, "created_gpu_instances", pg->created_gi);
		mig_json_member_uint(json, "held_in_the_way", pg->held_destroyed);
		mig_json_member_bool(json, "blocked", pg->is_blocked);
		mig_json_object_end(json);
	}
	mig_json_array_end(json);
}

static void json_in_the_way(struct mig_json *json, const struct mig_plan_view *view)
{
	_cleanup_free_ struct mig_in_the_way *list = NULL;
	unsigned int count = 0;

	mig_json_key(json, "in_the_way");
	mig_json_array_begin(json);
	if (mig_in_the_way_find(view->snapshot, view->plan, &list, &count, NULL) < 0)
		count = 0;
	for (unsigned int i = 0; i < count; i++) {
		mig_json_object_begin(json);
		mig_json_member_string(json, "gpu_uuid", list[i].gpu->uuid);
		mig_json_member_string(json, "mig_uuid",
				       list[i].op->kind == MIG_OP_CI_DESTROY &&
						       list[i].op->expected_uuid[0] != '\0'
					       ? list[i].op->expected_uuid
					       : NULL);
		mig_json_member_string(json, "kind", list[i].holder->provider);
		mig_json_member_uint(json, "pid", list[i].holder->pid);
		mig_json_member_string(json, "name", list[i].holder->name);
		mig_json_member_string(json, "user", list[i].holder->user);
		mig_json_object_end(json);
	}
	mig_json_array_end(json);
}

void mig_plan_json_members(struct mig_json *json, const struct mig_plan_view *view,
			   const struct mig_op_result *results)
{
	json_gpus(json, view->plan);
	mig_plan_json_operations(json, "operations", view->plan, results);
	json_in_the_way(json, view);
	mig_json_member_bool(json, "optimal", view->plan->is_optimal);
	mig_json_member_uint(json, "held_destroyed_bound", view->plan->held_destroyed_bound);
	mig_json_member_uint(json, "gpu_instances_destroyed_bound", view->plan->gi_destroyed_bound);
	mig_json_key(json, "estimated_ms");
	if (view->estimate != NULL && view->estimate->is_known)
		mig_json_uint(json, view->estimate->ns / MIG_CLOCK_NS_PER_MS);
	else
		mig_json_null(json);
}
