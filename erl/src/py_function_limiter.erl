%% SPDX-License-Identifier: Apache-2.0
%% @private
%% Admits calls of functions with limited concurrency, for the whole node. Each function has its own
%% gate (py_function_limit). Functions without a limit never come here.
%%
%% The process that works on a call enters and leaves by itself. It is monitored meanwhile, so its
%% death counts as leaving, from its place or from the line. A call leaves before its reply, so that
%% the next call of the same caller finds the place free.
%%
%% The supervisor owns two tables: of the calls that are in, and of the registered limits. If this
%% process dies, these calls go on, and the restarted process finds them in the first table. The
%% calls in line end as `disconnected'.
-module(py_function_limiter).
-behaviour(gen_server).

-export([create_tables/0, start_link/0, enter/3, leave/1]).
-export([limit_changed/2, limit_removed/1, info/0]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).

-export_type([overload/0]).

%% What a call over the limit does.
-type overload() :: refuse | wait.

-record(caller, {
    name :: binary(),
    monitor :: reference(),
    %% The process to tell when the call is let in.
    from :: gen_server:from() | in
}).

-record(state, {
    %% With the last known limit: the function may be unregistered while calls wait.
    gates = #{} :: #{Name :: binary() => {py_function_limit:gate(), py_function_limit:limit()}},
    callers = #{} :: #{py_function_limit:key() => #caller{}}
}).

%% `{Key, Pid, Name}' of all calls that are in.
-define(TABLE, ?MODULE).

%% `{Name, Limit}' of all registered functions. `py_function_registry' alone writes here.
-define(LIMITS, py_function_limits).

%% Called by the supervisor, which so becomes the owner of the tables.
-spec create_tables() -> ok.
create_tables() ->
    ?TABLE = ets:new(?TABLE, [named_table, public, set, {write_concurrency, true}]),
    ?LIMITS = ets:new(?LIMITS, [named_table, public, set]),
    ok.

-spec start_link() -> gen_server:start_ret().
start_link() ->
    gen_server:start_link({local, ?MODULE}, ?MODULE, [], []).

%% Returns when the calling process may run the function. Afterwards the process must leave.
-spec enter(Name :: binary(), py_function_limit:limit(), overload()) ->
    {ok, py_function_limit:key()} | overloaded | disconnected.
enter(Name, Limit, Overload) ->
    Key = make_ref(),
    try gen_server:call(?MODULE, {enter, Key, Name, Limit, Overload}, infinity) of
        ok -> {ok, Key};
        overloaded -> overloaded
    catch
        exit:_ ->
            %% The call may have been let in at that moment.
            leave(Key),
            disconnected
    end.

-spec leave(py_function_limit:key()) -> ok.
leave(Key) ->
    try
        true = ets:delete(?TABLE, Key),
        gen_server:cast(?MODULE, {leave, Key})
    catch
        %% The application is ending, and so are the gates.
        error:badarg -> ok
    end.

%% The function was registered, or registered again.
-spec limit_changed(Name :: binary(), py_function_limit:limit()) -> ok.
limit_changed(Name, Limit) ->
    true = ets:insert(?LIMITS, {Name, Limit}),
    gen_server:cast(?MODULE, {limit_changed, Name}).

%% The function was unregistered. Its last limit holds for the calls that wait.
-spec limit_removed(Name :: binary()) -> ok.
limit_removed(Name) ->
    true = ets:delete(?LIMITS, Name),
    ok.

%% The counts of all functions with running or waiting calls.
-spec info() -> #{Name :: binary() => #{running | waiting => non_neg_integer()}}.
info() ->
    gen_server:call(?MODULE, info).

