"""What other installed packages add to trxas: found by their entry points, loaded by the layer that uses them."""
