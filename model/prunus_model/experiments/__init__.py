"""Commands that remake what comes with Prunus."""
