"""What the columns of a table are, by their names (stdlib only)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

IGNORED, TIME, ID, EXTENDED, BUS, DLC, DATA, BYTE, LABEL, REMOTE, ERROR, FLAGS, KIND = range(13)
"""`KIND`: a word for the kind of frame, in formats of words."""

ROLES: Final[Mapping[str, int]] = {
    "time": TIME,
    "id": ID,
    "extended": EXTENDED,
    "bus": BUS,
    "dlc": DLC,
    "data": DATA,
    "label": LABEL,
    "remote": REMOTE,
    "error": ERROR,
}
"""Words of `--columns`; several columns of `data` are its bytes."""

_WORDS: Final[Mapping[int, str]] = {
    TIME: "time timestamp timestamps time_stamp ts t datetime date_time epoch seconds sec "
    "time_offset offset rel_time abs_time abstime",
    ID: "id can_id canid arbitration_id arb_id arbid aid addr address message_id msg_id msgid "
    "identifier frame_id can_identifier id_hex can_id_hex identifier_hex id_dec",
    EXTENDED: "extended ext is_extended is_extended_id extended_id xtd ide eff id_type format",
    BUS: "bus channel chn ch interface iface can bus_id can_bus can_channel",
    DLC: "dlc len length data_length data_len size data_length_code num_bytes",
    DATA: "data payload data_field data_bytes payload_hex data_hex bytes raw_data rawdata raw "
    "can_data message_data",
    LABEL: "label labels attack attacks class flag anomaly anomalous is_attack is_anomaly "
    "malicious is_malicious intrusion is_intrusion injected is_injected target y ground_truth "
    "attack_flag "
    "attack_label class_label tag subclass sub_class attack_type attack_kind attack_class "
    "attack_name category specific_class kind",
    REMOTE: "remote rtr is_remote is_remote_frame",
    ERROR: "error err is_error is_error_frame error_frame",
    FLAGS: "flags",
}
_BY_NAME: Final = {word: role for role, words in _WORDS.items() for word in words.split()}
_BYTE: Final = re.compile(r"(?:data|d|byte|b|db|data_byte|payload|databyte)_?(\d{1,2})")
_UNITS: Final = {"s": 1.0, "sec": 1.0, "ms": 1e3, "msec": 1e3, "us": 1e6, "usec": 1e6, "ns": 1e9}
_HARMLESS: Final = frozenset(
    "dir direction rx_tx tx_rx index n no nr number counter count line row unnamed_0 brs esi fd "
    "is_fd is_rx priority".split()
) | {""}
"""Names of columns that hold nothing of a frame and surely no label, though they may be 0 and 1."""

BENIGN_WORDS: Final = ("0", "0.0", "r", "normal", "benign", "false", "none", "no", "attack_free",
                       "attack-free", "free", "legitimate", "regular")  # fmt: skip
ATTACK_WORDS: Final = ("1", "1.0", "t", "attack", "true", "yes", "anomaly", "anomalous", "abnormal",
                       "malicious", "injected", "intrusion", "malign")  # fmt: skip
"""Values of labels in lower case. Any other word is a kind of attack, if some frames are benign."""

SURE_WORDS: Final = frozenset({*BENIGN_WORDS, *ATTACK_WORDS}) - frozenset(
    "0 0.0 1 1.0 r t true false none yes no free regular".split()
)
"""Words that stand in no column but a label."""

BINARY: Final = frozenset({"0", "1", "0.0", "1.0", "r", "t", "true", "false"})
"""Values of a label that other columns may have as well."""


def plain(name: str) -> str:
    """A column's name in lower case, with `_` for whatever isn't a letter or a digit."""
    name = name.replace("µ", "u").replace("μ", "u").lower()
    return re.sub(r"[^a-z0-9]+", "_", name).strip("_")


def role_of(name: str) -> int:
    """Role that a column's name tells, `IGNORED` if it tells none."""
    word = plain(name)
    if word in _BY_NAME:
        return _BY_NAME[word]
    if _BYTE.fullmatch(word):
        return BYTE
    stem, _, unit = word.rpartition("_")
    return TIME if unit in _UNITS and _BY_NAME.get(stem) == TIME else IGNORED


def units_per_s(name: str) -> float | None:
    """1000 for `Time [ms]`, 1 for `time_s`; None where the name tells no unit."""
    return _UNITS.get(plain(name).rpartition("_")[2])


def is_harmless(name: str) -> bool:
    """Whether a column of this name can't be a label, whatever it holds."""
    return plain(name) in _HARMLESS
