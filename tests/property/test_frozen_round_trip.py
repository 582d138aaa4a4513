"""Loading and dumping a run config is the identity, for any config the schema allows."""

import json
import types
from dataclasses import fields, is_dataclass
from typing import Any, Literal, Union, get_args, get_origin

from hypothesis import given
from hypothesis import strategies as st

from can_train.config.codec import hints_of, unwrap
from can_train.config.frozen import (
    canonical_json,
    config_sha256,
    decode_run_config,
    encode_run_config,
)
from can_train.config.schema import Param, Parent, RunConfig
from can_train.config.spec import experts, spec_of, specs


def values(annotation: Any) -> st.SearchStrategy[Any]:
    """Any value that the schema's type and bounds allow."""
    base, param = unwrap(annotation)
    inner = _plain(base, param or Param(help=""))
    bare = get_args(annotation)[0] if hasattr(annotation, "__metadata__") else annotation
    optional = get_origin(bare) in {Union, types.UnionType} and type(None) in get_args(bare)
    return st.none() | inner if optional else inner


def _plain(base: Any, param: Param) -> st.SearchStrategy[Any]:
    if get_origin(base) is Literal:
        return st.sampled_from(get_args(base))
    if get_origin(base) is tuple:
        return st.lists(_plain(get_args(base)[0], param), max_size=4).map(tuple)
    if is_dataclass(base):
        return instances(base)
    if base is bool:
        return st.booleans()
    if base is int:
        least = 0 if param.ge is None else int(param.ge)
        return st.integers(least, None if param.le is None else int(param.le))
    if base is float:
        low = param.ge if param.gt is None else param.gt
        high = param.le if param.lt is None else param.lt
        return st.floats(
            min_value=low,
            max_value=high,
            exclude_min=param.gt is not None,
            exclude_max=param.lt is not None,
            allow_nan=False,
            allow_infinity=False,
        )
    return st.text()


def instances(cls: Any, **given_fields: Any) -> st.SearchStrategy[Any]:
    hints = hints_of(cls)
    names = [item.name for item in fields(cls) if item.name not in given_fields]
    return st.builds(cls, **{name: values(hints[name]) for name in names}, **given_fields)


def configs() -> st.SearchStrategy[RunConfig]:
    built_on = st.dictionaries(st.sampled_from([s.name for s in experts()]), instances(Parent))
    return st.sampled_from(sorted(specs())).flatmap(
        lambda model: instances(
            RunConfig,
            model=st.just(model),
            architecture=instances(spec_of(model).architecture),
            experts=built_on,
        )
    )


@given(configs())
def test_dump_then_load_is_the_identity(config: RunConfig) -> None:
    text = json.dumps(encode_run_config(config))
    loaded = decode_run_config(json.loads(text))
    assert loaded == config
    assert canonical_json(encode_run_config(loaded)) == canonical_json(json.loads(text))
    assert config_sha256(loaded) == config_sha256(config)


@given(configs(), configs())
def test_only_equal_configs_share_a_hash(one: RunConfig, other: RunConfig) -> None:
    assert (config_sha256(one) == config_sha256(other)) == (
        encode_run_config(one) == encode_run_config(other)
    )
