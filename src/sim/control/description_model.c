/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A GPU model that a node description brings along, in the format of data/gpus (docs/gpu-data.md).
 *
 * What the data files say for people (sources, notes, …) is allowed and not read. What is unknown
 * is null or absent; the rules of data/rules.json then fill in what they can, as the generator does
 * for the built-in models. The geometry is checked, because the engine counts on it: a placement
 * is a half, quarter or eighth of the GPU at a multiple of its size.
 */
#include <string.h>

#include "shared/number.h"
#include "shared/text.h"
#include "sim/control/description.h"
#include "sim/control/json_read.h"

#define MIB_MAX	      (1U << 24)
#define SM_MAX	      1024
#define ENGINES_MAX   255
#define UNITS_MAX     128
#define GI_SLICES_MAX 8
#define CI_START_MAX  7
#define GI_ID_MAX     255
#define CHIP_ID_MAX   0xffff
#define RULE_STATED   "stated-inferred"
#define RULE_ABSENT   "not-available"

/* NVML_GPU_INSTANCE_PROFILE_* without the prefix, by index. */
static const char *const gi_profile_words[MIG_TABLE_GI_PROFILES_MAX] = {
	"1_SLICE",	  "2_SLICE",	    "3_SLICE",	    "4_SLICE",	     "7_SLICE",
	"8_SLICE",	  "6_SLICE",	    "1_SLICE_REV1", "2_SLICE_REV1",  "1_SLICE_REV2",
	"1_SLICE_GFX",	  "2_SLICE_GFX",    "4_SLICE_GFX",  "1_SLICE_NO_ME", "2_SLICE_NO_ME",
	"1_SLICE_ALL_ME", "2_SLICE_ALL_ME", "3_SLICE_GFX",
};

/* NVML_COMPUTE_INSTANCE_PROFILE_* without the prefix, by index. */
static const char *const ci_profile_words[MIG_TABLE_CI_PROFILES_MAX] = {
	"1_SLICE", "2_SLICE", "3_SLICE",      "4_SLICE",     "7_SLICE",
	"8_SLICE", "6_SLICE", "1_SLICE_REV1", "7_SLICE_NVL",
};

/* "UNKNOWN": older or newer than these; NVML of the simulated driver then answers just that. */
static const char *const arch_words[] = {"TURING", "AMPERE",	"ADA",
					 "HOPPER", "BLACKWELL", "UNKNOWN"};
static const uint8_t arch_values[] = {MIG_ARCH_TURING, MIG_ARCH_AMPERE,	   MIG_ARCH_ADA,
				      MIG_ARCH_HOPPER, MIG_ARCH_BLACKWELL, MIG_ARCH_UNKNOWN};

const char *mig_sim_gi_profile_word(unsigned int profile_index)
{
	return profile_index < MIG_ARRAY_SIZE(gi_profile_words) ? gi_profile_words[profile_index]
								: "";
}

const char *mig_sim_ci_profile_word(unsigned int profile_index)
{
	return profile_index < MIG_ARRAY_SIZE(ci_profile_words) ? ci_profile_words[profile_index]
								: "";
}

const char *mig_sim_arch_word(unsigned int arch)
{
	for (size_t i = 0; i < MIG_ARRAY_SIZE(arch_values); i++) {
		if (arch_values[i] == arch)
			return arch_words[i];
	}
	return "";
}

enum field_kind {
	FIELD_PROSE, /* allowed, not read here */
	FIELD_U32,   /* null: MIG_TABLE_UNKNOWN */
	FIELD_U8,    /* null: `unknown` */
	FIELD_BOOL,
	FIELD_TEXT, /* a char array of `max` bytes */
};

/* One key of an object: where its value goes and what it may be. */
struct field {
	const char *key;
	enum field_kind kind;
	size_t offset;
	uint32_t min, max;
	uint8_t unknown;
	bool is_required;
};

#define GPU(member) offsetof(struct mig_gpu_table, member)
#define GI(member)  offsetof(struct mig_table_gi_profile, member)
#define CI(member)  offsetof(struct mig_table_ci_profile, member)

