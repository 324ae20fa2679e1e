/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a node description in JSON (docs/node-description.md). All that is wrong is found here,
 * before anything is made: syntax with file:line:column, meaning with the path in the document.
 *
 * A description can be a file that root obeys, so it is opened without following a link and refused
 * if somebody other than root and the caller owns it or may write to it.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "shared/file.h"
#include "shared/text.h"
#include "shared/trusted.h"
#include "sim/control/description.h"
#include "sim/control/json_read.h"

static const char *const top_keys[] = {
	"format",	"name",	      "driver", "off_capacity", "ampere_mode_change",
	"export_table", "visibility", "gpus",	"models",	"recorded",
	"timing"};

static const char *const gpu_keys[] = {"model",
				       "count",
				       "layout",
				       "uuid",
				       "pci_address",
				       "minor",
				       "numa_node",
				       "mig_mode",
				       "persistence_mode",
				       "mode_change",
				       "mig_mode_pending",
				       "gpu_instances"};

/* ---- the file --------------------------------------------------------------------------------- */

static int read_descriptor(const char *path, int fd, struct mig_buf *text, struct mig_error **err)
{
	char chunk[16384];
	ssize_t got;

	for (;;) {
		got = read(fd, chunk, sizeof(chunk));
		if (got == 0)
			return 0;
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return mig_error_set_errno(err, errno, "cannot read '%s'", path);
		if (text->len + (size_t)got > text->max)
			return mig_error_set(err, MIG_ERROR_REFUSED,
					     "'%s' is larger than the %zu MiB that a node "
					     "description may have",
					     path, MIG_SIM_DESCRIPTION_SIZE_MAX >> 20);
		if (mig_buf_add(text, chunk, (size_t)got))
			return mig_error_set_errno(err, ENOMEM, "cannot read '%s'", path);
	}
}

static int read_trusted(const char *path, struct mig_buf *text, struct mig_error **err)
{
	_cleanup_close_ int fd = -1;

	if (strcmp(path, "-") == 0)
		return read_descriptor("standard input", STDIN_FILENO, text, err);
	fd = mig_trusted_open(path, O_RDONLY, err);
	if (fd < 0)
		return -1;
	return read_descriptor(path, fd, text, err);
}

static json_t *parse(const char *path, const struct mig_buf *text, struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf shown = MIG_BUF_INIT(4096);
	json_error_t problem;
	json_t *document;

	document = json_loadb(mig_buf_text(text), text->len, JSON_REJECT_DUPLICATES, &problem);
	if (document)
		return document;
	mig_text_escape_terminal(&shown, problem.text);
	mig_error_set(err, MIG_ERROR_CONFIG, "%s:%d:%d: %s", path, problem.line, problem.column,
		      mig_buf_text(&shown));
	return NULL;
}

/* ---- GPUs ------------------------------------------------------------------------------------- */

static int read_numa_node(const char *where, json_t *value, struct mig_sim_gpu_desc *gpu,
			  struct mig_error **err)
{
	uint64_t number;

	if (!value || json_is_null(value))
		return 0;
	if (mig_json_read_uint(where, "numa_node", value, 0, MIG_SIM_NUMA_NODE_MAX, &number, err))
		return -1;
	gpu->numa_node = (int32_t)number;
	return 0;
}

/* UUID, PCI address and minor number: what only one GPU can have. */
static int read_identity(const char *where, json_t *object, struct mig_sim_gpu_desc *gpu,
			 struct mig_error **err)
{
	json_t *uuid = json_object_get(object, "uuid");
	json_t *pci = json_object_get(object, "pci_address");
	json_t *minor = json_object_get(object, "minor");
	const char *text;
	uint64_t number;

	if (uuid) {
		if (mig_json_read_text(where, "uuid", uuid, &text, err))
			return -1;
		if (!mig_text_copy(gpu->uuid, sizeof(gpu->uuid), text))
			return mig_json_complain(err, where, "uuid", "is too long for a UUID");
	}
	if (pci) {
		if (mig_json_read_text(where, "pci_address", pci, &text, err))
			return -1;
		if (mig_sim_parse_pci_address(text, gpu, err))
			return mig_error_wrap(err, "%s.pci_address", where);
	}
	if (minor) {
		if (mig_json_read_uint(where, "minor", minor, 0, MIG_SIM_MINOR_MAX, &number, err))
			return -1;
		gpu->minor_number = (uint32_t)number;
	}
	return 0;
}

