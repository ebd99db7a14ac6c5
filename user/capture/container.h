/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control group of a container, by the names that container engines give to groups. They all
 * have the container's id of 64 hex digits in it:
 *
 *	docker/ID                                    docker, with the cgroupfs driver
 *	system.slice/docker-ID.scope                 docker, with systemd
 *	machine.slice/libpod-ID.scope                podman
 *	kubepods.slice/…/cri-containerd-ID.scope     Kubernetes with containerd; crio-ID.scope
 *	kubepods/burstable/podUID/ID                 Kubernetes, with cgroupfs
 */
#ifndef CTRACE_CAPTURE_CONTAINER_H
#define CTRACE_CAPTURE_CONTAINER_H

#include "capture/cgroup_find.h"

/*
 * Fills place. id: six hex digits or more, which the id begins with. In v2 where it is there, else
 * in the first v1 hierarchy that has it. 0; -EINVAL for what is no id, -ENOENT for one that nobody
 * or more than one container has, with the sentence in why.
 */
int container_find(struct cgroup_place *place, const char *root, const char *id,
		   struct strbuf *why);

#endif
