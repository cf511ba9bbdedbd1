// SPDX-License-Identifier: Apache-2.0
// Arbitrary bytes of a pickle become a term of the requested class, or a ValueError. A decoded term
// is encoded as bytes that decode to the same term.
#include <array>

#include "nif/beam/map_builder.h"
#include "tests/fuzz/byte_source.h"
#include "tests/fuzz/fuzz_target.h"

namespace fuzz {
namespace {

// Returns null when the bytes are refused.
PyRef from_external(Session& session, PyObject* type, PyObject* bytes) {
    PyObject* made = PyObject_CallMethod(type, "_from_external", "O", bytes);
    if (made == nullptr) {
        expect_error(session.gil, {PyExc_ValueError});
        return {};
    }
    return PyRef::steal(made);
}

void check_object(Session& session, PyObject* type, const PyRef& object) {
    expect(Py_TYPE(object.get()) == reinterpret_cast<PyTypeObject*>(type), "the class is as asked");
    PyRef::steal(PyObject_Repr(object.get()));
    const PyRef reduced = PyRef::steal(PyObject_CallMethod(object.get(), "__reduce__", nullptr));
    PyObject* arguments = PyTuple_GetItem(reduced.get(), 1);
    const PyRef again = from_external(session, type, PyTuple_GetItem(arguments, 0));
    expect(again && PyObject_RichCompareBool(object.get(), again.get(), Py_EQ) == 1,
           "a pickle is read as what was written");
    expect(PyObject_Hash(object.get()) == PyObject_Hash(again.get()), "equal terms hash alike");
}

}  // namespace

void run(Session& session, std::span<const std::uint8_t> input) {
    ByteSource source(input);
    const std::array types{session.conversion.pid.get(), session.conversion.ref.get(),
                           session.conversion.port.get(), session.conversion.fun.get()};
    PyObject* type = types[source.below(types.size())];
    const auto rest = source.take(input.size());
    const PyRef bytes = PyRef::steal(PyBytes_FromStringAndSize(
        reinterpret_cast<const char*>(rest.data()), static_cast<Py_ssize_t>(rest.size())));
    const PyRef object = from_external(session, type, bytes.get());
    if (object) check_object(session, type, object);
}

}  // namespace fuzz
