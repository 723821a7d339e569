"""The database that holds experiments, traces and scores, and the only way into it."""
