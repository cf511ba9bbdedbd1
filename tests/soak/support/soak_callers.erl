%% SPDX-License-Identifier: Apache-2.0
%% Erlang processes that call Python in all ways, at random, until they are stopped.
-module(soak_callers).

-export([soak_start/1, soak_stop/1]).
-export([judge/4]).

-define(OWNER, soak_callers).

%% How often each way is chosen.
-define(MENU, [
    {30, call}, {12, eval}, {2, exec}, {10, call_async}, {8, cast}, {6, stream}, {40, gather},
    {10, async_call}, {2, timeout}, {2, await_timeout}, {2, coroutine_timeout},
    {3, killed_caller}, {2, killed_holder}, {2, killed_gatherer}, {4, held_context}, {8, failing},
    {3, payload}, {6, nested}, {4, no_such}
]).

-define(MOST_PAYLOAD, 5000000).

soak_start([Seed, Epoch, Count]) ->
    Stop = atomics:new(1, []),
    Self = self(),
    Owner = spawn(fun() ->
        true = register(?OWNER, self()),
        Callers = [
            spawn_monitor(fun() -> begin_load(Number, {Seed, Epoch, Number}, Stop) end)
         || Number <- lists:seq(0, Count)
        ],
        Self ! {started, self()},
        own(Callers, Stop)
    end),
    receive
        {started, Owner} -> true
    end.

%% Returns the faults when all processes have ended, or after this number of milliseconds.
soak_stop([Milliseconds]) ->
    Monitor = monitor(process, ?OWNER),
    ?OWNER ! {stop, self(), Milliseconds},
    receive
        {stopped, Wrong} ->
            demonitor(Monitor, [flush]),
            Wrong;
        {'DOWN', Monitor, process, _, Why} ->
            [text("callers: ~0P", [Why, 30])]
    end.

own(Callers, Stop) ->
    receive
        {stop, From, Milliseconds} ->
            atomics:put(Stop, 1, 1),
            Deadline = erlang:monotonic_time(millisecond) + Milliseconds,
            From ! {stopped, lists:append([ended(Caller, Deadline) || Caller <- Callers])}
    end.

ended({Pid, Monitor}, Deadline) ->
    receive
        {'DOWN', Monitor, process, Pid, normal} -> [];
        {'DOWN', Monitor, process, Pid, Reason} -> [text("crashed: ~0P", [Reason, 60])]
    after max(0, Deadline - erlang:monotonic_time(millisecond)) ->
        [text("still running: ~0P", [process_info(Pid, current_stacktrace), 200])]
    end.

text(Format, Arguments) ->
    unicode:characters_to_binary(io_lib:format(Format, Arguments)).

await_end({Pid, Monitor}) ->
    receive
        {'DOWN', Monitor, process, Pid, Reason} -> Reason
    end.

begin_load(0, Seed, Stop) ->
    _ = rand:seed(exsss, Seed),
    soak_hosting:until(fun() -> stopped(Stop) end);
begin_load(_, Seed, Stop) ->
    _ = rand:seed(exsss, Seed),
    %% Everything once, in any order; then at random.
    Shuffled = lists:sort([{rand:uniform(), What} || {_Weight, What} <- ?MENU]),
    [act(What) || {_, What} <- Shuffled],
    repeat(Stop).

stopped(Stop) ->
    atomics:get(Stop, 1) =:= 1.

repeat(Stop) ->
    act(choose(?MENU)),
    case process_info(self(), message_queue_len) of
        {message_queue_len, 0} -> ok;
        _ -> exit({stray_messages, process_info(self(), messages)})
    end,
    stopped(Stop) orelse repeat(Stop).

choose(Menu) ->
    choose(Menu, rand:uniform(lists:sum([Weight || {Weight, _} <- Menu]))).

choose([{Weight, What} | _], Left) when Left =< Weight -> What;
choose([{Weight, _} | Menu], Left) -> choose(Menu, Left - Weight).

%% Ends the call, with the expected result or a fault.
-spec judge(soak_ledger:kind(), non_neg_integer(), Expected :: term(), Result :: term()) -> ok.
judge(Kind, Token, Result, Result) ->
    soak_ledger:ended(Kind, Token, ending(Result));
judge(Kind, Token, Expected, Result) ->
    soak_ledger:wrong(Kind, Token, Expected, Result).

ending(ok) -> value;
ending({ok, _}) -> value;
ending({error, {'ValueError', _}}) -> failed;
ending({error, {'AttributeError', _}}) -> refused;
ending({error, timeout}) -> unsure.

one(Kind, Call, Expected) ->
    Token = soak_ledger:issue(Kind, 1),
    judge(Kind, Token, Expected(Token), Call(Token)).

tokens(Kind, Count) ->
    First = soak_ledger:issue(Kind, Count),
    lists:seq(First, First + Count - 1).

