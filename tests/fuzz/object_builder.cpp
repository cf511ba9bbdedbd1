// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/object_builder.h"

#include "loop_bridge/python/py_error.h"

namespace fuzz {
namespace {

constexpr int kMaxDepth = 12;

// Callables without arguments: each call makes one object.
constexpr const char* kSpecials = R"(
import dataclasses, datetime, decimal, enum, pathlib, uuid
class Text(str): pass
class Integer(int): pass
class Real(float): pass
class Bytes(bytes): pass
class List(list): pass
class Tuple(tuple): pass
class Dict(dict): pass
class Colour(enum.Enum): RED = "red"; ALSO = 2
@dataclasses.dataclass
class Point: x: object; y: object
HUGE = 1 << 2**27
def released():
    view = memoryview(b"abc"); view.release(); return view
specials = [
    lambda: Text("größe"), lambda: Integer(2**80), lambda: Real("nan"), lambda: Bytes(b"\xff"),
    lambda: List([1, Text()]), lambda: Tuple((1, 2)), lambda: Dict({Integer(1): List()}),
    lambda: Colour.RED, lambda: {Colour.ALSO: 1, 2: 2}, lambda: Point(1, [Point(b"\xff", None)]),
    lambda: datetime.date(2024, 2, 29), lambda: decimal.Decimal("1e5"), lambda: uuid.UUID(int=1),
    lambda: pathlib.PurePosixPath("/\udcff"), lambda: object(), lambda: released(),
    lambda: memoryview(bytearray(range(24))).cast("B", (2, 3, 4)), lambda: iter(()),
    lambda: memoryview(b"abcdefgh").cast("h")[::-1], lambda: HUGE, lambda: bytearray(),
    lambda: {"ok": 1, b"ok": 2}, lambda: {1: 1, "1": 1.0}, lambda: dict.fromkeys(range(150)),
]
)";

}  // namespace

ObjectBuilder::ObjectBuilder(Session& session, ByteSource& source)
    : session_(session), source_(source) {
    // Run only once, in the dictionary of the module.
    PyObject* variables = PyModule_GetDict(session.module.get());
    PyObject* specials = PyDict_GetItemString(variables, "specials");
    if (specials == nullptr) {
        PyDict_SetItemString(variables, "__builtins__", PyEval_GetBuiltins());
        PyRef::steal(PyRun_String(kSpecials, Py_file_input, variables, variables));
        specials = PyDict_GetItemString(variables, "specials");
    }
    specials_ = PyRef::borrow(specials);
}

PyRef ObjectBuilder::build() {
    if (source_.empty() || depth_ >= kMaxDepth) return PyRef::borrow(Py_None);
    ++depth_;
    PyRef made;
    switch (source_.below(12)) {
        case 0:
        case 1:
            made = build_scalar();
            break;
        case 2:
            made = build_integer();
            break;
        case 3:
            made = build_text();
            break;
        case 4:
            made = build_bytes();
            break;
        case 5:
            made = build_view();
            break;
        case 6:
            made = build_list();
            break;
        case 7:
            made = build_tuple();
            break;
        case 8:
            made = build_set();
            break;
        case 9:
            made = build_dict();
            break;
        case 10:
            made = build_special();
            break;
        default:
            made = build_again();
    }
    --depth_;
    return made;
}

PyRef ObjectBuilder::build_scalar() {
    switch (source_.below(5)) {
        case 0:
            return PyRef::borrow(Py_True);
        case 1:
            return PyRef::borrow(Py_False);
        case 2:
            return PyRef::steal(
                PyObject_CallFunction(session_.conversion.atom.get(), "s", "an atom"));
        case 3:
            return PyRef::steal(PyFloat_FromDouble(source_.number<double>()));
        default:
            return PyRef::steal(PyLong_FromLongLong(source_.number<long long>()));
    }
}

PyRef ObjectBuilder::build_integer() {
    const auto bytes = source_.take(source_.size());
    return PyRef::steal(PyObject_CallMethod(reinterpret_cast<PyObject*>(&PyLong_Type), "from_bytes",
                                            "y#s", reinterpret_cast<const char*>(bytes.data()),
                                            static_cast<Py_ssize_t>(bytes.size()), "little"));
}

