"""Does trxas do what it claims? The paper's campaign, the error bars, and what faults cost."""
