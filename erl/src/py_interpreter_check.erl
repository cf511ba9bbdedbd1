%% SPDX-License-Identifier: Apache-2.0
%% @private
%% Checks that an executable is the interpreter of the loaded library, and explains a library that
%% can't be loaded. With the folders of another interpreter, Python would start partly, without an
%% explanation.
-module(py_interpreter_check).

-export([check/1, not_loaded/0]).

%% The name and version of the library are not enough: a free-threaded CPython has the same ones.
-define(CODE,
    "import sys, sysconfig\n"
    "print(sys.implementation.name, '%d.%d.%d' % sys.version_info[:3],\n"
    "      'free-threaded' if sysconfig.get_config_var('Py_GIL_DISABLED') else '')"
).

%% Milliseconds. A slow disk may need long.
-define(LIMIT, 20000).

-define(CHECKED, {?MODULE, checked}).

%% Asks the same executable only once in a node.
-spec check(Executable :: binary()) -> ok | {error, py_config:problem()}.
check(Executable) ->
    case persistent_term:get(?CHECKED, none) of
        Executable ->
            ok;
        _ ->
            case version(Executable) of
                {ok, free_threaded} ->
                    bad(Executable, {free_threaded, <<"use a CPython with the GIL">>});
                {ok, Version} -> compare(Executable, Version, py_nif:python_version());
                {error, Said} -> bad(Executable, {not_a_python_interpreter, Said})
            end
    end.

%% The loader's message about the native library, and what to do.
-spec not_loaded() -> binary().
not_loaded() ->
    Said = persistent_term:get({py_nif, load_error}, "the native library is missing"),
    Built =
        case file:read_file(filename:join(code:priv_dir(erlang_python), "python_executable.txt")) of
            {ok, Line} -> ["; it was built for ", string:trim(Line)];
            {error, _} -> []
        end,
    unicode:characters_to_binary([
        Said, Built, ": install that Python's shared library, or build erlang_python again"
    ]).

-spec compare(binary(), Version :: binary(), Library :: binary()) ->
    ok | {error, py_config:problem()}.
compare(Executable, Version, Version) ->
    persistent_term:put(?CHECKED, Executable);
compare(Executable, Version, Library) ->
    bad(Executable, {another_version, Version, {library, Library}, remedy(Executable, Library)}).

%% Moving to another machine, or another interpreter than that of the build, ends here.
-spec remedy(Executable :: binary(), Library :: binary()) -> binary().
remedy(Executable, Library) ->
    <<"set `python` to a CPython ", Library/binary,
        ", or build erlang_python again for this interpreter: delete "
        "_build/default/lib/erlang_python, then PYTHON=", Executable/binary, " rebar3 compile">>.

-spec bad(Executable :: binary(), Why :: tuple()) -> {error, py_config:problem()}.
bad(Executable, Why) ->
    {error, {bad_option, python, Executable, Why}}.

-spec version(Executable :: binary()) ->
    {ok, binary() | free_threaded} | {error, Said :: binary()}.
version(Executable) ->
    Arguments = ["-I", "-S", "-c", ?CODE],
    Options = [{args, Arguments}, binary, exit_status, stderr_to_stdout, hide],
    try open_port({spawn_executable, Executable}, Options) of
        Port -> answer(Port, <<>>)
    catch
        %% The file may be for another machine, for instance.
        error:Why -> {error, atom_to_binary(Why)}
    end.

-spec answer(port(), Said :: binary()) -> {ok, binary() | free_threaded} | {error, binary()}.
answer(Port, Said) ->
    receive
        {Port, {data, Data}} ->
            answer(Port, <<Said/binary, Data/binary>>);
        {Port, {exit_status, Status}} ->
            case {Status, string:lexemes(Said, " \n")} of
                {0, [<<"cpython">>, Version]} -> {ok, Version};
                {0, [<<"cpython">>, _, <<"free-threaded">>]} -> {ok, free_threaded};
                _ -> {error, string:slice(string:trim(Said), 0, 200)}
            end
    after ?LIMIT ->
        true = port_close(Port),
        {error, <<"no answer within ", (integer_to_binary(?LIMIT))/binary, " ms">>}
    end.
