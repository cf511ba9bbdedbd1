# SPDX-License-Identifier: Apache-2.0
"""The main program of ``erlpy``: what CPython's ``main.c`` and ``pythonrun.c`` do, in their order.

A generator yields the steps of the program. nif/erlpy/main_program.cpp performs each step, then
sends the exception that the step raised. The generator is suspended meanwhile, so no frame of ours
is below the program's own frames.
"""

import gc
import os
import pkgutil
import signal
import sys
from collections.abc import Callable, Generator
from contextlib import suppress
from functools import partial
from importlib import import_module
from importlib.machinery import SourceFileLoader, SourcelessFileLoader
from importlib.util import MAGIC_NUMBER
from types import CodeType, FunctionType, ModuleType
from typing import TypeAlias, cast

import __main__

from ._ipython import add_erlang
from ._open_files import endings as endings_of_files
from ._statements import Statements, compile_command

# Source text: the file's name, its descriptor, and whether to skip the first line.
Source: TypeAlias = tuple[str, int, bool]
# Code or source to run in `__main__`, a function to call, or an exception to show.
Step: TypeAlias = CodeType | Source | Callable[[], object] | BaseException
Steps: TypeAlias = Generator[Step, BaseException | None, None]

STDIN = 0
# Whether a subclass of KeyboardInterrupt ends a program as KeyboardInterrupt does.
_SUBCLASSES_INTERRUPT = sys.version_info >= (3, 14)


