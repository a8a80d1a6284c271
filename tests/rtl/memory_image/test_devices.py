import pytest

from prunus_rtl.memory_image.devices import DEVICES, BlockRam, Device, Fit
from prunus_rtl.memory_image.footprint import StoreRow, StoreTable, choose, table
from prunus_synapses import synapses


@pytest.mark.parametrize(
    ("device", "width", "depth", "blocks"),
    [
        ("ECP5-85F", 18, 1024, 1),
        ("ECP5-85F", 18, 1025, 2),
        ("ECP5-85F", 19, 1024, 2),
        ("ECP5-85F", 36, 512, 1),
        ("ECP5-85F", 9, 2048, 1),
        ("ECP5-85F", 4, 4096, 1),
        ("ECP5-85F", 2, 8192, 1),
        ("ECP5-85F", 15, 7840, 8),
        ("GW1NR-9", 14, 784, 1),
        ("GW1NR-9", 37, 512, 2),
    ],
)
def test_a_memory_takes_the_blocks_of_its_best_mode(
    device: str, width: int, depth: int, blocks: int
) -> None:
    (kind,) = DEVICES[device].kinds
    assert kind.blocks(width=width, depth=depth) == blocks
    assert DEVICES[device].fit([(width, depth)]).bits == blocks * 18 * 1024


def test_large_memories_take_spram_and_the_rest_block_ram() -> None:
    fit = DEVICES["UP5K"].fit([(15, 784)] * 4 + [(16, 13000)] * 4)
    assert fit == Fit(device="UP5K", bits=4 * 256 * 1024 + 16 * 4096, missing_bits=0)
    # A fifth large one needs 16-bit words of 256: 51 blocks, but 14 are left.
    fit = DEVICES["UP5K"].fit([(15, 784)] * 4 + [(16, 13000)] * 5)
    assert fit.missing_bits == (51 + 16 - 30) * 4096


def test_a_memory_takes_the_first_kind_that_has_room_not_the_cheapest() -> None:
    fit = DEVICES["UP5K"].fit([(15, 784)])
    assert fit == Fit(device="UP5K", bits=256 * 1024, missing_bits=0)
    kinds = (
        BlockRam(count=1, bits=40, shapes=((10, 4),)),
        BlockRam(count=9, bits=100, shapes=((10, 10),)),
        BlockRam(count=9, bits=400, shapes=((10, 40),)),
    )
    device = Device(name="three", kinds=kinds)
    # The first kind has one block too few; the second and the third have room.
    assert device.fit([(10, 5)]) == Fit(device="three", bits=100, missing_bits=0)


def test_memory_that_fits_nowhere_is_missing_where_it_costs_least() -> None:
    device = Device(
        name="small",
        kinds=(
            BlockRam(count=1, bits=100, shapes=((10, 10),)),
            BlockRam(count=2, bits=40, shapes=((10, 4),)),
        ),
    )
    assert device.fit([(10, 12)]) == Fit(device="small", bits=120, missing_bits=40)


def test_sizes_of_the_devices() -> None:
    assert {name: device.bits for name, device in DEVICES.items()} == {
        "ECP5-85F": 208 * 18 * 1024,
        "ECP5-25F": 56 * 18 * 1024,
        "UP5K": 30 * 4 * 1024 + 4 * 256 * 1024,
        "GW1NR-9": 26 * 18 * 1024,
    }


def test_dense_network_that_fits_no_device_has_missing_bits() -> None:
    weights, alive = synapses(784, 800, 1)
    dense = table(weights, alive, lanes=16, weight_bits=8).row("dense")
    assert dense.bits == 784 * 800 * 8
    # 16 lanes of 39,200 words of 8 bits: 20 blocks each, 112 more than there are.
    assert dense.fit("ECP5-85F").missing_bits == 112 * 18 * 1024


def test_pruned_network_fits_where_the_dense_one_does_not() -> None:
    sizes = table(*synapses(784, 800, 0.21), lanes=16, weight_bits=8)
    for row in (sizes.row("csr"), sizes.row("bitmask")):
        assert row.fit("ECP5-85F").missing_bits == 0


def sizes_of(**rows: tuple[int, int, int]) -> StoreTable:
    """(raw bits, bits of blocks, missing bits) of each format, on device D."""
    return StoreTable(
        rows=tuple(
            StoreRow(
                format=name,
                lane_bits=(bits,),
                fits=(Fit(device="D", bits=taken, missing_bits=missing),),
            )
            for name, (bits, taken, missing) in rows.items()
        )
    )


@pytest.mark.parametrize(
    ("rows", "raw", "on_device"),
    [
        ({"csr": (5, 9, 0), "dense": (9, 9, 0), "bitmask": (4, 9, 0)}, "bitmask", "bitmask"),
        ({"csr": (4, 9, 0), "dense": (4, 9, 0), "bitmask": (4, 9, 0)}, "csr", "csr"),
        ({"csr": (4, 9, 0), "dense": (5, 8, 0), "bitmask": (6, 9, 0)}, "csr", "dense"),
        ({"csr": (4, 7, 1), "dense": (5, 8, 2), "bitmask": (6, 9, 0)}, "csr", "bitmask"),
    ],
    ids=["fewest bits", "first of equals", "fewest blocks", "the one that fits"],
)
def test_choice(rows: dict[str, tuple[int, int, int]], raw: str, on_device: str) -> None:
    assert choose(sizes_of(**rows)) == raw
    assert choose(sizes_of(**rows), "D") == on_device


@pytest.mark.parametrize(
    ("density", "lanes", "fmt"), [(0.05, 4, "csr"), (0.3, 4, "bitmask"), (1, 4, "dense")]
)
def test_choice_follows_the_density(density: float, lanes: int, fmt: str) -> None:
    assert choose(table(*synapses(100, 200, density), lanes=lanes, weight_bits=8)) == fmt


def test_table_as_text() -> None:
    lines = str(table(*synapses(784, 100, 0.5), lanes=4, weight_bits=8)).splitlines()
    assert lines[0].split() == ["format", "bits", "largest", "lane", *DEVICES]
    # UP5K: two lanes take 2 SPRAMs each, the others 50 block RAMs each of the 30.
    dense = "dense 705600 176400 737280 fits 737280 fits 286720 missing 258048 missing"
    assert lines[2].split() == dense.split()
