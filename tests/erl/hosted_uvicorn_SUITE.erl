%% SPDX-License-Identifier: Apache-2.0
%% A web service in the application's configuration, under load, while the application stops and
%% starts repeatedly.
-module(hosted_uvicorn_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

-define(RESTARTS, 10).
-define(CLIENTS, 4).
-define(LIMIT, 30000).

all() ->
    both_loops:all().

groups() ->
    both_loops:groups(cases:of_suite(?MODULE)).

init_per_group(Kind, Config) ->
    Port = free_port(),
    {ok, _} = application:ensure_all_started(erlang_python),
    ok = py:exec(source()),
    ok = application:stop(erlang_python),
    Main = {'erlang.hosting', uvicorn, [<<"__main__:app">>], #{port => Port, log_level => critical}},
    Loop = #{main => Main, loop => Kind, stop_timeout => 20000},
    ok = application:set_env(erlang_python, loops, [Loop]),
    [{port, Port}, {loop, Loop} | Config].

end_per_group(_Kind, _Config) ->
    _ = application:stop(erlang_python),
    application:unset_env(erlang_python, loops).

source() ->
    <<"import asyncio\n"
      "life = []\n"
      "async def lifespan(receive, send):\n"
      "    for phase in ('startup', 'shutdown'):\n"
      "        assert (await receive())['type'] == f'lifespan.{phase}'\n"
      "        life.append(phase)\n"
      "        await send({'type': f'lifespan.{phase}.complete'})\n"
      "async def endless(send):\n"
      "    await send({'type': 'http.response.start', 'status': 200, 'headers': []})\n"
      "    life.append('endless')\n"
      "    while True:\n"
      "        await send({'type': 'http.response.body', 'body': b'x', 'more_body': True})\n"
      "        await asyncio.sleep(0.01)\n"
      "async def app(scope, receive, send):\n"
      "    if scope['type'] == 'lifespan':\n"
      "        return await lifespan(receive, send)\n"
      "    body = b'at once'\n"
      "    if scope['path'] == '/wait':\n"
      "        body = (await erlang.async_call('wait')).encode()\n"
      "    if scope['path'] == '/endless':\n"
      "        return await endless(send)\n"
      "    headers = [(b'content-length', str(len(body)).encode())]\n"
      "    await send({'type': 'http.response.start', 'status': 200, 'headers': headers})\n"
      "    await send({'type': 'http.response.body', 'body': body})\n">>.

ten_restarts_of_the_application_cut_no_request_short(Config) ->
    Port = proplists:get_value(port, Config),
    Served = counters:new(1, []),
    Load = [spawn_monitor(fun() -> load(Port, Served) end) || _ <- lists:seq(1, ?CLIENTS)],
    lists:foreach(fun(_) -> restart(Port, Served) end, lists:seq(1, ?RESTARTS)),
    {ok, _} = application:ensure_all_started(erlang_python),
    Lives = lists:append(lists:duplicate(?RESTARTS, [<<"startup">>, <<"shutdown">>])),
    {ok, Told} = py:eval(<<"life">>),
    ?assertEqual(Lives, lists:sublist(Told, length(Lives))),
    ok = py:exec(<<"life.clear()">>),
    %% No client failed on an unexpected response.
    [
        begin
            exit(Pid, enough),
            ?assertEqual(enough, death:reason(Client, ?LIMIT))
        end
     || {Pid, _} = Client <- Load
    ].

%% The lifespan of the service ends, and the next start finds the port free.
the_service_ends_with_the_application_beside_an_endless_response(Config) ->
    Port = proplists:get_value(port, Config),
    Loop = proplists:get_value(loop, Config),
    _ = application:stop(erlang_python),
    ok = application:set_env(erlang_python, loops, [Loop#{stop_timeout => 3000}]),
    {ok, _} = application:ensure_all_started(erlang_python),
    eventually:equal({200, <<"at once">>}, fun() -> ask(Port, "/") end),
    ok = py:exec(<<"life.clear()">>),
    Endless = spawn_monitor(fun() -> exit(ask(Port, "/endless")) end),
    eventually:equal({ok, true}, fun() -> py:eval(<<"'endless' in life">>) end),
    ok = application:stop(erlang_python),
    ?assertMatch({200, <<"1\r\nx\r\n", _/binary>>}, death:reason(Endless, ?LIMIT)),
    {ok, _} = application:ensure_all_started(erlang_python),
    eventually:equal({200, <<"at once">>}, fun() -> ask(Port, "/") end),
    {ok, Told} = py:eval(<<"life">>),
    ?assertEqual([<<"endless">>, <<"shutdown">>, <<"startup">>], Told),
    ok = py:exec(<<"life.clear()">>).

%% Starts the application and stops it while a request is in progress.
restart(Port, Served) ->
    {ok, _} = application:ensure_all_started(erlang_python),
    Test = self(),
    ok = py:register_function(wait, fun([]) ->
        Test ! {waiting, self()},
        receive
            {release, Text} -> Text
        end
    end),
    Before = counters:get(Served, 1),
    eventually:true(fun() -> counters:get(Served, 1) > Before + ?CLIENTS end),
    Waiting = spawn_monitor(fun() -> exit(ask(Port, "/wait")) end),
    Worker =
        receive
            {waiting, Pid} -> Pid
        after ?LIMIT -> error(nobody_waits)
        end,
    Stopping = spawn_monitor(fun() -> exit(application:stop(erlang_python)) end),
    eventually:equal(refused, fun() -> ask(Port, "/") end),
    Worker ! {release, <<"to the end">>},
    ?assertEqual({200, <<"to the end">>}, death:reason(Waiting, ?LIMIT)),
    ?assertEqual(ok, death:reason(Stopping, ?LIMIT)).

load(Port, Served) ->
    case ask(Port, "/") of
        {200, <<"at once">>} -> counters:add(Served, 1, 1);
        %% The application is stopped, or the server closed its socket while the client was
        %% connecting.
        refused -> timer:sleep(1);
        closed -> ok
    end,
    load(Port, Served).

ask(Port, Path) ->
    case gen_tcp:connect({127, 0, 0, 1}, Port, [binary, {active, false}]) of
        {ok, Socket} ->
            _ = gen_tcp:send(Socket, ["GET ", Path, " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"]),
            Answer = answer(Socket, <<>>),
            ok = gen_tcp:close(Socket),
            Answer;
        {error, econnrefused} ->
            refused;
        {error, econnreset} ->
            closed
    end.

answer(Socket, Read) ->
    case {gen_tcp:recv(Socket, 0, ?LIMIT), Read} of
        {{ok, More}, _} ->
            answer(Socket, <<Read/binary, More/binary>>);
        {{error, Why}, <<>>} when Why =:= closed; Why =:= econnreset ->
            closed;
        {{error, closed}, <<"HTTP/1.1 ", Status:3/binary, _/binary>>} ->
            [_, Body] = binary:split(Read, <<"\r\n\r\n">>),
            {binary_to_integer(Status), Body}
    end.

%% A port below the range that the operating system assigns to clients. A client on this port would
%% block the next start.
free_port() ->
    Port = 10300 + rand:uniform(22000),
    case gen_tcp:listen(Port, [{ip, {127, 0, 0, 1}}]) of
        {ok, Socket} ->
            ok = gen_tcp:close(Socket),
            Port;
        {error, eaddrinuse} ->
            free_port()
    end.
