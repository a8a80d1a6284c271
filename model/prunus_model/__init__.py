"""Golden model of Prunus: a spiking network in exact integers that learns and prunes itself."""
