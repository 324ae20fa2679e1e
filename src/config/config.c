/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The internal model of a configuration: look-up, errors with positions, release. Must not know
 * YAML (config/mig_parted.c) nor GPUs.
 */
#include "config/config.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "shared/buf.h"
#include "shared/nearest.h"
#include "shared/text.h"

static void free_entry(struct mig_config_entry *entry)
{
	for (size_t i = 0; i < entry->device_count; i++)
		free(entry->devices[i].profile);
	free(entry->devices);
	free(entry->indices);
	free(entry->filters);
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
	free(config->labels);
	free(config->source);
	free(config);
}

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

int mig_config_error(struct mig_error **err, const char *source, struct mig_position at,
		     const char *fmt, ...)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(8192);
	va_list args;

	va_start(args, fmt);
	mig_buf_vprintf(&text, fmt, args);
	va_end(args);
	mig_error_set(err, MIG_ERROR_CONFIG, "%s", mig_buf_text(&text));
	mig_error_wrap(err, "%s:%u:%u", source, at.line, at.column);
	if (err != NULL)
		mig_error_set_subject(*err, "%s:%u:%u", source, at.line, at.column);
	return -1;
}
