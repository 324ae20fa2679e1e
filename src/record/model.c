/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The models of the recorded GPUs: GPUs that are alike share one, and what no GPU told is filled in
 * from the built-in table of the same model, if there is one, and listed.
 *
 * A value that the built-in table itself has by a rule is marked in the file as inferred; one that
 * was captured elsewhere is listed as not read here. Nothing that NVML said is ever replaced.
 */
#include <ctype.h>
#include <string.h>

#include "core/facts_table.h"
#include "record/parts.h"
#include "shared/text.h"

#define TEXT_MAX 512
#define KEYS_MAX 100 /* attempts at a key that is free */
#define BUILTIN	 "the built-in model %s"

static uint8_t stated(void)
{
	return (uint8_t)mig_table_rule_find(RECORD_RULE_STATED);
}

const struct mig_gpu_table *mig_record_find_known(const struct mig_gpu_table *model)
{
	const uint32_t memory = model->memory_total_mib;
	const struct mig_gpu_table *found = NULL;

	if (model->pci_device_id == MIG_TABLE_UNKNOWN)
		return NULL;
	if (memory != MIG_TABLE_UNKNOWN)
		found = mig_gpu_table_find_pci(model->pci_device_id, memory);
	/* The memory was refused, or is without what the driver reserves: then by name. */
	for (unsigned int i = 0; !found && i < mig_gpu_table_count; i++) {
		const struct mig_gpu_table *table = &mig_gpu_tables[i];
		bool is_it = memory == MIG_TABLE_UNKNOWN ||
			     memory == table->memory_total_mib - table->memory_reserved_mib;
		bool has_id = false;

		for (unsigned int k = 0; k < table->pci_device_id_count; k++)
			has_id = has_id || table->pci_device_ids[k] == model->pci_device_id;
		if (is_it && has_id && strcmp(table->name, model->name) == 0)
			found = table;
	}
	return found;
}

/* ---- merging ---------------------------------------------------------------------------------- */

static bool is_equal_or_unknown(uint32_t a, uint32_t b)
{
	return a == b || a == MIG_TABLE_UNKNOWN || b == MIG_TABLE_UNKNOWN;
}

static bool is_same_row(const struct mig_table_gi_profile *a, const struct mig_table_gi_profile *b)
{
	struct mig_table_gi_profile x = *a;

	x.ci_profile_count = b->ci_profile_count;
	return memcmp(&x, b, offsetof(struct mig_table_gi_profile, ci)) == 0;
}

static bool is_same_cis(const struct mig_table_gi_profile *a, const struct mig_table_gi_profile *b)
{
	return a->ci_profile_count == b->ci_profile_count &&
	       memcmp(a->ci, b->ci, sizeof(a->ci)) == 0;
}

static bool has_same_profiles(const struct recorded_model *a, const struct recorded_model *b)
{
	if (!a->has_profiles || !b->has_profiles)
		return true;
	if (a->table.gi_profile_count != b->table.gi_profile_count)
		return false;
	for (unsigned int row = 0; row < a->table.gi_profile_count; row++) {
		if (!is_same_row(&a->table.gi[row], &b->table.gi[row]))
			return false;
		if (a->has_ci[row] && b->has_ci[row] &&
		    !is_same_cis(&a->table.gi[row], &b->table.gi[row]))
			return false;
	}
	return true;
}

static bool is_same_model(const struct recorded_model *a, const struct recorded_model *b)
{
	const struct mig_gpu_table *x = &a->table;
	const struct mig_gpu_table *y = &b->table;

	return x->pci_device_id == y->pci_device_id && x->pci_subsystem_id == y->pci_subsystem_id &&
	       strcmp(x->name, y->name) == 0 && x->is_mig_capable == y->is_mig_capable &&
	       x->arch == y->arch &&
	       is_equal_or_unknown(x->memory_total_mib, y->memory_total_mib) &&
	       is_equal_or_unknown(x->bar1_total_mib, y->bar1_total_mib) && has_same_profiles(a, b);
}

