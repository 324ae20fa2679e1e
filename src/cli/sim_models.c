/* SPDX-License-Identifier: Apache-2.0 */
/*
 * migctl sim models: the GPU models that can be simulated. With -v also what in them was derived
 * and by which rule, and which models cannot be simulated because something is not known.
 */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/sim_text.h"
#include "shared/text.h"
#include "sim/control/control.h"

const struct mig_option mig_cmd_sim_models_options[] = {
	{"verbose", 'v', NULL, "show derived values, and models that cannot be used"},
	{"json", 0, NULL, "print JSON (always with what -v shows)"},
	{NULL, 0, NULL, NULL},
};

/* Rules are numbered from 1; more than these are not looked at (a byte holds the number). */
#define RULES_MAX 256

/* ---- derived values --------------------------------------------------------------------------- */

/* One value that a rule gave: "3g.20gb", "1c.3g.20gb", "sm"; the first two may be NULL. */
struct derived {
	const char *gi;
	const char *ci;
	const char *field;
	unsigned int rule;
};

/* Calls `each` for all values of a model that a rule gave. */
static void each_derived(const struct mig_gpu_table *model,
			 void (*each)(void *cookie, const struct derived *value), void *cookie)
{
	for (unsigned int f = 0; f < MIG_GPU_FIELD_COUNT; f++) {
		if (model->rule[f])
			each(cookie, &(struct derived){NULL, NULL, mig_table_gpu_field_name(f),
						       model->rule[f]});
	}
	for (unsigned int g = 0; g < model->gi_profile_count; g++) {
		const struct mig_table_gi_profile *gi = &model->gi[g];

		for (unsigned int f = 0; f < MIG_GI_FIELD_COUNT; f++) {
			if (gi->rule[f])
				each(cookie,
				     &(struct derived){gi->name, NULL, mig_table_gi_field_name(f),
						       gi->rule[f]});
		}
		for (unsigned int c = 0; c < gi->ci_profile_count; c++) {
			const struct mig_table_ci_profile *ci = &gi->ci[c];

			for (unsigned int f = 0; f < MIG_CI_FIELD_COUNT; f++) {
				if (ci->rule[f])
					each(cookie, &(struct derived){gi->name, ci->name,
								       mig_table_ci_field_name(f),
								       ci->rule[f]});
			}
		}
	}
}

static void note_rule(void *cookie, const struct derived *value)
{
	bool *used = cookie;

	if (value->rule < RULES_MAX)
		used[value->rule] = true;
}

/* The places where one rule gave one field, as a text. */
struct place_list {
	unsigned int rule;
	const char *field;
	struct mig_buf text;
};

static void add_place(void *cookie, const struct derived *value)
{
	struct place_list *list = cookie;

	if (value->rule != list->rule || strcmp(value->field, list->field) != 0)
		return;
	mig_buf_puts(&list->text, list->text.len ? ", " : "");
	if (!value->gi)
		mig_buf_puts(&list->text, "the GPU");
	else if (!value->ci)
		mig_buf_puts(&list->text, value->gi);
	else if (strcmp(value->ci, value->gi) == 0)
		mig_buf_printf(&list->text, "CI %s", value->ci);
	else if (strstr(value->ci, value->gi)) /* 1c.3g.20gb says of which it is */
		mig_buf_puts(&list->text, value->ci);
	else
		mig_buf_printf(&list->text, "CI %s of %s", value->ci, value->gi);
}

/* One line (or more) for a field, if the rule gave any. */
static void print_places(const struct mig_gpu_table *model, unsigned int rule, const char *field)
{
	struct place_list list = {.rule = rule, .field = field};
	_cleanup_buf_ struct mig_buf line = MIG_BUF_INIT(MIG_SIM_TEXT_MAX);

	mig_buf_init(&list.text, MIG_SIM_TEXT_MAX);
	each_derived(model, add_place, &list);
	if (list.text.len > 0) {
		mig_buf_printf(&line, "%s of %s", field, mig_buf_text(&list.text));
		mig_print_wrapped(mig_buf_text(&line), 8);
	}
	mig_buf_clear(&list.text);
}

/* A field that GPU and compute instances share is printed once, with all its places. */
static bool is_gi_field(const char *name)
{
	for (unsigned int f = 0; f < MIG_GI_FIELD_COUNT; f++) {
		if (strcmp(mig_table_gi_field_name(f), name) == 0)
			return true;
	}
	return false;
}

