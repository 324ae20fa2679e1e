/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading LAYOUT arguments; see layout_args.h. Must not know GPUs.
 */
#include "config/layout_args.h"

#include <stdarg.h>
#include <string.h>

#include "config/device_text.h"
#include "config/gpu_name.h"
#include "shared/buf.h"
#include "shared/number.h"

#define ARGUMENTS_MAX	   1024
#define ARGUMENT_BYTES_MAX 65536
#define RANGE_MAX	   1024 /* GPUs */
#define TOTAL_PREFIX	   "total:"
#define SOURCE_NAME	   "the command line"
#define FORM_HINT	   "a LAYOUT is GPUS=DEVICES, as in 0=3g.20gb,1g.5gb*2 or all=1g.5gb*7, or GPUS=off"

struct reader {
	struct mig_config *config;
	struct mig_config_entry *entry;
	const char *arg;
	unsigned int number; /* of the argument, from 1 */
	struct mig_error **err;
};

/* The place of a byte of the argument; columns count characters. */
static struct mig_position position_of(const struct reader *r, const char *text)
{
	struct mig_position at = {.line = r->number, .column = 1};

	for (const char *c = r->arg; c < text; c++)
		at.column += ((unsigned char)*c & 0xc0) != 0x80;
	return at;
}

static int fail(struct reader *r, const char *text, const char *fmt, ...) MIG_PRINTF(3, 4);

static int fail(struct reader *r, const char *text, const char *fmt, ...)
{
	_cleanup_buf_ struct mig_buf message = MIG_BUF_INIT(8192);
	va_list args;

	va_start(args, fmt);
	mig_buf_vprintf(&message, fmt, args);
	va_end(args);
	mig_error_set(r->err, MIG_ERROR_USAGE, "%s", mig_buf_text(&message));
	return mig_config_wrap(r->config, position_of(r, text), r->err);
}

static int out_of_memory(struct reader *r)
{
	return mig_error_set(r->err, MIG_ERROR_NO_MEMORY, "out of memory");
}

/* ---- GPUs ------------------------------------------------------------------------------------- */

static int add_index(struct reader *r, const char *text, uint64_t index)
{
	struct mig_config_gpu *gpu = mig_config_add_gpu(r->entry, NULL);

	if (gpu == NULL)
		return out_of_memory(r);
	gpu->kind = MIG_CONFIG_GPU_INDEX;
	gpu->index = (unsigned int)index;
	gpu->at = position_of(r, text);
	return 0;
}

/* "0" or "2-4". Returns 1 if the text is neither. */
static int read_indices(struct reader *r, const char *text, const char *name)
{
	size_t digits = strspn(name, "0123456789");
	uint64_t first, last;

	if (digits == 0 || mig_parse_u64_n(name, digits, 0, INT32_MAX, &first) < 0)
		return 1;
	last = first;
	if (name[digits] == '-' && mig_parse_u64(name + digits + 1, 0, INT32_MAX, &last) < 0)
		return 1;
	if (name[digits] != '-' && name[digits] != '\0')
		return 1;
	if (last < first)
		return fail(r, text, "the range '%s' goes backwards", name);
	if (last - first >= RANGE_MAX)
		return fail(r, text, "the range '%s' has more than %d GPUs", name, RANGE_MAX);
	for (uint64_t i = first; i <= last; i++) {
		if (add_index(r, text, i) < 0)
			return -1;
	}
	return 0;
}

static int read_gpu(struct reader *r, const char *text, size_t len)
{
	_cleanup_free_ char *name = strndup(text, len);
	struct mig_config_gpu *gpu;
	enum mig_config_gpu_kind kind;
	int rc;

	if (name == NULL)
		return out_of_memory(r);
	rc = read_indices(r, text, name);
	if (rc <= 0)
		return rc;
	kind = mig_gpu_name_kind(name);
	if (kind == MIG_CONFIG_GPU_INDEX) {
		fail(r, text, "%s", len == 0 ? "a GPU is missing" : "this names no GPU");
		return mig_error_hint(
			r->err, "GPUS is 'all' or a list as in 0,2-4; a GPU may also be named "
				"by UUID or PCI address");
	}
	gpu = mig_config_add_gpu(r->entry, name);
	if (gpu == NULL)
		return out_of_memory(r);
	gpu->kind = kind;
	gpu->at = position_of(r, text);
	return 0;
}

static int read_gpus(struct reader *r, size_t len)
{
	const char *text = r->arg;
	const char *end = r->arg + len;

	r->entry->gpus_at = position_of(r, text);
	if (len == strlen("all") && strncmp(text, "all", len) == 0) {
		r->entry->all_gpus = true;
		return 0;
	}
	for (;;) {
		const char *comma = memchr(text, ',', (size_t)(end - text));
		size_t part = (size_t)((comma != NULL ? comma : end) - text);

		if (read_gpu(r, text, part) < 0)
			return -1;
		if (comma == NULL)
			return 0;
		text = comma + 1;
	}
}

/* ---- devices ---------------------------------------------------------------------------------- */

/* A comma ends a device unless it divides attributes: those begin with a letter, profiles do not. */
static size_t device_length(const char *text)
{
	size_t len = strcspn(text, ",");

	while (text[len] == ',' && ((text[len + 1] >= 'a' && text[len + 1] <= 'z') ||
				    (text[len + 1] >= 'A' && text[len + 1] <= 'Z')))
		len += 1 + strcspn(text + len + 1, ",");
	return len;
}

