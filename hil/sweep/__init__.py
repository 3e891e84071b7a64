"""Everything of one sort, tried without leaving anything out: the power cut at every octet and every tick."""
