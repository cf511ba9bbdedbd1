// SPDX-License-Identifier: Apache-2.0
#include "nif/interruption/watched_code.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <new>
#include <string>
#include <unordered_map>

#include "loop_bridge/python/py_entry.h"
namespace nif {

using loop_bridge::Gil;
using loop_bridge::PyError;
using loop_bridge::PyRef;

namespace {

// Tool numbers without a predefined kind of tool.
constexpr std::array kNumbers{4, 3};
constexpr const char* kName = "erlang.Interrupted";

WatchedCode::Callback callback_of_all = nullptr;
int number = -1;
PyObject* monitoring = nullptr;  // the module
int events_watched = 0;
int jump_backward = -1;         // the number of the instruction
std::array<bool, 256> calls{};  // for each instruction, whether it calls
PyObject* disable = nullptr;    // tells CPython not to watch an instruction any more

// The number of watchers of each code.
std::unordered_map<PyObject*, int>& watchers() {
    static auto& counts = *new std::unordered_map<PyObject*, int>;
    return counts;
}

PyObject* tell(WatchedCode::Event event) {
    if (!callback_of_all(Gil::held_by_caller(), event)) return nullptr;
    Py_RETURN_NONE;
}

PyObject* on_start(PyObject*, PyObject* const*, Py_ssize_t) {
    return tell(WatchedCode::Event::kBegins);
}

enum class Place { kJump, kAfterCall, kOther };

Place place_of(PyObject* code, Py_ssize_t offset) {
    constexpr unsigned char kCache = 0;  // follows an instruction, and belongs to it
    const PyRef bytes = PyRef::steal(PyCode_GetCode(reinterpret_cast<PyCodeObject*>(code)));
    if (offset < 0 || offset >= PyBytes_GET_SIZE(bytes.get())) return Place::kOther;
    const auto* all = reinterpret_cast<const unsigned char*>(PyBytes_AS_STRING(bytes.get()));
    if (all[offset] == jump_backward) return Place::kJump;
    Py_ssize_t before = offset - 2;
    while (before > 0 && all[before] == kCache) before -= 2;
    return before >= 0 && calls.at(all[before]) ? Place::kAfterCall : Place::kOther;
}

// Called with the code and the offset of an instruction that is about to run. Not for JUMP events:
// CPython 3.12 to 3.14 look for the handler of an exception of such an event at a wrong place.
PyObject* on_instruction(PyObject*, PyObject* const* arguments, Py_ssize_t count) {
    try {
        if (count != 2) Py_RETURN_NONE;
        const Place place = place_of(arguments[0], PyLong_AsSsize_t(arguments[1]));
        if (place == Place::kJump) return tell(WatchedCode::Event::kJumpsBack);
        PyObject* told = tell(WatchedCode::Event::kGoesOn);
        // CPython stops watching a place for all threads. Another thread may wait in a call, and
        // relies on the event after the call.
        if (told == nullptr || place == Place::kAfterCall) return told;
        Py_DECREF(told);
        return Py_NewRef(disable);
    } catch (...) {
        loop_bridge::set_handled_exception(Gil::held_by_caller());
        PyErr_WriteUnraisable(arguments[0]);
        Py_RETURN_NONE;
    }
}

template <class Function>
PyMethodDef method(const char* name, Function* function) {
    return {name, reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function)),
            METH_FASTCALL, nullptr};
}

PyMethodDef start_method = method("on_start", on_start);
PyMethodDef instruction_method = method("on_instruction", on_instruction);

void register_callback(Gil, const char* event, PyMethodDef& method) {
    const PyRef events = PyRef::steal(PyObject_GetAttrString(monitoring, "events"));
    const PyRef which = PyRef::steal(PyObject_GetAttrString(events.get(), event));
    const PyRef callback = PyRef::steal(PyCFunction_New(&method, nullptr));
    PyRef::steal(PyObject_CallMethod(monitoring, "register_callback", "iOO", number, which.get(),
                                     callback.get()));
    events_watched |= static_cast<int>(PyLong_AsLong(which.get()));
}

