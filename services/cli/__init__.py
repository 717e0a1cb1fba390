"""The `wenzheng` command: finds services by name, starts any role of any, or all on one machine."""
