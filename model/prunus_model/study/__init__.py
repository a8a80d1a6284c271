"""The paper's claims as runs: a list, run in parallel and kept in one store, judged by code."""
