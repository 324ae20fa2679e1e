/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WHAT of create, as a person writes it: PROFILE|ID[@START][*COUNT], several in one word with commas
 * between, as nvidia-smi's -cgi takes them ("19,19,14,9"). Whether a GPU has it is found out later.
 */
#pragma once

#include "core/adding.h"

struct mig_what {
	size_t count, allocated;
	struct mig_addition *items; /* their words point into `text` */
	char *text;
};

/*
 * Reads the words. in_gi: they are compute instances, of which "1c" is enough. Returns 0, or -1 with
 * *err (USAGE). mig_what_clear in either case.
 */
int mig_what_parse(char *const *words, size_t count, bool in_gi, struct mig_what *what,
		   struct mig_error **err) MIG_MUST_CHECK;
void mig_what_clear(struct mig_what *what);
