// SPDX-License-Identifier: Apache-2.0
#include "loop_bridge/python/loop_reader.h"

#include "tests/cpp/python/support/interpreter.h"

namespace loop_bridge {
namespace {

class LoopReaderTest : public PythonTest {
protected:
    void SetUp() override {
        PythonTest::SetUp();
        exec(R"(
loop = asyncio.new_event_loop()
reading, writing = os.pipe()
seen = []

def on_readable():
    seen.append(os.read(reading, 100))
    loop.stop()

def run_until_stopped():
    late = loop.call_later(30, loop.stop)
    loop.run_forever()
    late.cancel()

def run_one_round():
    loop.call_soon(loop.stop)
    loop.run_forever()
)");
        fd_ = static_cast<int>(PyLong_AsLong(eval("reading").get()));
    }
    void TearDown() override {
        exec(
            "loop = globals().get('loop')\nif loop: loop.close()\n"
            "os.close(reading); os.close(writing)");
        PythonTest::TearDown();
    }

    int fd_ = -1;
};

TEST_F(LoopReaderTest, watched_descriptor_calls_back_when_it_is_readable) {
    LoopReader reader{gil_, eval("loop").get()};
    reader.watch(gil_, fd_, eval("on_readable").get());
    exec("run_one_round()");
    EXPECT_TRUE(holds("seen == []"));
    exec("os.write(writing, b'1'); run_until_stopped()");
    exec("os.write(writing, b'2'); run_until_stopped()");
    EXPECT_TRUE(holds("seen == [b'1', b'2']"));
}

TEST_F(LoopReaderTest, unwatched_descriptor_calls_back_no_more) {
    LoopReader reader{gil_, eval("loop").get()};
    reader.watch(gil_, fd_, eval("on_readable").get());
    reader.unwatch(gil_, fd_);
    exec("os.write(writing, b'1'); run_one_round(); run_one_round()");
    EXPECT_TRUE(holds("seen == []"));
    reader.unwatch(gil_, fd_);
    EXPECT_EQ(PyErr_Occurred(), nullptr) << "nothing was watched";
}

TEST_F(LoopReaderTest, call_soon_runs_in_the_next_round) {
    LoopReader reader{gil_, eval("loop").get()};
    reader.call_soon(gil_, eval("lambda: seen.append('soon')").get());
    EXPECT_TRUE(holds("seen == []"));
    exec("run_one_round()");
    EXPECT_TRUE(holds("seen == ['soon']"));
}

TEST_F(LoopReaderTest, closed_loop_has_ended_and_is_unwatched_quietly) {
    LoopReader reader{gil_, eval("loop").get()};
    EXPECT_FALSE(reader.loop_ended(gil_));
    reader.watch(gil_, fd_, eval("on_readable").get());
    exec("loop.close()");
    EXPECT_TRUE(reader.loop_ended(gil_));
    reader.unwatch(gil_, fd_);
    EXPECT_EQ(PyErr_Occurred(), nullptr);
}

TEST_F(LoopReaderTest, closed_loop_refuses_with_its_own_error) {
    LoopReader reader{gil_, eval("loop").get()};
    exec("loop.close()");
    EXPECT_THROW(reader.watch(gil_, fd_, eval("on_readable").get()), PyError);
    EXPECT_EQ(take_error_text(), "RuntimeError: Event loop is closed");
    EXPECT_THROW(reader.call_soon(gil_, eval("on_readable").get()), PyError);
    EXPECT_EQ(take_error_text(), "RuntimeError: Event loop is closed");
}

TEST_F(LoopReaderTest, loop_is_not_kept_alive) {
    LoopReader reader{gil_, eval("loop").get()};
    EXPECT_EQ(reader.loop(gil_).get(), eval("loop").get());
    exec("loop.close(); del loop; gc.collect()");
    EXPECT_FALSE(reader.loop(gil_));
    EXPECT_TRUE(reader.loop_ended(gil_));
    reader.unwatch(gil_, fd_);
    EXPECT_EQ(PyErr_Occurred(), nullptr);
    EXPECT_THROW(reader.watch(gil_, fd_, eval("on_readable").get()), PyError);
    EXPECT_EQ(take_error_text(), "RuntimeError: the event loop is gone");
    EXPECT_THROW(reader.call_soon(gil_, eval("on_readable").get()), PyError);
    EXPECT_EQ(take_error_text(), "RuntimeError: the event loop is gone");
}

TEST_F(LoopReaderTest, loop_without_readers_says_so) {
    exec("class Bare:\n    def is_closed(self): return False\nbare = Bare()");
    LoopReader reader{gil_, eval("bare").get()};
    EXPECT_THROW(reader.watch(gil_, fd_, eval("on_readable").get()), PyError);
    EXPECT_EQ(take_error_text(), "AttributeError: 'Bare' object has no attribute 'add_reader'");
    reader.unwatch(gil_, fd_);
    EXPECT_EQ(PyErr_Occurred(), nullptr);
}

}  // namespace
}  // namespace loop_bridge
