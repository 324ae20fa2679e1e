/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes as holders; see holders.h.
 *
 * NVML lists a GPU's processes with the GPU and compute instance each runs on. Names and users come
 * from procfs; a process that has ended meanwhile keeps its pid and no name.
 */
#include "core/holders.h"

#include <pwd.h>
#include <string.h>
#include <sys/stat.h>

#include "shared/file.h"
#include "shared/text.h"

#define PROCESSES_MAX 65536 /* per list; a driver that says more is broken */
#define LIST_TRIES    8	    /* the list may grow between asking for its size and reading it */

static int add(struct mig_holder **holders, unsigned int *count, const struct mig_holder *holder,
	       struct mig_error **err)
{
	struct mig_holder *grown = reallocarray(*holders, (size_t)*count + 1, sizeof(*grown));

	if (grown == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	*holders = grown;
	grown[(*count)++] = *holder;
	return 0;
}

int mig_holder_add(struct mig_compute_instance *ci, const struct mig_holder *holder,
		   struct mig_error **err)
{
	return add(&ci->holders, &ci->holder_count, holder, err);
}

int mig_holder_add_to_gpu(struct mig_gpu *gpu, const struct mig_holder *holder,
			  struct mig_error **err)
{
	return add(&gpu->holders, &gpu->holder_count, holder, err);
}

static void describe_process(unsigned int pid, struct mig_holder *holder)
{
	_cleanup_buf_ struct mig_buf name = MIG_BUF_INIT(4096);
	char path[64];
	char text[1024];
	struct passwd entry, *found = NULL;
	struct stat st;

	mig_text_format(path, sizeof(path), "/proc/%u", pid);
	if (stat(path, &st) == 0 &&
	    getpwuid_r(st.st_uid, &entry, text, sizeof(text), &found) == 0 && found != NULL)
		mig_text_copy(holder->user, sizeof(holder->user), found->pw_name);
	mig_text_format(path, sizeof(path), "/proc/%u/comm", pid);
	if (mig_file_read(path, &name, NULL) == 0) {
		mig_text_copy(holder->name, sizeof(holder->name), mig_buf_text(&name));
		holder->name[strcspn(holder->name, "\n")] = '\0';
	}
}

static struct mig_compute_instance *instance_of(struct mig_gpu *gpu, unsigned int gi_id,
						unsigned int ci_id)
{
	for (unsigned int i = 0; i < gpu->gi_count; i++) {
		for (unsigned int c = 0; gpu->gi[i].id == gi_id && c < gpu->gi[i].ci_count; c++) {
			if (gpu->gi[i].ci[c].id == ci_id)
				return &gpu->gi[i].ci[c];
		}
	}
	return NULL;
}

typedef nvmlReturn_t (*list_fn)(const struct mig_driver *driver, nvmlDevice_t device,
				unsigned int *count, nvmlProcessInfo_t *infos);

/* One of NVML's lists of processes. Some drivers have no graphics or MPS lists in MIG mode; without
 * the compute list nobody could say that an instance is free. */
struct process_list {
	list_fn read;
	bool is_optional;
};

/* *infos is newly allocated (NULL when the list is empty or an optional one is not there). */
static int read_list(const struct mig_driver *driver, const struct mig_gpu *gpu,
		     const struct process_list *list, nvmlProcessInfo_t **infos,
		     unsigned int *count, struct mig_error **err)
{
	nvmlReturn_t code = NVML_ERROR_INSUFFICIENT_SIZE;
	unsigned int room = 0;

	*infos = NULL;
	*count = 0;
	for (int i = 0; i < LIST_TRIES && code == NVML_ERROR_INSUFFICIENT_SIZE; i++) {
		code = list->read(driver, gpu->handle, count, *infos);
		if (code != NVML_ERROR_INSUFFICIENT_SIZE)
			break;
		if (*count >= PROCESSES_MAX)
			return mig_error_set(err, MIG_ERROR_DRIVER,
					     "the driver says %u processes, more than %d", *count,
					     PROCESSES_MAX);
		free(*infos);
		*count += 8;
		room = *count;
		*infos = calloc(room, sizeof(**infos));
		if (*infos == NULL)
			return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	}
	if (list->is_optional &&
	    (code == NVML_ERROR_NOT_SUPPORTED || code == NVML_ERROR_FUNCTION_NOT_FOUND)) {
		*count = 0;
		return 0;
	}
	if (code != NVML_SUCCESS)
		return mig_driver_error(err, driver, code, "cannot list the processes of GPU %u",
					gpu->index);
	if (*infos == NULL)
		*count = 0;
	if (*count > room)
		return mig_error_set(err, MIG_ERROR_DRIVER,
				     "the driver says %u processes in a list of %u", *count, room);
	return 0;
}

enum {
	LIST_COUNT = 3,
};

static void all_lists(const struct mig_driver *driver, struct process_list lists[LIST_COUNT])
{
	lists[0] = (struct process_list){driver->nvmlDeviceGetComputeRunningProcesses_v3, false};
	lists[1] = (struct process_list){driver->nvmlDeviceGetGraphicsRunningProcesses_v3, true};
	lists[2] = (struct process_list){driver->nvmlDeviceGetMPSComputeRunningProcesses_v3, true};
}

void mig_holder_describe(const struct mig_holder *holder, struct mig_buf *out)
{
	mig_buf_printf(out, "%s%s ", out->len > 0 ? ", " : "", holder->provider);
	/* What is no process has a name alone. */
	if (holder->pid == 0) {
		mig_text_escape_terminal(out, holder->name);
		return;
	}
	mig_buf_printf(out, "%u", holder->pid);
	if (holder->name[0] == '\0')
		return;
	mig_buf_puts(out, " (");
	mig_text_escape_terminal(out, holder->name);
	mig_buf_printf(out, "%s%s)", holder->user[0] != '\0' ? " of " : "", holder->user);
}

void mig_holders_of_gpu(const struct mig_context *ctx, const struct mig_gpu *gpu,
			struct mig_buf *out)
{
	struct process_list lists[LIST_COUNT];

