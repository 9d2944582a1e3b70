"""Read and write leads in CSV and NDJSON files."""
