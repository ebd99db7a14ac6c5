// SPDX-License-Identifier: BSD-2-Clause
/*
 * The memory limit of process 42 in trees made up of a few files each: v2, v1 and both, hierarchies
 * that several controllers share, of which only a part is mounted, or that begin at a namespace's
 * root.
 */
#include "helpers.h"

#include "capture/cgroup.h"
#include "tree.h"

static void is(uint64_t want)
{
	uint64_t got = cgroup_memory_limit(root, 42);

	if (got != want)
		fail_msg("%llu, not %llu", (unsigned long long)got, (unsigned long long)want);
}

#define GROUPS(text) put("/proc/42/cgroup", text)
static void nothing_to_read(void **state)
{
	(void)state;
	is(UINT64_MAX);
	GROUPS("0::/a\n");
	is(UINT64_MAX);
	MOUNTS("");
	is(UINT64_MAX);
}

/* the smallest one binds, wherever it is; the root has no file, "max" is none */
static void every_ancestor(void **state)
{
	(void)state;
	GROUPS("0::/a/b/c\n");
	MOUNTS(V2("/", "/sys/fs/cgroup"));
	is(UINT64_MAX);
	put("/sys/fs/cgroup/a/b/c/memory.max", "max\n");
	is(UINT64_MAX);
	put("/sys/fs/cgroup/a/memory.max", "5000\n");
	is(5000);
	put("/sys/fs/cgroup/a/b/memory.max", "3000\n");
	is(3000);
	put("/sys/fs/cgroup/a/b/c/memory.max", "4000\n");
	is(3000);
	put("/sys/fs/cgroup/memory.max", "1000\n");
	is(1000);
	put("/sys/fs/cgroup/a/bc/memory.max", "1\n"); /* nobody's */
	is(1000);
	GROUPS("0::/\n");
	is(1000);
}

static void controllers_share_a_hierarchy(void **state)
{
	(void)state;
	GROUPS("9:cpuset:/x\n8:name=memory:/n\n7:hugetlb,memory:/a/b\n");
	MOUNTS(V1("/", "/cg/named", "name=memory") V1("/", "/cg/cpuset", "cpuset")
		       V1("/", "/cg/both", "hugetlb,memory"));
	put("/cg/named/a/b/memory.limit_in_bytes", "1\n");
	put("/cg/cpuset/a/b/memory.limit_in_bytes", "2\n");
	put("/cg/both/a/b/memory.limit_in_bytes", "9223372036854771712\n");
	is(9223372036854771712ull);
	put("/cg/both/a/memory.limit_in_bytes", "7000\n");
	is(7000);
	GROUPS("7:memory,hugetlb:/a\n"); /* in any order */
	is(7000);
	GROUPS("7:memory_of_old:/a\n");
	is(UINT64_MAX);
}

/* v2 is there for systemd alone, the memory is v1's; or the other way round */
static void hybrid(void **state)
{
	(void)state;
	GROUPS("5:memory:/m\n1:name=systemd:/s\n0::/s\n");
	MOUNTS(V2("/", "/cg/unified") V1("/", "/cg/memory", "memory"));
	put("/cg/memory/m/memory.limit_in_bytes", "6000\n");
	put("/cg/unified/m/memory.max", "1\n");
	put("/cg/memory/s/memory.limit_in_bytes", "2\n");
	is(6000);
	put("/cg/unified/s/memory.max", "5000\n");
	is(5000);
}

/* a container without a namespace of its own: only its part is mounted, at the place of the whole */
static void part_of_a_hierarchy(void **state)
{
	(void)state;
	GROUPS("4:memory:/docker/1f/app\n");
	MOUNTS(V1("/docker/1f", "/cg/memory", "memory"));
	put("/cg/memory/app/memory.limit_in_bytes", "4000\n");
	is(4000);
	put("/cg/memory/memory.limit_in_bytes", "3000\n");
	is(3000);
	put("/cg/memory/docker/1f/app/memory.limit_in_bytes", "1\n"); /* another group's */
	is(3000);
	GROUPS("4:memory:/docker/1f\n");
	is(3000);
	GROUPS("4:memory:/docker/1f2\n"); /* a process outside: not to be seen */
	is(UINT64_MAX);
	MOUNTS(V1("/docker/1f", "/cg/memory", "memory") V1("/", "/cg/whole", "memory"));
	put("/cg/whole/docker/memory.limit_in_bytes", "2000\n");
	is(2000);
}

static void namespaces(void **state)
{
	(void)state;
	MOUNTS(V2("/", "/cg"));
	put("/cg/memory.max", "3000\n");
	put("/x/memory.max", "1\n");
	put("/memory.max", "1\n");
	GROUPS("0::/\n"); /* in ours */
	is(3000);
	GROUPS("0::/../x\n"); /* in one beside ours */
	is(UINT64_MAX);
	GROUPS("0::/..\n");
	is(UINT64_MAX);
	GROUPS("0::/..x\n"); /* a name like any other */
	is(3000);
	MOUNTS(V2("/..", "/cg")); /* mounted before we came into the namespace */
	put("/cg/x/memory.max", "2000\n");
	GROUPS("0::/../x\n");
	is(2000);
	GROUPS("0::/\n"); /* its name up there is not told */
	is(UINT64_MAX);
}

static void odd_names(void **state)
{
	(void)state;
	GROUPS("0::/a b/c:d\\e\n");
	MOUNTS(V2("/a\\040b", "/my\\040groups"));
	put("/my groups/c:d\\e/memory.max", "4000\n");
	is(4000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_TREE(nothing_to_read),
		IN_TREE(every_ancestor),
		IN_TREE(controllers_share_a_hierarchy),
		IN_TREE(hybrid),
		IN_TREE(part_of_a_hierarchy),
		IN_TREE(namespaces),
		IN_TREE(odd_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
