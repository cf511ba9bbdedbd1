%% SPDX-License-Identifier: Apache-2.0
%% @private
%% The application environment. It is read and checked once, at the start. This table has every key,
%% its meaning and, after the semicolon, its default. An unknown key or a bad value stops the start
%% with `{bad_option, Key, Value, Why}'.
%%
%% | key                    | meaning; default                                                |
%% | `python'               | an interpreter, its name, or a virtual environment's folder;    |
%% |                        | the interpreter that the native library was built for           |
%% | `python_path'          | folders that Python imports from first; `[]'                    |
%% | `contexts'             | threads kept for requests from Erlang; the number of schedulers |
%% | `max_contexts'         | limit of contexts; 64, or `contexts' if that is more            |
%% | `context_idle_timeout' | ms until a context above `contexts' is closed, or `infinity';   |
%% |                        | 30000                                                           |
%% | `max_in_flight'        | limit of calls from Python in flight in the node; 1000000       |
%% | `binaries'             | what binaries become in Python: `text' or `bytes'; `text'        |
%% | `channel'              | descriptor that wakes a thread: `eventfd' or `pipe'; on Linux   |
%% |                        | `eventfd', elsewhere `pipe'                                     |
%% | `spin_us'              | microseconds that a waiting thread looks for its reply before   |
%% |                        | it sleeps, at most; 20                                          |
%% | `loops'                | hosted loops to start, each the options of a py_loop; `[]'      |
%% | `python_logging'       | where Python's output and logs go: `logger', Erlang's logger,   |
%% |                        | or `stdio', the node's standard output and error; `stdio'       |
%% | `none'                 | what Python's None becomes: `none' or `nil'; `none'            |
%% | `structs'              | `elixir': Python's dates, decimals, sets and ranges become      |
%% |                        | Elixir's structs; `none': text and lists; `none'                |
%% | `python_processes'     | whether other processes of this user may call functions by a    |
%% |                        | Unix socket, such as child processes; `true' under erlpy, else  |
%% |                        | `false'                                                         |
%% | `argv'                 | Python's own command line, for erlpy only                       |
%%
%% A file or folder is a text, or `{priv_dir, Application, Path}' for one in the `priv' folder of an
%% application.
-module(py_config).

-export([load/0, check/1, python_options/1, max_in_flight/0]).

-export_type([config/0, problem/0]).

-type config() :: #{
    python := binary(),
    python_path := [binary()],
    contexts := pos_integer(),
    max_contexts := pos_integer(),
    context_idle_timeout := timeout(),
    max_in_flight := pos_integer(),
    binaries := text | bytes,
    channel := eventfd | pipe,
    spin_us := non_neg_integer(),
    loops := [py_loop:options()],
    python_logging := stdio | logger,
    none := none | nil,
    structs := none | elixir,
    python_processes := boolean(),
    argv => [binary()]
}.

-type problem() :: {bad_option, Key :: term(), Value :: term(), Why :: term()}.

-define(APPLICATION, erlang_python).
-define(MAX_CONTEXTS, 1024).
-define(MAX_IN_FLIGHT, 1000000).
-define(MAX_SPIN_US, 10000).

-spec load() -> {ok, config()} | {error, problem()}.
load() ->
    %% OTP adds this key to every application's environment.
    check(proplists:delete(included_applications, application:get_all_env(?APPLICATION))).

-spec check(Environment :: [{Key :: atom(), Value :: term()}]) ->
    {ok, config()} | {error, problem()}.
check(Environment) ->
    try
        Given = maps:from_list([{Key, value(Key, Value)} || {Key, Value} <- Environment]),
        {ok, consistent(with_defaults(Given))}
    catch
        throw:{bad_option, _, _, _} = Problem -> {error, Problem}
    end.

