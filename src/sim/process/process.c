/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes out of /proc.
 */
#include "sim/process/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/number.h"
#include "shared/text.h"

enum {
	STAT_STATE_FIELD = 3,
	STAT_PARENT_FIELD = 4,
	STAT_START_TIME_FIELD = 22,
	PROC_PATH_SIZE = 64,
	STAT_SIZE = 1024,
	NUMBER_SIZE = 16,
};

/* The inode of the machine's first pid namespace, which the kernel promises (PROC_PID_INIT_INO). */
#define FIRST_PID_NAMESPACE UINT64_C(0xEFFFFFFC)

/* What one line of /proc/PID/stat says. */
struct stat_line {
	char state;
	uint32_t parent;
	uint64_t start_time;
};

/* Reads at most size - 1 bytes and terminates them. Returns how many, or -1. */
static ssize_t read_file(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t got;

	if (fd < 0)
		return -1;
	do
		got = read(fd, text, size - 1);
	while (got < 0 && errno == EINTR);
	close(fd);
	if (got >= 0)
		text[got] = '\0';
	return got;
}

/* The fields after the program's name, which may itself hold spaces and parentheses. */
static bool read_stat(uint32_t pid, struct stat_line *out)
{
	char path[PROC_PATH_SIZE], text[STAT_SIZE];
	char *field;

	mig_text_format(path, sizeof(path), "/proc/%u/stat", pid);
	if (read_file(path, text, sizeof(text)) <= 0)
		return false;
	field = strrchr(text, ')');
	if (!field || field[1] != ' ')
		return false;
	field += 2;
	for (unsigned int number = STAT_STATE_FIELD; number <= STAT_START_TIME_FIELD; number++) {
		size_t length = strcspn(field, " \n");
		uint64_t value;

		if (number == STAT_STATE_FIELD)
			out->state = *field;
		if (number == STAT_PARENT_FIELD || number == STAT_START_TIME_FIELD) {
			if (mig_parse_u64_n(field, length, 0, UINT64_MAX, &value) < 0)
				return false;
			if (number == STAT_PARENT_FIELD)
				out->parent = (uint32_t)value;
			else
				out->start_time = value;
		}
		field += length;
		field += *field == ' ';
	}
	return true;
}

static bool has_ended(const struct stat_line *line)
{
	return line->state == 'Z' || line->state == 'X';
}

/* The inode of a link in /proc/ENTRY/ns; 0 with errno if it cannot be looked at. */
static uint64_t read_link(const char *entry, const char *link)
{
	char path[PROC_PATH_SIZE];
	struct stat st;

	mig_text_format(path, sizeof(path), "/proc/%s/ns/%s", entry, link);
	return stat(path, &st) < 0 ? 0 : st.st_ino;
}

/* The first and the last number of a line like "NSpid:\t812\t7\t1", from behind the colon. */
static bool parse_numbers(const char *text, uint32_t *last, unsigned int *count)
{
	*count = 0;
	for (text += strspn(text, " \t"); *text && *text != '\n'; text += strspn(text, " \t")) {
		size_t length = strcspn(text, " \t\n");
		uint64_t value;

		if (mig_parse_u64_n(text, length, 0, UINT32_MAX, &value) < 0)
			return false;
		*last = (uint32_t)value;
		(*count)++;
		text += length;
	}
	return *count > 0;
}

/*
 * The number of a process in its own pid namespace, and how many namespaces deep that is, counted
 * from that of /proc. A kernel that does not say has no such namespaces.
 */
