"""Statistics that several estimators share: a leaf that knows no traces."""
