"""From jaxprs to native code: import, passes, and conversion."""
