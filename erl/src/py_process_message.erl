%% SPDX-License-Identifier: Apache-2.0
%% @private
%% `erlang.send' of Python processes beside the node.
-module(py_process_message).

-export([send/1]).

%% False if no process of this node has the name.
-spec send([Receiver | Message, ...]) -> boolean() when
    Receiver :: binary() | atom() | pid() | {Name :: atom(), node()}, Message :: term().
send([Name, Message]) when is_binary(Name) ->
    try binary_to_existing_atom(Name) of
        Known -> send([Known, Message])
    catch
        error:badarg -> false
    end;
send([Name, Message]) when is_atom(Name) ->
    case whereis(Name) of
        undefined -> false;
        Receiver -> send([Receiver, Message])
    end;
send([Receiver, Message]) ->
    _ = erlang:send(Receiver, Message),
    true.
