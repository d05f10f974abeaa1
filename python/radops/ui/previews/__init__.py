"""What is shown of the contents of files: bounded in bytes and time, and never as markup."""
