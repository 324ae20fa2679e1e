/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ending holders; see evict.h.
 */
#include "core/evict.h"

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "core/holders.h"
#include "core/model.h"
#include "shared/clock.h"
#include "shared/file.h"
#include "shared/number.h"
#include "shared/text.h"

#define FORCED_WAIT_MS	    5000
#define POLL_STEP_MS	    50
#define ANCESTORS_MAX	    256
#define START_TIME_FIELD    22
/* The inode of the first pid namespace: PROC_PID_INIT_INO of the kernel's proc_ns.h. */
#define FIRST_PID_NAMESPACE "pid:[4026531836]"

struct victim {
	const struct mig_holder *holder;
	int pidfd;
	uint64_t start_time;
	bool is_gone;
};

struct eviction {
	const struct mig_context *ctx;
	const struct mig_evict_options *options;
	struct victim *victims;
	unsigned int count;
};

static void tell(const struct eviction *e, const char *before, const struct mig_holder *holder,
		 const char *after)
{
	_cleanup_buf_ struct mig_buf line = MIG_BUF_INIT(8192);
	_cleanup_buf_ struct mig_buf who = MIG_BUF_INIT(4096);

	if (e->options->tell == NULL)
		return;
	mig_holder_describe(holder, &who);
	mig_buf_printf(&line, "%s%s%s", before, mig_buf_text(&who), after);
	e->options->tell(e->options->cookie, mig_buf_text(&line));
}

/* ---- who is who --------------------------------------------------------------------------------- */

static int read_proc(unsigned int pid, const char *name, struct mig_buf *text)
{
	char path[64];

	mig_text_format(path, sizeof(path), "/proc/%u/%s", pid, name);
	return mig_file_read(path, text, NULL);
}

/* A field of /proc/PID/stat from number 3 on: what stands before the last ')' is foreign text. */
static int read_stat(unsigned int pid, unsigned int number, uint64_t *value)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(4096);
	const char *at;

	if (read_proc(pid, "stat", &text) < 0)
		return -1;
	at = strrchr(mig_buf_text(&text), ')');
	for (unsigned int field = 2; at != NULL && field < number; field++) {
		at = strchr(at, ' ');
		at = at != NULL ? at + 1 : NULL;
	}
	if (at == NULL)
		return -1;
	return mig_parse_u64_n(at, strcspn(at, " \n"), 0, UINT64_MAX, value);
}

static bool is_ancestor(unsigned int pid)
{
	uint64_t at = (uint64_t)getpid();

	for (int i = 0; i < ANCESTORS_MAX && at > 1; i++) {
		if (at == pid)
			return true;
		if (read_stat((unsigned int)at, 4, &at) < 0)
			return false;
	}
	return false;
}

/* The path element that begins at or after `from` and has `part` in it; NULL if there is none. */
static const char *element_with(const char *line, size_t len, const char *part, size_t *element_len)
{
	const char *end = line + len;

	for (const char *at = line; at < end;) {
		size_t n = 0;

		while (at + n < end && at[n] != '/')
			n++;
		if (memmem(at, n, part, strlen(part)) != NULL) {
			*element_len = n;
			return at;
		}
		at += n + 1;
	}
	return NULL;
}

static bool is_slurm(const char *line, size_t len, struct mig_buf *what, struct mig_buf *command)
{
	const char *job;
	size_t n;

	if (memmem(line, len, "slurm", strlen("slurm")) == NULL)
		return false;
	job = element_with(line, len, "job_", &n);
	if (job == NULL || n <= strlen("job_") || !isdigit((unsigned char)job[strlen("job_")]))
		return false;
	mig_buf_printf(what, "Slurm job %.*s", (int)(n - strlen("job_")), job + strlen("job_"));
	mig_buf_printf(command, "scancel %.*s", (int)(n - strlen("job_")), job + strlen("job_"));
	return true;
}

static bool is_kubelet(const char *line, size_t len, struct mig_buf *what, struct mig_buf *command)
{
	const char *pod;
	size_t n;

	if (memmem(line, len, "kubepods", strlen("kubepods")) == NULL)
		return false;
	pod = element_with(line, len, "pod", &n);
	while (pod != NULL && memmem(pod, n, "-pod", strlen("-pod")) == NULL &&
	       strncmp(pod, "pod", strlen("pod")) != 0)
		pod = element_with(pod + n, len - (size_t)(pod + n - line), "pod", &n);
	mig_buf_puts(what, "a pod of the kubelet");
	if (pod != NULL)
		mig_buf_printf(what, " (%.*s)", (int)n, pod);
	mig_buf_puts(command, "kubectl delete pod");
	return true;
}

