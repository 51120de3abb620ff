"""Background work: one kind of state, progress, log, queue and process for all of it."""
