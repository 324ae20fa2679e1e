/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LAYOUT of the command line: what some GPUs shall look like, in one argument.
 *
 *	0=3g.20gb,2g.10gb,1g.5gb*2	GPUs=devices, each PROFILE[@START][*COUNT]
 *	'all=1g.5gb*7'			every GPU that has MIG
 *	0,2-4=off  1=on			MIG mode off; on, without instances
 *	GPU-2c05f3a1=3g.20gb@4		a UUID or its beginning; also a PCI address
 *	all=total:1g.5gb*10,3g.20gb*4	so many over all of these GPUs
 */
#pragma once

#include "config/config.h"

/*
 * Reads the arguments into a configuration of one label, each an entry. Returns 0, or -1 with *err:
 * USAGE, with the argument and the column. *out is the caller's.
 */
int mig_config_from_args(char *const *args, size_t count, struct mig_config **out,
			 struct mig_error **err) MIG_MUST_CHECK;
