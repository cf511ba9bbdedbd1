// SPDX-License-Identifier: Apache-2.0
#include "nif/requests/request_parts.h"

#include <span>
#include <string_view>

#include "nif/conversion/term_to_python.h"

namespace nif {

using loop_bridge::Gil;
using loop_bridge::PyRef;

namespace {

// The names of the parts after the kind, by their number. py_nif:request() lists the kinds.
std::span<const std::string_view> part_names(int count) {
    static constexpr std::string_view kCall[] = {"module", "function", "args", "kwargs"};
    static constexpr std::string_view kEval[] = {"code", "locals"};
    static constexpr std::string_view kGather[] = {"calls"};
    static constexpr std::string_view kHost[] = {"owner", "kind",   "module",      "function",
                                                 "args",  "kwargs", "stop_timeout"};
    switch (count) {
        case 7:
            return kHost;
        case 4:
            return kCall;
        case 2:
            return kEval;
        case 1:
            return kGather;
        default:
            return {};
    }
}

}  // namespace

PyRef request_to_python(Gil gil, const ErlangTypes& types, const NestedRequest& body) {
    ErlNifEnv* env = body.env;
    const ERL_NIF_TERM* elements = nullptr;
    int arity = 0;
    if (enif_get_tuple(env, body.request, &arity, &elements) == 0) {
        return term_to_python(gil, types, env, body.request, "request");
    }
    const auto names = part_names(arity - 1);
    PyRef parts = PyRef::steal(PyTuple_New(arity));
    for (int i = 0; i < arity; ++i) {
        const auto name = static_cast<std::size_t>(i) - 1;
        const std::string_view root = i > 0 && name < names.size() ? names[name] : "request";
        PyTuple_SET_ITEM(parts.get(), i,
                         term_to_python(gil, types, env, elements[i], root).release());
    }
    return parts;
}

}  // namespace nif
