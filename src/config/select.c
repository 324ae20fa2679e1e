/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which GPUs an entry means and what it wants of them; see select.h. What is wanted of one GPU, with
 * its profiles and places, is config/select_gpu.c's.
 */
#include "config/select.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/gpu_name.h"
#include "config/select_gpu.h"
#include "shared/buf.h"
#include "shared/text.h"

struct selection {
	const struct mig_config *config;
	const struct mig_snapshot *snapshot;
	struct mig_target *target;
	const struct mig_config_entry **chosen_by; /* per GPU: the entry that named it */
	const struct mig_config_entry *totals_of;  /* the entry with totals that means any GPU */
	struct mig_error **err;
};

static bool passes_filter(const struct mig_config_entry *entry, const struct mig_gpu *gpu)
{
	for (size_t i = 0; i < entry->filter_count; i++) {
		const struct mig_config_filter *filter = &entry->filters[i];

		if (filter->device_id == gpu->pci_device_id &&
		    (!filter->has_subsystem || filter->subsystem_id == gpu->pci_subsystem_id))
			return true;
	}
	return entry->filter_count == 0;
}

/* ---- one GPU ---------------------------------------------------------------------------------- */

/* A GPU that an entry has named already. */
static int choose_again(struct selection *s, const struct mig_config_entry *entry,
			unsigned int index, struct mig_position at,
			const struct mig_gpu_target *wanted)
{
	const struct mig_config_entry *before = s->chosen_by[index];
	char place[64];

	mig_config_place(s->config, before->at, place, sizeof(place));
	if (s->config->names_gpus_once) {
		if (before == entry)
			mig_config_error(s->err, s->config, at, "GPU %u is named twice here",
					 index);
		else
			mig_config_error(s->err, s->config, at,
					 "GPU %u is named here and in the entry at %s", index,
					 place);
	} else if (!mig_gpu_target_equals(&s->target->gpus[index], wanted)) {
		mig_config_error(s->err, s->config, entry->at,
				 "this entry wants something else of GPU %u than the one at %s",
				 index, place);
	} else {
		return 0;
	}
	return mig_error_hint(s->err, s->config->arg_count > 0
					      ? "name each GPU in one LAYOUT only"
					      : "name each GPU in one entry of a label only");
}

static int choose_gpu(struct selection *s, const struct mig_config_entry *entry, unsigned int index,
		      struct mig_position at)
{
	_cleanup_free_ struct mig_gpu_target *wanted = calloc(1, sizeof(*wanted));

	if (wanted == NULL)
		return mig_error_set(s->err, MIG_ERROR_NO_MEMORY, "out of memory");
	if (mig_select_gpu(s->config, entry, &s->snapshot->gpus[index], at, wanted, s->err) < 0)
		return -1;
	if (s->chosen_by[index] != NULL)
		return choose_again(s, entry, index, at, wanted);
	s->target->gpus[index] = *wanted;
	s->chosen_by[index] = entry;
	return 0;
}

/* ---- how GPUs are named ----------------------------------------------------------------------- */

static int refuse_index(struct selection *s, const struct mig_config_gpu *name)
{
	unsigned int count = s->snapshot->gpu_count;

	mig_config_error(s->err, s->config, name->at, "there is no GPU %u", name->index);
	return mig_error_hint(s->err, "this node has %u GPU%s, counted from 0", count,
			      count == 1 ? "" : "s");
}

/* The GPUs that there are, or those that a beginning of a UUID means. */
static void list_gpus(struct selection *s, const struct mig_config_gpu *name, bool is_matching,
		      struct mig_buf *list)
{
	for (unsigned int i = 0; i < s->snapshot->gpu_count; i++) {
		const struct mig_gpu *gpu = &s->snapshot->gpus[i];

		if (gpu->is_lost ||
		    (is_matching && !mig_gpu_name_matches(name, gpu->uuid, gpu->pci_address)))
			continue;
		mig_buf_printf(list, "%s%s", list->len > 0 ? ", " : "",
			       name->kind == MIG_CONFIG_GPU_PCI ? gpu->pci_address : gpu->uuid);
	}
}

/* The GPU that has this UUID or address. Returns -1 with *err if none has, or several. */
static int find_by_name(struct selection *s, const struct mig_config_gpu *name, unsigned int *index)
{
	_cleanup_buf_ struct mig_buf list = MIG_BUF_INIT(8192);
	const char *what = name->kind == MIG_CONFIG_GPU_PCI ? "PCI address" : "UUID";
	unsigned int found = mig_gpu_name_find(name, s->snapshot, index);

	if (found == 1)
		return 0;
	list_gpus(s, name, found > 1, &list);
	if (found > 1) {
		mig_config_error(s->err, s->config, name->at, "'%s' is the beginning of %u UUIDs",
				 name->text, found);
		return mig_error_hint(s->err, "they are: %s", mig_buf_text(&list));
	}
	mig_config_error(s->err, s->config, name->at, "no GPU of this node has the %s '%s'", what,
			 name->text);
	return list.len == 0 ? -1 : mig_error_hint(s->err, "it has: %s", mig_buf_text(&list));
}

static int choose_named(struct selection *s, const struct mig_config_entry *entry)
{
	for (size_t i = 0; i < entry->gpu_count; i++) {
		const struct mig_config_gpu *name = &entry->gpus[i];
		unsigned int index = name->index;

		if (name->kind == MIG_CONFIG_GPU_INDEX) {
			if (index >= s->snapshot->gpu_count)
				return refuse_index(s, name);
		} else if (find_by_name(s, name, &index) < 0) {
			return -1;
		}
		if (passes_filter(entry, &s->snapshot->gpus[index]) &&
		    choose_gpu(s, entry, index, name->at) < 0)
			return -1;
	}
	return 0;
}

