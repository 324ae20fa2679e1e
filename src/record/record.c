/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The recorder's frame: the driver, the GPUs one after the other, and the list of what could not be
 * read; see record.h.
 */
#include "record/record.h"

#include <stdlib.h>
#include <string.h>

#include "record/parts.h"
#include "shared/text.h"

#define TEXT_MAX 512

/* ---- what could not be read ------------------------------------------------------------------- */

int mig_record_note(struct recorder *r, const char *what, const char *why, const char *instead,
		    struct mig_error **err)
{
	struct mig_recording *out = r->out;
	struct mig_sim_not_read *entry;

	if (mig_array_reserve(&out->not_read, &out->not_read_allocated, out->not_read_count + 1,
			      sizeof(*out->not_read)))
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	entry = &out->not_read[out->not_read_count];
	entry->what = strdup(what);
	entry->why = strdup(why);
	entry->instead = strdup(instead);
	out->not_read_count++;
	if (!entry->what || !entry->why || !entry->instead)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	return 0;
}

void mig_record_reason(nvmlReturn_t code, char *text, size_t size)
{
	const char *name = mig_nvml_code_name(code);

	if (name)
		mig_text_format(text, size, "NVML answers: %s (%s)", mig_nvml_code_text(code),
				name);
	else
		mig_text_format(text, size, "NVML answers with the unknown code %u",
				(unsigned int)code);
}

int mig_record_note_gpu(struct recorder *r, const struct recorded_gpu *gpu, const char *member,
			nvmlReturn_t code, const char *instead, struct mig_error **err)
{
	char what[TEXT_MAX];
	char why[TEXT_MAX];

	if (code == NVML_SUCCESS)
		return 0;
	mig_text_format(what, sizeof(what), "gpus[%u].%s", gpu->index, member);
	mig_record_reason(code, why, sizeof(why));
	return mig_record_note(r, what, why, instead, err);
}

/* ---- the node --------------------------------------------------------------------------------- */

/* Which driver it is, and which simulated one stands for it. */
static int read_driver(struct recorder *r, struct mig_error **err)
{
	const struct mig_driver *driver = r->driver;
	struct mig_recording *out = r->out;
	struct mig_sim_node_desc *node = &out->description->node;
	char why[TEXT_MAX];
	nvmlReturn_t code;

	code = driver->nvmlSystemGetDriverVersion(driver, out->driver_version,
						  sizeof(out->driver_version));
	if (code != NVML_SUCCESS) {
		out->driver_version[0] = '\0';
		mig_record_reason(code, why, sizeof(why));
	} else {
		mig_text_format(why, sizeof(why), "driver %s is not simulated",
				out->driver_version);
	}
	code = driver->nvmlSystemGetNVMLVersion(driver, out->nvml_version,
						sizeof(out->nvml_version));
	if (code != NVML_SUCCESS)
		out->nvml_version[0] = '\0';
	mig_sim_description_stand_in(out->description, out->driver_version);
	if (strcmp(out->driver_version, node->driver_version) == 0)
		return 0;
	return mig_record_note(r, "driver", why, node->driver_version, err);
}

static int read_gpu(struct recorder *r, unsigned int index, struct mig_error **err)
{
	struct mig_sim_description *d = r->out->description;
	_cleanup_free_ struct recorded_gpu *gpu = calloc(1, sizeof(*gpu));

	if (!gpu)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	gpu->index = index;
	if (mig_record_gpu(r, gpu, err) || mig_record_profiles(r, gpu, err) ||
	    mig_record_instances(r, gpu, err) || mig_record_merge(r, gpu, err) ||
	    mig_record_place(r, gpu, &d->initial[index], err))
		return mig_error_wrap(err, "cannot record GPU %u", index);
	d->initial[index].has_pending = gpu->is_pending_other;
	d->node.gpus[index] = gpu->desc;
	d->node.gpu_count = index + 1;
	return 0;
}

/* Settings that a node has and no call of NVML shows. */
static int note_settings(struct recorder *r, struct mig_error **err)
{
	const struct mig_sim_description *d = r->out->description;
	bool has_mig = false;
	bool needs_reset = false;

	for (uint32_t i = 0; i < d->node.gpu_count; i++) {
		const struct mig_gpu_table *model = &r->models[d->node.gpus[i].model].table;

		has_mig = has_mig || model->is_mig_capable;
		needs_reset = needs_reset || (model->is_mig_capable && model->mode_needs_reset);
	}
	if (has_mig && !r->has_off_capacity &&
	    mig_record_note(r, "off_capacity", "no GPU with MIG mode off answers for its profiles",
			    "zero", err))
		return -1;
	if (needs_reset &&
	    mig_record_note(r, "gpus[].mode_change", "only a change of the MIG mode shows it",
			    "immediate", err))
		return -1;
	return 0;
}

static int hand_models_over(struct recorder *r, struct mig_error **err)
{
	struct mig_sim_description *d = r->out->description;

	d->models = calloc((size_t)r->model_count + 1, sizeof(*d->models));
	if (!d->models)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	for (unsigned int i = 0; i < r->model_count; i++)
		d->models[i] = r->models[i].table;
	d->node.model_count = r->model_count;
	return 0;
}

static int read_node(struct recorder *r, struct mig_error **err)
{
	unsigned int count = 0;
	nvmlReturn_t code;

	if (read_driver(r, err))
		return -1;
	code = r->driver->nvmlDeviceGetCount_v2(r->driver, &count);
	if (code != NVML_SUCCESS)
		return mig_driver_error(err, r->driver, code, "cannot count the GPUs");
	if (count > MIG_SIM_GPUS_MAX)
		return mig_error_set(err, MIG_ERROR_REFUSED,
				     "this machine has %u GPUs, and a node description at most %d",
				     count, MIG_SIM_GPUS_MAX);
	for (unsigned int i = 0; i < count; i++) {
		if (read_gpu(r, i, err))
			return -1;
	}
	if (mig_record_complete(r, err) || note_settings(r, err))
		return -1;
	return hand_models_over(r, err);
}

int mig_record_read(const struct mig_driver *driver, const struct mig_record_options *options,
		    struct mig_recording **out, struct mig_error **err)
{
	_cleanup_recording_ struct mig_recording *recording = calloc(1, sizeof(*recording));
	struct recorder r = {.driver = driver, .options = options, .out = recording};
	int result;

	if (!recording)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	recording->description = calloc(1, sizeof(*recording->description));
	r.models = calloc(MIG_SIM_GPUS_MAX, sizeof(*r.models));
	if (!recording->description || !r.models)
		result = mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	else
		result = read_node(&r, err);
	free(r.models);
	if (result == 0)
		*out = MIG_TAKE_PTR(recording);
	return result;
}

int mig_record_write(const struct mig_recording *recording, struct mig_buf *out,
		     struct mig_error **err)
{
	const struct mig_sim_recorded recorded = {
		.driver_version = recording->driver_version,
		.nvml_version = recording->nvml_version,
		.not_read = recording->not_read,
		.not_read_count = recording->not_read_count,
	};

	return mig_sim_description_write(recording->description, &recorded, out, err);
}

void mig_recording_free(struct mig_recording *recording)
{
	if (!recording)
		return;
	for (size_t i = 0; i < recording->not_read_count; i++) {
		free((char *)recording->not_read[i].what);
		free((char *)recording->not_read[i].why);
		free((char *)recording->not_read[i].instead);
	}
	free(recording->not_read);
	mig_sim_description_free(recording->description);
	free(recording);
}
