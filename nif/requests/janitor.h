// SPDX-License-Identifier: Apache-2.0
// janitor.h: the one thread that does, under the GIL, the work that scheduler threads hand over: it
// drops Python references and interrupts Python code whose request was abandoned.
// Threads: start() once, when Python runs; the others any thread, no GIL, never blocks.
// Work that throws, and work for which there is no memory, is reported on stderr. Then an
// interruption does not take place, and the janitor goes on.
#pragma once

#include <functional>
#include <utility>

#include "loop_bridge/channel.h"
#include "loop_bridge/python/gil.h"
#include "nif/beam/contain.h"

namespace nif {

class Janitor {
public:
    static Janitor& instance();

    void start();
    // `work` is a function of a Gil.
    template <class Work>
    void push(Work&& work) noexcept {
        contain(kThread, [&] { push_job(std::forward<Work>(work), false); });
    }
    // For work that may take long while another thread keeps the GIL. Other work goes first.
    template <class Work>
    void push_slow(Work&& work) noexcept {
        contain(kThread, [&] { push_job(std::forward<Work>(work), true); });
    }
    // Looks at the interruptions soon.
    void wake() noexcept { channel_.wake(); }

private:
    static constexpr const char* kThread = "py-janitor";

    Janitor();
    void run();
    void push_job(std::function<void(loop_bridge::Gil)> work, bool slow);

    loop_bridge::Channel channel_;
};

}  // namespace nif