static bool is_service(const char *line, size_t len, struct mig_buf *what, struct mig_buf *command)
{
	const char *service;
	size_t n;

	if (memmem(line, len, "/system.slice/", strlen("/system.slice/")) == NULL)
		return false;
	service = element_with(line, len, ".service", &n);
	if (service == NULL)
		return false;
	mig_buf_printf(what, "the system service %.*s", (int)n, service);
	mig_buf_printf(command, "systemctl stop %.*s", (int)n, service);
	return true;
}

bool mig_evict_is_managed(const char *cgroups, struct mig_buf *what, struct mig_buf *command)
{
	/* The most particular first: Slurm's and the kubelet's jobs lie below their services. */
	bool (*const kinds[])(const char *line, size_t len, struct mig_buf *what,
			      struct mig_buf *command) = {is_slurm, is_kubelet, is_service};

	for (size_t k = 0; k < MIG_ARRAY_SIZE(kinds); k++) {
		for (const char *line = cgroups; *line != '\0';) {
			size_t len = strcspn(line, "\n");

			if (kinds[k](line, len, what, command))
				return true;
			line += len + (line[len] == '\n');
		}
	}
	return false;
}

static int refuse(const struct mig_holder *holder, const char *why, struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf who = MIG_BUF_INIT(4096);

	mig_holder_describe(holder, &who);
	return mig_error_set(err, MIG_ERROR_REFUSED, "%s is in the way and is not ended: %s",
			     mig_buf_text(&who), why);
}

static int check_victim(const struct mig_holder *holder, struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf cgroups = MIG_BUF_INIT(64 * 1024);
	_cleanup_buf_ struct mig_buf what = MIG_BUF_INIT(4096);
	_cleanup_buf_ struct mig_buf command = MIG_BUF_INIT(4096);

	if (holder->pid == 0)
		return refuse(holder, "it is no process", err);
	if (holder->pid == 1)
		return refuse(holder, "it is the first process of this machine", err);
	if (is_ancestor(holder->pid))
		return refuse(holder, "this command runs below it", err);
	if (read_proc(holder->pid, "cgroup", &cgroups) < 0)
		return 0; /* ended meanwhile, which is seen when it is opened */
	if (!mig_evict_is_managed(mig_buf_text(&cgroups), &what, &command))
		return 0;
	refuse(holder, mig_buf_text(&what), err);
	return mig_error_hint(err, "end it by its own command: %s", mig_buf_text(&command));
}

static int check_namespace(struct mig_error **err)
{
	char link[64];
	ssize_t n = readlink("/proc/self/ns/pid", link, sizeof(link) - 1);

	link[MIG_MAX(n, 0)] = '\0';
	if (strcmp(link, FIRST_PID_NAMESPACE) == 0)
		return 0;
	mig_error_set(err, MIG_ERROR_REFUSED,
		      "nobody is ended from inside a pid namespace: the pids that the driver says "
		      "may mean other processes here");
	return mig_error_hint(err, "run it outside of the container, or end the holders yourself");
}

/* ---- pinning ------------------------------------------------------------------------------------ */

static bool is_known(const struct eviction *e, unsigned int pid)
{
	for (unsigned int i = 0; i < e->count; i++) {
		if (e->victims[i].holder->pid == pid)
			return true;
	}
	return false;
}

static int pin(struct eviction *e, const struct mig_holder *holder, struct mig_error **err)
{
	struct victim *v = &e->victims[e->count];

	v->holder = holder;
	v->pidfd = (int)syscall(SYS_pidfd_open, (pid_t)holder->pid, 0);
	v->is_gone = v->pidfd < 0 && errno == ESRCH;
	if (v->pidfd < 0 && !v->is_gone)
		return mig_error_set_errno(err, errno, "cannot open process %u", holder->pid);
	if (!v->is_gone && read_stat(holder->pid, START_TIME_FIELD, &v->start_time) < 0)
		v->is_gone = true;
	e->count++;
	return 0;
}

static bool holds(const struct mig_holder *holders, unsigned int count, unsigned int pid)
{
	for (unsigned int i = 0; i < count; i++) {
		if (holders[i].pid == pid)
			return true;
	}
	return false;
}

static bool is_listed(const struct mig_snapshot *snapshot, unsigned int pid)
{
	for (unsigned int i = 0; i < snapshot->gpu_count; i++) {
		const struct mig_gpu *gpu = &snapshot->gpus[i];

		if (holds(gpu->holders, gpu->holder_count, pid))
			return true;
		for (unsigned int g = 0; g < gpu->gi_count; g++) {
			for (unsigned int c = 0; c < gpu->gi[g].ci_count; c++) {
				if (holds(gpu->gi[g].ci[c].holders, gpu->gi[g].ci[c].holder_count,
					  pid))
					return true;
			}
		}
	}
	return false;
}