static void print_derived(const struct mig_gpu_table *model, bool all[RULES_MAX])
{
	bool here[RULES_MAX] = {false};

	each_derived(model, note_rule, here);
	each_derived(model, note_rule, all);
	for (unsigned int rule = 1; rule < RULES_MAX; rule++) {
		if (!here[rule])
			continue;
		printf("      by %s:\n", mig_table_rule_get(rule)->id);
		for (unsigned int f = 0; f < MIG_GPU_FIELD_COUNT; f++)
			print_places(model, rule, mig_table_gpu_field_name(f));
		for (unsigned int f = 0; f < MIG_GI_FIELD_COUNT; f++)
			print_places(model, rule, mig_table_gi_field_name(f));
		for (unsigned int f = 0; f < MIG_CI_FIELD_COUNT; f++) {
			if (!is_gi_field(mig_table_ci_field_name(f)))
				print_places(model, rule, mig_table_ci_field_name(f));
		}
	}
}

/* ---- text ------------------------------------------------------------------------------------- */

static void print_model(const struct mig_gpu_table *model)
{
	_cleanup_buf_ struct mig_buf line = MIG_BUF_INIT(MIG_SIM_TEXT_MAX);

	printf("%-30s  %s\n", model->key, model->name);
	mig_buf_printf(&line, "%s, %u MiB", mig_table_arch_name(model->arch),
		       model->memory_total_mib);
	if (!model->is_mig_capable)
		mig_buf_puts(&line, ", no MIG");
	else
		mig_buf_puts(&line, ", MIG:");
	for (unsigned int i = 0; i < model->gi_profile_count; i++)
		mig_buf_printf(&line, " %s", model->gi[i].name);
	mig_print_wrapped(mig_buf_text(&line), 4);
}

/* What the driver of this GPU uses by itself, where it was seen. */
static void print_idle(const struct mig_gpu_table *model)
{
	_cleanup_buf_ struct mig_buf line = MIG_BUF_INIT(MIG_SIM_TEXT_MAX);

	if (model->memory_idle_mib != MIG_TABLE_UNKNOWN)
		mig_buf_printf(&line, ", %u MiB of the GPU", model->memory_idle_mib);
	for (unsigned int i = 0; i < model->gi_profile_count; i++) {
		if (model->gi[i].memory_idle_mib != MIG_TABLE_UNKNOWN)
			mig_buf_printf(&line, ", %u MiB of a %s", model->gi[i].memory_idle_mib,
				       model->gi[i].name);
	}
	if (line.len > 0)
		printf("      in use without programs: %s\n", mig_buf_text(&line) + 2);
}

static void print_unusable(void)
{
	printf("\nNot enough is known to simulate these:\n");
	for (unsigned int i = 0; i < mig_gpu_table_count; i++) {
		const struct mig_gpu_table *model = &mig_gpu_tables[i];
		_cleanup_buf_ struct mig_buf missing = MIG_BUF_INIT(MIG_SIM_TEXT_MAX);

		if (model->is_usable)
			continue;
		printf(*model->name ? "%-30s  %s\n" : "%s%s\n", model->key, model->name);
		mig_buf_puts(&missing, "missing: ");
		mig_sim_model_missing(model, &missing);
		mig_print_wrapped(mig_buf_text(&missing), 4);
	}
}

static void print_rules(const bool used[RULES_MAX])
{
	printf("\nRules by which values above were derived:\n");
	for (unsigned int number = 1; number < RULES_MAX; number++) {
		const struct mig_table_rule *rule = mig_table_rule_get(number);

		if (!used[number])
			continue;
		printf("%s (%s)\n", rule->id, rule->field);
		mig_print_wrapped(rule->formula, 4);
	}
}

static void print_drivers(void)
{
	const struct mig_sim_driver *driver;

	printf("\nDriver branches, for sim create --driver:\n");
	for (size_t i = 0; (driver = mig_sim_driver_at(i)) != NULL; i++) {
		_cleanup_buf_ struct mig_buf line = MIG_BUF_INIT(MIG_SIM_TEXT_MAX);

		printf("%u  %s\n", driver->branch, driver->version);
		if (!driver->inferred)
			continue;
		mig_buf_printf(&line, "inferred: %s", driver->inferred);
		mig_print_wrapped(mig_buf_text(&line), 4);
	}
}

static void print_models(bool is_verbose)
{
	bool used[RULES_MAX] = {false};

	for (unsigned int i = 0; i < mig_gpu_table_count; i++) {
		if (!mig_gpu_tables[i].is_usable)
			continue;
		print_model(&mig_gpu_tables[i]);
		if (!is_verbose)
			continue;
		print_idle(&mig_gpu_tables[i]);
		print_derived(&mig_gpu_tables[i], used);
	}
	if (is_verbose) {
		printf("\nMemory in use without programs that is not listed is not known, and none "
		       "is "
		       "used.\n");
		print_unusable();
		print_rules(used);
		print_drivers();
	}
}

