/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configurations in nvidia-mig-parted's format, as YAML and as JSON, byte by byte as its own export
 * writes them; migctl's own format is config/write_v1.c's. See write.h.
 */
#include "config/write.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "config/write_text.h"
#include "config/write_v1.h"

/* What nvidia-mig-parted's format has no words for. */
static const char *what_is_inexpressible(const struct mig_config_entry *entry)
{
	if (entry->instance_count > 0)
		return "GPU instances at a place";
	if (entry->has_totals)
		return "totals over several GPUs";
	if (entry->keeps_in_use)
		return "instances in use to be kept";
	for (size_t i = 0; i < entry->device_count; i++) {
		if (entry->devices[i].start != MIG_CONFIG_START_ANY)
			return "devices at a place";
	}
	for (size_t i = 0; i < entry->gpu_count; i++) {
		if (entry->gpus[i].kind != MIG_CONFIG_GPU_INDEX)
			return "GPUs by UUID or PCI address";
	}
	return NULL;
}

static int check_label(const struct mig_config *config, const struct mig_config_label *label,
		       struct mig_error **err)
{
	for (size_t i = 0; i < label->entry_count; i++) {
		const char *what = what_is_inexpressible(&label->entries[i]);

		if (what == NULL)
			continue;
		mig_error_set(err, MIG_ERROR_REFUSED,
			      "nvidia-mig-parted's format cannot name %s, as label '%s' does", what,
			      label->name);
		mig_config_wrap(config, label->entries[i].at, err);
		return mig_error_hint(err, "write it as migctl/v1");
	}
	return 0;
}

/* ---- devices in order ------------------------------------------------------------------------- */

typedef int compare_names(const char *, const char *);

struct wish {
	const char *profile;
	uint64_t count;
};

static int compare_wishes(const void *a, const void *b, void *compare)
{
	const struct wish *x = a;
	const struct wish *y = b;

	return (*(compare_names **)compare)(x->profile, y->profile);
}

/* The devices by name, each name once; NULL: out of memory. */
static struct wish *ordered(const struct mig_config_entry *entry, compare_names *compare,
			    size_t *count)
{
	struct wish *wishes = calloc(entry->device_count + 1, sizeof(*wishes));

	*count = 0;
	if (wishes == NULL)
		return NULL;
	for (size_t i = 0; i < entry->device_count; i++) {
		size_t at = 0;

		while (at < *count && strcmp(wishes[at].profile, entry->devices[i].profile) != 0)
			at++;
		wishes[at].profile = entry->devices[i].profile;
		wishes[at].count += entry->devices[i].count;
		*count += at == *count;
	}
	qsort_r(wishes, *count, sizeof(*wishes), compare_wishes, &compare);
	return wishes;
}

static void put_filter(struct mig_buf *out, const struct mig_config_filter *filter)
{
	mig_buf_printf(out, "\"0x%08X", filter->device_id);
	if (filter->has_subsystem)
		mig_buf_printf(out, ":0x%08X", filter->subsystem_id);
	mig_buf_putc(out, '"');
}

static bool filter_is_text(const struct mig_config_entry *entry)
{
	return entry->filter_count == 1 && !entry->filter_is_list;
}

/* ---- YAML ------------------------------------------------------------------------------------- */

static void put_yaml_filters(struct mig_buf *out, const struct mig_config_entry *entry)
{
	mig_buf_puts(out, "  - device-filter: ");
	if (filter_is_text(entry)) {
		put_filter(out, &entry->filters[0]);
	} else {
		for (size_t i = 0; i < entry->filter_count; i++) {
			mig_buf_puts(out, i == 0 ? "[" : ", ");
			put_filter(out, &entry->filters[i]);
		}
		mig_buf_putc(out, ']');
	}
	mig_buf_puts(out, "\n    ");
}

static int put_yaml_entry(struct mig_buf *out, const struct mig_config_entry *entry)
{
	size_t count;
	_cleanup_free_ struct wish *devices = ordered(entry, mig_write_compare_natural, &count);

	if (devices == NULL)
		return -1;
	if (entry->filter_count > 0)
		put_yaml_filters(out, entry);
	else
		mig_buf_puts(out, "  - ");
	mig_buf_puts(out, entry->all_gpus ? "devices: all" : "devices: [");
	for (size_t i = 0; i < entry->gpu_count; i++)
		mig_buf_printf(out, "%s%u", i > 0 ? ", " : "", entry->gpus[i].index);
	mig_buf_printf(out, "%s\n    mig-enabled: %s\n    mig-devices:%s\n",
		       entry->all_gpus ? "" : "]", entry->mig_enabled ? "true" : "false",
		       count == 0 ? " {}" : "");
	for (size_t i = 0; i < count; i++) {
		mig_buf_puts(out, "      ");
		mig_write_yaml_text(out, devices[i].profile);
		mig_buf_printf(out, ": %" PRIu64 "\n", devices[i].count);
	}
	return 0;
}

