%% SPDX-License-Identifier: Apache-2.0
%% When Python can't be started, the start of the application fails with the reason, and the node
%% goes on.
-module(start_failure_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

all() ->
    cases:of_suite(?MODULE).

what_is_no_python_is_refused(_Config) ->
    Executable = list_to_binary(os:find_executable("ls")),
    ?assertMatch(
        {bad_option, python, Executable, {not_a_python_interpreter, <<_, _/binary>>}},
        failure([], Executable)
    ).

%% This executable answers like another version of CPython.
another_version_is_refused(Config) ->
    Executable = filename:join(proplists:get_value(priv_dir, Config), "python3"),
    ok = file:write_file(Executable, "#!/bin/sh\necho cpython 3.2.1\n"),
    ok = file:change_mode(Executable, 8#755),
    Name = list_to_binary(Executable),
    {bad_option, python, Name, {another_version, <<"3.2.1">>, {library, Library}, Remedy}} =
        failure([], Name),
    %% It says what to do: another interpreter, or another build.
    Parts = [<<"CPython ", Library/binary>>, <<"PYTHON=", Name/binary, " rebar3 compile">>],
    [?assertNotEqual(nomatch, binary:match(Remedy, Part), Remedy) || Part <- Parts].

%% This executable answers like a CPython without the GIL, of the same version as the library.
a_free_threaded_python_is_refused(Config) ->
    Folder = filename:join(proplists:get_value(priv_dir, Config), "free_threaded"),
    Executable = filename:join(Folder, "python3"),
    ok = filelib:ensure_dir(Executable),
    {ok, Line} = file:read_file(filename:join(code:priv_dir(erlang_python), "python_executable.txt")),
    Real = string:trim(Line),
    Site =
        "import sysconfig; sysconfig.get_config_vars()['Py_GIL_DISABLED'] = 1; "
        "import sys; exec(sys.argv[1])",
    ok = file:write_file(Executable, [
        "#!/bin/sh\nshift 3\nexec ", Real, " -I -S -c \"", Site, "\" \"$@\"\n"
    ]),
    ok = file:change_mode(Executable, 8#755),
    Name = list_to_binary(Executable),
    ?assertMatch(
        {bad_option, python, Name, {free_threaded, <<"use ", _/binary>>}}, failure([], Name)
    ).

a_broken_virtual_environment_is_refused(Config) ->
    Folder = filename:join(proplists:get_value(priv_dir, Config), "broken_venv"),
    Link = filename:join([Folder, "bin", "python3"]),
    ok = filelib:ensure_dir(Link),
    ok = file:make_symlink("/no/such/python3", Link),
    Name = list_to_binary(Folder),
    ?assertEqual({bad_option, python, Name, not_a_virtual_environment}, failure([], Name)).

a_missing_python_library_is_named(Config) ->
    Copy = copy(Config, "without_python"),
    Library = filename:join([Copy, "priv", "erlang_python_nif.so"]),
    {ok, Code} = file:read_file(Library),
    {match, [Python]} = re:run(Code, "libpython3[^.]*\\.[0-9]+", [{capture, first, binary}]),
    Other = binary:replace(Python, <<"python3">>, <<"python9">>),
    ok = file:write_file(Library, binary:replace(Code, Python, Other, [global])),
    {native_library_not_loaded, Text} = failure(["-pa", filename:join(Copy, "ebin")]),
    said([Other, <<"; it was built for /">>, <<"build erlang_python again">>], Text).

a_missing_native_library_is_named(Config) ->
    Copy = copy(Config, "without_native"),
    ok = file:delete(filename:join([Copy, "priv", "erlang_python_nif.so"])),
    {native_library_not_loaded, Text} = failure(["-pa", filename:join(Copy, "ebin")]),
    said([<<"erlang_python_nif">>, <<"build erlang_python again">>], Text).

said(Parts, Text) ->
    [?assertNotEqual({nomatch, Text}, {binary:match(Text, Part), Text}) || Part <- Parts].

%% A copy of the application at another path, without its Python code.
copy(Config, Name) ->
    Copy = filename:join([proplists:get_value(priv_dir, Config), Name, "erlang_python"]),
    Priv = filename:join(Copy, "priv"),
    ok = filelib:ensure_path(Priv),
    ok = filelib:ensure_path(filename:join(Copy, "ebin")),
    Files =
        [{filename:join(code:priv_dir(erlang_python), Name1), filename:join(Priv, Name1)}
         || Name1 <- ["erlang_python_nif.so", "python_executable.txt"]] ++
        [{File, filename:join([Copy, "ebin", filename:basename(File)])}
         || File <- filelib:wildcard(filename:join(filename:dirname(code:which(py)), "*.{beam,app}"))],
    [{ok, _} = file:copy(From, To) || {From, To} <- Files],
    Copy.

failure(Arguments, Python) ->
    failure(["-erlang_python", "python", lists:flatten(io_lib:format("~0p", [Python])) | Arguments]).

%% Returns why the application does not start in a new node. The node goes on.
failure(Arguments) ->
    Start =
        "{error, {erlang_python, {Why, _}}} = application:ensure_all_started(erlang_python),"
        "io:put_chars([base64:encode(term_to_binary(Why)), 10]), init:stop()",
    {0, Output} = os_node:run(["-kernel", "logger_level", "none", "-eval", Start] ++ Arguments),
    binary_to_term(base64:decode(string:trim(Output))).