class Program:
    """The program of a command line: ``-c``, ``-m``, a file, or none of them."""

    def __init__(
        self,
        command: str | None,
        module: str | None,
        filename: str | None,
        skip_first_line: bool,
        read_line: Callable[[str], bytes],
    ) -> None:
        self._command = command
        self._module = module
        self._filename = filename
        self._skip_first_line = skip_first_line
        self._read_line = read_line
        self._has_code = any(part is not None for part in (command, module, filename))
        self._inspecting = bool(sys.flags.inspect)  # SystemExit is shown and leads to the prompt
        self._left = False  # by SystemExit: no prompt any more
        self._interrupted = False  # by a KeyboardInterrupt that nothing caught
        self._code = 0

    def steps(self) -> Generator[Step, BaseException | None, int]:
        """Returns the exit code. A negative result is the signal that would end python3."""
        yield from self._attempt(self._main_part())
        wanted = sys.flags.inspect or variable("PYTHONINSPECT")
        if wanted and not self._left and at_terminal():
            self._inspecting = False  # from here on, SystemExit leaves
            self._code = 0
            self._forget_interrupt()
            yield from self._attempt(self._prompt())
        return -signal.SIGINT if self._interrupted else self._code

    def _attempt(self, steps: Steps) -> Steps:
        """Treats exceptions of our own code as the program's: a syntax error, a Ctrl-C."""
        try:
            yield from steps
        except BaseException as error:
            yield from self._fail(without_our_frames(error))

    def _fail(self, error: BaseException) -> Steps:
        if isinstance(error, SystemExit) and not self._inspecting:
            self._left = True
            self._code = exit_code(error)
            return
        self._interrupted = self._interrupted or is_interrupt(error)
        self._code = 1
        yield error

    def _forget_interrupt(self) -> None:
        # Before CPython 3.14, only an interrupted last statement sets the exit status.
        if sys.version_info < (3, 14):
            self._interrupted = False

    def _run(self, step: Step) -> Steps:
        error = yield step
        if error is not None:
            yield from self._fail(error)

    def _main_part(self) -> Steps:
        filename = self._filename
        importable = is_importable(filename)
        set_first_path(self._module, filename)
        self._greet()
        if not sys.flags.isolated and (sys.flags.inspect or not self._has_code):
            load_readline()
        if self._command is not None:
            sys.audit("cpython.run_command", self._command)
            yield from self._run(compile_command(self._command))
        elif self._module is not None:
            yield from self._run_module(self._module, True)
        elif importable:
            yield from self._run_module("__main__", False)
        elif filename is not None:
            yield from self._run_file(filename)
        elif at_terminal():
            self._inspecting = False
            yield from self._run_startup_file()
            if not self._left:
                yield from self._prompt()
            self._left = True
        else:
            yield from self._run_source(("<stdin>", STDIN, False))

    def _greet(self) -> None:
        prompt_follows = at_terminal() and not self._has_code
        if sys.flags.quiet or not (sys.flags.verbose or prompt_follows):
            return
        say(f"Python {sys.version} on {sys.platform}")
        if not sys.flags.no_site:
            say('Type "help", "copyright", "credits" or "license" for more information.')

    def _run_module(self, name: str, set_argv0: bool) -> Steps:
        sys.audit("cpython.run_module", name)
        if name.partition(".")[0] == "IPython":
            add_erlang()
        run = import_module("runpy")._run_module_as_main
        yield from self._run(partial(run, name, set_argv0))

    def _run_file(self, filename: str) -> Steps:
        sys.audit("cpython.run_file", filename)
        try:
            descriptor = os.open(filename, os.O_RDONLY)
        except OSError as error:
            path = os.path.abspath(filename)
            self._refuse(2, f"can't open file {path!r}: [Errno {error.errno}] {error.strerror}")
            return
        if os.path.isdir(filename):
            os.close(descriptor)
            self._refuse(1, f"{filename!r} is a directory, cannot continue")
            return
        yield from self._run_source((filename, descriptor, self._skip_first_line))

    def _refuse(self, code: int, why: str) -> None:
        self._code = code
        say(f"{sys.orig_argv[0]}: {why}")

    def _run_source(self, source: Source) -> Steps:
        name, descriptor, _ = source
        namespace = vars(__main__)
        entered = "__file__" not in namespace
        if entered:
            namespace["__file__"] = name
            if sys.version_info < (3, 15):
                namespace["__cached__"] = None
        step: Step = source
        if descriptor != STDIN:
            if is_compiled(name, descriptor):
                os.close(descriptor)
                namespace["__loader__"] = loader = SourcelessFileLoader("__main__", name)
                step = cast(CodeType, loader.get_code("__main__"))
            else:
                namespace["__loader__"] = SourceFileLoader("__main__", name)
        error = yield step
        flush_output()
        # Show the error first: its traceback may need __main__ as it was.
        if error is not None:
            yield from self._fail(error)
        if entered:
            namespace.pop("__file__", None)
            namespace.pop("__cached__", None)

    def _run_startup_file(self) -> Steps:
        name = variable("PYTHONSTARTUP")
        if not name:
            return
        try:
            descriptor = os.open(name, os.O_RDONLY)
        except OSError as error:
            say("Could not open PYTHONSTARTUP")
            yield error.with_traceback(None)
            return
        yield from self._run_source((name, descriptor, False))
        if not self._left:
            self._code = 0  # its error has been shown
            self._forget_interrupt()

    def _prompt(self) -> Steps:
        """Runs statements until the end of the input, or until SystemExit."""
        yield from self._run_interactive_hook()
        if self._left:
            return
        new_prompt = find_new_prompt()
        if new_prompt is not None:
            yield from self._run(new_prompt)
            return
        statements = Statements(self._read_line)
        while not self._left:
            try:
                code = statements.next()
            except (Exception, KeyboardInterrupt) as error:
                yield without_our_frames(error)
            else:
                if code is None:
                    break
                self._forget_interrupt()
                yield from self._run(code)
            flush_output()
        if not self._left:
            self._code = 0  # the errors have been shown

    def _run_interactive_hook(self) -> Steps:
        """Sets up completion and history as ``site`` has prepared them."""
        hook = getattr(sys, "__interactivehook__", None)
        if hook is None:
            return
        sys.audit("cpython.run_interactivehook", hook)
        error = yield hook
        if error is not None:
            say("Failed calling sys.__interactivehook__")
            yield from self._fail(error)


