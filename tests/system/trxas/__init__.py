"""System tests of trxas."""
