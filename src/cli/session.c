/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening the driver for a command; see session.h.
 */
#include "cli/session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/note.h"
#include "cli/self.h"
#include "core/holders.h"
#include "nvml/driver.h"
#include "nvml/guard.h"
#include "nvml/sim_identity.h"
#include "nvml/trace.h"
#include "shared/buf.h"
#include "shared/text.h"
#include "sim/control/control.h"

#define COMMAND_MAX    8192 /* with the path of a node */
#define IN_USE_RETRIES 5    /* over a second and a half */

static const struct mig_holder_provider *const holder_providers[] = {
	&mig_holder_processes,
	NULL,
};

int mig_session_explain(const struct mig_session *session, struct mig_error **err)
{
	const char *text;

	if (err == NULL || *err == NULL)
		return -1;
	if (mig_error_is_lost(*err) && session->ctx.reboot_command != NULL)
		mig_hint_lost(&session->ctx, err);
	if (session->sim_identity == NULL)
		return -1;
	text = session->sim_identity->failure_text();
	if (text[0] != '\0')
		mig_error_hint(err, "simulated driver: %s", text);
	return -1;
}

static int initialise(struct mig_session *session, struct mig_error **err)
{
	nvmlReturn_t code;
	int result = mig_driver_guard_init(&session->guard, &code, err);

	session->sim_identity = session->guard.identity;
	session->is_initialised = code == NVML_SUCCESS;
	if (result < 0 || code == NVML_SUCCESS)
		return result;
	mig_driver_error(err, session->driver, code, "cannot start the driver library");
	return mig_session_explain(session, err);
}

/* A simulated node is reset from outside, by its name or path. */
static int find_commands(struct mig_session *session, struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf reset = MIG_BUF_INIT(COMMAND_MAX);
	_cleanup_buf_ struct mig_buf reboot = MIG_BUF_INIT(COMMAND_MAX);
	_cleanup_buf_ struct mig_buf devices = MIG_BUF_INIT(COMMAND_MAX);
	const char *node = NULL;

	if (session->sim_identity != NULL)
		node = session->sim_identity->node_path();
	if (node == NULL)
		return 0;
	if (mig_self_node() != NULL)
		node = mig_self_node();
	mig_buf_printf(&reset, "migctl sim reset %s -i", node);
	mig_buf_printf(&reboot, "migctl sim reboot %s", node);
	mig_buf_printf(&devices, "migctl sim mend %s", node);
	session->device_command = strdup(mig_buf_text(&devices));
	session->reset_command = strdup(mig_buf_text(&reset));
	session->reboot_command = strdup(mig_buf_text(&reboot));
	session->ctx.reset_command = session->reset_command;
	session->ctx.reboot_command = session->reboot_command;
	if (session->reset_command == NULL || session->reboot_command == NULL ||
	    session->device_command == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	return 0;
}

static void print_message(MIG_UNUSED void *cookie, MIG_UNUSED enum mig_log_level level,
			  const char *message)
{
	mig_note("%s", message);
}

/* Somebody who has chosen a node for the sim commands may take it for chosen for all. */
static void hint_used_node(struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf name = MIG_BUF_INIT(COMMAND_MAX);
	_cleanup_free_ char *node = NULL, *home = NULL;
	const char *hint = err != NULL ? mig_error_hint_text(*err) : NULL;
	size_t length;

	/* With a library, broken or not, it is the machine that is meant. */
	if (hint == NULL || mig_error_code(*err) != MIG_ERROR_NO_DRIVER ||
	    getenv(MIG_SIM_NODE_ENV) != NULL || mig_sim_home(&home, NULL) < 0 ||
	    mig_sim_node_path(NULL, &node, NULL) < 0)
		return;
	length = strlen(home);
	if (strncmp(node, home, length) != 0 || node[length] != '/')
		return;
	mig_text_quote_shell(&name, node + length + 1);
	mig_error_hint(
		err,
		"%s; the node of 'sim use' is for sim commands only, here it is named: migctl "
		"--node %s COMMAND",
		hint, mig_buf_text(&name));
}

int mig_session_open(struct mig_session *session, struct mig_error **err)
{
	int result;

	memset(session, 0, sizeof(*session));
	result = mig_driver_guard_open(&session->guard, err);
	session->driver = session->guard.driver;
	if (result < 0)
		hint_used_node(err);
	if (result < 0 || initialise(session, err) < 0 || find_commands(session, err) < 0) {
		mig_session_close(session);
		return -1;
	}
	session->log = (struct mig_log){.write = print_message, .max_level = MIG_LOG_WARNING};
	session->ctx.driver = session->driver;
	session->ctx.log = &session->log;
	session->ctx.host_root = session->guard.host_root;
	session->ctx.holder_providers = holder_providers;
	session->ctx.reset_port = &session->reset_port;
	session->reset_port = mig_reset_by_program;
	/* NULL, also where the environment must not be followed: the vendor's program. */
	session->reset_port.cookie = secure_getenv(MIG_RESET_PROGRAM_ENV);
	session->ctx.in_use_retries = IN_USE_RETRIES;
	return 0;
}

void mig_session_close(struct mig_session *session)
{
	if (session->is_initialised)
		session->driver->nvmlShutdown(session->driver);
	if (mig_driver_guard_clear(&session->guard) < 0)
		fprintf(stderr, "migctl: the file that %s names could not be written: %s\n",
			MIG_NVML_COUNT_ENV, strerror(errno));
	free(session->reset_command);
	free(session->reboot_command);
	free(session->device_command);
	memset(session, 0, sizeof(*session));
}
