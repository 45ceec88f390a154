"""The night's table: a row per run with its reduced numbers, its note, and columns of the user's own."""
