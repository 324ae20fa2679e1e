/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A screen that is drawn again; see status_parts.h.
 *
 * A thread waits for the driver's MIG-configuration events and tells the main one through an eventfd;
 * the main one sleeps in ppoll() until such a change, a signal, or the period, and asks the driver
 * at most once a second. Where the driver has no events the period alone counts. The screen is the
 * terminal's alternate one, so that what was there before comes back.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>

#include "cli/status_parts.h"
#include "shared/clock.h"
#include "shared/file.h"

#define SCREEN_MAX    (16 * 1024 * 1024)
#define LOOK_MIN_MS   1000 /* from one look at the driver to the next */
#define EVENT_WAIT_MS 1000 /* of one call; ends the thread soon enough */
#define GPUS_MAX      1024
#define ROWS_DEFAULT  24

/* The alternate screen without a cursor, on which lines are cut and not wrapped. */
#define SCREEN_ENTER "\033[?1049h\033[?25l\033[?7l\033[2J"
#define SCREEN_LEAVE "\033[?7h\033[?25h\033[?1049l"
#define SCREEN_HOME  "\033[H"
#define LINE_REST    "\033[K"
#define SCREEN_REST  "\033[J"

static volatile sig_atomic_t ended;
static volatile sig_atomic_t resized;

static void on_end(int number)
{
	ended = number;
}

static void on_resize(MIG_UNUSED int number)
{
	resized = 1;
}

/* ---- events ------------------------------------------------------------------------------------- */

struct listener {
	const struct mig_driver *driver;
	nvmlEventSet_t set;
	int fd; /* an eventfd */
	pthread_t thread;
	bool is_running;
	atomic_bool must_end;
};

static void *listen_to_driver(void *cookie)
{
	struct listener *l = cookie;

	while (!atomic_load(&l->must_end)) {
		const struct timespec pause = {.tv_sec = EVENT_WAIT_MS / 1000};
		nvmlEventData_t data;
		nvmlReturn_t code =
			l->driver->nvmlEventSetWait_v2(l->driver, l->set, &data, EVENT_WAIT_MS);
		uint64_t one = 1;

		if (code == NVML_ERROR_TIMEOUT)
			continue;
		if (code != NVML_SUCCESS && code != NVML_ERROR_GPU_IS_LOST)
			break;
		if (write(l->fd, &one, sizeof(one)) < 0)
			break;
		/* A GPU that is lost may be told of without end. */
		if (code != NVML_SUCCESS)
			nanosleep(&pause, NULL);
	}
	return NULL;
}

/* Registers for changes of each GPU; returns whether any GPU has them. */
static bool register_events(const struct mig_driver *driver, nvmlEventSet_t set)
{
	unsigned int count = 0;
	bool is_any = false;

	if (driver->nvmlDeviceGetCount_v2(driver, &count) != NVML_SUCCESS)
		return false;
	for (unsigned int i = 0; i < MIG_MIN(count, GPUS_MAX); i++) {
		unsigned long long types = 0;
		nvmlDevice_t device;

		if (driver->nvmlDeviceGetHandleByIndex_v2(driver, i, &device) != NVML_SUCCESS ||
		    driver->nvmlDeviceGetSupportedEventTypes(driver, device, &types) !=
			    NVML_SUCCESS ||
		    (types & nvmlEventMigConfigChange) == 0)
			continue;
		types &= nvmlEventMigConfigChange | nvmlEventTypeXidCriticalError;
		if (driver->nvmlDeviceRegisterEvents(driver, device, types, set) == NVML_SUCCESS)
			is_any = true;
	}
	return is_any;
}

/* Events are a help: without them the period has to do. */
static void listener_begin(struct listener *l, const struct mig_driver *driver)
{
	*l = (struct listener){.driver = driver, .fd = -1};
	if (driver->nvmlEventSetCreate(driver, &l->set) != NVML_SUCCESS) {
		l->set = NULL;
		return;
	}
	l->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->fd < 0 || !register_events(driver, l->set))
		return;
	l->is_running = pthread_create(&l->thread, NULL, listen_to_driver, l) == 0;
}

static void listener_end(struct listener *l)
{
	if (l->is_running) {
		atomic_store(&l->must_end, true);
		pthread_join(l->thread, NULL);
	}
	if (l->set != NULL)
		l->driver->nvmlEventSetFree(l->driver, l->set);
	if (l->fd >= 0)
		close(l->fd);
}

