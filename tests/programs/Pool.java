// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
//
// Java: four pool threads behind one monitor, a producer and a consumer at a queue, a client and a server on a loopback
// socket. Prints "ready", runs until it is killed. Run as `java Pool.java`, or compiled.
import java.io.*;
import java.net.*;
import java.util.concurrent.*;

public class Pool {
	static final Object monitor = new Object();

	interface Body {
		void run() throws Exception;
	}

	static void start(String name, Body body) {
		Thread t = new Thread(() -> {
			try {
				while (true)
					body.run();
			} catch (Exception e) {
				e.printStackTrace();
				System.exit(1);
			}
		}, name);
		t.start();
	}

	public static void main(String[] args) throws Exception {
		ArrayBlockingQueue<Integer> queue = new ArrayBlockingQueue<>(16);
		ServerSocket listener = new ServerSocket(0, 5, InetAddress.getLoopbackAddress());

		for (int i = 0; i < 4; i++)
			start("monitor-" + i, () -> {
				synchronized (monitor) {
					Thread.sleep(1);
				}
			});
		start("producer", () -> {
			Thread.sleep(2);
			queue.put(1);
		});
		start("consumer", queue::take);
		start("server", () -> {
			Socket s = listener.accept();
			InputStream in = s.getInputStream();
			OutputStream out = s.getOutputStream();
			for (int b; (b = in.read()) >= 0;)
				out.write(b);
		});
		start("client", () -> {
			Socket s = new Socket(listener.getInetAddress(), listener.getLocalPort());
			s.setTcpNoDelay(true);
			while (true) {
				s.getOutputStream().write(7);
				s.getInputStream().read();
				Thread.sleep(2);
			}
		});
		System.out.println("ready");
	}
}
