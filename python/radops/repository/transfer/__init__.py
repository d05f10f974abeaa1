"""Objects between the home and a remote: verified uploads and downloads."""
