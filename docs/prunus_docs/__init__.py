"""Writes measured results into the READMEs."""
