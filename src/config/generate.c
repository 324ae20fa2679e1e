/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual choices for the GPUs of a node, in the words of nvidia-mig-parted's generate-config: one
 * label per GPU instance profile, with as many of it as a GPU takes, and all-balanced, which has
 * small, medium and large ones. See export.h.
 *
 * As there, GPUs are told apart by PCI id, and of equal ones the last one counts.
 */
#include "config/export.h"

#include <stdlib.h>
#include <string.h>

#include "shared/text.h"

#define SOURCE_NAME "the generated configuration"

/* A kind of GPU. */
struct kind {
	uint32_t id;
	const struct mig_facts *facts;
};

struct generator {
	struct mig_config *config;
	size_t kind_count;
	struct kind *kinds; /* by id */
	struct mig_error **err;
};

static int out_of_memory(struct generator *g)
{
	return mig_error_set(g->err, MIG_ERROR_NO_MEMORY, "out of memory");
}

static int compare_kinds(const void *a, const void *b)
{
	const struct kind *x = a;
	const struct kind *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static void add_kind(struct generator *g, const struct mig_gpu *gpu)
{
	size_t at = 0;

	while (at < g->kind_count && g->kinds[at].id != gpu->pci_device_id)
		at++;
	g->kinds[at] = (struct kind){gpu->pci_device_id, gpu->facts};
	g->kind_count += at == g->kind_count;
}

static int collect_kinds(struct generator *g, const struct mig_snapshot *snapshot)
{
	bool is_any = false;

	for (unsigned int i = 0; i < snapshot->gpu_count; i++) {
		const struct mig_gpu *gpu = &snapshot->gpus[i];

		is_any = is_any || gpu->is_mig_capable;
		if (gpu->is_mig_capable && gpu->facts != NULL && gpu->facts->gi_count > 0)
			add_kind(g, gpu);
	}
	if (!is_any)
		return mig_error_set(g->err, MIG_ERROR_NO_DRIVER, "no GPU of this node has MIG");
	if (g->kind_count == 0) {
		mig_error_set(g->err, MIG_ERROR_REFUSED,
			      "the driver lists no MIG profiles while MIG mode is off, and migctl "
			      "has no table of these GPUs");
		return mig_error_hint(g->err, "turn it on first: migctl mode on");
	}
	qsort(g->kinds, g->kind_count, sizeof(*g->kinds), compare_kinds);
	return 0;
}

/* An entry for all GPUs, or all with these ids once there are several kinds. NULL with *err. */
static struct mig_config_entry *add_entry(struct generator *g, struct mig_config_label *label)
{
	struct mig_config_entry *entry = mig_config_add_entry(label);

	if (entry == NULL) {
		out_of_memory(g);
		return NULL;
	}
	entry->all_gpus = true;
	entry->mig_enabled = true;
	entry->filter_is_list = true;
	return entry;
}

static int add_filter(struct generator *g, struct mig_config_entry *entry, uint32_t id)
{
	struct mig_config_filter *filter;

	if (g->kind_count == 1)
		return 0;
	filter = mig_config_add_filter(entry);
	if (filter == NULL)
		return out_of_memory(g);
	filter->device_id = id;
	return 0;
}

static int add_device(struct generator *g, struct mig_config_entry *entry, const char *profile,
		      unsigned int count)
{
	struct mig_config_device *device = mig_config_add_device(entry, profile);

	if (device == NULL)
		return out_of_memory(g);
	device->count = count;
	return 0;
}

static int add_plain_label(struct generator *g, const char *name, bool mig_enabled)
{
	struct mig_config_label *label = mig_config_add_label(g->config, name);
	struct mig_config_entry *entry;

	if (label == NULL)
		return out_of_memory(g);
	entry = add_entry(g, label);
	if (entry == NULL)
		return -1;
	entry->mig_enabled = mig_enabled;
	return 0;
}

/* ---- all-PROFILE ------------------------------------------------------------------------------ */

/* "1g.5gb+me" is the label all-1g.5gb.me. */
static void label_name(const char *profile, char *name, size_t size)
{
	mig_text_format(name, size, "all-%s", profile);
	for (char *c = name; *c != '\0'; c++)
		*c = *c == '+' ? '.' : *c;
}

static const struct mig_gi_profile *find_profile(const struct kind *kind, const char *name)
{
	for (unsigned int i = 0; i < kind->facts->gi_count; i++) {
		if (strcmp(kind->facts->gi[i].name, name) == 0)
			return &kind->facts->gi[i];
	}
	return NULL;
}

/* The smallest number above `above` that some kind takes of this profile; 0: none. */
static unsigned int next_count(const struct generator *g, const char *profile, unsigned int above)
{
	unsigned int next = 0;

	for (size_t i = 0; i < g->kind_count; i++) {
		const struct mig_gi_profile *gi = find_profile(&g->kinds[i], profile);

		if (gi != NULL && gi->instance_max > above &&
		    (next == 0 || gi->instance_max < next))
			next = gi->instance_max;
	}
	return next;
}

static int add_profile_label(struct generator *g, const char *profile)
{
	char name[MIG_PROFILE_NAME_SIZE + 8];
	struct mig_config_label *label;

	label_name(profile, name, sizeof(name));
	label = mig_config_add_label(g->config, name);
	if (label == NULL)
		return out_of_memory(g);
	for (unsigned int count = next_count(g, profile, 0); count > 0;
	     count = next_count(g, profile, count)) {
		struct mig_config_entry *entry = add_entry(g, label);

		if (entry == NULL || add_device(g, entry, profile, count) < 0)
			return -1;
		for (size_t i = 0; i < g->kind_count; i++) {
			const struct mig_gi_profile *gi = find_profile(&g->kinds[i], profile);

			if (gi != NULL && gi->instance_max == count &&
			    add_filter(g, entry, g->kinds[i].id) < 0)
				return -1;
		}
	}
	return 0;
}

static bool has_label(const struct mig_config *config, const char *name)
{
	for (size_t i = 0; i < config->label_count; i++) {
		if (strcmp(config->labels[i].name, name) == 0)
			return true;
	}
	return false;
}

static int add_profile_labels(struct generator *g)
{
	for (size_t k = 0; k < g->kind_count; k++) {
		for (unsigned int i = 0; i < g->kinds[k].facts->gi_count; i++) {
			const struct mig_gi_profile *gi = &g->kinds[k].facts->gi[i];
			char name[MIG_PROFILE_NAME_SIZE + 8];

			label_name(gi->name, name, sizeof(name));
			if (gi->instance_max > 0 && !has_label(g->config, name) &&
			    add_profile_label(g, gi->name) < 0)
				return -1;
		}
	}
	return 0;
}

/* ---- all-balanced ----------------------------------------------------------------------------- */

/* How many of 1g, 2g and 3g on a GPU of so many slices. */
static const struct formula {
	unsigned int slices;
	unsigned int counts[4]; /* by g */
} formulas[] = {
	{7, {0, 2, 1, 1}},
	{4, {0, 2, 1, 0}},
};

/* The profile without attributes of which most fit on a GPU; NULL: none. */
static const struct mig_gi_profile *base_profile(const struct kind *kind, unsigned int slices)
{
	const struct mig_gi_profile *best = NULL;

	for (unsigned int i = 0; i < kind->facts->gi_count; i++) {
		const struct mig_gi_profile *gi = &kind->facts->gi[i];

		if (gi->parsed.attribute_count == 0 && gi->parsed.gpu_slices == slices &&
		    (best == NULL || gi->instance_max > best->instance_max))
			best = gi;
	}
	return best;
}

static const struct formula *find_formula(const struct kind *kind)
{
	unsigned int slices = 0;

	for (unsigned int i = 0; i < kind->facts->gi_count; i++) {
		const struct mig_profile_name *name = &kind->facts->gi[i].parsed;

		if (name->attribute_count == 0 && name->gpu_slices > slices)
			slices = name->gpu_slices;
	}
	for (size_t f = 0; f < MIG_ARRAY_SIZE(formulas); f++) {
		bool is_possible = formulas[f].slices == slices;

		for (unsigned int n = 1; is_possible && n < 4; n++)
			is_possible = formulas[f].counts[n] == 0 || base_profile(kind, n) != NULL;
		if (is_possible)
			return &formulas[f];
	}
	return NULL;
}

static int add_balanced(struct generator *g)
{
	struct mig_config_label *label = NULL;

	for (size_t k = 0; k < g->kind_count; k++) {
		const struct formula *formula = find_formula(&g->kinds[k]);
		struct mig_config_entry *entry;

		if (formula == NULL)
			continue;
		if (label == NULL)
			label = mig_config_add_label(g->config, "all-balanced");
		if (label == NULL)
			return out_of_memory(g);
		entry = add_entry(g, label);
		if (entry == NULL || add_filter(g, entry, g->kinds[k].id) < 0)
			return -1;
		for (unsigned int n = 1; n < 4; n++) {
			if (formula->counts[n] > 0 &&
			    add_device(g, entry, base_profile(&g->kinds[k], n)->name,
				       formula->counts[n]) < 0)
				return -1;
		}
	}
	return 0;
}

int mig_config_generate(const struct mig_snapshot *snapshot, struct mig_config **out,
			struct mig_error **err)
{
	_cleanup_config_ struct mig_config *config = mig_config_new(SOURCE_NAME);
	_cleanup_free_ struct kind *kinds = calloc((size_t)snapshot->gpu_count + 1, sizeof(*kinds));
	struct generator g = {.config = config, .kinds = kinds, .err = err};

	if (config == NULL || kinds == NULL)
		return out_of_memory(&g);
	if (collect_kinds(&g, snapshot) < 0 || add_plain_label(&g, "all-disabled", false) < 0 ||
	    add_plain_label(&g, "all-enabled", true) < 0 || add_profile_labels(&g) < 0 ||
	    add_balanced(&g) < 0)
		return -1;
	*out = MIG_TAKE_PTR(config);
	return 0;
}
