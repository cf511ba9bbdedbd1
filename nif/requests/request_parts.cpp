// SPDX-License-Identifier: Apache-2.0
#include "nif/requests/request_parts.h"

#include <span>
#include <string_view>

#include "nif/beam/atoms.h"
#include "nif/conversion/term_to_python.h"

namespace nif {

using loop_bridge::Gil;
using loop_bridge::PyRef;

namespace {

using Names = std::span<const std::string_view>;

constexpr std::string_view kInvocation[] = {"module", "function", "args", "kwargs"};
constexpr std::string_view kExpression[] = {"code", "locals"};
constexpr std::string_view kCode[] = {"code"};
constexpr std::string_view kCalls[] = {"calls"};
constexpr std::string_view kHost[] = {"owner",    "loop", "stop_timeout", "module",
                                      "function", "args", "kwargs"};

// The kinds of requests with values of users, and the names of the parts after the kind. The
// controls in py_nif:control() have values of the application only.
struct Kind {
    ERL_NIF_TERM Atoms::*kind;
    Names parts;
};
constexpr Kind kKinds[] = {
    {&Atoms::call, kInvocation},
    {&Atoms::stream, kInvocation},
    {&Atoms::coroutine, kInvocation},
    {&Atoms::async, kInvocation},
    {&Atoms::eval, kExpression},
    {&Atoms::exec, kCode},
    {&Atoms::stream_eval, kExpression},
    {&Atoms::gather, kCalls},
    {&Atoms::host, kHost},
};

Names part_names(ERL_NIF_TERM kind) {
    for (const Kind& known : kKinds) {
        if (enif_is_identical(atoms.*known.kind, kind) != 0) return known.parts;
    }
    return {};
}

}  // namespace

PyRef request_to_python(Gil gil, const ConversionState& conversion, const NestedRequest& body) {
    ErlNifEnv* env = body.env;
    const ERL_NIF_TERM* elements = nullptr;
    int arity = 0;
    if (enif_get_tuple(env, body.request, &arity, &elements) == 0 || arity == 0) {
        elements = &body.request;  // a kind without parts
        arity = 1;
    }
    const Names names = part_names(elements[0]);
    PyRef parts = PyRef::steal(PyTuple_New(arity));
    for (int i = 0; i < arity; ++i) {
        const auto name = static_cast<std::size_t>(i) - 1;
        const std::string_view root = i > 0 && name < names.size() ? names[name] : "request";
        PyTuple_SET_ITEM(parts.get(), i,
                         term_to_python(gil, conversion, env, elements[i], root).release());
    }
    return parts;
}

}  // namespace nif