static void take_unknown(uint32_t *to, uint32_t from)
{
	if (*to == MIG_TABLE_UNKNOWN)
		*to = from;
}

static void take_profiles(struct recorded_model *to, const struct recorded_model *from)
{
	if (!from->has_profiles)
		return;
	if (!to->has_profiles) {
		memcpy(to->table.gi, from->table.gi, sizeof(to->table.gi));
		memcpy(to->has_ci, from->has_ci, sizeof(to->has_ci));
		to->table.gi_profile_count = from->table.gi_profile_count;
		to->table.memory_slices = from->table.memory_slices;
		to->has_profiles = true;
		to->lacks_places = from->lacks_places;
		to->profiles_code = from->profiles_code;
		return;
	}
	for (unsigned int row = 0; row < to->table.gi_profile_count; row++) {
		struct mig_table_gi_profile *gi = &to->table.gi[row];

		if (to->has_ci[row] || !from->has_ci[row])
			continue;
		memcpy(gi->ci, from->table.gi[row].ci, sizeof(gi->ci));
		gi->ci_profile_count = from->table.gi[row].ci_profile_count;
		to->has_ci[row] = true;
	}
}

static void merge(struct recorded_model *to, const struct recorded_model *from)
{
	take_unknown(&to->table.memory_total_mib, from->table.memory_total_mib);
	take_unknown(&to->table.memory_reserved_mib, from->table.memory_reserved_mib);
	take_unknown(&to->table.bar1_total_mib, from->table.bar1_total_mib);
	take_unknown(&to->table.sm_total, from->table.sm_total);
	if (!to->known)
		to->known = from->known;
	if (from->has_max_devices && !to->has_max_devices) {
		to->table.max_gpu_instances = from->table.max_gpu_instances;
		to->has_max_devices = true;
	}
	take_profiles(to, from);
}

/* Placements that were refused are those of the built-in row with the same id. */
static void fill_places(struct recorded_model *model)
{
	struct mig_gpu_table *table = &model->table;

	for (unsigned int row = 0; row < table->gi_profile_count; row++) {
		struct mig_table_gi_profile *gi = &table->gi[row];
		const struct mig_table_gi_profile *known =
			model->known ? mig_gpu_table_gi_by_index(model->known, gi->profile_index)
				     : NULL;

		if (gi->start_count > 0 || !known || known->id != gi->id)
			continue;
		memcpy(gi->starts, known->starts, sizeof(gi->starts));
		gi->start_count = known->start_count;
		gi->placement_size = known->placement_size;
	}
	for (unsigned int row = 0; row < table->gi_profile_count; row++) {
		const struct mig_table_gi_profile *gi = &table->gi[row];

		for (unsigned int i = 0; i < gi->start_count; i++)
			table->memory_slices =
				(uint8_t)MIG_MAX((unsigned int)table->memory_slices,
						 (unsigned int)gi->starts[i] + gi->placement_size);
	}
}

int mig_record_merge(struct recorder *r, struct recorded_gpu *gpu, struct mig_error **err)
{
	(void)err; /* a model per GPU at most, and so many there is room for */
	fill_places(&gpu->model);
	for (unsigned int i = 0; i < r->model_count; i++) {
		if (!is_same_model(&r->models[i], &gpu->model))
			continue;
		merge(&r->models[i], &gpu->model);
		gpu->desc.model = i;
		return 0;
	}
	gpu->desc.model = r->model_count;
	r->models[r->model_count++] = gpu->model;
	return 0;
}

/* ---- keys ------------------------------------------------------------------------------------- */

static bool is_key_taken(const struct recorder *r, unsigned int before, const char *key)
{
	for (unsigned int i = 0; i < before; i++) {
		if (strcmp(r->models[i].table.key, key) == 0)
			return true;
	}
	return false;
}

