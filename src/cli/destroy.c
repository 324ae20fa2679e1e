/* SPDX-License-Identifier: Apache-2.0 */
/*
 * migctl destroy: takes out instances that are named, all at once or none.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/change.h"
#include "cli/commands.h"
#include "cli/gpu_choice.h"
#include "cli/instance_name.h"
#include "cli/wish.h"
#include "shared/number.h"
#include "shared/text.h"

const struct mig_option mig_cmd_destroy_options[] = {
	MIG_GPU_OPTION,
	{"all", 0, NULL, "every instance (of those GPUs)"},
	{"keep-gi", 0, NULL, "only compute instances: the GPU instances stay, also without any"},
	MIG_CHANGE_OPTIONS,
	{NULL, 0, NULL, NULL},
};

/* What is to go of one GPU: the number of the word that named it, from 1; 0: nothing. */
struct doomed {
	unsigned int gi[MIG_GPU_INSTANCES_MAX];
	unsigned int ci[MIG_GPU_INSTANCES_MAX][MIG_COMPUTE_INSTANCES_MAX];
};

struct destruction {
	const struct mig_invocation *inv;
	char *text; /* the words, one after the other */
	char **words;
	size_t word_count;
	/* while a target is made */
	const struct mig_snapshot *snapshot;
	struct mig_gpu_choice choice;
	struct doomed *doomed; /* by GPU */
};

static int named_twice(const struct destruction *d, unsigned int position, unsigned int gi,
		       unsigned int before, unsigned int now, struct mig_error **err)
{
	const struct mig_gpu *gpu = &d->snapshot->gpus[position];

	return mig_error_set(err, MIG_ERROR_REFUSED,
			     "%s at %u:%u of GPU %u is named twice: by '%s' and '%s'",
			     gpu->facts->gi[gpu->gi[gi].gi_row].name, gpu->gi[gi].start,
			     gpu->gi[gi].size, gpu->index, d->words[before - 1], d->words[now - 1]);
}

/* Marks a GPU instance (ci -1) or a compute instance. */
static int mark(struct destruction *d, const struct mig_instance_name *name, unsigned int word,
		struct mig_error **err)
{
	struct doomed *doomed = &d->doomed[name->position];
	unsigned int before = doomed->gi[name->gi];
	const struct mig_gpu *gpu = &d->snapshot->gpus[name->position];

	for (unsigned int c = 0; before == 0 && c < MIG_COMPUTE_INSTANCES_MAX; c++) {
		if (name->ci < 0 || (unsigned int)name->ci == c)
			before = doomed->ci[name->gi][c];
	}
	if (before != 0)
		return named_twice(d, name->position, name->gi, before, word, err);
	if (name->ci < 0 && mig_option_given(d->inv, "keep-gi") && gpu->gi[name->gi].ci_count == 0)
		return mig_error_set(err, MIG_ERROR_REFUSED,
				     "'%s': GPU instance %u of GPU %u has no compute instance, and "
				     "--keep-gi keeps it",
				     d->words[word - 1], gpu->gi[name->gi].id, gpu->index);
	if (name->ci < 0)
		doomed->gi[name->gi] = word;
	else
		doomed->ci[name->gi][name->ci] = word;
	return 0;
}

/* ---- profiles ---------------------------------------------------------------------------------- */

/* A word that is a profile: which, and where (MIG_START_ANY: anywhere). */
struct kind {
	struct mig_profile_name name;
	unsigned int start;
};

