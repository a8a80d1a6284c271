"""The driver and devices whose memories a host reaches in part, or not at all."""

from dataclasses import replace

import numpy as np
import pytest

from prunus_boards.driver.device import Device
from prunus_boards.driver.link import RefusedError
from prunus_boards.driver.requests import DeviceError
from prunus_boards.driver.selftest.counting import CountingTransport
from prunus_boards.driver.selftest.run import SelfTest
from prunus_devices import LEARNING, PACKED, device, golden, last, network, shown
from prunus_rtl.export.plan import ExportOptions
from prunus_rtl.hardware import Space
from prunus_rtl.link.protocol.description import CoreDescription, link_plan

LOAD = replace(PACKED, host_access="load")
NONE = replace(PACKED, host_access="none")


@pytest.mark.parametrize("options", [LOAD, NONE, replace(LEARNING, host_access="load")])
def test_device_equals_the_model_and_passes_its_self_test(options: ExportOptions) -> None:
    learn = options.mode == "learning"
    with device(options) as one:
        if options.host_access == "load":
            one.load(network())
        found = last(one, 6, learn=learn)
        assert (found.images, found.difference) == (6, "")
        assert one.unread == {"v", "v_fire", "last_step"} | (
            set() if learn else {"theta", "strength", "post_count"}
        )
    transport, core = golden(options)
    test = SelfTest(CountingTransport(transport), core=core, limit=600.0)
    results = [test.identify(), *test.rest(network(), shown(3))]
    assert [result.verdict for result in results] == ["ok"] * 5
    skipped = f"others skipped, which host_access {options.host_access} does not show"
    assert results[2].text.endswith(skipped)


def test_what_learning_has_changed_is_read_and_thresholds_follow_from_it() -> None:
    everything, some = device(LEARNING), device(replace(LEARNING, host_access="load"))
    states = []
    for one in (everything, some):
        one.load(network())
        list(one.present_many(shown(8), learn=True))
        states.append(one.read_state())
    for name in ("weights", "alive", "theta", "strength", "post_count", "v_fire"):
        assert np.array_equal(getattr(states[0], name), getattr(states[1], name)), name
    states[1].check(network().config)


def test_another_network_is_refused_without_access_and_words_are_not_shown() -> None:
    with device(NONE) as one:
        with pytest.raises(DeviceError, match=r"^Core must be built with host_access all or load"):
            one.load(network())
        one.presentation = 7
        assert one.presentation == 7
    with device(LOAD) as one:
        for space in (Space.STORE, Space.V_FIRE, Space.VOTES):
            with pytest.raises(RefusedError, match="ADDRESS"):
                one.read(space, 0, 1)
        one.write(Space.VOTES, 0, np.array([1]))


def test_descriptions_of_before_keep_their_digests() -> None:
    plain = CoreDescription.of(link_plan(network(), PACKED))
    assert "host_access" not in plain._mapping()["hardware"]
    others = [CoreDescription.of(link_plan(network(), options)).digest for options in (LOAD, NONE)]
    assert len({plain.digest, *others}) == 3


def test_description_with_access_is_read_back(tmp_path: object) -> None:
    core = CoreDescription.of(link_plan(network(), LOAD))
    path = tmp_path / "core.json"  # type: ignore[operator]
    core.save(path)
    assert CoreDescription.load(path) == core
    assert isinstance(device(LOAD), Device)