void register_callbacks(Gil gil) {
    disable = PyRef::steal(PyObject_GetAttrString(monitoring, "DISABLE")).release();
    const PyRef opcode = PyRef::steal(PyImport_ImportModule("opcode"));
    const PyRef numbers = PyRef::steal(PyObject_GetAttrString(opcode.get(), "opmap"));
    const PyRef jump = PyRef::steal(PyMapping_GetItemString(numbers.get(), "JUMP_BACKWARD"));
    jump_backward = static_cast<int>(PyLong_AsLong(jump.get()));
    Py_ssize_t position = 0;
    PyObject* name = nullptr;
    PyObject* value = nullptr;
    while (PyDict_Next(numbers.get(), &position, &name, &value) != 0) {
        const long opcode_number = PyLong_AsLong(value);
        const char* text = PyUnicode_AsUTF8(name);
        if (text == nullptr) throw PyError{};
        if (opcode_number >= 0 && opcode_number < static_cast<long>(calls.size())) {
            calls.at(static_cast<std::size_t>(opcode_number)) = std::strncmp(text, "CALL", 4) == 0;
        }
    }
    register_callback(gil, "PY_START", start_method);
    register_callback(gil, "INSTRUCTION", instruction_method);
}

// Leaves a pending exception as it is. If CPython refuses, the returns of the code's functions are
// watched instead. There is no report, since a report would run Python code.
void set_events(Gil gil, PyObject* code, int events) noexcept {
    if (number < 0) return;
    PyObject* pending = loop_bridge::take_error(gil);
    PyObject* done =
        PyObject_CallMethod(monitoring, "set_local_events", "iOi", number, code, events);
    if (done == nullptr) PyErr_Clear();
    Py_XDECREF(done);
    if (pending != nullptr) loop_bridge::set_error(gil, pending);
    Py_XDECREF(pending);
}

}  // namespace

bool WatchedCode::start(Gil gil, Callback callback) noexcept {
    callback_of_all = callback;
    PyObject* module = PySys_GetObject("monitoring");  // borrowed; from CPython 3.12 on
    if (module == nullptr) return false;
    monitoring = PyRef::borrow(module).release();
    for (const int free : kNumbers) {
        PyObject* taken = PyObject_CallMethod(module, "use_tool_id", "is", free, kName);
        if (taken == nullptr) {
            PyErr_Clear();
            continue;
        }
        Py_DECREF(taken);
        number = free;
        try {
            register_callbacks(gil);
            return true;
        } catch (...) {
            loop_bridge::set_handled_exception(gil);
            PyErr_WriteUnraisable(module);
            return false;
        }
    }
    return false;
}

void WatchedCode::add(Gil gil, std::vector<WatchedCode>& codes, PyObject* code) noexcept {
    constexpr std::size_t kMost = 8;
    if (contains(codes, code)) return;
    if (codes.size() == kMost) codes.erase(codes.begin());
    try {
        codes.emplace_back(gil, code);
    } catch (const std::bad_alloc&) {
        return;
    }
}

bool WatchedCode::contains(const std::vector<WatchedCode>& codes, const PyObject* code) noexcept {
    const auto is_code = [=](const WatchedCode& other) { return other.code_ == code; };
    return std::any_of(codes.begin(), codes.end(), is_code);
}

WatchedCode::WatchedCode(Gil gil, PyObject* code) {
    const bool first = watchers()[code]++ == 0;
    code_ = PyRef::borrow(code).release();
    if (first) set_events(gil, code_, events_watched);
}

void WatchedCode::end() noexcept {
    if (code_ == nullptr) return;
    if (const auto known = watchers().find(code_); --known->second == 0) {
        watchers().erase(known);
        set_events(Gil::held_by_caller(), code_, 0);
    }
    Py_CLEAR(code_);
}

}  // namespace nif
