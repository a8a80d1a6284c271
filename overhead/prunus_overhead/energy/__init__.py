"""Energy of a presentation, in classes that are never mixed: operations, memories, activity."""
