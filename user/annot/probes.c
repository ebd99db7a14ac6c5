// SPDX-License-Identifier: BSD-2-Clause
/* See probes.h. What is held is file descriptors alone, so the kernel takes it all back when they
 * go. */
#include "annot/probes.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bpf/config.h"
#include "bpf/launch.h"
#include "capture/features.h"
#include "ctrace.skel.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

/* Each costs the kernel a tenth of a second: a file of which it refuses much must not stop us. One
 * bad site among twenty thousand is found with half of these. */
#define REFUSALS_MAX 32
#define KERNEL_ENOTSUPP 524 /* what uprobes say of an instruction that they cannot run elsewhere */

struct probes {
	int *fd; /* links of many sites */
	size_t nfd;
	struct bpf_link **link; /* those that libbpf made */
	size_t nlink;
	size_t refused;	 /* sites, those that were given up included */
	size_t given_up; /* of these, without a try */
	size_t refusals; /* answers of the kernel */
	int err;	 /* the last of them */
};

static const char *const prog_name[] = {
	[PROBES_HEADER] = "ct_mark_header",   [PROBES_FUNC] = "ct_mark_func",
	[PROBES_GO] = "ct_mark_go",	      [PROBES_USDT] = "ct_mark_usdt",
	[PROBES_LAUNCH] = "ct_launch_loaded",
};

const char *probes_prog_name(enum probes_prog prog)
{
	return prog_name[prog];
}

/* ---- one request ---- */

struct request {
	struct probes *out;
	struct bpf_program *prog;
	uint32_t pid;
	char path[32];
};

static int start(struct request *rq, struct ctrace *skel, enum probes_prog prog, uint32_t pid,
		 int fd, struct strbuf *why)
{
	rq->prog = bpf_object__find_program_by_name(skel->obj, prog_name[prog]);
	if (!rq->prog || bpf_program__fd(rq->prog) < 0) {
		strbuf_set_f(why, "the BPF program %s is not loaded", prog_name[prog]);
		return -ENOENT;
	}
	rq->pid = pid;
	/* whatever has become of its name, or of our view of the files */
	snprintf(rq->path, sizeof(rq->path), "/proc/self/fd/%d", fd);
	rq->out = xcalloc(1, sizeof(*rq->out));
	return 0;
}

/* The probes that there are, or NULL and why. */
static struct probes *finish(struct request *rq, size_t cnt, struct strbuf *why)
{
	struct probes *p = rq->out;
	int err = -p->err;

	if (!p->refused)
		return p;
	if (err == EPERM || err == EACCES)
		strbuf_set_f(why, "the kernel refused the probes: %s",
			     features[FEATURE_UPROBE_MULTI].ask() ?
				     "CAP_BPF and CAP_PERFMON are needed" :
				     features[FEATURE_UPROBE_MULTI].remedy);
	else
		strbuf_set_f(why, "the kernel refused %zu of %zu probes: %s", p->refused, cnt,
			     err == KERNEL_ENOTSUPP ? "an instruction that it cannot probe" :
						      strerror(err));
	if (p->given_up)
		strbuf_addf(why, "; after %d refusals %zu of them were given up without a try",
			    REFUSALS_MAX, p->given_up);
	if (p->nfd || p->nlink)
		return p;
	probes__free(p);
	errno = err;
	return NULL;
}

static void refuse(struct request *rq, size_t cnt, int err)
{
	rq->out->refused += cnt;
	rq->out->err = err;
}

/* No more tries: the rest is left out. */
static void give_up(struct probes *p, size_t cnt)
{
	p->refused += cnt;
	p->given_up += cnt;
}

static void hold_link(struct probes *p, struct bpf_link *link)
{
	p->link = xrealloc(p->link, (p->nlink + 1) * sizeof(struct bpf_link *));
	p->link[p->nlink++] = link;
}

/* ---- many sites at once ---- */

static int link_many(struct request *rq, const struct probe_site *site, size_t cnt)
{
	unsigned long *at = xmalloc(cnt * sizeof(*at)), *sem = xmalloc(cnt * sizeof(*sem));
	__u64 *cookie = xmalloc(cnt * sizeof(*cookie));
	LIBBPF_OPTS(bpf_link_create_opts, opts, .uprobe_multi.path = rq->path,
		    .uprobe_multi.offsets = at, .uprobe_multi.cookies = cookie,
		    .uprobe_multi.cnt = (uint32_t)cnt, .uprobe_multi.pid = rq->pid);
	int fd;
	size_t i;

	for (i = 0; i < cnt; i++) {
		at[i] = site[i].offset;
		sem[i] = site[i].semaphore;
		cookie[i] = site[i].cookie;
		if (sem[i])
			opts.uprobe_multi.ref_ctr_offsets = sem;
	}
	fd = bpf_link_create(bpf_program__fd(rq->prog), 0, FEATURES_UPROBE_MULTI_TYPE, &opts);
	if (fd < 0)
		fd = -errno;
	free(at);
	free(sem);
	free(cookie);
	return fd;
}

