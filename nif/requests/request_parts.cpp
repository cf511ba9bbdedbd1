// SPDX-License-Identifier: Apache-2.0
#include "nif/requests/request_parts.h"

#include <span>
#include <string_view>

#include "nif/beam/atoms.h"
#include "nif/conversion/term_to_python.h"
#include "nif/node/bridge.h"

namespace nif {

using loop_bridge::Gil;
using loop_bridge::PyError;
using loop_bridge::PyRef;

namespace {

enum class PartType {
    kText,    // the application's own: its binaries are texts
    kValues,  // the user's
    kNamed,   // the user's, in a map of names
    kCalls,   // a list of invocations
};

struct Part {
    std::string_view name;
    PartType type = PartType::kText;
};

using Parts = std::span<const Part>;

constexpr Part kInvocation[] = {
    {"module"}, {"function"}, {"args", PartType::kValues}, {"kwargs", PartType::kNamed}};
constexpr Part kExpression[] = {{"code"}, {"locals", PartType::kNamed}};
constexpr Part kCode[] = {{"code"}};
constexpr Part kCalls[] = {{"calls", PartType::kCalls}};
constexpr Part kHost[] = {{"owner"},
                          {"loop"},
                          {"name"},
                          {"stop_timeout"},
                          {"module"},
                          {"function"},
                          {"args", PartType::kValues},
                          {"kwargs", PartType::kNamed}};
// The kind, a part that is missing here, and parts of a control.
constexpr Part kOther{"request"};

// The kinds of requests with values of users, and the parts after the kind. The controls in
// py_nif:control() have values of the application only.
struct Kind {
    ERL_NIF_TERM Atoms::*kind;
    Parts parts;
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

Parts parts_of(ERL_NIF_TERM kind) {
    for (const Kind& known : kKinds) {
        if (enif_is_identical(atoms.*known.kind, kind) != 0) return known.parts;
    }
    return {};
}

const Part& at_or_other(Parts parts, std::size_t index) {
    return index < parts.size() ? parts[index] : kOther;
}

PyRef part_to_python(Gil gil, const ConversionState& conversion, ErlNifEnv* env, ERL_NIF_TERM term,
                     PartType type, std::string_view root, const PathStep* at = nullptr);

// The elements of a list of tuples, each an invocation().
PyRef calls_to_python(Gil gil, const ConversionState& conversion, ErlNifEnv* env, ERL_NIF_TERM list,
                      std::string_view root) {
    PyRef calls = PyRef::steal(PyList_New(0));
    PathStep call_step;
    ERL_NIF_TERM call = 0;
    for (; enif_get_list_cell(env, list, &call, &list) != 0; ++call_step.index) {
        const ERL_NIF_TERM* elements = nullptr;
        int arity = 0;
        enif_get_tuple(env, call, &arity, &elements);
        const PyRef invocation = PyRef::steal(PyTuple_New(arity));
        PathStep step{&call_step};
        for (int i = 0; i < arity; ++i) {
            step.index = static_cast<std::size_t>(i);
            const PartType type = at_or_other(kInvocation, step.index).type;
            PyTuple_SET_ITEM(
                invocation.get(), i,
                part_to_python(gil, conversion, env, elements[i], type, root, &step).release());
        }
        if (PyList_Append(calls.get(), invocation.get()) != 0) throw PyError{};
    }
    return calls;
}

PyRef part_to_python(Gil gil, const ConversionState& conversion, ErlNifEnv* env, ERL_NIF_TERM term,
                     PartType type, std::string_view root, const PathStep* at) {
    const Binaries users = Bridge::instance().binaries.load(std::memory_order_relaxed);
    switch (type) {
        case PartType::kText:
            return term_to_python(gil, conversion, env, term, Binaries::kText, root, at);
        case PartType::kValues:
            return term_to_python(gil, conversion, env, term, users, root, at);
        case PartType::kNamed:
            return named_terms_to_python(gil, conversion, env, term, users, root, at);
        case PartType::kCalls:
            return calls_to_python(gil, conversion, env, term, root);
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
    const Parts known = parts_of(elements[0]);
    PyRef parts = PyRef::steal(PyTuple_New(arity));
    for (int i = 0; i < arity; ++i) {
        const Part& part = i == 0 ? kOther : at_or_other(known, static_cast<std::size_t>(i) - 1);
        PyTuple_SET_ITEM(
            parts.get(), i,
            part_to_python(gil, conversion, env, elements[i], part.type, part.name).release());
    }
    return parts;
}

}  // namespace nif
