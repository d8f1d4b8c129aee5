"""Arguments from outside against a call's types and bounds, before anything is done with them."""

from __future__ import annotations

import inspect
import reprlib
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from mrl_demo.core.errors import LabError

_LAB = "lab"


def parameters_of(call: Callable[..., Any]) -> tuple[inspect.Parameter, ...]:
    """What a caller names: all of a call's parameters but the lab, their types without bounds.

    >>> def double(lab: object, number: int = 2) -> int: ...
    >>> [(parameter.name, parameter.annotation) for parameter in parameters_of(double)]
    [('number', <class 'int'>)]
    """
    hints = get_type_hints(call)
    named = inspect.signature(call).parameters.values()
    return tuple(parameter.replace(annotation=hints[parameter.name]) for parameter in named if parameter.name != _LAB)


def check_arguments(call: Callable[..., Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments in their types; raises `LabError` naming the first that is missing, unknown or out of bounds.

    >>> def double(lab: object, number: int) -> int: ...
    >>> check_arguments(double, {"number": "7"})
    {'number': 7}
    >>> check_arguments(double, {"number": [7]})
    Traceback (most recent call last):
        ...
    mrl_demo.core.errors.LabError: number is [7]: Input should be a valid integer.
    """
    check_names(call, given)
    return {
        parameter.name: _checked(call, parameter.name, given.get(parameter.name, parameter.default))
        for parameter in parameters_of(call)
    }


def check_names(call: Callable[..., Any], given: Mapping[str, Any]) -> None:
    """Raise `LabError` naming the first argument that a call does not have, or that it needs and is not given.

    >>> def double(lab: object, number: int) -> int: ...
    >>> check_names(double, {})
    Traceback (most recent call last):
        ...
    mrl_demo.core.errors.LabError: number is missing: give one.
    """
    known = parameters_of(call)
    if unknown := set(given) - {parameter.name for parameter in known}:
        names = ", ".join(parameter.name for parameter in known)
        raise LabError(f"There is no argument {reprlib.repr(min(unknown))}: choose among {names}.")
    for parameter in known:
        if parameter.default is inspect.Parameter.empty and parameter.name not in given:
            raise LabError(f"{parameter.name} is missing: give one.").about(parameter.name)


def _checked(call: Callable[..., Any], name: str, value: object) -> object:
    try:
        return _adapters(call)[name].validate_python(value)
    except (ValidationError, RecursionError) as error:
        says = error.errors()[0]["msg"] if isinstance(error, ValidationError) else "It is nested too deeply"
        raise LabError(f"{name} is {reprlib.repr(value)}: {says}.").about(name) from error


@cache
def _adapters(call: Callable[..., Any]) -> dict[str, TypeAdapter[Any]]:
    hints = get_type_hints(call, include_extras=True)
    return {parameter.name: TypeAdapter(hints[parameter.name]) for parameter in parameters_of(call)}
