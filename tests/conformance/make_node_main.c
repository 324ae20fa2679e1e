/* SPDX-License-Identifier: Apache-2.0 */
/*
 * make-node DIRECTORY GPUS [OPTION=NUMBER...]: make_node() for tests in Python. The options are
 * the members of struct make_node_options.
 */
#include <stdio.h>
#include <string.h>

#include "shared/macros.h"
#include "shared/number.h"
#include "tests/conformance/make_node.h"

static int set_option(struct make_node_options *options, const char *text)
{
	const char *equals = strchr(text, '=');
	uint32_t value;

	if (!equals || mig_parse_u32(equals + 1, 0, UINT32_MAX, &value) < 0)
		return -1;
	if (strncmp(text, "branch=", 7) == 0)
		options->branch = value;
	else if (strncmp(text, "owner_uid=", 10) == 0)
		options->owner_uid = value;
	else if (strncmp(text, "off_capacity=", 13) == 0)
		options->off_capacity = (uint8_t)value;
	else if (strncmp(text, "export_table=", 13) == 0)
		options->export_table = (uint8_t)value;
	else if (strncmp(text, "mode_change=", 12) == 0)
		options->mode_change = (uint8_t)value;
	else if (strncmp(text, "initial_mig_mode=", 17) == 0)
		options->initial_mig_mode = (uint8_t)value;
	else
		return -1;
	return 0;
}

int main(int argc, char **argv)
{
	struct make_node_options options = {0};
	char why[MIG_SIM_DETAIL_SIZE] = "";

	if (argc < 3) {
		fprintf(stderr, "usage: make-node DIRECTORY GPUS [OPTION=NUMBER...]\n");
		return 2;
	}
	for (int i = 3; i < argc; i++) {
		if (set_option(&options, argv[i]) < 0) {
			fprintf(stderr, "make-node: not an option: '%s'\n", argv[i]);
			return 2;
		}
	}
	if (make_node(argv[1], argv[2], &options, why) < 0) {
		fprintf(stderr, "make-node: %s\n", why);
		return 1;
	}
	return 0;
}
