// SPDX-License-Identifier: Apache-2.0
#include "nif/requests/running_requests.h"

#include <algorithm>
#include <utility>

#include "nif/beam/contain.h"
#include "nif/interruption/interruptions.h"
#include "nif/interruption/thread_place.h"
#include "nif/requests/janitor.h"

namespace nif {

using loop_bridge::Gil;

const RunningRequests::Level& RunningRequests::begin(Gil gil, ResourcePtr<RequestHandle> request,
                                                     bool of_context) {
    auto level = std::make_unique<Level>(Level{std::move(request), PythonThread::current(gil)});
    level->has_thread = of_context && levels_.empty();
    if (!level->has_thread) level->base = innermost_frame(gil, PyThreadState_Get());
    levels_.push_back(std::move(level));
    return *levels_.back();
}

void RunningRequests::enter(Gil gil) noexcept {
    if (levels_.empty() || levels_.back()->has_thread) return;
    levels_.back()->base = innermost_frame(gil, PyThreadState_Get());
}

void RunningRequests::end(Gil gil, const Level& level) noexcept {
    const auto found = std::find_if(levels_.begin(), levels_.end(),
                                    [&](const auto& one) { return one.get() == &level; });
    if (found == levels_.end()) return;  // abandoned
    const std::unique_ptr<Level> ended = std::move(*found);
    levels_.erase(found);
    // A late interruption must not hit the thread's later code.
    if (ended->has_thread) {
        Interruptions::instance().settle(gil);
    } else {
        Interruptions::instance().settle(gil, ended.get());
    }
    for (const auto& one : levels_) {
        if (!one->owed || has_inner(gil, *one)) continue;
        one->owed = false;
        want(gil, *one, one->base.get(), false);
        Janitor::instance().wake();
    }
}

ResourcePtr<RequestHandle> RunningRequests::innermost(Gil) const noexcept {
    return levels_.empty() ? ResourcePtr<RequestHandle>{} : levels_.back()->request;
}

bool RunningRequests::leave() noexcept {
    left_ = true;
    return !levels_.empty();
}

void RunningRequests::abandon(Gil gil) noexcept {
    for (const auto& level : std::exchange(levels_, {})) {
        level->request->end(gil);
        level->request->answer_error(atoms.disconnected);
    }
}

// No Python code runs here, so the levels stay the same ones.
void RunningRequests::interrupt(Gil gil, const RequestHandle& request, int times,
                                bool insisting) noexcept {
    if (left_) return;
    const auto meant = std::find_if(levels_.begin(), levels_.end(), [&](const auto& level) {
        return level->request.get() == &request;
    });
    if (meant == levels_.end()) return;
    for (auto level = levels_.end(); level-- != meant;) {
        const bool inner = level != meant;
        if ((inner && !is_within(gil, **level, **meant)) || (*level)->interruptions >= times)
            continue;
        ++(*level)->interruptions;
        if (has_inner(gil, **level)) {
            (*level)->owed = true;
            continue;
        }
        // All code of a context's thread belongs to its first request, also e.g. a hub of
        // greenlets.
        want(gil, **level, (*meant)->base.get(), insisting);
    }
}

void RunningRequests::want(Gil gil, const Level& level, PyObject* base, bool insisting) noexcept {
    contain("an interruption", [&] {
        Interruptions::instance().want(gil, {level.thread, &level, base}, insisting);
    });
}

// Whether code of the request `outer' has called the code of `inner'. The first request of a
// context's thread counts as the caller of all code of the thread.
bool RunningRequests::is_within(Gil gil, const Level& inner, const Level& outer) noexcept {
    return runs_above(gil, inner.base.get(), outer.base.get());
}

bool RunningRequests::has_inner(Gil gil, const Level& level) const noexcept {
    bool newer = false;
    for (const auto& one : levels_) {
        if (newer && is_within(gil, *one, level)) return true;
        newer = newer || one.get() == &level;
    }
    return false;
}

}  // namespace nif
