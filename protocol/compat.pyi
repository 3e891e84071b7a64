from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

_Constant = TypeVar("_Constant")
_Function = TypeVar("_Function", bound=Callable[..., object])

ptr8: TypeAlias = Any

def const(value: _Constant) -> _Constant: ...
def viper(function: _Function) -> _Function: ...
