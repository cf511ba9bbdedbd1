%% SPDX-License-Identifier: Apache-2.0
%% @doc The functions that the demo's Python calls. Every answer names the process that gave it.
-module(demo_functions).

-export([register/0, unregister/0]).
-export([get_user/1, process_message/1, square/1, slow/1, fail_when/1, node_info/1]).

-define(NAMES, [get_user, process_message, square, slow, fail_when, node_info]).

-spec register() -> ok.
register() ->
    persistent_term:put({?MODULE, messages}, counters:new(1, [])),
    lists:foreach(fun(Name) -> ok = py:register_function(Name, ?MODULE, Name) end, ?NAMES).

-spec unregister() -> ok.
unregister() ->
    lists:foreach(fun(Name) -> py:unregister_function(Name) end, ?NAMES).

%% @doc A user from the ETS table, or `none'.
-spec get_user([Id :: integer()]) -> map() | none.
get_user([Id]) ->
    case demo_users:get(Id) of
        none -> none;
        User -> signed(User)
    end.

%% @doc Counts the parts of a text and reverses the text, grapheme by grapheme.
-spec process_message([Text :: binary()]) -> map().
process_message([Text]) ->
    Messages = persistent_term:get({?MODULE, messages}),
    ok = counters:add(Messages, 1, 1),
    signed(#{
        text => Text,
        reversed => unicode:characters_to_binary(string:reverse(Text)),
        words => length(string:lexemes(Text, " \t\r\n")),
        characters => string:length(Text),
        number => counters:get(Messages, 1)
    }).

-spec square([integer()]) -> {integer(), pid()}.
square([N]) ->
    {N * N, self()}.

%% @doc Sleeps for this number of milliseconds.
-spec slow([non_neg_integer()]) -> map().
slow([Milliseconds]) ->
    ok = timer:sleep(Milliseconds),
    signed(#{slept_ms => Milliseconds}).

%% @doc Fails in one of the ways in which an Erlang process can fail.
-spec fail_when([Kind :: binary()]) -> no_return().
fail_when([<<"error">>]) ->
    error({payment_refused, #{card => expired}});
fail_when([<<"throw">>]) ->
    throw({not_found, <<"the thing that was asked for">>});
fail_when([<<"exit">>]) ->
    exit({shutdown, out_of_coffee});
fail_when([<<"kill">>]) ->
    exit(self(), kill),
    receive
        never -> error(unreachable)
    end.

-spec node_info([]) -> map().
node_info([]) ->
    {_, ChatPort} = demo_app:ports(),
    {UptimeMs, _} = erlang:statistics(wall_clock),
    signed(#{
        node => node(),
        otp_release => list_to_binary(erlang:system_info(otp_release)),
        schedulers => erlang:system_info(schedulers_online),
        processes => erlang:system_info(process_count),
        uptime_ms => UptimeMs,
        chat_port => ChatPort
    }).

-spec signed(map()) -> map().
signed(Answer) ->
    Answer#{answered_by => self()}.
