/* SPDX-License-Identifier: BSD-2-Clause */
/* Every environment variable that the program reads, a sentence each. */
#ifndef CTRACE_UTIL_ENV_H
#define CTRACE_UTIL_ENV_H

/* TAG:LEVEL[,…]: raises what single parts of the program tell, e.g. libbpf:3 shows all of libbpf's
 * words. */
#define ENV_LOG "CTRACE_LOG"

/* A BTF file to use instead of the running kernel's; the tests name a missing one to see a kernel
 * without BTF. */
#define ENV_BTF "CTRACE_BTF"

/* So many processes can be recorded at once with a rule or -f; the tests see with few what happens
 * to the next one. */
#define ENV_MEMBERS "CTRACE_MEMBERS"

/* Set by sudo: the user who called it, to whom the output belongs. */
#define ENV_SUDO_UID "SUDO_UID"
#define ENV_SUDO_GID "SUDO_GID"

/* … and how all begin that it sets: a program that we start as that user gets none of these. */
#define ENV_SUDO "SUDO_"

/* Where a command behind -- is looked for. */
#define ENV_PATH "PATH"

/* The socket of the service that is asked (by the console, by a recording without rights), where
 * none is named. Not heard where we have more rights than who called us. */
#define ENV_SOCKET "CTRACE_SOCKET"

/* Where the console keeps its history, see console/history.h; ENV_HOME where it is not set. */
#define ENV_XDG_STATE "XDG_STATE_HOME"

/* Not empty: the console shows no colors; nor does it where TERM is not set, or "dumb". */
#define ENV_NO_COLOR "NO_COLOR"
#define ENV_TERM "TERM"

/* Where debuginfod's client keeps what it has fetched, see debuginfod-find(1). */
#define ENV_DEBUGINFOD_CACHE "DEBUGINFOD_CACHE_PATH"
#define ENV_XDG_CACHE "XDG_CACHE_HOME"

/* Where gops looks for the ports of agents; else with the configuration of a process's owner, which
 * is ours in XDG_CONFIG_HOME, or below HOME. */
#define ENV_GOPS_CONFIG_DIR "GOPS_CONFIG_DIR"
#define ENV_XDG_CONFIG "XDG_CONFIG_HOME"
#define ENV_HOME "HOME"

/* Set by systemd: where it wants to hear that the service is ready, see sd_notify(3). */
#define ENV_NOTIFY_SOCKET "NOTIFY_SOCKET"
/* Set by systemd: so many sockets from descriptor 3 on are for this process to listen at. */
#define ENV_LISTEN_FDS "LISTEN_FDS"
#define ENV_LISTEN_PID "LISTEN_PID"
#define ENV_LISTEN_FDNAMES "LISTEN_FDNAMES"

#endif
