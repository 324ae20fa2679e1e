/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notes; see note.h.
 */
#include "cli/note.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/self.h"
#include "shared/buf.h"
#include "shared/text.h"

#define NOTE_MAX ((size_t)1 << 20)

static struct {
	bool is_kept;
	char **notes;
	size_t count, allocated;
} kept;

void mig_note_keep(void)
{
	kept.is_kept = true;
}

static void print(const char *note)
{
	_cleanup_buf_ struct mig_buf shown = MIG_BUF_INIT(NOTE_MAX);

	mig_text_escape_message(&shown, note);
	fprintf(stderr, "migctl: %s\n", mig_buf_text(&shown));
}

static void keep(struct mig_buf *note)
{
	char *text = mig_buf_steal(note);

	if (text == NULL || mig_array_reserve(&kept.notes, &kept.allocated, kept.count + 1,
					      sizeof(*kept.notes)) < 0) {
		/* Better in the wrong place than nowhere. */
		print(text != NULL ? text : "out of memory");
		free(text);
		return;
	}
	kept.notes[kept.count++] = text;
}

static void say(const char *fmt, va_list args) MIG_PRINTF(1, 0);

static void say(const char *fmt, va_list args)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(NOTE_MAX);
	_cleanup_buf_ struct mig_buf note = MIG_BUF_INIT(NOTE_MAX);

	mig_buf_vprintf(&text, fmt, args);
	mig_self_puts(&note, mig_buf_text(&text));
	if (kept.is_kept)
		keep(&note);
	else
		print(mig_buf_text(&note));
}

void mig_note(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(fmt, args);
	va_end(args);
}

void mig_note_person(const char *fmt, ...)
{
	va_list args;

	if (kept.is_kept)
		return;
	va_start(args, fmt);
	say(fmt, args);
	va_end(args);
}

void mig_note_document(const char *fmt, ...)
{
	va_list args;

	if (!kept.is_kept)
		return;
	va_start(args, fmt);
	say(fmt, args);
	va_end(args);
}

void mig_note_json(struct mig_json *json)
{
	mig_json_key(json, "notes");
	mig_json_array_begin(json);
	for (size_t i = 0; i < kept.count; i++) {
		mig_json_string(json, kept.notes[i]);
		free(kept.notes[i]);
	}
	mig_json_array_end(json);
	kept.count = 0;
}
