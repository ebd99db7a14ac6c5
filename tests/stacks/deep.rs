// SPDX-License-Identifier: BSD-2-Clause
//
// Rust with the calls that Rust makes: closures, trait objects, iterators, sorts by a key, formatting, hash maps, panics that
// unwind through many frames, locks; four threads, at random. Prints "ready", runs until it is killed.
use std::collections::HashMap;
use std::panic;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

trait Shape {
    fn visit(&self, f: &mut dyn FnMut(u64) -> u64) -> u64;
}

struct Leaf(u64);

struct Branch(Vec<Box<dyn Shape>>, String);

impl Shape for Leaf {
    fn visit(&self, f: &mut dyn FnMut(u64) -> u64) -> u64 {
        f(self.0)
    }
}

impl Shape for Branch {
    fn visit(&self, f: &mut dyn FnMut(u64) -> u64) -> u64 {
        let sum: u64 = self.0.iter().map(|s| s.visit(f)).fold(0, |a, b| a.wrapping_add(b));
        sum ^ format!("{} {:?}", self.1, sum).len() as u64
    }
}

fn grow(r: &mut Random, depth: u32) -> Box<dyn Shape> {
    if depth == 0 || r.next() % 8 == 0 {
        return Box::new(Leaf(r.next()));
    }
    let n = 1 + r.next() % 3;
    Box::new(Branch((0..n).map(|_| grow(r, depth - 1)).collect(), n.to_string()))
}

#[inline(never)]
fn fall(r: &mut Random, depth: u64) -> usize {
    let guard = vec![0u8; (r.next() % 64) as usize]; // has to be dropped on the way out
    if depth == 0 {
        panic::resume_unwind(Box::new("bottom"));
    }
    fall(r, depth - 1) + guard.len()
}

fn work(seed: u64, lock: Arc<Mutex<u64>>) {
    let mut r = Random(seed);
    loop {
        let tree = grow(&mut r, 7);
        let mut seen: HashMap<u64, String> = HashMap::new();
        let mut n = 0u64;
        let sum = tree.visit(&mut |v| {
            n += 1;
            seen.entry(v % 97).or_insert_with(|| format!("{:x}", v));
            if n % 512 == 0 {
                let mut held = lock.lock().unwrap();
                *held = held.wrapping_add(v);
                thread::sleep(Duration::from_micros(50));
            }
            v % 7
        });
        let mut words: Vec<String> = seen.into_values().collect();
        words.sort_by_key(|w| w.chars().rev().collect::<String>());
        let depth = r.next() % 30;
        let fell = panic::catch_unwind(panic::AssertUnwindSafe(|| fall(&mut r, depth)));
        if sum == 42 && fell.is_ok() {
            println!("{:?}", words);
        }
    }
}

fn main() {
    let lock = Arc::new(Mutex::new(0));
    for i in 0..4 {
        let lock = lock.clone();
        thread::Builder::new().name(format!("worker-{}", i)).spawn(move || work(i * 7 + 3, lock)).unwrap();
    }
    println!("ready {}", std::process::id());
    loop {
        thread::park();
    }
}
