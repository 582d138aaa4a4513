"""CONTRIBUTING.md names commands, markers and hooks that exist."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def test_every_make_target_is_explained_and_exists() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE)) - {"environment"}
    assert set(re.findall(r"make ([a-z-]+)", PAGE)) == targets


def test_every_marker_is_explained_and_exists() -> None:
    declared = PROJECT["tool"]["pytest"]["ini_options"]["markers"]
    table = PAGE.partition("| marker |")[2].partition("\n\n")[0]
    names = {marker.partition(":")[0] for marker in declared}
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == names


def test_hooks_before_a_commit_download_nothing() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))
    assert [repo["repo"] for repo in config["repos"]] == ["local"]
    for hook in config["repos"][0]["hooks"]:
        assert hook["language"] == "system"
        assert hook["entry"].startswith(".venv/bin/python -m ")


def test_every_runtime_requirement_is_locked_and_declared() -> None:
    wanted = {
        re.split(r"[^\w-]", line)[0].lower().replace("_", "-")
        for line in (ROOT / "requirements.in").read_text("utf-8").splitlines()
        if line and not line.startswith("#")
    }
    locked = set(re.findall(r"^([\w-]+)==", (ROOT / "requirements.lock").read_text("utf-8"), re.M))
    declared = {
        re.split(r"[^\w-]", line)[0].lower().replace("_", "-")
        for line in PROJECT["project"]["dependencies"]
    }
    assert wanted <= locked
    assert declared == wanted - {"setuptools"} | {"torch"}
