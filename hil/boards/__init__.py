"""Four ways to run the firmware behind one interface."""
