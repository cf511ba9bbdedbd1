# SPDX-License-Identifier: Apache-2.0
"""Faults in binaries, in the values of Elixir, and in the explanations of wrong arguments."""

from mutant import Mutant

VALUE_MUTANTS = (
    Mutant(
        "what is no text becomes bytes",
        "nif/conversion/term_to_python.cpp",
        '        std::string why{"the binary "};\n',
        "        return PyRef::steal(PyBytes_FromStringAndSize(data, size));\n"
        '        std::string why{"the binary "};\n',
        ("tests/python/test_conversion_binaries.py",),
    ),
    Mutant(
        "the registration goes before the call",
        "erl/src/py_function_call.erl",
        "binaries(_Function, {_, _, OfCall}) when OfCall =/= default -> OfCall;",
        "binaries({_, _, default}, {_, _, OfCall}) -> OfCall;",
        ("tests/python/test_conversion_binaries.py",),
    ),
    Mutant(
        "the node's choice is not for arguments of requests",
        "nif/requests/request_parts.cpp",
        "const Binaries users = Bridge::instance().binaries.load(std::memory_order_relaxed);",
        "const Binaries users = Binaries::kText;",
        ("binaries_SUITE",),
    ),
    Mutant(
        "names of keyword arguments are bytes",
        "nif/conversion/term_to_python.cpp",
        ".read_map(gil, map, Binaries::kText, at)",
        ".read_map(gil, map, binaries, at)",
        ("binaries_SUITE",),
    ),
    Mutant(
        "an activated environment goes before the configuration",
        "erl/src/erlpy_main.erl",
        "        {ok, _} -> ok\n",
        "        {ok, _} -> choose({chosen, Python})\n",
        ("tests/erlpy/test_interpreters.py",),
    ),
    Mutant(
        "None is always none",
        "nif/nif.cpp",
        "    none_spelling = options.none;\n",
        "",
        ("structs_SUITE",),
    ),
    Mutant(
        "a struct is always the dict of its fields",
        "nif/conversion/term_to_python.cpp",
        "is_struct = is_struct || entries.key() == atoms.struct_;",
        "is_struct = is_struct && entries.key() == atoms.struct_;",
        ("structs_SUITE",),
    ),
    Mutant(
        "a struct that Elixir enumerates is a dict",
        "pysrc/erlang/_structs.py",
        "    if name in _enumerable:\n",
        "    if name in ():\n",
        ("tests/python/test_conversion_structs.py",),
    ),
    Mutant(
        "structs inside of results have no adapter",
        "erl/src/py_function_call.erl",
        "py_adapter:adapt(py_function_target:run(Target, Args))",
        "py_function_target:run(Target, Args)",
        ("structs_SUITE",),
    ),
    Mutant(
        "a wrong argument is not explained",
        "erl/src/py_error_info.hrl",
        "[{error_info, #{module => py_error_info}}]",
        "[]",
        ("error_info_SUITE",),
    ),
)
