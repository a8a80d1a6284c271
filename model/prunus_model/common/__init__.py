"""What every part uses: errors, atomic files, provenance, messages."""
