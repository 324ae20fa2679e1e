/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plans and their outcomes as JSON, the same members in every document that has them (docs/json.md).
 */
#pragma once

#include "cli/plan_text.h"
#include "core/operation.h"
#include "shared/json_writer.h"

/* The members "gpus", "operations", "in_the_way", "optimal" and "estimated_ms" of the object
 * that is open. results: NULL for a plan that was not carried out. */
void mig_plan_json_members(struct mig_json *json, const struct mig_plan_view *view,
			   const struct mig_op_result *results);

/* An array of operations as the value of `key`. */
void mig_plan_json_operations(struct mig_json *json, const char *key, const struct mig_plan *plan,
			      const struct mig_op_result *results);
