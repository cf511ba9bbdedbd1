// SPDX-License-Identifier: Apache-2.0
#include "nif/conversion/value_path.h"

#include <algorithm>
#include <initializer_list>
#include <vector>

namespace nif {

using loop_bridge::Gil;
using loop_bridge::PyError;
using loop_bridge::PyRef;

namespace {

// Steps shown at each end of a long path.
constexpr std::size_t kStepsShown = 12;

// Instead of `"[" + text`, of which g++ 12 warns in release builds.
std::string joined(std::initializer_list<std::string_view> parts) {
    std::string text;
    for (const std::string_view part : parts) text += part;
    return text;
}

std::vector<const PathStep*> steps_from_root(const PathStep* last) {
    std::vector<const PathStep*> steps;
    for (const PathStep* step = last; step != nullptr; step = step->parent) steps.push_back(step);
    std::reverse(steps.begin(), steps.end());
    return steps;
}

// The longest prefix of at most `limit` bytes that does not cut a character.
std::string shortened(std::string text, std::size_t limit) {
    if (text.size() <= limit) return text;
    std::size_t end = limit;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    text.resize(end);
    return text + "...";
}

// `text` as UTF-8, with lone surrogates escaped.
std::string utf8_text(Gil, PyObject* text) {
    PyObject* bytes = PyUnicode_AsEncodedString(text, "utf-8", "backslashreplace");
    if (bytes == nullptr) {
        PyErr_Clear();
        return "?";
    }
    const PyRef owner = PyRef::steal(bytes);
    return {PyBytes_AS_STRING(bytes), static_cast<std::size_t>(PyBytes_GET_SIZE(bytes))};
}

// The attributes by which erlang._fields knows a class with named fields.
constexpr const char* kStructures[] = {"__dataclass_fields__", "__attrs_attrs__",
                                       "__struct_fields__", "__pydantic_serializer__"};

bool has_named_fields(Gil, PyObject* object) {
    if (object == nullptr) return false;
    auto* type = reinterpret_cast<PyObject*>(Py_TYPE(object));
    return std::any_of(std::begin(kStructures), std::end(kStructures), [type](const char* name) {
        PyObject* fields = PyObject_GetAttrString(type, name);
        if (fields == nullptr) PyErr_Clear();
        Py_XDECREF(fields);
        return fields != nullptr;
    });
}

std::string render_key(Gil gil, const PathStep& step) {
    PyObject* key = step.key;
    const bool field = PyUnicode_Check(key) && step.parent != nullptr &&
                       step.parent->kind == PathStep::Kind::kConverted &&
                       has_named_fields(gil, step.parent->container);
    if (field) return joined({".", shortened(utf8_text(gil, key), 80)});
    // An Atom equals its text, so ['name'] finds its entry and reads better.
    PyObject* plain = PyUnicode_Check(key) ? PyUnicode_FromObject(key) : nullptr;
    if (plain == nullptr) {
        PyErr_Clear();
        return joined({"[", short_repr(gil, key), "]"});
    }
    const PyRef owner = PyRef::steal(plain);
    return joined({"[", short_repr(gil, plain), "]"});
}

void append_step(Gil gil, std::string& path, const PathStep& step) {
    const auto index = [&step] { return joined({"[", std::to_string(step.index), "]"}); };
    switch (step.kind) {
        case PathStep::Kind::kIndex:
            path += index();
            break;
        case PathStep::Kind::kKey:
            path += render_key(gil, step);
            break;
        case PathStep::Kind::kElement:
            path = joined({"list(", path, ")", index()});
            break;
        case PathStep::Kind::kConverted:
            break;
    }
}

// Puts back what take_error() took; steals the reference.
void restore_error(Gil, PyObject* exception) {
#if PY_VERSION_HEX >= 0x030C0000
    PyErr_SetRaisedException(exception);
#else
    auto* type = reinterpret_cast<PyObject*>(Py_TYPE(exception));
    Py_INCREF(type);
    PyErr_Restore(type, exception, PyException_GetTraceback(exception));
#endif
}

void add_note(Gil, PyObject* exception, const std::string& note) {
    PyObject* done = PyObject_CallMethod(exception, "add_note", "s#", note.data(),
                                         static_cast<Py_ssize_t>(note.size()));
    if (done == nullptr) PyErr_Clear();  // the exception matters more than its note
    Py_XDECREF(done);
}

}  // namespace

std::string short_repr(Gil gil, PyObject* object, std::size_t limit) {
    PyObject* text = PyObject_Repr(object);
    if (text == nullptr) {
        PyErr_Clear();
        return std::string("<") + Py_TYPE(object)->tp_name + " object>";
    }
    const PyRef owner = PyRef::steal(text);
    return shortened(utf8_text(gil, text), limit);
}

std::string render_path(Gil gil, std::string_view root, const PathStep* last) {
    const std::vector<const PathStep*> steps = steps_from_root(last);
    std::string path{root};
    const bool elide = steps.size() > 2 * kStepsShown;
    for (std::size_t i = 0; i < steps.size(); ++i) {
        if (elide && i == kStepsShown) {
            path += "[...]";
            i = steps.size() - kStepsShown;
        }
        append_step(gil, path, *steps[i]);
    }
    return path;
}

void raise_at(Gil gil, PyObject* type, std::string_view root, const PathStep* last,
              std::string_view text) {
    PyErr_Clear();
    std::string message = render_path(gil, root, last);
    message += ": ";
    message += text;
    const PyRef value = PyRef::steal(
        PyUnicode_DecodeUTF8(message.data(), static_cast<Py_ssize_t>(message.size()), "replace"));
    PyErr_SetObject(type, value.get());
    throw PyError{};
}

void rethrow_with_place(Gil gil, std::string_view root, const PathStep* last,
                        std::string_view into) {
    // Take the exception out of the indicator first: rendering may run Python code.
    PyRef exception = PyRef::steal(loop_bridge::take_error(gil));
    add_note(gil, exception.get(),
             joined({"while converting ", render_path(gil, root, last), " to ", into}));
    restore_error(gil, exception.release());
    throw PyError{};
}

void raise_too_deep(Gil gil, std::string_view root, const PathStep* last, PyObject* value) {
    const PathStep end{last, value};
    const std::vector<const PathStep*> steps = steps_from_root(&end);
    // The chain has at most kMaxDepth steps. Comparing each with each is fast enough for an error.
    for (std::size_t i = 0; i < steps.size(); ++i) {
        PyObject* container = steps[i]->container;
        if (container == nullptr) continue;
        const auto again =
            std::find_if(steps.begin() + static_cast<std::ptrdiff_t>(i) + 1, steps.end(),
                         [&](const PathStep* step) { return step->container == container; });
        if (again == steps.end()) continue;
        raise_at(gil, PyExc_ValueError, root, *(again - 1),
                 "the '" + std::string(Py_TYPE(container)->tp_name) + "' here contains itself");
    }
    raise_at(gil, PyExc_RecursionError, root, last,
             "nested deeper than " + std::to_string(kMaxDepth) + " levels");
}

}  // namespace nif
