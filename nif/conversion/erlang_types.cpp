// SPDX-License-Identifier: Apache-2.0
#include "nif/conversion/erlang_types.h"

#include "nif/conversion/adapters.h"
#include "nif/conversion/atom_type.h"
#include "nif/conversion/big_integer.h"
#include "nif/conversion/term_type.h"

namespace nif {

using loop_bridge::Gil;
using loop_bridge::PyError;

ErlangTypes::ErlangTypes() = default;
ErlangTypes::ErlangTypes(ErlangTypes&&) noexcept = default;
ErlangTypes& ErlangTypes::operator=(ErlangTypes&&) noexcept = default;
ErlangTypes::~ErlangTypes() = default;

ErlangTypes make_erlang_types(Gil gil, PyObject* module) {
    ErlangTypes types;
    types.atom = make_atom_type(gil, module);
    types.pid = make_pid_type(gil, module);
    types.ref = make_ref_type(gil, module);
    types.port = make_port_type(gil, module);
    types.fun = make_fun_type(gil, module);
    for (PyTypeObject* type : {types.atom_type(), types.pid_type(), types.ref_type(),
                               types.port_type(), types.fun_type()}) {
        if (PyModule_AddType(module, type) < 0) throw PyError{};
    }
    types.atom_cache = std::make_unique<AtomCache>();
    types.adapters = std::make_unique<Adapters>();
    types.integer_methods = std::make_unique<IntegerMethods>(IntegerMethods::look_up(gil));
    return types;
}

bool get_pid(Gil, const ErlangTypes& types, PyObject* object, ErlNifPid* pid) {
    // enif_get_local_pid() only looks at the term itself.
    return Py_TYPE(object) == types.pid_type() &&
           enif_get_local_pid(nullptr, held_term(object), pid) != 0;
}

}  // namespace nif
