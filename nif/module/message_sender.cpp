// SPDX-License-Identifier: Apache-2.0
#include "nif/module/message_sender.h"

#include "nif/beam/atoms.h"
#include "nif/beam/messages.h"
#include "nif/calls/call_errors.h"
#include "nif/conversion/python_to_term.h"
#include "nif/node/bridge.h"

namespace nif {

using loop_bridge::Gil;
using loop_bridge::PyError;

namespace {

// The process that is registered under `name` on this node. Never makes a new atom.
ErlNifPid registered(Gil, PyObject* name) {
    Py_ssize_t size = 0;
    const char* text = PyUnicode_AsUTF8AndSize(name, &size);
    if (text == nullptr) throw PyError{};
    const TermEnv env = make_term_env();
    const auto atom = find_atom(env.get(), {text, static_cast<std::size_t>(size)});
    ErlNifPid pid;
    if (!atom || enif_whereis_pid(nullptr, *atom, &pid) == 0) {
        PyErr_Format(PyExc_ValueError, "no Erlang process is registered as %R on this node", name);
        throw PyError{};
    }
    return pid;
}

// A native thread can't send to other nodes: the coordinator sends for it.
void relay(Gil gil, const ConversionState& conversion, PyObject* to, PyObject* message) {
    TermEnv env = make_term_env();
    const ERL_NIF_TERM receiver = python_to_term(gil, conversion, env.get(), to, "to");
    const ERL_NIF_TERM term = python_to_term(gil, conversion, env.get(), message, "term");
    const ERL_NIF_TERM request = relay_message(env.get(), receiver, term);
    if (!Bridge::instance().tell_coordinator(std::move(env), request)) {
        loop_bridge::raise_python(gil, PyExc_RuntimeError, kNotRunning);
    }
}

bool is_name_and_node(Gil, const ConversionState& conversion, PyObject* to) {
    if (PyTuple_Check(to) == 0 || PyTuple_GET_SIZE(to) != 2) return false;
    return Py_TYPE(PyTuple_GET_ITEM(to, 0)) == conversion.atom_type() &&
           Py_TYPE(PyTuple_GET_ITEM(to, 1)) == conversion.atom_type();
}

}  // namespace

void send_message(Gil gil, const ConversionState& conversion, PyObject* to, PyObject* message) {
    ErlNifPid pid;
    if (PyUnicode_Check(to) != 0) {
        pid = registered(gil, to);
    } else if (!get_pid(gil, conversion, to, &pid)) {
        if (Py_TYPE(to) != conversion.pid_type() && !is_name_and_node(gil, conversion, to)) {
            PyErr_Format(PyExc_TypeError,
                         "send() takes a Pid, a registered name, or (Atom(name), Atom(node)), "
                         "not %.200s",
                         Py_TYPE(to)->tp_name);
            throw PyError{};
        }
        return relay(gil, conversion, to, message);
    }
    TermEnv env = make_term_env();
    const ERL_NIF_TERM term = python_to_term(gil, conversion, env.get(), message, "term");
    enif_send(nullptr, &pid, env.get(), term);
}

ErlNifPid pid_of(Gil gil, const ConversionState& conversion, PyObject* process) {
    ErlNifPid pid;
    if (get_pid(gil, conversion, process, &pid)) return pid;
    PyErr_Format(PyExc_TypeError, "expected the Pid of a process of this node, not %.200s",
                 Py_TYPE(process)->tp_name);
    throw PyError{};
}

void send_lines(const ErlNifPid& logger) {
    const TermEnv env = make_term_env();
    enif_send(nullptr, &logger, env.get(), lines_message());
}

}  // namespace nif