/* NVML asked again, now that nobody can take a victim's pid: who is not listed any more is not meant. */
static int look_again(struct eviction *e, struct mig_error **err)
{
	_cleanup_snapshot_ struct mig_snapshot *snapshot = NULL;

	if (mig_snapshot_read(e->ctx, MIG_SNAPSHOT_HOLDERS | MIG_SNAPSHOT_LOST, &snapshot, err) < 0)
		return mig_error_wrap(err, "cannot look again who holds what");
	for (unsigned int i = 0; i < e->count; i++) {
		struct victim *v = &e->victims[i];
		uint64_t start_time = 0;

		if (v->is_gone)
			continue;
		if (!is_listed(snapshot, v->holder->pid) ||
		    read_stat(v->holder->pid, START_TIME_FIELD, &start_time) < 0 ||
		    start_time != v->start_time)
			v->is_gone = true;
	}
	return 0;
}

/* ---- signals ------------------------------------------------------------------------------------ */

static int send_signal(struct eviction *e, int number, struct mig_error **err)
{
	for (unsigned int i = 0; i < e->count; i++) {
		struct victim *v = &e->victims[i];

		if (v->is_gone)
			continue;
		if (syscall(SYS_pidfd_send_signal, v->pidfd, number, NULL, 0) < 0) {
			if (errno != ESRCH)
				return mig_error_set_errno(err, errno, "cannot end process %u",
							   v->holder->pid);
			v->is_gone = true;
			continue;
		}
		tell(e, number == SIGKILL ? "forced " : "asked ", v->holder, " to end");
	}
	return 0;
}

/* Returns whether all are gone before the time is over. */
static bool wait_for_all(struct eviction *e, uint64_t ms)
{
	const uint64_t end = mig_clock_now_ns() + ms * MIG_CLOCK_NS_PER_MS;

	for (;;) {
		bool is_any = false;

		for (unsigned int i = 0; i < e->count; i++) {
			struct victim *v = &e->victims[i];
			struct pollfd fd = {.fd = v->pidfd, .events = POLLIN};

			if (v->is_gone)
				continue;
			v->is_gone = poll(&fd, 1, is_any ? 0 : POLL_STEP_MS) > 0;
			if (v->is_gone)
				tell(e, "", v->holder, " has ended");
			is_any = is_any || !v->is_gone;
		}
		if (!is_any)
			return true;
		if (mig_clock_now_ns() >= end || mig_context_is_interrupted(e->ctx))
			return false;
	}
}

static int end_all(struct eviction *e, struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf who = MIG_BUF_INIT(8192);

	if (send_signal(e, SIGTERM, err) < 0)
		return -1;
	if (wait_for_all(e, e->options->grace_ms))
		return 0;
	if (mig_context_is_interrupted(e->ctx))
		return mig_error_set(err, MIG_ERROR_INTERRUPTED, "interrupted");
	if (look_again(e, err) < 0 || send_signal(e, SIGKILL, err) < 0)
		return -1;
	if (wait_for_all(e, FORCED_WAIT_MS))
		return 0;
	for (unsigned int i = 0; i < e->count; i++) {
		if (!e->victims[i].is_gone)
			mig_holder_describe(e->victims[i].holder, &who);
	}
	mig_error_set(err, MIG_ERROR_IN_USE, "%s did not end, not even by force",
		      mig_buf_text(&who));
	return mig_error_hint(err, "it may wait for a device or a file system; a reboot ends it");
}

int mig_evict(const struct mig_context *ctx, const struct mig_in_the_way *list, unsigned int count,
	      const struct mig_evict_options *options, struct mig_error **err)
{
	struct eviction e = {.ctx = ctx, .options = options};
	int rc = check_namespace(err);

	for (unsigned int i = 0; rc == 0 && i < count; i++)
		rc = check_victim(list[i].holder, err);
	if (rc < 0)
		return -1;
	e.victims = calloc((size_t)count + 1, sizeof(*e.victims));
	if (e.victims == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	for (unsigned int i = 0; rc == 0 && i < count; i++) {
		if (!is_known(&e, list[i].holder->pid))
			rc = pin(&e, list[i].holder, err);
	}
	if (rc == 0)
		rc = look_again(&e, err);
	if (rc == 0)
		rc = end_all(&e, err);
	for (unsigned int i = 0; i < e.count; i++) {
		if (e.victims[i].pidfd >= 0)
			close(e.victims[i].pidfd);
	}
	free(e.victims);
	return rc;
}