/* ---- JSON ------------------------------------------------------------------------------------- */

static void json_derived(void *cookie, const struct derived *value)
{
	struct mig_json *json = cookie;

	mig_json_object_begin(json);
	mig_json_member_string(json, "gpu_instance_profile", value->gi);
	mig_json_member_string(json, "compute_instance_profile", value->ci);
	mig_json_member_string(json, "field", value->field);
	mig_json_member_string(json, "rule", mig_table_rule_get(value->rule)->id);
	mig_json_object_end(json);
}

static void known_uint(struct mig_json *json, const char *key, uint32_t value)
{
	mig_json_key(json, key);
	if (value == MIG_TABLE_UNKNOWN)
		mig_json_null(json);
	else
		mig_json_uint(json, value);
}

static void json_profiles(struct mig_json *json, const struct mig_gpu_table *model)
{
	mig_json_key(json, "profiles");
	mig_json_array_begin(json);
	for (unsigned int i = 0; i < model->gi_profile_count; i++) {
		const struct mig_table_gi_profile *gi = &model->gi[i];
		char id[16];

		mig_text_format(id, sizeof(id), "%u", gi->id);
		mig_json_object_begin(json);
		mig_json_member_string(json, "name", gi->name);
		mig_json_member_string(json, "id", gi->id == MIG_TABLE_UNKNOWN ? NULL : id);
		known_uint(json, "memory_mib", gi->memory_mib);
		known_uint(json, "memory_idle_mib", gi->memory_idle_mib);
		known_uint(json, "multiprocessors", gi->sm);
		mig_json_object_end(json);
	}
	mig_json_array_end(json);
}

static void json_model(struct mig_json *json, const struct mig_gpu_table *model)
{
	_cleanup_buf_ struct mig_buf missing = MIG_BUF_INIT(MIG_SIM_TEXT_MAX);

	mig_json_object_begin(json);
	mig_json_member_string(json, "key", model->key);
	mig_json_member_string(json, "name", model->name);
	mig_json_member_string(json, "architecture", mig_table_arch_name(model->arch));
	known_uint(json, "memory_mib", model->memory_total_mib);
	known_uint(json, "memory_idle_mib", model->memory_idle_mib);
	mig_json_member_bool(json, "mig_capable", model->is_mig_capable);
	mig_json_member_bool(json, "usable", model->is_usable);
	if (!model->is_usable)
		mig_sim_model_missing(model, &missing);
	mig_json_member_string(json, "missing", model->is_usable ? NULL : mig_buf_text(&missing));
	json_profiles(json, model);
	mig_json_key(json, "derived");
	mig_json_array_begin(json);
	each_derived(model, json_derived, json);
	mig_json_array_end(json);
	mig_json_object_end(json);
}

static void json_drivers(struct mig_json *json)
{
	const struct mig_sim_driver *driver;

	mig_json_key(json, "drivers");
	mig_json_array_begin(json);
	for (size_t i = 0; (driver = mig_sim_driver_at(i)) != NULL; i++) {
		mig_json_object_begin(json);
		mig_json_member_uint(json, "branch", driver->branch);
		mig_json_member_string(json, "version", driver->version);
		mig_json_member_string(json, "inferred", driver->inferred);
		mig_json_object_end(json);
	}
	mig_json_array_end(json);
}

static int models_json(struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(MIG_OUTPUT_JSON_MAX);
	struct mig_json json;

	mig_json_init(&json, &text);
	mig_json_object_begin(&json);
	mig_json_member_string(&json, "schema", "migctl.sim-models/1");
	mig_json_key(&json, "models");
	mig_json_array_begin(&json);
	for (unsigned int i = 0; i < mig_gpu_table_count; i++)
		json_model(&json, &mig_gpu_tables[i]);
	mig_json_array_end(&json);
	json_drivers(&json);
	mig_json_key(&json, "rules");
	mig_json_array_begin(&json);
	for (unsigned int i = 1; i < mig_table_rule_count; i++) {
		const struct mig_table_rule *rule = mig_table_rule_get(i);

		mig_json_object_begin(&json);
		mig_json_member_string(&json, "id", rule->id);
		mig_json_member_string(&json, "field", rule->field);
		mig_json_member_string(&json, "formula", rule->formula);
		mig_json_object_end(&json);
	}
	mig_json_array_end(&json);
	mig_json_object_end(&json);
	return mig_output_json(&json, &text, err);
}

int mig_cmd_sim_models_run(const struct mig_invocation *inv, struct mig_error **err)
{
	if (mig_option_given(inv, "json"))
		return models_json(err) ? -1 : MIG_EXIT_OK;
	print_models(mig_option_given(inv, "verbose"));
	return MIG_EXIT_OK;
}