static bool read_inner_pid(const char *entry, uint32_t *inner, unsigned int *depth)
{
	static const char key[] = "NSpid:";
	char path[PROC_PATH_SIZE];
	char *line = NULL;
	size_t size = 0;
	uint64_t number;
	bool is_good;
	FILE *file;

	mig_text_format(path, sizeof(path), "/proc/%s/status", entry);
	file = fopen(path, "re");
	if (!file)
		return false;
	is_good = mig_parse_u64_n(entry, strlen(entry), 1, UINT32_MAX, &number) == 0;
	*inner = (uint32_t)number;
	*depth = 1;
	/* Not a buffer of some size: the list of groups before it has no bound. */
	while (is_good && getline(&line, &size, file) > 0) {
		if (strncmp(line, key, sizeof(key) - 1) != 0)
			continue;
		is_good = parse_numbers(line + sizeof(key) - 1, inner, depth);
		break;
	}
	free(line);
	fclose(file);
	return is_good;
}

/* ---- pid namespaces --------------------------------------------------------------------------- */

/* What is known of a process that is looked for. */
struct search {
	struct mig_sim_process process;
	bool is_any_start; /* whatever its start time is */
	uint64_t own_time; /* the caller's time namespace */
	bool has_missed;   /* a process that may be it could not be looked at */
};

/*
 * Whether an entry of /proc is the process. In another time namespace the start time is counted
 * from another moment; then namespace and number must do.
 */
static bool is_wanted(struct search *search, const char *entry, struct stat_line *line)
{
	uint64_t namespace = read_link(entry, "pid");
	uint32_t inner, number;
	unsigned int depth;
	bool is_same_start;
	uint64_t value;

	if (namespace == 0 && errno != EACCES && errno != EPERM)
		return false; /* it has ended */
	if (namespace != 0 && namespace != search->process.pid_namespace)
		return false;
	if (!read_inner_pid(entry, &inner, &depth)) {
		search->has_missed = search->has_missed || errno == EACCES || errno == EPERM;
		return false;
	}
	if (inner != search->process.pid ||
	    mig_parse_u64_n(entry, strlen(entry), 1, UINT32_MAX, &value) < 0)
		return false;
	number = (uint32_t)value;
	/* One that has ended may stay for long, until its parent asks how. */
	if (!read_stat(number, line) || has_ended(line))
		return false;
	is_same_start = search->is_any_start || line->start_time == search->process.start_time;
	if (namespace == 0) {
		/* Somebody else's. What has one number only is in the namespace of /proc. Its time
		 * namespace cannot be looked at either; the usual is taken for granted, for every
		 * container has a number 1. */
		search->has_missed = search->has_missed || (depth > 1 && is_same_start);
		return false;
	}
	return is_same_start || read_link(entry, "time") != search->own_time;
}

/*
 * Looks through all of /proc. Returns the entry's number, and what its stat says; 0: not found, and
 * *is_sure says whether it then is not there at all.
 */
static uint32_t search_all(const struct mig_sim_process *process, bool is_any_start,
			   struct stat_line *line, bool *is_sure)
{
	struct search search = {.process = *process, .is_any_start = is_any_start};
	DIR *proc = opendir("/proc");
	uint64_t found = 0;
	struct dirent *entry;

	*is_sure = false;
	if (!proc)
		return 0;
	search.own_time = read_link("self", "time");
	while (found == 0 && (entry = readdir(proc))) {
		const char *name = entry->d_name;

		if (*name >= '1' && *name <= '9' && is_wanted(&search, name, line) &&
		    mig_parse_u64_n(name, strlen(name), 1, UINT32_MAX, &found) < 0)
			found = 0;
	}
	closedir(proc);
	/* Everybody is below the first namespace alone, unless /proc hides other people's. */
	*is_sure = found == 0 && !search.has_missed && access("/proc/1/stat", R_OK) == 0 &&
		   read_link("self", "pid") == FIRST_PID_NAMESPACE;
	return (uint32_t)found;
}

/* The caller's number in /proc, which may be that of another pid namespace than the caller's; 0: it
 * cannot be read. */
static uint32_t own_number(void)
{
	char text[NUMBER_SIZE];
	ssize_t got = readlink("/proc/self", text, sizeof(text));
	uint64_t number;

	if (got <= 0 || mig_parse_u64_n(text, (size_t)got, 1, UINT32_MAX, &number) < 0)
		return 0;
	return (uint32_t)number;
}

