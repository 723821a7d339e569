"""Values estimated from the table of choices, whatever environment the choices were made in."""
