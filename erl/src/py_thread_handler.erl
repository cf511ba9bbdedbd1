%% SPDX-License-Identifier: Apache-2.0
%% @private
%% The process behind the channel of a Python thread. It runs the functions of the thread's calls
%% itself, because the thread waits anyway. If this process dies, the native side notices and ends
%% the calls of the channel.
%%
%% Its functions run in an ordinary process, which does not trap exits.
-module(py_thread_handler).

-export([start_link/1, init/2, loop/2]).
-export([system_continue/3, system_terminate/4, system_code_change/4, system_get_state/1]).

%% Returns when the new process is attached to the channel; `ignore' if the channel is closed.
-spec start_link(py_nif:channel()) -> {ok, pid()} | ignore | {error, term()}.
start_link(Channel) ->
    proc_lib:start_link(?MODULE, init, [self(), Channel]).

-spec init(Parent :: pid(), py_nif:channel()) -> ok.
init(Parent, Channel) ->
    case py_nif:attach(Channel) of
        ok ->
            proc_lib:init_ack(Parent, {ok, self()}),
            loop(Parent, Channel);
        closed ->
            proc_lib:init_ack(Parent, ignore)
    end.

-spec loop(Parent :: pid(), py_nif:channel()) -> ok.
loop(Parent, Channel) ->
    receive
        {call, Id, Name, Args, Options} ->
            py_nested:serve(Channel, Id, Name, Args, Options),
            restore(Parent),
            ?MODULE:loop(Parent, Channel);
        {'EXIT', Parent, Reason} ->
            %% It came while a function had this process trap exits.
            exit(Reason);
        stop ->
            ok;
        {system, From, Request} ->
            sys:handle_system_msg(Request, From, Parent, ?MODULE, [], Channel);
        _Stray ->
            %% A message to a function that ran here.
            ?MODULE:loop(Parent, Channel)
    end.

%% Undoes what the function did to this process (links, trap_exit), as if each call had its own
%% process. Processes that the function started and linked go on, as they would then.
-spec restore(Parent :: pid()) -> ok.
restore(Parent) ->
    process_flag(trap_exit, false),
    {links, Links} = process_info(self(), links),
    lists:foreach(fun erlang:unlink/1, [Pid || Pid <- Links, is_pid(Pid), Pid =/= Parent]).

%% For sys: the handler can be inspected and upgraded like any OTP process.

-spec system_continue(pid(), [sys:debug_option()], py_nif:channel()) -> ok.
system_continue(Parent, _Debug, Channel) ->
    ?MODULE:loop(Parent, Channel).

-spec system_terminate(term(), pid(), [sys:debug_option()], py_nif:channel()) -> no_return().
system_terminate(Reason, _Parent, _Debug, _Channel) ->
    exit(Reason).

-spec system_code_change(py_nif:channel(), module(), term(), term()) -> {ok, py_nif:channel()}.
system_code_change(Channel, _Module, _OldVersion, _Extra) ->
    {ok, Channel}.

-spec system_get_state(py_nif:channel()) -> {ok, py_nif:channel()}.
system_get_state(Channel) ->
    {ok, Channel}.
