// SPDX-License-Identifier: Apache-2.0
// replay SEEDS-FOLDER: runs a fuzzer without libFuzzer. First over each seed, then over a fixed set
// of inputs made from the seeds.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Input = std::vector<std::uint8_t>;

constexpr int kMade = 20'000;
constexpr std::size_t kMaxSize = 512;

std::vector<Input> read_seeds(const char* folder) {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    std::vector<Input> seeds;
    for (const auto& file : files) {
        std::ifstream stream(file, std::ios::binary);
        seeds.emplace_back(std::istreambuf_iterator<char>(stream),
                           std::istreambuf_iterator<char>());
    }
    return seeds;
}

class Mutator {
public:
    explicit Mutator(const std::vector<Input>& seeds) : seeds_(seeds) {}

    Input make() {
        Input made = seeds_[below(seeds_.size())];
        for (std::size_t changes = below(8); changes > 0; --changes) change(made);
        made.resize(std::min(made.size(), kMaxSize));
        return made;
    }

private:
    void change(Input& input) {
        const auto place = static_cast<std::ptrdiff_t>(below(input.size() + 1));
        switch (below(3)) {
            case 0:
                input.insert(input.begin() + place, static_cast<std::uint8_t>(below(256)));
                break;
            case 1:
                input.erase(input.begin() + place, input.end());
                break;
            default: {
                const Input& other = seeds_[below(seeds_.size())];
                input.insert(input.begin() + place, other.begin(), other.end());
            }
        }
    }
    // Not with std::uniform_int_distribution: libraries differ in its results.
    std::size_t below(std::size_t bound) { return random_() % bound; }

    const std::vector<Input>& seeds_;
    std::mt19937 random_;
};

void run(const Input& input) { LLVMFuzzerTestOneInput(input.data(), input.size()); }

}  // namespace

int main(int argc, char** argv) {
    const std::vector<Input> seeds = argc == 2 ? read_seeds(argv[1]) : std::vector<Input>{};
    if (seeds.empty()) {
        std::fprintf(stderr, "usage: %s SEEDS-FOLDER, with seeds in it\n", argv[0]);
        return 2;
    }
    for (const Input& seed : seeds) run(seed);
    Mutator mutator(seeds);
    for (int i = 0; i < kMade; ++i) run(mutator.make());
    std::printf("%zu seeds, %d made of them\n", seeds.size(), kMade);
    return 0;
}
