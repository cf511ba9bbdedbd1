// SPDX-License-Identifier: Apache-2.0
#include "nif/conversion/conversion_state.h"

#include "nif/conversion/adapters.h"
#include "nif/conversion/atom_type.h"
#include "nif/conversion/big_integer.h"
#include "nif/conversion/term_type.h"

namespace nif {

using loop_bridge::Gil;
using loop_bridge::PyError;

ConversionState::ConversionState() = default;
ConversionState::ConversionState(ConversionState&&) noexcept = default;
ConversionState& ConversionState::operator=(ConversionState&&) noexcept = default;
ConversionState::~ConversionState() = default;

ConversionState make_conversion_state(Gil gil, PyObject* module) {
    ConversionState conversion;
    conversion.atom = make_atom_type(gil, module);
    conversion.pid = make_pid_type(gil, module);
    conversion.ref = make_ref_type(gil, module);
    conversion.port = make_port_type(gil, module);
    conversion.fun = make_fun_type(gil, module);
    for (PyTypeObject* type : {conversion.atom_type(), conversion.pid_type(), conversion.ref_type(),
                               conversion.port_type(), conversion.fun_type()}) {
        if (PyModule_AddType(module, type) < 0) throw PyError{};
    }
    conversion.atom_cache = std::make_unique<AtomCache>();
    conversion.adapters = std::make_unique<Adapters>();
    conversion.integer_methods = std::make_unique<IntegerMethods>(IntegerMethods::look_up(gil));
    return conversion;
}

bool get_pid(Gil, const ConversionState& conversion, PyObject* object, ErlNifPid* pid) {
    // enif_get_local_pid() only looks at the term itself.
    return Py_TYPE(object) == conversion.pid_type() &&
           enif_get_local_pid(nullptr, held_term(object), pid) != 0;
}

}  // namespace nif
