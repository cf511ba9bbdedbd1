// SPDX-License-Identifier: Apache-2.0
#include "nif/calls/encoded_call.h"

#include <algorithm>

#include "nif/conversion/python_to_term.h"
#include "nif/node/bridge.h"

namespace nif {

using loop_bridge::Gil;
using loop_bridge::PyError;

namespace {

// The name as a binary. Throws ValueError for lone surrogates.
ERL_NIF_TERM function_name_term(Gil, ErlNifEnv* env, PyObject* name) {
    Py_ssize_t size = 0;
    const char* text = PyUnicode_AsUTF8AndSize(name, &size);
    if (text == nullptr) throw PyError{};
    ERL_NIF_TERM term = 0;
    unsigned char* bytes = enif_make_new_binary(env, static_cast<std::size_t>(size), &term);
    std::copy(text, text + size, bytes);
    return term;
}

ERL_NIF_TERM arguments_term(Gil gil, const ModuleState& state, ErlNifEnv* env,
                            const CallArguments& call) {
    if (!call.map) return python_args_to_list(gil, state.conversion, env, call.args, call.count);
    return python_items_to_list(gil, state.conversion, env, call.args, call.count,
                                call.map->starmap);
}

}  // namespace

std::optional<EncodedCall> encode_call(Gil gil, const ModuleState& state, const CallArguments& call,
                                       const Nesting& nesting, bool exempt, TermEnv& env) {
    // Check the limit before the arguments are converted: an overloaded node must not spend that
    // time.
    auto ticket = Bridge::instance().meter.admit(exempt);
    if (!ticket) return std::nullopt;
    if (!env) env = make_term_env();
    // Conversions may run Python code, whose calls may use `env` too. Nobody frees it meanwhile.
    ErlNifEnv* terms = env.get();
    return EncodedCall{
        std::move(*ticket),
        {function_name_term(gil, terms, call.name), arguments_term(gil, state, terms, call),
         nesting.options(gil, state.conversion, terms, call.wait, call.binaries)}};
}

}  // namespace nif
