from typing import Any

import pytest
from amaranth.hdl import Array, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from prunus_rtl.lib.constant_product import times
from prunus_sim.simulator.amaranth import simulate


class Products(wiring.Component):
    def __init__(self, constants: range) -> None:
        self.constants = constants
        super().__init__({"value": In(5), "select": In(range(len(constants))), "product": Out(16)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        products = []
        for constant in self.constants:
            product = Signal(16, name=f"times{constant}")
            m.d.comb += product.eq(times(self.value, constant))
            products.append(product)
        m.d.comb += self.product.eq(Array(products)[self.select])
        return m


def test_product_with_every_constant_is_exact() -> None:
    dut = Products(range(300))

    async def bench(ctx: Any) -> None:
        for value in (0, 1, 2, 21, 31):
            ctx.set(dut.value, value)
            for constant in dut.constants:
                ctx.set(dut.select, constant)
                assert ctx.get(dut.product) == value * constant

    simulate(dut, bench)


class Counted(int):
    """A number that counts its additions."""

    adders = 0

    def __lshift__(self, bits: int) -> "Counted":
        return Counted(int(self) << bits)

    def __add__(self, other: int) -> "Counted":
        Counted.adders += 1
        return Counted(int(self) + other)

    def __sub__(self, other: int) -> "Counted":
        Counted.adders += 1
        return Counted(int(self) - other)


@pytest.mark.parametrize(("constant", "adders"), [(1, 0), (7, 1), (330, 2), (400, 2), (65535, 1)])
def test_product_takes_few_adders(constant: int, adders: int) -> None:
    """330 is 2 * 5 * 33; 65535 is one difference."""
    Counted.adders = 0
    assert times(Counted(3), constant) == 3 * constant
    assert Counted.adders == adders
