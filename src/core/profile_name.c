/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parsing and comparing profile names. Pure text; see profile_name.h.
 */
#include "core/profile_name.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "shared/number.h"
#include "shared/text.h"

#define SLICES_MAX    64
#define MEMORY_GB_MAX 65535

/* Reads digits up to `end_mark` and moves *text past it. */
static int take_number(const char **text, const char *end_mark, unsigned int max,
		       unsigned int *number)
{
	size_t digits = strspn(*text, "0123456789");
	uint64_t value;

	if (digits == 0 || strncmp(*text + digits, end_mark, strlen(end_mark)) != 0)
		return -1;
	if (mig_parse_u64_n(*text, digits, 1, max, &value) < 0)
		return -1;
	*number = (unsigned int)value;
	*text += digits + strlen(end_mark);
	return 0;
}

static int compare_attributes(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Attributes: letters, digits and dots, not beginning with a digit or dot, none twice. */
static int take_attributes(const char *text, struct mig_profile_name *name)
{
	while (*text != '\0') {
		size_t len = strcspn(text, ",");
		char *to = name->attributes[name->attribute_count];

		if (name->attribute_count == MIG_PROFILE_ATTRIBUTES_MAX || len == 0 ||
		    len >= MIG_PROFILE_ATTRIBUTE_SIZE || !isalpha((unsigned char)text[0]))
			return -1;
		for (size_t i = 0; i < len; i++) {
			if (!isalnum((unsigned char)text[i]) && text[i] != '.')
				return -1;
			to[i] = text[i];
		}
		to[len] = '\0';
		name->attribute_count++;
		text += len;
		if (*text == ',' && *++text == '\0')
			return -1;
	}
	qsort(name->attributes, name->attribute_count, MIG_PROFILE_ATTRIBUTE_SIZE,
	      compare_attributes);
	for (unsigned int i = 1; i < name->attribute_count; i++) {
		if (strcmp(name->attributes[i - 1], name->attributes[i]) == 0)
			return -1;
	}
	return name->attribute_count > 0 ? 0 : -1;
}

int mig_profile_name_parse(const char *text, struct mig_profile_name *name)
{
	static const char prefix[] = "MIG ";

	memset(name, 0, sizeof(*name));
	if (strncmp(text, prefix, strlen(prefix)) == 0)
		text += strlen(prefix);
	if (take_number(&text, "c.", SLICES_MAX, &name->compute_slices) < 0)
		name->compute_slices = 0;
	if (take_number(&text, "g.", SLICES_MAX, &name->gpu_slices) < 0)
		return -1;
	if (take_number(&text, "gb", MEMORY_GB_MAX, &name->memory_gb) < 0)
		return -1;
	if (name->compute_slices == 0)
		name->compute_slices = name->gpu_slices;
	if (name->compute_slices > name->gpu_slices)
		return -1;
	if (*text == '\0')
		return 0;
	if (*text != '+' && *text != '-')
		return -1;
	name->negative = *text == '-';
	return take_attributes(text + 1, name);
}

bool mig_profile_name_same_gi(const struct mig_profile_name *a, const struct mig_profile_name *b)
{
	if (a->gpu_slices != b->gpu_slices || a->memory_gb != b->memory_gb ||
	    a->attribute_count != b->attribute_count || a->negative != b->negative)
		return false;
	for (unsigned int i = 0; i < a->attribute_count; i++) {
		if (strcmp(a->attributes[i], b->attributes[i]) != 0)
			return false;
	}
	return true;
}

void mig_profile_name_format(const struct mig_profile_name *name, char *text, size_t size)
{
	char c_part[16] = "";
	char attributes[MIG_PROFILE_ATTRIBUTES_MAX * (MIG_PROFILE_ATTRIBUTE_SIZE + 1)] = "";
	size_t used = 0;

	if (name->compute_slices != name->gpu_slices)
		mig_text_format(c_part, sizeof(c_part), "%uc.", name->compute_slices);
	for (unsigned int i = 0; i < name->attribute_count; i++) {
		char mark = i > 0 ? ',' : name->negative ? '-' : '+';

		mig_text_format(attributes + used, sizeof(attributes) - used, "%c%s", mark,
				name->attributes[i]);
		used += strlen(attributes + used);
	}
	mig_text_format(text, size, "%s%ug.%ugb%s", c_part, name->gpu_slices, name->memory_gb,
			attributes);
}
