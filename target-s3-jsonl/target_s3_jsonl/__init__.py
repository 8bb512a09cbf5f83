"""Singer target that writes JSONL objects to S3 or a folder and acknowledges only what is stored."""
