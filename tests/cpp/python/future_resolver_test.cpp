// SPDX-License-Identifier: Apache-2.0
#include "loop_bridge/python/future_resolver.h"

#include <functional>
#include <new>
#include <vector>

#include "tests/cpp/python/support/interpreter.h"

namespace loop_bridge {
namespace {

constexpr FutureResolver::Reason kLost{0.25};

class FakeCompletion : public Completion {
public:
    using MakeValue = std::function<PyRef(PyObject* name)>;
    FakeCompletion(CallId id, bool succeeded, MakeValue make)
        : Completion(id, succeeded), make_(std::move(make)) {}
    PyRef value(Gil, PyObject*, PyObject* name) const override { return make_(name); }

private:
    MakeValue make_;
};

class FutureResolverTest : public PythonTest {
protected:
    void SetUp() override {
        PythonTest::SetUp();
        exec("loop = asyncio.new_event_loop()");
    }
    void TearDown() override {
        exec("loop.close()");
        PythonTest::TearDown();
    }

    // Makes a call whose future becomes the variable `name`.
    CallId open(FutureResolver& resolver, const char* name) {
        const PyRef future = eval("loop.create_future()");
        set(name, future);
        return resolver.open(gil_, future, PyRef::steal(PyUnicode_FromString(name)),
                             std::move(*meter_.admit(false)));
    }
    void succeed(FutureResolver& resolver, CallId id, const char* expression) {
        resolver.resolve(gil_, nullptr,
                         FakeCompletion{id, true, [&](PyObject*) { return eval(expression); }});
        EXPECT_EQ(PyErr_Occurred(), nullptr);
    }
    void fail(FutureResolver& resolver, CallId id, const char* expression) {
        resolver.resolve(gil_, nullptr,
                         FakeCompletion{id, false, [&](PyObject*) { return eval(expression); }});
        EXPECT_EQ(PyErr_Occurred(), nullptr);
    }