act(call) ->
    Value = rand:uniform(1000),
    one(
        call,
        fun(Token) -> py:call(targets, echo, [Token], #{value => Value}) end,
        fun(Token) -> {ok, {Token, Value}} end
    );
act(eval) ->
    Value = rand:uniform(1000),
    one(
        eval,
        fun(Token) -> py:eval(<<"targets.echo(t, v)">>, #{t => Token, v => Value}) end,
        fun(Token) -> {ok, {Token, Value}} end
    );
act(exec) ->
    one(
        exec,
        fun(Token) -> py:exec(io_lib:format("targets.echo(~b, None)", [Token])) end,
        fun(_Token) -> ok end
    );
act(call_async) ->
    Started = [
        {Token, py:call_async(targets, echo, [Token, async])}
     || Token <- tokens(call_async, 8)
    ],
    [judge(call_async, Token, {ok, {Token, async}}, py:await(Ref)) || {Token, Ref} <- Started];
act(cast) ->
    %% The caller gets no result. The comparison at the quiescent point checks each execution.
    one(cast, fun(Token) -> py:cast(targets, echo, [Token, none]) end, fun(_Token) -> ok end);
act(stream) ->
    Count = rand:uniform(60),
    one(
        stream,
        fun(Token) -> py:stream(targets, count_up, [Token, Count]) end,
        fun(Token) -> {ok, lists:seq(Token, Token + Count - 1)} end
    );
act(gather) ->
    Tokens = tokens(gather, 10 + rand:uniform(150)),
    Calls = [{targets, echo_soon, [Token, gathered]} || Token <- Tokens],
    case py:async_gather(Calls) of
        {ok, Values} when length(Values) =:= length(Tokens) ->
            [
                judge(gather, Token, {Token, gathered}, Value, value)
             || {Token, Value} <- lists:zip(Tokens, Values)
            ];
        Other ->
            [soak_ledger:wrong(gather, Token, values, Other) || Token <- Tokens]
    end;
act(async_call) ->
    Started = [
        {Token, py:async_call(targets, echo_soon, [Token, 1.5])}
     || Token <- tokens(async_call, 8)
    ],
    [judge(async_call, Token, {ok, {Token, 1.5}}, py:async_await(Ref)) || {Token, Ref} <- Started];
act(timeout) ->
    one(
        timeout,
        fun(Token) -> py:call(targets, never_end, [Token], #{}, rand:uniform(10)) end,
        fun(_Token) -> {error, timeout} end
    );
act(await_timeout) ->
    one(
        await_timeout,
        fun(Token) ->
            py:await(py:call_async(targets, never_end, [Token]), rand:uniform(10) - 1)
        end,
        fun(_Token) -> {error, timeout} end
    );
act(coroutine_timeout) ->
    one(
        coroutine_timeout,
        fun(Token) ->
            py:async_await(py:async_call(targets, wait_for_ever, [Token]), rand:uniform(10) - 1)
        end,
        fun(_Token) -> {error, timeout} end
    );
act(killed_caller) ->
    killed(killed_caller, 1, fun([Token]) -> py:call(targets, never_end, [Token]) end);
act(killed_holder) ->
    killed(killed_holder, 1, fun([Token]) ->
        py_context:with(fun() -> py:eval(<<"__import__('targets').never_end(t)">>, #{t => Token}) end)
    end);
act(killed_gatherer) ->
    killed(killed_gatherer, 10, fun(Tokens) ->
        py:async_gather([{targets, wait_for_ever, [Token]} || Token <- Tokens])
    end);
act(held_context) ->
    Private = rand:uniform(1000000),
    Tokens = tokens(held_context, 5),
    Results = py_context:with(fun() ->
        Begun = [
            py:exec(io_lib:format("import targets; held = ~b", [Private])),
            py:eval(<<"held">>)
        ],
        [Begun | [py:eval(<<"targets.echo(t, held)">>, #{t => Token}) || Token <- Tokens]]
    end),
    case Results of
        [[ok, {ok, Private}] | Echoed] ->
            [
                judge(held_context, Token, {ok, {Token, Private}}, Result)
             || {Token, Result} <- lists:zip(Tokens, Echoed)
            ];
        Other ->
            [soak_ledger:wrong(held_context, Token, Private, Other) || Token <- Tokens]
    end;
act(failing) ->
    one(
        failing,
        fun(Token) -> py:call(targets, fail, [Token]) end,
        fun(Token) -> {error, {'ValueError', iolist_to_binary(io_lib:format("~b", [Token]))}} end
    );
act(payload) ->
    Size = round(math:pow(?MOST_PAYLOAD, rand:uniform())),
    Value = binary:copy(<<255, (rand:uniform(255))>>, Size div 2),
    one(
        payload,
        fun(Token) -> py:call(targets, echo, [Token, {bytes, Value}]) end,
        fun(Token) -> {ok, {Token, Value}} end
    );
act(nested) ->
    Depth = rand:uniform(3),
    one(
        nested,
        fun(Token) -> py:call(targets, nested, [Token, Depth]) end,
        fun(Token) -> {ok, [Token, Depth]} end
    );
act(no_such) ->
    Token = soak_ledger:issue(no_such, 1),
    case py:call(targets, no_such_function, [Token]) of
        {error, {'AttributeError', _}} -> soak_ledger:ended(no_such, Token, refused);
        Other -> soak_ledger:wrong(no_such, Token, 'AttributeError', Other)
    end.

%% The calling process is killed, which ends its calls.
killed(Kind, Count, Calls) ->
    Tokens = tokens(Kind, Count),
    {Pid, Monitor} = spawn_monitor(fun() -> Calls(Tokens) end),
    timer:sleep(rand:uniform(5) - 1),
    exit(Pid, kill),
    Reason = await_end({Pid, Monitor}),
    [judge(Kind, Token, killed, Reason, unsure) || Token <- Tokens].

judge(Kind, Token, Value, Value, Ending) ->
    soak_ledger:ended(Kind, Token, Ending);
judge(Kind, Token, Expected, Value, _Ending) ->
    soak_ledger:wrong(Kind, Token, Expected, Value).