	all_lists(ctx->driver, lists);
	for (size_t l = 0; l < LIST_COUNT; l++) {
		_cleanup_free_ nvmlProcessInfo_t *infos = NULL;
		unsigned int count;

		if (read_list(ctx->driver, gpu, &lists[l], &infos, &count, NULL) < 0)
			continue;
		for (unsigned int i = 0; i < count; i++) {
			struct mig_holder holder = {.provider = "process", .pid = infos[i].pid};

			if (infos[i].gpuInstanceId != MIG_NVML_NO_INSTANCE_ID)
				continue;
			describe_process(holder.pid, &holder);
			mig_holder_describe(&holder, out);
		}
	}
}

static int find_processes(const struct mig_context *ctx, struct mig_gpu *gpu,
			  struct mig_error **err)
{
	struct process_list lists[LIST_COUNT];

	all_lists(ctx->driver, lists);
	for (size_t l = 0; l < LIST_COUNT; l++) {
		_cleanup_free_ nvmlProcessInfo_t *infos = NULL;
		unsigned int count;

		if (read_list(ctx->driver, gpu, &lists[l], &infos, &count, err) < 0)
			return -1;
		for (unsigned int i = 0; i < count; i++) {
			struct mig_holder holder = {.provider = "process", .pid = infos[i].pid};
			struct mig_compute_instance *ci = instance_of(gpu, infos[i].gpuInstanceId,
								      infos[i].computeInstanceId);

			/* Of an instance that is not in the snapshot: it came later. */
			if (ci == NULL && infos[i].gpuInstanceId != MIG_NVML_NO_INSTANCE_ID)
				continue;
			if (infos[i].usedGpuMemory != UINT64_MAX)
				holder.memory_mib = infos[i].usedGpuMemory / (1024 * 1024);
			describe_process(holder.pid, &holder);
			if ((ci != NULL ? mig_holder_add(ci, &holder, err)
					: mig_holder_add_to_gpu(gpu, &holder, err)) < 0)
				return -1;
		}
	}
	return 0;
}

const struct mig_holder_provider mig_holder_processes = {
	.name = "process",
	.find = find_processes,
};
