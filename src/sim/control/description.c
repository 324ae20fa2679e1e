/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Node descriptions: the short form of the command line ("8xa100-sxm4-40gb:swapped,1xt4"), and what
 * every description needs whichever way it came: driver versions, models, identities from the index
 * and the checks that hold for all of them. Knows neither JSON nor where nodes live.
 */
#include "sim/control/description.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "shared/file.h"
#include "shared/nearest.h"
#include "shared/number.h"
#include "shared/text.h"
#include "sim/engine/engine.h"

/* The PCI bus of GPU 0 of a node that does not say where its GPUs are; the others follow. */
#define FIRST_BUS      0x10
#define BUS_MAX	       0xff
#define PCI_SLOT_MAX   0x1f
#define DOMAIN_MAX     UINT32_MAX
#define KNOWN_MAX      128 /* names in one "known are" list */
#define SPEC_NO_GPUS   "none"
#define DEFAULT_DRIVER "550"
#define GPU_SPEC_MAX   4096

/* Ascending. What differs between them, and from where it is known: docs/driver-branches.md. */
static const struct mig_sim_driver drivers[] = {
	{MIG_SIM_BRANCH_470, "470.256.02", "11.470.256.02", 11040, NULL},
	{MIG_SIM_BRANCH_535, "535.309.01", "12.535.309.01", 12020, NULL},
	{MIG_SIM_BRANCH_550, "550.163.01", "12.550.163.01", 12040,
	 "remaining capacity while MIG mode is off"},
	{MIG_SIM_BRANCH_580, "580.173.02", "13.580.173.02", 13000,
	 "exported names, profile indexes, error codes, remaining capacity while MIG mode is off"},
};

const struct mig_sim_driver *mig_sim_driver_at(size_t index)
{
	return index < MIG_ARRAY_SIZE(drivers) ? &drivers[index] : NULL;
}

const char *const mig_sim_layout_words[] = {
	[MIG_SIM_LAYOUT_NORMAL] = "normal",
	[MIG_SIM_LAYOUT_SWAPPED] = "swapped",
};

const char *const mig_sim_mode_change_words[] = {
	[MIG_SIM_MODE_CHANGE_IMMEDIATE] = "immediate",
	[MIG_SIM_MODE_CHANGE_RESET_REQUIRED] = "reset-required",
	[MIG_SIM_MODE_CHANGE_IN_USE] = "in-use",
};

const char *const mig_sim_off_capacity_words[] = {
	[MIG_SIM_OFF_CAPACITY_ZERO] = "zero",
	[MIG_SIM_OFF_CAPACITY_REAL] = "real",
	[MIG_SIM_OFF_CAPACITY_NOT_SUPPORTED] = "not-supported",
};

const char *const mig_sim_export_table_words[] = {
	[MIG_SIM_EXPORT_TABLE_FULL] = "full",
	[MIG_SIM_EXPORT_TABLE_NONE] = "none",
};

const char *const mig_sim_visibility_words[] = {
	[MIG_SIM_VISIBILITY_ALL] = "all",
	[MIG_SIM_VISIBILITY_DEVFS] = "devfs",
};

const char *const mig_sim_switch_words[] = {"off", "on"};

int mig_sim_word_find(const char *const *words, size_t count, const char *text)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(words[i], text) == 0)
			return (int)i;
	}
	return -1;
}

int mig_sim_hint_words(struct mig_error **err, const char *text, const char *const *words,
		       size_t count)
{
	_cleanup_buf_ struct mig_buf list = MIG_BUF_INIT(GPU_SPEC_MAX);
	int nearest = mig_nearest(text, words, count);

	for (size_t i = 0; i < count; i++)
		mig_buf_printf(&list, "%s%s", i ? ", " : "", words[i]);
	if (nearest >= 0)
		return mig_error_hint(err, "did you mean '%s'? known are: %s", words[nearest],
				      mig_buf_text(&list));
	return mig_error_hint(err, "known are: %s", mig_buf_text(&list));
}

static bool driver_matches(const struct mig_sim_driver *driver, const char *text)
{
	uint32_t branch;

	if (mig_parse_u32(text, 0, UINT32_MAX, &branch) == 0)
		return branch == driver->branch;
	return strcmp(text, driver->version) == 0;
}