/* ---- the keyboard ------------------------------------------------------------------------------- */

/* What is typed is no part of the picture, nor of the next command line. */
struct keyboard {
	struct termios before;
	bool is_ours;
};

/* Only of a terminal that is ours: in the background it would stop us. */
static void keyboard_begin(struct keyboard *keyboard)
{
	struct termios quiet;

	*keyboard = (struct keyboard){.is_ours = false};
	if (tcgetpgrp(STDIN_FILENO) != getpgrp() || tcgetattr(STDIN_FILENO, &keyboard->before) < 0)
		return;
	quiet = keyboard->before;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ICANON);
	quiet.c_cc[VMIN] = 0;
	quiet.c_cc[VTIME] = 0;
	keyboard->is_ours = tcsetattr(STDIN_FILENO, TCSANOW, &quiet) == 0;
}

static void keyboard_end(const struct keyboard *keyboard)
{
	if (keyboard->is_ours)
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &keyboard->before);
}

/* Whether somebody has typed what ends it. */
static bool is_end_typed(void)
{
	char keys[64];
	ssize_t got = read(STDIN_FILENO, keys, sizeof(keys));

	/* Nothing can be read of a terminal that is gone, which would be ready for ever. */
	return got <= 0 || memchr(keys, 'q', (size_t)got) != NULL;
}

/* ---- the screen --------------------------------------------------------------------------------- */

static unsigned int screen_rows(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 1)
		return size.ws_row;
	return ROWS_DEFAULT;
}

/* The last line of the screen: when, how often, and how to end it. */
static void put_foot(uint64_t period_ms, bool has_events, unsigned int cut, unsigned int width,
		     struct mig_buf *out)
{
	char when[32] = "", text[128], more[48] = "";
	time_t now = time(NULL);
	struct tm tm;

	if (localtime_r(&now, &tm) != NULL)
		strftime(when, sizeof(when), "%H:%M:%S", &tm);
	if (cut > 0)
		snprintf(more, sizeof(more), "; %u more line%s: -i GPU", cut, cut == 1 ? "" : "s");
	/* What matters most stands first, for screens that are narrow. */
	snprintf(text, sizeof(text), "%s  q or Ctrl-C ends%s; shown %severy %llu s", when, more,
		 has_events ? "on change, " : "", (unsigned long long)(period_ms / 1000));
	mig_buf_printf(out, "%.*s", (int)width, text);
}

/* The text over what was there, and no more of them than there are rows. */
static void put_screen(const char *text, unsigned int rows, unsigned int *cut, struct mig_buf *out)
{
	unsigned int row = 0;

	mig_buf_puts(out, SCREEN_HOME);
	*cut = 0;
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		if (row + 1 < rows) {
			/* Erased before: behind a line as wide as the screen its last column went. */
			mig_buf_puts(out, LINE_REST);
			mig_buf_add(out, text, len);
			mig_buf_puts(out, "\r\n");
			row++;
		} else {
			++*cut;
		}
		text += len + (text[len] == '\n');
	}
	mig_buf_puts(out, SCREEN_REST);
	/* The foot stands in the last row. */
	mig_buf_printf(out, "\033[%u;1H", rows);
}

struct watch {
	uint64_t period_ms;
	mig_watch_fn draw;
	void *cookie;
	struct listener listener;
	struct keyboard keyboard;
	sigset_t outside; /* what is blocked when we wait: nothing of ours */
};

static int draw_once(struct watch *w, bool looks_again, struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(SCREEN_MAX);
	_cleanup_buf_ struct mig_buf screen = MIG_BUF_INIT(SCREEN_MAX);
	struct mig_picture_style style;
	unsigned int rows = screen_rows(), cut;

	mig_picture_style_of_stdout(&style);
	if (w->draw(w->cookie, &style, looks_again, &text, err) < 0)
		return -1;
	put_screen(mig_buf_text(&text), rows, &cut, &screen);
	put_foot(w->period_ms, w->listener.is_running, cut, style.width, &screen);
	if (mig_buf_failed(&screen))
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "the screen is too large");
	if (mig_write_all(STDOUT_FILENO, screen.data, screen.len) < 0)
		return mig_error_set_errno(err, errno, "cannot write to standard output");
	return 0;
}

