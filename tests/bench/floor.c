// SPDX-License-Identifier: BSD-2-Clause
/*
 * Loads the floor's programs, polls their rings every 10 ms and copies the records to a file or
 * away. In: the options below. Out: `ready` on stderr once every hook is attached; at SIGINT or
 * SIGTERM one JSON object on stdout. Single-threaded; rings and links live until the process ends.
 *
 *   floor [-e] [-s] [-p TGID] [-o FILE] [-b RING_BYTES] [-i POLL_MS]
 *     -e  empty programs        -s  scheduler hooks alone        -p  one process
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "floor.h"
#include "floor.skel.h"

struct ring {
	unsigned long *cons; /* ours to write */
	unsigned long *prod; /* the kernel's */
	char *data;	     /* mapped twice in a row, so no record is cut in two */
};

static struct ring rings[FLOOR_CPUS];
static int nrings;
static unsigned long ring_sz = 16ul << 20;
static int out_fd = -1;
static unsigned char out_buf[1 << 20];
static size_t out_len;
static unsigned long long records, bytes, checksum;
static bool write_failed;
static volatile sig_atomic_t stop;

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

static int quiet(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, fmt, ap) : 0;
}

static void flush(void)
{
	size_t done = 0;

	while (done < out_len && !write_failed) {
		ssize_t n = write(out_fd, out_buf + done, out_len - done);

		if (n < 0 && errno != EINTR) {
			perror("floor: write");
			write_failed = true;
		} else if (n > 0) {
			done += n;
		}
	}
	bytes += done;
	out_len = 0;
}

static void take(const void *rec, size_t len)
{
	records++;
	if (out_fd < 0) {
		checksum += *(const unsigned long long *)rec; /* the record is read all the same */
		return;
	}
	if (out_len + len > sizeof(out_buf))
		flush();
	memcpy(out_buf + out_len, rec, len);
	out_len += len;
}

/* up to where the kernel had written on arrival, so that a busy producer cannot hold us */
static void drain(struct ring *ring)
{
	unsigned long pos = *ring->cons, given = pos;
	unsigned long end = __atomic_load_n(ring->prod, __ATOMIC_ACQUIRE);

	while (pos < end) {
		unsigned int *hdr = (unsigned int *)(ring->data + (pos & (ring_sz - 1)));
		unsigned int len = __atomic_load_n(hdr, __ATOMIC_ACQUIRE);

		if (len & BPF_RINGBUF_BUSY_BIT)
			break;
		if (!(len & BPF_RINGBUF_DISCARD_BIT))
			take(hdr + 2, len);
		len &= ~BPF_RINGBUF_DISCARD_BIT;
		pos += (len + BPF_RINGBUF_HDR_SZ + 7) / 8 * 8;
		if (pos - given >= 1 << 16) { /* room for the producer early, but not per record */
			__atomic_store_n(ring->cons, pos, __ATOMIC_RELEASE);
			given = pos;
		}
	}
	__atomic_store_n(ring->cons, pos, __ATOMIC_RELEASE);
}

static void drain_all(void)
{
	for (int i = 0; i < nrings; i++)
		drain(&rings[i]);
}

static int make_rings(struct floor_bpf *skel, int ncpu)
{
	int outer = bpf_map__fd(skel->maps.floor_rings);
	long page = sysconf(_SC_PAGESIZE);

	for (int cpu = 0; cpu < ncpu; cpu++) {
		struct ring *ring = &rings[cpu];
		char *map;
		int fd;

		fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "floor_ring", 0, 0, ring_sz, NULL);
		if (fd < 0 || bpf_map_update_elem(outer, &cpu, &fd, 0))
			return -errno;
		ring->cons = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		map = mmap(NULL, page + 2 * ring_sz, PROT_READ, MAP_SHARED, fd, page);
		if (ring->cons == MAP_FAILED || map == MAP_FAILED)
			return -errno;
		ring->prod = (unsigned long *)map;
		ring->data = map + page;
		nrings++;
	}
	return 0;
}

static unsigned long long read_lost(struct floor_bpf *skel, int ncpu)
{
	unsigned long long per_cpu[FLOOR_CPUS] = { 0 }, sum = 0;
	unsigned int zero = 0;

	if (bpf_map_lookup_elem(bpf_map__fd(skel->maps.floor_lost), &zero, per_cpu))
		return 0;
	for (int i = 0; i < ncpu; i++)
		sum += per_cpu[i];
	return sum;
}

int main(int argc, char **argv)
{
	bool empty = false, sched_only = false;
	unsigned int only_tgid = 0, poll_ms = 10;
	struct floor_bpf *skel;
	struct timespec nap;
	struct rusage ru;
	int opt, ncpu, err;

	while ((opt = getopt(argc, argv, "esp:o:b:i:")) != -1) {
		switch (opt) {
		case 'e':
			empty = true;
			break;
		case 's':
			sched_only = true;
			break;
		case 'p':
			only_tgid = strtoul(optarg, NULL, 10);
			break;
		case 'o':
			out_fd = open(optarg, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
			if (out_fd < 0) {
				perror(optarg);
				return 1;
			}
			break;
		case 'b':
			ring_sz = strtoul(optarg, NULL, 10);
			break;
		case 'i':
			poll_ms = strtoul(optarg, NULL, 10);
			break;
		default:
			fprintf(stderr,
				"usage: floor [-e] [-s] [-p TGID] [-o FILE] [-b BYTES] [-i MS]\n");
			return 2;
		}
	}
	libbpf_set_print(quiet);
	ncpu = libbpf_num_possible_cpus();
	if (ncpu < 1 || ncpu > FLOOR_CPUS) {
		fprintf(stderr, "floor: made for at most %d CPUs\n", FLOOR_CPUS);
		return 1;
	}
	skel = floor_bpf__open();
	if (!skel) {
		perror("floor: open");
		return 1;
	}
	skel->rodata->empty = empty;
	skel->rodata->only_tgid = only_tgid;
	skel->rodata->self_tgid = getpid();
	bpf_program__set_autoload(skel->progs.floor_enter, !sched_only);
	bpf_program__set_autoload(skel->progs.floor_exit, !sched_only);
	err = floor_bpf__load(skel);
	if (!err)
		err = make_rings(skel, ncpu);
	/* before the first event, or a stop right after `ready` would kill us */
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	if (!err)
		err = floor_bpf__attach(skel);
	if (err) {
		fprintf(stderr, "floor: cannot load or attach: %s\n", strerror(-err));
		floor_bpf__destroy(skel);
		return 1;
	}
	fprintf(stderr, "ready\n");

	nap.tv_sec = poll_ms / 1000;
	nap.tv_nsec = poll_ms % 1000 * 1000000l;
	while (!stop) {
		nanosleep(&nap, NULL);
		drain_all();
	}
	floor_bpf__detach(skel);
	drain_all();
	flush();
	if (out_fd >= 0)
		close(out_fd);
	getrusage(RUSAGE_SELF, &ru);
	printf("{\"records\": %llu, \"lost\": %llu, \"bytes\": %llu, \"cpu_seconds\": %.6f, "
	       "\"rss_bytes\": %ld, \"checksum\": %llu}\n",
	       records, read_lost(skel, ncpu), bytes,
	       ru.ru_utime.tv_sec + ru.ru_stime.tv_sec +
		       (ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6,
	       ru.ru_maxrss * 1024, checksum);
	floor_bpf__destroy(skel);
	return write_failed;
}
