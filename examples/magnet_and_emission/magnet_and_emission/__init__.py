"""A technique of one's own for trxas: a magnet, and an X-ray emission analyser."""
