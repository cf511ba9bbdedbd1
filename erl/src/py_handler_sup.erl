%% SPDX-License-Identifier: Apache-2.0
%% @private
%% Supervises the handlers of all channels and connections. No handler is restarted: a channel asks for a new
%% handler at its next use.
-module(py_handler_sup).
-behaviour(supervisor).

-export([start_link/0, start_handler/1, start_handler/2, link_handler/2, count/0]).
-export([init/1]).

%% Longer than the clean-up time of a cancelled worker, in milliseconds.
-define(SHUTDOWN, 1500).

-spec start_link() -> supervisor:startlink_ret().
start_link() ->
    supervisor:start_link({local, ?MODULE}, ?MODULE, []).

%% Returns when the handler is attached to the channel. An error if the node has no room for another
%% process, or if the handler died meanwhile.
-spec start_handler(py_nif:channel_kind(), py_nif:channel()) ->
    attached | closed | {error, term()}.
start_handler(Kind, Channel) ->
    case supervisor:start_child(?MODULE, [Kind, Channel]) of
        {ok, Pid} when is_pid(Pid) -> attached;
        {ok, undefined} -> closed;
        {error, _} = Error -> Error
    end.

%% Starts the handler for the connection of a process beside the node.
-spec start_handler(gen_tcp:socket()) -> {ok, pid()} | {error, term()}.
start_handler(Socket) ->
    try supervisor:start_child(?MODULE, [process, Socket]) of
        {ok, Pid} when is_pid(Pid) -> {ok, Pid};
        {error, _} = Error -> Error
    catch
        %% The supervisor is being restarted, or ends.
        exit:Reason -> {error, Reason}
    end.

%% Called by the supervisor.
-spec link_handler(py_nif:channel_kind() | process, py_nif:channel() | gen_tcp:socket()) ->
    {ok, pid()} | ignore | {error, term()}.
link_handler(thread, Channel) -> py_thread_handler:start_link(Channel);
link_handler(loop, Channel) -> py_loop_handler:start_link(Channel);
link_handler(process, Socket) -> py_process_handler:start_link(Socket).

-spec count() -> non_neg_integer().
count() ->
    proplists:get_value(active, supervisor:count_children(?MODULE)).

-spec init([]) -> {ok, {supervisor:sup_flags(), [supervisor:child_spec()]}}.
init([]) ->
    kill_orphans(),
    Handler = #{
        id => handler,
        start => {?MODULE, link_handler, []},
        restart => temporary,
        shutdown => ?SHUTDOWN,
        modules => [py_thread_handler, py_loop_handler, py_process_handler]
    },
    {ok, {#{strategy => simple_one_for_one}, [Handler]}}.

%% If this process was killed, its handlers stop by themselves. But a handler whose function traps
%% exits goes on, and its thread would wait for ever.
-spec kill_orphans() -> ok.
kill_orphans() ->
    case [Pid || Pid <- processes(), is_handler(Pid)] of
        [] -> ok;
        Orphans -> _ = spawn(fun() -> kill_late(Orphans) end), ok
    end.

-spec kill_late([pid()]) -> ok.
kill_late(Orphans) ->
    receive
    after ?SHUTDOWN -> lists:foreach(fun(Pid) -> exit(Pid, kill) end, Orphans)
    end.

-spec is_handler(pid()) -> boolean().
is_handler(Pid) ->
    case process_info(Pid, dictionary) of
        {dictionary, Dictionary} ->
            Started = proplists:get_value('$initial_call', Dictionary),
            lists:member(Started, [
                {py_thread_handler, init, 2}, {py_loop_handler, init, 2}, {py_process_handler, init, 2}
            ]);
        undefined ->
            false
    end.
