"""Settings are declared once; what is made of them cannot leave one out."""

import inspect
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

import backhand
from backhand import Checkpoint, EarlyStopping, InputError
from backhand.choices import OptimizerName, names
from backhand.engines import Data, Objective, make_engine
from backhand.optimizers import OPTIMIZERS, Adam
from backhand.table_settings import Settings
from backhand.training.checkpoints.fingerprints import data_fingerprint, settings_of
from backhand.training.config import TrainConfig
from backhand.training.state import TrainState

SOURCE = Path(backhand.__file__).parent
X, Y = np.eye(4), np.arange(4) % 2
PARAMS = backhand.init(4, 3, 2, dtype=np.float64)
STOP = EarlyStopping(patience=3, monitor="loss")
ENGINE = make_engine("reference")

OTHER = {
    "learning_rate": 0.2, "epochs": 7, "batch_size": 2, "optimizer": "adam", "schedule": "cosine",
    "warmup": 0.5, "power_t": 0.6, "l2": 0.1, "alpha": 0.1, "dropout": 0.5, "validation_every": 2,
    "early_stopping": STOP, "seed": 1, "shuffle": False,
}  # fmt: skip
"""Another value of each setting than its default."""


def identity(config: TrainConfig) -> dict:
    return settings_of(config, Objective(), TrainState.initial(PARAMS, config), ENGINE)


def test_each_setting_is_in_a_checkpoints_identity_and_in_the_model_file() -> None:
    assert set(OTHER) == {field.name for field in fields(TrainConfig)}
    plain = TrainConfig()
    for name, value in OTHER.items():
        changed = replace(plain, **{name: value})
        assert identity(changed) != identity(plain), name
        assert changed.values()[name] != plain.values()[name], name


def test_constants_within_a_setting_are_in_it_too() -> None:
    one = TrainConfig(optimizer=Adam(), early_stopping=STOP).values()
    other = TrainConfig(
        optimizer=Adam(beta_1=0.8), early_stopping=replace(STOP, min_delta=0.1)
    ).values()
    different = {name for name in one if one[name] != other[name]}
    assert different == {"optimizer.beta_1", "early_stopping.min_delta"}
    assert one == TrainConfig(optimizer="adam", early_stopping=STOP).values(), "its usual constants"


def test_the_start_of_a_training_is_in_its_identity() -> None:
    config = TrainConfig(optimizer="momentum")
    start, about = TrainState.initial(PARAMS, config), identity(config)
    moved = start.optimizer.params._replace(b1=np.ones(3))
    memory = (start.optimizer.params,)
    for changed in (
        replace(start, optimizer=start.optimizer._replace(params=moved)),
        replace(start, optimizer=start.optimizer._replace(slots=memory)),
        replace(start, sampler={"rows": np.arange(4)}),
        replace(start, rows_seen=4), replace(start, cuts=(0,)),
        replace(start, best=start.optimizer),
    ):  # fmt: skip
        assert settings_of(config, Objective(), changed, ENGINE) != about
    for objective in (Objective(loss_cap=1.0), Objective(first_class_fixed=True)):
        assert settings_of(config, objective, start, ENGINE) != about
    for engine in (make_engine("torch"), make_engine("reference", precision="bf16")):
        assert settings_of(config, Objective(), start, engine) != about
    data = data_fingerprint(start, Data(X, Y), None)
    half, other_half = (Data(X, Y).select(slice(n, n + 2)) for n in (0, 2))
    for other in (Data(X + 1, Y), Data(X, 1 - Y), Data(X, Y, np.ones(4)), half):
        assert data_fingerprint(start, other, None) != data
    assert data_fingerprint(start, Data(X, Y), Data(X, Y)) != data
    assert data_fingerprint(start, half, None) != data_fingerprint(start, other_half, None)


@pytest.mark.parametrize("name", OTHER)
def test_a_checkpoint_is_not_resumed_under_another_setting(tmp_path, name: str) -> None:
    base = {"epochs": 2, "early_stopping": replace(STOP, patience=9)} | (
        {"schedule": "adaptive"} if name == "schedule" else {}
    )
    backhand.train(PARAMS, X, Y, **base, checkpoint=Checkpoint(tmp_path))
    changed = base | {name: OTHER[name]}
    with pytest.raises(InputError, match=rf"other settings: {name}"):
        backhand.train(PARAMS, X, Y, **changed, checkpoint=Checkpoint(tmp_path, resume=True))


def test_train_takes_every_setting_and_help_describes_it() -> None:
    signature = inspect.signature(backhand.train)
    for field in fields(TrainConfig):
        parameter = signature.parameters[field.name]
        assert parameter.default == field.default
        assert parameter.kind is inspect.Parameter.KEYWORD_ONLY
        text = inspect.getdoc(backhand.train)
        assert f"\n{field.name} : " in text
        assert field.metadata["description"].split("\n")[0] in text
    assert list(signature.parameters)[:3] == ["params", "X", "y"]
    with pytest.raises(TypeError, match="lerning_rate"):
        backhand.train(PARAMS, X, Y, lerning_rate=0.1)


def test_a_setting_is_spelled_out_in_four_places_at_most() -> None:
    """Where it is declared, where it is used, and where a table's setting and defaults are."""
    lines = [
        line for path in SOURCE.rglob("*.py") for line in path.read_text().splitlines()
        if "warmup" in line
    ]  # fmt: skip
    assert len(lines) <= 4, lines


def test_a_tables_settings_contain_a_config() -> None:
    values = Settings(quick=True, hidden=9, epochs=20).values(rows=1000)
    assert values["hidden"] == 9 and values["epochs"] == 20 and values["test_size"] == 0.2
    assert set(Settings(quick=True).config.values()) < set(values)
    assert (
        Settings(quick=True).config_for(10).epochs == 100
        and Settings(quick=True).config_for(10**7).epochs == 10
    )
    assert Settings(quick=True, epochs=500).config_for(10).validation_every == 10
    with pytest.raises(InputError, match="test_size is 2; expected None or a number of 0 or"):
        Settings(quick=True, test_size=2)


def test_the_names_of_optimizers_are_those_that_there_are() -> None:
    assert names(OptimizerName) == tuple(OPTIMIZERS)


@pytest.mark.parametrize("make", [TrainConfig, backhand.Member, lambda **given: backhand.train(
    backhand.init(2, 2, 2), np.eye(2), np.arange(2), **given)])  # fmt: skip
def test_early_stopping_is_a_record(make) -> None:
    for wrong in (True, 10, {"patience": 3}, EarlyStopping):
        with pytest.raises(InputError, match=r"such as early_stopping=backhand.EarlyStopping\("):
            make(early_stopping=wrong)


def test_the_adaptive_schedule_needs_early_stopping() -> None:
    with pytest.raises(InputError, match="pass early_stopping=EarlyStopping"):
        TrainConfig(schedule="adaptive")
