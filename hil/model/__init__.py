"""The model: a whole rig taken through random steps, each judged by the edges at the pins and the plant's tip."""
