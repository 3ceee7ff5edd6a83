"""What ``make bench`` runs: the real server, asked over HTTP by another process, on a hospital of a given size."""