/* Where in /proc the caller's process `pid` is; 0: nowhere. */
static uint32_t number_of(uint32_t pid)
{
	const uint32_t own = (uint32_t)getpid(), number = own_number();
	struct mig_sim_process process = {.pid = pid};
	struct stat_line line;
	bool is_sure;

	if (number == own)
		return pid;
	if (pid == own)
		return number;
	process.pid_namespace = read_link("self", "pid");
	return process.pid_namespace ? search_all(&process, true, &line, &is_sure) : 0;
}

bool mig_sim_process_find(uint32_t pid, struct mig_sim_process *out)
{
	int saved_errno = errno;
	const uint32_t number = pid != 0 ? number_of(pid) : 0;
	char entry[NUMBER_SIZE];
	struct stat_line line;
	uint64_t namespace = 0;
	unsigned int depth;
	uint32_t inner;
	bool found;

	mig_text_format(entry, sizeof(entry), "%u", number);
	found = number != 0 && read_stat(number, &line) && !has_ended(&line) &&
		read_inner_pid(entry, &inner, &depth);
	if (found) {
		namespace = read_link(entry, "pid");
		/* Somebody else's: it is where the caller is, if it has only one number. */
		if (namespace == 0 && (errno == EACCES || errno == EPERM) && depth == 1)
		namespace = read_link("self", "pid");
	}
	found = found && namespace != 0;
	if (found)
		*out = (struct mig_sim_process){
			.pid = inner, .start_time = line.start_time, .pid_namespace = namespace};
	errno = saved_errno;
	return found;
}

bool mig_sim_process_look(const struct mig_sim_process *process, uint32_t *pid)
{
	int saved_errno = errno;
	const bool is_own = read_link("self", "pid") == process->pid_namespace;
	const bool is_plain = own_number() == (uint32_t)getpid();
	struct stat_line line;
	uint32_t number;
	bool is_sure;

	*pid = 0;
	if (is_own && is_plain) {
		number = read_stat(process->pid, &line) && !has_ended(&line) &&
					 line.start_time == process->start_time
				 ? process->pid
				 : 0;
		is_sure = true;
	} else {
		number = search_all(process, false, &line, &is_sure);
		is_sure = is_sure || is_own;
	}
	if (number != 0 && (is_own || is_plain))
		*pid = is_own ? process->pid : number;
	errno = saved_errno;
	return number != 0 || !is_sure;
}

bool mig_sim_process_is_alive(const struct mig_sim_process *process)
{
	uint32_t pid;

	return mig_sim_process_look(process, &pid);
}

uint32_t mig_sim_process_parent(uint32_t pid)
{
	int saved_errno = errno;
	struct stat_line line;
	uint32_t parent = pid != 0 && read_stat(pid, &line) ? line.parent : 0;

	errno = saved_errno;
	return parent;
}

bool mig_sim_process_name(uint32_t pid, char *name, size_t size)
{
	int saved_errno = errno;
	char path[PROC_PATH_SIZE];
	ssize_t got;

	name[0] = '\0';
	mig_text_format(path, sizeof(path), "/proc/%u/exe", pid);
	got = readlink(path, name, size - 1);
	if (got > 0) {
		name[got] = '\0';
	} else {
		mig_text_format(path, sizeof(path), "/proc/%u/comm", pid);
		got = read_file(path, name, size);
		if (got > 0)
			name[strcspn(name, "\n")] = '\0';
	}
	errno = saved_errno;
	return got > 0;
}

bool mig_sim_process_name_of(const struct mig_sim_process *process, char *name, size_t size)
{
	uint32_t pid;

	name[0] = '\0';
	return mig_sim_process_look(process, &pid) && pid != 0 &&
	       mig_sim_process_name(pid, name, size);
}
