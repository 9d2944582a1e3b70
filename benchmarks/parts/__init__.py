"""What is measured, a file for each part; each answers what it has found."""
