"""Which format a file is in: told by its content, or by --format."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from can_train.errors import DataError
from can_train.frames.readers import read_recording, registry
from can_train.frames.readers.registry import Format, Head, formats, head_of, recognise
from tests.unit.frames.readers.texts import HEADER, fault, write


@pytest.mark.parametrize(
    "content",
    [
        b"192,32,0,0,0,0,0,0\n",
        b"{}\n",
        b"\x7fELF\x90\x00\x00\x00\xff\xfe",
        b"\n\n",
    ],
)
def test_unknown_format_lists_the_known_ones(tmp_path: Path, content: bytes) -> None:
    (message,) = fault(tmp_path, content)
    assert message.startswith("F: not a recording of a known format; it starts with ")
    assert "Known: parquet, table, can-train-and-test, hcrl, otids, candump, " in message


def test_format_overrides_what_the_content_says(tmp_path: Path) -> None:
    path = write(tmp_path, b"garbage\n(1.0) can0 112#00\n")
    assert read_recording(path, format="candump", lenient=0.5).skipped == 1
    with pytest.raises(DataError, match="no such format; did you mean candump"):
        read_recording(path, format="candumb")


@pytest.mark.parametrize("name", ["a.csv", "a.log", "a.parquet", "a"])
def test_format_is_recognised_by_content_not_by_name(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, b"(1.0) can0 112#00\n", name)
    assert read_recording(path).format == "candump"


def test_empty_file(tmp_path: Path) -> None:
    assert fault(tmp_path, b"") == ["F: the file is empty. Leave it out of the source folder"]


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"# a remark\n1.5,0316,1,05,R\n(1.6) can0 112#00\n", "hcrl"),
        (b"# a remark\n(1.6) can0 112#00\n1.5,0316,1,05,R\n", "candump"),
        (b"timestamp,arbitration_id,data_field\n(1.6) can0 112#00\n", "can-train-and-test"),
        (b"(1.6) can0 112#00\ntimestamp,arbitration_id,data_field\n", "candump"),
        (b"PAR1\n(1.6) can0 112#00\n", "parquet"),
    ],
)
def test_earliest_line_decides(tmp_path: Path, content: bytes, name: str) -> None:
    found = recognise(head_of(write(tmp_path, content)))
    assert found is not None
    assert found.name == name


def test_nobody_is_asked_behind_a_format_that_claims_the_first_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def claims(name: str, line: int | None) -> Format:
        def sniff(head: Head) -> int | None:
            asked.append(name)
            return line

        return replace(formats()["candump"], name=name, sniff=sniff)

    known = [claims("a", None), claims("b", 2), claims("c", 0), claims("d", 0)]
    monkeypatch.setattr(registry, "formats", lambda: {each.name: each for each in known})
    assert recognise(head_of(write(tmp_path, b"1\n"))) is known[2]
    assert asked == ["a", "b", "c"]


@pytest.mark.parametrize("lines", [0, 1, 2, 63, 64, 65, 200])
@pytest.mark.parametrize("width", [1, 300])
@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n \n"])
def test_the_first_lines_are_those_of_the_sample(
    tmp_path: Path, lines: int, width: int, end: bytes
) -> None:
    texts = [f"{k} ".encode() + b"x" * width for k in range(lines)]
    content = b" \n" + b"\n\n".join(texts) + end
    head = head_of(write(tmp_path, content))
    cut = len(content) > 65536 // 4 and not content.endswith(b"\n") and lines > 1
    whole = tuple(text.decode() for text in (texts[:-1] if cut else texts))
    if len(content) < 65536:
        assert head.sample == whole
    assert head.lines == head.sample[:64]


def test_documented_formats_are_the_known_ones(repo_root: Path) -> None:
    page = (repo_root / "docs/concepts/data.md").read_text()
    table = page.partition("| `--format` | layout |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| `(\S+)` \| (.*) \|$", table, re.MULTILINE)
    known = [(each.name, each.title) for each in formats().values()]
    assert [(name, title.replace("`", "")) for name, title in rows] == known


def test_parsers_are_compiled_once_for_all_processes(tmp_path: Path) -> None:
    paths = [
        write(tmp_path, HEADER + b"1.0,1C7,00,1\n", "a"),
        write(tmp_path, b"1.5,0316,1,05,R\n", "b"),
        write(tmp_path, b"(1.0) can0 112##100\n", "c"),
    ]
    for path in paths:
        read_recording(path)  # fills numba's files
    code = (
        "import sys; from pathlib import Path\n"
        "from can_train.frames.readers import candump, can_train_and_test, hcrl, read_recording\n"
        "for path in sys.argv[1:]: read_recording(Path(path))\n"
        "parsers = [candump._parse, candump._scan, can_train_and_test._parse, "
        "can_train_and_test._scan, hcrl.parse_hcrl, hcrl.scan_hcrl]\n"
        "parsers = [parser.stats for parser in parsers]\n"
        "assert all(s.cache_hits and not s.cache_misses for s in parsers), parsers\n"
    )
    subprocess.run([sys.executable, "-c", code, *map(str, paths)], check=True, timeout=120)
