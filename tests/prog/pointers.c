// SPDX-License-Identifier: BSD-2-Clause
/*
 * Somebody else's markers whose arguments may be addresses, or lie in memory: of pages that are not
 * resident, of memory that cannot be read, of none at all. Each marker is of provider "pointers".
 *
 * Out: "ready PID"; after a line on stdin it goes by them all and prints, at last, "text ADDRESS"
 * for each that cannot be read, "stack grew N" (KiB) and "done"; ends at the end of stdin.
 */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "prog.h"

/* clang-format off */
#define MARKER(name, args)                                                                      \
	"990: nop\n.pushsection .note.stapsdt,\"\",\"note\"\n.balign 4\n"                       \
	".4byte 8, 2f-1f, 3\n.asciz \"stapsdt\"\n"                                              \
	"1: .8byte 990b, 0, 0\n.asciz \"pointers\"\n.asciz \"" name "\"\n.asciz \"" args "\"\n" \
	".balign 4\n2: .popsection\n"
/* clang-format on */

__attribute__((noinline)) static void text(const void *at)
{
	__asm__ volatile(MARKER("text", "8@%%rdi")::"D"(at) : "memory");
}

__attribute__((noinline)) static void held(const void *at)
{
	__asm__ volatile(MARKER("held", "8@8(%%rdi) -4@$7")::"D"(at) : "memory");
}

__attribute__((noinline)) static void named(const void *at)
{
	__asm__ volatile(MARKER("named", "8@8(%%rdi)")::"D"(at) : "memory");
}

__attribute__((noinline)) static void named_end(void)
{
	__asm__ volatile(MARKER("named__end", ""));
}

__attribute__((noinline)) static void number(uint64_t n)
{
	__asm__ volatile(MARKER("number", "8@%%rdi")::"D"(n) : "memory");
}

#define HITS 40
#define AROUND (16 * 4096ul) /* what the kernel maps around a fault, if it is at hand */
#define STEP (4 * AROUND)
#define TEXT(i) ((i)*STEP + ((i) % 2 ? AROUND - 6 : 0)) /* every second one is in two pages */
#define HELD (HITS * STEP) /* where pointers lie, one in each step, too */
#define SIZE (2 * HITS * STEP)

static const char fleeting[] = "a text in a page that is not there yet";

/* Texts and pointers to them in a file that is mapped anew. */
static char *map_file(void)
{
	int fd = memfd_create("pointers", MFD_CLOEXEC);
	char *at = mmap(NULL, SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	unsigned long i;

	OK(fd);
	OK(ftruncate(fd, SIZE));
	for (i = 0; i < HITS; i++) {
		const char *to = at + TEXT(i);

		OK(pwrite(fd, fleeting, sizeof(fleeting), to - at));
		OK(pwrite(fd, &to, sizeof(to), (off_t)(HELD + i * STEP + 8)));
	}
	if (mmap(at, SIZE, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0) != at)
		exit(1);
	OK(madvise(at, SIZE, MADV_RANDOM));
	close(fd);
	return at;
}

static void unreadable(const void *at)
{
	text(at);
	printf("text %#lx\n", (unsigned long)at);
}

/* Memory whose faults nobody but this thread would serve, so that it may not wait for them. */
static void own_faults(void)
{
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	struct uffdio_api api = { .api = UFFD_API };
	char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_register reg = { .range = { (uintptr_t)page, 4096 },
				       .mode = UFFDIO_REGISTER_MODE_MISSING };

	if (fd >= 0 && !ioctl(fd, UFFDIO_API, &api) && !ioctl(fd, UFFDIO_REGISTER, &reg))
		unreadable(page);
	close(fd);
}

/* The lower end of the stack. */
static unsigned long stack_end(void)
{
	FILE *f = fopen("/proc/self/maps", "r");
	unsigned long from = 0;
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		if (strstr(line, "[stack]"))
			from = strtoul(line, NULL, 16);
	if (f)
		fclose(f);
	return from;
}

int main(void)
{
	unsigned long i, stack;
	char line[64], *at, *gone;
	int fd;

	printf("ready %d\n", getpid());
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		return 0;

	at = map_file();
	for (i = 0; i < HITS; i++)
		text(at + TEXT(i));
	munmap(at, SIZE);
	at = map_file();
	for (i = 0; i < HITS; i++)
		held(at + HELD + i * STEP);
	munmap(at, SIZE);
	at = map_file();
	for (i = 0; i < HITS; i++) {
		named(at + HELD + i * STEP);
		named_end();
	}

	/* not to be read: half of it forbidden, behind the end of its file */
	gone = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(gone, 'x', 4096);
	OK(mprotect(gone + 4096, 2 * 4096, PROT_NONE));
	unreadable(gone + 4096 - 5);
	fd = memfd_create("short", MFD_CLOEXEC);
	at = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	unreadable(at);
	own_faults();
	held(gone + 4096);

	/* numbers: one is where nothing may be read, one would be in the stack if that were longer */
	number((uint64_t)gone + 4096);
	munmap(at, 4096);
	number((uint64_t)at);
	number(1ull << 40);
	number(~0ull);
	number(123456789);
	number(0);
	stack = stack_end();
	number(stack - 256 * 1024);
	printf("stack grew %lu\n", (stack - stack_end()) / 1024);
	printf("done\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin))
		;
	return 0;
}