static int read_word(const char *where, json_t *object, const char *key, const char *const *words,
		     size_t count, uint8_t *out, struct mig_error **err)
{
	json_t *value = json_object_get(object, key);

	return value ? mig_json_read_word(where, key, value, words, count, out, err) : 0;
}

static int read_settings(const char *where, json_t *object, struct mig_sim_gpu_desc *gpu,
			 struct mig_error **err)
{
	if (read_word(where, object, "layout", mig_sim_layout_words, MIG_SIM_LAYOUT_COUNT,
		      &gpu->layout, err) ||
	    read_word(where, object, "mig_mode", mig_sim_switch_words, MIG_SIM_SWITCH_COUNT,
		      &gpu->initial_mig_mode, err) ||
	    read_word(where, object, "persistence_mode", mig_sim_switch_words, MIG_SIM_SWITCH_COUNT,
		      &gpu->initial_persistence, err) ||
	    read_word(where, object, "mode_change", mig_sim_mode_change_words,
		      MIG_SIM_MODE_CHANGE_COUNT, &gpu->mode_change, err))
		return -1;
	return read_numa_node(where, json_object_get(object, "numa_node"), gpu, err);
}

static int read_gpu(struct mig_sim_description *d, const char *where, json_t *object,
		    uint8_t mode_change, struct mig_error **err)
{
	json_t *count_value = json_object_get(object, "count");
	struct mig_sim_initial initial;
	struct mig_sim_gpu_desc gpu;
	const char *key;
	uint64_t count = 1;
	int model;

	if (mig_json_check_object(where, object, gpu_keys, MIG_ARRAY_SIZE(gpu_keys), err))
		return -1;
	if (!json_object_get(object, "model"))
		return mig_json_complain(err, where, "model", "is missing");
	if (mig_json_read_text(where, "model", json_object_get(object, "model"), &key, err))
		return -1;
	model = mig_sim_description_model(d, key, err);
	if (model < 0)
		return mig_error_wrap(err, "%s.model", where);
	gpu = mig_sim_gpu_desc_default((uint32_t)model);
	gpu.mode_change = mode_change;
	if (count_value &&
	    mig_json_read_uint(where, "count", count_value, 1, MIG_SIM_GPUS_MAX, &count, err))
		return -1;
	if (read_identity(where, object, &gpu, err) || read_settings(where, object, &gpu, err))
		return -1;
	if (count > 1 &&
	    (gpu.uuid[0] || gpu.bus_id[0] || gpu.minor_number != MIG_SIM_MINOR_DERIVED))
		return mig_json_complain(err, where, "count",
					 "several GPUs cannot share a uuid, pci_address or minor");
	if (mig_sim_initial_from_json(d, &gpu, where, object, &initial, err))
		return -1;
	if (mig_sim_description_add_gpus(d, &gpu, count, err))
		return mig_error_wrap(err, "%s", where);
	for (uint64_t i = 1; i <= count; i++)
		d->initial[d->node.gpu_count - i] = initial;
	return 0;
}

/* ---- the document ----------------------------------------------------------------------------- */

static int read_models(struct mig_sim_description *d, json_t *models, struct mig_error **err)
{
	char where[MIG_JSON_WHERE_SIZE];
	struct mig_gpu_table model;
	const char *key;
	json_t *value;

	if (!models)
		return 0;
	if (!json_is_object(models))
		return mig_json_complain(err, "", "models", "must be an object");
	json_object_foreach(models, key, value)
	{
		mig_json_where(where, "models", key);
		if (mig_sim_model_from_json(where, key, value, &model, err))
			return -1;
		if (mig_sim_description_add_model(d, &model, err) < 0)
			return mig_error_wrap(err, "%s", where);
	}
	return 0;
}

