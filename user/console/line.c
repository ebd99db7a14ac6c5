// SPDX-License-Identifier: BSD-2-Clause
/* See line.h. */
#include "console/line.h"

#include <errno.h>
#include <histedit.h>
#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

#include "console/history.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

struct line {
	struct line_opts opts;
	char *history;
	EditLine *el;
	History *hist;
	struct strbuf last; /* the line that was given out */
	sigset_t was;	    /* blocked before */
	int end_fd;	    /* signals that end: Ctrl-C and those for the program */
	int term_fd;	    /* of the terminal: its size, and that we have it again */
	int stop;	    /* why a read ended: -EINTR, -ENODATA; 0 it did not */
};

/* ---- signals ---- */

static int signal_fd(const int *sig, size_t cnt)
{
	sigset_t set;
	size_t i;

	sigemptyset(&set);
	for (i = 0; i < cnt; i++)
		sigaddset(&set, sig[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int line__cancel_fd(const struct line *l)
{
	return l->end_fd;
}

int line__cancelled(struct line *l)
{
	struct signalfd_siginfo si;
	int stop = 0;

	while (read(l->end_fd, &si, sizeof(si)) == sizeof(si))
		if (stop != -ENODATA)
			stop = si.ssi_signo == SIGINT ? -EINTR : -ENODATA;
	return stop;
}

static void heard_of_terminal(struct line *l)
{
	struct signalfd_siginfo si;

	while (read(l->term_fd, &si, sizeof(si)) == sizeof(si)) {
		if (si.ssi_signo == SIGWINCH) {
			el_resize(l->el);
		} else { /* the shell has had it meanwhile */
			el_set(l->el, EL_PREP_TERM, 0);
			el_set(l->el, EL_PREP_TERM, 1);
			el_set(l->el, EL_REFRESH);
		}
	}
}

/* ---- characters ---- */

/* Until there is a byte of the terminal. False: the read ends. */
static bool wait_for_byte(struct line *l)
{
	struct pollfd p[] = { { .fd = STDIN_FILENO, .events = POLLIN },
			      { .fd = l->end_fd, .events = POLLIN },
			      { .fd = l->term_fd, .events = POLLIN } };

	while (!l->stop) {
		if (poll(p, 3, -1) < 0 && errno != EINTR)
			l->stop = -ENODATA;
		if (p[2].revents)
			heard_of_terminal(l);
		if (p[1].revents)
			l->stop = line__cancelled(l);
		else if (p[0].revents)
			break;
	}
	return !l->stop;
}

/* In place of libedit's own, which does not let go for a signal. */
static int get_char(EditLine *el, wchar_t *out)
{
	struct line *l;
	mbstate_t state;
	char bytes[MB_LEN_MAX];
	size_t len = 0, n;

	el_get(el, EL_CLIENTDATA, &l);
	for (;;) {
		if (!wait_for_byte(l))
			return -1;
		if (read(STDIN_FILENO, bytes + len, 1) <= 0) {
			l->stop = -ENODATA;
			return 0;
		}
		memset(&state, 0, sizeof(state));
		n = mbrtowc(out, bytes, ++len, &state);
		if (n != (size_t)-1 && n != (size_t)-2)
			return 1;
		if (n == (size_t)-1 || len == sizeof(bytes))
			len = 0; /* no character: it was not typed */
	}
}

/* ---- Tab ---- */

/* Bytes in which all words agree. */
static size_t common_len(const struct strbuf *words)
{
	size_t len = strcspn(words->buf, "\n"), i;
	const char *at;

	for (at = words->buf; *at; at += strcspn(at, "\n") + 1) {
		for (i = 0; i < len && at[i] == words->buf[i]; i++)
			;
		len = i;
	}
	return len;
}

static void list_words(const struct strbuf *words)
{
	const char *at;
	size_t n;

	putchar('\n');
	for (at = words->buf; *at; at += n + 1) {
		n = strcspn(at, "\n");
		printf("%.*s%s", (int)n, at, at[n + 1] ? "  " : "\n");
	}
	fflush(stdout);
}

static unsigned char on_tab(EditLine *el, int key)
{
	struct strbuf words = STRBUF_INIT;
	const LineInfo *li = el_line(el);
	unsigned char todo = CC_REFRESH_BEEP;
	size_t have, can;
	struct line *l;
	char *more;

	(void)key;
	el_get(el, EL_CLIENTDATA, &l);
	have = l->opts.complete(l->opts.ctx, &words, li->buffer, (size_t)(li->cursor - li->buffer));
	can = common_len(&words);
	if (can > have) {
		more = xstrdup(words.buf + have);
		more[can - have] = 0;
		todo = el_insertstr(el, more) ? CC_ERROR : CC_REFRESH;
		free(more);
	} else if (words.len && words.buf[can] != '\n') {
		list_words(&words);
		todo = CC_REDISPLAY;
	}
	strbuf_free(&words);
	return todo;
}

/* ---- a line ---- */

static char *prompt_of(EditLine *el)
{
	struct line *l;

	el_get(el, EL_CLIENTDATA, &l);
	return (char *)l->opts.prompt;
}

static void remember(void *ctx, const char *text)
{
	HistEvent ev;

	history(((struct line *)ctx)->hist, &ev, H_ENTER, text);
}

int line__read(struct line *l, const char **text)
{
	const char *got;
	bool again;
	size_t len;
	int n = 0;

	l->stop = 0;
	el_set(l->el, EL_PREP_TERM,
	       1); /* libedit does it behind the prompt, and a key may be sooner */
	got = el_gets(l->el, &n);
	if (!got || n <= 0 || l->stop) {
		n = l->stop;
		/* the cursor is behind what was typed */
		puts(n == -EINTR ? "^C" : "");
		fflush(stdout);
		return n == -EINTR ? n : -ENODATA;
	}
	len = strcspn(got, "\r\n");
	again = len == l->last.len && !memcmp(got, l->last.buf, len);
	strbuf_reset(&l->last);
	strbuf_add(&l->last, got, len);
	if (!again && l->last.buf[strspn(l->last.buf, " \t")]) {
		remember(l, l->last.buf);
		history_add(l->history, l->last.buf);
	}
	*text = l->last.buf;
	return 0;
}

/* ---- life ---- */

/* libedit edits characters of the locale; without any it would show ä as \303\244. */
static void set_locale(void)
{
	if (!setlocale(LC_CTYPE, "") || strcmp(nl_langinfo(CODESET), "UTF-8"))
		setlocale(LC_CTYPE, "C.UTF-8");
}

struct line *line__new(const struct line_opts *opts)
{
	static const int end[] = { SIGINT, SIGTERM, SIGHUP }, term[] = { SIGWINCH, SIGCONT };
	struct line *l = xcalloc(1, sizeof(*l));
	HistEvent ev;
	int err;

	l->opts = *opts;
	l->history = xstrdup(opts->history);
	l->last = STRBUF_INIT;
	sigprocmask(SIG_BLOCK, NULL, &l->was);
	l->end_fd = signal_fd(end, 3);
	l->term_fd = signal_fd(term, 2);
	set_locale();
	l->hist = history_init();
	l->el = el_init("ctrace-bpf", stdin, stdout, stderr);
	if (!l->el || !l->hist || l->end_fd < 0 || l->term_fd < 0) {
		err = l->end_fd < 0 || l->term_fd < 0 ? errno : ENOMEM;
		line__free(l);
		errno = err;
		return NULL;
	}
	history(l->hist, &ev, H_SETSIZE, HISTORY_KEPT);
	history(l->hist, &ev, H_SETUNIQUE, 1);
	el_set(l->el, EL_CLIENTDATA, l);
	el_set(l->el, EL_PROMPT, prompt_of);
	el_set(l->el, EL_EDITOR, "emacs");
	el_set(l->el, EL_SIGNAL, 0);
	el_set(l->el, EL_HIST, history, l->hist);
	el_set(l->el, EL_GETCFN, get_char);
	el_set(l->el, EL_ADDFN, "complete", "what it could become", on_tab);
	el_set(l->el, EL_BIND, "^I", "complete", NULL);
	el_set(l->el, EL_BIND, "^R", "em-inc-search-prev", NULL);
	history_read(l->history, remember, l);
	return l;
}

void line__free(struct line *l)
{
	if (!l)
		return;
	if (l->el)
		el_end(l->el);
	if (l->hist)
		history_end(l->hist);
	if (l->end_fd >= 0)
		close(l->end_fd);
	if (l->term_fd >= 0)
		close(l->term_fd);
	sigprocmask(SIG_SETMASK, &l->was, NULL);
	strbuf_free(&l->last);
	free(l->history);
	free(l);
}
