"""An external technique for trxas: a magnet, and an X-ray emission analyser."""
