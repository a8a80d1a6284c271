"""What a network keeps of its training data."""

from typing import Any

import numpy as np
import pytest

from prunus_data import message_of
from prunus_model.data.split import Split
from prunus_model.data.trained_on import TrainedOn

FRUIT = TrainedOn(class_names=("apple", "fig", "plum"))


def split(names: tuple[str, ...], *labels: int) -> Split:
    return Split(
        name="basket",
        images=np.zeros((len(labels), 1), np.uint8),
        labels=np.array(labels, np.uint8),
        image_shape=(1, 1),
        class_names=names,
        notes=("one",),
    )


def test_provenance_has_the_names_and_gives_them_back() -> None:
    assert FRUIT.to_provenance() == {"class_names": ["apple", "fig", "plum"]}
    assert TrainedOn.of(FRUIT.to_provenance()) == FRUIT == split(("apple", "fig", "plum"), 0).kept
    assert TrainedOn().to_provenance() == {}
    assert TrainedOn.of({"command": "x"}) == TrainedOn()


@pytest.mark.parametrize("kept", ["ab", [1], ["a", ""], {"a": 0}, None])
def test_damaged_names_are_refused(kept: Any) -> None:
    assert message_of(lambda: TrainedOn.of({"class_names": kept})) == (
        f"provenance.class_names must be words, not {kept!r}"
    )


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (("a", "b", "a"), "different names, not 'a' and 'a'"),
        (("7", "x", "007"), "different names, not '7' and '007'"),
        (("p\u00e8che", "pe\u0300che"), "different names, not 'p\u00e8che' and 'pe\u0300che'"),
        (tuple(f"class {k}" for k in range(257)), "at most 256 names, not 257"),
    ],
)
def test_names_tell_classes_apart(names: tuple[str, ...], told: str) -> None:
    assert message_of(lambda: TrainedOn(class_names=names)) == (
        f"Classes of the network must have {told}"
    )
    assert message_of(lambda: split(names, 0)) == f"Classes of basket must have {told}"


def test_a_split_has_a_name_for_each_class() -> None:
    assert message_of(lambda: split(("a", "b"), 0, 2)) == (
        "Labels of basket must be in 0..1, as many as its classes have names, not 2"
    )


def test_labels_get_the_numbers_of_the_network() -> None:
    found = split(("fig", "plum"), 1, 0, 1).numbered_for(FRUIT)
    assert found.labels.tolist() == [2, 1, 2]
    assert found.labels.dtype == np.uint8
    assert (found.class_names, found.notes) == (FRUIT.class_names, ("one",))
    # Another order; and a class that no image is of may be unknown.
    found = split(("plum", "kiwi", "apple"), 0, 2).numbered_for(FRUIT)
    assert found.labels.tolist() == [2, 0]


def test_labels_that_are_numbers_are_taken_in_the_order_of_words_and_that_is_told() -> None:
    found = split((), 2, 0).numbered_for(FRUIT)
    assert (found.labels.tolist(), found.class_names) == ([2, 0], FRUIT.class_names)
    assert found.notes == (
        "one",
        (
            "Labels of basket are numbers: 0 is taken for apple, 1 is taken for fig, "
            "2 is taken for plum"
        ),
    )
    found = split((), 7, 0).numbered_for(TrainedOn())
    assert (found.labels.tolist(), found.class_names, found.notes) == ([7, 0], (), ("one",))


@pytest.mark.parametrize("names", [(), ("kiwi", "fig"), ("5", "3")])
def test_labels_that_do_not_matter_stay(names: tuple[str, ...]) -> None:
    found = split(names, 1, 0).numbered_for(FRUIT.unlabelled)
    assert (found.labels.tolist(), found.class_names, found.notes) == ([1, 0], names, ("one",))
    assert FRUIT.unlabelled.scale == FRUIT.scale


def test_labels_are_names_of_a_network_whose_names_are_numbers() -> None:
    network = TrainedOn(class_names=("1", "2", "10"))
    found = split((), 10, 1, 2).numbered_for(network)
    assert (found.labels.tolist(), found.class_names) == ([2, 0, 1], network.class_names)
    assert message_of(lambda: split((), 0).numbered_for(network)) == (
        "Class '0' of basket must be one of the network: 1, 2, 10"
    )


def test_numbers_are_equal_by_value() -> None:
    padded = TrainedOn(class_names=("00", "01", "02"))
    assert split((), 2, 0).numbered_for(padded).labels.tolist() == [2, 0]
    assert split(("2", "001"), 0, 1).numbered_for(padded).labels.tolist() == [2, 1]


def test_of_names_that_are_partly_numbers_the_numbers_are_names() -> None:
    mixed = TrainedOn(class_names=("1", "2", "background"))
    assert split((), 2, 1).numbered_for(mixed).labels.tolist() == [1, 0]
    assert message_of(lambda: split((), 0).numbered_for(mixed)).startswith("Class '0' of basket ")


def test_unknown_class_is_refused() -> None:
    assert message_of(lambda: split(("fig", "kiwi"), 0, 1).numbered_for(FRUIT)) == (
        "Class 'kiwi' of basket must be one of the network: apple, fig, plum"
    )
    many = TrainedOn(class_names=tuple(f"class {k}" for k in range(256)))
    said = message_of(lambda: split(("kiwi",), 0).numbered_for(many))
    assert said.endswith(" ...")
    assert len(said) < 300


def test_the_same_letters_are_the_same_name() -> None:
    """An accent is a character of its own in folders that some systems have made."""
    network = TrainedOn(class_names=("kiwi", "p\u00e8che"))
    assert split(("pe\u0300che",), 0).numbered_for(network).labels.tolist() == [1]
    network = TrainedOn(class_names=("kiwi", "pe\u0300che"))
    assert split(("p\u00e8che",), 0).numbered_for(network).labels.tolist() == [1]


def test_a_network_of_numbers_takes_names_for_numbers() -> None:
    found = split(("3", "07", "255"), 0, 1, 2).numbered_for(TrainedOn())
    assert found.labels.tolist() == [3, 7, 255]
    assert found.class_names[:4] == ("0", "1", "2", "3")
    assert message_of(lambda: split(("3", "256"), 0, 1).numbered_for(TrainedOn())) == (
        "Class '256' of basket must be one in 0..255"
    )


def test_a_network_without_names_takes_words_in_their_order_and_tells() -> None:
    found = split(("fig", "plum"), 1, 0).numbered_for(TrainedOn())
    assert (found.labels.tolist(), found.class_names) == ([1, 0], ("fig", "plum"))
    assert found.notes == (
        "one",
        "The network keeps no names of classes: 0 is taken for fig, 1 is taken for plum",
    )
