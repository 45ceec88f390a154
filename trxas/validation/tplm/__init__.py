"""Does photoluminescence microscopy do what it claims? Random films with hidden truths."""
