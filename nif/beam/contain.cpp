// SPDX-License-Identifier: Apache-2.0
#include "nif/beam/contain.h"

#include <cstdio>
#include <exception>

namespace nif {

void report_handled_exception(const char* place) noexcept {
    try {
        throw;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "erlang_python: %s: %s\n", place, error.what());
    } catch (...) {
        std::fprintf(stderr, "erlang_python: %s: an unknown C++ exception\n", place);
    }
}

}  // namespace nif