static const struct field gpu_fields[] = {
	{"schema_version", FIELD_PROSE, 0, 0, 0, 0, false},
	{"key", FIELD_PROSE, 0, 0, 0, 0, false},
	{"nvml_names", FIELD_PROSE, 0, 0, 0, 0, true},
	{"pci_device_ids", FIELD_PROSE, 0, 0, 0, 0, true},
	{"pci_subsystem_id", FIELD_PROSE, 0, 0, 0, 0, false},
	{"nvml_architecture", FIELD_PROSE, 0, 0, 0, 0, true},
	{"compute_capability", FIELD_PROSE, 0, 0, 0, 0, false},
	{"gi_profiles", FIELD_PROSE, 0, 0, 0, 0, true},
	{"inferred_fields", FIELD_PROSE, 0, 0, 0, 0, false},
	{"not_available", FIELD_PROSE, 0, 0, 0, 0, false},
	{"chip", FIELD_PROSE, 0, 0, 0, 0, false},
	{"chip_id", FIELD_U32, GPU(chip_id), 0, CHIP_ID_MAX, 0, false},
	{"mig_capable", FIELD_BOOL, GPU(is_mig_capable), 0, 1, 0, true},
	{"memory_total_mib", FIELD_U32, GPU(memory_total_mib), 1, MIB_MAX, 0, true},
	{"memory_reserved_mib", FIELD_U32, GPU(memory_reserved_mib), 0, MIB_MAX, 0, false},
	{"memory_idle_mib", FIELD_U32, GPU(memory_idle_mib), 0, MIB_MAX, 0, false},
	{"bar1_total_mib", FIELD_U32, GPU(bar1_total_mib), 1, MIB_MAX, 0, false},
	{"sm_total", FIELD_U32, GPU(sm_total), 1, SM_MAX, 0, false},
	{"sm_mig_visible", FIELD_U32, GPU(sm_mig_visible), 1, SM_MAX, 0, false},
	{"max_mig_gpu_instances", FIELD_U8, GPU(max_gpu_instances), 0, MIG_SIM_GIS_MAX, 0, false},
	{"memory_slices", FIELD_U8, GPU(memory_slices), 1, UNITS_MAX, 0, false},
	{"mode_needs_reset", FIELD_BOOL, GPU(mode_needs_reset), 0, 1, 0, false},
	{"mode_survives_reboot", FIELD_BOOL, GPU(mode_survives_reboot), 0, 1, 0, false},
	{"min_driver", FIELD_PROSE, 0, 0, 0, 0, false},
	{"confidence", FIELD_PROSE, 0, 0, 0, 0, false},
	{"sources", FIELD_PROSE, 0, 0, 0, 0, false},
	{"field_sources", FIELD_PROSE, 0, 0, 0, 0, false},
	{"notes", FIELD_PROSE, 0, 0, 0, 0, false},
	{"disagreements", FIELD_PROSE, 0, 0, 0, 0, false},
	{"profiles_copied_from", FIELD_PROSE, 0, 0, 0, 0, false},
	{"assume_same_as", FIELD_PROSE, 0, 0, 0, 0, false},
	{"guide_engine_counts", FIELD_PROSE, 0, 0, 0, 0, false},
	{"mig_device_rows", FIELD_PROSE, 0, 0, 0, 0, false},
};

