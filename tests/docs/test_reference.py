"""The generated pages are what the program says, and pages name what exists."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from docs.generator.pages import FOLDER, PAGES
from docs.generator.places import ROOTS, RUN, run_places

from can_train.cli.main import main
from can_train.runs.layout import summary_path
from tests.lab import make_lab

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "can_train"
MOST_README_LINES = 200
MOST_ARCHITECTURE_LINES = 200
MOST_DECISION_LINES = 50

NAMED = re.compile(r"`([\w/]+\.py):(\w+)`")
PATH = re.compile(r"`((?:\w+/)*\w+(?:\.py|/))`")
LINK = re.compile(r"\]\(([^)#]+)(#[^)]*)?\)")

DECISIONS = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
HAND_WRITTEN = [path for path in DOCUMENTS if path.parent != FOLDER]


def identifier(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_is_fresh(name: str) -> None:
    stored = (FOLDER / name).read_text(encoding="utf-8")
    assert stored == PAGES[name](), f"docs/reference/{name} is stale. Renew it: make reference"


def test_every_generated_page_is_known() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(PAGES)


@pytest.mark.parametrize("page", HAND_WRITTEN, ids=identifier)
def test_every_name_of_the_source_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = [(path, name) for path, name in NAMED.findall(text) if f"class {name}:" not in text]
    missing = [f"{path}:{name}" for path, name in named if name not in names_in(SOURCE / path)]
    assert not missing


@pytest.mark.parametrize("page", HAND_WRITTEN, ids=identifier)
def test_every_path_of_the_source_exists(page: Path) -> None:
    """Paths that begin with a package; `config/` is also a folder beside the launcher."""
    tops = {path.name for path in SOURCE.iterdir() if path.is_dir()}
    found = [path for path in PATH.findall(page.read_text(encoding="utf-8")) if "/" in path]
    mine = [path for path in found if path.partition("/")[0] in tops]
    unknown = [path for path in mine if not (SOURCE / path).exists()]
    assert [path for path in unknown if not path.startswith(str(ROOTS.teachers))] == []


def names_in(path: Path) -> set[str]:
    """Functions, classes and constants at the top of a module; none if it doesn't exist."""
    if not path.is_file():
        return set()
    return set(_names(ast.parse(path.read_text(encoding="utf-8"))))


def _names(module: ast.Module) -> Iterator[str]:
    for node in module.body:
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name
            case ast.Assign(targets=[ast.Name(id=name)]):
                yield name


def test_a_wrong_name_is_noticed() -> None:
    assert "run_frozen" in names_in(SOURCE / "training/run.py")
    assert "run_melted" not in names_in(SOURCE / "training/run.py")
    assert not names_in(SOURCE / "training/walk.py")


def test_the_architecture_names_every_package_in_order() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    _, _, packages = text.partition("## The packages")
    named = re.findall(r"^\| `(\w+)/` \|", packages, re.MULTILINE)
    there = {path.name for path in SOURCE.iterdir() if (path / "__init__.py").is_file()}
    assert set(named) == there
    assert len(text.splitlines()) <= MOST_ARCHITECTURE_LINES


@pytest.mark.parametrize("page", DOCUMENTS, ids=identifier)
def test_every_link_leads_somewhere(page: Path) -> None:
    links = [link for link, _ in LINK.findall(page.read_text(encoding="utf-8"))]
    local = [link for link in links if "://" not in link]
    assert [link for link in local if not (page.parent / link).exists()] == []


def test_the_readme_links_every_page() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    linked = {(ROOT / link).resolve() for link, _ in LINK.findall(text)}
    pages = [page for page in (ROOT / "docs").rglob("*.md") if page not in DECISIONS]
    assert [identifier(page) for page in pages if page not in linked] == []
    assert len(text.splitlines()) <= MOST_README_LINES


def test_the_list_of_decisions_links_each_in_order() -> None:
    text = (ROOT / "docs" / "decisions" / "README.md").read_text(encoding="utf-8")
    assert [link for link, _ in LINK.findall(text)] == [path.name for path in DECISIONS]


def test_decisions_are_numbered_and_short() -> None:
    numbers = [int(path.name.partition("-")[0]) for path in DECISIONS]
    assert numbers == list(range(1, len(DECISIONS) + 1))
    for path in DECISIONS:
        text = path.read_text(encoding="utf-8")
        assert text.startswith(f"# {int(path.name[:4])}. ")
        assert len(text.splitlines()) <= MOST_DECISION_LINES, path.name


def test_every_file_and_figure_of_a_real_run_is_on_the_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lab = make_lab(tmp_path)
    run = lab.train(lab.config("gat"))
    known = [pattern(place.path.relative_to(RUN)) for place in run_places() if within(place.path)]
    files = [str(path.relative_to(run)) for path in run.rglob("*") if path.is_file()]
    assert [name for name in files if not any(re.fullmatch(p, name) for p in known)] == []
    page = (FOLDER / "files.md").read_text(encoding="utf-8")
    figures = json.loads(summary_path(run).read_text(encoding="utf-8"))
    assert [key for key in figures if not documented(key, page)] == []
    plan = dry_run(lab.data_root, tmp_path, capsys)
    stages = [key for stage in plan["stages"] for key in stage]
    assert [key for key in (*plan, *stages) if not documented(key, page)] == []


def within(path: Path) -> bool:
    return path.is_relative_to(RUN)


def pattern(path: Path) -> str:
    """A regular expression for a path with <words> for what varies."""
    return re.sub(r"<[^>]+>", "[^/]+", re.escape(str(path)).replace("\\<", "<").replace("\\>", ">"))


def documented(key: str, page: str) -> bool:
    return f"`{key}`" in page or re.fullmatch("best_.+", key) is not None


def dry_run(data_root: Path, home: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, list]:
    """What `--dry-run --json` prints for a plan of two stages."""
    capsys.readouterr()
    code = main(
        [
            "pipeline", "--modality", "automotive", "--dataset", "small", "--model", "gat,gat",
            "--model-size", "teacher,student", "--distillation", "no-kd,with-kd",
            "--training-strategy", "normal", "--window", "50", "--dry-run", "--json",
            "--data-root", str(data_root), "--experiment-root", str(home / "runs"),
            "--teacher-root", str(home / "teachers"),
        ]
    )  # fmt: skip
    assert code == 0
    plan: dict[str, list] = json.loads(capsys.readouterr().out)
    return plan


def test_places_are_relative_to_the_usual_roots() -> None:
    assert RUN.parts[0] == str(ROOTS.experiments)