    CallMeter meter_;
};

TEST_F(FutureResolverTest, completion_sets_the_result_and_ends_the_call) {
    FutureResolver resolver{gil_, meter_};
    const CallId id = open(resolver, "future");
    EXPECT_EQ(resolver.size(), 1U);
    EXPECT_EQ(meter_.snapshot().in_flight, 1U);
    succeed(resolver, id, "[42]");
    EXPECT_TRUE(holds("future.result() == [42]"));
    EXPECT_EQ(resolver.size(), 0U);
    EXPECT_EQ(meter_.snapshot().in_flight, 0U);
}

TEST_F(FutureResolverTest, completions_in_another_order_find_their_futures) {
    FutureResolver resolver{gil_, meter_};
    const CallId first = open(resolver, "first");
    const CallId second = open(resolver, "second");
    succeed(resolver, second, "2");
    EXPECT_TRUE(holds("second.result() == 2 and not first.done()"));
    succeed(resolver, first, "1");
    EXPECT_TRUE(holds("first.result() == 1"));
}

TEST_F(FutureResolverTest, failed_completion_sets_the_exception) {
    FutureResolver resolver{gil_, meter_};
    fail(resolver, open(resolver, "future"), "KeyError('k')");
    EXPECT_TRUE(holds("repr(future.exception()) == \"KeyError('k')\""));
}

TEST_F(FutureResolverTest, value_that_cannot_be_made_becomes_the_exception) {
    FutureResolver resolver{gil_, meter_};
    succeed(resolver, open(resolver, "future"), "1 / 0");
    EXPECT_TRUE(holds("type(future.exception()) is ZeroDivisionError"));
}

TEST_F(FutureResolverTest, cpp_exception_instead_of_a_value_becomes_the_exception) {
    FutureResolver resolver{gil_, meter_};
    const auto fail = [](PyObject*) -> PyRef { throw std::bad_alloc{}; };
    resolver.resolve(gil_, nullptr, FakeCompletion{open(resolver, "future"), true, fail});
    EXPECT_TRUE(holds("type(future.exception()) is MemoryError"));
    EXPECT_TRUE(resolver.abandon(gil_, open(resolver, "late"), kLost));
    EXPECT_TRUE(resolver.fail_one_abandoned(
        gil_, [&](PyObject* name, const FutureResolver::Reason&) { return fail(name); }));
    EXPECT_TRUE(holds("type(late.exception()) is MemoryError"));
}

TEST_F(FutureResolverTest, value_is_made_with_the_name_of_the_called_function) {
    FutureResolver resolver{gil_, meter_};
    const CallId id = open(resolver, "future");
    resolver.resolve(gil_, nullptr,
                     FakeCompletion{id, true, [](PyObject* name) { return PyRef::borrow(name); }});
    EXPECT_TRUE(holds("future.result() == 'future'"));
}

TEST_F(FutureResolverTest, unknown_id_is_stale_and_makes_no_value) {
    FutureResolver resolver{gil_, meter_};
    const CallId id = open(resolver, "future");
    fail(resolver, id + 1, "1 / 0");
    EXPECT_EQ(meter_.snapshot().stale, 1U);
    EXPECT_TRUE(holds("not future.done()"));
    succeed(resolver, id, "1");
    succeed(resolver, id, "2");
    EXPECT_EQ(meter_.snapshot().stale, 2U);
    EXPECT_TRUE(holds("future.result() == 1"));
}

TEST_F(FutureResolverTest, forgotten_call_lets_go_of_its_future) {
    FutureResolver resolver{gil_, meter_};
    const CallId id = open(resolver, "future");
    EXPECT_TRUE(resolver.forget(gil_, id));
    EXPECT_FALSE(resolver.forget(gil_, id));
    EXPECT_EQ(meter_.snapshot().in_flight, 0U);
    exec("known = weakref.ref(future); del future");
    EXPECT_TRUE(holds("known() is None"));
    succeed(resolver, id, "1");
    EXPECT_EQ(meter_.snapshot().stale, 1U);
}

TEST_F(FutureResolverTest, settled_future_is_left_alone) {
    FutureResolver resolver{gil_, meter_};
    const CallId cancelled = open(resolver, "cancelled");
    const CallId settled = open(resolver, "settled");
    exec("cancelled.cancel(); settled.set_result('first')");
    succeed(resolver, cancelled, "1");
    fail(resolver, settled, "KeyError()");
    EXPECT_TRUE(holds("cancelled.cancelled() and settled.result() == 'first'"));
    EXPECT_EQ(resolver.size(), 0U);
    EXPECT_EQ(meter_.snapshot().stale, 0U);
}

TEST_F(FutureResolverTest, closed_loop_that_cannot_call_back_is_no_error) {
    FutureResolver resolver{gil_, meter_};
    const CallId id = open(resolver, "future");
    exec("future.add_done_callback(print); loop.close()");
    succeed(resolver, id, "1");
    EXPECT_EQ(resolver.size(), 0U);
}

TEST_F(FutureResolverTest, abandoned_calls_end_one_by_one_with_an_error_of_their_own) {
    FutureResolver resolver{gil_, meter_};
    open(resolver, "one");
    open(resolver, "two");
    open(resolver, "settled");
    exec("settled.cancel()");
    resolver.abandon_all(gil_, kLost);
    EXPECT_EQ(resolver.size(), 0U);
    EXPECT_EQ(meter_.snapshot().in_flight, 3U);
    const CallId later = open(resolver, "later");
    const auto fail_one = [&] {
        return resolver.fail_one_abandoned(
            gil_, [&](PyObject* name, const FutureResolver::Reason& reason) {
                EXPECT_EQ(reason.timeout, kLost.timeout);
                set("name", PyRef::borrow(name));
                return eval("ConnectionError(name) if name != 'two' else 1 / 0");
            });
    };
    EXPECT_TRUE(fail_one());
    EXPECT_TRUE(holds("one.done() and not two.done()"));
    EXPECT_TRUE(fail_one());
    EXPECT_TRUE(fail_one());
    EXPECT_FALSE(fail_one());
    EXPECT_EQ(PyErr_Occurred(), nullptr);
    EXPECT_TRUE(holds("repr(one.exception()) == \"ConnectionError('one')\""));
    EXPECT_TRUE(holds("type(two.exception()) is ZeroDivisionError"));
    EXPECT_TRUE(holds("settled.cancelled() and not later.done()"));
    EXPECT_EQ(meter_.snapshot().in_flight, 1U);
    succeed(resolver, later, "1");
    EXPECT_TRUE(holds("later.result() == 1"));
}

TEST_F(FutureResolverTest, an_abandoned_calls_completion_is_stale) {
    FutureResolver resolver{gil_, meter_};
    const CallId id = open(resolver, "one");
    EXPECT_TRUE(resolver.is_open(id));
    EXPECT_TRUE(resolver.abandon(gil_, id, kLost));
    EXPECT_FALSE(resolver.is_open(id));
    EXPECT_FALSE(resolver.abandon(gil_, id, kLost));
    EXPECT_FALSE(resolver.forget(gil_, id));
    succeed(resolver, id, "1");
    EXPECT_TRUE(holds("not one.done()"));
    EXPECT_EQ(meter_.snapshot().stale, 1U);
    EXPECT_TRUE(resolver.fail_one_abandoned(
        gil_, [&](PyObject*, const FutureResolver::Reason&) { return eval("OSError()"); }));
    EXPECT_TRUE(holds("type(one.exception()) is OSError"));
}

TEST_F(FutureResolverTest, drop_all_lets_go_of_abandoned_calls_too) {
    FutureResolver resolver{gil_, meter_};
    open(resolver, "one");
    resolver.abandon_all(gil_, kLost);
    resolver.drop_all(gil_);
    EXPECT_TRUE(holds("not one.done()"));
    EXPECT_EQ(meter_.snapshot().in_flight, 0U);
    exec("known = weakref.ref(one); del one");
    EXPECT_TRUE(holds("known() is None"));
}

TEST_F(FutureResolverTest, drop_all_lets_go_of_all_futures_and_ends_none) {
    FutureResolver resolver{gil_, meter_};
    open(resolver, "one");
    open(resolver, "two");
    resolver.drop_all(gil_);
    EXPECT_TRUE(holds("not one.done() and not two.done()"));
    EXPECT_EQ(resolver.size(), 0U);
    EXPECT_EQ(meter_.snapshot().in_flight, 0U);
    exec("known = weakref.ref(one); del one");
    EXPECT_TRUE(holds("known() is None"));
}

TEST_F(FutureResolverTest, traverse_visits_each_future_until_told_to_stop) {
    FutureResolver resolver{gil_, meter_};
    open(resolver, "one");
    resolver.abandon_all(gil_, kLost);
    open(resolver, "two");
    std::vector<PyObject*> seen;
    const auto visit = [](PyObject* object, void* arg) {
        static_cast<std::vector<PyObject*>*>(arg)->push_back(object);
        return 0;
    };
    EXPECT_EQ(resolver.traverse(visit, &seen), 0);
    EXPECT_EQ(seen, (std::vector<PyObject*>{eval("two").get(), eval("one").get()}));

    seen.clear();
    const auto stop = [](PyObject* object, void* arg) {
        static_cast<std::vector<PyObject*>*>(arg)->push_back(object);
        return 7;
    };
    EXPECT_EQ(resolver.traverse(stop, &seen), 7);
    EXPECT_EQ(seen.size(), 1U);
}

}  // namespace
}  // namespace loop_bridge
