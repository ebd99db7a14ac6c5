// SPDX-License-Identifier: BSD-2-Clause
/*
 * Probes on markers, from the semaphore to the record: of a child of this program, which has the
 * same markers at the same addresses. Needs root.
 */
#include "helpers.h"

#include "bpf/event.h" /* ahead of elf.h, which has another EV_NONE */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "annot/probes.h"
#include "bpf/config.h"
#include "bpf/mark.h"
#include "capture/capture.h"
#include "capture/features.h"
#include "util/clock.h"
#include "util/privileges.h"
#include "util/strbuf.h"

/* ---- the markers ---- */

/* A nop of five bytes, alone in a function, with a note that names it and where its arguments are. */
#define MARKER(function, name, args)                                                             \
	extern const char function##_nop[];                                                      \
	unsigned short function##_sem __attribute__((section(".probes"), used));                 \
	__asm__(".text\n.globl " #function "\n.type " #function ",@function\n" #function ":\n"   \
		".globl " #function "_nop\n" #function "_nop: .byte 0x0f,0x1f,0x44,0,0\nret\n"   \
		".size " #function ",.-" #function "\n"                                          \
		".pushsection .note.stapsdt,\"\",\"note\"\n.balign 4\n"                          \
		".4byte 2f-1f, 4f-3f, 3\n1: .asciz \"stapsdt\"\n2: .balign 4\n"                  \
		"3: .8byte " #function "_nop\n.8byte _.stapsdt.base\n.8byte " #function "_sem\n" \
		".asciz \"probed\"\n.asciz \"" name "\"\n.asciz \"" args "\"\n4: .balign 4\n"    \
		".popsection\n")

__asm__(".pushsection .stapsdt.base,\"aG\",\"progbits\",.stapsdt.base,comdat\n"
	".weak _.stapsdt.base\n.hidden _.stapsdt.base\n"
	"_.stapsdt.base: .space 1\n.size _.stapsdt.base,1\n.popsection\n");

#define MARKER_ARGS "8@%rdi 8@%rsi 8@%rdx 8@%rcx 8@%r8 8@%r9"

MARKER(task_begin, "task_begin", MARKER_ARGS);
MARKER(task_end, "task_end", MARKER_ARGS);
MARKER(region_begin, "region_begin", MARKER_ARGS);
MARKER(region_end, "region_end", MARKER_ARGS);
MARKER(say, "log", MARKER_ARGS);
MARKER(query, "query", "8@%rdi 8@%rsi -4@%edx 8@%rcx");

typedef void marker(uint64_t a, uint64_t b, uint64_t c, uint64_t s0, uint64_t s1, uint64_t s2);
marker task_begin, task_end, region_begin, region_end, say;

/* A marker whose texts are to be read from memory. */
static void hit(marker *to, uint64_t task, uint64_t b, const void *c)
{
	to(task, b, (uintptr_t)c, 0, 0, 0);
}

static void hit_log(uint64_t task, const void *category, const void *message)
{
	hit(say, task, (uintptr_t)category, message);
}

/* One that brings them, and pointers to nowhere: n and n2 as they are told, right or wrong. */
static void bring(marker *to, unsigned op, uint64_t b, const char *texts, unsigned n, unsigned n2)
{
	uint64_t word[3] = { 0 };

	memcpy(word, texts, strlen(texts));
	word[2] |= (uint64_t)(op << 5 | (n + 1)) << 48 | (uint64_t)(n2 + 1) << 56;
	to(7, b, 8, word[0], word[1], word[2]);
}

void query(uint64_t id, const char *text, int n, const void *p);

/* A function that is a region, and an instruction that no probe can be on. */
void called(void);
extern const char called_at[], not_probed[];
extern uint64_t called_sp;
uint64_t called_sp;
__asm__(".text\n.globl called\n.type called,@function\ncalled:\n"
	"mov %rsp, called_sp(%rip)\n"
	".globl called_at\ncalled_at: push %rbp\npop %rbp\nret\n"
	".globl not_probed\nnot_probed: hlt\n.size called,.-called\n");

/* ---- what the child does ---- */

static char text[8192];

/* Hands out the page that somebody waits for, once he does. */
static void *feed(void *arg)
{
	static char page[4096] = "slow";
	struct uffdio_copy copy = { .src = (uintptr_t)page, .len = sizeof(page) };
	struct uffd_msg msg;
	int fd = *(int *)arg;

	if (read(fd, &msg, sizeof(msg)) == sizeof(msg)) {
		copy.dst = msg.arg.pagefault.address & ~4095ull;
		ioctl(fd, UFFDIO_COPY, &copy);
	}
	return NULL;
}

