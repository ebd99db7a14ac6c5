// SPDX-License-Identifier: BSD-2-Clause
/*
 * See fileio.h. How much comes from what is no regular file is the input's choice, so memory that
 * is not there is an error here.
 */
#include "util/fileio.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/strbuf.h"

static int load_stream(struct file_bytes *f, int fd)
{
	size_t cap = 0, len = 0;
	uint8_t *buf = NULL;
	int err;

	for (;;) {
		ssize_t n;

		if (len == cap) {
			size_t want = cap ? cap * 2 : 1 << 20;
			uint8_t *more = want > cap ? realloc(buf, want) : NULL;

			if (!more) {
				err = -ENOMEM;
				goto out;
			}
			buf = more;
			cap = want;
		}
		n = read(fd, buf + len, cap - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			err = -errno;
			goto out;
		}
		if (n == 0)
			break;
		len += (size_t)n;
	}
	f->data = buf;
	f->len = len;
	return 0;
out:
	free(buf);
	return err;
}

int file_load(struct file_bytes *f, int fd, struct strbuf *why)
{
	struct stat st;
	int err = 0;

	*f = (struct file_bytes){ 0 };
	if (fstat(fd, &st)) {
		err = -errno;
	} else if (S_ISREG(st.st_mode) && st.st_size > 0) {
		void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);

		if (p == MAP_FAILED)
			err = -errno;
		else
			*f = (struct file_bytes){ .data = p,
						  .len = (size_t)st.st_size,
						  .mapped = true };
	} else {
		err = load_stream(f, fd);
	}
	if (err)
		strbuf_set_f(why, "cannot read: %s", strerror(-err));
	return err;
}

void file_unload(struct file_bytes *f)
{
	if (f->mapped)
		munmap((void *)f->data, f->len);
	else
		free((void *)f->data);
	*f = (struct file_bytes){ 0 };
}

int write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}
