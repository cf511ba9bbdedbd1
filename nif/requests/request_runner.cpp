// SPDX-License-Identifier: Apache-2.0
#include "nif/requests/request_runner.h"

#include "loop_bridge/python/py_entry.h"
#include "nif/beam/messages.h"
#include "nif/conversion/python_to_term.h"
#include "nif/requests/request_parts.h"
#include "nif/requests/request_scope.h"

namespace nif {

using loop_bridge::Gil;
using loop_bridge::PyRef;
using loop_bridge::set_handled_exception;
using loop_bridge::take_error;

namespace {

// {error, {Name, Text, Traceback}}; the three come from erlang._context.describe_exception().
ERL_NIF_TERM exception_term(Gil gil, const ModuleState& state, ErlNifEnv* env,
                            PyObject* exception) {
    const PyRef parts =
        PyRef::steal(PyObject_CallOneArg(state.describe_exception.get(), exception));
    return error_answer(env, python_to_term(gil, state.conversion, env, parts.get(), "exception"));
}

// Always answers: no error may be pending at the scope's end.
void run_in_scope(Gil gil, PyObject* module, RequestHandle& handle,
                  const NestedRequest& nested) noexcept {
    try {
        const ModuleState& state = ModuleState::of(module);
        const PyRef request = request_to_python(gil, state.conversion, nested);
        const PyRef value =
            PyRef::steal(PyObject_CallOneArg(state.run_request.get(), request.get()));
        answer_value(gil, module, handle, value.get());
    } catch (...) {
        set_handled_exception(gil);
        answer_pending_exception(gil, module, handle);
    }
}

}  // namespace

void answer_exception(Gil gil, PyObject* module, RequestHandle& handle,
                      PyObject* exception) noexcept {
    try {
        TermEnv env = make_term_env();
        const ERL_NIF_TERM result =
            exception_term(gil, ModuleState::of(module), env.get(), exception);
        handle.answer(std::move(env), result);
    } catch (...) {
        PyErr_Clear();
        handle.answer_error(atoms.exception);  // the description of the exception failed too
    }
}

void answer_pending_exception(Gil gil, PyObject* module, RequestHandle& handle) noexcept {
    PyObject* error = take_error(gil);
    if (error == nullptr) return handle.answer_error(atoms.exception);
    answer_exception(gil, module, handle, error);
    Py_DECREF(error);
}

void answer_value(Gil gil, PyObject* module, RequestHandle& handle, PyObject* value) noexcept {
    try {
        TermEnv env = make_term_env();
        const ERL_NIF_TERM term =
            python_to_term(gil, ModuleState::of(module).conversion, env.get(), value, "result");
        const ERL_NIF_TERM result = ok_answer(env.get(), term);
        handle.answer(std::move(env), result);
    } catch (...) {
        set_handled_exception(gil);
        answer_pending_exception(gil, module, handle);
    }
}

void run_request(Gil gil, PyObject* module, RequestHandle& handle, const OwnedTerm& body) noexcept {
    const ModuleState& state = ModuleState::of(module);
    const NestedRequest nested{body};
    try {
        const PyRef ancestors = nested.ancestors_to_python(gil, state.conversion);
        const RequestScope scope{gil, state, RequestKind::kCall, ancestors.get()};
        run_in_scope(gil, module, handle, nested);
    } catch (...) {
        set_handled_exception(gil);
        answer_pending_exception(gil, module, handle);
    }
}

}  // namespace nif