/* "NVIDIA RTX PRO 6000 Blackwell" makes "rtx-pro-6000-blackwell". */
static void key_from_name(const char *name, char *key, size_t size)
{
	static const char vendor[] = "NVIDIA ";
	size_t len = 0;

	if (strncmp(name, vendor, sizeof(vendor) - 1) == 0)
		name += sizeof(vendor) - 1;
	for (; *name && len + 1 < size; name++) {
		const unsigned char c = (unsigned char)*name;

		if (c < 0x80 && isalnum(c))
			key[len++] = (char)tolower(c);
		else if (len > 0 && key[len - 1] != '-')
			key[len++] = '-';
	}
	while (len > 0 && key[len - 1] == '-')
		len--;
	key[len] = '\0';
	if (len == 0)
		mig_text_copy(key, size, "gpu");
}

static void give_key(const struct recorder *r, unsigned int index)
{
	struct recorded_model *model = &r->models[index];
	char base[MIG_TABLE_KEY_SIZE - 4]; /* room for "-99" */

	if (model->known)
		mig_text_copy(base, sizeof(base), model->known->key);
	else
		key_from_name(model->table.name, base, sizeof(base));
	mig_text_copy(model->table.key, sizeof(model->table.key), base);
	for (unsigned int n = 2; n < KEYS_MAX && is_key_taken(r, index, model->table.key); n++)
		mig_text_format(model->table.key, sizeof(model->table.key), "%s-%u", base, n);
}

/* ---- filling in ------------------------------------------------------------------------------- */

/* Lists `member` of a model; where it comes from is said by `known`, else by `otherwise`. */
static int note(struct recorder *r, const struct recorded_model *model, const char *member,
		const char *why, const char *otherwise, struct mig_error **err)
{
	char what[TEXT_MAX];
	char instead[TEXT_MAX];

	mig_text_format(what, sizeof(what), "models.%s.%s", model->table.key, member);
	if (model->known)
		mig_text_format(instead, sizeof(instead), BUILTIN, model->known->key);
	else
		mig_text_copy(instead, sizeof(instead), otherwise);
	return mig_record_note(r, what, why, instead, err);
}

/* A value of the built-in table; one that a rule gave there is marked as inferred. */
static void take_known(struct recorded_model *model, uint32_t *to, const uint32_t *from,
		       enum mig_table_gpu_field field)
{
	const uint8_t absent = (uint8_t)mig_table_rule_find(RECORD_RULE_ABSENT);

	if (*to != MIG_TABLE_UNKNOWN || model->table.rule[field] != 0 || !from)
		return;
	*to = *from;
	if (model->known->rule[field] == absent)
		model->table.rule[field] = absent;
	else if (model->known->rule[field] != 0)
		model->table.rule[field] = stated();
}

static int complete_memory(struct recorder *r, struct recorded_model *model, struct mig_error **err)
{
	const struct mig_gpu_table *known = model->known;
	struct mig_gpu_table *table = &model->table;
	char why[TEXT_MAX];

	if (table->memory_total_mib == MIG_TABLE_UNKNOWN) {
		mig_record_reason(model->memory_code, why, sizeof(why));
		if (note(r, model, "memory_total_mib", why, "nothing", err))
			return -1;
	} else if (model->reserved_is_hidden) {
		/* 470: the total is what is left. Of a known model the whole is known, too. */
		if (known && known->memory_reserved_mib != MIG_TABLE_UNKNOWN &&
		    known->memory_total_mib - known->memory_reserved_mib == table->memory_total_mib)
			table->memory_total_mib = MIG_TABLE_UNKNOWN;
		else
			table->memory_reserved_mib = 0;
		if (note(r, model, "memory_reserved_mib",
			 "this driver leaves it out of the total and does not say it",
			 "0, and the total without it", err))
			return -1;
	}
	take_known(model, &table->memory_total_mib, known ? &known->memory_total_mib : NULL,
		   MIG_GPU_FIELD_MEMORY_TOTAL_MIB);
	take_known(model, &table->memory_reserved_mib, known ? &known->memory_reserved_mib : NULL,
		   MIG_GPU_FIELD_MEMORY_RESERVED_MIB);
	take_known(model, &table->bar1_total_mib, known ? &known->bar1_total_mib : NULL,
		   MIG_GPU_FIELD_BAR1_TOTAL_MIB);
	return 0;
}

