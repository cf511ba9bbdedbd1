// SPDX-License-Identifier: Apache-2.0
#include "nif/calls/reply.h"

#include "nif/conversion/term_to_python.h"
#include "nif/node/module_state.h"

namespace nif {

using loop_bridge::CallId;
using loop_bridge::Gil;
using loop_bridge::PyError;
using loop_bridge::PyRef;

Reply::Reply(CallId id, ErlNifEnv* env, ERL_NIF_TERM value, Binaries binaries)
    : Completion(id, true), binaries_(binaries) {
    ErlNifSInt64 integer = 0;
    if (enif_get_int64(env, value, &integer) != 0) {
        value_ = integer;
    } else {
        value_ = OwnedTerm{value};
    }
}

PyRef Reply::value(Gil gil, PyObject* module, PyObject*) const {
    if (const auto* integer = std::get_if<ErlNifSInt64>(&value_)) {
        return PyRef::steal(PyLong_FromLongLong(*integer));
    }
    const auto& owned = std::get<OwnedTerm>(value_);
    return term_to_python(gil, ModuleState::of(module).conversion, owned.env.get(), owned.term,
                          binaries_);
}

Failure::Failure(CallId id, ErlNifEnv* env, ERL_NIF_TERM kind, ERL_NIF_TERM reason,
                 ERL_NIF_TERM stacktrace, ERL_NIF_TERM text, Binaries binaries,
                 std::optional<std::uint64_t> item)
    : Completion(id, false),
      details_(enif_make_tuple4(env, kind, reason, stacktrace, text)),
      binaries_(binaries),
      item_(item) {}

PyRef Failure::value(Gil gil, PyObject* module, PyObject* name) const {
    const ModuleState& state = ModuleState::of(module);
    ErlNifEnv* env = details_.env.get();
    const ERL_NIF_TERM* parts = nullptr;
    int arity = 0;
    enif_get_tuple(env, details_.term, &arity, &parts);
    const auto text_of = [&](ERL_NIF_TERM part) {
        return term_to_python(gil, state.conversion, env, part, Binaries::kText);
    };
    const PyRef kind = text_of(parts[0]);
    const PyRef stacktrace = text_of(parts[2]);
    const PyRef text = text_of(parts[3]);
    PyRef reason;
    try {
        reason = term_to_python(gil, state.conversion, env, parts[1], binaries_);
    } catch (const PyError&) {
        // A reason that Python can't represent must not hide the failure: use its text instead.
        PyErr_Clear();
        reason = text;
    }
    const PyRef item =
        item_ ? PyRef::steal(PyLong_FromUnsignedLongLong(*item_)) : PyRef::borrow(Py_None);
    return PyRef::steal(PyObject_CallFunctionObjArgs(state.make_error.get(), kind.get(), name,
                                                     reason.get(), text.get(), stacktrace.get(),
                                                     item.get(), nullptr));
}

}  // namespace nif
