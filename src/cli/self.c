/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How this program is called; see self.h.
 */
#include "cli/self.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cmd.h"
#include "shared/text.h"

#define NODE_ENV    "MIGCTL_NODE_TYPED"
#define PROGRAM	    "migctl "
#define TEXT_MAX    ((size_t)1 << 20)
#define QUOTED_SIZE 8192

int mig_self_remember_node(const char *node, struct mig_error **err)
{
	if (setenv(NODE_ENV, node, 1) < 0)
		return mig_error_set_errno(err, errno, "cannot remember the node '%s'", node);
	return 0;
}

void mig_self_forget_node(void)
{
	unsetenv(NODE_ENV);
}

const char *mig_self_node(void)
{
	static char node[QUOTED_SIZE];
	const char *typed = secure_getenv(NODE_ENV);

	if (typed == NULL || *typed == '\0')
		return NULL;
	if (node[0] == '\0') {
		_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(sizeof(node) - 1);

		mig_text_quote_shell(&text, typed);
		/* A name that is longer than any path was not typed. */
		if (mig_buf_failed(&text) ||
		    !mig_text_copy(node, sizeof(node), mig_buf_text(&text)))
			node[0] = '\0';
	}
	return node[0] != '\0' ? node : NULL;
}

/* Whether `text` begins with the first word of a command that acts on the node. */
static bool is_command(const char *text)
{
	size_t len = 0;

	while (islower((unsigned char)text[len]))
		len++;
	for (const struct mig_cmd *cmd = mig_commands; len > 0 && cmd->name != NULL; cmd++) {
		if (cmd->group != MIG_GROUP_SIMULATOR && strcspn(cmd->name, " ") == len &&
		    strncmp(cmd->name, text, len) == 0)
			return true;
	}
	return false;
}

void mig_self_puts(struct mig_buf *out, const char *text)
{
	const char *node = mig_self_node();
	const char *at;

	while (node != NULL && (at = strstr(text, PROGRAM)) != NULL) {
		size_t len = (size_t)(at - text) + strlen(PROGRAM);

		mig_buf_add(out, text, len);
		text += len;
		if (is_command(text))
			mig_buf_printf(out, "--node %s ", node);
	}
	mig_buf_puts(out, text);
}

void mig_self_fputs(const char *text, FILE *stream)
{
	_cleanup_buf_ struct mig_buf out = MIG_BUF_INIT(TEXT_MAX);

	mig_self_puts(&out, text);
	fputs(mig_buf_text(&out), stream);
}
