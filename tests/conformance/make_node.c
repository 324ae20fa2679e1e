/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See make_node.h. The text of the GPUs is our own tests', so it is parsed plainly.
 */
#include "tests/conformance/make_node.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "shared/macros.h"
#include "shared/text.h"
#include "sim/engine/engine.h"

enum {
	MODELS_MAX = 32,
	SPEC_SIZE = 128,
};

struct work {
	struct mig_sim_node_desc node;
	struct mig_gpu_table models[MODELS_MAX];
	struct mig_sim_gpu_state states[MIG_SIM_GPUS_MAX];
};

/* The node's row of a model; added when it is new. -1: unknown. */
static int model_row(struct work *work, const char *key)
{
	const struct mig_gpu_table *model = mig_gpu_table_find(key);

	for (unsigned int i = 0; i < work->node.model_count; i++) {
		if (strcasecmp(work->models[i].key, key) == 0)
			return (int)i;
	}
	if (!model || work->node.model_count == MODELS_MAX)
		return -1;
	work->models[work->node.model_count] = *model;
	return (int)work->node.model_count++;
}

static int add_gpu(struct work *work, unsigned int model, bool swapped,
		   const struct make_node_options *options)
{
	unsigned int index = work->node.gpu_count;
	struct mig_sim_gpu_desc *gpu = &work->node.gpus[index];
	struct mig_sim_gpu facts = {
		.node = &work->node, .desc = gpu, .model = &work->models[model]};

	if (index == MIG_SIM_GPUS_MAX)
		return -1;
	work->node.gpu_count++;
	mig_sim_gpu_uuid(work->node.name, index, gpu->uuid);
	gpu->pdi = mig_sim_gpu_pdi(gpu->uuid);
	gpu->model = model;
	gpu->minor_number = index;
	/* Buses 10, 30, 50, … f0, then the same in the next domain. */
	gpu->pci_domain = index / 8;
	gpu->pci_bus = 0x10 + 0x20 * (index % 8);
	mig_text_format(gpu->bus_id, sizeof(gpu->bus_id), "%08X:%02X:%02X.0", gpu->pci_domain,
			gpu->pci_bus, gpu->pci_device);
	gpu->numa_node = (int)options->numa_node_plus_one - 1;
	gpu->layout = swapped ? MIG_SIM_LAYOUT_SWAPPED : MIG_SIM_LAYOUT_NORMAL;
	gpu->mode_change = options->mode_change;
	gpu->initial_mig_mode = options->initial_mig_mode;
	mig_sim_gpu_init(&facts, &work->states[index]);
	return 0;
}

/* "2xa30-24gb:swapped" */
static int add_gpus(struct work *work, char *spec, const struct make_node_options *options)
{
	char *option = strchr(spec, ':');
	char *key = spec;
	unsigned long count = 1;
	int model;

	if (option)
		*option++ = '\0';
	if (spec[0] >= '0' && spec[0] <= '9') {
		count = strtoul(spec, &key, 10);
		if (*key++ != 'x')
			return -1;
	}
	model = model_row(work, key);
	if (model < 0 || (option && strcmp(option, "swapped") != 0))
		return -1;
	for (unsigned long i = 0; i < count; i++) {
		if (add_gpu(work, (unsigned int)model, option != NULL, options) < 0)
			return -1;
	}
	return 0;
}

static void set_driver(struct mig_sim_node_desc *node, unsigned int branch)
{
	static const struct {
		uint32_t branch;
		const char *driver, *nvml;
		uint32_t cuda;
	} drivers[] = {
		{470, "470.256.02", "11.470.256.02", 11040},
		{535, "535.309.01", "12.535.309.01", 12020},
		{550, "550.163.01", "12.550.163.01", 12040},
		{580, "580.173.02", "13.580.173.02", 13000},
	};

	for (unsigned int i = 0; i < MIG_ARRAY_SIZE(drivers); i++) {
		if (drivers[i].branch != branch)
			continue;
		node->branch = branch;
		node->cuda_version = drivers[i].cuda;
		mig_text_copy(node->driver_version, sizeof(node->driver_version),
			      drivers[i].driver);
		mig_text_copy(node->nvml_version, sizeof(node->nvml_version), drivers[i].nvml);
	}
}

static int fill(struct work *work, const char *gpus, const struct make_node_options *options)
{
	mig_text_copy(work->node.name, sizeof(work->node.name),
		      options->name ? options->name : "test");
	set_driver(&work->node, options->branch ? options->branch : MIG_SIM_BRANCH_550);
	work->node.owner_uid = options->owner_uid;
	work->node.off_capacity = options->off_capacity;
	work->node.export_table = options->export_table;
	work->node.is_serial = options->is_serial;
	memcpy(work->node.timing_ms, options->timing_ms, sizeof(work->node.timing_ms));
	while (*gpus) {
		char spec[SPEC_SIZE];
		size_t length = strcspn(gpus, ",");

		if (length >= sizeof(spec))
			return -1;
		memcpy(spec, gpus, length);
		spec[length] = '\0';
		if (add_gpus(work, spec, options) < 0)
			return -1;
		gpus += length;
		gpus += *gpus == ',';
	}
	return 0;
}

int make_node(const char *path, const char *gpus, const struct make_node_options *options,
	      char *why)
{
	static const struct make_node_options defaults;
	_cleanup_free_ struct work *work = calloc(1, sizeof(*work));

	if (!work || fill(work, gpus, options ? options : &defaults) < 0) {
		mig_text_format(why, MIG_SIM_DETAIL_SIZE, "cannot understand '%s'", gpus);
		return -1;
	}
	if (mkdir(path, 0755) < 0 && errno != EEXIST) {
		mig_text_format(why, MIG_SIM_DETAIL_SIZE, "cannot make '%s': %s", path,
				strerror(errno));
		return -1;
	}
	return mig_sim_store_create(path, &work->node, work->models, work->states, why) ==
			       MIG_SIM_OK
		       ? 0
		       : -1;
}
