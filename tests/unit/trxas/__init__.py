"""Unit tests of trxas."""