/* What is in use tells it only of a machine on which nothing runs, and so it is not looked at. */
static int complete_idle(struct recorder *r, struct recorded_model *model, struct mig_error **err)
{
	const struct mig_gpu_table *known = model->known;
	struct mig_gpu_table *table = &model->table;

	if (known)
		table->memory_idle_mib = known->memory_idle_mib;
	for (unsigned int row = 0; known && row < table->gi_profile_count; row++) {
		struct mig_table_gi_profile *gi = &table->gi[row];
		const struct mig_table_gi_profile *same =
			mig_gpu_table_gi_by_index(known, gi->profile_index);

		if (same && same->id == gi->id)
			gi->memory_idle_mib = same->memory_idle_mib;
	}
	return note(r, model, "memory_idle_mib",
		    "NVML does not tell it from the memory that programs use", "unknown", err);
}

/* What no call of NVML that is used here tells of any GPU. */
static int complete_chip(struct recorder *r, struct recorded_model *model, struct mig_error **err)
{
	const struct mig_gpu_table *known = model->known;
	struct mig_gpu_table *table = &model->table;

	if (known) {
		table->chip_id = known->chip_id;
		if (table->arch == MIG_ARCH_UNKNOWN)
			table->arch = known->arch;
		table->mode_survives_reboot = known->mode_survives_reboot;
		if (!model->has_needs_reset)
			table->mode_needs_reset = known->mode_needs_reset;
		if (!model->has_max_devices)
			table->max_gpu_instances = known->max_gpu_instances;
	}
	if (table->sm_total == MIG_TABLE_UNKNOWN &&
	    note(r, model, "sm_total", "this driver does not say", "unknown", err))
		return -1;
	take_known(model, &table->sm_total, known ? &known->sm_total : NULL,
		   MIG_GPU_FIELD_SM_TOTAL);
	if (note(r, model, "chip_id", "NVML does not say", "unknown", err))
		return -1;
	if (table->is_mig_capable &&
	    note(r, model, "mode_survives_reboot", "only a reboot shows it",
		 "true on Ampere, else false", err))
		return -1;
	if (!table->is_mig_capable || model->has_needs_reset)
		return 0;
	return note(r, model, "mode_needs_reset", "this driver does not say",
		    "true on Ampere, else false", err);
}

static void count_instances(struct mig_gpu_table *table)
{
	uint32_t sm = 0;
	uint8_t most = 0;

	for (unsigned int row = 0; row < table->gi_profile_count; row++) {
		sm = MIG_MAX(sm, table->gi[row].sm);
		most = MIG_MAX(most, table->gi[row].instances_total);
	}
	if (sm > 0)
		table->sm_mig_visible = sm;
	if (table->max_gpu_instances == 0 && most != MIG_TABLE_UNKNOWN_U8)
		table->max_gpu_instances = most;
}

/* Marks what a rule gave as inferred, because the file is to have the value itself. */
static void mark_row(struct mig_table_gi_profile *gi)
{
	for (unsigned int i = 0; i < MIG_GI_FIELD_COUNT; i++)
		gi->rule[i] = gi->rule[i] ? stated() : 0;
	for (unsigned int k = 0; k < gi->ci_profile_count; k++) {
		for (unsigned int i = 0; i < MIG_CI_FIELD_COUNT; i++)
			gi->ci[k].rule[i] = gi->ci[k].rule[i] ? stated() : 0;
	}
}

/* The built-in list of profiles instead of one that was refused as a whole. */
static int complete_profiles(struct recorder *r, struct recorded_model *model,
			     struct mig_error **err)
{
	struct mig_gpu_table *table = &model->table;
	char why[TEXT_MAX];

