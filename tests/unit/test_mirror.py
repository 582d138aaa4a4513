"""`tests/unit` mirrors `src`; where the tests of a module are elsewhere, this names them."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
SOURCE = TESTS.parent / "src"

# Module: test files below `tests/` that test it. A module that has a mirror doesn't stand here.
TESTED_IN: Mapping[str, tuple[str, ...]] = {
    "alarms.rate": ("numerics/test_metric_references.py",),
    "alarms.sightings": ("unit/alarms/test_suspects.py",),
    "baselines.interface": ("unit/baselines/test_fitted.py",),
    "cli.batch_decisions": ("cli/test_batch_size.py",),
    "cli.batch_history": ("cli/test_batch_size.py",),
    "cli.commands.batch_size": ("cli/test_batch_size.py",),
    "cli.commands.campaign": ("cli/test_sweep.py",),
    "cli.commands.cancel": ("e2e/test_cancel_and_resume.py", "cli/test_submit_options.py"),
    "cli.commands.compare": ("unit/cli/test_evaluation_process.py", "cli/test_names.py"),
    "cli.commands.completion": ("cli/test_config_commands.py",),
    "cli.commands.config": ("cli/test_config_commands.py",),
    "cli.commands.data": ("cli/test_data_commands.py",),
    "cli.commands.demo": ("docs/test_examples.py",),
    "cli.commands.detect": ("cli/test_detect.py",),
    "cli.commands.env": ("cli/test_config_commands.py",),
    "cli.commands.evaluate": ("cli/test_commands.py",),
    "cli.commands.export": ("cli/test_export.py",),
    "cli.commands.list_configs": ("cli/test_config_commands.py",),
    "cli.commands.logs": ("e2e/test_cancel_and_resume.py", "cli/test_names.py"),
    "cli.commands.mlflow": ("cli/test_mlflow.py", "unit/tracking/test_mirror.py"),
    "cli.commands.models": ("cli/test_config_commands.py",),
    "cli.commands.pipeline": ("cli/test_commands.py", "e2e/test_pipeline.py"),
    "cli.commands.report": ("cli/test_report.py",),
    "cli.commands.resume": ("e2e/test_resume.py", "e2e/test_cancel_and_resume.py"),
    "cli.commands.rm": ("cli/test_rm.py",),
    "cli.commands.run": ("cli/test_commands.py",),
    "cli.commands.score": ("cli/test_score.py",),
    "cli.commands.serve": ("cli/test_serve.py",),
    "cli.commands.status": ("cli/test_commands.py", "e2e/test_pipeline.py"),
    "cli.commands.sweep": ("cli/test_sweep.py",),
    "cli.commands.teachers": ("cli/test_teachers.py",),
    "cli.commands.train": ("cli/test_commands.py", "cli/test_mistakes.py"),
    "cli.commands.validate": ("cli/test_config_commands.py",),
    "cli.dataset_list": ("cli/test_rm.py",),
    "cli.dataset_options": ("cli/test_data_commands.py",),
    "cli.detecting": ("cli/test_detect.py",),
    "cli.examples": ("docs/test_examples.py",),
    "cli.export": ("cli/test_data_commands.py",),
    "cli.launch": ("cli/test_commands.py", "e2e/test_pipeline.py"),
    "cli.live": ("cli/test_detect.py",),
    "cli.memory_kills": ("cli/test_batch_size.py",),
    "cli.options": ("cli/test_commands.py",),
    "cli.page": ("cli/test_serve.py",),
    "cli.parser": ("cli/test_mistakes.py",),
    "cli.place": ("unit/jobs/test_executor.py",),
    "cli.planning": ("cli/test_commands.py", "cli/test_config_commands.py"),
    "cli.reading": ("cli/test_data_commands.py",),
    "cli.sniffing": ("cli/test_data_commands.py",),
    "cli.sources": ("cli/test_detect.py", "cli/test_serve.py"),
    "cli.subjects": ("cli/test_report.py",),
    "cli.sweep_launch": ("cli/test_sweep.py", "e2e/test_sweep.py"),
    "cli.sweep_results": ("cli/test_sweep.py",),
    "cli.sweep_search": ("cli/test_sweep.py",),
    "cli.sweep_table": ("cli/test_sweep.py",),
    "cli.sweep_views": ("cli/test_sweep.py",),
    "cli.teacher_intake": ("cli/test_teachers.py",),
    "cli.teacher_rows": ("cli/test_teachers.py",),
    "cli.trained": ("cli/test_score.py", "cli/test_export.py"),
    "cli.worker": ("cli/test_commands.py",),
    "config.buckets": ("unit/config/test_build.py",),
    "config.columns": ("unit/config/test_build.py",),
    "config.explain": ("cli/test_config_commands.py",),
    "config.fields": ("unit/config/test_codec.py", "e2e/test_settings_have_effects.py"),
    "config.presets": ("unit/config/test_frozen.py",),
    "config.schema": ("unit/config/test_codec.py", "property/test_frozen_round_trip.py"),
    "config.typed": ("unit/config/test_build.py",),
    "dataset.discovery": ("unit/dataset/test_prepare.py",),
    "dataset.export_text": ("unit/dataset/test_export.py",),
    "dataset.importing": ("unit/dataset/test_prepare.py",),
    "dataset.inspect_report": ("unit/dataset/test_inspect.py",),
    "dataset.inspect_tables": ("unit/dataset/test_inspect.py",),
    "dataset.label_tables": ("unit/dataset/test_labels.py",),
    "dataset.manifest": ("unit/dataset/test_prepare.py", "unit/dataset/test_splits.py"),
    "dataset.request": ("unit/dataset/test_prepare.py",),
    "deploy.bundle.exporter": ("cli/test_export.py",),
    "deploy.bundle.write": ("cli/test_export.py",),
    "deploy.c99.exporter": ("cli/test_export.py",),
    "deploy.c99.layers": ("unit/deploy/c99/test_folder.py",),
    "deploy.c99.model": ("unit/deploy/c99/test_folder.py",),
    "deploy.c99.source": ("unit/deploy/c99/test_folder.py",),
    "deploy.c99.tables": ("unit/deploy/c99/test_folder.py",),
    "deploy.c99.vectors": ("unit/deploy/c99/test_folder.py",),
    "deploy.c99.vehicles": ("unit/deploy/c99/test_folder.py",),
    "deploy.c99.write": ("cli/test_export.py",),
    "deploy.exporter": ("cli/test_export.py",),
    "deploy.onnx.exporter": ("cli/test_export.py",),
    "detectors.compiled_layer": ("unit/detectors/test_attention.py",),
    "detectors.compiled_scorer": ("unit/detectors/test_bundle.py",),
    "detectors.edges": ("unit/detectors/test_attention.py",),
    "detectors.fusion.onnx": ("unit/deploy/onnx/test_write.py",),
    "detectors.fusion.spec": ("unit/config/test_spec.py",),
    "detectors.fusion.windows": ("unit/detectors/fusion/test_stage.py",),
    "detectors.gat.onnx": ("unit/deploy/onnx/test_write.py",),
    "detectors.gat.spec": ("unit/config/test_spec.py", "unit/config/test_codec.py"),
    "detectors.kernels.attention": ("unit/detectors/test_attention.py",),
    "detectors.kernels.layers": ("unit/detectors/gat/test_window.py",),
    "detectors.kernels.level": ("unit/detectors/test_level.py",),
    "detectors.kernels.pooling": ("unit/detectors/test_attention.py",),
    "detectors.kernels.sampling": ("unit/detectors/vgae/test_sampling.py",),
    "detectors.kernels.stacks": ("unit/detectors/gat/test_window.py",),
    "detectors.kernels.vgae_terms": ("unit/detectors/vgae/test_terms.py",),
    "detectors.kernels.window": ("unit/detectors/gat/test_window.py",),
    "detectors.kernels.window_fusion": ("unit/detectors/fusion/test_window.py",),
    "detectors.kernels.window_gat": ("unit/detectors/gat/test_window.py",),
    "detectors.kernels.window_vgae": ("unit/detectors/vgae/test_window.py",),
    "detectors.loading": ("unit/detectors/test_frame_scorer.py", "unit/detectors/test_bundle.py"),
    "detectors.onnx.graph": ("unit/deploy/onnx/test_write.py",),
    "detectors.onnx.judging": ("unit/deploy/onnx/test_write.py",),
    "detectors.onnx.parts": ("unit/deploy/onnx/test_write.py",),
    "detectors.plain": ("unit/detectors/test_artifact.py", "unit/detectors/test_bundle.py"),
    "detectors.pooling": ("unit/detectors/test_attention.py",),
    "detectors.stage": ("unit/training/test_loop.py", "unit/training/test_run.py"),
    "detectors.surprise": ("unit/detectors/test_evidence.py",),
    "detectors.task": ("unit/training/test_run.py",),
    "detectors.vgae.onnx": ("unit/deploy/onnx/test_write.py",),
    "detectors.vgae.spec": ("unit/config/test_spec.py",),
    "environment": ("cli/test_launcher.py",),
    "evaluation.beside": ("e2e/test_other_detectors.py", "unit/cli/test_other_detectors.py"),
    "evaluation.bootstrap": ("numerics/test_bootstrap.py",),
    "evaluation.experts": ("unit/detectors/test_frame_scorer.py",),
    "evaluation.pictures": ("cli/test_report.py", "unit/report/figures/test_margin.py"),
    "evaluation.places": ("cli/test_commands.py",),
    "evaluation.row_columns": ("unit/evaluation/test_table.py",),
    "evaluation.rows": ("e2e/test_other_detectors.py",),
    "evaluation.scenarios": ("cli/test_commands.py",),
    "evaluation.trace_records": ("unit/report/figures/test_curves.py",),
    "evaluation.tracing": ("unit/evaluation/test_traces.py",),
    "evaluation.untrained": ("e2e/test_other_detectors.py",),
    "frames.absent": ("unit/frames/test_unpacking.py", "unit/dataset/test_prepare.py"),
    "frames.extras": ("unit/frames/test_messages.py",),
    "frames.options": ("unit/dataset/test_prepare.py",),
    "frames.packets": ("unit/frames/readers/test_pcap.py",),
    "frames.readers.asc": ("unit/frames/test_messages.py", "unit/frames/test_samples.py"),
    "frames.readers.blf": ("unit/frames/test_messages.py", "unit/frames/test_samples.py"),
    "frames.readers.busmaster": ("unit/frames/text/test_words.py",),
    "frames.readers.carbus": ("unit/frames/text/test_words.py",),
    "frames.readers.console": ("unit/frames/text/test_words.py",),
    "frames.readers.crtd": ("unit/frames/text/test_words.py",),
    "frames.readers.mf4": ("unit/frames/test_messages.py", "unit/frames/test_samples.py"),
    "frames.readers.otids": ("unit/frames/text/test_words.py",),
    "frames.readers.sqlite": ("unit/frames/test_messages.py",),
    "frames.readers.trc": ("unit/frames/text/test_words.py",),
    "frames.recording": ("unit/frames/test_store.py",),
    "frames.result": ("unit/frames/text/test_reading.py",),
    "frames.sniffing": ("unit/dataset/test_reading.py",),
    "frames.text.buses": ("property/test_text_recordings.py",),
    "frames.text.canonical": ("property/test_text_recordings.py",),
    "frames.text.cells": ("unit/frames/readers/test_table.py",),
    "frames.text.fields": ("unit/frames/readers/test_hcrl.py", "property/test_text_recordings.py"),
    "frames.text.gathered": ("unit/frames/text/test_reading.py",),
    "frames.text.hcrl": ("unit/frames/readers/test_hcrl.py", "property/test_text_recordings.py"),
    "frames.text.kinds": ("unit/frames/text/test_words.py",),
    "frames.text.layout": ("unit/frames/readers/test_table.py",),
    "frames.text.lines": ("unit/frames/text/test_reading.py", "property/test_text_recordings.py"),
    "frames.text.roles": ("unit/frames/readers/test_table.py",),
    "frames.text.scanning": (
        "property/test_text_recordings.py",
        "unit/frames/readers/test_registry.py",
    ),
    "frames.text.table": ("unit/frames/readers/test_table.py",),
    "frames.text.usual_table": ("property/test_text_recordings.py",),
    "frames.text.usual_words": ("property/test_text_recordings.py",),
    "graphs.batch": ("unit/graphs/test_feed.py",),
    "graphs.kernels.live": ("unit/graphs/test_live.py",),
    "graphs.past": ("unit/graphs/test_state.py",),
    "jobs.board": ("unit/jobs/test_executor.py",),
    "jobs.cancel": ("e2e/test_cancel_and_resume.py", "cli/test_submit_options.py"),
    "jobs.job": ("unit/jobs/local/test_runner.py", "unit/jobs/slurm/test_submit.py"),
    "jobs.local.executor": ("unit/jobs/test_executor.py",),
    "jobs.slurm.executor": ("unit/jobs/test_executor.py", "cli/test_submit_options.py"),
    "jobs.slurm.record": ("unit/jobs/slurm/test_submit.py",),
    "pipeline.again": ("e2e/test_cancel_and_resume.py", "e2e/test_sweep.py"),
    "pipeline.preflight": ("unit/pipeline/test_plan.py",),
    "report.dataset_page": ("cli/test_report.py", "e2e/test_report_page.py"),
    "report.document": ("unit/report/test_page.py",),
    "report.figures.axis": ("unit/report/figures/test_curves.py",),
    "report.figures.graph": ("unit/report/figures/test_curves.py",),
    "report.figures.reliability": ("unit/report/figures/test_curves.py",),
    "report.figures.rows": ("unit/report/test_traffic.py",),
    "report.figures.stages": ("unit/report/figures/test_curves.py",),
    "report.figures.tradeoff": ("unit/report/figures/test_curves.py",),
    "report.figures.training": ("unit/report/figures/test_curves.py",),
    "report.parts.alarms": ("cli/test_report.py",),
    "report.parts.dataset": ("cli/test_report.py",),
    "report.parts.origin": ("cli/test_report.py",),
    "report.parts.pictures": ("cli/test_report.py",),
    "report.parts.scenarios": ("cli/test_report.py",),
    "report.parts.stages": ("unit/report/test_verdict.py",),
    "report.parts.traffic": ("cli/test_report.py",),
    "report.parts.training": ("cli/test_report.py",),
    "report.plan_page": ("unit/report/test_sweep_page.py",),
    "report.recording_page": ("cli/test_report.py",),
    "report.records": ("cli/test_report.py",),
    "report.run_page": ("cli/test_report.py", "e2e/test_report_page.py"),
    "report.write": ("cli/test_report.py",),
    "runs.events": ("unit/config/test_run_log.py",),
    "runs.job_views": ("unit/jobs/slurm/test_state.py", "unit/runs/test_process.py"),
    "runs.jobs": ("unit/runs/test_process.py", "unit/jobs/test_executor.py"),
    "runs.processes": ("unit/training/test_ranks.py",),
    "runs.summary": ("unit/teachers/test_policy.py",),
    "scoring.alerts": ("cli/test_detect.py", "unit/serving/test_feed.py"),
    "scoring.documents": ("unit/scoring/test_recording.py",),
    "scoring.tables": ("unit/scoring/test_recording.py",),
    "serving.app": ("cli/test_serve.py",),
    "serving.extra": ("cli/test_serve.py",),
    "serving.server": ("cli/test_serve.py",),
    "streaming.opening": ("unit/streaming/test_scorer.py",),
    "training.intake": ("cli/test_teachers.py",),
    "training.steps": ("unit/training/test_shared_steps.py", "unit/training/test_loop.py"),
    "vehicle.state": ("unit/vehicle/test_watch.py", "unit/vehicle/test_gate.py"),
    "vocab": ("unit/config/test_rules.py",),
}

# Files in `tests/unit` that are about more than one module, and what about.
OF_SEVERAL = {
    "dataset/test_cases.py": "small inputs that were read wrong, on their way into a dataset",
    "frames/test_samples.py": "every sample recording, in a table",
    "pipeline/test_settings.py": "every setting, from its word to the plan",
    "pipeline/test_specification.py": "the specification of a plan, from its words",
    "test_api.py": "`import can_train`",
    "test_layers.py": "imports and names",
    "test_mirror.py": "this file",
    "test_wording.py": "messages, as they stand in the source",
}

FOUND_IN = {
    "config.spec": "detectors/*/spec.py",
    "frames.readers.registry": "frames/readers/*.py",
    "jobs.executor": "jobs/*/executor.py",
}
"""Who finds modules by looking into a folder (`can_train.plugins`)."""

STEPS = 2
"""A test reaches what it imports or names as a command, and this many imports further."""

REFERENCE = re.compile(r"can_train\.([\w.]+)(?::\w+)?")


@cache
def modules() -> Mapping[str, Path]:
    """Every module with something in it by its name below `can_train`; packages too."""
    found = {}
    for path in sorted((SOURCE / "can_train").rglob("*.py")):
        parts = path.relative_to(SOURCE / "can_train").with_suffix("").parts
        if parts[-1] != "__main__" and path.stat().st_size:
            found[".".join(parts).removesuffix(".__init__")] = path
    return found


def mirrored() -> list[str]:
    """Modules that shall have tests: all but packages."""
    return [name for name, path in modules().items() if path.name != "__init__.py"]


def mirror_of(name: str) -> Path:
    *packages, module = name.split(".")
    return TESTS.joinpath("unit", *packages, f"test_{module}.py")


def strings_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    constants = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return {value for value in constants if isinstance(value, str)}


def imported(path: Path) -> set[str]:
    """What a file imports, wherever the statement stands: modules, and names in them."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def ours(names: Iterable[str]) -> set[str]:
    inner = {name.removeprefix("can_train.") for name in names if name.startswith("can_train.")}
    return inner & modules().keys()


