"""Trainings of the command line that several tests make."""

from pathlib import Path

from prunus_model.spec.config import NetworkConfig

#: Five intervals.
TRAIN = ("train", "-c", "tiny", "-d", "digits.npz", "-e", "2", "-o", "n.npz")
#: Two intervals, on the sample.
QUICK = ("train", "--set", "neurons=4", "--set", "encoder.steps=4", "-e", "1", "-o", "n.npz")
OUTPUT = Path("n.npz")
CHECKPOINT = Path("n.checkpoint.npz")
TINY = NetworkConfig.named("tiny")
