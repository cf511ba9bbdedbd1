%% SPDX-License-Identifier: Apache-2.0
%% @private
%% Requests to Python that are awaited later. A process of its own makes each request; the caller
%% monitors that process. The monitor's reference is the caller's handle, and the exit reason of the
%% process is the answer. When the caller dies, a guard kills the process and so the request. Giving
%% up kills the process too.
-module(py_request_async).

-export([cast/1, start/1, check/1, await/2, give_up_all/0, init/3]).

-spec start(fun(() -> py_request_result:answer())) -> reference().
start(Work) ->
    Ancestors = py_caller:ancestors(),
    {Worker, Ref} = spawn_opt(?MODULE, init, [self(), Ancestors, Work], [monitor]),
    py_caller:set_workers((py_caller:workers())#{Ref => Worker}),
    Ref.

-spec init(Caller :: pid(), Ancestors, fun(() -> py_request_result:answer())) -> no_return() when
    Ancestors :: py_caller:ancestors() | none.
init(Caller, Ancestors, Work) ->
    py_caller:set_ancestors(Ancestors),
    Self = self(),
    _ = spawn(fun() -> guard(Caller, Self) end),
    exit({?MODULE, Work()}).

%% Nobody awaits this request, and no caller's death ends it.
-spec cast(fun(() -> py_request_result:answer())) -> ok.
cast(Work) ->
    _ = spawn(fun() -> py_request_result:log(warning, Work()) end),
    ok.

%% Fails with `badarg' for what can be no request.
-spec check(term()) -> ok.
check(Ref) when is_reference(Ref) -> ok;
check(_Ref) -> error(badarg).

%% Works once for each request: afterwards the request is over, with its answer or without.
-spec await(reference(), timeout()) -> {ok, term()} | {error, py_request_result:reason()}.
await(Ref, Timeout) ->
    Deadline = py_deadline:in(Timeout),
    case maps:take(Ref, py_caller:workers()) of
        error ->
            {error, unknown_call};
        {Worker, Others} ->
            py_caller:set_workers(Others),
            receive_answer(Ref, Worker, Deadline)
    end.

%% Ends all requests that the calling process has started and not awaited.
-spec give_up_all() -> ok.
give_up_all() ->
    case py_caller:workers() of
        None when map_size(None) =:= 0 ->
            ok;
        Workers ->
            py_caller:set_workers(#{}),
            maps:foreach(fun give_up/2, Workers)
    end.

-spec give_up(reference(), Worker :: pid()) -> true.
give_up(Ref, Worker) ->
    demonitor(Ref, [flush]),
    exit(Worker, kill).

-spec receive_answer(reference(), pid(), py_deadline:deadline()) ->
    {ok, term()} | {error, py_request_result:reason()}.
receive_answer(Ref, Worker, Deadline) ->
    receive
        {'DOWN', Ref, process, Worker, {?MODULE, Answer}} ->
            case py_request_result:result(Answer) of
                {ok, _} = Result -> Result;
                {error, _} = Error -> Error
            end;
        {'DOWN', Ref, process, Worker, _} ->
            {error, disconnected}
    after py_deadline:left(Deadline) ->
        give_up(Ref, Worker),
        {error, timeout}
    end.

-spec guard(Caller :: pid(), Worker :: pid()) -> ok.
guard(Caller, Worker) ->
    OfCaller = monitor(process, Caller),
    OfWorker = monitor(process, Worker),
    receive
        {'DOWN', OfCaller, process, Caller, _} ->
            exit(Worker, kill),
            ok;
        {'DOWN', OfWorker, process, Worker, _} ->
            ok
    end.