@cache
def next_to() -> Mapping[str, set[str]]:
    """What each module imports, names as `can_train.module:name`, or finds in a folder."""
    found: dict[str, set[str]] = defaultdict(set)
    places = {path: name for name, path in modules().items()}
    for name, path in modules().items():
        named = (REFERENCE.fullmatch(text) for text in strings_in(path))
        found[name] = ours(imported(path)) | ({m[1] for m in named if m} & modules().keys())
    for name, pattern in FOUND_IN.items():
        found[name] |= {places[path] for path in (SOURCE / "can_train").glob(pattern)
                        if path in places}  # fmt: skip
    return found


@cache
def used_by(path: Path) -> frozenset[str]:
    """Modules that a test file imports, by itself or by helpers, or names as a command."""
    names, words, waiting, seen = set[str](), strings_in(path), [path], set[Path]()
    while waiting:
        file = waiting.pop()
        seen.add(file)
        names |= imported(file)
        helpers = {TESTS.parent / f"{name.replace('.', '/')}.py" for name in imported(file)}
        waiting += [h for h in helpers if h.is_relative_to(TESTS) and h.is_file() and h not in seen]
    commands = {f"cli.commands.{word.replace('-', '_')}" for word in words} & modules().keys()
    direct = ours(names)
    packages = {name for name in direct if modules()[name].name == "__init__.py"}
    return frozenset(direct | commands).union(*(next_to()[name] for name in packages))


