"""Access to the memories of a core from outside."""
