"""What a `.pth` file holds, told without torch and without running anything in it (stdlib only).

`torch.load(..., weights_only=True)` is what keeps code from running. This is the same rule, cheap
enough for preflight: the file is a zip whose one pickle names nothing but tensors and containers.
"""

from __future__ import annotations

import io
import pickle
import pickletools
import re
import zipfile
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from can_train.config.frozen import decode_run_config
from can_train.config.schema import RunConfig
from can_train.errors import ArtifactError, ConfigError
from can_train.files import sha256_of

ARTIFACT_FORMAT: Final = "can-train artifact 3"
_FORMAT_FAMILY: Final = "can-train artifact "
LARGEST_PICKLE_BYTES: Final = 64_000_000
"""Names, shapes and a config are kilobytes; the numbers lie in members of their own."""

_ALLOWED: Final = re.compile(
    r"collections\.OrderedDict"
    r"|torch\._utils\._rebuild_(tensor|tensor_v2|parameter)"
    r"|torch\.nn\.parameter\.Parameter"
    r"|torch\.(storage\.)?\w*Storage"
    r"|torch\.(Size|device|serialization\._get_layout)"
    r"|torch\.(bool|u?int\d+|b?float\d+|complex\d+)"
    r"|_codecs\.encode"
)
"""Names that weights need; torch's own list (torch/_weights_only_unpickler.py) holds them all."""

_OPCODES: Final = frozenset(
    """PROTO STOP MARK GLOBAL NEWOBJ REDUCE BUILD APPEND APPENDS SETITEM SETITEMS TUPLE TUPLE1
    TUPLE2 TUPLE3 EMPTY_TUPLE EMPTY_LIST EMPTY_DICT EMPTY_SET NONE NEWTRUE NEWFALSE BININT BININT1
    BININT2 BINFLOAT BINUNICODE SHORT_BINSTRING LONG1 BINPERSID BINGET LONG_BINGET BINPUT
    LONG_BINPUT""".split()
)
"""What torch reads with `weights_only=True`: pickle protocol 2 without extensions."""

_PICKLE_START: Final = b"\x80"
_ZIP_START: Final = b"PK\x03\x04"


def check_weights_file(path: Path) -> None:
    """Whether the file is a whole one that holds nothing but weights and plain values.

    Raises:
        ArtifactError: Missing, truncated, in another format, or naming code.
    """
    _data_pickle(path)


def checked_sha256(path: Path, expected: str | None = None) -> str:
    """Hash of an artifact file after a look at its wholeness and at what it names.

    Raises:
        ArtifactError: Missing, truncated, holding code, or with another hash than `expected`.
    """
    check_weights_file(path)
    found = sha256_of(path)
    if expected is not None and found != expected:
        raise ArtifactError(
            f"{path}: sha256 is {found[:12]}, recorded was {expected[:12]}: truncated or changed. "
            "Train it again, or give another one by --teacher-path"
        )
    return found


def artifact_config(path: Path) -> RunConfig:
    """The configuration inside an artifact.

    Raises:
        ArtifactError: As `check_weights_file`, or the file isn't an artifact.
    """
    document = checked_format(path, stored_document(path))
    try:
        return decode_run_config(document["config"])
    except (ConfigError, KeyError) as error:
        raise ArtifactError(
            f"{path}: not an artifact of this version ({error}). Train it again"
        ) from error


def checked_format(path: Path, document: object) -> dict[str, Any]:
    """The document in `path`, if it is an artifact as this version writes them.

    Raises:
        ArtifactError: It is something else, or of another version.
    """
    said = document.get("format") if isinstance(document, dict) else None
    if isinstance(document, dict) and said == ARTIFACT_FORMAT:
        return document
    if isinstance(said, str) and said.startswith(_FORMAT_FAMILY):
        raise ArtifactError(
            f"{path}: {said}, this can-train reads {ARTIFACT_FORMAT}: its scores and threshold "
            "are in other units. Train it again"
        )
    raise ArtifactError(
        f"{path}: not a can-train artifact (expected format '{ARTIFACT_FORMAT}'). Weights of "
        "a plain state dict are taken in by: can-train teachers add --from-state-dict FILE"
    )


