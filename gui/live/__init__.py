"""The state of the current run, without widgets: documents come in, frames go out."""
