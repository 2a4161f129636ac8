"""The main job on real data, as a client of the public API: `make demo`, `make demo DATA=FILE`."""
