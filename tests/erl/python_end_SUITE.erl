%% SPDX-License-Identifier: Apache-2.0
%% Python's exit hooks, threads and child processes at the node's end. A stop of the application is
%% not such an end: Python lives on and works afterwards.
-module(python_end_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

all() ->
    cases:of_suite(?MODULE).

%% The ways in which a node ends.
-define(ENDS, [[end_node], [stop, {end_node, 0}], [stop, start, end_node]]).

a_process_pool_ends_with_the_node(_Config) ->
    end_quietly([
        [{exec, pool(Method)} | Ends]
     || Method <- [<<"fork">>, <<"spawn">>, <<"forkserver">>], Ends <- ?ENDS
    ]).

pool(Method) ->
    <<"import concurrent.futures, math, multiprocessing, warnings\n"
      "warnings.simplefilter('ignore', DeprecationWarning)\n"
      "context = multiprocessing.get_context('",
        Method/binary,
        "')\n"
        "pool = concurrent.futures.ProcessPoolExecutor(1, context)\n"
        "assert pool.submit(math.sqrt, 16).result() == 4\n">>.

a_pool_of_multiprocessing_and_a_manager_end_with_the_node(_Config) ->
    Source =
        <<"import math, multiprocessing, warnings\n"
          "warnings.simplefilter('ignore', DeprecationWarning)\n"
          "pool = multiprocessing.Pool(2)\n"
          "assert pool.map(math.sqrt, [16]) == [4]\n"
          "manager = multiprocessing.Manager()\n"
          "shared = manager.dict(a=1)\n"
          "assert shared['a'] == 1\n">>,
    end_quietly([[{exec, Source} | Ends] || Ends <- ?ENDS]).

end_quietly(Cases) ->
    for_each(fun ends_quietly/1, Cases).

ends_quietly(Steps) ->
    {Ended, Left} = ending_node:run(Steps),
    ?assertEqual({Steps, {0, <<>>}}, {Steps, Ended}),
    ending_node:all_gone(Left).

hooks_of_threading_come_first_and_each_runs(_Config) ->
    Source =
        <<"import atexit, sys, threading\n"
          "def fail(error): raise error\n"
          "atexit.register(print, 'exit function')\n"
          "threading._register_atexit(print, 'first')\n"
          "threading._register_atexit(fail, ValueError('one'))\n"
          "threading._register_atexit(fail, SystemExit('two'))\n"
          "threading._register_atexit(\n"
          "    lambda: threading._register_atexit(print, 'registered by a hook'))\n"
          "threading._register_atexit(print, 'last')\n">>,
    {{0, Output}, Left} = ending_node:run([{exec, Source}, end_node]),
    ?assertMatch(<<"last\nregistered by a hook\nfirst\nexit function\n", _/binary>>, Output),
    [?assertEqual(1, occurrences(Text, Output)) || Text <- [<<"SystemExit: two">>, <<"ValueError: one">>]],
    ending_node:all_gone(Left).

threads_are_waited_for_before_exit_functions(_Config) ->
    Source =
        <<"import atexit, threading, time\n"
          "from concurrent.futures import ThreadPoolExecutor\n"
          "ending = threading.Event()\n"
          "atexit.register(print, 'exit function')\n"
          "def work(name):\n"
          "    ending.wait()\n"
          "    time.sleep(.3)\n"
          "    print(name)\n"
          "def end():\n"
          "    print('hook')\n"
          "    ending.set()\n"
          "threading.Thread(target=work, args=('thread',), daemon=False).start()\n"
          "threading.Thread(target=threading.Event().wait, daemon=True).start()\n"
          "pool = ThreadPoolExecutor(1)\n"
          "threading._register_atexit(end)\n">>,
    said(<<"hook\nthread\nexit function\n">>, [{exec, Source}, end_node]).

exit_functions_call_erlang(_Config) ->
    Source = <<"import atexit; atexit.register(erlang.call, 'say', 'called')">>,
    said(<<"called\n">>, [{exec, Source}, end_node]).

exit_functions_run_when_all_contexts_were_busy(_Config) ->
    Source =
        <<"import atexit\n"
          "atexit.register(erlang.call, 'say', 'called')\n"
          "def spin():\n"
          "    erlang.call('running')\n"
          "    while True: pass\n">>,
    said(<<"called\n">>, [
        {apply, application, set_env, [erlang_python, max_contexts, 3]},
        stop,
        start,
        {exec, Source},
        {apply, ending_node, keep_busy, [3]},
        end_node
    ]).

exit_functions_print_to_the_logger(_Config) ->
    {{0, Output}, _} = ending_node:run([
        {apply, application, set_env, [erlang_python, python_logging, logger]},
        stop,
        start,
        {exec, <<"import atexit, sys; atexit.register(print, 'at exit', file=sys.stderr)">>},
        end_node
    ]),
    ?assertMatch(<<"=WARNING REPORT====", _/binary>>, Output),
    ?assertEqual(1, occurrences(<<"===\nat exit\n">>, Output)).

exit_functions_run_once_at_the_nodes_end(_Config) ->
    Source = <<"import atexit; atexit.register(print, 'exit function')">>,
    Say = {exec, <<"print('still there')">>},
    said(<<"still there\nexit function\n">>, [{exec, Source}, stop, start, Say, end_node]),
    said(<<"exit function\nexit function\n">>, [{exec, Source}, stop, start, {exec, Source}, end_node]).

exit_functions_run_when_the_application_is_stopped(_Config) ->
    Source = <<"import atexit; atexit.register(print, 'exit function'); print('text', end=' ')">>,
    Says = {apply, file, write_file, ["/dev/stdout", "stopped\n", [raw, append]]},
    said(<<"text stopped\nexit function\n">>, [{exec, Source}, stop, Says, end_node]).

%% The end of a permanent application ends the node.
exit_functions_run_when_another_application_ends_the_node(_Config) ->
    {{Status, Output}, Left} = ending_node:run([
        {exec, pool(<<"fork">>)},
        {exec, <<"import atexit; atexit.register(print, 'exit function')">>},
        {apply, application, ensure_all_started, [sasl, permanent]},
        {apply, death, kill, [sasl_sup]}
    ]),
    ?assertEqual({1, 1}, {Status, occurrences(<<"exit function\n">>, Output)}),
    ending_node:all_gone(Left).

a_restart_within_the_node_is_no_end(_Config) ->
    Support = filename:dirname(code:which(restarting_node)),
    ?assertEqual(
        {0, <<"finalized\nstarted again\nfinalized\nexit function\n">>},
        os_node:run(["-pa", Support, "-eval", "restarting_node:run_finalizers()"])
    ).

libraries_work_after_a_stop(_Config) ->
    Before =
        <<"import logging, os, tempfile, weakref\n"
          "from concurrent.futures import ThreadPoolExecutor\n"
          "class Thing: pass\n"
          "first = tempfile.TemporaryDirectory()\n"
          "early, kept = Thing(), Thing()\n"
          "weakref.finalize(early, print, 'early')\n"
          "weakref.finalize(kept, print, 'kept')\n"
          "threads = ThreadPoolExecutor(1)\n"
          "assert threads.submit(abs, -1).result() == 1\n"
          "log = tempfile.NamedTemporaryFile()\n"
          "handler = logging.FileHandler(log.name)\n"
          "logging.getLogger('kept').addHandler(handler)\n">>,
    After =
        <<"assert os.path.isdir(first.name)\n"
          "second = tempfile.TemporaryDirectory()\n"
          "paths = [first.name, second.name]\n"
          "del first, second, early\n"
          "assert not any(map(os.path.exists, paths))\n"
          "assert threads.submit(abs, -2).result() == 2\n"
          "assert ThreadPoolExecutor(1).submit(abs, -3).result() == 3\n"
          "assert pool.submit(math.sqrt, 25).result() == 5\n"
          "assert concurrent.futures.ProcessPoolExecutor(1).submit(math.sqrt, 36).result() == 6\n"
          "logging.getLogger('kept').error('written')\n"
          "assert open(log.name).read() == 'written\\n'\n"
          "print('all work')\n"
          "third = tempfile.TemporaryDirectory()\n"
          "print(third.name)\n">>,
    {{0, Output}, Left} = ending_node:run([
        {exec, pool(<<"fork">>)}, {exec, Before}, stop, start, stop, start, {exec, After}, end_node
    ]),
    [<<"early">>, <<"all work">>, Third, <<"kept">>] = binary:split(
        Output, <<"\n">>, [global, trim]
    ),
    ?assertEqual({error, enoent}, file:read_file_info(Third)),
    ending_node:all_gone(Left).

%% Loops end first, whatever ends them: their last steps use threads.
hosted_loops_end_before_executors(_Config) ->
    Source =
        <<"import asyncio\n"
          "from concurrent.futures import ThreadPoolExecutor\n"
          "pool = ThreadPoolExecutor(1)\n"
          "async def serve():\n"
          "    loop = asyncio.get_running_loop()\n"
          "    try:\n"
          "        await loop.create_future()\n"
          "    finally:\n"
          "        print(await asyncio.to_thread(str, 'to_thread'), end=' ')\n"
          "        print(await loop.run_in_executor(pool, str, 'pool'), end=' ')\n"
          "        print(await loop.run_in_executor(None, str, 'default'))\n">>,

    Loops = [#{main => {'__main__', serve, [], #{}}, loop => Kind} || Kind <- [asyncio, uvloop]],
    Begin = [
        {exec, Source},
        {apply, application, set_env, [erlang_python, loops, Loops]},
        stop,
        start,
        {apply, ending_node, await_loops, [2]}
    ],
    Terminate = {exec, <<"import os, signal; os.kill(os.getpid(), signal.SIGTERM)">>},
    Once = <<"to_thread pool default\n">>,
    for_each(
        fun({Times, Ends}) -> said(binary:copy(Once, 2 * Times), Begin ++ Ends) end,
        [
            {1, [end_node]},
            {1, [{end_node, 0}]},
            {1, [Terminate]},
            {1, [stop, end_node]},
            {2, [stop, start, {apply, ending_node, await_loops, [2]}, end_node]}
        ]
    ).

daemonic_children_end_with_the_node(_Config) ->
    Child =
        <<"import multiprocessing, time, warnings\n"
          "warnings.simplefilter('ignore', DeprecationWarning)\n"
          "multiprocessing.Process(target=time.sleep, args=(600,), daemon=True).start()\n">>,
    end_quietly([
        [{exec, Child}, end_node],
        [{exec, Child}, stop, start, {exec, Child}, stop, start, end_node],
        [{exec, Child}, stop, start, {exec, Child}, stop, end_node]
    ]).

%% A worker in the middle of its work, a child that nothing tells to end, a child that ignores
%% SIGTERM.
children_that_do_not_end_are_ended(_Config) ->
    for_each(fun(Source) -> ends_and_says([<<"child process">>], Source) end, [
        <<(pool(<<"fork">>))/binary, "pool.submit(time.sleep, 600)\n">>,
        <<"multiprocessing.get_context('fork').Process(target=time.sleep, args=(600,)).start()\n">>,
        <<"told, tell = multiprocessing.Pipe(False)\n"
          "def refuse():\n"
          "    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
          "    tell.send('ready')\n"
          "    time.sleep(600)\n"
          "multiprocessing.get_context('fork').Process(target=refuse).start()\n"
          "assert told.recv() == 'ready'\n">>
    ]).

what_hangs_is_reported_and_the_rest_runs(_Config) ->
    for_each(fun({Name, Source}) -> ends_and_says([<<"did not end">>, Name], Source) end, [
        {<<"exit hook time.sleep">>, <<"threading._register_atexit(time.sleep, 600)\n">>},
        {<<"exit hook concurrent.futures.thread">>,
            <<"from concurrent.futures import ThreadPoolExecutor\n"
              "ThreadPoolExecutor(1).submit(time.sleep, 600)\n">>},
        {<<"exit functions of atexit">>, <<"atexit.register(time.sleep, 600)\n">>},
        {<<"thread 'endless'">>,
            <<"threading.Thread(\n"
              "    target=time.sleep, args=(600,), name='endless', daemon=False\n"
              ").start()\n">>}
    ]).

open_files_are_written_at_the_nodes_end(Config) ->
    Source =
        <<"import csv, gzip, io, os, zipfile\n"
          "text = open('text', 'w'); text.write('text')\n"
          "binary = open('binary', 'wb'); binary.write(b'binary')\n"
          "changed = open('changed', 'w+b'); changed.write(b'changed')\n"
          "table = csv.writer(open('table', 'w')); table.writerow([1, 2])\n"
          "output = os.fdopen(os.dup(1), 'w'); output.write('output')\n"
          "packed = gzip.open('packed', 'wb'); packed.write(b'packed')\n"
          "packed_text = gzip.open('packed_text', 'wt'); packed_text.write('packed text')\n"
          "fast = io.BufferedWriter(gzip.open('fast', 'wb')); fast.write(b'fast')\n"
          "archive = zipfile.ZipFile('archive', 'w'); archive.writestr('in', 'archive')\n"
          "class Footer(io.TextIOWrapper):\n"
          "    def close(self):\n"
          "        if not self.closed: self.write(' and end')\n"
          "        super().close()\n"
          "footer = Footer(open('footer', 'wb')); footer.write('begin')\n">>,
    Check = fun(Ends) ->
        Folder = new_folder(Config),
        {Ended, Left} = ending_node:run([{exec, in_folder(Folder, Source)} | Ends]),
        Read = fun(Name) -> element(2, file:read_file(filename:join(Folder, Name))) end,
        {ok, Archive} = zip:unzip(Read("archive"), [memory]),
        ?assertEqual({0, <<"output">>}, Ended),
        ?assertEqual(
            [<<"text">>, <<"binary">>, <<"changed">>, <<"1,2\r\n">>, <<"begin and end">>],
            [Read(Name) || Name <- ["text", "binary", "changed", "table", "footer"]]
        ),
        ?assertEqual(
            [<<"packed">>, <<"packed text">>, <<"fast">>],
            [zlib:gunzip(Read(Name)) || Name <- ["packed", "packed_text", "fast"]]
        ),
        ?assertEqual([{"in", <<"archive">>}], Archive),
        ending_node:all_gone(Left)
    end,
    for_each(Check, ?ENDS).

%% A pipe that nobody reads, also while a thread holds the lock of a file; a full disk.
files_that_cannot_be_written_are_reported_and_the_others_written(Config) ->
    Folder = new_folder(Config),
    Source =
        <<"import os, threading\n"
          "_, pipe = os.pipe()\n"
          "os.set_blocking(pipe, False)\n"
          "try:\n"
          "    while True: os.write(pipe, bytes(4096))\n"
          "except BlockingIOError:\n"
          "    os.set_blocking(pipe, True)\n"
          "stuck = open(pipe, 'w'); stuck.write('lost')\n"
          "locked = open(os.dup(pipe), 'wb'); locked.write(b'lost')\n"
          "threading.Thread(target=locked.write, args=(bytes(1_000_000),), daemon=True).start()\n"
          "full = open('/dev/full', 'w'); full.write('lost')\n"
          "reader, writer = os.pipe(); os.close(reader)\n"
          "unread = open(writer, 'w'); unread.write('lost')\n"
          "files = [open(str(number), 'w') for number in range(20)]\n"
          "for file in files: file.write(file.name)\n"
          "binary = [open('b' + str(number), 'wb') for number in range(20)]\n"
          "for file in binary: file.write(file.name.encode())\n">>,
    {{0, Output}, Left} = ending_node:run([{exec, in_folder(Folder, Source)}, end_node]),
    Names = [Kind ++ integer_to_list(Number) || Kind <- ["", "b"], Number <- lists:seq(0, 19)],
    [
        ?assertEqual({ok, list_to_binary(Name)}, file:read_file(filename:join(Folder, Name)))
     || Name <- Names
    ],
    Reports = [<<"the file '/dev/full' failed: [Errno 28] ">>, <<" did not end in time: ">>],
    [?assertNotEqual({Text, nomatch}, {Text, binary:match(Output, Text)}) || Text <- Reports],
    ?assertEqual(nomatch, binary:match(Output, <<"BrokenPipe">>)),
    ending_node:all_gone(Left).

new_folder(Config) ->
    Name = integer_to_list(erlang:unique_integer([positive])),
    Folder = filename:join(proplists:get_value(priv_dir, Config), Name),
    ok = file:make_dir(Folder),
    Folder.

in_folder(Folder, Source) ->
    <<"import os; os.chdir('", (list_to_binary(Folder))/binary, "')\n", Source/binary>>.

%% Hooks and exit functions run although the children do not end.
ends_and_says(Texts, Source) ->
    Before = <<
        "import atexit, multiprocessing, signal, threading, time, warnings\n"
        "warnings.simplefilter('ignore', DeprecationWarning)\n"
        "threading._register_atexit(print, 'a hook')\n"
    >>,
    After = <<"atexit.register(print, 'an exit function')\n">>,
    {{Status, Output}, Left} = ending_node:run([
        {exec, Before}, {exec, Source}, {exec, After}, end_node
    ]),
    Ran = [<<"a hook\n">>, <<"an exit function\n">>],
    Missing = [Text || Text <- Ran ++ Texts, binary:match(Output, Text) =:= nomatch],
    ?assertEqual({Source, 0, [], Output}, {Source, Status, Missing, Output}),
    ending_node:all_gone(Left).

%% All cases run at once, since they mostly wait.
for_each(Check, Cases) ->
    in_processes:values(length(Cases), fun(N) -> Check(lists:nth(N, Cases)) end).

said(Expected, Steps) ->
    {Ended, Left} = ending_node:run(Steps),
    ?assertEqual({0, Expected}, Ended),
    ending_node:all_gone(Left).

occurrences(Text, Output) ->
    length(binary:matches(Output, Text)).
