/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hooks of a change; see hooks.h.
 */
#include "core/hooks.h"

#include <stdlib.h>

static const char *const point_names[MIG_HOOK_POINT_COUNT] = {
	[MIG_HOOK_APPLY_START] = "apply-start",
	[MIG_HOOK_PRE_APPLY_MODE] = "pre-apply-mode",
	[MIG_HOOK_PRE_APPLY_CONFIG] = "pre-apply-config",
	[MIG_HOOK_APPLY_EXIT] = "apply-exit",
};

const char *mig_hook_point_name(enum mig_hook_point point)
{
	return point_names[point];
}

static void free_strings(char **strings)
{
	for (size_t i = 0; strings != NULL && strings[i] != NULL; i++)
		free(strings[i]);
	free(strings);
}

void mig_hooks_free(struct mig_hooks *hooks)
{
	if (hooks == NULL)
		return;
	for (unsigned int point = 0; point < MIG_HOOK_POINT_COUNT; point++) {
		for (size_t i = 0; i < hooks->at[point].count; i++) {
			struct mig_hook *hook = &hooks->at[point].hooks[i];

			free(hook->command);
			free_strings(hook->args);
			free_strings(hook->envs);
			free(hook->workdir);
		}
		free(hooks->at[point].hooks);
	}
	free(hooks->source);
	free(hooks);
}
