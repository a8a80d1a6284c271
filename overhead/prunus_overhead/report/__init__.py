"""The report: one page that needs no network, and the same as JSON."""
