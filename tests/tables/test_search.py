"""The search of `backhand train` and `fit`: folds, what is chosen, and what is said of it."""

import json
import re
from dataclasses import fields, replace

import numpy as np
import pytest

import backhand
from backhand.cli.reports.progress import networks, part_of_search
from backhand.engines import make_engine
from backhand.equations import Parameters, softmax
from backhand.selection import Chosen, InnerFolds, Trial
from backhand.selection.calibration import log_shares
from backhand.selection.initial import kinks_among_rows
from backhand.selection.progress import MemberProgress, SearchProgress
from backhand.stratified import NONE
from backhand.table_settings import Settings
from backhand.tables.reading.frames import as_table
from backhand.tables.schema.choices import ColumnChoices
from backhand.tables.schema.targets import read_target
from backhand.tabular.advice import advise
from backhand.tabular.choice import choice_in_words, losses_by_penalty
from backhand.tabular.learning import search
from backhand.tabular.splitting import splitter_of
from backhand.tabular.training import fit_table, prepare_table
from helpers.command_line import run

pytestmark = pytest.mark.filterwarnings("ignore::backhand.BackhandWarning")
"""What few epochs give is warned of."""

SMALL = {"epochs": 8, "hidden": 4, "batch_size": 32, "learning_rate": 0.02}


def columns(rows=150, seed=0):
    """Columns of which `t` is the target, `g` a group and `day` a time."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=rows).round(3)
    return {
        "x": x, "g": np.array([f"p{i}" for i in rng.integers(0, 30, rows)]),
        "day": rng.integers(0, 50, rows),
        "t": np.where(x + rng.normal(size=rows) > 0.5, "a", "b"),
    }  # fmt: skip


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with the columns as t.csv."""
    import pandas as pd

    monkeypatch.chdir(tmp_path)
    pd.DataFrame(columns()).to_csv("t.csv", index=False)
    return tmp_path


def options(settings) -> list[object]:
    """The settings as they are typed."""
    return [text for name, value in settings.items()
            for text in (f"--{name.replace('_', '-')}", value)]  # fmt: skip


def train(*arguments, expect=0):
    return run("train", "t.csv", "-t", "t", *options(SMALL), *arguments, expect=expect)


def inner_folds(data, training=None, features=1, **settings):
    """The inner folds of some rows."""
    with as_table(data) as table:
        target = read_target(table, "t")
        splitter = splitter_of(table, target, Settings(**settings), ColumnChoices())
        mask = np.ones(table.rows, bool) if training is None else training
        return splitter.inner_folds(mask & (target.y >= 0), features)


def prepared_of(data, **settings):
    with as_table(data) as table:
        return prepare_table(table, "t", Settings(**settings))


def test_each_class_is_dealt_out_evenly() -> None:
    data = columns()
    found = inner_folds(data)
    assert found.measured == [0, 1, 2, 3, 4] and not found.forward
    for name in ("a", "b"):
        sizes = np.bincount(found.of_row[data["t"] == name], minlength=5)
        assert sizes.max() - sizes.min() <= 1
    assert np.array_equal(found.of_row, inner_folds(data).of_row)
    assert not np.array_equal(found.of_row, inner_folds(data, seed=1).of_row)


def test_no_group_is_in_two_inner_folds() -> None:
    data = columns()
    training = np.arange(150) % 3 > 0
    found, groups = inner_folds(data, training, group="g"), data["g"][training]
    assert found.measured == [0, 1, 2, 3, 4]
    for name in set(groups):
        assert len(set(found.of_row[groups == name])) == 1
    three = data | {"g": np.array(["p", "q", "r"])[np.arange(150) % 3]}
    assert inner_folds(three, group="g").measured == [0, 1, 2]
    assert inner_folds(three | {"g": np.full(150, "p")}, group="g").measured == []
    alone = data | {"g": [None] * 150}
    assert inner_folds(alone, group="g").measured == [0, 1, 2, 3, 4]


