"""Parameters of a plan, read from the annotations of its function and from the fields of its options."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from plans.argument import Arg, Parameter


def parameters_of(function: Callable[..., Any]) -> list[Parameter]:
    """Return the parameters that users see; raise TypeError for one without Arg.

    A parameter `options` is replaced by the fields of its dataclass, at the end, those of the most derived class first.
    """
    hints = get_type_hints(function, include_extras=True)
    found: list[Parameter] = []
    options: list[Parameter] = []
    for one in inspect.signature(function).parameters.values():
        if one.name in ("beamline", "configuration"):
            continue
        if one.name == "options":
            options = _fields_of(hints["options"])
        else:
            positional = one.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
            found.append(_parameter(one.name, hints[one.name], one.default, positional=positional))
    return [*found, *options]


def _fields_of(options: Any) -> list[Parameter]:
    hints = get_type_hints(options, include_extras=True)
    # Defaults are read from an instance, because a subclass may change the default of an inherited field. The order is
    # that of the classes in `__mro__`, the most special first; `dict.fromkeys` drops the repetition of a field that is
    # inherited.
    defaults = options()
    names = dict.fromkeys(name for kind in options.__mro__ for name in getattr(kind, "__annotations__", {}))
    return [_parameter(name, hints[name], getattr(defaults, name), positional=False) for name in names]


def _parameter(name: str, hint: Any, default: Any, *, positional: bool) -> Parameter:
    """Return the parameter of one annotation, which is `Annotated[kind, Arg]` or `Annotated[kind, Arg] | None`."""
    # `Annotated[X, Arg] | None` is a union at run time, of `Annotated` and NoneType; `Optional` gives a typing.Union
    # instead.
    parts = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    (annotated,) = (part for part in parts if part is not NoneType)
    if get_origin(annotated) is not Annotated:
        raise TypeError(f"The parameter {name} has no Arg. Annotate it with a type of plans.parameters.")
    kind, *extras = get_args(annotated)
    (arg,) = (one for one in extras if isinstance(one, Arg))
    return Parameter(name=name, kind=kind, arg=arg, default=default, optional=NoneType in parts, positional=positional)
