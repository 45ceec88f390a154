"""Plans of transient photoluminescence microscopy."""
