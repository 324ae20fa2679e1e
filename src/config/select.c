/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which GPUs an entry means and what it wants of them; see select.h.
 */
#include "config/select.h"

#include <stdlib.h>

#include "shared/buf.h"

struct selection {
	const struct mig_config *config;
	const struct mig_snapshot *snapshot;
	struct mig_target *target;
	const struct mig_config_entry **chosen_by; /* per GPU: the entry that named it */
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

static int unknown_profile(struct selection *s, const struct mig_config_device *device,
			   const struct mig_gpu *gpu)
{
	_cleanup_buf_ struct mig_buf all = MIG_BUF_INIT(4096);
	const char *nearest = mig_facts_nearest(gpu->facts, device->profile);

	for (unsigned int i = 0; i < gpu->facts->gi_count; i++)
		mig_buf_printf(&all, "%s%s", i > 0 ? ", " : "", gpu->facts->gi[i].name);
	mig_config_error(s->err, s->config->source, device->at, "GPU %u (%s) has no profile '%s'",
			 gpu->index, gpu->name, device->profile);
	if (nearest != NULL)
		return mig_error_hint(s->err, "did you mean '%s'? This GPU has: %s", nearest,
				      mig_buf_text(&all));
	return mig_error_hint(s->err, "this GPU has: %s", mig_buf_text(&all));
}

static int want_of_gpu(struct selection *s, const struct mig_config_entry *entry,
		       const struct mig_gpu *gpu, struct mig_gpu_target *wanted)
{
	wanted->is_named = true;
	wanted->mig_mode = entry->mig_enabled;
	if (entry->mig_enabled && !gpu->is_mig_capable)
		return mig_config_error(s->err, s->config->source, entry->devices_at,
					"GPU %u (%s) has no MIG", gpu->index, gpu->name);
	/* 470 and 535 list no profiles while MIG is off, and no table has this GPU. */
	if (entry->device_count > 0 && gpu->facts->gi_count == 0) {
		mig_config_error(s->err, s->config->source, entry->devices_at,
				 "the driver lists no profiles of GPU %u (%s)%s", gpu->index,
				 gpu->name,
				 gpu->mig_current
					 ? ""
					 : " while MIG mode is off, and migctl has no table of it");
		return gpu->mig_current
			       ? -1
			       : mig_error_hint(s->err, "turn it on first: migctl mode on -i %u",
						gpu->index);
	}
	for (size_t i = 0; i < entry->device_count; i++) {
		const struct mig_config_device *device = &entry->devices[i];
		unsigned int gi_row, ci_row;

		if (mig_facts_find(gpu->facts, device->profile, &gi_row, &ci_row) < 0)
			return unknown_profile(s, device, gpu);
		if (mig_target_add(wanted, gi_row, ci_row, device->count, s->err) < 0)
			return mig_error_wrap(s->err, "%s:%u:%u", s->config->source,
					      device->at.line, device->at.column);
	}
	return 0;
}

static int choose_gpu(struct selection *s, const struct mig_config_entry *entry, unsigned int index)
{
	const struct mig_gpu *gpu = &s->snapshot->gpus[index];
	struct mig_gpu_target *target = &s->target->gpus[index];
	_cleanup_free_ struct mig_gpu_target *wanted = calloc(1, sizeof(*wanted));

	if (wanted == NULL)
		return mig_error_set(s->err, MIG_ERROR_NO_MEMORY, "out of memory");
	if (want_of_gpu(s, entry, gpu, wanted) < 0)
		return -1;
	if (s->chosen_by[index] == NULL) {
		*target = *wanted;
		s->chosen_by[index] = entry;
		return 0;
	}
	if (!mig_gpu_target_equals(target, wanted)) {
		mig_config_error(s->err, s->config->source, entry->at,
				 "this entry wants something else of GPU %u than the one at %u:%u",
				 index, s->chosen_by[index]->at.line,
				 s->chosen_by[index]->at.column);
		return mig_error_hint(s->err, "name each GPU in one entry of a label only");
	}
	return 0;
}

static int choose_by_index(struct selection *s, const struct mig_config_entry *entry)
{
	for (size_t i = 0; i < entry->index_count; i++) {
		unsigned int index = entry->indices[i];

		if (index >= s->snapshot->gpu_count) {
			mig_config_error(s->err, s->config->source, entry->devices_at,
					 "there is no GPU %u", index);
			return mig_error_hint(s->err, "this node has %u GPU%s, counted from 0",
					      s->snapshot->gpu_count,
					      s->snapshot->gpu_count == 1 ? "" : "s");
		}
		if (passes_filter(entry, &s->snapshot->gpus[index]) &&
		    choose_gpu(s, entry, index) < 0)
			return -1;
	}
	return 0;
}

static int choose_all(struct selection *s, const struct mig_config_entry *entry)
{
	for (unsigned int i = 0; i < s->snapshot->gpu_count; i++) {
		const struct mig_gpu *gpu = &s->snapshot->gpus[i];

		if (gpu->is_mig_capable && passes_filter(entry, gpu) && choose_gpu(s, entry, i) < 0)
			return -1;
	}
	return 0;
}

static int refuse_nothing(struct selection *s, const struct mig_config_label *label)
{
	mig_config_error(s->err, s->config->source, label->at,
			 "label '%s' matches no GPU of this node", label->name);
	return s->snapshot->gpu_count == 0
		       ? mig_error_hint(s->err, "the driver shows no GPU at all")
		       : mig_error_hint(s->err,
					"its filters name other GPUs, or none here has MIG");
}

int mig_config_select(const struct mig_config *config, const struct mig_config_label *label,
		      const struct mig_snapshot *snapshot, struct mig_target **out,
		      struct mig_error **err)
{
	_cleanup_target_ struct mig_target *target = mig_target_new(snapshot, err);
	_cleanup_free_ const struct mig_config_entry **chosen_by =
		calloc((size_t)snapshot->gpu_count + 1, sizeof(*chosen_by));
	struct selection s = {config, snapshot, target, chosen_by, err};
	bool is_any = false;

	if (target == NULL)
		return -1;
	if (chosen_by == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	for (size_t i = 0; i < label->entry_count; i++) {
		const struct mig_config_entry *entry = &label->entries[i];

		if ((entry->all_gpus ? choose_all(&s, entry) : choose_by_index(&s, entry)) < 0)
			return -1;
	}
	for (unsigned int i = 0; i < snapshot->gpu_count; i++)
		is_any = is_any || chosen_by[i] != NULL;
	if (!is_any)
		return refuse_nothing(&s, label);
	*out = MIG_TAKE_PTR(target);
	return 0;
}
