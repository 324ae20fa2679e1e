/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The internal model of a configuration: building, look-up, errors with positions, release. Must not
 * know YAML (config/read.c) nor GPUs.
 */
#include "config/config.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "shared/buf.h"
#include "shared/nearest.h"
#include "shared/text.h"

#define ARGUMENT_SHOWN_BYTES 60

/* ---- release ---------------------------------------------------------------------------------- */

static void free_devices(struct mig_config_device *devices, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(devices[i].profile);
	free(devices);
}

static void free_instances(struct mig_config_instance *instances, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		for (size_t c = 0; c < instances[i].compute_count; c++)
			free(instances[i].compute[c].profile);
		free(instances[i].compute);
		free(instances[i].profile);
	}
	free(instances);
}

static void free_entry(struct mig_config_entry *entry)
{
	for (size_t i = 0; i < entry->gpu_count; i++)
		free(entry->gpus[i].text);
	free(entry->gpus);
	free(entry->filters);
	free_devices(entry->devices, entry->device_count);
	free_devices(entry->totals, entry->total_count);
	free_instances(entry->instances, entry->instance_count);
}

void mig_config_free(struct mig_config *config)
{
	if (config == NULL)
		return;
	for (size_t i = 0; i < config->label_count; i++) {
		struct mig_config_label *label = &config->labels[i];

		for (size_t e = 0; e < label->entry_count; e++)
			free_entry(&label->entries[e]);
		free(label->entries);
		free(label->name);
	}
	for (size_t i = 0; i < config->arg_count; i++)
		free(config->args[i]);
	free(config->args);
	free(config->labels);
	free(config->source);
	free(config);
}

/* ---- building --------------------------------------------------------------------------------- */

/*
 * Room for one element more in *array, which has *count; counts it. The element is zero. The room
 * doubles, and so how much there is follows from the count.
 */
static void *add_element(void *array_ptr, size_t *count, size_t size)
{
	void **array = array_ptr;
	char *grown = *array;

	if ((*count & (*count - 1)) == 0) {
		grown = reallocarray(*array, *count == 0 ? 1 : 2 * *count, size);
		if (grown == NULL)
			return NULL;
		*array = grown;
	}
	return memset(grown + (*count)++ * size, 0, size);
}

/* The text of a new element; without memory for it the element is taken back. */
static void *with_text(void *element, char **to, size_t *count, const char *text)
{
	if (element == NULL)
		return NULL;
	*to = strdup(text);
	if (*to != NULL)
		return element;
	(*count)--;
	return NULL;
}

struct mig_config *mig_config_new(const char *source)
{
	struct mig_config *config = calloc(1, sizeof(*config));

	if (config != NULL)
		config->source = strdup(source);
	if (config != NULL && config->source == NULL) {
		free(config);
		return NULL;
	}
	return config;
}

struct mig_config_label *mig_config_add_label(struct mig_config *config, const char *name)
{
	struct mig_config_label *label =
		add_element(&config->labels, &config->label_count, sizeof(*label));

	return label == NULL ? NULL : with_text(label, &label->name, &config->label_count, name);
}

struct mig_config_entry *mig_config_add_entry(struct mig_config_label *label)
{
	return add_element(&label->entries, &label->entry_count, sizeof(*label->entries));
}

struct mig_config_filter *mig_config_add_filter(struct mig_config_entry *entry)
{
	return add_element(&entry->filters, &entry->filter_count, sizeof(*entry->filters));
}

struct mig_config_gpu *mig_config_add_gpu(struct mig_config_entry *entry, const char *text)
{
	struct mig_config_gpu *gpu = add_element(&entry->gpus, &entry->gpu_count, sizeof(*gpu));

	if (gpu == NULL || text == NULL)
		return gpu;
	return with_text(gpu, &gpu->text, &entry->gpu_count, text);
}

static struct mig_config_device *add_device(struct mig_config_device **devices, size_t *count,
					    const char *profile)
{
	struct mig_config_device *device = add_element(devices, count, sizeof(*device));

	if (device == NULL)
		return NULL;
	device->start = MIG_CONFIG_START_ANY;
	return with_text(device, &device->profile, count, profile);
}

struct mig_config_device *mig_config_add_device(struct mig_config_entry *entry, const char *profile)
{
	return add_device(&entry->devices, &entry->device_count, profile);
}

struct mig_config_device *mig_config_add_total(struct mig_config_entry *entry, const char *profile)
{
	return add_device(&entry->totals, &entry->total_count, profile);
}

struct mig_config_instance *mig_config_add_instance(struct mig_config_entry *entry,
						    const char *profile)
{
	struct mig_config_instance *instance =
		add_element(&entry->instances, &entry->instance_count, sizeof(*instance));

	return instance == NULL
		       ? NULL
		       : with_text(instance, &instance->profile, &entry->instance_count, profile);
}

struct mig_config_compute *mig_config_add_compute(struct mig_config_instance *instance,
						  const char *profile)
{
	struct mig_config_compute *compute =
		add_element(&instance->compute, &instance->compute_count, sizeof(*compute));

	if (compute == NULL)
		return NULL;
	compute->start = MIG_CONFIG_START_ANY;
	return with_text(compute, &compute->profile, &instance->compute_count, profile);
}

