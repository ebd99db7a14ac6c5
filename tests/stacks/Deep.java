// SPDX-License-Identifier: BSD-2-Clause
//
// Java with deep and different stacks, interpreted and compiled: recursion over trees, lambdas and streams, sorts with comparators,
// regular expressions, exceptions, compression in C, sleeps under a lock. Three threads. Prints "ready", runs until it is killed.
import java.util.*;
import java.util.function.*;
import java.util.regex.*;
import java.util.stream.*;
import java.util.zip.*;

class Deep {
	static final Object lock = new Object();
	static volatile long sink;

	interface Shape {
		long visit(LongUnaryOperator f);
	}

	static Shape grow(Random r, int depth) {
		if (depth == 0 || r.nextInt(8) == 0) {
			long v = r.nextInt(1000);
			return f -> f.applyAsLong(v);
		}
		List<Shape> parts = Stream.generate(() -> grow(r, depth - 1)).limit(1 + r.nextInt(3)).collect(Collectors.toList());
		return f -> parts.stream().mapToLong(p -> p.visit(f)).sum();
	}

	static int fall(Random r, int depth) {
		if (depth == 0)
			throw new IllegalStateException("bottom");
		return fall(r, depth - 1) + r.nextInt(3);
	}

	static void work(Random r) {
		byte[] text = new byte[20000], packed = new byte[30000];
		for (;;) {
			long[] n = { 0 };
			sink += grow(r, 7).visit(v -> {
				if (++n[0] % 300 == 0)
					synchronized (lock) {
						try {
							Thread.sleep(0, 50000);
						} catch (InterruptedException e) {
						}
					}
				return v % 7;
			});
			List<String> words = r.ints(300).mapToObj(Integer::toString).collect(Collectors.toList());
			words.sort(Comparator.comparing(w -> new StringBuilder(w).reverse().toString()));
			Matcher m = Pattern.compile("([0-9]+)5([0-9]*)").matcher(String.join(" ", words));
			while (m.find())
				sink += m.group(1).length();
			try {
				sink += fall(r, r.nextInt(40));
			} catch (IllegalStateException e) {
				sink += e.getStackTrace().length;
			}
			r.nextBytes(text);
			Deflater d = new Deflater();
			d.setInput(text);
			d.finish();
			sink += d.deflate(packed);
			d.end();
		}
	}

	public static void main(String[] args) {
		for (int i = 0; i < 3; i++) {
			Random r = new Random(i);
			new Thread(() -> work(r), "worker-" + i).start();
		}
		System.out.println("ready");
	}
}
