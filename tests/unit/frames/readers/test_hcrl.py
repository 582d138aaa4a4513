"""HCRL text: flags, rows of every length, and the same drive as parquet."""

from __future__ import annotations

from pathlib import Path

import pytest

from can_train.frames.readers import read_recording
from tests.unit.frames.readers.texts import assert_part_of, fault, read, write

HCRL = {
    "Flooding_dataset_KIA.txt": "train_02_with_attacks__DoS-kia",
    "Fuzzy_dataset_SONATA.txt": "train_02_with_attacks__fuzzing-sonata",
    "Malfunction18E_dataset_Spark.txt": "test_04_unknown_vehicle_unknown_attack__malfunction-spark",
}


def test_hcrl_flag_is_the_last_field(tmp_path: Path) -> None:
    result = read_recording(
        write(
            tmp_path,
            b"1513920193.748043,00C5,8,30,00,00,00,30,00,00,00,R\n"
            b"1478191030.067627,05f0,2,01,00,T\n"
            b"1478195721.905736,02b0,5,ff,7f,00,05,49,Normal\n"
            b"1478195721.905737,02b0,0,Attack\n"
            b"1478195721.905738,02b0,3,01,02,03,,,,,,T\n",
        )
    )
    assert (result.format, result.labelled) == ("hcrl", True)
    assert result.frames.dlc.tolist() == [8, 2, 5, 0, 3]
    assert result.frames.label.tolist() == [0, 1, 0, 1, 1]
    assert result.frames.payload[2].tolist() == [0xFF, 0x7F, 0, 5, 0x49, 0, 0, 0]
    assert result.frames.arbitration_id.tolist() == [0xC5, 0x5F0, 0x2B0, 0x2B0, 0x2B0]


@pytest.mark.parametrize("dlc", range(9))
def test_hcrl_rows_of_every_length(tmp_path: Path, dlc: int) -> None:
    payload = b"".join(b",%02x" % (k + 1) for k in range(dlc))
    frames = read(tmp_path, b"1.5,0316,%d%s,R\n" % (dlc, payload))
    assert frames.dlc.tolist() == [dlc]
    assert frames.payload[0].tolist() == [*range(1, dlc + 1), *[0] * (8 - dlc)]


def test_hcrl_free_driving_without_flags(tmp_path: Path) -> None:
    result = read_recording(write(tmp_path, b"1.5,0316,3,05 22 68\n1.6,02b0,0,\n1.7,02b0,0\n"))
    assert not result.labelled
    assert result.frames.dlc.tolist() == [3, 0, 0]
    assert result.frames.payload[0, :3].tolist() == [5, 0x22, 0x68]


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (b"1.0,0316,9,00,R", "DLC isn't a number from 0 to 8: '9'"),
        (b"1.0,0316,2,00,R", "number of payload bytes differs from the DLC: '00'"),
        (b"1.0,0316,1,00,01,R", "number of payload bytes differs from the DLC: '00,01'"),
        (b"1.0,0316,1,0,R", "payload has an odd number of hex digits: '0'"),
        (b"1.0,0316,1,0G,R", "payload isn't hex digits: '0G'"),
        (b"1.0,0316,2,00,01", "the flag R or T after the payload is missing: '01'"),
        (b"1.0,0316,1,00,X", "last field is neither R nor T (nor Normal, Attack): 'X'"),
        (b"1.0,0316", "not of the form seconds,ID,DLC,bytes,flag: '1.0,0316'"),
        (b"1.0,03Z6,1,00,R", "arbitration ID isn't 1 to 8 hex digits: '03Z6'"),
    ],
)
def test_malformed_hcrl_line(tmp_path: Path, line: bytes, what: str) -> None:
    assert fault(tmp_path, b"1.0,0316,1,00,R\n" + line)[0] == f"F:2: {what}"


@pytest.mark.recordings
@pytest.mark.parametrize(("text", "parquet"), HCRL.items())
def test_survival_text_is_the_parquet_recording(recordings: Path, text: str, parquet: str) -> None:
    part = read_recording(recordings / "raw/hcrl_survival" / text)
    whole = read_recording(recordings / f"parquet/hcrl_sa/{parquet}.parquet")
    assert (part.format, len(part.frames)) == ("hcrl", 36_000)
    assert_part_of(part.frames, whole.frames)


@pytest.mark.recordings
def test_car_hacking_rows_with_words_for_flags(recordings: Path) -> None:
    path = recordings / "raw/hcrl_car_hacking/attack_csv_rows.csv"
    frames = read_recording(path).frames
    assert (len(frames), int(frames.label.sum())) == (12, 2)
    assert set(frames.dlc.tolist()) == {2, 5, 8}
