"""`--model-args`: from text to an architecture."""

import pytest

from can_train.config.presets import preset
from can_train.detectors.gat.spec import GatConfig
from can_train.detectors.vgae.spec import VgaeConfig
from can_train.errors import ConfigError
from can_train.teachers.intake import with_model_args

GAT = preset("gat", "teacher", "normal").architecture
VGAE = preset("vgae", "teacher", "autoencoder").architecture


def test_nothing_given_is_the_preset() -> None:
    assert with_model_args("gat", GAT, "") == GAT


def test_numbers_and_tuples_are_typed() -> None:
    found = with_model_args("gat", GAT, "layers=3, fc_channels=96x48,dropout=0.25")
    assert isinstance(found, GatConfig)
    assert (found.layers, found.fc_channels, found.dropout) == (3, (96, 48), 0.25)
    assert isinstance(GAT, GatConfig)
    assert found.heads == GAT.heads
    decoder = with_model_args("vgae", VGAE, "decoder_channels=24")
    assert isinstance(decoder, VgaeConfig)
    assert decoder.decoder_channels == (24,)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("layer=3", "layer isn't known; did you mean layers? Allowed for a gat: layers, heads"),
        ("layers", "--model-args: layers isn't key=value"),
        ("layers=x", "--model-args: layers: x isn't allowed. Allowed: a whole number"),
        ("layers=0", "a whole number >= 1 and <= 16"),
        ("layers=2,layers=3", "given twice"),
        ("layers=[2,3]", "layers takes one value here, not a list"),
        ("fc_channels=9x", "9x isn't allowed"),
        ("encoder_channels=9", "encoder_channels isn't known"),
    ],
)
def test_mistakes_are_named(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        with_model_args("gat", GAT, text)
    assert message in str(caught.value)
