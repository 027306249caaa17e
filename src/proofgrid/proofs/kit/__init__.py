"""What proof systems share, written once; a third party builds its plug-in on it as ours do."""
