%% SPDX-License-Identifier: Apache-2.0
%% @private
%% Listens for Python processes beside the node, on a Unix socket in a folder that only the node's
%% user can enter. Python makes the folder, names the socket in its environment, and so in that of
%% its children, and removes the folder at its end.
%%
%% A process accepts connections and starts a handler for each of them.
-module(py_process_listener).
-behaviour(gen_server).

-export([start_link/1, path/0, accept/2]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2]).

%% The time for Python to make the folder, in milliseconds.
-define(FOLDER_TIMEOUT, 10000).

%% The time until the next try if the node has no descriptor left, in milliseconds.
-define(RETRY_AFTER, 100).

-define(BACKLOG, 1024).
%% In bytes: one read from the system takes many small frames.
-define(BUFFER, 65536).

-record(state, {socket :: gen_tcp:socket(), path :: binary(), acceptor :: pid()}).

-spec start_link(#{none := none | nil, structs := none | elixir}) -> gen_server:start_ret().
start_link(Config) ->
    gen_server:start_link({local, ?MODULE}, ?MODULE, Config, []).

%% Where the node listens; `none' if it does not.
-spec path() -> binary() | none.
path() ->
    try
        gen_server:call(?MODULE, path)
    catch
        exit:_ -> none
    end.

-spec init(#{none := none | nil, structs := none | elixir}) ->
    {ok, #state{}} | ignore | {stop, term()}.
init(#{none := None, structs := Structs}) ->
    process_flag(trap_exit, true),
    case make_folder() of
        {ok, Path} ->
            Settings = #{none_is_nil => None =:= nil, structs => py_structs:settings(Structs)},
            listen(Path, Settings);
        {error, Why} ->
            fail({no_folder_for_python_processes, Why})
    end.

%% Nobody may need the socket that erlpy has by default.
-spec fail(Why :: term()) -> ignore | {stop, term()}.
fail(Why) ->
    case application:get_env(erlang_python, python_processes) of
        {ok, true} ->
            {stop, Why};
        _ ->
            logger:warning("Child processes can't call this node: ~0tp", [Why]),
            ignore
    end.

-spec handle_call(path, gen_server:from(), #state{}) -> {reply, binary(), #state{}}.
handle_call(path, _From, State = #state{path = Path}) ->
    {reply, Path, State}.

-spec handle_cast(term(), #state{}) -> {noreply, #state{}}.
handle_cast(_Message, State) ->
    {noreply, State}.

-spec handle_info(term(), #state{}) -> {noreply, #state{}} | {stop, term(), #state{}}.
handle_info({'EXIT', Acceptor, Reason}, State = #state{acceptor = Acceptor}) ->
    {stop, Reason, State};
handle_info(_Message, State) ->
    {noreply, State}.

-spec terminate(term(), #state{}) -> ok.
terminate(_Reason, #state{socket = Socket, path = Path}) ->
    ok = gen_tcp:close(Socket),
    _ = file:delete(Path),
    ok.

-spec make_folder() -> {ok, Path :: binary()} | {error, term()}.
make_folder() ->
    Context = py_nif:new_context(make_ref()),
    Deadline = py_deadline:in(?FOLDER_TIMEOUT),
    Outcome = py_request_wait:run_in_context(Context, process_socket, Deadline),
    ok = py_nif:close_context(Context),
    case Outcome of
        {free, {ok, Path}} -> {ok, Path};
        Why -> {error, Why}
    end.

-spec listen(Path :: binary(), Settings :: map()) -> {ok, #state{}} | ignore | {stop, term()}.
listen(Path, Settings) ->
    %% A listener that was killed has left its socket.
    _ = file:delete(Path),
    Options = [
        binary,
        {ifaddr, {local, Path}},
        {packet, 4},
        {packet_size, py_process_frame:max_size()},
        {active, false},
        {backlog, ?BACKLOG},
        {buffer, ?BUFFER}
    ],
    case gen_tcp:listen(0, Options) of
        {ok, Socket} ->
            Acceptor = spawn_link(?MODULE, accept, [Socket, Settings]),
            {ok, #state{socket = Socket, path = Path, acceptor = Acceptor}};
        {error, Why} ->
            fail({no_socket_for_python_processes, Why, Path})
    end.

%% The whole life of the acceptor.
-spec accept(gen_tcp:socket(), Settings :: map()) -> ok.
accept(Listening, Settings) ->
    case gen_tcp:accept(Listening) of
        {ok, Socket} ->
            start_handler(Socket, Settings),
            accept(Listening, Settings);
        {error, closed} ->
            ok;
        {error, _} ->
            %% Such as `emfile'. The processes wait in the backlog.
            receive
            after ?RETRY_AFTER -> accept(Listening, Settings)
            end
    end.

-spec start_handler(gen_tcp:socket(), Settings :: map()) -> ok.
start_handler(Socket, Settings) ->
    case py_handler_sup:start_handler(Socket) of
        {ok, Handler} ->
            _ = gen_tcp:controlling_process(Socket, Handler),
            py_process_handler:go(Handler, Settings);
        {error, _} ->
            gen_tcp:close(Socket)
    end.