/* Is it a site that is wrong, so that the others may do? */
static bool is_of_site(int err)
{
	return err == -EINVAL || err == -EIO || err == -ENOEXEC || err == -EOPNOTSUPP ||
	       err == -KERNEL_ENOTSUPP;
}

/* All or nothing is the kernel's way. Ours is to leave out the sites that it does not take. */
static void attach_many(struct request *rq, const struct probe_site *site, size_t cnt)
{
	struct probes *p = rq->out;
	int fd;

	if (p->refusals == REFUSALS_MAX) {
		give_up(p, cnt);
		return;
	}
	fd = link_many(rq, site, cnt);
	p->refusals += fd < 0;
	if (fd >= 0) {
		p->fd = xrealloc(p->fd, (p->nfd + 1) * sizeof(*p->fd));
		p->fd[p->nfd++] = fd;
	} else if (cnt > 1 && is_of_site(fd)) {
		attach_many(rq, site, cnt / 2);
		attach_many(rq, site + cnt / 2, cnt - cnt / 2);
	} else {
		refuse(rq, cnt, fd);
	}
}

/* ---- one each ---- */

static void attach_each(struct request *rq, const struct probe_site *site, size_t cnt)
{
	struct bpf_link *link;
	size_t i;

	for (i = 0; i < cnt; i++) {
		LIBBPF_OPTS(bpf_uprobe_opts, opts, .ref_ctr_offset = site[i].semaphore,
			    .bpf_cookie = site[i].cookie);

		if (rq->out->refusals == REFUSALS_MAX) {
			give_up(rq->out, cnt - i);
			return;
		}
		link = bpf_program__attach_uprobe_opts(rq->prog, rq->pid ? (pid_t)rq->pid : -1,
						       rq->path, site[i].offset, &opts);
		rq->out->refusals += !link;
		if (link) {
			hold_link(rq->out, link);
		} else if (is_of_site(-errno)) {
			refuse(rq, 1, -errno);
		} else { /* the rest would fare no better */
			refuse(rq, cnt - i, -errno);
			return;
		}
	}
}

/* ---- the door ---- */

struct probes *probes__attach(struct ctrace *skel, enum probes_prog prog, uint32_t pid, int fd,
			      const struct probe_site *site, size_t cnt, struct strbuf *why)
{
	struct request rq;
	int err = start(&rq, skel, prog, pid, fd, why);

	if (err) {
		errno = -err;
		return NULL;
	}
	if (!cnt)
		return rq.out;
	if (bpf_program__expected_attach_type(rq.prog) == FEATURES_UPROBE_MULTI_TYPE)
		attach_many(&rq, site, cnt);
	else
		attach_each(&rq, site, cnt);
	return finish(&rq, cnt, why);
}

struct probes *probes__attach_usdt(struct ctrace *skel, uint32_t pid, int fd, const char *provider,
				   const char *name, uint64_t cookie, struct strbuf *why)
{
	LIBBPF_OPTS(bpf_usdt_opts, opts, .usdt_cookie = cookie);
	struct bpf_link *link;
	struct request rq;
	int err = start(&rq, skel, PROBES_USDT, pid, fd, why);

	if (err) {
		errno = -err;
		return NULL;
	}
	link = bpf_program__attach_usdt(rq.prog, pid ? (pid_t)pid : -1, rq.path, provider, name,
					&opts);
	if (link)
		hold_link(rq.out, link);
	else
		refuse(&rq, 1, -errno);
	return finish(&rq, 1, why);
}

/* struct bpf_link_info of Linux 6.8 and newer, up to what is asked; the headers may be older. */
struct multi_info {
	uint32_t type, id, prog_id, pad;
	uint64_t path, offsets, semaphores, cookies;
	uint32_t path_size, count, flags, pid;
};

bool probes__follow(const struct probes *p)
{
	struct multi_info info;
	uint32_t len;
	size_t i;

	for (i = 0; i < p->nfd; i++) {
		info = (struct multi_info){ 0 };
		len = sizeof(info);
		if (bpf_obj_get_info_by_fd(p->fd[i], &info, &len) || !info.pid)
			return false;
	}
	return p->nfd && !p->nlink;
}

void probes__free(struct probes *p)
{
	size_t i;

	if (!p)
		return;
	for (i = 0; i < p->nfd; i++)
		close(p->fd[i]);
	for (i = 0; i < p->nlink; i++)
		bpf_link__destroy(p->link[i]);
	free(p->fd);
	free(p->link);
	free(p);
}