%% The options of `py_nif:start_python/2'.
-spec python_options(config()) -> py_nif:start_options().
python_options(Config = #{python := Python, python_path := Path}) ->
    (maps:with([binaries, channel, spin_us, max_in_flight, none, argv], Config))#{
        executable => Python,
        path => [priv_file("python") | Path]
    }.

%% For a process that starts later. The environment was checked at the start.
-spec max_in_flight() -> pos_integer().
max_in_flight() ->
    application:get_env(?APPLICATION, max_in_flight, ?MAX_IN_FLIGHT).

-spec value(Key :: atom(), Value :: term()) -> term().
value(python, Value) ->
    interpreter(Value, place(python, Value));
value(python_path, Value) ->
    [folder(python_path, Folder) || Folder <- list(python_path, Value)];
value(contexts, Value) ->
    integer(contexts, Value, 1, ?MAX_CONTEXTS);
value(max_contexts, Value) ->
    integer(max_contexts, Value, 1, ?MAX_CONTEXTS);
value(context_idle_timeout, infinity) ->
    infinity;
value(context_idle_timeout, Value) ->
    integer(context_idle_timeout, Value, 0, 16#ffffffff);
value(max_in_flight, Value) ->
    integer(max_in_flight, Value, 1, 1 bsl 26);
value(binaries, Value) when Value =:= text; Value =:= bytes ->
    Value;
value(binaries, Value) ->
    bad(binaries, Value, {not_one_of, [text, bytes]});
value(channel, Value) when Value =:= eventfd; Value =:= pipe ->
    Value;
value(channel, Value) ->
    bad(channel, Value, {not_one_of, [eventfd, pipe]});
value(spin_us, Value) ->
    integer(spin_us, Value, 0, ?MAX_SPIN_US);
value(loops, Value) ->
    [loop(Options) || Options <- list(loops, Value)];
value(python_logging, Value) when Value =:= stdio; Value =:= logger ->
    Value;
value(python_logging, Value) ->
    bad(python_logging, Value, {not_one_of, [stdio, logger]});
value(none, Value) when Value =:= none; Value =:= nil ->
    Value;
value(none, Value) ->
    bad(none, Value, {not_one_of, [none, nil]});
value(structs, Value) when Value =:= none; Value =:= elixir ->
    Value;
value(structs, Value) ->
    bad(structs, Value, {not_one_of, [none, elixir]});
value(python_processes, Value) when is_boolean(Value) ->
    Value;
value(python_processes, Value) ->
    bad(python_processes, Value, {not_one_of, [true, false]});
value(argv, Value) ->
    [text(argv, Argument) || Argument <- list(argv, Value)];
value(Key, Value) ->
    bad(Key, Value, unknown_option).

-spec with_defaults(map()) -> config().
with_defaults(Given) ->
    Contexts = maps:get(contexts, Given, erlang:system_info(schedulers)),
    Defaults = #{
        python_path => [],
        contexts => Contexts,
        max_contexts => max(64, Contexts),
        context_idle_timeout => 30000,
        binaries => text,
        max_in_flight => ?MAX_IN_FLIGHT,
        channel => default_channel(),
        spin_us => 20,
        loops => [],
        python_logging => stdio,
        none => none,
        structs => none,
        %% erlpy is the only one that sets `argv'.
        python_processes => maps:is_key(argv, Given)
    },
    Config = maps:merge(Defaults, Given),
    case Config of
        #{python := _} -> Config;
        #{} -> Config#{python => default_python()}
    end.

-spec consistent(config()) -> config().
consistent(#{contexts := Contexts, max_contexts := Max}) when Max < Contexts ->
    bad(max_contexts, Max, {less_than_contexts, Contexts});
consistent(Config) ->
    Config.

-spec default_channel() -> eventfd | pipe.
default_channel() ->
    case os:type() of
        {unix, linux} -> eventfd;
        _ -> pipe
    end.

%% Written by the build: the interpreter whose library the native library is linked with.
-spec default_python() -> binary().
default_python() ->
    case file:read_file(priv_file("python_executable.txt")) of
        {ok, Line} -> interpreter(Line, string:trim(Line));
        {error, _} -> interpreter(<<"python3">>, <<"python3">>)
    end.

-spec interpreter(Given :: term(), binary()) -> binary().
interpreter(Given, Name) ->
    InVenv = filename:join([Name, "bin", "python3"]),
    case {filelib:is_dir(Name), filelib:is_regular(InVenv), os:find_executable(chars(Name))} of
        {true, true, _} -> filename:absname(InVenv);
        {true, false, _} -> bad(python, Given, not_a_virtual_environment);
        {false, _, false} -> bad(python, Given, no_such_executable);
        %% Links are kept: Python finds a venv by the link in the venv's folder.
        {false, _, Path} -> filename:absname(unicode:characters_to_binary(Path))
    end.

-spec folder(Key :: atom(), term()) -> binary().
folder(Key, Given) ->
    Name = place(Key, Given),
    case filelib:is_dir(Name) of
        true -> filename:absname(Name);
        false -> bad(Key, Given, no_such_folder)
    end.

%% The application need not be started, only be in the code path.
-spec place(Key :: atom(), term()) -> binary().
place(Key, {priv_dir, Application, Path} = Given) when is_atom(Application) ->
    case code:priv_dir(Application) of
        {error, bad_name} -> bad(Key, Given, no_such_application);
        Folder -> filename:join(unicode:characters_to_binary(Folder), text(Key, Path))
    end;
place(Key, Given) ->
    text(Key, Given).

-spec loop(term()) -> py_loop:options().
loop(Options) ->
    case py_loop_options:check(Options) of
        {ok, Checked} -> Checked;
        {error, Why} -> bad(loops, Options, Why)
    end.

-spec integer(Key :: atom(), term(), Least :: integer(), Most :: integer()) -> integer().
integer(_Key, Value, Least, Most) when is_integer(Value), Value >= Least, Value =< Most ->
    Value;
integer(Key, Value, Least, Most) ->
    bad(Key, Value, {not_an_integer_between, Least, Most}).

-spec list(Key :: atom(), term()) -> list().
list(_Key, Value) when is_list(Value), length(Value) >= 0 ->
    Value;
list(Key, Value) ->
    bad(Key, Value, not_a_list).

-spec text(Key :: atom(), term()) -> binary().
text(Key, Value) when is_binary(Value); is_list(Value) ->
    try unicode:characters_to_binary(Value) of
        Text when is_binary(Text) -> Text;
        _ -> bad(Key, Value, not_text)
    catch
        error:badarg -> bad(Key, Value, not_text)
    end;
text(Key, Value) ->
    bad(Key, Value, not_text).

-spec chars(binary()) -> string().
chars(Text) ->
    unicode:characters_to_list(Text).

-spec priv_file(string()) -> binary().
priv_file(Name) ->
    unicode:characters_to_binary(filename:join(code:priv_dir(?APPLICATION), Name)).

-spec bad(Key :: term(), Value :: term(), Why :: term()) -> no_return().
bad(Key, Value, Why) ->
    throw({bad_option, Key, Value, Why}).