	mig_record_reason(model->profiles_code, why, sizeof(why));
	if (model->has_profiles && model->lacks_places)
		return note(r, model, "gi_profiles[].placement_starts", why, "nothing", err);
	if (model->has_profiles)
		return 0;
	if (note(r, model, "gi_profiles", why, "none: MIG mode works, and there is no profile",
		 err))
		return -1;
	if (!model->known)
		return 0;
	memcpy(table->gi, model->known->gi, sizeof(table->gi));
	table->gi_profile_count = model->known->gi_profile_count;
	table->memory_slices = model->known->memory_slices;
	for (unsigned int row = 0; row < table->gi_profile_count; row++)
		mark_row(&table->gi[row]);
	return 0;
}

/* By core's rule: every width that divides into the GPU instance. All of it is inferred. */
static void cis_from_rule(struct mig_table_gi_profile *gi)
{
	struct mig_gi_profile from = {
		.index = gi->profile_index, .id = gi->id, .slice_count = gi->slice_count};

	mig_text_copy(from.name, sizeof(from.name), gi->name);
	mig_facts_ci_without_nvml(&from, NULL);
	for (unsigned int i = 0; i < from.ci_count && i < MIG_TABLE_CI_PROFILES_MAX; i++) {
		struct mig_table_ci_profile *ci = &gi->ci[gi->ci_profile_count++];

		memset(ci, 0, sizeof(*ci));
		mig_text_copy(ci->name, sizeof(ci->name), from.ci[i].name);
		ci->profile_index = (uint8_t)from.ci[i].index;
		ci->id = (uint8_t)from.ci[i].id;
		ci->slice_count = (uint8_t)from.ci[i].slice_count;
		ci->is_default = ci->slice_count == gi->slice_count;
		ci->sm = MIG_TABLE_UNKNOWN; /* this and the rest: rules of data/rules.json */
		ci->rule[MIG_CI_FIELD_NAME] = stated();
		ci->rule[MIG_CI_FIELD_ID] = stated();
	}
}

static void complete_cis(struct recorded_model *model, struct mig_table_gi_profile *gi)
{
	const struct mig_table_gi_profile *known =
		model->known ? mig_gpu_table_gi_by_index(model->known, gi->profile_index) : NULL;

	if (!known || known->id != gi->id || known->ci_profile_count == 0) {
		cis_from_rule(gi);
		return;
	}
	memcpy(gi->ci, known->ci, sizeof(gi->ci));
	gi->ci_profile_count = known->ci_profile_count;
	mark_row(gi);
}

/* Compute instance profiles of the GPU instance profiles of which none is there. */
static int complete_all_cis(struct recorder *r, struct recorded_model *model,
			    struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf member = MIG_BUF_INIT(TEXT_MAX - 64);
	unsigned int count = 0;

	mig_buf_printf(&member, "ci_profiles of");
	for (unsigned int row = 0; row < model->table.gi_profile_count; row++) {
		struct mig_table_gi_profile *gi = &model->table.gi[row];

		if (model->has_ci[row])
			continue;
		mig_buf_printf(&member, "%s %s", count++ ? "," : "", gi->name);
		if (model->has_profiles)
			complete_cis(model, gi);
	}
	if (count == 0)
		return 0;
	return note(r, model, mig_buf_text(&member),
		    "NVML lists them only for a GPU instance that is there",
		    "every width that divides into the GPU instance, marked as inferred", err);
}

int mig_record_complete(struct recorder *r, struct mig_error **err)
{
	for (unsigned int i = 0; i < r->model_count; i++) {
		struct recorded_model *model = &r->models[i];

		give_key(r, i);
		if (complete_memory(r, model, err) || complete_chip(r, model, err))
			return -1;
		if (model->table.is_mig_capable) {
			if (complete_profiles(r, model, err) || complete_all_cis(r, model, err))
				return -1;
			count_instances(&model->table);
		}
		if (complete_idle(r, model, err))
			return -1;
	}
	return 0;
}
