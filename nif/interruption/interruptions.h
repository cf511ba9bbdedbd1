// SPDX-License-Identifier: Apache-2.0
// interruptions.h: the one place that decides when erlang.Interrupted is raised in another thread.
// Threads: all with the GIL. want() any thread; settle() and raise_here() the interrupted thread;
//          look() the janitor.
//
// An exception between the taking of a lock and the following `try' would leave the lock held for
// ever. So an interruption is first only wanted. Then the janitor looks at the thread until
// erlang._interruption says that the thread's code can bear an exception:
//
//   (none) -> wanted <-> offered -> raised
//
// Before CPython 3.12 the janitor offers the exception to CPython (PyThreadState_SetAsyncExc). If
// the code can't bear an exception, or the thread may be in C code that later calls Python code,
// nothing is offered. Then the functions of the thread are watched. The exception is raised in the
// first function that returns to code that can bear it. It is also raised where a loop of such code
// begins its next turn.
//
// From CPython 3.12 on nothing is offered. From 3.13 on a thread that waited for the GIL raises an
// offer only at its next check. That may be right after the taking of a lock. Instead, code
// of the thread that can bear an exception is watched. The exception is raised when that code
// begins, jumps back or goes on after a call.
//
// Each look withdraws an offer if CPython has not raised it although the thread has run on. A
// thread that waits in erlang.call needs no offer: a look wakes it, and it raises the exception
// itself. CPython's flag for such exceptions is never left set without an offer. Before 3.13 only a
// raised exception clears the flag, and until then a traced function would start over for ever.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

#include "loop_bridge/python/py_ref.h"
#include "nif/interruption/python_thread.h"
#include "nif/interruption/return_hook.h"
#include "nif/interruption/thread_place.h"
#include "nif/interruption/watched_code.h"

namespace nif {

class Interruptions {
public:
    static Interruptions& instance() noexcept;

    // Objects of erlang._interruption, which live as long as the process.
    //   make_attempt(ident, number of the thread's clock or None) -> object with the methods
    //     look(frames, insisting, watchable) -> (whether to raise here and now,
    //         seconds until the next look,
    //         the code to watch until then, with the returns of its functions, or None,
    //         whether that code is running)
    //     look_at_return(frame), look_after_call(frame), look_at_jump(frame),
    //     look_at_begin(frame), look_at_instruction(frame), look_at_line(frame)
    //         -> bool
    //   do_nothing()
    void start(loop_bridge::Gil gil, PyObject* interrupted, PyObject* make_attempt,
               PyObject* do_nothing);

    // The code that an exception is wanted for. With greenlets the thread may run other code, which
    // the exception must not hit. The code in question runs above the frame `base'; a null `base'
    // means any code of the thread.
    struct For {
        PythonThread thread{};
        const void* owner = nullptr;  // compared, not used
        PyObject* base = nullptr;
    };

    // Wants one more exception, as soon as the code can bear it. `insisting': an earlier exception
    // had no effect, so this one is raised soon wherever the code is. Runs no Python code.
    void want(loop_bridge::Gil gil, const For& whom, bool insisting);
    // Whether raise_here() would raise.
    bool pending_here(loop_bridge::Gil gil) noexcept;
    // Raises the exception that is wanted here, or that another party has offered to this thread.
    void raise_here(loop_bridge::Gil gil);
    // The code that runs here has learned of its interruption in another way: counts as raised.
    // True if raise_here() would have raised. Throws PyError, also for another party's exception.
    bool take_here(loop_bridge::Gil gil);
    // Drops everything wanted for this thread, so that later code is not hit. Afterwards a Python
    // error may be pending, raised by a signal handler.
    void settle(loop_bridge::Gil gil) noexcept;
    // The same for the exceptions of one owner.
    void settle(loop_bridge::Gil gil, const void* owner) noexcept;
    // The janitor's look at all threads. Returns the time until the next look, if one is needed.
    std::optional<std::chrono::microseconds> look(loop_bridge::Gil gil);

private:
    using Clock = std::chrono::steady_clock;
    using Delay = std::chrono::microseconds;
    // The methods of an attempt that the interrupted thread calls.
    enum class Look : std::size_t { kReturn, kAfterCall, kBegin, kInstruction, kJump, kLine };
    static constexpr std::size_t kLooks = 6;
    struct Wanted {
        ThreadNumber thread;
        std::optional<long> clock;
        const void* owner;
        loop_bridge::PyRef base;
        loop_bridge::PyRef attempt{};  // made at the first look
        bool insisting = false;
        int exceptions = 1;            // still to raise; one that has none left is kept until its
                                       // code ends, for the time of a later one
        Clock::time_point earliest{};  // of the next exception
        Clock::time_point due{};       // the time of the next look
        bool offered = false;
        int offers = 0;  // in a row
        // The place and time of the last offer. The frame is only compared, never used.
        const PyObject* frame = nullptr;
        int instruction = -1;
        Clock::time_point offered_at{};
        int fruitless = 0;  // offers in a row after which the thread had not run on
        std::vector<WatchedCode> codes{};
        // When the next event of watched code is looked at: of each kind, so that no kind of event
        // takes the place of another one that always comes right after it.
        std::array<Clock::time_point, kLooks> next_event{};
    };

    using Found = std::vector<Wanted>::iterator;

    Interruptions() = default;
    Found find(ThreadNumber thread, const void* owner) noexcept;
    loop_bridge::PyRef attempt_of(loop_bridge::Gil gil, const Wanted& wanted,
                                  const PyThreadState* state);
    Found find_any(ThreadNumber thread) noexcept;
    Found find_meant(loop_bridge::Gil gil) noexcept;
    Found find_offered(loop_bridge::Gil gil) noexcept;
    void clean_up(loop_bridge::Gil gil) noexcept;
    void forget(loop_bridge::Gil gil, Found wanted) noexcept;
    template <class Meant>
    void forget_if(loop_bridge::Gil gil, const Meant& meant) noexcept;
    static bool on_return(loop_bridge::Gil gil, PyFrameObject* frame,
                          ReturnHook::Event event) noexcept;
    static bool on_event(loop_bridge::Gil gil, WatchedCode::Event event) noexcept;
    bool at_watched(loop_bridge::Gil gil, PyFrameObject* frame, Look look) noexcept;
    bool at_event(loop_bridge::Gil gil, PyFrameObject* frame, Look look, Found own) noexcept;
    bool passing(loop_bridge::Gil gil, PyFrameObject* frame, Look look, Found own) noexcept;
    void raised(loop_bridge::Gil gil, Found wanted) noexcept;
    void absorb(loop_bridge::Gil gil);
    bool withdraw(loop_bridge::Gil gil, Wanted& wanted) noexcept;
    void withdraw_all(loop_bridge::Gil gil);
    bool stands(loop_bridge::Gil gil, const Wanted& wanted) noexcept;
    void clear_flag(loop_bridge::Gil gil) noexcept;
    Delay offer(loop_bridge::Gil gil, Wanted& wanted, PyThreadState* state,
                const ThreadPlace& place) noexcept;
    void watch(loop_bridge::Gil gil, Wanted& wanted, PyThreadState* state, PyObject* code,
               bool runs, bool rests) noexcept;
    std::optional<Delay> look_at(loop_bridge::Gil gil, Wanted& wanted);

    std::vector<Wanted> wanted_;
    PyObject* interrupted_ = nullptr;
    PyObject* make_attempt_ = nullptr;
    PyObject* do_nothing_ = nullptr;
    bool watches_code_ = false;  // watches code instead of offering
};

}  // namespace nif
