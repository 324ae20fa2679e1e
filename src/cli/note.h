/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a command says beside what it was asked for. For a person these are lines on stderr, at once;
 * with --json they are kept and stand in the document as `notes`, so that stderr has nothing but the
 * document of an error. Commands are named as in self.h. For one thread.
 */
#pragma once

#include "shared/json_writer.h"
#include "shared/macros.h"

/* From now on notes are kept, for --json. */
void mig_note_keep(void);

/* Something that was seen or left out: "migctl: …". What is foreign in it is escaped when it is shown. */
void mig_note(const char *fmt, ...) MIG_PRINTF(1, 2);

/* The same of what a document says in another way, or what only helps a person: with --json nothing. */
void mig_note_person(const char *fmt, ...) MIG_PRINTF(1, 2);

/* Something that a person is told in another way: only for the document. */
void mig_note_document(const char *fmt, ...) MIG_PRINTF(1, 2);

/* Writes the member `notes` of a document: those kept since the last one. */
void mig_note_json(struct mig_json *json);