/* The device to count: totals of one profile are one number. */
static struct mig_config_device *device_for(struct reader *r, const char *profile)
{
	struct mig_config_entry *entry = r->entry;

	if (!entry->has_totals)
		return mig_config_add_device(entry, profile);
	for (size_t i = 0; i < entry->total_count; i++) {
		if (strcmp(entry->totals[i].profile, profile) == 0)
			return &entry->totals[i];
	}
	return mig_config_add_total(entry, profile);
}

static int read_device(struct reader *r, const char *text, size_t len)
{
	struct mig_config_device *device;
	struct mig_device_text parsed;
	const char *problem;
	size_t offset;

	if (mig_device_text_parse(text, len, &parsed, &problem, &offset) < 0) {
		fail(r, text + offset, "%s", len == 0 ? "a device is missing" : problem);
		return offset == 0 ? mig_error_hint(r->err, MIG_DEVICE_TEXT_HINT) : -1;
	}
	if (r->entry->has_totals && parsed.has_start)
		return fail(r, text, "a total has no place");
	device = device_for(r, parsed.profile);
	if (device == NULL)
		return out_of_memory(r);
	if (parsed.count > INT32_MAX - device->count)
		return fail(r, text, "more than %d in all", INT32_MAX);
	device->at = position_of(r, text);
	device->count += parsed.count;
	if (parsed.has_start)
		device->start = parsed.start;
	return 0;
}

static bool is_all_zero(const struct mig_config_entry *entry)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < entry->device_count; i++)
		sum += entry->devices[i].count;
	for (size_t i = 0; i < entry->total_count; i++)
		sum += entry->totals[i].count;
	return sum == 0;
}

static int read_list(struct reader *r, const char *text)
{
	const char *start = text;

	for (;;) {
		size_t len = device_length(text);

		if (read_device(r, text, len) < 0)
			return -1;
		if (text[len] == '\0')
			break;
		text += len + 1;
	}
	if (is_all_zero(r->entry))
		return fail(r, start, "all numbers are 0");
	return 0;
}

static int read_wish(struct reader *r, const char *text)
{
	r->entry->mig_enabled = strcmp(text, "off") != 0;
	if (!r->entry->mig_enabled || strcmp(text, "on") == 0)
		return 0;
	if (strncmp(text, TOTAL_PREFIX, strlen(TOTAL_PREFIX)) == 0) {
		r->entry->has_totals = true;
		r->entry->totals_at = position_of(r, text);
		text += strlen(TOTAL_PREFIX);
	}
	if (*text == '\0') {
		fail(r, text, "after '%c' devices are expected", r->entry->has_totals ? ':' : '=');
		return mig_error_hint(r->err, r->entry->has_totals
						      ? FORM_HINT
						      : "'on' is MIG without instances, "
							"'off' is no MIG");
	}
	return read_list(r, text);
}

/* ---- arguments -------------------------------------------------------------------------------- */

static int read_argument(struct reader *r, struct mig_config_label *label)
{
	size_t gpus = strcspn(r->arg, "=");

	if (strlen(r->arg) > ARGUMENT_BYTES_MAX)
		return fail(r, r->arg, "longer than %d bytes", ARGUMENT_BYTES_MAX);
	if (r->arg[gpus] == '\0') {
		fail(r, r->arg, "this is no LAYOUT: there is no '='");
		return mig_error_hint(r->err, FORM_HINT "; a label is named by -c");
	}
	r->entry = mig_config_add_entry(label);
	if (r->entry == NULL)
		return out_of_memory(r);
	r->entry->at = position_of(r, r->arg);
	if (read_gpus(r, gpus) < 0)
		return -1;
	return read_wish(r, r->arg + gpus + 1);
}

static int copy_arguments(struct reader *r, char *const *args, size_t count)
{
	r->config->args = calloc(count + 1, sizeof(*r->config->args));
	if (r->config->args == NULL)
		return out_of_memory(r);
	for (size_t i = 0; i < count; i++) {
		r->config->args[i] = strdup(args[i]);
		if (r->config->args[i] == NULL)
			return out_of_memory(r);
		r->config->arg_count++;
	}
	return 0;
}

int mig_config_from_args(char *const *args, size_t count, struct mig_config **out,
			 struct mig_error **err)
{
	_cleanup_config_ struct mig_config *config = mig_config_new(SOURCE_NAME);
	struct reader r = {.config = config, .err = err};
	struct mig_config_label *label;

	if (config == NULL)
		return out_of_memory(&r);
	if (count == 0 || count > ARGUMENTS_MAX) {
		mig_error_set(err, MIG_ERROR_USAGE, "%s",
			      count == 0 ? "a LAYOUT is missing" : "too many LAYOUT arguments");
		return mig_error_hint(err, FORM_HINT);
	}
	if (copy_arguments(&r, args, count) < 0)
		return -1;
	config->names_gpus_once = true;
	label = mig_config_add_label(config, "LAYOUT");
	if (label == NULL)
		return out_of_memory(&r);
	for (size_t i = 0; i < count; i++) {
		r.arg = config->args[i];
		r.number = (unsigned int)i + 1;
		if (read_argument(&r, label) < 0)
			return -1;
	}
	*out = MIG_TAKE_PTR(config);
	return 0;
}
