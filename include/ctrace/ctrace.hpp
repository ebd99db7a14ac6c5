/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The C++ face of ctrace.h, which includes this file. Nothing here throws.
 *
 *	ctrace::task order("makeCappuccino");
 *	ctrace::log(order, "orderID", id.c_str());
 *	{
 *		ctrace::region steaming(order, "steamMilk");
 *		steam_milk();
 *	}
 *
 * Tasks and regions end with the object, however its scope is left, and can be moved; a moved object
 * has nothing to end any more. CTRACE_REGION and CTRACE_REGION_SCOPE take a ctrace::task as well.
 */
#ifndef CTRACE_CTRACE_HPP
#define CTRACE_CTRACE_HPP

/* Each program and library has its own semaphore, so none may use the functions of another one. */
#if defined(__GNUC__)
#define CTRACE_OWN_ __attribute__((__visibility__("hidden")))
#else
#define CTRACE_OWN_
#endif

/* Of those that the compiler is to see texts through. */
#if CTRACE_AVAILABLE && defined(__OPTIMIZE__)
#define CTRACE_SEES_ CTRACE_OWN_ __attribute__((__always_inline__))
#else
#define CTRACE_SEES_ CTRACE_OWN_
#endif

namespace ctrace
{

/* Does anybody listen? */
CTRACE_OWN_ inline bool is_enabled() noexcept
{
	return ctrace_is_enabled();
}

/* The context of what belongs to no task. */
CTRACE_OWN_ inline ctrace_ctx background() noexcept
{
	return ctrace_background();
}

/* A task from here to the end of the object, or to end(). It may be moved to another thread. */
class task
{
      public:
	CTRACE_SEES_ explicit task(const char *type) noexcept
	    : ctx_(ctrace_task_begin(ctrace_background(), type))
	{
	}
	/* a part of parent */
	CTRACE_SEES_ task(ctrace_ctx parent, const char *type) noexcept
	    : ctx_(ctrace_task_begin(parent, type))
	{
	}
	CTRACE_OWN_ task(task &&other) noexcept : ctx_(other.ctx_)
	{
		other.ctx_ = ctrace_background();
	}
	/* ends the task that was here */
	CTRACE_OWN_ task &operator=(task &&other) noexcept
	{
		if (this != &other) {
			end();
			ctx_ = other.ctx_;
			other.ctx_ = ctrace_background();
		}
		return *this;
	}
	task(const task &) = delete;
	task &operator=(const task &) = delete;
	CTRACE_OWN_ ~task()
	{
		end();
	}

	/* The task is done now, and the object is empty: the background. */
	CTRACE_OWN_ void end() noexcept
	{
		ctrace_task_end(ctx_);
		ctx_ = ctrace_background();
	}
	/* What regions, logs and subtasks take; a copy of it may go anywhere. */
	CTRACE_OWN_ ctrace_ctx ctx() const noexcept
	{
		return ctx_;
	}
	CTRACE_OWN_ operator ctrace_ctx() const noexcept
	{
		return ctx_;
	}

      private:
	ctrace_ctx ctx_;
};

/* A region from here to the end of the object, or to end(); to be ended by the thread that began
 * it. */
class region
{
      public:
	CTRACE_SEES_ region(ctrace_ctx ctx, const char *type) noexcept
	    : region_(ctrace_region_begin(ctx, type))
	{
	}
	/* of no task */
	CTRACE_SEES_ explicit region(const char *type) noexcept
	    : region_(ctrace_region_begin(ctrace_background(), type))
	{
	}
	CTRACE_OWN_ region(region &&other) noexcept : region_(other.region_)
	{
		other.region_.type = nullptr;
	}
	/* ends the region that was here */
	CTRACE_OWN_ region &operator=(region &&other) noexcept
	{
		if (this != &other) {
			end();
			region_ = other.region_;
			other.region_.type = nullptr;
		}
		return *this;
	}
	region(const region &) = delete;
	region &operator=(const region &) = delete;
	CTRACE_SEES_ ~region()
	{
		end();
	}

	/* The region is done now, and the object is empty. */
	CTRACE_SEES_ void end() noexcept
	{
		ctrace_region_end(region_);
		region_.type = nullptr;
	}

      private:
	ctrace_region region_;
};

/* A moment of this thread, with a text. */
CTRACE_SEES_ inline void log(ctrace_ctx ctx, const char *category, const char *message) noexcept
{
	ctrace_log(ctx, category, message);
}

/* The same with a text as by printf, made only when somebody listens. The arguments are always
 * evaluated, other than those of ctrace_logf(). */
CTRACE_PRINTF_(3, 4)
CTRACE_OWN_ inline void logf(ctrace_ctx ctx, const char *category, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	ctrace_vlogf_(ctx, category, format, args);
	va_end(args);
}

/* What CTRACE_REGION is made of. */
struct block_ {
	CTRACE_SEES_ block_(ctrace_ctx ctx, const char *type) noexcept
	    : kept(ctx, type), first(true)
	{
	}
	CTRACE_SEES_ ~block_()
	{
	}

	region kept;
	bool first;
};

} // namespace ctrace

#endif
