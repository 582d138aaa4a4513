"""Tables: what the columns are by name and content, what is refused, and what --columns says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from can_train.errors import DataError
from can_train.frames.frame import EXTENDED_FLAG
from can_train.frames.readers import read_recording
from can_train.frames.result import ReadResult
from tests.unit.frames.readers.texts import fault, write

FLAG = int(EXTENDED_FLAG)


def table(folder: Path, text: str, columns: Mapping[str, str] | None = None) -> ReadResult:
    path = write(folder, text.encode(), "recording.csv")
    result = read_recording(path, columns=columns)
    assert result.format == "table"
    return result


def refused(folder: Path, text: str, columns: Mapping[str, str] | None = None) -> str:
    path = write(folder, text.encode(), "recording.csv")
    with pytest.raises(DataError) as caught:
        read_recording(path, columns=columns)
    return str(caught.value).replace(str(path), "F")


def test_how_a_table_was_understood(tmp_path: Path) -> None:
    result = table(tmp_path, "Timestamp,CAN ID,DLC,DATA[0],DATA[1],Flag,x\n1.5,05f0,2,01,ff,T,z\n")
    assert result.understood == (
        "time: Timestamp, seconds",
        "id: CAN ID, hexadecimal",
        "data: DATA[0], DATA[1], hexadecimal",
        "dlc: DLC",
        "label: Flag",
        "not used: x",
    )
    assert result.labelled
    assert result.frames.label.tolist() == [1]
    assert result.frames.payload[0].tolist() == [1, 255, 0, 0, 0, 0, 0, 0]


def test_rows_without_cells_for_missing_bytes(tmp_path: Path) -> None:
    header = "Timestamp,ID,DLC," + ",".join(f"DATA{k}" for k in range(8)) + ",Flag\n"
    result = table(tmp_path, header + "1.5,316,2,05,06,T\n1.6,316,0,R\n1.7,316,1,07,,,,,,,,R\n")
    assert result.frames.dlc.tolist() == [2, 0, 1]
    assert result.frames.payload[:, 0].tolist() == [5, 0, 7]
    assert result.frames.label.tolist() == [1, 0, 0]


def test_gvret_counts_microseconds_and_fills_short_frames(tmp_path: Path) -> None:
    header = "Time Stamp,ID,Extended,Dir,Bus,LEN,D1,D2,D3,D4,D5,D6,D7,D8\n"
    rows = "2000000,0000021A,false,Rx,0,1,FE,00,00,00,00,00,00,00,\n3000000,00000007,true,Rx,1,0\n"
    result = table(tmp_path, header + rows)
    assert result.frames.timestamp.tolist() == [2.0, 3.0]
    assert result.frames.arbitration_id.tolist() == [0x21A, 7 | FLAG]
    assert result.frames.dlc.tolist() == [1, 0]
    assert result.bus_names == ("0", "1")


@pytest.mark.parametrize(
    ("name", "stamp", "seconds"),
    [("Time [ms]", "1500.5", 1.5005), ("time_us", "1500500", 1.5005), ("Time[s]", "1.5", 1.5),
     ("timestamp_ns", "1500000000", 1.5), ("Date Time", "2020-09-13 12:26:40.5", 1600000000.5),
     ("time", "00:01:00.25", 60.25)],
)  # fmt: skip
def test_units_of_time(tmp_path: Path, name: str, stamp: str, seconds: float) -> None:
    result = table(tmp_path, f"{name},can_id,payload\n{stamp},1A0,00\n")
    assert result.frames.timestamp.tolist() == [seconds]


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (["1743", "905"], [1743, 905]),
        (["1743", "90A"], [0x1743 | FLAG, 0x90A | FLAG]),
        (["1743", "0905"], [0x1743 | FLAG, 0x905 | FLAG]),
        (["0x6CF", "0x7"], [0x6CF, 7]),
        (["217055747", "5"], [217055747 | FLAG, 5]),
        (["100", "200"], [0x100, 0x200]),
        (["00000123", "123"], [0x123 | FLAG, 0x123]),
    ],
)
def test_ids_of_either_base(tmp_path: Path, ids: list[str], expected: list[int]) -> None:
    rows = "".join(f"1.{k},{text},00\n" for k, text in enumerate(ids))
    result = table(tmp_path, "time,id,data\n" + rows)
    assert result.frames.arbitration_id.tolist() == expected


@pytest.mark.parametrize(
    ("payloads", "expected"),
    [
        (["00 52 01", "FF"], [[0, 0x52, 1], [0xFF]]),
        (["0x005201", "0x"], [[0, 0x52, 1], []]),
        (["0x00 0x52", "0xF"], [[0, 0x52], [15]]),
        (["0-52-ff", "1:2:3"], [[0, 0x52, 255], [1, 2, 3]]),
        (["0 82 255", "7"], [[0, 82, 255], [7]]),
        (["AFIB", "/w=="], [[0, 0x52, 1], [0xFF]]),
    ],
)
def test_payloads_in_one_cell(
    tmp_path: Path, payloads: list[str], expected: list[list[int]]
) -> None:
    rows = "".join(f"1.{k},0x1A0,{text}\n" for k, text in enumerate(payloads))
    frames = table(tmp_path, "time,addr,data\n" + rows).frames
    found = [frames.payload[k, : frames.dlc[k]].tolist() for k in range(len(frames))]
    assert found == expected


def test_bytes_in_decimal_columns(tmp_path: Path) -> None:
    frames = table(tmp_path, "time,id,d0,d1\n1.0,1A0,5,255\n1.1,1A0,17.0,\n").frames
    assert frames.payload[:, :2].tolist() == [[5, 255], [17, 0]]
    assert frames.dlc.tolist() == [2, 1]


def test_quotes_semicolons_commas_remarks_and_preambles(tmp_path: Path) -> None:
    text = '# made by a tool\nsome text\n"Zeit";"time";"id";"data"\n"x;y";"1,5";"1A0";"00"\n#\n'
    result = table(tmp_path, text)
    assert result.frames.timestamp.tolist() == [1.5]


def test_one_odd_timestamp_makes_no_decimal_comma(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"csv:4: timestamp .*,2\.0"):
        table(tmp_path, "time;id;data\n1.5;1A0;00\n1.6;1A0;00\n,2.0;1A0;00\n")


def test_loggers_whose_type_marks_extended_ids(tmp_path: Path) -> None:
    text = "# Logger type: CL2000\nTimestamp;Type;ID;Data\n09T140808105;1;18feae30;ff64\n"
    frames = table(tmp_path, text + "09T140808106;0;1d3;\n").frames
    assert frames.arbitration_id.tolist() == [0x18FEAE30 | FLAG, 0x1D3]
    assert frames.timestamp[1] - frames.timestamp[0] == pytest.approx(0.001)


def test_ixxat_and_kvaser(tmp_path: Path) -> None:
    text = 'ASCII Trace\n"Time","Identifier (hex)","Format","Flags","Data (hex)"\n'
    frames = table(tmp_path, text + '"00:30:06.866","184","Ext","","00 06"\n').frames
    assert frames.arbitration_id.tolist() == [0x184 | FLAG]
    assert frames.timestamp.tolist() == [1806.866]
    text = "Time,Channel,ID,Flags,DLC,Data0,Data1\n0.1,0,100,2,2,01,02\n0.2,0,100,4,0,,\n"
    result = table(tmp_path, text + "0.3,0,100,32,0,,\n0.4,0,100,1,2,01,02\n")
    assert result.frames.arbitration_id.tolist() == [0x100, 0x100 | FLAG, 0x100]
    assert result.frames.dlc.tolist() == [2, 0, 0]
    assert not result.frames.payload[2].any()
    assert (result.error_frames, result.remote_frames) == (1, 1)


def test_remote_and_error_frames_of_python_can(tmp_path: Path) -> None:
    text = "timestamp,arbitration_id,extended,remote,error,dlc,data\n1.5,0x7,1,0,0,1,/w==\n"
    result = table(tmp_path, text + "1.6,0x7,0,1,0,8,\n1.7,0x0,0,0,1,0,\n")
    assert result.frames.arbitration_id.tolist() == [7 | FLAG, 7]
    assert result.frames.dlc.tolist() == [1, 0]
    assert (result.error_frames, result.remote_frames) == (1, 1)


@pytest.mark.parametrize("name", ["label", "Class", "is_attack", "Anomaly", "Flag", "category"])
@pytest.mark.parametrize(
    "words", [("0", "1"), ("R", "T"), ("Normal", "Attack"), ("BENIGN", "Flooding"), ("0.0", "1.0")]
)
def test_labels_of_any_name(tmp_path: Path, name: str, words: tuple[str, str]) -> None:
    rows = "".join(f"1.{k},1A0,00,{word}\n" for k, word in enumerate((*words, words[1])))
    result = table(tmp_path, f"time,id,data,{name}\n{rows}")
    assert result.labelled
    assert result.frames.label.tolist() == [0, 1, 1]


def test_a_column_of_unknown_name_with_words_of_labels_is_one(tmp_path: Path) -> None:
    result = table(tmp_path, "time,id,data,verdict\n1.0,1A0,00,normal\n1.1,1A0,00,attack\n")
    assert result.frames.label.tolist() == [0, 1]


def test_a_column_that_may_be_a_label_is_refused_until_something_is_said(tmp_path: Path) -> None:
    text = "time,id,data,marker\n1.0,1A0,00,0\n1.1,1A0,00,1\n"
    assert refused(tmp_path, text) == (
        "F: column marker holds 0 and 1 alone and may be a label. Say what it is: "
        "--columns label=marker, or --columns label=none"
    )
    assert table(tmp_path, text, {"label": "marker"}).frames.label.tolist() == [0, 1]
    assert not table(tmp_path, text, {"label": "none"}).labelled


def test_labels_that_disagree(tmp_path: Path) -> None:
    text = "time,id,data,Class,SubClass\n1.0,1A0,00,Normal,Normal\n1.1,1A0,00,Normal,Flooding\n"
    assert refused(tmp_path, text).startswith("F:3: one label says attack, another benign: ")


def test_kinds_without_any_word_for_benign(tmp_path: Path) -> None:
    message = refused(tmp_path, "time,id,data,class\n1.0,1A0,00,sensor\n1.1,1A0,00,gateway\n")
    assert message == (
        "F: column class holds gateway, sensor and no word for benign frames (0, 0.0, r, normal, "
        "benign, …). If it is no label: --columns label=none"
    )


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("x,1A0,1,00,0", "timestamp isn't a finite number of seconds: 'x'"),
        ("1.0,1G0,1,00,0", "arbitration ID isn't 1 to 8 hex digits: '1G0'"),
        ("1.0,20000000,1,00,0", "arbitration ID is above 1FFFFFFF, the largest 29-bit one: "
                                "'20000000'"),
        ("1.0,1A0,x,00,0", "DLC isn't a number from 0 to 64: 'x'"),
        ("1.0,1A0,2,00,0", "number of payload bytes differs from the DLC: '1.0,1A0,2,00,0'"),
        ("1.0,1A0,1,0g,0", "payload isn't hex digits: '0g'"),
        ("1.0,1A0,1,000,0", "payload has an odd number of hex digits: '000'"),
        ("1.0,1A0,9,001122334455667788,0", "payload is longer than a frame's 8 bytes (CAN FD: 64): "
                                           "'001122334455667788'"),
        ("1.0,1A0,1,00,2", "label is neither 0 nor 1: '2'"),
        ("1.0,1A0,1,00", "number of fields differs from the header's: '1.0,1A0,1,00'"),
        ("1.0,1A0,1,00,0,7", "number of fields differs from the header's: '1.0,1A0,1,00,0,7'"),
    ],
)  # fmt: skip
def test_malformed_row(tmp_path: Path, line: str, what: str) -> None:
    text = f"time,id,dlc,data,label\n1.0,1A0,1,00,0\n{line}\n"
    assert fault(tmp_path, text.encode())[0] == f"F:3: {what}"


def test_can_fd(tmp_path: Path) -> None:
    data = bytes(range(12)).hex()
    frames = table(tmp_path, f"time,id,dlc,data\n1.0,1A0,9,{data}\n1.1,1A0,12,{data}\n").frames
    assert frames.dlc.tolist() == [12, 12]
    assert frames.payload.shape == (2, 64)


def test_columns_by_name_and_by_number(tmp_path: Path) -> None:
    text = "time;id;c;d\n1.5;1A0;00 01;1\n"
    frames = table(tmp_path, text, {"data": "3", "label": "D"}).frames
    assert frames.label.tolist() == [1]
    headless = "1.5,1A0,2,00,01,T\n1.6,1A0,1,02,,R\n"
    numbers = {"time": "1", "id": "2", "dlc": "3", "data": "4-5", "label": "6"}
    frames = table(tmp_path, headless, numbers).frames
    assert frames.payload[:, :2].tolist() == [[0, 1], [2, 0]]
    assert frames.label.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"tme": "a"}, "--columns tme=a: no such role; did you mean time? Allowed: time, id, "
                       "extended, bus, dlc, data, label, remote, error"),
        ({"time": "z"}, "F: --columns time=z: no such column. There are time, id, data; numbers "
                        "count from 1, and data=4-11 names eight bytes"),
    ],
)  # fmt: skip
def test_columns_that_are_not_there(tmp_path: Path, columns: dict[str, str], message: str) -> None:
    assert refused(tmp_path, "time,id,data\n1.0,1A0,00\n", columns) == message


def test_what_holds_no_frames_is_refused_with_the_reason(tmp_path: Path) -> None:
    assert "no column of time among ID, Data" in refused(tmp_path, "ID,Data\n1A0,00\n")
    assert "Signals that were decoded" in refused(tmp_path, "Label,Time,ID,Signal_1\n0,1.0,id1,0\n")
    assert "no header and no time" in refused(tmp_path, "192,32,0,0,0,0,0,0,0,0.0\n")
    assert "no column of arbitration IDs" in refused(tmp_path, "time,data\n1.0,00\n")


@pytest.mark.parametrize("named", [True, False])
def test_header_that_nobody_can_guess(tmp_path: Path, named: bool) -> None:
    """By its names, or by numbers: the header is no malformed first row either way."""
    columns = dict(zip(("time", "id", "data"), "pqr" if named else "123", strict=True))
    result = table(tmp_path, "p,q,r\n1.5,1A0,00\n1.6,1A1,01\n", columns)
    assert result.frames.arbitration_id.tolist() == [0x1A0, 0x1A1]
    assert result.understood[0] == "time: p, seconds"


def test_superscripts_are_no_decimal_digits(tmp_path: Path) -> None:
    """Damage turns ASCII into them; `str.isdigit` takes them for digits, `int` doesn't."""
    said = refused(tmp_path, "time,id,data\n1.5,\u00b2,00\n")
    assert said.startswith("F:2: arbitration ID isn't 1 to 8 hex digits: '\u00b2'")
