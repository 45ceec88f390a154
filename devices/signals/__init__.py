"""Channel Access below the devices: reads that bypass the monitor cache, and statuses that explain their failures."""
