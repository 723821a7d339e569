"""Situations in which power pays: steppable, seeded, and their own state decides whether a risk was taken."""
