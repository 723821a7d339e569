"""Tables and documents made of scores and estimates."""
