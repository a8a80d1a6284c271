"""Export: a core with its memory images and a self-checking bench, as plain Verilog.

* :mod:`~prunus_rtl.export.plan`: what is built: hardware, store format, balanced lanes;
* :mod:`~prunus_rtl.export.netlist`: Verilog, with the contents of memories in files of their own;
* :mod:`~prunus_rtl.export.vectors`: what the bench sends and what the golden model answers;
* :mod:`~prunus_rtl.export.bench`: the Verilog bench;
* :mod:`~prunus_rtl.export.simulators`: runs it;
* :mod:`~prunus_rtl.export.ports`, :mod:`~prunus_rtl.export.sizes`,
  :mod:`~prunus_rtl.export.documents`: the README of the package;
* :mod:`~prunus_rtl.export.package`: writes all of it, or nothing.
"""
