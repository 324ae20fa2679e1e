/* SPDX-License-Identifier: Apache-2.0 */
/*
 * migctl status: the node at a glance, each GPU drawn as its slices.
 */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/look.h"
#include "cli/picture.h"
#include "cli/session.h"
#include "core/model.h"
#include "core/space.h"
#include "shared/json_writer.h"
#include "shared/number.h"
#include "shared/text.h"

#define OUTPUT_MAX (16 * 1024 * 1024)
#define ROOM_WIDTH 80 /* columns of the list of what fits */

const struct mig_option mig_cmd_status_options[] = {
	{"id", 'i', "GPU", "only this GPU: index, UUID or PCI address; may be a comma list"},
	{"json", 0, NULL, "print JSON (schema migctl.status/1)"},
	{NULL, 0, NULL, NULL},
};

/* How many more of one profile alone would fit now. */
static unsigned int fits_now(const struct mig_gpu *gpu, unsigned int gi_row)
{
	const struct mig_gi_profile *profile = &gpu->facts->gi[gi_row];
	struct mig_space space;
	struct mig_space_state state;
	unsigned int count = 0;

	mig_facts_gi_space(gpu->facts, &space);
	mig_gpu_space_state(gpu, &space, &state);
	for (unsigned int i = 0; i < profile->start_count; i++) {
		if (!mig_space_fits(&space, &state, gi_row, profile->starts[i]))
			continue;
		mig_space_add(&space, &state, gi_row, profile->starts[i]);
		count++;
	}
	return count;
}

static const char *mode_text(const struct mig_gpu *gpu)
{
	if (!gpu->is_mig_capable)
		return "no MIG";
	if (gpu->mig_current == gpu->mig_pending)
		return gpu->mig_current ? "MIG on" : "MIG off";
	return gpu->mig_pending ? "MIG off, on after a reset" : "MIG on, off after a reset";
}

/* ---- text ------------------------------------------------------------------------------------- */

static void print_room(const struct mig_gpu *gpu, struct mig_buf *out)
{
	static const char title[] = "  fits now: ";
	size_t column = 0;

	for (unsigned int i = 0; i < gpu->facts->gi_count; i++) {
		unsigned int count = fits_now(gpu, i);
		char text[MIG_PROFILE_NAME_SIZE + 16];

		if (count == 0)
			continue;
		mig_text_format(text, sizeof(text), "%u x %s", count, gpu->facts->gi[i].name);
		if (column > 0 && column + strlen(" or ") + strlen(text) > ROOM_WIDTH) {
			mig_buf_printf(out, "\n%*sor ", (int)strlen(title), "");
			column = strlen(title) + strlen("or ");
		} else {
			mig_buf_puts(out, column == 0 ? title : " or ");
			column += column == 0 ? strlen(title) : strlen(" or ");
		}
		mig_buf_puts(out, text);
		column += strlen(text);
	}
	mig_buf_puts(out, column > 0 ? "\n" : "  full\n");
}

static void print_holders(const struct mig_gpu *gpu, struct mig_buf *out)
{
	for (unsigned int i = 0; i < gpu->gi_count; i++) {
		const struct mig_gpu_instance *gi = &gpu->gi[i];

		for (unsigned int c = 0; c < gi->ci_count; c++) {
			for (unsigned int h = 0; h < gi->ci[c].holder_count; h++) {
				const struct mig_holder *holder = &gi->ci[c].holders[h];

				mig_buf_printf(out, "  in use: %s at %u:%u by %s %u ",
					       gpu->facts->gi[gi->gi_row].name, gi->start, gi->size,
					       holder->provider, holder->pid);
				mig_text_escape_terminal(out, holder->name);
				mig_buf_putc(out, '\n');
			}
		}
	}
}

static void print_gpu(const struct mig_gpu *gpu, const struct mig_picture_style *style,
		      struct mig_buf *out)
{
	mig_buf_printf(out, "GPU %u  ", gpu->index);
	if (gpu->is_lost) {
		mig_buf_puts(out, "lost (fallen off the bus)\n");
		return;
	}
	mig_text_escape_terminal(out, gpu->name);
	mig_buf_printf(out, "  %s  %s", gpu->pci_address, mode_text(gpu));
	mig_buf_puts(out, gpu->mig_current && gpu->gi_count == 0 ? ", no instances\n" : "\n");
	if (!gpu->mig_current)
		return;
	mig_picture_draw(gpu, style, out);
	print_holders(gpu, out);
	print_room(gpu, out);
}

