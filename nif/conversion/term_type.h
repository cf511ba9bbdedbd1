// SPDX-License-Identifier: Apache-2.0
// term_type.h: erlang.Pid, Ref, Port and Fun: Python objects that hold an Erlang term.
// Threads: with the GIL.
#pragma once

#include <erl_nif.h>

#include <string>

#include "loop_bridge/python/gil.h"
#include "loop_bridge/python/py_ref.h"

namespace nif {

loop_bridge::PyRef make_pid_type(loop_bridge::Gil gil, PyObject* module);
loop_bridge::PyRef make_ref_type(loop_bridge::Gil gil, PyObject* module);
loop_bridge::PyRef make_port_type(loop_bridge::Gil gil, PyObject* module);
loop_bridge::PyRef make_fun_type(loop_bridge::Gil gil, PyObject* module);

// Makes an object of one of these types, with a copy of `term`.
loop_bridge::PyRef make_term_object(loop_bridge::Gil gil, PyTypeObject* type, ErlNifEnv* env,
                                    ERL_NIF_TERM term);

// The term of such an object, valid as long as the object lives.
ERL_NIF_TERM held_term(PyObject* object) noexcept;

// `term` as Erlang prints it, cut to about `limit` bytes of UTF-8.
std::string printed_term(ERL_NIF_TERM term, std::size_t limit = 80);

}  // namespace nif
