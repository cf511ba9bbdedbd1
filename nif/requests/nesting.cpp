// SPDX-License-Identifier: Apache-2.0
#include "nif/requests/nesting.h"

#include "nif/beam/atoms.h"
#include "nif/beam/messages.h"
#include "nif/conversion/python_to_term.h"
#include "nif/conversion/term_to_python.h"
#include "nif/node/bridge.h"

namespace nif {

using loop_bridge::Gil;
using loop_bridge::PyError;
using loop_bridge::PyRef;

namespace {

// Indexes of a mark.
constexpr Py_ssize_t kAncestors = 0;
constexpr Py_ssize_t kFuture = 1;
constexpr Py_ssize_t kParts = 2;

}  // namespace

Nesting Nesting::current(Gil, const ModuleState& state) {
    Nesting nesting;
    if (!Bridge::instance().nested_requests.load(std::memory_order_relaxed)) return nesting;
    PyObject* value = nullptr;
    if (PyContextVar_Get(state.nesting.get(), nullptr, &value) != 0) throw PyError{};
    PyRef mark = PyRef::steal(value);
    // An empty mark belongs to a request that has ended.
    if (PyList_Check(mark.get()) != 0 && PyList_GET_SIZE(mark.get()) == kParts) {
        nesting.ancestors_ = PyRef::borrow(PyList_GET_ITEM(mark.get(), kAncestors));
        nesting.mark_ = std::move(mark);
    }
    return nesting;
}

bool Nesting::may_use_overdraft(Gil) const {
    if (!mark_) return false;
    const PyRef future = PyRef::borrow(PyList_GET_ITEM(mark_.get(), kFuture));
    if (future.get() == Py_None) return true;
    const PyRef done = PyRef::steal(PyObject_CallMethod(future.get(), "done", nullptr));
    return done.get() == Py_True;
}

void Nesting::set_overdraft(Gil, const PyRef& future) const {
    if (PyList_GET_SIZE(mark_.get()) != kParts) return;  // the request has ended meanwhile
    if (PyList_SetItem(mark_.get(), kFuture, PyRef::borrow(future.get()).release()) != 0) {
        throw PyError{};
    }
}

ERL_NIF_TERM Nesting::options(Gil gil, const ConversionState& conversion, ErlNifEnv* env,
                              std::optional<bool> wait, std::optional<Binaries> binaries) const {
    std::optional<ERL_NIF_TERM> ancestors;
    if (ancestors_ && PyList_Size(ancestors_.get()) > 0) {
        ancestors = python_to_term(gil, conversion, env, ancestors_.get(), "nesting");
    }
    return call_options(env, wait, ancestors, binaries);
}

NestedRequest::NestedRequest(const OwnedTerm& body) noexcept
    : env(body.env.get()), request(body.term) {
    const ERL_NIF_TERM* parts = nullptr;
    int arity = 0;
    if (enif_get_tuple(env, body.term, &arity, &parts) == 0 || arity != 3) return;
    if (enif_is_identical(parts[0], atoms.nested) == 0) return;
    ancestors = parts[1];
    request = parts[2];
    nested = true;
}

PyRef NestedRequest::ancestors_to_python(Gil gil, const ConversionState& conversion) const {
    if (!nested) return PyRef::borrow(Py_None);
    Bridge::instance().nested_requests.store(true, std::memory_order_relaxed);
    return term_to_python(gil, conversion, env, ancestors, Binaries::kText);
}

}  // namespace nif
