/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The complete description of a node: NODE/node.json, from which `sim create -f` makes the same
 * node again. Nothing is left to be derived but what the rules of data/rules.json derive.
 */
#include <string.h>

#include "shared/json_writer.h"
#include "shared/text.h"
#include "sim/control/description.h"
#include "sim/control/json_read.h"

#define RULE_STATED "stated-inferred"
#define RULE_ABSENT "not-available"

static bool is_ruled(uint8_t rule, const char *id)
{
	return rule != 0 && rule == mig_table_rule_find(id);
}

/* A value that a rule gave is left open, so that the rule gives it again and says so. */
static bool is_written(uint8_t rule)
{
	return rule == 0 || is_ruled(rule, RULE_STATED);
}

static void number_or_null(struct mig_json *json, const char *key, uint32_t value, uint32_t unknown)
{
	mig_json_key(json, key);
	if (value == unknown)
		mig_json_null(json);
	else
		mig_json_uint(json, value);
}

static void ruled_number(struct mig_json *json, const char *key, uint32_t value, uint32_t unknown,
			 uint8_t rule)
{
	number_or_null(json, key, is_written(rule) ? value : unknown, unknown);
}

static void starts(struct mig_json *json, const uint8_t *values, unsigned int count)
{
	mig_json_key(json, "placement_starts");
	if (count == 0) {
		mig_json_null(json);
		return;
	}
	mig_json_array_begin(json);
	for (unsigned int i = 0; i < count; i++)
		mig_json_uint(json, values[i]);
	mig_json_array_end(json);
}

/* The names of the fields that carry this rule; nothing if there are none. */
static void marks(struct mig_json *json, const char *key, const char *rule, const uint8_t *rules,
		  unsigned int count, const char *(*name_of)(unsigned int))
{
	bool is_open = false;

	for (unsigned int i = 0; i < count; i++) {
		if (!is_ruled(rules[i], rule))
			continue;
		if (!is_open) {
			mig_json_key(json, key);
			mig_json_array_begin(json);
			is_open = true;
		}
		mig_json_string(json, name_of(i));
	}
	if (is_open)
		mig_json_array_end(json);
}

static void write_ci(struct mig_json *json, const struct mig_table_ci_profile *ci)
{
	mig_json_object_begin(json);
	mig_json_member_string(json, "name", ci->name);
	mig_json_member_string(json, "nvml_profile", mig_sim_ci_profile_word(ci->profile_index));
	mig_json_member_uint(json, "id", ci->id);
	mig_json_member_bool(json, "default", ci->is_default);
	mig_json_member_uint(json, "slice_count", ci->slice_count);
	ruled_number(json, "instances_total", ci->instances_total, 0,
		     ci->rule[MIG_CI_FIELD_INSTANCES_TOTAL]);
	ruled_number(json, "sm", ci->sm, MIG_TABLE_UNKNOWN, ci->rule[MIG_CI_FIELD_SM]);
	starts(json, ci->starts, is_written(ci->rule[MIG_CI_FIELD_STARTS]) ? ci->start_count : 0);
	ruled_number(json, "placement_size", ci->placement_size, 0,
		     ci->rule[MIG_CI_FIELD_PLACEMENT_SIZE]);
	marks(json, "inferred_fields", RULE_STATED, ci->rule, MIG_CI_FIELD_COUNT,
	      mig_table_ci_field_name);
	mig_json_object_end(json);
}

static void write_gi(struct mig_json *json, const struct mig_table_gi_profile *gi)
{
	mig_json_object_begin(json);
	mig_json_member_string(json, "name", gi->name);
	mig_json_member_string(json, "nvml_profile", mig_sim_gi_profile_word(gi->profile_index));
	mig_json_member_uint(json, "nvml_profile_index", gi->profile_index);
	number_or_null(json, "id", gi->id, MIG_TABLE_UNKNOWN);
	mig_json_member_uint(json, "slice_count", gi->slice_count);
	number_or_null(json, "instances_total", gi->instances_total, MIG_TABLE_UNKNOWN_U8);
	number_or_null(json, "memory_mib", gi->memory_mib, MIG_TABLE_UNKNOWN);
	number_or_null(json, "memory_idle_mib", gi->memory_idle_mib, MIG_TABLE_UNKNOWN);
	number_or_null(json, "p2p", gi->p2p, MIG_TABLE_UNKNOWN_U8);
	number_or_null(json, "sm", gi->sm, MIG_TABLE_UNKNOWN);
	number_or_null(json, "ce", gi->ce, MIG_TABLE_UNKNOWN);
	number_or_null(json, "dec", gi->dec, MIG_TABLE_UNKNOWN);
	number_or_null(json, "enc", gi->enc, MIG_TABLE_UNKNOWN);
	number_or_null(json, "jpeg", gi->jpeg, MIG_TABLE_UNKNOWN);
	number_or_null(json, "ofa", gi->ofa, MIG_TABLE_UNKNOWN);
	starts(json, gi->starts, gi->start_count);
	number_or_null(json, "placement_size", gi->placement_size, 0);
	marks(json, "inferred_fields", RULE_STATED, gi->rule, MIG_GI_FIELD_COUNT,
	      mig_table_gi_field_name);
	mig_json_key(json, "ci_profiles");
	mig_json_array_begin(json);
	for (unsigned int i = 0; i < gi->ci_profile_count; i++)
		write_ci(json, &gi->ci[i]);
	mig_json_array_end(json);
	mig_json_object_end(json);
}

