# SPDX-License-Identifier: Apache-2.0
"""Whoever connects to the node's socket can harm only the own connection."""

import os
import socket
import stat
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import becomes_true
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import erlang

ADDRESS = os.environ["ERLANG_PYTHON_SOCKET"]
CALL = struct.Struct(">BQIBBI")
NO_LIMIT = 0xFFFFFFFF


class Client:
    """A connection that sends what it likes."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        self.socket.connect(ADDRESS)
        self.hello = self.frame()

    def frame(self) -> bytes:
        """The next frame; nothing at the end of the connection."""
        head = self.received(4)
        return self.received(struct.unpack(">I", head)[0]) if head else b""

    def received(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            try:
                chunk = self.socket.recv(size - len(data))
            except ConnectionResetError:
                return b""
            if not chunk:
                return b""
            data += chunk
        return data

    def send(self, frame: bytes) -> None:
        self.socket.sendall(struct.pack(">I", len(frame)) + frame)

    def call(self, name: bytes, args: bytes, number: int = 7) -> bytes:
        self.send(CALL.pack(1, number, NO_LIMIT, 0, 0, len(name)) + name + args)
        return self.frame()


@pytest.fixture
def client() -> Iterator[Client]:
    client = Client()
    yield client
    client.socket.close()
    assert erlang.call("echo", "the node goes on") == "the node goes on"


def test_only_the_nodes_user_can_enter_the_folder() -> None:
    status = Path(ADDRESS).parent.stat()
    assert stat.S_IMODE(status.st_mode) == 0o700
    assert status.st_uid == os.geteuid()


def test_a_well_formed_call_is_answered(client: Client) -> None:
    assert client.hello[0] == 4
    assert client.call(b"double_it", b"\x83k\0\1\x15") == b"\5" + struct.pack(">Q", 7) + b"\1\x83a*"


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"\0",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\1",
        CALL.pack(1, 1, NO_LIMIT, 3, 0, 0),  # an unknown choice of overload
        CALL.pack(1, 1, NO_LIMIT, 0, 0, 100) + b"short",
        b"\2" + b"\0" * 7,
        b"\4",
    ],
)
def test_frames_of_another_protocol_end_the_connection(client: Client, frame: bytes) -> None:
    client.send(frame)
    assert client.frame() == b""


def test_text_without_frames_ends_the_connection(client: Client) -> None:
    client.socket.sendall(b"GET / HTTP/1.1\r\n\r\n")  # "GET " is a size of over a gigabyte
    assert client.frame() == b""


@pytest.mark.parametrize("size", [(1 << 27) + 1, (1 << 31) - 1, (1 << 32) - 1])
def test_a_huge_frame_is_refused_by_its_size(client: Client, size: int) -> None:
    client.socket.sendall(struct.pack(">I", size))
    assert client.frame() == b""


def test_half_a_frame_holds_up_nobody(client: Client) -> None:
    client.socket.sendall(struct.pack(">I", 1000) + b"\1")
    other = Client()
    assert other.call(b"double_it", b"\x83k\0\1\x15")[0] == 5
    other.socket.close()


@pytest.mark.parametrize(
    "args",
    [
        b"",
        b"\x83",
        b"no term",
        b"\x83a\1",  # no list
        b"\x83l\0\0\0\1a\1a\2",  # an improper list
        b"\x83l\xff\xff\xff\xffj",  # a list of four thousand million elements
        b"\x83j rest",
        b"\x83k\0\1\x15\x83",
        b"\x83l\0\0\0\1w\x1bno_such_atom_in_this_node_1j",
        b"\x83l\0\0\0\1P\0\0\0\3x\x9cKL\x04\0\0\0j",  # compressed
        b"\x83P\xff\xff\xff\xff\x78\x9c",
    ],
)
def test_arguments_that_cannot_be_decoded_fail_their_call_only(client: Client, args: bytes) -> None:
    atoms = erlang.call("conversion_term", "erlang:system_info(atom_count)")
    answer = client.call(b"echo", args)
    assert answer[:9] == b"\6" + struct.pack(">Q", 7)
    assert b"the node can't decode the arguments" in answer
    assert client.call(b"double_it", b"\x83k\0\1\x15", 8)[0] == 5
    assert erlang.call("conversion_term", "erlang:system_info(atom_count)") == atoms


def test_cancelling_calls_that_are_not_there_does_nothing(client: Client) -> None:
    client.send(b"\2" + struct.pack(">QQ", 1, (1 << 64) - 1))
    assert client.call(b"double_it", b"\x83k\0\1\x15")[0] == 5


def test_texts_that_are_no_atoms_are_ignored(client: Client) -> None:
    client.send(b"\3\x83j")  # loads the code, which has atoms
    assert client.call(b"double_it", b"\x83k\0\1\x15")[0] == 5
    before = erlang.call("conversion_term", "erlang:system_info(atom_count)")
    for texts in (b"", b"\x83j", b"\x83a\1", b"\x83l\0\0\0\1m\0\0\0\1\xffj", b"no term"):
        client.send(b"\3" + texts)
    assert client.call(b"double_it", b"\x83k\0\1\x15")[0] == 5
    assert erlang.call("conversion_term", "erlang:system_info(atom_count)") == before


def test_a_client_that_reads_nothing_holds_up_nobody(client: Client) -> None:
    blob = b"\x83l\0\0\0\1b" + struct.pack(">i", 1 << 20) + b"j"
    for number in range(20):
        name = b"blob"
        client.send(CALL.pack(1, number, NO_LIMIT, 0, 0, len(name)) + name + blob)
    other = Client()
    assert other.call(b"double_it", b"\x83k\0\1\x15")[0] == 5
    other.socket.close()


def test_many_connections_come_and_go() -> None:
    handlers = erlang.call("bridge_info")["handlers"]
    clients = [Client() for _ in range(200)]
    for client in clients:
        client.socket.close()
    assert becomes_true(lambda: erlang.call("bridge_info")["handlers"] <= handlers)


chunks = st.lists(
    st.one_of(
        st.binary(max_size=40),
        st.builds(
            lambda kind, rest: struct.pack(">I", len(rest) + 1) + bytes((kind,)) + rest,
            st.integers(0, 8),
            st.binary(max_size=60),
        ),
        st.builds(
            lambda number, limit, args: (
                struct.pack(">I", CALL.size + 4 + len(args))
                + CALL.pack(1, number, limit, 0, 0, 4)
                + b"echo"
                + args
            ),
            st.integers(0, (1 << 64) - 1),
            st.integers(0, NO_LIMIT),
            st.one_of(
                st.binary(max_size=60), st.binary(max_size=60).map(lambda data: b"\x83" + data)
            ),
        ),
    ),
    max_size=6,
)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(chunks)
def test_any_bytes_harm_nobody(sent: list[bytes]) -> None:
    client = Client()
    try:
        for chunk in sent:
            client.socket.sendall(chunk)
    except (BrokenPipeError, ConnectionResetError):
        pass
    client.socket.close()
    assert erlang.call("double_it", 21) == 42
