"""Every `can-train ...` line we show or print is taken by the real parser and by layer 1."""

from __future__ import annotations

import ast
import functools
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from can_train.cli.examples import EXAMPLES
from can_train.cli.main import build_parser, main
from can_train.cli.options import typed_from
from can_train.config.build import build_request
from can_train.sweeps.axes import parse_axis, with_values
from can_train.sweeps.axes import points as points_of
from can_train.sweeps.space import base_of, parse_search_axis

ROOT = Path(__file__).resolve().parents[2]
NEEDS_MODALITY = {"train", "pipeline", "sweep", "campaign", "data", "validate"}
REQUESTS = {"train", "pipeline", "sweep"}
START = re.compile(
    r"can-train (train|pipeline|sweep|validate|data (?:prepare|inspect|synth)) (?!--help)[-{]"
)

FENCE = re.compile(r"^ *```.*?\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(?:\./)?(can-train [^`]+)`")
COMMAND = re.compile(r"^\s*(?:\$ )?(?:\./)?(can-train(?: .*)?)$")
ELLIPSIS = {"...", "…"}


parser = functools.cache(build_parser)


def documents() -> list[Path]:
    """Markdown pages and the sources with their docstrings."""
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    return sorted([*pages, *(ROOT / "src").rglob("*.py")])


def commands_in(text: str, *, fenced: bool) -> Iterator[str]:
    """Commands in code blocks (or, in a source file, on lines of their own) and in backticks."""
    blocks = FENCE.findall(text) if fenced else [text]
    for block in blocks:
        for line in re.sub(r"\\\n\s*", "", block).splitlines():
            if found := COMMAND.match(line.partition("  #")[0].rstrip()):
                yield found[1]
    for found in INLINE.finditer(FENCE.sub("", text) if fenced else text):
        yield " ".join(found[1].split())


def examples() -> list[tuple[str, str]]:
    return [
        (str(path.relative_to(ROOT)), command)
        for path in documents()
        for command in commands_in(path.read_text(encoding="utf-8"), fenced=path.suffix == ".md")
    ]


def is_mention(words: list[str]) -> bool:
    """Whether only the name of a command is written (`can-train data prepare`)."""
    return all(re.fullmatch(r"[a-z]+(-[a-z]+)*", word) for word in words)


@pytest.mark.parametrize(("page", "command"), examples())
def test_example_is_accepted(page: str, command: str) -> None:
    words = shlex.split(command)[1:]
    if is_mention(words) and "--help" not in words:
        names = [name for name in words if name]
        with pytest.raises(SystemExit, match="0"):
            parser().parse_args([*names, "--help"])
        return
    if "--help" in words or "--version" in words:
        with pytest.raises(SystemExit, match="0"):
            parser().parse_args(words)
        return
    assert not ELLIPSIS & set(words), f"{page}: write the example out"
    check(command, page)


@pytest.mark.parametrize("unit", sorted(ROOT.rglob("docs/**/*.service")), ids=lambda p: p.name)
def test_a_unit_starts_a_command_that_there_is(unit: Path) -> None:
    text = unit.read_text(encoding="utf-8").replace("\\\n", " ")
    (started,) = re.findall(r"^ExecStart=\S+/(can-train .*)$", text, re.MULTILINE)
    check(started, str(unit))


def check(command: str, where: str) -> None:
    """Parses a complete command, and passes a request through layer 1."""
    words = shlex.split(command)[1:]
    args = parser().parse_args(words)
    if words[0] == "sweep":
        if words[1] not in REQUESTS:
            return
        words = words[1:]
    if words[0] in NEEDS_MODALITY:
        assert "--modality" in words, f"{where}: {command} needs --modality"
    if words[0] in REQUESTS and not {"--config", "--grid-file"} & set(words):
        typed = typed_from(args, one_stage=words[0] == "train")
        texts = vars(args).get("grid", ())
        if "search" in args:
            points = base_of([parse_search_axis(text) for text in texts])
        else:
            points = next(points_of([parse_axis(text) for text in texts]), {})
        assert not build_request(with_values(typed, points)).problems, command


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.text)
def test_the_table_of_examples_is_accepted(example: object) -> None:
    check(example.line, "table")  # type: ignore[attr-defined]