/* ---- JSON ------------------------------------------------------------------------------------- */

static void json_instance(struct mig_json *json, const struct mig_gpu *gpu,
			  const struct mig_gpu_instance *gi)
{
	const struct mig_gi_profile *profile = &gpu->facts->gi[gi->gi_row];
	char id[16];

	mig_json_object_begin(json);
	mig_text_format(id, sizeof(id), "%u", gi->id);
	mig_json_member_string(json, "gpu_instance_id", id);
	mig_json_member_string(json, "profile", profile->name);
	mig_json_member_uint(json, "placement_start", gi->start);
	mig_json_member_uint(json, "placement_size", gi->size);
	mig_json_member_uint(json, "memory_mib", profile->memory_mib);
	mig_json_key(json, "compute_instances");
	mig_json_array_begin(json);
	for (unsigned int i = 0; i < gi->ci_count; i++) {
		const struct mig_compute_instance *ci = &gi->ci[i];
		char name[MIG_PROFILE_NAME_SIZE];

		mig_facts_device_name(profile, ci->ci_row, name, sizeof(name));
		mig_json_object_begin(json);
		mig_text_format(id, sizeof(id), "%u", ci->id);
		mig_json_member_string(json, "compute_instance_id", id);
		mig_json_member_string(json, "profile", name);
		mig_json_member_uint(json, "placement_start", ci->start);
		mig_json_member_uint(json, "placement_size", ci->size);
		mig_json_member_string(json, "uuid", ci->uuid[0] != '\0' ? ci->uuid : NULL);
		mig_json_key(json, "holders");
		mig_json_array_begin(json);
		for (unsigned int h = 0; h < ci->holder_count; h++) {
			mig_json_object_begin(json);
			mig_json_member_string(json, "kind", ci->holders[h].provider);
			mig_json_member_uint(json, "pid", ci->holders[h].pid);
			mig_json_member_string(json, "name", ci->holders[h].name);
			mig_json_member_string(json, "user", ci->holders[h].user);
			mig_json_object_end(json);
		}
		mig_json_array_end(json);
		mig_json_object_end(json);
	}
	mig_json_array_end(json);
	mig_json_object_end(json);
}

static void json_gpu(struct mig_json *json, const struct mig_gpu *gpu)
{
	mig_json_object_begin(json);
	mig_json_member_uint(json, "index", gpu->index);
	mig_json_member_bool(json, "lost", gpu->is_lost);
	mig_json_member_string(json, "name", gpu->is_lost ? NULL : gpu->name);
	mig_json_member_string(json, "uuid", gpu->is_lost ? NULL : gpu->uuid);
	mig_json_member_string(json, "pci_address", gpu->is_lost ? NULL : gpu->pci_address);
	mig_json_member_bool(json, "mig_capable", gpu->is_mig_capable);
	mig_json_member_bool(json, "mig_mode", gpu->mig_current);
	mig_json_member_bool(json, "mig_mode_pending", gpu->mig_pending);
	mig_json_key(json, "gpu_instances");
	mig_json_array_begin(json);
	for (unsigned int i = 0; i < gpu->gi_count; i++)
		json_instance(json, gpu, &gpu->gi[i]);
	mig_json_array_end(json);
	mig_json_key(json, "fits_now");
	mig_json_array_begin(json);
	for (unsigned int i = 0; gpu->mig_current && i < gpu->facts->gi_count; i++) {
		mig_json_object_begin(json);
		mig_json_member_string(json, "profile", gpu->facts->gi[i].name);
		mig_json_member_uint(json, "count", fits_now(gpu, i));
		mig_json_object_end(json);
	}
	mig_json_array_end(json);
	mig_json_object_end(json);
}

static int print_json(const struct mig_snapshot *snapshot, const bool *chosen, struct mig_buf *out,
		      struct mig_error **err)
{
	struct mig_json json;

	mig_json_init(&json, out);
	mig_json_object_begin(&json);
	mig_json_member_string(&json, "schema", "migctl.status/1");
	mig_json_member_string(&json, "driver_version", snapshot->driver_version);
	mig_json_key(&json, "gpus");
	mig_json_array_begin(&json);
	for (unsigned int i = 0; i < snapshot->gpu_count; i++) {
		if (chosen[i])
			json_gpu(&json, &snapshot->gpus[i]);
	}
	mig_json_array_end(&json);
	mig_json_object_end(&json);
	if (mig_json_finish(&json) < 0)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "the output is too large");
	return 0;
}

