"""The table of memories against what is accessed, and against sizes."""

from dataclasses import replace

import pytest

from prunus_counts import CORES
from prunus_model.spec.counters import Counters
from prunus_rtl.counts.memories import memories
from prunus_rtl.counts.presentation import presentation_accesses


@pytest.mark.parametrize("name", list(CORES))
def test_every_memory_access_belongs_to_one_memory(name: str) -> None:
    found = memories(CORES[name])
    counts = [count for memory in found for count in (*memory.reads, *memory.writes)]
    assert len(set(counts)) == len(counts)
    learning = CORES[name].hardware.learn
    c = Counters(
        presentations=1,
        steps=9,
        encoder_draws=0 if name == "events" else 9 * 13,
        learning_draws=13 * learning,
        input_spikes=40,
        integrated_spikes=40,
        output_spikes=1,
        forward_sops=100,
        update_sops=20 * learning,
        update_dense=49 * learning,
        pruned=2 * learning,
    )
    happened = presentation_accesses(CORES[name], c, learn=learning, number=3).as_dict()
    accessed = {n for n, count in happened.items() if n.endswith(("reads", "writes")) and count}
    assert accessed == set(counts)


def test_sizes_of_memories() -> None:
    found = {m.name: (m.instances, m.words, m.width) for m in memories(CORES["learning"])}
    assert found == {
        "levels": (1, 26, 32),
        "events": (1, 256, 7),
        "queue": (4, 16, 6),
        "rows": (4, 49, 3),
        "weights": (4, 147, 8),
        "v": (4, 3, 25),
        "v_fire": (4, 3, 23),
        "last_step": (1, 49, 9),
        "theta": (1, 10, 24),
        "strength": (1, 10, 14),
        "post_count": (1, 10, 16),
        "votes": (1, 100, 4),
        "scores": (1, 10, 12),
    }


def test_memories_of_a_packed_store_need_its_layout() -> None:
    with pytest.raises(ValueError, match="Layout must be given for a packed store, not None"):
        memories(replace(CORES["csr"], store=None))