static void write_identity(struct mig_json *json, const struct mig_gpu_table *model)
{
	char text[16];

	mig_json_key(json, "nvml_names");
	mig_json_array_begin(json);
	mig_json_string(json, model->name);
	mig_json_array_end(json);
	mig_json_key(json, "pci_device_ids");
	mig_json_array_begin(json);
	for (unsigned int i = 0; i < model->pci_device_id_count; i++) {
		mig_text_format(text, sizeof(text), "%04X", model->pci_device_ids[i]);
		mig_json_string(json, text);
	}
	mig_json_array_end(json);
	mig_text_format(text, sizeof(text), "%08X", model->pci_subsystem_id);
	mig_json_member_string(json, "pci_subsystem_id",
			       model->pci_subsystem_id == MIG_TABLE_UNKNOWN ? NULL : text);
	mig_json_member_string(json, "nvml_architecture", mig_sim_arch_word(model->arch));
	mig_text_format(text, sizeof(text), "%u.%u", model->cc_major, model->cc_minor);
	mig_json_member_string(json, "compute_capability",
			       model->cc_major == MIG_TABLE_UNKNOWN_U8 ? NULL : text);
}

static void write_model(struct mig_json *json, const struct mig_gpu_table *model)
{
	mig_json_key(json, model->key);
	mig_json_object_begin(json);
	mig_json_member_uint(json, "schema_version", 1);
	mig_json_member_string(json, "key", model->key);
	write_identity(json, model);
	number_or_null(json, "chip_id", model->chip_id, MIG_TABLE_UNKNOWN);
	mig_json_member_bool(json, "mig_capable", model->is_mig_capable);
	ruled_number(json, "memory_total_mib", model->memory_total_mib, MIG_TABLE_UNKNOWN,
		     model->rule[MIG_GPU_FIELD_MEMORY_TOTAL_MIB]);
	ruled_number(json, "memory_reserved_mib", model->memory_reserved_mib, MIG_TABLE_UNKNOWN,
		     model->rule[MIG_GPU_FIELD_MEMORY_RESERVED_MIB]);
	number_or_null(json, "memory_idle_mib", model->memory_idle_mib, MIG_TABLE_UNKNOWN);
	ruled_number(json, "bar1_total_mib", model->bar1_total_mib, MIG_TABLE_UNKNOWN,
		     model->rule[MIG_GPU_FIELD_BAR1_TOTAL_MIB]);
	ruled_number(json, "sm_total", model->sm_total, MIG_TABLE_UNKNOWN,
		     model->rule[MIG_GPU_FIELD_SM_TOTAL]);
	ruled_number(json, "sm_mig_visible", model->sm_mig_visible, MIG_TABLE_UNKNOWN,
		     model->rule[MIG_GPU_FIELD_SM_MIG_VISIBLE]);
	mig_json_member_uint(json, "max_mig_gpu_instances", model->max_gpu_instances);
	number_or_null(json, "memory_slices", model->memory_slices, 0);
	mig_json_member_bool(json, "mode_needs_reset", model->mode_needs_reset);
	mig_json_member_bool(json, "mode_survives_reboot", model->mode_survives_reboot);
	marks(json, "inferred_fields", RULE_STATED, model->rule, MIG_GPU_FIELD_COUNT,
	      mig_table_gpu_field_name);
	marks(json, "not_available", RULE_ABSENT, model->rule, MIG_GPU_FIELD_COUNT,
	      mig_table_gpu_field_name);
	mig_json_key(json, "gi_profiles");
	mig_json_array_begin(json);
	for (unsigned int i = 0; i < model->gi_profile_count; i++)
		write_gi(json, &model->gi[i]);
	mig_json_array_end(json);
	mig_json_object_end(json);
}

