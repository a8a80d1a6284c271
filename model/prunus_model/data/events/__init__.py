"""Events of sensors: readers, time binned into steps, and a simulator of saccades."""
