"""Figures and tables of the reproduced claims."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from prunus_cli import TINY
from prunus_docs.study import REPRODUCTION_BLOCKS
from prunus_model.spec.pruning import POLICIES
from prunus_model.study.export import write_results
from prunus_model.study.figure_data import FIGURES, figure_data
from prunus_model.study.figures import draw, figure
from prunus_model.study.plan import Training
from prunus_model.study.results_db import ResultStore
from prunus_model.study.rule import Rule
from prunus_model.study.work import Result
from prunus_rows import row, seeds

HISTORY: dict[str, Any] = {
    "presentations": [1000, 2000],
    "running_accuracy": [None, 0.5],
    "plastic": [490, 245],
    "forward_sops": [100, 40],
    "forward_dense": [100, 80],
    "update_sops": [10, 0],
    "update_dense": [10, 0],
    "w_prune": [[0] * 7, [0, 1, 2, 3, 4, 5, 6]],
}
NEURONS = {"post_count": [5, 9], "strength": [100, 300], "plastic": [0, 40], "w_prune": [0, 3]}


def training(policy: str, seed: int, parts: dict[str, str], name: str = "tiny") -> Training:
    return Training(
        digest=f"{policy}{seed}{parts}{name}",
        data="da$ta",
        config_name=name,
        config=replace(TINY, pruning=POLICIES[policy], seed=seed),
        policy_setting={},
        epochs=1,
        rules={Rule(): ()},
        parts=parts,
        settings={},
        validate=False,
        chose=False,
        presentations=1,
    )


@pytest.fixture
def store(tmp_path: Path) -> ResultStore:
    return ResultStore(tmp_path / "store", "")


def add(store: ResultStore, *trainings: Training, **neurons: Any) -> list[Training]:
    for one in trainings:
        detail = {"history": HISTORY, "neurons": NEURONS | neurons}
        store.add(
            Result(
                digest=one.digest,
                name="",
                row={},
                tests={Rule(): {}},
                detail=detail,
                seconds=1,
                versions={},
            )
        )
    return list(trainings)


ROWS = [
    *seeds("none", parts={"pareto": "", "early-exit": "", "weight-bits": "", "sizes": ""}),
    *seeds("none", parts={"early-exit": ""}, early_exit=2, steps_per_inference=9.0),
    *seeds("none", parts={"weight-bits": ""}, weight_bits=4, vote=0.9),
    *seeds("adaptive", inference=0.5, training=0.6, vote=0.93, density=0.2),
    *seeds("adaptive", setting=400, inference=0.4, training=0.5, vote=0.92, density=0.1),
    *seeds("adaptive", setting=9, inference=0.3, training=0.5, parts={"pareto": "new"}),
    *seeds("soft", setting=50, density=0.5, inference_sop_fraction_without_frozen=0.8),
    *seeds("adaptive", setting=1, parts={"ablations": "no ramp"}, silent_neurons=7),
    *seeds("soft", parts={"sizes": ""}, inference_sop_fraction_without_frozen=0.75),
    *seeds("adaptive", setting=2, parts={"sizes": "new", "early-exit": "new"}),
    *seeds("adaptive", setting=2, parts={"weight-bits": "new"}, weight_bits=4),
    *seeds("none", parts={"pareto-fashion": ""}, data="fashion-mnist"),
    *seeds("soft", parts={"pareto-fashion": ""}, data="fashion-mnist", setting=60, vote=0.937),
    *seeds("none", parts={"frontier": ""}, epochs=1),
    *seeds("none", parts={"frontier": ""}, data="fashion-mnist"),
    *seeds("none", parts={"accuracy": ""}, settings={"homeostasis": {"theta_plus": 7}}, vote=0.95),
]


def table(name: str, store: ResultStore, *trainings: Training) -> dict[str, Any]:
    return figure_data(name, trainings, store, ROWS)


def test_pareto_is_by_policy_or_label_from_weak_to_strong(store: ResultStore) -> None:
    values = table("pareto", store)
    assert list(values["series"]) == ["none", "adaptive", "new", "soft"]
    points = values["series"]["adaptive"]
    assert [point["policy_setting"]["strength_gain"] for point in points] == [330, 400]
    assert points[0]["vote"] == pytest.approx(93.2)
    assert points[0]["vote_half_range"] == pytest.approx(0.1)
    assert points[0]["inference_sop_fraction"] == 0.5
    soft = values["series"]["soft"][0]
    assert (soft["inference_sop_fraction"], soft["inference_sop_fraction_without_frozen"]) == (
        1.0,
        0.8,
    )
    assert values["about"] == "800 neurons, mnist, 2 epochs, mean and range of 3 seeds"


def test_second_data_set_has_a_figure_of_its_own(store: ResultStore) -> None:
    values = table("pareto-fashion", store)
    assert list(values["series"]) == ["none", "soft"]
    assert values["about"].startswith("800 neurons, fashion-mnist,")


def test_series_of_several_schedules_say_which(store: ResultStore) -> None:
    rows = [*ROWS, *seeds("none", epochs=6), *seeds("adaptive", epochs=6, parts={"pareto": "new"})]
    values = figure_data("frontier", [], store, rows)
    assert list(values["series"]) == ["adaptive, 2 epochs", "new, 2 epochs", "new, 6 epochs"]
    assert values["about"].startswith("800 neurons, mnist, 2 or 6 epochs,")


def test_frontier_is_of_losses_by_seed(store: ResultStore) -> None:
    values = table("frontier", store)
    assert list(values["series"]) == ["adaptive", "new"]
    first, second = values["series"]["adaptive"]
    assert (first["vote_loss"], second["vote_loss"]) == pytest.approx((1.0, 2.0))
    assert values["series"]["new"][0]["vote_loss"] == pytest.approx(0.0)
    assert values["goals"][0] == {
        "name": "abstract",
        "inference": 0.45,
        "training": 0.7,
        "loss": 0.44,
    }


def test_exits_and_widths_are_in_order(store: ResultStore) -> None:
    exits = table("early-exit", store)["series"]
    assert [point["early_exit"] for point in exits["none"]] == [0, 2]
    widths = table("weight-bits", store)["series"]
    assert [point["weight_bits"] for point in widths["none"]] == [4, 8]


def test_histories_are_of_one_seed_at_the_size_of_the_paper(store: ResultStore) -> None:
    trainings = add(
        store,
        training("none", 1, {"sizes": ""}),
        training("none", 3, {"sizes": ""}, "paper"),
        training("adaptive", 3, {"sizes": ""}, "paper"),
        training("adaptive", 4, {"sizes": ""}, "paper"),
        training("soft", 3, {"pareto": ""}, "paper"),
    )
    missing = training("soft", 3, {"sizes": ""}, "paper")
    values = table("training", store, *trainings, missing)
    assert values["series"] == {"none": HISTORY, "adaptive": HISTORY}
    assert values["about"] == "10 neurons, da$ta, seed 3"
    assert values["synapses"] == 490


def test_neurons_are_of_one_seed_of_each_ablation(store: ResultStore) -> None:
    trainings = add(
        store,
        training("none", 1, {"ablations": "not pruned"}),
        training("adaptive", 1, {"ablations": "a"}),
        training("adaptive", 2, {"ablations": "a"}),
    )
    assert table("neurons", store, *trainings)["series"] == {"a": NEURONS}


@pytest.mark.parametrize("name", FIGURES)
def test_without_its_part_there_is_no_figure(store: ResultStore, name: str) -> None:
    others = [row(parts={"other": ""})]
    assert figure_data(name, [], store, others) == {}


def test_figures_are_written_small_and_the_same_each_time(
    store: ResultStore, tmp_path: Path
) -> None:
    trainings = add(
        store,
        training("adaptive", 1, {"sizes": "", "ablations": "a"}),
        training("none", 1, {"sizes": ""}),
    )
    written = draw(trainings, store, ROWS, tmp_path / "a", parts=FIGURES.values())
    assert [path.name for path in written] == [
        f"{name}.{kind}" for name in FIGURES for kind in ("json", "png")
    ]
    again = draw(trainings, store, ROWS, tmp_path / "b", parts=FIGURES.values())
    for path, other in zip(written, again, strict=True):
        content = path.read_bytes()
        assert content == other.read_bytes()
        assert len(content) < 100_000
        if path.suffix == ".png":
            with Image.open(path) as picture:
                assert len(picture.convert("RGB").getcolors() or ()) > 10
        else:
            assert json.loads(content)["series"]
    # What was not asked for is not drawn, though trainings of another part show some of it.
    one = draw(trainings, store, ROWS, tmp_path / "d", parts={"ablations"})
    assert [path.name for path in one] == ["neurons.json", "neurons.png"]
    nothing = [row(parts={"other": ""})]
    assert draw([], store, nothing, tmp_path / "c", parts=FIGURES.values()) == []
    assert not (tmp_path / "c").exists()


def test_series_have_the_values_of_the_table(store: ResultStore) -> None:
    drawn = figure("pareto", table("pareto", store))
    left, right = drawn.axes
    # Policies are drawn in the order of the legend; each has a line and its bars.
    line = left.lines[3]
    assert np.array_equal(line.get_xdata(), [0.5, 0.4])
    assert np.asarray(line.get_ydata()).tolist() == pytest.approx([93.2, 92.2])
    assert right.get_title() == "Accuracy against SOPs in training"
    labels = left.get_legend_handles_labels()[1]
    assert labels == ["none", "adaptive", "new", "soft", "soft, zeros not counted"]


#: In the checkout.
RESULTS = Path("model/results/reproduction.json")


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    claim = {
        "claim": "C",
        "estimate": 0.1,
        "bound": 0.2,
        "margin": 0.44,
        "n": 5,
        "verdict": "holds",
        "command": "prunus x",
    }
    provenance = {"command": "prunus reproduce paper", "tools": {"python": "3"}}
    head = {"provenance": provenance, "claims": [claim]}
    write_results(tmp_path / RESULTS, head, ROWS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_results_have_one_line_for_each_row(checkout: Path) -> None:
    path = checkout / RESULTS
    assert json.loads(path.read_text())["runs"] == ROWS
    assert path.read_text().count('\n  {"digest"') == len(ROWS)
    write_results(path, {"claims": []}, [])
    assert json.loads(path.read_text()) == {"claims": [], "runs": []}


@pytest.mark.usefixtures("checkout")
@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("claims", "| C | **holds** | 0.1 (95 % bound 0.2, margin 0.44; 5 paired seeds) |"),
        (
            "reproduction-sizes",
            (
                "| mnist | 800 | 2 | none | 94.20 ± 0.10 | 93.90 ± 0.10 |  | 1.000 | 1.000 | 1.000 "
                "| 1.000 |"
            ),
        ),
        (
            "reproduction-sizes",
            (
                "| mnist | 800 | 2 | soft | 94.20 ± 0.10 | 93.90 ± 0.10 | +0.00 ± 0.00 "
                "| 1.000 (0.750) | 1.000 | 1.000 | 1.000 |"
            ),
        ),
        *(
            (
                f"reproduction-{part}",
                (
                    f"| {names} | 94.20 ± 0.10 | 93.90 ± 0.10 | {lost} ± 0.00 | 1.000 | 1.000 "
                    "| 1.000 | 1.000 |"
                ),
            )
            for part, names, lost in (
                ("sizes", "mnist | 800 | 2 | new", "+0.00"),
                ("early-exit", "new | none | 64.0 | 2,000,000", "+0.00"),
                ("weight-bits", "new | 4", "-4.00"),
            )
        ),
        (
            "reproduction-accuracy",
            (
                "| 800 | 2 | homeostasis.theta_plus 7 | none | 95.20 ± 0.10 | 94.90 ± 0.10 |  "
                "| 1.000 | 1.000 | 1.000 | 1.000 |"
            ),
        ),
        (
            "reproduction-frontier-fashion",
            ("| soft | 1 | none | none | 1.000 (percent 60) | 1.000 (percent 60) |"),
        ),
        (
            "reproduction-ablations",
            (
                "| no ramp | 7 | 94.20 ± 0.10 | 93.90 ± 0.10 | +0.00 ± 0.00 | 1.000 | 1.000 "
                "| 1.000 | 1.000 |"
            ),
        ),
        (
            "reproduction-early-exit",
            (
                "| none | 2 | 9.0 | 2,000,000 | 94.20 ± 0.10 | 93.90 ± 0.10 |  | 1.000 | 1.000 "
                "| 1.000 | 1.000 |"
            ),
        ),
        (
            "reproduction-weight-bits",
            "| none | 4 | 90.20 ± 0.10 | 89.90 ± 0.10 |  | 1.000 | 1.000 | 1.000 | 1.000 |",
        ),
        (
            "reproduction-frontier",
            "| adaptive | 2 | none | none | none | 0.500 (strength_gain 330) |",
        ),
        (
            "reproduction-frontier",
            (
                "| new | 1 | 0.300 (strength_gain 9) | 0.300 (strength_gain 9) "
                "| 0.300 (strength_gain 9) | 0.300 (strength_gain 9) |"
            ),
        ),
    ],
)
def test_table_holds_the_figures(name: str, line: str) -> None:
    text = REPRODUCTION_BLOCKS[name](json.loads(RESULTS.read_text()))
    assert line in text.splitlines()
    assert text.endswith("`prunus reproduce paper`, python 3.")


def test_pictures_that_are_there_are_shown(checkout: Path) -> None:
    assert REPRODUCTION_BLOCKS["reproduction-figures"]({}) == ""
    (checkout / "model/docs").mkdir()
    (checkout / "model/docs/pareto.png").touch()
    assert REPRODUCTION_BLOCKS["reproduction-figures"]({}) == (
        "![Accuracy against forward SOPs, by policy and setting](docs/pareto.png)"
    )
