"""The storm: random schedules of acts and faults on a whole rig, judged by what the plant saw."""

import logging

# What a host says of every lost link is no news in a storm.
logging.getLogger("host").addHandler(logging.NullHandler())
