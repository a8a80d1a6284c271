"""Random streams: the vectors of the semantics, verbatim, and how draws become bytes."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prunus_model.engine.kernels import jump_tables
from prunus_model.reference.xorshift import Stream
from prunus_model.spec.random_streams import ENCODER, LEARNING, words

SEEDS = st.integers(0, 2**32 - 1)

#: Semantics, section 3, as it stands there.
VECTORS = """
| 1 | 0 | encoder | 0x0e24f40f | 840ed7fd 80da4825 f20f158a 0775e775 |
| 1 | 0 | learning | 0x0375a308 | 558be8c2 3ae42deb 547b5aa7 dadb0330 |
| 1 | 1 | encoder | 0xf2df19b0 | 2ccb39c4 35801b9d e887bc64 fe6d4fc1 |
| 0 | 0 | learning | 0x1a8cbfba | 220c99e7 97340e9f ca1b586c 83c79407 |
| 0xdeadbeef | 59999 | encoder | 0x6dc62eb3 | aa134ddb b6a1cdef 6c912641 437d6fcd |
| 0xdeadbeef | 59999 | learning | 0x609779b4 | 7b9672e4 0c9fa821 cae5696c 9ed38b88 |
"""


def vectors() -> list[Any]:
    rows = []
    constants = {"encoder": 0x243F6A88, "learning": 0x85A308D3}
    for line in VECTORS.strip().splitlines():
        seed, presentation, name, state, draws = (cell.strip() for cell in line.split("|")[1:-1])
        row = pytest.param(
            int(seed, 0),
            int(presentation),
            constants[name],
            int(state, 0),
            [int(draw, 16) for draw in draws.split()],
            id=f"{name} of seed {seed} in presentation {presentation}",
        )
        rows.append(row)
    return rows


def after(state: int, draws: int) -> int:
    """The state after some draws, one bit operation at a time."""
    for _ in range(draws):
        state = (state ^ (state << 13)) % 2**32
        state = state ^ (state >> 17)
        state = (state ^ (state << 5)) % 2**32
    return state


def test_constants_are_those_of_the_semantics() -> None:
    assert (ENCODER, LEARNING) == (0x243F6A88, 0x85A308D3)


@pytest.mark.parametrize(("seed", "presentation", "constant", "state", "draws"), vectors())
def test_streams_give_the_vectors_of_the_semantics(
    seed: int, presentation: int, constant: int, state: int, draws: list[int]
) -> None:
    stream = Stream(seed=seed, presentation=presentation, constant=constant)
    assert stream.state == state
    assert [stream.draw() for _ in range(4)] == draws


def test_draws_are_the_published_ones_of_marsaglia() -> None:
    stream = Stream(seed=0, presentation=0, constant=ENCODER)
    stream.state = 2463534242
    assert [stream.draw() for _ in range(3)] == [723471715, 2497366906, 2064144800]


@pytest.mark.parametrize("constant", [ENCODER, LEARNING], ids=["encoder", "learning"])
@pytest.mark.parametrize("presentation", [0, 1, 59999, 2**32 - 1], ids="presentation {}".format)
def test_seed_that_gives_state_0_falls_back(constant: int, presentation: int) -> None:
    seed = (presentation * 0x9E3779B9) % 2**32 ^ constant
    stream = Stream(seed=seed, presentation=presentation, constant=constant)
    assert stream.state == after(0x6D2B79F5, 8)
    neighbour = Stream(seed=seed ^ 1, presentation=presentation, constant=constant)
    assert neighbour.state == after(1, 8)


@given(seed=SEEDS, presentation=SEEDS, constant=st.sampled_from([ENCODER, LEARNING]))
def test_state_is_8_draws_after_the_mixed_seed(seed: int, presentation: int, constant: int) -> None:
    mixed = seed ^ (presentation * 0x9E3779B9) % 2**32 ^ constant
    stream = Stream(seed=seed, presentation=presentation, constant=constant)
    assert stream.state == after(mixed or 0x6D2B79F5, 8)
    assert stream.draw() == after(mixed or 0x6D2B79F5, 9)
    assert stream.state == after(mixed or 0x6D2B79F5, 9)


def test_sweep_gives_the_bytes_of_each_draw_from_the_lowest_up() -> None:
    stream = Stream(seed=1, presentation=0, constant=ENCODER)
    expected = [0xFD, 0xD7, 0x0E, 0x84, 0x25, 0x48, 0xDA, 0x80]
    assert stream.draw_bytes(8).tolist() == expected


@pytest.mark.parametrize(
    ("inputs", "draws"),
    [(1, 1), (2, 1), (3, 1), (4, 1), (5, 2), (7, 2), (8, 2), (9, 3), (49, 13), (784, 196)],
    ids=lambda number: f"{number}",
)
def test_pass_takes_one_draw_for_every_4_inputs_begun(inputs: int, draws: int) -> None:
    assert words(inputs) == draws
    stream = Stream(seed=1, presentation=0, constant=ENCODER)
    start = stream.state
    pass_ = stream.draw_bytes(inputs)
    assert len(pass_) == inputs
    assert stream.state == after(start, draws)
    # The second pass starts with a new draw; what was left of the last one is not used.
    assert stream.draw_bytes(inputs)[0] == after(start, draws + 1) % 256
    whole = [after(start, k // 4 + 1) >> 8 * (k % 4) & 255 for k in range(inputs)]
    assert pass_.tolist() == whole


def test_streams_of_presentations_do_not_depend_on_their_order() -> None:
    forwards = [Stream(seed=7, presentation=n, constant=LEARNING).draw() for n in range(5)]
    backwards = [Stream(seed=7, presentation=4 - n, constant=LEARNING).draw() for n in range(5)]
    assert forwards == backwards[::-1]
    assert len(set(forwards)) == 5


@pytest.mark.parametrize("draws", [0, 1, 2, 3, 13, 196, 200], ids="{} draws".format)
def test_jump_tables_advance_by_as_many_single_draws(draws: int) -> None:
    tables = jump_tables(draws)
    assert tables.shape == (4, 256)
    assert tables.dtype == np.uint32
    states = [1, 0x80000000, 0xFFFFFFFF, 0xDEADBEEF, 0, *(1 << bit for bit in range(32))]
    states += np.random.default_rng(draws).integers(0, 2**32, 50).tolist()
    for state in states:
        jumped = 0
        for byte in range(4):
            jumped ^= int(tables[byte, state >> 8 * byte & 255])
        assert jumped == after(state, draws), f"state {state:#x}"