def is_importable(filename: str | None) -> bool:
    """Whether the program is a folder or an archive with a module ``__main__``."""
    return filename is not None and pkgutil.get_importer(filename) is not None


_first_path_is_set = False


def set_first_path(module: str | None, script: str | None) -> None:
    """Puts the folder on ``sys.path`` in which the program finds its own modules, once.

    The node does this before its first hosted loop starts, so that loops find the same modules. If
    it fails there, the program itself tries again and shows the error.
    """
    global _first_path_is_set
    if _first_path_is_set:
        return
    if is_importable(script):
        sys.path.insert(0, cast(str, script))
    elif not sys.flags.safe_path:
        if module is not None:
            folder = os.getcwd()
        else:
            folder = "" if script is None else os.path.dirname(os.path.realpath(script))
        sys.path.insert(0, folder)
    _first_path_is_set = True


def without_our_frames(error: BaseException) -> BaseException:
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_globals.get("__package__") == __package__:
        trace = trace.tb_next
    return error.with_traceback(trace)


def is_interrupt(error: BaseException) -> bool:
    """Whether the exception makes the process die by SIGINT."""
    if _SUBCLASSES_INTERRUPT:
        return isinstance(error, KeyboardInterrupt)
    return type(error) is KeyboardInterrupt


def at_terminal() -> bool:
    return bool(sys.flags.interactive) or os.isatty(STDIN)


def variable(name: str) -> str | None:
    return None if sys.flags.ignore_environment else os.environ.get(name)


def say(text: object, end: str = "\n") -> None:
    """Writes to standard error, even if the program has removed ``sys.stderr``."""
    print(text, end=end, file=getattr(sys, "stderr", None) or sys.__stderr__)


def flush_output() -> None:
    for name in ("stderr", "stdout"):
        with suppress(BaseException):
            getattr(sys, name).flush()


def load_readline() -> None:
    """Line editing for the prompt and for input()."""
    try:
        import readline  # noqa: F401
        import rlcompleter  # noqa: F401
    except ImportError:
        pass


def is_compiled(filename: str, descriptor: int) -> bool:
    if filename.endswith(".pyc"):
        return True
    try:
        return os.pread(descriptor, 2, 0) == MAGIC_NUMBER[:2]
    except OSError:
        return False  # a pipe, or a folder


def find_new_prompt() -> Callable[[], object] | None:
    """The prompt of CPython 3.13 and later, if this terminal has one."""
    basic = os.environ.get("PYTHON_BASIC_REPL")
    if (basic and not sys.flags.ignore_environment) or not os.isatty(STDIN):
        return None
    try:
        prompt = import_module("_pyrepl.main")
    except ImportError:
        return None
    if prompt.CAN_USE_PYREPL:
        return partial(prompt.interactive_console, mainmodule=__main__, pythonstartup=False)
    if prompt.FAIL_REASON and not basic:
        say(prompt.FAIL_REASON)
    return None


def exit_code(leaving: SystemExit) -> int:
    """The exit code of the process for a ``SystemExit``."""
    code = leaving.code
    if code is None:
        return 0
    if isinstance(code, int):
        # A number that a C long can't hold becomes -1.
        return code & 0xFF if -sys.maxsize - 1 <= code <= sys.maxsize else 0xFF
    with suppress(Exception):
        sys.stdout.flush()
    with suppress(Exception):
        say(code, end="")
    say("")
    return 1


def release_main_objects() -> None:
    """Releases the program's objects, as an interpreter's end would. A node never ends its own."""
    # Unless a running thread may still use the program's objects.
    if len(sys._current_frames()) == 1:
        _clear(__main__)
        gc.collect()
    for _, write in endings_of_files():
        with suppress(Exception):
            write()


def _clear(module: ModuleType) -> None:
    """Releases a module's objects. Their ``__del__`` runs, so objects that it may use go last."""
    names = vars(module)
    for kinds in ((type, FunctionType, ModuleType), ()):
        for name in list(names):
            if not isinstance(names[name], kinds) and not name.startswith("__"):
                names[name] = None