const struct mig_sim_driver *mig_sim_driver_find(const char *text, struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf known = MIG_BUF_INIT(GPU_SPEC_MAX);

	if (!text)
		text = DEFAULT_DRIVER;
	for (size_t i = 0; i < MIG_ARRAY_SIZE(drivers); i++) {
		if (driver_matches(&drivers[i], text))
			return &drivers[i];
		mig_buf_printf(&known, "%s%u (%s)", i ? ", " : "", drivers[i].branch,
			       drivers[i].version);
	}
	mig_error_set(err, MIG_ERROR_REFUSED, "unknown driver branch '%s'", text);
	mig_error_hint(err, "simulated are %s", mig_buf_text(&known));
	return NULL;
}

static void set_driver(struct mig_sim_description *d, const struct mig_sim_driver *driver)
{
	d->node.branch = driver->branch;
	d->node.cuda_version = driver->cuda_version;
	mig_text_copy(d->node.driver_version, sizeof(d->node.driver_version), driver->version);
	mig_text_copy(d->node.nvml_version, sizeof(d->node.nvml_version), driver->nvml_version);
}

void mig_sim_description_stand_in(struct mig_sim_description *d, const char *version)
{
	const struct mig_sim_driver *chosen = &drivers[0];
	uint64_t branch = 0;

	/* Digits up to the first point; what is no version at all has branch 0. */
	if (mig_parse_u64_n(version, strspn(version, "0123456789"), 0, UINT32_MAX, &branch))
		branch = 0;
	for (size_t i = 0; i < MIG_ARRAY_SIZE(drivers); i++) {
		if (drivers[i].branch <= branch)
			chosen = &drivers[i];
	}
	set_driver(d, chosen);
}

struct mig_sim_description *mig_sim_description_new(const char *name, struct mig_error **err)
{
	const char *base = mig_sim_name_check(name, err);
	struct mig_sim_description *d;

	if (!base)
		return NULL;
	d = calloc(1, sizeof(*d));
	if (!d) {
		mig_error_set_errno(err, ENOMEM, "cannot describe node '%s'", base);
		return NULL;
	}
	/* The check above keeps it shorter than the field. */
	mig_text_copy(d->node.name, sizeof(d->node.name), base);
	return d;
}

void mig_sim_description_free(struct mig_sim_description *d)
{
	if (!d)
		return;
	free(d->models);
	free(d);
}

int mig_sim_description_add_model(struct mig_sim_description *d, const struct mig_gpu_table *model,
				  struct mig_error **err)
{
	size_t allocated = d->node.model_count;

	if (d->node.model_count >= MIG_SIM_GPUS_MAX)
		return mig_error_set(err, MIG_ERROR_REFUSED, "a node has at most %d GPU models",
				     MIG_SIM_GPUS_MAX);
	if (mig_array_reserve(&d->models, &allocated, (size_t)d->node.model_count + 1,
			      sizeof(*d->models)))
		return mig_error_set_errno(err, ENOMEM, "cannot add GPU model '%s'", model->key);
	d->models[d->node.model_count] = *model;
	return (int)d->node.model_count++;
}

static int unknown_model(const struct mig_sim_description *d, const char *key,
			 struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf begins = MIG_BUF_INIT(GPU_SPEC_MAX);
	const char *known[KNOWN_MAX] = {NULL};
	size_t count = 0;
	int nearest;

	for (uint32_t i = 0; i < d->node.model_count && count < KNOWN_MAX; i++)
		known[count++] = d->models[i].key;
	for (unsigned int i = 0; i < mig_gpu_table_count && count < KNOWN_MAX; i++)
		known[count++] = mig_gpu_tables[i].key;
	nearest = mig_nearest(key, known, count);
	mig_error_set(err, MIG_ERROR_REFUSED, "unknown GPU model '%s'", key);
	/* "a100" is near to none of them and yet says which ones are meant. */
	for (size_t i = 0; i < count; i++) {
		const struct mig_gpu_table *table = mig_gpu_table_find(known[i]);

		if (*key != '\0' && strncasecmp(known[i], key, strlen(key)) == 0 &&
		    (!table || table->is_usable))
			mig_buf_printf(&begins, "%s%s", begins.len > 0 ? ", " : "", known[i]);
	}
	if (begins.len > 0)
		return mig_error_hint(err,
				      "models that begin so: %s; 'migctl sim models' lists all",
				      mig_buf_text(&begins));
	if (nearest >= 0)
		return mig_error_hint(err, "did you mean '%s'? 'migctl sim models' lists them all",
				      known[nearest]);
	return mig_error_hint(err, "'migctl sim models' lists them all");
}

int mig_sim_description_model(struct mig_sim_description *d, const char *key,
			      struct mig_error **err)
{
	const struct mig_gpu_table *model;

