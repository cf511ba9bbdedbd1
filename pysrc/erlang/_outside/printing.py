# SPDX-License-Identifier: Apache-2.0
"""Prints external terms as Erlang does, and orders identifiers as Erlang does."""

import re

from erlang._outside import external

_PLAIN_ATOM = re.compile(r"[a-z][A-Za-z0-9_@]*")
_RESERVED = frozenset(
    "after and andalso band begin bnot bor bsl bsr bxor case catch cond div else end fun if let "
    "maybe not of or orelse receive rem try when xor".split()
)
# Beyond these limits a term is printed as "...".
_LEVELS = 20
_ITEMS = 100

# The node that this process talks to. Erlang prints 0 for the node of a local identifier.
local_nodes: set[str] = {"nonode@nohost"}


def printed(data: bytes, at: int = 0, limit: int = 80) -> str:
    """The term at ``at``, cut to about ``limit`` characters."""
    text = _term(data, at, 0)[0]
    return text if len(text) <= limit else text[:limit] + "..."


def order(data: bytes) -> tuple[object, ...]:
    """A key that sorts the identifiers of one type as Erlang does."""
    if data[0] in external.FUN_TAGS:
        return data[0] == external.EXPORT, data
    node, creation, numbers, _ = external.identifier(data, 0)
    # The last word of a reference counts most, and of a process its serial.
    return numbers[::-1], node, creation


def _term(data: bytes, at: int, level: int) -> tuple[str, int]:
    """The text of the term at ``at``, and where the term ends."""
    if level > _LEVELS:
        return "...", external.end_of_term(data, at)
    tag = data[at]
    if tag in (external.SMALL_TUPLE, external.LARGE_TUPLE):
        count, at = external.step(data, at)
        items, at = _terms(data, at, count, level)
        return "{" + ",".join(items) + "}", at
    if tag == external.LIST:
        count, at = external.step(data, at)
        items, at = _terms(data, at, count - 1, level)
        tail, end = _term(data, at, level + 1)
        return "[" + ",".join(items) + ("]" if data[at] == external.NIL else f"|{tail}]"), end
    if tag == external.MAP:
        count, at = external.step(data, at)
        items, at = _terms(data, at, count, level)
        pairs = zip(items[::2], items[1::2], strict=False)
        return "#{" + ",".join(f"{key} => {value}" for key, value in pairs) + "}", at
    return _leaf(data, at), external.end_of_term(data, at)


def _terms(data: bytes, at: int, count: int, level: int) -> tuple[list[str], int]:
    items = []
    for number in range(count):
        if number == _ITEMS:
            items.append("...")
        if number < _ITEMS:
            text, at = _term(data, at, level + 1)
            items.append(text)
        else:
            at = external.end_of_term(data, at)
    return items, at


def _leaf(data: bytes, at: int) -> str:
    tag = data[at]
    if tag in external.ATOM_TAGS:
        return _atom(external.atom(data, at)[0])
    if tag in external.PID_TAGS:
        node, _, numbers, _ = external.identifier(data, at)
        return f"<{_node(node)}.{'.'.join(map(str, numbers))}>"
    if tag in external.PORT_TAGS:
        node, _, numbers, _ = external.identifier(data, at)
        return f"#Port<{_node(node)}.{numbers[0]}>"
    if tag in external.REFERENCE_TAGS:
        node, _, numbers, _ = external.identifier(data, at)
        return f"#Ref<{_node(node)}.{'.'.join(map(str, numbers[::-1]))}>"
    if tag == external.EXPORT:
        module, at = external.atom(data, at + 1)
        name, at = external.atom(data, at)
        return f"fun {_atom(module)}:{_atom(name)}/{data[at + 1]}"
    if tag == external.NEW_FUN:
        # Size, arity, checksum, index and number of free variables come before the module.
        module, end = external.atom(data, at + 30)
        index, end = external.integer(data, end)
        unique, _ = external.integer(data, end)
        return f"#Fun<{_atom(module)}.{index}.{unique}>"
    if tag == external.NEW_FLOAT:
        return f"{external.DOUBLE.unpack_from(data, at + 1)[0]:.6e}"
    if tag == external.NIL:
        return "[]"
    if tag == external.STRING:
        content = data[at + 3 : external.end_of_term(data, at)]
        return "[" + ",".join(map(str, content)) + "]"
    if tag == external.BINARY:
        return _binary(data[at + 5 : external.end_of_term(data, at)], 8)
    if tag == external.BIT_BINARY:
        return _binary(data[at + 6 : external.end_of_term(data, at)], data[at + 5])
    return str(external.integer(data, at)[0])


def _atom(text: str) -> str:
    if _PLAIN_ATOM.fullmatch(text) and text not in _RESERVED:
        return text
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _node(name: str) -> str:
    return "0" if name in local_nodes else name


def _binary(content: bytes, last_bits: int) -> str:
    if last_bits == 8 and content and all(32 <= byte < 127 for byte in content):
        return f'<<"{content.decode()}">>'
    numbers = [str(byte) for byte in content[:_ITEMS]]
    if last_bits != 8 and len(content) <= _ITEMS:
        numbers[-1] = f"{content[-1] >> (8 - last_bits)}:{last_bits}"
    if len(content) > _ITEMS:
        numbers.append("...")
    return "<<" + ",".join(numbers) + ">>"
