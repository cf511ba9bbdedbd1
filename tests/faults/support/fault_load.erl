%% SPDX-License-Identifier: Apache-2.0
%% Calls of all kinds, without pause. The ledger counts started calls and their ends. fault_load.py
%% makes the calls from Python.
-module(fault_load).

-export([register_functions/0, start/0, stop/1, callers/0, probe/0, goes_to/1]).

-export_type([ledger/0]).

%% The number of calls of each kind that were issued, and that ended in each way.
-type ledger() :: #{{Kind :: binary(), Outcome :: binary()} => pos_integer()}.

-define(TABLE, ?MODULE).

%% In milliseconds: the time in which every call must end.
-define(BOUND, 10000).
%% In milliseconds: the pause after a call that did not end with its value.
-define(PAUSE, 2).

-spec register_functions() -> ok.
register_functions() ->
    Functions = #{
        fault_echo => fun echo/1, fault_wait => fun wait/1, fault_nest => fun nest/1,
        fault_back => fun back/1
    },
    maps:foreach(fun(Name, Fun) -> ok = py:register_function(Name, Fun) end, Functions),
    Limit = #{concurrency => 2, overload => wait},
    ok = py:register_function(fault_limited, fun limited/1, Limit).

%% Every fourth call takes a while.
echo([Token]) ->
    pause(case erlang:phash2(Token, 4) of 0 -> erlang:phash2(Token, 6); _ -> 0 end),
    Token.

wait([Token]) ->
    pause(erlang:phash2(Token, 12)),
    Token.

nest([Token, 0]) ->
    Token;
