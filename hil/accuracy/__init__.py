"""How true the doses are that a calibrated rig gives: weighed at the tip, beside what commercial devices promise."""
