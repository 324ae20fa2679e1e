/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the jail share: mounting in words, and the parts that are put together.
 *
 * While the jail is built, /dev is a scratch file system, MIG_JAIL_SCRATCH: upper layers and files
 * that are going to be mounted lie there. It is taken away at the end, what is mounted from it stays.
 */
#pragma once

#include <stdbool.h>

#include "sim/control/jail.h"

#define MIG_JAIL_SCRATCH "/dev"

/* Where the jail shows the node, once mig_jail_host is done. */
#define MIG_JAIL_NODE	   "/run/migsim/node"
#define MIG_JAIL_NODE_ROOT MIG_JAIL_NODE "/root"

/* A detached copy of what is mounted at `path`, with all that is mounted below: a descriptor. It can
 * be attached once. -1 with *err. */
int mig_jail_grab(const char *path, struct mig_error **err) MIG_MUST_CHECK;

/*
 * The same of the node's directory, if that is still the one behind `held`, a descriptor from before
 * the namespaces. A path leads where the owner of a directory above wants it to at that moment, and a
 * descriptor of the other namespace cannot be copied in this one.
 */
int mig_jail_grab_node(const struct mig_sim_jail *jail, int held,
		       struct mig_error **err) MIG_MUST_CHECK;

/* Attaches such a copy at `path`, which must be there (a directory for a directory). Takes tree_fd
 * over, in any case. */
int mig_jail_attach(int tree_fd, const char *path, struct mig_error **err) MIG_MUST_CHECK;

/* Both: shows `from` at `to`. */
int mig_jail_bind(const char *from, const char *to, struct mig_error **err) MIG_MUST_CHECK;

/* Adds MOUNT_ATTR_… to the mount at `path` and all below it. */
int mig_jail_restrict(const char *path, unsigned long long attributes,
		      struct mig_error **err) MIG_MUST_CHECK;

/* Mounts an empty file system in memory at `path`. */
int mig_jail_tmpfs(const char *path, struct mig_error **err) MIG_MUST_CHECK;

/* Lays `upper` (below the scratch file system) over the directory `path`. */
int mig_jail_overlay(const char *path, const char *upper, const char *work,
		     struct mig_error **err) MIG_MUST_CHECK;

/* A file with this content below a directory that exists; for mounting and for upper layers. */
int mig_jail_put(const char *path, const void *bytes, size_t len, mode_t mode,
		 struct mig_error **err) MIG_MUST_CHECK;

/* Whether it is a directory; links are followed. */
bool mig_jail_is_directory(const char *path);

/* jail_host.c: /etc, /run, /var/lib, libraries and programs get layers that take all writes, and the
 * node (`held`: mig_jail_grab_node) is shown. */
int mig_jail_host(const struct mig_sim_jail *jail, int held, struct mig_error **err) MIG_MUST_CHECK;

/* jail_proc.c: /proc and /sys show the node's driver and GPUs. */
int mig_jail_proc(const struct mig_sim_jail *jail, struct mig_error **err) MIG_MUST_CHECK;

/* jail_dev.c: what of the host's /dev is kept, taken before it is covered; then the jail's own. */
#define MIG_JAIL_KEPT_MAX 24
struct mig_jail_kept {
	int fds[MIG_JAIL_KEPT_MAX];
};
int mig_jail_dev_keep(struct mig_jail_kept *kept, struct mig_error **err) MIG_MUST_CHECK;
int mig_jail_dev(const struct mig_sim_jail *jail, struct mig_jail_kept *kept,
		 struct mig_error **err) MIG_MUST_CHECK;
