"""How much an occluded line has stored before the rig finds it, and how often the rig finds what is not there."""
