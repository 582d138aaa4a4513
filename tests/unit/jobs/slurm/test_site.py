"""Site profiles: where they are looked for, what they may hold, and who wins."""

from __future__ import annotations

from pathlib import Path

import pytest

from can_train.config.schema import Resources
from can_train.errors import ConfigError
from can_train.jobs.job import Needs
from can_train.jobs.slurm.site import Site, load_site, resources_for

PROFILE = """
login_node = true

[environment]
setup = ["module load python", "export A=1"]

[defaults]
account = "lab"
walltime = "1:00:00"
cpus = 2

[stage.gat]
walltime = "2:00:00"
memory = "8G"

[stage.gat_teacher]
memory = "16G"
gpus = 1
"""


def needs(model: str, size: str, given: Resources) -> Needs:
    return Needs(number=1, title="stage 1", model=model, model_size=size, resources=given)


def profile(folder: Path, text: str) -> str:
    path = folder / "site.toml"
    path.write_text(text)
    return str(path)


def test_the_nearer_setting_wins(tmp_path: Path) -> None:
    site = load_site(profile(tmp_path, PROFILE))
    assert site.login_node and site.setup == ("module load python", "export A=1")
    given = Resources(cpus=8)
    assert resources_for(site, needs("vgae", "teacher", given)) == Resources(
        account="lab", walltime="1:00:00", cpus=8
    )
    assert resources_for(site, needs("gat", "student", given)) == Resources(
        account="lab", walltime="2:00:00", cpus=8, memory="8G"
    )
    assert resources_for(site, needs("gat", "teacher", Resources(gpus=0))) == Resources(
        account="lab", walltime="2:00:00", cpus=2, memory="16G", gpus=0
    )


def test_profiles_are_looked_for_in_order(tmp_path: Path) -> None:
    own = tmp_path / ".config" / "can-train" / "site.toml"
    environ = {"HOME": str(tmp_path)}
    assert load_site(environ=environ) == Site()
    own.parent.mkdir(parents=True)
    own.write_text('[defaults]\naccount = "own"\n')
    assert load_site(environ=environ).defaults.account == "own"
    named = profile(tmp_path, '[defaults]\naccount = "named"\n')
    assert load_site(environ={**environ, "CAN_TRAIN_SITE": named}).defaults.account == "named"
    (tmp_path / "given.toml").write_text('[defaults]\naccount = "given"\n')
    site = load_site(str(tmp_path / "given.toml"), {**environ, "CAN_TRAIN_SITE": named})
    assert site.defaults.account == "given"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("logn_node = true", "unknown key logn_node; did you mean login_node"),
        ('login_node = "yes"', "login_node: 'yes'. Allowed: true, false"),
        ("[defaults]\nacount = 'a'", "defaults: unknown key acount; did you mean account"),
        ("[stage.gta]\ncpus = 1", "stage: unknown key gta; did you mean gat"),
        ("[stage.gat]\ncpus = 0", "stage.gat.cpus: 0. Allowed: a whole number >= 1"),
        ("[stage.gat]\nmemory = 16", "stage.gat.memory: 16. Allowed: text"),
        ("[environment]\nsetup = 'a'", "environment.setup: expected a list of shell lines"),
        ("defaults = 1", "defaults: expected a table"),
        ("a =", "not TOML"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_site(profile(tmp_path, text))
    assert says in str(caught.value) and str(tmp_path / "site.toml") in str(caught.value)


def test_a_named_profile_has_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--site: .*none.toml can't be read"):
        load_site(str(tmp_path / "none.toml"))
    with pytest.raises(ConfigError, match=r"\$CAN_TRAIN_SITE: .*can't be read"):
        load_site(environ={"CAN_TRAIN_SITE": str(tmp_path / "none.toml")})
