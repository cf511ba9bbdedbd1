// SPDX-License-Identifier: Apache-2.0
// value_path.h: the place of a conversion in its value, for error texts: args[0]['k'][3]. The steps
// are a chain on the C stack; only an error makes a text of them.
// Threads: with the GIL.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "loop_bridge/python/gil.h"
#include "loop_bridge/python/py_ref.h"

namespace nif {

struct PathStep {
    enum class Kind : unsigned char {
        kIndex,      // x[index]
        kKey,        // x[key], or x.key when x has named fields, as a dataclass
        kElement,    // list(x)[index]: an element of a set, or a key of a dict
        kConverted,  // what an adapter returned for x
    };

    const PathStep* parent = nullptr;
    PyObject* container = nullptr;  // borrowed; null when the container is an Erlang term
    PyObject* key = nullptr;        // borrowed
    std::size_t index = 0;
    Kind kind = Kind::kIndex;
};

// The limit of nesting, in both directions.
inline constexpr int kMaxDepth = 1000;

// Returns UTF-8. Long paths lose their middle.
std::string render_path(loop_bridge::Gil gil, std::string_view root, const PathStep* last);

// `text` contains Python's repr or Erlang's print of the refused value, shortened.
[[noreturn]] void raise_at(loop_bridge::Gil gil, PyObject* type, std::string_view root,
                           const PathStep* last, std::string_view text);

// Adds a note with the place to the pending exception, and throws.
[[noreturn]] void rethrow_with_place(loop_bridge::Gil gil, std::string_view root,
                                     const PathStep* last,
                                     std::string_view into = "an Erlang term");

// For a value nested deeper than kMaxDepth. Throws ValueError if the value contains itself, else
// RecursionError. `value` is one step after `last`; null for an Erlang term.
[[noreturn]] void raise_too_deep(loop_bridge::Gil gil, std::string_view root, const PathStep* last,
                                 PyObject* value = nullptr);

// repr(object), at most about `limit` bytes of UTF-8. Never fails.
std::string short_repr(loop_bridge::Gil gil, PyObject* object, std::size_t limit = 80);

}  // namespace nif
