// SPDX-License-Identifier: Apache-2.0
#include "loop_bridge/python/loop_reader.h"

namespace loop_bridge {

namespace {

// A scope without context variables.
class EmptyContext {
public:
    explicit EmptyContext(Gil) : context_(PyRef::steal(PyContext_New())) {
        if (PyContext_Enter(context_.get()) != 0) throw PyError{};
    }
    ~EmptyContext() { PyContext_Exit(context_.get()); }
    EmptyContext(const EmptyContext&) = delete;
    EmptyContext& operator=(const EmptyContext&) = delete;

private:
    PyRef context_;
};

}  // namespace

LoopReader::LoopReader(Gil, PyObject* loop)
    : weak_loop_(PyRef::steal(PyWeakref_NewRef(loop, nullptr))) {}

PyRef LoopReader::loop(Gil) const noexcept {
#if PY_VERSION_HEX >= 0x030D0000
    PyObject* loop = nullptr;
    if (PyWeakref_GetRef(weak_loop_.get(), &loop) < 0) PyErr_Clear();
    return loop == nullptr ? PyRef{} : PyRef::steal(loop);
#else
    PyObject* loop = PyWeakref_GetObject(weak_loop_.get());
    return loop == Py_None ? PyRef{} : PyRef::borrow(loop);
#endif
}

void LoopReader::watch(Gil gil, int fd, PyObject* callback) {
    const PyRef target = loop(gil);
    if (!target) raise_python(gil, PyExc_RuntimeError, "the event loop is gone");
    // A reader keeps a copy of the current context. Without this the variables of the loop's first
    // caller would live as long as the loop.
    const EmptyContext context{gil};
    PyRef::steal(PyObject_CallMethod(target.get(), "add_reader", "iO", fd, callback));
}

void LoopReader::unwatch(Gil gil, int fd) noexcept {
    if (loop_ended(gil)) return;
    PyObject* done = PyObject_CallMethod(loop(gil).get(), "remove_reader", "i", fd);
    if (done == nullptr) PyErr_Clear();
    Py_XDECREF(done);
}

void LoopReader::call_soon(Gil gil, PyObject* callback) {
    const PyRef target = loop(gil);
    if (!target) raise_python(gil, PyExc_RuntimeError, "the event loop is gone");
    PyRef::steal(PyObject_CallMethod(target.get(), "call_soon", "O", callback));
}

std::optional<std::size_t> LoopReader::ready_callbacks(Gil gil) const noexcept {
    const PyRef target = loop(gil);
    if (!target) return std::nullopt;
    PyObject* ready = PyObject_GetAttrString(target.get(), "_ready");
    const Py_ssize_t size = ready == nullptr ? -1 : PyObject_Size(ready);
    if (size < 0) PyErr_Clear();
    Py_XDECREF(ready);
    if (size < 0) return std::nullopt;
    return static_cast<std::size_t>(size);
}

bool LoopReader::loop_ended(Gil gil) noexcept {
    const PyRef target = loop(gil);
    if (!target) return true;
    PyObject* closed = PyObject_CallMethod(target.get(), "is_closed", nullptr);
    if (closed == nullptr) PyErr_Clear();
    const bool ended = closed == nullptr || PyObject_IsTrue(closed) == 1;
    Py_XDECREF(closed);
    return ended;
}

}  // namespace loop_bridge
