"""What other installed packages bring to trxas: found by their entry points, loaded by the layer that uses them."""
