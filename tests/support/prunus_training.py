"""Trainings of a study, as a plan has them."""

from prunus_cli import tiny
from prunus_model.study.plan import Training
from prunus_model.study.rule import Rule


def training(seed: int = 1, *, exits: tuple[int, ...] = (0,), policy: str = "adaptive") -> Training:
    """A training that nothing is looked up for."""
    return Training(
        digest=f"{policy}{seed}",
        data="digits.npz",
        config_name="tiny",
        config=tiny(policy, seed=seed),
        policy_setting={"percent": 20},
        epochs=1,
        rules={Rule(early_exit=n): ("sizes",) for n in exits},
        parts={"sizes": ""},
        settings={},
        validate=False,
        chose=False,
        presentations=4800,
    )
