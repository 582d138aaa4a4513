"""Exponential and logarithm in float32 that a compiler turns into vector instructions.

Polynomials of the Cephes Mathematical Library (S. L. Moshier, 1992; `expf` and `logf`), restricted
to the arguments that networks need: within 2 units in the last place there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numba import types
from numba.extending import overload

from can_train.compiled import compiled

_LOWEST: Final = np.float32(-87.0)
"""Below, the exponential of a float32 is no normal number."""

_LOG2_E: Final = np.float32(1.44269504)
_LN2_HIGH: Final = np.float32(0.693359375)
_LN2_LOW: Final = np.float32(-2.12194440e-4)
_LN2: Final = np.float32(0.69314718)
_HALF: Final = np.float32(0.5)
_ONE: Final = np.float32(1.0)
_SQRT2_LESS_1: Final = np.float32(0.41421356)
_EXPONENT_BIAS: Final = 127
_MANTISSA_BITS: Final = 23


@compiled(reassociates=True)
def _halved(x: np.float32) -> tuple[np.float32, np.float32]:
    """exp(r) - 1 and 2^k of x = k ln 2 + r, |r| <= ln 2 / 2."""
    x = _LOWEST if x < _LOWEST else x  # not a number stays what it is
    whole = np.floor(x * _LOG2_E + _HALF)
    r = x - whole * _LN2_HIGH - whole * _LN2_LOW
    p = np.float32(1.9875691500e-4)
    p = p * r + np.float32(1.3981999507e-3)
    p = p * r + np.float32(8.3334519073e-3)
    p = p * r + np.float32(4.1665795894e-2)
    p = p * r + np.float32(1.6666665459e-1)
    p = p * r + np.float32(5.0000001201e-1)
    exponent = np.int32((np.int32(whole) + _EXPONENT_BIAS) << _MANTISSA_BITS)
    return p * r * r + r, exponent.view(np.float32)


@compiled(reassociates=True)
def exponential(x: np.float32) -> np.float32:
    """exp(x) of x <= 87."""
    less_1, power = _halved(x)
    return np.float32((less_1 + _ONE) * power)


@compiled(reassociates=True)
def exponential_less_1(x: np.float32) -> np.float32:
    """exp(x) - 1 of x <= 0, without losing the digits of small ones."""
    less_1, power = _halved(x)
    return np.float32(less_1 * power + (power - _ONE))


def exp_of(x: Any) -> Any:
    """In a compiled function: exp(x) of x <= 87 in the type of x, in float32 by `exponential`."""
    return np.exp(x)


def expm1_of(x: Any) -> Any:
    """In a compiled function: exp(x) - 1 of x <= 0 in the type of x, by `exponential_less_1`."""
    return np.expm1(x)


@overload(exp_of, strict=False)
def _exp_of(x: Any) -> Callable[[Any], Any]:
    if x == types.float32:
        return lambda x: exponential(x)
    return lambda x: np.exp(x)


@overload(expm1_of, strict=False)
def _expm1_of(x: Any) -> Callable[[Any], Any]:
    if x == types.float32:
        return lambda x: exponential_less_1(x)
    return lambda x: np.expm1(x)


@compiled(reassociates=True)
def log1p_of_unit(y: np.float32) -> np.float32:
    """log(1 + y) of 0 <= y <= 1."""
    large = y > _SQRT2_LESS_1
    f = (y - _ONE) * _HALF if large else y
    p = np.float32(7.0376836292e-2)
    p = p * f + np.float32(-1.1514610310e-1)
    p = p * f + np.float32(1.1676998740e-1)
    p = p * f + np.float32(-1.2420140846e-1)
    p = p * f + np.float32(1.4249322787e-1)
    p = p * f + np.float32(-1.6668057665e-1)
    p = p * f + np.float32(2.0000714765e-1)
    p = p * f + np.float32(-2.4999993993e-1)
    p = p * f + np.float32(3.3333331174e-1)
    result = f - _HALF * f * f + f * f * f * p
    return result + _LN2 if large else result


def log1p_of(y: Any) -> Any:
    """In a compiled function: log(1 + y) of 0 <= y <= 1 in the type of y."""
    return np.log1p(y)


@overload(log1p_of, strict=False)
def _log1p_of(y: Any) -> Callable[[Any], Any]:
    if y == types.float32:
        return lambda y: log1p_of_unit(y)
    return lambda y: np.log1p(y)
