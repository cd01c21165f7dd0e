"""What light curves are read for."""