static const struct field gi_fields[] = {
	{"name", FIELD_TEXT, GI(name), 0, MIG_TABLE_PROFILE_NAME_SIZE, 0, true},
	{"nvml_profile", FIELD_PROSE, 0, 0, 0, 0, true},
	{"nvml_profile_index", FIELD_PROSE, 0, 0, 0, 0, false},
	{"id", FIELD_U32, GI(id), 0, GI_ID_MAX, 0, true},
	{"slice_count", FIELD_U8, GI(slice_count), 1, GI_SLICES_MAX, 0, true},
	{"instances_total", FIELD_U8, GI(instances_total), 1, MIG_SIM_GIS_MAX, MIG_TABLE_UNKNOWN_U8,
	 true},
	{"memory_gib", FIELD_PROSE, 0, 0, 0, 0, false},
	{"memory_gib_other", FIELD_PROSE, 0, 0, 0, 0, false},
	{"memory_mib", FIELD_U32, GI(memory_mib), 1, MIB_MAX, 0, true},
	{"memory_idle_mib", FIELD_U32, GI(memory_idle_mib), 0, MIB_MAX, 0, false},
	{"p2p", FIELD_U8, GI(p2p), 0, 1, MIG_TABLE_UNKNOWN_U8, false},
	{"sm", FIELD_U32, GI(sm), 1, SM_MAX, 0, true},
	{"ce", FIELD_U32, GI(ce), 0, ENGINES_MAX, 0, false},
	{"dec", FIELD_U32, GI(dec), 0, ENGINES_MAX, 0, false},
	{"enc", FIELD_U32, GI(enc), 0, ENGINES_MAX, 0, false},
	{"jpeg", FIELD_U32, GI(jpeg), 0, ENGINES_MAX, 0, false},
	{"ofa", FIELD_U32, GI(ofa), 0, ENGINES_MAX, 0, false},
	{"placement_starts", FIELD_PROSE, 0, 0, 0, 0, true},
	{"placement_size", FIELD_U8, GI(placement_size), 1, UNITS_MAX, 0, true},
	{"inferred_fields", FIELD_PROSE, 0, 0, 0, 0, false},
	{"ci_profiles", FIELD_PROSE, 0, 0, 0, 0, false},
};

static const struct field ci_fields[] = {
	{"name", FIELD_TEXT, CI(name), 0, MIG_TABLE_PROFILE_NAME_SIZE, 0, true},
	{"nvml_profile", FIELD_PROSE, 0, 0, 0, 0, true},
	{"id", FIELD_U8, CI(id), 0, MIG_TABLE_CI_PROFILES_MAX - 1, 0, true},
	{"default", FIELD_BOOL, CI(is_default), 0, 1, 0, true},
	{"slice_count", FIELD_U8, CI(slice_count), 1, GI_SLICES_MAX, 0, true},
	{"instances_total", FIELD_U8, CI(instances_total), 1, MIG_SIM_CIS_MAX, 0, false},
	{"sm", FIELD_U32, CI(sm), 1, SM_MAX, 0, false},
	{"placement_starts", FIELD_PROSE, 0, 0, 0, 0, false},
	{"placement_size", FIELD_U8, CI(placement_size), 1, GI_SLICES_MAX, 0, false},
	{"inferred_fields", FIELD_PROSE, 0, 0, 0, 0, false},
};

/* ---- one object by its table ------------------------------------------------------------------ */

static int read_field(const char *where, const struct field *field, json_t *value, void *base,
		      struct mig_error **err)
{
	uint8_t *at = (uint8_t *)base + field->offset;
	uint32_t wide = MIG_TABLE_UNKNOWN;
	const char *text;
	uint64_t number;

	switch (field->kind) {
	case FIELD_PROSE:
		return 0;
	case FIELD_BOOL:
		return json_is_null(value) ? 0
					   : mig_json_read_bool(where, field->key, value, at, err);
	case FIELD_TEXT:
		if (mig_json_read_name(where, field->key, value, &text, err))
			return -1;
		if (!mig_text_copy((char *)at, field->max, text))
			return mig_json_complain(err, where, field->key, "is too long");
		return 0;
	case FIELD_U8:
	case FIELD_U32:
		break;
	}
	if (!json_is_null(value)) {
		if (mig_json_read_uint(where, field->key, value, field->min, field->max, &number,
				       err))
			return -1;
		wide = (uint32_t)number;
	}
	if (field->kind == FIELD_U32)
		memcpy(at, &wide, sizeof(wide));
	else
		*at = json_is_null(value) ? field->unknown : (uint8_t)wide;
	return 0;
}

