/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the simulated driver says who it is: a table of its own behind nvmlInternalGetExportTable.
 *
 * Included by both sides, migctl and the simulated library. The table is answered in every state,
 * also before nvmlInit and after a failed one, for MIG_SIM_IDENTITY_UUID only; a library that is
 * not ours does not know this UUID. Fields are only ever appended; `size` says how many there are,
 * as in the vendor's tables, and abi_version changes when the meaning of one does.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* f5fe8137-6701-4552-ba46-d45cc0c524c3, made for this purpose */
#define MIG_SIM_IDENTITY_UUID_BYTES                                                           \
	{                                                                                     \
		0xf5, 0xfe, 0x81, 0x37, 0x67, 0x01, 0x45, 0x52, 0xba, 0x46, 0xd4, 0x5c, 0xc0, \
			0xc5, 0x24, 0xc3                                                      \
	}
#define MIG_SIM_IDENTITY_UUID_SIZE 16

#define MIG_SIM_IDENTITY_ABI 1

/* Environment variable with the absolute path of the node, and where it is looked for without. */
#define MIG_SIM_NODE_ENV     "MIGSIM_NODE"
#define MIG_SIM_NODE_DEFAULT "/run/migsim/node"

struct mig_sim_identity {
	uint64_t size;	      /* of this structure in bytes, as the library knows it */
	uint32_t abi_version; /* MIG_SIM_IDENTITY_ABI */
	uint32_t reserved;    /* 0 */
	/* The version of migctl that the library was built with. Static. */
	const char *(*version)(void);
	/* The node that this process is served, an absolute path; NULL if none is configured. Valid
	 * until the library is unloaded. */
	const char *(*node_path)(void);
	/* Why the last call of this thread failed in the store, in words ("cannot write
	 * '/srv/node/state': No space left on device"); "" if none did. Overwritten by the next
	 * failure of this thread. */
	const char *(*failure_text)(void);
};
_Static_assert(sizeof(struct mig_sim_identity) == 40, "size of struct mig_sim_identity");
_Static_assert(offsetof(struct mig_sim_identity, version) == 16, "offset of version");
_Static_assert(offsetof(struct mig_sim_identity, node_path) == 24, "offset of node_path");
_Static_assert(offsetof(struct mig_sim_identity, failure_text) == 32, "offset of failure_text");
