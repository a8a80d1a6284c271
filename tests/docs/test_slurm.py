"""The script for Slurm, with stand-ins for what Slurm brings."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from prunus_cli import Cli, write_digits

pytestmark = pytest.mark.tools

SCRIPT = Path(__file__).parents[2] / "docs/site/how-to/slurm.sh"
LIST = """
[[sweeps]]
part = "sizes"
epochs = 1
config = ["tiny"]
data = ["digits.npz"]
seeds = [1, 2, 3, 4]
policies = [{ policy = "adaptive" }]
"""
#: Starts the command once for each of three tasks; ends them at its own end.
SRUN = """#!/bin/bash
[ "$1" = --kill-on-bad-exit=0 ] || exit 9
shift
trap 'kill $(jobs -p) 2>/dev/null' EXIT TERM
for _ in 1 2 3; do "$@" & done
wait
"""


@pytest.mark.skipif(not SCRIPT.exists(), reason="needs the checkout")
def test_script_gives_what_one_process_gives(tmp_path: Path, cli: Cli) -> None:
    write_digits(tmp_path / "digits.npz", train=600)
    Path("list.toml").write_text(LIST)
    cli.succeed("reproduce", "list.toml", "-j", "1", "--store", "one.sqlite", "-o", "one.json")
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "srun").write_text(SRUN)
    (tools / "srun").chmod(0o755)
    for name, module in (("dask", "dask"), ("prunus", "prunus_model")):
        start = f'-c "from {module}.cli import main; main()"' if name == "prunus" else "-m dask"
        (tools / name).write_text(f'#!/bin/bash\nexec "{sys.executable}" {start} "$@"\n')
        (tools / name).chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{tools}:{os.environ['PATH']}",
        "SLURM_JOB_ID": "7",
        "TMPDIR": str(tmp_path),
    }
    command = ["reproduce", "list.toml", "--store", "many.sqlite", "-o", "many.json"]
    # Standard error goes to a file: background tasks would keep a pipe open.
    with Path("err.txt").open("w") as err:
        done = subprocess.run(
            ["setsid", "--wait", "bash", str(SCRIPT), *command],
            cwd=tmp_path,
            env=environment,
            stdout=err,
            stderr=err,
            timeout=300,
            check=False,
        )
    assert done.returncode == 0, Path("err.txt").read_text()
    rows = [
        [
            {k: v for k, v in row.items() if k != "train_seconds"}
            for row in json.loads(Path(name).read_text())["runs"]
        ]
        for name in ("one.json", "many.json")
    ]
    assert rows[0] == rows[1] and len(rows[0]) == 4
    assert not Path("scheduler-7.json").exists()


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """The command line in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return Cli(tmp_path, monkeypatch, capsys)