static int choose_all(struct selection *s, const struct mig_config_entry *entry)
{
	for (unsigned int i = 0; i < s->snapshot->gpu_count; i++) {
		const struct mig_gpu *gpu = &s->snapshot->gpus[i];

		/* Of a lost GPU nobody knows whether it is meant: it is named as what is missing. */
		if (!gpu->is_lost && (!gpu->is_mig_capable || !passes_filter(entry, gpu)))
			continue;
		if (choose_gpu(s, entry, i, entry->gpus_at) < 0)
			return -1;
	}
	return 0;
}

/* ---- totals ----------------------------------------------------------------------------------- */

static int add_total(struct selection *s, const struct mig_config_device *device, const char *name)
{
	struct mig_target *target = s->target;
	unsigned int at = 0;

	if (device->count == 0)
		return 0;
	while (at < target->total_count && strcmp(target->totals[at].profile, name) != 0)
		at++;
	if (at == MIG_TARGET_DEVICES_MAX)
		return mig_config_error(s->err, s->config, device->at,
					"more than %d kinds of devices", MIG_TARGET_DEVICES_MAX);
	if (at == target->total_count) {
		mig_text_copy(target->totals[at].profile, sizeof(target->totals[at].profile), name);
		target->total_count++;
	}
	if (target->totals[at].count > UINT_MAX - device->count)
		return mig_config_error(s->err, s->config, device->at, "too many devices");
	target->totals[at].count += device->count;
	return 0;
}

/* The name that the first GPU which has the profile gives it: the same text for the same thing. */
static bool find_total_name(struct selection *s, const struct mig_config_entry *entry,
			    const char *profile, char name[MIG_PROFILE_NAME_SIZE])
{
	for (unsigned int i = 0; i < s->snapshot->gpu_count; i++) {
		const struct mig_facts *facts = s->snapshot->gpus[i].facts;
		unsigned int gi_row, ci_row;

		if (s->chosen_by[i] == entry &&
		    mig_facts_find(facts, profile, &gi_row, &ci_row) == 0) {
			mig_facts_device_name(&facts->gi[gi_row], ci_row, name,
					      MIG_PROFILE_NAME_SIZE);
			return true;
		}
	}
	return false;
}

/* After the GPUs of the entry were chosen, if it means any. */
static int take_totals(struct selection *s, const struct mig_config_entry *entry)
{
	unsigned int first = 0;
	char place[64];

	while (first < s->snapshot->gpu_count && s->chosen_by[first] != entry)
		first++;
	if (first == s->snapshot->gpu_count)
		return 0;
	if (s->totals_of != NULL) {
		mig_config_place(s->config, s->totals_of->totals_at, place, sizeof(place));
		mig_config_error(s->err, s->config, entry->totals_at,
				 "there are totals already, at %s", place);
		return mig_error_hint(s->err, "all totals are counted together: one entry names "
					      "all their GPUs");
	}
	s->totals_of = entry;
	for (size_t i = 0; i < entry->total_count; i++) {
		const struct mig_config_device *device = &entry->totals[i];
		char name[MIG_PROFILE_NAME_SIZE];

		if (!find_total_name(s, entry, device->profile, name))
			return mig_select_unknown_profile(s->config, device->at, device->profile,
							  &s->snapshot->gpus[first], s->err);
		if (add_total(s, device, name) < 0)
			return -1;
	}
	return 0;
}

/* ---- the label -------------------------------------------------------------------------------- */

static int refuse_nothing(struct selection *s, const struct mig_config_label *label)
{
	if (s->config->arg_count > 0)
		mig_error_set(s->err, MIG_ERROR_REFUSED, "no LAYOUT matches a GPU of this node");
	else
		mig_config_error(s->err, s->config, label->at,
				 "label '%s' matches no GPU of this node", label->name);
	return mig_error_hint(s->err,
			      s->config->arg_count > 0
				      ? "no GPU of this node has MIG"
				      : "its filters name other GPUs, or none here has MIG");
}

static int choose_entries(struct selection *s, const struct mig_config_label *label)
{
	for (size_t i = 0; i < label->entry_count; i++) {
		const struct mig_config_entry *entry = &label->entries[i];

		if ((entry->all_gpus ? choose_all(s, entry) : choose_named(s, entry)) < 0)
			return -1;
		if (entry->has_totals && take_totals(s, entry) < 0)
			return -1;
	}
	return 0;
}

int mig_config_select(const struct mig_config *config, const struct mig_config_label *label,
		      const struct mig_snapshot *snapshot, struct mig_target **out,
		      struct mig_error **err)
{
	_cleanup_target_ struct mig_target *target = mig_target_new(snapshot, err);
	_cleanup_free_ const struct mig_config_entry **chosen_by =
		calloc((size_t)snapshot->gpu_count + 1, sizeof(*chosen_by));
	struct selection s = {config, snapshot, target, chosen_by, NULL, err};
	bool is_any = false;

	if (target == NULL)
		return -1;
	if (chosen_by == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	if (snapshot->gpu_count == 0)
		return mig_error_no_gpu(err);
	if (choose_entries(&s, label) < 0)
		return -1;
	for (unsigned int i = 0; i < snapshot->gpu_count; i++)
		is_any = is_any || chosen_by[i] != NULL;
	if (!is_any)
		return refuse_nothing(&s, label);
	*out = MIG_TAKE_PTR(target);
	return 0;
}