static int read_gpus(struct mig_sim_description *d, json_t *document, struct mig_error **err)
{
	json_t *gpus = json_object_get(document, "gpus");
	uint8_t mode_change = MIG_SIM_MODE_CHANGE_IMMEDIATE;
	char where[MIG_JSON_WHERE_SIZE];
	json_t *item;
	size_t i;

	if (!gpus)
		return mig_json_complain(err, "", "gpus", "is missing");
	if (read_word("", document, "ampere_mode_change", mig_sim_mode_change_words,
		      MIG_SIM_MODE_CHANGE_COUNT, &mode_change, err))
		return -1;
	if (mig_json_check_array("", "gpus", gpus, MIG_SIM_GPUS_MAX, err))
		return -1;
	json_array_foreach(gpus, i, item)
	{
		mig_json_where_item(where, "", "gpus", i);
		if (read_gpu(d, where, item, mode_change, err))
			return -1;
	}
	return 0;
}

static int read_format(json_t *document, struct mig_error **err)
{
	json_t *format = json_object_get(document, "format");
	const char *text;

	if (!format)
		return mig_json_complain(err, "", "format",
					 "is missing; it must be \"" MIG_SIM_DESCRIPTION_FORMAT
					 "\"");
	if (mig_json_read_text("", "format", format, &text, err))
		return -1;
	if (strcmp(text, MIG_SIM_DESCRIPTION_FORMAT) != 0)
		return mig_json_complain(err, "", "format",
					 "must be \"" MIG_SIM_DESCRIPTION_FORMAT
					 "\", the only one this version reads");
	return 0;
}

static int read_document(json_t *document, const char *name, const char *driver,
			 struct mig_sim_description **out, struct mig_error **err)
{
	_cleanup_(mig_cleanup_description) struct mig_sim_description *d = NULL;

	if (mig_json_check_object("", document, top_keys, MIG_ARRAY_SIZE(top_keys), err) ||
	    read_format(document, err))
		return -1;
	if (!name) {
		if (!json_object_get(document, "name"))
			return mig_json_complain(err, "", "name", "is missing");
		if (mig_json_read_text("", "name", json_object_get(document, "name"), &name, err))
			return -1;
		if (strchr(name, '/'))
			return mig_json_complain(err, "", "name", "must not have a '/' in it");
	}
	if (!driver && json_object_get(document, "driver") &&
	    mig_json_read_text("", "driver", json_object_get(document, "driver"), &driver, err))
		return -1;
	d = mig_sim_description_new(name, err);
	if (!d)
		return -1;
	if (read_word("", document, "off_capacity", mig_sim_off_capacity_words,
		      MIG_SIM_OFF_CAPACITY_COUNT, &d->node.off_capacity, err) ||
	    read_word("", document, "export_table", mig_sim_export_table_words,
		      MIG_SIM_EXPORT_TABLE_COUNT, &d->node.export_table, err) ||
	    read_word("", document, "visibility", mig_sim_visibility_words,
		      MIG_SIM_VISIBILITY_COUNT, &d->node.visibility, err))
		return -1;
	if (json_object_get(document, "timing") &&
	    mig_sim_timing_from_json(d, json_object_get(document, "timing"), err))
		return -1;
	if (read_models(d, json_object_get(document, "models"), err) ||
	    read_gpus(d, document, err) || mig_sim_description_finish(d, driver, err))
		return -1;
	*out = MIG_TAKE_PTR(d);
	return 0;
}

int mig_sim_describe_text(const char *name, const char *source, const struct mig_buf *text,
			  const char *driver, struct mig_sim_description **out,
			  struct mig_error **err)
{
	json_t *document = parse(source, text, err);
	int result;

	if (!document)
		return -1;
	result = read_document(document, name, driver, out, err);
	json_decref(document);
	return result ? mig_error_wrap(err, "%s", source) : 0;
}

int mig_sim_describe_file(const char *name, const char *path, const char *driver,
			  struct mig_sim_description **out, struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(MIG_SIM_DESCRIPTION_SIZE_MAX);

	if (read_trusted(path, &text, err))
		return -1;
	return mig_sim_describe_text(name, path, &text, driver, out, err);
}