def reached_by(path: Path) -> set[str]:
    found = set(used_by(path))
    for _ in range(STEPS):
        found |= {further for name in found for further in next_to()[name]}
    return found


@pytest.mark.parametrize("name", mirrored())
def test_every_module_has_its_mirror_or_stands_in_the_table(name: str) -> None:
    there, mirror = name in TESTED_IN, mirror_of(name)
    if mirror.is_file():
        assert not there, f"{name} has {mirror}: take it out of TESTED_IN"
    else:
        assert there, f"{name} has no tests: write {mirror}, or name others in TESTED_IN"


def test_the_table_names_modules_that_are_there() -> None:
    assert set(TESTED_IN) <= set(mirrored())
    assert list(TESTED_IN) == sorted(TESTED_IN)
    assert all(TESTED_IN.values())


@pytest.mark.parametrize(
    ("name", "file"), [(name, file) for name, files in TESTED_IN.items() for file in files]
)
def test_a_named_file_reaches_its_module(name: str, file: str) -> None:
    path = TESTS / file
    assert path.name.startswith("test_") and path.is_file()
    if name.startswith("cli.commands."):
        assert name in used_by(path), f"{file} never names the command"
    else:
        assert name in reached_by(path), f"{file} doesn't reach {name}"


def test_every_unit_test_is_the_mirror_of_a_module() -> None:
    mirrors = {mirror_of(name) for name in mirrored()}
    others = {
        str(path.relative_to(TESTS / "unit"))
        for path in (TESTS / "unit").rglob("test_*.py")
        if path not in mirrors
    }
    assert others == set(OF_SEVERAL)


def test_a_file_that_has_nothing_to_do_with_a_module_does_not_reach_it() -> None:
    assert "cli.commands.compare" not in used_by(TESTS / "unit/test_errors.py")
    assert "graphs.store" not in reached_by(TESTS / "unit/test_errors.py")
    assert "detectors.vgae.stage" not in reached_by(TESTS / "unit/graphs/test_feed.py")
