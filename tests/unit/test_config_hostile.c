/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration files that want to hurt: nesting, anchors, aliases, merges, lines without end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "tests/harness/test.h"
#include "tests/unit/config_case.h"

#define HEAD "version: v1\nmig-configs:\n"

MIG_TEST(config_refuses_deep_nesting_at_once)
{
	size_t len = 1 << 20;
	char *text = malloc(len);

	MIG_ASSERT(text != NULL);
	memset(text, '[', len);
	config_refused_bytes(text, len, "c.yaml:1:33: nested deeper than 32 levels", NULL);
	for (size_t i = 0; i < len; i++)
		text[i] = i % 2 == 0 ? '-' : ' ';
	config_refused_bytes(text, len, "c.yaml:1:65: nested deeper than 32 levels", NULL);
	free(text);
}

MIG_TEST(config_refuses_thousands_of_anchors)
{
	char *text = malloc(100000);
	size_t used = 0;

	MIG_ASSERT(text != NULL);
	for (int i = 0; i <= 1000; i++)
		used += (size_t)snprintf(text + used, 100000 - used, "- &a%d x\n", i);
	config_refused_bytes(text, used, "c.yaml:1001:3: more than 1000 anchors", NULL);
	free(text);
}

MIG_TEST(config_takes_no_harm_from_a_billion_laughs)
{
	config_refused("a: &a [x,x,x,x,x,x,x,x,x]\n"
		       "b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
		       "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
		       "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
		       "e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\n"
		       "f: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\n"
		       "g: &g [*f,*f,*f,*f,*f,*f,*f,*f,*f]\n"
		       "h: &h [*g,*g,*g,*g,*g,*g,*g,*g,*g]\n"
		       "version: *h\n",
		       "c.yaml:1:1: unknown field 'a'", NULL);
}

/* The same within the format: labels of entries of devices, each list an alias. */
MIG_TEST(config_limits_what_aliases_repeat)
{
	size_t size = 1 << 20;
	char *text = malloc(size);
	size_t used;
	struct mig_config *config = NULL;
	struct mig_error *err = NULL;

	MIG_ASSERT(text != NULL);
	used = (size_t)snprintf(text, size,
				HEAD "  a: &list\n"
				     "  - &entry {mig-enabled: false, devices: [0");
	for (int i = 1; i < 2000; i++)
		used += (size_t)snprintf(text + used, size - used, ",0");
	used += (size_t)snprintf(text + used, size - used, "]}\n");
	for (int i = 1; i < 2000; i++)
		used += (size_t)snprintf(text + used, size - used, "  - *entry\n");
	for (int i = 1; i < 2000; i++)
		used += (size_t)snprintf(text + used, size - used, "  a%d: *list\n", i);
	MIG_ASSERT_INT_EQ(mig_config_parse("c.yaml", text, used, &config, &err), -1);
	MIG_ASSERT_CONTAINS(mig_error_message(err), "c.yaml:4:42: more than 1000000 items in all");
	MIG_ASSERT_INT_EQ(mig_error_code(err), MIG_ERROR_CONFIG);
	mig_error_free(err);
	free(text);
}

MIG_TEST(config_takes_no_harm_from_an_alias_of_itself)
{
	config_refused("&a\nversion: v1\nmig-configs: *a\n",
		       "c.yaml:2:10: label 'version' is not a list with at least one entry", NULL);
	config_refused(HEAD "  a: &a\n  - *a\n",
		       "c.yaml:3:6: an entry is a mapping with 'devices' and 'mig-enabled'", NULL);
	config_refused(HEAD "  a:\n  - &e\n    devices: *e\n    mig-enabled: false\n",
		       "c.yaml:4:5: 'devices' is 'all' or a list of GPU indices", NULL);
	config_refused("&a [*a]\n",
		       "c.yaml:1:1: a mapping with 'version' and the layouts is expected", NULL);
}

MIG_TEST(config_refuses_hundreds_of_profiles)
{
	char *text = malloc(100000);
	size_t used;

	MIG_ASSERT(text != NULL);
	used = (size_t)snprintf(text, 100000,
				HEAD "  a:\n  - devices: all\n    mig-enabled: true\n"
				     "    mig-devices:\n");
	for (int i = 1; i <= 257; i++)
		used += (size_t)snprintf(text + used, 100000 - used, "      1g.%dgb: 1\n", i);
	config_refused_bytes(text, used, "c.yaml:7:7: more than 256 profiles in 'mig-devices'",
			     NULL);
	free(text);
}

MIG_TEST(config_takes_no_harm_from_a_line_of_16_mib)
{
	size_t len = MIG_CONFIG_FILE_MAX;
	char *text = malloc(len + 1);
	size_t used;

	MIG_ASSERT(text != NULL);
	memset(text, 'a', len);
	text[len] = '\0';
	config_refused_bytes(text, len,
			     "c.yaml:1:1: a mapping with 'version' and the layouts is expected",
			     NULL);
	used = (size_t)snprintf(text, len, "version: v1\n? ");
	text[used] = 'a';
	config_refused_bytes(
		text, len,
		"c.yaml:2:3: unknown field "
		"'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...'",
		NULL);
	free(text);
}

MIG_TEST(config_takes_no_harm_from_merges_of_merges)
{
	config_refused("a: &a {x: 1}\n"
		       "b: &b {<<: [*a,*a,*a,*a,*a,*a,*a,*a]}\n"
		       "c: &c {<<: [*b,*b,*b,*b,*b,*b,*b,*b]}\n"
		       "d: &d {<<: [*c,*c,*c,*c,*c,*c,*c,*c]}\n"
		       "version: v1\n"
		       "mig-configs: {<<: *d}\n",
		       "c.yaml:1:1: unknown field 'a'", NULL);
	config_refused(
		"version: v1\n"
		"mig-configs:\n"
		"  <<: &h [&g {<<: &f [&e {<<: &d [&c {<<: &b [&a {x: 1}, *a, *a, *a, *a, *a, *a, "
		"*a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a]}, *c, *c, *c, *c, *c, *c, *c, "
		"*c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c]}, *e, *e, *e, *e, *e, *e, *e, *e, "
		"*e, *e, *e, *e, *e, *e, *e, *e, *e, *e, *e]}, *g, *g, *g, *g, *g, *g, *g, *g, *g, "
		"*g, *g, *g, *g, *g, *g, *g, *g, *g, *g]\n",
		"c.yaml:3:3: more than 65536 labels", NULL);
}
