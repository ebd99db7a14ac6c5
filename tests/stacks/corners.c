// SPDX-License-Identifier: BSD-2-Clause
/*
 * The hard places of unwinding, one thread each, without end: signal handlers (on the thread's own
 * stack and on another one), deep recursion, a stack that is realigned, alloca, calls through a
 * PLT, a library that comes and goes, callbacks out of libc, functions that do not return, and
 * hand-written assembly with and without unwinding rules of its own.
 *
 * In: corners [PLUG.so]; without one, as in the static variant, no library comes and goes. Out:
 * "ready PID". To be compiled with -O2 -fomit-frame-pointer; runs until it is killed.
 */
#include <alloca.h>
#include <dlfcn.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline, noclone))

static volatile uint64_t sink;

/* Burns about so many microseconds, and sleeps in one of four cases: stops shall hit both. */
static NOINLINE void work(unsigned *seed, unsigned us)
{
	uint64_t n = us * 500ull, i;

	if (!(rand_r(seed) & 3)) {
		usleep(us);
		sink++;
		return;
	}
	for (i = 0; i < n; i++)
		sink += i;
}

static unsigned seed_of(const char *name)
{
	prctl(PR_SET_NAME, name);
	return (unsigned)syscall(SYS_gettid);
}

/* ---- recursion, of a depth that differs; two functions in turn, with frames of different sizes
 * ---- */

static NOINLINE int odd(unsigned *seed, int depth);

static NOINLINE int even(unsigned *seed, int depth)
{
	char pad[200];

	memset(pad, depth, sizeof(pad));
	if (depth <= 0)
		work(seed, 200);
	else
		sink += (uint64_t)odd(seed, depth - 1);
	return pad[depth & 127];
}

static NOINLINE int odd(unsigned *seed, int depth)
{
	int x = depth > 0 ? even(seed, depth - 1) : 0;

	return x + (int)sink;
}

static void *deep(void *arg)
{
	unsigned seed = seed_of("deep");

	for (;;)
		even(&seed, rand_r(&seed) % 90);
	return arg;
}

/* ---- a realigned stack, and frames whose size is known at run time only ---- */

static NOINLINE int on_realigned(unsigned *seed, int depth)
{
	_Alignas(128) char line[256];

	memset(line, depth, sizeof(line));
	if (depth > 0)
		sink += (uint64_t)on_realigned(seed, depth - 1);
	else
		work(seed, 200);
	return line[sink & 127] + (int)(uintptr_t)line % 128;
}

static NOINLINE int with_alloca(unsigned *seed, int depth)
{
	size_t len = 16 + rand_r(seed) % 500;
	char *p = alloca(len);

	memset(p, depth, len);
	if (depth > 0)
		sink += (uint64_t)with_alloca(seed, depth - 1);
	else
		on_realigned(seed, 3);
	return p[sink % len];
}

static void *realign(void *arg)
{
	unsigned seed = seed_of("realign");

	for (;;)
		with_alloca(&seed, rand_r(&seed) % 8);
	return arg;
}

/* ---- signals: a handler over anything, over libc, and over another handler; on its own stack too
 * ---- */

static pthread_t handled;
static __thread unsigned handler_seed = 1;

static void on_signal(int sig)
{
	work(&handler_seed, sig == SIGUSR1 ? 300 : 150);
	sink++;
}

static int by_value(const void *a, const void *b)
{
	if (!(sink++ & 63))
		work(&handler_seed, 20);
	return (*(const int *)a > *(const int *)b) - (*(const int *)a < *(const int *)b);
}

/* A callback from libc, which has no frame pointers. */
static NOINLINE void sort_some(unsigned *seed)
{
	int v[200], i;

	for (i = 0; i < 200; i++)
		v[i] = rand_r(seed);
	qsort(v, 200, sizeof(v[0]), by_value);
	sink += (uint64_t)v[0];
}

static void *signalled(void *arg)
{
	stack_t other = { .ss_size = 1 << 16 };
	struct sigaction own = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	struct sigaction alt = { .sa_handler = on_signal, .sa_flags = SA_RESTART | SA_ONSTACK };
	unsigned seed = seed_of("signalled");

	other.ss_sp = malloc(other.ss_size);
	sigaltstack(&other, NULL);
	sigaction(SIGUSR1, &own, NULL);
	sigaction(SIGUSR2, &alt, NULL);
	handled = pthread_self();
	for (;;) {
		sort_some(&seed);
		raise(rand_r(&seed) & 1 ? SIGUSR1 : SIGUSR2);
		even(&seed, 5);
	}
	return arg;
}

static void *sender(void *arg)
{
	unsigned seed = seed_of("sender");

	for (;;) {
		usleep(200 + rand_r(&seed) % 800);
		if (handled)
			pthread_kill(handled, rand_r(&seed) & 1 ? SIGUSR1 : SIGUSR2);
	}
	return arg;
}

/* ---- short calls through the PLT: stops hit the stub and its callee ---- */

