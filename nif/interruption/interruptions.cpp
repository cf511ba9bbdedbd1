// SPDX-License-Identifier: Apache-2.0
#include "nif/interruption/interruptions.h"

#include <algorithm>
#include <utility>

#include "nif/interruption/waiting_thread.h"

namespace nif {

using loop_bridge::Gil;
using loop_bridge::PyError;
using loop_bridge::PyRef;

namespace {

// From this version on CPython has a flag for pending exceptions in each thread. Before, all
// threads share one flag, which the first raised exception clears. Another thread would then raise
// its exception later, wherever it is when the flag is set again. So at most one thread has an
// offer.
constexpr unsigned long kFlagOfEachThread = 0x030d0000;
bool share_flag() noexcept { return Py_Version < kFlagOfEachThread; }
constexpr std::chrono::microseconds kSoon{1000};
constexpr std::chrono::microseconds kPause{10000};
// A thread that is looked at so rarely rests, e.g. waits in C code.
constexpr std::chrono::microseconds kRest{250000};
// Until the next look at a thread that may not have run since its offer. Each look takes the GIL,
// and that thread needs the GIL too.
constexpr std::chrono::microseconds kStanding{2000};
constexpr int kMostDoublings = 8;  // of kStanding: to a quarter of a second in all
// How long a thread may keep its offer while other threads wait for theirs. A thread that did not
// run on in its last turn, e.g. in long C code, gets the short turn.
constexpr std::chrono::milliseconds kTurn{100};
constexpr std::chrono::milliseconds kShortTurn{10};
// Between two exceptions in one thread.
constexpr std::chrono::seconds kToCleanUp{1};
constexpr int kMostExceptions = 2;

}  // namespace

Interruptions& Interruptions::instance() noexcept {
    static Interruptions& interruptions = *new Interruptions;
    return interruptions;
}

void Interruptions::start(Gil gil, PyObject* interrupted, PyObject* make_attempt,
                          PyObject* do_nothing) {
    interrupted_ = interrupted;
    make_attempt_ = make_attempt;
    do_nothing_ = do_nothing;
    watches_code_ = WatchedCode::start(gil, on_event);
}

Interruptions::Found Interruptions::find(ThreadNumber thread, const void* owner) noexcept {
    return std::find_if(wanted_.begin(), wanted_.end(), [=](const Wanted& wanted) {
        return wanted.thread == thread && wanted.owner == owner;
    });
}

// An exception that is still to be raised.
Interruptions::Found Interruptions::find_any(ThreadNumber thread) noexcept {
    return std::find_if(wanted_.begin(), wanted_.end(), [=](const Wanted& wanted) {
        return wanted.thread == thread && wanted.exceptions > 0;
    });
}

// An exception that is due for the code that the calling thread runs.
Interruptions::Found Interruptions::find_meant(Gil gil) noexcept {
    if (wanted_.empty()) return wanted_.end();
    const ThreadNumber here = this_thread(gil);
    return std::find_if(wanted_.begin(), wanted_.end(), [=](const Wanted& wanted) {
        return wanted.thread == here && wanted.exceptions > 0 && wanted.earliest <= Clock::now() &&
               runs_above(gil, PyThreadState_Get(), wanted.base.get());
    });
}

Interruptions::Found Interruptions::find_offered(Gil gil) noexcept {
    const ThreadNumber here = this_thread(gil);
    return std::find_if(wanted_.begin(), wanted_.end(), [=](const Wanted& wanted) {
        return wanted.thread == here && wanted.offered;
    });
}

// Throws PyError. Null: nothing is wanted any more.
PyRef Interruptions::attempt_of(Gil, const Wanted& wanted, const PyThreadState* state) {
    if (wanted.attempt) return wanted.attempt;
    const ThreadNumber thread = wanted.thread;
    const void* owner = wanted.owner;
    const PyRef clock =
        wanted.clock ? PyRef::steal(PyLong_FromLong(*wanted.clock)) : PyRef::borrow(Py_None);
    const PyRef made =
        PyRef::steal(PyObject_CallFunction(make_attempt_, "kO", state->thread_id, clock.get()));
    // Python code has run and may have changed the list.
    const auto known = find(thread, owner);
    if (known == wanted_.end()) return PyRef{};
    if (!known->attempt) known->attempt = made;
    return known->attempt;
}

void Interruptions::want(Gil gil, const For& whom, bool insisting) {
    if (const auto known = find(whom.thread.number, whom.owner); known != wanted_.end()) {
        // The code that is meant now may have called the code that was meant before.
        if (known->exceptions == 0 || runs_above(gil, known->base.get(), whom.base)) {
            const PyRef before = std::exchange(known->base, PyRef::borrow(whom.base));
        }
        known->insisting |= insisting;
        known->due = {};
        known->exceptions = std::min(known->exceptions + 1, kMostExceptions);
        return;
    }
    wanted_.push_back({whom.thread.number, whom.thread.clock, whom.owner, PyRef::borrow(whom.base),
                       PyRef{}, insisting});
}

// The attempt's destructor may run Python code. First take the attempt out of the list.
void Interruptions::forget(Gil, Found wanted) noexcept {
    const PyRef attempt = std::move(wanted->attempt);
    const PyRef base = std::move(wanted->base);
    const std::vector<WatchedCode> codes = std::move(wanted->codes);
    wanted_.erase(wanted);
}

template <class Meant>
void Interruptions::forget_if(Gil gil, const Meant& meant) noexcept {
    for (;;) {
        const auto found = std::find_if(wanted_.begin(), wanted_.end(), meant);
        if (found == wanted_.end()) return;
        forget(gil, found);
    }
}

bool Interruptions::pending_here(Gil gil) noexcept {
    return PyThreadState_Get()->async_exc != nullptr || find_meant(gil) != wanted_.end();
}

void Interruptions::raise_here(Gil gil) {
    if (!take_here(gil)) return;
    PyErr_SetNone(interrupted_);
    throw PyError{};
}

bool Interruptions::take_here(Gil gil) {
    const bool pending = PyThreadState_Get()->async_exc != nullptr;
    const auto offered = find_offered(gil);
    auto meant = find_meant(gil);
    const bool is_known = meant != wanted_.end();
    const void* owner = is_known ? meant->owner : nullptr;
    // CPython may have raised the offer already.
    const bool raised_before = is_known && meant->offered && !pending;
    if (pending && offered == wanted_.end() && !is_known) {
        PyRef::steal(PyObject_CallNoArgs(do_nothing_));
    } else if (pending && offered != wanted_.end()) {
        // The offer may have been for another greenlet, which has given the thread away since.
        offered->offered = false;
        absorb(gil);
    }
    meant = is_known ? find(this_thread(gil), owner) : wanted_.end();
    if (meant != wanted_.end()) raised(gil, meant);
    return is_known && !raised_before;
}

void Interruptions::settle(Gil gil) noexcept {
    const ThreadNumber here = this_thread(gil);
    forget_if(gil, [=](const Wanted& wanted) { return wanted.thread == here; });
    clean_up(gil);
}

void Interruptions::settle(Gil gil, const void* owner) noexcept {
    const ThreadNumber here = this_thread(gil);
    if (const auto own = find(here, owner); own != wanted_.end()) forget(gil, own);
    if (find_any(here) == wanted_.end()) clean_up(gil);
}

// For a thread in which no exception is wanted.
void Interruptions::clean_up(Gil gil) noexcept {
    ReturnHook::clear(gil, PyThreadState_Get());
    // The pending exception may be ours, or another party's, e.g. of a library that limits the run
    // time of functions.
    if (PyThreadState_Get()->async_exc == nullptr) return;
    try {
        absorb(gil);
    } catch (const PyError&) {
        // The caller checks PyErr_Occurred().
    }
}

// The next exception insists, since the code went on after this one.
void Interruptions::raised(Gil, Found wanted) noexcept {
    --wanted->exceptions;
    wanted->insisting = true;
    wanted->earliest = Clock::now() + kToCleanUp;
    wanted->offered = false;
    wanted->fruitless = 0;
    // The next attempt is a new one. Destructors may run Python code, so they run last.
    const PyRef attempt = std::exchange(wanted->attempt, PyRef{});
    const std::vector<WatchedCode> codes = std::exchange(wanted->codes, {});
}

// Makes CPython raise the offered exception in a function that does nothing. This is the only way
// to clear CPython's flag. Throws PyError if a signal handler raises instead.
void Interruptions::absorb(Gil gil) {
    const PyRef type = PyRef::borrow(PyThreadState_Get()->async_exc);
    if (share_flag()) {
        for (Wanted& other : wanted_) {
            if (other.thread == this_thread(gil) || !other.offered) continue;
            if (withdraw(gil, other)) continue;
            other.offered = true;  // CPython has raised it: the next look sees that
        }
    }
    PyObject* done = PyObject_CallNoArgs(do_nothing_);
    if (done == nullptr && PyErr_ExceptionMatches(type.get()) == 0) {
        PyThreadState_SetAsyncExc(PyThreadState_Get()->thread_id, nullptr);
        throw PyError{};
    }
    Py_XDECREF(done);
    PyErr_Clear();
}

// False if CPython has raised the exception.
bool Interruptions::withdraw(Gil gil, Wanted& wanted) noexcept {
    if (!wanted.offered) return true;
    wanted.offered = false;
    const PyThreadState* state = state_of_thread(gil, wanted.thread);
    if (state == nullptr) return true;  // the thread has ended before CPython raised it
    if (state->async_exc == nullptr) return false;
    PyThreadState_SetAsyncExc(state->thread_id, nullptr);
    return true;
}

// Whether the thread has not run since its offer. Then it keeps the offer until its turn is over.
bool Interruptions::stands(Gil gil, const Wanted& wanted) noexcept {
    PyThreadState* state = state_of_thread(gil, wanted.thread);
    if (!wanted.offered || state == nullptr || state->async_exc == nullptr) return false;
    const auto turn = wanted.fruitless == 0 ? kTurn : kShortTurn;
    return ThreadPlace{gil, state}.is(wanted.frame, wanted.instruction) &&
           Clock::now() - wanted.offered_at < turn;
}

// Runs before each look: the code where a thread is now may not bear an exception.
void Interruptions::withdraw_all(Gil gil) {
    bool withdrawn = false;
    std::vector<std::pair<ThreadNumber, const void*>> raising;
    for (Wanted& wanted : wanted_) {
        if (!wanted.offered || stands(gil, wanted)) continue;  // raised as soon as the thread runs
        if (withdraw(gil, wanted)) {
            withdrawn = true;
        } else {
            raising.emplace_back(wanted.thread, wanted.owner);
        }
    }
    for (const auto& [thread, owner] : raising) {
        if (const auto known = find(thread, owner); known != wanted_.end()) raised(gil, known);
    }
    if (withdrawn && share_flag()) clear_flag(gil);
}

void Interruptions::clear_flag(Gil gil) noexcept {
    PyThreadState_SetAsyncExc(PyThreadState_Get()->thread_id, interrupted_);
    try {
        absorb(gil);
    } catch (const PyError&) {
        PyErr_Clear();
    }
}

std::optional<std::chrono::microseconds> Interruptions::look(Gil gil) {
    if (wanted_.empty()) return std::nullopt;
    withdraw_all(gil);
    forget_if(gil, [=](const Wanted& one) { return state_of_thread(gil, one.thread) == nullptr; });
    // Rotates the list, so that each look begins with another thread, among those that run.
    if (!wanted_.empty()) std::rotate(wanted_.begin(), wanted_.begin() + 1, wanted_.end());
    std::stable_sort(wanted_.begin(), wanted_.end(), [](const Wanted& one, const Wanted& other) {
        return one.fruitless < other.fruitless;
    });
    std::optional<Delay> next;
    for (std::size_t index = 0; index < wanted_.size();) {
        if (wanted_[index].exceptions == 0) {
            ++index;
            continue;
        }
        const ThreadNumber thread = wanted_[index].thread;
        const void* owner = wanted_[index].owner;
        const auto now = Clock::now();
        if (wanted_[index].offered || wanted_[index].due > now) {
            const auto rest = std::chrono::ceil<Delay>(wanted_[index].due - now);
            const Delay standing = wanted_[index].fruitless == 0 ? kStanding : kPause;
            const Delay delay = wanted_[index].offered ? standing : rest;
            next = std::min(next.value_or(delay), delay);
            ++index;
            continue;
        }
        const auto delay = look_at(gil, wanted_[index]);
        // Python code has run and may have changed the list.
        const auto known = find(thread, owner);
        if (known == wanted_.end()) continue;
        if (!delay) {
            forget(gil, known);
            continue;
        }
        known->due = now + *delay;
        next = std::min(next.value_or(*delay), *delay);
        index = static_cast<std::size_t>(known - wanted_.begin()) + 1;
    }
    return next;
}

// Nothing if the thread has ended.
std::optional<Interruptions::Delay> Interruptions::look_at(Gil gil, Wanted& wanted) {
    const ThreadNumber thread = wanted.thread;
    const void* owner = wanted.owner;
    if (const auto left = wanted.earliest - Clock::now(); left > Clock::duration::zero()) {
        return std::chrono::duration_cast<Delay>(left) + kSoon;
    }
    const bool insisting = wanted.insisting;
    const PyRef base = wanted.base;
    PyThreadState* state = state_of_thread(gil, thread);
    if (state == nullptr) return std::nullopt;
    if (runs_above(gil, state, base.get()) && WaitingThread::wake(gil, thread)) return kPause;
    // From here on Python code runs and may change the list.
    try {
        const PyRef attempt = attempt_of(gil, wanted, state);
        state = state_of_thread(gil, thread);
        if (!attempt || state == nullptr) return std::nullopt;
        if (!runs_above(gil, state, base.get())) {
            // Other code runs in the thread. Look again when the function that switched away
            // returns, where CPython shows that.
            ReturnHook::set(gil, state, on_return, false);
            return kPause;
        }
        const ThreadPlace before{gil, state};
        const PyRef frames = frames_of(gil, state);
        const PyRef answer = PyRef::steal(PyObject_CallMethod(
            attempt.get(), "look", "OOO", frames.get(), insisting ? Py_True : Py_False,
            ReturnHook::sees_all(gil, state) ? Py_True : Py_False));
        int bears = 0;
        double seconds = 0;
        PyObject* code = nullptr;
        int runs = 0;
        if (PyArg_ParseTuple(answer.get(), "pdOp", &bears, &seconds, &code, &runs) == 0) {
            throw PyError{};
        }
        const auto known = find(thread, owner);
        state = state_of_thread(gil, thread);
        if (state == nullptr || known == wanted_.end()) return std::nullopt;
        const bool watched =
            code != Py_None && (bears == 0 || watches_code_ || known->fruitless > 0);
        const Delay delay{static_cast<Delay::rep>(seconds * 1e6)};
        if (watched) watch(gil, *known, state, code, runs != 0, delay >= kRest);
        if (bears == 0 || watches_code_) {
            known->offers = 0;
            return delay;
        }
        // Python code gives up the GIL at times: the thread may be elsewhere now.
        const ThreadPlace now{gil, state};
        return now == before ? offer(gil, *known, state, now) : kSoon;
    } catch (const PyError&) {
        // The look fails if the thread ends meanwhile: its clock has ended, too.
        if (state_of_thread(gil, thread) == nullptr) {
            PyErr_Clear();
            return std::nullopt;
        }
        PyErr_WriteUnraisable(make_attempt_);
        return kRest;
    }
}

Interruptions::Delay Interruptions::offer(Gil gil, Wanted& wanted, PyThreadState* state,
                                          const ThreadPlace& place) noexcept {
    const int before = wanted.offers++;
    if (state->async_exc != nullptr) return kSoon;  // another party's exception comes first
    if (share_flag() && std::any_of(wanted_.begin(), wanted_.end(),
                                    [](const Wanted& other) { return other.offered; })) {
        return kSoon;
    }
    // Traced code stands still while an offer waits for C code to return. Let the code run on
    // between two offers.
    if (before % 2 == 1 && stalls_traced_code(gil)) return kPause;
    PyThreadState_SetAsyncExc(state->thread_id, interrupted_);
    wanted.offered = true;
    wanted.offered_at = Clock::now();
    wanted.fruitless = place.is(wanted.frame, wanted.instruction) ? wanted.fruitless + 1 : 0;
    wanted.frame = place.frame.get();
    wanted.instruction = place.instruction;
    return kSoon * (1 << std::min(wanted.fruitless, kMostDoublings));
}

void Interruptions::watch(Gil gil, Wanted& wanted, PyThreadState* state, PyObject* code, bool runs,
                          bool rests) noexcept {
    // From CPython 3.12 on, the hook of one thread slows all threads. Watched code tells when a
    // thread that rests goes on.
    if (rests && watches_code_) {
        ReturnHook::clear(gil, state);
    } else {
        ReturnHook::set(gil, state, on_return, runs);
    }
    WatchedCode::add(gil, wanted.codes, code);
}

}  // namespace nif
