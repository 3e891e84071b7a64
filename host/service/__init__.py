"""The service of a clinic: many rigs, one supervisor task each, behind one interface for programs."""
