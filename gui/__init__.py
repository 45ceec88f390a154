"""What people see: live transients, stored runs, and the buttons that pause, resume and stop."""