/* An absent key of a number is as unknown as null. */
static void set_absent(const struct field *field, void *base)
{
	const uint32_t unknown = MIG_TABLE_UNKNOWN;
	uint8_t *at = (uint8_t *)base + field->offset;

	if (field->kind == FIELD_U32)
		memcpy(at, &unknown, sizeof(unknown));
	else if (field->kind == FIELD_U8)
		*at = field->unknown;
}

#define FIELDS_MAX 40

static int read_object(const char *where, json_t *object, const struct field *fields, size_t count,
		       void *base, struct mig_error **err)
{
	const char *keys[FIELDS_MAX] = {NULL};

	for (size_t i = 0; i < count; i++)
		keys[i] = fields[i].key;
	if (mig_json_check_object(where, object, keys, count, err))
		return -1;
	for (size_t i = 0; i < count; i++) {
		json_t *value = json_object_get(object, fields[i].key);

		if (!value && fields[i].is_required)
			return mig_json_complain(err, where, fields[i].key, "is missing");
		if (!value)
			set_absent(&fields[i], base);
		else if (read_field(where, &fields[i], value, base, err))
			return -1;
	}
	return 0;
}

static int read_starts(const char *where, json_t *value, uint32_t max, uint8_t *starts,
		       uint8_t *count, struct mig_error **err)
{
	uint64_t before = 0;
	uint64_t start;
	json_t *item;
	size_t i;

	*count = 0;
	if (!value || json_is_null(value))
		return 0;
	if (mig_json_check_array(where, "placement_starts", value, MIG_TABLE_STARTS_MAX, err))
		return -1;
	json_array_foreach(value, i, item)
	{
		if (mig_json_read_uint(where, "placement_starts", item, 0, max, &start, err))
			return -1;
		if (i > 0 && start <= before)
			return mig_json_complain(err, where, "placement_starts", "must ascend");
		starts[i] = (uint8_t)start;
		before = start;
	}
	*count = (uint8_t)json_array_size(value);
	return 0;
}

/*
 * Marks the fields that the list object[key] names with a rule; `name_of` gives the possible names.
 * A field that has no value gets no mark of a stated one: the data files also list there what a
 * rule is to fill in.
 */
static int read_marks(const char *where, const char *key, json_t *object, const char *rule,
		      const char *(*name_of)(unsigned int), unsigned int count, uint8_t *rules,
		      struct mig_error **err)
{
	const bool is_stated = strcmp(rule, RULE_STATED) == 0;
	json_t *list = json_object_get(object, key);
	const char *names[MIG_GI_FIELD_COUNT];
	uint8_t number = (uint8_t)mig_table_rule_find(rule);
	uint8_t field;
	json_t *item;
	size_t i;

	if (!list)
		return 0;
	if (mig_json_check_array(where, key, list, MIG_GI_FIELD_COUNT, err))
		return -1;
	for (unsigned int k = 0; k < count; k++)
		names[k] = name_of(k);
	json_array_foreach(list, i, item)
	{
		if (json_is_string(item) && strcmp(json_string_value(item), "memory_gib") == 0)
			continue; /* the printed form of memory_mib, which has its own mark */
		if (mig_json_read_word(where, key, item, names, count, &field, err))
			return -1;
		item = json_object_get(object, names[field]);
		if (!is_stated || (item && !json_is_null(item)))
			rules[field] = number;
	}
	return 0;
}

/* ---- compute instance profiles ---------------------------------------------------------------- */

static int read_ci(const char *where, json_t *object, struct mig_table_ci_profile *ci,
		   struct mig_error **err)
{
	if (read_object(where, object, ci_fields, MIG_ARRAY_SIZE(ci_fields), ci, err))
		return -1;
	if (mig_json_read_word(where, "nvml_profile", json_object_get(object, "nvml_profile"),
			       ci_profile_words, MIG_ARRAY_SIZE(ci_profile_words),
			       &ci->profile_index, err))
		return -1;
	if (read_starts(where, json_object_get(object, "placement_starts"), CI_START_MAX,
			ci->starts, &ci->start_count, err))
		return -1;
	return read_marks(where, "inferred_fields", object, RULE_STATED, mig_table_ci_field_name,
			  MIG_CI_FIELD_COUNT, ci->rule, err);
}

