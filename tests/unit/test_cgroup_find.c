// SPDX-License-Identifier: BSD-2-Clause
/* Control groups and containers by the names that users have for them, in made-up trees: v2, v1 and
 * both, and as each container engine lays them out. */
#include "tree.h"

#include "capture/cgroup_find.h"
#include "capture/container.h"

#define ID1 "3f1e8a9b2c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6e7"
#define ID2 "3f1e8a9b2c4d0000000000000000000000000000000000000000000000000000"
#define ID3 "00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff"
#define OWN(text) put("/proc/self/cgroup", text)
#define HYBRID                                                                       \
	MOUNTS("33 22 0:30 / /cg/memory rw - cgroup cgroup rw,memory\n"              \
	       "34 22 0:31 / /cg/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"    \
	       "35 22 0:32 / /cg/systemd rw - cgroup cgroup rw,xattr,name=systemd\n" \
	       "36 22 0:33 / /cg/unified rw,nsdelegate - cgroup2 cgroup2 rw\n");     \
	OWN("12:name=systemd:/\n5:cpu,cpuacct:/\n4:memory:/user\n0::/\n")

static struct strbuf why = STRBUF_INIT;

static void group(const char *dir)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
	put(path, "");
}

static uint64_t number_of(const char *dir)
{
	char path[512];
	struct stat st;

	snprintf(path, sizeof(path), "%s%s", root, dir);
	assert_int_equal(stat(path, &st), 0);
	return st.st_ino;
}

static void is_at(const struct cgroup_place *got, const char *dir, uint32_t hierarchy)
{
	assert_string_equal(got->dir + strlen(root), dir);
	assert_int_equal(got->id, number_of(dir));
	assert_int_equal(got->hierarchy, hierarchy);
}

static void finds(const char *what, const char *dir, uint32_t hierarchy)
{
	struct cgroup_place got;

	if (cgroup_find(&got, root, what, &why))
		fail_msg("%s", why.buf);
	is_at(&got, dir, hierarchy);
}

static void finds_not(const char *what, const char *words)
{
	struct cgroup_place got;

	assert_int_equal(cgroup_find(&got, root, what, &why), -ENOENT);
	if (!strstr(why.buf, words))
		fail_msg("%s", why.buf);
}

static void contains(const char *id, const char *dir, uint32_t hierarchy)
{
	struct cgroup_place got;

	if (container_find(&got, root, id, &why))
		fail_msg("%s", why.buf);
	is_at(&got, dir, hierarchy);
}

static void contains_not(const char *id, int err, const char *words)
{
	struct cgroup_place got;

	assert_int_equal(container_find(&got, root, id, &why), err);
	if (!strstr(why.buf, words))
		fail_msg("%s", why.buf);
}

/* ---- groups ---- */

static void v2(void **state)
{
	char id[32];

	(void)state;
	MOUNTS(V2("/", "/sys/fs/cgroup"));
	OWN("0::/\n");
	group("/sys/fs/cgroup/system.slice/nginx.service");
	finds("/sys/fs/cgroup/system.slice/nginx.service",
	      "/sys/fs/cgroup/system.slice/nginx.service", 0);
	finds("/sys/fs/cgroup/system.slice/", "/sys/fs/cgroup/system.slice", 0);
	finds("/system.slice/nginx.service", "/sys/fs/cgroup/system.slice/nginx.service", 0);
	finds("system.slice/nginx.service", "/sys/fs/cgroup/system.slice/nginx.service", 0);
	finds("/", "/sys/fs/cgroup", 0);
	snprintf(id, sizeof(id), "%llu",
		 (unsigned long long)number_of("/sys/fs/cgroup/system.slice/nginx.service"));
	finds(id, "/sys/fs/cgroup/system.slice/nginx.service", 0);
	finds_not("1", "no control group of v2 has this number");
	finds_not("/system.slice/apache.service", "no such control group in /sys/fs/cgroup (v2)");
	finds_not("/sys/fs/cgroup/nothing", "no such control group");
	finds_not("/sys/fs/cgroup/system.slice/nginx.service/cgroup.procs", "give its directory");
	put("/etc/passwd", "");
	finds_not("/etc", "not a control group; they are in /sys/fs/cgroup (v2)");
}

static void hybrid(void **state)
{
	char id[32];

	(void)state;
	HYBRID;
	group("/cg/memory/app");
	group("/cg/cpu,cpuacct/app");
	group("/cg/systemd/only");
	group("/cg/unified/both");
	group("/cg/memory/both");
	finds("/app", "/cg/memory/app", 4);
	finds("/both", "/cg/unified/both", 0);
	finds("/only", "/cg/systemd/only", 12);
	finds("/cg/memory/both", "/cg/memory/both", 4);
	finds("/cg/cpu,cpuacct/app", "/cg/cpu,cpuacct/app", 5);
	snprintf(id, sizeof(id), "%llu", (unsigned long long)number_of("/cg/memory/app"));
	finds_not(id, "no control group of v2");
}

