%% SPDX-License-Identifier: Apache-2.0
%% The code of a module that is being imported comes to its end, also if nobody waits for it. Python
%% forgets a module whose code failed. The modules that it has imported stay loaded: then they would
%% be no attributes of the package that is imported later.
-module(interrupted_import_SUITE).

-include_lib("common_test/include/ct.hrl").
-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

all() ->
    cases:of_suite(?MODULE).

init_per_suite(Config) ->
    {ok, _} = application:ensure_all_started(erlang_python),
    {ok, none} = py:eval(<<"__import__('sys').path.insert(0, folder)">>, #{
        folder => unicode:characters_to_binary(?config(priv_dir, Config))
    }),
    Config.

end_per_suite(_Config) ->
    _ = application:stop(erlang_python).

the_import_of_a_requests_module(Config) ->
    Go = package(imported_by_request, Config),
    ?assertEqual({error, timeout}, py:call(imported_by_request, answer, [], #{}, 100)),
    assert_whole(imported_by_request, Go).

an_import_by_the_request(Config) ->
    Go = package(imported_by_code, Config),
    ?assertEqual({error, timeout}, import(imported_by_code)),
    assert_whole(imported_by_code, Go).

an_import_by_a_module(Config) ->
    Go = package(inner_module, Config),
    ok = file:write_file(filename:join(?config(priv_dir, Config), "outer_module.py"), [
        "import inner_module\n"
        "answer = inner_module.answer\n"
    ]),
    ?assertEqual({error, timeout}, import(outer_module)),
    assert_whole(outer_module, Go).

an_import_whose_caller_dies(Config) ->
    Go = package(imported_for_dead, Config),
    Caller = spawn(fun() -> import(imported_for_dead, infinity) end),
    eventually:true(fun() -> filelib:is_file(begun(Go)) end),
    death:kill(Caller),
    assert_whole(imported_for_dead, Go).

reloading(Config) ->
    Go = package(reloaded, Config),
    ok = file:write_file(Go, ""),
    assert_whole(reloaded, Go),
    ok = file:delete(Go),
    Reload = <<"__import__('importlib').reload(__import__('reloaded'))">>,
    ?assertEqual({error, timeout}, py:eval(Reload, #{}, 100)),
    assert_whole(reloaded, Go).

an_import_whose_context_is_given_up(Config) ->
    Go = package(imported_for_long, Config),
    ?assertEqual({error, timeout}, import(imported_for_long)),
    GivenUp = interrupted_code:given_up(),
    eventually:true(fun() -> interrupted_code:given_up() > GivenUp end),
    assert_whole(imported_for_long, Go).

%% numpy can't be loaded twice by a process.
numpy(_Config) ->
    _ = in_processes:values(2, fun(N) ->
        Code = io_lib:format(
            "{ok, _} = application:ensure_all_started(erlang_python),"
            "py:call(numpy, sum, [[1, 2]], #{}, ~b),"
            "{ok, 3} = py:call(numpy, sum, [[1, 2]], #{}, 60000),"
            "init:stop(7).",
            [40 * N]
        ),
        Node = os_node:start(["-eval", lists:flatten(Code)]),
        ?assertMatch({7, _}, os_node:await_end(Node, 60000))
    end).

%% The package's code runs until the returned file exists.
package(Name, Config) ->
    Folder = filename:join(?config(priv_dir, Config), Name),
    Go = filename:join(Folder, "go"),
    ok = filelib:ensure_dir(Go),
    ok = file:write_file(filename:join(Folder, "part.py"), "X = 1\n"),
    ok = file:write_file(
        filename:join(Folder, "__init__.py"),
        io_lib:format(
            "import os\n"
            "import ~s.part\n"
            "open(~p, 'w').close()\n"
            "while not os.path.exists(~p):\n"
            "    pass\n"
            "def answer():\n"
            "    return part.X\n",
            [Name, begun(Go), Go]
        )
    ),
    Go.

begun(Go) ->
    Go ++ ".begun".

import(Name) ->
    import(Name, 100).

import(Name, Timeout) ->
    py:call(importlib, import_module, [atom_to_binary(Name)], #{}, Timeout).

assert_whole(Name, Go) ->
    ok = file:write_file(Go, ""),
    ?assertEqual({ok, 1}, py:call(Name, answer, [], #{}, 30000)).
