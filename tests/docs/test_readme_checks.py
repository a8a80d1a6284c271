"""What finds wrong examples in documents finds them."""

from pathlib import Path

import pytest

from prunus_readmes import (
    ROOT,
    Block,
    WrongExampleError,
    blocks_of,
    check_command,
    commands_of,
    documents,
    dry_run,
    shown,
)

pytestmark = pytest.mark.skipif(not (ROOT / "Makefile").exists(), reason="needs the checkout")


def console(content: str) -> Block:
    return Block(document="a.md", line=1, language="console", content=content)


def test_documents_of_other_folders_are_left_out(tmp_path: Path) -> None:
    for name in ("a.md", "b/c.md", ".venv/d.md", "build/e.md", "b/.cache/f.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert documents(tmp_path) == ["a.md", "b/c.md"]
    assert {"README.md", "model/prunus_model/pretrained/README.md"} <= set(documents())


def test_blocks_are_found_with_line_and_language() -> None:
    text = (
        "# A\n\n```python\nx\n```\n\n~~~ toml y.toml more\ny\n~~~\n\n```\nz\n```\n\n    indented\n"
    )
    assert [(b.line, b.language, b.file, b.content) for b in blocks_of("a.md", text)] == [
        (3, "python", "", "x\n"),
        (7, "toml", "y.toml", "y\n"),
        (11, "", "", "z\n"),
        (15, "", "", "indented\n"),
    ]


def test_commands_are_told_from_their_output() -> None:
    one, two, three = commands_of(console("$ a  # why\nout\n  more\n$ b \\\n  -c\n$ d\n"))
    assert (one.line, one.plain, one.output) == (2, "a", "out\n  more\n")
    assert (two.line, two.plain, two.output) == (5, "b -c", "")
    assert three.plain == "d"


def test_console_without_a_prompt_is_refused() -> None:
    with pytest.raises(WrongExampleError, match=r"a\.md:2: a console block must begin with"):
        commands_of(console("prunus train\n"))


@pytest.mark.parametrize(
    ("expected", "same"),
    [
        ("two 2 %\nthree\n", True),
        ("two ... %\n", True),
        ("two 3 %\n", False),
        ("three\ntwo 2 %\n", False),
        ("thre\n", False),
    ],
)
def test_output_is_compared_line_by_line(expected: str, same: bool) -> None:
    assert shown(expected, "one\ntwo  2 %\nthree\n") is same


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("prunus teach", "prunus has no command 'teach'"),
        ("prunus train --epoch-count 2", "No such option"),
        ("prunus train --epochs many", "must be a whole number"),
        ("prunus inspect", "Missing argument"),
        ("prunus config demo paper", "unexpected extra argument"),
        ("python -m prunus_nothing.at_all", "there is no module 'prunus_nothing.at_all' to run"),
        ("python -m prunus_model", "there is no module 'prunus_model.__main__' to run"),
        ("python -m prunus_docs --chekc", "No such option"),
        ("python none.py", "there is no file 'none.py' to run"),
        ("python -c 1", "no check is known for 'python -c 1'"),
        ("python -m prunus_model.data.make_sample --fast", "takes no arguments"),
        ("python -m pytest -m slow", "pytest has no marker slow"),
        ("python -m pytest tests/none", "there are no tests in 'tests/none'"),
        ("pip install prunus[board]", "there is no extra board"),
        ("make tea", "No rule to make target 'tea'"),
        ("make bitstream BORD=icebreaker", "the Makefile reads no variable 'BORD'"),
        ("make sim now", "the Makefile reads no variable 'now'"),
        ("cargo run", "no check is known for 'cargo run'"),
    ],
)
def test_wrong_command_is_refused(command: str, message: str) -> None:
    (parsed,) = commands_of(console(f"$ {command}\n"))
    with pytest.raises(WrongExampleError) as caught:
        check_command(parsed.argv)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "command",
    [
        "prunus train --epochs 5 --output demo.npz  # seconds",
        "prunus config paper > my.toml",
        "prunus train --help",
        "python -m prunus_docs --check",
        "python -m pytest -n auto -m 'sim or formal' tests/sim",
        "pip install 'prunus[boards,sim]' dask[array]",
        "make bitstream BOARD=icebreaker SEEDS=3",
    ],
)
def test_right_command_is_accepted(command: str) -> None:
    (parsed,) = commands_of(console(f"$ {command}\n"))
    check_command(parsed.argv)


def test_recipe_of_a_target_is_checked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text("demo:\n\t.venv/bin/prunus train \\\n\t  --epoch-count 5\n")
    monkeypatch.setattr("prunus_readmes.ROOT", tmp_path)
    assert list(dry_run("demo")) == [[".venv/bin/prunus", "train", "--epoch-count", "5"]]
    with pytest.raises(WrongExampleError, match="No such option"):
        check_command(["make", "demo"])