/* A text that comes only after the thread has slept for it; 0 where the kernel has no such thing. */
static uint16_t say_slowly(void)
{
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	struct uffdio_api api = { .api = UFFD_API };
	char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_register reg = { .range = { (uintptr_t)page, 4096 },
				       .mode = UFFDIO_REGISTER_MODE_MISSING };
	pthread_t thread;

	if (fd < 0 || ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &reg))
		return 0;
	if (pthread_create(&thread, NULL, feed, &fd))
		return 0;
	hit_log(1, "slow", page);
	pthread_join(thread, NULL);
	close(fd);
	return 1;
}

/* Two pages of a file, none of which is mapped to memory yet. */
static char *absent(void)
{
	int fd = memfd_create("absent", MFD_CLOEXEC);
	char *at;

	memset(text, 'a', sizeof(text));
	strcpy(text + 4090, "hello, world");
	if (fd < 0 || write(fd, text, sizeof(text)) != sizeof(text))
		_exit(3);
	at = mmap(NULL, sizeof(text), PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	return at + 4090;
}

/* An address that is taken, and where nothing can be read; an ASan build has 2^40 there as well. */
static void *reserved(void)
{
	return mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void say_lengths(void)
{
	static const size_t len[] = { 0, 1023, 1024, 1025, 5000 };
	size_t i;

	for (i = 0; i < sizeof(len) / sizeof(len[0]); i++) {
		memset(text, 'x', len[i]);
		text[len[i]] = 0;
		hit_log(i, "length", text);
	}
	hit_log(5, NULL, "no category");
	hit_log(6, text, text);
}

static void act(char what, int out)
{
	uint16_t reply[3] = { region_begin_sem, task_end_sem, 1 };
	char *at;

	switch (what) {
	case 'm':
		hit(task_begin, 7, 3, "makeCoffee");
		hit(region_begin, 7, 9, "steamMilk");
		hit(region_end, 7, 9, "steamMilk");
		hit_log(7, "order", "one flat white");
		hit(task_end, 7, 0, NULL);
		break;
	case 'r':
		bring(task_begin, EV_MARK_TASK_BEGIN, 3, "makeCoffee", 10, 0);
		bring(region_begin, EV_MARK_REGION_BEGIN, 9, "", 0, 0);
		bring(region_end, EV_MARK_REGION_END, 9, "just as long as may be", 22, 0);
		bring(say, EV_MARK_LOG, 8, "orderone flat white", 5, 14);
		bring(task_end, EV_MARK_TASK_END, 0, "", 0, 0);
		/* no sense: too long, and no such marker */
		bring(say, EV_MARK_LOG, 8, "x", 22, 1);
		bring(say, EV_MARK_LOG, 8, "x", 30, 1);
		bring(say, EV_MARK_LOG, 8, "x", 1, 254);
		bring(say, EV_MARK_LOG, 8, "x", 1, (unsigned)-1);
		bring(say, EV_MARK_OP_MAX, 8, "x", 1, 0);
		bring(say, 0, 8, "x", 1, 0);
		break;
	case 'l':
		say_lengths();
		break;
	case 'a':
		at = absent();
		hit_log(1, at, "");
		at = absent();
		hit_log(2, "", at);
		munmap(at - 4090 + 4096, 4096);
		hit_log(3, at, "half of it is gone");
		break;
	case 'q':
		query(1ull << 40, "SELECT\t1", -5, (void *)8);
		memset(text, 'y', 300);
		text[300] = 0;
		query(1, text, 2, "\001binary");
		break;
	case 'p':
		at = absent();
		query((uintptr_t)at, "at hand", 1, at);
		munmap(at - 4090 + 4096, 4096);
		query((uintptr_t)reserved(), "", 2, at);
		break;
	case 'c':
		called();
		memcpy(reply, &called_sp, sizeof(reply));
		break;
	case 'w':
		reply[2] = say_slowly();
		break;
	case 'f':
		if (fork())
			return; /* the child answers, and goes on */
		break;
	case 'x':
		execl("/proc/self/exe", "test_probes", "child", NULL);
		break;
	}
	if (write(out, reply, sizeof(reply)) != sizeof(reply))
		_exit(4);
}

/* A test that fails leaves nobody behind. */
static void end_with_parent(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static int be_child(void)
{
	char what;

	end_with_parent();
	while (read(STDIN_FILENO, &what, 1) == 1)
		act(what, STDOUT_FILENO);
	return 0;
}

/* ---- the child, from outside ---- */

struct child {
	pid_t pid;
	int in, out;
	uint16_t reply[3];
};

static struct child start_child(void)
{
	int in[2], out[2];
	struct child c;

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	c.pid = fork();
	if (!c.pid) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		close(in[1]);
		close(out[0]);
		_exit(be_child());
	}
	assert_true(c.pid > 0);
	close(in[0]);
	close(out[1]);
	c.in = in[1];
	c.out = out[0];
	return c;
}

static void ask(struct child *c, char what)
{
	assert_int_equal(write(c->in, &what, 1), 1);
	assert_int_equal(read(c->out, c->reply, sizeof(c->reply)), sizeof(c->reply));
}

static uint16_t semaphore(struct child *c)
{
	ask(c, 's');
	assert_int_equal(c->reply[0], c->reply[1]);
	return c->reply[0];
}

static void end_child(struct child *c)
{
	close(c->in);
	close(c->out);
	kill(c->pid, SIGKILL); /* children that were started later hold its pipe */
	waitpid(c->pid, NULL, 0);
}

/* ---- where things are in our file ---- */

static int find_load(struct dl_phdr_info *info, size_t size, void *arg)
{
	uintptr_t *at = arg;
	size_t i;

	(void)size;
	for (i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uintptr_t start = info->dlpi_addr + p->p_vaddr;

		if (p->p_type == PT_LOAD && *at >= start && *at < start + p->p_memsz) {
			*at = *at - start + p->p_offset;
			return 1;
		}
	}
	return 1; /* the first one is the program itself */
}

static uint64_t offset_of(const void *p)
{
	uintptr_t at = (uintptr_t)p;

	dl_iterate_phdr(find_load, &at);
	assert_true(at < (uintptr_t)p);
	return at;
}

static struct probe_site site(enum ev_mark_op op, const char *nop, const unsigned short *sem)
{
	return (struct probe_site){ offset_of(nop), offset_of(sem),
				    CT_COOKIE(op, EV_BY_HEADER, 0, 0, 0) };
}

/* ---- recording ---- */

#define MARKS_MAX 32

struct rig {
	struct target_set set;
	struct capture *capture;
	struct strbuf why;
	int exe;
	struct probe_site site[5];
	struct probes *probes;
	struct ev_mark mark[MARKS_MAX];
	uint32_t main; /* the thread that is looked at */
	size_t marks;
	size_t exits; /* ends of syscalls that began ahead of them */
	bool in_sys, wrong_exit, shows, slept;
	uint64_t top; /* the first frame of the last stack */
};

static void take(void *ctx, unsigned cpu, const void *rec, size_t len)
{
	const struct ev_hdr *h = rec;
	const struct ev_sys *sys = rec;
	const struct ev_switch *sw = rec;
	struct rig *r = ctx;

	(void)cpu;
	switch (h->kind) {
	case EV_MARK:
		assert_true(r->marks < MARKS_MAX);
		memcpy(&r->mark[r->marks++], rec, len);
		break;
	case EV_STACK:
		r->top = EV_FRAME_ADDR(((const struct ev_stack *)rec)->pc[0]);
		break;
	case EV_SYSCALL:
	case EV_SYS_ENTER:
	case EV_SYS_EXIT:
		if (h->arg == 335 || h->arg == 336 || h->arg == EV_NR_NONE)
			r->shows = true;
		if ((uint32_t)sys->thr != r->main)
			break;
		if (h->kind == EV_SYS_EXIT && !r->in_sys)
			r->wrong_exit = true;
		r->in_sys = h->kind == EV_SYS_ENTER;
		break;
	case EV_SWITCH:
		if ((uint32_t)sw->prev == r->main && EV_ST_STATE(h->arg) != EV_ST_RUNNABLE &&
		    EV_ST_NR(h->arg) == EV_NR_NONE)
			r->slept = true;
	}
}

static void drain(struct rig *r)
{
	uint64_t unseen;
	bool more;

	r->marks = 0;
	do
		capture__drain(r->capture, take, r, &more, &unseen);
	while (more);
}

static void start_rig(struct rig *r, struct child *c, unsigned stacks)
{
	struct capture_opts opts = {
		.targets = &r->set,
		.syscall_hooks = true,
		.buffer = 8 << 20,
		.stacks = stacks,
		.call_graph = stacks ? CT_CALL_GRAPH_CFI : CT_CALL_GRAPH_NONE,
		.marks = true,
		.funcs = true,
		.usdt = true,
	};
	uint32_t pid = (uint32_t)c->pid;

	memset(r, 0, sizeof(*r));
	r->why = (struct strbuf)STRBUF_INIT;
	r->main = pid;
	r->exe = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	r->site[0] = site(EV_MARK_TASK_BEGIN, task_begin_nop, &task_begin_sem);
	r->site[1] = site(EV_MARK_TASK_END, task_end_nop, &task_end_sem);
	r->site[2] = site(EV_MARK_REGION_BEGIN, region_begin_nop, &region_begin_sem);
	r->site[3] = site(EV_MARK_REGION_END, region_end_nop, &region_end_sem);
	r->site[4] = site(EV_MARK_LOG, say_nop, &say_sem);
	assert_int_equal(target_resolve(&r->set, &pid, 1, &r->why), 0);
	r->capture = capture__open(&opts, &r->why);
	if (!r->capture)
		fail_msg("%s", r->why.buf);
	assert_int_equal(capture__attach(r->capture, &r->why), 0);
}

static void attach(struct rig *r)
{
	r->probes = probes__attach(capture__skel(r->capture), PROBES_HEADER, r->main, r->exe,
				   r->site, 5, &r->why);
	if (!r->probes)
		fail_msg("%s", r->why.buf);
}

static void end_rig(struct rig *r)
{
	probes__free(r->probes);
	capture__free(r->capture);
	target_free(&r->set);
	strbuf_free(&r->why);
	close(r->exe);
}

static void is_mark(const struct ev_mark *m, enum ev_mark_op op, uint64_t task, uint64_t id,
		    const char *name, const char *said)
{
	assert_int_equal(EV_MARK_OP(m->h.arg), op);
	assert_int_equal(EV_MARK_BY(m->h.arg), EV_BY_HEADER);
	assert_int_equal(EV_MARK_FLAGS(m->h.arg), 0);
	assert_int_equal(m->task, task);
	assert_int_equal(m->id, id);
	assert_int_equal(m->nname, strlen(name));
	assert_int_equal(m->ntext, strlen(said));
	assert_memory_equal(m->text, name, m->nname);
	assert_memory_equal(m->text + m->nname, said, m->ntext);
}

#define NEEDS_ROOT()                                                                      \
	do {                                                                              \
		(void)state;                                                              \
		if (!may_probe())                                                         \
			skip();                                                           \
		alarm(120); /* a child that does not answer ends the test, not the day */ \
	} while (0)

/* A program and what listens to it; made before a test and taken down behind it. */
struct bench {
	struct rig r;
	struct child c;
};

static bool may_probe(void)
{
	return !geteuid() && !features_require(&(struct strbuf)STRBUF_INIT);
}

static int make_bench(void **state, unsigned stacks)
{
	static struct bench b;

	*state = NULL;
	if (!may_probe())
		return 0;
	alarm(120); /* a child that does not answer ends the test, not the day */
	b.c = start_child();
	start_rig(&b.r, &b.c, stacks);
	*state = &b;
	return 0;
}

static int plain_bench(void **state)
{
	return make_bench(state, 0);
}

static int bench_with_stacks(void **state)
{
	return make_bench(state, CT_STACK_MARK);
}

static int take_down(void **state)
{
	struct bench *b = *state;

	if (!b)
		return 0;
	end_rig(&b->r);
	end_child(&b->c);
	return 0;
}

static struct bench *bench_of(void **state)
{
	if (!*state)
		skip();
	return *state;
}

/* The child goes by each of its markers once. */
static void ask_for_five(struct bench *b)
{
	ask(&b->c, 'm');
	drain(&b->r);
	assert_int_equal(b->r.marks, 5);
}

/* ---- tests ---- */

/* The second time the kernel may have made calls of the nops. */
static void markers_become_records(void **state)
{
	struct bench *b = bench_of(state);
	int i;

	attach(&b->r);
	for (i = 0; i < 3; i++) {
		ask_for_five(b);
		is_mark(&b->r.mark[0], EV_MARK_TASK_BEGIN, 7, 3, "makeCoffee", "");
		is_mark(&b->r.mark[1], EV_MARK_REGION_BEGIN, 7, 9, "steamMilk", "");
		is_mark(&b->r.mark[2], EV_MARK_REGION_END, 7, 9, "steamMilk", "");
		is_mark(&b->r.mark[3], EV_MARK_LOG, 7, 0, "order", "one flat white");
		is_mark(&b->r.mark[4], EV_MARK_TASK_END, 7, 0, "", "");
		assert_int_equal((uint32_t)b->r.mark[i].thr, b->c.pid);
		assert_true(b->r.mark[0].h.ts < b->r.mark[4].h.ts &&
			    b->r.mark[4].h.ts < clock_mono());
	}
	assert_false(b->r.shows);
}

/* What a marker brings is not looked for in memory, unless it makes no sense. */
static void texts_come_in_registers(void **state)
{
	struct bench *b = bench_of(state);
	size_t i;

	attach(&b->r);
	ask(&b->c, 'r');
	drain(&b->r);
	assert_int_equal(b->r.marks, 11);
	is_mark(&b->r.mark[0], EV_MARK_TASK_BEGIN, 7, 3, "makeCoffee", "");
	is_mark(&b->r.mark[1], EV_MARK_REGION_BEGIN, 7, 9, "", "");
	is_mark(&b->r.mark[2], EV_MARK_REGION_END, 7, 9, "just as long as may be", "");
	is_mark(&b->r.mark[3], EV_MARK_LOG, 7, 0, "order", "one flat white");
	is_mark(&b->r.mark[4], EV_MARK_TASK_END, 7, 0, "", "");
	for (i = 5; i < b->r.marks; i++) {
		assert_int_equal(EV_MARK_OP(b->r.mark[i].h.arg), EV_MARK_LOG);
		assert_int_equal(EV_MARK_FLAGS(b->r.mark[i].h.arg),
				 EV_MARK_NAME_BAD | EV_MARK_TEXT_BAD);
		assert_int_equal(b->r.mark[i].nname + b->r.mark[i].ntext, 0);
	}
}

static void texts_are_whole_or_say_so(void **state)
{
	struct bench *b = bench_of(state);
	static const struct {
		unsigned nname, ntext, flags;
	} want[] = {
		{ 6, 0, 0 },
		{ 6, 1023, 0 },
		{ 6, 1024, 0 },
		{ 6, 1024, EV_MARK_TEXT_CUT },
		{ 6, 1024, EV_MARK_TEXT_CUT },
		{ 0, 11, EV_MARK_NAME_BAD },
		{ 1024, 1024, EV_MARK_NAME_CUT | EV_MARK_TEXT_CUT },
	};
	size_t i;

	attach(&b->r);
	ask(&b->c, 'l');
	drain(&b->r);
	assert_int_equal(b->r.marks, 7);
	for (i = 0; i < 7; i++) {
		assert_int_equal(b->r.mark[i].task, i);
		assert_int_equal(b->r.mark[i].nname, want[i].nname);
		assert_int_equal(b->r.mark[i].ntext, want[i].ntext);
		assert_int_equal(EV_MARK_FLAGS(b->r.mark[i].h.arg), want[i].flags);
	}
}

static void texts_that_are_not_resident_are_fetched(void **state)
{
	struct bench *b = bench_of(state);

	attach(&b->r);
	ask(&b->c, 'a');
	drain(&b->r);
	assert_int_equal(b->r.marks, 3);
	is_mark(&b->r.mark[0], EV_MARK_LOG, 1, 0, "hello, world", "");
	is_mark(&b->r.mark[1], EV_MARK_LOG, 2, 0, "", "hello, world");
	assert_int_equal(EV_MARK_FLAGS(b->r.mark[2].h.arg), EV_MARK_NAME_BAD);
	assert_int_equal(b->r.mark[2].nname, 0);
	assert_int_equal(b->r.mark[2].ntext, strlen("half of it is gone"));
}

/* A thread may sleep in a probe, which is a syscall or not: for the recording it is neither. */
static void a_sleep_in_a_probe_is_user_code(void **state)
{
	struct bench *b = bench_of(state);

	attach(&b->r);
	ask(&b->c, 'm'); /* from here on the nop may be a call */
	ask(&b->c, 's');
	drain(&b->r);
	b->r.wrong_exit = false; /* it was in a read() when we came */
	b->r.slept = false;
	ask(&b->c, 'w');
	if (!b->c.reply[2])
		skip();
	drain(&b->r);
	assert_int_equal(b->r.marks, 1);
	is_mark(&b->r.mark[0], EV_MARK_LOG, 1, 0, "slow", "slow");
	assert_true(b->r.slept);
	assert_false(b->r.wrong_exit);
	assert_false(b->r.shows);
}

/* Each hit of somebody else's marker is a log, of site 77. */
static void attach_query(struct bench *b)
{
	b->r.probes = probes__attach_usdt(capture__skel(b->r.capture), b->r.main, b->r.exe,
					  "probed", "query",
					  CT_COOKIE(EV_MARK_LOG, EV_BY_USDT, 0, 0, 77), &b->r.why);
	if (!b->r.probes)
		fail_msg("%s", b->r.why.buf);
}

static void arguments_of_others(void **state)
{
	struct bench *b = bench_of(state);
	static const struct ev_mark_arg want[] = {
		{ .value = 1ull << 40, .size = 8 },
		{ .size = 8, .nstr = 8 },
		{ .value = (uint64_t)-5, .size = 4 | EV_ARG_SIGNED },
		{ .value = 8, .size = 8 },
	};
	struct ev_mark_arg arg;
	const char *at;
	size_t i;

	attach_query(b);
	ask(&b->c, 'q');
	drain(&b->r);
	assert_int_equal(b->r.marks, 2);
	assert_int_equal(b->r.mark[0].site, 77);
	for (at = b->r.mark[0].text, i = 0; i < 4; i++) {
		memcpy(&arg, at, sizeof(arg));
		at += sizeof(arg) + arg.nstr;
		if (i != 1)
			assert_int_equal(arg.value, want[i].value);
		assert_int_equal(arg.size, want[i].size);
		assert_int_equal(arg.nstr, want[i].nstr);
	}
	assert_int_equal(at - b->r.mark[0].text, b->r.mark[0].ntext);
	assert_memory_equal(b->r.mark[0].text + 2 * sizeof(arg), "SELECT\t1", 8);
	/* a longer one is cut, what is no text is a number alone */
	assert_int_equal(b->r.mark[1].ntext, 4 * sizeof(arg) + 255);
	assert_int_equal(EV_MARK_FLAGS(b->r.mark[1].h.arg), EV_MARK_TEXT_CUT);
}

/* The first and the last of four arguments. */
static void ends_of(const struct ev_mark *m, struct ev_mark_arg *first, struct ev_mark_arg *last,
		    size_t last_text)
{
	memcpy(first, m->text, sizeof(*first));
	memcpy(last, m->text + m->ntext - last_text - sizeof(*last), sizeof(*last));
}

/* An address that leads nowhere is a number; one that leads to what cannot be read is told. */
static void arguments_that_are_not_resident_are_fetched(void **state)
{
	static const char hello[] = "hello, world";
	const size_t len = strlen(hello);
	struct bench *b = bench_of(state);
	struct ev_mark_arg first, last;

	attach_query(b);
	ask(&b->c, 'p');
	drain(&b->r);
	assert_int_equal(b->r.marks, 2);
	ends_of(&b->r.mark[0], &first, &last, len);
	assert_int_equal(first.nstr, len);
	assert_memory_equal(b->r.mark[0].text + sizeof(first), hello, len);
	assert_int_equal(last.nstr, len);
	assert_memory_equal(b->r.mark[0].text + b->r.mark[0].ntext - len, hello, len);
	assert_int_equal(EV_MARK_FLAGS(b->r.mark[0].h.arg), 0);
	ends_of(&b->r.mark[1], &first, &last, 0);
	assert_int_equal(first.size, 8);
	assert_int_equal(last.size, 8 | EV_ARG_BAD);
	assert_true(last.value);
	assert_int_equal(EV_MARK_FLAGS(b->r.mark[1].h.arg), EV_MARK_TEXT_BAD);
}

static void a_region_can_have_the_name_of_an_argument(void **state)
{
	struct bench *b = bench_of(state);

	b->r.probes = probes__attach_usdt(capture__skel(b->r.capture), b->r.main, b->r.exe,
					  "probed", "query",
					  CT_COOKIE(EV_MARK_REGION_BEGIN, EV_BY_USDT, 2, 0, 77),
					  &b->r.why);
	assert_non_null(b->r.probes);
	ask(&b->c, 'q');
	drain(&b->r);
	assert_int_equal(b->r.marks, 2);
	assert_int_equal(b->r.mark[0].site, 77);
	assert_int_equal(b->r.mark[0].nname, 8);
	assert_memory_equal(b->r.mark[0].text, "SELECT\t1", 8);
}

/* The site is behind one word that was pushed, as far as its cookie knows. */
static void functions_tell_their_stack_pointer(void **state)
{
	struct bench *b = bench_of(state);
	const struct probe_site at = { offset_of(called_at), 0,
				       CT_COOKIE(EV_MARK_REGION_BEGIN, EV_BY_FUNC, 1, 0, 5) };

	b->r.probes = probes__attach(capture__skel(b->r.capture), PROBES_FUNC, b->r.main, b->r.exe,
				     &at, 1, &b->r.why);
	assert_non_null(b->r.probes);
	ask(&b->c, 'c');
	drain(&b->r);
	assert_int_equal(b->r.marks, 1);
	assert_int_equal(b->r.mark[0].site, 5);
	b->r.mark[0].id -= 8;
	assert_memory_equal(&b->r.mark[0].id, b->c.reply, sizeof(b->c.reply));
}

static void stacks_begin_at_the_marker(void **state)
{
	struct bench *b = bench_of(state);
	int i;

	attach(&b->r);
	for (i = 0; i < 3; i++) {
		ask_for_five(b);
		assert_true(b->r.mark[4].stack.id);
		if (!i) /* a stack is sent once */
			assert_int_equal(b->r.top, (uintptr_t)task_end_nop);
		assert_int_equal(b->r.mark[4].stack.id, b->r.mark[0].stack.id + 4);
	}
}

static void semaphores_are_up_where_we_listen_and_nowhere_else(void **state)
{
	struct child c, other;
	struct rig r;

	NEEDS_ROOT();
	c = start_child();
	other = start_child();
	start_rig(&r, &c, 0);
	assert_int_equal(semaphore(&c), 0);
	attach(&r);
	assert_int_equal(semaphore(&c), 1);
	assert_int_equal(semaphore(&other), 0);
	ask(&other, 'm');
	probes__free(r.probes);
	r.probes = NULL;
	assert_int_equal(semaphore(&c), 0);
	ask(&c, 'm');
	drain(&r);
	assert_int_equal(r.marks, 0);
	end_rig(&r);
	end_child(&c);
	end_child(&other);
}

/* Waits until the kernel has taken it back, which it does in its own time. */
static void wait_for_zero(struct child *c)
{
	uint64_t end = clock_mono() + 20 * 1000000000ull;

	while (semaphore(c))
		assert_true(clock_mono() < end);
}

static void a_killed_tracer_leaves_nothing(void **state)
{
	struct child c;
	struct rig r;
	int ready[2];
	char byte;
	pid_t pid;

	NEEDS_ROOT();
	c = start_child();
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		end_with_parent();
		start_rig(&r, &c, 0);
		attach(&r);
		if (write(ready[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(semaphore(&c), 1);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	wait_for_zero(&c);
	ask(&c, 'm'); /* it lives */
	close(ready[0]);
	end_child(&c);
}

/* A child has its parent's memory, and what counts the semaphores up there: it comes down with the
 * parent's. It is not recorded. */
static void a_forked_child_is_cleaned_too(void **state)
{
	struct bench *b = bench_of(state);

	attach(&b->r);
	ask(&b->c, 'f'); /* parent and child read the same pipe: either may answer from here on */
	kill(b->c.pid, SIGSTOP);
	assert_int_equal(waitpid(b->c.pid, NULL, WUNTRACED), b->c.pid);
	ask(&b->c, 'm');
	drain(&b->r);
	assert_int_equal(b->r.marks, 0);
	probes__free(b->r.probes);
	b->r.probes = NULL;
	wait_for_zero(&b->c);
	kill(b->c.pid, SIGCONT);
}

static void a_new_image_is_probed_again(void **state)
{
	struct bench *b = bench_of(state);

	attach(&b->r);
	assert_int_equal(write(b->c.in, "x", 1), 1);
	assert_int_equal(semaphore(&b->c), 1);
	ask(&b->c, 'm');
	drain(&b->r);
	assert_int_equal(b->r.marks, 5);
	probes__free(b->r.probes);
	b->r.probes = NULL;
	assert_int_equal(semaphore(&b->c), 0);
}

static void sites_that_cannot_be_are_left_out(void **state)
{
	struct bench *b = bench_of(state);

	b->r.site[1] = (struct probe_site){ offset_of(not_probed), 0, 0 };
	attach(&b->r);
	assert_non_null(strstr(b->r.why.buf, "refused 1 of 5"));
	ask(&b->c, 'm');
	drain(&b->r);
	assert_int_equal(b->r.marks, 4);
	probes__free(b->r.probes);
	b->r.probes = probes__attach(capture__skel(b->r.capture), PROBES_HEADER, b->r.main,
				     b->r.exe, &b->r.site[1], 1, &b->r.why);
	assert_null(b->r.probes);
	assert_non_null(strstr(b->r.why.buf, "refused 1 of 1"));
}

static size_t open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* Every second site is refused: what is tried has an end, and what was not is told. */
static void a_file_of_bad_sites_is_given_up_soon(void **state)
{
	struct bench *b = bench_of(state);
	static struct probe_site bad[4096];
	size_t i, before;

	for (i = 0; i < COUNT(bad); i++)
		bad[i] = i % 2 ? (struct probe_site){ offset_of(not_probed), 0, 0 } :
				 b->r.site[i % 5];
	before = open_files();
	b->r.probes = probes__attach(capture__skel(b->r.capture), PROBES_HEADER, b->r.main,
				     b->r.exe, bad, COUNT(bad), &b->r.why);
	assert_non_null(b->r.probes);
	/* before uprobe_multi each of the good ones has two */
	assert_true(open_files() - before < (features[FEATURE_UPROBE_MULTI].ask() ? 40 : 100));
	assert_non_null(strstr(b->r.why.buf, "of 4096 probes"));
	assert_non_null(strstr(b->r.why.buf, "after 32 refusals"));
}

/* In a process of its own: what is given up does not come back. */
static int attach_with(struct child *c, unsigned keep)
{
	struct rig r;
	int status;
	pid_t pid = fork();

	if (!pid) {
		end_with_parent();
		start_rig(&r, c, 0);
		if (privileges_drop(keep))
			_exit(99);
		r.probes = probes__attach(capture__skel(r.capture), PROBES_HEADER, r.main, r.exe,
					  r.site, 5, &r.why);
		if (r.probes)
			_exit(0);
		_exit(strstr(r.why.buf, "CAP_SYS_ADMIN") ? errno : 98);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* Libraries that are loaded later are probed by a thread that has few rights left. */
static void probes_are_set_with_the_rights_that_are_kept(void **state)
{
	struct child c;
	int err;

	NEEDS_ROOT();
	c = start_child();
	assert_int_equal(attach_with(&c, PRIVILEGES_READ | PRIVILEGES_PROBES), 0);
	err = attach_with(&c, 0);
	if (features[FEATURE_UPROBE_MULTI].ask())
		assert_int_equal(err, 0);
	else
		assert_true(err == EPERM || err == EACCES);
	end_child(&c);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(markers_become_records, plain_bench, take_down),
		cmocka_unit_test_setup_teardown(texts_come_in_registers, plain_bench, take_down),
		cmocka_unit_test_setup_teardown(texts_are_whole_or_say_so, plain_bench, take_down),
		cmocka_unit_test_setup_teardown(texts_that_are_not_resident_are_fetched,
						plain_bench, take_down),
		cmocka_unit_test_setup_teardown(a_sleep_in_a_probe_is_user_code, plain_bench,
						take_down),
		cmocka_unit_test_setup_teardown(arguments_of_others, plain_bench, take_down),
		cmocka_unit_test_setup_teardown(arguments_that_are_not_resident_are_fetched,
						plain_bench, take_down),
		cmocka_unit_test_setup_teardown(a_region_can_have_the_name_of_an_argument,
						plain_bench, take_down),
		cmocka_unit_test_setup_teardown(functions_tell_their_stack_pointer, plain_bench,
						take_down),
		cmocka_unit_test_setup_teardown(stacks_begin_at_the_marker, bench_with_stacks,
						take_down),
		cmocka_unit_test(semaphores_are_up_where_we_listen_and_nowhere_else),
		cmocka_unit_test(a_killed_tracer_leaves_nothing),
		cmocka_unit_test_setup_teardown(a_forked_child_is_cleaned_too, plain_bench,
						take_down),
		cmocka_unit_test_setup_teardown(a_new_image_is_probed_again, plain_bench,
						take_down),
		cmocka_unit_test_setup_teardown(sites_that_cannot_be_are_left_out, plain_bench,
						take_down),
		cmocka_unit_test_setup_teardown(a_file_of_bad_sites_is_given_up_soon, plain_bench,
						take_down),
		cmocka_unit_test(probes_are_set_with_the_rights_that_are_kept),
	};

	if (argc > 1 && !strcmp(argv[1], "child"))
		return be_child();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
