// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
//
// Rust: a producer that sleeps and sends, two consumers behind one mutex, a server that reads from a loopback socket and a
// client that writes to it. Prints "ready", runs until it is killed. A thread's name says its role.
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{mpsc, Arc, Mutex};
use std::thread::{sleep, Builder};
use std::time::Duration;

fn start<F: FnOnce() + Send + 'static>(name: &str, f: F) {
    Builder::new().name(name.into()).spawn(f).unwrap();
}

fn main() {
    let (tx, rx) = mpsc::channel::<u64>();
    let rx = Arc::new(Mutex::new(rx));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();

    start("producer", move || {
        for i in 0.. {
            sleep(Duration::from_millis(1));
            tx.send(i).unwrap();
        }
    });
    for _ in 0..2 {
        let rx = rx.clone();
        start("consumer", move || loop {
            rx.lock().unwrap().recv().unwrap();
        });
    }
    start("server", move || {
        let (mut s, _) = listener.accept().unwrap();
        let mut b = [0u8; 64];
        loop {
            let n = s.read(&mut b).unwrap();
            s.write_all(&b[..n]).unwrap();
        }
    });
    start("client", move || {
        let mut s = TcpStream::connect(addr).unwrap();
        let mut b = [7u8; 64];
        loop {
            s.write_all(&b).unwrap();
            s.read_exact(&mut b).unwrap();
            sleep(Duration::from_millis(2));
        }
    });
    println!("ready");
    loop {
        std::thread::park();
    }
}
