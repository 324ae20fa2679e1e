/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CUDA_VISIBLE_DEVICES by the rules below driver branch 570 and from it on: every form of an entry,
 * what ends a list, what hides all, and how many MIG devices are left.
 *
 * The node: GPU 0 without MIG; GPU 1 with GPU instance 1 (compute instances 0 and 1) and 11
 * (compute instance 0); GPU 2 with MIG on and nothing made; GPU 3 without MIG.
 */
#include "sim/control/visible.h"

#include <stdlib.h>
#include <string.h>

#include "shared/text.h"
#include "sim/control/control.h"
#include "tests/harness/test.h"

#define TEXT_SIZE 1024

static struct {
	struct mig_sim_description *d;
	struct mig_sim_state *state;
	struct mig_sim_view view;
} node;

static unsigned int make_gi(unsigned int gpu, unsigned int profile, uint32_t start, uint32_t size)
{
	const struct mig_sim_gpu facts = {
		.node = &node.d->node, .desc = &node.d->node.gpus[gpu], .model = node.d->models};
	unsigned int gi = 99;

	MIG_ASSERT_INT_EQ(mig_sim_gi_create(&facts, &node.state->gpus[gpu], profile, start, size,
					    &gi),
			  NVML_SUCCESS);
	return gi;
}

static void make_ci(unsigned int gpu, unsigned int gi, unsigned int profile)
{
	const struct mig_sim_gpu facts = {
		.node = &node.d->node, .desc = &node.d->node.gpus[gpu], .model = node.d->models};
	unsigned int ci = 99;

	MIG_ASSERT_INT_EQ(mig_sim_ci_create(&facts, &node.state->gpus[gpu], gi, profile,
					    MIG_SIM_ANY_START, 0, &ci),
			  NVML_SUCCESS);
}

static void begin(const char *gpus, const char *driver)
{
	MIG_ASSERT_INT_EQ(mig_sim_describe_gpus("node", gpus, driver, &node.d, NULL), 0);
	node.state =
		calloc(1, sizeof(*node.state) + MIG_SIM_GPUS_MAX * sizeof(node.state->gpus[0]));
	MIG_ASSERT(node.state);
	for (unsigned int i = 0; i < node.d->node.gpu_count; i++) {
		const struct mig_sim_gpu facts = {.node = &node.d->node,
						  .desc = &node.d->node.gpus[i],
						  .model = node.d->models};

		mig_sim_gpu_init(&facts, &node.state->gpus[i]);
	}
	node.view = (struct mig_sim_view){
		.node = &node.d->node, .models = node.d->models, .state = node.state};
}

static void start(const char *driver)
{
	begin("4xa100-sxm4-40gb", driver);
	node.state->gpus[1].mig_current = 1;
	node.state->gpus[2].mig_current = 1;
	MIG_ASSERT_UINT_EQ(make_gi(1, 9, 0, 4), 1);
	make_ci(1, 1, 0);
	make_ci(1, 1, 0);
	MIG_ASSERT_UINT_EQ(make_gi(1, 19, 4, 1), 11);
	make_ci(1, 11, 0);
}

static void end(void)
{
	free(node.state);
	mig_sim_description_free(node.d);
}

/* A template with {g0} for the UUID of GPU 0 and {m1.11.0} for that of a MIG device; a '~' behind
 * takes all but the first 12 characters away. */
static const char *expand(const char *template)
{
	static char text[TEXT_SIZE];
	size_t length = 0;

	if (!template)
		return NULL;
	while (*template) {
		struct mig_sim_place place = mig_sim_place_gpu(0);
		char uuid[MIG_SIM_UUID_SIZE];

		if (*template != '{') {
			text[length++] = *template ++;
			continue;
		}
		place.gpu = (unsigned int)(template[2] - '0');
		if (template[1] == 'm') {
			char *rest;

			place.gi = (unsigned int)strtoul(template + 4, &rest, 10);
			place.ci = (unsigned int)(rest[1] - '0');
		}
		mig_sim_view_uuid(&node.view, place, uuid);
		template = strchr(template, '}') + 1;
		if (*template == '~') {
			uuid[12] = '\0';
			template ++;
		}
		MIG_ASSERT(mig_text_copy(text + length, sizeof(text) - length, uuid));
		length += strlen(uuid);
	}
	text[length] = '\0';
	return text;
}