static int put_yaml(struct mig_buf *out, const struct mig_config_label *const *labels, size_t count)
{
	mig_buf_puts(out, "version: v1\nmig-configs:\n");
	for (size_t i = 0; i < count; i++) {
		mig_buf_puts(out, "  ");
		mig_write_yaml_text(out, labels[i]->name);
		mig_buf_puts(out, ":\n");
		for (size_t e = 0; e < labels[i]->entry_count; e++) {
			if (put_yaml_entry(out, &labels[i]->entries[e]) < 0)
				return -1;
		}
	}
	return 0;
}

/* ---- JSON ------------------------------------------------------------------------------------- */

static void put_json_filters(struct mig_buf *out, const struct mig_config_entry *entry)
{
	mig_buf_puts(out, "        \"device-filter\": ");
	if (filter_is_text(entry)) {
		put_filter(out, &entry->filters[0]);
	} else {
		for (size_t i = 0; i < entry->filter_count; i++) {
			mig_buf_puts(out, i == 0 ? "[\n          " : ",\n          ");
			put_filter(out, &entry->filters[i]);
		}
		mig_buf_puts(out, "\n        ]");
	}
	mig_buf_puts(out, ",\n");
}

static int put_json_entry(struct mig_buf *out, const struct mig_config_entry *entry)
{
	size_t count;
	_cleanup_free_ struct wish *devices = ordered(entry, strcmp, &count);

	if (devices == NULL)
		return -1;
	mig_buf_puts(out, "      {\n");
	if (entry->filter_count > 0)
		put_json_filters(out, entry);
	mig_buf_puts(out, "        \"devices\": ");
	if (entry->all_gpus)
		mig_buf_puts(out, "\"all\"");
	else if (entry->gpu_count == 0)
		mig_buf_puts(out, "[]");
	for (size_t i = 0; i < entry->gpu_count; i++)
		mig_buf_printf(out, "%s          %u%s", i == 0 ? "[\n" : ",\n",
			       entry->gpus[i].index,
			       i + 1 == entry->gpu_count ? "\n        ]" : "");
	mig_buf_printf(out, ",\n        \"mig-enabled\": %s,\n        \"mig-devices\": {",
		       entry->mig_enabled ? "true" : "false");
	for (size_t i = 0; i < count; i++) {
		mig_buf_puts(out, i == 0 ? "\n          " : ",\n          ");
		mig_write_quoted(out, devices[i].profile);
		mig_buf_printf(out, ": %" PRIu64, devices[i].count);
	}
	mig_buf_puts(out, count > 0 ? "\n        }\n      }" : "}\n      }");
	return 0;
}

static int put_json(struct mig_buf *out, const struct mig_config_label *const *labels, size_t count)
{
	mig_buf_puts(out, "{\n  \"version\": \"v1\",\n  \"mig-configs\": {");
	for (size_t i = 0; i < count; i++) {
		mig_buf_puts(out, i == 0 ? "\n    " : ",\n    ");
		mig_write_quoted(out, labels[i]->name);
		mig_buf_puts(out, ": [\n");
		for (size_t e = 0; e < labels[i]->entry_count; e++) {
			if (e > 0)
				mig_buf_puts(out, ",\n");
			if (put_json_entry(out, &labels[i]->entries[e]) < 0)
				return -1;
		}
		mig_buf_puts(out, "\n    ]");
	}
	mig_buf_puts(out, "\n  }\n}");
	return 0;
}

/* ----------------------------------------------------------------------------------------------- */

int mig_config_write(const struct mig_config *config, enum mig_config_format format,
		     struct mig_buf *out, struct mig_error **err)
{
	_cleanup_free_ const struct mig_config_label **labels = NULL;
	size_t count = 0;
	int rc = -1;

	labels = mig_write_labels(
		config,
		format == MIG_CONFIG_FORMAT_PARTED_JSON ? strcmp : mig_write_compare_natural,
		&count);
	for (size_t i = 0; i < count; i++) {
		if (format != MIG_CONFIG_FORMAT_V1 && check_label(config, labels[i], err) < 0)
			return -1;
	}
	if (labels != NULL && format == MIG_CONFIG_FORMAT_PARTED_YAML)
		rc = put_yaml(out, labels, count);
	else if (labels != NULL && format == MIG_CONFIG_FORMAT_PARTED_JSON)
		rc = put_json(out, labels, count);
	else if (labels != NULL)
		rc = mig_write_v1(out, labels, count);
	if (rc < 0)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	if (mig_buf_failed(out))
		return mig_error_set(err, MIG_ERROR_FAILED,
				     "the configuration is longer than %zu bytes", out->max);
	return 0;
}
