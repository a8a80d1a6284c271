"""The reference: one unit per file, as the equations of the specification."""
