// SPDX-License-Identifier: Apache-2.0
// atom_type.h: erlang.Atom, a str that remembers its atom.
// Threads: with the GIL.
#pragma once

#include <erl_nif.h>

#include <array>

#include "loop_bridge/python/gil.h"
#include "loop_bridge/python/py_ref.h"

namespace nif {

// The number of new atoms that Python code may make in a node. Erlang never frees atoms.
inline constexpr long kAtomBudget = 100'000;

loop_bridge::PyRef make_atom_type(loop_bridge::Gil gil, PyObject* module);

// For a fork of the node: the texts of new Atoms are looked up no more. Their terms are
// unspecified.
void leave_atom_table() noexcept;

// `object` is an erlang.Atom.
ERL_NIF_TERM atom_term(PyObject* object) noexcept;

// The Atom objects used last. Without the cache each result would make new objects for the same few
// atoms.
class AtomCache {
public:
    AtomCache() = default;
    ~AtomCache() = default;
    AtomCache(const AtomCache&) = delete;
    AtomCache& operator=(const AtomCache&) = delete;

    // The erlang.Atom for `term`, an atom.
    loop_bridge::PyRef get(loop_bridge::Gil gil, PyTypeObject* atom_type, ErlNifEnv* env,
                           ERL_NIF_TERM term);

private:
    struct Entry {
        ERL_NIF_TERM term = 0;
        loop_bridge::PyRef object;
    };
    static constexpr std::size_t kEntries = 1024;
    std::array<Entry, kEntries> entries_;
};

}  // namespace nif