/* What only one GPU has; what is left to be derived is left out. */
static void write_gpu_identity(struct mig_json *json, const struct mig_sim_gpu_desc *gpu)
{
	if (gpu->uuid[0])
		mig_json_member_string(json, "uuid", gpu->uuid);
	if (gpu->bus_id[0])
		mig_json_member_string(json, "pci_address", gpu->bus_id);
	if (gpu->minor_number != MIG_SIM_MINOR_DERIVED)
		mig_json_member_uint(json, "minor", gpu->minor_number);
}

static void write_gpu(struct mig_json *json, const struct mig_sim_description *d, uint32_t index)
{
	const struct mig_sim_gpu_desc *gpu = &d->node.gpus[index];

	mig_json_object_begin(json);
	mig_json_member_string(json, "model", d->models[gpu->model].key);
	mig_json_member_string(json, "layout", mig_sim_layout_words[gpu->layout]);
	write_gpu_identity(json, gpu);
	mig_json_key(json, "numa_node");
	if (gpu->numa_node < 0)
		mig_json_null(json);
	else
		mig_json_int(json, gpu->numa_node);
	mig_json_member_string(json, "mig_mode", mig_sim_switch_words[gpu->initial_mig_mode]);
	mig_json_member_string(json, "persistence_mode",
			       mig_sim_switch_words[gpu->initial_persistence]);
	mig_json_member_string(json, "mode_change", mig_sim_mode_change_words[gpu->mode_change]);
	mig_sim_initial_write(&d->models[gpu->model], gpu, &d->initial[index], json);
	mig_json_object_end(json);
}

/* A model that is the built-in one needs no table of its own. */
static bool is_builtin(const struct mig_gpu_table *model)
{
	const struct mig_gpu_table *builtin = mig_gpu_table_find(model->key);

	return builtin && memcmp(builtin, model, sizeof(*model)) == 0;
}

/* `all`: also those that are built in, for a reader whose version may have others. */
static void write_models(struct mig_json *json, const struct mig_sim_description *d, bool all)
{
	bool is_open = false;

	for (uint32_t i = 0; i < d->node.model_count; i++) {
		if (!all && is_builtin(&d->models[i]))
			continue;
		if (!is_open) {
			mig_json_key(json, "models");
			mig_json_object_begin(json);
			is_open = true;
		}
		write_model(json, &d->models[i]);
	}
	if (is_open)
		mig_json_object_end(json);
}

static void write_recorded(struct mig_json *json, const struct mig_sim_recorded *recorded)
{
	mig_json_key(json, "recorded");
	mig_json_object_begin(json);
	mig_json_member_string(json, "by", "migctl " MIG_VERSION);
	mig_json_member_string(json, "driver_version", recorded->driver_version);
	mig_json_member_string(json, "nvml_version",
			       recorded->nvml_version[0] ? recorded->nvml_version : NULL);
	mig_json_key(json, "not_read");
	mig_json_array_begin(json);
	for (size_t i = 0; i < recorded->not_read_count; i++) {
		mig_json_object_begin(json);
		mig_json_member_string(json, "what", recorded->not_read[i].what);
		mig_json_member_string(json, "why", recorded->not_read[i].why);
		mig_json_member_string(json, "instead", recorded->not_read[i].instead);
		mig_json_object_end(json);
	}
	mig_json_array_end(json);
	mig_json_object_end(json);
}

int mig_sim_description_write(const struct mig_sim_description *d,
			      const struct mig_sim_recorded *recorded, struct mig_buf *out,
			      struct mig_error **err)
{
	struct mig_json json;

	mig_json_init(&json, out);
	mig_json_object_begin(&json);
	mig_json_member_string(&json, "format", MIG_SIM_DESCRIPTION_FORMAT);
	if (d->node.name[0])
		mig_json_member_string(&json, "name", d->node.name);
	if (recorded)
		write_recorded(&json, recorded);
	mig_json_member_string(&json, "driver", d->node.driver_version);
	mig_json_member_string(&json, "off_capacity",
			       mig_sim_off_capacity_words[d->node.off_capacity]);
	mig_json_member_string(&json, "export_table",
			       mig_sim_export_table_words[d->node.export_table]);
	mig_json_member_string(&json, "visibility", mig_sim_visibility_words[d->node.visibility]);
	/* How long the machine takes was not measured. */
	if (!recorded)
		mig_sim_timing_write(&d->node, &json);
	write_models(&json, d, recorded != NULL);
	mig_json_key(&json, "gpus");
	mig_json_array_begin(&json);
	for (uint32_t i = 0; i < d->node.gpu_count; i++)
		write_gpu(&json, d, i);
	mig_json_array_end(&json);
	mig_json_object_end(&json);
	if (mig_json_finish(&json))
		return mig_error_set(err, MIG_ERROR_NO_MEMORY,
				     "cannot write the description of %s%s",
				     d->node.name[0] ? "node " : "the node", d->node.name);
	return 0;
}