/* ---- which GPUs ------------------------------------------------------------------------------- */

static bool is_meant(const struct mig_gpu *gpu, const char *word, size_t len)
{
	uint64_t index;

	if (mig_parse_u64_n(word, len, 0, UINT32_MAX, &index) == 0)
		return index == gpu->index;
	if (gpu->is_lost)
		return false;
	if (strlen(gpu->uuid) == len && strncmp(gpu->uuid, word, len) == 0)
		return true;
	/* A PCI address may leave out leading zeros of the domain. */
	return len >= 7 && strlen(gpu->pci_address) >= len &&
	       strncasecmp(gpu->pci_address + strlen(gpu->pci_address) - len, word, len) == 0;
}

/* Chooses the GPUs that one word of the list means. */
static int choose_word(const struct mig_snapshot *snapshot, const char *word, size_t len,
		       bool *chosen, struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf shown = MIG_BUF_INIT(256);
	char text[64];
	bool is_any = false;

	for (unsigned int i = 0; i < snapshot->gpu_count; i++) {
		if (is_meant(&snapshot->gpus[i], word, len)) {
			chosen[i] = true;
			is_any = true;
		}
	}
	if (is_any)
		return 0;
	mig_text_format(text, sizeof(text), "%.*s", (int)MIG_MIN(len, sizeof(text)), word);
	mig_text_escape_terminal(&shown, text);
	mig_error_set(err, MIG_ERROR_REFUSED, "there is no GPU '%s'", mig_buf_text(&shown));
	return mig_error_hint(err, "this node has %u GPU%s: migctl status lists them",
			      snapshot->gpu_count, snapshot->gpu_count == 1 ? "" : "s");
}

static int choose(const struct mig_snapshot *snapshot, const char *list, bool *chosen,
		  struct mig_error **err)
{
	for (unsigned int i = 0; i < snapshot->gpu_count; i++)
		chosen[i] = list == NULL;
	while (list != NULL) {
		size_t len = strcspn(list, ",");

		if (choose_word(snapshot, list, len, chosen, err) < 0)
			return -1;
		list = list[len] == ',' ? list + len + 1 : NULL;
	}
	return 0;
}

/* What was asked for and could not be shown is a failure, after all else was shown. */
static int check_lost(const struct mig_context *ctx, const struct mig_snapshot *snapshot,
		      const bool *chosen, struct mig_error **err)
{
	for (unsigned int i = 0; i < snapshot->gpu_count; i++) {
		if (!chosen[i] || !snapshot->gpus[i].is_lost)
			continue;
		mig_error_set(err, MIG_ERROR_DRIVER, "GPU %u is lost (fallen off the bus)", i);
		return mig_hint_lost(ctx, err);
	}
	return 0;
}

int mig_cmd_status_run(const struct mig_invocation *inv, struct mig_error **err)
{
	_cleanup_session_ struct mig_session session = {0};
	_cleanup_snapshot_ struct mig_snapshot *snapshot = NULL;
	_cleanup_buf_ struct mig_buf out = MIG_BUF_INIT(OUTPUT_MAX);
	_cleanup_free_ bool *chosen = NULL;
	struct mig_picture_style style;

	if (mig_session_open(&session, err) < 0 ||
	    mig_snapshot_read(&session.ctx,
			      MIG_SNAPSHOT_UUIDS | MIG_SNAPSHOT_HOLDERS | MIG_SNAPSHOT_LOST,
			      &snapshot, err) < 0)
		return -1;
	chosen = calloc((size_t)snapshot->gpu_count + 1, sizeof(*chosen));
	if (chosen == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	if (choose(snapshot, mig_option_value(inv, "id"), chosen, err) < 0)
		return -1;
	if (snapshot->gpu_count == 0)
		return mig_error_set(err, MIG_ERROR_NO_DRIVER, "the driver shows no GPU");
	if (mig_option_given(inv, "json")) {
		if (print_json(snapshot, chosen, &out, err) < 0)
			return -1;
	} else {
		mig_picture_style_of_stdout(&style);
		for (unsigned int i = 0; i < snapshot->gpu_count; i++) {
			if (chosen[i])
				print_gpu(&snapshot->gpus[i], &style, &out);
		}
	}
	mig_look_warn_unfinished(&session);
	fputs(mig_buf_text(&out), stdout);
	mig_look_warn_unfinished(&session);
	return check_lost(&session.ctx, snapshot, chosen, err) < 0 ? -1 : MIG_EXIT_OK;
}