-spec init([]) -> {ok, #state{}}.
init([]) ->
    {ok, lists:foldl(fun restore/2, #state{}, ets:tab2list(?TABLE))}.

-spec handle_call(term(), gen_server:from(), #state{}) ->
    {reply, term(), #state{}} | {noreply, #state{}}.
handle_call({enter, Key, Name, Known, Overload}, From, State0) ->
    %% The limit may have been raised just now. Then the calls in line go first.
    State = serve_line(Name, State0),
    {Gate, Limit} = gate(Name, Known, State),
    case py_function_limit:enter(Limit, Gate) of
        {ok, Gate1} ->
            State1 = add_caller(Key, Name, From, set_gate(Name, Gate1, Limit, State)),
            {noreply, let_in(Key, State1)};
        full when Overload =:= refuse ->
            {reply, overloaded, State};
        full ->
            Gate1 = py_function_limit:wait(Key, Gate),
            {noreply, add_caller(Key, Name, From, set_gate(Name, Gate1, Limit, State))}
    end;
handle_call(info, _From, State = #state{gates = Gates}) ->
    Counts = maps:map(fun(_Name, {Gate, _Limit}) -> py_function_limit:counts(Gate) end, Gates),
    {reply, Counts, State}.

-spec handle_cast(term(), #state{}) -> {noreply, #state{}}.
handle_cast({leave, Key}, State) ->
    {noreply, left(Key, State)};
handle_cast({limit_changed, Name}, State) ->
    {noreply, serve_line(Name, State)}.

-spec handle_info(term(), #state{}) -> {noreply, #state{}}.
handle_info({{caller_down, Key}, _Monitor, process, _Pid, _Reason}, State) ->
    true = ets:delete(?TABLE, Key),
    {noreply, left(Key, State)};
handle_info(_Message, State) ->
    {noreply, State}.

-spec restore({py_function_limit:key(), pid(), Name :: binary()}, #state{}) -> #state{}.
restore({Key, Pid, Name}, State = #state{callers = Callers}) ->
    {Gate, Limit} = gate(Name, infinity, State),
    {ok, Gate1} = py_function_limit:enter(infinity, Gate),
    Caller = #caller{name = Name, monitor = watch(Key, Pid), from = in},
    set_gate(Name, Gate1, Limit, State#state{callers = Callers#{Key => Caller}}).

-spec add_caller(py_function_limit:key(), Name :: binary(), gen_server:from(), #state{}) ->
    #state{}.
add_caller(Key, Name, From = {Pid, _}, State = #state{callers = Callers}) ->
    Caller = #caller{name = Name, monitor = watch(Key, Pid), from = From},
    State#state{callers = Callers#{Key => Caller}}.

-spec watch(py_function_limit:key(), pid()) -> reference().
watch(Key, Pid) ->
    monitor(process, Pid, [{tag, {caller_down, Key}}]).

-spec entered([py_function_limit:key()], #state{}) -> #state{}.
entered(Entered, State) ->
    lists:foldl(fun let_in/2, State, Entered).

-spec let_in(py_function_limit:key(), #state{}) -> #state{}.
let_in(Key, State = #state{callers = Callers}) ->
    #{Key := Caller = #caller{name = Name, from = From = {Pid, _}}} = Callers,
    true = ets:insert(?TABLE, {Key, Pid, Name}),
    gen_server:reply(From, ok),
    State#state{callers = Callers#{Key := Caller#caller{from = in}}}.

-spec left(py_function_limit:key(), #state{}) -> #state{}.
left(Key, State = #state{callers = Callers, gates = Gates}) ->
    case maps:take(Key, Callers) of
        {#caller{name = Name, monitor = Monitor}, Rest} ->
            demonitor(Monitor, [flush]),
            #{Name := {Gate, Last}} = Gates,
            Limit = limit(Name, Last),
            {Entered, Gate1} = py_function_limit:leave(Key, Limit, Gate),
            entered(Entered, set_gate(Name, Gate1, Limit, State#state{callers = Rest}));
        error ->
            %% The call entered before a restart of this process.
            State
    end.

%% Lets in the waiting calls for which there is room now.
-spec serve_line(Name :: binary(), #state{}) -> #state{}.
serve_line(Name, State = #state{gates = Gates}) ->
    case Gates of
        #{Name := {Gate, Last}} ->
            Limit = limit(Name, Last),
            {Entered, Gate1} = py_function_limit:let_in(Limit, Gate),
            entered(Entered, set_gate(Name, Gate1, Limit, State));
        #{} ->
            State
    end.

-spec gate(Name :: binary(), Known :: py_function_limit:limit(), #state{}) ->
    {py_function_limit:gate(), py_function_limit:limit()}.
gate(Name, Known, #state{gates = Gates}) ->
    case Gates of
        #{Name := {Gate, Last}} -> {Gate, limit(Name, Last)};
        #{} -> {py_function_limit:new(), limit(Name, Known)}
    end.

%% The registered limit holds, also for calls that came before the registration.
-spec limit(Name :: binary(), Last :: py_function_limit:limit()) -> py_function_limit:limit().
limit(Name, Last) ->
    case ets:lookup(?LIMITS, Name) of
        [{_, Limit}] -> Limit;
        [] -> Last
    end.

-spec set_gate(Name :: binary(), py_function_limit:gate(), py_function_limit:limit(), #state{}) ->
    #state{}.
set_gate(Name, Gate, Limit, State = #state{gates = Gates}) ->
    case py_function_limit:is_empty(Gate) of
        true -> State#state{gates = maps:remove(Name, Gates)};
        false -> State#state{gates = Gates#{Name => {Gate, Limit}}}
    end.
