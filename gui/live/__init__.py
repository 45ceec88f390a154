"""What is known of the run under way, without a widget: documents in, frames out."""
