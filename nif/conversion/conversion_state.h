// SPDX-License-Identifier: Apache-2.0
// conversion_state.h: the Python types for Erlang terms without a Python counterpart, and the
// caches and methods of the conversions. The state of module `_erlang` owns the one instance.
// Threads: with the GIL.
#pragma once

#include <erl_nif.h>

#include <memory>

#include "loop_bridge/python/gil.h"
#include "loop_bridge/python/py_ref.h"

namespace nif {

class AtomCache;
struct Adapters;
struct IntegerMethods;

struct ConversionState {
    ConversionState();
    ConversionState(ConversionState&&) noexcept;
    ConversionState& operator=(ConversionState&&) noexcept;
    ConversionState(const ConversionState&) = delete;
    ConversionState& operator=(const ConversionState&) = delete;
    ~ConversionState();

    PyTypeObject* atom_type() const noexcept { return as_type(atom); }
    PyTypeObject* pid_type() const noexcept { return as_type(pid); }
    PyTypeObject* ref_type() const noexcept { return as_type(ref); }
    PyTypeObject* port_type() const noexcept { return as_type(port); }
    PyTypeObject* fun_type() const noexcept { return as_type(fun); }

    loop_bridge::PyRef atom, pid, ref, port, fun;
    std::unique_ptr<AtomCache> atom_cache;
    std::unique_ptr<Adapters> adapters;
    std::unique_ptr<IntegerMethods> integer_methods;

private:
    static PyTypeObject* as_type(const loop_bridge::PyRef& type) noexcept {
        return reinterpret_cast<PyTypeObject*>(type.get());
    }
};

// Makes the types and adds them to `module` as Atom, Pid, Ref, Port and Fun.
ConversionState make_conversion_state(loop_bridge::Gil gil, PyObject* module);

// The process behind an erlang.Pid of this node. False for other objects and for pids of other
// nodes.
[[nodiscard]] bool get_pid(loop_bridge::Gil gil, const ConversionState& conversion,
                           PyObject* object, ErlNifPid* pid);

}  // namespace nif
