# SPDX-License-Identifier: Apache-2.0
"""Faults in the values of Elixir, and in the explanations of wrong arguments."""

from mutant import Mutant

VALUE_MUTANTS = (
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