/* "0 1/11/0": GPUs and compute instances in order. */
static void assert_visible(const char *template, const char *want, const char *why)
{
	struct mig_sim_visible found;
	char got[TEXT_SIZE] = "";
	size_t length = 0;

	mig_sim_visible_find(&node.view, expand(template), &found);
	for (unsigned int i = 0; i < found.count; i++) {
		const struct mig_sim_place *place = &found.places[i];

		if (place->gi == MIG_SIM_NO_INSTANCE)
			mig_text_format(got + length, sizeof(got) - length, " %u", place->gpu);
		else
			mig_text_format(got + length, sizeof(got) - length, " %u/%u/%u", place->gpu,
					place->gi, place->ci);
		length = strlen(got);
	}
	MIG_ASSERT_MSG(strcmp(got + (got[0] == ' '), want) == 0, "%s: got '%s', wanted '%s'",
		       template ? template : "(unset)", got, want);
	if (why)
		MIG_ASSERT_CONTAINS(found.why, why);
	else
		MIG_ASSERT_STR_EQ(found.why, "");
}

struct row {
	const char *variable;
	const char *want;
	const char *why; /* part of it; NULL: none */
};

static void check(const char *driver, const struct row *rows, size_t count)
{
	start(driver);
	for (size_t i = 0; i < count; i++)
		assert_visible(rows[i].variable, rows[i].want, rows[i].why);
	end();
}

MIG_TEST(below_570)
{
	static const struct row rows[] = {
		/* One MIG device in all, and then no GPU without MIG. */
		{NULL, "1/1/0", NULL},
		{"", "", "is empty"},
		{" ", "", "is empty"},
		/* Numbers are GPUs; of one with MIG on the first compute instance. */
		{"0", "0", NULL},
		{"1", "1/1/0", NULL},
		{"3,0", "3 0", NULL},
		{" 3 , 0 ", "3 0", NULL},
		{"0,1", "1/1/0", NULL},
		{"1,0", "1/1/0", NULL},
		{"2", "", "GPU 2 has MIG mode on and no compute instance"},
		{"0,2,3", "0", "GPU 2 has MIG mode on"},
		{"4", "", "'4' is no number of a GPU"},
		{"0,4,3", "0", "'4' is no number of a GPU"},
		{"-1", "", "'-1' is neither a number nor a UUID"},
		{"0,-1,3", "0", "'-1'"},
		{"0,,3", "0", "''"},
		{"none", "", "neither a number nor a UUID"},
		{"NoDevFiles", "", "neither a number nor a UUID"},
		/* A device twice hides all, whatever it is called. */
		{"0,0", "", "named before"},
		{"0,3,0", "", "named before"},
		{"{g0},{g0}", "", "named before"},
		{"{m1.1.0},{g1}", "", "named before"},
		{"0,4,0", "0", "'4' is no number"},
		/* UUIDs and unique prefixes. */
		{"{g3}", "3", NULL},
		{"{g3}~", "3", NULL},
		{"{g3},{g0}", "3 0", NULL},
		{"{g1}", "1/1/0", NULL},
		{"{g2}", "", "has MIG mode on and no compute instance"},
		{"GPU-", "", "no device of this node has the UUID 'GPU-'"},
		{"GPU-12345678-1234", "", "no device of this node has the UUID"},
		{"{m1.11.0}", "1/11/0", NULL},
		{"{m1.1.1}", "1/1/1", NULL},
		{"{m1.11.0}~", "1/11/0", NULL},
		{"{m1.11.0},{m1.1.0}", "1/11/0", NULL},
		{"{g0},{m1.11.0}", "1/11/0", NULL},
		{"{m1.11.0},{g0}", "1/11/0", NULL},
		{"MIG-00000000-0000-5000-8000-000000000000,{g0}", "", "no device"},
		/* The form of 450 and 460. */
		{"MIG-{g1}/11/0", "1/11/0", NULL},
		{"MIG-{g1}/1/1", "1/1/1", NULL},
		{"MIG-{g1}~/1/1", "1/1/1", NULL},
		{"MIG-{g1}/2/0", "", "names no compute instance"},
		{"MIG-{g1}/15/0", "", "names no compute instance"},
		{"MIG-{g1}/1/2", "", "names no compute instance"},
		{"MIG-{g1}/1", "", "is not MIG-GPU-UUID/GI/CI"},
		{"MIG-{g1}", "", "is not MIG-GPU-UUID/GI/CI"},
		{"MIG-GPU-nonsense/1/0", "", "names no compute instance"},
		/* Numbers and UUIDs do not mix. */
		{"0,{g3}", "0", "do not mix"},
		{"{g3},0", "3", "do not mix"},
	};

	check("550", rows, sizeof(rows) / sizeof(rows[0]));
	check("470", rows, sizeof(rows) / sizeof(rows[0]));
}

