"""The parts are killed while programs run; no program, and no client, may notice."""
