/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of instances; see instance_name.h.
 */
#include "cli/instance_name.h"

#include <string.h>
#include <strings.h>

#include "shared/buf.h"
#include "shared/number.h"
#include "shared/text.h"

#define UUID_PREFIX "MIG-"

bool mig_instance_name_is(const char *word)
{
	return strncasecmp(word, UUID_PREFIX, strlen(UUID_PREFIX)) == 0 ||
	       (word[0] != '\0' && strspn(word, "0123456789:") == strlen(word));
}

/* What lies on a lost GPU cannot be seen, and is not said to be gone: `position` is the GPU that is
 * named, -1 any. */
static int not_there(const struct mig_snapshot *snapshot, int position, const char *word,
		     struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf shown = MIG_BUF_INIT(4096);

	mig_text_escape_terminal(&shown, word);
	for (unsigned int i = 0; i < snapshot->gpu_count; i++) {
		if (!snapshot->gpus[i].is_lost || (position >= 0 && (unsigned int)position != i))
			continue;
		mig_error_lost(&snapshot->gpus[i], err);
		if (position < 0)
			mig_error_append(err, ", and '%s' may lie there: it is on no other",
					 mig_buf_text(&shown));
		return -1;
	}
	mig_error_set(err, MIG_ERROR_REFUSED, "there is no instance '%s'", mig_buf_text(&shown));
	return mig_error_hint(err, "migctl list --tree shows what is there");
}

/* A word that names a GPU which is not there, or is no name at all. */
static int no_name(const char *word, struct mig_error **err)
{
	const struct mig_snapshot none = {.gpu_count = 0};

	return not_there(&none, -1, word, err);
}

static int find_uuid(const struct mig_snapshot *snapshot, int position, const char *word,
		     struct mig_instance_name *name, struct mig_error **err)
{
	for (unsigned int g = 0; g < snapshot->gpu_count; g++) {
		const struct mig_gpu *gpu = &snapshot->gpus[g];

		for (unsigned int i = 0; i < gpu->gi_count; i++) {
			for (unsigned int c = 0; c < gpu->gi[i].ci_count; c++) {
				if (strcasecmp(gpu->gi[i].ci[c].uuid, word) != 0)
					continue;
				if (position >= 0 && (unsigned int)position != g)
					return mig_error_set(
						err, MIG_ERROR_REFUSED,
						"'%s' lies on GPU %u and not on GPU %u", word,
						gpu->index, snapshot->gpus[position].index);
				*name = (struct mig_instance_name){g, i, (int)c};
				return 0;
			}
		}
	}
	return not_there(snapshot, position, word, err);
}

static int gi_by_id(const struct mig_gpu *gpu, uint64_t id)
{
	for (unsigned int i = 0; i < gpu->gi_count; i++) {
		if (gpu->gi[i].id == id)
			return (int)i;
	}
	return -1;
}

static int ci_by_id(const struct mig_gpu_instance *gi, uint64_t id)
{
	for (unsigned int i = 0; i < gi->ci_count; i++) {
		if (gi->ci[i].id == id)
			return (int)i;
	}
	return -1;
}

/* The name of the profile that the driver gives this id; NULL: none. */
static const char *profile_with_id(const struct mig_snapshot *snapshot, uint64_t id)
{
	for (unsigned int g = 0; g < snapshot->gpu_count && id <= UINT32_MAX; g++) {
		const struct mig_facts *facts = snapshot->gpus[g].facts;
		int row = facts != NULL ? mig_facts_gi_by_id(facts, (unsigned int)id) : -1;

		if (row >= 0)
			return facts->gi[row].name;
	}
	return NULL;
}

/* The id of a GPU instance alone. */
static int find_plain(const struct mig_snapshot *snapshot, int position, const char *word,
		      uint64_t id, struct mig_instance_name *name, struct mig_error **err)
{
	unsigned int found = 0;

	for (unsigned int g = 0; g < snapshot->gpu_count; g++) {
		int gi = gi_by_id(&snapshot->gpus[g], id);

		if (gi < 0 || (position >= 0 && (unsigned int)position != g))
			continue;
		*name = (struct mig_instance_name){g, (unsigned int)gi, -1};
		found++;
	}
	if (found == 1)
		return 0;
	if (found == 0) {
		const char *profile = profile_with_id(snapshot, id);

		not_there(snapshot, position, word, err);
		if (profile == NULL || err == NULL || mig_error_is_lost(*err))
			return -1;
		return mig_error_hint(err,
				      "a number is the id of a GPU instance here, not of a profile "
				      "(%s is %s); migctl list --tree shows what is there",
				      word, profile);
	}
	mig_error_set(err, MIG_ERROR_REFUSED, "%u GPUs have a GPU instance %s", found, word);
	return mig_error_hint(err, "name the GPU: -i GPU, or GPU:%s", word);
}

int mig_instance_name_find(const struct mig_snapshot *snapshot, int position, const char *word,
			   struct mig_instance_name *name, struct mig_error **err)
{
	uint64_t ids[3];
	unsigned int count = 0;
	const char *at = word;
	int gpu = -1, gi, ci = -1;

	if (strncasecmp(word, UUID_PREFIX, strlen(UUID_PREFIX)) == 0)
		return find_uuid(snapshot, position, word, name, err);
	for (bool is_more = true; is_more && count < MIG_ARRAY_SIZE(ids); count++) {
		size_t len = strcspn(at, ":");

		if (mig_parse_u64_n(at, len, 0, UINT32_MAX, &ids[count]) < 0)
			return no_name(word, err);
		is_more = at[len] == ':';
		at += len + is_more;
	}
	if (*at != '\0' || at[-1] == ':')
		return no_name(word, err);
	if (count == 1)
		return find_plain(snapshot, position, word, ids[0], name, err);
	for (unsigned int g = 0; g < snapshot->gpu_count; g++) {
		if (snapshot->gpus[g].index == ids[0])
			gpu = (int)g;
	}
	if (gpu < 0)
		return no_name(word, err);
	if (position >= 0 && gpu != position)
		return mig_error_set(err, MIG_ERROR_REFUSED, "'%s' lies not on GPU %u", word,
				     snapshot->gpus[position].index);
	gi = gi_by_id(&snapshot->gpus[gpu], ids[1]);
	if (gi >= 0 && count == 3)
		ci = ci_by_id(&snapshot->gpus[gpu].gi[gi], ids[2]);
	if (gi < 0 || (count == 3 && ci < 0))
		return not_there(snapshot, gpu, word, err);
	*name = (struct mig_instance_name){(unsigned int)gpu, (unsigned int)gi, ci};
	return 0;
}