void mig_config_keep_in_use(struct mig_config *config)
{
	for (size_t i = 0; i < config->label_count; i++) {
		for (size_t e = 0; e < config->labels[i].entry_count; e++)
			config->labels[i].entries[e].keeps_in_use = true;
	}
}

/* ---- look-up ---------------------------------------------------------------------------------- */

#define LABELS_SHOWN_MAX 40 /* of a file's labels in a hint */

static void hint_labels(const struct mig_config *config, const char *name, struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf list = MIG_BUF_INIT(4096);
	_cleanup_free_ const char **names = calloc(config->label_count + 1, sizeof(*names));
	int nearest = -1;

	if (names == NULL)
		return;
	for (size_t i = 0; i < config->label_count; i++) {
		names[i] = config->labels[i].name;
		if (i > LABELS_SHOWN_MAX)
			continue;
		if (i > 0)
			mig_buf_puts(&list, ", ");
		if (i < LABELS_SHOWN_MAX)
			mig_text_escape_terminal(&list, names[i]);
		else
			mig_buf_printf(&list, "... (%zu in all)", config->label_count);
	}
	if (name != NULL)
		nearest = mig_nearest(name, names, config->label_count);
	if (nearest >= 0)
		mig_error_hint(err, "did you mean '%s'? The file has: %s", names[nearest],
			       mig_buf_text(&list));
	else
		mig_error_hint(err, "the file has: %s", mig_buf_text(&list));
}

/* The same label again counts as one. */
static bool has_one_name(const struct mig_config *config)
{
	for (size_t i = 1; i < config->label_count; i++) {
		if (strcmp(config->labels[i].name, config->labels[0].name) != 0)
			return false;
	}
	return config->label_count > 0;
}

const struct mig_config_label *mig_config_find(const struct mig_config *config, const char *name,
					       struct mig_error **err)
{
	const struct mig_config_label *found = NULL;

	if (name == NULL && has_one_name(config))
		name = config->labels[0].name;
	if (name == NULL) {
		mig_error_set(err, MIG_ERROR_USAGE, "'%s' has %zu labels: say which one with -c",
			      config->source, config->label_count);
		hint_labels(config, NULL, err);
		return NULL;
	}
	/* Of equal labels the last one counts, as in the format's original. */
	for (size_t i = 0; i < config->label_count; i++) {
		if (strcmp(config->labels[i].name, name) == 0)
			found = &config->labels[i];
	}
	if (found == NULL) {
		mig_error_set(err, MIG_ERROR_REFUSED, "'%s' has no label '%s'", config->source,
			      name);
		hint_labels(config, name, err);
	}
	return found;
}

/* ---- errors ----------------------------------------------------------------------------------- */

/* "argument 2 '0=1g.5gb'"; a long one is cut. */
static void put_argument(const struct mig_config *config, unsigned int number, struct mig_buf *out)
{
	const char *text = config->args[number - 1];
	char part[ARGUMENT_SHOWN_BYTES + 1];
	bool is_whole = mig_text_copy(part, sizeof(part), text);
	size_t len = strlen(part);

	/* Not in the middle of a character. */
	while (!is_whole && len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
		part[--len] = '\0';
	mig_buf_printf(out, "argument %u '", number);
	mig_text_escape_terminal(out, part);
	mig_buf_puts(out, is_whole ? "'" : "...'");
}

static void put_place(const struct mig_config *config, struct mig_position at, struct mig_buf *out)
{
	if (at.line == 0 || config->arg_count == 0)
		mig_buf_puts(out, config->source);
	if (at.line == 0)
		return;
	if (config->arg_count == 0) {
		mig_buf_printf(out, ":%u:%u", at.line, at.column);
		return;
	}
	put_argument(config, at.line, out);
	mig_buf_printf(out, " column %u", at.column);
}

int mig_config_wrap(const struct mig_config *config, struct mig_position at, struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf place = MIG_BUF_INIT(8192);

	put_place(config, at, &place);
	mig_error_wrap(err, "%s", mig_buf_text(&place));
	if (err != NULL)
		mig_error_set_subject(*err, "%s", mig_buf_text(&place));
	return -1;
}

int mig_config_error(struct mig_error **err, const struct mig_config *config,
		     struct mig_position at, const char *fmt, ...)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(8192);
	va_list args;

	va_start(args, fmt);
	mig_buf_vprintf(&text, fmt, args);
	va_end(args);
	mig_error_set(err, config->arg_count > 0 ? MIG_ERROR_REFUSED : MIG_ERROR_CONFIG, "%s",
		      mig_buf_text(&text));
	return mig_config_wrap(config, at, err);
}

void mig_config_place(const struct mig_config *config, struct mig_position at, char *text,
		      size_t size)
{
	if (config->arg_count > 0)
		mig_text_format(text, size, "argument %u", at.line);
	else
		mig_text_format(text, size, "%u:%u", at.line, at.column);
}
