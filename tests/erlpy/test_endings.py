# SPDX-License-Identifier: Apache-2.0
"""The end of a main program: threads, exit functions, buffered output, forks."""

import gzip
import zipfile

import pytest
from conftest import ERLPY, PYTHON, SECONDS, Ended, Place


@pytest.mark.parametrize(
    "source",
    [
        # The program waits for threads, but not for daemons.
        "import threading, time\n"
        "threading.Thread(target=lambda: (time.sleep(.3), print('thread'))).start()\n"
        "threading.Thread(target=time.sleep, args=(600,), daemon=True).start()\n"
        "print('main')",
        # Even after a failure.
        "import threading, time\n"
        "threading.Thread(target=lambda: (time.sleep(.3), print('thread'))).start()\n"
        "1/0",
        # Exit functions run after the threads, the last one first. Errors in them are shown.
        "import atexit, threading, time\n"
        "atexit.register(print, 'first')\n"
        "atexit.register(lambda: 1/0)\n"
        "atexit.register(print, 'last')\n"
        "threading.Thread(target=lambda: (time.sleep(.2), print('thread'))).start()",
        "import atexit, sys\natexit.register(sys.exit, 3)\nsys.exit(4)",
        "import concurrent.futures as c, time\n"
        "c.ThreadPoolExecutor().submit(lambda: (time.sleep(.2), print('work')))",
        # Buffered output is written, also to files.
        "import sys\nsys.stdout.write('out')\nsys.stderr.write('err')\n"
        "f = open('file', 'w'); f.write('kept')\n",
        "print(open('file', 'a').write('x'), end='')",
        # Destructors.
        "class A:\n"
        "    def __init__(self, name): self.name = name\n"
        "    def __del__(self): print('del', self.name)\n"
        "a = A('a')\n_b = A('b')\nimport weakref\nweakref.finalize(a, print, 'finalized')",
        "import sys\nsys.stdout.close()",
        "import sys\nsys.stdout = None\nsys.stderr = None\n1/0",
        "import os, sys\nos.close(1)\nprint('lost')",
        "import threading\ndef f(): raise ValueError('in a thread')\n"
        "t = threading.Thread(target=f); t.start(); t.join()",
        "import asyncio\nasync def f(): raise ValueError\n"
        "async def main(): asyncio.create_task(f()); await asyncio.sleep(.1)\n"
        "asyncio.run(main())",
    ],
)
def test_the_end_of_a_program(place: Place, source: str) -> None:
    place.same(place.write("p.py", source))


def test_files_are_flushed(place: Place) -> None:
    source = (
        "import io\nf = open('text', 'w'); f.write('kept')\ng = open('raw', 'wb'); g.write(b'x')"
    )
    place.run(ERLPY, "-c", source)
    assert (place.folder / "text").read_text() == "kept"
    assert (place.folder / "raw").read_text() == "x"


def test_compressed_files_of_any_module_are_complete(place: Place) -> None:
    source = (
        "import gzip, sys, types, zipfile\n"
        "sys.modules['other'] = other = types.ModuleType('other')\n"
        "other.text = gzip.open('text.gz', 'wt'); other.text.write('kept')\n"
        "other.zip = zipfile.ZipFile('all.zip', 'w'); other.zip.writestr('name', 'kept')\n"
    )
    place.run(ERLPY, "-c", source)
    assert gzip.decompress((place.folder / "text.gz").read_bytes()) == b"kept"
    assert zipfile.ZipFile(place.folder / "all.zip").read("name") == b"kept"


@pytest.mark.parametrize("size", [10, 1_000_000])
def test_a_reader_that_leaves(place: Place, size: int) -> None:
    source = f"import sys\nfor _ in range({size}): print('line')"
    ends = []
    for starter in (PYTHON, ERLPY):
        process = place.start(starter, "-c", source)
        assert process.stdout is not None
        process.stdout.close()
        process.stdout = None
        _, error = process.communicate(timeout=SECONDS)
        ends.append((error, process.returncode))
    assert ends[1] == ends[0]


