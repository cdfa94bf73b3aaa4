"""What a ServerApp keeps after each round, so that its run goes on where it was when a process or a machine died."""

FOLDER = "FLIP_CHECKPOINT_DIR"  # in a ServerApp's environment
