%% SPDX-License-Identifier: Apache-2.0
%% Functions of `py' that inspect and change the interpreter: virtual environments, memory,
%% tracebacks.
-module(environment_SUITE).

-include_lib("kernel/include/logger.hrl").
-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

all() ->
    cases:of_suite(?MODULE).

init_per_suite(Config) ->
    {ok, _} = application:ensure_all_started(erlang_python),
    Config.

end_per_suite(_Config) ->
    application:stop(erlang_python).

end_per_testcase(_Case, _Config) ->
    ok = py:deactivate_venv(),
    mailbox:assert_empty().

%% A virtual environment as the module `venv' makes it, without pip, with a module that has the
%% Name.
venv(Config, Name) ->
    Folder = filename:join(proplists:get_value(priv_dir, Config), Name),
    {ok, _} = py:call(venv, create, [unicode:characters_to_binary(Folder)]),
    Site = site_packages(Folder),
    ok = file:write_file(filename:join(Site, "its_" ++ Name ++ ".py"), ["name = '", Name, "'\n"]),
    unicode:characters_to_binary(Folder).

site_packages(Folder) ->
    {ok, Version} = py:eval(<<"'python%d.%d' % __import__('sys').version_info[:2]">>),
    filename:join([Folder, "lib", Version, "site-packages"]).

sys() ->
    Code = <<"(s.path, s.prefix, s.exec_prefix, s.executable, [repr(f) for f in s.meta_path])">>,
    {ok, Values} = py:eval(Code, #{}, 5000),
    Values.

a_venvs_packages_are_importable(Config) ->
    ok = py:exec(<<"import sys as s">>),
    Venv = venv(Config, "one"),
    ?assertMatch({error, {'ModuleNotFoundError', _}}, py:call(its_one, name, [])),
    ok = py:activate_venv(Venv),
    {ok, <<"one">>} = py:eval(<<"__import__('its_one').name">>),
    ?assertEqual({ok, Venv}, py:eval(<<"s.prefix">>)),
    ?assertEqual(
        {ok, filename:join([Venv, <<"bin">>, <<"python3">>])}, py:eval(<<"s.executable">>)
    ),
    Site = unicode:characters_to_binary(site_packages(Venv)),
    {ok, Info} = py:venv_info(),
    ?assertMatch(
        #{
            <<"active">> := true,
            <<"venv_path">> := Venv,
            <<"site_packages">> := Site,
            <<"sys_path">> := [Site | _]
        },
        Info
    ),
    %% A process that Python starts has these packages too.
    Run = <<
        "__import__('subprocess').check_output("
        "[s.executable, '-c', 'import its_one; print(its_one.name)'], text=True)"
    >>,
    ?assertEqual({ok, <<"one\n">>}, py:eval(Run)).

pth_files_count(Config) ->
    Venv = venv(Config, "pth"),
    Elsewhere = filename:join(proplists:get_value(priv_dir, Config), "elsewhere"),
    ok = filelib:ensure_path(Elsewhere),
    ok = file:write_file(filename:join(Elsewhere, "editable_one.py"), "value = 17\n"),
    Lines = [Elsewhere, "\nimport sys; sys.ran_by_pth = True\n"],
    ok = file:write_file(filename:join(site_packages(Venv), "editable.pth"), Lines),
    ok = py:activate_venv(binary_to_list(Venv)),
    ?assertEqual({ok, 17}, py:eval(<<"__import__('editable_one').value">>)),
    ?assertEqual({ok, true}, py:eval(<<"__import__('sys').ran_by_pth">>)).