static int read_cis(const char *where, json_t *list, struct mig_table_gi_profile *gi,
		    struct mig_error **err)
{
	char at[MIG_JSON_WHERE_SIZE];
	json_t *item;
	size_t i;

	if (!list || json_is_null(list))
		return 0;
	if (mig_json_check_array(where, "ci_profiles", list, MIG_TABLE_CI_PROFILES_MAX, err))
		return -1;
	json_array_foreach(list, i, item)
	{
		struct mig_table_ci_profile ci = {.profile_index = 0};
		unsigned int row = gi->ci_profile_count;

		mig_json_where_item(at, where, "ci_profiles", i);
		if (read_ci(at, item, &ci, err))
			return -1;
		if (ci.slice_count > gi->slice_count)
			return mig_json_complain(err, at, "slice_count",
						 "is more than its GPU instance has");
		while (row > 0 && gi->ci[row - 1].profile_index > ci.profile_index) {
			gi->ci[row] = gi->ci[row - 1];
			row--;
		}
		if (row > 0 && gi->ci[row - 1].profile_index == ci.profile_index)
			return mig_json_complain(err, at, "nvml_profile", "is there twice");
		gi->ci[row] = ci;
		gi->ci_profile_count++;
	}
	return 0;
}

/* ---- GPU instance profiles -------------------------------------------------------------------- */

static int read_gi_index(const char *where, json_t *object, struct mig_table_gi_profile *gi,
			 struct mig_error **err)
{
	json_t *index = json_object_get(object, "nvml_profile_index");
	const char *word;
	uint64_t number;

	if (mig_json_read_word(where, "nvml_profile", json_object_get(object, "nvml_profile"),
			       gi_profile_words, MIG_ARRAY_SIZE(gi_profile_words),
			       &gi->profile_index, err))
		return -1;
	if (index) {
		if (mig_json_read_uint(where, "nvml_profile_index", index, 0,
				       MIG_TABLE_GI_PROFILES_MAX - 1, &number, err))
			return -1;
		if (number != gi->profile_index)
			return mig_json_complain(err, where, "nvml_profile_index",
						 "is not the number of nvml_profile");
	}
	word = gi_profile_words[gi->profile_index];
	gi->is_media_extension = strstr(word, "_REV1") || strstr(word, "_ALL_ME");
	return 0;
}

static int check_geometry(const char *where, const struct mig_gpu_table *model,
			  const struct mig_table_gi_profile *gi, struct mig_error **err)
{
	unsigned int units = model->memory_slices;
	unsigned int size = gi->placement_size;
	unsigned int parts;

	if (size == 0 || gi->start_count == 0 || units == 0)
		return 0; /* unknown: the model is then not usable, and that is said */
	parts = units / size;
	if (units % size || (parts != 1 && parts != 2 && parts != 4 && parts != 8))
		return mig_json_complain(err, where, "placement_size",
					 "must be the whole, a half, a quarter or an eighth of "
					 "memory_slices");
	for (unsigned int i = 0; i < gi->start_count; i++) {
		if (gi->starts[i] % size || gi->starts[i] + size > units)
			return mig_json_complain(err, where, "placement_starts",
						 "must be multiples of placement_size that lie "
						 "within memory_slices");
	}
	return 0;
}

static int read_gi(const char *where, json_t *object, const struct mig_gpu_table *model,
		   struct mig_table_gi_profile *gi, struct mig_error **err)
{
	if (read_object(where, object, gi_fields, MIG_ARRAY_SIZE(gi_fields), gi, err))
		return -1;
	if (read_gi_index(where, object, gi, err))
		return -1;
	if (read_starts(where, json_object_get(object, "placement_starts"), UNITS_MAX - 1,
			gi->starts, &gi->start_count, err))
		return -1;
	if (check_geometry(where, model, gi, err))
		return -1;
	if (read_marks(where, "inferred_fields", object, RULE_STATED, mig_table_gi_field_name,
		       MIG_GI_FIELD_COUNT, gi->rule, err))
		return -1;
	return read_cis(where, json_object_get(object, "ci_profiles"), gi, err);
}

