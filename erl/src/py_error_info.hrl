%% SPDX-License-Identifier: Apache-2.0
%% For public functions: the value of an expression that checks arguments. Its `badarg' becomes the
%% calling function's own, with its arguments; py_error_info then says what is wrong with them.
-define(CHECKED(Value, Args),
    try
        Value
    catch
        error:badarg -> error(badarg, Args, [{error_info, #{module => py_error_info}}])
    end
).
