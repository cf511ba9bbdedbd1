%% SPDX-License-Identifier: Apache-2.0
%% @private
%% Whether an executable is the interpreter of the library that is loaded, and why that library can't
%% be. With another one's folders Python would come up half, with nothing to tell the reason.
-module(py_interpreter).

-export([check/1, not_loaded/0]).

%% The library's name and version are not all: a free-threaded CPython has those of the usual one.
-define(CODE,
    "import sys, sysconfig\n"
    "print(sys.implementation.name, '%d.%d.%d' % sys.version_info[:3],\n"
    "      'free-threaded' if sysconfig.get_config_var('Py_GIL_DISABLED') else '')"
).

%% Milliseconds; a slow disk may take its time.
-define(LIMIT, 20000).

-define(CHECKED, {?MODULE, checked}).

%% The same executable is asked once in a node.
-spec check(Executable :: binary()) -> ok | {error, py_config:problem()}.
check(Executable) ->
    case persistent_term:get(?CHECKED, none) of
        Executable ->
            ok;
        _ ->
            case version(Executable) of
                {ok, free_threaded} ->
                    bad({free_threaded, Executable, <<"use the usual CPython, with the GIL">>});
                {ok, Version} -> compare(Executable, Version, py_nif:python_version());
                {error, Said} -> bad({not_a_python_interpreter, Executable, Said})
            end
    end.

%% What the loader said when the native library was to be loaded, and what to do.
-spec not_loaded() -> binary().
not_loaded() ->
    Said = persistent_term:get({py_nif, load_error}, "it is not there"),
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
    bad({another_version, Executable, Version, {library, Library}}).

-spec bad(Why :: tuple()) -> {error, py_config:problem()}.
bad(Why) ->
    {error, {bad_option, python, Why}}.

-spec version(Executable :: binary()) ->
    {ok, binary() | free_threaded} | {error, Said :: binary()}.
version(Executable) ->
    Arguments = ["-I", "-S", "-c", ?CODE],
    Options = [{args, Arguments}, binary, exit_status, stderr_to_stdout, hide],
    try open_port({spawn_executable, Executable}, Options) of
        Port -> answer(Port, <<>>)
    catch
        %% Not for this machine, for instance.
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
        {error, <<"it does not answer">>}
    end.
