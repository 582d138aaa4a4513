"""What can happen to a file."""

from __future__ import annotations

import os
import pickle
import pickletools
from collections.abc import Callable
from pathlib import Path


class Evil:
    """Unpickling one runs code: it makes a folder."""

    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return os.mkdir, (str(self.proof),)


def truncated(content: bytes) -> bytes:
    """The first half of it."""
    return content[: len(content) // 2]


def one_bit_flipped(content: bytes) -> bytes:
    """It with another bit in its middle."""
    at = len(content) // 2
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def pickle_with_code(proof: Path) -> bytes:
    """A plain pickle that makes the folder `proof` when it is loaded."""
    content = pickle.dumps(Evil(proof), protocol=2)
    assert any(opcode.name == "REDUCE" for opcode, _, _ in pickletools.genops(content))
    return content
