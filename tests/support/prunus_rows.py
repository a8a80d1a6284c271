"""Rows of results, made up: what is judged and drawn can then be worked out by hand."""

from typing import Any

PARAMETER: dict[str, str] = {
    "adaptive": "strength_gain",
    "constant": "w_prune",
    "lift": "share",
    "post": "w_prune",
    "soft": "percent",
}


def row(
    policy: str = "none",
    seed: int = 1,
    *,
    vote: float = 0.94,
    inference: float = 1.0,
    training: float = 1.0,
    setting: int = 330,
    parts: dict[str, str] | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """A row of the paper's size; the hard readout is 0.3 points worse unless said otherwise."""
    values: dict[str, Any] = {
        "digest": f"{policy}{setting}{seed}",
        "parts": {"pareto": ""} if parts is None else parts,
        "data": "mnist",
        "config": "paper",
        "weights": 627_200,
        "neurons": 800,
        "groups": 1,
        "network": "",
        "epochs": 2,
        "policy": policy,
        "policy_setting": {PARAMETER[policy]: setting} if policy in PARAMETER else {},
        "weight_bits": 8,
        "settings": {},
        "seed": seed,
        "split": "test",
        "chose": False,
        "votes": "shares",
        "vote_bits": 4,
        "early_exit": 0,
        "margin": 0,
        "vote": vote,
        "hard": vote - 0.003,
        "undecided": 0,
        "inference_sop_fraction": inference,
        "inference_sop_fraction_without_frozen": inference,
        "training_sop_fraction": training,
        "training_sop_fraction_without_frozen": training,
        "update_sop_fraction": training,
        "forward_sops_per_inference": 2_000_000 * inference,
        "forward_sops_per_training_presentation": 2_000_000 * training,
        "steps_per_inference": 64.0,
        "output_spikes_per_inference": 4.0,
        "neuron_updates_per_inference": 51_200.0,
        "density": 1.0,
        "silent_neurons": 0,
        "strength_mean": 40_000.0,
        "strength_deviation": 8_000.0,
        "w_prune_early": [0] * 7,
        "w_prune_late": [0] * 7,
        "artifact_hash": "0" * 64,
        "train_seconds": 1.0,
    }
    return values | changes


def seeds(policy: str, count: int = 3, **values: Any) -> list[dict[str, Any]]:
    """Rows of some seeds, each 0.1 points better than the one before."""
    vote = values.pop("vote", 0.94)
    return [row(policy, n, vote=vote + 0.001 * n, **values) for n in range(1, count + 1)]
