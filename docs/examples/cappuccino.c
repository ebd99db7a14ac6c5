// SPDX-License-Identifier: BSD-2-Clause
/*
 * A bar that makes cappuccinos: each order is a task that three threads work on, each step a
 * region. The same as cappuccino.cpp and cappuccino.go, so that one can be laid beside the other.
 *
 *	cappuccino [-n ORDERS] [-w] [-j]
 *
 *	-n	how many orders, one after the other; default 3
 *	-w	begins when a line comes on stdin
 *	-j	tells what it measured itself, a line of JSON for each task and region
 *
 *	gcc -std=c11 -Iinclude docs/examples/cappuccino.c -o cappuccino -lpthread
 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L /* clock_gettime() and getopt(), with -std=c11 too */
#endif

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <ctrace/ctrace.h>

struct order {
	char id[24];
	ctrace_ctx task;
	int64_t begin;
	pthread_mutex_t lock;
	pthread_cond_t ready;
	bool milk, coffee;
};

static bool json;

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

static void tell(const char *kind, const char *type, const struct order *order, int64_t begin)
{
	int64_t took = now_ns() - begin;

	if (json)
		printf("{\"%s\": \"%s\", \"order\": \"%s\", \"ns\": %lld}\n", kind, type, order->id,
		       (long long)took);
}

/* Work is half thinking and half waiting. */
static void take_ms(int ms)
{
	struct timespec half = { .tv_nsec = ms * 500000L };
	int64_t begin = now_ns();

	while (now_ns() - begin < ms * INT64_C(500000))
		;
	nanosleep(&half, NULL);
}

static void done(struct order *order, bool *what)
{
	pthread_mutex_lock(&order->lock);
	*what = true;
	pthread_cond_broadcast(&order->ready);
	pthread_mutex_unlock(&order->lock);
}

static void *steam_milk(void *arg)
{
	struct order *order = arg;
	int64_t begin = now_ns();

	CTRACE_REGION(order->task, "steamMilk")
	{
		take_ms(30);
	}
	tell("region", "steamMilk", order, begin);
	done(order, &order->milk);
	return NULL;
}

static void *extract_coffee(void *arg)
{
	struct order *order = arg;
	int64_t begin = now_ns();

	CTRACE_REGION(order->task, "extractCoffee")
	{
		take_ms(40);
	}
	tell("region", "extractCoffee", order, begin);
	done(order, &order->coffee);
	return NULL;
}

static void *mix(void *arg)
{
	struct order *order = arg;
	int64_t begin;

	pthread_mutex_lock(&order->lock);
	while (!order->milk || !order->coffee)
		pthread_cond_wait(&order->ready, &order->lock);
	pthread_mutex_unlock(&order->lock);
	begin = now_ns();
	CTRACE_REGION(order->task, "mixMilkCoffee")
	{
		take_ms(20);
	}
	tell("region", "mixMilkCoffee", order, begin);
	ctrace_task_end(order->task);
	tell("task", "makeCappuccino", order, order->begin);
	return NULL;
}

static void make_cappuccino(int number)
{
	struct order order = { .lock = PTHREAD_MUTEX_INITIALIZER,
			       .ready = PTHREAD_COND_INITIALIZER };
	void *(*const steps[])(void *) = { steam_milk, extract_coffee, mix };
	pthread_t thread[3];
	int64_t begin = now_ns();
	int i;

	snprintf(order.id, sizeof(order.id), "order-%d", number);
	CTRACE_REGION(ctrace_background(), "makeCappuccino")
	{
		order.begin = now_ns();
		order.task = ctrace_task_begin(ctrace_background(), "makeCappuccino");
		ctrace_log(order.task, "orderID", order.id);
		for (i = 0; i < 3; i++) {
			if (pthread_create(&thread[i], NULL, steps[i], &order)) {
				perror("cappuccino: thread");
				exit(1);
			}
		}
		for (i = 0; i < 3; i++)
			pthread_join(thread[i], NULL);
	}
	tell("region", "makeCappuccino", &order, begin);
}

int main(int argc, char **argv)
{
	int opt, i, orders = 3;

	while ((opt = getopt(argc, argv, "n:wj")) != -1) {
		switch (opt) {
		case 'n':
			orders = atoi(optarg);
			break;
		case 'w':
			printf("ready %d\n", getpid());
			fflush(stdout);
			if (getchar() == EOF)
				return 0;
			break;
		case 'j':
			json = true;
			break;
		default:
			fprintf(stderr, "usage: cappuccino [-n ORDERS] [-w] [-j]\n");
			return 2;
		}
	}
	for (i = 1; i <= orders; i++)
		make_cappuccino(i);
	printf("done\n");
	return 0;
}
