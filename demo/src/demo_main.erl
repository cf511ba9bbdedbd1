%% SPDX-License-Identifier: Apache-2.0
%% @doc Starts the demo on a separate node (`erl -s demo_main'); the node ends with the demo.
-module(demo_main).

-export([start/0]).

-spec start() -> ok.
start() ->
    ok = application:load(demo),
    case [Port || Port <- tuple_to_list(demo_app:ports()), not is_free(Port)] of
        [] ->
            case application:ensure_all_started(demo, permanent) of
                {ok, _} -> ok;
                {error, Reason} -> give_up("can't start: ~p", [Reason])
            end;
        [Taken | _] ->
            give_up("port ~b is taken; choose another with --port", [Taken])
    end.

%% Checked before the start: the supervisor would restart a service with a taken port in vain.
-spec is_free(Port :: inet:port_number()) -> boolean().
is_free(Port) ->
    case gen_tcp:listen(Port, [{ip, {127, 0, 0, 1}}, {reuseaddr, true}]) of
        {ok, Socket} ->
            ok = gen_tcp:close(Socket),
            true;
        {error, _} ->
            false
    end.

-spec give_up(Format :: string(), Arguments :: [term()]) -> ok.
give_up(Format, Arguments) ->
    io:format(standard_error, "demo: " ++ Format ++ "~n", Arguments),
    init:stop(1).
