"""The compiled engine: equals the reference, and shares no code with it."""
