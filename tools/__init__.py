"""What the system can see and do: tools declared once, the clients that leave the building, and the pure engines between them."""
