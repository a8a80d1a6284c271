"""Otherwise equal cores without pruning, with constant and with adaptive pruning."""