def stored_document(path: Path) -> object:
    """What the file holds, with a placeholder for every tensor.

    Raises:
        ArtifactError: As `check_weights_file`.
    """
    try:
        return _Placeholders(io.BytesIO(_data_pickle(path))).load()
    except (pickle.UnpicklingError, ValueError, TypeError, IndexError, KeyError,
            AttributeError) as error:  # fmt: skip
        raise ArtifactError(f"{path}: damaged model file ({error}). Train it again") from error


class _Placeholder:
    """Stands for a tensor, a storage or a dtype; takes whatever it is made from."""

    def __new__(cls, *values: object) -> _Placeholder:
        return super().__new__(cls)

    def __init__(self, *values: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass


class _Placeholders(pickle.Unpickler):
    """Resolves no name: ordered dicts are dicts, everything else is a placeholder."""

    def find_class(self, module: str, name: str) -> Any:
        """A stand-in for an allowed name."""
        if _ALLOWED.fullmatch(f"{module}.{name}") is None:
            raise pickle.UnpicklingError(f"{module}.{name} isn't allowed")
        return OrderedDict if name == "OrderedDict" else _Placeholder

    def persistent_load(self, pid: object) -> Any:
        """A stand-in for a storage."""
        return _Placeholder()


def _data_pickle(path: Path) -> bytes:
    """The one pickle of the file, after a look at everything it names."""
    try:
        with path.open("rb") as stream:
            start = stream.read(len(_ZIP_START))
    except FileNotFoundError as error:
        raise ArtifactError(
            f"{path}: no such model file. Train it again, or give another path"
        ) from error
    except OSError as error:
        raise ArtifactError(f"{path}: can't be read ({error.strerror})") from error
    if start[:1] == _PICKLE_START:
        raise _plain_pickle(path)
    if not zipfile.is_zipfile(path):
        kind = "truncated" if start in {_ZIP_START, b""} else "not a model file"
        raise ArtifactError(f"{path}: {kind}. Train it again, or restore the file")
    data = _member(path)
    _refuse_code(path, data)
    return data


def _member(path: Path) -> bytes:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [n for n in archive.namelist() if n.rpartition("/")[2].endswith(".pkl")]
            if len(names) != 1 or names[0].count("/") != 1 or not names[0].endswith("/data.pkl"):
                raise ArtifactError(
                    f"{path}: not a model file (its pickles: {', '.join(names) or 'none'}; "
                    "expected one data.pkl). Train it again, or give another path"
                )
            if archive.getinfo(names[0]).file_size > LARGEST_PICKLE_BYTES:
                raise ArtifactError(f"{path}: its data.pkl is too large for a model file: refused")
            return archive.read(names[0])
    except (zipfile.BadZipFile, EOFError, OSError, ValueError) as error:
        raise ArtifactError(f"{path}: truncated or damaged ({error}). Train it again") from error


def _refuse_code(path: Path, data: bytes) -> None:
    """Refuses names and opcodes that `weights_only` wouldn't take."""
    try:
        opcodes = list(_opcodes(data))
    except (ValueError, IndexError, UnicodeDecodeError) as error:
        raise ArtifactError(f"{path}: damaged model file ({error}). Train it again") from error
    foreign = sorted({name for name, _ in opcodes} - _OPCODES)
    named = {argument.replace(" ", ".") for name, argument in opcodes if name == "GLOBAL"}
    code = sorted(name for name in named if _ALLOWED.fullmatch(name) is None)
    if code or foreign:
        raise ArtifactError(
            f"{path}: holds objects that could run code ({', '.join(code or foreign)}): refused. "
            "A model file holds tensors and plain values only. Give another one, or train it again"
        )


def _opcodes(data: bytes) -> Iterator[tuple[str, str]]:
    for opcode, argument, _ in pickletools.genops(data):
        yield opcode.name, str(argument) if opcode.name == "GLOBAL" else ""


def _plain_pickle(path: Path) -> ArtifactError:
    """A bare pickle: torch before 1.6 wrote those, and so does whoever wants code to run."""
    return ArtifactError(
        f"{path}: a plain pickle, which could run code: refused. A model file is what torch.save "
        "writes since torch 1.6. Give another one, or train it again"
    )