	for (uint32_t i = 0; i < d->node.model_count; i++) {
		if (strcasecmp(d->models[i].key, key) == 0)
			return (int)i;
	}
	model = mig_gpu_table_find(key);
	if (!model)
		return unknown_model(d, key, err);
	if (!model->is_usable) {
		_cleanup_buf_ struct mig_buf missing = MIG_BUF_INIT(GPU_SPEC_MAX);

		mig_sim_model_missing(model, &missing);
		mig_error_set(err, MIG_ERROR_REFUSED,
			      "GPU model '%s' cannot be simulated: not known: %s", model->key,
			      mig_buf_text(&missing));
		return mig_error_hint(err, "a description file can bring its own table: "
					   "see migsim-node(5), \"models\"");
	}
	return mig_sim_description_add_model(d, model, err);
}

struct mig_sim_gpu_desc mig_sim_gpu_desc_default(uint32_t model)
{
	return (struct mig_sim_gpu_desc){
		.model = model,
		.minor_number = MIG_SIM_MINOR_DERIVED,
		.numa_node = -1,
		.layout = MIG_SIM_LAYOUT_NORMAL,
		.mode_change = MIG_SIM_MODE_CHANGE_IMMEDIATE,
	};
}

int mig_sim_description_add_gpus(struct mig_sim_description *d, const struct mig_sim_gpu_desc *gpu,
				 uint64_t count, struct mig_error **err)
{
	uint32_t have = d->node.gpu_count;

	if (count > MIG_SIM_GPUS_MAX - have)
		return mig_error_set(
			err, MIG_ERROR_REFUSED,
			"a node has at most %d GPUs, and this makes %llu more after %u",
			MIG_SIM_GPUS_MAX, (unsigned long long)count, have);
	for (uint64_t i = 0; i < count; i++)
		d->node.gpus[have + i] = *gpu;
	d->node.gpu_count += (uint32_t)count;
	return 0;
}

/* ---- PCI addresses ---------------------------------------------------------------------------- */

static int hex_part(const char *text, size_t len, uint64_t max, uint32_t *value)
{
	char digits[9];
	uint64_t wide;

	if (len == 0 || len >= sizeof(digits))
		return -1;
	memcpy(digits, text, len);
	digits[len] = '\0';
	if (mig_parse_hex_u64(digits, max, &wide))
		return -1;
	*value = (uint32_t)wide;
	return 0;
}

static void write_bus_id(struct mig_sim_gpu_desc *gpu)
{
	mig_text_format(gpu->bus_id, sizeof(gpu->bus_id), "%08X:%02X:%02X.0", gpu->pci_domain,
			gpu->pci_bus, gpu->pci_device);
}

int mig_sim_parse_pci_address(const char *text, struct mig_sim_gpu_desc *gpu,
			      struct mig_error **err)
{
	const char *last = strrchr(text, ':');
	const char *first = strchr(text, ':');
	const char *dot = last ? strchr(last, '.') : NULL;
	const char *bus = text;
	bool ok = last && dot && dot - last == 3 && strcmp(dot, ".0") == 0;

	gpu->pci_domain = 0;
	if (ok && first != last) {
		ok = hex_part(text, (size_t)(first - text), DOMAIN_MAX, &gpu->pci_domain) == 0;
		bus = first + 1;
	}
	ok = ok && last - bus == 2 && hex_part(bus, 2, BUS_MAX, &gpu->pci_bus) == 0;
	ok = ok && hex_part(last + 1, 2, PCI_SLOT_MAX, &gpu->pci_device) == 0;
	if (!ok) {
		mig_error_set(err, MIG_ERROR_CONFIG, "'%s' is not the PCI address of a GPU", text);
		return mig_error_hint(err,
				      "write it as 0000:10:00.0 (domain, bus, device, function 0)");
	}
	write_bus_id(gpu);
	return 0;
}

/* ---- completing and checking ------------------------------------------------------------------ */

bool mig_sim_is_gpu_uuid(const char *text)
{
	static const char shape[] = "GPU-xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	if (strlen(text) != sizeof(shape) - 1)
		return false;
	for (size_t i = 0; shape[i]; i++) {
		if (shape[i] == 'x' ? !strchr("0123456789abcdef", text[i]) : text[i] != shape[i])
			return false;
	}
	return true;
}

static void derive_identity(struct mig_sim_description *d, uint32_t index)
{
	struct mig_sim_gpu_desc *gpu = &d->node.gpus[index];

	if (gpu->uuid[0] == '\0')
		mig_sim_gpu_uuid(d->node.name, index, gpu->uuid);
	if (gpu->bus_id[0] == '\0') {
		gpu->pci_bus = FIRST_BUS + index;
		write_bus_id(gpu);
	}
	if (gpu->minor_number == MIG_SIM_MINOR_DERIVED)
		gpu->minor_number = index;
	gpu->pdi = mig_sim_gpu_pdi(gpu->uuid);
}

