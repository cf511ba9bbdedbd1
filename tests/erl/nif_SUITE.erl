%% SPDX-License-Identifier: Apache-2.0
%% The native functions and wrong arguments: the error names the argument, and the node goes on.
-module(nif_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

-define(CHANNEL, <<"argument 1 must be a py_nif:channel()">>).
-define(CONTEXT, <<"argument 1 must be a py_nif:context()">>).
-define(HANDLE, <<"argument 1 must be a py_nif:request_handle()">>).
-define(ID, <<"argument 2 must be an integer from 0 to 2^64 - 1">>).
-define(SIGNAL, <<"argument 1 must be an integer of at most 32 bits">>).

all() ->
    cases:of_suite(?MODULE).

init_per_suite(Config) ->
    {ok, _} = application:ensure_all_started(erlang_python),
    Config.

end_per_suite(_Config) ->
    application:stop(erlang_python).

a_wrong_argument_is_named_by_its_position_and_type(_Config) ->
    Ref = make_ref(),
    [
        ?assertEqual({Function, Args, Text}, {Function, Args, text_of(Function, Args)})
     || {Function, Args, Text} <- [
            {attach, [Ref], ?CHANNEL},
            {refuse, [none], ?CHANNEL},
            {reply, [Ref, 1, value, default], ?CHANNEL},
            {fail, [Ref, 1, error, reason, [], <<"text">>, default], ?CHANNEL},
            {close_context, [Ref], ?CONTEXT},
            {give_up_context, [17], ?CONTEXT},
            {stop_context, [{}], ?CONTEXT},
            {watch_context, [self()], ?CONTEXT},
            {submit_to_context, [Ref, Ref, {eval, <<"1">>, #{}}], ?CONTEXT},
            {submit_to_thread, [Ref, Ref, {eval, <<"1">>, #{}}], ?CHANNEL},
            {submit_to_loop, [Ref, Ref, {gather, []}], ?CHANNEL},
            {abandon, [Ref], ?HANDLE},
            {end_by_signal, [<<"9">>], ?SIGNAL},
            {end_by_signal, [1 bsl 31], ?SIGNAL}
        ]
    ].

a_resource_of_another_type_is_a_wrong_argument(_Config) ->
    Context = new_context(),
    ?assertEqual(?CHANNEL, text_of(attach, [Context])),
    ?assertEqual(?CHANNEL, text_of(reply, [Context, 1, value, default])),
    ?assertEqual(?HANDLE, text_of(abandon, [Context])),
    ok = py_nif:close_context(Context).

a_wrong_id_of_a_call_is_argument_2(_Config) ->
    Channel = channel(),
    [
        ?assertEqual({Id, ?ID}, {Id, text_of(reply, [Channel, Id, value, default])})
     || Id <- [-1, 1 bsl 64, 1.0, one, <<"1">>]
    ],
    ?assertEqual(?ID, text_of(fail, [Channel, -1, error, reason, [], <<"text">>, default])),
    ?assertEqual(
        <<"argument 4 must be text, bytes or default">>, text_of(reply, [Channel, 1, value, str])
    ).

a_wrong_argument_of_a_large_reply_is_named_too(_Config) ->
    %% The value is copied on a dirty scheduler.
    Large = lists:seq(1, 1000000),
    ?assertEqual(?CHANNEL, text_of(reply, [none, 1, Large, default])),
    ?assertEqual(?ID, text_of(reply, [channel(), -1, Large, default])).

a_wrong_option_is_named(_Config) ->
    Good = #{
        executable => <<"python3">>,
        path => [],
        binaries => text,
        channel => pipe,
        spin_us => 0,
        max_in_flight => 1,
        none => none
    },
    Start = fun(Options) -> text_of(start_python, [make_ref(), Options]) end,
    ?assertEqual(<<"argument 2 must be a map of options">>, Start([])),
    ?assertEqual(
        <<"argument 2 needs the option max_in_flight">>, Start(maps:remove(max_in_flight, Good))
    ),
    [
        ?assertEqual(
            iolist_to_binary(["argument 2 has a wrong option: ", atom_to_list(Key), " must be ", Text]),
            Start(Good#{Key => Value})
        )
     || {Key, Value, Text} <- [
            {executable, "python3", "a binary"},
            {path, <<"lib">>, "a list of binaries"},
            {path, ["lib"], "a list of binaries"},
            {argv, [<<"-c">> | <<"1">>], "a list of binaries"},
            {binaries, default, "text or bytes"},
            {channel, socket, "eventfd or pipe"},
            {spin_us, -1, "an integer from 0 to 2^64 - 1"},
            {max_in_flight, infinity, "an integer from 0 to 2^64 - 1"},
            {none, undefined, "none or nil"}
        ]
    ],
    %% Nothing of a refused start is in force.
    ?assertEqual({ok, 2}, py:eval(<<"1 + 1">>)).

the_shell_prints_the_position(_Config) ->
    try py_nif:reply(none, 1, value, default) of
        Value -> error({no_error, Value})
    catch
        error:Reason:Stack ->
            Printed = unicode:characters_to_binary(
                erl_error:format_exception(error, Reason, Stack)
            ),
            ?assertMatch(
                {_, _}, binary:match(Printed, <<"bad argument: \"argument 1 must be a ">>), Printed
            ),
            ?assertMatch({_, _}, binary:match(Printed, <<"py_nif:reply(none,1,value,default)">>), Printed)
    end.

text_of(Function, Args) ->
    ?assertError({badarg, _}, apply(py_nif, Function, Args)),
    try
        apply(py_nif, Function, Args)
    catch
        error:{badarg, Text} -> list_to_binary(Text)
    end.

%% The channel of a Python thread that has called Erlang.
channel() ->
    Self = self(),
    ok = py:register_function(tell_channel, fun([]) ->
        {ok, Channel} = py_nested:channel(),
        Self ! {channel, Channel},
        none
    end),
    ok = py:exec(<<"import erlang\n" "erlang.call('tell_channel')\n">>),
    ok = py:unregister_function(tell_channel),
    receive
        {channel, Channel} -> Channel
    after 10000 -> error(no_channel)
    end.

new_context() ->
    Ref = make_ref(),
    Context = py_nif:new_context(Ref),
    receive
        {py_result, Ref, ready} -> Context
    after 10000 -> error(not_ready)
    end.
