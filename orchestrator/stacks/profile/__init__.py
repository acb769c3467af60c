"""An archive of our own that follows a vendor profile, and never claims to be the product."""