deactivating_restores_everything(Config) ->
    ok = py:exec(<<"import sys as s">>),
    Before = sys(),
    Venv = venv(Config, "two"),
    Finder = "import sys; sys.meta_path.append(type('Finder', (), {'find_spec': lambda *a: None}))\n",
    ok = file:write_file(filename:join(site_packages(Venv), "finder.pth"), Finder),
    ok = py:activate_venv(Venv),
    ?assertNotEqual(Before, sys()),
    ok = py:deactivate_venv(),
    ?assertEqual(Before, sys()),
    ?assertEqual({ok, #{<<"active">> => false}}, py:venv_info()),
    ok = py:deactivate_venv(),
    ?assertEqual(Before, sys()).

activating_another_replaces_it(Config) ->
    ok = py:exec(<<"import sys as s">>),
    Before = sys(),
    [Three, Four] = [venv(Config, Name) || Name <- ["three", "four"]],
    ok = py:activate_venv(Three),
    ok = py:activate_venv(Three),
    ok = py:activate_venv(Four),
    ?assertMatch({error, {'ModuleNotFoundError', _}}, py:eval(<<"__import__('its_three')">>)),
    ok = py:deactivate_venv(),
    ?assertEqual(Before, sys()).

what_is_no_venv_is_refused(Config) ->
    Folder = unicode:characters_to_binary(proplists:get_value(priv_dir, Config)),
    ok = py:exec(<<"import sys as s">>),
    Before = sys(),
    Site = unicode:characters_to_binary(site_packages(Folder)),
    ?assertEqual({error, {invalid_venv, Site}}, py:activate_venv(Folder)),
    ?assertMatch({error, {invalid_venv, _}}, py:activate_venv(no_such_folder)),
    ?assertError(badarg, py:activate_venv(17)),
    ?assertEqual(Before, sys()),
    ?assertEqual({ok, #{<<"active">> => false}}, py:venv_info()).

garbage_is_collected_by_generation(_Config) ->
    {ok, _} = py:gc(),
    ok = py:exec(<<"for _ in range(10):\n    x = []\n    x.append(x)\ndel x">>),
    {ok, Found} = py:gc(2),
    ?assert(Found >= 10),
    ?assertMatch({ok, 0}, py:gc(0)),
    ?assertMatch({ok, _}, py:gc(1)),
    ?assertError(badarg, py:gc(3)).

memory_stats_have_the_published_keys(_Config) ->
    {ok, Stats} = py:memory_stats(),
    ?assertMatch(
        #{
            gc_stats := [#{<<"collections">> := _}, _, _],
            gc_count := {_, _, _},
            gc_threshold := {_, _, _}
        },
        Stats
    ),
    ?assertNot(maps:is_key(traced_memory_current, Stats)),
    {ok, none} = py:call(tracemalloc, start, []),
    {ok, Traced} = py:memory_stats(),
    {ok, none} = py:call(tracemalloc, stop, []),
    #{traced_memory_current := Current, traced_memory_peak := Peak} = Traced,
    ?assert(Current =< Peak).

the_last_traceback_is_the_processs_own(_Config) ->
    {error, {'ZeroDivisionError', _}} = py:eval(<<"1/0">>),
    {ok, Traceback} = py:last_traceback(),
    ?assertMatch(<<"Traceback (most recent call last):\n", _/binary>>, Traceback),
    ?assertNotEqual(nomatch, binary:match(Traceback, <<"ZeroDivisionError: division by zero">>)),
    ?assertEqual(nomatch, binary:match(Traceback, <<"_context.py">>)),
    ?assertEqual([{error, none}], in_processes:values(1, fun(_) -> py:last_traceback() end)),
    %% The traceback stays until the next exception.
    {ok, 1} = py:eval(<<"1">>),
    ?assertEqual({ok, Traceback}, py:last_traceback()).

%% The caller of a failed request decides whether the failure is worth a line, at every log level.
an_exception_that_its_caller_gets_is_logged_only_on_request(_Config) ->
    #{level := Primary} = logger:get_primary_config(),
    ok = logger:set_primary_config(level, debug),
    ok = log_to_test:start(debug),
    try
        {error, {'ZeroDivisionError', _}} = py:eval(<<"1/0">>),
        ?LOG_DEBUG("after the failure"),
        ?assertMatch(#{text := <<"after the failure">>}, log_to_test:next()),
        ok = logger:set_module_level(py_request_result, debug),
        {error, {'ZeroDivisionError', _}} = py:eval(<<"1/0">>),
        ?assertMatch(
            #{level := debug, text := <<"Python code called from Erlang raised:", _/binary>>},
            log_to_test:next()
        )
    after
        logger:unset_module_level(py_request_result),
        log_to_test:stop(),
        logger:set_primary_config(level, Primary)
    end.
