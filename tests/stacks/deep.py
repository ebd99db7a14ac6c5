# SPDX-License-Identifier: BSD-2-Clause
"""Python with the calls that the interpreter makes through C: sorts by a key, regular expressions with a function, JSON with hooks,
recursion, exceptions, a database in memory with a function of ours, sleeps. Two threads. Prints "ready", runs until killed."""
import functools
import json
import random
import re
import sqlite3
import threading
import time


def tree(r, depth):
    return {"k%d" % i: tree(r, depth - 1) if r.random() < 0.7 else r.random() for i in range(3)} if depth else r.random()


def visit(node, f):
    return sum(visit(v, f) for v in node.values()) if isinstance(node, dict) else f(node)


def fall(r, depth):
    try:
        if not depth:
            raise ValueError(depth)
        return fall(r, depth - 1)
    finally:
        if r.random() < 0.0005:
            time.sleep(0.0001)


@functools.total_ordering
class Word:
    def __init__(self, s):
        self.s = s

    def __lt__(self, other):
        return self.s[::-1] < other.s[::-1]

    def __eq__(self, other):
        return self.s == other.s


def work(seed):
    r = random.Random(seed)
    db = sqlite3.connect(":memory:")
    db.create_function("twice", 1, lambda x: x * 2 + fall_safely(r, 2))
    db.execute("create table t (x real)")
    while True:
        t = tree(r, 5)
        total = visit(t, lambda x: x * 2)
        text = json.dumps(t)
        json.loads(text, object_hook=lambda d: d, parse_float=lambda s: float(s) + total)
        words = [Word(str(r.random())) for _ in range(200)]
        words.sort(key=functools.cmp_to_key(lambda a, b: (a > b) - (a < b)))
        re.sub(r"\d+", lambda m: str(fall_safely(r, 3)) + m[0], text[:2000])
        db.executemany("insert into t values (?)", ((r.random(),) for _ in range(20)))
        db.execute("select sum(twice(x)) from t").fetchone()
        db.execute("delete from t")
        fall_safely(r, r.randrange(20))
        if r.random() < 0.1:
            time.sleep(0.0005)


def fall_safely(r, depth):
    try:
        return fall(r, depth)
    except ValueError:
        return 1


for i in range(2):
    threading.Thread(target=work, args=(i,), daemon=True).start()
print("ready", flush=True)
threading.Event().wait()
