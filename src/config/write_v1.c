/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configurations in migctl's own format; see write.h.
 */
#include "config/write_v1.h"

#include "config/write_text.h"

/* A list in flow style that is as long as it is. */
static void put_gpus(struct mig_buf *out, const struct mig_config_entry *entry)
{
	mig_buf_puts(out, entry->all_gpus ? "    - gpus: all" : "    - gpus: [");
	for (size_t i = 0; i < entry->gpu_count; i++) {
		const struct mig_config_gpu *gpu = &entry->gpus[i];

		mig_buf_puts(out, i > 0 ? ", " : "");
		if (gpu->kind == MIG_CONFIG_GPU_INDEX)
			mig_buf_printf(out, "%u", gpu->index);
		else
			mig_write_yaml_text(out, gpu->text);
	}
	mig_buf_puts(out, entry->all_gpus ? "\n" : "]\n");
}

static void put_filters(struct mig_buf *out, const struct mig_config_entry *entry)
{
	mig_buf_puts(out, "      filter: [");
	for (size_t i = 0; i < entry->filter_count; i++) {
		const struct mig_config_filter *filter = &entry->filters[i];

		mig_buf_printf(out, "%s\"0x%08X", i > 0 ? ", " : "", filter->device_id);
		if (filter->has_subsystem)
			mig_buf_printf(out, ":0x%08X", filter->subsystem_id);
		mig_buf_putc(out, '"');
	}
	mig_buf_puts(out, "]\n");
}

static void put_place(struct mig_buf *out, unsigned int start)
{
	if (start != MIG_CONFIG_START_ANY)
		mig_buf_printf(out, "@%u", start);
}

/* In the order in which they are: a list, because a device may be there twice. */
static void put_devices(struct mig_buf *out, const struct mig_config_entry *entry)
{
	mig_buf_puts(out, "      devices: [");
	for (size_t i = 0; i < entry->device_count; i++) {
		const struct mig_config_device *device = &entry->devices[i];

		mig_buf_printf(out, "%s\"%s", i > 0 ? ", " : "", device->profile);
		put_place(out, device->start);
		if (device->count != 1)
			mig_buf_printf(out, "*%u", device->count);
		mig_buf_putc(out, '"');
	}
	mig_buf_puts(out, "]\n");
}

static void put_instances(struct mig_buf *out, const struct mig_config_entry *entry)
{
	mig_buf_puts(out, "      instances:\n");
	for (size_t i = 0; i < entry->instance_count; i++) {
		const struct mig_config_instance *instance = &entry->instances[i];

		mig_buf_printf(out,
			       "        - profile: \"%s\"\n          start: %u\n"
			       "          compute: [",
			       instance->profile, instance->start);
		for (size_t c = 0; c < instance->compute_count; c++) {
			mig_buf_printf(out, "%s\"%s", c > 0 ? ", " : "",
				       instance->compute[c].profile);
			put_place(out, instance->compute[c].start);
			mig_buf_putc(out, '"');
		}
		mig_buf_puts(out, "]\n");
	}
}

static void put_totals(struct mig_buf *out, const struct mig_config_entry *entry)
{
	mig_buf_puts(out, "      totals: {");
	for (size_t i = 0; i < entry->total_count; i++)
		mig_buf_printf(out, "%s\"%s\": %u", i > 0 ? ", " : "", entry->totals[i].profile,
			       entry->totals[i].count);
	mig_buf_puts(out, "}\n");
}

static void put_entry(struct mig_buf *out, const struct mig_config_entry *entry)
{
	put_gpus(out, entry);
	if (entry->filter_count > 0)
		put_filters(out, entry);
	if (entry->keeps_in_use)
		mig_buf_puts(out, "      keep-in-use: true\n");
	mig_buf_printf(out, "      mig: %s\n", entry->mig_enabled ? "on" : "off");
	if (entry->has_totals)
		put_totals(out, entry);
	else if (entry->device_count > 0 || (entry->mig_enabled && entry->instance_count == 0))
		put_devices(out, entry);
	if (entry->instance_count > 0)
		put_instances(out, entry);
}

int mig_write_v1(struct mig_buf *out, const struct mig_config_label *const *labels, size_t count)
{
	mig_buf_puts(out, "version: migctl/v1\nlayouts:\n");
	for (size_t i = 0; i < count; i++) {
		mig_buf_puts(out, "  ");
		mig_write_yaml_text(out, labels[i]->name);
		mig_buf_puts(out, ":\n");
		for (size_t e = 0; e < labels[i]->entry_count; e++)
			put_entry(out, &labels[i]->entries[e]);
	}
	return 0;
}
