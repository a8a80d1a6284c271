"""Compiled kernels of the engine: one presentation, and many.

Nothing here decides anything: each kernel computes exactly what the reference's unit of the same
name does, in an order and in widths that suit a processor:

- All steps of the encoder stream are drawn side by side. xorshift is linear over GF(2), so the
  state at the start of every step follows from the one before by four table look-ups.
- Weights are kept twice: row-major by input for the addition of rows, and by neuron for learning.
- Rows are added in 16 bits, eight at a time; 256 rows of bytes cannot overflow.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from prunus_model import random
from prunus_model.counters import COUNTERS
from prunus_model.formats import (
    POST_COUNT_BITS,
    PRESENTATION_BITS,
    STRENGTH_GAIN_SHIFT,
    THETA_BITS,
    V_FIRE_BITS,
    max_of,
)
from prunus_model.state import NO_STEP

__all__ = [
    "ADAPTIVE",
    "BLOCK",
    "CONSTANT",
    "FROZEN",
    "LANES",
    "LIVE",
    "NO_SWEEP_PRUNING",
    "PRUNED",
    "SOFT",
    "Net",
    "Params",
    "Run",
    "begin",
    "infer_many",
    "integrate",
    "jump_tables",
    "present",
    "present_events",
    "train_many",
]

#: Codes of the pruning policies that act while learning.
NO_SWEEP_PRUNING, CONSTANT, ADAPTIVE, SOFT = range(4)
#: Status of a synapse.
PRUNED, LIVE, FROZEN = range(3)
#: Steps whose spikes are found side by side; the arrays of steps are padded to a multiple of it.
LANES = 64
#: Neurons added side by side; rows are padded to a multiple of it with neurons that never fire.
BLOCK = 64

_U32 = np.uint32
_FLUSH = 256
_ENCODER, _LEARNING = random.ENCODER, random.LEARNING
_STRIDE, _FALLBACK, _DISCARD = random.STRIDE, random.FALLBACK, random.DISCARD
_MASK32, _PRESENTATION_MAX = max_of(32), max_of(PRESENTATION_BITS)
_THETA_MAX, _V_FIRE_MAX = max_of(THETA_BITS), max_of(V_FIRE_BITS)
_POST_COUNT_MAX = max_of(POST_COUNT_BITS)
_NO_MARGIN = -(1 << 30)

(
    _PRESENTATIONS,
    _STEPS,
    _INHIBITED_STEPS,
    _ENCODER_DRAWS,
    _LEARNING_DRAWS,
    _INPUT_SPIKES,
    _INTEGRATED_SPIKES,
    _OUTPUT_SPIKES,
    _FORWARD_SOPS,
    _FROZEN_SOPS,
    _FORWARD_DENSE,
    _UPDATE_SOPS,
    _UPDATE_DENSE,
    _PRUNED,
) = range(len(COUNTERS))


class Params(NamedTuple):
    """Numbers of a configuration, flat, for the kernels; names as in :mod:`prunus_model.config`."""

    inputs: int
    neurons: int
    words: int
    steps: int
    seed: int
    w_max: int
    leak_shift: int
    inhibition_steps: int
    v_th: int
    theta_plus: int
    theta_decay_shift: int
    fire_shift: int
    trace_window: int
    potentiation_shift: int
    depression_shift: int
    policy: int
    w_prune: int
    ramp_gain: int
    ramp_shift: int
    strength_gain: int
    start: int
    after_presentations: int
    min_spikes: int
    percent: int


class Net(NamedTuple):
    """What learning changes.

    Attributes
    ----------
    weights : ndarray of uint8, shape (inputs, neurons, padded)
    columns : ndarray of uint8, shape (neurons, inputs)
        The same weights, by neuron.
    status : ndarray of uint8, shape (neurons, inputs)
        :data:`PRUNED`, :data:`LIVE` or :data:`FROZEN`.
    row_alive, row_frozen : ndarray of int64, shape (inputs,)
        Synapses of each input that are not pruned; that are frozen.
    theta, strength, post_count, active_count : ndarray of int32, shape (neurons,)
        As in :class:`prunus_model.state.State`.
    """

    weights: npt.NDArray[np.uint8]
    columns: npt.NDArray[np.uint8]
    status: npt.NDArray[np.uint8]
    row_alive: npt.NDArray[np.int64]
    row_frozen: npt.NDArray[np.int64]
    theta: npt.NDArray[np.int32]
    strength: npt.NDArray[np.int32]
    post_count: npt.NDArray[np.int32]
    active_count: npt.NDArray[np.int32]


class Run(NamedTuple):
    """What one thread works in; ``v``, ``v_fire`` and ``last_step`` are state, the rest is not.

    Attributes
    ----------
    v, v_fire : ndarray of int32, shape (neurons, padded)
    sums : ndarray of uint16, shape (neurons, padded)
    last_step : ndarray of int16, shape (inputs,)
    lanes : ndarray of uint32, shape (steps, padded)
        States of the encoder stream, one for each step.
    hits : ndarray of uint64, shape (groups of 64 steps, inputs)
        Steps in which an input spikes, a bit each.
    events : ndarray of uint16, shape (steps, inputs)
        Spiking inputs of each step.
    event_counts : ndarray of int64, shape (steps, padded)
    random, column : ndarray of uint8, shape (4 * words,), (inputs,)
    changed : ndarray of uint16, shape (inputs + 1,)
        Inputs whose synapse a sweep changes.
    spike_steps, spike_posts : ndarray of int64, shape (steps,)
    spike_counts : ndarray of uint8, shape (neurons,)
    """

    v: npt.NDArray[np.int32]
    v_fire: npt.NDArray[np.int32]
    sums: npt.NDArray[np.uint16]
    last_step: npt.NDArray[np.int16]
    lanes: npt.NDArray[np.uint32]
    hits: npt.NDArray[np.uint64]
    events: npt.NDArray[np.uint16]
    event_counts: npt.NDArray[np.int64]
    random: npt.NDArray[np.uint8]
    column: npt.NDArray[np.uint8]
    changed: npt.NDArray[np.uint16]
    spike_steps: npt.NDArray[np.int64]
    spike_posts: npt.NDArray[np.int64]
    spike_counts: npt.NDArray[np.uint8]


def jump_tables(words: int) -> npt.NDArray[np.uint32]:
    """Return tables that advance xorshift32 by a number of draws at once.

    Parameters
    ----------
    words : int
        Draws.

    Returns
    -------
    ndarray of uint32, shape (4, 256)
        The new state is the exclusive or of one entry for each byte of the old state, from the
        least significant up.
    """
    basis = np.uint32(1) << np.arange(32, dtype=np.uint32)
    for _ in range(words):
        basis ^= basis << np.uint32(13)
        basis ^= basis >> np.uint32(17)
        basis ^= basis << np.uint32(5)
    byte = np.arange(256, dtype=np.uint32)
    tables = np.zeros((4, 256), dtype=np.uint32)
    for bit in range(32):
        tables[bit // 8] ^= np.where(byte >> np.uint32(bit % 8) & np.uint32(1), basis[bit], 0)
    return tables


@intrinsic
def _cttz(_typing: Any, _word: Any) -> Any:
    """Position of the lowest bit set in a word that is not 0."""

    def codegen(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), codegen


# For a type checker the decorator hides that the first argument is numba's own.
_lowest_bit: Any = _cttz


@njit(cache=True, inline="always")
def _xorshift(s: Any) -> Any:
    s = _U32(s ^ _U32(s << _U32(13)))
    s = _U32(s ^ _U32(s >> _U32(17)))
    return _U32(s ^ _U32(s << _U32(5)))


@njit(cache=True)
def _seeded(seed: int, presentation: int, constant: int) -> Any:
    s = _U32(seed ^ (presentation * _STRIDE & _MASK32) ^ constant)
    if s == 0:
        s = _U32(_FALLBACK)
    for _ in range(_DISCARD):
        s = _xorshift(s)
    return s


@njit(cache=True, nogil=True)
def _encode(levels: Any, presentation: int, p: Params, jump: Any, run: Run) -> None:
    """Draw all spikes of a presentation: `run.events` and `run.event_counts`."""
    lanes, hits, events, counts = run.lanes, run.hits, run.events, run.event_counts
    s = _seeded(p.seed, presentation, _ENCODER)
    for t in range(p.steps):
        counts[t] = 0
        lanes[t] = s
        s = (
            jump[0, s & _U32(255)]
            ^ jump[1, (s >> _U32(8)) & _U32(255)]
            ^ jump[2, (s >> _U32(16)) & _U32(255)]
            ^ jump[3, s >> _U32(24)]
        )
    # First compare all steps of an input side by side, a bit each; then list the bits by step.
    for k in range(p.words):
        for t in range(p.steps):
            lanes[t] = _xorshift(lanes[t])
        for b in range(min(4, p.inputs - 4 * k)):
            pre = 4 * k + b
            level = _U32(levels[pre])
            shift = _U32(8 * b)
            if level == 0:
                continue
            for group in range(hits.shape[0]):
                word = np.uint64(0)
                for t in range(LANES):
                    byte = _U32(_U32(lanes[LANES * group + t] >> shift) & _U32(255))
                    word |= np.uint64(byte < level) << np.uint64(t)
                hits[group, pre] = word
    for group in range(hits.shape[0]):
        first = LANES * group
        valid = ~np.uint64(0)
        if p.steps - first < LANES:
            valid = (np.uint64(1) << np.uint64(p.steps - first)) - np.uint64(1)
        for pre in range(p.inputs):
            if levels[pre] == 0:
                continue
            word = hits[group, pre] & valid
            while word != 0:
                t = first + _lowest_bit(word)
                word &= word - np.uint64(1)
                events[t, counts[t]] = pre
                counts[t] += 1


@njit(cache=True, nogil=True)
def _flush(v: Any, sums: Any) -> None:
    for j in range(v.shape[0]):
        v[j] += np.int32(sums[j])
        sums[j] = 0


@njit(cache=True, nogil=True)
def integrate(weights: Any, pres: Any, v: Any, sums: Any) -> None:
    """Add the rows of all spiking inputs, into `v` and `sums`."""
    neurons = v.shape[0]
    n = pres.shape[0]
    i = 0
    while i < n:
        end = min(n, i + _FLUSH)
        while i + 8 <= end:
            r0, r1, r2, r3 = (
                weights[pres[i]],
                weights[pres[i + 1]],
                weights[pres[i + 2]],
                weights[pres[i + 3]],
            )
            r4, r5, r6, r7 = (
                weights[pres[i + 4]],
                weights[pres[i + 5]],
                weights[pres[i + 6]],
                weights[pres[i + 7]],
            )
            for j in range(neurons):
                low = np.uint16(r0[j]) + np.uint16(r1[j]) + np.uint16(r2[j]) + np.uint16(r3[j])
                high = np.uint16(r4[j]) + np.uint16(r5[j]) + np.uint16(r6[j]) + np.uint16(r7[j])
                sums[j] = np.uint16(sums[j] + low + high)
            i += 8
        while i < end:
            r0 = weights[pres[i]]
            for j in range(neurons):
                sums[j] = np.uint16(sums[j] + np.uint16(r0[j]))
            i += 1
        if i < n:
            _flush(v, sums)


@njit(cache=True, nogil=True)
def _fire(v: Any, sums: Any, v_fire: Any, leak_shift: int) -> int:
    """Finish the sums, compare, leak; return the winner or -1.

    With a winner there is no leak: all potentials are reset anyway.
    """
    best = np.int32(_NO_MARGIN)
    for j in range(v.shape[0]):
        x = np.int32(v[j] + np.int32(sums[j]))
        v[j] = x
        sums[j] = 0
        best = max(best, np.int32(x - v_fire[j]))
    if best >= 0:
        j = 0
        while v[j] - v_fire[j] != best:
            j += 1
        return j
    if leak_shift > 0:
        shift = np.int32(leak_shift)
        for j in range(v.shape[0]):
            v[j] -= v[j] >> shift
    return -1


@njit(cache=True, nogil=True)
def _fire_threshold(theta: Any, strength: Any, p: Params) -> Any:
    if strength == 0:
        return _V_FIRE_MAX
    return min(_V_FIRE_MAX, ((p.v_th + theta) * strength) >> p.fire_shift)


@njit(cache=True, nogil=True)
def begin(learn: bool, presentation: int, p: Params, net: Net, run: Run) -> None:
    """Prepare a presentation (semantics, 4.1)."""
    if learn and presentation > 0:
        for j in range(p.neurons):
            net.theta[j] -= net.theta[j] >> p.theta_decay_shift
    for j in range(p.neurons):
        run.v_fire[j] = _fire_threshold(np.int64(net.theta[j]), np.int64(net.strength[j]), p)
        run.v[j] = 0
        run.sums[j] = 0
        run.spike_counts[j] = 0
    run.last_step[:] = NO_STEP


@njit(cache=True, nogil=True)
def _pruning_threshold(post_count: Any, strength: Any, presentation: int, p: Params) -> Any:
    if presentation < p.start:
        return 0
    if p.policy == CONSTANT:
        return p.w_prune
    if p.policy == ADAPTIVE:
        ramp = (post_count * p.ramp_gain) >> p.ramp_shift
        cap = (strength * p.strength_gain) >> STRENGTH_GAIN_SHIFT
        return min(ramp, cap, p.w_max)
    return 0


@njit(cache=True, nogil=True)
def _draw_pass(s: Any, words: int, out: Any) -> Any:
    for k in range(words):
        s = _xorshift(s)
        out[4 * k] = np.uint8(s)
        out[4 * k + 1] = np.uint8(s >> _U32(8))
        out[4 * k + 2] = np.uint8(s >> _U32(16))
        out[4 * k + 3] = np.uint8(s >> _U32(24))
    return s


@njit(cache=True, nogil=True)
def _sweep(
    column: Any,
    status: Any,
    last_step: Any,
    random: Any,
    new: Any,
    step: int,
    w_prune: int,
    p: Params,
) -> tuple[Any, Any]:
    """STDP and pruning of one neuron into `new`; return its strength and how many were live.

    Where anything is pruned, `w_prune` is at least 1: a live synapse is pruned iff it became 0.
    """
    up, down = np.uint16(p.potentiation_shift), np.uint16(p.depression_shift)
    up_mask, down_mask = np.uint16((1 << up) - 1), np.uint16((1 << down) - 1)
    w_max, threshold = np.uint16(p.w_max), np.uint16(w_prune)
    oldest = np.int16(max(0, step - p.trace_window))
    strength = np.uint32(0)
    live_count = np.uint32(0)
    for i in range(column.shape[0]):
        w = np.uint16(column[i])
        r = np.uint16(random[i])
        raised = np.uint16(
            w + np.uint16(np.uint16(np.uint16(w_max - w) + np.uint16(r & up_mask)) >> up)
        )
        lowered = np.uint16(w - np.uint16(np.uint16(w + np.uint16(r & down_mask)) >> down))
        x = raised if last_step[i] >= oldest else lowered
        live = status[i] == LIVE
        kept = live & (x >= threshold)
        x = x if kept else np.uint16(0)
        new[i] = np.uint8(x)
        strength += np.uint32(x)
        live_count += np.uint32(live)
    return np.int64(strength), np.int64(live_count)


@njit(cache=True, nogil=True)
def _learn(
    post: int, step: int, presentation: int, s: Any, p: Params, net: Net, run: Run, counters: Any
) -> Any:
    """Learn from one output spike; return the state of the learning stream."""
    theta: Any = min(_THETA_MAX, np.int64(net.theta[post]) + p.theta_plus)
    net.theta[post] = theta
    if net.post_count[post] < _POST_COUNT_MAX:
        net.post_count[post] += 1
    w_prune = _pruning_threshold(
        np.int64(net.post_count[post]), np.int64(net.strength[post]), presentation, p
    )
    s = _draw_pass(s, p.words, run.random)
    column, status = net.columns[post], net.status[post]
    strength, live_count = _sweep(
        column, status, run.last_step, run.random, run.column, step, w_prune, p
    )
    # First find what changes, without branches; then scatter only that.
    changes = 0
    for i in range(p.inputs):
        run.changed[changes] = i
        dies = (w_prune > 0) & (run.column[i] == 0) & (status[i] == LIVE)
        changes += dies | (run.column[i] != column[i])
    pruned = 0
    for c in range(changes):
        i = run.changed[c]
        x = run.column[i]
        column[i] = x
        net.weights[i, post] = x
        if (w_prune > 0) & (x == 0):
            status[i] = PRUNED
            net.row_alive[i] -= 1
            pruned += 1
    net.strength[post] = strength
    run.v_fire[post] = _fire_threshold(theta, strength, p)
    counters[_LEARNING_DRAWS] += p.words
    counters[_UPDATE_SOPS] += live_count
    counters[_UPDATE_DENSE] += p.inputs
    counters[_PRUNED] += pruned
    return s


@njit(cache=True, nogil=True)
def _freeze(p: Params, net: Net, run: Run, counters: Any) -> None:
    """Online soft pruning at the end of a learning presentation."""
    for post in range(p.neurons):
        if run.spike_counts[post] < p.min_spikes or net.active_count[post] == _POST_COUNT_MAX:
            continue
        net.active_count[post] += 1
        if net.active_count[post] != p.after_presentations:
            continue
        column, status = net.columns[post], net.status[post]
        histogram = np.zeros(p.w_max + 1, dtype=np.int64)
        for i in range(p.inputs):
            if status[i] == LIVE:
                histogram[column[i]] += 1
        left = histogram.sum() * p.percent // 100
        counters[_PRUNED] += left
        for w in range(p.w_max + 1):
            if histogram[w] == 0 or left == 0:
                continue
            for i in range(p.inputs):
                if left > 0 and status[i] == LIVE and column[i] == w:
                    status[i] = FROZEN
                    left -= 1
        strength = 0
        for i in range(p.inputs):
            if status[i] == FROZEN:
                if column[i] != 0:
                    column[i] = 0
                    net.weights[i, post] = 0
                net.row_frozen[i] += 1
            strength += column[i]
        net.strength[post] = strength


@njit(cache=True, nogil=True)
def _steps(
    learn: bool, stop_after: int, presentation: int, p: Params, net: Net, run: Run, counters: Any
) -> int:
    """Execute the steps of a presentation whose spikes are drawn; return the output spikes."""
    s = _seeded(p.seed, presentation, _LEARNING)
    begin(learn, presentation, p, net, run)
    inhibition = 0
    fired = 0
    for step in range(p.steps):
        n = run.event_counts[step]
        pres = run.events[step, :n]
        for i in range(n):
            run.last_step[pres[i]] = step
        counters[_STEPS] += 1
        counters[_INPUT_SPIKES] += n
        if inhibition > 0:
            inhibition -= 1
            counters[_INHIBITED_STEPS] += 1
            continue
        counters[_INTEGRATED_SPIKES] += n
        counters[_FORWARD_DENSE] += n * p.neurons
        sops = 0
        frozen = 0
        for i in range(n):
            sops += net.row_alive[pres[i]]
            frozen += net.row_frozen[pres[i]]
        counters[_FORWARD_SOPS] += sops
        counters[_FROZEN_SOPS] += frozen
        integrate(net.weights, pres, run.v, run.sums)
        post = _fire(run.v, run.sums, run.v_fire, p.leak_shift)
        if post >= 0:
            run.spike_steps[fired] = step
            run.spike_posts[fired] = post
            run.spike_counts[post] += 1
            fired += 1
            if learn:
                s = _learn(post, step, presentation, s, p, net, run, counters)
            run.v[:] = 0
            inhibition = p.inhibition_steps
            if fired == stop_after:
                break
    if learn and p.policy == SOFT:
        _freeze(p, net, run, counters)
    counters[_OUTPUT_SPIKES] += fired
    counters[_PRESENTATIONS] += 1
    return fired


@njit(cache=True, nogil=True)
def present(
    levels: Any,
    learn: bool,
    stop_after: int,
    presentation: int,
    p: Params,
    jump: Any,
    net: Net,
    run: Run,
    counters: Any,
) -> int:
    """Show one image; return the output spikes."""
    _encode(levels, presentation, p, jump, run)
    before = counters[_STEPS]
    fired = _steps(learn, stop_after, presentation, p, net, run, counters)
    counters[_ENCODER_DRAWS] += (counters[_STEPS] - before) * p.words
    return fired


@njit(cache=True, nogil=True)
def present_events(
    pres: Any,
    learn: bool,
    stop_after: int,
    presentation: int,
    p: Params,
    net: Net,
    run: Run,
    counters: Any,
) -> int:
    """Show the address events `pres`, one after the other by step; return the output spikes.

    `run.event_counts` holds how many belong to each step.
    """
    first = 0
    for step in range(p.steps):
        n = run.event_counts[step]
        run.events[step, :n] = pres[first : first + n]
        first += n
    return _steps(learn, stop_after, presentation, p, net, run, counters)


@njit(cache=True, nogil=True)
def train_many(
    levels: Any, first: int, p: Params, jump: Any, net: Net, run: Run, counters: Any, spikes: Any
) -> None:
    """Learn from many images; `spikes[image, neuron]` receives the output spikes."""
    for n in range(levels.shape[0]):
        present(levels[n], True, 0, (first + n) & _PRESENTATION_MAX, p, jump, net, run, counters)
        spikes[n] = run.spike_counts


@njit(cache=True, nogil=True)
def infer_many(
    levels: Any,
    stop_after: int,
    first: int,
    p: Params,
    jump: Any,
    net: Net,
    run: Run,
    counters: Any,
    spikes: Any,
) -> None:
    """Show many images without learning; `counters[image]`, `spikes[image, neuron]`."""
    for n in range(levels.shape[0]):
        presentation = (first + n) & _PRESENTATION_MAX
        present(levels[n], False, stop_after, presentation, p, jump, net, run, counters[n])
        spikes[n] = run.spike_counts
