/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a simulated GPU says about its clocks, power, temperatures and links: constants, one row per
 * model. The rows come from data/monitoring.json (docs/simulated-monitoring.md); none is measured or
 * taken from a source.
 *
 * Unlike the GPU tables these rows are no part of a node's state: they do not bear on what fits
 * where. A model without a row of its own (one that a node description brings along) answers with
 * its architecture's.
 */
#pragma once

#include <stdint.h>

#include "data/tables/gpu_table.h"

/* Memory clocks that one model can have. */
#define MIG_MONITOR_MEMORY_CLOCKS_MAX 4

/* MIG_TABLE_UNKNOWN in a number: the GPU has no answer. */
struct mig_monitor_row {
	const char *key;   /* of the model; "" in the row of an architecture */
	const char *vbios; /* version */
	uint32_t power_limit_w;
	uint32_t power_min_w;
	uint32_t power_max_w;
	uint32_t power_idle_w; /* what it always draws */
	uint32_t graphics_max_mhz;
	uint32_t graphics_min_mhz;
	uint32_t graphics_step_mhz; /* between two supported graphics clocks */
	uint32_t graphics_idle_mhz; /* what it always runs at */
	uint32_t graphics_app_mhz;  /* default applications clock */
	uint32_t video_max_mhz;
	uint32_t video_idle_mhz;
	uint32_t gpu_idle_c; /* what it always has */
	uint32_t memory_idle_c;
	uint32_t shutdown_c;
	uint32_t slowdown_c;
	uint32_t gpu_max_c;
	uint32_t memory_max_c;
	uint32_t pcie_generation;
	uint32_t pcie_width;
	uint32_t nvlink_count;
	uint32_t nvlink_version;
	uint32_t nvlink_mbps;	     /* of one link, MB/s */
	uint32_t nvlink_is_switched; /* 1: the links go to NVSwitches, else to bridges */
	uint32_t bus_width_bits;
	uint32_t cores_per_sm;
	uint32_t fan_count; /* 0: cooled by the chassis */
	uint32_t fan_idle_percent;
	uint32_t remap_banks; /* banks that rows can be remapped in; 0: retires pages instead */
	uint32_t memory_clock_count;
	uint32_t memory_mhz[MIG_MONITOR_MEMORY_CLOCKS_MAX]; /* highest first */
};

extern const struct mig_monitor_row mig_monitor_rows[];
extern const unsigned int mig_monitor_row_count;

/* The rows of the architectures; that of MIG_ARCH_UNKNOWN knows nothing. */
extern const struct mig_monitor_row mig_monitor_architectures[MIG_ARCH_COUNT];

/*
 * The row of a model: its own, else its architecture's (an enum mig_table_arch; anything out of
 * range counts as unknown). Never NULL. Thread-safe.
 */
const struct mig_monitor_row *mig_monitor_row_find(const char *key, unsigned int arch);
