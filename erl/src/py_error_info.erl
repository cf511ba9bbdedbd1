%% SPDX-License-Identifier: Apache-2.0
%% @private
%% Explains a `badarg' of a public function: which argument is wrong, and what it must be. The
%% shell, the logger and Elixir's exceptions ask `format_error/2' (see `erl_error'), because the
%% failed function has named this module by ?CHECKED of py_error_info.hrl.
-module(py_error_info).

-export([format_error/2]).

-type kind() ::
    arguments
    | calls
    | code
    | function
    | generation
    | kwargs
    | locals
    | loop
    | name
    | options
    | process_function
    | reference
    | stop_timeout
    | struct
    | struct_function
    | timeout
    | {exported, module | function}.

-spec format_error(Reason :: term(), erlang:stacktrace()) -> #{pos_integer() => binary()}.
format_error(badarg, [{Module, Function, Args, _Location} | _]) when is_list(Args) ->
    Kinds = kinds(Module, Function, length(Args)),
    Numbers = lists:seq(1, length(Kinds)),
    Given = lists:zip3(Numbers, Kinds, lists:sublist(Args, length(Kinds))),
    maps:from_list([{N, text(Kind, Arg)} || {N, Kind, Arg} <- Given, not is_good(Kind, Arg)]);
format_error(_Reason, _Stack) ->
    #{}.

%% What each argument of a public function must be. A function with defaults fails in the function
%% that has all the arguments.
-spec kinds(module(), Function :: atom(), arity()) -> [kind()].
kinds(py, register_function, 3) -> [name, function, options];
kinds(py, register_function, 4) -> [name, {exported, module}, {exported, function}, options];
kinds(py, unregister_function, 1) -> [name];
kinds(py, call, 5) -> [name, name, arguments, kwargs, timeout];
kinds(py, eval, 3) -> [code, locals, timeout];
kinds(py, exec, 1) -> [code];
kinds(py, await, 2) -> [reference, timeout];
kinds(py, async_gather, 1) -> [calls];
kinds(py, stream_eval, 2) -> [code, locals];
kinds(py, Function, 4) when
    Function =:= call_async; Function =:= cast; Function =:= async_call; Function =:= stream
->
    [name, name, arguments, kwargs];
kinds(py, context, 1) -> [timeout];
kinds(py, activate_venv, 1) -> [name];
kinds(py, gc, 1) -> [generation];
kinds(py_adapter, register, 2) -> [struct, struct_function];
kinds(py_adapter, unregister, 1) -> [struct];
kinds(py_context, with, 2) -> [process_function, timeout];
kinds(py_loop, call, 6) -> [loop, name, name, arguments, kwargs, timeout];
kinds(py_loop, stop, 1) -> [loop];
kinds(py_loop, stop, 2) -> [loop, stop_timeout];
kinds(_Module, _Function, _Arity) -> [].

%% Asks the code that refuses such an argument, so that both agree.
-spec is_good(kind(), term()) -> boolean().
is_good(Kind, Arg) ->
    try check(Kind, Arg) of
        _ -> true
    catch
        error:badarg -> false
    end.

-spec check(kind(), term()) -> term().
check(arguments, Args) when is_list(Args) -> ok;
check(calls, Calls) -> py_request:gather(Calls);
check(code, Code) -> py_request:text(Code);
check({exported, _}, Name) -> atom_to_binary(Name);
check(function, Function) -> py_function_target:new(Function, #{});
check(generation, Generation) -> py_request:gc(Generation);
check(kwargs, Kwargs) -> py_request:named(Kwargs);
check(locals, Locals) -> py_request:named(Locals);
check(loop, Loop) -> py_loop_registry:check(Loop);
check(name, Name) -> py_request:name(Name);
check(options, Options) -> py_properties:to_map(Options);
check(process_function, Fun) -> py_context_held:check(Fun);
check(reference, Ref) -> py_request_async:check(Ref);
check(stop_timeout, Timeout) -> py_deadline:check_finite(Timeout);
check(struct, Struct) -> py_adapter:check(Struct);
check(struct_function, Fun) -> py_adapter:check_function(Fun);
check(timeout, Timeout) -> py_deadline:check(Timeout);
check(_Kind, _Arg) -> error(badarg).

-spec text(kind(), Arg :: term()) -> binary().
text(arguments, _Arg) ->
    <<"must be the list of the function's arguments">>;
text(calls, _Arg) ->
    <<"must be a list of calls {Module, Function, Args} or {Module, Function, Args, Kwargs}">>;
text(code, _Arg) ->
    <<"must be Python code: a binary or a string">>;
text(function, Arg) when is_atom(Arg) ->
    <<"must be a fun; with a module and a function name, the options are argument 4">>;
text(function, _Arg) ->
    <<"must be a fun, or a module with a function name as the next argument">>;
text(generation, _Arg) ->
    <<"must be a generation of Python's garbage collector: 0, 1 or 2">>;
text(kwargs, Arg) when is_integer(Arg); Arg =:= infinity ->
    <<"must be keyword arguments: a map, or a list of {Name, Value}; the timeout follows them">>;
text(kwargs, _Arg) ->
    <<"must be keyword arguments: a map, or a list of {Name, Value}">>;
text(locals, Arg) when is_integer(Arg); Arg =:= infinity ->
    <<"must be local variables: a map, or a list of {Name, Value}; the timeout follows them">>;
text(locals, _Arg) ->
    <<"must be local variables: a map, or a list of {Name, Value}">>;
text(loop, _Arg) ->
    <<"must be a loop: a pid, a registered name, {global, Name} or {via, Module, Name}">>;
text(name, _Arg) ->
    <<"must be a name: an atom, a binary or a string">>;
text(options, Arg) when is_atom(Arg) ->
    <<"must be options: a map, or a list of {Name, Value}; after a module, a function name">>;
text(options, _Arg) ->
    <<"must be options: a map, or a list of {Name, Value}">>;
text(process_function, _Arg) ->
    <<"must be a fun without arguments">>;
text(reference, _Arg) ->
    <<"must be a reference from py:call_async or py:async_call">>;
text(stop_timeout, _Arg) ->
    <<"must be milliseconds: an integer from 0 to 4294967295">>;
text(struct, _Arg) ->
    <<"must be the name of a struct: an atom">>;
text(struct_function, _Arg) ->
    <<"must be a fun that takes the struct">>;
text(timeout, _Arg) ->
    <<"must be a timeout in milliseconds, from 0 to 4294967295, or infinity">>;
text({exported, module}, _Arg) ->
    <<"must be a module">>;
text({exported, function}, _Arg) ->
    <<"must be the name of a function of the module: an atom">>.