/* Systems have links for controllers that share a hierarchy. */
static void links(void **state)
{
	char path[512];

	(void)state;
	HYBRID;
	group("/cg/cpu,cpuacct/app");
	snprintf(path, sizeof(path), "%s/cg/cpu", root);
	assert_int_equal(symlink("cpu,cpuacct", path), 0);
	finds("/cg/cpu/app", "/cg/cpu,cpuacct/app", 5);
}

static void v1_alone(void **state)
{
	(void)state;
	MOUNTS(V1("/", "/cg/memory", "memory"));
	OWN("3:memory:/\n");
	group("/cg/memory/app");
	finds("app", "/cg/memory/app", 3);
	finds_not("42", "v2 is not mounted; give a path");
}

/* A container sees a part of a hierarchy; a hierarchy may be one that we are in no group of. */
static void parts(void **state)
{
	(void)state;
	MOUNTS(V2("/docker/abc", "/cg") V1("/", "/other", "pids"));
	OWN("0::/docker/abc\n");
	group("/cg/web");
	group("/other/web2");
	finds("/docker/abc/web", "/cg/web", 0);
	finds("/docker/abc", "/cg", 0);
	finds("/cg/web", "/cg/web", 0);
	finds_not("/web", "no such control group");
	finds_not("/other/web2", "give its directory"); /* its number is not to be had */
}

static void none_mounted(void **state)
{
	(void)state;
	finds_not("/a", "no control groups are mounted");
	MOUNTS("");
	finds_not("/a", "no control groups are mounted");
}

/* ---- containers ---- */

static void engines(void **state)
{
	static const char *const dir[] = {
		"/cg/docker/" ID1,
		"/cg/system.slice/docker-" ID1 ".scope",
		"/cg/machine.slice/libpod-" ID1 ".scope",
		"/cg/libpod_parent/libpod-" ID1,
		"/cg/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1234_5.slice/cri-containerd-" ID1
		".scope",
		"/cg/kubepods.slice/kubepods-pod12.slice/crio-" ID1 ".scope",
		"/cg/kubepods/besteffort/pod0cdd84c7-2c5c-4a3c-8f3f-9a1b2c3d4e5f/" ID1,
		"/cg/default/" ID1,
	};
	size_t i;

	for (i = 0; i < COUNT(dir); i++) {
		tree_begin(state);
		MOUNTS(V2("/", "/cg"));
		OWN("0::/\n");
		group(dir[i]);
		group("/cg/docker/" ID3);
		contains("3f1e8a", dir[i], 0);
		contains("3f1e8a9b2c4d", dir[i], 0);
		contains("3F1E8A9B2C4D", dir[i], 0);
		contains(ID1, dir[i], 0);
		if (i + 1 < COUNT(dir))
			tree_done(state);
	}
}

/* Its monitor is no part of it, nor is what it makes inside of itself another one. */
static void neighbours(void **state)
{
	(void)state;
	MOUNTS(V2("/", "/cg"));
	OWN("0::/\n");
	group("/cg/machine.slice/libpod-conmon-" ID1 ".scope");
	contains_not("3f1e8a", -ENOENT, "no running container");
	group("/cg/machine.slice/libpod-" ID1 ".scope/container/sub");
	contains("3f1e8a", "/cg/machine.slice/libpod-" ID1 ".scope", 0);
}

static void hybrid_engines(void **state)
{
	(void)state;
	HYBRID;
	group("/cg/memory/docker/" ID1);
	group("/cg/cpu,cpuacct/docker/" ID1);
	contains("3f1e8a", "/cg/memory/docker/" ID1, 4);
	group("/cg/unified/system.slice/docker-" ID1 ".scope");
	contains("3f1e8a", "/cg/unified/system.slice/docker-" ID1 ".scope", 0);
}

static void wrong_ids(void **state)
{
	(void)state;
	MOUNTS(V2("/", "/cg"));
	OWN("0::/\n");
	group("/cg/docker/" ID1);
	group("/cg/docker/" ID2);
	contains_not("3f1e8", -EINVAL, "first six");
	contains_not("", -EINVAL, "first six");
	contains_not("nginx-1", -EINVAL, "not the id of a container");
	contains_not(ID1 "0", -EINVAL, "not the id of a container");
	contains_not("3f1e8a", -ENOENT, "more than one container begins so, 3f1e8a9b2c4d");
	contains_not("3f1e8b", -ENOENT, "no running container has such an id");
	contains("3f1e8a9b2c4d5", "/cg/docker/" ID1, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_TREE(v2),	    IN_TREE(hybrid),	 IN_TREE(links),
		IN_TREE(v1_alone),  IN_TREE(parts),	 IN_TREE(none_mounted),
		IN_TREE(engines),   IN_TREE(neighbours), IN_TREE(hybrid_engines),
		IN_TREE(wrong_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
