"""How the driver loads another network."""

from dataclasses import replace

import pytest

from prunus_boards.driver.device import Device
from prunus_boards.driver.requests import DeviceError
from prunus_cli import tiny
from prunus_devices import (
    LEARNING,
    PACKED,
    Tampering,
    device,
    golden,
    last,
    message,
    network,
    shown,
)
from prunus_model.common.errors import PrunusError
from prunus_model.spec.state import State
from prunus_rtl.export.plan import ExportOptions
from prunus_rtl.link.protocol.description import CoreDescription, link_plan
from prunus_rtl.link.protocol.protocol import MAX_BODY, decode

#: One memory of 490 words: more than fit into a request.
DENSE = ExportOptions(lanes=1, store="dense")


@pytest.mark.parametrize("options", [LEARNING, PACKED, DENSE], ids=["learning", "packed", "dense"])
def test_another_network_is_loaded_and_compared(options: ExportOptions) -> None:
    with device(options) as one:
        told: list[tuple[int, int]] = []
        one.load(network(900), progress=lambda done, total: told.append((done, total)))
        assert told[-1][0] == told[-1][1] == max(done for done, _ in told)
        assert one.compare(network(900)) == []
        lines = one.compare(network())
        assert any(line.startswith("VOTES[") for line in lines)
        assert last(one, 10).difference == ""
        assert message(lambda: one.attach(network())).endswith(
            f"not {network(900).content_hash[:16]}"
        )


def test_no_body_is_longer_than_the_protocol_allows() -> None:
    transport, core = golden(DENSE)
    line = Tampering(transport)
    with Device(line, core=core) as one:
        one.load(network(900))
    bodies = [decode(frame.strip(b"\0"))[2:] for frame in line.frames[1:]]
    assert MAX_BODY - 2 <= max(map(len, bodies)) <= MAX_BODY


def test_interrupted_load_is_no_network() -> None:
    transport, core = golden(LEARNING)
    line = Tampering(transport)
    with Device(line, core=core) as one:

        def stop(done: int, total: int) -> None:
            if done > total // 2:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            one.load(network(), progress=stop)
        assert not one.holds(network())
        assert one.identity.network == bytes(32)
        with pytest.raises(DeviceError):
            next(one.present_many(shown(1)))
    assert line.closed


def test_network_that_does_not_fit_is_refused_before_anything_is_written() -> None:
    transport, core = golden(PACKED, network(900))
    with Device(transport, core=core) as one:
        one.attach(network(900))
        text = message(lambda: one.load(network(100)), PrunusError)
        assert "words are missing" in text
        assert one.holds(network(900))
        assert one.compare(network(900)) == []
        assert last(one, 2).difference == ""


def test_network_of_other_parameters_is_refused() -> None:
    other = replace(network(), config=tiny("none"))
    with device(LEARNING) as one:
        text = message(lambda: one.load(other), PrunusError)
        assert text == "Network must have the parameters of the core: pruning differ"
        assert one.holds(network())


def test_core_description_gives_the_plan_of_a_smaller_network() -> None:
    core = CoreDescription.of(link_plan(network(), PACKED))
    plan = core.plan(network(900))
    assert plan.image is not None and core.layout is not None
    assert [[m.depth for m in lane.memories] for lane in plan.image.lanes] == [
        list(depths) for depths in core.layout.depths
    ]
    assert isinstance(plan.state, State)