static int check_gpu(const struct mig_sim_description *d, uint32_t index, struct mig_error **err)
{
	const struct mig_sim_gpu_desc *gpu = &d->node.gpus[index];
	const struct mig_gpu_table *model = &d->models[gpu->model];

	if (!mig_sim_is_gpu_uuid(gpu->uuid)) {
		mig_error_set(err, MIG_ERROR_CONFIG, "gpus[%u].uuid: '%s' is not a GPU UUID", index,
			      gpu->uuid);
		return mig_error_hint(err, "write it as GPU- and 8-4-4-4-12 lower case hexadecimal "
					   "digits");
	}
	if (gpu->initial_mig_mode && !model->is_mig_capable)
		return mig_error_set(err, MIG_ERROR_CONFIG,
				     "gpus[%u].mig_mode: a %s has no MIG that could be on", index,
				     model->name);
	for (uint32_t i = 0; i < index; i++) {
		const struct mig_sim_gpu_desc *other = &d->node.gpus[i];

		if (strcmp(other->uuid, gpu->uuid) == 0)
			return mig_error_set(err, MIG_ERROR_CONFIG,
					     "gpus[%u].uuid: '%s' is the UUID of gpus[%u] too",
					     index, gpu->uuid, i);
		if (strcmp(other->bus_id, gpu->bus_id) == 0)
			return mig_error_set(
				err, MIG_ERROR_CONFIG,
				"gpus[%u].pci_address: '%s' is the address of gpus[%u] too", index,
				gpu->bus_id, i);
		if (other->minor_number == gpu->minor_number)
			return mig_error_set(
				err, MIG_ERROR_CONFIG,
				"gpus[%u].minor: %u is the minor number of gpus[%u] too", index,
				gpu->minor_number, i);
	}
	return 0;
}

int mig_sim_description_finish(struct mig_sim_description *d, const char *driver,
			       struct mig_error **err)
{
	const struct mig_sim_driver *found = mig_sim_driver_find(driver, err);

	if (!found)
		return -1;
	set_driver(d, found);
	d->node.owner_uid = (uint32_t)geteuid();
	for (uint32_t i = 0; i < d->node.gpu_count; i++)
		derive_identity(d, i);
	for (uint32_t i = 0; i < d->node.gpu_count; i++) {
		if (check_gpu(d, i, err))
			return -1;
	}
	return 0;
}

/* ---- the short form --------------------------------------------------------------------------- */

/* ":swapped", ":reset-required", …; `options` is changed. */
static int spec_options(char *options, struct mig_sim_gpu_desc *gpu, struct mig_error **err)
{
	static const char *const known[] = {"normal", "swapped", "immediate", "reset-required",
					    "in-use"};
	char *word;

	while ((word = strsep(&options, ":"))) {
		int layout = mig_sim_word_find(mig_sim_layout_words, MIG_SIM_LAYOUT_COUNT, word);
		int change = mig_sim_word_find(mig_sim_mode_change_words, MIG_SIM_MODE_CHANGE_COUNT,
					       word);

		if (layout >= 0) {
			gpu->layout = (uint8_t)layout;
		} else if (change >= 0) {
			gpu->mode_change = (uint8_t)change;
		} else {
			mig_error_set(err, MIG_ERROR_REFUSED, "unknown GPU option '%s'", word);
			return mig_sim_hint_words(err, word, known, MIG_ARRAY_SIZE(known));
		}
	}
	return 0;
}

/* The "8x" in front, if there is one: *item moves behind it. */
static int spec_count(char **item, uint64_t *count, struct mig_error **err)
{
	size_t digits = strspn(*item, "0123456789");
	char *x = *item + digits;

	*count = 1;
	if (digits == 0 || (*x != 'x' && *x != 'X'))
		return 0;
	if (mig_parse_u64_n(*item, digits, 1, MIG_SIM_GPUS_MAX, count)) {
		mig_error_set(err, MIG_ERROR_REFUSED,
			      "a node has at most %d GPUs, and a count is at least 1, not %.*s",
			      MIG_SIM_GPUS_MAX, (int)MIG_MIN(digits, (size_t)32), *item);
		return -1;
	}
	*item = x + 1;
	return 0;
}

