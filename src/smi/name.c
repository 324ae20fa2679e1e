/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profile names; see name.h.
 */
#include "smi/name.h"

#include <stdio.h>
#include <string.h>

#include "smi/profiles.h"

#define ELLIPSIS "..."

void mig_smi_print_name(const char *name, int width)
{
	const int kept = width - (int)strlen(ELLIPSIS);

	if (strlen(name) > (size_t)width)
		printf("%.*s" ELLIPSIS, kept, name);
	else
		printf("%-*s", width, name);
}

bool mig_smi_name_is(const char *name, const char *word)
{
	const size_t prefix = strlen(MIG_SMI_PROFILE_PREFIX);

	return strcmp(name, word) == 0 || (strncmp(name, MIG_SMI_PROFILE_PREFIX, prefix) == 0 &&
					   strcmp(name + prefix, word) == 0);
}
