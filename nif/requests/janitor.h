// SPDX-License-Identifier: Apache-2.0
// janitor.h: the one thread that does, under the GIL, the work that scheduler threads hand over: it
// drops Python references and interrupts Python code whose request was abandoned.
// Threads: start() once, when Python runs; the others any thread, no GIL, never blocks.
#pragma once

#include <functional>
#include <utility>

#include "loop_bridge/channel.h"
#include "loop_bridge/python/gil.h"

namespace nif {

class Janitor {
public:
    using Work = std::function<void(loop_bridge::Gil)>;

    static Janitor& instance();

    void start();
    void push(Work work) noexcept { push(std::move(work), false); }
    // For work that may take long while another thread keeps the GIL. Other work goes first.
    void push_slow(Work work) noexcept { push(std::move(work), true); }
    // Looks at the interruptions soon.
    void wake() noexcept { channel_.wake(); }

private:
    Janitor();
    void run();
    void push(Work work, bool slow) noexcept;

    loop_bridge::Channel channel_;
};

}  // namespace nif
