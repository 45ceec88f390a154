"""Subcommands of `trxas`: each module adds its parser and runs."""