static int read_gis(const char *where, json_t *list, struct mig_gpu_table *model,
		    struct mig_error **err)
{
	char at[MIG_JSON_WHERE_SIZE];
	json_t *item;
	size_t i;

	if (mig_json_check_array(where, "gi_profiles", list, MIG_TABLE_GI_PROFILES_MAX, err))
		return -1;
	json_array_foreach(list, i, item)
	{
		struct mig_table_gi_profile gi = {.profile_index = 0};
		unsigned int row = model->gi_profile_count;

		mig_json_where_item(at, where, "gi_profiles", i);
		if (read_gi(at, item, model, &gi, err))
			return -1;
		while (row > 0 && model->gi[row - 1].profile_index > gi.profile_index) {
			model->gi[row] = model->gi[row - 1];
			row--;
		}
		if (row > 0 && model->gi[row - 1].profile_index == gi.profile_index)
			return mig_json_complain(err, at, "nvml_profile", "is there twice");
		for (unsigned int k = 0; k < model->gi_profile_count; k++) {
			if (k != row && model->gi[k].id == gi.id && gi.id != MIG_TABLE_UNKNOWN)
				return mig_json_complain(err, at, "id",
							 "is that of another profile too");
		}
		model->gi[row] = gi;
		model->gi_profile_count++;
	}
	return 0;
}

/* ---- the GPU ---------------------------------------------------------------------------------- */

static int read_hex(const char *where, const char *key, json_t *value, size_t digits, uint32_t *out,
		    struct mig_error **err)
{
	const char *text = json_is_string(value) ? json_string_value(value) : "";
	uint64_t number;
	char wanted[64];

	if (strlen(text) == digits && mig_parse_hex_u64(text, UINT32_MAX, &number) == 0) {
		*out = (uint32_t)number;
		return 0;
	}
	mig_text_format(wanted, sizeof(wanted), "must be a string of %zu hexadecimal digits",
			digits);
	return mig_json_complain(err, where, key, wanted);
}

static int read_pci(const char *where, json_t *object, struct mig_gpu_table *model,
		    struct mig_error **err)
{
	json_t *subsystem = json_object_get(object, "pci_subsystem_id");
	json_t *ids = json_object_get(object, "pci_device_ids");
	json_t *item;
	size_t i;

	model->pci_vendor_id = 0x10de;
	model->pci_subsystem_id = MIG_TABLE_UNKNOWN;
	model->pci_device_id = MIG_TABLE_UNKNOWN;
	if (mig_json_check_array(where, "pci_device_ids", ids, MIG_TABLE_PCI_IDS_MAX, err))
		return -1;
	json_array_foreach(ids, i, item)
	{
		if (read_hex(where, "pci_device_ids", item, 4, &model->pci_device_ids[i], err))
			return -1;
		model->pci_device_id_count++;
	}
	if (model->pci_device_id_count > 0)
		model->pci_device_id = model->pci_device_ids[0];
	if (subsystem && !json_is_null(subsystem) &&
	    read_hex(where, "pci_subsystem_id", subsystem, 8, &model->pci_subsystem_id, err))
		return -1;
	return 0;
}

static int read_capability(const char *where, json_t *value, struct mig_gpu_table *model,
			   struct mig_error **err)
{
	const char *text = json_is_string(value) ? json_string_value(value) : "";
	const char *dot = strchr(text, '.');
	uint64_t major;
	uint64_t minor;

	model->cc_major = model->cc_minor = MIG_TABLE_UNKNOWN_U8;
	if (!value || json_is_null(value))
		return 0;
	if (!dot || mig_parse_u64_n(text, (size_t)(dot - text), 1, 99, &major) ||
	    mig_parse_u64(dot + 1, 0, 9, &minor))
		return mig_json_complain(err, where, "compute_capability",
					 "must be a string like \"8.0\"");
	model->cc_major = (uint8_t)major;
	model->cc_minor = (uint8_t)minor;
	return 0;
}

