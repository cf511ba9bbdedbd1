%% SPDX-License-Identifier: Apache-2.0
%% @private
%% The native functions: only stubs and specs. No function here runs Python or blocks. Functions
%% that take time answer the calling process later, with a `{py_result, Ref, _}' message.
%%
%% Each native function reads its arguments by the types of its C++ signature. A wrong argument fails
%% with `error({badarg, Text})', where `Text' names its position: "argument 2 must be ...". No C++
%% exception ends the node. Others become `{system_error, Text}', e.g. without descriptors,
%% `{native_error, Text}', or `enomem'.
-module(py_nif).

-export([
    start_python/2,
    run_main/1,
    end_main/0,
    end_by_signal/1,
    set_coordinator/0,
    attach/1,
    refuse/1,
    reply/4,
    fail/7,
    fail_item/8,
    new_context/1,
    close_context/1,
    give_up_context/1,
    stop_context/1,
    watch_context/1,
    submit_to_context/3,
    submit_to_thread/3,
    submit_to_loop/3,
    abandon/1,
    stats/0,
    python_version/0
]).

-on_load(load/0).

-export_type([
    channel/0,
    channel_kind/0,
    context/0,
    request_handle/0,
    call_id/0,
    nested/1,
    context_request/0,
    loop_request/0,
    invocation/0,
    control/0,
    gathered_call/0,
    fail_kind/0,
    start_options/0,
    answer/0,
    result_message/0,
    context_message/0,
    start_message/0,
    main_message/0,
    loop_ready_message/0,
    logger_message/0,
    thread_message/0,
    loop_message/0,
    coordinator_message/0
]).

-opaque channel() :: reference().

%% Who calls through the channel.
-type channel_kind() :: thread | loop.

-opaque context() :: reference().
-opaque request_handle() :: reference().

%% Identifies a call within its channel; always a small integer. In a loop's channel the id is a slot
%% and a generation (loop_bridge/call_slots.h), in a thread's channel a number that counts up.
-type call_id() :: non_neg_integer().

%% What a Python function is called with; erlang._namespace.Invocation in Python.
-type invocation() :: {Module :: binary(), Function :: binary(), Args :: list(), Kwargs :: map()}.

%% A request, alone or made by a function that Python has called; see py_ancestors.
-type nested(Request) :: Request | {nested, Ancestors :: [Name :: binary()], Request}.

%% What the thread of a context runs, and a thread that waits in `erlang.call'. `call' and `stream'
%% have an invocation() behind the kind.
-type context_request() ::
    {call | stream, Module :: binary(), Function :: binary(), Args :: list(), Kwargs :: map()}
    | {eval | stream_eval, Code :: binary(), Locals :: map()}
    | {exec, Code :: binary()}
    | host()
    | control().

%% What the application asks on its own behalf. `reset' removes everything that one caller has left
%% in the thread.
-type control() ::
    ping
    | enter_private
    | reset
    | {stream_more, Number :: integer()}
    | stream_drop
    | {activate_venv, Path :: binary()}
    | deactivate_venv
    | venv_info
    | memory_stats
    | {install_structs, Enumerable :: [atom()], Twins :: none | map()}
    | process_socket
    | {install_logging, PythonLevel :: pos_integer(), Reader :: pid()}
    | uninstall_logging
    | take_lines
    | take_last_lines
    | run_exit_functions
    | flush_output.

%% Runs a loop until the loop ends. Its owner gets loop_ready_message() when the loop runs. Behind
%% `StopTimeout', in milliseconds, there is the invocation() of the main coroutine, if any.
-type host() ::
    {host, Owner :: pid(), Loop :: binary(), Name :: binary(), StopTimeout :: non_neg_integer()}
    | {host, Owner :: pid(), Loop :: binary(), Name :: binary(), StopTimeout :: non_neg_integer(),
        Module :: binary(), Function :: binary(), Args :: list(), Kwargs :: map()}.

%% What a loop runs: a coroutine function or a plain one, and several of them.
-type loop_request() ::
    {coroutine | async, Module :: binary(), Function :: binary(), Args :: list(), Kwargs :: map()}
    | {gather, [invocation()]}
    | stop().

