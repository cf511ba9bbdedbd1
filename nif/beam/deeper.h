// SPDX-License-Identifier: Apache-2.0
// deeper.h: one more level of nesting in a scope.
// Threads: those that may change the counter.
#pragma once

namespace nif {

class Deeper {
public:
    explicit Deeper(int& depth) noexcept : depth_(depth) { ++depth_; }
    ~Deeper() { --depth_; }
    Deeper(const Deeper&) = delete;
    Deeper& operator=(const Deeper&) = delete;

private:
    int& depth_;
};

}  // namespace nif
