# amaranth: UnusedElaboratable=no

import re
from dataclasses import replace
from typing import Any

from amaranth.hdl import Shape

from prunus_cli import digits, tiny
from prunus_model.training.artifact import Artifact
from prunus_model.training.trainer import train
from prunus_package import Made
from prunus_rtl.export.netlist import make_netlist
from prunus_rtl.export.plan import ExportOptions, make_plan
from prunus_rtl.export.ports import FIELDS, fields, ports


def test_every_port_and_field_is_in_the_tables(network: Artifact) -> None:
    known = set()
    encoder = replace(tiny().encoder, refractory_steps=2)
    refractory = train(replace(tiny(), encoder=encoder), digits(50))
    for artifact, options in (
        (network, {"mode": "learning"}),
        (network, {"source": "events"}),
        (refractory, {}),
    ):
        choice: Any = options
        core = make_plan(artifact, ExportOptions(**choice)).core()
        text = make_netlist(core).text
        head = text[text.index("module prunus_core(") : text.index(");")]
        found = ports(core)
        assert {port.name for port in found} == set(re.findall(r"\w+", head.split("(")[1]))
        for port in found:
            width = f"\\[{port.width - 1}:0\\] " if port.width > 1 else ""
            pattern = rf"^  {port.direction}put {width}{port.name};$"
            assert re.search(pattern, text, re.MULTILINE), pattern
            assert port.meaning
        for field in fields(core):
            known.add(field.name)
            (port,) = [port for port in found if port.name == field.port]
            assert 0 <= field.low <= field.low + field.width <= port.width
    assert known == set(FIELDS)


def test_fields_of_the_result_are_where_the_core_puts_them(inference: Made) -> None:
    low = {field.name: field.low for field in fields(inference.core)}
    payload = inference.core.result.payload
    assert low["counters.cycles"] == payload.shape().size - 32
    shapes = inference.core.shapes
    assert low["lead"] == Shape.cast(shapes.prediction).width + 1
    assert low["counters.steps"] == low["lead"] + shapes.score_bits
