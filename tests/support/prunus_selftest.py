"""The self-test of a device, for tests."""

from prunus_boards.driver.selftest.counting import CountingTransport
from prunus_boards.driver.selftest.result import Result
from prunus_boards.driver.selftest.run import TESTS, SelfTest
from prunus_boards.driver.transports.base import Transport
from prunus_devices import network, shown
from prunus_rtl.link.protocol.description import CoreDescription


def results_of(
    transport: Transport, core: CoreDescription, *, limit: float = 600.0, images: bool = True
) -> dict[str, Result]:
    """Results of all tests, by name."""
    test = SelfTest(CountingTransport(transport), core=core, limit=limit)
    first = test.identify()
    rest = test.rest(network() if images else None, shown(3) if images else None)
    results = [first, *rest]
    assert tuple(result.name for result in results) == TESTS
    return {result.name: result for result in results}
