/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices as one text; see device_text.h.
 */
#include "config/device_text.h"

#include <stdint.h>
#include <string.h>

#include "core/profile_name.h"
#include "shared/number.h"

bool mig_device_text_is_profile(const char *text)
{
	struct mig_profile_name name;

	return strncmp(text, "MIG", 3) != 0 && mig_profile_name_parse(text, &name) == 0;
}

/* A number after a mark; like those of a file it does not begin with 0. */
static int read_number(const char *text, size_t len, uint64_t max, unsigned int *number)
{
	uint64_t value;

	if ((len > 1 && text[0] == '0') || mig_parse_u64_n(text, len, 0, max, &value) < 0)
		return -1;
	*number = (unsigned int)value;
	return 0;
}

/* The text up to the first of two marks, which may not be there. */
static size_t length_to(const char *text, size_t len, char mark, char other)
{
	size_t n = 0;

	while (n < len && text[n] != mark && text[n] != other)
		n++;
	return n;
}

int mig_device_text_parse(const char *text, size_t len, struct mig_device_text *device,
			  const char **problem, size_t *offset)
{
	size_t name = length_to(text, len, '@', '*');
	size_t at = name;

	*device = (struct mig_device_text){.count = 1};
	*offset = 0;
	*problem = "this is not a profile name";
	if (name >= sizeof(device->profile))
		return -1;
	memcpy(device->profile, text, name);
	if (!mig_device_text_is_profile(device->profile))
		return -1;
	if (at < len && text[at] == '@') {
		size_t digits = length_to(text + at + 1, len - at - 1, '*', '*');

		*offset = at + 1;
		*problem = "the number after '@' is where the GPU instance starts, from 0 to 63";
		if (read_number(text + at + 1, digits, 63, &device->start) < 0)
			return -1;
		device->has_start = true;
		at += 1 + digits;
	}
	if (at < len) {
		*offset = at + 1;
		*problem = "the number after '*' is how many, from 0 to 2147483647";
		if (read_number(text + at + 1, len - at - 1, INT32_MAX, &device->count) < 0)
			return -1;
		device->has_count = true;
	}
	return 0;
}