@pytest.mark.parametrize(
    "source",
    [
        "import threading\nthreading._shutdown = lambda: 1/0",
        "import sys\nclass W:\n  def flush(self): 1/0\n  def write(self, t): pass\n"
        "sys.stdout = W()",
        "import sys\nclass W:\n  def flush(self): 1/0\n  def write(self, t): pass\n"
        "sys.stderr = W()",
    ],
)
def test_what_fails_at_the_end_is_shown_as_ignored(place: Place, source: str) -> None:
    place.same(place.write("program.py", source))


@pytest.mark.parametrize(
    "source",
    [
        # A child that returns from the program ends as a process of its own.
        "import os\npid = os.fork()\nprint('child' if pid == 0 else os.waitpid(pid, 0)[1])",
        "import os, sys\npid = os.fork()\n"
        "if pid == 0: sys.exit(5)\nprint(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))",
        "import os, sys, atexit\natexit.register(print, 'bye')\nsys.stdout.flush()\n"
        "pid = os.fork()\n"
        "if pid == 0: 1/0\nprint(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))",
    ],
)
def test_forks(place: Place, source: str) -> None:
    place.same_but_for_fork(place.write("program.py", source))


@pytest.mark.parametrize(
    "source",
    [
        "import subprocess, os\n"
        "print(subprocess.run(['sh', '-c', 'exit 3']).returncode, os.system('exit 4') >> 8)\n"
        "print(subprocess.run(['sh', '-c', 'kill $$']).returncode)\n"
        "print(subprocess.run(['cat'], input=b'piped', capture_output=True))",
        "import subprocess, signal\n"
        "p = subprocess.Popen(['sleep', '600']); p.terminate(); print(p.wait())\n"
        "p = subprocess.Popen(['sleep', '600']); p.send_signal(signal.SIGINT); print(p.wait())",
        "import subprocess, sys\n"
        # Without its environment, which names the package to a child of a node.
        "show = 'import sys; print(sys.prefix, sys.path)'\n"
        "done = subprocess.run([sys.executable, '-E', '-c', show], capture_output=True)\n"
        "print(done.stdout, done.stderr, done.returncode)",
        "import asyncio\n"
        "async def main():\n"
        "    p = await asyncio.create_subprocess_exec('sh', '-c', 'cat; exit 3',"
        " stdin=-1, stdout=-1)\n"
        "    print(await p.communicate(b'x'), p.returncode)\n"
        "asyncio.run(main())",
    ],
)
def test_other_processes(place: Place, source: str) -> None:
    place.same(place.write("program.py", source))


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(place: Place, method: str) -> None:
    source = (
        "import multiprocessing as m\n"
        "from concurrent.futures import ProcessPoolExecutor\n"
        "def double(x): return x * 2\n"
        "def fail(): raise SystemExit(3)\n"
        "if __name__ == '__main__':\n"
        f"    m.set_start_method({method!r})\n"
        "    with m.Pool(2) as pool: print(pool.map(double, range(5)))\n"
        "    with ProcessPoolExecutor(2) as e: print(list(e.map(double, range(5))))\n"
        "    p = m.Process(target=fail); p.start(); p.join(); print(p.exitcode)\n"
        "    q = m.Queue(); p = m.Process(target=q.put, args=(1,)); p.start(); print(q.get())\n"
    )
    place.same(place.write("program.py", source))


def test_a_fork_calls_the_node(place: Place) -> None:
    source = (
        "import os, erlang\n"
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    print(erlang.call('double_it', 21))\n"
        "else:\n"
        "    os.waitpid(pid, 0)"
    )
    function = "py:register_function(double_it, fun([X]) -> X * 2 end)"
    ended = place.run(ERLPY, "--erl", function, "-W", "ignore", "-c", source)
    assert ended == Ended("42\n", "", 0)


def test_a_fork_that_gets_sigterm_leaves_the_node_alone(place: Place) -> None:
    place.same_but_for_fork(
        "-c",
        "import os, signal, time\n"
        "for _ in range(20):\n"
        "    pid = os.fork()\n"
        "    if pid == 0: time.sleep(600)\n"
        "    os.kill(pid, signal.SIGTERM)\n"
        "    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGTERM\n"
        "time.sleep(.2); print('the node lives')",
    )
