"""Background work: state, progress, log, queue and process of jobs."""
