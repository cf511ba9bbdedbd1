%% SPDX-License-Identifier: Apache-2.0
%% The Erlang functions that the soak test's Python side calls. Each notes its execution.
-module(soak_functions).

-export([register/0]).
-export([
    soak_echo/1, soak_fail/1, soak_kill/1, soak_kill_handler/1, soak_sleep/1, soak_trap/1,
    soak_nested/1, soak_register/1, soak_unregister/1, soak_mailbox_length/1, soak_leak/1,
    soak_kinds/1, soak_issued/1, soak_take/1
]).

-define(CAPACITY, 1048576).
-define(MAILBOX, soak_mailbox).

-spec register() -> ok.
register() ->
    Self = self(),
    Owner = spawn(fun() ->
        ok = soak_ledger:create(?CAPACITY),
        ok = soak_log:install(),
        true = erlang:register(?MAILBOX, self()),
        Self ! {ready, self()},
        mailbox()
    end),
    receive
        {ready, Owner} -> ok
    end,
    lists:foreach(
        fun(Module) ->
            [
                ok = py:register_function(Name, Module, Name)
             || {Name, 1} <- Module:module_info(exports), Name =/= module_info
            ]
        end,
        [?MODULE, soak_figures, soak_callers]
    ).

%% Receives the messages of erlang.send().
mailbox() ->
    receive
        Token when is_integer(Token) -> soak_ledger:executed(Token)
    end,
    mailbox().

soak_echo([Token | _] = Args) ->
    soak_ledger:executed(Token),
    Args.

soak_fail([Token]) ->
    soak_ledger:executed(Token),
    error({soak, Token}).

soak_kill([Token]) ->
    soak_ledger:executed(Token),
    exit(self(), kill),
    receive
        never -> ok
    end.

%% For an async call: kills the handler of the whole loop.
soak_kill_handler([Token]) ->
    soak_ledger:executed(Token),
    {links, Links} = process_info(self(), links),
    [exit(Pid, kill) || Pid <- Links, is_pid(Pid)],
    receive
        never -> ok
    end.

soak_sleep([Token, Milliseconds]) ->
    soak_ledger:executed(Token),
    timer:sleep(Milliseconds),
    Token.

%% A process that only a kill can end.
soak_trap([Token, Milliseconds]) ->
    process_flag(trap_exit, true),
    soak_sleep([Token, Milliseconds]).

%% Python waits for this function, which calls Python on the waiting thread, and so on.
soak_nested([Token, Depth]) ->
    soak_ledger:executed(Token),
    Inner = soak_ledger:issue(inner, 1),
    Result = py:call(targets, nested, [Inner, Depth]),
    soak_callers:judge(inner, Inner, {ok, [Inner, Depth]}, Result),
    [Token, Depth].

soak_register([Name]) ->
    ok = py:register_function(Name, ?MODULE, soak_echo),
    true.

soak_unregister([Name]) ->
    ok = py:unregister_function(Name),
    true.

soak_mailbox_length([]) ->
    {message_queue_len, Length} = process_info(whereis(?MAILBOX), message_queue_len),
    Length.

%% Leaks on purpose: the drift check must find the leak.
soak_leak([<<"process">>]) ->
    _ = spawn(fun() -> timer:sleep(infinity) end),
    true;
soak_leak([<<"table">>]) ->
    _ = ets:new(leaked, [public, {heir, whereis(?MAILBOX), leaked}]),
    true;
soak_leak([<<"atom">>]) ->
    _ = list_to_atom("leaked_" ++ integer_to_list(erlang:unique_integer([positive]))),
    true.

soak_kinds([]) -> soak_ledger:kinds().

soak_issued([]) -> soak_ledger:issued().

soak_take([PythonIssued]) ->
    {States, Executed, Wrong} = soak_ledger:take(PythonIssued),
    Logged = [<<"logged: ", Text/binary>> || Text <- soak_log:errors()],
    {{bytes, States}, {bytes, Executed}, Wrong ++ Logged}.
