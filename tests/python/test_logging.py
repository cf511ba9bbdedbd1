# SPDX-License-Identifier: Apache-2.0
"""Python's output and logs on their way to Erlang's logger; logging_SUITE has the Erlang side."""

import io
import itertools
import logging
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from erlang._line_stream import LineStream
from erlang._logging import ErlangHandler
from erlang._outbox import Line, Outbox

ROOT = Path(__file__).resolve().parents[2]


def line(text: str) -> Line:
    return Line(20, "test", text, 0, "thread", None)


class SmallOutbox(Outbox):
    MOST_LINES = 3
    MOST_CHARACTERS = 100
    BATCH_LINES = 2
    PATIENCE = 0.01


def texts(outbox: Outbox) -> list[str]:
    """The texts of all batches."""
    found: list[str] = []
    while lines := outbox.take().lines:
        found += [each.text for each in lines]
    return found


def test_the_reader_is_called_once_after_each_take() -> None:
    calls: list[int] = []
    outbox = SmallOutbox()
    outbox.attach(lambda: calls.append(len(calls)))
    outbox.put(line("before the first take"))
    assert calls == []
    assert texts(outbox) == ["before the first take"]
    for text in "abc":
        outbox.put(line(text))
    assert len(calls) == 1
    assert [each.text for each in outbox.take().lines] == ["a", "b"]
    assert len(calls) == 2  # for the rest
    assert texts(outbox) == ["c"]
    outbox.put(line("d"))
    assert len(calls) == 3


def test_what_finds_no_room_is_counted_once() -> None:
    outbox = SmallOutbox()
    for number in range(10):
        outbox.put(line(str(number)))
    first = outbox.take()
    assert (first.dropped, len(first.lines)) == (7, 2)
    outbox.put(line("room again"))
    second = outbox.take()
    assert (second.dropped, [each.text for each in second.lines]) == (0, ["2", "room again"])


def test_batches_say_how_many_lines_were_before_them() -> None:
    outbox = SmallOutbox()
    for number in range(10):
        outbox.put(line(str(number)))
    assert [outbox.take().earlier for _ in range(3)] == [0, 9, 10]
    assert outbox.attach(lambda: None) == 10


def test_characters_are_bounded_too_but_any_line_passes_alone() -> None:
    outbox = SmallOutbox()
    outbox.put(line("x" * 1000))
    outbox.put(line("y"))
    batch = outbox.take()
    assert (batch.dropped, [len(each.text) for each in batch.lines]) == (1, [1000])


def test_a_writer_waits_a_little_for_room() -> None:
    class PatientOutbox(SmallOutbox):
        PATIENCE = 60.0

    outbox = PatientOutbox()
    for text in "abc":
        outbox.put(line(text))
    writer = threading.Thread(target=outbox.put, args=(line("d"),))
    writer.start()
    seen = texts(outbox)
    writer.join()
    assert [*seen, *texts(outbox)] == ["a", "b", "c", "d"]


async def test_a_thread_with_a_loop_does_not_wait_for_room() -> None:
    class PatientOutbox(SmallOutbox):
        PATIENCE = 1e9

    outbox = PatientOutbox()
    for text in "abcd":
        outbox.put(line(text))
    assert outbox.take().dropped == 1


def test_lines_of_many_threads_are_neither_lost_nor_mixed() -> None:
    outbox = Outbox()
    stream = LineStream("out", 20, outbox, None)

    def work(number: int) -> None:
        for count in range(200):
            print(number, count, file=stream)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = [f"{number} {count}" for number, count in itertools.product(range(8), range(200))]
    assert sorted(texts(outbox)) == sorted(expected)


def test_a_threads_end_ends_its_line_and_leaves_nothing() -> None:
    outbox = Outbox()
    stream = LineStream("out", 20, outbox, None)
    for _ in range(20):
        thread = threading.Thread(target=stream.write, args=("half a line",))
        thread.start()
        thread.join()
    assert texts(outbox) == ["half a line"] * 20
    assert stream._partials == {}


def test_a_line_without_an_end_is_cut() -> None:
    class ShortStream(LineStream):
        LONGEST = 10

    outbox = Outbox()
    stream = ShortStream("out", 20, outbox, None)
    for _ in range(5):
        stream.write("12345")
    stream.write("\n")
    assert texts(outbox) == ["123451234512345", "1234512345"]


def test_the_stream_is_a_text_stream_like_any_other() -> None:
    stream = LineStream("out", 20, Outbox(), sys.__stdout__)
    assert (stream.encoding, stream.name) == ("utf-8", "<out>")
    assert stream.writable()
    assert not any([stream.readable(), stream.seekable(), stream.isatty(), stream.closed])
    assert stream.fileno() == 1
    stream.reconfigure(line_buffering=True)
    stream.close()
    assert stream.write("abc") == 3
    with pytest.raises(TypeError, match="must be str, not bytes"):
        stream.write(b"abc")  # type: ignore[arg-type]
    with pytest.raises(io.UnsupportedOperation):
        LineStream("out", 20, Outbox(), None).fileno()


def test_a_replaced_stream_writes_to_the_original() -> None:
    original = io.StringIO()
    stream = LineStream("out", 20, Outbox(), original)
    assert stream.replace() is original
    print("through", file=stream, flush=True)
    assert original.getvalue() == "through\n"


def test_a_record_that_can_not_be_formatted_is_reported_by_logging(
    capsys: pytest.CaptureFixture[str],
) -> None:
    outbox = Outbox()
    logger = logging.Logger("test")
    logger.addHandler(ErlangHandler(outbox))
    logger.warning("%d", "no number")
    assert "--- Logging error ---" in capsys.readouterr().err
    assert texts(outbox) == []


def test_filters_and_formatters_of_the_handler_work() -> None:
    outbox = Outbox()
    handler = ErlangHandler(outbox)
    handler.addFilter(lambda record: record.levelno >= logging.ERROR)
    handler.setFormatter(logging.Formatter("<%(message)s>"))
    logger = logging.Logger("test")
    logger.addHandler(handler)
    logger.warning("one")
    logger.error("two")
    assert texts(outbox) == ["<two>"]


def erlpy(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(sys.executable, "-I", "-S", str(ROOT / "tools/erlpy")),
            *("--config", str(ROOT / "tests/python/support/logger"), "-c", code),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_program_that_ends_loses_none_of_its_lines() -> None:
    ended = erlpy("for n in range(3000): print('line', n)\nprint('last', end='')")
    assert ended.returncode == 0, ended.stderr
    expected = [*(f"line {n}" for n in range(3000)), "last"]
    assert ended.stderr.splitlines() == [f'notice <<"stdout">> {text}' for text in expected]
    assert ended.stdout == ""


def test_an_uncaught_exception_of_the_program_is_one_event() -> None:
    ended = erlpy("import logging\nlogging.warning('%s', 'soon')\n1 / 0")
    assert ended.returncode == 1
    first, second = ended.stderr.splitlines()
    assert first == 'warning <<"root">> soon'
    assert second.startswith('error <<"py.exceptions">> Uncaught exception, Traceback')
    assert second.endswith("ZeroDivisionError: division by zero")