static int read_kind(const char *word, struct kind *kind, struct mig_error **err)
{
	_cleanup_free_ char *text = strdup(word);
	char *at;
	uint32_t start = MIG_START_ANY;

	if (text == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	if (strchr(word, '*') != NULL) {
		mig_error_set(err, MIG_ERROR_USAGE,
			      "'%s': a count does not say which of them is to go", word);
		return mig_error_hint(err, "name them by UUID or id: migctl list");
	}
	at = strchr(text, '@');
	if (at != NULL)
		*at++ = '\0';
	if ((at != NULL && mig_parse_u32(at, 0, MIG_FACTS_UNITS_MAX - 1, &start) < 0) ||
	    mig_profile_name_parse(text, &kind->name) < 0) {
		_cleanup_buf_ struct mig_buf shown = MIG_BUF_INIT(4096);

		mig_text_escape_terminal(&shown, word);
		mig_error_set(err, MIG_ERROR_USAGE, "'%s' names no instance", mig_buf_text(&shown));
		return mig_error_hint(err, "an instance is named by UUID, GPU:GI, GPU:GI:CI or "
					   "profile: migctl list --tree shows them");
	}
	kind->start = start;
	return 0;
}

/* The compute instances of this width in a GPU instance of that profile. */
static int mark_cis(struct destruction *d, unsigned int position, unsigned int gi,
		    const struct kind *kind, unsigned int word, unsigned int *found,
		    struct mig_error **err)
{
	const struct mig_gpu *gpu = &d->snapshot->gpus[position];
	const struct mig_gi_profile *profile = &gpu->facts->gi[gpu->gi[gi].gi_row];

	for (unsigned int c = 0; c < gpu->gi[gi].ci_count; c++) {
		const struct mig_instance_name name = {position, gi, (int)c};

		if (profile->ci[gpu->gi[gi].ci[c].ci_row].slice_count != kind->name.compute_slices)
			continue;
		if (mark(d, &name, word, err) < 0)
			return -1;
		++*found;
	}
	return 0;
}

static int mark_kind(struct destruction *d, unsigned int word, struct mig_error **err)
{
	unsigned int found = 0, gpus = 0;
	struct kind kind = {0};

	if (read_kind(d->words[word - 1], &kind, err) < 0)
		return -1;
	for (unsigned int g = 0; g < d->snapshot->gpu_count; g++) {
		const struct mig_gpu *gpu = &d->snapshot->gpus[g];
		unsigned int before = found;

		for (unsigned int i = 0; d->choice.is_chosen[g] && i < gpu->gi_count; i++) {
			const struct mig_instance_name name = {g, i, -1};
			int row = mig_facts_gi_by_name(gpu->facts, &kind.name);

			if (row < 0 || (unsigned int)row != gpu->gi[i].gi_row ||
			    (kind.start != MIG_START_ANY && kind.start != gpu->gi[i].start))
				continue;
			if (kind.name.compute_slices != kind.name.gpu_slices) {
				if (mark_cis(d, g, i, &kind, word, &found, err) < 0)
					return -1;
				continue;
			}
			if (mark(d, &name, word, err) < 0)
				return -1;
			found++;
		}
		gpus += found > before;
	}
	/* With a place the one that lies there is meant. */
	if (kind.start != MIG_START_ANY && gpus > 1 && !d->choice.is_named) {
		mig_error_set(err, MIG_ERROR_REFUSED, "'%s' lies on %u GPUs", d->words[word - 1],
			      gpus);
		return mig_error_hint(err, "name the GPU, or all that are meant (-i GPU,...), or "
					   "the instance by GPU:GI: migctl list");
	}
	if (found > 0)
		return 0;
	mig_error_set(err, MIG_ERROR_REFUSED, "there is no instance '%s'%s", d->words[word - 1],
		      d->choice.is_named ? " on the GPUs of -i" : "");
	return mig_error_hint(err, "migctl list --tree shows what is there");
}

/* ---- the target -------------------------------------------------------------------------------- */

static void mark_all(struct destruction *d)
{
	for (unsigned int g = 0; g < d->snapshot->gpu_count; g++) {
		for (unsigned int i = 0;
		     d->choice.is_chosen[g] && i < d->snapshot->gpus[g].gi_count; i++)
			d->doomed[g].gi[i] = 1;
	}
}

static int mark_words(struct destruction *d, struct mig_error **err)
{
	int only = -1;

	for (unsigned int i = 0; d->choice.count == 1 && i < d->snapshot->gpu_count; i++) {
		if (d->choice.is_named && d->choice.is_chosen[i])
			only = (int)i;
	}
	for (unsigned int word = 1; word <= d->word_count; word++) {
		struct mig_instance_name name;

		if (!mig_instance_name_is(d->words[word - 1])) {
			if (mark_kind(d, word, err) < 0)
				return -1;
			continue;
		}
		if (mig_instance_name_find(d->snapshot, only, d->words[word - 1], &name, err) < 0)
			return -1;
		if (!d->choice.is_chosen[name.position])
			return mig_error_set(err, MIG_ERROR_REFUSED,
					     "'%s' lies not on the GPUs of -i", d->words[word - 1]);
		if (mark(d, &name, word, err) < 0)
			return -1;
	}
	return 0;
}

/* What is there without what is marked. */
static void take_out(const struct mig_gpu *gpu, const struct doomed *doomed, bool keeps_gi,
		     struct mig_gpu_target *target)
{
	unsigned int kept_gi = 0;

	mig_gpu_target_from_gpu(gpu, target);
	target->keeps_mode = true;
	for (unsigned int i = 0; i < gpu->gi_count; i++) {
		struct mig_placed_gi placed = target->placed[i];
		unsigned int kept_ci = 0;

		for (unsigned int c = 0; c < gpu->gi[i].ci_count; c++) {
			if (doomed->ci[i][c] == 0 && doomed->gi[i] == 0)
				placed.ci[kept_ci++] = placed.ci[c];
		}
		/* One that had none was not emptied here. */
		if (!keeps_gi && (doomed->gi[i] != 0 || (kept_ci == 0 && placed.ci_count > 0)))
			continue;
		placed.ci_count = kept_ci;
		target->placed[kept_gi++] = placed;
	}
	target->placed_count = kept_gi;
}

static int make_target(struct destruction *d, struct mig_target **out, struct mig_error **err)
{
	_cleanup_target_ struct mig_target *target = mig_target_new(d->snapshot, err);
	bool keeps_gi = mig_option_given(d->inv, "keep-gi");
	bool is_all = mig_option_given(d->inv, "all");

	if (target == NULL)
		return -1;
	d->doomed = calloc((size_t)d->snapshot->gpu_count + 1, sizeof(*d->doomed));
	if (d->doomed == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	if (is_all)
		mark_all(d);
	else if (mark_words(d, err) < 0)
		return -1;
	for (unsigned int g = 0; g < d->snapshot->gpu_count; g++) {
		if (d->choice.is_chosen[g] && d->snapshot->gpus[g].is_mig_capable)
			take_out(&d->snapshot->gpus[g], &d->doomed[g], keeps_gi, &target->gpus[g]);
	}
	*out = MIG_TAKE_PTR(target);
	return 0;
}

/* Whether the words name single instances, wherever they are: then a lost GPU is in nobody's way. */
static bool names_single_ones(const struct destruction *d)
{
	for (size_t i = 0; i < d->word_count; i++) {
		if (strchr(d->words[i], ':') == NULL && strncmp(d->words[i], "MIG-", 4) != 0)
			return false;
	}
	return d->word_count > 0;
}

static int check_lost(const struct destruction *d, struct mig_error **err)
{
	if (!d->choice.is_named && names_single_ones(d))
		return 0;
	return mig_gpu_choice_refuse_lost(d->snapshot, &d->choice, err);
}

static int want(void *cookie, const struct mig_snapshot *snapshot, struct mig_target **target,
		struct mig_error **err)
{
	struct destruction *d = cookie;
	int rc = -1;

	d->snapshot = snapshot;
	if (mig_gpu_choice_read(snapshot, mig_option_value(d->inv, "id"), &d->choice, err) == 0 &&
	    mig_gpu_choice_check_mig(snapshot, &d->choice, err) == 0 && check_lost(d, err) == 0)
		rc = make_target(d, target, err);
	mig_gpu_choice_clear(&d->choice);
	free(MIG_TAKE_PTR(d->doomed));
	return rc;
}

/* ---- the command ------------------------------------------------------------------------------- */

static int split_words(struct destruction *d, struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(1024 * 1024);
	size_t allocated = 0;
	char *next;

	for (int i = 0; i < d->inv->arg_count; i++)
		mig_buf_printf(&text, "%s%s", i > 0 ? "," : "", d->inv->args[i]);
	if (mig_buf_failed(&text))
		return mig_error_set(err, MIG_ERROR_USAGE, "this is more than can be read");
	if (d->inv->arg_count == 0)
		return 0;
	d->text = strdup(mig_buf_text(&text));
	if (d->text == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	next = d->text;
	while (next != NULL) {
		char *word = strsep(&next, ",");
		struct kind kind;

		if (*word == '\0')
			return mig_error_set(err, MIG_ERROR_USAGE,
					     "a place between the commas is empty");
		if (!mig_instance_name_is(word) && read_kind(word, &kind, err) < 0)
			return -1;
		if (mig_array_reserve(&d->words, &allocated, d->word_count + 1, sizeof(char *)) < 0)
			return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
		d->words[d->word_count++] = word;
	}
	return 0;
}

static int check(const struct destruction *d, struct mig_error **err)
{
	bool is_all = mig_option_given(d->inv, "all");

	if (!is_all && d->word_count == 0) {
		mig_error_set(err, MIG_ERROR_USAGE, "destroy needs an INSTANCE, or --all");
		return mig_error_hint(err, "migctl list --tree shows what is there");
	}
	if (is_all && d->word_count > 0)
		return mig_error_set(err, MIG_ERROR_USAGE,
				     "--all stands alone, without an INSTANCE");
	return 0;
}

static int destroy(struct destruction *d, struct mig_error **err)
{
	_cleanup_session_ struct mig_session session = {0};
	_cleanup_free_ char *command = mig_wish_command_text(d->inv);
	struct mig_change change = {.inv = d->inv, .schema = "migctl.destroy/1"};

	if (command == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	if (split_words(d, err) < 0 || check(d, err) < 0 || mig_session_open(&session, err) < 0)
		return -1;
	change.request.kind = MIG_CHANGE_DESTROY;
	change.request.command = command;
	change.request.want = want;
	change.request.cookie = d;
	change.request.snapshot_flags = MIG_SNAPSHOT_UUIDS;
	return mig_change_run(&change, &session, err);
}

int mig_cmd_destroy_run(const struct mig_invocation *inv, struct mig_error **err)
{
	struct destruction d = {.inv = inv};
	int rc = destroy(&d, err);

	free(d.words);
	free(d.text);
	return rc;
}