def tracked() -> list[Path]:
    """Every `.py` and `.md` file of the checkout."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py", "*.md"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


def without_modality(text: str) -> list[str]:
    """Beginnings of requests in `text` that give no modality in the 300 characters that follow."""
    flat = re.sub(r"\\?\n\s*|[\"']\s+f?[\"']", " ", text)
    found = (flat[m.start() : m.start() + 300] for m in START.finditer(flat))
    return [start for start in found if "--modality" not in start]


@pytest.mark.kd
def test_every_request_in_every_file_gives_its_modality() -> None:
    wrong = {
        str(path.relative_to(ROOT)): found
        for path in tracked()
        if path != Path(__file__) and (found := without_modality(path.read_text("utf-8")))
    }
    assert not wrong


def test_a_request_without_modality_is_noticed() -> None:
    assert without_modality("can-train train --dataset hcrl_sa --model gat")
    assert without_modality("x\ncan-train pipeline --dataset \\\n hcrl_sa")
    assert not without_modality("can-train train --modality automotive --model gat")


PART = re.compile(
    r"can-train (?:train|pipeline|sweep|validate|data (?:prepare|inspect|synth))\s*[-{]"
)
"""A request in a message; what is computed stands as `{}`."""


def built_texts(source: str) -> Iterator[str]:
    """Every text that code builds, in one piece: literals, f-strings, sums and joins of them."""
    tree = ast.parse(source)
    names = {
        target.id: text
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name) and (text := built_text(node.value, {})) is not None
    }
    part_of_another: set[int] = set()
    for node in ast.walk(tree):  # parents come before their parts
        if id(node) not in part_of_another and (text := built_text(node, names)) is not None:
            part_of_another |= {id(part) for part in ast.walk(node)}
            yield text


def built_text(node: ast.AST, names: dict[str, str]) -> str | None:
    """Text of an expression, `{}` for what is computed; None if it isn't text."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Name(id=name):
            return names.get(name)
        case ast.FormattedValue(value=value):
            return built_text(value, names) or "{}"
        case ast.JoinedStr(values=parts):
            return "".join(built_text(part, names) or "{}" for part in parts)
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            found = [built_text(part, names) for part in (left, right)]
            return None if found == [None, None] else "".join(text or "{}" for text in found)
        case ast.Call(
            func=ast.Attribute(value=ast.Constant(value=str(between)), attr="join"),
            args=[ast.List(elts=parts) | ast.Tuple(elts=parts)],
        ):
            return between.join(built_text(part, names) or "{}" for part in parts)
    return None


def requests_without_modality(source: str) -> list[str]:
    """Beginnings of requests in the texts that `source` builds which give no modality."""
    flat = (re.sub(r"\\?\n\s*", " ", text) for text in built_texts(source))
    found = (text[m.start() : m.start() + 300] for text in flat for m in PART.finditer(text))
    return [request for request in found if "--modality" not in request]


@pytest.mark.kd
@pytest.mark.parametrize(
    "path", sorted((ROOT / "src").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT))
)
def test_every_request_in_a_message_gives_its_modality(path: Path) -> None:
    assert not requests_without_modality(path.read_text("utf-8"))


@pytest.mark.parametrize(
    "source",
    [
        'raise E(f"{x}: see: can-train train " "--help")',
        'text = f"can-train train{options} --dataset d"',
        'text = "can-train " + "pipeline --dataset d"',
        'text = " ".join(["can-train", "data prepare", f"--dataset {name}"])',
        'CHAIN = "can-train pipeline --dataset d"\nLINE = f"{CHAIN} --smoke"',
    ],
)
def test_a_message_built_in_parts_is_noticed(source: str) -> None:
    assert requests_without_modality(source)


def test_mentions_and_whole_requests_are_left_alone() -> None:
    for source in (
        '"""`can-train train`: train one model."""',
        'text = f"can-train train " f"--modality {m} --dataset {d}"',
        'CHAIN = "can-train pipeline --modality m"\nLINE = f"{CHAIN} --smoke"',
    ):
        assert not requests_without_modality(source)


PRINTING = (
    ("train", "--modality", "automotive", "--dataset", "nosuch", "--model", "gat"),
    ("train", "--modality", "automotive", "--dataset", "n", "--model", "vgae,gat"),
    ("data", "inspect", "--modality", "automotive", "--dataset", "nosuch"),
    ("status", "nosuch"),
    ("evaluate", "nosuch"),
    ("run", "--frozen-config", "nosuch.json"),
    ("validate", "--modality", "automotive", "--config", "nosuch.yaml"),
    ("config", "explain", "nosuch"),
    ("list-configs",),
    *((command, "--help") for command in ("train", "pipeline", "demo", "status", "validate")),
)


@pytest.mark.parametrize("words", PRINTING, ids=" ".join)
def test_what_is_printed_can_be_typed(
    words: tuple[str, ...],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CAN_TRAIN_HOME", str(tmp_path))
    if "--help" in words:
        with pytest.raises(SystemExit):
            main(words)
    else:
        main(words)
    shown = capsys.readouterr()
    printed = re.findall(r"can-train [^\n]+", f"{shown.out}\n{shown.err}")
    commands = [line.partition(". ")[0].rstrip(".,)") for line in printed if "usage:" not in line]
    checked = [command for command in commands if command.split()[1] in ALL]
    assert checked
    for command in checked:
        if "[" not in command.replace("=[", ""):  # the usage line of argparse
            check(command, " ".join(words))


ALL = {"train", "pipeline", "sweep", "data", "status", "list-configs", "config", "demo", "validate"}


def test_the_readme_has_examples() -> None:
    assert any(page == "README.md" for page, _ in examples())


def test_continuation_lines_comments_and_prompts_are_understood() -> None:
    text = "```bash\n$ ./can-train run \\\n    --frozen-config F   # a comment\n```\n"
    assert list(commands_in(text, fenced=True)) == ["can-train run --frozen-config F"]