static void *plt(void *arg)
{
	char buf[64] = "";
	unsigned seed = seed_of("plt");
	int i;

	for (;;) {
		for (i = 0; i < 2000; i++) {
			sink += (uint64_t)labs((long)sink) + strlen(buf) + (uint64_t)getppid();
			sink += (uint64_t)rand_r(&seed);
		}
		if (!(rand_r(&seed) & 15))
			usleep(300);
	}
	return arg;
}

/* ---- a jump out of deep frames ---- */

__attribute__((noreturn)) static NOINLINE void jump_out(jmp_buf env, unsigned *seed, int depth)
{
	if (depth > 0)
		jump_out(env, seed, depth - 1);
	else
		work(seed, 100);
	sink++;
	longjmp(env, 1);
}

static void *jumper(void *arg)
{
	unsigned seed = seed_of("jumper");
	jmp_buf env;

	for (;;)
		if (!setjmp(env))
			jump_out(env, &seed, rand_r(&seed) % 20);
	return arg;
}

/* ---- assembly ---- */

/*
 * pushed: saves registers one by one and says so, instruction by instruction. based: addresses its
 * frame by rbp. Both call the function in rsi with rdi. x86-64 only.
 */
#ifdef __x86_64__
__asm__(".text\n"
	".type pushed, @function\n"
	"pushed:\n"
	".cfi_startproc\n"
	"	push %rbx\n"
	".cfi_adjust_cfa_offset 8\n"
	".cfi_rel_offset rbx, 0\n"
	"	push %r12\n"
	".cfi_adjust_cfa_offset 8\n"
	"	push %rbp\n"
	".cfi_adjust_cfa_offset 8\n"
	".cfi_rel_offset rbp, 0\n"
	"	xor %ebp, %ebp\n" /* a value of its own: a walk by frame pointers ends here */
	"	sub $0x128, %rsp\n"
	".cfi_adjust_cfa_offset 0x128\n"
	"	and $-1, %rdi\n"
	"	sub $8, %rsp\n"
	".cfi_adjust_cfa_offset 8\n"
	"	call *%rsi\n"
	"	add $0x130, %rsp\n"
	".cfi_adjust_cfa_offset -0x130\n"
	"	pop %rbp\n"
	".cfi_adjust_cfa_offset -8\n"
	".cfi_restore rbp\n"
	"	pop %r12\n"
	".cfi_adjust_cfa_offset -8\n"
	"	pop %rbx\n"
	".cfi_adjust_cfa_offset -8\n"
	".cfi_restore rbx\n"
	"	ret\n"
	".cfi_endproc\n"
	".size pushed, .-pushed\n"
	".type based, @function\n"
	"based:\n"
	".cfi_startproc\n"
	"	push %rbp\n"
	".cfi_def_cfa_offset 16\n"
	".cfi_offset rbp, -16\n"
	"	mov %rsp, %rbp\n"
	".cfi_def_cfa_register rbp\n"
	"	sub $0x1230, %rsp\n"
	"	and $-64, %rsp\n"
	"	call *%rsi\n"
	"	leave\n"
	".cfi_def_cfa rsp, 8\n"
	"	ret\n"
	".cfi_endproc\n"
	".size based, .-based\n");

void pushed(unsigned *seed, void (*fn)(unsigned *));
void based(unsigned *seed, void (*fn)(unsigned *));

static void in_both(unsigned *seed)
{
	work(seed, 100);
	sink++;
}

static void in_one(unsigned *seed)
{
	if (rand_r(seed) & 1)
		based(seed, in_both);
	else
		pushed(seed, in_both);
	sink++;
}

static void *assembly(void *arg)
{
	unsigned seed = seed_of("assembly");

	for (;;) {
		pushed(&seed, in_one);
		based(&seed, in_one);
	}
	return arg;
}
#endif

/* ---- a library that comes and goes, at an address that differs ---- */

static const char *plug;

static void *plugged(void *arg)
{
	unsigned seed = seed_of("plugged");
	int (*call)(void (*fn)(unsigned *, unsigned), unsigned *seed, int depth);
	size_t len;
	void *lib, *gap;

	for (;;) {
		len = 4096ul * (1 + rand_r(&seed) % 64);
		gap = mmap(NULL, len, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		lib = dlopen(plug, RTLD_NOW);
		if (!lib) {
			fprintf(stderr, "%s\n", dlerror());
			exit(1);
		}
		*(void **)&call = dlsym(lib, "plug_call");
		for (int i = 0; i < 100; i++)
			call(work, &seed, rand_r(&seed) % 6);
		dlclose(lib);
		munmap(gap, len);
	}
	return arg;
}

int main(int argc, char **argv)
{
	void *(*role[])(void *) = { deep,     realign, signalled, sender, plt, jumper,
#ifdef __x86_64__
				    assembly,
#endif
				    plugged };
	size_t n = sizeof(role) / sizeof(role[0]), i;
	pthread_t th;

	plug = argc > 1 ? argv[1] : NULL;
	for (i = 0; i < n; i++)
		if (plug || role[i] != plugged)
			pthread_create(&th, NULL, role[i], NULL);
	printf("ready %d\n", getpid());
	fflush(stdout);
	for (;;)
		pause();
}
