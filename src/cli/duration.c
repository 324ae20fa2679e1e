/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading durations; see duration.h.
 */
#include "cli/duration.h"

#include <string.h>

#include "shared/number.h"

#define MS_PER_S     1000u
#define DURATION_MAX (UINT64_C(366) * 24 * 3600) /* seconds; a year is long enough to wait */

int mig_duration_parse(const char *option, const char *text, uint64_t *ms, struct mig_error **err)
{
	static const struct {
		char letter;
		unsigned int seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}};
	size_t len = strlen(text);
	unsigned int seconds = 1;
	uint64_t value;

	for (size_t i = 0; len > 0 && i < MIG_ARRAY_SIZE(units); i++) {
		if (text[len - 1] != units[i].letter)
			continue;
		seconds = units[i].seconds;
		len--;
		break;
	}
	if (mig_parse_u64_n(text, len, 0, DURATION_MAX / seconds, &value) < 0) {
		mig_error_set(err, MIG_ERROR_USAGE, "option '--%s': '%s' is no duration", option,
			      text);
		return mig_error_hint(err,
				      "write seconds, or a number with s, m or h: 90, 90s, 5m, "
				      "1h");
	}
	*ms = value * seconds * MS_PER_S;
	return 0;
}