/* Until there is something to draw: a change, another size, or the end of the period. What is typed
 * and signals come in here, so it is waited at least for no time. */
static void wait_for_change(const struct watch *w, uint64_t looked_ns)
{
	uint64_t due_ns = looked_ns + w->period_ms * MIG_CLOCK_NS_PER_MS;
	bool is_due = false;

	while (!ended && !resized && !is_due) {
		struct pollfd polled[] = {{.fd = w->listener.fd, .events = POLLIN},
					  {.fd = w->keyboard.is_ours ? STDIN_FILENO : -1,
					   .events = POLLIN}};
		uint64_t now_ns = mig_clock_now_ns(), count, left_ns;
		struct timespec timeout;

		is_due = now_ns >= due_ns;
		left_ns = is_due ? 0 : due_ns - now_ns;
		timeout = (struct timespec){.tv_sec = (time_t)(left_ns / 1000000000u),
					    .tv_nsec = (long)(left_ns % 1000000000u)};
		if (ppoll(polled, MIG_ARRAY_SIZE(polled), &timeout, &w->outside) <= 0)
			continue;
		if (polled[1].revents != 0 && is_end_typed())
			ended = 1;
		if ((polled[0].revents & POLLIN) == 0)
			continue;
		/* Not at once when the last look was just now. */
		if (read(w->listener.fd, &count, sizeof(count)) > 0)
			due_ns = MIG_MIN(due_ns, looked_ns + LOOK_MIN_MS * MIG_CLOCK_NS_PER_MS);
	}
}

static int watch_loop(struct watch *w, struct mig_error **err)
{
	uint64_t looked_ns = 0;

	while (!ended) {
		bool looks_again = !resized || looked_ns == 0;

		resized = 0;
		if (looks_again)
			looked_ns = mig_clock_now_ns();
		if (draw_once(w, looks_again, err) < 0)
			return -1;
		wait_for_change(w, looked_ns);
	}
	return 0;
}

/* The signals come only while we wait, so that none is lost between the test and the wait. */
static void catch_signals(sigset_t *outside)
{
	static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	struct sigaction action = {.sa_handler = on_end};
	sigset_t ours;

	sigemptyset(&action.sa_mask);
	sigemptyset(&ours);
	for (size_t i = 0; i < MIG_ARRAY_SIZE(ends); i++) {
		sigaction(ends[i], &action, NULL);
		sigaddset(&ours, ends[i]);
	}
	action.sa_handler = on_resize;
	sigaction(SIGWINCH, &action, NULL);
	sigaddset(&ours, SIGWINCH);
	signal(SIGPIPE, SIG_IGN);
	/* A stop would leave the alternate screen on. */
	signal(SIGTSTP, SIG_IGN);
	pthread_sigmask(SIG_BLOCK, &ours, outside);
	for (size_t i = 0; i < MIG_ARRAY_SIZE(ends); i++)
		sigdelset(outside, ends[i]);
	sigdelset(outside, SIGWINCH);
}

int mig_watch_run(const struct mig_session *session, uint64_t period_ms, mig_watch_fn draw,
		  void *cookie, struct mig_error **err)
{
	struct watch w = {.period_ms = period_ms, .draw = draw, .cookie = cookie};
	int rc;

	if (!isatty(STDOUT_FILENO)) {
		mig_error_set(err, MIG_ERROR_USAGE, "--watch needs a terminal");
		return mig_error_hint(err, "without it the node is shown once");
	}
	catch_signals(&w.outside);
	listener_begin(&w.listener, session->driver);
	keyboard_begin(&w.keyboard);
	if (mig_write_all(STDOUT_FILENO, SCREEN_ENTER, strlen(SCREEN_ENTER)) < 0)
		rc = mig_error_set_errno(err, errno, "cannot write to standard output");
	else
		rc = watch_loop(&w, err);
	if (mig_write_all(STDOUT_FILENO, SCREEN_LEAVE, strlen(SCREEN_LEAVE)) < 0 && rc == 0)
		rc = mig_error_set_errno(err, errno, "cannot write to standard output");
	keyboard_end(&w.keyboard);
	listener_end(&w.listener);
	return rc;
}
