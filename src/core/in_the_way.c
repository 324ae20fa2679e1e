/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Holders in the way; see in_the_way.h.
 */
#include "core/in_the_way.h"

#include <stdlib.h>
#include <string.h>

#include "core/holders.h"

#define NAMED_MAX 8 /* in one message; the others are counted */

struct finder {
	struct mig_in_the_way *list;
	unsigned int count;
	size_t allocated;
};

static int add(struct finder *f, const struct mig_gpu *gpu, const struct mig_op *op,
	       const struct mig_holder *holders, unsigned int holder_count, struct mig_error **err)
{
	for (unsigned int i = 0; i < holder_count; i++) {
		if (mig_array_reserve(&f->list, &f->allocated, (size_t)f->count + 1,
				      sizeof(*f->list)) < 0)
			return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
		f->list[f->count++] = (struct mig_in_the_way){gpu, op, &holders[i]};
	}
	return 0;
}

static int add_of_ci(struct finder *f, const struct mig_gpu *gpu, const struct mig_op *op,
		     struct mig_error **err)
{
	for (unsigned int i = 0; i < gpu->gi_count; i++) {
		const struct mig_gpu_instance *gi = &gpu->gi[i];

		for (unsigned int c = 0; gi->start == op->gi_start && c < gi->ci_count; c++) {
			if (gi->ci[c].start == op->ci_start &&
			    add(f, gpu, op, gi->ci[c].holders, gi->ci[c].holder_count, err) < 0)
				return -1;
		}
	}
	return 0;
}

int mig_in_the_way_find(const struct mig_snapshot *snapshot, const struct mig_plan *plan,
			struct mig_in_the_way **list, unsigned int *count, struct mig_error **err)
{
	struct finder f = {0};
	int rc = 0;

	for (unsigned int n = 0; n < plan->op_count && rc == 0; n++) {
		const struct mig_op *op = &plan->ops[n];
		const struct mig_gpu *gpu = mig_snapshot_gpu(snapshot, op->gpu_uuid);

		if (gpu == NULL)
			continue;
		if (op->kind == MIG_OP_CI_DESTROY)
			rc = add_of_ci(&f, gpu, op, err);
		else if (op->kind == MIG_OP_MODE_SET && op->mode_after != gpu->mig_current)
			rc = add(&f, gpu, op, gpu->holders, gpu->holder_count, err);
	}
	if (rc < 0) {
		free(f.list);
		return -1;
	}
	*list = f.list;
	*count = f.count;
	return 0;
}

/* Of one that does not fill its GPU instance also what tells it from the others in it. */
static void put_ids(const struct mig_in_the_way *item, struct mig_buf *out)
{
	for (unsigned int i = 0; i < item->gpu->gi_count; i++) {
		const struct mig_gpu_instance *gi = &item->gpu->gi[i];

		for (unsigned int c = 0; gi->start == item->op->gi_start && c < gi->ci_count; c++) {
			if (gi->ci[c].start == item->op->ci_start)
				mig_buf_printf(out, " (%u:%u:%u)", item->gpu->index, gi->id,
					       gi->ci[c].id);
		}
	}
}

void mig_in_the_way_describe(const struct mig_in_the_way *item, struct mig_buf *out)
{
	_cleanup_buf_ struct mig_buf who = MIG_BUF_INIT(4096);
	const struct mig_op *op = item->op;

	mig_holder_describe(item->holder, &who);
	if (op->kind == MIG_OP_MODE_SET)
		mig_buf_printf(out, "GPU %u is used by %s", item->gpu->index, mig_buf_text(&who));
	if (op->kind == MIG_OP_MODE_SET)
		return;
	mig_buf_printf(out, "%s at %u:%u of GPU %u", op->ci_profile_name, op->gi_start, op->gi_size,
		       item->gpu->index);
	if (strcmp(op->ci_profile_name, op->gi_profile_name) != 0)
		put_ids(item, out);
	mig_buf_printf(out, " is held by %s", mig_buf_text(&who));
}

int mig_in_the_way_error(const struct mig_in_the_way *list, unsigned int count,
			 struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(64 * 1024);

	for (unsigned int i = 0; i < count && i < NAMED_MAX; i++) {
		mig_buf_puts(&text, i > 0 ? "; " : "");
		mig_in_the_way_describe(&list[i], &text);
	}
	if (count > NAMED_MAX)
		mig_buf_printf(&text, "; and %u more", count - NAMED_MAX);
	mig_error_set(err, MIG_ERROR_IN_USE, "what has to go is in use: %s", mig_buf_text(&text));
	if (err != NULL)
		mig_error_set_subject(*err, "GPU %u", list[0].gpu->index);
	return mig_error_hint(err, "nothing was changed; end that and run it again, or wait for it "
				   "(--wait), or have it ended (--evict)");
}
