// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "loop_bridge/python/drop_queue.h"
#include "nif/beam/atoms.h"
#include "nif/beam/term_env.h"
#include "nif/conversion/shared_binary.h"
#include "tests/cpp/python/support/start_python.h"
#include "tests/cpp/stand_in/term.h"
#include "tests/fuzz/fuzz_target.h"

namespace fuzz {
namespace {

// Each object gets a separate block, so that AddressSanitizer notices an access beyond the object.
void choose_allocator() {
    PyPreConfig config;
    PyPreConfig_InitIsolatedConfig(&config);
    config.allocator = PYMEM_ALLOCATOR_MALLOC;
    config.utf8_mode = 1;
    const PyStatus status = Py_PreInitialize(&config);
    if (PyStatus_Exception(status) != 0) Py_ExitStatusException(status);
}

// The package without `_erlang`. The conversions need only erlang._adapters, which imports nothing
// of the package.
void make_package(Gil) {
    const PyRef package = PyRef::borrow(PyImport_AddModule("erlang"));
    const PyRef path = PyRef::steal(Py_BuildValue("[s]", PACKAGE_FOLDER));
    if (PyObject_SetAttrString(package.get(), "__path__", path.get()) < 0) {
        throw loop_bridge::PyError{};
    }
}

Session make_session() {
    // The oldest supported version: the conversions need all workarounds for its faults.
    stand_in::pretend_runtime("13.0");
    const nif::TermEnv env = nif::make_term_env();
    nif::init_atoms(env.get());
    expect(nif::open_shared_binary_resource(env.get()), "the resource type is opened");
    choose_allocator();
    loop_bridge::start_python();
    const Gil gil = Gil::held_by_caller();
    make_package(gil);
    PyRef module = PyRef::steal(PyModule_New("_erlang"));
    nif::ConversionState conversion = nif::make_conversion_state(gil, module.get());
    return {gil, std::move(module), std::move(conversion)};
}

// Never destroyed, since the interpreter is not finalized either.
Session& session() {
    static Session& session = *new Session{make_session()};
    return session;
}

}  // namespace

void expect(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "broken: %s\n", what);
    if (Py_IsInitialized() != 0 && PyErr_Occurred() != nullptr) PyErr_Print();
    std::abort();
}

void expect_error(Gil, std::initializer_list<PyObject*> classes) {
    for (PyObject* known : classes) {
        if (PyErr_ExceptionMatches(known) == 0) continue;
        PyErr_Clear();
        return;
    }
    expect(false, "a conversion fails by the errors that are promised");
}

}  // namespace fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Session& session = fuzz::session();
    fuzz::run(session, {data, size});
    loop_bridge::DropQueue::drain(session.gil);
    fuzz::expect(PyErr_Occurred() == nullptr, "no Python error is left pending");
    return 0;
}