%% Ends the loop's main coroutine, and the loop by force `Timeout' after `Since', the system's time.
%% Both are in milliseconds.
-type stop() :: {stop, Timeout :: timeout(), Since :: integer()}.

-type fail_kind() :: error | exit | throw | undefined_function | disconnected | overloaded.

-type start_options() :: #{
    executable := binary(),
    path := [binary()],
    channel := eventfd | pipe,
    spin_us := non_neg_integer(),
    max_in_flight := pos_integer(),
    none := none | nil,
    binaries := text | bytes,
    argv => [binary()]
}.

%% The answer to a submitted request; `{ok, None}' for `exec'. The name of an exception's class is an
%% atom as long as Python may make new atoms.
-type answer() ::
    {ok, term()}
    | {error, {ExceptionName :: atom() | binary(), Text :: binary(), Traceback :: binary()}}
    | {error, disconnected | term()}.

%% The messages of the native side, as nif/beam/messages.h builds them. `Ref' is the reference that
%% the receiver has passed to the native function.

%% To the process that has submitted a request.
-type result_message() :: {py_result, Ref :: reference(), answer()}.

%% `ready' to the process that has made the context; the others to the processes that watch it.
-type context_message() ::
    {py_result, Ref :: reference(), ready | ended | {stuck, Stack :: binary()}}.

%% To the process that has started Python. `exit': the command line asked for no program.
-type start_message() ::
    {py_result, Ref :: reference(), ok | {exit, Code :: integer()} | {error, Text :: binary()}}.

%% To the process that runs the main program: `ended', and then `exit' after end_main/0.
-type main_message() ::
    {py_result, Ref :: reference(), ended | {exit, Code :: integer()} | {error, Text :: binary()}}.

%% To the process of a hosted loop: the loop runs and takes requests.
-type loop_ready_message() :: {loop_ready, channel()}.

%% To py_logger: there are lines to take.
-type logger_message() :: lines.

%% To the handler of a thread.
-type thread_message() ::
    {call, call_id(), Name :: binary(), Args :: list(), py_function_call:options()}
    | stop.

%% To the handler of a loop.
-type loop_message() ::
    {calls, [gathered_call()]}
    | {cancel, [call_id()]}
    | stop.

-type gathered_call() ::
    {call_id(), Name :: binary(), Args :: list(), py_function_call:options()}
    | {call_id(), Name :: binary(), Items :: [Args :: list()], py_function_call:options(),
        Concurrency :: pos_integer()}.

%% To the coordinator.
-type coordinator_message() ::
    {open_channel, channel_kind(), channel()}
    | {stop_handler, pid()}
    | {send, To :: pid() | {Name :: atom(), node()}, Message :: term()}.

%% Starts CPython once for the node; answers `{py_result, Ref, ok | {error, Text}}'. A second call
%% only updates `channel', `spin_us', `max_in_flight' and `binaries'.
-spec start_python(Ref :: reference(), Options :: start_options()) -> ok.
start_python(_Ref, _Options) ->
    erlang:nif_error({nif_not_loaded, ?MODULE}).

%% Runs Python's main program on its main thread. Answers `{py_result, Ref, ended}', and after
%% end_main/0 `{py_result, Ref, {exit, Code}}'.
-spec run_main(Ref :: reference()) -> ok.
run_main(_Ref) ->
    erlang:nif_error({nif_not_loaded, ?MODULE}).

%% The main program and the hosted loops have ended. Now the program's threads and exit functions
%% may end.
-spec end_main() -> ok.
end_main() ->
    erlang:nif_error({nif_not_loaded, ?MODULE}).

%% Ends the node at once, by a signal without a handler, so that the node's parent sees the signal.
-spec end_by_signal(Number :: pos_integer()) -> ok.
end_by_signal(_Number) ->
    erlang:nif_error({nif_not_loaded, ?MODULE}).

%% Makes the caller the process that gets `{open_channel, Kind, Channel}', `{stop_handler, Pid}' and
%% `{send, To, Message}'.
-spec set_coordinator() -> ok.
set_coordinator() ->
    erlang:nif_error({nif_not_loaded, ?MODULE}).

%% Makes the caller the handler of `Channel'. The native side monitors the caller from then on.
-spec attach(channel()) -> ok | closed.
attach(_Channel) ->
    erlang:nif_error({nif_not_loaded, ?MODULE}).

%% The channel gets no handler: the calls that wait for the handler end.
-spec refuse(channel()) -> ok.
refuse(_Channel) ->
    erlang:nif_error({nif_not_loaded, ?MODULE}).

-spec reply(channel(), call_id(), Value :: term(), py_function_call:binaries()) -> ok.
reply(_Channel, _Id, _Value, _Binaries) ->
    erlang:nif_error({nif_not_loaded, ?MODULE}).