MIG_TEST(from_570_on)
{
	static const struct row rows[] = {
		/* One compute instance of each GPU instance, and the GPUs without MIG. */
		{NULL, "0 1/1/0 1/11/0 3", NULL},
		{"", "", "is empty"},
		/* Numbers count what is there when nothing is set. */
		{"0", "0", NULL},
		{"1", "1/1/0", NULL},
		{"2,1", "1/11/0 1/1/0", NULL},
		{"3,0", "3 0", NULL},
		{"4", "", "there are 4"},
		{"0,4,3", "0", "there are 4"},
		{"1,1", "", "named before"},
		{"{m1.11.0},{m1.1.1},{g0}", "1/11/0 1/1/1 0", NULL},
		/* Of a GPU instance the first that is named. */
		{"{m1.1.1},{m1.1.0}", "1/1/1", NULL},
		{"{g1}", "1/1/0", NULL},
		{"{g0},{m1.11.0}", "0 1/11/0", NULL},
		{"MIG-{g1}/11/0", "", "below driver branch 570 only"},
		{"{g3},0", "3", "do not mix"},
	};

	check("580", rows, sizeof(rows) / sizeof(rows[0]));
}

MIG_TEST(no_gpu_at_all)
{
	begin("none", NULL);
	assert_visible(NULL, "", "no GPU without MIG and no compute instance");
	assert_visible("0", "", "no number of a GPU");
	end();
}

MIG_TEST(gpus_without_mig_are_all_there)
{
	begin("3xa100-sxm4-40gb", "550");
	assert_visible(NULL, "0 1 2", NULL);
	node.state->gpus[1].is_lost = 1;
	assert_visible(NULL, "0 2", NULL);
	assert_visible("1", "", "no number of a GPU");
	end();
}

MIG_TEST(at_most_64_mig_devices)
{
	struct mig_sim_visible found;

	begin("11xa100-sxm4-40gb", "580");
	for (unsigned int gpu = 0; gpu < 10; gpu++) {
		node.state->gpus[gpu].mig_current = 1;
		for (unsigned int start = 0; start < 7; start++)
			make_ci(gpu, make_gi(gpu, 19, start, 1), 0);
	}
	mig_sim_visible_find(&node.view, NULL, &found);
	MIG_ASSERT_UINT_EQ(found.count, 65);
	MIG_ASSERT_UINT_EQ(found.places[64].gpu, 10);
	MIG_ASSERT_UINT_EQ(found.places[63].gpu, 9);
	end();
}

static bool only_gi_11(const void *cookie, struct mig_sim_place place)
{
	(void)cookie;
	return place.gi == 11;
}

MIG_TEST(what_a_process_may_not_use_is_not_there)
{
	start("550");
	node.view.can_use = only_gi_11;
	assert_visible(NULL, "1/11/0", NULL);
	assert_visible("{m1.1.0}", "", "no device");
	assert_visible("1", "1/11/0", NULL);
	end();
}

MIG_TEST(a_prefix_that_is_not_unique)
{
	struct mig_sim_place place;
	char upper[MIG_SIM_UUID_SIZE];
	char *text;

	start("550");
	text = node.d->node.gpus[3].uuid;
	mig_text_copy(node.d->node.gpus[0].uuid, MIG_SIM_UUID_SIZE, "GPU-aaaa0000-1");
	mig_text_copy(text, MIG_SIM_UUID_SIZE, "GPU-aaaa0000-2");
	assert_visible("GPU-aaaa", "", "begins the UUIDs of 2 devices");
	MIG_ASSERT_UINT_EQ(mig_sim_visible_uuid(&node.view, "GPU-aaaa", &place), 2);
	MIG_ASSERT_UINT_EQ(mig_sim_visible_uuid(&node.view, "GPU-aaaa0000-2", &place), 1);
	MIG_ASSERT_UINT_EQ(place.gpu, 3);
	for (size_t i = 0; i < sizeof(upper); i++)
		upper[i] = (char)(text[i] >= 'a' ? text[i] - 32 : text[i]);
	MIG_ASSERT_UINT_EQ(mig_sim_visible_uuid(&node.view, upper, &place), 1);
	end();
}