def test_in_time_each_network_learns_from_what_was_before() -> None:
    data = columns()
    found = inner_folds(data, time="day")
    assert found.forward and found.measured == [1, 2, 3, 4, 5]
    for fold in found.measured:
        before, after = found.training(fold), found.validation(fold)
        assert data["day"][before].max() < data["day"][after].min()
    two = inner_folds(data | {"day": np.arange(150) // 75}, time="day")
    assert two.measured == [1] and len(Settings().recipe_for(two).penalties) == 3
    assert inner_folds(data | {"day": np.ones(150, int)}, time="day").measured == []
    gaps = inner_folds(data | {"day": [None if i % 5 == 0 else i for i in range(150)]}, time="day")
    assert (gaps.of_row == NONE).sum() == 30 and set(range(0, 150, 5)) <= set(gaps.training(1))


@pytest.mark.parametrize("split", [{}, {"group": "g"}, {"time": "day"}], ids=str)
def test_of_many_rows_one_part_is_left_out(monkeypatch, split) -> None:
    monkeypatch.setattr("backhand.tabular.splitting.LARGE", 150 * 3 - 1)
    data = columns()
    found = inner_folds(data, **split)
    assert found.measured == [0] and not found.forward
    out = found.of_row == 0
    assert 0.05 < out.mean() < 0.2 and (found.of_row[~out] == NONE).all()
    if "group" in split:
        assert not set(data["g"][out]) & set(data["g"][~out])
    if "time" in split:
        assert data["day"][out].min() > data["day"][~out].max()
    assert len(Settings().recipe_for(found).penalties) == 1
    monkeypatch.setattr("backhand.tabular.splitting.LARGE", 150 * 3)
    assert len(inner_folds(data, **split).measured) == 5


SETTINGS = {
    "plain": {},
    "one network": {"members": 1},
    "two networks of one penalty": {"members": 2, "l2": 0.003, "seed": 4},
    "a group": {"group": "g", "patience": 2},
    "time": {"time": "day", "tol": 0.01},
    "folds": {"cv": 2, "class_weight": "balanced"},
    "nothing held out": {"test_size": 0.0, "optimizer": "nesterov", "schedule": "constant"},
}


@pytest.mark.parametrize("name", SETTINGS)
def test_the_model_is_that_of_the_command_line(here, name) -> None:
    settings = SMALL | SETTINGS[name]
    train("-o", "typed.safetensors", *options(SETTINGS[name]))
    model = backhand.fit("t.csv", "t", **settings)
    backhand.save(model, "called.safetensors")
    typed, called = ((here / f"{n}.safetensors").read_bytes() for n in ("typed", "called"))
    assert typed == called
    assert backhand.load("typed.safetensors").chosen == model.chosen
    networks = settings.get("members", 5)
    assert model.sizes[1] == 4 * networks == 4 * model.chosen.networks
    assert model.hyperparameters["l2"] == model.chosen.l2
    assert model.hyperparameters["hidden"] == 4
    assert {trial.l2 for trial in model.chosen.trials} == (
        {0.003} if "l2" in settings else {0.0002, 0.002, 0.02}
    )


def test_each_network_predicts_the_fold_that_it_did_not_learn_from() -> None:
    settings = Settings(**SMALL, test_size=0)
    prepared = prepared_of(columns(), **SMALL, test_size=0)
    (X, y), folds = prepared.training[:2], prepared.folds
    found = search(prepared.training, folds, ["a", "b"], settings, make_engine())
    recipe, chosen, P = settings.recipe_for(folds), found.chosen, np.empty((150, 2))
    networks = []
    for k in range(5):
        config = replace(recipe.config, l2=chosen.l2, seed=recipe.seed_of(k))
        params = backhand.init(X.shape[1], 4, 2, config.seed)
        training, out = folds.training(k), folds.validation(k)
        params = params._replace(
            b1=kinks_among_rows(params.W1, prepared.training.at(training), config.seed),
            b2=log_shares(prepared.training, 2).astype(np.float32),
        )
        networks.append(backhand.train(
            params, X[training], y[training], validation=(X[out], y[out]),
            **{f.name: getattr(config, f.name) for f in fields(config)},
        ))  # fmt: skip
        exact = Parameters(*(value.astype(float) for value in networks[k].params))
        P[out] = softmax(backhand.forward(exact, X[out].astype(float)).S * chosen.scale)
    assert np.array_equal(found.out_of_fold.rows, np.arange(150))
    assert np.allclose(found.out_of_fold.probabilities, P, atol=1e-6)
    assert chosen.epochs == np.median([result.best_epoch for result in networks])
    loss = -np.log(P[np.arange(150), y]).mean()
    metrics = fit_table(prepared, settings)[0].metrics
    assert metrics["out_of_fold_loss"] == pytest.approx(loss, abs=1e-6)
    assert metrics["out_of_fold_accuracy"] == (P.argmax(axis=1) == y).mean()
    assert chosen.calibrated_loss == pytest.approx(loss, abs=1e-6) and loss <= chosen.loss


def test_the_history_is_the_mean_of_the_networks() -> None:
    model = backhand.fit(columns(), "t", **SMALL, patience=2)
    chosen, history = model.chosen, model.history
    of_chosen = [trial for trial in chosen.trials if trial.l2 == chosen.l2]
    assert len(history) == min(trial.epochs for trial in of_chosen)
    same = [trial for trial in of_chosen if trial.best_epoch == len(history)]
    assert np.isfinite(history.validation_loss).all() and len(of_chosen) == 5
    best = np.mean([trial.loss for trial in of_chosen])
    assert history.validation_loss.min() >= best - 1e-9 or same


def test_what_was_chosen_is_reported_and_in_the_model(here) -> None:
    printed = train().stdout
    assert re.search(r"search +5 folds of the training rows, 3 penalties", printed)
    said = " ".join(printed.split())
    assert "5 of 4 hidden units, each trained on all training rows for" in said
    assert "averaged into one of 20" in said
    assert "temperature" in said and "chosen from 0.0002, 0.002, 0.02" in said
    rows = r"^([\d.]+)(?: \(chosen\))?(?: +(?:[\d.]+|–))+ *$"
    assert re.findall(rows, printed, re.MULTILINE) == ["0.0002", "0.002", "0.02"], printed
    model = backhand.load("t.safetensors")
    accuracy, loss = (model.metrics[f"out_of_fold_{name}"] for name in ("accuracy", "loss"))
    assert f"Out-of-fold accuracy {accuracy:.4f}, loss {loss:.4f}: 120 training rows" in said
    assert re.search(rf"^loss .* {loss:.4f} +[\d.]+$", printed, re.M), "beside the held-out ones"
    assert re.search(r"^  search +\d+\.\d s$", printed, re.M), "which is not in the model"
    assert "Losses on the folds, before the temperature" in said
    inspected = " ".join(run("inspect", "t.safetensors").stdout.split())
    assert "averaged into one of 20" in inspected and "out_of_fold_rows 120" in inspected
    event = json.loads(run("inspect", "t.safetensors", "--json").stdout)
    assert Chosen.from_json(event["chosen"]) == model.chosen


def test_json_has_the_search_and_the_choice(here) -> None:
    events = [json.loads(line) for line in train("--json").stdout.splitlines()]
    model, result = (next(e for e in events if e["event"] == n) for n in ("model", "result"))
    assert model["folds"] == 5
    chosen = backhand.load("t.safetensors").chosen
    assert result["chosen"] == chosen.to_json()
    assert set(result["out_of_fold"]) == {"accuracy", "loss"}
    searches = [event for event in events if event["event"] == "search"]
    assert searches and searches[-1]["folds"] == 5 and searches[-1]["penalties"] == 3
    done, members = searches[-1]["done"], searches[-1]["members"]
    assert done == members == 35 > len(chosen.trials) + 5, "those of both encodings"


def test_the_bar_says_which_fold_and_penalty_is_under_way() -> None:
    def said(*under_way):
        return part_of_search(SearchProgress(3, 15, 5, 3, under_way, 1.0))

    first = MemberProgress(3, 2, 0.002, 12, 100)
    assert said(first, first) == "fold 3 of 5, λ 2 of 3, epoch 12/100"
    assert said(MemberProgress(0, 2, 0.002, 1, 9)) == "all rows, epoch 1/9"
    assert said() == "search"
    assert [networks(n) for n in (0, 1, 2)] == ["0 networks", "1 network", "2 networks"]


CONTRADICTIONS = {
    "--quick --members 2": "--members is of the search; omit it or --quick",
    "--quick --budget 3s": "--budget is of the search; omit it or --quick",
    "--monitor validation_accuracy": "validation loss; omit --monitor, or add --quick",
    "--validation-fraction 0.2": "omit --validation-fraction, or add --quick",
    "--validation-every 2": "omit --validation-every, or add --quick",
    "--schedule adaptive": "use another one, or add --quick",
    "--members 0": "--members is 0; expected an integer of 1 or more",
    "--budget 3": "--budget is '3'; expected a span of time such as 30s, 5min or 1h",
    "--budget 0s": "budget is '0s'; expected",
    "--budget 2epochs": "budget is '2epochs'; expected",
    "--l2 -1": "--l2 is -1.0; expected a number of 0 or more",
    "--checkpoint c --every 2epochs": "each network of a search has epochs of its own",
    "--checkpoint c --cv 2": "--cv has several",
}


def test_what_contradicts_is_refused_in_one_sentence(here) -> None:
    for typed, said in CONTRADICTIONS.items():
        result = train(*typed.split(), expect=2)
        assert said in result.stderr and result.stderr.count("\n") == 1, (typed, result.stderr)
        assert not (here / "t.safetensors").exists() and not (here / "c").exists()


def test_early_stopping_changes_nothing_since_every_network_has_it(here) -> None:
    train("-o", "a.safetensors")
    train("-o", "b.safetensors", "--early-stopping")
    a, b = (backhand.load(f"{name}.safetensors") for name in "ab")
    assert all(map(np.array_equal, a.params, b.params))
    assert a.hyperparameters["early_stopping.patience"] == 10


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_few_rows_allow_no_search(rows) -> None:
    data = {"x": [1.0, 2.0, 3.0, 4.0][: rows + 1], "t": ["a", "b", "c", "d"][: rows + 1]}
    with pytest.warns(backhand.BackhandWarning, match="cannot be divided into folds"):
        model = backhand.fit(data, "t", **SMALL, test_size=0, keep="x")
    assert model.sizes[1] == 20 and model.chosen.trials == ()
    assert "out_of_fold_loss" not in model.metrics
    assert "the rows allow no search" in choice_in_words(model.chosen, 20)[0][1]


def test_a_budget_ends_the_search_and_not_the_training() -> None:
    lasting = {"epochs": 300, "patience": 300}
    model = backhand.fit(columns(3000), "t", **SMALL | lasting, budget="0.001s", members=2)
    assert model.chosen.cut and len(model.chosen.trials) < 9
    assert model.sizes[1] == 8 and model.chosen.networks == 2
    assert "the time ended the search" in dict(choice_in_words(model.chosen, 8))["penalty"]


def test_callbacks_see_the_search_and_can_end_it() -> None:
    seen: list[SearchProgress] = []
    whole = backhand.fit(columns(), "t", **SMALL, callbacks=[seen.append])
    assert seen and seen[-1].done == seen[-1].members > len(whole.chosen.trials) + 5

    def enough(progress: SearchProgress) -> None:
        raise backhand.StopTraining

    model = backhand.fit(columns(), "t", **SMALL | {"epochs": 100}, callbacks=[enough])
    assert len(model.chosen.trials) < 9 or not model.chosen.cut
    assert model.sizes[1] == 4 * model.chosen.networks


def test_a_resumed_search_gives_the_same_file(here) -> None:
    class Enough(Exception):
        pass

    def fails(progress: SearchProgress) -> None:
        if progress.done >= 2:
            raise Enough

    folder = here / "kept"
    train("-o", "whole.safetensors", "--epochs", 60)
    arguments = SMALL | {"epochs": 60}
    with pytest.raises(Enough):
        backhand.fit("t.csv", "t", **arguments, callbacks=[fails],
                     checkpoint=backhand.Checkpoint(folder, "1h"))  # fmt: skip
    said = train("--epochs", 60, "--checkpoint", folder, expect=2).stderr
    assert "of a search. To resume it, add --resume; to begin a new one, delete" in said
    assert "resume=True" not in said
    said = train("--epochs", 60, "--quick", "--checkpoint", folder, "--resume", expect=2).stderr
    assert "checkpoints of a search, and this is a training run" in said
    said = train(
        "--epochs", 60, "--checkpoint", folder, "--resume", "-o", "resumed.safetensors"
    ).stderr
    assert re.search(
        r"^backhand: resumed from .*kept: \d+ of \d+ networks were done\.$", said, re.M
    )
    whole, resumed = ((here / f"{n}.safetensors").read_bytes() for n in ("whole", "resumed"))
    assert whole == resumed


def changed(**values):
    trials = tuple(Trial(0.002, k, 9, 4, 0.5, 0.75) for k in range(2))
    chosen = Chosen(
        l2=0.002, networks=2, epochs=4, scale=0.9, rows=20, loss=0.5,
        calibrated_loss=0.45, cut=False, trials=trials,
    )  # fmt: skip
    return json.loads(json.dumps(chosen.to_json() | values))


WRONG_CHOICES = {
    "no dict": [],
    "another name": changed(more=1),
    "no epochs": changed(epochs=0),
    "no network": changed(networks=0),
    "three networks": changed(networks=3),
    "a negative penalty": changed(l2=-1),
    "no number": changed(scale="0.9"),
    "no flag": changed(cut=1),
    "negative rows": changed(rows=-1),
    "a short trial": changed(trials=[[0.002, 0, 9, 4, 0.5]]),
    "a text in a trial": changed(trials=[[0.002, 0, 9, 4, 0.5, "x"]]),
    "no list": changed(trials={}),
    "a negative loss": changed(loss=-0.5),
}


@pytest.mark.parametrize("name", WRONG_CHOICES)
def test_a_record_that_is_none_is_refused_in_saving_and_loading(tmp_path, name) -> None:
    from backhand.support.safetensors_io import write_tensors

    params = backhand.init(3, 8, 2)
    model = backhand.Model(params, ("a", "b"), chosen=Chosen.from_json(changed()))
    backhand.save(model, tmp_path / "m.safetensors")
    assert backhand.load(tmp_path / "m.safetensors").chosen == model.chosen
    header = {
        "format": 1, "classes": ["a", "b"], "schema": None, "hyperparameters": {}, "metrics": {},
        "history": {name: [] for name in backhand.model.History.__dataclass_fields__},
        "versions": {}, "training_rows": None, "chosen": WRONG_CHOICES[name],
    }  # fmt: skip
    write_tensors(tmp_path / "w.safetensors", params._asdict(), header)
    with pytest.raises(backhand.InputError, match=r"what was chosen|networks of one size|damaged"):
        backhand.load(tmp_path / "w.safetensors")


def test_losses_of_the_same_folds_are_in_one_column() -> None:
    trials = [Trial(l2, k, 9, 4, l2 * 10 + k, 0.5) for l2 in (0.02, 0.002) for k in range(2)]
    trials += [Trial(0.002, k, 9, 4, 1.0, 0.5) for k in (2, 3)]
    trials += [Trial(0.2, k, 9, 4, np.inf, np.nan) for k in range(2)]
    chosen = Chosen(0.002, 4, 4, 0.0, 8, 1.0, 0.9, False, tuple(trials))
    assert losses_by_penalty(chosen) == (
        ["first 2 folds", "all 4 folds"],
        [["0.002 (chosen)", "0.5200", "0.7600"], ["0.02", "0.7000", "–"], ["0.2", "diverged", "–"]],
    )
    words = dict(choice_in_words(chosen, 16))
    assert "class shares" in words["temperature"] and "for 4 epochs" in words["networks"]
    assert losses_by_penalty(replace(chosen, cut=True)).headings == [
        "first 2 folds", "first 4 folds"]  # fmt: skip


def test_the_advice_is_that_of_the_out_of_fold_figures() -> None:
    rng = np.random.default_rng(3)
    data = {**{f"x{k}": rng.normal(size=60) for k in range(20)}, "t": rng.choice(["a", "b"], 60)}
    settings = {"epochs": 60, "hidden": 16}
    for quick in (True, False):
        prepared = prepared_of(data, quick=quick, **settings)
        model, evaluation = fit_table(prepared, Settings(quick=quick, **settings))
        said = " ".join(found.what + found.advice for found in advise(prepared, model, evaluation))
        assert ("learned training rows by heart" in said) == quick
        assert ("Omit quick" in said) == quick and ("Out of fold" in said) == (not quick)


def test_the_page_says_what_was_chosen(here, monkeypatch) -> None:
    from backhand.report_page import charts
    from backhand.report_page.html import Html

    monkeypatch.setattr(charts, "drawing", lambda draw, name, label, **_: Html(
        f'<svg id="chart-{name}" role="img" aria-label="{label}"></svg>'
    ))  # fmt: skip
    train("--report", "r.html")
    text = (here / "r.html").read_text(encoding="utf-8")
    for part in ("What was chosen", "averaged into one of 20", "Log loss on the folds by penalty",
                 "out of fold", "means of the 5 networks",
                 "of the rows out of fold from"):  # fmt: skip
        assert part in text, part
    train("--quick", "--report", "r.html")
    text = (here / "r.html").read_text(encoding="utf-8")
    assert "What was chosen" not in text and "out of fold</th>" not in text


def test_one_fold_counts_only_where_it_is_the_smaller_part() -> None:
    few, most = np.full(10, NONE), np.full(10, NONE)
    few[:3], most[:8] = 0, 0
    assert InnerFolds(few.astype(np.uint8)).measured == [0]
    assert InnerFolds(most.astype(np.uint8)).measured == []
    assert InnerFolds(np.full(10, NONE, np.uint8)).measured == []


@pytest.mark.parametrize("quick", [True, False])
def test_a_checkpoint_that_is_none_is_refused_before_the_table_is_read(quick: bool) -> None:
    with pytest.raises(backhand.InputError, match="checkpoint is a str; expected a Checkpoint"):
        backhand.fit("missing.csv", "t", quick=quick, checkpoint="folder")  # type: ignore[arg-type]
