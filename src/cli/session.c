/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening the driver for a command; see session.h.
 */
#include "cli/session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/holders.h"
#include "nvml/driver.h"
#include "nvml/sim_identity.h"
#include "nvml/trace.h"
#include "shared/buf.h"
#include "shared/hostroot.h"
#include "shared/text.h"

static const struct mig_holder_provider *const holder_providers[] = {
	&mig_holder_processes,
	NULL,
};

int mig_session_explain(const struct mig_session *session, struct mig_error **err)
{
	const struct mig_sim_identity *identity;
	const char *text;

	if (err == NULL || *err == NULL || session->driver == NULL ||
	    !mig_driver_sim_identity(session->driver, &identity))
		return -1;
	text = identity->failure_text();
	if (text[0] != '\0')
		mig_error_hint(err, "simulated driver: %s", text);
	return -1;
}

/*
 * The node that the environment names. With more rights than its caller's (a set-ID bit, file
 * capabilities) migctl must not follow it, and the loader did not: that is never to mean the real
 * machine.
 */
static int read_node(const char **node, struct mig_error **err)
{
	*node = secure_getenv(MIG_SIM_NODE_ENV);
	if (*node != NULL && **node == '\0') {
		mig_error_set(err, MIG_ERROR_CONFIG, "%s is set but empty", MIG_SIM_NODE_ENV);
		return mig_error_hint(err, "unset it to work on this machine itself");
	}
	if (*node != NULL || getenv(MIG_SIM_NODE_ENV) == NULL)
		return 0;
	return mig_host_env_refuse(MIG_SIM_NODE_ENV, err);
}

static int initialise(struct mig_session *session, const char *node, struct mig_error **err)
{
	nvmlReturn_t code;

	/* Before Init, which on a foreign driver would wake real GPUs up. */
	if ((node != NULL || session->host_root[0] != '\0') &&
	    !mig_driver_sim_identity(session->driver, NULL) &&
	    mig_driver_check_identity(session->driver, session->host_root, node, err) < 0)
		return -1;
	code = session->driver->nvmlInitWithFlags(session->driver, 0);
	if (code != NVML_SUCCESS) {
		mig_driver_error(err, session->driver, code, "cannot start the driver library");
		return mig_session_explain(session, err);
	}
	session->is_initialised = true;
	return mig_driver_check_identity(session->driver, session->host_root, node, err);
}

static void print_message(MIG_UNUSED void *cookie, MIG_UNUSED enum mig_log_level level,
			  const char *message)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(64 * 1024);

	mig_text_escape_message(&text, message);
	fprintf(stderr, "migctl: %s\n", mig_buf_text(&text));
}

int mig_session_open(struct mig_session *session, struct mig_error **err)
{
	const char *node = NULL;

	memset(session, 0, sizeof(*session));
	if (mig_host_root_from_env(&session->host_root, err) < 0 || read_node(&node, err) < 0 ||
	    mig_driver_open(NULL, &session->driver, err) < 0 ||
	    mig_driver_trace_from_env(&session->driver, err) < 0 ||
	    initialise(session, node, err) < 0) {
		mig_session_close(session);
		return -1;
	}
	session->log = (struct mig_log){.write = print_message, .max_level = MIG_LOG_WARNING};
	session->ctx.driver = session->driver;
	session->ctx.log = &session->log;
	session->ctx.host_root = session->host_root;
	session->ctx.holder_providers = holder_providers;
	return 0;
}

void mig_session_close(struct mig_session *session)
{
	if (session->is_initialised)
		session->driver->nvmlShutdown(session->driver);
	if (mig_driver_close(session->driver) < 0)
		fprintf(stderr, "migctl: the file that %s names could not be written: %s\n",
			MIG_NVML_COUNT_ENV, strerror(errno));
	free(session->host_root);
	memset(session, 0, sizeof(*session));
}
