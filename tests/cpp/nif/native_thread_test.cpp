// SPDX-License-Identifier: Apache-2.0
#include "nif/node/native_thread.h"

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>

#include "nif/beam/contain.h"

namespace nif {
namespace {

// What contain() reports of an exception.
template <class Body>
std::string report_of(Body body) {
    ::testing::internal::CaptureStderr();
    EXPECT_FALSE(contain("a place", body));
    return ::testing::internal::GetCapturedStderr();
}

TEST(ContainTest, a_body_that_returns_reports_nothing) {
    ::testing::internal::CaptureStderr();
    EXPECT_TRUE(contain("a place", [] {}));
    EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

TEST(ContainTest, every_exception_is_reported_with_its_place) {
    EXPECT_EQ(report_of([] { throw std::runtime_error{"no way"}; }),
              "erlang_python: a place: no way\n");
    EXPECT_EQ(report_of([] { throw 1; }), "erlang_python: a place: an unknown C++ exception\n");
    EXPECT_NE(report_of([] { throw std::bad_alloc{}; }).find("bad_alloc"), std::string::npos);
}

// Its destructor runs when the exception has left the thread's function.
struct Ended {
    explicit Ended(std::shared_ptr<std::promise<void>> promise) : done(std::move(promise)) {}
    Ended(const Ended&) = delete;
    Ended& operator=(const Ended&) = delete;
    ~Ended() { done->set_value(); }
    std::shared_ptr<std::promise<void>> done;
};

bool comes(std::promise<void>& promise) {
    return promise.get_future().wait_for(std::chrono::seconds{30}) == std::future_status::ready;
}

TEST(NativeThreadTest, an_exception_ends_the_thread_and_not_the_process) {
    const auto done = std::make_shared<std::promise<void>>();
    start_native_thread("thrower", [done] {
        const Ended ended{done};
        throw std::runtime_error{"no way"};
    });
    ASSERT_TRUE(comes(*done));
    // Threads start and run as before.
    const auto later = std::make_shared<std::promise<void>>();
    start_native_thread("later", [later] { later->set_value(); });
    EXPECT_TRUE(comes(*later));
}

}  // namespace
}  // namespace nif