static int spec_item(struct mig_sim_description *d, char *item, struct mig_error **err)
{
	struct mig_sim_gpu_desc gpu;
	uint64_t count;
	char *options = item;
	char *key;
	int model;

	if (spec_count(&options, &count, err))
		return -1;
	key = strsep(&options, ":");
	if (*key == '\0') {
		mig_error_set(err, MIG_ERROR_USAGE, "a GPU model is missing");
		return mig_error_hint(err, "write it as 8xa100-sxm4-40gb,1xa30-24gb");
	}
	model = mig_sim_description_model(d, key, err);
	if (model < 0)
		return -1;
	gpu = mig_sim_gpu_desc_default((uint32_t)model);
	if (options && spec_options(options, &gpu, err))
		return -1;
	return mig_sim_description_add_gpus(d, &gpu, count, err);
}

int mig_sim_describe_gpus(const char *name, const char *gpus, const char *driver,
			  struct mig_sim_description **out, struct mig_error **err)
{
	_cleanup_(mig_cleanup_description) struct mig_sim_description *d = NULL;
	_cleanup_free_ char *copy = NULL;
	char *rest;
	char *item;

	d = mig_sim_description_new(name, err);
	if (!d)
		return -1;
	if (strlen(gpus) > GPU_SPEC_MAX)
		return mig_error_set(err, MIG_ERROR_REFUSED, "GPUs in more than %d characters",
				     GPU_SPEC_MAX);
	copy = strdup(gpus);
	if (!copy)
		return mig_error_set_errno(err, ENOMEM, "GPUs '%s'", gpus);
	/* A machine whose driver finds no GPU is worth a rehearsal, too. */
	rest = strcasecmp(copy, SPEC_NO_GPUS) == 0 ? NULL : copy;
	while ((item = strsep(&rest, ","))) {
		if (spec_item(d, item, err))
			return mig_error_wrap(err, "GPUs '%s'", gpus);
	}
	if (mig_sim_description_finish(d, driver, err))
		return -1;
	*out = MIG_TAKE_PTR(d);
	return 0;
}

/* ---- what keeps a model from being simulated --------------------------------------------------- */

static bool lacks_id(const struct mig_table_gi_profile *gi)
{
	return gi->id == MIG_TABLE_UNKNOWN;
}

static bool lacks_memory(const struct mig_table_gi_profile *gi)
{
	return gi->memory_mib == MIG_TABLE_UNKNOWN;
}

static bool lacks_sm(const struct mig_table_gi_profile *gi)
{
	return gi->sm == MIG_TABLE_UNKNOWN;
}

static bool lacks_count(const struct mig_table_gi_profile *gi)
{
	return gi->instances_total == MIG_TABLE_UNKNOWN_U8;
}

static bool lacks_placements(const struct mig_table_gi_profile *gi)
{
	return gi->start_count == 0 || gi->placement_size == 0;
}

static const struct {
	const char *what;
	bool (*lacks)(const struct mig_table_gi_profile *gi);
} needs[] = {
	{"id", lacks_id},
	{"memory", lacks_memory},
	{"multiprocessors", lacks_sm},
	{"number of instances", lacks_count},
	{"placements", lacks_placements},
};

/* "WHAT of 1g.16gb 2g.32gb", or "WHAT of all profiles". */
static void missing_of_profiles(const struct mig_gpu_table *model, size_t need,
				struct mig_buf *text)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < model->gi_profile_count; i++)
		count += needs[need].lacks(&model->gi[i]);
	if (count == 0)
		return;
	mig_buf_printf(text, "%s%s of", text->len ? ", " : "", needs[need].what);
	if (count == model->gi_profile_count) {
		mig_buf_puts(text, " all profiles");
		return;
	}
	for (unsigned int i = 0; i < model->gi_profile_count; i++) {
		if (needs[need].lacks(&model->gi[i]))
			mig_buf_printf(text, " %s", model->gi[i].name);
	}
}

void mig_sim_model_missing(const struct mig_gpu_table *model, struct mig_buf *out)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(GPU_SPEC_MAX);

	if (model->memory_total_mib == MIG_TABLE_UNKNOWN)
		mig_buf_puts(&text, "memory of the GPU");
	if (model->is_mig_capable && model->gi_profile_count == 0)
		mig_buf_printf(&text, "%sall profiles", text.len ? ", " : "");
	if (model->is_mig_capable && model->memory_slices == 0)
		mig_buf_printf(&text, "%splacement units of the GPU", text.len ? ", " : "");
	for (size_t i = 0; i < MIG_ARRAY_SIZE(needs); i++)
		missing_of_profiles(model, i, &text);
	mig_buf_puts(out, mig_buf_text(&text));
}
