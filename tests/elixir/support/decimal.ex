# SPDX-License-Identifier: Apache-2.0
defmodule Decimal do
  @moduledoc false
  # The struct of the package `decimal`, so that the tests need no package from hex.pm.
  defstruct sign: 1, coef: 0, exp: 0
end
