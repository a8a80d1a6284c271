"""Documents of the registers, by the exporters of PeakRDL."""

from __future__ import annotations

import importlib.util
import re
import tempfile
from pathlib import Path
from typing import Any

from prunus_rtl.bus.registers import MAP_VERSION
from prunus_rtl.soc.rdl import make_rdl

__all__ = ["FOLDER", "MISSING", "has_exporters", "register_files"]

#: Where they are, in a package.
FOLDER = "registers"
#: What is said if the exporters are not there.
MISSING = (
    "Header, HTML, Markdown, IP-XACT and Python of the registers need the extra soc: "
    "pip install 'prunus[soc]'"
)
_MODULES = (
    "systemrdl",
    "peakrdl_cheader",
    "peakrdl_html",
    "peakrdl_ipxact",
    "peakrdl_markdown",
    "peakrdl_python",
)
#: What is left out of the HTML: typefaces (7 MB), for which browsers take others, and programs that
#: start a browser.
_LEFT_OUT = re.compile(r"html/(fonts/|\.?launcher)")
#: When the HTML was made: every package would be another one.
_TIME = re.compile(rb"(BUILD_TS = |\?ts=)\d+")


def has_exporters() -> bool:
    """Return whether all exporters are installed."""
    return all(importlib.util.find_spec(name) is not None for name in _MODULES)


def register_files() -> dict[str, str | bytes]:
    """Return the files, by name: the source, and all documents if the exporters are there.

    They are C header (C99), HTML, Markdown, IP-XACT (IEEE 1685-2009) and a Python package.
    """
    source = make_rdl()
    files: dict[str, str | bytes] = {f"{FOLDER}/prunus.rdl": source}
    if not has_exporters():
        return files
    with tempfile.TemporaryDirectory(prefix="prunus-registers-") as name:
        folder = Path(name)
        _export(source, folder)
        for path in sorted(folder.rglob("*")):
            at = path.relative_to(folder).as_posix()
            if path.is_file() and not _LEFT_OUT.match(at):
                files[f"{FOLDER}/{at}"] = _TIME.sub(rb"\g<1>0", path.read_bytes())
    return files


def _export(source: str, folder: Path) -> None:
    """Write all documents into a folder."""
    # Only here: the exporters are an extra.
    from peakrdl_cheader.exporter import CHeaderExporter
    from peakrdl_html import HTMLExporter
    from peakrdl_ipxact import IPXACTExporter, Standard
    from peakrdl_markdown import MarkdownExporter
    from peakrdl_python import PythonExporter
    from peakrdl_python.systemrdl_node_hashes import NodeHashingMethod
    from systemrdl import RDLCompiler

    with tempfile.TemporaryDirectory(prefix="prunus-rdl-") as scratch:
        path = Path(scratch) / "prunus.rdl"
        path.write_text(source)
        compiler: Any = RDLCompiler()
        compiler.compile_file(str(path))
        top = compiler.elaborate().top
        CHeaderExporter().export(top, str(folder / "prunus_registers.h"))
        HTMLExporter().export(top, str(folder / "html"))
        IPXACTExporter(
            vendor="prunus",
            library="core",
            version=str(MAP_VERSION),
            standard=Standard.IEEE_1685_2009,
        ).export(top, str(folder / "prunus.xml"))
        MarkdownExporter().export(top, str(folder / "prunus.md"))
        # Their own hashes differ from run to run.
        PythonExporter().export(
            top,
            str(folder / "python"),
            skip_test_case_generation=True,
            skip_library_copy=True,
            hashing_method=NodeHashingMethod.SHA256,
        )
