"""What people may choose: each setting is declared once, and flag, variable and TOML key come from that."""