static int read_gpu_identity(const char *where, json_t *object, struct mig_gpu_table *model,
			     struct mig_error **err)
{
	json_t *names = json_object_get(object, "nvml_names");
	const char *name;
	uint8_t arch;

	if (mig_json_check_array(where, "nvml_names", names, 8, err))
		return -1;
	if (mig_json_read_name(where, "nvml_names", json_array_get(names, 0), &name, err))
		return -1;
	if (!mig_text_copy(model->name, sizeof(model->name), name))
		return mig_json_complain(err, where, "nvml_names", "is too long");
	if (mig_json_read_word(where, "nvml_architecture",
			       json_object_get(object, "nvml_architecture"), arch_words,
			       MIG_ARRAY_SIZE(arch_words), &arch, err))
		return -1;
	model->arch = arch_values[arch];
	if (!json_object_get(object, "mode_needs_reset"))
		model->mode_needs_reset = model->arch == MIG_ARCH_AMPERE;
	if (!json_object_get(object, "mode_survives_reboot"))
		model->mode_survives_reboot = model->arch == MIG_ARCH_AMPERE;
	if (read_pci(where, object, model, err))
		return -1;
	return read_capability(where, json_object_get(object, "compute_capability"), model, err);
}

static int check_usable(const char *where, struct mig_gpu_table *model, struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf missing = MIG_BUF_INIT(4096);

	mig_gpu_table_complete(model);
	/* A recording of a GPU whose profiles nobody could read: MIG mode works, and that is all. */
	if (model->is_mig_capable && model->gi_profile_count == 0 &&
	    model->memory_total_mib != MIG_TABLE_UNKNOWN)
		model->is_usable = 1;
	if (model->is_usable)
		return 0;
	mig_sim_model_missing(model, &missing);
	mig_error_set(err, MIG_ERROR_CONFIG, "%s: not enough is known to simulate it: %s", where,
		      mig_buf_text(&missing));
	return mig_error_hint(err, "total memory, and the id, memory, multiprocessors, count and "
				   "placements of each GPU instance profile are needed");
}

int mig_sim_model_from_json(const char *where, const char *key, json_t *value,
			    struct mig_gpu_table *model, struct mig_error **err)
{
	json_t *own_key = json_object_get(value, "key");

	memset(model, 0, sizeof(*model));
	if (*key == '\0' || !mig_text_copy(model->key, sizeof(model->key), key))
		return mig_error_set(err, MIG_ERROR_CONFIG,
				     "%s: the key has not 1 to %zu characters", where,
				     sizeof(model->key) - 1);
	if (strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(key))
		return mig_error_set(err, MIG_ERROR_CONFIG,
				     "%s: keys are made of lower case letters, digits and '-'",
				     where);
	if (read_object(where, value, gpu_fields, MIG_ARRAY_SIZE(gpu_fields), model, err))
		return -1;
	if (own_key && (!json_is_string(own_key) || strcmp(json_string_value(own_key), key) != 0))
		return mig_json_complain(err, where, "key", "is not the name it stands under");
	if (read_gpu_identity(where, value, model, err))
		return -1;
	if (read_marks(where, "inferred_fields", value, RULE_STATED, mig_table_gpu_field_name,
		       MIG_GPU_FIELD_COUNT, model->rule, err) ||
	    read_marks(where, "not_available", value, RULE_ABSENT, mig_table_gpu_field_name,
		       MIG_GPU_FIELD_COUNT, model->rule, err))
		return -1;
	if (read_gis(where, json_object_get(value, "gi_profiles"), model, err))
		return -1;
	if (!model->is_mig_capable && model->gi_profile_count > 0)
		return mig_json_complain(err, where, "gi_profiles",
					 "must be empty where mig_capable is false");
	return check_usable(where, model, err);
}
