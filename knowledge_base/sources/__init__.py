"""Where pages come from beside folders: what people upload, and what is fetched from the web."""
