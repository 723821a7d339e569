"""The experiment file and its expansion into episode specifications; pure."""
