/* SPDX-License-Identifier: Apache-2.0 */
/*
 * migctl smi, and migctl called as nvidia-smi: the front of src/smi.
 */
#include <stdlib.h>

#include "cli/commands.h"
#include "shared/file.h"
#include "smi/smi.h"

#define SELF_LINK "/proc/self/exe"

int mig_cmd_smi(int argc, char **argv)
{
	_cleanup_free_ char *self = realpath(SELF_LINK, NULL);
	const struct mig_smi_host host = {
		.reset_simulated = mig_cmd_sim_reset_like_smi,
		.self = self,
	};

	return mig_smi_main(argc, argv, &host);
}

int mig_cmd_smi_run(const struct mig_invocation *inv, MIG_UNUSED struct mig_error **err)
{
	return mig_cmd_smi(inv->arg_count, inv->args);
}