%% `Stacktrace' is one printed line for each frame. `Text' is the reason as Erlang prints it.
-spec fail(
    channel(),
    call_id(),
    fail_kind(),
    Reason :: term(),
    Stacktrace :: [binary()],
    Text :: binary(),
    py_function_call:binaries()
) -> ok.
fail(_Channel, _Id, _Kind, _Reason, _Stacktrace, _Text, _Binaries) ->
    erlang:nif_error({nif_not_loaded, ?MODULE}).

%% The same for a map, whose function has failed for the item with this index.
-spec fail_item(
    channel(),
    call_id(),
    Item :: non_neg_integer(),
    fail_kind(),
    Reason :: term(),
    Stacktrace :: [binary()],
    Text :: binary(),
    py_function_call:binaries()
) -> ok.
fail_item(_Channel, _Id, _Item, _Kind, _Reason, _Stacktrace, _Text, _Binaries) ->
    erlang:nif_error({nif_not_loaded, ?MODULE}).

%% Starts a Python thread for requests; answers `{py_result, Ref, ready}' when it runs.
-spec new_context(Ref :: reference()) -> context().
new_context(_Ref) ->
    erlang:nif_error({nif_not_loaded, ?MODULE}).

%% Ends the thread after its current request.
-spec close_context(context()) -> ok.
close_context(_Context) ->
    erlang:nif_error({nif_not_loaded, ?MODULE}).

%% Like close_context/1, but also interrupts the abandoned request once more. Then the processes
%% that watch the context get `{py_result, Ref, {stuck, Stack}}'.
-spec give_up_context(context()) -> ok.
give_up_context(_Context) ->
    erlang:nif_error({nif_not_loaded, ?MODULE}).

%% Ends the thread as soon as possible: interrupts its code. The callers of the running request and
%% of queued ones get `{error, disconnected}' at once.
-spec stop_context(context()) -> ok.
stop_context(_Context) ->
    erlang:nif_error({nif_not_loaded, ?MODULE}).

%% The calling process gets `{py_result, Ref, ended}' when the thread has ended, see also
%% give_up_context/1. `Ref' is the reference with which the context was made. Several processes may
%% watch one context.
-spec watch_context(context()) -> ok.
watch_context(_Context) ->
    erlang:nif_error({nif_not_loaded, ?MODULE}).

%% Queues a request to a context. Answers with a result_message() exactly once unless abandoned.
-spec submit_to_context(context(), Ref :: reference(), nested(context_request())) ->
    {ok, request_handle()} | closed.
submit_to_context(_Context, _Ref, _Request) ->
    erlang:nif_error({nif_not_loaded, ?MODULE}).

%% The same for a thread that waits in `erlang.call'.
-spec submit_to_thread(channel(), Ref :: reference(), nested(context_request())) ->
    {ok, request_handle()} | closed.
submit_to_thread(_Channel, _Ref, _Request) ->
    erlang:nif_error({nif_not_loaded, ?MODULE}).

%% The same for a loop.
-spec submit_to_loop(channel(), Ref :: reference(), nested(loop_request())) ->
    {ok, request_handle()} | closed.
submit_to_loop(_Channel, _Ref, _Request) ->
    erlang:nif_error({nif_not_loaded, ?MODULE}).

%% `abandoned': no answer will ever come, and the Python code is interrupted. `replied': the answer
%% is in the mailbox or about to arrive.
-spec abandon(request_handle()) -> abandoned | replied.
abandon(_Handle) ->
    erlang:nif_error({nif_not_loaded, ?MODULE}).

-spec stats() -> #{atom() => term()}.
stats() ->
    erlang:nif_error({nif_not_loaded, ?MODULE}).

-spec python_version() -> binary().
python_version() ->
    erlang:nif_error({nif_not_loaded, ?MODULE}).

-spec load() -> ok | {error, term()}.
load() ->
    case code:priv_dir(erlang_python) of
        {error, bad_name} ->
            {error, {bad_name, "the application erlang_python is not in the code path"}};
        PrivDir ->
            loaded(erlang:load_nif(filename:join(PrivDir, "erlang_python_nif"), 0))
    end.

%% Keeps the loader's message, which the code server only logs.
-spec loaded(ok | {error, {Reason :: atom(), Text :: string()}}) -> ok | {error, term()}.
loaded({error, {_, Text}} = Error) ->
    persistent_term:put({?MODULE, load_error}, Text),
    Error;
loaded(ok) ->
    ok.
