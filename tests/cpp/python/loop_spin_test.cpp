// SPDX-License-Identifier: Apache-2.0
#include "loop_bridge/python/loop_spin.h"

#include <thread>

#include "tests/cpp/python/support/interpreter.h"

namespace loop_bridge {
namespace {

// A look that took this long would be noticed.
constexpr std::chrono::hours kLong{1};

class LoopSpinTest : public PythonTest {
protected:
    void SetUp() override {
        PythonTest::SetUp();
        exec("loop = asyncio.new_event_loop()");
        exec("class Silent: pass\nsilent = Silent()");  // as uvloop: without `_ready`
    }
    void TearDown() override {
        exec("loop.close()");
        PythonTest::TearDown();
    }
    void look(LoopSpin& spin, const char* loop) {
        const LoopReader reader{gil_, eval(loop).get()};
        spin.look(gil_, reader, channel_);
    }
    // Another thread takes the GIL, then pushes.
    std::thread push_with_gil() {
        return std::thread([this] {
            const PyGILState_STATE state = PyGILState_Ensure();
            EntryPtr entry = std::make_unique<Entry>();
            static_cast<void>(channel_.push(entry));
            PyGILState_Release(state);
        });
    }

    Channel channel_{WakeKind::kPipe};
};

TEST_F(LoopSpinTest, an_idle_loop_looks_without_the_gil_until_a_reply_comes) {
    for (const char* loop : {"loop", "silent"}) {
        LoopSpin spin{kLong};
        ASSERT_TRUE(spin.begin());
        std::thread pushing = push_with_gil();
        look(spin, loop);
        EXPECT_TRUE(channel_.has_entries());
        {
            const GilRelease released{gil_};
            pushing.join();
        }
        channel_.take_all();
    }
}

TEST_F(LoopSpinTest, a_loop_with_a_ready_callback_does_not_look) {
    exec("loop.call_soon(print)");
    LoopSpin spin{kLong};
    ASSERT_TRUE(spin.begin());
    look(spin, "loop");
    EXPECT_FALSE(channel_.has_entries());
}

TEST_F(LoopSpinTest, a_silent_loop_whose_turn_took_long_does_not_look) {
    constexpr std::chrono::milliseconds kShort{1};
    LoopSpin spin{kShort};
    for (int turn = 0; turn < 2; ++turn) {
        ASSERT_TRUE(spin.begin());
        std::this_thread::sleep_for(2 * kShort);
        look(spin, "silent");
    }
    // Busy turns count as looks in vain.
    EXPECT_FALSE(spin.begin());
}

TEST_F(LoopSpinTest, without_time_there_is_no_look) {
    LoopSpin spin{std::chrono::nanoseconds{0}};
    EXPECT_FALSE(spin.begin());
}

}  // namespace
}  // namespace loop_bridge