nest([Token, Depth]) ->
    value(py:call(?MODULE, nest, [Token, Depth - 1], #{}, ?BOUND)).

limited([Token, 0]) ->
    echo([Token]);
limited([Token, Depth]) ->
    value(py:call(?MODULE, limited, [Token, Depth - 1], #{}, ?BOUND)).

back([Token]) ->
    value(py:call(?MODULE, call_back, [Token], #{}, ?BOUND)).

value({ok, Value}) -> Value;
value({error, {Name, _Text}}) -> exit(Name);
value({error, Reason}) -> exit(Reason).

pause(0) ->
    ok;
pause(Milliseconds) ->
    receive
    after Milliseconds -> ok
    end.

%% Where a call of this kind is made, and what its function calls in turn.
-spec goes_to(Kind :: binary()) ->
    python | nested | limited | python_and_back | pool | pool_and_back | loop.
goes_to(<<"nested">>) ->
    nested;
goes_to(<<"limited">>) ->
    limited;
goes_to(Kind) when Kind =:= <<"asyncio nested">>; Kind =:= <<"uvloop nested">> ->
    python_and_back;
goes_to(Kind) ->
    case maps:find(Kind, kinds()) of
        {ok, {Place, _}} -> Place;
        error -> python
    end.

kinds() ->
    M = ?MODULE,
    #{
        <<"call">> => {pool, fun(T) -> py:call(M, answer, [T], #{}, ?BOUND) end},
        <<"slow call">> => {pool, fun(T) -> py:call(M, answer_late, [T, 0.01], #{}, ?BOUND) end},
        <<"eval">> => {pool, fun(T) -> py:eval(<<"t">>, #{t => T}, ?BOUND) end},
        <<"interrupted">> => {pool, fun(T) -> py:call(M, spin, [T], #{}, 3) end},
        <<"call_async">> =>
            {pool, fun(T) -> py:await(py:call_async(M, answer, [T]), ?BOUND) end},
        <<"stream">> => {pool, fun(T) -> same(3, py:stream(M, items, [T])) end},
        <<"held context">> => {pool, fun held/1},
        <<"back">> => {pool_and_back, fun(T) -> py:call(M, call_back, [T], #{}, ?BOUND) end},
        <<"async_call">> =>
            {loop, fun(T) -> py:async_await(py:async_call(M, coroutine, [T]), ?BOUND) end},
        <<"gather">> =>
            {loop, fun(T) -> same(3, py:async_gather([{M, coroutine, [T]} || _ <- "123"])) end},
        <<"asyncio loop">> => {loop, fun(T) -> on_loop(fault_asyncio, T, ?BOUND) end},
        <<"uvloop loop">> => {loop, fun(T) -> on_loop(fault_uvloop, T, ?BOUND) end},
        <<"timed loop">> => {loop, fun(T) -> on_loop(fault_asyncio, T, 1) end}
    }.

on_loop(Loop, Token, Timeout) ->
    py_loop:call(Loop, ?MODULE, coroutine, [Token], #{}, Timeout).

held(Token) ->
    case py:context(?BOUND) of
        ok ->
            Results = [
                py:exec(<<"held = '", Token/binary, "'">>), py:eval(<<"held">>, #{}, ?BOUND)
            ],
            ok = py:release_context(),
            case Results of
                [ok, Result] -> Result;
                [Error, _] -> Error
            end;
        {error, _} = Error ->
            Error
    end.

same(Count, {ok, [Token | _] = All}) ->
    case lists:duplicate(Count, Token) of
        All -> {ok, Token};
        _ -> {ok, All}
    end;
same(_Count, Result) ->
    Result.

%% Calls of all kinds are in progress from now on.
-spec start() -> [pid()].
start() ->
    ?TABLE = ets:new(?TABLE, [named_table, public, {write_concurrency, true}]),
    {ok, none} = py:call(?MODULE, start, []),
    [spawn_link(fun() -> drive(Kind, Call, 0) end) || {Kind, {_, Call}} <- maps:to_list(kinds())].

drive(Kind, Call, Number) ->
    case ets:member(?TABLE, stopping) of
        true ->
            ok;
        false ->
            Token = <<Kind/binary, " ", (integer_to_binary(Number))/binary>>,
            count(Kind, <<"issued">>),
            Outcome = outcome(Token, in_caller(Call, Token)),
            count(Kind, Outcome),
            pause(case Outcome of <<"value">> -> 0; _ -> ?PAUSE end),
            drive(Kind, Call, Number + 1)
    end.

%% The caller is a separate process, which may be killed.
in_caller(Call, Token) ->
    {Pid, Monitor} = spawn_monitor(fun() -> exit({result, Call(Token)}) end),
    true = ets:insert(?TABLE, {{caller, Pid}}),
    End =
        receive
            {'DOWN', Monitor, process, Pid, Reason} -> Reason
        after 2 * ?BOUND ->
            {hangs, process_info(Pid, current_stacktrace)}
        end,
    true = ets:delete(?TABLE, {caller, Pid}),
    End.

outcome(Token, {result, {ok, Token}}) -> <<"value">>;
outcome(_Token, {result, {error, Reason}}) when is_atom(Reason) -> atom_to_binary(Reason);
outcome(_Token, {result, {error, {Name, Text}}}) when is_atom(Name), is_binary(Text) ->
    atom_to_binary(Name);
outcome(_Token, killed) -> <<"killed">>;
outcome(Token, End) -> iolist_to_binary(io_lib:format("~0tp: ~0tp", [Token, End])).

count(Kind, Outcome) ->
    Key = {Kind, Outcome},
    _ = ets:update_counter(?TABLE, Key, 1, {Key, 0}),
    ok.

%% The processes that wait for Python now.
-spec callers() -> [pid()].
callers() ->
    [Pid || [Pid] <- ets:match(?TABLE, {{caller, '$1'}})].

%% Issues no further calls. Returns when all calls have ended, or should have ended.
-spec stop([pid()]) -> {ledger(), Hanging :: [term()]}.
stop(Drivers) ->
    %% The last fault may just have hit the processes that this call needs.
    ok = fault_check:await_answer(),
    true = ets:insert(?TABLE, {stopping}),
    {ok, {Entries, Hanging}} = py:call(?MODULE, stop, [?BOUND / 1000], #{}, 2 * ?BOUND),
    Late = [Driver || Driver <- Drivers, not ended(Driver)],
    Counted = [{Key, Count} || {Key = {_, _}, Count} <- ets:tab2list(?TABLE)],
    true = ets:delete(?TABLE),
    FromPython = [{{Kind, Outcome}, Count} || {Kind, Outcome, Count} <- Entries],
    {maps:from_list(FromPython ++ Counted), Hanging ++ Late}.

ended(Driver) ->
    Monitor = monitor(process, Driver),
    receive
        {'DOWN', Monitor, process, Driver, _} -> true
    after 2 * ?BOUND + 1000 ->
        false
    end.

%% Makes one call of each kind that has no reason to fail. Returns the calls that failed.
-spec probe() -> [{Kind :: binary(), Outcome :: binary()}].
probe() ->
    Kinds = maps:without([<<"interrupted">>, <<"timed loop">>], kinds()),
    Tries = Kinds#{
        <<"nested">> => {nested, fun(T) -> py:call(?MODULE, nest, [T, 3], #{}, ?BOUND) end},
        <<"limited">> => {limited, fun(T) -> py:call(?MODULE, limited, [T, 3], #{}, ?BOUND) end},
        <<"loop back">> =>
            {loop, fun(T) ->
                py_loop:call(fault_uvloop, ?MODULE, coroutine_back, [T], #{}, ?BOUND)
            end}
    },
    Outcomes = [
        {Kind, outcome(<<"probe">>, {result, Call(<<"probe">>)})}
     || {Kind, {_, Call}} <- maps:to_list(Tries)
    ],
    [Outcome || Outcome = {_, End} <- Outcomes, End =/= <<"value">>].
