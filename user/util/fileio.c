// SPDX-License-Identifier: BSD-2-Clause
/* See fileio.h. */
#include "util/fileio.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/strbuf.h"

int file_load(struct file_bytes *f, int fd, struct strbuf *why)
{
	struct stat st;
	void *p = NULL;
	int err = 0;

	*f = (struct file_bytes){ 0 };
	if (fstat(fd, &st))
		err = -errno;
	else if (!S_ISREG(st.st_mode))
		err = S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	else if (st.st_size > 0) /* nothing cannot be mapped */
		p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		err = -errno;
	else if (p)
		*f = (struct file_bytes){ .data = p, .len = (size_t)st.st_size };
	if (err)
		strbuf_set_f(why, "cannot read: %s",
			     err == -EINVAL ? "it is no regular file" : strerror(-err));
	return err;
}

void file_unload(struct file_bytes *f)
{
	if (f->len)
		munmap((void *)f->data, f->len);
	*f = (struct file_bytes){ 0 };
}

/* Others may have made it so that it does not block, and that is not ours to change. */
static void wait_for_room(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	poll(&p, 1, -1);
}

int write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			wait_for_room(fd);
			continue;
		}
		if (n <= 0)
			return n ? -errno : -EIO;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}
