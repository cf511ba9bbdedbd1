%% SPDX-License-Identifier: Apache-2.0
%% Connections that a hosted loop accepts while their server is being closed.
-module(late_connections_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

-define(LIMIT, 20000).

all() ->
    both_loops:all().

groups() ->
    both_loops:groups(cases:of_suite(?MODULE)).

init_per_suite(Config) ->
    python_side:start(source(), Config).

end_per_suite(_Config) ->
    application:stop(erlang_python).

%% The loop needs several turns to accept a connection. The server is closed once after each number
%% of turns.
source() ->
    <<"import asyncio, socket, sys, warnings\n"
      "complaints = []\n"
      "async def close_a_door(turns):\n"
      "    loop = asyncio.get_running_loop()\n"
      "    server = await asyncio.start_server(lambda r, w: w.close(), '127.0.0.1', 0)\n"
      "    with socket.create_connection(server.sockets[0].getsockname()) as client:\n"
      "        client.setblocking(False)\n"
      "        for _ in range(turns): await asyncio.sleep(0)\n"
      "        server.close()\n"
      "        try: await loop.sock_recv(client, 1)\n"
      "        except ConnectionError: pass\n"
      "async def close_doors():\n"
      "    with warnings.catch_warnings(record=True) as caught:\n"
      "        warnings.simplefilter('always')\n"
      "        hook, sys.unraisablehook = sys.unraisablehook, lambda what: complaints.append(repr(what))\n"
      "        try:\n"
      "            for turns in range(10): await close_a_door(turns)\n"
      "        finally: sys.unraisablehook = hook\n"
      "    complaints.extend(str(one.message) for one in caught)\n">>.

a_connection_accepted_when_its_server_closes_is_closed(Config) ->
    process_flag(trap_exit, true),
    Kind = both_loops:kind(Config),
    {ok, Loop} = py_loop:start_link(#{loop => Kind, main => {'__main__', close_doors, [], #{}}}),
    ?assertEqual(normal, receive {'EXIT', Loop, Why} -> Why after ?LIMIT -> still_waiting end),
    ?assertEqual({ok, []}, py:eval(<<"complaints">>)).
