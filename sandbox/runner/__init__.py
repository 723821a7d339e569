"""The episode loop: agents meet environments, and every step is handed to a recorder."""