// Text with characters of one, two or four bytes, and surrogates.
PyRef ObjectBuilder::build_text() {
    std::vector<Py_UCS4> characters(source_.size());
    const unsigned width = source_.below(3);
    for (Py_UCS4& character : characters) {
        character = width == 0   ? source_.byte()
                    : width == 1 ? source_.number<std::uint16_t>()
                                 : source_.number<std::uint32_t>() % 0x110000;
    }
    return PyRef::steal(PyUnicode_FromKindAndData(PyUnicode_4BYTE_KIND, characters.data(),
                                                  static_cast<Py_ssize_t>(characters.size())));
}

PyRef ObjectBuilder::build_bytes() {
    const auto bytes = source_.take(source_.size());
    PyRef made = PyRef::steal(PyBytes_FromStringAndSize(reinterpret_cast<const char*>(bytes.data()),
                                                        static_cast<Py_ssize_t>(bytes.size())));
    // Large objects share their bytes with Erlang.
    if (source_.below(8) == 0) made = PyRef::steal(PySequence_Repeat(made.get(), 1000));
    if (source_.below(4) == 0) made = PyRef::steal(PyByteArray_FromObject(made.get()));
    return made;
}

PyRef ObjectBuilder::build_view() {
    const PyRef view = PyRef::steal(PyMemoryView_FromObject(build_bytes().get()));
    const int step = static_cast<int>(source_.below(9)) - 4;
    const PyRef slice = PyRef::steal(PyObject_CallFunction(
        reinterpret_cast<PyObject*>(&PySlice_Type), "OOi", Py_None, Py_None, step == 0 ? 1 : step));
    return PyRef::steal(PyObject_GetItem(view.get(), slice.get()));
}

PyRef ObjectBuilder::build_list() {
    PyRef list = PyRef::steal(PyList_New(0));
    made_.push_back(list);
    for (unsigned count = source_.below(20); count > 0; --count) {
        if (PyList_Append(list.get(), build().get()) < 0) throw loop_bridge::PyError{};
    }
    return list;
}

PyRef ObjectBuilder::build_tuple() {
    PyRef tuple = PyRef::steal(PyList_AsTuple(build_list().get()));
    made_.push_back(tuple);
    return tuple;
}

PyRef ObjectBuilder::build_set() {
    PyRef set = source_.below(2) == 0 ? PyRef::steal(PySet_New(nullptr))
                                      : PyRef::steal(PyFrozenSet_New(nullptr));
    for (unsigned count = source_.below(10); count > 0; --count) {
        if (PySet_Add(set.get(), build().get()) < 0) PyErr_Clear();  // unhashable
    }
    return set;
}

PyRef ObjectBuilder::build_dict() {
    PyRef dict = PyRef::steal(PyDict_New());
    made_.push_back(dict);
    for (unsigned count = source_.below(12); count > 0; --count) {
        const PyRef key = build();
        if (PyDict_SetItem(dict.get(), key.get(), build().get()) < 0) PyErr_Clear();
    }
    return dict;
}

PyRef ObjectBuilder::build_special() {
    const auto count = static_cast<unsigned>(PyList_GET_SIZE(specials_.get()));
    PyObject* make = PyList_GET_ITEM(specials_.get(), source_.below(count));
    return PyRef::steal(PyObject_CallNoArgs(make));
}

PyRef ObjectBuilder::build_again() {
    if (made_.empty()) return PyRef::borrow(Py_None);
    return made_[source_.below(static_cast<unsigned>(made_.size()))];
}

void ObjectBuilder::untie() {
    for (const PyRef& object : made_) {
        if (PyDict_Check(object.get())) PyDict_Clear(object.get());
        if (PyList_Check(object.get())) PyList_SetSlice(object.get(), 0, PY_SSIZE_T_MAX, nullptr);
    }
}

}  // namespace fuzz
