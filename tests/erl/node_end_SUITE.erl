%% SPDX-License-Identifier: Apache-2.0
%% A node may end at any moment, whatever Python is doing: at once, with the right exit code, and
%% quietly.
%%
%% Each node ends at a random time after the begin of its work or its start. The log has the seed.
%% NODE_END_SEED and NODE_END_TIMES set the seed and the number of repetitions.
-module(node_end_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

all() ->
    cases:of_suite(?MODULE).

%% Nodes that run at the same time.
-define(AT_ONCE, 4).

-define(TIMES, 4).

%% A halting node waits for nothing. An orderly stop gives loops, exit functions and logs a limited
%% time to end. The limits allow for a busy machine.
-define(HALT_LIMIT, 10000).
-define(STOP_LIMIT, 60000).

halting_amid_work(_Config) ->
    end_nodes(working, [{halt, 3, true}]).

halting_amid_work_without_flushing(_Config) ->
    end_nodes(working, [{halt, 4, false}]).

halting_while_a_thread_keeps_the_gil(_Config) ->
    end_nodes(working, [{halt, 0, true}, {halt, 5, false}], #{hog => true}).

stopping_amid_work(_Config) ->
    end_nodes(working, [stop]).

stopping_with_a_code_amid_work(_Config) ->
    end_nodes(working, [{stop, 6}]).

stopping_while_a_thread_keeps_the_gil(_Config) ->
    end_nodes(working, [{stop, 7}, {signal, "TERM"}], #{hog => true}).

sigterm_amid_work(_Config) ->
    end_nodes(working, [{signal, "TERM"}]).

ending_while_the_application_starts(_Config) ->
    end_nodes(starting, every_ending()).

ending_while_the_application_stops(_Config) ->
    end_nodes(stopping, every_ending()).

what_python_printed_to_a_pipe_is_not_lost(_Config) ->
    Print =
        "{ok, _} = application:ensure_all_started(erlang_python),"
        "ok = py:exec(<<\"print('first')\">>),"
        "ok = py:exec(<<\"print('last')\">>),"
        "halt(0).",
    ?assertEqual({0, <<"first\nlast\n">>}, os_node:run(["-eval", Print])).

every_ending() ->
    [{halt, 8, true}, {halt, 9, false}, stop, {stop, 10}, {signal, "TERM"}].

end_nodes(Phase, Endings) ->
    end_nodes(Phase, Endings, #{}).

end_nodes(Phase, Endings, Extra) ->
    Times = max(times(), length(Endings)),
    Scenes = [
        maps:merge(
            #{
                phase => Phase,
                ending => lists:nth(1 + N rem length(Endings), Endings),
                delay_us => delay(Phase),
                hog => false
            },
            Extra
        )
     || _ <- [seed()], N <- lists:seq(1, Times)
    ],
    several_at_once(Scenes).

seed() ->
    Seed = list_to_integer(os:getenv("NODE_END_SEED", integer_to_list(rand:uniform(1 bsl 30)))),
    ct:log("NODE_END_SEED=~b", [Seed]),
    rand:seed(exsss, Seed).

times() ->
    list_to_integer(os:getenv("NODE_END_TIMES", integer_to_list(?TIMES))).

%% Powers of two: short delays are as frequent as long delays.
delay(Phase) ->
    Longest =
        case Phase of
            working -> 19;
            starting -> 20;
            stopping -> 19
        end,
    round(math:pow(2, Longest * rand:uniform())).

several_at_once([]) ->
    ok;
several_at_once(Scenes) ->
    {Now, Later} = lists:split(min(?AT_ONCE, length(Scenes)), Scenes),
    _ = in_processes:values(length(Now), fun(N) -> play(lists:nth(N, Now)) end),
    several_at_once(Later).

play(Scene = #{ending := Ending}) ->
    Call = io_lib:format("busy_node:run(~0p)", [Scene]),
    Support = filename:dirname(code:which(busy_node)),
    Logging = ["-erlang_python", "python_logging", "logger"],
    Node = os_node:start(["-pa", Support, "-eval", lists:flatten(Call) | Logging]),
    Before = os_node:await_line(Node, <<"ending">>),
    {Status, After} = os_node:await_end(Node, limit(Ending)),
    Output = without_port_program(without_interruptions(<<Before/binary, After/binary>>)),
    {Code, Rest} = without_second_halt(Status, code(Ending), Output),
    ?assertEqual({Scene, code(Ending), <<>>}, {Scene, Code, Rest}).

%% Code whose caller no longer waits is interrupted, perhaps in a finalizer. CPython can only print
%% this.
without_interruptions(Output) ->
    re:replace(
        Output,
        "^Exception ignored in: .*\\n(Traceback .*\\n(  .*\\n|\\n)*)?erlang\\.Interrupted: .*\\n",
        "",
        [multiline, global, {return, binary}]
    ).

%% The process of OTP that starts port programs says so if the node ends while it starts one.
without_port_program(Output) ->
    re:replace(
        Output,
        "^erl_child_setup: failed with error 32 on line \\d+\\r?\\n",
        "",
        [multiline, global, {return, binary}]
    ).

%% A race of OTP (erlang/otp issue 8634, open): `init' calls `halt', and another scheduler may run the
%% call once more, without arguments. The node ends at that moment, but with status 1 and a report.
without_second_halt(1, Expected, Output) ->
    Report = "^(\\(no logger present\\)|System process <0\\.0\\.0>) .*\\{erlang,halt,\\[undefined,undefined\\],.*\\n",
    case re:replace(Output, Report, "", [multiline, global, {return, binary}]) of
        Output -> {1, Output};
        Rest -> {Expected, Rest}
    end;
without_second_halt(Status, _Expected, Output) ->
    {Status, Output}.

code({halt, Code, _Flush}) -> Code;
code({stop, Code}) -> Code;
code(stop) -> 0;
code({signal, "TERM"}) -> 0.

limit({halt, _, _}) -> ?HALT_LIMIT;
limit(_) -> ?STOP_LIMIT.
