"""Host link: a core behind a byte stream."""
