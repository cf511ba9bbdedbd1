// SPDX-License-Identifier: Apache-2.0
// contain.h: the end of C++ exceptions that no caller could handle: those of native threads, and of
// callbacks of the BEAM.
// Threads: any.
#pragma once

#include <utility>

namespace nif {

// Prints "erlang_python: PLACE: TEXT" to stderr for the C++ exception that is being handled. Needs
// no memory, no Python and no process.
void report_handled_exception(const char* place) noexcept;

// Runs `body`. False if it threw: the exception is reported, and the node goes on.
template <class Body>
bool contain(const char* place, Body&& body) noexcept {
    try {
        std::forward<Body>(body)();
        return true;
    } catch (...) {
        report_handled_exception(place);
        return false;
    }
}

}  // namespace nif
