// SPDX-License-Identifier: BSD-2-Clause
//
// C++ with the calls that C++ makes: virtual functions, lambdas in std::function, comparators out of std::sort,
// exceptions through many frames with clean-up on the way, iostreams, regular expressions, coroutine-like
// recursion over trees; four threads, at random. Prints "ready PID", runs until it is killed.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

static std::mutex lock;
static volatile unsigned long sink;

struct Node {
	std::unique_ptr<Node> left, right;
	int value = 0;
	virtual ~Node() = default;
	virtual int visit(const std::function<int(int)> &f)
	{
		int sum = f(value);
		if (left)
			sum += left->visit(f);
		if (right)
			sum += right->visit(f);
		return sum;
	}
};

struct Heavy : Node {
	std::string text;
	int visit(const std::function<int(int)> &f) override
	{
		std::ostringstream out;
		out << text << value << ' ' << 1.5 * value;
		sink = sink + out.str().size();
		return Node::visit(f) + 1;
	}
};

using Random = std::minstd_rand;

static std::unique_ptr<Node> grow(Random &r, int depth)
{
	std::unique_ptr<Node> n = r() % 2 ? std::make_unique<Node>() : std::make_unique<Heavy>();

	n->value = static_cast<int>(r() % 1000);
	if (depth > 0 && r() % 8)
		n->left = grow(r, depth - 1);
	if (depth > 0 && r() % 8)
		n->right = grow(r, depth - 1);
	return n;
}

static int fall(Random &r, int depth)
{
	std::string guard(20 + r() % 40, 'x'); // has to be destroyed on the way out

	if (depth == 0)
		throw std::runtime_error(guard);
	return fall(r, depth - 1) + static_cast<int>(guard.size());
}

static void work(unsigned seed)
{
	Random r(seed);

	for (;;) {
		auto tree = grow(r, 7);
		sink = sink + tree->visit([&](int v) {
			if (r() % 64 == 0) {
				std::lock_guard<std::mutex> held(lock);
				std::this_thread::sleep_for(std::chrono::microseconds(50));
			}
			return v % 7;
		});
		std::vector<std::string> words;
		for (int i = 0; i < 300; i++)
			words.push_back(std::to_string(r()));
		std::sort(words.begin(), words.end(), [](const std::string &a, const std::string &b) { return a.back() < b.back(); });
		std::map<std::string, int> count;
		for (auto &w : words)
			count[w.substr(0, 2)]++;
		try {
			sink = sink + fall(r, static_cast<int>(r() % 30));
		} catch (const std::exception &e) {
			sink = sink + std::string(e.what()).size();
		}
		static const std::regex digits("([0-9]+)5([0-9]*)");
		for (int i = 0; i < 10; i++)
			sink = sink + std::regex_search(words[i], digits);
	}
}

int main()
{
	std::vector<std::thread> all;

	for (unsigned i = 0; i < 4; i++)
		all.emplace_back(work, i + 1);
	printf("ready %d\n", getpid());
	fflush(stdout);
	for (auto &t : all)
		t.join();
}
