%% SPDX-License-Identifier: Apache-2.0
%% Threads of contexts and hosted loops have names in Python.
-module(thread_names_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

all() ->
    cases:of_suite(?MODULE).

init_per_suite(Config) ->
    python_side:start(source(), Config).

end_per_suite(_Config) ->
    application:stop(erlang_python).

source() ->
    <<"import logging, threading\n"
      "def name(): return threading.current_thread().name\n"
      "async def name_later(): return name()\n"
      "def logged():\n"
      "    record = logging.LogRecord('', 0, '', 0, '', (), None)\n"
      "    return logging.Formatter('%(threadName)s').format(record)\n"
      "def native():\n"
      "    with open(f'/proc/self/task/{threading.get_native_id()}/comm') as file:\n"
      "        return file.read().strip()\n"
      "def started():\n"
      "    names = []\n"
      "    thread = threading.Thread(target=lambda: names.append(name()))\n"
      "    thread.start()\n"
      "    thread.join()\n"
      "    return names\n"/utf8>>.

a_context_has_one_name(_Config) ->
    ok = py:context(),
    {ok, Name} = of_main(name),
    ?assertMatch(<<"py-context-", _/binary>>, Name),
    ?assertEqual({ok, Name}, of_main(name)),
    ?assertEqual({ok, Name}, of_main(logged)),
    ok = py:release_context().

%% The globals of a held context are its own.
of_main(Function) ->
    Code = <<"getattr(__import__('sys').modules['__main__'], f)()">>,
    py:eval(Code, #{f => atom_to_binary(Function)}).

the_name_of_the_systems_thread_stays(_Config) ->
    {ok, <<"py-context-", _/binary>>} = py:call('__main__', name, []),
    case os:type() of
        {unix, linux} -> ?assertEqual({ok, <<"py-context">>}, py:call('__main__', native, []));
        _ -> ok
    end.

two_contexts_have_two_names(_Config) ->
    ok = py:context(),
    {ok, Name} = of_main(name),
    {ok, Other} = py:await(py:call_async('__main__', name, [])),
    ok = py:release_context(),
    ?assertNotEqual(Name, Other).

threads_of_a_program_are_counted_as_in_python(_Config) ->
    ?assertMatch({ok, [<<"Thread-", _/binary>>]}, py:call('__main__', started, [])).

a_loop_is_called_after_its_process(_Config) ->
    lists:foreach(
        fun({Name, Expected}) ->
            {ok, Loop} = py_loop:start_link(#{name => Name}),
            ?assertEqual({ok, Expected}, py_loop:call(Loop, '__main__', name_later, [])),
            ?assertEqual({ok, Expected}, py_loop:call(Loop, '__main__', logged, [])),
            ok = py_loop:stop(Loop)
        end,
        [
            {web, <<"py-loop-web">>},
            {'größe', <<"py-loop-größe"/utf8>>},
            {{global, jobs}, <<"py-loop-jobs">>}
        ]
    ),
    {ok, Nameless} = py_loop:start_link(#{}),
    {ok, <<"py-loop-", Number/binary>>} = py_loop:call(Nameless, '__main__', name_later, []),
    ?assert(is_integer(binary_to_integer(Number))),
    ok = py_loop:stop(Nameless).
