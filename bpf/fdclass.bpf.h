/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What kind of file a blocked read or write waits for: the mode of the inode tells most, the device
 * number a terminal, and the name that the kernel gives an anonymous file the rest.
 */
#ifndef CTRACE_BPF_FDCLASS_H
#define CTRACE_BPF_FDCLASS_H

#include "bpf/common.bpf.h"

#define CT_S_IFMT 0170000
#define CT_S_IFSOCK 0140000
#define CT_S_IFREG 0100000
#define CT_S_IFBLK 0060000
#define CT_S_IFDIR 0040000
#define CT_S_IFCHR 0020000
#define CT_S_IFIFO 0010000

/* Linux device numbers that are terminals: Documentation/admin-guide/devices.txt of the kernel */
static __always_inline bool ct_is_tty(__u32 major)
{
	return major == 4 || major == 5 || (major >= 136 && major <= 143) || major == 166 ||
	       major == 188 || major == 204 || major == 229;
}

/* Does the read or write family use its first argument as a descriptor that may block? By syscall
 * number. */
static __always_inline bool ct_is_rw(__u32 nr)
{
#if defined(__TARGET_ARCH_x86)
	switch (nr) {
	case 0:	  /* read */
	case 1:	  /* write */
	case 17:  /* pread64 */
	case 18:  /* pwrite64 */
	case 19:  /* readv */
	case 20:  /* writev */
	case 295: /* preadv */
	case 296: /* pwritev */
	case 327: /* preadv2 */
	case 328: /* pwritev2 */
		return true;
	}
	return false;
#else
	return (nr >= 63 && nr <= 70) || nr == 286 || nr == 287;
#endif
}

static __always_inline __u8 ct_class_of_anon(struct file *f)
{
	const unsigned char *name = BPF_CORE_READ(f, f_path.dentry, d_name.name);
	char s[16] = {};

	if (bpf_probe_read_kernel_str(s, sizeof(s), name) < 0)
		return EV_FD_OTHER;
	/* "[eventfd]", "[timerfd]", "[signalfd]", without brackets in some kernels; "inotify" */
	const char *p = s[0] == '[' ? s + 1 : s;

	if ((p[0] == 'e' && p[1] == 'v' && p[5] == 'f') || (p[0] == 't' && p[1] == 'i') ||
	    (p[0] == 's' && p[1] == 'i') || (p[0] == 'i' && p[1] == 'n' && p[2] == 'o'))
		return EV_FD_EVENT;
	return EV_FD_OTHER;
}

#if defined(__TARGET_ARCH_x86)
#define CT_REGS_ARG1(regs) ((regs)->di)
#else
#define CT_REGS_ARG1(regs) ((regs)->orig_x0)
#endif

/*
 * The class of the descriptor in the first argument of the syscall that p is in, p being the
 * current task or one that is off its CPU. This is on the way of every read and write that blocks,
 * so typed pointers are followed directly.
 */
static __always_inline __u8 ct_fd_class(struct task_struct *p)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(p);
	struct files_struct *files = p->files;
	struct fdtable *fdt;
	struct inode *inode;
	struct file *f = NULL;
	__u32 fd, mode;

	if (!regs || !files)
		return EV_FD_UNKNOWN;
	fdt = files->fdt;
	if (!fdt)
		return EV_FD_UNKNOWN;
	fd = CT_REGS_ARG1(regs);
	if (fd >= fdt->max_fds)
		return EV_FD_UNKNOWN;
	if (bpf_probe_read_kernel(&f, sizeof(f), fdt->fd + fd) || !f)
		return EV_FD_UNKNOWN;
	inode = BPF_CORE_READ(f, f_inode);
	mode = BPF_CORE_READ(inode, i_mode) & CT_S_IFMT;
	switch (mode) {
	case CT_S_IFREG:
	case CT_S_IFDIR:
	case CT_S_IFBLK:
		return EV_FD_FILE;
	case CT_S_IFSOCK:
		return EV_FD_SOCKET;
	case CT_S_IFIFO:
		return EV_FD_PIPE;
	case CT_S_IFCHR:
		return ct_is_tty(BPF_CORE_READ(inode, i_rdev) >> 20) ? EV_FD_TTY : EV_FD_OTHER;
	}
	return ct_class_of_anon(f);
}

#endif
