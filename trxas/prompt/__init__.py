"""The prompt: output and commands of an IPython session."""
