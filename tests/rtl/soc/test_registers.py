"""Documents of the registers: all of them say what the table says."""

import importlib.util
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from prunus_rtl.bus.registers import REGISTERS
from prunus_rtl.soc import register_files as files_module
from prunus_rtl.soc.rdl import make_rdl
from prunus_rtl.soc.register_files import MISSING, has_exporters, register_files

needs_exporters = pytest.mark.skipif(not has_exporters(), reason="needs the extra soc")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("registers")
    for name, content in register_files().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder / "registers"


@pytest.mark.skipif(importlib.util.find_spec("systemrdl") is None, reason="needs systemrdl")
def test_rdl_is_the_table(tmp_path: Path) -> None:
    from systemrdl import RDLCompiler

    path = tmp_path / "prunus.rdl"
    path.write_text(make_rdl())
    compiler: Any = RDLCompiler()
    compiler.compile_file(str(path))
    top = compiler.elaborate().top
    found = {
        (reg.inst_name, reg.absolute_address, field.inst_name, field.lsb, field.width)
        for reg in top.registers()
        for field in reg.fields()
    }
    table = [(entry, field) for entry in REGISTERS for field in entry.fields]
    assert found == {
        (entry.name, entry.offset, field.name, field.lsb, field.width) for entry, field in table
    }
    for reg, entry in zip(top.registers(), REGISTERS, strict=True):
        assert reg.get_property("desc") == entry.description
        for field, said in zip(reg.fields(), entry.fields, strict=True):
            assert field.get_property("reset") == said.reset
            assert field.is_sw_readable == (said.access in ("ro", "rw", "w1c"))
            assert field.is_sw_writable == (said.access != "ro")
            onwrite = field.get_property("onwrite")
            assert (onwrite.name if onwrite else None) == {"w1c": "woclr", "w1s": "woset"}.get(
                said.access
            )
            assert (field.get_property("onread") is not None) == entry.read_effect


@needs_exporters
@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
def test_header_has_every_register_where_it_is(made: Path) -> None:
    lines = ["#include <stddef.h>", '#include "prunus_registers.h"']
    lines += [
        f"_Static_assert(offsetof(prunus_t, {entry.name}) == {entry.offset}, {entry.name!r});"
        for entry in REGISTERS
    ]
    (made / "check.c").write_text("\n".join(lines).replace("'", '"') + "\n")
    subprocess.run(
        ["gcc", "-std=c11", "-Wall", "-Werror", "-fsyntax-only", "check.c"], cwd=made, check=True
    )
    (made / "check.c").unlink()


@needs_exporters
def test_ip_xact_html_markdown_and_python_have_every_register(made: Path) -> None:
    root = ET.parse(made / "prunus.xml").getroot()
    space = root.tag.partition("}")[0] + "}"
    assert space == "{http://www.spiritconsortium.org/XMLSchema/SPIRIT/1685-2009}"
    found = {
        reg.findtext(f"{space}name"): int(
            str(reg.findtext(f"{space}addressOffset")).lstrip("'h"), 16
        )
        for reg in root.iter(f"{space}register")
    }
    assert found == {entry.name: entry.offset for entry in REGISTERS}
    markdown = (made / "prunus.md").read_text()
    pages = "".join(path.read_text() for path in (made / "html" / "content").iterdir())
    for entry in REGISTERS:
        assert entry.name in markdown and entry.name in pages
    assert (made / "html" / "index.html").exists()
    program = (
        "from prunus.reg_model.prunus import prunus_cls as c; "
        "from peakrdl_python.lib import NormalCallbackSet as s; "
        "t = c(callbacks=s(read_callback=lambda **k: 0, write_callback=lambda **k: None)); "
        "print(t.CONTROL.address, t.SPIKE.address)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=made / "python",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["64", "124"], done.stderr


@needs_exporters
def test_files_are_the_same_in_every_run_and_name_no_folder() -> None:
    first, second = register_files(), register_files()
    assert first == second
    for name, content in first.items():
        octets = content.encode() if isinstance(content, str) else content
        assert not re.search(rb"/tmp/|prunus-rdl-|prunus-registers-", octets), name
        assert "fonts" not in name and "launcher" not in name


def test_without_the_extra_the_source_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files_module, "has_exporters", lambda: False)
    assert set(register_files()) == {"registers/prunus.rdl"}
    assert "prunus[soc]" in MISSING
